"""Functions as backends: called and answered, chosen by policies and breakers, moved and gone while traffic flows."""

from __future__ import annotations

import base64
import json
import threading

import pytest

from harness import functions
from harness.backend import Answer, Backend
from harness.functions import HOSTILE, answers, decides, event, returns
from harness.world import unique
from test_caller_authentication import authorize, call_signed, make_app
from test_custom_authorizers_traffic import outcome

UNAVAILABLE = (502, "APIC.0202", "Backend unavailable")
TIMEOUT = (504, "APIC.0203", "Backend timeout")
MALFORMED = (500, "APIC.0601", "Internal server error.")


def info(**fields):
    return {"function_urn": functions.WORKER, "invocation_type": "sync", "timeout": 5000, **fields}


def served(world, func_info=None, **fields):
    return world.make_api(**{"backend_type": "FUNCTION", "backend_api": None, "func_info": func_info or info(), **fields})


@pytest.fixture
def worker(function_service):
    function_service.script = lambda _: answers("hello")
    return function_service


# Sync --------------------------------------------------------------------------------------------

def test_the_event(world, backend, worker):
    api = served(world, path="/things/{id}", req_params=[{"name": "id", "type": "STRING", "location": "PATH", "required": 1}])
    reply = world.call(
        api, "PUT", "/things/a%20b?q=1%202&q=3&%C3%A4=", headers=[("X-A", "1"), ("x-a", "2"), ("Content-Type", "text/plain")], body=b"\x00\xff")
    assert (reply.status, reply.body) == (200, b"hello")
    found = event(worker.last)
    headers = found.pop("headers")
    assert found == {
        "body": "AP8=", "isBase64Encoded": True, "httpMethod": "PUT", "path": "/things/a b", "pathParameters": {"id": "a b"},
        "queryStringParameters": {"q": "1 2", "ä": ""},
        "requestContext": {"apiId": api.id, "stage": "RELEASE", "requestId": reply.one("X-Request-Id")}}
    assert headers["x-a"] == "1, 2" and headers["content-type"] == "text/plain" and headers["host"] == api.host
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == "127.0.0.1" and headers["x-forwarded-proto"] == "http"
    assert headers["x-request-id"] == reply.one("X-Request-Id")
    assert worker.last.path == "/worker" and backend.requests == []


def test_the_answer(world, worker):
    api = served(world)
    worker.script = lambda _: answers('{"a":"ä"}', 201, {
        "Content-Type": "application/json", "X-A": "1", "Content-Length": "3", "Transfer-Encoding": "chunked", "Connection": "close", "Server": "x"})
    with world.connect() as wire:
        for _ in range(2):
            reply = world.call(api, wire=wire)
            assert (reply.status, reply.json(), reply.one("X-A")) == (201, {"a": "ä"}, "1")
            assert reply.one("Content-Type") == "application/json" and reply.one("Server") == "api-gateway"
        worker.script = lambda _: answers(base64.b64encode(b"\x00\xff").decode(), encoded=True)
        assert world.call(api, wire=wire).body == b"\x00\xff"
        for status in (204, 304, 404, 503):
            worker.script = lambda _, status=status: answers("text", status)
            reply = world.call(api, wire=wire)
            assert (reply.status, reply.body) == (status, b"" if status in (204, 304) else b"text")
        worker.script = lambda _: answers("text")
        reply = world.call(api, "HEAD", wire=wire)
        assert (reply.status, reply.body, reply.one("Content-Length")) == (200, b"", "4")
        assert event(worker.last)["httpMethod"] == "HEAD" and event(worker.last)["body"] == ""
        worker.script = lambda _: returns({"statusCode": 200})
        assert world.call(api, wire=wire).status == 200


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE])
def test_hostile_answers(world, worker, kind):
    api = served(world)
    worker.script = lambda _: HOSTILE[kind]
    with world.connect() as wire:
        assert outcome(world.call(api, wire=wire)) == MALFORMED
        worker.script = lambda _: answers("hello")
        assert world.call(api, wire=wire).body == b"hello"


@pytest.mark.parametrize("status", [-1, 0, 99, 100, 101, 199, 600, 10**30])
def test_a_status_that_no_answer_has(world, worker, status):
    worker.script = lambda _: returns({"statusCode": status, "headers": {}, "body": "", "isBase64Encoded": False})
    assert outcome(world.call(served(world))) == MALFORMED


def test_servers_that_fail(world, worker):
    api = served(world)
    for answer in (
        Answer(status=500, body=answers().body), Answer(status=404), Answer(reset=True), Answer(raw=b"nonsense\r\n\r\n", close=True),
        Answer(body=answers("x" * 100).body, close_after=80)):
        worker.script = lambda _, answer=answer: answer
        assert outcome(world.call(api)) == UNAVAILABLE
    assert outcome(world.call(served(world, info(function_urn=functions.NOWHERE)))) == UNAVAILABLE


def test_a_slow_function(world, worker):
    api = served(world, info(timeout=200))
    never = threading.Event()
    worker.script = lambda _: answers("late", wait_for=never)
    try:
        assert outcome(world.call(api)) == TIMEOUT
    finally:
        never.set()
    worker.script = lambda _: answers("hello")
    assert world.call(api).status == 200


def test_large_bodies_and_answers(world, worker):
    api = served(world)
    body = bytes(range(251)) * 12_000
    worker.script = lambda request: answers(event(request)["body"], encoded=True)
    assert world.call(api, "POST", body=body).body == body
    with world.connect() as wire:
        wire.send(f"POST {api.path} HTTP/1.1\r\nHost: {api.host}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n".encode())
        assert wire.reply().status == 100
        for start in range(0, 300_000, 70_000):
            piece = body[start : min(start + 70_000, 300_000)]
            wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        wire.send(b"0\r\n\r\n")
        assert wire.reply().body == body[:300_000]
    size = 3 * 1024 * 1024 + 1
    before = len(worker.requests)
    assert outcome(world.call(api, "POST", headers=[("Content-Length", str(size))])) == (413, "APIC.0201", "Request entity too large.")
    assert len(worker.requests) == before
    room = 6 * 1024 * 1024 - len(answers("").body)
    worker.script = lambda _: answers("x" * room)
    assert len(world.call(api).body) == room
    worker.script = lambda _: answers("x" * (room + 1))
    assert outcome(world.call(api)) == MALFORMED


def test_version_and_alias(world, worker):
    assert world.call(served(world, info(function_urn=functions.VERSIONED, version="v2"))).status == 200
    assert worker.last.path == "/versioned/v2"
    assert world.call(served(world, info(function_urn=functions.VERSIONED, version="v2", alias_urn=functions.ALIAS))).status == 200
    assert worker.last.path == "/versioned/live"


def test_bodies_as_they_are(sdk, world, call, worker):
    """`is_send_fg_body_base64` false, which asks for JSON."""
    authorizer = sdk.create_custom_authorizer_v2(body={
        "name": unique("front"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER, "need_body": True})
    worker.script = lambda request: decides() if request.path == "/authorizer" else answers("hello")
    api = served(
        world, content_type="application/json", is_send_fg_body_base64=False, auth_type="AUTHORIZER", authorizer_id=authorizer.id)
    assert call.expect(200, "GET", f"/apis/{api.id}")["is_send_fg_body_base64"] is False
    assert world.call(api, "POST", body='{"a":"ä\\n"}'.encode()).status == 200
    for request in worker.requests:
        found = event(request)
        assert (found["body"], found["isBase64Encoded"]) == ('{"a":"ä\\n"}', False)
    assert event(worker.last)["headers"]["content-type"] == "application/json"
    assert world.call(api, "POST", body=b"\xff").status == 200 and event(worker.last)["body"] == "\ufffd"
    for content_type in ("text/plain", None):
        wanted = world.definition(api.group_id, "/other", content_type=content_type, is_send_fg_body_base64=False)
        assert "is_send_fg_body_base64" in call.refused(400, "APIG.2011", "POST", "/apis", wanted)
    encoded = served(world, is_send_fg_body_base64=True)
    assert call.expect(200, "GET", f"/apis/{encoded.id}")["is_send_fg_body_base64"] is True
    assert "is_send_fg_body_base64" not in call.expect(200, "GET", f"/apis/{served(world).id}")


# Async -------------------------------------------------------------------------------------------

def test_async_is_answered_at_once(world, worker):
    api = served(world, info(invocation_type="async"))
    held = threading.Event()
    worker.script = lambda _: answers("nobody reads this", 500, wait_for=held)
    try:
        with world.connect() as wire:
            for count in (1, 2, 3):
                reply = world.call(api, "POST", body=b"x%d" % count, wire=wire)
                assert (reply.status, reply.body) == (202, b"")
        bodies = sorted(base64.b64decode(event(request)["body"]) for request in worker.wait_for(3))
        assert bodies == [b"x1", b"x2", b"x3"]
    finally:
        held.set()


def test_async_that_reaches_nobody(world, worker):
    api = served(world, info(invocation_type="async", function_urn=functions.NOWHERE))
    assert outcome(world.call(api)) == UNAVAILABLE


def test_async_goes_on_without_its_client(world, worker):
    api = served(world, info(invocation_type="async", timeout=300))
    worker.script = lambda _: Answer(reset=True)
    assert world.call(api).status == 202
    never = threading.Event()
    worker.script = lambda _: answers(wait_for=never)
    assert world.call(api).status == 202, "its time ends without anybody noticing"
    never.set()
    worker.script = lambda _: Answer(raw=b"nonsense\r\n\r\n")
    assert world.call(api).status == 202
    worker.wait_for(3)
    worker.script = lambda _: answers()
    assert world.call(api).status == 202


# With everything else that an API may have -------------------------------------------------------

def test_behind_authentication_and_plugins(world, worker):
    api = served(world, auth_type="APP")
    app = make_app(world)
    authorize(world, app, api)
    assert outcome(world.call(api))[1] == "APIC.0303"
    # An asynchronous call of another test may still come in.
    assert not [request for request in worker.requests if api.id.encode() in request.body]
    body = b"signed" * 20_000
    assert call_signed(world, api, app, "POST", body=body).status == 200
    assert base64.b64decode(event(worker.last)["body"]) == body
    assert "authorization" not in event(worker.last)["headers"]
    world.attach(world.make_plugin("set_resp_headers", {"response_headers": [
        {"name": "X-Test", "value": "1", "action": "override"}]}), api)
    assert call_signed(world, api, app).one("X-Test") == "1"
    reply = call_signed(world, api, app, headers={"X-Apig-Mode": "debug"})
    assert reply.one("X-Apig-Upstream-Latency").isdigit()


def test_backend_parameters(world, worker):
    api = served(world, method="GET", req_params=[
        {"name": "a", "type": "STRING", "location": "QUERY", "required": 2},
        {"name": "X-B", "type": "STRING", "location": "HEADER", "required": 2}], backend_params=[
        {"name": "X-From-Query", "location": "HEADER", "origin": "REQUEST", "value": "a"},
        {"name": "fromHeader", "location": "QUERY", "origin": "REQUEST", "value": "X-B"},
        {"name": "X-Constant", "location": "HEADER", "origin": "CONSTANT", "value": "c"},
        {"name": "stage", "location": "QUERY", "origin": "SYSTEM", "value": "$context.stage"}])
    assert world.call(api, target=f"{api.path}?a=%C3%A4%201&other=o", headers=[("X-B", "b"), ("X-Constant", "mine")]).status == 200
    found = event(worker.last)
    assert found["queryStringParameters"] == {"other": "o", "fromHeader": "b", "stage": "RELEASE"}
    headers = found["headers"]
    assert (headers["x-constant"], headers["x-from-query"]) == ("c", "ä 1") and "x-b" not in headers


def policy_condition(name="kind", value="special"):
    return {"condition_origin": "param", "condition_type": "exact", "condition_value": value, "req_param_name": name,
            "req_param_location": "QUERY"}


KIND = [{"name": "kind", "type": "STRING", "location": "QUERY", "required": 2}]


def test_as_policy_backend(world, backend, worker):
    api = world.make_api(req_params=KIND, policy_functions=[{
        "name": unique("policy"), "effect_mode": "ALL", "conditions": [policy_condition()], **info()}])
    assert world.call(api).status == 200 and len(backend.requests) == 1 and worker.requests == []
    reply = world.call(api, "POST", f"{api.path}?kind=special", body=b"x" * 100_000)
    assert (reply.status, reply.body) == (200, b"hello")
    assert base64.b64decode(event(worker.last)["body"]) == b"x" * 100_000 and len(backend.requests) == 1


def test_http_policy_of_a_function(world, backend, worker):
    api = served(world, req_params=KIND, policy_https=[{
        "name": unique("policy"), "effect_mode": "ALL", "conditions": [policy_condition()], "url_domain": backend.address,
        "req_protocol": "HTTP", "req_method": "ANY", "req_uri": "/special", "timeout": 5000}])
    assert world.call(api, target=f"{api.path}?kind=special", method="POST", body=b"abc").status == 200
    assert (backend.last.path, backend.last.body) == ("/special", b"abc") and worker.requests == []
    assert world.call(api).body == b"hello"


def breaker(**func_info):
    return {"scope": "basic", "breaker_condition": {
        "breaker_type": "condition", "breaker_mode": "counter", "unhealthy_condition": '["$context.statusCode","==","500"]',
        "unhealthy_threshold": 1, "time_window": 600, "open_breaker_time": 600},
        "downgrade_default": {"type": "function", "func_info": func_info}}


def test_as_downgrade_of_a_breaker(world, backend, worker):
    api = world.make_api()
    plugin = world.make_plugin("breaker", breaker(**info()))
    world.attach(plugin, api)
    backend.script = lambda _: Answer(500)
    assert world.call(api).status == 500
    reply = world.call(api, "POST", body=b"x" * 70_000)
    assert (reply.status, reply.body) == (200, b"hello")
    assert base64.b64decode(event(worker.last)["body"]) == b"x" * 70_000 and len(backend.requests) == 1
    world.api.expect(200, "PUT", f"/plugins/{plugin['plugin_id']}", {
        "plugin_name": plugin["plugin_name"], "plugin_type": "breaker", "plugin_scope": "global",
        "plugin_content": json.dumps(breaker(**info(invocation_type="async")))})
    assert world.call(api).status == 202
    world.detach(plugin, api)
    assert world.call(api).status == 500


def test_a_breaker_counts_functions(world, worker):
    api = served(world)
    content = breaker()
    content["downgrade_default"] = {"type": "mock", "mock_info": {"status_code": 200, "result_content": "instead"}}
    world.attach(world.make_plugin("breaker", content), api)
    worker.script = lambda _: answers("sick", 500)
    assert world.call(api).body == b"sick"
    assert world.call(api).body == b"instead" and len(worker.requests) == 1


def test_downgrades_name_registered_functions(world):
    api = world.make_api()
    plugin = world.make_plugin("breaker", breaker(**info(function_urn=functions.UNKNOWN)))
    result = world.api.post(f"/plugins/{plugin['plugin_id']}/attach", {
        "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_ids": [api.id]})
    assert result.status == 400, result


# Authorizers of backends -------------------------------------------------------------------------

def make_backend_authorizer(sdk, **fields):
    return sdk.create_custom_authorizer_v2(body={
        "name": unique("back"), "type": "BACKEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER,
        "user_data": "for you alone", **fields})


@pytest.fixture
def asked(worker):
    """Answers for the authorizer and for the function behind it."""
    worker.decision = lambda: decides(context={"who": "alice"})
    worker.script = lambda request: worker.decision() if request.path == "/authorizer" else answers("hello")
    return worker


CONTEXT = [{"name": "X-Who", "location": "HEADER", "origin": "SYSTEM", "value": "$context.authorizer.backend.who"}]


def test_backend_authorizer(sdk, world, backend, asked):
    authorizer = make_backend_authorizer(sdk)
    api = world.make_api(backend={"authorizer_id": authorizer.id}, backend_params=CONTEXT)
    reply = world.call(api, "POST", f"{api.path}?q=1", headers=[("X-Secret", "s"), ("X-Who", "mallory")], body=b"x" * 200_000)
    assert reply.status == 200 and event(asked.last) == {"user_data": "for you alone"}
    assert backend.last.all("X-Who") == ["alice"] and backend.last.body == b"x" * 200_000
    asked.decision = lambda: decides("deny")
    assert outcome(world.call(api, "POST", body=b"x"))[:2] == (401, "APIC.0305")
    asked.decision = lambda: Answer(body=b"{}")
    assert outcome(world.call(api))[:2] == (500, "APIC.0601")
    assert len(backend.requests) == 1
    asked.decision = lambda: decides(context={"who": "bob"})
    with world.connect() as wire:
        assert world.call(api, wire=wire).status == 200 and backend.last.one("X-Who") == "bob"
        sdk.update_custom_authorizer_v2(authorizer_id=authorizer.id, body={
            "name": authorizer.name, "type": "BACKEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER, "user_data": "other"})
        assert world.call(api, wire=wire).status == 200 and event(asked.last) == {"user_data": "other"}


def test_backend_authorizers_remember(sdk, world, backend, asked):
    api = world.make_api(backend={"authorizer_id": make_backend_authorizer(sdk, ttl=3600).id})
    for _ in range(3):
        assert world.call(api).status == 200
    assert len(asked.requests) == 1 and len(backend.requests) == 3


def test_backend_authorizers_of_mock_and_function(sdk, world, asked):
    authorizer = make_backend_authorizer(sdk).id
    mock = world.make_api(backend_type="MOCK", backend_api=None, mock_info={"result_content": "mocked", "authorizer_id": authorizer})
    function = served(world, info(authorizer_id=authorizer), backend_params=CONTEXT)
    assert world.call(mock).body == b"mocked" and len(asked.requests) == 1
    assert world.call(function, "POST", body=b"x").body == b"hello"
    assert event(asked.last)["headers"]["x-who"] == "alice" and len(asked.requests) == 3
    asked.decision = lambda: decides("deny")
    for api in (mock, function):
        assert outcome(world.call(api))[:2] == (401, "APIC.0305")
    assert len(asked.requests) == 5


def test_backend_authorizer_of_a_policy(sdk, world, backend, asked):
    api = world.make_api(req_params=KIND, policy_https=[{
        "name": unique("policy"), "effect_mode": "ALL", "conditions": [policy_condition()], "url_domain": backend.address,
        "req_protocol": "HTTP", "req_method": "ANY", "req_uri": "/special", "timeout": 5000, "backend_params": CONTEXT,
        "authorizer_id": make_backend_authorizer(sdk).id}])
    assert world.call(api).status == 200 and asked.requests == []
    assert world.call(api, target=f"{api.path}?kind=special").status == 200
    assert len(asked.requests) == 1 and backend.last.one("X-Who") == "alice"


def test_both_authorizers(sdk, world, backend, asked):
    front = sdk.create_custom_authorizer_v2(body={
        "name": unique("front"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.VERSIONED, "authorizer_version": "v2"})
    api = world.make_api(
        auth_type="AUTHORIZER", authorizer_id=front.id, backend={"authorizer_id": make_backend_authorizer(sdk).id}, backend_params=[
            *CONTEXT, {"name": "X-User", "location": "HEADER", "origin": "SYSTEM", "value": "$context.authorizer.frontend.user"}])
    asked.script = lambda request: decides(context={"who": "backend"} if request.path == "/authorizer" else {"user": "frontend"})
    assert world.call(api).status == 200
    assert (backend.last.one("X-User"), backend.last.one("X-Who")) == ("frontend", "backend")
    assert [request.path for request in asked.requests] == ["/versioned/v2", "/authorizer"]


# Explained ---------------------------------------------------------------------------------------

def test_explanations_call_no_function(sdk, world, asked):
    front = sdk.create_custom_authorizer_v2(body={
        "name": unique("front"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER, "need_body": True})
    api = served(world, info(authorizer_id=make_backend_authorizer(sdk).id), auth_type="AUTHORIZER", authorizer_id=front.id)
    wanted = {"scheme": "HTTP", "host": api.host, "method": "POST", "path": f"{api.path}?token=secret&a=1", "body": "abc",
              "headers": [{"name": "Authorization", "value": "Bearer secret"}, {"name": "X-A", "value": "1"}]}
    told = world.api.expect(200, "POST", "/explain", wanted)
    assert (told["outcome"], told["backend"]["type"]) == ("forwarded", "FUNCTION")
    assert told["backend"]["addresses"] == [f"http://{asked.address}"]
    head, _, text = told["backend"]["request"].partition("\r\n\r\n")
    assert head.startswith("POST /worker HTTP/1.1\r\n") and "secret" not in told["backend"]["request"]
    shown = json.loads(text)
    assert shown["headers"]["x-a"] == "1" and shown["headers"]["authorization"] == "***" and base64.b64decode(shown["body"]) == b"abc"
    assert shown["queryStringParameters"] == {"token": "***", "a": "1"}
    assert [(step["stage"], step["verdict"]) for step in told["steps"] if "authorizer" in step["stage"]] == [
        ("authorizer", "assumed"), ("backend_authorizer", "assumed")]
    for answer, status in (("deny", 401), ("unreachable", 500)):
        told = world.api.expect(200, "POST", "/explain", {**wanted, "authorizer": answer})
        assert (told["outcome"], told["answer"]["status"]) == ("refused", status)
    assert asked.requests == []
    assert world.call(api, "POST", body=b"abc").status == 200 and len(asked.requests) == 3


# Moved and gone ----------------------------------------------------------------------------------

def test_changed_while_traffic_flows(sdk, world, backend, worker):
    api = served(world)
    with world.connect() as wire:
        for func_info, path in [
            (info(), "/worker"), (info(function_urn=functions.VERSIONED, version="v2"), "/versioned/v2"), (info(), "/worker")]:
            sdk.update_api_v2(api_id=api.id, body={**api.definition, "func_info": func_info})
            world.publish(api)
            assert world.call(api, wire=wire).status == 200 and worker.last.path == path
        sdk.update_api_v2(api_id=api.id, body={**api.definition, "func_info": info(function_urn=functions.NOWHERE)})
        world.publish(api)
        assert outcome(world.call(api, wire=wire)) == UNAVAILABLE
        sdk.update_api_v2(api_id=api.id, body=world.definition(api.group_id, api.path))
        world.publish(api)
        assert world.call(api, wire=wire).status == 200 and len(backend.requests) == 1


def test_unreachable_and_back(fresh_gatehouse, make_world, worker):
    own = Backend()
    own.script = lambda _: answers("own")
    port = own.port
    known = {functions.WORKER: f"http://127.0.0.1:{port}/worker"}
    world = make_world(fresh_gatehouse(settings={"functions": known}))
    api = served(world)
    assert world.call(api).body == b"own"
    own.close()
    assert outcome(world.call(api)) == UNAVAILABLE
    back = Backend(port=port)
    back.script = lambda _: answers("back")
    try:
        assert world.call(api).body == b"back"
        back.drop_connections()
        assert world.call(api).body == b"back", "a stale connection is nobody's fault"
    finally:
        back.close()


def test_gone_and_back(fresh_gatehouse, make_world, worker):
    known = {functions.WORKER: f"http://{worker.address}/worker"}
    first = fresh_gatehouse(settings={"functions": known})
    world = make_world(first)
    api, other = served(world), world.make_api()
    assert first.stop() == 0
    second = fresh_gatehouse(data_dir=first.data_dir, settings={})
    world = make_world(second)
    assert outcome(world.call(api)) == (500, "APIC.0606", "Failed to load the API configurations.")
    assert world.call(other).status == 200
    assert "function_urn" in world.api.refused(
        400, "APIG.2011", "POST", "/apis/action", {"action": "online", "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_id": api.id})
    assert second.stop() == 0
    third = fresh_gatehouse(data_dir=first.data_dir, settings={"functions": known})
    assert make_world(third).gatehouse and world_call(make_world(third), api) == b"hello"


def world_call(world, api):
    return world.call(api).body
