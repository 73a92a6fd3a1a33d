"""Custom authorizers in front of APIs: managed, asked on traffic, changed while traffic flows."""

from __future__ import annotations

import base64
import json
import threading

import pytest

from harness import functions
from harness.backend import Answer, json_answer
from harness.functions import HOSTILE, decides, event, returns
from harness.world import unique
from test_caller_authentication import authorize, call_signed, make_app
from test_caller_authentication import token as iam_token

TOKEN = [{"name": "X-Token", "location": "HEADER"}]
DENIED = (401, "APIC.0305", "Incorrect authentication information.")
FAILED = (500, "APIC.0601", "Internal server error.")


def make(sdk, **fields):
    return sdk.create_custom_authorizer_v2(body={
        "name": unique("authorizer"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER, **fields})


def change(sdk, authorizer, **fields):
    return sdk.update_custom_authorizer_v2(authorizer_id=authorizer.id, body={
        "name": authorizer.name, "type": authorizer.type, "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER, **fields})


def guarded(world, authorizer, **fields):
    return world.make_api(**{"auth_type": "AUTHORIZER", "authorizer_id": authorizer.id, **fields})


def outcome(reply):
    answer = reply.json()
    assert answer["request_id"] == reply.one("X-Request-Id")
    return reply.status, answer["error_code"], answer["error_msg"]


@pytest.fixture
def asked(function_service):
    """The functions' server, which says allow to everybody until a test says otherwise."""
    function_service.script = lambda _: decides()
    return function_service


# What is asked, what is decided ------------------------------------------------------------------

def test_asked_and_let_in(sdk, world, backend, asked):
    api = guarded(world, make(sdk, identities=[*TOKEN, {"name": "q", "location": "QUERY"}], user_data="for the function"))
    reply = world.call(api, "POST", f"{api.path}?q=1%202&other=3", headers=[("X-Token", "t"), ("X-Other", "o")], body=b"body")
    assert reply.status == 200 and len(asked.requests) == 1
    assert asked.last.path == "/authorizer"
    assert event(asked.last) == {
        "headers": {"x-token": "t"}, "queryStringParameters": {"q": "1 2"}, "user_data": "for the function",
        "requestContext": {"apiId": api.id, "stage": "RELEASE", "requestId": reply.one("X-Request-Id")},
        "path": api.path, "httpMethod": "POST"}
    assert backend.last.body == b"body" and backend.last.one("X-Token") == "t"


def test_everything_without_identities(sdk, world, asked):
    api = guarded(world, make(sdk))
    assert world.call(api, target=f"{api.path}?a=1&a=2&b=%C3%A4", headers=[("X-A", "1"), ("x-a", "2")]).status == 200
    found = event(asked.last)
    assert found["headers"] == {"host": api.host, "x-a": "1, 2"} and found["queryStringParameters"] == {"a": "1", "b": "ä"}
    assert "body" not in found


def test_denied(sdk, world, backend, asked):
    api = guarded(world, make(sdk))
    asked.script = lambda _: decides("deny")
    assert outcome(world.call(api, "POST", body=b"x" * 1000)) == DENIED
    assert backend.requests == []
    with world.connect() as wire:
        for status, answer in (("deny", 401), ("allow", 200), ("deny", 401)):
            asked.script = lambda _, status=status: decides(status)
            assert world.call(api, "POST", body=b"x", wire=wire).status == answer


def test_identities(sdk, world, backend, asked):
    api = guarded(world, make(sdk, identities=[
        {"name": "X-Token", "location": "HEADER", "validation": "^[a-z]+$"}, {"name": "q", "location": "QUERY"}]))
    for target, headers in [
        ("?q=1", []), ("?q=1", [("X-Token", "ABC")]), ("", [("X-Token", "abc")]), ("?Q=1", [("X-Token", "abc")]),
        ("?q=1&q=2", [("X-Token", "abc")]), ("?q=1", [("X-Token", "abc"), ("x-token", "abc")]), ("?q=1", [("X-Token", "a" * 9000 + "!")])]:
        assert outcome(world.call(api, target=api.path + target, headers=headers)) == DENIED
    assert asked.requests == [] and backend.requests == [], "nobody is asked without them"
    assert world.call(api, target=f"{api.path}?q=", headers=[("x-TOKEN", "abc")]).status == 200


# Failures of the function ------------------------------------------------------------------------

@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_answers(sdk, world, backend, asked, kind):
    api = guarded(world, make(sdk, identities=TOKEN, ttl=60))
    asked.script = lambda _: HOSTILE[kind]
    headers = [("X-Token", "t")]
    assert outcome(world.call(api, headers=headers)) == FAILED
    assert backend.requests == []
    asked.script = lambda _: decides()
    assert world.call(api, headers=headers).status == 200, "a failure is not remembered"


@pytest.mark.parametrize("value", [
    {"statusCode": 500, "body": '{"status":"allow"}'}, {"statusCode": 201, "body": '{"status":"allow"}'}, {"status": "allow"},
    {"statusCode": 200, "body": '{"status":"yes"}'}, {"statusCode": 200, "body": '{"context":{}}'},
    {"statusCode": 200, "body": '{"status":"allow","context":{"1a":"x"}}'},
    {"statusCode": 200, "body": '{"status":"allow","context":{"a":{"b":"c"}}}'},
    {"statusCode": 200, "body": '{"status":"allow","context":{"a":1}}'},
    {"statusCode": 200, "body": '{"status":"allow","context":{"' + "a" * 33 + '":"x"}}'}], ids=json.dumps)
def test_answers_that_do_not_decide(sdk, world, backend, asked, value):
    api = guarded(world, make(sdk))
    asked.script = lambda _: returns(value)
    assert outcome(world.call(api)) == FAILED
    assert backend.requests == []


def test_servers_that_fail(sdk, world, backend, asked):
    api = guarded(world, make(sdk))
    for answer in (
        Answer(status=500, body=decides().body), Answer(status=404), Answer(reset=True), Answer(raw=b"nonsense\r\n\r\n", close=True),
        Answer(body=decides().body, close_after=60), Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", close=True)):
        asked.script = lambda _, answer=answer: answer
        assert outcome(world.call(api)) == FAILED
    nobody = guarded(world, make(sdk, authorizer_uri=functions.NOWHERE))
    assert outcome(world.call(nobody, "POST", body=b"x")) == FAILED
    assert backend.requests == []
    asked.script = lambda _: decides()
    assert world.call(api).status == 200


def test_an_answer_has_one_megabyte(sdk, world, asked):
    api = guarded(world, make(sdk))
    room = 1024 * 1024 - len(decides(context={"a": ""}).body)
    asked.script = lambda _: decides(context={"a": "x" * room})
    assert world.call(api).status == 200
    for more in (1, 5_000_000):
        asked.script = lambda _, more=more: decides(context={"a": "x" * (room + more)})
        assert outcome(world.call(api)) == FAILED


def test_a_slow_function(fresh_gatehouse, make_world, asked):
    world = make_world(fresh_gatehouse(settings={"functions": functions.settings(asked.address)}))
    world.feature("backend_timeout", {"max_timeout": 300})
    made = world.api.expect(201, "POST", "/authorizers", {
        "name": unique("slow"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER})
    api = world.make_api(auth_type="AUTHORIZER", authorizer_id=made["id"], backend={"timeout": 300})
    never = threading.Event()
    asked.script = lambda _: decides(wait_for=never)
    try:
        assert outcome(world.call(api)) == FAILED
    finally:
        never.set()
    asked.script = lambda _: decides()
    assert world.call(api).status == 200


# What is remembered ------------------------------------------------------------------------------

def test_decisions_are_remembered(sdk, world, asked):
    authorizer = make(sdk, identities=[*TOKEN, {"name": "q", "location": "QUERY"}], ttl=3600)
    api, other = guarded(world, authorizer), guarded(world, authorizer)
    asked.script = lambda request: decides("deny" if event(request)["headers"]["x-token"] == "bad" else "allow")

    def ask(token, query="1", to=api, status=200):
        reply = world.call(to, target=f"{to.path}?q={query}", headers=[("X-Token", token)])
        assert reply.status == status
        return len(asked.requests)

    assert [ask("a"), ask("a"), ask("a")] == [1, 1, 1]
    assert ask("b") == 2 and ask("a", "2") == 3 and ask("a") == 3
    assert [ask("bad", status=401), ask("bad", status=401)] == [4, 4], "refusals as well"
    assert ask("a", to=other) == 5, "another API asks for itself"
    world.attach(world.make_plugin("set_resp_headers", {"response_headers": [
        {"name": "X-Test", "value": "1", "action": "override"}]}), api)
    assert ask("a") == 5, "a change that does not concern the authorizer forgets nothing"
    without = guarded(world, make(sdk, identities=TOKEN))
    for count in (6, 7):
        assert world.call(without, headers=[("X-Token", "a")]).status == 200 and len(asked.requests) == count


@pytest.mark.parametrize("fields", [{"user_data": "other"}, {"ttl": 1800}, {"ttl": 0}, {"name": "renamed"}], ids=str)
def test_a_change_forgets_decisions(sdk, world, asked, fields):
    authorizer = make(sdk, identities=TOKEN, ttl=3600)
    api = guarded(world, authorizer)
    headers = [("X-Token", "a")]
    with world.connect() as wire:
        assert world.call(api, headers=headers, wire=wire).status == 200
        asked.script = lambda _: decides("deny")
        assert world.call(api, headers=headers, wire=wire).status == 200, "remembered"
        fields = {**fields, "name": unique("renamed")} if "name" in fields else fields
        change(sdk, authorizer, **{"identities": TOKEN, "ttl": 3600, **fields})
        assert world.call(api, headers=headers, wire=wire).status == 401


def test_bodies_belong_to_the_key(sdk, world, asked):
    api = guarded(world, make(sdk, identities=TOKEN, ttl=3600, need_body=True))
    for body, count in [(b"1", 1), (b"1", 1), (b"2", 2), (b"", 3), (b"1", 3)]:
        assert world.call(api, "POST", headers=[("X-Token", "a")], body=body).status == 200
        assert len(asked.requests) == count


# Bodies ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 2, 3, 70_000, 2_000_000, 3 * 1024 * 1024])
def test_bodies_are_shown_and_passed_on(sdk, world, backend, asked, size):
    api = guarded(world, make(sdk, need_body=True))
    body = bytes(index % 251 for index in range(size))
    assert world.call(api, "POST", body=body).status == 200
    assert base64.b64decode(event(asked.last)["body"], validate=True) == body
    assert backend.last.body == body


def test_chunked_body_and_continue(sdk, world, backend, asked):
    api = guarded(world, make(sdk, need_body=True))
    body = b"abc" * 50_000
    with world.connect() as wire:
        wire.send(f"POST {api.path} HTTP/1.1\r\nHost: {api.host}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n".encode())
        assert wire.reply().status == 100
        for start in range(0, len(body), 40_000):
            piece = body[start : start + 40_000]
            wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        assert asked.requests == [], "asked when the body is complete"
        wire.send(b"0\r\n\r\n")
        assert wire.reply().status == 200
        assert base64.b64decode(event(asked.last)["body"]) == body and backend.last.body == body
        assert world.call(api, wire=wire).status == 200


def test_bodies_that_do_not_fit_into_an_event(sdk, world, backend, asked):
    api = guarded(world, make(sdk, need_body=True))
    size = 3 * 1024 * 1024 + 1
    with world.connect() as wire:
        wire.send(f"POST {api.path} HTTP/1.1\r\nHost: {api.host}\r\nContent-Length: {size}\r\n\r\n".encode())
        assert outcome(wire.reply()) == (413, "APIC.0201", "Request entity too large.")
    with world.connect() as wire:
        wire.send(f"POST {api.path} HTTP/1.1\r\nHost: {api.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        try:
            wire.send(b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size))
        except OSError:
            pass
        assert outcome(wire.reply()) == (413, "APIC.0201", "Request entity too large.")
    assert asked.requests == [] and backend.requests == []
    assert world.call(guarded(world, make(sdk)), "POST", body=b"x" * size).status == 200, "nobody wants to see this one"


# Second factor -----------------------------------------------------------------------------------

def test_second_factor_of_app(sdk, world, backend, asked):
    api = guarded(world, make(sdk, identities=TOKEN), auth_type="APP")
    app = make_app(world)
    authorize(world, app, api)
    token = {"X-Token": "t"}
    assert outcome(world.call(api, headers=[("X-Token", "t")]))[1] == "APIC.0303"
    assert asked.requests == [], "the application comes first"
    assert outcome(call_signed(world, api, app)) == DENIED
    assert call_signed(world, api, app, "POST", headers=token, body=b"x" * 100_000).status == 200
    assert len(asked.requests) == 1 and backend.last.body == b"x" * 100_000
    asked.script = lambda _: decides("deny")
    assert outcome(call_signed(world, api, app, headers=token)) == DENIED
    stranger = make_app(world)
    assert outcome(call_signed(world, api, stranger, headers=token))[1] == "APIC.0304"
    assert len(asked.requests) == 2


def test_second_factor_sees_signed_bodies(sdk, world, backend, asked):
    api = guarded(world, make(sdk, identities=TOKEN, need_body=True), auth_type="APP")
    app = make_app(world)
    authorize(world, app, api)
    for body in (b"", b"x", b"y" * 300_000):
        assert call_signed(world, api, app, "POST", headers={"X-Token": "t"}, body=body).status == 200
        assert base64.b64decode(event(asked.last)["body"]) == body and backend.last.body == body


def test_second_factor_of_iam(sdk, world, backend, asked):
    api = guarded(world, make(sdk, identities=[{"name": "X-Auth-Token", "location": "HEADER"}, *TOKEN], need_body=True), auth_type="IAM")
    token = iam_token(world)
    assert outcome(world.call(api, headers=[("X-Token", "t")]))[1] == "APIC.0301"
    assert outcome(world.call(api, headers=[("X-Auth-Token", "nonsense"), ("X-Token", "t")]))[1] == "APIC.0301"
    assert outcome(world.call(api, headers=[("X-Auth-Token", token)])) == DENIED
    assert asked.requests == []
    assert world.call(api, "POST", headers=[("X-Auth-Token", token), ("X-Token", "t")], body=b"abc").status == 200
    assert event(asked.last)["headers"] == {"x-auth-token": token, "x-token": "t"}
    assert backend.last.body == b"abc" and not backend.last.has("X-Auth-Token")
    asked.script = lambda _: decides("deny")
    assert outcome(world.call(api, headers=[("X-Auth-Token", token), ("X-Token", "t")])) == DENIED


def test_nobody_is_asked_without_authentication(sdk, world):
    group = world.make_group()
    wanted = world.definition(group["id"], "/x", authorizer_id=make(sdk).id)
    assert "authorizer_id" in sdk.refused(400, "APIG.2011", "create_api_v2", wanted)


# Order -------------------------------------------------------------------------------------------

def test_asked_last(sdk, world, backend, asked):
    """Whoever refuses for less comes before: addresses, limits, third-party authentication with the body that it wants."""
    api = guarded(world, make(sdk, need_body=True))
    body = b"0123456789" * 20_000
    binding = world.bind_acl(world.make_acl("127.0.0.1", "DENY"), api)[0]
    assert outcome(world.call(api))[1] == "APIC.0402"
    world.unbind_acl(binding)
    third = world.make_plugin("third_auth", {
        "auth_request": {"method": "POST", "protocol": "HTTP", "url_domain": asked.address, "path": "/third", "timeout": 2000},
        "identities": {"headers": [], "queries": []}, "simple_auth_mode_enabled": True, "custom_forbid_limit": 100,
        "carry_body": {"enabled": True, "max_body_size": 100}, "rule_enabled": False})
    world.attach(third, api)
    asked.script = lambda request: Answer(401) if request.path == "/third" else decides()
    assert outcome(world.call(api, "POST", body=body))[1] == "APIC.0312"
    assert [request.path for request in asked.requests] == ["/third"] and asked.last.body == body[:100]
    asked.script = lambda request: Answer() if request.path == "/third" else decides()
    assert world.call(api, "POST", body=body).status == 200
    assert [request.path for request in asked.requests] == ["/third", "/third", "/authorizer"]
    assert base64.b64decode(event(asked.last)["body"]) == body and backend.last.body == body
    world.attach(world.make_plugin("rate_limit", {
        "scope": "basic", "default_interval": 60, "default_time_unit": "minute", "api_limit": 1, "algorithm": "counter"}), api)
    assert world.call(api).status == 200 and len(asked.requests) == 5
    assert outcome(world.call(api))[1] == "APIC.0308" and len(asked.requests) == 5


# Contexts ----------------------------------------------------------------------------------------

@pytest.fixture
def shape(call):
    """Sets how a group answers a type of failure."""
    base = call.instance_path.replace("/apic/", "/apigw/")

    def put(api, kind, **entry):
        call.expect(200, "PUT", f"{base}/api-groups/{api.group_id}/gateway-responses/{api.group_id}/{kind}", entry)

    return put


def test_refusals_may_tell_what_the_function_said(sdk, world, asked, shape):
    api = guarded(world, make(sdk, identities=TOKEN))
    shape(api, "AUTHORIZER_FAILURE", status=418, headers=[{"key": "X-Why", "value": "$context.authorizer.frontend.why-not"}], body=json.dumps({
        "why": "$context.authorizer.frontend.why-not", "none": "$context.authorizer.frontend.nothing",
        "other": "$context.authorizer.backend.why-not", "type": "$context.error.type", "code": "$context.error.code"}))
    asked.script = lambda _: decides("deny", {"why-not": 'too "late"\r\nX-Evil: 1'})
    reply = world.call(api, headers=[("X-Token", "t")])
    assert (reply.status, reply.one("X-Why"), reply.all("X-Evil")) == (418, 'too "late"  X-Evil: 1', [])
    assert reply.json() == {
        "why": 'too "late"\r\nX-Evil: 1', "none": "", "other": "", "type": "AUTHORIZER_FAILURE", "code": "APIC.0305"}


def test_each_failure_has_its_type(sdk, world, asked, shape):
    api = guarded(world, make(sdk, identities=TOKEN))
    for kind, status in (("AUTHORIZER_FAILURE", 461), ("AUTHORIZER_IDENTITIES_FAILURE", 462), ("AUTHORIZER_CONF_FAILURE", 463)):
        shape(api, kind, status=status, body='{"type":"$context.error.type"}')
    headers = [("X-Token", "t")]
    asked.script = lambda _: decides("deny")
    assert world.call(api, headers=headers).status == 461
    assert world.call(api).status == 462
    asked.script = lambda _: json_answer({})
    reply = world.call(api, headers=headers)
    assert (reply.status, reply.json()) == (463, {"type": "AUTHORIZER_CONF_FAILURE"})


def test_numbers_and_booleans(sdk, world, asked, shape):
    """Off unless the feature is on; the next request sees that it was switched."""
    api = guarded(world, make(sdk, identities=TOKEN, ttl=3600))
    shape(api, "AUTHORIZER_FAILURE", status=401, body='["$context.authorizer.frontend.n","$context.authorizer.frontend.b"]')
    asked.script = lambda _: decides("deny", {"n": 1.5, "b": True})
    headers = [("X-Token", "t")]
    try:
        assert outcome(world.call(api, headers=headers)) == FAILED
        world.feature("authorizer_context_support_num_bool", "on")
        assert world.call(api, headers=headers).json() == ["1.5", "true"]
        world.feature("authorizer_context_support_num_bool", "off")
        assert outcome(world.call(api, headers=headers)) == FAILED
    finally:
        world.feature("authorizer_context_support_num_bool", "off", enable=False)


# Changed while traffic flows ---------------------------------------------------------------------

def test_changed_while_traffic_flows(sdk, world, asked):
    authorizer = make(sdk)
    api = guarded(world, authorizer)
    with world.connect() as wire:
        for text in ("one", "two"):
            change(sdk, authorizer, user_data=text)
            assert world.call(api, wire=wire).status == 200 and event(asked.last)["user_data"] == text
        change(sdk, authorizer, identities=TOKEN)
        assert world.call(api, wire=wire).status == 401
        change(sdk, authorizer, identities=[])
        assert world.call(api, wire=wire).status == 200
        change(sdk, authorizer, authorizer_uri=functions.NOWHERE)
        assert outcome(world.call(api, wire=wire)) == FAILED
        change(sdk, authorizer, authorizer_uri=functions.VERSIONED, authorizer_version="v2")
        assert world.call(api, wire=wire).status == 200 and asked.last.path == "/versioned/v2"
        change(sdk, authorizer, authorizer_uri=functions.VERSIONED, authorizer_alias_uri=functions.ALIAS)
        assert world.call(api, wire=wire).status == 200 and asked.last.path == "/versioned/live"


def test_switched_on_and_off_while_traffic_flows(sdk, world, asked):
    authorizer = make(sdk)
    api = world.make_api()
    with world.connect() as wire:
        for auth_type, named, calls in (("NONE", None, 0), ("AUTHORIZER", authorizer.id, 1), ("NONE", None, 0)):
            asked.clear()
            asked.script = lambda _: decides()
            sdk.update_api_v2(api_id=api.id, body={**api.definition, "auth_type": auth_type, "authorizer_id": named})
            world.publish(api)
            assert world.call(api, wire=wire).status == 200
            assert len(asked.requests) == calls


def test_preflights_are_answered_before(sdk, world, asked):
    api = guarded(world, make(sdk), method="OPTIONS", cors=True)
    assert world.call(api, "OPTIONS").status == 200
    assert asked.requests == []


def test_pipelined_and_abandoned_requests(sdk, world, asked):
    api = guarded(world, make(sdk))
    with world.connect() as wire:
        request = f"GET {api.path} HTTP/1.1\r\nHost: {api.host}\r\n\r\n".encode()
        wire.send(request * 5)
        assert [wire.reply().status for _ in range(5)] == [200] * 5
    held = threading.Event()
    asked.script = lambda _: decides(wait_for=held)
    wire = world.connect()
    wire.send(request)
    asked.wait_for(6)
    wire.close()
    held.set()
    asked.script = lambda _: decides()
    for _ in range(3):
        assert world.call(api).status == 200, "the abandoned one is in nobody's way"


# A function that is gone -------------------------------------------------------------------------

def test_functions_that_are_gone(fresh_gatehouse, make_world, asked):
    """Their APIs refuse, nobody else notices, and they come back with the function."""
    known = {functions.AUTHORIZER: f"http://{asked.address}/authorizer", functions.WORKER: f"http://{asked.address}/worker"}
    first = fresh_gatehouse(settings={"functions": known})
    world = make_world(first)
    body = {"name": unique("gone"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER}
    made = world.api.expect(201, "POST", "/authorizers", body)
    group = world.make_group()
    api = world.make_api(group=group, auth_type="AUTHORIZER", authorizer_id=made["id"])
    other = world.make_api(group=group)
    assert world.call(api).status == 200
    assert first.stop() == 0
    second = fresh_gatehouse(data_dir=first.data_dir, settings={"functions": {functions.WORKER: known[functions.WORKER]}})
    world = make_world(second)
    assert outcome(world.call(api)) == (500, "APIC.0606", "Failed to load the API configurations.")
    assert world.call(other).status == 200
    world.api.expect(200, "PUT", f"/api-groups/{group['id']}", {"name": unique("renamed")})
    assert outcome(world.call(api))[1] == "APIC.0606" and world.call(other).status == 200
    refusal = world.api.post("/apis/action", {"action": "online", "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_id": api.id})
    assert refusal.status == 400 and "authorizer_id" in refusal.message
    world.api.expect(200, "PUT", f"/authorizers/{made['id']}", {**body, "authorizer_uri": functions.WORKER})
    assert world.call(api).status == 200 and asked.last.path == "/worker"
