"""A real HTTP/1.1 backend that keeps every request byte for byte and answers as a test says."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field
from typing import Callable, Iterable

from .listening import Listening, shut


class Malformed(Exception):
    """What arrived is not one plain HTTP/1.1 request."""


@dataclass
class Request:
    """A request as it arrived. `raw` is all of it; header names keep their case and order."""

    raw: bytes
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    chunked: bool = False
    #: Common name of the certificate that the client showed.
    peer: str = ""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        found = self.all(name)
        assert len(found) == 1, f"{len(found)} {name} headers: {self.headers}"
        return found[0]

    def has(self, name: str) -> bool:
        return bool(self.all(name))


@dataclass
class Answer:
    """What the backend says. `chunks` sends chunked coding; `close` ends the connection after `close_after`
    bytes of the whole answer (None: after all of it); `wait_for` is awaited before anything is sent."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    chunks: Iterable[bytes] | None = None
    trailers: bytes = b""
    reason: str = "OK"
    close: bool = False
    close_after: int | None = None
    reset: bool = False
    wait_for: threading.Event | None = None
    raw: bytes | None = None


def json_answer(value: object, status: int = 200, **more) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(value).encode(), **more)


Script = Callable[[Request], Answer]


def echo(request: Request) -> Answer:
    return json_answer({"method": request.method, "target": request.target, "length": len(request.body)})


class Backend:
    """Listens on 127.0.0.1:`port` (0: a free one); one thread a connection. `script` answers; `requests` remembers."""

    def __init__(self, remember: bool = True, tls: ssl.SSLContext | None = None, port: int = 0):
        self.script: Script = echo
        self.remember = remember
        self.tls = tls
        self.malformed: list[bytes] = []
        self._requests: list[Request] = []
        self._changed = threading.Condition()
        self._connections: dict[int, socket.socket] = {}
        self._accepted = 0
        # A handshake is the business of the connection's own thread: a slow one holds up no other connection.
        self._listening = Listening(self._begin, port=port, backlog=512)
        self.port, self.address = self._listening.port, self._listening.address

    @property
    def requests(self) -> list[Request]:
        with self._changed:
            return list(self._requests)

    @property
    def accepted(self) -> int:
        """How many connections were opened so far."""
        with self._changed:
            return self._accepted

    def clear(self) -> None:
        with self._changed:
            self._requests.clear()
            self.malformed.clear()
        self.script = echo

    def wait_for(self, count: int, seconds: float = 10) -> list[Request]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._requests) >= count, seconds), (
                f"{len(self._requests)} of {count} requests arrived")
            return list(self._requests)

    @property
    def last(self) -> Request:
        found = self.requests
        assert found, "no request reached the backend"
        return found[-1]

    def drop_connections(self) -> None:
        """Closes what is open, as a restarting backend does."""
        with self._changed:
            for connection in self._connections.values():
                shut(connection)

    def close(self) -> None:
        self._listening.close()
        self.drop_connections()

    # One connection --------------------------------------------------------------------------
    def _begin(self, connection: socket.socket) -> None:
        with self._changed:
            self._accepted += 1
            number = self._accepted
            self._connections[number] = connection
        threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            peer = common_name(connection) if self.tls else ""
            reader = Reader(connection)
            while True:
                try:
                    request = reader.request(number)
                except Malformed:
                    with self._changed:
                        self.malformed.append(bytes(reader.seen))
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
                if request is None:
                    return
                request.peer = peer
                if self.remember:
                    with self._changed:
                        self._requests.append(request)
                        self._changed.notify_all()
                if not self._answer(connection, request, self.script(request)):
                    return
        except OSError:
            pass
        finally:
            connection.close()
            with self._changed:
                self._connections.pop(number, None)

    def _answer(self, connection: socket.socket, request: Request, answer: Answer) -> bool:
        """Sends; returns whether the connection stays open."""
        if answer.wait_for is not None:
            answer.wait_for.wait(30)
        if answer.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if answer.raw is not None:
            connection.sendall(answer.raw)
            return not answer.close
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        bodiless = request.method == "HEAD" or answer.status in (204, 304)
        if answer.chunks is not None:
            lines.append("Transfer-Encoding: chunked")
        elif not answer.status == 204 and not any(name.lower() == "content-length" for name, _ in answer.headers):
            lines.append(f"Content-Length: {len(answer.body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if answer.chunks is not None and not bodiless:
            connection.sendall(head)
            for chunk in answer.chunks:
                connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            connection.sendall(b"0\r\n" + answer.trailers + b"\r\n")
        else:
            whole = head if bodiless else head + answer.body
            connection.sendall(whole if answer.close_after is None else whole[: answer.close_after])
        return not answer.close and answer.close_after is None


def common_name(connection: ssl.SSLSocket) -> str:
    """Of the certificate that the other side showed; empty without one that was verified."""
    shown = connection.getpeercert() or {}
    return next((value for part in shown.get("subject", ()) for key, value in part if key == "commonName"), "")


class Reader:
    """Reads requests strictly from a socket; `seen` is what belongs to the one being read."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self.buffer = b""
        self.seen = bytearray()

    def _more(self) -> bool:
        data = self.connection.recv(65536)
        self.buffer += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self._more():
                raise Malformed("ended early")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        self.seen += data
        return data

    def _line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise Malformed("ended early")
        return self._take(self.buffer.index(b"\r\n") + 2)[:-2]

    def request(self, number: int) -> Request | None:
        """The next request, None at the end of the stream."""
        self.seen = bytearray()
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                if self.buffer:
                    self.seen += self.buffer
                    raise Malformed("ended early")
                return None
        head = self._take(self.buffer.index(b"\r\n\r\n") + 4).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        parts = first.split(" ")
        if len(parts) != 3 or parts[2] != "HTTP/1.1" or "\n" in head.replace("\r\n", ""):
            raise Malformed(first)
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip() or any(c in name for c in ' \t"(),/;<=>?@[\\]{}'):
                raise Malformed(line)
            headers.append((name, value.strip(" \t")))
        request = Request(b"", parts[0], parts[1], headers, b"", number)
        lengths, codings = request.all("content-length"), request.all("transfer-encoding")
        if len(lengths) + len(codings) > 1:
            raise Malformed("two framings")
        if len(request.all("host")) != 1:
            raise Malformed("hosts")
        if request.all("expect"):
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if lengths:
            if not lengths[0].isdigit():
                raise Malformed("length")
            request.body = self._take(int(lengths[0]))
        elif codings:
            if codings[0].lower() != "chunked":
                raise Malformed("coding")
            request.chunked = True
            body = bytearray()
            while True:
                try:
                    size = int(self._line().partition(b";")[0], 16)
                except ValueError:
                    raise Malformed("chunk size") from None
                if size == 0:
                    break
                body += self._take(size)
                if self._take(2) != b"\r\n":
                    raise Malformed("chunk end")
            while self._line():
                pass
            request.body = bytes(body)
        request.raw = bytes(self.seen)
        return request
