"""Exact bytes to a port and exact bytes back."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field


class Closed(Exception):
    """The other side closed before a whole answer had come."""


@dataclass
class Reply:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        found = self.all(name)
        assert len(found) == 1, f"{len(found)} {name} headers: {self.headers}"
        return found[0]

    def get(self, name: str) -> str | None:
        found = self.all(name)
        return found[0] if found else None

    def json(self):
        import json
        return json.loads(self.body)


class Wire:
    """One client connection."""

    def __init__(self, address: tuple[str, int], timeout: float = 20):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self) -> bytes:
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return data

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self._more():
                raise Closed(self.buffer)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise Closed(self.buffer)
        return self.take(self.buffer.index(b"\r\n") + 2)[:-2]

    def rest(self) -> bytes:
        """Everything until the other side closes."""
        while self._more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    @property
    def is_closed(self) -> bool:
        """Waits for the other side's close; False if bytes come instead."""
        return not self.buffer and not self._more()

    def reply(self, head_only: bool = False) -> Reply:
        """The next answer, with its body by its own framing. `head_only`: it answers HEAD."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                raise Closed(self.buffer)
        head = self.take(self.buffer.index(b"\r\n\r\n") + 4)[:-4].decode("latin-1")
        first, *lines = head.split("\r\n")
        version, status, reason = (first.split(" ", 2) + [""])[:3]
        assert version == "HTTP/1.1", first
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon and name == name.strip(), line
            headers.append((name, value.strip(" \t")))
        reply = Reply(int(status), reason, headers, b"")
        if head_only or reply.status in (204, 304) or reply.status < 200:
            return reply
        lengths, codings = reply.all("content-length"), reply.all("transfer-encoding")
        assert len(lengths) + len(codings) <= 1, headers
        if lengths:
            reply.body = self.take(int(lengths[0]))
        elif codings:
            assert codings[0].lower() == "chunked", codings
            body = bytearray()
            while (size := int(self.line(), 16)) > 0:
                body += self.take(size)
                assert self.take(2) == b"\r\n"
            while line := self.line():
                name, _, value = line.decode("latin-1").partition(":")
                reply.trailers.append((name, value.strip()))
            reply.body = bytes(body)
        else:
            reply.body = self.rest()
        return reply


def head(method: str, target: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def ask(
    address: tuple[str, int], method: str, target: str, host: str, headers: list[tuple[str, str]] = (),
    body: bytes = b"", wire: Wire | None = None,
) -> Reply:
    """One request and its answer, on a connection of its own unless `wire` is given."""
    fields = [("Host", host), *headers]
    names = {name.lower() for name, _ in fields}
    if (body or method in ("POST", "PUT", "PATCH")) and not names & {"content-length", "transfer-encoding"}:
        fields.append(("Content-Length", str(len(body))))
    own = wire is None
    wire = wire or Wire(address)
    try:
        wire.send(head(method, target, fields) + body)
        return wire.reply(head_only=method == "HEAD")
    finally:
        if own:
            wire.close()
