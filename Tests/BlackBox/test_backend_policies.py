"""Backend policies: which backend a request goes to, and what it gets there."""

import threading

import pytest

from harness.backend import Answer
from harness.process import free_port
from harness.world import unique
from test_parameter_mapping import param, to


def policy(world, name, *conditions, mode="ALL", **fields):
    return {
        "name": name, "effect_mode": mode, "conditions": list(conditions), "req_protocol": "HTTP", "req_method": "ANY",
        "req_uri": f"/{name}", "url_domain": world.backend.address, "timeout": 5000, **fields}


def mock(name, *conditions, mode="ALL", status=203, **fields):
    return {"name": name, "effect_mode": mode, "conditions": list(conditions), "result_content": name, "status_code": status, **fields}


def condition(origin, value, kind=None, **fields):
    return {"condition_origin": origin, "condition_value": value, **({"condition_type": kind} if kind else {}), **fields}


def by(name, value, kind="exact", **fields):
    return condition("param", value, kind, req_param_name=name, **fields)


def reached(world, api, target, headers=(), **more):
    """The path that arrived, or the body of a mock."""
    before = len(world.backend.requests)
    reply = world.call(api, target=target, headers=list(headers), **more)
    if len(world.backend.requests) > before:
        assert reply.status == 200
        return world.backend.last.path
    return reply.body.decode()


@pytest.mark.parametrize("wanted, matching, other", [
    (by("q", "1"), [("?q=1", []), ("?q=%31&q=2", [])], [("?q=2&q=1", []), ("", []), ("?q=", [])]),
    (by("q", "1, 2,c d", "enum"), [("?q=2", []), ("?q=c+d", [])], [("?q=3", []), ("?q=1,2", [])]),
    (by("q", "^[0-9]+$", "pattern"), [("?q=42", [])], [("?q=4x", []), ("", [])]),
    (by("q", "b", "pattern"), [("?q=abc", [])], [("?q=ac", [])]),
    (by("X-H", "1"), [("", [("x-h", "1")])], [("", [("X-H", "11")]), ("?X-H=1", [])]),
    (by("spare", "standard"), [("", []), ("?spare=standard", [])], [("?spare=x", [])]),
    (by("twice", "1", req_param_location="HEADER"), [("?twice=2", [("twice", "1")])], [("?twice=1", [])]),
    (condition("source", "10.0.0.0/8,127.0.0.1"), [("", [])], []),
    (condition("source", "10.0.0.0/8,::1"), [], [("", [])]),
    (condition("system", "GET,PUT", "enum", sys_param_name="req_method"), [("", [])], []),
    (condition("system", "PUT", "exact", sys_param_name="reqMethod"), [], [("", [])]),
    (condition("system", "^/p_", "pattern", sys_param_name="req_path"), [("", [])], []),
    (condition("system", "/", "exact", sys_param_name="reqPath"), [], [("", [])]),
])
def test_conditions(sdk, world, wanted, matching, other):
    params = [param("q"), param("X-H", "HEADER"), param("spare", default_value="standard"), param("twice"), param("twice", "HEADER")]
    api = world.make_api(backend={"req_uri": "/standard"}, req_params=params, policy_https=[policy(world, "chosen", wanted)])
    shown = world.api.expect(200, "GET", f"/apis/{api.id}")["policy_https"][0]["conditions"][0]
    assert {key: shown[key] for key in wanted} == wanted
    for target, headers in matching:
        assert reached(world, api, api.path + target, headers) == "/chosen", (target, headers)
    for target, headers in other:
        assert reached(world, api, api.path + target, headers) == "/standard", (target, headers)


def test_cookies_are_a_feature(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse())
    group = world.make_group()
    wanted = policy(world, "chosen", condition("cookie", "blue,green", "enum", cookie_param_name="color"))
    definition = world.definition(group["id"], "/cookies", backend={"req_uri": "/standard"}, policy_https=[wanted])
    assert "condition_origin" in world.api.refused(400, "APIG.2011", "POST", "/apis", definition)
    world.feature("policy_cookie_param")
    api = world.make_api("/cookies", group=group, backend={"req_uri": "/standard"}, policy_https=[wanted])
    assert reached(world, api, "/cookies", [("Cookie", "a=b; color=green"), ("Cookie", "color=red")]) == "/chosen"
    assert reached(world, api, "/cookies", [("Cookie", "Color=green; xcolor=green; color")]) == "/standard"
    # Switched off, it concerns definitions that come; what is in force stays.
    world.feature("policy_cookie_param", "off")
    assert reached(world, api, "/cookies", [("Cookie", "color=blue")]) == "/chosen"
    world.api.refused(400, "APIG.2011", "PUT", f"/apis/{api.id}", api.definition)


@pytest.mark.parametrize("wanted, code, parameter", [
    (condition("system", "x", "exact", sys_param_name="req_method"), None, None),
    (condition("system", "x", "pattern", sys_param_name="req_method"), "APIG.2011", "condition_type"),
    (condition("system", "x", "exact", sys_param_name="host"), "APIG.2011", "sys_param_name"),
    (condition("system", "x", "exact"), "APIG.2001", "sys_param_name"),
    (condition("frontend_authorizer", "x", "exact", frontend_authorizer_param_name="$context.authorizer.frontend.a"), "APIG.2036", None),
    (condition("orchestration", "x", "exact", mapped_param_name="none", mapped_param_location="query"), "APIG.2011", "mapped_param_name"),
    (condition("orchestration", "x", "exact", mapped_param_name="none", mapped_param_location="path"), "APIG.2011", "mapped_param_location"),
    (by("q", "x", req_param_location="HEADER"), "APIG.2011", "req_param_location"),
    (by("q", "(", "pattern"), "APIG.2011", "condition_value"), (condition("param", "x", "exact"), "APIG.2001", "req_param_name"),
    (condition("elsewhere", "x", "exact"), "APIG.2011", "condition_origin")])
def test_refused_conditions(world, wanted, code, parameter):
    definition = world.definition(
        world.make_group()["id"], f"/{unique('p')}", req_params=[param("q")], policy_https=[policy(world, "chosen", wanted)])
    if code is None:
        world.api.expect(201, "POST", "/apis", definition)
        return
    message = world.api.refused(400, code, "POST", "/apis", definition)
    assert parameter is None or parameter in message, message


def test_order_and_modes(world):
    api = world.make_api(backend={"req_uri": "/standard"}, req_params=[param("q"), param("r")], policy_https=[
        policy(world, "both", by("q", "1"), by("r", "2")), policy(world, "either", by("q", "1"), by("r", "2"), mode="ANY"),
    ], policy_mocks=[mock("mocked", by("q", "m", "pattern")), mock("later", by("q", "m2"))])
    assert reached(world, api, api.path + "?q=1&r=2") == "/both"
    assert reached(world, api, api.path + "?q=1") == "/either" and reached(world, api, api.path + "?r=2") == "/either"
    assert reached(world, api, api.path + "?q=m&r=2") == "/either", "those over HTTP come first"
    assert reached(world, api, api.path + "?q=m2") == "mocked"
    assert reached(world, api, api.path + "?q=x") == "/standard"


def test_a_mock_with_a_policy_over_http(world):
    api = world.make_mock("standard", req_params=[param("q")], policy_https=[policy(world, "chosen", by("q", "1"))],
                          policy_mocks=[mock("other", by("q", "2"), status=404)])
    assert reached(world, api, api.path + "?q=1") == "/chosen"
    assert reached(world, api, api.path + "?q=2") == "other"
    assert reached(world, api, api.path) == "standard"


def test_own_backend_parameters(world, second_backend):
    second_backend.script = lambda request: Answer(body=request.target.encode())
    api = world.make_api(
        backend={"req_uri": "/standard/{z}"}, req_params=[param("q", default_value="none"), param("r")],
        backend_params=[to("z", "PATH", "q"), to("X-Default", "HEADER", "yes", "CONSTANT")],
        policy_https=[policy(
            world, "own", by("q", "1"), url_domain=second_backend.address, req_uri="/own/{w}", req_method="POST",
            backend_params=[to("w", "PATH", "r"), to("X-Own", "HEADER", "$context.apiId", "SYSTEM")])])
    reply = world.call(api, target=api.path + "?q=1&r=x%20y&u=2")
    assert reply.body == b"/own/x%20y?q=1&u=2"
    assert second_backend.last.method == "POST" and second_backend.last.all("X-Own") == [api.id] and not second_backend.last.has("X-Default")
    world.call(api, target=api.path + "?r=2")
    assert world.backend.last.target == "/standard/none?r=2" and world.backend.last.all("X-Default") == ["yes"]


def test_a_policy_over_a_channel(world, second_backend):
    second_backend.script = lambda request: Answer(body=b"member:" + request.path.encode())
    host, _, port = second_backend.address.rpartition(":")
    channel = world.api.expect(201, "POST", "/vpc-channels", {
        "name": unique("channel"), "port": int(port), "balance_strategy": 1, "member_type": "ip", "type": 2,
        "members": [{"host": host, "weight": 1}]})
    api = world.make_api(req_params=[param("q")], policy_https=[
        {**policy(world, "chosen", by("q", "1")), "url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {
            "vpc_channel_id": channel["id"], "vpc_channel_proxy_host": "inner.example"}}])
    assert world.call(api, target=api.path + "?q=1").body == b"member:/chosen"
    assert second_backend.last.all("Host") == ["inner.example"]
    world.api.expect(204, "POST", f"/vpc-channels/{channel['id']}/members/batch-disable", {
        "member_ids": [world.api.expect(200, "GET", f"/vpc-channels/{channel['id']}/members")["members"][0]["id"]]})
    assert world.call(api, target=api.path + "?q=1").json()["error_code"] == "APIC.0610"
    assert world.call(api, target=api.path + "?q=2").status == 200


def test_values_of_the_member_that_is_asked(world, second_backend):
    """Each attempt is mapped for its own member: the first one's port is closed."""
    host, _, port = second_backend.address.rpartition(":")
    channel = world.api.expect(201, "POST", "/vpc-channels", {
        "name": unique("channel"), "port": int(port), "balance_strategy": 1, "member_type": "ip", "type": 2,
        "member_groups": [{"member_group_name": "blue"}, {"member_group_name": "green"}],
        "members": [{"host": host, "port": free_port(), "weight": 1, "member_group_name": "blue"},
                    {"host": host, "port": int(port), "weight": 1, "member_group_name": "green"}]})
    groups = {group["member_group_name"]: group["member_group_id"] for group in world.api.expect(
        200, "GET", f"/vpc-channels/{channel['id']}/member-groups")["member_groups"]}
    api = world.make_api(
        backend={"url_domain": None, "req_uri": "/{g}", "vpc_channel_status": 1, "retry_count": "1", "vpc_channel_info": {
            "vpc_channel_id": channel["id"]}},
        backend_params=[to("g", "PATH", "$context.member_group_name", "SYSTEM"), to("X-Group", "HEADER", "$context.member_group_id", "SYSTEM")])
    for _ in range(4):
        assert world.call(api).status == 200
        assert second_backend.last.path == "/green" and second_backend.last.all("X-Group") == [groups["green"]]


def test_functions_are_refused_plainly_or_served(world):
    definition = world.definition(world.make_group()["id"], f"/{unique('p')}", policy_functions=[{
        "name": "function", "effect_mode": "ALL", "conditions": [condition("source", "127.0.0.1")], "function_urn": "urn:none",
        "invocation_type": "sync", "timeout": 5000}])
    world.api.refused(404, "APIG.3019", "POST", "/apis", definition)


def test_changed_while_traffic_flows(sdk, world):
    api = world.make_api(backend={"req_uri": "/standard"}, req_params=[param("q")], policy_https=[policy(world, "one", by("q", "1"))])
    failures, stop = [], threading.Event()

    def traffic():
        wire = world.connect()
        while not stop.is_set():
            if world.call(api, target=api.path + "?q=1", wire=wire).status != 200:
                failures.append(1)
    threads = [threading.Thread(target=traffic) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        wire = world.connect()
        for policies, expected in (([policy(world, "two", by("q", "1"))], "/two"), ([], "/standard"),
                                   ([policy(world, "three", condition("source", "127.0.0.0/8"))], "/three")):
            sdk.update_api_v2(api_id=api.id, body={**api.definition, "policy_https": policies})
            world.publish(api)
            mark = unique("m")
            assert world.call(api, target=f"{api.path}?q=1&mark={mark}", wire=wire).status == 200
            assert next(r for r in reversed(world.backend.requests) if mark in r.query).path == expected
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
