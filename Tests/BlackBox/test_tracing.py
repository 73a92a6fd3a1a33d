"""Traces: context passed on, spans exported over OTLP, and a receiver that changes nothing for callers."""

from __future__ import annotations

import json
import re
import threading
import time

import pytest

from harness import certificates, functions
from harness.backend import Answer, Backend
from harness.calls import Client, Server
from harness.functions import answers
from harness.management import Call
from harness.process import Gatehouse, StartFailure, free_port
from harness.world import World, unique
from test_grpc import grpc_api
from test_grpc_backends import context_of
from test_kafka_log import cluster, samples, until  # noqa: F401: a fixture

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FORM = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


class Receiver(Backend):
    """Takes spans as OTLP's JSON over HTTP."""

    def __init__(self, **how):
        super().__init__(**how)
        self.script = lambda request: Answer(200, [("Content-Type", "application/json")], b"{}")

    def spans(self) -> list[dict]:
        found = []
        for request in self.requests:
            assert (request.method, request.path, request.one("Content-Type")) == ("POST", "/v1/traces", "application/json")
            [resource] = json.loads(request.body)["resourceSpans"]
            assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "a \"gateway\""}}]
            [scope] = resource["scopeSpans"]
            assert scope["scope"] == {"name": "gatehouse"}
            for span in scope["spans"]:
                attributes = {entry["key"]: entry["value"].get("stringValue", entry["value"].get("intValue")) for entry in span["attributes"]}
                assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
                assert abs(int(span["endTimeUnixNano"]) / 1e9 - time.time()) < 60
                found.append(span | {"attributes": attributes})
        return found

    def of(self, reply, count: int) -> list[dict]:
        """The spans of a request: its own, then those of its attempts in order."""
        def all_of() -> list[dict]:
            spans = self.spans()
            own = [span for span in spans if span["attributes"].get("gatehouse.request.id") == reply.one("X-Request-Id")]
            return own + [span for span in spans if own and span.get("parentSpanId") == own[0]["spanId"]]

        found = until(lambda: len(got := all_of()) >= count and got)
        assert len(found) == count and {span["traceId"] for span in found} == {found[0]["traceId"]}
        return found


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def function_backend():
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def program(tmp_path_factory, receiver, function_backend):
    program = Gatehouse(tmp_path_factory.mktemp("traces") / "data", settings={
        "tracing": {"endpoint": f"http://{receiver.address}", "service_name": "a \"gateway\"", "headers": {"X-Tenant": "t1"}},
        "functions": functions.settings(function_backend.address)}).start()
    yield program
    assert program.stop() == 0


@pytest.fixture
def world(program, backend):
    return World(program, Call(program.credentials, program.management), backend)


def sent(backend: Backend) -> tuple[str, str, str]:
    match = FORM.fullmatch(backend.last.one("traceparent"))
    assert match, backend.last.headers
    return match.groups()


def test_a_trace_that_begins_here(world, backend, receiver):
    backend.script = lambda request: Answer(201)
    api = world.make_api(path=f"/{unique('p')}/{{id}}", req_params=[{"name": "id", "type": "STRING", "location": "PATH", "required": 1}],
                         backend={"req_uri": "/behind"})
    reply = world.call(api, target=api.path.replace("{id}", "7") + "?apikey=SECRET1&b=1", headers=[
        ("tracestate", "other=1"), ("Authorization", "SECRET1"), ("User-Agent", "a \"browser\"")])
    assert reply.status == 201
    own, attempt = receiver.of(reply, 2)
    trace, parent, flags = sent(backend)
    assert (trace, parent, flags) == (own["traceId"], attempt["spanId"], "01") and not backend.last.has("tracestate")
    assert (own["kind"], attempt["kind"], own.get("parentSpanId")) == (2, 3, None)
    assert own["name"] == f"GET {api.path}" and attempt["name"] == "GET"
    assert own["attributes"] == {
        "http.request.method": "GET", "url.path": api.path.replace("{id}", "7"), "server.address": api.host, "url.scheme": "http",
        "user_agent.original": "a \"browser\"", "network.protocol.version": "1.1", "client.address": "127.0.0.1", "http.route": api.path,
        "gatehouse.api.id": api.id, "gatehouse.api.name": api.definition["name"], "gatehouse.request.id": reply.one("X-Request-Id"),
        "http.response.status_code": "201"}
    assert attempt["attributes"] == {
        "http.request.method": "GET", "server.address": "127.0.0.1", "server.port": str(backend.port), "url.scheme": "http",
        "http.response.status_code": "201"}
    assert own["status"] == attempt["status"] == {}
    assert int(own["startTimeUnixNano"]) <= int(attempt["startTimeUnixNano"]) <= int(attempt["endTimeUnixNano"]) <= int(own["endTimeUnixNano"])
    assert all(b"SECRET1" not in request.raw for request in receiver.requests)
    assert {request.one("X-Tenant") for request in receiver.requests} == {"t1"}


def secured(tmp_path, receiver, authorities) -> dict:
    path = tmp_path / "authorities.pem"
    path.write_text(authorities.pem)
    return {"tracing": {"endpoint": f"https://{receiver.address}", "service_name": "a \"gateway\"", "authorities": str(path)}}


@pytest.fixture(scope="module")
def signer():
    return certificates.authority("Collectors")


@pytest.fixture
def secure_receiver(signer):
    receiver = Receiver(tls=context_of(certificates.make("127.0.0.1", issuer=signer)))
    yield receiver
    receiver.close()


def test_a_receiver_over_tls(tmp_path, backend, secure_receiver, signer):
    program = Gatehouse(tmp_path / "data", settings=secured(tmp_path, secure_receiver, signer)).start()
    world = World(program, Call(program.credentials, program.management), backend)
    reply = world.call(world.make_api())
    assert reply.status == 200
    own, attempt = secure_receiver.of(reply, 2)
    assert (own["kind"], attempt["kind"]) == (2, 3)
    assert program.stop() == 0


def test_a_receiver_that_nobody_vouches_for(tmp_path, backend, secure_receiver):
    """Its spans are given up and counted; callers notice nothing."""
    program = Gatehouse(tmp_path / "data", settings=secured(
        tmp_path, secure_receiver, certificates.authority("Others", key=certificates.rsa_key(7)))).start()
    world = World(program, Call(program.credentials, program.management), backend)
    assert world.call(world.make_api()).status == 200
    until(lambda: samples(program).get('gatehouse_trace_spans_dropped_total{reason="failed"}', 0) >= 2)
    assert not secure_receiver.requests
    assert program.stop() == 0


@pytest.mark.parametrize("change, text", [
    ({"authorities": "/nowhere/ca.pem"}, "tracing"), ({"endpoint": "http://127.0.0.1:1", "authorities": "/nowhere/ca.pem"}, "tracing.authorities"),
])
def test_authorities_that_cannot_be_used(tmp_path, change, text):
    program = Gatehouse(tmp_path / "data", settings={"tracing": {"endpoint": "https://127.0.0.1:1", **change}})
    with pytest.raises(StartFailure, match=text):
        program.start()


def test_a_trace_that_goes_on(world, backend, receiver):
    api = world.make_api()
    reply = world.call(api, headers=[("TraceParent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "a=1,b=2"), ("tracestate", "c=3")])
    own, attempt = receiver.of(reply, 2)
    assert (own["traceId"], own["parentSpanId"]) == (TRACE, PARENT)
    assert sent(backend) == (TRACE, attempt["spanId"], "01")
    assert backend.last.all("tracestate") == ["a=1,b=2", "c=3"]
    assert len({own["spanId"], attempt["spanId"], PARENT}) == 3


def test_who_brings_a_trace_decides(world, backend, receiver):
    api = world.make_api()
    skipped = world.call(api, headers=[("traceparent", f"00-{TRACE}-{PARENT}-00")])
    trace, parent, flags = sent(backend)
    assert (trace, flags) == (TRACE, "00") and parent != PARENT
    receiver.of(world.call(api), 2)
    assert skipped.one("X-Request-Id") not in {span["attributes"].get("gatehouse.request.id") for span in receiver.spans()}


HOSTILE = ["", "x", f"00-{TRACE}-{PARENT}", f"00-{TRACE}-{PARENT}-01-", f"ff-{TRACE}-{PARENT}-01", f"00-{TRACE.upper()}-{PARENT}-01",
           f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", "0" * 7000, f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01",
           f"00-{TRACE}-{PARENT}-0\"", "\\\"}]}"]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_contexts_are_not_passed_on(world, backend, value):
    api = world.make_api()
    assert world.call(api, headers=[("traceparent", value), ("tracestate", "a=1")]).status == 200
    trace, _, flags = sent(backend)
    assert trace != TRACE and flags == "01" and not backend.last.has("tracestate")


def test_two_contexts_are_none(world, backend):
    api = world.make_api()
    assert world.call(api, headers=[("traceparent", f"00-{TRACE}-{PARENT}-01")] * 2).status == 200
    assert sent(backend)[0] != TRACE


def test_attempts_have_spans_of_their_own(world, backend, receiver):
    script = iter([Answer(reset=True), Answer(reset=True), Answer(200)])
    backend.script = lambda request: next(script)
    reply = world.call(world.make_api(backend={"retry_count": "2"}))
    assert reply.status == 200
    own, *attempts = receiver.of(reply, 4)
    assert [span["attributes"].get("error.type") for span in attempts] == ["no_answer", "no_answer", None]
    assert [span["status"] for span in attempts] == [{"code": 2}, {"code": 2}, {}]
    assert [FORM.fullmatch(request.one("traceparent"))[2] for request in backend.requests] == [span["spanId"] for span in attempts]


def test_refusals(world, receiver):
    denied = world.make_mock()
    world.bind_acl(world.make_acl("127.0.0.1"), denied)
    [own] = receiver.of(world.call(denied), 1)
    assert (own["attributes"]["error.type"], own["attributes"]["http.response.status_code"], own["status"]) == ("APIC.0402", "403", {})
    [own] = receiver.of(world.call(denied, target="/nothing"), 1)
    assert (own["attributes"]["http.response.status_code"], own["name"]) == ("404", "GET") and "http.route" not in own["attributes"]
    reply = world.call(world.make_api(backend={"url_domain": f"127.0.0.1:{free_port()}", "retry_count": "0"}))
    own, attempt = receiver.of(reply, 2)
    assert (own["status"], own["attributes"]["error.type"], attempt["attributes"]["error.type"]) == ({"code": 2}, "APIC.0202", "no_answer")


def test_functions(world, function_backend, receiver):
    function_backend.clear()
    function_backend.script = lambda _: answers("x")
    api = world.make_api(backend_type="FUNCTION", backend_api=None, func_info={
        "function_urn": functions.WORKER, "invocation_type": "sync", "timeout": 5000, "network_type": "V2"})
    reply = world.call(api)
    assert reply.status == 200
    own, attempt = receiver.of(reply, 2)
    assert sent(function_backend) == (own["traceId"], attempt["spanId"], "01") and attempt["name"] == "POST"


def test_calls_of_grpc(fresh_gatehouse, make_world, receiver, cluster):
    """The backend is in the trace, and the record for Kafka is that of any request."""
    program = fresh_gatehouse("--gateway-h2c", settings={
        "tracing": {"endpoint": f"http://{receiver.address}", "service_name": "a \"gateway\""}})
    world = make_world(program)
    with Server() as server:
        api = grpc_api(world, server.address)
        topic = unique("topic")
        world.attach(world.make_plugin("kafka_log", {
            "broker_list": [cluster.address], "topic": topic, "max_retry_count": 0, "retry_backoff": 1,
            "meta_config": {"system": {"server_protocol": True}, "call_data": {"log_request_body": True, "log_response_body": True}}}), api)
        with Client(program.gateway, api.host) as client:
            assert client.unary()(b"hello", timeout=20, metadata=[("traceparent", f"00-{TRACE}-{PARENT[:-1]}3-01")]) == b"hello"
        [context] = server.echo.metadata_of()["traceparent"]
    own = until(lambda: [span for span in receiver.spans() if span.get("parentSpanId") == PARENT[:-1] + "3"])
    [attempt] = until(lambda: [span for span in receiver.spans() if span.get("parentSpanId") == own[0]["spanId"]])
    assert FORM.fullmatch(context).groups() == (TRACE, attempt["spanId"], "01") and len(own) == 1
    assert (own[0]["attributes"]["network.protocol.version"], own[0]["attributes"]["http.response.status_code"]) == ("2", "200")
    found = cluster.read(topic, 1)[0].json()
    assert (found["server_protocol"], found["http_status"]) == ("HTTP/2.0", 200)
    assert found["request_body"] == found["response_body"] == "\0\0\0\0\x05hello"
    assert program.stop() == 0


def test_context_is_left_alone_without_tracing(fresh_gatehouse, make_world, backend):
    world = make_world(fresh_gatehouse())
    api = world.make_api()
    for value in (f"00-{TRACE}-{PARENT}-01", "anything"):
        assert world.call(api, headers=[("Traceparent", value), ("tracestate", "a=1")]).status == 200
        assert backend.last.all("traceparent") == [value] and backend.last.all("tracestate") == ["a=1"]
    assert world.call(api).status == 200 and not backend.last.has("traceparent")


def test_the_ratio(fresh_gatehouse, make_world, backend, receiver):
    program = fresh_gatehouse(settings={
        "tracing": {"endpoint": f"http://{receiver.address}/v1/traces", "ratio": 0, "service_name": "a \"gateway\""}})
    world = make_world(program)
    api = world.make_api()
    with world.connect() as wire:
        ids = [world.call(api, wire=wire).one("X-Request-Id") for _ in range(50)]
    assert sent(backend)[2] == "00"
    reply = world.call(api, headers=[("traceparent", f"00-{TRACE}-{PARENT}-01")])
    assert program.stop() == 0
    # What was recorded is delivered by a stop.
    receiver.of(reply, 2)
    assert not set(ids) & {span["attributes"].get("gatehouse.request.id") for span in receiver.spans()}


def test_a_dead_receiver_changes_nothing(fresh_gatehouse, make_world, backend):
    program = fresh_gatehouse(settings={"tracing": {"endpoint": f"http://127.0.0.1:{free_port()}", "queue_spans": 10}, "gateway_threads": 1})
    world = make_world(program)
    api = world.make_mock()
    with world.connect() as wire:
        for _ in range(40):
            assert world.call(api, wire=wire).status == 200
    full, failed = ('gatehouse_trace_spans_dropped_total{reason="%s"}' % reason for reason in ("queue_full", "failed"))
    until(lambda: (now := samples(program))[full] + now[failed] == 40)
    now = samples(program)
    assert now[failed] >= 10 and now[full] > 0 and now["gatehouse_trace_spans_waiting"] == 0 and now["gatehouse_trace_spans_exported_total"] == 0
    assert "spans are not exported" in program.log
    assert program.stop() == 0


@pytest.mark.parametrize("status, calls", [(400, 1), (503, 3)])
def test_a_receiver_that_refuses(fresh_gatehouse, make_world, backend, status, calls):
    receiver = Backend()
    receiver.script = lambda request: Answer(status)
    program = fresh_gatehouse(settings={"tracing": {"endpoint": f"http://{receiver.address}"}})
    world = make_world(program)
    assert world.call(world.make_mock()).status == 200
    until(lambda: samples(program)['gatehouse_trace_spans_dropped_total{reason="failed"}'] == 1)
    assert len(receiver.requests) == calls
    assert program.stop() == 0
    receiver.close()


def test_a_slow_receiver_holds_nobody_up(fresh_gatehouse, make_world, backend):
    receiver = Backend()
    free = threading.Event()
    receiver.script = lambda request: Answer(200, wait_for=free)
    program = fresh_gatehouse(settings={"tracing": {"endpoint": f"http://{receiver.address}"}})
    world = make_world(program)
    api = world.make_mock()
    assert world.call(api).status == 200
    receiver.wait_for(1)
    assert world.call(api).status == 200
    until(lambda: samples(program)["gatehouse_trace_spans_waiting"] == 2)
    free.set()
    until(lambda: samples(program)["gatehouse_trace_spans_exported_total"] == 2)
    assert program.stop() == 0
    receiver.close()


@pytest.mark.parametrize("settings, reason", [
    ({}, "tracing has no endpoint"), ({"endpoint": "127.0.0.1:4318"}, "tracing.endpoint"), ({"endpoint": "ftp://a"}, "tracing.endpoint"),
    ({"endpoint": "http://a", "ratio": 1.5}, "tracing.ratio"), ({"endpoint": "http://a", "queue_spans": 0}, "tracing.queue_spans"),
    ({"endpoint": "http://a", "headers": {"Host": "b"}}, "tracing.headers"), ({"endpoint": "http://a", "headers": {"A": "b\nc"}}, "tracing.headers"),
    ({"endpoint": "http://a", "service_name": ""}, "tracing.service_name"), ({"endpoint": "http://a", "more": 1}, "unknown setting tracing.more")])
def test_refused_settings(fresh_gatehouse, settings, reason):
    with pytest.raises(StartFailure, match=reason):
        fresh_gatehouse(settings={"tracing": settings})
