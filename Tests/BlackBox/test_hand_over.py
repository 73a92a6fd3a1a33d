"""One process takes over from another: sockets, configuration, counts; nobody is refused."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from harness.backend import Answer
from harness.process import Gatehouse, StartFailure, free_port
from harness.wire import Closed, Wire, head


class Successor(Gatehouse):
    """While it starts, the process before it answers /readyz: ready is what says so itself."""

    def status_of(self, path: str) -> int | None:
        return super().status_of(path) if "is running" in self.log else None


def successor(program: Gatehouse, *more: str) -> Gatehouse:
    """Another process on the same folder and ports."""
    arguments = [argument for argument in program.arguments if argument != "--take-over"]
    other = Successor(program.data_dir, *arguments, "--take-over", *more, settings=program.settings)
    other.log_path = program.log_path.with_name(program.log_path.name + "+")
    other.management_port, other.gateway_port, other.tls_port = program.management_port, program.gateway_port, program.tls_port
    return other


class Callers:
    """Threads that call an API without a pause: half on connections that stay, half on a new one for each call."""

    def __init__(self, program: Gatehouse, host: str, path: str, count: int = 6):
        self.address, self.host, self.path = program.gateway, host, path
        self.answered, self.failures = 0, []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._call, args=(number % 2 == 0,), daemon=True) for number in range(count)]
        [thread.start() for thread in self.threads]

    def _call(self, stays: bool) -> None:
        wire = None
        while not self._stop.is_set():
            try:
                wire = wire or Wire(self.address)
                wire.send(head("GET", self.path, [("Host", self.host)]))
                reply = wire.reply()
                with self._lock:
                    self.answered += 1
                    if reply.status != 200:
                        self.failures.append(f"{reply.status} {reply.body[:200]!r}")
                if not stays or reply.get("Connection") == "close":
                    wire.close()
                    wire = None
            except (OSError, Closed) as failure:
                with self._lock:
                    self.failures.append(f"{type(failure).__name__} {failure}")
                wire = None

    def wait_for(self, more: int) -> None:
        wanted = self.answered + more
        deadline = time.monotonic() + 60
        while self.answered < wanted:
            assert time.monotonic() < deadline and not self.failures, self.failures[:3]
            time.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()
        [thread.join(30) for thread in self.threads]


def test_under_load_nobody_is_refused(fresh_gatehouse, make_world):
    first = fresh_gatehouse()
    world = make_world(first)
    api = world.make_api()
    callers = Callers(first, api.host, api.path)
    programs = [first]
    try:
        for _ in range(3):
            callers.wait_for(100)
            old, new = programs[-1], successor(programs[-1]).start()
            programs.append(new)
            assert old.process.wait(60) == 0, old.log
            callers.wait_for(100)
            # What is changed through the new process holds for every connection there is.
            acl = make_world(new).make_acl("192.0.2.1")
            assert acl["id"]
    finally:
        callers.stop()
        status = programs[-1].stop()
    assert not callers.failures and status == 0, callers.failures[:5]


def test_every_request_is_in_the_statistics(fresh_gatehouse, make_world):
    first = fresh_gatehouse()
    world = make_world(first)
    api = world.make_api()
    callers = Callers(first, api.host, api.path)
    callers.wait_for(200)
    new = successor(first).start()
    try:
        assert first.process.wait(60) == 0
        callers.wait_for(200)
        callers.stop()
        assert not callers.failures, callers.failures[:3]
        deadline = time.monotonic() + 30
        while True:
            # The last counts of the process before come when it ends.
            shown = make_world(new).api.expect(200, "GET", "/statistics/api/latest", query={
                "duration": "1h", "api_id": api.id})["list"]
            counted = sum(element["req_count"] for element in shown)
            if counted == callers.answered or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        assert counted == callers.answered
    finally:
        new.stop()


def test_what_is_under_way_is_finished(fresh_gatehouse, make_world):
    # Long enough for whatever a busy machine does in between.
    first = fresh_gatehouse(settings={"drain_seconds": 300})
    world = make_world(first)
    slow, fast = world.make_api(), world.make_api()
    gate = threading.Event()
    world.backend.script = lambda request: Answer(body=b"late", wait_for=gate if request.path == slow.path else None)
    with world.connect() as wire, world.connect() as idle:
        idle.send(head("GET", fast.path, [("Host", fast.host)]))
        assert idle.reply().status == 200
        wire.send(head("GET", slow.path, [("Host", slow.host)]))
        world.backend.wait_for(2)
        new = successor(first).start()
        try:
            # A connection that asked for nothing in the time it had is closed, and a new one is served by the new process.
            idle.socket.settimeout(30)
            assert idle.socket.recv(1) == b""
            assert make_world(new).call(fast).status == 200
            assert first.process.poll() is None, "it still has something to answer"
            gate.set()
            assert wire.reply().body == b"late"
            assert first.process.wait(30) == 0
        finally:
            gate.set()
            new.stop()


def test_management_waits_instead_of_being_refused(fresh_gatehouse, make_world):
    first = fresh_gatehouse()
    world = make_world(first)
    stopped, failures, made = threading.Event(), [], []

    def manage() -> None:
        while not stopped.is_set():
            try:
                made.append(world.make_group()["id"])
            except Exception as failure:  # noqa: BLE001
                failures.append(failure)

    thread = threading.Thread(target=manage, daemon=True)
    thread.start()
    new = successor(first).start()
    try:
        assert first.process.wait(60) == 0
        count = len(made)
        deadline = time.monotonic() + 30
        while len(made) < count + 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        stopped.set()
        thread.join(30)
        # A call on a connection that the old process ended has to be made again, as any client does; new connections are not refused.
        assert not [failure for failure in failures if isinstance(failure, ConnectionRefusedError)], failures[:3]
        there = {group["id"] for group in make_world(new).api.expect(200, "GET", "/api-groups", query={"limit": 500})["groups"]}
        assert set(made) <= there and len(made) >= count + 5
    finally:
        stopped.set()
        new.stop()


def test_nobody_to_take_over_from(tmp_path):
    with pytest.raises(StartFailure) as failure:
        Gatehouse(tmp_path / "data", "--take-over").start()
    assert failure.value.status == 1 and "no gatehouse is running" in failure.value.output


@pytest.mark.parametrize(("flag", "port"), [("management", "management_port"), ("gateway", "gateway_port"), ("gateway-tls", "tls_port")])
def test_other_addresses_are_refused(fresh_gatehouse, make_world, flag, port):
    first = fresh_gatehouse()
    world = make_world(first)
    api = world.make_api()
    for host, number in (("127.0.0.1", free_port()), ("0.0.0.0", getattr(first, port))):
        with pytest.raises(StartFailure) as failure:
            # The last of two flags of a name counts.
            successor(first, f"--{flag}", f"{host}:{number}").start()
        assert failure.value.status == 1 and (
            f"--take-over: --{flag} is {host}:{number}, but the running gatehouse listens on 127.0.0.1:{getattr(first, port)}"
        ) in failure.value.output
        assert world.call(api).status == 200 and world.make_group()["id"], "nothing has changed"
        assert first.status_of("/readyz") == 200
    # Any port is the one that it has.
    new = successor(first, f"--{flag}", "127.0.0.1:0").start()
    try:
        assert first.process.wait(60) == 0
        assert make_world(new).make_group()["id"] and make_world(new).call(api).status == 200
    finally:
        new.stop()


@pytest.mark.parametrize("answer", [b"", b"what is this\n", None])
def test_a_process_that_hands_over_in_another_way(tmp_path, answer):
    """It hangs up, says something else, or nothing: the new one ends, and says so."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "handover.sock"))
        listener.listen()
        asked = []

        def old() -> None:
            connection, _ = listener.accept()
            asked.append(connection.recv(100))
            if answer is not None:
                connection.sendall(answer)
                connection.close()
            else:
                asked.append(connection)

        thread = threading.Thread(target=old, daemon=True)
        thread.start()
        with pytest.raises(StartFailure) as failure:
            Gatehouse(folder, "--take-over").start()
        thread.join(20)
    assert asked[0] == b"take over 2\n"
    assert failure.value.status == 1 and "did not hand its sockets over" in failure.value.output
    assert sorted(path.name for path in folder.iterdir()) == ["handover.sock"]


def test_one_that_asks_and_leaves(fresh_gatehouse, make_world):
    """Traffic goes on; the next one takes over."""
    first = fresh_gatehouse()
    world = make_world(first)
    api = world.make_api()
    # The last is what versions before this one say.
    for words in (b"what is this\n", b"take over 1\n"):
        with socket.socket(socket.AF_UNIX) as nobody:
            nobody.connect(str(first.data_dir / "handover.sock"))
            nobody.sendall(words)
            assert nobody.recv(1) == b"", "who does not ask properly gets nothing"
    with socket.socket(socket.AF_UNIX) as deserter:
        deserter.connect(str(first.data_dir / "handover.sock"))
        deserter.sendall(b"take over 2\n")
        assert deserter.recv(1) == b"D"
    assert world.call(api).status == 200
    assert world.make_group()["id"], "who does not agree changes nothing"
    with socket.socket(socket.AF_UNIX) as deserter:
        deserter.connect(str(first.data_dir / "handover.sock"))
        deserter.sendall(b"take over 2\n")
        assert deserter.recv(1) == b"D"
        deserter.sendall(b"agreed\n")
        assert deserter.recv(5) == b"free\n"
    assert world.call(api).status == 200
    assert first.process.poll() is None
    new = successor(first).start()
    try:
        assert first.process.wait(60) == 0
        assert make_world(new).make_group()["id"]
        assert make_world(new).call(api).status == 200
    finally:
        new.stop()
