"""Malformed and ambiguous requests: refused, the connection closed, and nothing reaches the backend."""

from __future__ import annotations

import time

import pytest

from corpus.malformed import CASES, PLAIN
from harness.wire import Closed, Wire


@pytest.fixture(scope="module")
def catch_all(gatehouse, call, shared_backend):
    """An API that takes every method and path of its host."""
    from harness.world import World
    return World(gatehouse, call, shared_backend).make_api("/", match_mode="SWA")


def filled(data: bytes, api) -> bytes:
    return data.replace(b"@HOST@", api.host.encode()).replace(b"@UPPER@", api.host.upper().encode())


def deliver(wire: Wire, data: bytes, step: int | None) -> None:
    """All at once, or in steps; a gateway that has already refused may have closed."""
    try:
        if step is None:
            wire.send(data)
        else:
            for offset in range(0, len(data), step):
                wire.send(data[offset : offset + step])
    except (BrokenPipeError, ConnectionResetError):
        pass


def test_the_corpus_is_large_enough():
    assert len(CASES) >= 60 and len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("step", [None, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize("name, data, statuses", CASES, ids=[name for name, _, _ in CASES])
def test_malformed(gatehouse, backend, catch_all, name, data, statuses, step):
    if step and len(data) > 2000:
        step = len(data) // 50
    with Wire(gatehouse.gateway, timeout=15) as wire:
        deliver(wire, filled(data, catch_all), step)
        try:
            reply = wire.reply()
        except Closed as closed:
            pytest.fail(f"closed without an answer: {closed}")
        assert reply.status in statuses, reply
        assert reply.json()["error_code"].startswith("APIC.") and reply.json()["error_msg"]
        assert reply.one("X-Request-Id") == reply.json()["request_id"]
        assert wire.is_closed, "the connection must not be used again"
    assert backend.requests == [], "the backend saw a whole request"


@pytest.mark.parametrize("step", [None, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize("name, data", PLAIN, ids=[name for name, _ in PLAIN])
def test_plain(gatehouse, backend, catch_all, name, data, step):
    if step and len(data) > 2000:
        step = len(data) // 50
    with Wire(gatehouse.gateway) as wire:
        for _ in range(2):
            deliver(wire, filled(data, catch_all), step)
            assert wire.reply().status == 200
    assert len(backend.requests) == 2


@pytest.mark.parametrize("name, data, statuses", CASES[:40:4], ids=[name for name, _, _ in CASES[:40:4]])
def test_malformed_behind_a_good_one(gatehouse, backend, catch_all, name, data, statuses):
    """A pipelined good request is still answered, and first."""
    good = b"GET /good HTTP/1.1\r\nHost: @HOST@\r\n\r\n"
    with Wire(gatehouse.gateway) as wire:
        wire.send(filled(good + data, catch_all))
        assert wire.reply().status == 200
        assert wire.reply().status in statuses
        assert wire.is_closed
    assert [request.target for request in backend.requests] == ["/good"]


@pytest.mark.parametrize("data", [
    b"", b"G", b"GET /m HTTP/1.1\r\nHost: @HOST@\r\n", b"POST /m HTTP/1.1\r\nHost: @HOST@\r\nContent-Length: 5\r\n\r\nhel",
    b"POST /m HTTP/1.1\r\nHost: @HOST@\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"])
def test_client_that_goes_away(gatehouse, backend, catch_all, data):
    """A request that never became whole is no request."""
    with Wire(gatehouse.gateway) as wire:
        wire.send(filled(data, catch_all))
    with Wire(gatehouse.gateway) as wire:
        wire.send(filled(b"GET /after HTTP/1.1\r\nHost: @HOST@\r\n\r\n", catch_all))
        assert wire.reply().status == 200
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(backend.requests) != 1:
        time.sleep(0.01)
    assert [request.target for request in backend.requests] == ["/after"]
