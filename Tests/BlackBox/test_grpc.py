"""gRPC through the gateway with real clients and servers: all kinds of calls, by TLS and without, and the gateway's own answers."""

from __future__ import annotations

import json
import threading
import time

import grpc
import pytest

from harness import certificates as made
from harness.calls import Client, Server, eventually, refused, trailer
from harness.http2 import HTTP2
from harness.streams import resident_megabytes
from harness.wire import ask
from harness.world import Api, World, unique

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def shared_server():
    with Server() as server:
        yield server


@pytest.fixture
def server(shared_server):
    shared_server.echo.__init__()
    return shared_server


@pytest.fixture
def h2c(h2c_gatehouse, make_world) -> World:
    """A world on a program whose plain listener takes HTTP/2."""
    return make_world(h2c_gatehouse)


def grpc_api(world: World, address: str | None, path: str = "/test.Echo", backend: dict | None = None, **fields) -> Api:
    fields = {"req_protocol": "GRPCS", "backend_type": "GRPC", "match_mode": "NORMAL" if path.count("/") == 2 else "SWA", **fields}
    return world.make_api(path=path, method="POST", backend={
        "url_domain": address, "req_protocol": "GRPC", "req_method": "POST", "req_uri": "/", **(backend or {})}, **fields)


@pytest.fixture
def api(h2c, server) -> Api:
    return grpc_api(h2c, server.address)


@pytest.fixture
def client(h2c, api):
    with Client(h2c.gatehouse.gateway, api.host) as client:
        yield client


# Kinds of calls --------------------------------------------------------------------------------

def test_unary(client):
    assert client.unary()(b"hello", timeout=20) == b"hello"
    assert client.unary()(b"", timeout=20) == b""


def test_server_stream(client):
    assert [len(m) for m in client.server_stream()(b"100 1000", timeout=20)] == [1000] * 100


def test_client_stream(client):
    assert client.client_stream()((b"x" * 999 for _ in range(200)), timeout=20) == b"199800"
    assert client.client_stream()(iter(()), timeout=20) == b"0"


def test_both_sides_take_turns(client):
    """Each message goes on at once: the next one is sent when its echo is here."""
    echoes: list[bytes] = []
    arrived = threading.Semaphore(0)

    def messages():
        for number in range(50):
            yield b"%d" % number
            assert arrived.acquire(timeout=20)

    for message in client.both()(messages(), timeout=60):
        echoes.append(message)
        arrived.release()
    assert echoes == [b"%d" % number for number in range(50)]


def test_server_ends_first(client):
    """The caller has more to say, and learns that nobody listens."""
    done = threading.Event()

    def messages():
        yield b"end"
        done.wait(20)

    call = client.both()(messages(), timeout=20)
    assert list(call) == [b"end"] and call.code() == Code.OK
    done.set()


def test_many_at_a_time_share_connections(client, server):
    """More than the connection to the gateway carries at a time; to the backend they go side by side."""
    calls = [client.unary().future(b"%d" % number, timeout=60) for number in range(400)]
    assert [call.result() for call in calls] == [b"%d" % number for number in range(400)]


def test_large_messages(client):
    large = bytes(range(256)) * (8 << 12)
    assert client.unary()(large, timeout=60) == large
    assert sum(len(m) for m in client.server_stream()(b"8 4000000", timeout=60)) == 32_000_000


# What goes with a call -------------------------------------------------------------------------

def test_metadata_and_trailers(client, server):
    answer, call = client.unary("Metadata").with_call(b"", timeout=20, metadata=[
        ("x-mine", "1"), ("x-mine", "2"), ("x-mine-bin", b"\x00\xfe\xff")])
    seen = [(name, value) for name, value in json.loads(answer)]
    assert [value for name, value in seen if name == "x-mine"] == ["1", "2"] and ("x-mine-bin", "00feff") in seen
    names = {name for name, _ in seen}
    assert {"x-forwarded-for", "x-real-ip", "x-request-id", "x-forwarded-host"} <= names and "transfer-encoding" not in names
    first = [(key, value) for key, value in call.initial_metadata() if key.startswith("x-first")]
    assert first == [("x-first", "1"), ("x-first", "2"), ("x-first-bin", b"\x00\x01")]
    assert ("x-last", "3") in call.trailing_metadata()


def test_errors_of_the_backend(client):
    error = refused(client.unary("Fail"), b"")
    assert (error.code(), error.details()) == (Code.FAILED_PRECONDITION, "not now: 100% \u00fc")
    assert trailer(error, "x-why") == "because" and trailer(error, "x-why-bin") == b"\x00\xff\n"
    error = refused(client.unary("Nothing"), b"")
    assert error.code() == Code.UNIMPLEMENTED and "APIC" not in error.details(), "the backend's word"


def test_backend_learns_how_much_time_is_left(client, server):
    error = refused(client.unary("Hang"), b"", timeout=1.5)
    assert error.code() == Code.DEADLINE_EXCEEDED
    assert server.echo.cancelled.acquire(timeout=20), "the backend goes on"
    assert 0 < server.echo.remaining[0] <= 1.5


def test_no_deadline_is_none(h2c, server, client):
    call = client.unary("Hang").future(b"")
    eventually(lambda: server.echo.remaining)
    assert server.echo.remaining[0] is None or server.echo.remaining[0] > 1e6
    call.cancel()
    assert server.echo.cancelled.acquire(timeout=20)


def test_backend_timeout_bounds_the_wait(h2c, server):
    api = grpc_api(h2c, server.address, backend={"timeout": 400})
    with Client(h2c.gatehouse.gateway, api.host) as client:
        error = refused(client.unary("Hang"), b"")
        assert error.code() == Code.DEADLINE_EXCEEDED and "APIC.0203" in error.details()
        assert server.echo.cancelled.acquire(timeout=20), "the backend goes on"
        # What has begun to be answered is not cut: it lives as long as it moves, until the caller's own time is over. The caller and
        # the gateway both look at that, and either may be first.
        began = time.monotonic()
        call = client.server_stream("HangStream")(b"", timeout=3)
        assert next(call) == b"first"
        with pytest.raises(grpc.RpcError) as failed:
            next(call)
        assert failed.value.code() == Code.DEADLINE_EXCEEDED and time.monotonic() - began > 2.5


def test_cancellation_reaches_the_backend(client, server):
    call = client.server_stream("HangStream")(b"", timeout=60)
    assert next(call) == b"first"
    call.cancel()
    assert server.echo.cancelled.acquire(timeout=20)
    assert client.unary()(b"after", timeout=20) == b"after"


def test_silent_callers_are_waited_for(fresh_gatehouse, make_world, server):
    """A conversation may pause for longer than a request's body may."""
    program = fresh_gatehouse("--gateway-h2c")
    world = make_world(program)
    world.feature("request_custom_config", {"http2_enable": "on", "request_body_timeout": 1})
    api = grpc_api(world, server.address)
    go_on = threading.Event()

    def messages():
        yield b"one"
        go_on.wait(20)
        yield b"two"

    with Client(program.gateway, api.host) as client:
        call = client.both()(messages(), timeout=30)
        assert next(call) == b"one"
        threading.Event().wait(2.5)  # two and a half times what a body may pause
        go_on.set()
        assert next(call) == b"two"


# Ways in ---------------------------------------------------------------------------------------

@pytest.fixture
def tls_client(gatehouse, world, server):
    def connect(api: Api, **options) -> Client:
        name = f"{unique('t').replace('_', '')}.example.com"
        certificate = made.make(name)
        domain = world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains", {"url_domain": name})
        world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains/{domain['id']}/certificate", {
            "name": unique("cert"), "cert_content": certificate.content, "private_key": certificate.key_pem})
        return Client(("127.0.0.1", gatehouse.tls_port), name, certificate.pem, **options)
    return connect


def test_over_tls_on_both_sides(gatehouse, world, tls_client):
    certificate = made.make("127.0.0.1")
    with Server(tls=(certificate.key_pem, certificate.pem)) as secure:
        api = grpc_api(world, secure.address, backend={"req_protocol": "GRPCS"})
        with tls_client(api) as client:
            assert client.unary()(b"hello", timeout=20) == b"hello"
            assert [len(m) for m in client.server_stream()(b"10 100000", timeout=20)] == [100_000] * 10
            assert secure.echo.metadata_of()["x-forwarded-proto"] == ["https"]


def test_authority_of_backends_counts(gatehouse, world, tls_client):
    """Backends of gRPC are verified like those of HTTP, where an authority is given."""
    authority, other = made.authority(), made.authority("Other")
    good = made.make("127.0.0.1", issuer=authority)
    with Server(tls=(good.key_pem, good.content)) as secure:
        api = grpc_api(world, secure.address, backend={"req_protocol": "GRPCS"})
        with tls_client(api) as client:
            config = {"enable": "on", "ca": authority.pem, "content": "", "key": ""}
            try:
                world.feature("backend_client_certificate", config)
                assert client.unary()(b"x", timeout=20) == b"x"
                world.feature("backend_client_certificate", {**config, "ca": other.pem})
                assert refused(client.unary(), b"x").code() == Code.UNAVAILABLE
            finally:
                world.feature("backend_client_certificate", {"enable": "off", "ca": "", "content": "", "key": ""})
            assert client.unary()(b"x", timeout=20) == b"x"


def test_http1_is_not_taken(h2c, api):
    reply = ask(h2c.gatehouse.gateway, "POST", "/test.Echo/Unary", api.host, [("Content-Type", "application/grpc")], b"\0\0\0\0\0")
    assert reply.status == 400 and reply.json()["error_code"] == "APIC.0607"
    assert reply.json()["error_msg"] == "The following protocol is supported: GRPCS"


def test_paths_of_services_and_methods(h2c, server):
    """Everything, one service, one method; the longest one counts."""
    group = h2c.make_group()
    with Server() as others, Server() as method:
        grpc_api(h2c, others.address, "/", group=group)
        grpc_api(h2c, server.address, "/test.Echo", group=group)
        api = grpc_api(h2c, method.address, "/test.Echo/Metadata", group=group)
        with Client(h2c.gatehouse.gateway, api.host) as client:
            client.unary()(b"", timeout=20)
            client.unary("Metadata")(b"", timeout=20)
            assert refused(client.unary("Any", "other.Service"), b"").code() == Code.UNIMPLEMENTED
        assert [call.method for call in server.echo.calls] == ["/test.Echo/Unary"]
        assert [call.method for call in method.echo.calls] == ["/test.Echo/Metadata"]
        assert [call.method for call in others.echo.calls] == ["/other.Service/Any"]


# The gateway's own answers ---------------------------------------------------------------------

def test_refusals_end_the_call(h2c, api, client):
    """Status of the reference, and what a caller of gRPC understands; no body."""
    error = refused(client.unary(service="no.Service"), b"")
    assert error.code() == Code.UNIMPLEMENTED and error.details().startswith("APIC.0101: ")
    binding = h2c.bind_acl(h2c.make_acl("127.0.0.1", "DENY"), api)[0]
    error = refused(client.unary(), b"")
    assert (error.code(), error.details()) == (
        Code.PERMISSION_DENIED, "APIC.0402: The IP address is not authorized to access the API.")
    assert trailer(error, "x-request-id")
    with HTTP2(h2c.gatehouse.gateway, api.host) as c:
        reply = c.ask(1, "POST", "/test.Echo/Unary", more=[("content-type", "application/grpc")], body=b"\0\0\0\0\0")
        assert (reply.status, reply.body, reply.get("content-type"), reply.get("content-length")) == (403, b"", "application/grpc", None)
        # Who does not speak gRPC gets what everybody gets.
        reply = c.ask(3, "POST", "/test.Echo/Unary", body=b"{}")
        assert reply.status == 403 and json.loads(reply.body)["error_code"] == "APIC.0402"
    h2c.unbind_acl(binding)
    assert client.unary()(b"x", timeout=20) == b"x"


def test_callers_and_throttles(h2c, server):
    api = grpc_api(h2c, server.address, auth_type="APP", auth_opt={"app_code_auth_type": "HEADER"})
    with Client(h2c.gatehouse.gateway, api.host) as client:
        error = refused(client.unary(), b"")
        assert error.code() == Code.UNAUTHENTICATED and "APIC.0303" in error.details()
    open_api = grpc_api(h2c, server.address)
    plugin = h2c.make_plugin("rate_limit", {
        "scope": "basic", "default_interval": 60, "default_time_unit": "second", "api_limit": 2, "user_limit": 0, "app_limit": 0,
        "ip_limit": 0, "algorithm": "counter"})
    h2c.attach(plugin, open_api)
    with Client(h2c.gatehouse.gateway, open_api.host) as client:
        codes = []
        for _ in range(5):
            try:
                client.unary()(b"", timeout=20)
                codes.append(Code.OK)
            except grpc.RpcError as error:
                codes.append(error.code())
        assert codes == [Code.OK] * 2 + [Code.RESOURCE_EXHAUSTED] * 3
    h2c.detach(plugin, open_api)


def test_signed_to_the_backend(h2c, server):
    api = grpc_api(h2c, server.address)
    h2c.bind_sign(h2c.make_sign("hmac", sign_key="signkey_1", sign_secret="secret-secret-secret"), api)
    with Client(h2c.gatehouse.gateway, api.host) as client:
        assert client.both()(iter([b"a", b"b"]), timeout=20).__next__() == b"a"
        seen = server.echo.metadata_of()
        assert seen["authorization"][0].startswith("SDK-HMAC-SHA256 ") and seen["x-sdk-content-sha256"] == ["UNSIGNED-PAYLOAD"]


def test_headers_set_and_answered(h2c, server):
    """Constants for the backend, and the plug-in that sets answer headers."""
    api = grpc_api(h2c, server.address, req_params=[{"name": "x-tenant", "type": "STRING", "location": "HEADER", "required": 1}],
                   backend_params=[
                       {"name": "x-fixed", "origin": "CONSTANT", "location": "HEADER", "value": "f"},
                       {"name": "x-who", "origin": "REQUEST", "location": "HEADER", "value": "x-tenant"}])
    plugin = h2c.make_plugin("set_resp_headers", {"response_headers": [
        {"name": "x-set", "value": "by gateway", "action": "override", "value_type": "custom_value"}]})
    h2c.attach(plugin, api)
    with Client(h2c.gatehouse.gateway, api.host) as client:
        _, call = client.unary().with_call(b"", timeout=20, metadata=[("x-tenant", "t1")])
        assert ("x-set", "by gateway") in call.initial_metadata()
        seen = server.echo.metadata_of()
        assert seen["x-fixed"] == ["f"] and seen["x-who"] == ["t1"] and "x-tenant" not in seen


def test_each_message_has_the_limit_of_bodies(h2c, server):
    api = grpc_api(h2c, server.address)
    with Client(h2c.gatehouse.gateway, api.host) as client:
        # 12 MB is what a body may have; a stream of messages may have more.
        assert client.client_stream()((b"x" * 1_000_000 for _ in range(20)), timeout=60) == b"20000000"
        error = refused(client.unary(), b"x" * 13_000_000)
        assert error.code() == Code.RESOURCE_EXHAUSTED


# Under way -------------------------------------------------------------------------------------

def test_changed_while_calls_are_made(h2c, api, client, server):
    """Streams that have begun go on; the next call meets what is in force."""
    call = client.server_stream("HangStream")(b"", timeout=60)
    assert next(call) == b"first"
    with Server() as second:
        for _ in range(5):
            changed = {**api.definition, "backend_api": {**api.definition["backend_api"], "url_domain": second.address}}
            h2c.api.expect(200, "PUT", f"/apis/{api.id}", changed)
            h2c.publish(api)
            count = len(second.echo.calls)
            assert client.unary()(b"x", timeout=20) == b"x"
            assert len(second.echo.calls) == count + 1
            h2c.api.expect(200, "PUT", f"/apis/{api.id}", api.definition)
            h2c.publish(api)
            assert client.unary()(b"x", timeout=20) == b"x"
            assert len(second.echo.calls) == count + 1
    assert call.is_active()
    call.cancel()


def test_slow_readers_are_waited_for(h2c, api, server):
    """What a caller does not read stays at the backend: the gateway holds a window's worth."""
    before = resident_megabytes(h2c.gatehouse.process.pid)
    with Client(h2c.gatehouse.gateway, api.host, options=[("grpc.http2.lookahead_bytes", 65536), ("grpc.http2.bdp_probe", 0)]) as client:
        slow = client.server_stream()(b"4000 100000", timeout=120)
        next(slow)
        # The backend stands still, and others do not.
        last = -1

        def stands_still():
            nonlocal last
            seen, last = last, server.echo.sent
            threading.Event().wait(0.3)
            return seen == server.echo.sent
        eventually(stands_still)
        assert server.echo.sent < 400, "the gateway or the client has taken far more than it needs"
        assert resident_megabytes(h2c.gatehouse.process.pid) - before < 32
        with Client(h2c.gatehouse.gateway, api.host) as other:
            assert other.unary()(b"x", timeout=20) == b"x"
        slow.cancel()


def test_slow_backends_are_waited_for(h2c, api, server):
    """And what a backend does not read stays with the caller."""
    before = resident_megabytes(h2c.gatehouse.process.pid)
    said = 0

    def messages():
        nonlocal said
        for _ in range(300):
            said += 1
            yield b"m" * 100_000

    with Client(h2c.gatehouse.gateway, api.host) as client:
        call = client.client_stream("Hold").future(messages(), timeout=120)
        last = -1

        def stands_still():
            nonlocal last
            seen, last = last, said
            threading.Event().wait(0.3)
            return seen == said > 0
        eventually(stands_still)
        assert said < 150, "somebody takes what nobody reads"
        assert resident_megabytes(h2c.gatehouse.process.pid) - before < 32
        server.echo.gate.set()
        assert call.result() == b"30000000"


def test_backend_chosen_by_metadata(h2c, server):
    with Server() as second:
        conditions = [{"condition_origin": "param", "req_param_name": "x-tenant", "condition_type": "exact", "condition_value": "big"}]
        api = grpc_api(h2c, server.address, req_params=[{"name": "x-tenant", "type": "STRING", "location": "HEADER", "required": 2}],
                       policy_https=[{
                           "name": "big_ones", "effect_mode": "ANY", "conditions": conditions, "url_domain": second.address,
                           "req_protocol": "GRPC", "req_method": "POST", "req_uri": "/", "timeout": 5000}])
        with Client(h2c.gatehouse.gateway, api.host) as client:
            client.unary()(b"x", timeout=20, metadata=[("x-tenant", "small")])
            client.unary()(b"x", timeout=20, metadata=[("x-tenant", "big")])
        assert (len(server.echo.calls), len(second.echo.calls)) == (1, 1)
        assert second.echo.metadata_of()["x-tenant"] == ["big"]


def test_channel_of_members(h2c, server):
    with Server() as second:
        channel = h2c.api.expect(201, "POST", "/vpc-channels", {
            "name": unique("channel"), "port": server.port, "balance_strategy": 1, "member_type": "ip", "type": 2, "members": [
                {"host": "127.0.0.1", "weight": 1, "port": server.port}, {"host": "127.0.0.2", "weight": 1, "port": second.port}]})
        api = grpc_api(h2c, None, backend={"vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": channel["id"]}})
        with Client(h2c.gatehouse.gateway, api.host) as client:
            # 127.0.0.2 is not where the second one listens: its calls fail, plainly.
            outcomes = {Code.OK: 0, Code.UNAVAILABLE: 0}
            for _ in range(6):
                try:
                    client.unary()(b"x", timeout=20)
                    outcomes[Code.OK] += 1
                except grpc.RpcError as error:
                    outcomes[error.code()] += 1
            assert outcomes == {Code.OK: 3, Code.UNAVAILABLE: 3}
            h2c.api.expect(201, "POST", f"/vpc-channels/{channel['id']}/members", {"members": [
                {"host": "127.0.0.1", "weight": 1, "port": server.port}, {"host": "127.0.0.1", "weight": 1, "port": second.port}]})


def test_explained(h2c, api):
    told = h2c.api.expect(200, "POST", "/explain", {
        "scheme": "HTTPS", "host": api.host, "method": "POST", "path": "/test.Echo/Unary",
        "headers": [{"name": "Content-Type", "value": "application/grpc"}, {"name": "grpc-timeout", "value": "5S"}]})
    backend = told["backend"]
    assert backend["type"] == "GRPC" and backend["addresses"] == [f"http://{api.definition['backend_api']['url_domain']}"]
    lines = backend["request"].split("\r\n")
    assert lines[:5] == [":method: POST", ":scheme: http", ":path: /test.Echo/Unary",
                         f":authority: {api.definition['backend_api']['url_domain']}", "te: trailers"]
    assert any(line.startswith("grpc-timeout: ") for line in lines)


def test_stops_cleanly_under_calls(fresh_gatehouse, make_world, server):
    program = fresh_gatehouse("--gateway-h2c", settings={"drain_seconds": 1})
    world = make_world(program)
    api = grpc_api(world, server.address)
    with Client(program.gateway, api.host) as client:
        call = client.server_stream("HangStream")(b"", timeout=60)
        assert next(call) == b"first"
        assert program.stop() == 0
