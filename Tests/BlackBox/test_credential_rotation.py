"""AppCodes and signature keys replaced without an outage, and the setting for the contract's own reset of secrets."""

from __future__ import annotations

import base64
import dataclasses
import re
import threading
import time

import pytest

from harness import signatures
from harness.backend import json_answer
from harness.world import hex_id
from test_applications_sdk import make_user  # noqa: F401 (a fixture)
from test_caller_authentication import App, authorize, call_signed, https, make_app, refused
from test_secret_rotation import secrets, works


@pytest.fixture
def app(world) -> App:
    return make_app(world)


# AppCodes --------------------------------------------------------------------------------------------


@pytest.fixture
def coded(world, app):
    made = world.make_api(auth_type="APP", auth_opt={"app_code_auth_type": "HEADER"})
    authorize(world, app, made)
    return made


@pytest.fixture
def code(world, app) -> dict:
    return world.api.expect(201, "PUT", f"/apps/{app.id}/app-codes")


def at(app: App, code: dict) -> str:
    return f"/apps/{app.id}/app-codes/{code['id']}/secrets"


def takes(world, api, text: str) -> bool:
    status, answer = https(world, api, {"X-Apig-AppCode": text})
    if status != 200:
        assert (status, answer["error_code"]) == (401, "APIC.0303")
    return status == 200


def listed(world, path: str) -> list[dict]:
    answer = world.api.expect(200, "GET", path)
    assert answer["total"] == answer["size"] == len(answer["secrets"])
    return answer["secrets"]


def test_codes_overlap_until_the_old_one_is_ended(world, app, coded, code):
    path = at(app, code)
    made = world.api.expect(201, "POST", path, {"overlap_seconds": 3600})
    assert re.fullmatch("[0-9a-f]{64}", made["app_code"]) and made["app_code_id"] == code["id"] and made["app_id"] == app.id
    assert takes(world, coded, code["app_code"]) and takes(world, coded, made["app_code"])
    one = world.api.expect(201, "GET", f"/apps/{app.id}/app-codes/{code['id']}")
    assert one["app_code"] == made["app_code"], "it is the same code with another value"
    assert world.api.expect(200, "GET", f"/apps/{app.id}/app-codes")["total"] == 1
    present, ending = listed(world, path)
    assert (present["id"], present["status"], ending["id"], ending["status"]) == (made["id"], "present", made["old_id"], "ending")
    assert (present["use_count"], ending["use_count"]) == (1, 1)
    assert present["last_use_address"] == ending["last_use_address"] == "127.0.0.1"
    world.api.expect(204, "DELETE", f"{path}/{made['old_id']}")
    assert not takes(world, coded, code["app_code"]) and takes(world, coded, made["app_code"])
    assert [entry["id"] for entry in listed(world, path)] == [made["id"]]


def test_an_old_code_ends_by_itself(world, app, coded, code):
    made = world.api.expect(201, "POST", at(app, code), {"overlap_seconds": 2})
    began = time.monotonic()
    while takes(world, coded, code["app_code"]):
        assert time.monotonic() - began < 20, "it does not end"
    assert time.monotonic() - began > 1
    assert takes(world, coded, made["app_code"])
    assert len(listed(world, at(app, code))) == 1
    # What has ended is free again, also for others.
    other = make_app(world)
    world.api.expect(201, "POST", f"/apps/{other.id}/app-codes", {"app_code": code["app_code"]})
    authorize(world, other, coded)
    assert takes(world, coded, code["app_code"])
    world.api.expect(201, "POST", at(app, code))
    assert takes(world, coded, code["app_code"]), "it is the other one's now"


def test_a_code_without_overlap_ends_at_once(world, app, coded, code):
    own = "own-code-" + "x" * 60
    made = world.api.expect(201, "POST", at(app, code), {"app_code": own})
    assert made["app_code"] == own and "old_id" not in made
    assert not takes(world, coded, code["app_code"]) and takes(world, coded, own)


def test_a_code_that_is_deleted_ends_with_all_its_values(world, app, coded, code):
    made = world.api.expect(201, "POST", at(app, code), {"overlap_seconds": 3600})
    world.api.expect(204, "DELETE", f"/apps/{app.id}/app-codes/{code['id']}")
    assert not takes(world, coded, code["app_code"]) and not takes(world, coded, made["app_code"])
    world.api.expect(201, "POST", f"/apps/{app.id}/app-codes", {"app_code": code["app_code"]})
    assert takes(world, coded, code["app_code"])


def test_code_refusals(world, app, code):
    call, path = world.api, at(app, code)
    assert "parameterName:overlap_seconds." in call.refused(400, "APIG.2011", "POST", path, {"overlap_seconds": -1})
    assert "parameterName:overlap_seconds." in call.refused(400, "APIG.2011", "POST", path, {"overlap_seconds": 31_536_001})
    assert "parameterName:app_code." in call.refused(400, "APIG.2011", "POST", path, {"app_code": "short"})
    taken = call.expect(201, "PUT", f"/apps/{make_app(world).id}/app-codes")["app_code"]
    for text in (code["app_code"], taken):
        call.refused(409, "APIG.3400", "POST", path, {"app_code": text})
    call.refused(404, "APIG.3082", "POST", f"/apps/{app.id}/app-codes/{hex_id()}/secrets")
    call.refused(404, "APIG.3082", "GET", f"/apps/{app.id}/app-codes/{hex_id()}/secrets")
    call.refused(404, "APIG.3004", "GET", f"/apps/{hex_id()}/app-codes/{code['id']}/secrets")
    assert "parameterName:secret_id." in call.refused(400, "APIG.2012", "DELETE", f"{path}/{hex_id()}")
    call.refused(409, "APIG.3400", "DELETE", f"{path}/{listed(world, path)[0]['id']}")
    made = [call.expect(201, "POST", path, {"overlap_seconds": 3600}) for _ in range(3)]
    call.refused(403, "APIG.3100", "POST", path, {"overlap_seconds": 1})
    call.refused(409, "APIG.3400", "POST", path, {"app_code": made[0]["app_code"]})
    # A value that goes on working is nobody else's either.
    call.refused(409, "APIG.3400", "POST", f"/apps/{make_app(world).id}/app-codes", {"app_code": made[0]["app_code"]})


def test_code_roles(world, app, code, make_user):  # noqa: F811
    path = at(app, code)
    _, reader = make_user("reader")
    assert reader.expect(200, "GET", path)["total"] == 1
    reader.refused(403, "APIG.1005", "POST", path, {})
    _, stranger = make_user("operator")
    for method, target in [("GET", path), ("POST", path), ("DELETE", f"{path}/{hex_id()}")]:
        stranger.refused(403, "APIG.1104", method, target)


# Signature keys --------------------------------------------------------------------------------------


@pytest.fixture
def sign(world) -> dict:
    return world.make_sign()


@pytest.fixture
def signed(world, sign):
    made = world.make_api()
    world.bind_sign(sign, made)
    return made


def signer(world, api, backend, *pairs: tuple[str, str]) -> tuple[str, str]:
    """Which of the pairs of key and secret has signed a request of now."""
    assert world.call(api, "POST", body=b"some").status == 200
    for key, secret in pairs:
        try:
            signatures.verify_hmac(backend.last, {key: secret})
            return key, secret
        except signatures.Refused:
            continue
    raise AssertionError("none of them has signed")


def pair(sign: dict) -> tuple[str, str]:
    return sign["sign_key"], sign["sign_secret"]


def test_signing_switches_when_the_old_one_is_ended(world, sign, signed, backend):
    path = f"/signs/{sign['id']}/secrets"
    made = world.api.expect(201, "POST", path, {"overlap_seconds": 3600})
    assert made["sign_id"] == sign["id"] and made["sign_key"] == sign["sign_key"] and made["sign_secret"] != sign["sign_secret"]
    assert made["switch_time"][:19] == made["old_end_time"][:19]
    assert signer(world, signed, backend, pair(sign), pair(made)) == pair(sign), "backends are taught the new one meanwhile"
    present, ending = listed(world, path)
    assert (present["id"], present["status"], present["signing"]) == (made["id"], "present", False)
    assert (ending["id"], ending["status"], ending["signing"]) == (made["old_id"], "ending", True)
    assert (present["use_count"], ending["use_count"]) == (0, 1)
    assert ending["last_use_api_id"] == signed.id and "last_use_time" not in present
    world.api.expect(204, "DELETE", f"{path}/{made['old_id']}")
    assert signer(world, signed, backend, pair(sign), pair(made)) == pair(made)
    (only,) = listed(world, path)
    assert (only["id"], only["signing"], only["use_count"]) == (made["id"], True, 1)
    shown = next(one for one in world.api.expect(200, "GET", f"/signs?id={sign['id']}")["signs"])
    assert shown["sign_secret"] == made["sign_secret"]


def test_signing_switches_by_itself(world, sign, signed, backend):
    made = world.api.expect(201, "POST", f"/signs/{sign['id']}/secrets", {"overlap_seconds": 3600, "switch_after_seconds": 2})
    began = time.monotonic()
    while signer(world, signed, backend, pair(sign), pair(made)) == pair(sign):
        assert time.monotonic() - began < 20, "it does not switch"
    assert time.monotonic() - began > 1
    present, ending = listed(world, f"/signs/{sign['id']}/secrets")
    assert (present["signing"], ending["signing"], ending["status"]) == (True, False, "ending"), "it may still be verified"


def test_the_new_one_may_sign_at_once(world, sign, signed, backend):
    made = world.api.expect(201, "POST", f"/signs/{sign['id']}/secrets", {
        "overlap_seconds": 3600, "switch_after_seconds": 0, "sign_key": "second_key_01", "sign_secret": "second_secret_0123"})
    assert pair(made) == ("second_key_01", "second_secret_0123")
    assert signer(world, signed, backend, pair(sign), pair(made)) == pair(made)
    assert [one["sign_key"] for one in listed(world, f"/signs/{sign['id']}/secrets")] == ["second_key_01", sign["sign_key"]]


def test_a_later_replacement_does_not_bring_an_earlier_one_back(world, sign, signed, backend):
    path = f"/signs/{sign['id']}/secrets"
    second = world.api.expect(201, "POST", path, {"overlap_seconds": 3600})
    third = world.api.expect(201, "POST", path, {"overlap_seconds": 3600})
    everybody = [pair(sign), pair(second), pair(third)]
    assert signer(world, signed, backend, *everybody) == pair(sign)
    world.api.expect(204, "DELETE", f"{path}/{second['old_id']}")
    assert signer(world, signed, backend, *everybody) == pair(second)
    world.api.expect(204, "DELETE", f"{path}/{third['old_id']}")
    assert signer(world, signed, backend, *everybody) == pair(third)


def test_a_change_by_hand_is_in_force_at_once(world, sign, signed, backend):
    path = f"/signs/{sign['id']}/secrets"
    made = world.api.expect(201, "POST", path, {"overlap_seconds": 3600})
    world.api.expect(200, "PUT", f"/signs/{sign['id']}", {"name": sign["name"], "sign_type": "hmac"})
    assert len(listed(world, path)) == 2, "a name is no secret"
    third = {**sign, "sign_secret": "third_secret_0123"}
    world.api.expect(200, "PUT", f"/signs/{sign['id']}", {"name": sign["name"], "sign_secret": third["sign_secret"]})
    assert signer(world, signed, backend, pair(sign), pair(made), pair(third)) == pair(third)
    assert len(listed(world, path)) == 1


def test_basic_and_aes(world, backend):
    basic, aes = world.make_sign("basic"), world.make_sign("aes", sign_algorithm="aes-128-cfb")
    first, second = world.make_api(), world.make_api()
    world.bind_sign(basic, first)
    world.bind_sign(aes, second)
    made = world.api.expect(201, "POST", f"/signs/{basic['id']}/secrets", {"overlap_seconds": 60, "switch_after_seconds": 0})
    assert world.call(first).status == 200
    expected = base64.b64encode(f"{basic['sign_key']}:{made['sign_secret']}".encode()).decode()
    assert backend.last.one("Authorization") == f"Basic {expected}"
    made = world.api.expect(201, "POST", f"/signs/{aes['id']}/secrets", {"overlap_seconds": 60, "switch_after_seconds": 0})
    assert len(made["sign_key"]) == 16 and made["sign_key"] != aes["sign_key"]
    assert world.call(second).status == 200
    signatures.verify_aes(backend.last, {aes["name"]: pair(made)})


def test_public_keys(world, backend):
    world.feature("public_key", {"enable": "on", "public_key_uri_prefix": "/keys/"})
    try:
        key = world.make_sign("public_key")
        api = world.make_api()
        world.bind_sign(key, api)

        def served() -> list[bytes]:
            text = world.call(api, target=f"/keys/{key['name']}").body
            end = b"-----END PUBLIC KEY-----"
            return [block.strip() + b"\n" + end + b"\n" for block in text.split(end) if block.strip()]

        (old,) = served()
        path = f"/signs/{key['id']}/secrets"
        made = world.api.expect(201, "POST", path, {"overlap_seconds": 3600})
        both = served()
        assert len(both) == 2 and both[0] == old, "the one that signs comes first"
        assert world.call(api).status == 200
        signatures.verify_rsa(backend.last, {key["name"]: both[0]})
        world.api.expect(204, "DELETE", f"{path}/{made['old_id']}")
        assert world.call(api).status == 200
        signatures.verify_rsa(backend.last, {key["name"]: both[1]})
        assert served() == [both[1]]
        world.api.refused(400, "APIG.2001", "POST", path, {"sign_key": made["sign_key"]})
        # By itself, too.
        world.api.expect(201, "POST", path, {"overlap_seconds": 2, "switch_after_seconds": 1})
        began = time.monotonic()
        while len(served()) == 2:
            assert time.monotonic() - began < 20, "it does not end"
        assert served() != [both[1]]
    finally:
        world.feature("public_key", {"enable": "off", "public_key_uri_prefix": "/apigw/authadv/v2/public-key/"}, enable=False)


def test_sign_refusals(world, sign):
    call, path = world.api, f"/signs/{sign['id']}/secrets"
    for body, field in [
        ({"overlap_seconds": -1}, "overlap_seconds"), ({"overlap_seconds": 31_536_001}, "overlap_seconds"),
        ({"overlap_seconds": 5, "switch_after_seconds": 6}, "switch_after_seconds"),
        ({"switch_after_seconds": -1}, "switch_after_seconds"), ({"sign_secret": "short"}, "sign_secret"),
        ({"sign_key": "no"}, "sign_key"), ({"sign_secret": sign["sign_secret"]}, "sign_secret")]:
        assert f"parameterName:{field}." in call.refused(400, "APIG.2011", "POST", path, body)
    call.refused(404, "APIG.3017", "POST", f"/signs/{hex_id()}/secrets", {})
    call.refused(404, "APIG.3017", "GET", f"/signs/{hex_id()}/secrets")
    call.refused(404, "APIG.3017", "DELETE", f"/signs/{hex_id()}/secrets/{hex_id()}")
    assert "parameterName:secret_id." in call.refused(400, "APIG.2012", "DELETE", f"{path}/{hex_id()}")
    call.refused(409, "APIG.3400", "DELETE", f"{path}/{listed(world, path)[0]['id']}")
    for _ in range(3):
        call.expect(201, "POST", path, {"overlap_seconds": 3600})
    call.refused(403, "APIG.3100", "POST", path, {"overlap_seconds": 1})


def test_sign_roles(world, sign, make_user):  # noqa: F811
    path = f"/signs/{sign['id']}/secrets"
    _, reader = make_user("reader")
    assert reader.expect(200, "GET", path)["total"] == 1
    reader.refused(403, "APIG.1005", "POST", path, {})
    reader.refused(403, "APIG.1005", "DELETE", f"{path}/{hex_id()}")


# All of them -----------------------------------------------------------------------------------------


def test_they_survive_a_restart(fresh_gatehouse, make_world, backend):
    program = fresh_gatehouse()
    world = make_world(program)
    app = make_app(world)
    api = world.make_api(auth_type="APP", auth_opt={"app_code_auth_type": "HEADER"})
    authorize(world, app, api)
    code = world.api.expect(201, "PUT", f"/apps/{app.id}/app-codes")
    key = world.make_sign()
    world.bind_sign(key, api)
    new_code = world.api.expect(201, "POST", at(app, code), {"overlap_seconds": 3600})
    new_key = world.api.expect(201, "POST", f"/signs/{key['id']}/secrets", {"overlap_seconds": 3600})
    assert takes(world, api, code["app_code"])
    paths = [at(app, code), f"/signs/{key['id']}/secrets"]
    before = [listed(world, path) for path in paths]
    program.stop()
    world = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert [listed(world, path) for path in paths] == before
    assert takes(world, api, code["app_code"])
    signatures.verify_hmac(backend.last, {key["sign_key"]: key["sign_secret"]})
    assert takes(world, api, new_code["app_code"])
    world.api.expect(204, "DELETE", f"{paths[1]}/{new_key['old_id']}")
    assert takes(world, api, new_code["app_code"])
    signatures.verify_hmac(backend.last, {new_key["sign_key"]: new_key["sign_secret"]})


def test_no_refusal_while_all_of_them_are_replaced(world, app, backend, coded, code, sign):
    """Callers and a backend that pick up each value some time after it was made, under load."""
    plain = world.make_api(auth_type="APP")
    authorize(world, app, plain)
    for api in (plain, coded):
        world.bind_sign(sign, api)
    known = {pair(sign)}
    unknown: list[str] = []

    def verify(request):
        """A backend that takes what any of the pairs has signed that it was taught."""
        for key, secret in list(known):
            try:
                signatures.verify_hmac(request, {key: secret})
                return json_answer({})
            except signatures.Refused:
                continue
        unknown.append(request.one("Authorization"))
        return json_answer({}, 403)

    backend.script = verify
    current, text, stop = [app], [code["app_code"]], threading.Event()
    answers: list[list[int]] = [[] for _ in range(4)]

    def by_signature(mine: list[int]) -> None:
        with world.connect() as wire:
            while not stop.is_set():
                mine.append(call_signed(world, plain, current[0], wire=wire).status)

    def by_code(mine: list[int]) -> None:
        while not stop.is_set():
            mine.append(https(world, coded, {"X-Apig-AppCode": text[0]})[0])

    def wait() -> None:
        """Until every caller has begun and ended a call since."""
        wanted = [len(mine) + 2 for mine in answers]
        while any(len(mine) < count for mine, count in zip(answers, wanted)):
            assert all(thread.is_alive() for thread in threads)
            time.sleep(0.001)

    threads = [threading.Thread(target=work, args=[mine])
               for work, mine in zip((by_signature, by_signature, by_code, by_code), answers)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            old_code, old_app = text[0], current[0]
            new = world.api.expect(201, "POST", f"/apps/{app.id}/secrets", {"overlap_seconds": 3600})
            new_code = world.api.expect(201, "POST", at(app, code), {"overlap_seconds": 3600})
            new_sign = world.api.expect(201, "POST", f"/signs/{sign['id']}/secrets", {"overlap_seconds": 3600})
            wait()
            known.add(pair(new_sign))
            current[0] = dataclasses.replace(app, secret=new["secret"])
            text[0] = new_code["app_code"]
            wait()
            world.api.expect(204, "DELETE", f"/apps/{app.id}/secrets/{new['old_id']}")
            world.api.expect(204, "DELETE", f"{at(app, code)}/{new_code['old_id']}")
            world.api.expect(204, "DELETE", f"/signs/{sign['id']}/secrets/{new_sign['old_id']}")
            refused(call_signed(world, plain, old_app), 401, "0303")
            assert not takes(world, coded, old_code)
            wait()
            known.intersection_update({pair(new_sign)})
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for mine in answers for status in mine} == {200}
    assert unknown == []


# The contract's own reset ----------------------------------------------------------------------------


@pytest.fixture
def overlap(world):
    def switch(seconds: int) -> None:
        world.feature("secret_reset_overlap", {"overlap_seconds": seconds})

    yield switch
    world.feature("secret_reset_overlap", {"overlap_seconds": 0}, enable=False)


def test_a_reset_overlaps_when_the_instance_says_so(world, app, overlap):
    api = world.make_api(auth_type="APP")
    authorize(world, app, api)
    overlap(3600)

    def reset(**body) -> App:
        made = world.api.expect(200, "PUT", f"{world.api.public_path}/apps/{app.id}/secret", body or None)
        return dataclasses.replace(app, secret=made["secret"])

    second = reset()
    assert works(world, api, app) and works(world, api, second)
    assert [one["status"] for one in secrets(world, app)] == ["present", "ending"]
    # It is never refused for those before it: the oldest makes room.
    third, fourth, fifth = reset(), reset(), reset()
    assert [works(world, api, one) for one in (app, second, third, fourth, fifth)] == [False, True, True, True, True]
    # Back to one that has not ended: it is the present one then, once.
    assert reset(secret=third.secret) == third and works(world, api, third)
    assert len(secrets(world, app)) <= 4
    # A change of the application itself is no reset.
    overlap(0)
    last = reset()
    assert [works(world, api, one) for one in (third, fourth, fifth, last)] == [False, False, False, True]


@pytest.mark.parametrize("text", ["on", "{}x", '{"overlap_seconds":-1}', '{"overlap_seconds":31536001}', '{"overlap_seconds":"1"}', '{"seconds":1}'])
def test_overlaps_that_are_none(world, text):
    message = world.api.refused(400, "APIG.2012", "POST", "/features", {"name": "secret_reset_overlap", "enable": True, "config": text})
    assert "parameterName:config." in message
