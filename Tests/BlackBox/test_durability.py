"""kill -9 while writers run, twenty times on one data folder: what was acknowledged is there, what was not is whole
or absent, and the gateway decides as the management API says."""

from __future__ import annotations

import http.client
import random
import threading
from dataclasses import dataclass, field

import pytest

from harness.management import RELEASE, Call
from harness.process import ROOMY
from harness.wire import Closed, Wire, ask
from harness.world import Api, World

ROUNDS = 20
WRITERS = 4


@dataclass
class Known:
    """What a writer knows of one API: acknowledged state, and the write that was on its way when the end came."""

    api: Api
    published: bool = False
    denied: str | None = None
    pending: str | None = None


@dataclass
class Writer:
    """Creates, publishes, denies, allows and takes offline APIs of its own until the program dies."""

    world: World
    group: dict
    acl: dict
    sign: dict
    random: random.Random
    known: list[Known] = field(default_factory=list)
    signed: set[str] = field(default_factory=set)
    signing: list[str] = field(default_factory=list)
    acknowledged: int = 0

    def run(self) -> None:
        try:
            while True:
                self.step()
                self.acknowledged += 1
        except (OSError, http.client.HTTPException):
            pass

    def step(self) -> None:
        choices = [known for known in self.known if known.pending is None]
        if not choices or self.random.random() < 0.25:
            self.known.append(Known(self.world.make_mock("{}", group=self.group, publish=False)))
            return
        known = self.random.choice(choices)
        if not known.published:
            self.write(known, "publish", lambda: self.world.publish(known.api))
            known.published = True
        elif known.denied is None and self.random.random() < 0.5:
            def deny():
                known.denied = self.world.bind_acl(self.acl, known.api)[0]["id"]
            self.write(known, "deny", deny)
        elif known.denied is not None:
            self.write(known, "allow", lambda: self.world.unbind_acl({"id": known.denied}))
            known.denied = None
        elif self.random.random() < 0.5:
            fresh = [entry.api for entry in choices if entry.published and entry.api.id not in self.signed][:3]
            self.signing = [api.id for api in fresh]
            if fresh:
                self.world.bind_sign(self.sign, *fresh)
            self.signed.update(self.signing)
            self.signing = []
        else:
            self.write(known, "offline", lambda: self.world.offline(known.api))
            known.published = False

    @staticmethod
    def write(known: Known, name: str, action) -> None:
        known.pending = name
        action()
        known.pending = None


def listed(call: Call, path: str, key: str, **query) -> list[dict]:
    found: list[dict] = []
    while True:
        page = call.expect(200, "GET", path, query={**query, "limit": 500, "offset": len(found)})
        found += page[key]
        if not page[key]:
            assert len(found) == page["total"]
            return found


def check(world: World, writer: Writer) -> None:
    """Compares management, gateway and what the writer was told."""
    rows = {row["id"]: row for row in listed(world.api, "/apis", "apis", group_id=writer.group["id"])}
    bound = {row["api_id"]: row for row in listed(world.api, "/acl-bindings/binded-apis", "apis", acl_id=writer.acl["id"])}
    signed = {row["api_id"] for row in listed(world.api, "/sign-bindings/binded-apis", "bindings", sign_id=writer.sign["id"])}
    if writer.signing:
        assert signed - writer.signed in (set(), set(writer.signing)), "half a binding of several APIs"
        writer.signed, writer.signing = set(signed), []
    assert signed == writer.signed
    with Wire(world.gatehouse.gateway) as wire:
        for known in writer.known:
            row = rows[known.api.id]
            published, denied = row.get("run_env_id") == RELEASE, known.api.id in bound
            if known.pending == "publish":
                known.published = published
                known.api.publish_id = row.get("publish_id") or known.api.publish_id
            elif known.pending == "offline":
                known.published = published
            elif known.pending in ("deny", "allow"):
                known.denied = bound[known.api.id].get("bind_id") or bound[known.api.id]["id"] if denied else None
            known.pending = None
            assert (published, denied) == (known.published, known.denied is not None), known
            status = ask(world.gatehouse.gateway, "GET", known.api.path, known.api.host, wire=wire).status
            assert status == (404 if not published else 403 if denied else 200), (status, known)


def test_kill_under_concurrent_writes(fresh_gatehouse, make_world, tmp_path, capsys):
    data, seed = tmp_path / "data", 20
    writers: list[Writer] = []
    for number in range(ROUNDS + 1):
        program = fresh_gatehouse(data_dir=data, settings=ROOMY)
        for index in range(WRITERS):
            world = make_world(program)
            if number == 0:
                writers.append(Writer(world, world.make_group(), world.make_acl("127.0.0.1", "DENY"), world.make_sign(),
                                      random.Random(seed + index)))
            else:
                writers[index].world = world
                check(world, writers[index])
        if number == ROUNDS:
            assert program.stop() == 0
            break
        threads = [threading.Thread(target=writer.run) for writer in writers]
        before = sum(writer.acknowledged for writer in writers)
        [thread.start() for thread in threads]
        goal = before + random.Random(seed * 1000 + number).randint(5, 40)
        while sum(writer.acknowledged for writer in writers) < goal and any(thread.is_alive() for thread in threads):
            threading.Event().wait(0.001)
        program.kill()
        [thread.join() for thread in threads]
    with capsys.disabled():
        print(f"\n  {ROUNDS} kills, {sum(writer.acknowledged for writer in writers)} acknowledged writes, none lost")


def test_restart_decides_the_same(fresh_gatehouse, make_world):
    """A clean stop and start: same answers from the gateway, same credentials, same log-in."""
    first = fresh_gatehouse()
    world = make_world(first)
    api, denied, draft = world.make_mock("{}"), world.make_mock("{}"), world.make_mock("{}", publish=False)
    world.bind_acl(world.make_acl("127.0.0.1", "DENY"), denied)
    world.attach(world.make_plugin("set_resp_headers", {
        "response_headers": [{"name": "X-A", "value": "1", "action": "override"}]}), api)
    assert first.stop() == 0
    second = fresh_gatehouse(data_dir=first.data_dir)
    assert {name: value for name, value in second.credentials.items() if "endpoint" not in name and "gateway" not in name} == {
        name: value for name, value in first.credentials.items() if "endpoint" not in name and "gateway" not in name}
    again = make_world(second)
    assert [again.call(entry).status for entry in (api, denied, draft)] == [200, 403, 404]
    assert again.call(api).all("X-A") == ["1"]
    assert second.stop() == 0
