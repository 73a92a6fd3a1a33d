"""Responses of groups: managed, in force on the gateway's own answers, changed while requests come."""

import json
import threading

import pytest

from harness.backend import Answer, Backend
from harness.process import free_port
from harness.world import hex_id, unique


@pytest.fixture
def path(call):
    base = call.instance_path.replace("/apic/", "/apigw/")
    return lambda group_id, *parts: "/".join([f"{base}/api-groups/{group_id}/gateway-responses", *parts])


BODY = json.dumps({
    "who": "$context.apiName", "why": "$context.error.code", "kind": "$context.error.type", "text": "$context.error.message",
    "id": "$context.requestId", "path": "$context.reqPath", "from": "$context.sourceIp", "none": "$context.unknown"})


def test_default_and_named_responses(call, world, path):
    group = world.make_group()["id"]
    listed = call.expect(200, "GET", path(group))
    assert (listed["total"], listed["responses"][0]["default"], listed["responses"][0]["name"]) == (1, True, "default")
    default = listed["responses"][0]["id"]
    entries = listed["responses"][0]["responses"]
    assert entries["THROTTLED"]["status"] == 429 and entries["ACCESS_DENIED"]["default"] is True
    assert "status" not in entries["DEFAULT_4XX"]
    name = unique("response")
    made = call.expect(201, "POST", path(group), {"name": name, "responses": {"NOT_FOUND": {"status": 410, "body": "{}"}}})
    assert (made["name"], made["default"], made["responses"]["NOT_FOUND"]) == (
        name, False, {"status": 410, "body": "{}", "default": False})
    assert made["responses"]["THROTTLED"]["default"] is True
    assert call.expect(200, "GET", path(group, made["id"]))["responses"]["NOT_FOUND"]["status"] == 410
    changed = call.expect(200, "PUT", path(group, made["id"]), {
        "name": name + "2", "responses": {"THROTTLED": {"status": 420, "body": "[]"}}})
    assert (changed["name"], changed["responses"]["NOT_FOUND"]["status"], changed["responses"]["THROTTLED"]["status"]) == (
        name + "2", 410, 420)
    entry = call.expect(200, "PUT", path(group, made["id"], "AUTH_FAILURE"), {
        "status": 402, "body": "{}", "headers": [{"key": "X-A", "value": "b"}]})["AUTH_FAILURE"]
    assert entry == {"status": 402, "body": "{}", "headers": [{"key": "X-A", "value": "b"}], "default": False}
    call.expect(204, "DELETE", path(group, made["id"], "AUTH_FAILURE"))
    assert call.expect(200, "GET", path(group, made["id"], "AUTH_FAILURE"))["AUTH_FAILURE"]["default"] is True
    call.refused(409, "APIG.3491", "DELETE", path(group, default))
    call.refused(409, "APIG.3492", "PUT", path(group, default), {"name": "other"})
    call.refused(400, "APIG.3216", "POST", path(group), {"name": name + "2"})
    call.refused(400, "APIG.3216", "POST", path(group), {"name": "default"})
    for _ in range(3):
        call.expect(201, "POST", path(group), {"name": unique("response")})
    call.refused(403, "APIG.3136", "POST", path(group), {"name": unique("response")})
    call.expect(204, "DELETE", path(group, made["id"]))
    assert call.get(path(group, made["id"])).status == 404 and call.get(path(hex_id())).code == "APIG.3001"
    call.refused(400, "APIG.2012", "GET", path(group, default, "NO_SUCH_TYPE"))


@pytest.mark.parametrize("field, entry", [
    ("status", {"status": 199, "body": "{}"}), ("status", {"status": 600, "body": "{}"}),
    ("status", {"status": 444, "body": "{}"}), ("body", {"status": 400, "body": "no JSON"}),
    ("body", {"status": 204, "body": "{}"}), ("body", {"status": 400, "body": '"' + "x" * 20480 + '"'}),
    ("headers", {"body": "{}", "headers": [{"key": f"X-{n}", "value": "a"} for n in range(11)]}),
    ("key", {"body": "{}", "headers": [{"key": "Content-Length", "value": "1"}]}),
    ("key", {"body": "{}", "headers": [{"key": "a b", "value": "1"}]}),
    ("value", {"body": "{}", "headers": [{"key": "X-A", "value": "[[1]]"}]})])
def test_refused_entries(call, world, path, field, entry):
    group = world.make_group()["id"]
    message = call.refused(400, "APIG.2011", "POST", path(group), {"name": "one", "responses": {"NOT_FOUND": entry}})
    assert message == f"Invalid parameter value,parameterName:{field}. Please refer to the support documentation"


def test_in_force_at_once_and_gone_at_once(call, world, path):
    api = world.make_mock(path="/shaped")
    world.bind_acl(world.make_acl("127.0.0.1", "DENY"), api)
    with world.connect() as wire:
        plain = world.call(api, wire=wire)
        assert (plain.status, plain.json()["error_code"]) == (403, "APIC.0402")
        call.expect(200, "PUT", path(api.group_id, api.group_id, "ACCESS_DENIED"), {
            "status": 418, "body": BODY, "headers": [
                {"key": "X-Why", "value": "$context.error.code/$context.reqMethod"},
                {"key": "Content-Type", "value": "application/problem+json"}]})
        reply = world.call(api, wire=wire)
        assert reply.status == 418 and reply.one("X-Why") == "APIC.0402/GET"
        assert reply.one("Content-Type") == "application/problem+json"
        assert reply.json() == {
            "who": api.definition["name"], "why": "APIC.0402", "kind": "ACCESS_DENIED", "id": reply.one("X-Request-Id"),
            "text": "The IP address is not authorized to access the API.", "path": "/shaped", "from": "127.0.0.1", "none": ""}
        call.expect(204, "DELETE", path(api.group_id, api.group_id, "ACCESS_DENIED"))
        again = world.call(api, wire=wire)
        assert (again.status, again.headers[3:]) == (plain.status, plain.headers[3:])


def test_requests_that_find_no_api(call, world, path):
    api = world.make_mock(path="/shaped")
    call.expect(200, "PUT", path(api.group_id, api.group_id, "NOT_FOUND"), {"status": 410, "body": BODY})
    reply = world.call(api, target='/a%22%0Ab')
    assert (reply.status, reply.json()["path"], reply.json()["who"]) == (410, '/a"\nb', "")
    assert world.call(api, host="nobody.example.com").status == 404, "nobody's group"
    assert world.call(world.make_mock(path="/other"), target="/nothing").status == 404, "another group"


def test_a_response_of_an_api(call, world, path):
    group = world.make_group()
    made = call.expect(201, "POST", path(group["id"]), {
        "name": "mine", "responses": {"DEFAULT_4XX": {"body": '{"mine":"$context.error.code"}'}}})
    chosen = world.make_mock(path="/one", group=group, response_id=made["id"], req_protocol="HTTPS")
    other = world.make_mock(path="/two", group=group, req_protocol="HTTPS")
    assert call.get(f"/apis/{chosen.id}").json()["response_id"] == made["id"]
    assert call.get(f"/apis/{other.id}").json()["response_id"] != made["id"]
    reply = world.call(chosen)
    assert (reply.status, reply.json()) == (400, {"mine": "APIC.0607"})
    assert world.call(other).json()["error_code"] == "APIC.0607"
    call.expect(204, "DELETE", path(group["id"], made["id"]))
    assert world.call(chosen).json()["error_code"] == "APIC.0607"
    assert call.get(f"/apis/{chosen.id}").json()["response_id"] != made["id"]
    foreign = call.expect(201, "POST", path(world.make_group()["id"]), {"name": "theirs"})
    definition = world.definition(group["id"], "/three", response_id=foreign["id"])
    call.refused(400, "APIG.2011", "POST", "/apis", definition)


def test_lost_updates(call, world, path):
    group = world.make_group()["id"]
    first = call.post(path(group), {"name": "one"})
    mine = path(group, first.json()["id"])
    changed = call.put(mine, {"name": "two"}, headers={"If-Match": first.headers["ETag"]})
    assert changed.status == 200
    call.refused(412, "APIG.3400", "PUT", mine, {"name": "three"}, headers={"If-Match": first.headers["ETag"]})
    call.refused(412, "APIG.3400", "DELETE", mine, headers={"If-Match": first.headers["ETag"]})
    assert call.delete(mine, headers={"If-Match": changed.headers["ETag"]}).status == 204


# One failure of each type that requests can come to -------------------------------------------------

@pytest.fixture
def second_backend():
    backend = Backend()
    backend.late = threading.Event()
    yield backend
    backend.late.set()
    backend.close()


def attach_third_party(world, api, second, **fields):
    world.attach(world.make_plugin("third_auth", {
        "auth_request": {
            "method": "GET", "protocol": "HTTP", "url_domain": second.address, "path": "/check", "timeout": 2000},
        "identities": {"headers": [{"name": "X-Token"}], "queries": []}, "simple_auth_mode_enabled": True,
        "custom_forbid_limit": 100, "rule_enabled": False, **fields}), api)


def denied(world, second):
    api = world.make_mock()
    world.bind_acl(world.make_acl("127.0.0.1", "DENY"), api)
    return api, {}


def throttled(world, second):
    api = world.make_mock()
    policy = world.api.expect(201, "POST", "/throttles", {
        "name": unique("throttle"), "time_unit": "HOUR", "time_interval": 1, "api_call_limits": 1})
    world.api.expect(201, "POST", "/throttle-bindings", {"strategy_id": policy["id"], "publish_ids": [api.publish_id]})
    assert world.call(api).status == 200
    return api, {}


def wrong_parameter(world, second):
    return world.make_mock(req_params=[{"name": "n", "type": "NUMBER", "location": "QUERY", "required": 1}]), {}


def other_scheme(world, second):
    return world.make_mock(req_protocol="HTTPS"), {}


def nobody_listens(world, second):
    return world.make_api(backend={"url_domain": f"127.0.0.1:{free_port()}"}), {}


def too_late(world, second):
    second.script = lambda _: Answer(wait_for=second.late)
    return world.make_api(backend={"url_domain": second.address, "timeout": 100, "retry_count": "0"}), {}


def no_such_name(world, second):
    return world.make_api(backend={"url_domain": "nowhere.invalid"}), {}


def unfit_token(world, second):
    second.script = lambda _: Answer(401)
    api = world.make_mock()
    attach_third_party(world, api, second)
    return api, {"headers": [("X-Token", "wrong")]}


def no_token(world, second):
    api = world.make_mock()
    attach_third_party(world, api, second)
    return api, {}


def broken_third_party(world, second):
    second.script = lambda _: Answer(reset=True)
    api = world.make_mock()
    attach_third_party(world, api, second, auth_downgrade_enabled=False)
    return api, {"headers": [("X-Token", "any")]}


def nothing_there(world, second):
    return world.make_mock(path="/there"), {"target": "/nothing"}


@pytest.mark.parametrize("kind, status, code, provoke", [
    ("NOT_FOUND", 404, "APIC.0101", nothing_there), ("ACCESS_DENIED", 403, "APIC.0402", denied),
    ("THROTTLED", 429, "APIC.0308", throttled), ("REQUEST_PARAMETERS_FAILURE", 400, "APIC.0201", wrong_parameter),
    ("DEFAULT_4XX", 400, "APIC.0607", other_scheme), ("DEFAULT_5XX", 500, "APIC.0605", no_such_name),
    ("BACKEND_UNAVAILABLE", 502, "APIC.0202", nobody_listens), ("BACKEND_TIMEOUT", 504, "APIC.0203", too_late),
    ("THIRD_AUTH_FAILURE", 401, "APIC.0312", unfit_token), ("THIRD_AUTH_IDENTITIES_FAILURE", 401, "APIC.0313", no_token),
    ("THIRD_AUTH_CONF_FAILURE", 500, "APIC.0616", broken_third_party)])
def test_every_type(world, call, path, second_backend, kind, status, code, provoke):
    api, options = provoke(world, second_backend)
    before = world.call(api, **options)
    assert (before.status, before.json()["error_code"]) == (status, code)
    call.expect(200, "PUT", path(api.group_id, api.group_id, kind), {
        "body": '{"type":"$context.error.type","code":"$context.error.code","at":"$context.reqMethod $context.reqUri"}',
        "headers": [{"key": "X-Kind", "value": "$context.error.type"}]})
    after = world.call(api, **options)
    assert after.json() == {"type": kind, "code": code, "at": f"GET {options.get('target', api.path)}"}
    assert after.one("X-Kind") == kind
    # What the type shows where nothing is said about the status is what the management API shows for it.
    shown = call.expect(200, "GET", path(api.group_id, api.group_id, kind))[kind].get("status", status)
    assert after.status == shown
    # An entry of its own goes before the one for its class, which covers all the others.
    call.expect(204, "DELETE", path(api.group_id, api.group_id, kind))
    whole = "DEFAULT_4XX" if status < 500 else "DEFAULT_5XX"
    call.expect(200, "PUT", path(api.group_id, api.group_id, whole), {"body": '["class"]'})
    assert world.call(api, **options).json() == ["class"]


def test_answers_of_backends_are_never_shaped(world, call, path, backend):
    api = world.make_api()
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX", "NOT_FOUND"):
        call.expect(200, "PUT", path(api.group_id, api.group_id, kind), {"status": 418, "body": "{}"})
    for status in (404, 500, 503):
        backend.script = lambda _, status=status: Answer(status, body=b"mine")
        reply = world.call(api)
        assert (reply.status, reply.body) == (status, b"mine")


def test_a_restart_changes_nothing(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_mock(path="/there")
    where = world.api.instance_path.replace("/apic/", "/apigw/") + (
        f"/api-groups/{api.group_id}/gateway-responses/{api.group_id}/NOT_FOUND")
    world.api.expect(200, "PUT", where, {"status": 410, "body": "{}"})
    assert program.stop() == 0
    world = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert world.call(api, target="/nothing").status == 410
    world.api.expect(204, "DELETE", where)
    assert world.call(api, target="/nothing").status == 404
