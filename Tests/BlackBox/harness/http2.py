"""HTTP/2 frame by frame: what a client may send and what it may not, and what comes back."""

from __future__ import annotations

import socket
import ssl
import struct

import hpack
from hyperframe.frame import (
    ContinuationFrame, DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR = range(7)
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(7, 12)


def frame(type_: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Any frame, also one that no library would make."""
    return len(payload).to_bytes(3, "big") + bytes([type_, flags]) + struct.pack(">I", stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A field without indexing and without Huffman coding, whatever bytes it has; shorter than 127 each."""
    assert len(name) < 127 and len(value) < 127
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def tls_context(*protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


class Ended(Exception):
    """The other side closed."""


class Reply:
    def __init__(self):
        self.interim: list[int] = []
        self.headers: list[tuple[str, str]] = []
        self.trailers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.ended = False
        self.reset: int | None = None

    @property
    def status(self) -> int:
        return int(dict(self.headers)[":status"])

    def get(self, name: str) -> str | None:
        return dict(self.headers).get(name)


class HTTP2:
    """One connection. `host` is what requests ask for unless they say otherwise."""

    def __init__(self, address: tuple[str, int], host: str, tls: ssl.SSLContext | None = None, begin: bool = True,
                 settings: dict[int, int] | None = None, server_name: str | None = None):
        self.socket = socket.create_connection(address, timeout=15)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_name or host)
        self.host = host
        self.scheme = "https" if tls else "http"
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_allowed_table_size = 4096
        self.buffer = b""
        self.replies: dict[int, Reply] = {}
        self.goaway: GoAwayFrame | None = None
        self.pongs: list[bytes] = []
        self.acknowledged = 0
        self.server_settings: dict[int, int] = {}
        self.window = self.initial = 65535
        if begin:
            self.begin(settings or {})

    def begin(self, settings: dict[int, int]) -> None:
        self.send(PREFACE + SettingsFrame(0, settings=settings).serialize())
        while not self.acknowledged or not self.server_settings:
            self.step()

    def __enter__(self) -> "HTTP2":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    # Out -------------------------------------------------------------------------------------
    def send(self, data: bytes | Frame) -> None:
        self.socket.sendall(data if isinstance(data, bytes) else data.serialize())

    def fields(self, method: str = "GET", path: str = "/t", more=(), **changes: str | None) -> list[tuple[str, str]]:
        """Of a request; `authority=None` leaves a pseudo-field out."""
        pseudo = {"method": method, "scheme": self.scheme, "authority": self.host, "path": path, **changes}
        return [(f":{name}", value) for name, value in pseudo.items() if value is not None] + list(more)

    def headers(self, stream: int, fields, end: bool = True, done: bool = True, flags=()) -> None:
        block = fields if isinstance(fields, bytes) else self.encoder.encode([hpack.NeverIndexedHeaderTuple(*f) for f in fields])
        # As much as a frame may have, and the rest in CONTINUATION.
        pieces = [block] if isinstance(fields, bytes) else [block[at : at + 16384] for at in range(0, len(block), 16384)]
        made = HeadersFrame(stream, pieces[0])
        made.flags |= {*flags, *(["END_STREAM"] if end else []), *(["END_HEADERS"] if done and len(pieces) == 1 else [])}
        self.send(made)
        for number, piece in enumerate(pieces[1:], 2):
            self.continuation(stream, piece, done and number == len(pieces))

    def continuation(self, stream: int, block: bytes, done: bool) -> None:
        made = ContinuationFrame(stream, block)
        if done:
            made.flags.add("END_HEADERS")
        self.send(made)

    def data(self, stream: int, data: bytes, end: bool = True) -> None:
        made = DataFrame(stream, data)
        if end:
            made.flags.add("END_STREAM")
        self.send(made)

    def request(self, stream: int, method: str = "GET", path: str = "/t", more=(), body: bytes | None = None, **changes) -> None:
        self.headers(stream, self.fields(method, path, more, **changes), end=body is None)
        if body is not None:
            for start in range(0, max(len(body), 1), 16384):
                self.data(stream, body[start : start + 16384], start + 16384 >= len(body))

    # In --------------------------------------------------------------------------------------
    def reply_of(self, stream: int) -> Reply:
        return self.replies.setdefault(stream, Reply())

    def read_frame(self) -> Frame:
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                data = b""
            if not data:
                raise Ended
            self.buffer += data
        made, length = Frame.parse_frame_header(memoryview(self.buffer[:9]))
        made.parse_body(memoryview(self.buffer[9 : 9 + length]))
        self.buffer = self.buffer[9 + length :]
        return made

    def step(self) -> Frame:
        """Reads one frame and remembers what it says."""
        made = self.read_frame()
        if isinstance(made, SettingsFrame):
            if "ACK" in made.flags:
                self.acknowledged += 1
            else:
                self.server_settings = dict(made.settings) or {0: 0}
                acknowledgement = SettingsFrame(0)
                acknowledgement.flags.add("ACK")
                self.send(acknowledgement)
        elif isinstance(made, HeadersFrame):
            reply = self.reply_of(made.stream_id)
            block = made.data
            while "END_HEADERS" not in made.flags:
                made_more = self.read_frame()
                assert isinstance(made_more, ContinuationFrame)
                block += made_more.data
                made.flags |= made_more.flags
            fields = [(n, v) for n, v in self.decoder.decode(block)]
            if reply.headers and ":status" not in dict(fields):
                assert "END_STREAM" in made.flags, "trailers in the middle"
                reply.trailers = fields
            elif dict(fields)[":status"].startswith("1"):
                reply.interim.append(int(dict(fields)[":status"]))
            else:
                assert not reply.headers, "two answers"
                reply.headers = fields
            reply.ended = "END_STREAM" in made.flags
        elif isinstance(made, DataFrame):
            reply = self.reply_of(made.stream_id)
            assert reply.headers and not reply.ended
            reply.body += made.data
            reply.ended = "END_STREAM" in made.flags
        elif isinstance(made, RstStreamFrame):
            self.reply_of(made.stream_id).reset = made.error_code
        elif isinstance(made, GoAwayFrame):
            self.goaway = made
        elif isinstance(made, PingFrame) and "ACK" in made.flags:
            self.pongs.append(made.opaque_data)
        return made

    def reply(self, stream: int, open_window: bool = True) -> Reply:
        """The whole answer of a stream."""
        reply = self.reply_of(stream)
        while not reply.ended and reply.reset is None:
            made = self.step()
            if open_window and isinstance(made, DataFrame) and made.flow_controlled_length:
                for target in (0, made.stream_id):
                    self.send(WindowUpdateFrame(target, window_increment=made.flow_controlled_length))
        return reply

    def ask(self, stream: int, *arguments, **options) -> Reply:
        self.request(stream, *arguments, **options)
        return self.reply(stream)

    def is_alive(self) -> bool:
        """The connection answers a PING, and has not said goodbye."""
        before = len(self.pongs)
        self.send(PingFrame(0, b"alive???"))
        while len(self.pongs) == before:
            self.step()
        assert self.pongs[-1] == b"alive???"
        return self.goaway is None

    def failure(self) -> int:
        """The code of the GOAWAY with which the connection ends; it does end."""
        try:
            while True:
                self.step()
        except Ended:
            pass
        assert self.goaway is not None, "closed without a word"
        return self.goaway.error_code

    def reset_code(self, stream: int) -> int:
        """The code with which a stream was reset, or the whole connection."""
        reply = self.reply_of(stream)
        try:
            while reply.reset is None and self.goaway is None:
                self.step()
        except Ended:
            pass
        assert reply.reset is not None or self.goaway is not None, "closed without a word"
        return reply.reset if reply.reset is not None else self.goaway.error_code
