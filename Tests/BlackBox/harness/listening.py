"""Accepting connections, for backends that a test holds by the bytes."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Callable


def shut(connection: socket.socket) -> None:
    """Ends both directions at once, which wakes whoever waits in another thread; the socket stays his to close."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Listening:
    """Accepts connections on 127.0.0.1:`port` (0: a free one), on a thread of its own, and gives each to `take`. One that fails its
    handshake is nobody's."""

    def __init__(
        self, take: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None, port: int = 0, backlog: int = 128
    ):
        self._take, self._tls = take, tls
        self._listener = socket.create_server(("127.0.0.1", port), backlog=backlog)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                if self._listener.fileno() < 0:
                    return
                continue
            self._take(connection)

    def close(self) -> None:
        # Who waits in accept would keep the port.
        shut(self._listener)
        self._listener.close()
