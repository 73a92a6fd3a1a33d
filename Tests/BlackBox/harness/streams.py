"""Backends of which a test holds the very socket, and what a process weighs."""

from __future__ import annotations

import base64
import hashlib
import queue
import socket
import ssl

from .backend import Malformed, Reader, Request
from .listening import Listening


def websocket_accept(key: str) -> str:
    return base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()


def resident_megabytes(pid: int) -> float:
    """What the process has in memory now."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


class Accepted:
    """One connection that the gateway has made to a `RawBackend`."""

    def __init__(self, connection: socket.socket):
        connection.settimeout(20)
        self.socket = connection
        self.reader = Reader(connection)

    def request(self) -> Request | None:
        return self.reader.request(0)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def take(self, count: int) -> bytes:
        """The next `count` bytes, whatever they are."""
        return self.reader._take(count)

    @property
    def is_closed(self) -> bool:
        """Waits for the gateway's close; False if bytes come instead."""
        if self.reader.buffer:
            return False
        try:
            return not self.reader._more()
        except ConnectionResetError:
            return True

    def nothing_came(self, seconds: float = 0.3) -> bool:
        """Nothing is here, and nothing comes within a moment."""
        if self.reader.buffer:
            return False
        self.socket.settimeout(seconds)
        try:
            return self.reader._more() is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(20)

    def switch(self, request: Request, protocol: str | None = None, more: str = "") -> None:
        """The 101 that the request asks for."""
        protocol = protocol or request.one("upgrade")
        lines = [f"Upgrade: {protocol}", "Connection: Upgrade"]
        if request.has("sec-websocket-key"):
            lines.append(f"Sec-WebSocket-Accept: {websocket_accept(request.one('sec-websocket-key'))}")
        self.send(("HTTP/1.1 101 Switching Protocols\r\n" + "\r\n".join(lines) + "\r\n" + more + "\r\n").encode())

    def close(self) -> None:
        self.socket.close()


class RawBackend:
    """Accepts connections on 127.0.0.1 and hands them out; it says nothing by itself."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self._made: queue.Queue[Accepted] = queue.Queue()
        self._listening = Listening(lambda connection: self._made.put(Accepted(connection)), tls)
        self.address = self._listening.address

    def accept(self) -> Accepted:
        """The next connection that was made."""
        return self._made.get(timeout=20)

    @property
    def is_untouched(self) -> bool:
        return self._made.empty()

    def __enter__(self) -> "RawBackend":
        return self

    def __exit__(self, *_) -> None:
        self._listening.close()
