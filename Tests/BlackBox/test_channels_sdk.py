"""Load-balance channels, their groups and members, and channels of a project, through the official SDK."""

import json
import re

import pytest

from harness.management import Call
from harness.world import hex_id, unique
from test_roles import make_user  # noqa: F401 (a fixture)

NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CHECK = {"protocol": "http", "path": "/health", "http_code": "200,210-299", "threshold_normal": 2, "threshold_abnormal": 3,
         "time_interval": 10}


def definition(**fields):
    return {"name": unique("channel"), "port": 8080, "balance_strategy": 1, "member_type": "ip", **fields}


@pytest.fixture
def make(sdk):
    return lambda **fields: sdk.create_vpc_channel_v2(body=definition(**fields))


def show(sdk, channel):
    return sdk.show_details_of_vpc_channel_v2(vpc_channel_id=channel.id)


# Channels ----------------------------------------------------------------------------------------

def test_create_and_read_back(sdk, make):
    made = make(
        balance_strategy=2, dict_code="code-1",
        member_groups=[{"member_group_name": "g1", "member_group_remark": "first", "member_group_weight": 7}],
        members=[
            {"host": "10.0.0.1", "weight": 3, "member_group_name": "g1"},
            {"host": "10.0.0.2", "weight": 4, "port": 9090, "is_backup": True, "status": 2}],
        vpc_health_config=CHECK)
    assert (made.port, made.balance_strategy, made.member_type, made.type, made.status) == (8080, 2, "ip", 2, 1)
    assert re.fullmatch("[0-9a-f]{32}", made.id) and NANOSECONDS.fullmatch(made.create_time)
    read = show(sdk, made)
    assert SECONDS.fullmatch(read.create_time) and read.dict_code == "code-1"
    [group] = read.member_groups
    assert (group.member_group_name, group.member_group_remark, group.member_group_weight) == ("g1", "first", 7)
    assert SECONDS.fullmatch(group.create_time)
    first, second = read.members
    assert (first.host, first.weight, first.port, first.status, first.is_backup) == ("10.0.0.1", 7, 8080, 1, False)
    assert (first.member_group_name, first.member_group_id) == ("g1", group.member_group_id)
    assert (first.ecs_id, first.ecs_name, first.vpc_channel_id) == ("10.0.0.1", "10.0.0.1", made.id)
    assert (second.weight, second.port, second.status, second.is_backup) == (4, 9090, 2, True)
    assert (second.member_group_name, second.member_group_id) == ("", "")
    check = read.vpc_health_config
    assert (check.protocol, check.path, check.http_code, check.method, check.port) == ("HTTP", "/health", "200,210-299", "GET", 0)
    assert (check.threshold_normal, check.threshold_abnormal, check.time_interval, check.timeout) == (2, 3, 10, 5)
    assert (check.enable_client_ssl, check.status, check.vpc_channel_id) == (False, 1, made.id)


def test_defaults(sdk, make):
    read = show(sdk, make(members=[{"host": "backend.example.com"}]))
    assert (read.type, read.dict_code, read.member_groups, read.vpc_health_config) == (2, "", [], None)
    assert (read.members[0].weight, read.members[0].port) == (1, 8080)
    assert show(sdk, make()).members == []


def test_microservice_channels_keep_their_description(sdk, make):
    made = make(type=3, microservice_info={"service_type": "CSE", "cse_info": {"engine_id": "e1", "service_id": "s1"}},
                member_groups=[{"member_group_name": "v1", "microservice_version": "v1", "microservice_port": 8001,
                                "microservice_labels": [{"label_name": "app", "label_value": "shop"}]}],
                members=[{"host": "10.0.0.1", "member_group_name": "v1"}])
    read = show(sdk, made)
    assert (read.microservice_info.service_type, read.microservice_info.cse_info.engine_id) == ("CSE", "e1")
    assert read.member_groups[0].microservice_labels[0].label_name == "app"
    assert read.members[0].port == 8001


@pytest.mark.parametrize("field", ["name", "port", "balance_strategy", "member_type"])
def test_missing_fields_have_the_short_text(call, field):
    body = definition()
    del body[field]
    assert call.refused(400, "APIG.2001", "POST", "/vpc-channels", body) == (
        f"The request parameters must be specified, parameter name:{field}")


@pytest.mark.parametrize("code, parameter, fields", [
    ("APIG.2011", "name", {"name": "1channel"}), ("APIG.2011", "name", {"name": "ab"}), ("APIG.2011", "port", {"port": 0}),
    ("APIG.2011", "port", {"port": 65536}), ("APIG.2011", "balance_strategy", {"balance_strategy": 5}),
    ("APIG.2012", "member_type", {"member_type": "vm"}), ("APIG.2011", "type", {"type": 1}),
    ("APIG.2011", "dict_code", {"dict_code": "ab"}), ("APIG.2004", "weight", {"members": [{"host": "10.0.0.1", "weight": 10001}]}),
    ("APIG.2004", "weight", {"members": [{"host": "10.0.0.1", "weight": -1}]}),
    ("APIG.2011", "host", {"members": [{"host": "256.0.0.1"}]}), ("APIG.2011", "host", {"members": [{"host": "a b"}]}),
    ("APIG.2011", "host", {"members": [{"host": "a\r\nb"}]}), ("APIG.2011", "port", {"members": [{"host": "10.0.0.1", "port": 65536}]}),
    ("APIG.2012", "member_group_name", {"members": [{"host": "10.0.0.1", "member_group_name": "none"}]}),
    ("APIG.2012", "member_type", {"member_type": "ecs", "members": [{"ecs_id": "i-1", "ecs_name": "server"}]}),
    ("APIG.2011", "member_group_weight", {"member_groups": [{"member_group_name": "g", "member_group_weight": 101}]}),
    ("APIG.2012", "member_group_name", {"member_groups": [{"member_group_name": "<g>"}]}),
    ("APIG.2011", "microservice_info", {"microservice_info": {"service_type": "CSE", "cse_info": {"engine_id": "e", "service_id": "s"}}}),
    ("APIG.2011", "timeout", {"vpc_health_config": {**CHECK, "timeout": 10}}),
    ("APIG.2011", "time_interval", {"vpc_health_config": {**CHECK, "time_interval": 4}}),
    ("APIG.2011", "threshold_normal", {"vpc_health_config": {**CHECK, "threshold_normal": 11}}),
    ("APIG.2011", "http_code", {"vpc_health_config": {**CHECK, "http_code": "99"}}),
    ("APIG.2011", "http_code", {"vpc_health_config": {**CHECK, "http_code": "299-200"}}),
    ("APIG.2011", "path", {"vpc_health_config": {**CHECK, "path": "health"}}),
    ("APIG.2011", "path", {"vpc_health_config": {**CHECK, "path": "/a b"}}),
    ("APIG.2011", "protocol", {"vpc_health_config": {**CHECK, "protocol": "UDP"}}),
    ("APIG.2011", "enable_client_ssl", {"vpc_health_config": {**CHECK, "enable_client_ssl": True}})])
def test_create_refusals(sdk, code, parameter, fields):
    message = sdk.refused(400, code, "create_vpc_channel_v2", definition(**fields))
    assert f"parameterName:{parameter}." in message


@pytest.mark.parametrize("parameter, fields", [
    ("path", {"vpc_health_config": {**CHECK, "path": None}}), ("http_code", {"vpc_health_config": {**CHECK, "http_code": None}}),
    ("host", {"members": [{"weight": 1}]}), ("microservice_info", {"type": 3}),
    ("cse_info", {"type": 3, "microservice_info": {"service_type": "CSE"}}),
    ("ecs_id", {"member_type": "ecs", "members": [{"host": "10.0.0.1"}]})])
def test_what_must_be_said(call, parameter, fields):
    assert call.refused(400, "APIG.2001", "POST", "/vpc-channels", definition(**fields)) == (
        f"The request parameters must be specified, parameter name:{parameter}")


def test_names_are_unique(sdk, make):
    made, other = make(), make()
    sdk.refused(400, "APIG.3208", "create_vpc_channel_v2", definition(name=made.name))
    sdk.refused(400, "APIG.3208", "update_vpc_channel_v2", definition(name=made.name), vpc_channel_id=other.id)


def test_quotas(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse(settings={"quotas": {"vpc_channels": 1, "members_per_channel": 2}}))
    made = world.api.expect(201, "POST", "/vpc-channels", definition(members=[{"host": "10.0.0.1"}, {"host": "10.0.0.2"}]))
    world.api.refused(403, "APIG.3109", "POST", "/vpc-channels", definition())
    world.api.refused(403, "APIG.3110", "POST", f"/vpc-channels/{made['id']}/members", {"members": [{"host": "10.0.0.3"}]})


def test_update_keeps_what_it_does_not_name(sdk, call, make):
    made = make(member_groups=[{"member_group_name": "g1"}], members=[{"host": "10.0.0.1", "member_group_name": "g1"}],
                vpc_health_config=CHECK)
    name = unique("channel")
    changed = sdk.update_vpc_channel_v2(vpc_channel_id=made.id, body=definition(name=name, port=81))
    assert (changed.name, changed.port) == (name, 81) and SECONDS.fullmatch(changed.create_time)
    read = show(sdk, made)
    assert (len(read.members), len(read.member_groups), read.vpc_health_config.path) == (1, 1, "/health")
    assert read.members[0].port == 81
    # Clients of the twin product send what changed alone.
    assert call.expect(200, "PUT", f"/vpc-channels/{made.id}", {"port": 82})["name"] == name
    call.refused(400, "APIG.2011", "PUT", f"/vpc-channels/{made.id}", {"type": 3})


def test_update_replaces_groups(sdk, make):
    made = make(member_groups=[{"member_group_name": "g1"}, {"member_group_name": "g2"}], members=[
        {"host": "10.0.0.1", "member_group_name": "g1"}, {"host": "10.0.0.2", "member_group_name": "g2"}, {"host": "10.0.0.3"}])
    kept = {group.member_group_name: group.member_group_id for group in show(sdk, made).member_groups}["g2"]
    sdk.update_vpc_channel_v2(vpc_channel_id=made.id, body=definition(name=made.name, member_groups=[
        {"member_group_name": "g2", "member_group_remark": "kept"}, {"member_group_name": "g3"}]))
    read = show(sdk, made)
    assert {group.member_group_name: group.member_group_id for group in read.member_groups}["g2"] == kept
    assert sorted(group.member_group_name for group in read.member_groups) == ["g2", "g3"]
    assert sorted(member.host for member in read.members) == ["10.0.0.2", "10.0.0.3"]
    sdk.update_vpc_channel_v2(vpc_channel_id=made.id, body=definition(name=made.name, member_groups=[]))
    read = show(sdk, made)
    assert (read.member_groups, [member.host for member in read.members]) == ([], ["10.0.0.3"])


def test_update_with_members(sdk, call, make):
    made = make(members=[{"host": "10.0.0.1"}, {"host": "10.0.0.2"}])
    first = show(sdk, made).members[0]
    sdk.update_vpc_channel_v2(vpc_channel_id=made.id, body=definition(name=made.name, members=[]))
    assert len(show(sdk, made).members) == 2, "an empty list says nothing"
    sdk.update_vpc_channel_v2(vpc_channel_id=made.id, body=definition(
        name=made.name, members=[{"host": "10.0.0.1", "weight": 9}, {"host": "10.0.0.3"}]))
    read = show(sdk, made).members
    assert sorted((member.host, member.weight) for member in read) == [("10.0.0.1", 9), ("10.0.0.3", 1)]
    assert first.id in [member.id for member in read], "the same address is the same member"
    twin = call.instance_path.replace("/apic/", "/apigw/") + f"/vpc-channels/{made.id}"
    call.expect(200, "PUT", twin, {"members": []})
    assert show(sdk, made).members == [], "for clients of the twin product an empty list removes all"


def test_names_may_be_fixed(sdk, world, make):
    made = make()
    world.feature("vpc_name_modifiable", "off", enable=False)
    try:
        sdk.refused(412, "APIG.3458", "update_vpc_channel_v2", definition(), vpc_channel_id=made.id)
        sdk.update_vpc_channel_v2(vpc_channel_id=made.id, body=definition(name=made.name, port=90))
    finally:
        world.feature("vpc_name_modifiable", "on")
    sdk.update_vpc_channel_v2(vpc_channel_id=made.id, body=definition())


def test_lists_and_filters(sdk, make):
    mark = unique("list")
    made = [make(name=f"{mark}_{number}", dict_code=f"{mark}_{number}",
                 member_groups=[{"member_group_name": f"{mark}_g{number}"}],
                 members=[{"host": f"{mark}{number}.example.com".replace("_", "-"), "port": 7000 + number,
                           "member_group_name": f"{mark}_g{number}"}]) for number in range(3)]

    def found(**filters):
        listed = sdk.list_vpc_channels_v2(**filters)
        assert listed.size == len(listed.vpc_channels)
        return [entry.id for entry in listed.vpc_channels]

    assert found(name=mark.upper()) == [channel.id for channel in reversed(made)], "newest first, whatever the case"
    page = sdk.list_vpc_channels_v2(name=mark, limit=2, offset=1)
    assert (page.total, [entry.id for entry in page.vpc_channels]) == (3, [made[1].id, made[0].id])
    assert found(name=mark, offset=3) == []
    assert found(name=mark, precise_search="name") == [] and found(name=f"{mark}_1", precise_search="name") == [made[1].id]
    assert found(id=made[0].id) == [made[0].id]
    assert found(dict_code=f"{mark}_2") == [made[2].id]
    assert found(member_host=f"{mark}1.example.com".replace("_", "-")) == [made[1].id] and found(member_host="example.com") == []
    assert found(member_port=7002, name=mark) == [made[2].id] and found(member_port=1, name=mark) == []
    assert found(member_group_name=f"{mark}_g") == [channel.id for channel in reversed(made)]
    assert found(member_group_name=f"{mark}_g", precise_search="member_group_name") == []
    group = show(sdk, made[0]).member_groups[0]
    assert found(member_group_id=group.member_group_id) == [made[0].id]
    element = sdk.list_vpc_channels_v2(id=made[0].id).vpc_channels[0]
    assert element.member_groups[0].member_group_name == f"{mark}_g0" and SECONDS.fullmatch(element.create_time)
    sdk.refused(400, "APIG.2011", "list_vpc_channels_v2", name="<")
    sdk.refused(400, "APIG.2012", "list_vpc_channels_v2", limit=501)
    sdk.refused(400, "APIG.2012", "list_vpc_channels_v2", id="a b")


def test_delete(sdk, make):
    made = make(members=[{"host": "10.0.0.1"}])
    sdk.delete_vpc_channel_v2(vpc_channel_id=made.id)
    unknown = f"The VPC channel does not exist,id:{made.id}"
    assert sdk.refused(404, "APIG.3023", "delete_vpc_channel_v2", vpc_channel_id=made.id) == unknown
    assert sdk.refused(404, "APIG.3023", "show_details_of_vpc_channel_v2", vpc_channel_id=made.id) == unknown
    for operation, body in [
            ("update_vpc_channel_v2", definition()), ("update_health_check", CHECK),
            ("adding_backend_instances_v2", {"members": []}), ("update_backend_instances_v2", {"members": []}),
            ("batch_enable_members", {"member_ids": []}), ("create_member_group", {"member_groups": []})]:
        assert sdk.refused(404, "APIG.3023", operation, body, vpc_channel_id=made.id) == unknown
    for operation in ("list_backend_instances_v2", "list_member_groups"):
        sdk.refused(404, "APIG.3023", operation, vpc_channel_id=made.id)
    sdk.refused(400, "APIG.2012", "show_details_of_vpc_channel_v2", vpc_channel_id="a b")


# Members -----------------------------------------------------------------------------------------

def test_add_members(sdk, make):
    made = make(members=[{"host": "10.0.0.1", "weight": 1}])
    old = show(sdk, made).members[0]
    added = sdk.adding_backend_instances_v2(vpc_channel_id=made.id, body={"members": [
        {"host": "10.0.0.2", "weight": 5}, {"host": "10.0.0.1", "weight": 8}, {"host": "10.0.0.2", "weight": 6}]})
    assert (added.total, added.size) == (2, 2)
    assert [(member.host, member.weight) for member in added.members] == [("10.0.0.2", 5), ("10.0.0.1", 8)], "the first one wins"
    assert added.members[1].id == old.id and NANOSECONDS.fullmatch(added.members[0].create_time)
    sdk.adding_backend_instances_v2(vpc_channel_id=made.id, body={"members": [{"host": "10.0.0.1", "port": 99}]})
    assert sdk.list_backend_instances_v2(vpc_channel_id=made.id).total == 3, "another port is another member"
    message = sdk.refused(400, "APIG.2004", "adding_backend_instances_v2", {"members": [{"host": "10.0.0.9", "weight": 10001}]},
                          vpc_channel_id=made.id)
    assert message == "The parameter value is outside the allowable range,parameterName:weight. Please refer to the support documentation"
    sdk.refused(400, "APIG.2012", "adding_backend_instances_v2", {"members": [{"host": "-"}]}, vpc_channel_id=made.id)


def test_add_needs_members(call, make):
    made = make()
    for method in ("POST", "PUT"):
        assert call.refused(400, "APIG.2001", method, f"/vpc-channels/{made.id}/members", {}) == (
            "The request parameters must be specified, parameter name:members")


def test_replace_members(sdk, make):
    made = make(member_groups=[{"member_group_name": "a"}, {"member_group_name": "b"}], members=[
        {"host": "10.0.0.1", "member_group_name": "a"}, {"host": "10.0.0.2", "member_group_name": "b"}, {"host": "10.0.0.3"}])
    replaced = sdk.update_backend_instances_v2(vpc_channel_id=made.id, body={"member_group_name": "a", "members": [
        {"host": "10.0.1.1", "member_group_name": "a"}, {"host": "10.0.1.9", "member_group_name": "b"}]})
    assert [member.host for member in replaced.members] == ["10.0.1.1"], "members of other groups are left aside"
    hosts = lambda: sorted(member.host for member in show(sdk, made).members)
    assert hosts() == ["10.0.0.2", "10.0.0.3", "10.0.1.1"]
    sdk.update_backend_instances_v2(vpc_channel_id=made.id, body={"members": [{"host": "10.0.2.1"}]})
    assert hosts() == ["10.0.2.1"]
    sdk.update_backend_instances_v2(vpc_channel_id=made.id, body={"members": []})
    assert hosts() == []
    sdk.refused(400, "APIG.2012", "update_backend_instances_v2", {"member_group_name": "none", "members": []},
                vpc_channel_id=made.id)


def test_list_members(sdk, make):
    made = make(member_groups=[{"member_group_name": "group_a"}], members=[
        {"host": f"10.0.0.{number}", **({"member_group_name": "group_a"} if number < 3 else {})} for number in range(5)])
    listed = sdk.list_backend_instances_v2(vpc_channel_id=made.id, limit=2, offset=1)
    assert (listed.total, listed.size, [member.host for member in listed.members]) == (5, 2, ["10.0.0.1", "10.0.0.2"])
    assert SECONDS.fullmatch(listed.members[0].create_time)
    count = lambda **filters: sdk.list_backend_instances_v2(vpc_channel_id=made.id, **filters).total
    assert (count(name="10.0.0"), count(name="10.0.0", precise_search="name"), count(name="10.0.0.4", precise_search="name")) == (5, 0, 1)
    assert (count(member_group_name="GROUP"), count(member_group_name="group", precise_search="member_group_name")) == (3, 0)
    group = sdk.list_member_groups(vpc_channel_id=made.id).member_groups[0]
    assert count(member_group_id=group.member_group_id) == 3
    sdk.refused(400, "APIG.2012", "list_backend_instances_v2", vpc_channel_id=made.id, name="<")


def test_switch_members(sdk, make):
    made = make(members=[{"host": "10.0.0.1"}, {"host": "10.0.0.2"}])
    first, second = show(sdk, made).members
    for _ in range(2):
        sdk.batch_disable_members(vpc_channel_id=made.id, body={"member_ids": [first.id, hex_id()]})
        assert [member.status for member in show(sdk, made).members] == [2, 1]
    sdk.batch_enable_members(vpc_channel_id=made.id, body={"member_ids": [first.id, second.id]})
    assert [member.status for member in show(sdk, made).members] == [1, 1]
    sdk.refused(400, "APIG.2011", "batch_disable_members", {"member_ids": ["a b"]}, vpc_channel_id=made.id)


def test_delete_member(sdk, make):
    made = make(members=[{"host": "10.0.0.1"}, {"host": "10.0.0.2"}])
    first, second = show(sdk, made).members
    sdk.delete_backend_instance_v2(vpc_channel_id=made.id, member_id=first.id)
    assert [member.id for member in show(sdk, made).members] == [second.id]
    assert sdk.refused(404, "APIG.3024", "delete_backend_instance_v2", vpc_channel_id=made.id, member_id=first.id) == (
        f"The VPC instance does not exist,id:{first.id}")
    sdk.refused(404, "APIG.3023", "delete_backend_instance_v2", vpc_channel_id=hex_id(), member_id=second.id)


def test_ecs_members(sdk, make):
    made = make(member_type="ecs", members=[{"host": "10.0.0.1", "ecs_id": "i-1", "ecs_name": "server one"}])
    member = show(sdk, made).members[0]
    assert (member.host, member.ecs_id, member.ecs_name) == ("10.0.0.1", "i-1", "server one")


# Groups ------------------------------------------------------------------------------------------

def test_groups(sdk, make):
    made = make(members=[{"host": "10.0.0.1"}])
    added = sdk.create_member_group(vpc_channel_id=made.id, body={"member_groups": [
        {"member_group_name": "a", "member_group_weight": 10, "dict_code": "code-a"}, {"member_group_name": "b"},
        {"member_group_name": "a"}]})
    assert (added.total, [group.member_group_name for group in added.member_groups]) == (2, ["a", "b"])
    assert NANOSECONDS.fullmatch(added.member_groups[0].create_time)
    first, second = added.member_groups
    sdk.adding_backend_instances_v2(vpc_channel_id=made.id, body={"members": [{"host": "10.0.0.2", "member_group_name": "a", "weight": 1}]})
    again = sdk.create_member_group(vpc_channel_id=made.id, body={"member_groups": [{"member_group_name": "a", "member_group_weight": 20}]})
    assert again.member_groups[0].member_group_id == first.member_group_id, "an upsert by name"
    weights = lambda: {member.host: member.weight for member in show(sdk, made).members}
    assert weights() == {"10.0.0.1": 1, "10.0.0.2": 20}, "the group's weight is its members'"
    changed = sdk.update_member_group(vpc_channel_id=made.id, member_group_id=first.member_group_id, body={
        "member_group_name": "renamed", "member_group_weight": 30, "member_group_remark": "r"})
    assert (changed.member_group_name, changed.dict_code) == ("renamed", "code-a") and NANOSECONDS.fullmatch(changed.update_time)
    assert weights()["10.0.0.2"] == 30
    read = sdk.show_details_of_member_group(vpc_channel_id=made.id, member_group_id=first.member_group_id)
    assert (read.member_group_name, read.member_group_remark) == ("renamed", "r") and SECONDS.fullmatch(read.create_time)
    listed = sdk.list_member_groups(vpc_channel_id=made.id)
    assert (listed.total, listed.size) == (2, 2)
    count = lambda **filters: sdk.list_member_groups(vpc_channel_id=made.id, **filters).total
    assert (count(member_group_name="ENAM"), count(member_group_name="enam", precise_search="member_group_name"),
            count(dict_code="code-a"), count(dict_code="none")) == (1, 0, 1, 0)
    assert sdk.list_member_groups(vpc_channel_id=made.id, limit=1, offset=1).size == 1
    sdk.delete_member_group(vpc_channel_id=made.id, member_group_id=first.member_group_id)
    assert weights() == {"10.0.0.1": 1}, "its members went with it"
    for operation, body in [("delete_member_group", None), ("show_details_of_member_group", None), ("update_member_group", {"member_group_name": "x"})]:
        sdk.refused(400, "APIG.2012", operation, body, vpc_channel_id=made.id, member_group_id=first.member_group_id)
    sdk.refused(400, "APIG.2011", "update_member_group", {"member_group_name": "<"},
                vpc_channel_id=made.id, member_group_id=second.member_group_id)


def test_group_names_are_unique(sdk, make):
    made = make(member_groups=[{"member_group_name": "a"}, {"member_group_name": "b"}])
    second = sdk.list_member_groups(vpc_channel_id=made.id, member_group_name="b").member_groups[0]
    sdk.refused(409, "APIG.3400", "update_member_group", {"member_group_name": "a"}, vpc_channel_id=made.id,
                member_group_id=second.member_group_id)


def test_groups_must_be_said(call, make):
    made = make()
    for body, parameter in [({}, "member_groups"), ({"member_groups": [{}]}, "member_group_name")]:
        assert call.refused(400, "APIG.2001", "POST", f"/vpc-channels/{made.id}/member-groups", body) == (
            f"The request parameters must be specified, parameter name:{parameter}")


# Health checks -----------------------------------------------------------------------------------

def test_health_check(sdk, call, make):
    made = make()
    path = f"/vpc-channels/{made.id}/health-config"
    assert call.refused(400, "APIG.2001", "PUT", path, {"protocol": "TCP"}) == (
        "The request parameters must be specified, parameter name:threshold_normal")
    first = sdk.update_health_check(vpc_channel_id=made.id, body={
        "protocol": "Tcp", "threshold_normal": 1, "threshold_abnormal": 1, "time_interval": 5})
    assert (first.protocol, first.timeout, first.status, first.vpc_channel_id) == ("Tcp", 4, 1, made.id)
    second = sdk.update_health_check(vpc_channel_id=made.id, body={**CHECK, "method": "HEAD", "port": 81, "timeout": 3, "status": 2})
    assert (second.id, second.protocol, second.method, second.port, second.timeout, second.status) == (first.id, "http", "HEAD", 81, 3, 2)
    assert call.expect(200, "PUT", path, {"time_interval": 20})["path"] == "/health", "what is left out stays"
    assert show(sdk, made).vpc_health_config.time_interval == 20
    sdk.refused(400, "APIG.2011", "update_health_check", {**CHECK, "timeout": 31}, vpc_channel_id=made.id)


# Who uses a channel ------------------------------------------------------------------------------

def through(channel, **more):
    return {"url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": channel.id}, **more}


def test_apis_name_channels(sdk, world, make):
    made, other = make(members=[{"host": "10.0.0.1"}, {"host": "10.0.0.2"}]), make()
    api = world.make_api(publish=False, backend=through(made))
    shown = sdk.show_details_of_api_v2(api_id=api.id).backend_api
    assert (shown.url_domain, shown.vpc_channel_status, shown.vpc_channel_info.vpc_channel_id) == (made.id, 1, made.id)
    assert [entry.id for entry in sdk.list_apis_v2(vpc_channel_name=made.name).apis] == [api.id]
    assert sdk.list_apis_v2(vpc_channel_name=made.name[1:], precise_search="vpc_channel_name").total == 0
    assert sdk.list_apis_v2(vpc_channel_name=other.name).total == 0
    assert sdk.refused(403, "APIG.3414", "delete_vpc_channel_v2", vpc_channel_id=made.id) == (
        "The VPC channel is already being used by another API.")
    definition = world.definition(api.group_id, api.path, backend=through(made, retry_count="2"))
    world.api.refused(400, "APIG.2011", "PUT", f"/apis/{api.id}", definition)
    world.api.expect(200, "PUT", f"/apis/{api.id}", world.definition(api.group_id, api.path, backend=through(made, retry_count="1")))
    world.api.refused(400, "APIG.2011", "PUT", f"/apis/{api.id}", world.definition(
        api.group_id, api.path, backend={**through(made), "vpc_channel_info": {"vpc_channel_id": made.id, "vpc_channel_proxy_host": "a\r\nb: c"}}))
    world.api.expect(200, "PUT", f"/apis/{api.id}", world.definition(api.group_id, api.path))
    sdk.delete_vpc_channel_v2(vpc_channel_id=made.id)
    assert world.api.refused(404, "APIG.3023", "POST", "/apis", world.definition(
        api.group_id, "/other", backend=through(made))) == f"The VPC channel does not exist,id:{made.id}"


def test_plug_ins_name_channels(sdk, world, make):
    made = make()
    third = world.make_plugin("third_auth", {"auth_request": {
        "method": "GET", "protocol": "HTTP", "path": "/", "vpc_channel_enabled": True, "vpc_channel_info": {"vpc_id": made.id}}})
    assert sdk.refused(400, "APIG.3710", "delete_vpc_channel_v2", vpc_channel_id=made.id) == (
        "The VPC channel is being used by another third_auth plugin")
    sdk.delete_plugin(plugin_id=third["plugin_id"])
    content = {"breaker_condition": {"breaker_type": "timeout", "breaker_mode": "counter"}, "downgrade_default": {
        "type": "http-vpc", "http_vpc_info": {"vpc_channel_id": made.id, "scheme": "HTTP", "method": "GET", "path": "/"}}}
    breaker = world.make_plugin("breaker", content)
    sdk.refused(409, "APIG.3400", "delete_vpc_channel_v2", vpc_channel_id=made.id)
    sdk.delete_plugin(plugin_id=breaker["plugin_id"])
    sdk.delete_vpc_channel_v2(vpc_channel_id=made.id)
    world.api.refused(404, "APIG.3023", "POST", "/plugins", {
        "plugin_name": unique("plugin"), "plugin_type": "breaker", "plugin_scope": "global", "plugin_content": json.dumps(content)})


# Channels of a project ---------------------------------------------------------------------------

@pytest.fixture
def fixed_names(world):
    world.feature("vpc_name_modifiable", "off", enable=False)
    yield
    world.feature("vpc_name_modifiable", "on")


def test_project_channels(sdk, fixed_names):
    instance = sdk.instance_id
    body = definition(members=[{"host": "10.0.0.1"}], instance_ids=[instance], vpc_health_config=CHECK)
    [made] = sdk.create_project_vpc_channel(body=body).project_vpc_channels
    assert (made.instance_id, made.name, made.type, made.members[0].host) == (instance, body["name"], "BUILTIN", "10.0.0.1")
    assert made.instance_name and NANOSECONDS.fullmatch(made.create_time)
    sdk.refused(400, "APIG.3208", "create_project_vpc_channel", body)
    [changed] = sdk.update_project_vpc_channel(body={**body, "port": 81}).project_vpc_channels
    assert (changed.id, changed.port) == (made.id, 81)
    [new] = sdk.update_project_vpc_channel(body=definition(instance_ids=[instance])).project_vpc_channels
    assert new.id != made.id, "made where it is missing"
    listed = sdk.list_project_vpc_channels_v2(name=body["name"])
    assert (listed.total, listed.size, listed.project_vpc_channels[0].members) == (1, 1, None)
    assert sdk.list_project_vpc_channels_v2(id=made.id, members_return=True).project_vpc_channels[0].members[0].host == "10.0.0.1"
    assert sdk.list_project_vpc_channels_v2(member_host="10.0.0.1", name=body["name"]).total == 1
    assert sdk.list_project_vpc_channels_v2(name=body["name"][1:], precise_search="name").total == 0
    assert sdk.create_project_vpc_channel_syncs(body={"vpc_channel_id": made.id, "instance_ids": [instance]}).project_vpc_channels == []


def test_project_refusals(sdk, call, fixed_names):
    instance = sdk.instance_id
    path = f"/v2/{call.credentials['project_id']}/apic/vpc-channels"
    body = definition(instance_ids=[instance])
    for method, where, sent, parameter in [
            ("POST", path, {**body, "name": None}, "name"), ("PUT", path, {**body, "name": None}, "name"),
            ("POST", path, {**body, "instance_ids": []}, "instance_ids"), ("POST", path + "/syncs", {"instance_ids": [instance]}, "id")]:
        assert call.refused(400, "APIG.2011", method, where, sent) == (
            f"The request parameters must be specified,parameterName:{parameter}. Please refer to the support documentation")
    sdk.refused(400, "APIG.2011", "create_project_vpc_channel", {**body, "instance_ids": [hex_id() for _ in range(11)]})
    assert sdk.refused(404, "APIG.3030", "create_project_vpc_channel", {**body, "instance_ids": [instance, "0123"]}) == (
        "The instance does not exist;id:0123")
    assert sdk.list_vpc_channels_v2(name=body["name"]).total == 0, "nothing half done"
    sdk.refused(404, "APIG.3023", "create_project_vpc_channel_syncs", {"vpc_channel_id": hex_id(), "instance_ids": [instance]})


def test_project_channels_need_fixed_names(sdk):
    sdk.refused(412, "APIG.3458", "create_project_vpc_channel", definition(instance_ids=[sdk.instance_id]))


# Limits and tags ---------------------------------------------------------------------------------

def test_limits(sdk, make):
    groups = lambda count: [{"member_group_name": f"g{number}"} for number in range(count)]
    labels = lambda count: [{"label_name": f"l{number}", "label_value": "v"} for number in range(count)]
    sdk.refused(400, "APIG.2011", "create_vpc_channel_v2", definition(member_groups=groups(101)))
    assert len(make(member_groups=groups(100)).member_groups) == 100
    made = make(member_groups=[{"member_group_name": "n" * 64, "microservice_labels": labels(50)}])
    for field, group in [("microservice_labels", {"member_group_name": "g", "microservice_labels": labels(51)}),
                         ("member_group_name", {"member_group_name": "n" * 65}),
                         ("member_group_remark", {"member_group_name": "g", "member_group_remark": "r" * 256}),
                         ("microservice_version", {"member_group_name": "g", "microservice_version": "v" * 65})]:
        assert field in sdk.refused(400, "APIG.2011", "create_member_group", {"member_groups": [group]}, vpc_channel_id=made.id)
    sdk.refused(400, "APIG.2012", "adding_backend_instances_v2", {"members": [{"host": "h" * 65}]}, vpc_channel_id=made.id)
    sdk.refused(400, "APIG.2011", "update_health_check", {**CHECK, "path": "/" + "p" * 512}, vpc_channel_id=made.id)
    sdk.refused(400, "APIG.2011", "update_health_check", {**CHECK, "http_code": ",".join(["200"] * 65)}, vpc_channel_id=made.id)


def test_the_tag_of_a_channel_changes_with_its_parts(call):
    made = call.expect(201, "POST", "/vpc-channels", definition(members=[{"host": "10.0.0.1"}]))
    path = f"/vpc-channels/{made['id']}"
    tag = lambda: call.get(path).headers["ETag"]
    tags = [tag()]
    call.expect(201, "POST", path + "/members", {"members": [{"host": "10.0.0.2"}]})
    tags.append(tag())
    call.expect(201, "POST", path + "/member-groups", {"member_groups": [{"member_group_name": "g"}]})
    tags.append(tag())
    call.expect(200, "PUT", path + "/health-config", CHECK)
    tags.append(tag())
    assert len(set(tags)) == 4 and tag() == tags[-1]
    call.refused(412, "APIG.3400", "PUT", path, definition(name=made["name"]), headers={"If-Match": tags[0]})


# Who may -----------------------------------------------------------------------------------------

def test_credentials(sdk, call):
    stranger = Call({**call.credentials, "secret_key": "x" * 32}, call.address)
    assert stranger.refused(401, "APIG.1002", "POST", "/vpc-channels", definition()) == "Incorrect token or token resolution failed"
    sdk.refused(404, "APIG.3030", "create_vpc_channel_v2", definition(), instance_id="f0fa1789-3b76-433b-a787-9892951c620e")


@pytest.mark.parametrize("method, path, body", [
    ("POST", "", definition()), ("PUT", "/{id}", definition()), ("DELETE", "/{id}", None), ("PUT", "/{id}/health-config", CHECK),
    ("POST", "/{id}/members", {"members": []}), ("PUT", "/{id}/members", {"members": []}), ("DELETE", "/{id}/members/{id}", None),
    ("POST", "/{id}/members/batch-enable", {"member_ids": []}), ("POST", "/{id}/members/batch-disable", {"member_ids": []}),
    ("POST", "/{id}/member-groups", {"member_groups": []}), ("PUT", "/{id}/member-groups/{id}", {"member_group_name": "g"}),
    ("DELETE", "/{id}/member-groups/{id}", None)])
def test_readers_change_nothing(make_user, method, path, body):  # noqa: F811
    _, reader = make_user("reader")
    assert reader.refused(403, "APIG.1005", method, "/vpc-channels" + path.replace("{id}", hex_id()), body) == (
        "No permissions to request this method")


def test_readers_read(make_user, make, call):  # noqa: F811
    _, reader = make_user("reader")
    made = make()
    project = f"/v2/{call.credentials['project_id']}/apic/vpc-channels"
    for path in ("/vpc-channels", f"/vpc-channels/{made.id}", f"/vpc-channels/{made.id}/members", f"/vpc-channels/{made.id}/member-groups", project):
        assert reader.get(path).status == 200, path
    for method, path in (("POST", project), ("PUT", project), ("POST", project + "/syncs")):
        reader.refused(403, "APIG.1005", method, path, definition(instance_ids=[call.credentials["instance_id"]]))


OPERATIONS = [
    ("create_vpc_channel_v2", definition(), {}), ("list_vpc_channels_v2", None, {}),
    ("show_details_of_vpc_channel_v2", None, {"vpc_channel_id"}), ("update_vpc_channel_v2", definition(), {"vpc_channel_id"}),
    ("delete_vpc_channel_v2", None, {"vpc_channel_id"}), ("update_health_check", CHECK, {"vpc_channel_id"}),
    ("adding_backend_instances_v2", {"members": []}, {"vpc_channel_id"}), ("list_backend_instances_v2", None, {"vpc_channel_id"}),
    ("update_backend_instances_v2", {"members": []}, {"vpc_channel_id"}),
    ("delete_backend_instance_v2", None, {"vpc_channel_id", "member_id"}),
    ("batch_enable_members", {"member_ids": []}, {"vpc_channel_id"}), ("batch_disable_members", {"member_ids": []}, {"vpc_channel_id"}),
    ("create_member_group", {"member_groups": []}, {"vpc_channel_id"}), ("list_member_groups", None, {"vpc_channel_id"}),
    ("show_details_of_member_group", None, {"vpc_channel_id", "member_group_id"}),
    ("update_member_group", {"member_group_name": "g"}, {"vpc_channel_id", "member_group_id"}),
    ("delete_member_group", None, {"vpc_channel_id", "member_group_id"})]


@pytest.mark.parametrize("operation, body, names", OPERATIONS)
def test_unknown_instances_and_channels(sdk, operation, body, names):
    ids = {name: hex_id() for name in names}
    assert sdk.refused(404, "APIG.3030", operation, body, instance_id="f0fa1789-3b76-433b-a787-9892951c620e", **ids) == (
        "The instance does not exist;id:f0fa1789-3b76-433b-a787-9892951c620e")
    if names:
        assert sdk.refused(404, "APIG.3023", operation, body, **ids) == f"The VPC channel does not exist,id:{ids['vpc_channel_id']}"


@pytest.mark.parametrize("method, path", [("POST", "/vpc-channels"), ("PUT", "/vpc-channels/{id}"), ("POST", "/vpc-channels/{id}/members"),
                                          ("POST", "/vpc-channels/{id}/member-groups"), ("PUT", "/vpc-channels/{id}/health-config")])
def test_bodies_that_are_none(call, make, method, path):
    path = path.replace("{id}", make().id)
    for body in (b"", b"{", b"[]", b'{"name": 1, "members": 1, "member_groups": 1, "protocol": 1}'):
        call.refused(400, "APIG.2000", method, path, raw=body)
