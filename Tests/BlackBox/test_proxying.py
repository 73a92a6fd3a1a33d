"""Routing and carrying: hosts, environments, methods, paths, bodies, connections, failures, limits."""

from __future__ import annotations

import json
import threading

import pytest

from harness.backend import Answer, Backend, json_answer
from harness.management import RELEASE
from harness.process import free_port
from harness.wire import Closed, Wire, ask, head
from harness.world import unique


def is_error(reply, status: int, code: str) -> bool:
    assert (reply.status, reply.json()["error_code"]) == (status, code), reply
    assert reply.one("Content-Type").startswith("application/json")
    assert reply.one("X-Request-Id") == reply.json()["request_id"] and len(reply.one("X-Request-Id")) == 32
    assert reply.one("Server") == "api-gateway"
    return True


# Routing ---------------------------------------------------------------------------------------

def test_unknown_host_path_method(world):
    api = world.make_api(method="GET")
    gateway = world.gatehouse.gateway
    text = "The API does not exist or has not been published in the environment."
    for reply in (ask(gateway, "GET", api.path, "nobody.apic.localhost"), world.call(api, target="/elsewhere")):
        assert is_error(reply, 404, "APIC.0101") and reply.json()["error_msg"] == text
    assert is_error(world.call(api, "POST"), 404, "APIC.0101")
    assert world.call(api).status == 200


def test_host_forms(world):
    api = world.make_api()
    for host in (api.host, api.host.upper(), f"{api.host}:8780", f"{api.host}."):
        assert world.call(api, host=host).status == 200, host


def test_environments(world, backend):
    environment = world.make_environment()
    group = world.make_group()
    path = f"/{unique('p')}"
    release = world.make_mock("release", path=path, group=group)
    assert world.call(release).body == b"release"
    assert is_error(world.call(release, headers=[("X-Stage", environment["name"])]), 404, "APIC.0101")
    world.publish(release, environment["id"])
    assert world.call(release, headers=[("X-Stage", environment["name"])]).status == 200
    assert world.call(release, headers=[("x-stage", "RELEASE")]).status == 200
    assert is_error(world.call(release, headers=[("X-Stage", environment["name"].upper())]), 404, "APIC.0101")
    world.offline(release, environment["id"])
    assert is_error(world.call(release, headers=[("X-Stage", environment["name"])]), 404, "APIC.0101")
    world.api.expect(204, "DELETE", f"/envs/{environment['id']}")


PRECEDENCE = [  # (path, match mode, method), and what it answers to is its own index
    ("/v1/items", "NORMAL", "GET"), ("/v1/{kind}", "NORMAL", "GET"), ("/v1/{rest+}", "NORMAL", "GET"), ("/v1", "SWA", "GET"),
    ("/v1/items", "NORMAL", "ANY"), ("/", "SWA", "ANY"), ("/v1/items/", "SWA", "GET"), ("/v1/{kind}/detail", "NORMAL", "GET"),
]


@pytest.mark.parametrize("method, target, expected", [
    ("GET", "/v1/items", 0), ("POST", "/v1/items", 4), ("GET", "/v1/things", 1), ("GET", "/v1/things/detail", 7),
    ("GET", "/v1/things/other", 2), ("GET", "/v1/a/b/c", 2), ("POST", "/v1/things", 5), ("GET", "/v1", 3), ("GET", "/v1/", 3),
    ("GET", "/v2", 5), ("GET", "/", 5), ("GET", "/v10", 5), ("GET", "/v1/items/detail", 7), ("DELETE", "/anything/else", 5)])
def test_precedence(precedence, method, target, expected):
    world, group = precedence
    reply = ask(world.gatehouse.gateway, method, target, f"{group['id']}.apic.localhost")
    assert (reply.status, reply.body) == (200, str(expected).encode())


@pytest.fixture(scope="module")
def precedence(gatehouse, call, shared_backend):
    from harness.world import World
    world = World(gatehouse, call, shared_backend)
    group = world.make_group()
    for number, (path, mode, method) in enumerate(PRECEDENCE):
        names = [part.strip("{}+") for part in path.split("/") if part.startswith("{")]
        world.make_mock(str(number), path=path, method=method, group=group, match_mode=mode, req_params=[
            {"name": name, "type": "STRING", "location": "PATH", "required": 1} for name in names])
    return world, group


@pytest.mark.parametrize("front, back, request_target, seen", [
    ("/test/", "/test2/", "/test/AA/CC", "/test2/AA/CC"), ("/test", "/", "/test/AA", "/AA"), ("/", "/base", "/x/y?q=1", "/base/x/y?q=1"),
    ("/test", "/back", "/test", "/back"), ("/a", "/b", "/a/%41%2f?x=%20", None)])
def test_prefix_mapping(world, backend, front, back, request_target, seen):
    api = world.make_api(front, match_mode="SWA", backend={"req_uri": back})
    assert world.call(api, target=request_target).status == 200
    if seen:
        assert backend.last.target == seen
    assert backend.last.query == request_target.partition("?")[2]


def test_path_parameters_reach_the_backend(world, backend):
    api = world.make_api("/u/{id}", "GET", backend={"req_uri": "/v1/pre-{who}-post"}, req_params=[
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}], backend_params=[
        {"name": "who", "location": "PATH", "origin": "REQUEST", "value": "id"}])
    assert world.call(api, target="/u/42?q=1").status == 200
    assert backend.last.target == "/v1/pre-42-post?q=1"
    assert is_error(world.call(api, target="/u/"), 404, "APIC.0101")


def test_req_protocol(world):
    api = world.make_api(req_protocol="HTTPS")
    reply = world.call(api)
    assert is_error(reply, 400, "APIC.0607") and reply.json()["error_msg"].startswith("The following protocol is supported:")


def test_mock(world):
    api = world.make_mock('{"made":"up"}', 201)
    reply = world.call(api, "POST", body=b"ignored")
    assert (reply.status, reply.body) == (201, b'{"made":"up"}')
    assert reply.one("Content-Type").startswith("application/json") and reply.one("Server") == "api-gateway"
    world.api.expect(200, "PUT", f"/apis/{api.id}", {**api.definition, "mock_info": {
        "result_content": "<x/>", "status_code": 404, "header": json.dumps([{"key": "Content-Type", "value": "text/xml"}, {"key": "X-Mock", "value": "1"}])}})
    world.publish(api)
    reply = world.call(api)
    assert (reply.status, reply.body, reply.one("Content-Type"), reply.one("X-Mock")) == (404, b"<x/>", "text/xml", "1")


def test_nul_in_a_path_is_refused(world, backend):
    api = world.make_api("/", match_mode="SWA")
    reply = world.call(api, target="/m%00")
    assert reply.status == 400 and reply.one("Connection") == "close" and backend.requests == []


def test_content_type_of_the_api_stands_in_for_a_missing_one(world, backend):
    api = world.make_api(method="POST", content_type="application/xml")
    world.bind_sign(world.make_sign(), api)
    world.call(api, "POST", body=b"<x/>")
    assert backend.last.all("Content-Type") == ["application/xml"] and backend.last.body == b"<x/>"
    world.call(api, "POST", headers=[("Content-Type", "text/csv")], body=b"a,b")
    assert backend.last.all("Content-Type") == ["text/csv"]
    world.call(api, "POST")
    assert backend.last.all("Content-Type") == []


# Headers on the way ----------------------------------------------------------------------------

def test_headers_to_the_backend(world, backend):
    api = world.make_api()
    world.call(api, headers=[
        ("X-Forwarded-For", "1.2.3.4"), ("Connection", "keep-alive, X-Hop"), ("X-Hop", "secret"), ("Keep-Alive", "timeout=5"),
        ("Proxy-Authorization", "Basic x"), ("TE", "trailers"), ("X-Apig-Mode", "debug"), ("X-Request-Id", "mine"), ("x-MiXed", "Value")])
    request = backend.last
    assert request.one("X-Forwarded-For") == "1.2.3.4, 127.0.0.1" and request.one("X-Real-IP") == "127.0.0.1"
    for gone in ("X-Hop", "Keep-Alive", "Proxy-Authorization", "TE", "X-Apig-Mode"):
        assert not request.has(gone), gone
    assert request.one("Host") == backend.address
    assert request.one("x-mixed") == "Value"
    assert len(request.one("X-Request-Id")) == 32
    assert request.one("X-Forwarded-Proto") == "http"


def test_headers_to_the_client(world, backend):
    api = world.make_api()
    backend.script = lambda _: Answer(299, [
        ("X-Many", "1"), ("X-Many", "2"), ("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=1"), ("ETag", '"e"')], b"body", reason="Odd")
    reply = world.call(api)
    assert (reply.status, reply.reason, reply.body, reply.all("X-Many"), reply.one("ETag")) == (299, "Odd", b"body", ["1", "2"], '"e"')
    assert not reply.all("X-Hop") and not reply.all("Keep-Alive")
    assert reply.one("X-Request-Id") == backend.last.one("X-Request-Id")


def test_debug_headers(world):
    api = world.make_api()
    plain = world.call(api)
    assert not plain.all("X-Apig-Latency") and not plain.all("X-Apig-Upstream-Latency")
    debug = world.call(api, headers=[("X-Apig-Mode", "debug")])
    assert float(debug.one("X-Apig-Latency")) >= 0 and float(debug.one("X-Apig-Upstream-Latency")) >= 0


def test_real_ip_from_xff(fresh_gatehouse, make_world, backend):
    world = make_world(fresh_gatehouse())
    api = world.make_api()
    world.feature("real_ip_from_xff", {"enable": "on", "xff_index": -1})
    world.call(api, headers=[("X-Forwarded-For", "9.9.9.9, 8.8.8.8")])
    assert backend.last.one("X-Real-IP") == "8.8.8.8"
    world.feature("real_ip_from_xff", {"enable": "on", "xff_index": 0})
    world.call(api, headers=[("X-Forwarded-For", "9.9.9.9, 8.8.8.8")])
    assert backend.last.one("X-Real-IP") == "9.9.9.9"


# Bodies and connections ------------------------------------------------------------------------

def test_keep_alive_on_both_sides(world, backend):
    api = world.make_api()
    world.call(api)
    before = backend.accepted
    with world.connect() as wire:
        for _ in range(20):
            assert world.call(api, wire=wire).status == 200
    assert backend.accepted - before <= 4, "connections to the backend are pooled"


def test_pipelining_keeps_the_order(world, backend):
    api = world.make_api("/", match_mode="SWA")
    backend.script = lambda request: Answer(200, body=request.target.encode())
    with world.connect() as wire:
        wire.send(b"".join(head("GET", f"/{number}", [("Host", api.host)]) for number in range(50)))
        assert [wire.reply().body for _ in range(50)] == [f"/{number}".encode() for number in range(50)]


def test_connection_close_and_http_1_0(world):
    api = world.make_api()
    with world.connect() as wire:
        assert world.call(api, headers=[("Connection", "close")], wire=wire).one("Connection") == "close"
        assert wire.is_closed
    with world.connect() as wire:
        wire.send(b"GET " + api.path.encode() + b" HTTP/1.0\r\nHost: " + api.host.encode() + b"\r\n\r\n")
        assert wire.reply().status == 200 and wire.is_closed


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_methods(world, backend, method):
    api = world.make_api(backend={"req_method": "ANY"})
    assert world.call(api, method, body=b"" if method in ("GET", "HEAD") else b"abc").status == 200
    assert backend.last.method == method


def test_head_has_no_body(world, backend):
    api = world.make_api()
    with world.connect() as wire:
        reply = world.call(api, "HEAD", wire=wire)
        assert int(reply.one("Content-Length")) > 0
        assert world.call(api, wire=wire).status == 200


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_body(world, backend, status):
    api = world.make_api()
    backend.script = lambda _: Answer(status)
    with world.connect() as wire:
        for _ in range(3):
            assert world.call(api, wire=wire).status == status


def test_chunked_both_ways(world, backend):
    api = world.make_api()
    backend.script = lambda request: Answer(chunks=[request.body[:3], request.body[3:], b"!"])
    with world.connect() as wire:
        wire.send(head("POST", api.path, [("Host", api.host), ("Transfer-Encoding", "chunked")]) + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        assert wire.reply().body == b"abcdefg!"
        assert world.call(api, wire=wire, body=b"hello", method="POST").body == b"hello!"


def test_answer_until_close(world, backend):
    api = world.make_api()
    backend.script = lambda _: Answer(raw=b"HTTP/1.1 200 OK\r\n\r\nuntil the end", close=True)
    assert world.call(api).body == b"until the end"


def test_interim_answers(world, backend):
    api = world.make_api()
    backend.script = lambda _: Answer(raw=b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with world.connect() as wire:
        wire.send(head("GET", api.path, [("Host", api.host)]))
        reply = wire.reply()
        while reply.status < 200:
            reply = wire.reply()
        assert (reply.status, reply.body) == (200, b"ok")


def test_expect_continue(world, backend):
    api = world.make_api()
    with world.connect() as wire:
        wire.send(head("POST", api.path, [("Host", api.host), ("Content-Length", "5"), ("Expect", "100-continue")]))
        assert wire.reply().status == 100
        wire.send(b"hello")
        assert wire.reply().status == 200
    assert backend.last.body == b"hello"


def test_expect_continue_refused_before_the_body(world):
    api = world.make_api()
    with world.connect() as wire:
        wire.send(head("POST", "/nowhere", [("Host", api.host), ("Content-Length", "5"), ("Expect", "100-continue")]))
        assert wire.reply().status == 404


def test_streams_without_waiting_for_the_end(world, backend):
    """The client gets the first part while the backend still holds back the second."""
    api = world.make_api()
    go_on = threading.Event()

    def parts():
        yield b"first"
        assert go_on.wait(20)
        yield b"second"

    backend.script = lambda _: Answer(chunks=parts())
    with world.connect() as wire:
        wire.send(head("GET", api.path, [("Host", api.host)]))
        while b"first" not in wire.buffer:
            assert wire._more()
        go_on.set()
        assert wire.reply().body == b"firstsecond"


def test_large_bodies_both_ways(world, backend):
    api = world.make_api()
    body = bytes(range(256)) * (8 * 1024 * 1024 // 256)
    backend.script = lambda request: Answer(body=request.body)
    assert world.call(api, "POST", body=body).body == body


def test_slow_reader_does_not_make_the_gateway_swell(world, backend):
    """Back-pressure: an answer of 64 MB that nobody reads stays at the backend."""
    api = world.make_api()

    def memory() -> int:
        with open(f"/proc/{world.gatehouse.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    sent = []

    def parts():
        for _ in range(1024):
            yield b"x" * 65536
            sent.append(1)

    world.call(api)
    before = memory()
    backend.script = lambda _: Answer(chunks=parts())
    with world.connect() as wire:
        wire.send(head("GET", api.path, [("Host", api.host)]))
        stable, last = 0, -1
        while stable < 20:
            threading.Event().wait(0.05)
            stable, last = (stable + 1, last) if len(sent) == last else (0, len(sent))
        assert len(sent) < 1024, "the backend could send everything"
        assert memory() - before < 32 * 1024, "KB"
        assert len(wire.reply().body) == 1024 * 65536


# Failures of the backend -----------------------------------------------------------------------

def test_nobody_listens(world):
    api = world.make_api(backend={"url_domain": f"127.0.0.1:{free_port()}"})
    assert is_error(world.call(api), 502, "APIC.0202")


def test_timeout(world, backend):
    never = threading.Event()
    api = world.make_api(backend={"timeout": 200, "retry_count": "0"})
    backend.script = lambda _: Answer(wait_for=never)
    try:
        assert is_error(world.call(api), 504, "APIC.0203")
    finally:
        never.set()


@pytest.mark.parametrize("raw", [
    b"nonsense\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n"])
def test_malformed_answers(world, backend, raw):
    api = world.make_api(backend={"retry_count": "0"})
    backend.script = lambda _: Answer(raw=raw, close=True)
    assert is_error(world.call(api), 502, "APIC.0202")


def test_cut_answer_is_not_passed_as_whole(world, backend):
    api = world.make_api(backend={"retry_count": "0"})
    backend.script = lambda _: Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", close=True)
    with pytest.raises(Closed):
        world.call(api)
    backend.script = lambda _: Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", close=True)
    with pytest.raises(Closed):
        world.call(api)


@pytest.mark.parametrize("method, retry_count, attempts", [
    ("GET", "-1", 2), ("PUT", "-1", 2), ("DELETE", "-1", 2), ("POST", "-1", 1), ("PATCH", "-1", 1), ("GET", "0", 1), ("POST", "2", 3), ("GET", "3", 4)])
def test_retries(world, backend, method, retry_count, attempts):
    api = world.make_api(backend={"retry_count": retry_count})
    backend.script = lambda _: Answer(reset=True)
    assert is_error(world.call(api, method, body=b"" if method == "GET" else b"abc"), 502, "APIC.0202")
    assert len(backend.requests) == attempts
    assert all(request.body == backend.requests[0].body for request in backend.requests)


def test_pooled_connection_that_died_is_not_the_callers_problem(world, backend):
    """The backend closes idle connections; the next request, of any method, takes a fresh one."""
    api = world.make_api(backend={"retry_count": "0"})
    for method in ("GET", "POST"):
        world.call(api)
        backend.drop_connections()
        threading.Event().wait(0.1)
        assert world.call(api, method, body=b"x" if method == "POST" else b"").status == 200


def test_https_backend(world, tmp_path):
    import ssl
    import subprocess
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                    "-subj", "/CN=localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure = Backend(tls=context)
    try:
        api = world.make_api(backend={"url_domain": f"127.0.0.1:{secure.port}", "req_protocol": "HTTPS"})
        with world.connect() as wire:
            for _ in range(3):
                assert world.call(api, "POST", body=b"secret", wire=wire).status == 200
        assert [request.body for request in secure.requests] == [b"secret"] * 3 and secure.accepted == 1
    finally:
        secure.close()


# Limits and slow clients -----------------------------------------------------------------------

def test_body_limit_is_a_feature(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse())
    api = world.make_api()
    world.feature("request_body_size", "2097152")
    assert world.call(api, "POST", body=b"x" * 2097152).status == 200
    assert is_error(world.call(api, "POST", body=b"x" * 2097153), 413, "APIC.0201")


def test_slow_client_is_cut(world):
    """A head that never ends, and a body that stalls, do not hold a connection for ever."""
    api = world.make_api(backend={"timeout": 60000})
    with Wire(world.gatehouse.gateway, timeout=90) as head_only, Wire(world.gatehouse.gateway, timeout=90) as body_only:
        head_only.send(b"GET / HTTP/1.1\r\nHost: ")
        body_only.send(head("POST", api.path, [("Host", api.host), ("Content-Length", "10")]) + b"12345")
        assert body_only.rest()[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 408")
        assert head_only.rest()[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 408")


def test_many_connections(world, backend):
    api = world.make_api()
    wires = [world.connect() for _ in range(300)]
    try:
        for wire in wires:
            wire.send(head("GET", api.path, [("Host", api.host)]))
        assert all(wire.reply().status == 200 for wire in wires)
    finally:
        for wire in wires:
            wire.close()
