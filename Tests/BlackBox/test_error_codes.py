"""Codes of the error table that no test of a single family provokes: quotas, rules of whole definitions, the other path."""

import itertools
import json
import select
import socket

import pytest

from harness.management import Call
from harness.world import World, unique

PASSWORD_LOGIN = "/v3/auth/tokens"


# Definitions as a whole ---------------------------------------------------------------------------
def policy(name: str | None = None, conditions: int = 1) -> dict:
    return {
        "name": name or unique("policy"), "effect_mode": "ANY", "result_content": "other",
        "conditions": [{"condition_origin": "source", "condition_value": f"10.0.0.{n}"} for n in range(1, conditions + 1)]}


def mock(world, **fields) -> dict:
    definition = world.definition(world.make_group()["id"], "/" + unique("p"), "GET", **fields)
    definition.pop("backend_api")
    return {**definition, "backend_type": "MOCK", "mock_info": {"result_content": "hello"}, **fields}


def test_a_definition_that_keeps_every_rule_is_taken(world):
    """What the refusals below begin with."""
    world.api.expect(201, "POST", "/apis", mock(
        world, tags=[f"t{n}" for n in range(10)], policy_mocks=[policy(conditions=5) for _ in range(5)]))


@pytest.mark.parametrize("status, code, fields", [
    (400, "APIG.3213", lambda: {"tags": ["one", "one"]}),
    (403, "APIG.3133", lambda: {"tags": [f"t{n}" for n in range(11)]}),
    (400, "APIG.3210", lambda: {"policy_mocks": [policy("same_name"), policy("same_name")]}),
    (403, "APIG.3113", lambda: {"policy_mocks": [policy() for _ in range(6)]}),
    (403, "APIG.3114", lambda: {"policy_mocks": [policy(conditions=6)]}),
])
def test_rules_of_definitions(world, status, code, fields):
    world.api.refused(status, code, "POST", "/apis", mock(world, **fields()))


def test_backend_path_parameters(world):
    body = world.definition(world.make_group()["id"], "/" + unique("p"), "GET")
    body["backend_api"]["req_uri"] = "/back/{id}"
    world.api.refused(400, "APIG.2027", "POST", "/apis", body)


def test_authorizer_parameters_need_an_authorizer(world):
    body = world.definition(world.make_group()["id"], "/" + unique("p"), "GET", backend_params=[
        {"name": "X-User", "origin": "SYSTEM", "location": "HEADER", "value": "$context.authorizer.frontend.user"}])
    world.api.refused(400, "APIG.2036", "POST", "/apis", body)


# The other path -----------------------------------------------------------------------------------
def test_deleting_a_published_api_has_a_code_for_each_path(world):
    api = world.make_mock()
    world.api.refused(409, "APIG.4016", "DELETE", f"/apis/{api.id}")
    other = world.api.instance_path.replace("/apic/", "/apigw/")
    assert world.api.refused(409, "APIG.3416", "DELETE", f"{other}/apis/{api.id}") == (
        "The API cannot be deleted because it has been published")
    world.offline(api)
    world.api.expect(204, "DELETE", f"{other}/apis/{api.id}")


# Quotas -------------------------------------------------------------------------------------------
def test_quotas(fresh_gatehouse, make_world):
    """One of each is there, so that the next is one too many."""
    program = fresh_gatehouse(settings={"quotas": {
        # The group DEFAULT counts.
        "api_groups": 2, "apis": 2, "apis_per_group": 1, "signature_keys": 1, "throttles": 1, "access_policies": 1,
        "applications": 1}})
    world: World = make_world(program)
    call = world.api
    public = f"/v2/{call.credentials['project_id']}/instances/{call.credentials['instance_id']}"
    group = world.make_group()
    call.refused(403, "APIG.3101", "POST", "/api-groups", {"name": unique("group")})
    numbers = itertools.count(1)

    def api(group_id: str) -> dict:
        return world.definition(group_id, f"/p{next(numbers)}", "GET")

    call.expect(201, "POST", "/apis", api(group["id"]))
    call.refused(403, "APIG.3125", "POST", "/apis", api(group["id"]))
    default = next(one for one in call.expect(200, "GET", "/api-groups")["groups"] if one["is_default"] == 1)
    call.expect(201, "POST", "/apis", api(default["id"]))
    call.refused(403, "APIG.3102", "POST", "/apis", api(default["id"]))
    call.expect(201, "POST", "/signs", {"name": unique("sign")})
    call.refused(403, "APIG.3105", "POST", "/signs", {"name": unique("sign")})

    def throttle() -> dict:
        return {"name": unique("throttle"), "time_unit": "SECOND", "time_interval": 1, "api_call_limits": 1}

    call.expect(201, "POST", "/throttles", throttle())
    call.refused(403, "APIG.3107", "POST", "/throttles", throttle())

    def acl() -> dict:
        return {"acl_name": unique("acl"), "acl_type": "DENY", "acl_value": "10.0.0.1", "entity_type": "IP"}

    call.expect(201, "POST", "/acls", acl())
    call.refused(403, "APIG.3112", "POST", "/acls", acl())
    call.expect(201, "POST", f"{public}/apps", {"name": "one"})
    # Public resources have no codes for quotas.
    call.refused(403, "ROMA.00000101", "POST", f"{public}/apps", {"name": "two"})


def test_a_feature_may_be_changed_only_so_often(fresh_gatehouse):
    program = fresh_gatehouse(settings={"feature_interval_seconds": 3600})
    call = Call(program.credentials, program.management)
    body = {"name": "backend_timeout", "enable": True, "config": json.dumps({"max_timeout": 500_000})}
    call.expect(201, "POST", "/features", body)
    call.refused(409, "APIG.3711", "POST", "/features", body)
    # Another feature is another matter.
    call.expect(201, "POST", "/features", {
        "name": "real_ip_from_xff", "enable": True, "config": json.dumps({"enable": "on", "xff_index": -1})})


# The instance as such has a family of codes of its own ------------------------------------------------
def test_codes_of_the_instance(gatehouse, call):
    path = call.instance_path
    for below in ("", "/restriction"):
        call.refused(401, "APIC.7100", "GET", path + below, authenticate=False)
        call.refused(401, "APIC.7102", "GET", path + below, authenticate=False, headers={"X-Auth-Token": "nobody"})
        malformed = path.rsplit("/", 1)[0] + "/a%20b" + below
        assert call.refused(400, "APIC.7211", "GET", malformed, headers={"X-Auth-Token": token(gatehouse, call)},
                            authenticate=False) == (
            "Parameter value does not match the rules, parameter name[instance_id]")
        call.refused(401, "APIC.7103", "GET", path + below, authenticate=False, headers={
            "X-Auth-Token": token(gatehouse, call, scope=False)})


def token(gatehouse, call, scope: bool = True) -> str:
    credentials = gatehouse.credentials
    user = {"name": credentials["user_name"], "password": credentials["password"], "domain": {"name": credentials["domain_name"]}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope:
        auth["scope"] = {"project": {"name": credentials["project_name"]}}
    result = call.post(PASSWORD_LOGIN, {"auth": auth}, authenticate=False)
    assert result.status == 201, result.body
    return result.headers["X-Subject-Token"]


# Memory -------------------------------------------------------------------------------------------
def test_too_many_large_bodies_at_a_time(fresh_gatehouse):
    """256 MB of bodies are read at a time, from whomever; what goes beyond is refused, and there is room again afterwards."""
    program = fresh_gatehouse()
    call = Call(program.credentials, program.management)
    size = 12 * 1024 * 1024
    head = (
        f"POST {call.instance_path}/signs HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token(program, call)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n").encode()
    waiting: list[socket.socket] = []
    try:
        for _ in range(22):
            waiting.append(socket.create_connection(program.management, timeout=60))
            try:
                waiting[-1].sendall(head + b" " * (size - 1))
            except (BrokenPipeError, ConnectionResetError):
                # The answer came before the end of the body.
                pass
        # Which of them comes too late is decided by who is read first.
        answered, _, _ = select.select(waiting, [], [], 60)
        # Two that come to the bound at the same moment are both beyond it; the others have room.
        assert 1 <= len(answered) <= 2
        for connection in answered:
            answer = connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 503") and b"APIG.9992" in answer, answer[:400]
    finally:
        for connection in waiting:
            connection.close()
    assert program.status_of("/livez") == 200
    call.expect(201, "POST", "/signs", {"name": unique("sign")})
