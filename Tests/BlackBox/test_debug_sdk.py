"""Debugging of APIs: the described request really goes through the gateway."""

import json

import pytest

from harness import signatures
from harness.backend import Answer, Request, json_answer
from harness.management import RELEASE
from harness.world import hex_id, unique


def described(where, **fields):
    return {"mode": "DEVELOPER", "method": "GET", "scheme": "HTTP", "path": where, **fields}


def parts(text):
    """Status line, headers and body of a message."""
    head, _, body = text.partition("\r\n\r\n")
    lines = head.split("\r\n")
    return lines[0], [tuple(line.split(": ", 1)) for line in lines[1:]], body


def test_a_draft_answers(sdk, world):
    api = world.make_api(method="POST", publish=False)
    world.backend.script = lambda request: Answer(201, [("X-Back", "here")], b"made")
    answer = sdk.debug_api_v2(api_id=api.id, body=described(
        api.path, method="POST", query={"b": ["2", "x y"], "a": ["1&"]}, header={"x-MY-hEaDer": ["one", "two"]}, body="text \u7f51"))
    line, headers, body = parts(answer.request)
    assert line == f"POST {api.path}?a=1%26&b=2&b=x%20y HTTP/1.1" and body == "text \u7f51"
    assert ("Host", api.host) in headers and ("User-Agent", "APIGatewayDebugClient/1.0") in headers
    assert ("X-Apig-Mode", "debug") in headers and ("Content-Length", "8") in headers
    assert [value for name, value in headers if name == "X-My-Header"] == ["one", "two"]
    seen = world.backend.last
    assert (seen.method, seen.target, seen.body) == ("POST", f"{api.path}?a=1%26&b=2&b=x%20y", "text \u7f51".encode())
    assert seen.all("X-My-Header") == ["one", "two"]
    line, headers, body = parts(answer.response)
    assert line.startswith("HTTP/1.1 201") and ("X-Back", "here") in headers and body == "made"
    assert answer.latency >= 0 and api.definition["name"] in answer.log and "draft" in answer.log and "lead to the API" in answer.log
    # Nothing was published by it.
    assert world.call(api, "POST").status == 404
    assert sdk.list_api_versions_v2(api_id=api.id).total == 0


def test_what_is_in_force_answers(sdk, call, world):
    api = world.make_api(method="GET")
    environment = world.make_environment()
    world.publish(api, environment["id"])
    changed = {**api.definition, "backend_api": {**api.definition["backend_api"], "req_uri": "/changed"}}
    call.expect(200, "PUT", f"/apis/{api.id}", changed)
    sdk.debug_api_v2(api_id=api.id, body=described(api.path, mode="CONSUMER"))
    assert world.backend.last.path == api.path
    sdk.debug_api_v2(api_id=api.id, body=described(api.path, mode="MARKET", stage=environment["name"]))
    assert world.backend.last.path == api.path
    sdk.debug_api_v2(api_id=api.id, body=described(api.path))
    assert world.backend.last.path == "/changed"
    # Policies in force decide as they do for everybody, and not about drafts.
    world.bind_acl(world.make_acl("127.0.0.1"), api)
    before = len(world.backend.requests)
    answer = sdk.debug_api_v2(api_id=api.id, body=described(api.path, mode="CONSUMER", stage=environment["name"]))
    assert parts(answer.response)[0].startswith("HTTP/1.1 403") and len(world.backend.requests) == before
    answer = sdk.debug_api_v2(api_id=api.id, body=described(api.path, mode="CONSUMER"))
    assert parts(answer.response)[0].startswith("HTTP/1.1 200")
    assert parts(sdk.debug_api_v2(api_id=api.id, body=described(api.path)).response)[0].startswith("HTTP/1.1 200")


@pytest.mark.parametrize("mode", ["DEVELOPER", "CONSUMER"])
def test_only_the_api_in_question_answers(sdk, world, mode):
    group = world.make_group()
    api, other = world.make_api(group=group), world.make_api(group=group)
    answer = sdk.debug_api_v2(api_id=api.id, body=described(other.path, mode=mode))
    assert parts(answer.response)[0].startswith("HTTP/1.1 404") and "do not lead to the API" in answer.log
    assert world.backend.requests == []


def test_schemes(sdk, world):
    api = world.make_api(publish=False, req_protocol="HTTPS")
    refused = sdk.debug_api_v2(api_id=api.id, body=described(api.path))
    assert parts(refused.response)[0].startswith("HTTP/1.1 4") and world.backend.requests == []
    taken = sdk.debug_api_v2(api_id=api.id, body=described(api.path, scheme="HTTPS", domain=api.host.upper()))
    assert parts(taken.response)[0].startswith("HTTP/1.1 200") and "HTTPS" in taken.log


def test_domains_of_the_group(sdk, call, world):
    api = world.make_api(publish=False)
    domain = f"{unique('d').replace('_', '-')}.example.com"
    call.expect(201, "POST", f"/api-groups/{api.group_id}/domains", {"url_domain": domain})
    answer = sdk.debug_api_v2(api_id=api.id, body=described(api.path, domain=domain))
    assert ("Host", domain) in parts(answer.request)[1] and parts(answer.response)[0].startswith("HTTP/1.1 200")


def test_mock_and_methods(sdk, world):
    mock = world.make_mock("canned", 202, publish=False)
    assert parts(sdk.debug_api_v2(api_id=mock.id, body=described(mock.path)).response)[2] == "canned"
    api = world.make_api(publish=False)
    for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"):
        answer = sdk.debug_api_v2(api_id=api.id, body=described(api.path, method=method))
        assert parts(answer.response)[0].startswith("HTTP/1.1 200") and world.backend.last.method == method


def test_large_messages(sdk, world):
    api = world.make_api(publish=False)
    world.backend.script = lambda request: Answer(200, [], b"x" * (3 * 1024 * 1024))
    answer = sdk.debug_api_v2(api_id=api.id, body=described(api.path, method="POST", body="y" * 2_097_152))
    assert len(world.backend.last.body) == 2_097_152
    body = parts(answer.response)[2]
    assert body.endswith("[TRUNCATED]") and len(body) == 2_097_152 + len("[TRUNCATED]") and "and more" in answer.log
    world.backend.script = lambda request: Answer(200, [], b"x" * 2_097_152)
    assert len(parts(sdk.debug_api_v2(api_id=api.id, body=described(api.path)).response)[2]) == 2_097_152
    # The limit counts bytes.
    message = sdk.refused(400, "APIG.2011", "debug_api_v2", described(api.path, method="POST", body="\u7f51" * 700_000), api_id=api.id)
    assert "parameterName:body" in message


def test_chunked_answers_are_unframed(sdk, world):
    api = world.make_api(publish=False)
    world.backend.script = lambda request: Answer(raw=(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"))
    assert parts(sdk.debug_api_v2(api_id=api.id, body=described(api.path)).response)[2] == "hello world"


def test_a_dead_backend_is_the_answer(sdk, world):
    api = world.make_api(publish=False, backend={"url_domain": "127.0.0.1:1", "retry_count": "0"})
    answer = sdk.debug_api_v2(api_id=api.id, body=described(api.path))
    assert parts(answer.response)[0].startswith("HTTP/1.1 502") and "lead to the API" in answer.log


def test_credentials_of_an_application_sign(sdk, world):
    api = world.make_api(publish=False)
    answer = sdk.debug_api_v2(api_id=api.id, body=described(
        api.path, method="POST", query={"q": ["a b", "\u7f51"]}, body="{}", app_key="the-key", app_secret="the secret"))
    line, headers, body = parts(answer.request)
    method, target, _ = line.split(" ")
    request = Request(b"", method, target, headers, body.encode(), 0)
    assert signatures.verify_hmac(request, {"the-key": "the secret"}) == "the-key"
    assert "the secret" not in answer.request + answer.log


def test_drafts_that_cannot_be_debugged(sdk, call, world):
    group = world.make_group()
    variable = world.make_api(group=group, publish=False, backend={"url_domain": "#host#"})
    message = sdk.refused(400, "APIG.2030", "debug_api_v2", described(variable.path), api_id=variable.id)
    assert message.startswith("Bad request for debugging the API.") and "variables" in message
    from harness.documents import document, imported
    path = f"/{unique('p')}"
    made = imported(call, document({path: {"get": {"responses": {}}}}), simple_mode="true")["success"][0]
    assert "backend" in sdk.refused(400, "APIG.2030", "debug_api_v2", described(path), api_id=made["id"])


def test_unknown_objects(sdk, world):
    api = world.make_api(publish=False)
    assert sdk.refused(404, "APIG.3002", "debug_api_v2", described("/"), api_id=hex_id())
    assert sdk.refused(404, "APIG.3003", "debug_api_v2", described("/", mode="CONSUMER", stage="nowhere"), api_id=api.id)
    assert sdk.refused(404, "APIG.3015", "debug_api_v2", described("/", mode="CONSUMER"), api_id=api.id)
    assert sdk.refused(404, "APIG.3030", "debug_api_v2", described("/"), api_id=api.id, instance_id=hex_id())


@pytest.mark.parametrize("fields, code, parameter", [
    ({"mode": "TESTER"}, "APIG.2011", "mode"), ({"mode": None}, "APIG.2001", "mode"), ({"method": "TRACE"}, "APIG.2011", "method"),
    ({"method": None}, "APIG.2001", "method"), ({"scheme": "FTP"}, "APIG.2011", "scheme"), ({"path": "x"}, "APIG.2011", "path"),
    ({"path": "/a b"}, "APIG.2011", "path"), ({"path": "/%zz"}, "APIG.2011", "path"), ({"path": "/?a"}, "APIG.2011", "path"),
    ({"path": "/" + "a" * 1024}, "APIG.2011", "path"), ({"path": "/\r\nX: y"}, "APIG.2011", "path"),
    ({"header": {"1a": ["x"]}}, "APIG.2011", "header"), ({"header": {"a" * 33: ["x"]}}, "APIG.2011", "header"),
    ({"header": {"a_b": ["x"]}}, "APIG.2011", "header"), ({"header": {"X-Apig-Mode": ["x"]}}, "APIG.2011", "header"),
    ({"header": {"x-sdk-date": ["x"]}}, "APIG.2011", "header"), ({"header": {"X-Stage": ["x"]}}, "APIG.2011", "header"),
    ({"header": {"a": ["x\r\ny: z"]}}, "APIG.2011", "header"), ({"header": {"Content-Length": ["1"]}}, "APIG.2011", "header"),
    ({"header": {"transfer-encoding": ["chunked"]}}, "APIG.2011", "header"), ({"header": {"host": ["x"]}}, "APIG.2011", "header"),
    ({"header": {"a": ["x"], "A": ["y"]}}, "APIG.2011", "header"), ({"header": {"a": ["x" * 20_000]}}, "APIG.2011", "header"),
    ({"mode": "CONSUMER", "header": {"Authorization": ["x"]}}, "APIG.2011", "header"),
    ({"mode": "MARKET", "header": {"X-Auth-Token": ["x"]}}, "APIG.2011", "header"),
    ({"query": {"-a": ["x"]}}, "APIG.2011", "query"), ({"query": {"x-stage": ["x"]}}, "APIG.2011", "query"),
    ({"query": {"a": ["\u7f51" * 3000]}}, "APIG.2011", "query"), ({"domain": "other.example.com"}, "APIG.2011", "domain"),
    ({"app_key": "k"}, "APIG.2001", "app_secret"), ({"app_secret": "s"}, "APIG.2001", "app_key"),
    ({"app_key": "k,\r\n", "app_secret": "s"}, "APIG.2011", "app_key")])
def test_refused_fields(call, world, fields, code, parameter):
    api = world.make_api(publish=False)
    body = {name: value for name, value in described(api.path, **fields).items() if value is not None}
    answer = call.post(f"/apis/debug/{api.id}", body)
    assert (answer.status, answer.code) == (400, code) and f"parameterName:{parameter}" in answer.message, answer.body
    assert world.backend.requests == []


def test_credentials_may_be_debugged_in_drafts(sdk, world):
    api = world.make_api(publish=False)
    world.backend.script = lambda request: json_answer(request.all("Authorization"))
    answer = sdk.debug_api_v2(api_id=api.id, body=described(api.path, header={"Authorization": ["mine"]}))
    assert parts(answer.response)[0].startswith("HTTP/1.1 200") and json.loads(parts(answer.response)[2]) == ["mine"]


def test_the_twin_sdk(apig, world):
    api = world.make_api()
    answer = apig.debug_api_v2(api_id=api.id, body=described(api.path, mode="CONSUMER", stage="RELEASE"))
    assert parts(answer.response)[0].startswith("HTTP/1.1 200")
    assert RELEASE and world.backend.last.path == api.path


def test_an_application_may_call_a_draft(sdk, call, world):
    api = world.make_api(publish=False, auth_type="APP")
    app = call.expect(201, "POST", f"{call.public_path}/apps", {"name": unique("app")})
    app["secret"] = call.expect(200, "GET", f"{call.public_path}/apps/{app['id']}/secret")["secret"]
    for secret, status in ((app["secret"], 200), ("not-the-secret", 401)):
        answer = sdk.debug_api_v2(api_id=api.id, body=described(
            api.path, method="POST", body="{}", app_key=app["key"], app_secret=secret))
        assert parts(answer.response)[0].startswith(f"HTTP/1.1 {status}"), answer.response
    assert parts(sdk.debug_api_v2(api_id=api.id, body=described(api.path)).response)[0].startswith("HTTP/1.1 401")
    # In force, the application is one like others: not authorised.
    world.publish(api)
    answer = sdk.debug_api_v2(api_id=api.id, body=described(
        api.path, mode="CONSUMER", app_key=app["key"], app_secret=app["secret"]))
    assert parts(answer.response)[0].startswith("HTTP/1.1 401") or parts(answer.response)[0].startswith("HTTP/1.1 403")
