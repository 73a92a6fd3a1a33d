"""Clients of a soak. Each is asked again and again for one piece of work, and raises ``Failed`` where an answer is not what it must be."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl

import websockets.asyncio.client

from backends import DOWNLOAD


class Failed(Exception):
    """A request that had to succeed has not."""


#: Seconds. No answer of a soak takes longer: one that does is stuck. A piece of work asks many times.
PATIENCE = 30
#: Seconds. Fifty answers and more, on a machine with something else to do.
LONGEST_WORK = 300


class Http:
    """One connection of HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, tls: ssl.SSLContext | None = None, name: str | None = None) -> "Http":
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name if tls else None))

    async def ask(self, host: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        try:
            return await asyncio.wait_for(self._ask(host, path, body, headers), PATIENCE)
        except TimeoutError:
            raise Failed(f"{path} at {host} was not answered within {PATIENCE} s") from None

    async def _ask(self, host: str, path: str, body: bytes, headers: dict[str, str] | None) -> tuple[int, bytes]:
        lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        if "transfer-encoding: chunked" in head:
            parts = []
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                parts.append((await self.reader.readexactly(size + 2))[:-2])
            await self.reader.readexactly(2)
            return status, b"".join(parts)
        length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
        return status, await self.reader.readexactly(length)

    def close(self) -> None:
        self.writer.transport.abort()


def expect(answer: tuple[int, bytes], body: bytes | None = None, what: str = "") -> None:
    if answer[0] != 200 or (body is not None and answer[1] != body):
        raise Failed(f"{what}: status {answer[0]}, {answer[1][:200]!r}")


class Clients:
    def __init__(self, plain: int, tls: int, hosts: dict[str, str]):
        self.plain, self.tls, self.hosts = plain, tls, hosts
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    @property
    def all(self) -> list:
        return [self.keep_alive, self.keep_alive, self.fresh, self.over_tls, self.upload, self.download, self.events, self.web_socket,
                self.balanced, self.balanced, self.limited, self.http2, self.leaves, self.nonsense]

    async def keep_alive(self) -> None:
        connection = await Http.open(self.plain)
        for number in range(50):
            expect(await connection.ask(self.hosts["open"], f"/echo?n={number}"), b"", "keep-alive")
        connection.close()

    async def fresh(self) -> None:
        for _ in range(10):
            connection = await Http.open(self.plain)
            expect(await connection.ask(self.hosts["open"], "/echo", b"hello"), b"hello", "a fresh connection")
            connection.close()

    async def over_tls(self) -> None:
        connection = await Http.open(self.tls, self.context, self.hosts["open"])
        for _ in range(20):
            expect(await connection.ask(self.hosts["open"], "/echo", b"hello"), b"hello", "TLS")
        connection.close()

    async def upload(self) -> None:
        body = secrets.token_bytes(200_000)
        connection = await Http.open(self.plain)
        expect(await connection.ask(self.hosts["open"], "/echo", body), body, "an upload")
        connection.close()

    async def download(self) -> None:
        connection = await Http.open(self.plain)
        expect(await connection.ask(self.hosts["open"], "/download"), b"d" * DOWNLOAD, "a download")
        connection.close()

    async def events(self) -> None:
        connection = await Http.open(self.plain)
        status, text = await connection.ask(self.hosts["open"], "/events")
        expect((status, text), b"".join(b"data: %d\n\n" % number for number in range(5)), "events")
        connection.close()

    async def web_socket(self) -> None:
        url = f"ws://{self.hosts['socket']}/echo"
        async with websockets.asyncio.client.connect(url, host="127.0.0.1", port=self.plain, compression=None) as connection:
            for number in range(20):
                await connection.send(str(number))
                if await asyncio.wait_for(connection.recv(), PATIENCE) != str(number):
                    raise Failed("WebSocket: another message came back")

    async def balanced(self) -> None:
        """Members die while they are asked: another one answers."""
        connection = await Http.open(self.plain)
        for _ in range(20):
            expect(await connection.ask(self.hosts["channel"], "/echo"), b"", "a channel whose members die")
        connection.close()

    async def limited(self) -> None:
        """Throttled now and then; everything else would be a failure."""
        connection = await Http.open(self.plain)
        for _ in range(20):
            status, text = await connection.ask(self.hosts["limited"], "/echo")
            if status not in (200, 429):
                raise Failed(f"a limited API: status {status}, {text[:200]!r}")
        connection.close()

    async def http2(self) -> None:
        """h2load: many streams on a few connections."""
        program = await asyncio.create_subprocess_exec(
            "h2load", "-n", "200", "-c", "4", "-m", "10", "-H", f":authority: {self.hosts['open']}",
            f"https://127.0.0.1:{self.tls}/echo", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        text = (await program.communicate())[0].decode()
        if "200 succeeded" not in text or "200 2xx" not in text:
            raise Failed(f"HTTP/2: {text[-600:]}")
        await asyncio.sleep(1)

    async def leaves(self) -> None:
        """Goes away in the middle of a head, of a body, of an answer."""
        for sent in (b"GET /echo HTTP/1.1\r\nHos", b"POST /echo HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\nabc",
                     b"GET /download HTTP/1.1\r\nHost: %s\r\n\r\n"):
            connection = await Http.open(self.plain)
            connection.writer.write(sent.replace(b"%s", self.hosts["open"].encode()))
            await connection.writer.drain()
            await asyncio.sleep(0.01)
            connection.close()

    async def nonsense(self) -> None:
        connection = await Http.open(self.plain)
        connection.writer.write(secrets.token_bytes(200) + b"\r\n\r\n")
        with contextlib.suppress(OSError):
            answer = await asyncio.wait_for(connection.reader.read(1000), PATIENCE)
            if answer and not answer.startswith(b"HTTP/1.1 4"):
                raise Failed(f"nonsense was answered: {answer[:100]!r}")
        connection.close()
