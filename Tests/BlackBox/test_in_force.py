"""A write is in force before its answer: no request that starts after the answer sees the old state.

Three writers flip at the same time, each a binding of its own (signature key, access control policy, plug-in),
while load runs on connections that stay open. A request that started after the answer to a flip and ended
before the next flip was sent must show that flip's state; one that overlaps a flip may show either. Each writer
sends such requests itself, on open connections of its own, right after each answer.
"""

from __future__ import annotations

import bisect
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.backend import Answer
from harness.management import RELEASE, Call
from harness.process import ROOMY
from harness.world import World, unique

FLIPS = int(os.environ.get("GATEHOUSE_TEST_FLIPS", "1000"))
SIZES = [10, 5000]
BLACK_BOX = Path(__file__).parent


class Loader:
    """Load on one API, and what it saw."""

    def __init__(self, world: World, api, connections: int = 3):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.load", *map(str, world.gatehouse.gateway), api.host, api.path, str(connections)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=BLACK_BOX)
        assert self.process.stdout.readline() == "ready\n"

    def finish(self) -> list[tuple[int, int, int, str]]:
        output, _ = self.process.communicate(timeout=60)
        rows = [line.split(" ", 3) for line in output.splitlines() if line]
        return [(int(start), int(end), int(status), seen) for start, end, status, seen in rows]


class Flipper:
    """Flips one binding and remembers when: `times` holds (sent, answered, state after it)."""

    def __init__(self, world: World, kind: str):
        self.world = World(world.gatehouse, Call(world.gatehouse.credentials, world.gatehouse.management), world.backend)
        self.kind = kind
        self.api = self.world.make_api(group=self.world.make_group(), path=f"/{unique('flip')}")
        self.times: list[tuple[int, int, bool]] = []
        self.binding: dict | None = None
        self.wires: list = []
        self.own: list[tuple[int, int, int, str]] = []
        if kind == "key":
            self.policy = self.world.make_sign()
        elif kind == "policy":
            self.policy = self.world.make_acl("127.0.0.1", "DENY")
        else:
            self.policy = self.world.make_plugin("set_resp_headers", {
                "response_headers": [{"name": "X-Flip", "value": "on", "action": "override"}]})

    def flip(self) -> None:
        state = not (self.times and self.times[-1][2])
        sent = time.monotonic_ns()
        if self.kind == "key":
            if state:
                self.binding = self.world.bind_sign(self.policy, self.api)[0]
            else:
                self.world.unbind_sign(self.binding)
        elif self.kind == "policy":
            if state:
                self.binding = self.world.bind_acl(self.policy, self.api)[0]
            else:
                self.world.unbind_acl(self.binding)
        elif state:
            self.world.attach(self.policy, self.api)
        else:
            self.world.detach(self.policy, self.api)
        self.times.append((sent, time.monotonic_ns(), state))
        for wire in self.wires:
            started = time.monotonic_ns()
            reply = self.world.call(self.api, wire=wire)
            seen = f"{reply.get('X-Flip') or '-'},{reply.body.decode('latin-1')}"
            self.own.append((started, time.monotonic_ns(), reply.status, seen))

    def shows(self, status: int, seen: str) -> bool | None:
        """Whether an answer shows the binding; None for an answer that should not exist."""
        if self.kind == "policy":
            return {200: False, 403: True}.get(status)
        if status != 200:
            return None
        header, body = seen.split(",", 1)
        return body == "signed" if self.kind == "key" else header == "on"

    def judge(self, rows) -> tuple[int, int, int]:
        """(requests that had to show one certain state, of these the wrong ones, failed requests)."""
        answered = [answer for _, answer, _ in self.times]
        certain = wrong = failed = 0
        for start, end, status, seen in rows:
            state = self.shows(status, seen)
            if state is None:
                failed += 1
                continue
            number = bisect.bisect_left(answered, start) - 1
            following = self.times[number + 1][0] if number + 1 < len(self.times) else 1 << 63
            if end <= following:
                certain += 1
                wrong += state != (number >= 0 and self.times[number][2])
        return certain, wrong, failed


def fill(world: World, total: int) -> None:
    """Publishes APIs until there are `total`."""
    have = world.api.expect(200, "GET", "/apis", query={"env_id": RELEASE, "limit": 1})["total"]
    while have < total:
        group = world.make_group()
        count = min(500, total - have)
        made: list[str] = []

        def create(numbers: range) -> None:
            own = World(world.gatehouse, Call(world.gatehouse.credentials, world.gatehouse.management), world.backend)
            made.extend(own.make_api(f"/filler/{number}/{{id}}", "GET", group=group, publish=False, backend={"req_uri": "/"}, req_params=[
                {"name": "id", "type": "STRING", "location": "PATH", "required": 1}]).id for number in numbers)

        threads = [threading.Thread(target=create, args=(range(part, count, 4),)) for part in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        done = world.api.expect(200, "POST", "/apis/publish", {"apis": made, "env_id": RELEASE}, query={"action": "online"})
        assert len(done["success"]) == count and not done["failure"]
        have += count


def test_in_force_before_the_answer(fresh_gatehouse, make_world, backend, capsys):
    world = make_world(fresh_gatehouse(settings=ROOMY))
    backend.remember = False
    backend.script = lambda request: Answer(body=b"signed" if request.has("Authorization") else b"plain")
    try:
        for size in SIZES:
            flippers = [Flipper(world, kind) for kind in ("key", "policy", "plugin")]
            fill(world, size)
            loaders = [Loader(world, flipper.api) for flipper in flippers]

            def run(flipper: Flipper, count: int) -> None:
                flipper.wires = [flipper.world.connect() for _ in range(3)]
                for _ in range(count):
                    flipper.flip()

            threads = [threading.Thread(target=run, args=(flipper, -(-FLIPS // 3))) for flipper in flippers]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
            results = [flipper.judge(flipper.own + loader.finish()) for flipper, loader in zip(flippers, loaders)]
            flips = sum(len(flipper.times) for flipper in flippers)
            durations = sorted((answer - sent) / 1e6 for flipper in flippers for sent, answer, _ in flipper.times)
            with capsys.disabled():
                print(f"\n  {size} published APIs: {flips} flips, {sum(row[0] for row in results)} requests judged, "
                      f"{sum(row[1] for row in results)} saw the old state, {sum(row[2] for row in results)} failed; "
                      f"write p50 {durations[len(durations) // 2]:.1f} ms, p99 {durations[len(durations) * 99 // 100]:.1f} ms")
            assert flips >= FLIPS
            for flipper, (certain, wrong, failed) in zip(flippers, results):
                assert certain > 3 * len(flipper.times), f"{flipper.kind}: too little load to say anything"
                assert (wrong, failed) == (0, 0), f"{flipper.kind}: {wrong} of {certain} old, {failed} failed"
            for flipper in flippers:
                world.offline(flipper.api)
    finally:
        backend.remember = True


def test_the_judge_notices():
    """The judgement itself, on made-up times: right, old state after the answer, overlapping, failed."""
    flipper = Flipper.__new__(Flipper)
    flipper.kind, flipper.times = "policy", [(100, 200, True), (300, 400, False)]
    allowed, denied = (200, "-,plain"), (403, "-,-")
    rows = [
        (10, 20, *allowed), (90, 150, *denied), (150, 160, *allowed), (201, 210, *denied), (250, 350, *allowed), (401, 410, *allowed)]
    assert flipper.judge(rows) == (3, 0, 0)
    assert flipper.judge([(201, 210, *allowed), (401, 402, *denied), (500, 501, 502, "-,-")]) == (2, 2, 1)
