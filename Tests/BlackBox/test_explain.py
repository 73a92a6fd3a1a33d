"""What the gateway would do with a request: the management call, the command, and whether it is what really happens."""

from __future__ import annotations

import json
import random
import subprocess

import pytest

from harness import functions
from harness.process import executable
from harness.world import World, hex_id, unique
from test_app_route import routed  # noqa: F401
from test_caller_authentication import authorize, make_app, vendor


def explain(world: World, host: str, path: str, method: str = "GET", **fields) -> dict:
    return world.api.expect(200, "POST", "/explain", {"scheme": "HTTP", "host": host, "method": method, "path": path, **fields})


def verdicts(told: dict) -> list[tuple[str, str]]:
    return [(step["stage"], step["verdict"]) for step in told["steps"]]


def sent(told: dict) -> tuple[str, dict[str, list[str]]]:
    """Request line and fields of the request that would be sent."""
    line, *fields = told["backend"]["request"].strip().split("\r\n")
    found: dict[str, list[str]] = {}
    for field in fields:
        name, _, value = field.partition(": ")
        found.setdefault(name.lower(), []).append(value)
    return line, found


def test_api_without_policies(world):
    group = world.make_group()
    api = world.make_api("/items/{id}", "GET", group=group, backend={"req_uri": "/back"}, req_params=[
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}])
    other = world.make_api("/items/{id}/parts", "GET", group=group, backend={"req_uri": "/back"}, req_params=[
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}])
    post = world.make_api("/items/{name}", "POST", group=group, backend={"req_uri": "/back"}, req_params=[
        {"name": "name", "type": "STRING", "location": "PATH", "required": 1}])
    prefix = world.make_api("/items", "ANY", group=group, match_mode="SWA")
    elsewhere = world.make_api("/items/{id}/more", "GET", group=group, backend={"req_uri": "/back"}, env_id=world.make_environment()["id"], req_params=[
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}])
    told = explain(world, api.host, "/items/7?x=1", headers=[{"name": "X-Own", "value": "v"}])
    assert told["outcome"] == "forwarded" and told["api"]["id"] == api.id and told["api"]["env_name"] == "RELEASE"
    reasons = {entry["api_id"]: entry["reason"] for entry in told["candidates"]}
    assert reasons == {api.id: "chosen", prefix.id: "less_specific", post.id: "other_method", other.id: "other_path",
                       elsewhere.id: "other_environment"}
    assert told["candidates"][0]["api_id"] == api.id and told["candidate_count"] == 5
    assert verdicts(told)[:4] == [("host", "passed"), ("environment", "passed"), ("route", "passed"), ("scheme", "passed")]
    assert told["backend"]["type"] == "HTTP" and told["backend"]["addresses"] == [f"http://{world.backend.address}"]
    line, fields = sent(told)
    assert line == "GET /back?x=1 HTTP/1.1" and fields["x-own"] == ["v"] and fields["x-request-id"] == [told["request_id"]]
    assert "answer" not in told
    assert world.backend.requests == []


def test_apis_of_an_application_at_the_gateways_address(routed):  # noqa: F811
    """Feature app_route: the APIs of the application that X-HW-ID names come first, then those of the group DEFAULT."""
    world = routed
    app, path = make_app(world), f"/{unique('p')}"
    needs = {"auth_type": "APP", "backend": {"req_uri": "/back"}, "req_params": [
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}]}
    get = world.make_api(path + "/{id}", "GET", **needs)
    post = world.make_api(path + "/{id}", "POST", **needs)
    elsewhere = world.make_api(path + "/{id}/more", "GET", env_id=(stage := world.make_environment())["id"], **needs)
    strangers = world.make_api(path + "/{id}/parts", "GET", **needs)
    authorize(world, app, get, post)
    authorize(world, app, elsewhere, env_id=stage["id"])
    default = next(group for group in world.api.expect(200, "GET", "/api-groups?name=DEFAULT&limit=500")["groups"] if group["is_default"] == 1)
    common = world.make_api(path, "ANY", group=default, match_mode="SWA")
    proof = [{"name": "X-HW-ID", "value": app.key}, {"name": "X-HW-AppKey", "value": app.secret}]

    def reasons(told: dict) -> dict[str, str]:
        found = {entry["api_id"]: entry["reason"] for entry in told["candidates"]}
        assert strangers.id not in found and told["candidate_count"] == len(told["candidates"])
        return {api.id: found[api.id] for api in (get, post, elsewhere, common)}

    try:
        told = explain(world, "localhost", path + "/7", headers=proof)
        assert told["outcome"] == "forwarded" and told["candidates"][0]["api_id"] == told["api"]["id"] == get.id
        assert reasons(told) == {
            get.id: "chosen", post.id: "other_method", elsewhere.id: "other_environment", common.id: "after_application"}
        assert verdicts(told)[:3] == [("host", "passed"), ("environment", "passed"), ("route", "passed")]
        assert app.id in told["steps"][0]["detail"] and "DEFAULT" in told["steps"][0]["detail"]
        told = explain(world, "localhost", path + "/7/8", headers=proof)
        assert told["api"]["id"] == common.id
        assert reasons(told) == {
            get.id: "other_path", post.id: "other_path", elsewhere.id: "other_environment", common.id: "chosen"}
        told = explain(world, "localhost", "/" + unique("nowhere"), headers=proof)
        assert (told["outcome"], told["answer"]["error_code"]) == ("refused", "APIC.0101")
        assert reasons(told) == {
            get.id: "other_path", post.id: "other_path", elsewhere.id: "other_environment", common.id: "other_path"}
        # Who names no application is at the group alone.
        told = explain(world, "localhost", path + "/7")
        assert told["api"]["id"] == common.id and not {get.id, post.id} & {entry["api_id"] for entry in told["candidates"]}
    finally:
        world.offline(common)


def test_nothing_is_counted_and_no_backend_is_called(world):
    api = world.make_api()
    world.attach(world.make_plugin("rate_limit", {
        "scope": "basic", "default_interval": 3600, "default_time_unit": "second", "api_limit": 1, "algorithm": "counter"}), api)
    for _ in range(3):
        told = explain(world, api.host, api.path)
        assert told["outcome"] == "forwarded"
        step = next(step for step in told["steps"] if step["stage"] == "rate_limit")
        assert step["verdict"] == "passed" and "1 of 1 left" in step["detail"] and step["object_type"] == "plugin"
    assert world.backend.requests == []
    assert world.call(api).status == 200
    told = explain(world, api.host, api.path)
    assert (told["outcome"], verdicts(told)[-1]) == ("refused", ("rate_limit", "refused"))
    assert (told["answer"]["status"], told["answer"]["error_code"]) == (429, "APIC.0308")
    assert world.call(api).status == 429


def test_policies_are_named_and_secrets_are_masked(world):
    api = world.make_api()
    sign = world.make_sign()
    world.bind_sign(sign, api)
    acl = world.make_acl("127.0.0.0/8", "PERMIT")
    world.bind_acl(acl, api)
    told = explain(world, api.host, api.path + "?apikey=planted-key", headers=[
        {"name": "X-Auth-Token", "value": "planted-token"}, {"name": "Cookie", "value": "planted=1"}])
    by_stage = {step["stage"]: step for step in told["steps"]}
    assert (by_stage["access_list"]["object_type"], by_stage["access_list"]["object_id"]) == ("access_control_policy", acl["id"])
    assert (by_stage["signature"]["object_type"], by_stage["signature"]["object_id"]) == ("signature_key", sign["id"])
    assert "planted" not in json.dumps(told)
    _, fields = sent(told)
    assert fields["authorization"][0].startswith(f"SDK-HMAC-SHA256 Access={sign['sign_key']}, ")
    assert fields["authorization"][0].endswith("Signature=***") and fields["x-auth-token"] == ["***"]
    told = explain(world, api.host, api.path, source_ip="192.0.2.9")
    assert verdicts(told)[-1] == ("access_list", "refused") and told["answer"]["error_code"] == "APIC.0402"
    assert next(step for step in told["steps"] if step["stage"] == "access_list")["object_id"] == acl["id"]


def test_callers_given_and_carried(world):
    app, stranger = make_app(world), make_app(world)
    api = world.make_api(auth_type="APP")
    authorize(world, app, api)
    told = explain(world, api.host, api.path, caller={"app_id": app.id})
    assert told["outcome"] == "forwarded"
    assert app.id in next(step for step in told["steps"] if step["stage"] == "caller")["detail"]
    told = explain(world, api.host, api.path, caller={"app_id": stranger.id})
    assert (told["outcome"], told["answer"]["error_code"]) == ("refused", "APIC.0304")
    told = explain(world, api.host, api.path)
    assert (told["outcome"], told["answer"]["error_code"]) == ("refused", "APIC.0303")
    target, fields = vendor(app, "POST", api.path, api.host, body=b"{}")
    told = explain(world, api.host, target, "POST", body="{}", headers=[{"name": name, "value": value} for name, value in fields])
    assert told["outcome"] == "forwarded" and "authorization" not in sent(told)[1]
    told = explain(world, api.host, target, "POST", body="{ }", headers=[{"name": name, "value": value} for name, value in fields])
    assert told["answer"]["error_code"] == "APIC.0303"
    uses = world.api.expect(200, "GET", f"/apps/{app.id}/secrets")["secrets"][0]
    assert uses["use_count"] == 0
    iam = world.make_api(auth_type="IAM")
    told = explain(world, iam.host, iam.path, caller={"user_name": world.gatehouse.credentials["user_name"]})
    assert told["outcome"] == "forwarded"
    assert explain(world, iam.host, iam.path, caller={"app_id": app.id})["answer"]["error_code"] == "APIC.0301"


@pytest.mark.parametrize("assumed, outcome", [("allow", "forwarded"), ("deny", "refused"), ("unreachable", "refused")])
def test_authentication_services_are_not_asked(world, assumed, outcome):
    api = world.make_api()
    world.attach(world.make_plugin("third_auth", {
        "auth_request": {"method": "GET", "protocol": "HTTP", "url_domain": world.backend.address, "path": "/auth", "timeout": 1000},
        "custom_forbid_limit": 1, "simple_auth_mode_enabled": True}), api)
    for _ in range(3):
        told = explain(world, api.host, api.path, third_auth=assumed)
        assert told["outcome"] == outcome and ("third_auth", "assumed") in verdicts(told)
    assert world.backend.requests == []
    # None of it counted as a failure of the client.
    assert world.call(api).status == 200


@pytest.mark.parametrize("assumed, code", [("allow", None), ("deny", "APIC.0305"), ("unreachable", "APIC.0601")])
def test_custom_authorizers_are_not_asked(world, sdk, function_service, assumed, code):
    authorizer = sdk.create_custom_authorizer_v2(body={
        "name": unique("authorizer"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER})
    api = world.make_api(auth_type="AUTHORIZER", authorizer_id=authorizer.id, backend_params=[
        {"name": "X-User", "origin": "SYSTEM", "location": "HEADER", "value": "$context.authorizer.frontend.user"}])
    told = explain(world, api.host, api.path, authorizer=assumed, authorizer_context=[{"name": "user", "value": "u1"}])
    step = next(step for step in told["steps"] if step["stage"] == "authorizer")
    assert (step["verdict"], step["object_type"], step["object_id"]) == ("assumed", "authorizer", authorizer.id)
    if code is None:
        assert sent(told)[1]["x-user"] == ["u1"]
    else:
        assert (told["outcome"], told["answer"]["error_code"]) == ("refused", code)
    assert function_service.requests == []


def test_backend_policy_and_mapping(world):
    api = world.make_api(
        req_params=[{"name": "to", "type": "STRING", "location": "QUERY", "required": 2, "pass_through": 2}],
        backend={"req_uri": "/usual"},
        policy_https=[{
            "name": "other_way", "url_domain": world.backend.address, "req_protocol": "HTTP", "req_method": "GET", "req_uri": "/other",
            "timeout": 5000, "effect_mode": "ALL",
            "conditions": [{"condition_origin": "param", "req_param_name": "to", "condition_type": "exact", "condition_value": "o"}],
            "backend_params": [{"name": "X-To", "origin": "REQUEST", "location": "HEADER", "value": "to"}]}])
    assert sent(explain(world, api.host, api.path + "?to=x"))[0] == "GET /usual HTTP/1.1"
    line, fields = sent(explain(world, api.host, api.path + "?to=o"))
    assert line == "GET /other HTTP/1.1" and fields["x-to"] == ["o"]
    assert world.backend.requests == []


def test_ends_that_are_no_backend(world):
    mock = world.make_mock('{"a":1}', 203)
    told = explain(world, mock.host, mock.path)
    assert (told["outcome"], told["backend"]["type"], told["answer"]["status"], told["answer"]["body"]) == ("answered", "MOCK", 203, '{"a":1}')
    told = explain(world, f"{hex_id()}.apic.localhost", "/x")
    assert (told["outcome"], told["answer"]["error_code"], told["steps"][0]["stage"]) == ("refused", "APIC.0101", "route")
    told = explain(world, mock.host, mock.path, headers=[{"name": "X-Stage", "value": "NOWHERE"}])
    assert told["answer"]["error_code"] == "APIC.0101" and told["candidates"][0]["reason"] == "other_environment"
    cors = world.make_api(method="GET")
    world.attach(world.make_plugin("cors", {"allow_origin": "*", "allow_methods": "GET"}), cors)
    told = explain(world, cors.host, cors.path, "OPTIONS", headers=[
        {"name": "Origin", "value": "https://a.example"}, {"name": "Access-Control-Request-Method", "value": "GET"}])
    assert told["outcome"] == "answered" and ("preflight", "answered") in verdicts(told)
    assert {"name": "Access-Control-Allow-Origin", "value": "*"} in told["answer"]["headers"]


def test_members_of_a_channel(world):
    address, _, port = world.backend.address.rpartition(":")
    channel = world.api.expect(201, "POST", "/vpc-channels", {
        "name": unique("channel"), "port": int(port), "balance_strategy": 1, "member_type": "ip",
        "members": [{"host": address, "weight": 1}]})
    api = world.make_api(backend={"url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": channel["id"]}})
    told = explain(world, api.host, api.path)
    assert told["backend"]["vpc_channel_id"] == channel["id"] and told["backend"]["addresses"] == [f"http://{world.backend.address}"]
    assert world.backend.requests == []


def test_hosts_of_other_instances_are_unknown(world, fresh_gatehouse, make_world):
    other = make_world(fresh_gatehouse())
    path = other.api.instance_path.rsplit("/", 2)
    made = other.api.request("POST", f"/v2/{other.gatehouse.credentials['project_id']}/apigw/instances", {
        "instance_name": unique("instance").replace("_", "-"), "spec_id": "BASIC", "vpc_id": "v", "subnet_id": "s",
        "security_group_id": "g", "available_zone_ids": ["az1"], "loadbalancer_provider": "elb"})
    assert made.status == 202, made.json()
    assert path
    api = other.make_api()
    told = other.api.expect(
        200, "POST", f"/v2/{other.gatehouse.credentials['project_id']}/apic/instances/{made.json()['instance_id']}/explain",
        {"scheme": "HTTP", "host": api.host, "method": "GET", "path": api.path})
    assert told["outcome"] == "refused" and told["candidates"] == [] and "api" not in told


@pytest.mark.parametrize("change, field", [
    ({"method": "G T"}, "method"), ({"path": "x"}, "path"), ({"path": "/a b"}, "path"), ({"host": "a b"}, "host"),
    ({"headers": [{"name": "Content-Length", "value": "9"}]}, "headers"), ({"headers": [{"name": "X", "value": "a\r\nb"}]}, "headers"),
    ({"source_ip": "nowhere"}, "source_ip"), ({"scheme": "FTP"}, "scheme"),
    ({"caller": {"app_id": "a", "user_name": "b"}}, "caller"), ({"caller": {"user_name": "nobody"}}, "caller"),
    ({"authorizer_context": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "authorizer_context"),
])
def test_hostile_questions_are_refused(world, change, field):
    result = world.api.request("POST", "/explain", {"scheme": "HTTP", "host": "h", "method": "GET", "path": "/", **change})
    assert result.status in (400, 404), result.json()
    if result.status == 400:
        assert field in result.json()["error_msg"], result.json()


def test_an_unknown_application(world):
    world.api.refused(404, "APIG.3004", "POST", "/explain", {"host": "h", "method": "GET", "path": "/", "caller": {"app_id": hex_id()}})


def test_the_command(world):
    api = world.make_api("/items", "GET")
    acl = world.make_acl("192.0.2.0/24", "DENY")
    world.bind_acl(acl, api)

    def run(*arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [str(executable()), "explain", "--data-dir", str(world.gatehouse.data_dir), *arguments], capture_output=True, text=True,
            timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stderr

    told = run("GET", f"http://{api.host}/items?a=1", "-H", "X-Own: 1")
    assert "outcome    forwarded" in told and "GET /items?a=1 HTTP/1.1" in told and "X-Own: 1" in told
    told = run("GET", f"http://{api.host}/items", "--source-ip", "192.0.2.7")
    assert "outcome    refused" in told and acl["id"] in told and "APIC.0402" in told
    assert json.loads(run("GET", f"http://{api.host}/items", "--json"))["outcome"] == "forwarded"
    assert "no http:// or https:// URL" in run("GET", "items", status=1)


def test_what_is_told_is_what_happens(world):
    """Random requests to random APIs: status, code and the request that arrives are as told beforehand."""
    chance = random.Random(20)
    group = world.make_group()
    apis = []
    for number in range(12):
        path = "/" + "/".join(chance.choice(["a", "b", "{p}"]) for _ in range(chance.randint(1, 3)))
        path = "/".join(f"{{p{index}}}" if part == "{p}" else part for index, part in enumerate(path.split("/")))
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        parameters = [{"name": name, "type": "STRING", "location": "PATH", "required": 1} for name in names]
        if chance.random() < 0.5:
            parameters.append({"name": "q", "type": "NUMBER", "location": "QUERY", "required": chance.choice([1, 2]),
                               "valid_enable": 1, "min_num": 1, "max_num": 5})
        body = world.definition(group["id"], path, chance.choice(["GET", "POST", "ANY"]), match_mode=chance.choice(["NORMAL", "SWA"]),
                                backend={"req_uri": f"/backend/{number}"}, req_params=parameters)
        made = world.api.request("POST", "/apis", body)
        if made.status == 409 or made.status == 400:
            continue
        assert made.status == 201, made.json()
        publication = world.api.expect(201, "POST", "/apis/action", {
            "action": "online", "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_id": made.json()["id"]})
        apis.append(type("Made", (), {"id": made.json()["id"], "publish_id": publication["publish_id"]}))
    assert len(apis) > 5
    for api in apis:
        if chance.random() < 0.4:
            world.bind_sign(world.make_sign(), api)
        if chance.random() < 0.4:
            world.bind_acl(world.make_acl("127.0.0.1", chance.choice(["PERMIT", "DENY"])), api)
    host = f"{group['id']}.apic.localhost"
    wire = world.connect()
    outcomes = set()
    for _ in range(300):
        method = chance.choice(["GET", "POST", "PUT"])
        target = "/" + "/".join(chance.choice(["a", "b", "c", "%41", "d%2Fe", ""]) for _ in range(chance.randint(1, 4)))
        if chance.random() < 0.5:
            target += "?q=" + chance.choice(["1", "5", "6", "x", ""])
        told = explain(world, host, target, method)
        outcomes.add(told["outcome"])
        world.backend.clear()
        reply = world.call(type("Api", (), {"host": host, "path": target}), method, target, wire=wire)
        if told["outcome"] != "forwarded":
            assert reply.status == told["answer"]["status"] and reply.json()["error_code"] == told["answer"]["error_code"], target
            assert world.backend.requests == []
            continue
        assert reply.status == 200 and len(world.backend.requests) == 1, (target, told)
        arrived = world.backend.requests[0]
        line, fields = sent(told)
        assert line == f"{arrived.method} {arrived.target} HTTP/1.1"
        assert set(fields) - {"connection"} == {name.lower() for name, _ in arrived.headers}, told
    assert outcomes == {"forwarded", "refused"}
