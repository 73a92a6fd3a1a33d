"""Instances as clients of the twin product manage them: made, changed, tagged, removed, and apart from each other."""

from __future__ import annotations

import copy

import pytest

from harness.management import ApigSdk, Call
from harness.world import World, hex_id, unique


def named(**fields) -> dict:
    return {"instance_name": unique("inst"), "spec_id": "BASIC", **fields}


@pytest.fixture
def make(apig):
    """Makes instances, and removes at the end what is left of them."""
    made: list[str] = []

    def make(**fields) -> str:
        made.append(apig.create_instance_v2(body=named(**fields)).instance_id)
        return made[-1]

    yield make
    left = {instance.id for instance in apig.list_instances_v2(limit=500).instances}
    for instance_id in left & set(made):
        apig.delete_instances_v2(instance_id=instance_id)


@pytest.fixture
def world_of(gatehouse, backend):
    """A `World` below another instance of the shared program."""
    def make(instance_id: str) -> World:
        credentials = copy.copy(gatehouse.credentials)
        credentials["instance_id"] = instance_id
        return World(gatehouse, Call(credentials, gatehouse.management), backend)
    return make


def test_life_cycle(apig, make):
    name = unique("inst")
    instance_id = make(
        instance_name=name, spec_id="PROFESSIONAL", description="for tests", maintain_begin="06:00:00", vpc_id="vpc-1",
        subnet_id="net-1", security_group_id="group-1", available_zone_ids=["az1", "az2"], enterprise_project_id="7",
        loadbalancer_provider="elb", tags=[{"key": "stage", "value": "test"}])
    found = apig.show_details_of_instance_v2(instance_id=instance_id)
    assert (found.id, found.instance_name, found.spec, found.type) == (instance_id, name, "PROFESSIONAL", "apig")
    assert (found.status, found.instance_status, found.description) == ("Running", 6, "for tests")
    assert (found.maintain_begin, found.maintain_end) == ("06:00:00", "10:00:00")
    assert (found.vpc_id, found.subnet_id, found.security_group_id) == ("vpc-1", "net-1", "group-1")
    assert (found.available_zone_ids, found.enterprise_project_id) == ("[az1, az2]", "7")
    assert found.user_id and found.create_time > 1_600_000_000_000
    progress = apig.show_details_of_instance_progress_v2(instance_id=instance_id)
    assert (progress.progress, progress.status) == (100, "success")
    assert progress.start_time == progress.end_time == found.create_time
    assert apig.show_restriction_of_instance_v2(instance_id=instance_id).restrict_cidrs == []

    changed = apig.update_instance_v2(instance_id=instance_id, body={
        "instance_name": name + "-2", "description": "", "maintain_begin": "22:00:00", "maintain_end": "02:00:00",
        "security_group_id": "group-2"})
    assert (changed.instance_name, changed.description, changed.security_group_id) == (name + "-2", "", "group-2")
    assert (changed.maintain_begin, changed.maintain_end) == ("22:00:00", "02:00:00")
    again = apig.show_details_of_instance_v2(instance_id=instance_id)
    assert again.instance_name == name + "-2" and again.vpc_id == "vpc-1"

    apig.delete_instances_v2(instance_id=instance_id)
    assert apig.refused(404, "APIC.7302", "show_details_of_instance_v2", instance_id=instance_id) == "Instance not found"
    apig.refused(404, "APIC.7302", "delete_instances_v2", instance_id=instance_id)
    # The name is free again, and so is the id.
    assert make(instance_name=name + "-2", instance_id=instance_id) == instance_id
    assert apig.list_instance_tags(instance_id=instance_id).tags == []


def test_lists(apig, sdk, make):
    mark = unique("listed")
    ids = [make(instance_name=f"{mark}_{i}") for i in range(3)]
    listed = apig.list_instances_v2(instance_name=mark.upper(), limit=2)
    assert (listed.total, listed.size, [i.id for i in listed.instances]) == (3, 2, [ids[2], ids[1]]), "newest first"
    rest = apig.list_instances_v2(instance_name=mark, limit=2, offset=2)
    assert [i.id for i in rest.instances] == [ids[0]]
    only = apig.list_instances_v2(instance_id=ids[1]).instances
    assert [(i.id, i.status, i.type, i.spec) for i in only] == [(ids[1], "Running", "apig", "BASIC")]
    assert apig.list_instances_v2(status="Running").total == apig.list_instances_v2().total >= 4
    assert apig.list_instances_v2(status="Creating").instances == []
    assert set(ids) <= {i.id for i in sdk.check_roma_instance_list_v2(limit=100).instances}
    own = [i for i in apig.list_instances_v2(limit=500).instances if i.id == apig.instance_id]
    assert [(i.type, i.spec) for i in own] == [(None, "ROMA_BASIC")]


def test_what_belongs_to_an_instance_is_there_from_the_start(make, world_of):
    world = world_of(make())
    groups = world.api.expect(200, "GET", "/api-groups")["groups"]
    assert [(g["name"], g["is_default"]) for g in groups] == [("DEFAULT", 1)]
    assert [e["name"] for e in world.api.expect(200, "GET", "/envs")["envs"]] == ["RELEASE"]
    used = {c["config_name"]: c["used"] for c in world.api.expect(200, "GET", "/project/configs", query={"limit": 500})["configs"]}
    assert (used["API_NUM_LIMIT"], used["APIGROUP_NUM_LIMIT"]) == (0, 1)


def test_instances_are_apart(world, make, world_of):
    first, second = world_of(make()), world_of(make())
    name = unique("same")
    apis = []
    for place in (first, second):
        group = place.make_group(name=name)
        place.make_environment(name)
        apis.append(place.make_mock(f"of {place.api.credentials['instance_id']}", group=group, path="/same"))
    for place, api in zip((first, second), apis):
        answer = place.call(api)
        assert (answer.status, answer.body.decode()) == (200, f"of {place.api.credentials['instance_id']}")
    # What one has, the others do not know.
    for other in (second, world):
        other.api.refused(404, "APIG.3002", "GET", f"/apis/{apis[0].id}")
        other.api.refused(404, "APIG.3001", "GET", f"/api-groups/{apis[0].group_id}")
        other.api.refused(404, "APIG.3002", "DELETE", f"/apis/{apis[0].id}")
        sign = other.make_sign()
        other.api.refused(404, "APIG.3015", "POST", "/sign-bindings", {
            "sign_id": sign["id"], "publish_ids": [apis[0].publish_id]})
        first.api.refused(404, "APIG.3017", "DELETE", f"/signs/{sign['id']}")
    # Features are each one's own.
    first.feature("request_body_size", "1048576")
    big = b"x" * 1_048_577
    assert first.call(apis[0], method="POST", body=big).status == 413
    assert second.call(apis[1], method="POST", body=big).status == 200


def test_deleting_takes_everything_along_at_once(apig, make, world_of, backend):
    instance_id = make()
    world = world_of(instance_id)
    keep = world_of(make())
    kept = keep.make_mock("kept")
    api = world.make_api()
    world.bind_sign(world.make_sign(), api)
    world.bind_acl(world.make_acl("203.0.113.9"), api)
    world.attach(world.make_plugin("set_resp_headers", {"response_headers": [
        {"name": "X-Made-By", "value": "test", "value_type": "custom_value", "action": "append"}]}), api)
    throttle = world.api.expect(201, "POST", "/throttles", {
        "name": unique("throttle"), "api_call_limits": 100, "time_unit": "DAY", "time_interval": 1})
    world.api.expect(201, "POST", "/throttle-bindings", {"strategy_id": throttle["id"], "publish_ids": [api.publish_id]})
    environment = world.make_environment()
    world.api.expect(201, "POST", "/env-variables", {
        "group_id": api.group_id, "env_id": environment["id"], "variable_name": "place", "variable_value": "here"})
    world.feature("backend_timeout", {"max_timeout": 50000})
    wire = world.connect()
    assert world.call(api, wire=wire).status == 200
    apig.list_lately_api_statistics_v2(instance_id=instance_id, api_id=api.id, duration="1h")

    apig.delete_instances_v2(instance_id=instance_id)
    assert world.call(api, wire=wire).status == 404, "on a connection that was open"
    assert keep.call(kept).status == 200
    world.api.refused(404, "APIG.3030", "GET", "/apis")
    world.api.refused(404, "APIG.3030", "POST", "/api-groups", {"name": unique("group")})
    # Nothing of it is left to find in a new instance with the same id.
    make(instance_id=instance_id)
    assert world.api.expect(200, "GET", "/apis")["total"] == 0
    assert world.api.expect(200, "GET", "/signs")["total"] == 0
    assert world.api.expect(200, "GET", "/throttles")["total"] == 0
    features = world.api.expect(200, "GET", "/features", query={"limit": 500})["features"]
    assert [f["config"] for f in features if f["name"] == "backend_timeout"] == ['{"max_timeout":60000}']
    again = world.make_mock("again")
    assert world.call(again).body == b"again"


def test_deleting_survives_a_restart(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    apig = ApigSdk(program.credentials, program.endpoint)
    keep, gone = (apig.create_instance_v2(body=named()).instance_id for _ in range(2))
    worlds = {}
    for instance_id in (keep, gone):
        worlds[instance_id] = make_world(program)
        worlds[instance_id].api.credentials = {**program.credentials, "instance_id": instance_id}
    kept, lost = worlds[keep].make_mock("kept"), worlds[gone].make_mock("lost")
    apig.delete_instances_v2(instance_id=gone)
    program.kill()
    again = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert again.call(kept).body == b"kept"
    assert again.call(lost).status == 404
    assert again.api.get(f"/v2/{program.credentials['project_id']}/apigw/instances").json()["total"] == 2


def test_the_first_instance_answers_at_the_bare_address_and_stays(apig, world, make, world_of):
    group = next(g for g in world.api.expect(200, "GET", "/api-groups", query={"limit": 500, "name": "DEFAULT"})["groups"])
    path = f"/{unique('bare')}"
    world.make_mock("first", group=group, path=path)
    instance_id = make()
    other = world_of(instance_id)
    default = other.api.expect(200, "GET", "/api-groups")["groups"][0]
    second = other.make_mock("second", group=default, path=path)
    address = f"127.0.0.1:{world.gatehouse.gateway_port}"
    assert world.call(second, host=address).body == b"first"
    assert world.call(second).body == b"second"
    apig.delete_instances_v2(instance_id=instance_id)
    assert world.call(second, host=address).body == b"first"
    apig.refused(409, "APIC.7701", "delete_instances_v2", instance_id=apig.instance_id)


def test_limits(fresh_gatehouse):
    program = fresh_gatehouse(settings={"quotas": {"instances": 2, "tags_per_instance": 2}})
    apig = ApigSdk(program.credentials, program.endpoint)
    shown = {c.config_name: c.config_value for c in apig.list_instance_configs_v2().configs}
    assert shown == {"INSTANCE_NUM_LIMIT": "2", "INSTANCE_TAG_NUM_LIMIT": "2"}
    page = apig.list_instance_configs_v2(offset=1, limit=1)
    assert (page.total, page.size, page.configs[0].config_id) == (2, 1, "2")
    three = [{"key": f"k{i}", "value": "v"} for i in range(3)]
    apig.refused(403, "APIC.7402", "create_instance_v2", body=named(tags=three))
    made = apig.create_instance_v2(body=named(tags=three[:2])).instance_id
    apig.refused(403, "APIC.7402", "batch_create_or_delete_instance_tags", instance_id=made, body={
        "action": "create", "tags": three[2:]})
    apig.batch_create_or_delete_instance_tags(instance_id=made, body={
        "action": "create", "tags": [{"key": "k1", "value": "other"}]})
    apig.refused(403, "APIC.7400", "create_instance_v2", body=named())
    apig.delete_instances_v2(instance_id=made)
    apig.create_instance_v2(body=named())


def test_features_and_zones(apig, make):
    instance_id = make()
    whole = apig.list_instance_features(instance_id=instance_id, limit=500)
    assert whole.total == whole.size == len(whole.features) == len(set(whole.features))
    assert {"cors", "ratelimit", "real_ip_from_xff", "public_key"} <= set(whole.features)
    assert apig.show_details_of_instance_v2(instance_id=instance_id).supported_features == whole.features
    page = apig.list_instance_features(instance_id=instance_id, offset=1, limit=2)
    assert (page.total, page.features) == (whole.total, whole.features[1:3])
    # Every name is one that can be looked up among the features with their contents.
    known = {f.name for f in apig.list_features_v2(instance_id=instance_id, limit=500).features}
    assert set(whole.features) <= known
    assert [zone.id for zone in apig.list_available_zones_v2().available_zones] == ["gatehouse"]


# Tags -------------------------------------------------------------------------------------------
def tags_of(apig, instance_id) -> dict:
    return {tag.key: tag.value for tag in apig.list_instance_tags(instance_id=instance_id).tags}


def test_tags(apig, make):
    instance_id = make(tags=[{"key": "owner", "value": "team a"}, {"key": "empty"}])
    assert tags_of(apig, instance_id) == {"empty": "", "owner": "team a"}
    apig.batch_create_or_delete_instance_tags(instance_id=instance_id, body={
        "action": "create", "tags": [{"key": "owner", "value": "team/b"}, {"key": "größe", "value": "大"}]})
    assert tags_of(apig, instance_id) == {"empty": "", "owner": "team/b", "größe": "大"}
    apig.batch_create_or_delete_instance_tags(instance_id=instance_id, body={
        "action": "delete", "tags": [{"key": "owner", "value": "not this one"}, {"key": "empty"}, {"key": "never there"}]})
    assert tags_of(apig, instance_id) == {"owner": "team/b", "größe": "大"}
    apig.batch_create_or_delete_instance_tags(instance_id=instance_id, body={
        "action": "delete", "tags": [{"key": "owner", "value": "team/b"}, {"key": "größe"}]})
    assert tags_of(apig, instance_id) == {}


def test_filter_by_tags(apig, make):
    mark = unique("mark")
    red = make(tags=[{"key": mark, "value": "red"}, {"key": "size", "value": "1"}])
    blue = make(tags=[{"key": mark, "value": "blue"}])
    bare = make(instance_name=unique("bare"))

    def find(**query):
        answer = apig.list_instances_by_tags(body=query, limit=500)
        assert apig.show_instances_num_by_tags(body=query).total_count == answer.total_count == len(answer.resources)
        return [resource.resource_id for resource in answer.resources]

    assert find(tags=[{"key": mark}]) == [blue, red]
    assert find(tags=[{"key": mark, "values": ["red", "green"]}]) == [red]
    assert find(tags=[{"key": mark, "values": ["red", "blue"]}, {"key": "size", "values": ["1"]}]) == [red]
    assert find(tags=[{"key": mark, "values": ["green"]}]) == []
    without = find(without_any_tag=True)
    assert bare in without and red not in without and blue not in without
    name = apig.show_details_of_instance_v2(instance_id=red).instance_name
    assert find(tags=[{"key": mark}], matches=[{"key": "resource_name", "value": name}]) == [red]
    page = apig.list_instances_by_tags(body={"tags": [{"key": mark}]}, offset=1, limit=1)
    assert (page.total_count, [r.resource_id for r in page.resources]) == (2, [red])
    assert {tag.key: tag.value for tag in page.resources[0].tags} == {mark: "red", "size": "1"}
    known = {tag.key: tag.values for tag in apig.list_project_instance_tags().tags}
    assert known[mark] == ["blue", "red"]


# Refusals ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("fields, status, code, word", [
    ({"instance_name": None}, 400, "APIC.7211", "instance_name"), ({"spec_id": None}, 400, "APIC.7211", "spec_id"),
    ({"instance_name": "ab"}, 400, "APIC.7211", "instance_name"), ({"instance_name": "a" * 65}, 400, "APIC.7211", "instance_name"),
    ({"instance_name": "1st"}, 400, "APIC.7211", "instance_name"), ({"instance_name": "a b c"}, 400, "APIC.7211", "instance_name"),
    ({"description": "<b>"}, 400, "APIC.7211", "description"), ({"description": "x" * 256}, 400, "APIC.7211", "description"),
    ({"spec_id": "HUGE"}, 404, "APIC.7301", "spec"), ({"maintain_begin": "03:00:00"}, 400, "APIC.7235", "window"),
    ({"maintain_begin": "06:00:00", "maintain_end": "14:00:00"}, 400, "APIC.7230", "4 hours"),
    ({"maintain_end": "soon"}, 400, "APIC.7235", "window"), ({"instance_id": "not/one"}, 400, "APIC.7211", "instance_id"),
    ({"ipv6_enable": True}, 400, "APIC.7254", "IPv6"), ({"eip_id": "e1"}, 400, "APIC.7211", "eip_id"),
    ({"bandwidth_size": 5}, 400, "APIC.7211", "bandwidth_size"),
    ({"ingress_bandwidth_size": 5}, 400, "APIC.7211", "ingress_bandwidth_size"),
    ({"bandwidth_charging_mode": "bandwidth"}, 400, "APIC.7211", "bandwidth_charging_mode"),
    ({"ingress_bandwidth_charging_mode": "traffic"}, 400, "APIC.7211", "ingress_bandwidth_charging_mode"),
    ({"vpcep_service_name": "own"}, 400, "APIC.7211", "vpcep_service_name"),
    ({"loadbalancer_provider": "f5"}, 400, "APIC.7211", "loadbalancer_provider"),
    ({"available_zone_ids": ["z"] * 17}, 400, "APIC.7211", "available_zone_ids"),
    ({"tags": [{"key": ""}]}, 400, "APIC.7211", "key"), ({"tags": [{"key": "_sys_x"}]}, 400, "APIC.7211", "key"),
    ({"tags": [{"key": " x"}]}, 400, "APIC.7211", "key"), ({"tags": [{"key": "a"}, {"key": "a"}]}, 400, "APIC.7211", "key"),
    ({"tags": [{"key": "a", "value": "b;c"}]}, 400, "APIC.7211", "value"),
    ({"tags": [{"key": f"k{i}"} for i in range(21)]}, 403, "APIC.7402", "tags")])
def test_creation_refused(apig, fields, status, code, word):
    body = {name: value for name, value in named(**fields).items() if value is not None}
    before = apig.list_instances_v2().total
    assert word in apig.refused(status, code, "create_instance_v2", body=body)
    assert apig.list_instances_v2().total == before


def test_names_and_ids_are_unique(apig, make):
    name = unique("inst")
    instance_id = make(instance_name=name)
    apig.refused(400, "APIC.7500", "create_instance_v2", body=named(instance_name=name))
    apig.refused(400, "APIC.7505", "create_instance_v2", body=named(instance_id=instance_id))
    other = make()
    apig.refused(400, "APIC.7500", "update_instance_v2", instance_id=other, body={"instance_name": name})
    apig.update_instance_v2(instance_id=instance_id, body={"instance_name": name})


def test_refusals(apig, make, call):
    instance_id, unknown = make(), hex_id()
    for body, code in (
            ({"maintain_begin": "01:00:00"}, "APIC.7235"), ({"maintain_begin": "02:00:00", "maintain_end": "02:00:00"}, "APIC.7230"),
            ({"instance_name": "!"}, "APIC.7211"), ({"description": ">"}, "APIC.7211"), ({"vpcep_service_name": "x"}, "APIC.7211")):
        apig.refused(400, code, "update_instance_v2", instance_id=instance_id, body=body)
    for operation, body in (
            ("update_instance_v2", {"description": "x"}), ("delete_instances_v2", None), ("show_details_of_instance_progress_v2", None),
            ("list_instance_tags", None), ("batch_create_or_delete_instance_tags", {"action": "create", "tags": [{"key": "a"}]})):
        apig.refused(404, "APIC.7302", operation, instance_id=unknown, body=body)
    apig.refused(404, "APIG.3030", "list_instance_features", instance_id=unknown)
    for body in ({"action": "rename", "tags": [{"key": "a"}]}, {"action": "create"}, {"action": "create", "tags": []},
                 {"action": "create", "tags": [{"value": "a"}]}, {"tags": [{"key": "a"}]},
                 {"action": "delete", "tags": [{"key": "a;b"}]}):
        apig.refused(400, "APIC.7211", "batch_create_or_delete_instance_tags", instance_id=instance_id, body=body)
    for body in ({"sys_tags": [{"key": "x"}]}, {"matches": [{"key": "resource_id", "value": "x"}]}, {"tags": [{"values": ["a"]}]}):
        apig.refused(400, "APIC.7211", "list_instances_by_tags", body=body)
        apig.refused(400, "APIC.7211", "show_instances_num_by_tags", body=body)
    apig.refused(400, "APIC.7211", "list_instances_v2", limit=501)
    apig.refused(400, "APIC.7211", "list_instances_v2", instance_id="<>")
    project = call.credentials["project_id"]
    call.refused(401, "APIC.7100", "GET", f"/v2/{project}/apigw/instances", authenticate=False)
    call.refused(403, "APIC.7130", "GET", f"/v2/{hex_id()}/apigw/instances")
    # Under the other product's path there is no such operation.
    call.refused(404, "APIG.9996", "GET", f"/v2/{project}/apic/instances")
    call.refused(405, "APIG.9995", "DELETE", f"/v2/{project}/apic/instances/{instance_id}")


def test_changes_are_guarded_and_leave_a_trace(call, make):
    instance_id = make()
    path = f"/v2/{call.credentials['project_id']}/apigw/instances/{instance_id}"
    seen = call.get(path)
    tag = seen.headers["ETag"]
    assert tag and seen.status == 200
    done = call.put(path, {"description": "new"}, headers={"If-Match": tag})
    assert done.status == 200 and done.headers["ETag"] != tag and int(done.headers["X-Gatehouse-Revision"])
    assert call.get(path).headers["ETag"] == done.headers["ETag"]
    call.refused(412, "APIC.7701", "PUT", path, {"description": "lost"}, headers={"If-Match": tag})
    call.refused(412, "APIC.7701", "DELETE", path, headers={"If-Match": tag})
    gone = call.delete(path, headers={"If-Match": done.headers["ETag"]})
    assert gone.status == 202 and int(gone.headers["X-Gatehouse-Revision"]) > int(done.headers["X-Gatehouse-Revision"])
