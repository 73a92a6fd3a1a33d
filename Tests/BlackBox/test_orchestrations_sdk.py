"""Orchestration rules through the SDK of the twin product."""

import pytest

from harness.world import hex_id, unique

MAPPED = {"mapped_param_name": "shared-tag", "mapped_param_type": "string", "mapped_param_location": "header"}


def body(**fields):
    return {
        "orchestration_name": unique("rule"), "orchestration_strategy": "list", "orchestration_mapped_param": MAPPED,
        "orchestration_map": [{"map_param_list": ["a", "b"], "mapped_param_value": "one"}], **fields}


def with_rules(world, *ids, group=None, name="level", **fields):
    return world.definition((group or world.make_group())["id"], f"/{unique('p')}", req_params=[
        {"name": name, "type": "STRING", "location": "QUERY", "orchestrations": list(ids), **fields}])


def test_life(apig):
    wanted = body()
    made = apig.create_orchestration(body=wanted)
    assert (made.orchestration_name, made.orchestration_strategy, made.is_preprocessing) == (
        wanted["orchestration_name"], "list", False)
    assert made.orchestration_mapped_param.mapped_param_name == "shared-tag"
    assert made.orchestration_map[0].map_param_list == ["a", "b"]
    shown = apig.show_details_of_orchestration(orchestration_id=made.orchestration_id)
    assert shown.orchestration_map[0].mapped_param_value == "one"
    changed = apig.update_orchestration(orchestration_id=made.orchestration_id, body=body(
        orchestration_strategy="range", orchestration_map=[
            {"map_param_range": {"range_start": "0", "range_end": "9223372036854775807"}, "mapped_param_value": "all"}]))
    assert changed.orchestration_strategy == "range"
    assert changed.orchestration_map[0].map_param_range.range_end == "9223372036854775807"
    apig.delete_orchestration(orchestration_id=made.orchestration_id)
    for operation, more in (("show_details_of_orchestration", {}), ("delete_orchestration", {}),
                            ("update_orchestration", {"body": body()}), ("list_orchestration_attached_apis", {})):
        assert apig.refused(404, "APIG.3095", operation, orchestration_id=made.orchestration_id, **more) == (
            "The orchestrations does not exist")


def test_list(apig):
    name = unique("listed")
    first = apig.create_orchestration(body=body(orchestration_name=f"{name}_a"))
    second = apig.create_orchestration(body=body(orchestration_name=f"{name}_b"))
    found = apig.list_orchestrations(orchestration_name=name.upper())
    assert (found.total, found.size) == (2, 2)
    assert [entry.orchestration_id for entry in found.orchestrations] == [second.orchestration_id, first.orchestration_id]
    assert apig.list_orchestrations(orchestration_name=name, precise_search="orchestration_name").total == 0
    assert apig.list_orchestrations(orchestration_name=name, offset=1, limit=1).orchestrations[0].orchestration_id == (
        first.orchestration_id)
    both = f"{first.orchestration_id},{second.orchestration_id}"
    assert apig.list_orchestrations(orchestration_id=both).total == 2
    assert "orchestration_id" in apig.refused(400, "APIG.2012", "list_orchestrations", orchestration_id="a b")


@pytest.mark.parametrize("fields", [
    {"orchestration_strategy": "hash", "orchestration_map": None},
    {"orchestration_strategy": "hash_range", "orchestration_map": [
        {"map_param_range": {"range_start": "0", "range_end": "2147483647"}, "mapped_param_value": "low"}]},
    {"orchestration_strategy": "none_value", "orchestration_map": [{"mapped_param_value": "none"}]},
    {"orchestration_strategy": "default", "orchestration_map": [{"mapped_param_value": "other"}]},
    {"orchestration_strategy": "head_n", "is_preprocessing": True, "orchestration_mapped_param": None,
     "orchestration_map": [{"intercept_length": 3}]},
    {"orchestration_strategy": "tail_n", "orchestration_map": [{"intercept_length": 100}]},
    {"orchestration_map": [{"map_param_list": ["1"], "mapped_param_value": "42"}],
     "orchestration_mapped_param": {**MAPPED, "mapped_param_type": "number"}}])
def test_every_strategy(apig, fields):
    wanted = body(**fields)
    made = apig.create_orchestration(body=wanted)
    assert made.orchestration_strategy == wanted["orchestration_strategy"]


@pytest.mark.parametrize("fields, parameter", [
    ({"orchestration_name": "1ab"}, "orchestration_name"), ({"orchestration_strategy": "guess"}, "orchestration_strategy"),
    ({"orchestration_mapped_param": None}, "orchestration_mapped_param"),
    ({"orchestration_mapped_param": {**MAPPED, "mapped_param_name": "a_b"}}, "mapped_param_name"),
    ({"orchestration_mapped_param": {**MAPPED, "mapped_param_name": "X-Apig-Mode"}}, "mapped_param_name"),
    ({"orchestration_mapped_param": {**MAPPED, "mapped_param_name": "Content-Length"}}, "mapped_param_name"),
    ({"orchestration_mapped_param": {**MAPPED, "mapped_param_location": "path"}}, "mapped_param_location"),
    ({"orchestration_mapped_param": {**MAPPED, "mapped_param_type": "date"}}, "mapped_param_type"),
    ({"orchestration_mapped_param": {**MAPPED, "mapped_param_type": "number"}}, "mapped_param_value"),
    ({"orchestration_map": []}, "orchestration_map"),
    ({"orchestration_map": [{"mapped_param_value": "x", "map_param_list": ["a"]}] * 301}, "orchestration_map"),
    ({"orchestration_map": [{"mapped_param_value": "x"}]}, "map_param_list"),
    ({"orchestration_map": [{"mapped_param_value": "x", "map_param_list": ["a", "a"]}]}, "map_param_list"),
    ({"orchestration_map": [{"mapped_param_value": "x", "map_param_list": ["a b"]}]}, "map_param_list"),
    ({"orchestration_map": [{"mapped_param_value": "x", "map_param_list": [f"v{n}"]} for n in range(2)] + [
        {"mapped_param_value": "x", "map_param_list": [f"w{n}" for n in range(2999)]}]}, "map_param_list"),
    ({"orchestration_map": [{"map_param_list": ["a"]}]}, "mapped_param_value"),
    ({"orchestration_strategy": "range", "orchestration_map": [{"mapped_param_value": "x"}]}, "range_start"),
    ({"orchestration_strategy": "range", "orchestration_map": [
        {"mapped_param_value": "x", "map_param_range": {"range_start": "2", "range_end": "1"}}]}, "range_end"),
    ({"orchestration_strategy": "range", "orchestration_map": [
        {"mapped_param_value": "x", "map_param_range": {"range_start": "-1", "range_end": "1"}}]}, "range_start"),
    ({"orchestration_strategy": "head_n", "orchestration_map": [{"intercept_length": 101}]}, "intercept_length"),
    ({"orchestration_strategy": "default", "is_preprocessing": True, "orchestration_map": [
        {"mapped_param_value": "x"}]}, "is_preprocessing")])
def test_refused_fields(apig, fields, parameter):
    message = apig.refused(400, "APIG.2011", "create_orchestration", body(**fields))
    assert f"parameterName:{parameter}." in message


def test_names_are_unique(apig):
    first, second = (apig.create_orchestration(body=body()) for _ in range(2))
    apig.refused(400, "APIG.3331", "create_orchestration", body(orchestration_name=first.orchestration_name))
    apig.refused(400, "APIG.3331", "update_orchestration", body(orchestration_name=first.orchestration_name),
                 orchestration_id=second.orchestration_id)


def test_quota(fresh_gatehouse, make_world):
    call = make_world(fresh_gatehouse(settings={"quotas": {"orchestrations": 1}})).api
    path = call.instance_path.replace("/apic/", "/apigw/") + "/orchestrations"
    call.expect(201, "POST", path, body())
    call.refused(403, "APIG.3150", "POST", path, body())


def test_apis_name_rules(apig, sdk, world):
    rule = apig.create_orchestration(body=body())
    wanted = with_rules(world, rule.orchestration_id)
    made = sdk.create_api_v2(body=wanted)
    assert made.req_params[0].orchestrations == [rule.orchestration_id]
    attached = apig.list_orchestration_attached_apis(orchestration_id=rule.orchestration_id)
    assert [(entry.api_id, entry.api_name, entry.group_id) for entry in attached.apis] == [
        (made.id, wanted["name"], wanted["group_id"])]
    assert apig.list_orchestration_attached_apis(
        orchestration_id=rule.orchestration_id, api_name=wanted["name"][2:], api_id=made.id).total == 1
    assert apig.list_orchestration_attached_apis(orchestration_id=rule.orchestration_id, api_id=hex_id()).total == 0
    apig.refused(409, "APIG.3716", "delete_orchestration", orchestration_id=rule.orchestration_id)
    apig.refused(412, "APIG.3713", "update_orchestration", body(
        orchestration_mapped_param={**MAPPED, "mapped_param_name": "other"}), orchestration_id=rule.orchestration_id)
    apig.update_orchestration(orchestration_id=rule.orchestration_id, body=body())
    sdk.update_api_v2(api_id=made.id, body={**wanted, "req_params": []})
    assert apig.list_orchestration_attached_apis(orchestration_id=rule.orchestration_id).total == 0
    apig.delete_orchestration(orchestration_id=rule.orchestration_id)


def test_chains(apig, sdk, world):
    def make(**fields):
        return apig.create_orchestration(body=body(**fields)).orchestration_id

    listed = make()
    head = make(orchestration_strategy="head_n", is_preprocessing=True, orchestration_mapped_param=None,
                orchestration_map=[{"intercept_length": 1}])
    nothing, nothing2 = (make(orchestration_strategy="none_value", orchestration_map=[{"mapped_param_value": "n"}])
                         for _ in range(2))
    other, other2 = (make(orchestration_strategy="default", orchestration_map=[{"mapped_param_value": "d"}])
                     for _ in range(2))
    sdk.create_api_v2(body=with_rules(world, head, listed, nothing, other))
    for ids in ([listed, head], [listed, listed], [nothing, nothing2], [other, listed, other2], [head, other]):
        assert "orchestrations" in sdk.refused(400, "APIG.2011", "create_api_v2", with_rules(world, *ids)), ids
    sdk.refused(404, "APIG.3095", "create_api_v2", with_rules(world, hex_id()))
    sdk.refused(403, "APIG.3151", "create_api_v2", with_rules(world, *(hex_id() for _ in range(11))))
    two = with_rules(world, listed)
    two["req_params"].append({**two["req_params"][0], "name": "second"})
    assert "orchestrations" in sdk.refused(400, "APIG.2011", "create_api_v2", two)
    clash = with_rules(world, listed)
    clash["req_params"].append({"name": "Shared-Tag", "type": "STRING", "location": "HEADER"})
    assert "orchestrations" in sdk.refused(400, "APIG.2011", "create_api_v2", clash), "the name is taken"
