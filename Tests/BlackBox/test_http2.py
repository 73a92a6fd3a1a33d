"""HTTP/2 over TLS by ALPN: real clients, policies, the instance's switch, large bodies, the end."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading

import pytest
from hyperframe.frame import WindowUpdateFrame

from harness import certificates
from harness.backend import Answer
from harness.http2 import HTTP2, NO_ERROR, Ended, tls_context
from harness.streams import RawBackend, resident_megabytes
from harness.wire import head
from harness.world import unique


def tls_address(gatehouse) -> tuple[str, int]:
    return ("127.0.0.1", gatehouse.tls_port)


def connect(gatehouse, api, *protocols: str, **options) -> HTTP2:
    return HTTP2(tls_address(gatehouse), api.host, tls_context(*(protocols or ("h2", "http/1.1"))), **options)


def agreed(gatehouse, name: str, *protocols: str) -> str | None:
    """What a handshake agrees upon."""
    with socket.create_connection(tls_address(gatehouse), timeout=20) as plain:
        with tls_context(*protocols).wrap_socket(plain, server_hostname=name) as secure:
            return secure.selected_alpn_protocol()


def test_agreed_by_alpn(gatehouse, world):
    host = world.make_mock().host
    assert agreed(gatehouse, host, "h2", "http/1.1") == "h2"
    assert agreed(gatehouse, host, "http/1.1", "h2") == "h2", "the gateway's preference counts"
    assert agreed(gatehouse, host, "http/1.1") == "http/1.1"
    assert agreed(gatehouse, host) is None


def test_http11_goes_on_over_tls(gatehouse, world, backend):
    api = world.make_api()
    with socket.create_connection(tls_address(gatehouse), timeout=20) as plain:
        with tls_context("http/1.1").wrap_socket(plain, server_hostname=api.host) as secure:
            for _ in range(2):
                secure.sendall(head("GET", api.path, [("Host", api.host)]))
                assert secure.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_what_the_backend_sees(gatehouse, world, backend):
    api = world.make_api(path="/seen/{x}", method="ANY", req_params=[{"name": "x", "type": "STRING", "location": "PATH", "required": 1}],
                         backend={"req_uri": "/b/{x}"}, backend_params=[
                             {"name": "x", "origin": "REQUEST", "location": "PATH", "value": "x"}])
    with connect(gatehouse, api) as c:
        reply = c.ask(1, "POST", "/seen/a%20b?q=1&q=2", more=[("x-mine", "1"), ("content-type", "text/plain")], body=b"body")
        assert reply.status == 200
    request = backend.last
    assert (request.method, request.target, request.body) == ("POST", "/b/a%20b?q=1&q=2", b"body")
    assert request.one("X-Mine") == "1" and request.one("X-Forwarded-Proto") == "https" and request.one("X-Forwarded-For") == "127.0.0.1"
    assert request.one("X-Forwarded-Host") == api.host and request.one("X-Request-Id") == reply.get("x-request-id")
    assert not any(name.startswith(":") for name, _ in request.headers)


def test_policies_hold_and_change(gatehouse, world, backend):
    """On one connection that stays open: each stream meets what is in force."""
    api = world.make_api()
    with connect(gatehouse, api) as c:
        streams = iter(range(1, 1000, 2))

        def ask(**options):
            return c.ask(next(streams), path=api.path, **options)

        assert ask().status == 200
        binding = world.bind_acl(world.make_acl("127.0.0.1", "DENY"), api)[0]
        refused = ask()
        assert refused.status == 403 and json.loads(refused.body)["error_code"] == "APIC.0402"
        assert refused.get("content-type").startswith("application/json")
        world.unbind_acl(binding)
        plugin = world.make_plugin("set_resp_headers", {
            "response_headers": [{"name": "X-Added", "value": "yes", "value_type": "custom_value", "action": "override"}]})
        world.attach(plugin, api)
        assert ask().get("x-added") == "yes"
        world.detach(plugin, api)
        limit = world.make_plugin("rate_limit", {
            "scope": "basic", "default_interval": 1, "default_time_unit": "hour", "api_limit": 2, "algorithm": "counter"})
        world.attach(limit, api)
        assert [ask().status for _ in range(3)] == [200, 200, 429]
        world.detach(limit, api)
        sign = world.make_sign()
        world.bind_sign(sign, api)
        assert ask().status == 200 and backend.last.has("Authorization")
        world.offline(api)
        assert ask().status == 404


def test_statistics_count_streams(gatehouse, world, sdk):
    api = world.make_api()
    with connect(gatehouse, api) as c:
        for stream in (1, 3, 5):
            assert c.ask(stream, path=api.path).status == 200
    elements = sdk.list_lately_api_statistics_v2(api_id=api.id, duration="10m").list
    assert sum(e.req_count for e in elements) == 3 and sum(e.req_count2xx for e in elements) == 3


def test_gzip(gatehouse, world, backend):
    import gzip
    text = b"0123456789" * 500
    backend.script = lambda _: Answer(200, [("Content-Type", "text/plain")], text)
    api = world.make_api()
    world.feature("gzip", {"enable": "on", "comp_level": 6})
    try:
        with connect(gatehouse, api) as c:
            reply = c.ask(1, path=api.path, more=[("accept-encoding", "gzip")])
            assert reply.get("content-encoding") == "gzip" and gzip.decompress(reply.body) == text
    finally:
        world.feature("gzip", {"enable": "off"}, enable=False)


def test_events_pass_one_by_one(gatehouse, world):
    with RawBackend() as backend:
        api = world.make_api(backend={"url_domain": backend.address})
        with connect(gatehouse, api) as c:
            c.request(1, path=api.path)
            end = backend.accept()
            end.request()
            end.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            reply, said = c.reply_of(1), b""
            for number in range(20):
                event = b"data: %d\n\n" % number
                said += event
                end.send(b"%x\r\n%s\r\n" % (len(event), event))
                while reply.body != said:
                    c.step()
            end.send(b"0\r\n\r\n")
            assert c.reply(1).body == said


def test_a_broken_answer_is_reset(gatehouse, world):
    with RawBackend() as backend:
        api = world.make_api(backend={"url_domain": backend.address})
        with connect(gatehouse, api) as c:
            c.request(1, path=api.path)
            end = backend.accept()
            end.request()
            end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
            reply = c.reply_of(1)
            while reply.body != b"only this":
                c.step()
            end.close()
            assert c.reply(1).reset not in (None, NO_ERROR) and not reply.ended
            assert c.is_alive(), "the other streams go on"


def test_an_early_answer_ends_the_upload(gatehouse, world):
    """The answer is whole, and the client is told that the rest of its body is not wanted."""
    api = world.make_mock("early")
    with connect(gatehouse, api) as c:
        c.headers(1, c.fields("POST", api.path, more=[("content-length", "1000000")]), end=False)
        reply = c.reply(1)
        assert (reply.status, reply.body) == (200, b"early")
        while reply.reset is None:
            c.step()
        assert reply.reset == NO_ERROR
        assert c.ask(3, path=api.path).status == 200


def test_bodies_beyond_the_limit(gatehouse, world):
    api = world.make_api(method="ANY")
    with connect(gatehouse, api) as c:
        c.headers(1, c.fields("POST", api.path, more=[("content-length", str(13 << 20))]), end=False)
        reply = c.reply(1)
        assert reply.status == 413 and b"APIC.0201" in reply.body


# The switch of the instance ----------------------------------------------------------------------

@pytest.mark.parametrize("managed", [False, True], ids=["own-certificate", "managed-certificate"])
def test_switched_off_and_on(gatehouse, world, managed):
    api = world.make_mock()
    name = api.host
    if managed:
        name = f"{unique('h').replace('_', '')}.example.com"
        domain = world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains", {"url_domain": name})
        made = certificates.make(name)
        world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains/{domain['id']}/certificate", {
            "name": unique("cert"), "cert_content": made.content, "private_key": made.key_pem})
    with HTTP2(tls_address(gatehouse), name, tls_context("h2")) as c:
        assert c.ask(1, path=api.path).status == 200
        assert world.feature("request_custom_config", {"http2_enable": "off", "request_body_timeout": 8})["enable"] is True
        try:
            assert agreed(gatehouse, name, "h2", "http/1.1") == "http/1.1"
            reply = c.ask(3, path=api.path)
            assert reply.status == 421, "in force on connections that are open"
        finally:
            world.feature("request_custom_config", {"http2_enable": "on", "request_body_timeout": 8})
        assert c.ask(5, path=api.path).status == 200
    assert agreed(gatehouse, name, "h2", "http/1.1") == "h2"


def test_request_custom_config_is_managed(world):
    shown = [f for f in world.api.expect(200, "GET", "/features", query={"limit": 100})["features"] if f["name"] == "request_custom_config"]
    assert json.loads(shown[0]["config"])["http2_enable"] == "on"
    for wrong in ("on", '{"http2_enable":"yes"}', '{"request_body_timeout":0}', '{"request_body_timeout":3601}',
                  '{"request_body_timeout":"8"}', '{"http2":"on"}', '{"http2_enable":true}'):
        assert "config" in world.api.refused(400, "APIG.2012", "POST", "/features", {
            "name": "request_custom_config", "enable": True, "config": wrong}), wrong


def test_body_timeout(world):
    """The same feature's other half, over HTTP/1.1."""
    api = world.make_api(method="ANY")
    world.feature("request_custom_config", {"http2_enable": "on", "request_body_timeout": 1})
    try:
        with world.connect() as wire:
            wire.send(head("POST", api.path, [("Host", api.host), ("Content-Length", "10")]) + b"half")
            reply = wire.reply()
            assert (reply.status, reply.json()["error_code"]) == (400, "APIC.0201")
    finally:
        world.feature("request_custom_config", {"http2_enable": "on", "request_body_timeout": 8})


def test_without_tls_it_is_off(gatehouse, world):
    with socket.create_connection(gatehouse.gateway, timeout=20) as plain:
        plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 400 ")


# Large bodies and the end ------------------------------------------------------------------------

def test_large_bodies_in_little_memory(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    world.feature("request_body_size", str(1 << 30))
    size, piece = 64, b"p" * 16384
    with RawBackend() as backend:
        api = world.make_api(method="ANY", backend={"url_domain": backend.address, "timeout": 60000})
        pid = program.process.pid
        before = resident_megabytes(pid)

        def serve():
            end = backend.accept()
            while end.reader._line():
                pass
            for _ in range(size):
                end.take(1 << 20)
            end.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (size << 20))
            for _ in range(size):
                end.send(b"d" * (1 << 20))

        threading.Thread(target=serve, daemon=True).start()
        with connect(program, api) as c:
            c.headers(1, c.fields("POST", api.path, more=[("content-length", str(size << 20))]), end=False)
            window, sent, most = 65535, 0, 0.0
            stream_window = 65535
            while sent < size << 20:
                while min(window, stream_window) < len(piece):
                    made = c.step()
                    if isinstance(made, WindowUpdateFrame):
                        if made.stream_id:
                            stream_window += made.window_increment
                        else:
                            window += made.window_increment
                c.data(1, piece, sent + len(piece) == size << 20)
                sent, window, stream_window = sent + len(piece), window - len(piece), stream_window - len(piece)
                if sent % (4 << 20) == 0:
                    most = max(most, resident_megabytes(pid) - before)
            reply = c.reply(1)
            assert reply.body == b"d" * (size << 20)
            assert max(most, resident_megabytes(pid) - before) < 64


def test_a_stop_says_goodbye(fresh_gatehouse, make_world, backend):
    """Streams that are open are finished, new ones are not taken, and the connection ends."""
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_api()
    go_on = threading.Event()
    backend.script = lambda _: Answer(wait_for=go_on, body=b"finished")
    with connect(program, api) as c, connect(program, api) as idle:
        c.request(1, path=api.path)
        backend.wait_for(1)
        program.process.terminate()
        while c.goaway is None:
            c.step()
        assert (c.goaway.error_code, c.goaway.last_stream_id) == (NO_ERROR, 1)
        with pytest.raises(Ended):
            while True:
                idle.step()
        assert idle.goaway.error_code == NO_ERROR
        go_on.set()
        assert c.reply(1).body == b"finished"
        with pytest.raises(Ended):
            while True:
                c.step()
    assert program.process.wait(30) == 0


# Other people's clients ---------------------------------------------------------------------------

def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def test_the_h2_library(gatehouse, world, backend):
    """A client that checks every frame it gets against the RFC's state machines."""
    import h2.config
    import h2.connection
    import h2.events
    api = world.make_api(method="ANY")
    plain = socket.create_connection(tls_address(gatehouse), timeout=20)
    with tls_context("h2").wrap_socket(plain, server_hostname=api.host) as secure:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        connection.initiate_connection()
        secure.sendall(connection.data_to_send())
        rest = {stream: b"x" * 100_000 for stream in (1, 3, 5)}
        for stream in rest:
            connection.send_headers(stream, [
                (":method", "POST"), (":scheme", "https"), (":authority", api.host), (":path", api.path), ("content-length", "100000")])
        bodies, ended = {1: b"", 3: b"", 5: b""}, set()
        while len(ended) < 3:
            for stream, data in rest.items():
                while data and (room := min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size, len(data))):
                    connection.send_data(stream, data[:room], end_stream=room == len(data))
                    data = data[room:]
                rest[stream] = data
            secure.sendall(connection.data_to_send())
            received = secure.recv(65536)
            assert received
            for event in connection.receive_data(received):
                assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
                if isinstance(event, h2.events.ResponseReceived):
                    assert dict(event.headers)[":status"] == "200"
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
    assert all(json.loads(body)["length"] == 100_000 for body in bodies.values())


def tool(name: str) -> str:
    """A program that `Scripts/system-packages.sh test` installs."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: Scripts/system-packages.sh test"
    return found


def test_curl(gatehouse, world, backend, tmp_path):
    curl = tool("curl")
    assert "HTTP2" in run(curl, "--version").stdout, "curl without HTTP/2"
    api = world.make_api(method="ANY")
    (tmp_path / "body").write_bytes(b"c" * 300_000)
    url = f"https://{api.host}:{gatehouse.tls_port}{api.path}"
    done = run(
        curl, "-sSk", "--http2", "--resolve", f"{api.host}:{gatehouse.tls_port}:127.0.0.1", "--data-binary", f"@{tmp_path}/body",
        "-w", "\n%{http_version} %{http_code}", url)
    assert done.returncode == 0, done.stderr
    answer, _, outcome = done.stdout.rpartition("\n")
    assert outcome == "2 200" and json.loads(answer)["length"] == 300_000


def test_h2load(gatehouse, world, backend):
    h2load = tool("h2load")
    api = world.make_mock("{}" * 50)
    done = run(
        h2load, "-n", "2000", "-c", "8", "-m", "20", "--connect-to", f"127.0.0.1:{gatehouse.tls_port}",
        f"https://{api.host}:{gatehouse.tls_port}{api.path}")
    assert done.returncode == 0 and "2000 succeeded, 0 failed, 0 errored" in done.stdout, done.stdout + done.stderr


def test_connections_are_counted(fresh_gatehouse, make_world):
    """One connection is one, whatever number of streams it carries, as long as it is open."""
    from test_metrics import samples, scrape, until
    program = fresh_gatehouse()
    api = make_world(program).make_mock()

    def counts() -> list[float]:
        found = samples(scrape(program))
        return [found[f'gatehouse_{name}{{listener="https"}}'] for name in (
            "connections", "http2_connections", "connections_accepted_total")]

    assert counts() == [0, 0, 0]
    with connect(program, api) as first, connect(program, api):
        for stream in (1, 3, 5):
            assert first.ask(stream, path=api.path).status == 200
        until(lambda: counts() == [2, 2, 2])
        with socket.create_connection(tls_address(program), timeout=20) as plain:
            with tls_context("http/1.1").wrap_socket(plain, server_hostname=api.host):
                until(lambda: counts() == [3, 2, 3])
    until(lambda: counts() == [0, 0, 3])
    assert program.stop() == 0
