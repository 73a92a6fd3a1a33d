"""WebSocket and other upgrades: tunnels that only the backend's 101 opens."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import websockets.sync.client
import websockets.sync.server
from websockets.exceptions import ConnectionClosed, InvalidStatus

from harness.streams import RawBackend, resident_megabytes
from harness.wire import Wire, head

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
WEBSOCKET = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY)]


@pytest.fixture(scope="module")
def echo_server():
    """A WebSocket server that says back what it hears, and its request headers when asked."""
    seen = []

    def talk(connection):
        seen.append(connection.request)
        try:
            for message in connection:
                connection.send(message)
        except ConnectionClosed:
            pass

    with websockets.sync.server.serve(
        talk, "127.0.0.1", 0, compression=None, max_size=None, select_subprotocol=lambda _, offered: "chat" if "chat" in offered else None,
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.address = "127.0.0.1:%d" % server.socket.getsockname()[1]
        server.seen = seen
        yield server
        server.shutdown()


def api_to(world, address: str, **fields):
    return world.make_api(method="ANY", backend={"url_domain": address}, **fields)


def open_socket(world, api, **options):
    plain = socket.create_connection(world.gatehouse.gateway, timeout=20)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return websockets.sync.client.connect(f"ws://{api.host}{api.path}", sock=plain, compression=None, max_size=None, **options)


def ask_upgrade(world, api, headers=WEBSOCKET, method="GET") -> Wire:
    wire = world.connect()
    wire.send(head(method, api.path, [("Host", api.host), *headers]))
    return wire


def tunnel(world, backend: RawBackend, api, headers=WEBSOCKET):
    """Both ends of an open tunnel."""
    wire = ask_upgrade(world, api, headers)
    end = backend.accept()
    end.switch(end.request())
    reply = wire.reply()
    assert reply.status == 101
    return wire, end


# Real counterparts -----------------------------------------------------------------------------

def test_a_conversation(world, echo_server):
    api = api_to(world, echo_server.address)
    with open_socket(world, api, subprotocols=["chat"], additional_headers={"X-Mine": "1"}) as chat:
        assert chat.subprotocol == "chat" and chat.response.status_code == 101
        assert chat.response.headers["Server"] == "api-gateway" and len(chat.response.headers["X-Request-Id"]) == 32
        for message in ("hello", b"\x00\xff" * 10, "x" * 200_000, b"y" * 3_000_000):
            chat.send(message)
            assert chat.recv(timeout=20) == message
        seen = echo_server.seen[-1]
        assert seen.headers["X-Mine"] == "1" and seen.headers["X-Forwarded-For"] == "127.0.0.1"
        assert seen.headers["X-Request-Id"] == chat.response.headers["X-Request-Id"]
        chat.ping().wait(10)
    assert chat.close_code == 1000


def test_over_tls(gatehouse, world, echo_server):
    import ssl
    api = api_to(world, echo_server.address)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", gatehouse.tls_port), timeout=20)
    with websockets.sync.client.connect(f"wss://{api.host}{api.path}", sock=plain, ssl=context, compression=None) as chat:
        for size in (1, 500_000):
            chat.send("z" * size)
            assert chat.recv(timeout=20) == "z" * size
        assert echo_server.seen[-1].headers["X-Forwarded-Proto"] == "https"


def test_held_open_through_a_thousand_changes(world, echo_server):
    """Neither the tunnel's own API nor anything else that changes touches what is open."""
    api = api_to(world, echo_server.address)
    environment = world.make_environment()
    with open_socket(world, api) as chat:
        for number in range(1000):
            world.api.expect(200, "PUT", f"/envs/{environment['id']}", {"name": f"{environment['name']}_{number % 2}"})
            if number % 100 == 0:
                world.api.expect(200, "PUT", f"/apis/{api.id}", {**api.definition, "remark": str(number)})
                world.publish(api)
            if number % 50 == 0:
                chat.send(str(number))
                assert chat.recv(timeout=20) == str(number)
        world.offline(api)
        world.api.expect(204, "DELETE", f"/apis/{api.id}")
        chat.send("still here")
        assert chat.recv(timeout=20) == "still here"
        with pytest.raises(InvalidStatus) as refused:
            open_socket(world, api)
        assert refused.value.response.status_code == 404


# Policies --------------------------------------------------------------------------------------

def test_policies_run_before(world):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        acl = world.make_acl("127.0.0.1", "DENY")
        binding = world.bind_acl(acl, api)[0]
        with ask_upgrade(world, api) as wire:
            assert wire.reply().status == 403
            assert backend.is_untouched
        world.unbind_acl(binding)
        wire, end = tunnel(world, backend, api)
        # A policy that is bound now counts for the next request.
        world.bind_acl(acl, api)
        wire.send(b"ping")
        assert end.take(4) == b"ping"
        with ask_upgrade(world, api) as second:
            assert second.reply().status == 403
        wire.close()
        assert end.is_closed


def test_headers_of_the_answer(world):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        plugin = world.make_plugin("set_resp_headers", {
            "response_headers": [{"name": "X-Added", "value": "yes", "value_type": "custom_value", "action": "override"}]})
        world.attach(plugin, api)
        wire = ask_upgrade(world, api, [*WEBSOCKET, ("Sec-WebSocket-Protocol", "a, b")])
        end = backend.accept()
        request = end.request()
        assert request.one("sec-websocket-protocol") == "a, b" and request.one("sec-websocket-version") == "13"
        assert request.one("connection") == "Upgrade" and request.one("upgrade") == "websocket"
        end.switch(request, more="Sec-WebSocket-Protocol: b\r\nX-Own: 1\r\n")
        reply = wire.reply()
        assert (reply.status, reply.one("Upgrade"), reply.one("Connection")) == (101, "websocket", "Upgrade")
        assert (reply.one("Sec-WebSocket-Protocol"), reply.one("X-Own"), reply.one("X-Added")) == ("b", "1", "yes")
        assert not reply.all("Content-Length") and not reply.all("Transfer-Encoding")


# Only a 101 ------------------------------------------------------------------------------------

def test_nothing_reaches_the_backend_before_its_101(world):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        with ask_upgrade(world, api) as wire:
            wire.send(b"early bytes")
            end = backend.accept()
            request = end.request()
            assert end.nothing_came()
            end.switch(request)
            assert wire.reply().status == 101
            assert end.take(11) == b"early bytes"


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nno",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"], ids=["200", "426", "404", "100-200"])
def test_any_other_answer_is_an_ordinary_one(world, answer):
    """What the client has sent behind it is read as requests, by the same rules as ever."""
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        with ask_upgrade(world, api) as wire:
            wire.send(head("GET", api.path, [("Host", api.host), ("X-Second", "1")]) + b"GET /admin HTTP/1.1\r\nHost: intern\r\n\r\n")
            end = backend.accept()
            assert end.request().has("upgrade")
            assert end.nothing_came()
            end.send(answer)
            first = wire.reply()
            assert first.status in (200, 426, 404) and first.body == b"no" and not first.all("Upgrade")
            second = end.request()
            assert second.one("X-Second") == "1" and not second.has("upgrade") and second.has("X-Request-Id")
            end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
            assert wire.reply().body == b"yes"
            assert wire.reply().status == 404, "a host that nobody has"
            assert end.nothing_came()


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
], ids=["bare", "no-connection", "no-upgrade", "no-accept", "wrong-accept", "other-protocol"])
def test_a_101_that_does_not_answer_the_question(world, answer):
    """A page that can be made to say 101 opens no way to its server."""
    with RawBackend() as backend:
        api = api_to(world, backend.address, )
        with ask_upgrade(world, api) as wire:
            wire.send(b"GET /intern HTTP/1.1\r\nHost: intern\r\n\r\n")
            for _ in range(2):  # GET is repeated once
                end = backend.accept()
                assert end.request().has("upgrade")
                end.send(answer)
                assert end.is_closed, "and not one byte of the client's"
            reply = wire.reply()
            assert (reply.status, reply.json()["error_code"]) == (502, "APIC.0202")


def test_a_101_that_nobody_asked_for(world):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        with world.connect() as wire:
            wire.send(head("GET", api.path, [("Host", api.host)]))
            for _ in range(2):
                end = backend.accept()
                end.switch(end.request(), "websocket")
                assert end.is_closed
            assert wire.reply().status == 502


NO_UPGRADE = {
    "no-connection": [("Upgrade", "websocket"), ("Sec-WebSocket-Key", KEY)],
    "no-upgrade": [("Connection", "Upgrade"), ("Sec-WebSocket-Key", KEY)],
    "no-key": [("Connection", "Upgrade"), ("Upgrade", "websocket")],
    "two": [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Upgrade", "other"), ("Sec-WebSocket-Key", KEY)],
    "list": [("Connection", "Upgrade"), ("Upgrade", "websocket, h2c"), ("Sec-WebSocket-Key", KEY)],
    "h2c": [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")],
    "H2C": [("Connection", "Upgrade"), ("Upgrade", "H2C")],
    "h2": [("Connection", "Upgrade"), ("Upgrade", "h2")],
    "http": [("Connection", "Upgrade"), ("Upgrade", "HTTP/2.0")],
    "tls": [("Connection", "Upgrade"), ("Upgrade", "TLS/1.2")],
    "no-token": [("Connection", "Upgrade"), ("Upgrade", "web socket")],
    "empty": [("Connection", "Upgrade"), ("Upgrade", "")],
    "body": [*WEBSOCKET, ("Content-Length", "2")],
    "chunked": [*WEBSOCKET, ("Transfer-Encoding", "chunked")],
}


@pytest.mark.parametrize("name", NO_UPGRADE)
def test_what_is_no_upgrade_goes_as_an_ordinary_request(world, name):
    """Other versions of HTTP above all: such a tunnel would lead past every policy."""
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        with ask_upgrade(world, api, NO_UPGRADE[name]) as wire:
            if name == "body":
                wire.send(b"ok")
            if name == "chunked":
                wire.send(b"2\r\nok\r\n0\r\n\r\n")
            end = backend.accept()
            request = end.request()
            for header in ("connection", "upgrade", "http2-settings", "sec-websocket-key", "sec-websocket-version"):
                assert not request.has(header), request.headers
            end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert wire.reply().body == b"ok"


def test_http10_cannot_upgrade(world):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        with world.connect() as wire:
            wire.send(head("GET", api.path, [("Host", api.host), *WEBSOCKET]).replace(b"HTTP/1.1", b"HTTP/1.0"))
            end = backend.accept()
            assert not end.request().has("upgrade")


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
def test_websocket_is_asked_for_with_get(world, method):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        with ask_upgrade(world, api, method=method):
            assert not backend.accept().request().has("upgrade")


def test_another_protocol(world):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        wire, end = tunnel(world, backend, api, [("Connection", "keep-alive, Upgrade"), ("Upgrade", "My-Protocol/1.1")])
        wire.send(b"\x00\x01\x02")
        assert end.take(3) == b"\x00\x01\x02"
        end.send(b"\xff\xfe")
        assert wire.take(2) == b"\xff\xfe"
        wire.close()


# How tunnels end -------------------------------------------------------------------------------

def test_half_close_from_the_client(world):
    with RawBackend() as backend:
        wire, end = tunnel(world, backend, api_to(world, backend.address))
        wire.send(b"all I have")
        wire.half_close()
        assert end.take(10) == b"all I have" and end.is_closed
        end.send(b"and my answer" * 10_000)
        assert wire.take(130_000) == b"and my answer" * 10_000
        end.close()
        assert wire.is_closed


def test_half_close_from_the_backend(world):
    with RawBackend() as backend:
        wire, end = tunnel(world, backend, api_to(world, backend.address))
        end.send(b"that is all")
        end.socket.shutdown(socket.SHUT_WR)
        assert wire.take(11) == b"that is all" and wire.is_closed
        wire.send(b"thank you" * 10_000)
        assert end.take(90_000) == b"thank you" * 10_000
        wire.close()
        assert end.is_closed


def test_the_end_of_one_is_the_end_of_the_other(world):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        wire, end = tunnel(world, backend, api)
        end.send(b"x" * 300_000)
        end.close()
        assert wire.take(300_000) == b"x" * 300_000, "what was said before is not lost"
        assert wire.is_closed
        wire, end = tunnel(world, backend, api)
        wire.send(b"y" * 300_000)
        wire.close()
        assert end.take(300_000) == b"y" * 300_000
        assert end.is_closed


def test_a_silent_tunnel_ends(fresh_gatehouse, make_world):
    program = fresh_gatehouse(settings={"tunnel_idle_seconds": 1})
    world = make_world(program)
    with RawBackend() as backend:
        wire, end = tunnel(world, backend, api_to(world, backend.address))
        wire.send(b"once")
        assert end.take(4) == b"once"
        assert wire.is_closed and end.is_closed


def test_drain(fresh_gatehouse, make_world):
    """A stop lets tunnels live for the time that requests have, and ends them then."""
    program = fresh_gatehouse(settings={"drain_seconds": 2})
    world = make_world(program)
    with RawBackend() as backend:
        wire, end = tunnel(world, backend, api_to(world, backend.address))
        with world.connect() as idle:
            program.process.terminate()
            assert idle.is_closed, "draining has begun"
        wire.send(b"last words")
        assert end.take(10) == b"last words"
        end.send(b"heard")
        assert wire.take(5) == b"heard"
        assert wire.is_closed and end.is_closed
    assert program.process.wait(30) == 0


# Memory and counts -----------------------------------------------------------------------------

@pytest.mark.parametrize("direction", ["up", "down"])
def test_back_pressure(fresh_gatehouse, make_world, direction):
    """Who does not read stops who writes; the gateway keeps next to nothing."""
    program = fresh_gatehouse()
    world = make_world(program)
    with RawBackend() as backend:
        wire, end = tunnel(world, backend, api_to(world, backend.address))
        writer = (wire if direction == "up" else end).socket
        before = resident_megabytes(program.process.pid)
        writer.settimeout(2)
        sent = 0
        piece = b"z" * 65536
        with pytest.raises(TimeoutError):
            while sent < 1 << 30:
                sent += writer.send(piece)
        assert sent < 64 << 20, "only what sockets and a small buffer hold"
        assert resident_megabytes(program.process.pid) - before < 32
        taken = 0
        reader = end if direction == "up" else wire
        while taken < sent:
            taken += len(reader.take(min(65536, sent - taken)))
        writer.settimeout(20)
        writer.sendall(b"more")
        assert reader.take(4) == b"more", "and it goes on"


def test_counted(world, sdk):
    with RawBackend() as backend:
        api = api_to(world, backend.address)
        wire, end = tunnel(world, backend, api)
        wire.send(b"u" * 50_000)
        assert end.take(50_000)
        end.send(b"d" * 70_000)
        assert wire.take(70_000)

        def total(name):
            return sum(getattr(e, name) for e in sdk.list_lately_api_statistics_v2(api_id=api.id, duration="10m").list)

        assert (total("req_count"), total("req_count2xx"), total("req_count_error")) == (1, 1, 0), "counted when it opened"
        wire.close()
        assert end.is_closed
        end.close()
        until = time.monotonic() + 15
        while total("input_throughput") < 50_000 and time.monotonic() < until:
            pass
        assert total("req_count") == 1
        assert 50_000 < total("input_throughput") < 51_500 and 70_000 < total("output_throughput") < 71_500


def test_mock_and_refusals_are_ordinary_answers(world):
    mock = world.make_mock("no tunnel here")
    with ask_upgrade(world, mock) as wire:
        assert wire.reply().body == b"no tunnel here"
        wire.send(head("GET", mock.path, [("Host", mock.host)]))
        assert wire.reply().status == 200, "the connection goes on"
