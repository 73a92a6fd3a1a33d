"""Secrets of applications replaced without an outage: both work for some time, the old one ends by itself."""

from __future__ import annotations

import dataclasses
import re
import threading
import time

import pytest

from harness.world import hex_id
from test_applications_sdk import make_user  # noqa: F401 (a fixture)
from test_caller_authentication import App, authorize, call_signed, make_app, refused


@pytest.fixture
def app(world) -> App:
    return make_app(world)


@pytest.fixture
def api(world, app):
    made = world.make_api(auth_type="APP")
    authorize(world, app, made)
    return made


def rotate(world, app: App, overlap: int | None = None, **fields) -> tuple[App, dict]:
    """The application with its new secret, and the answer."""
    body = {**fields} if overlap is None else {"overlap_seconds": overlap, **fields}
    made = world.api.expect(201, "POST", f"/apps/{app.id}/secrets", body or None)
    return dataclasses.replace(app, secret=made["secret"]), made


def secrets(world, app: App) -> list[dict]:
    listed = world.api.expect(200, "GET", f"/apps/{app.id}/secrets")
    assert listed["total"] == listed["size"] == len(listed["secrets"])
    return listed["secrets"]


def works(world, api, app: App) -> bool:
    reply = call_signed(world, api, app)
    if reply.status != 200:
        refused(reply, 401, "0303")
    return reply.status == 200


def test_both_work_until_the_old_one_is_ended(world, api, app):
    new, made = rotate(world, app, 3600)
    assert re.fullmatch("[A-Za-z0-9]{16}", new.secret) and new.secret != app.secret
    assert works(world, api, app) and works(world, api, new)
    assert world.api.expect(200, "GET", f"{world.api.public_path}/apps/{app.id}/secret")["secret"] == new.secret
    present, ending = secrets(world, app)
    assert (present["id"], present["status"], ending["id"], ending["status"]) == (
        made["id"], "present", made["old_id"], "ending")
    assert "end_time" not in present and ending["end_time"][:19] == made["old_end_time"][:19]
    world.api.expect(204, "DELETE", f"/apps/{app.id}/secrets/{made['old_id']}")
    assert not works(world, api, app) and works(world, api, new)
    assert [entry["id"] for entry in secrets(world, app)] == [made["id"]]


def test_the_old_one_ends_by_itself(world, api, app):
    new, _ = rotate(world, app, 2)
    began = time.monotonic()
    with world.connect() as wire:
        while call_signed(world, api, app, wire=wire).status == 200:
            assert time.monotonic() - began < 20, "it does not end"
        assert call_signed(world, api, new, wire=wire).status == 200
    assert time.monotonic() - began > 1
    assert len(secrets(world, app)) == 1


def test_without_overlap_it_ends_at_once(world, api, app):
    new, made = rotate(world, app)
    assert "old_id" not in made
    assert not works(world, api, app) and works(world, api, new)


def test_resetting_ends_all_of_them(world, api, app):
    """The contract's own operation keeps its meaning."""
    second, _ = rotate(world, app, 3600)
    reset = world.api.expect(200, "PUT", f"{world.api.public_path}/apps/{app.id}/secret")["secret"]
    third = dataclasses.replace(app, secret=reset)
    assert [works(world, api, one) for one in (app, second, third)] == [False, False, True]
    assert len(secrets(world, app)) == 1


def test_uses_are_counted(world, api, app):
    first = secrets(world, app)[0]
    assert (first["use_count"], "last_use_time" in first) == (0, False)
    new, _ = rotate(world, app, 3600)
    for caller, calls in ((app, 3), (new, 2)):
        for _ in range(calls):
            assert works(world, api, caller)
    assert not works(world, api, dataclasses.replace(app, secret="another")), "what proves nothing counts for nobody"
    present, ending = secrets(world, app)
    assert (present["use_count"], ending["use_count"]) == (2, 3)
    assert present["last_use_address"] == ending["last_use_address"] == "127.0.0.1"
    assert present["last_use_time"] >= ending["last_use_time"]
    assert ending["id"] == first["id"], "it is the same one as before"


def test_no_refusal_while_secrets_are_replaced(world, api, app):
    """Callers that pick up each secret some time after it was made."""
    current, answers, stop = [app], [[] for _ in range(4)], threading.Event()

    def calls(mine: list[int]) -> None:
        with world.connect() as wire:
            while not stop.is_set():
                mine.append(call_signed(world, api, current[0], wire=wire).status)

    def wait() -> None:
        """Until every caller has begun and ended a call since."""
        wanted = [len(mine) + 2 for mine in answers]
        while any(len(mine) < count for mine, count in zip(answers, wanted)):
            assert all(thread.is_alive() for thread in threads)
            time.sleep(0.001)

    threads = [threading.Thread(target=calls, args=[mine]) for mine in answers]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            old = current[0]
            new, made = rotate(world, old, 3600)
            wait()
            current[0] = new
            wait()
            world.api.expect(204, "DELETE", f"/apps/{app.id}/secrets/{made['old_id']}")
            assert not works(world, api, old)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for mine in answers for status in mine} == {200}


def test_it_survives_a_restart(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    app = make_app(world)
    api = world.make_api(auth_type="APP")
    authorize(world, app, api)
    new, _ = rotate(world, app, 3600)
    assert works(world, api, app)
    before = secrets(world, app)
    program.stop()
    world = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert works(world, api, app) and works(world, api, new)
    after = secrets(world, app)
    assert [(one["id"], one.get("end_time")) for one in after] == [(one["id"], one.get("end_time")) for one in before]
    assert [one["use_count"] for one in after] == [1, 2]


def test_refusals(world, app):
    call, path = world.api, f"/apps/{app.id}/secrets"
    for body, field in [
        ({"overlap_seconds": -1}, "overlap_seconds"), ({"overlap_seconds": 31_536_001}, "overlap_seconds"),
        ({"secret": "with space"}, "secret"), ({"secret": app.secret}, "secret")]:
        assert f"parameterName:{field}." in call.refused(400, "APIG.2011", "POST", path, body)
    call.refused(404, "APIG.3004", "POST", f"/apps/{hex_id()}/secrets", {})
    call.refused(404, "APIG.3004", "GET", f"/apps/{hex_id()}/secrets")
    assert "parameterName:secret_id." in call.refused(400, "APIG.2012", "DELETE", f"{path}/{hex_id()}")
    call.refused(409, "APIG.3400", "DELETE", f"{path}/{secrets(world, app)[0]['id']}")
    made = [rotate(world, app, 3600, secret=f"own-secret-{n}")[1] for n in range(3)]
    call.refused(403, "APIG.3100", "POST", path, {"overlap_seconds": 1})
    assert "parameterName:secret." in call.refused(400, "APIG.2011", "POST", path, {"secret": "own-secret-1"})
    call.expect(204, "DELETE", f"{path}/{made[0]['old_id']}")
    rotate(world, app, 3600)


def test_roles(world, app, make_user):  # noqa: F811
    path = f"/apps/{app.id}/secrets"
    _, reader = make_user("reader")
    assert reader.expect(200, "GET", path)["total"] == 1
    reader.refused(403, "APIG.1005", "POST", path, {})
    _, stranger = make_user("operator")
    for method, target in [("GET", path), ("POST", path), ("DELETE", f"{path}/{hex_id()}")]:
        stranger.refused(403, "APIG.1104", method, target)
