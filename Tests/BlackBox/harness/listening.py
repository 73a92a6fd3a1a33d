"""Accepting connections, for backends that a test holds by the bytes."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Callable


class Listening:
    """Accepts connections on 127.0.0.1, on a thread of its own, and gives each to `take`. One that fails its handshake is nobody's."""

    def __init__(self, take: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None):
        self._take, self._tls = take, tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
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
        try:
            # Wakes who waits in accept.
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
