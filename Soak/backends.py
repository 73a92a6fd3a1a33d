"""Backends of a soak: one that always answers, members of a channel that die and come back, a WebSocket server."""

from __future__ import annotations

import asyncio
import contextlib

import websockets.asyncio.server
from websockets.exceptions import ConnectionClosed

#: Bytes of the answer at /download.
DOWNLOAD = 300_000


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    length, chunked = 0, False
    for entry in fields:
        name, _, value = entry.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        chunked = chunked or name.lower() == b"transfer-encoding"
    body = b""
    while chunked:
        size = int(await reader.readuntil(b"\r\n"), 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if size == 0:
            break
    return line.split(b" ")[1].decode(), body + await reader.readexactly(length)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: /echo says the body back, /download streams chunks, /events is a stream of events."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError, asyncio.LimitOverrunError):
        while True:
            target, body = await _request(reader)
            path = target.partition("?")[0]
            if path.endswith("/download"):
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(DOWNLOAD // 10_000):
                    writer.write(b"2710\r\n" + b"d" * 10_000 + b"\r\n")
                    await writer.drain()
                writer.write(b"0\r\n\r\n")
            elif path.endswith("/events"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                for number in range(5):
                    event = b"data: %d\n\n" % number
                    writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                    await writer.drain()
                    await asyncio.sleep(0.05)
                writer.write(b"0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    writer.close()


class Backend:
    """Listens on one port for its whole life; ``die`` resets all its connections and stops listening, ``revive`` listens again."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def revive(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await _answer(reader, writer)
        finally:
            self._open.discard(writer)


async def websocket_echo():
    async def talk(connection):
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    return await websockets.asyncio.server.serve(talk, "127.0.0.1", 0, compression=None)
