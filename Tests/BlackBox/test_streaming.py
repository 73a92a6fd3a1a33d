"""Answers and bodies pass on as they come: events one by one, hundreds of megabytes in little memory."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading

import pytest

from harness.streams import RawBackend, resident_megabytes
from harness.wire import Closed, Wire, head

MEGABYTE = 1 << 20
#: What the program may gain while hundreds of megabytes pass: buffers of sockets and of reads.
BOUND_MEGABYTES = 48
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def begin(world, api, method="GET", headers=()) -> Wire:
    wire = world.connect()
    wire.send(head(method, api.path, [("Host", api.host), *headers]))
    return wire


def read_head(wire: Wire) -> str:
    lines = []
    while line := wire.line():
        lines.append(line.decode())
    return "\n".join(lines)


# Events ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("strategy", ["off", "on"])
@pytest.mark.parametrize("gzip", [False, True])
def test_each_event_arrives_before_the_next_is_sent(world, strategy, gzip):
    if strategy == "on":
        world.feature("sse_strategy")
    if gzip:
        world.feature("gzip", {"enable": "on", "comp_level": 6})
    try:
        with RawBackend() as backend:
            api = world.make_api(backend={"url_domain": backend.address})
            wire = begin(world, api, headers=[("Accept", "text/event-stream"), ("Accept-Encoding", "gzip")])
            end = backend.accept()
            end.request()
            end.send(EVENTS)
            said = read_head(wire)
            assert " 200 " in said and "text/event-stream" in said and "gzip" not in said
            for number in range(50):
                event = b"id: %d\ndata: {}\n\n" % number
                end.send(chunk(event))
                assert wire.line() == b"%x" % len(event)
                assert wire.take(len(event) + 2) == event + b"\r\n"
            end.send(b"0\r\n\r\n")
            assert wire.take(5) == b"0\r\n\r\n"
            wire.close()
    finally:
        world.feature("sse_strategy", "off", enable=False)
        world.feature("gzip", {"enable": "off"}, enable=False)


def test_events_without_chunks(world):
    """A backend that ends its stream by closing; the client learns where the end is."""
    with RawBackend() as backend:
        api = world.make_api(backend={"url_domain": backend.address})
        wire = begin(world, api)
        end = backend.accept()
        end.request()
        end.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        assert " 200 " in read_head(wire)
        for number in range(5):
            end.send(b"data: %d\n\n" % number)
            assert wire.take(int(wire.line(), 16) + 2) == b"data: %d\n\n\r\n" % number
        end.close()
        assert wire.take(5) == b"0\r\n\r\n"


def test_a_client_that_leaves_ends_the_stream(world):
    """Whether it says so at once, or is found to be gone by what is sent to it."""
    with RawBackend() as backend:
        api = world.make_api(backend={"url_domain": backend.address})
        for at_once in (True, False):
            wire = begin(world, api)
            end = backend.accept()
            end.request()
            end.send(EVENTS + chunk(b"data: 1\n\n"))
            read_head(wire)
            if at_once:
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.close()
            if not at_once:
                # A client may close its side and listen on; the second event after that meets nobody.
                with pytest.raises(OSError):
                    for _ in range(10_000):
                        end.send(chunk(b"data: 2\n\n" * 1000))
            else:
                assert end.is_closed, "the backend is not left writing for nobody"


def test_sse_strategy_gives_events_the_patience_of_tunnels(fresh_gatehouse, make_world):
    """Their silence ends at the limit of tunnels, which is short here; that of other answers goes on."""
    world = make_world(fresh_gatehouse(settings={"tunnel_idle_seconds": 1}))
    world.feature("sse_strategy")
    with RawBackend() as backend:
        api = world.make_api(backend={"url_domain": backend.address})
        other = begin(world, api)
        other_end = backend.accept()
        other_end.request()
        other_end.send(EVENTS.replace(b"text/event-stream", b"text/plain") + chunk(b"one"))
        read_head(other)
        events = begin(world, api)
        end = backend.accept()
        end.request()
        end.send(EVENTS + chunk(b"data: 1\n\n"))
        read_head(events)
        assert events.take(14) == chunk(b"data: 1\n\n")
        # The silence: cut off, and not as one that is whole.
        with pytest.raises(Closed) as cut:
            events.take(1)
        assert cut.value.args[0] == b""
        assert end.is_closed
        # The other answer has been silent for longer.
        other_end.send(chunk(b"two") + b"0\r\n\r\n")
        assert other.take(21) == chunk(b"one") + chunk(b"two") + b"0\r\n\r\n"
        other.close()


def test_sse_strategy_is_managed(world):
    assert world.feature("sse_strategy")["enable"] is True
    shown = [f for f in world.api.expect(200, "GET", "/features", query={"limit": 100})["features"] if f["name"] == "sse_strategy"]
    assert (shown[0]["enable"], shown[0]["config"]) == (True, "on")
    for wrong in ("yes", "{}", '{"enable":"on"}'):
        assert "config" in world.api.refused(400, "APIG.2012", "POST", "/features", {
            "name": "sse_strategy", "enable": True, "config": wrong})
    assert world.feature("sse_strategy", "off", enable=False)["enable"] is False


# Bodies in both directions, piece by piece ------------------------------------------------------

def test_a_body_passes_on_as_it_comes(world):
    with RawBackend() as backend:
        api = world.make_api(method="ANY", backend={"url_domain": backend.address})
        wire = begin(world, api, "POST", [("Transfer-Encoding", "chunked")])
        end = None
        for number in range(5):
            wire.send(chunk(b"part %d" % number))
            if end is None:
                end = backend.accept()
                while end.reader._line():
                    pass
            assert end.take(11) == b"6\r\npart %d\r\n" % number
        # The answer may begin while the body still comes.
        end.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"first"))
        assert " 200 " in read_head(wire) and wire.take(10) == b"5\r\nfirst\r\n"
        wire.send(chunk(b"late") + b"0\r\n\r\n")
        assert end.take(9) == b"4\r\nlate\r\n"
        end.send(chunk(b"second") + b"0\r\n\r\n")
        assert wire.take(16) == b"6\r\nsecond\r\n0\r\n\r\n"


@pytest.fixture
def roomy(fresh_gatehouse, make_world):
    """A program of its own, whose memory is this test's alone, with bodies up to a gigabyte."""
    world = make_world(fresh_gatehouse())
    world.feature("request_body_size", str(1 << 30))
    return world


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_large_download(roomy, chunked):
    size, piece = 300, bytes(range(256)) * 4096
    with RawBackend() as backend:
        api = roomy.make_api(backend={"url_domain": backend.address})
        pid = roomy.gatehouse.process.pid

        def serve():
            end = backend.accept()
            end.request()
            framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size * MEGABYTE}"
            end.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
            for _ in range(size):
                end.send(chunk(piece) if chunked else piece)
            if chunked:
                end.send(b"0\r\n\r\n")

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        before = resident_megabytes(pid)
        wire = begin(roomy, api)
        read_head(wire)
        received, most, sums = 0, 0.0, hashlib.sha256()
        while received < size * MEGABYTE:
            count = int(wire.line(), 16) if chunked else MEGABYTE
            data = wire.take(count)
            if chunked:
                assert wire.take(2) == b"\r\n"
            sums.update(data)
            if received // (16 * MEGABYTE) != (received + count) // (16 * MEGABYTE):
                most = max(most, resident_megabytes(pid) - before)
            received += count
        server.join(20)
        assert sums.digest() == hashlib.sha256(piece * size).digest()
        assert most < BOUND_MEGABYTES


def test_a_large_upload(roomy):
    size, piece = 300, bytes(range(255, -1, -1)) * 4096
    with RawBackend() as backend:
        api = roomy.make_api(method="ANY", backend={"url_domain": backend.address, "timeout": 60000})
        pid = roomy.gatehouse.process.pid
        result = {}

        def serve():
            end = backend.accept()
            while end.reader._line():
                pass
            sums, most = hashlib.sha256(), 0.0
            for number in range(size):
                sums.update(end.take(MEGABYTE))
                if number % 16 == 0:
                    most = max(most, resident_megabytes(pid))
            result.update(sum=sums.digest(), most=most)
            end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        before = resident_megabytes(pid)
        wire = begin(roomy, api, "POST", [("Content-Length", str(size * MEGABYTE))])
        for _ in range(size):
            wire.send(piece)
        assert wire.reply().body == b"done"
        server.join(20)
        assert result["sum"] == hashlib.sha256(piece * size).digest()
        assert result["most"] - before < BOUND_MEGABYTES


def test_a_backend_that_does_not_read_stops_the_client(roomy):
    """And a client that does not read stops the backend: what is kept does not grow."""
    with RawBackend() as backend:
        api = roomy.make_api(method="ANY", backend={"url_domain": backend.address, "timeout": 60000})
        pid = roomy.gatehouse.process.pid
        before = resident_megabytes(pid)
        wire = begin(roomy, api, "POST", [("Content-Length", str(512 * MEGABYTE))])
        end = backend.accept()
        wire.socket.settimeout(2)
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += wire.socket.send(b"u" * 65536)
        assert sent < 64 * MEGABYTE and resident_megabytes(pid) - before < BOUND_MEGABYTES
        wire.close()

        reader = begin(roomy, api)
        end = backend.accept()
        end.request()
        end.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (512 * MEGABYTE))
        end.socket.settimeout(2)
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += end.socket.send(b"d" * 65536)
        assert sent < 64 * MEGABYTE and resident_megabytes(pid) - before < BOUND_MEGABYTES
        reader.close()
