"""RFC 9113, section by section, with frames made by hand. Each case says what must come back."""

from __future__ import annotations

import struct

import pytest
from hyperframe.frame import DataFrame, HeadersFrame, PingFrame, PriorityFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame

from harness.backend import Answer, echo
from harness.http2 import (
    CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, HTTP2, PREFACE, PROTOCOL_ERROR,
    REFUSED_STREAM, STREAM_CLOSED, Ended, frame, literal)

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, ACK = 1, 4, 8, 1


@pytest.fixture
def connect(h2c_gatehouse, h2c_api, backend):
    made = []

    def make(**options) -> HTTP2:
        connection = HTTP2(h2c_gatehouse.gateway, h2c_api.host, **options)
        made.append(connection)
        return connection

    yield make
    for connection in made:
        connection.socket.close()


@pytest.fixture
def c(connect) -> HTTP2:
    return connect()


# What goes well ---------------------------------------------------------------------------------

GOOD = []


def good(case):
    GOOD.append(case)
    return case


@good
def plain_get(c):
    reply = c.ask(1)
    assert reply.status == 200 and reply.get("server") == "api-gateway" and len(reply.get("x-request-id")) == 32
    assert all(name == name.lower() for name, _ in reply.headers)
    assert not {"connection", "transfer-encoding", "keep-alive"} & {name for name, _ in reply.headers}


@good
def several_one_after_another(c):
    assert [c.ask(stream).status for stream in (1, 3, 5, 101)] == [200] * 4


@good
def several_at_once(c):
    for stream in range(1, 41, 2):
        c.request(stream, path=f"/n{stream}")
    for stream in range(1, 41, 2):
        assert f"/n{stream}".encode() in c.reply(stream).body


@good
def body_of_known_length(c):
    assert b'"length": 5' in c.ask(1, "POST", more=[("content-length", "5")], body=b"12345").body


@good
def body_of_unknown_length(c):
    assert b'"length": 40000' in c.ask(1, "POST", body=b"x" * 40000).body


@good
def empty_data_ends(c):
    assert b'"length": 0' in c.ask(1, "POST", body=b"").body


@good
def padded_frames(c):
    block = c.encoder.encode(c.fields("POST"))
    c.send(frame(HEADERS, END_HEADERS | PADDED, 1, b"\x05" + block + b"\0" * 5))
    c.send(frame(DATA, END_STREAM | PADDED, 1, b"\x03abc" + b"\0" * 3))
    assert b'"length": 3' in c.reply(1).body


@good
def only_padding(c):
    c.headers(1, c.fields("POST"), end=False)
    c.send(frame(DATA, END_STREAM | PADDED, 1, b"\x03" + b"\0" * 3))
    assert b'"length": 0' in c.reply(1).body


@good
def headers_with_priority(c):
    made = HeadersFrame(1, c.encoder.encode(c.fields()))
    made.depends_on, made.stream_weight, made.exclusive = 0, 16, False
    made.flags |= {"END_STREAM", "END_HEADERS", "PRIORITY"}
    c.send(made)
    assert c.reply(1).status == 200


@good
def priority_on_idle_stream(c):
    c.send(PriorityFrame(7, depends_on=0, stream_weight=10, exclusive=False))
    assert c.ask(1).status == 200


@good
def field_block_in_pieces(c):
    block = c.encoder.encode(c.fields(more=[("x-long", "v" * 100)]))
    size = len(block) // 9 + 1
    pieces = [block[at : at + size] for at in range(0, len(block), size)]
    c.headers(1, pieces[0], done=False)
    for number, piece in enumerate(pieces[1:], 2):
        c.continuation(1, piece, number == len(pieces))
    assert c.reply(1).status == 200


@good
def trailers_are_dropped(c, backend):
    c.headers(1, c.fields("POST"), end=False)
    c.data(1, b"abc", end=False)
    c.headers(1, [("x-trailer", "1")])
    assert c.reply(1).status == 200 and backend.last.body == b"abc" and not backend.last.has("x-trailer")


@good
def head_has_no_body(c):
    reply = c.ask(1, "HEAD")
    assert reply.status == 200 and reply.body == b"" and int(reply.get("content-length")) > 0


@good
def answers_without_body(c, backend):
    for stream, status in ((1, 204), (3, 304)):
        backend.script = lambda _, status=status: Answer(status)
        reply = c.ask(stream)
        assert (reply.status, reply.body) == (status, b"")


@good
def large_answer(c, backend):
    backend.script = lambda _: Answer(200, [], b"z" * 1_000_000)
    reply = c.ask(1)
    assert reply.body == b"z" * 1_000_000 and reply.get("content-length") == "1000000"


@good
def chunked_answer(c, backend):
    backend.script = lambda _: Answer(200, chunks=[b"one", b"two" * 9000, b"three"])
    reply = c.ask(1)
    assert reply.body == b"one" + b"two" * 9000 + b"three" and reply.get("content-length") is None


@good
def continue_is_said(c):
    c.headers(1, c.fields("POST", more=[("expect", "100-continue")]), end=False)
    while not c.reply_of(1).interim:
        c.step()
    assert c.reply_of(1).interim == [100]
    c.data(1, b"now")
    assert b'"length": 3' in c.reply(1).body


@good
def cookies_are_joined(c, backend):
    c.ask(1, more=[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")])
    assert backend.last.one("cookie") == "a=1; b=2; c=3"


@good
def te_trailers(c, backend):
    assert c.ask(1, more=[("te", "trailers")]).status == 200 and not backend.last.has("te")


@good
def host_without_authority(c):
    assert c.ask(1, more=[("host", c.host)], authority=None).status == 200


@good
def host_beside_authority(c, backend):
    assert c.ask(1, more=[("host", c.host.upper())]).status == 200
    assert backend.last.one("x-forwarded-host") == c.host


@good
def high_bytes_in_values(c):
    assert c.ask(1, more=[("x-name", "ä")]).status == 200


@good
def table_size_update(c):
    c.headers(1, b"\x20" + c.encoder.encode(c.fields()))
    assert c.reply(1).status == 200


@good
def huffman_and_index(c):
    import hpack
    c.headers(1, hpack.Encoder().encode(c.fields(more=[("x-repeated", "value")]), huffman=True))
    assert c.reply(1).status == 200


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.__name__)
def test_goes_well(c, backend, case):
    case(*([c, backend] if case.__code__.co_argcount == 2 else [c]))
    assert c.is_alive()


# Frames of the connection -----------------------------------------------------------------------

IGNORED = {
    "4.1 unknown type": lambda c: c.send(frame(0x77, 0xFF, 0, b"anything")),
    "4.1 unknown type on a stream": lambda c: c.send(frame(0x78, 0, 9, b"x" * 100)),
    "4.1 unknown flags": lambda c: c.send(frame(PING, 0xFE, 0, b"12345678")),
    "4.1 reserved bit": lambda c: c.send(frame(PING, 0, 0x80000000, b"12345678")),
    "6.5.2 unknown setting": lambda c: c.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 0xFFFF, 7))),
    "6.5 empty settings": lambda c: c.send(frame(SETTINGS, 0, 0)),
    "6.5.3 acknowledgement nobody waits for": lambda c: None,
    "6.7 answer nobody waits for": lambda c: c.send(frame(PING, ACK, 0, b"12345678")),
    "6.9 window of the connection": lambda c: c.send(WindowUpdateFrame(0, window_increment=1000)),
    "6.5.2 largest frame size": lambda c: c.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 16777215))),
    "6.5.2 push off": lambda c: c.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 2, 0))),
}


@pytest.mark.parametrize("name", IGNORED)
def test_harmless(c, name):
    IGNORED[name](c)
    assert c.ask(1).status == 200 and c.is_alive()


def opened(c, stream: int = 1) -> None:
    """A stream on which the request's body may come."""
    c.headers(stream, c.fields("POST"), end=False)


def after(c, *steps) -> None:
    for step in steps:
        step(c)


#: What the frame is, and the codes with which the connection may end.
CONNECTION_ERRORS = {
    "4.2 data too large": (lambda c: after(c, opened, lambda c: c.send(frame(DATA, 0, 1, b"x" * 16385))), {FRAME_SIZE_ERROR}),
    "4.2 headers too large": (lambda c: c.send(frame(HEADERS, 5, 1, b"\x00" * 16385)), {FRAME_SIZE_ERROR}),
    "4.2 unknown type too large": (lambda c: c.send(frame(0x77, 0, 0, b"x" * 16385)), {FRAME_SIZE_ERROR}),
    "4.3 index out of range": (lambda c: c.headers(1, b"\xff\xff\x01"), {COMPRESSION_ERROR}),
    "4.3 index zero": (lambda c: c.headers(1, b"\x80"), {COMPRESSION_ERROR}),
    "4.3 truncated block": (lambda c: c.headers(1, b"\x00\x05ab"), {COMPRESSION_ERROR}),
    "4.3 endless integer": (lambda c: c.headers(1, b"\x7f" + b"\xff" * 20), {COMPRESSION_ERROR}),
    "4.3 table larger than allowed": (lambda c: c.headers(1, b"\x3f\xe1\xff\x03" + c.encoder.encode(c.fields())), {COMPRESSION_ERROR}),
    "4.3 broken Huffman": (lambda c: c.headers(1, b"\x00\x84\xff\xff\xff\xff\x01a"), {COMPRESSION_ERROR}),
    "4.3 other frame inside a block": (
        lambda c: after(c, lambda c: c.headers(1, c.fields(), done=False), lambda c: c.send(frame(PING, 0, 0, b"12345678"))), {PROTOCOL_ERROR}),
    "4.3 unknown frame inside a block": (
        lambda c: after(c, lambda c: c.headers(1, c.fields(), done=False), lambda c: c.send(frame(0x77, 0, 0))), {PROTOCOL_ERROR}),
    "4.3 other stream inside a block": (
        lambda c: after(c, lambda c: c.headers(1, c.fields(), done=False), lambda c: c.headers(3, c.fields())), {PROTOCOL_ERROR}),
    "4.3 continuation of another stream": (
        lambda c: after(c, lambda c: c.headers(1, c.fields(), done=False), lambda c: c.continuation(3, b"", True)), {PROTOCOL_ERROR}),
    # RFC 9113 asks for a stream error at least; the decoder takes it for a broken block.
    "8.2.1 empty name": (lambda c: raw_request(c, literal(b"", b"1")), {COMPRESSION_ERROR, PROTOCOL_ERROR}),
    "5.1 data on an idle stream": (lambda c: c.data(1, b"x"), {PROTOCOL_ERROR}),
    "5.1 reset of an idle stream": (lambda c: c.send(RstStreamFrame(1, error_code=CANCEL)), {PROTOCOL_ERROR}),
    "5.1 window of an idle stream": (lambda c: c.send(WindowUpdateFrame(1, window_increment=1)), {PROTOCOL_ERROR}),
    "5.1.1 even stream": (lambda c: c.headers(2, c.fields()), {PROTOCOL_ERROR}),
    "5.1.1 smaller stream": (lambda c: after(c, lambda c: c.ask(5), lambda c: c.headers(3, c.fields())), {PROTOCOL_ERROR, STREAM_CLOSED}),
    "6.1 data without a stream": (lambda c: c.send(frame(DATA, 1, 0, b"x")), {PROTOCOL_ERROR}),
    "6.1 padding longer than data": (
        lambda c: after(c, opened, lambda c: c.send(frame(DATA, PADDED, 1, b"\x09abc"))), {PROTOCOL_ERROR}),
    "6.2 headers without a stream": (lambda c: c.send(frame(HEADERS, 5, 0, c.encoder.encode(c.fields()))), {PROTOCOL_ERROR}),
    "6.2 padding longer than headers": (lambda c: c.send(frame(HEADERS, 5 | PADDED, 1, b"\xff\x82")), {PROTOCOL_ERROR}),
    "6.3 priority without a stream": (lambda c: c.send(frame(PRIORITY, 0, 0, b"\0\0\0\0\x10")), {PROTOCOL_ERROR}),
    "6.4 reset without a stream": (lambda c: c.send(frame(RST, 0, 0, b"\0\0\0\x08")), {PROTOCOL_ERROR}),
    "6.4 reset of a wrong length": (lambda c: after(c, opened, lambda c: c.send(frame(RST, 0, 1, b"\0\0\x08"))), {FRAME_SIZE_ERROR}),
    "6.5 settings on a stream": (lambda c: c.send(frame(SETTINGS, 0, 1)), {PROTOCOL_ERROR}),
    "6.5 settings of a wrong length": (lambda c: c.send(frame(SETTINGS, 0, 0, b"\0\0\0")), {FRAME_SIZE_ERROR}),
    "6.5 acknowledgement with content": (lambda c: c.send(frame(SETTINGS, ACK, 0, b"\0" * 6)), {FRAME_SIZE_ERROR}),
    "6.5.2 push neither on nor off": (lambda c: c.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 2, 2))), {PROTOCOL_ERROR}),
    "6.5.2 window too large": (lambda c: c.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0x80000000))), {FLOW_CONTROL_ERROR}),
    "6.5.2 frame size too small": (lambda c: c.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 16383))), {PROTOCOL_ERROR}),
    "6.5.2 frame size too large": (lambda c: c.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 16777216))), {PROTOCOL_ERROR}),
    "6.6 push from a client": (lambda c: c.send(frame(PUSH, END_HEADERS, 1, b"\0\0\0\x02" + c.encoder.encode(c.fields()))), {PROTOCOL_ERROR}),
    "6.7 ping on a stream": (lambda c: c.send(frame(PING, 0, 1, b"12345678")), {PROTOCOL_ERROR}),
    "6.7 ping of a wrong length": (lambda c: c.send(frame(PING, 0, 0, b"1234567")), {FRAME_SIZE_ERROR}),
    "6.8 goodbye on a stream": (lambda c: c.send(frame(GOAWAY, 0, 1, b"\0" * 8)), {PROTOCOL_ERROR}),
    "6.8 goodbye of a wrong length": (lambda c: c.send(frame(GOAWAY, 0, 0, b"\0" * 7)), {FRAME_SIZE_ERROR}),
    "6.9 window of nothing": (lambda c: c.send(frame(WINDOW, 0, 0, b"\0\0\0\0")), {PROTOCOL_ERROR}),
    "6.9 window of a wrong length": (lambda c: c.send(frame(WINDOW, 0, 0, b"\0\0\0")), {FRAME_SIZE_ERROR}),
    "6.9.1 window of the connection too large": (lambda c: c.send(WindowUpdateFrame(0, window_increment=0x7FFFFFFF)), {FLOW_CONTROL_ERROR}),
    "6.10 continuation of nothing": (lambda c: c.continuation(1, b"", True), {PROTOCOL_ERROR}),
    "6.10 continuation of a whole block": (lambda c: after(c, opened, lambda c: c.continuation(1, b"", True)), {PROTOCOL_ERROR}),
    "6.10 continuation without a stream": (
        lambda c: after(c, lambda c: c.headers(1, c.fields(), done=False), lambda c: c.send(frame(CONTINUATION, END_HEADERS, 0))), {PROTOCOL_ERROR}),
}


@pytest.mark.parametrize("name", CONNECTION_ERRORS)
def test_errors_of_the_connection(c, backend, name):
    act, codes = CONNECTION_ERRORS[name]
    act(c)
    assert c.failure() in codes


def test_3_4_first_frame_is_settings(connect):
    c = connect(begin=False)
    c.send(PREFACE + frame(PING, 0, 0, b"12345678"))
    assert c.failure() == PROTOCOL_ERROR


def test_3_4_no_preface_is_http11(connect):
    c = connect(begin=False)
    c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX")
    assert c.socket.recv(100).startswith(b"HTTP/1.1 400 ")


def test_3_4_preface_byte_by_byte(connect):
    c = connect(begin=False)
    for byte in PREFACE:
        c.send(bytes([byte]))
    c.send(SettingsFrame(0))
    while not c.server_settings:
        c.step()
    assert c.ask(1).status == 200


# Streams ----------------------------------------------------------------------------------------

def raw_request(c, *fields: bytes, end: bool = True) -> None:
    """Plain pseudo-fields, and then bytes that no library would encode."""
    block = (literal(b":method", b"GET") + literal(b":scheme", b"http") + literal(b":authority", c.host.encode())
             + literal(b":path", b"/t") + b"".join(fields))
    c.headers(1, block, end=end)


def request_of(c, **changes) -> None:
    more = changes.pop("more", ())
    c.headers(1, c.fields(more=more, **changes))


def with_body(c, length: str | list, *pieces: bytes) -> None:
    lengths = [length] if isinstance(length, str) else length
    c.headers(1, c.fields("POST", more=[("content-length", value) for value in lengths]), end=not pieces)
    for number, piece in enumerate(pieces):
        c.data(1, piece, number == len(pieces) - 1)


MALFORMED = {
    "8.1 second headers without end": lambda c: after(c, opened, lambda c: c.headers(1, [("x", "y")], end=False)),
    "8.1 pseudo-field in trailers": lambda c: after(c, opened, lambda c: c.headers(1, [(":path", "/")])),
    "8.1.1 less than its length": lambda c: with_body(c, "5", b"1234"),
    "8.1.1 more than its length": lambda c: with_body(c, "5", b"123456"),
    "8.1.1 more in pieces": lambda c: with_body(c, "5", b"123", b"456"),
    "8.1.1 length without body": lambda c: with_body(c, "5"),
    "8.1.1 two lengths": lambda c: with_body(c, ["5", "6"], b"12345"),
    "8.1.1 equal lengths": lambda c: with_body(c, ["5", "5"], b"12345"),
    "8.2.1 capital in a name": lambda c: raw_request(c, literal(b"X-Capital", b"1")),
    "8.2.1 blank in a name": lambda c: raw_request(c, literal(b"x y", b"1")),
    "8.2.1 colon in a name": lambda c: raw_request(c, literal(b"x:y", b"1")),
    "8.2.1 line end in a name": lambda c: raw_request(c, literal(b"x\r\ny", b"1")),
    "8.2.1 high byte in a name": lambda c: raw_request(c, literal(b"x\xe4", b"1")),
    "8.2.1 return in a value": lambda c: raw_request(c, literal(b"x", b"a\rb")),
    "8.2.1 line feed in a value": lambda c: raw_request(c, literal(b"x", b"a\nb: c")),
    "8.2.1 line end in a value": lambda c: raw_request(c, literal(b"x", b"a\r\nhost: other\r\n\r\nGET /intern HTTP/1.1")),
    "8.2.1 zero in a value": lambda c: raw_request(c, literal(b"x", b"a\0b")),
    "8.2.1 control in a value": lambda c: raw_request(c, literal(b"x", b"a\x1bb")),
    "8.2.2 connection": lambda c: request_of(c, more=[("connection", "close")]),
    "8.2.2 keep-alive": lambda c: request_of(c, more=[("keep-alive", "5")]),
    "8.2.2 proxy-connection": lambda c: request_of(c, more=[("proxy-connection", "keep-alive")]),
    "8.2.2 transfer-encoding": lambda c: request_of(c, more=[("transfer-encoding", "chunked")]),
    "8.2.2 upgrade": lambda c: request_of(c, more=[("upgrade", "websocket")]),
    "8.2.2 te": lambda c: request_of(c, more=[("te", "gzip")]),
    "8.3 unknown pseudo-field": lambda c: c.headers(1, [*c.fields(), (":unknown", "1")]),
    "8.3 pseudo-field of answers": lambda c: c.headers(1, [*c.fields(), (":status", "200")]),
    "8.3 pseudo-field behind others": lambda c: c.headers(1, [*c.fields(path=None), ("x", "y"), (":path", "/t")]),
    "8.3.1 method twice": lambda c: c.headers(1, [*c.fields(), (":method", "GET")]),
    "8.3.1 path twice": lambda c: c.headers(1, [*c.fields(), (":path", "/t")]),
    "8.3.1 scheme twice": lambda c: c.headers(1, [*c.fields(), (":scheme", "http")]),
    "8.3.1 authority twice": lambda c: c.headers(1, [*c.fields(), (":authority", c.host)]),
    "8.3.1 no method": lambda c: request_of(c, method=None),
    "8.3.1 no path": lambda c: request_of(c, path=None),
    "8.3.1 no scheme": lambda c: request_of(c, scheme=None),
    "8.3.1 no host at all": lambda c: request_of(c, authority=None),
    "8.3.1 empty path": lambda c: request_of(c, path=""),
    "8.3.1 path without slash": lambda c: request_of(c, path="t"),
    "8.3.1 path with another host": lambda c: request_of(c, path="http://other/t"),
    "8.3.1 blank in the path": lambda c: request_of(c, path="/t HTTP/1.1"),
    "8.3.1 line end in the path": lambda c: request_of(c, path="/t\r\nx: y"),
    "8.3.1 line end in the method": lambda c: request_of(c, method="GET / HTTP/1.1\r\nx: y\r\n\r\nGET"),
    "8.3.1 line end in the authority": lambda c: request_of(c, authority=c.host + "\r\nx: y"),
    "8.3.1 another host": lambda c: request_of(c, more=[("host", "other.example.com")]),
    "8.3.1 two hosts": lambda c: request_of(c, more=[("host", c.host), ("host", c.host)]),
    "8.3.1 another scheme": lambda c: request_of(c, scheme="ftp"),
    "8.5 connect": lambda c: c.headers(1, [(":method", "CONNECT"), (":authority", c.host)]),
    "8.5 connect with a path": lambda c: request_of(c, method="CONNECT"),
    "RFC 8441 not offered": lambda c: c.headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), *c.fields()[1:]]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests(c, backend, name):
    """A stream error, or 400: the stream is over, others go on, and no backend has seen a whole request."""
    MALFORMED[name](c)
    reply = c.reply_of(1)
    while reply.reset is None and not reply.ended:
        c.step()
    if reply.reset is not None:
        assert reply.reset == PROTOCOL_ERROR
    else:
        assert reply.status == 400
    assert c.ask(3).status == 200 and c.is_alive()
    assert [request.target for request in backend.requests] == ["/t"]


REFUSED = {
    "unknown host": (lambda c: request_of(c, authority="nobody.example.com"), 404),
    "user in the authority": (lambda c: request_of(c, authority="me@" + c.host), 400),
    "port that is none": (lambda c: request_of(c, authority=c.host + ":http"), 400),
    "dot segments": (lambda c: request_of(c, path="/a/../b"), 400),
    "broken escape": (lambda c: request_of(c, path="/a%zz"), 400),
    "long path": (lambda c: request_of(c, path="/" + "a" * 33000), 414),
    "long field": (lambda c: request_of(c, more=[("x", "v" * 33000)]), 494),
    "many fields": (lambda c: request_of(c, more=[(f"x{n}", "v") for n in range(300)]), 494),
    "expectation": (lambda c: request_of(c, more=[("expect", "miracles")]), 400),
    "length that is none": (lambda c: c.headers(1, c.fields("POST", more=[("content-length", "five")])), 400),
    "asterisk": (lambda c: request_of(c, path="*"), 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_over_http11(c, backend, name):
    act, status = REFUSED[name]
    act(c)
    reply = c.reply_of(1)
    while reply.reset is None and not reply.ended:
        c.step()
    # What the frame layer finds is a stream error, as above.
    if name in ("length that is none",) and reply.reset is not None:
        assert reply.reset == PROTOCOL_ERROR
    else:
        assert reply.status == status and b"APIC." in reply.body
    assert c.ask(3).status == 200 and len(backend.requests) == 1


STREAM_ERRORS = {
    "5.1 data behind the end": (lambda c: after(c, request_of, lambda c: c.data(1, b"x")), {STREAM_CLOSED}),
    "5.1 headers behind the end": (lambda c: after(c, request_of, lambda c: c.headers(1, c.fields())), {STREAM_CLOSED, PROTOCOL_ERROR}),
    "6.3 priority of a wrong length": (lambda c: after(c, opened, lambda c: c.send(frame(PRIORITY, 0, 1, b"\0\0\0\0"))), {FRAME_SIZE_ERROR}),
    "6.9 window of nothing": (lambda c: after(c, opened, lambda c: c.send(frame(WINDOW, 0, 1, b"\0\0\0\0"))), {PROTOCOL_ERROR}),
    "6.9.1 window too large": (
        lambda c: after(c, opened, lambda c: c.send(WindowUpdateFrame(1, window_increment=0x7FFFFFFF))), {FLOW_CONTROL_ERROR}),
}


@pytest.mark.parametrize("name", STREAM_ERRORS)
def test_errors_of_a_stream(c, backend, name):
    import threading
    held = threading.Event()
    backend.script = lambda request: Answer(wait_for=held)
    act, codes = STREAM_ERRORS[name]
    act(c)
    assert c.reset_code(1) in codes
    held.set()


# Flow control -----------------------------------------------------------------------------------

def test_6_9_2_answers_keep_to_the_window(connect, backend):
    """Not one byte more than was granted, on the stream and on the connection."""
    backend.script = lambda _: Answer(200, [], b"w" * 1000)
    c = connect(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 10})
    c.request(1)
    reply = c.reply_of(1)
    while len(reply.body) < 10:
        c.step()
    assert c.is_alive() and len(reply.body) == 10
    c.send(WindowUpdateFrame(1, window_increment=5))
    while len(reply.body) < 15:
        c.step()
    assert c.is_alive() and len(reply.body) == 15
    # A larger initial window counts for streams that are open.
    c.send(SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 100}))
    while len(reply.body) < 105:
        c.step()
    assert c.is_alive() and len(reply.body) == 105
    # A smaller one makes the window negative.
    c.send(SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}))
    c.send(WindowUpdateFrame(1, window_increment=100))
    assert c.is_alive() and len(reply.body) == 105
    c.send(WindowUpdateFrame(1, window_increment=895))
    while not reply.ended:
        c.step()
    assert reply.body == b"w" * 1000


def test_6_9_1_window_of_the_connection(c, backend):
    backend.script = lambda _: Answer(200, [], b"w" * 60_000)
    for stream in (1, 3):
        c.request(stream)
    while len(c.reply_of(1).body) + len(c.reply_of(3).body) < 65_535:
        c.step()
    assert c.is_alive() and len(c.reply_of(1).body) + len(c.reply_of(3).body) == 65_535
    c.send(WindowUpdateFrame(0, window_increment=100_000))
    for stream in (1, 3):
        assert c.reply(stream, open_window=False).body == b"w" * 60_000


def test_6_9_1_more_than_the_window_of_a_stream(c):
    """The server's own window is kept too: nobody reads the body while the backend holds it up."""
    c.headers(1, c.fields("POST"), end=False)
    try:
        for _ in range(200):
            c.data(1, b"x" * 16384, end=False)
    except OSError:
        pass
    # Either the windows grew as the body passed on, or the excess was refused.
    try:
        assert c.is_alive()
    except (Ended, OSError):
        assert c.goaway is not None and c.goaway.error_code == FLOW_CONTROL_ERROR


def test_5_1_2_too_many_streams_at_once(c, backend):
    import threading
    held = threading.Event()
    backend.script = lambda request: Answer(wait_for=held)
    limit = c.server_settings[SettingsFrame.MAX_CONCURRENT_STREAMS]
    assert limit == 100
    try:
        for number in range(limit + 1):
            c.request(2 * number + 1)
        assert c.reset_code(2 * limit + 1) in {REFUSED_STREAM, PROTOCOL_ERROR}
    finally:
        held.set()


def test_a_reset_stream_is_over(c, backend):
    import threading
    held = threading.Event()
    backend.script = lambda request: Answer(wait_for=held) if request.path == "/held" else echo(request)
    c.request(1, path="/held")
    backend.wait_for(1)
    c.send(RstStreamFrame(1, error_code=CANCEL))
    assert c.ask(3).status == 200
    held.set()
    assert c.is_alive() and not c.reply_of(1).headers


def test_there_are_enough_cases():
    assert len(GOOD) + len(IGNORED) + len(CONNECTION_ERRORS) + len(MALFORMED) + len(REFUSED) + len(STREAM_ERRORS) >= 80
    assert len(GOOD) >= 20
