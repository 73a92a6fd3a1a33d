"""A backend that speaks HTTP/2 and does to a gateway what a test says."""

from __future__ import annotations

import queue
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import h2.settings
from hyperframe.frame import GoAwayFrame

from .listening import Listening, shut


class Session:
    """One connection of the gateway's, with the events of `h2`."""

    def __init__(self, connection: socket.socket, streams: int | None):
        self.socket = connection
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.lock = threading.RLock()
        if streams is not None:
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values={3: streams})
        self.h2.initiate_connection()
        self.flush()
        self.most = 0
        self.running: set[int] = set()

    def flush(self) -> None:
        with self.lock:
            data = self.h2.data_to_send()
            if data:
                try:
                    self.socket.sendall(data)
                except OSError:
                    pass

    def answer(self, stream: int, message: bytes | None = b"ok", status: str = "0", more=()) -> None:
        """A whole answer; without a message, one of trailers alone."""
        with self.lock:
            self.running.discard(stream)
            if message is None:
                self.h2.send_headers(stream, self.head(("grpc-status", status), *more), end_stream=True)
            else:
                self.h2.send_headers(stream, self.head(*more))
                self.h2.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + message)
                self.h2.send_headers(stream, [("grpc-status", status)], end_stream=True)
            self.flush()

    @staticmethod
    def head(*more) -> list[tuple[str, str]]:
        return [(":status", "200"), ("content-type", "application/grpc"), *more]

    def part(self, stream: int, message: bytes = b"part") -> None:
        with self.lock:
            self.h2.send_headers(stream, self.head())
            self.h2.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + message)
            self.flush()

    def reset(self, stream: int, code: int) -> None:
        with self.lock:
            self.h2.reset_stream(stream, code)
            self.flush()

    def leave(self, last: int, code: int = 0) -> None:
        """GOAWAY"""
        # By hand: the library would close what it has promised to go on with.
        with self.lock:
            self.raw(GoAwayFrame(0, last_stream_id=last, error_code=code).serialize())

    def raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        shut(self.socket)
        self.socket.close()


class Frames:
    """Accepts connections; `script(session, stream)` is called when a request is complete, or at its head with `early`."""

    def __init__(self, script, tls: ssl.SSLContext | None = None, streams: int | None = None, early: bool = False):
        self.script, self.early, self.streams = script, early, streams
        self.sessions: list[Session] = []
        self.requests: list[dict[str, str]] = []
        self.resets: queue.Queue[tuple[int, int]] = queue.Queue()
        self._listening = Listening(self._begin, tls)
        self.address = self._listening.address

    def _begin(self, connection: socket.socket) -> None:
        session = Session(connection, self.streams)
        self.sessions.append(session)
        threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session: Session) -> None:
        while True:
            try:
                data = session.socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            with session.lock:
                try:
                    events = session.h2.receive_data(data)
                except Exception:
                    return session.close()
                todo = []
                for event in events:
                    if isinstance(event, h2.events.RequestReceived):
                        self.requests.append(dict(event.headers))
                        session.running.add(event.stream_id)
                        session.most = max(session.most, len(session.running))
                        if self.early:
                            todo.append(event.stream_id)
                    elif isinstance(event, h2.events.DataReceived):
                        session.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded) and not self.early:
                        todo.append(event.stream_id)
                    elif isinstance(event, h2.events.StreamReset):
                        self.resets.put((event.stream_id, event.error_code))
                        session.running.discard(event.stream_id)
                session.flush()
            for stream in todo:
                self.script(session, stream)

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_) -> None:
        self._listening.close()
        for session in self.sessions:
            session.close()
