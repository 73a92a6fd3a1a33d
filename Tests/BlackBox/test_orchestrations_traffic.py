"""Orchestration rules on traffic: what they make of a parameter, what is answered when they cannot, changed while requests come."""

import binascii
import json

import pytest

from harness.world import unique
from test_backend_policies import policy, reached
from test_parameter_mapping import param, to

CRC = binascii.crc32


@pytest.fixture
def rule(apig):
    def make(strategy, entries=(), pre=False, name="out", kind="string", location="query"):
        mapped = {"mapped_param_name": name, "mapped_param_type": kind, "mapped_param_location": location}
        return apig.create_orchestration(body={
            "orchestration_name": unique("rule"), "orchestration_strategy": strategy, "is_preprocessing": pre,
            "orchestration_mapped_param": None if pre else mapped, "orchestration_map": list(entries) or None}).orchestration_id
    return make


def listed(value, *words):
    return {"map_param_list": list(words), "mapped_param_value": value}


def ranged(value, start, end):
    return {"map_param_range": {"range_start": str(start), "range_end": str(end)}, "mapped_param_value": value}


def fixed(value):
    return {"mapped_param_value": value}


def make_api(world, *rules, location="QUERY", name="level", **fields):
    more = {key: fields.pop(key) for key in ("pass_through", "default_value") if key in fields}
    return world.make_api(
        backend={"req_uri": "/standard"}, req_params=[param(name, location, orchestrations=list(rules), **{"pass_through": 2, **more})], **fields)


def failed(reply):
    assert reply.status == 400 and reply.json()["error_code"] == "APIC.0106" and reply.json()["error_msg"] == "Orchestration error."


@pytest.mark.parametrize("strategy, entries, kind, answers", [
    ("list", [listed("one", "a", "b"), listed("two", "c")], "string", {"a": "one", "b": "one", "c": "two", "A": None, "": None}),
    ("hash", [], "number", {"a": str(CRC(b"a")), "%C3%A4": str(CRC("\u00e4".encode())), "": "0"}),
    ("range", [ranged("low", 0, 9), ranged("high", 5, 99)], "string", {"0": "low", "9": "low", "10": "high", "100": None, "-1": None, "x": None}),
    ("range", [ranged("7", 0, 2 ** 63 - 1)], "number", {str(2 ** 63 - 1): "7", str(2 ** 63): None}),
    ("hash_range", [ranged("low", 0, CRC(b"a")), ranged("high", CRC(b"a") + 1, 2 ** 32)], "string", {
        "a": "low", "zz": "low" if CRC(b"zz") <= CRC(b"a") else "high"}),
    ("head_n", [{"intercept_length": 2}], "string", {"abc": "ab", "a": "a", "%C3%A4%C3%B6x": "%C3%A4%C3%B6"}),
    ("tail_n", [{"intercept_length": 2}], "string", {"abc": "bc", "x%26y": "%26y"}),
    ("tail_n", [{"intercept_length": 2}], "number", {"ab12": "12", "abc": None})])
def test_strategies(world, rule, strategy, entries, kind, answers):
    api = make_api(world, rule(strategy, entries, kind=kind))
    for value, expected in answers.items():
        before = len(world.backend.requests)
        reply = world.call(api, target=f"{api.path}?level={value}&u=1")
        if expected is None:
            failed(reply)
            assert len(world.backend.requests) == before
        else:
            assert reply.status == 200 and world.backend.last.query == f"u=1&out={expected}", value


def test_chain(world, rule):
    api = make_api(
        world, rule("default", [fixed("rest")]), rule("head_n", [{"intercept_length": 1}], pre=True),
        rule("list", [listed("first", "x")], name="X-Out", location="header"), rule("list", [listed("second", "y")]),
        rule("none_value", [fixed("nothing")]))
    world.call(api, target=api.path + "?level=xyz&out=client", headers=[("x-out", "client")])
    assert world.backend.last.query == "" and world.backend.last.all("X-Out") == ["first"], "only the rules' word counts"
    for value, expected in (("?level=yes", "out=second"), ("?level=z", "out=rest"), ("", "out=nothing"), ("?level=", "out=rest")):
        assert world.call(api, target=api.path + value).status == 200
        assert world.backend.last.query == expected, value


def test_other_places(world, rule):
    api = make_api(world, rule("list", [listed("one", "a")]), location="HEADER", name="X-Level", pass_through=1)
    world.call(api, headers=[("x-level", "a"), ("X-Level", "b")])
    assert world.backend.last.query == "out=one" and world.backend.last.all("X-Level") == ["a", "b"]
    api = make_api(world, rule("list", [listed("one", "a")]), default_value="a", backend_params=[to("X-Level", "HEADER", "level")])
    world.call(api)
    assert world.backend.last.query == "out=one" and world.backend.last.all("X-Level") == ["a"]


def test_failures_have_types_of_their_own(world, call, rule):
    group = world.make_group()
    path = f"{call.instance_path.replace('/apic/', '/apigw/')}/api-groups/{group['id']}/gateway-responses"
    body = json.dumps({"type": "$context.error.type", "code": "$context.error.code"})
    made = call.expect(201, "POST", path, {"name": unique("response"), "responses": {
        "ORCHESTRATION_PARAMETER_NOT_FOUND": {"status": 418, "body": body}, "ORCHESTRATION_FAILURE": {"status": 422, "body": body}}})
    rules = [rule("list", [listed("one", "a")])]
    shaped = make_api(world, *rules, group=group, response_id=made["id"])
    plain = make_api(world, *rules)
    for target, status, kind in (("", 418, "ORCHESTRATION_PARAMETER_NOT_FOUND"), ("?level=b", 422, "ORCHESTRATION_FAILURE")):
        reply = world.call(shaped, target=shaped.path + target)
        assert (reply.status, reply.json()) == (status, {"type": kind, "code": "APIC.0106"})
        failed(world.call(plain, target=plain.path + target))
    assert world.call(shaped, target=shaped.path + "?level=a").status == 200


def test_mapping_failures_have_a_type(world, call):
    group = world.make_group()
    path = f"{call.instance_path.replace('/apic/', '/apigw/')}/api-groups/{group['id']}/gateway-responses"
    made = call.expect(201, "POST", path, {"name": unique("response"), "responses": {
        "REQUEST_PARAMETERS_FAILURE": {"status": 422, "body": json.dumps({"type": "$context.error.type"})}}})
    api = world.make_api(group=group, response_id=made["id"], req_params=[param("q")], backend_params=[to("X-Q", "HEADER", "q")])
    reply = world.call(api, target=api.path + "?q=%0a")
    assert (reply.status, reply.json()) == (422, {"type": "REQUEST_PARAMETERS_FAILURE"})


def test_conditions_on_what_rules_make(world, rule):
    made = rule("range", [ranged("low", 0, 9), ranged("high", 10, 99)])
    condition = {"condition_origin": "orchestration", "condition_type": "exact", "condition_value": "high",
                 "mapped_param_name": "out", "mapped_param_location": "query"}
    api = make_api(world, made, policy_https=[policy(world, "chosen", condition)])
    shown = world.api.expect(200, "GET", f"/apis/{api.id}")["policy_https"][0]["conditions"][0]
    assert {key: shown[key] for key in condition} == condition
    assert reached(world, api, api.path + "?level=11") == "/chosen" and world.backend.last.query == "out=high"
    assert reached(world, api, api.path + "?level=1") == "/standard"


def test_changed_while_traffic_flows(apig, world, rule):
    made = rule("list", [listed("one", "a")])
    api = make_api(world, made)
    wire = world.connect()
    for value in ("two", "three"):
        shown = apig.show_details_of_orchestration(orchestration_id=made)
        apig.update_orchestration(orchestration_id=made, body={
            "orchestration_name": shown.orchestration_name, "orchestration_strategy": "list",
            "orchestration_mapped_param": shown.orchestration_mapped_param.to_dict(), "orchestration_map": [listed(value, "a")]})
        assert world.call(api, target=api.path + "?level=a", wire=wire).status == 200
        assert world.backend.last.query == f"out={value}", "in force before the answer, without publishing again"


def test_a_backend_parameter_of_the_same_name(world, rule):
    definition = world.definition(
        world.make_group()["id"], f"/{unique('p')}", req_params=[param("level", orchestrations=[rule("hash")])],
        backend_params=[to("out", "QUERY", "x", "CONSTANT")])
    made = world.api.expect(201, "POST", "/apis", definition)
    answer = world.api.request("POST", "/apis/action", {
        "action": "online", "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_id": made["id"]})
    assert answer.status == 400, "says so instead of sending it twice"
