"""What a client can do to HTTP/2 with little: each attack meets a bound, and the gateway goes on serving others."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from hyperframe.frame import DataFrame, PingFrame, PriorityFrame, RstStreamFrame, SettingsFrame

from harness.backend import Answer
from harness.http2 import CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM, HTTP2, PROTOCOL_ERROR, Ended, frame, literal
from harness.streams import resident_megabytes
from harness.wire import ask

#: What the program may gain while it is attacked, and how long an attack may take until it is ended.
BOUND_MEGABYTES, BOUND_SECONDS = 64, 120


@pytest.fixture
def c(h2c_gatehouse, h2c_api, backend):
    """A connection; afterwards the program has neither grown nor slowed down for others."""
    before, began = resident_megabytes(h2c_gatehouse.process.pid), time.monotonic()
    with HTTP2(h2c_gatehouse.gateway, h2c_api.host) as connection:
        yield connection
    assert ask(h2c_gatehouse.gateway, "GET", "/after", h2c_api.host).status == 200
    assert resident_megabytes(h2c_gatehouse.process.pid) - before < BOUND_MEGABYTES
    assert time.monotonic() - began < BOUND_SECONDS


def flood(c: HTTP2, pieces, most: int) -> int:
    """Sends until the other side has had enough; returns how many pieces that took."""
    c.socket.settimeout(BOUND_SECONDS)
    count = 0
    try:
        for piece in pieces:
            c.send(piece)
            count += 1
            if count >= most:
                break
    except OSError:
        pass
    return count


def ended_with(c: HTTP2, *codes: int) -> bool:
    """The connection ends, and says why if the goodbye was not lost behind bytes that nobody read."""
    try:
        while True:
            c.step()
    except (Ended, OSError):
        pass
    assert c.goaway is None or c.goaway.error_code in codes, c.goaway
    return True


def test_rapid_reset(c, backend):
    """CVE-2023-44487: streams that are given up as soon as they are open."""
    def attack():
        for number in range(5000):
            c.request(2 * number + 1, path="/attack")
            yield RstStreamFrame(2 * number + 1, error_code=CANCEL)

    flood(c, attack(), 5000)
    assert ended_with(c, ENHANCE_YOUR_CALM)
    assert len(backend.requests) < 1000, "most of them meet nobody"


def test_resets_provoked_by_errors(c, backend):
    """CVE-2025-8671: the server is made to reset streams that it has begun to serve."""
    def attack():
        for number in range(5000):
            stream = 2 * number + 1
            c.headers(stream, c.fields("POST", path="/attack"), end=False)
            yield frame(8, 0, stream, b"\0\0\0\0")

    flood(c, attack(), 5000)
    assert ended_with(c, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


def test_ping_flood(c):
    """CVE-2019-9512."""
    flood(c, (PingFrame(0, struct.pack(">Q", number)) for number in range(100_000)), 100_000)
    assert ended_with(c, ENHANCE_YOUR_CALM)


def test_settings_flood(c):
    """CVE-2019-9515."""
    flood(c, (SettingsFrame(0, settings={3: number}) for number in range(100_000)), 100_000)
    assert ended_with(c, ENHANCE_YOUR_CALM)


def test_priority_flood(c):
    """CVE-2019-9513."""
    flood(c, (PriorityFrame(1, depends_on=0, stream_weight=number % 256, exclusive=False) for number in range(100_000)), 100_000)
    assert ended_with(c, ENHANCE_YOUR_CALM)


def test_empty_frames_flood(c):
    """CVE-2019-9518."""
    c.headers(1, c.fields("POST"), end=False)
    flood(c, (DataFrame(1, b"") for _ in range(100_000)), 100_000)
    assert ended_with(c, ENHANCE_YOUR_CALM)


def test_continuation_flood(c):
    """CVE-2024-27316: a field block without end."""
    c.headers(1, c.fields(), done=False)
    flood(c, (frame(9, 0, 1, literal(b"x", b"v" * 100) * 100) for _ in range(100_000)), 100_000)
    assert ended_with(c, ENHANCE_YOUR_CALM, PROTOCOL_ERROR, COMPRESSION_ERROR)


def test_continuations_without_content(c):
    c.headers(1, c.fields(), done=False)
    flood(c, (frame(9, 0, 1) for _ in range(100_000)), 100_000)
    assert ended_with(c, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


def test_hpack_bomb(c):
    """A field of 4 KiB is indexed once and then named by one byte, as often as fits: megabytes from a few frames."""
    block = c.encoder.encode(c.fields()) + b"\x40\x01x\x7f" + b"\x81\x1e" + b"v" * 4000
    block += b"\xbe" * 12_000
    c.headers(1, block)
    assert ended_with(c, COMPRESSION_ERROR, ENHANCE_YOUR_CALM, PROTOCOL_ERROR)


def test_huge_lists_again_and_again(c):
    """Just below the limit of the frame layer: refused by the limit of HTTP/1.1, and nothing is kept."""
    for stream in range(1, 41, 2):
        reply = c.ask(stream, more=[("x", "v" * 30_000) for _ in range(5)])
        assert reply.status == 494


def test_table_that_grows(c):
    """A table of the largest size that is announced stays within it."""
    block = c.encoder.encode(c.fields())
    for stream in range(1, 81, 2):
        added = b"".join(b"\x40" + bytes([8]) + b"%08d" % (stream * 100 + n) + bytes([100]) + b"v" * 100 for n in range(100))
        c.headers(stream, block + added)
        assert c.reply(stream).status == 200


def test_window_of_zero(c, backend):
    """CVE-2019-9511: many answers that nobody takes. What is kept is bounded by the buffers of each stream."""
    backend.script = lambda _: Answer(200, [], b"w" * 2_000_000)
    c.send(SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}))
    for stream in range(1, 161, 2):
        c.request(stream)
    backend.wait_for(80)
    assert c.is_alive()
    assert all(not c.reply_of(stream).body for stream in range(1, 161, 2))


def test_bodies_that_never_end(fresh_gatehouse, make_world):
    """Streams that say nothing more are answered when the pause is over, and the connection goes on."""
    program = fresh_gatehouse("--gateway-h2c")
    world = make_world(program)
    world.feature("request_custom_config", {"http2_enable": "on", "request_body_timeout": 1})
    api = world.make_api(method="ANY")
    with HTTP2(program.gateway, api.host) as c:
        for stream in (1, 3, 5):
            c.headers(stream, c.fields("POST", path=api.path), end=False)
            c.data(stream, b"some", end=False)
        for stream in (1, 3, 5):
            reply = c.reply(stream)
            assert reply.status == 400 and b"APIC.0201" in reply.body
        assert c.ask(7, path=api.path).status == 200


def test_a_connection_that_says_nothing_ends(h2c_gatehouse, h2c_api):
    """Half a preface, then silence."""
    with socket.create_connection(h2c_gatehouse.gateway, timeout=30) as quiet:
        quiet.sendall(b"PRI * HTTP/2.0\r\n\r\nSM")
        while quiet.recv(1000):
            pass


def test_windows_in_tiny_steps(c, backend):
    """An answer taken byte by byte costs its client, not the others."""
    backend.script = lambda _: Answer(200, [], b"w" * 300)
    c.send(SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 1}))
    c.request(1)
    reply = c.reply_of(1)
    while not reply.ended:
        made = c.step()
        if isinstance(made, DataFrame) and made.data:
            c.send(frame(8, 0, 1, struct.pack(">I", len(made.data))))
    assert reply.body == b"w" * 300 and c.is_alive()
