"""Fields of the access log that only some requests have: authentication, provider, compression, function, PROXY header."""

from __future__ import annotations

import pytest

from harness import functions
from harness.backend import Answer
from harness.frames import Frames
from harness.functions import answers, decides
from harness.http2 import HTTP2
from harness.logs import Logged, logging_program
from harness.world import unique
from test_caller_authentication import authorize, call_signed, make_app
from test_grpc import grpc_api
from test_grpc_backends import EMPTY, INTERNAL_ERROR, calling
from test_proxy_protocol import line as proxy_line


@pytest.fixture(scope="module")
def program(tmp_path_factory, shared_functions):
    # One event loop: lines come in the order of the requests.
    with logging_program(
            tmp_path_factory.mktemp("fields"), "--gateway-h2c", gateway_threads=1,
            functions=functions.settings(shared_functions.address)) as program:
        yield program


@pytest.fixture
def log(program, backend):
    return Logged(program, backend)


def test_how_callers_are_asked(log, function_service):
    world = log.world
    function_service.script = lambda _: decides()
    authorizer = world.api.expect(201, "POST", "/authorizers", {
        "name": unique("authorizer"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER})["id"]
    app = make_app(world)
    none, one, two = world.make_mock(), world.make_mock(auth_type="APP"), world.make_mock(auth_type="APP", authorizer_id=authorizer)
    alone = world.make_mock(auth_type="AUTHORIZER", authorizer_id=authorizer)
    authorize(world, app, one, two)
    assert [world.call(none).status, world.call(alone).status] == [200, 200]
    assert [call_signed(world, api, app).status for api in (one, two)] == [200, 200]
    assert [(line["auth_type"], line["access_model1"], line["access_model2"]) for line in log.take(4)] == [
        ("NONE", "-", "-"), ("AUTHORIZER", authorizer, "-"), ("APP", "APP", "-"), ("APP", "APP", authorizer)]


def test_whose_api_it_is(log):
    world = log.world
    app = make_app(world)
    api = world.make_mock(roma_app_id=app.id)
    assert world.call(api).status == 200
    [line] = log.take()
    assert (line["provider_app_id"], line["provider_app_name"]) == (app.id, app.name)
    # The name that it has now.
    name = unique("renamed")
    world.api.expect(200, "PUT", f"{world.api.public_path}/apps/{app.id}", {"name": name})
    assert world.call(api).status == world.call(world.make_mock()).status == 200
    assert [(line["provider_app_id"], line["provider_app_name"]) for line in log.take(2)] == [(app.id, name), ("-", "-")]


def test_compression(log, backend):
    world = log.world
    world.feature("gzip", {"enable": "on", "comp_level": 6})
    text = b"0123456789" * 1000
    backend.script = lambda _: Answer(200, [("Content-Type", "text/plain")], text)
    api, mock = world.make_api(), world.make_mock('"' + "x" * 5000 + '"')
    accepts = [("Accept-Encoding", "gzip")]
    replies = [world.call(api, headers=accepts), world.call(mock, headers=accepts), world.call(api)]
    assert [reply.get("Content-Encoding") for reply in replies] == ["gzip", "gzip", None]
    forwarded, own, plain = log.take(3)
    assert abs(forwarded["gzip_ratio"] - len(text) / len(replies[0].body)) <= 0.01
    assert abs(own["gzip_ratio"] - 5002 / len(replies[1].body)) <= 0.01 and plain["gzip_ratio"] == "-"


def test_how_calls_of_grpc_ended(log):
    world = log.world

    def silent(session, stream):
        with session.lock:
            session.h2.send_headers(stream, session.head())
            session.h2.send_data(stream, EMPTY, end_stream=True)
            session.flush()

    def part(session, stream):
        session.part(stream)
        session.reset(stream, INTERNAL_ERROR)

    cases = [
        (lambda session, stream: session.answer(stream), (200, 0)),
        (lambda session, stream: session.answer(stream, status="9"), (200, 9)),
        (lambda session, stream: session.answer(stream, None, "5"), (200, 5)),
        (lambda session, stream: session.answer(stream, status="many"), (200, "-")),
        (silent, (200, "-")),
        (lambda session, stream: session.reset(stream, INTERNAL_ERROR), (502, 13)),
        (part, (502, 13)),
    ]
    with Frames(cases[0][0]) as backend:
        api = grpc_api(world, backend.address)
        with HTTP2(world.gatehouse.gateway, api.host) as client:
            for number, (script, wanted) in enumerate(cases):
                backend.script = script
                client.ask(2 * number + 1, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY)
                [line] = log.take()
                assert (line["status"], line["grpc_status"]) == wanted, (number, line)
                assert list(line)[list(line).index("status") + 1] == "grpc_status"
            # The gateway's own answer to what never got as far as an API.
            client.ask(99, "POST", "/nothing", more=calling(), body=EMPTY)
            [line] = log.take()
            assert (line["status"], line["grpc_status"]) == (404, 12)
            client.ask(101, "POST", "/nothing")
            assert "grpc_status" not in log.take()[0]


def test_functions(log, function_service):
    world = log.world
    function_service.script = lambda _: answers("x", 201)
    info = {"function_urn": functions.WORKER, "invocation_type": "sync", "timeout": 5000, "network_type": "V2"}
    api = world.make_api(backend_type="FUNCTION", backend_api=None, func_info=info)
    aliased = world.make_api(backend_type="FUNCTION", backend_api=None, func_info={
        **info, "function_urn": functions.VERSIONED, "alias_urn": functions.ALIAS})
    nowhere = world.make_api(backend_type="FUNCTION", backend_api=None, func_info={**info, "function_urn": functions.NOWHERE})
    assert [world.call(entry).status for entry in (api, aliased, nowhere)] == [201, 201, 502]
    lines = log.take(3)
    assert [line["function_urn"] for line in lines] == [
        functions.WORKER + ":latest", functions.ALIAS, functions.NOWHERE + ":latest"]
    assert [(line["upstream_addr"], line["upstream_uri"], line["upstream_status"], line["response_source"]) for line in lines] == [
        (function_service.address, "/worker", 200, "remote"), (function_service.address, "/versioned/live", 200, "remote"),
        ("127.0.0.1:1", "/nowhere", "-", "local")]
    assert lines[0]["all_upstream_response_time"] >= lines[0]["upstream_response_time"] >= lines[0]["upstream_header_time"]


def test_addresses_of_proxy_headers(fresh_gatehouse, backend):
    program = fresh_gatehouse("--gateway-proxy-protocol", settings={"access_log": {"path": "access.log"}})
    logged = Logged(program, backend)
    api = logged.world.make_mock()
    with logged.world.connect() as wire:
        wire.send(proxy_line("192.0.2.7"))
        assert [logged.world.call(api, wire=wire).status for _ in range(2)] == [200, 200]
    for line in logged.take(2):
        assert (line["proxy_protocol_addr"], line["remote_addr"]) == ("192.0.2.7", "192.0.2.7")
        assert (line["proxy_protocol_vni"], line["proxy_protocol_vpce_id"]) == ("-", "-")
    assert program.stop() == 0
