"""Counts and statistics of groups, which APIG clients alone ask for."""

from __future__ import annotations

from harness.management import RELEASE
from harness.world import hex_id, unique


def instance(apig):
    """A gateway with nothing in it but its default group."""
    return apig.create_instance_v2(body={"instance_name": unique("outline"), "spec_id": "BASIC"}).instance_id


def test_counts(apig):
    own = {"instance_id": instance(apig)}

    def apis():
        found = apig.list_api_quantities_v2(**own)
        return found.instance_num, found.nums_on_release, found.nums_off_release

    def groups():
        found = apig.list_api_groups_quantities_v2(**own)
        return found.onsell_nums, found.offsell_nums

    def apps():
        found = apig.list_app_quantities_v2(**own)
        return found.authed_nums, found.unauthed_nums

    assert (apis(), groups(), apps()) == ((0, 0, 0), (0, 1), (0, 0))
    group = apig.create_api_group_v2(body={"name": unique("group")}, **own)
    made = [apig.create_api_v2(body={
        "name": unique("api"), "type": 1, "req_protocol": "BOTH", "req_method": "GET", "req_uri": f"/{name}", "auth_type": "APP",
        "match_mode": "NORMAL", "backend_type": "MOCK", "group_id": group.id, "mock_info": {"result_content": "{}"}}, **own)
        for name in ("a", "b")]
    environment = apig.create_environment_v2(body={"name": unique("env")}, **own)
    for env_id in (RELEASE, environment.id):
        apig.create_or_delete_publish_record_for_api_v2(
            body={"action": "online", "api_id": made[0].id, "env_id": env_id}, **own)
    assert (apis(), groups()) == ((2, 1, 1), (0, 2)), "an API in two environments is one"
    first, second = (apig.create_an_app_v2(body={"name": unique("app")}, **own) for _ in range(2))
    apig.create_authorizing_apps_v2(body={
        "env_id": RELEASE, "app_ids": [first.id], "api_ids": [api.id for api in made]}, **own)
    assert apps() == (1, 1)
    apig.create_or_delete_publish_record_for_api_v2(body={"action": "offline", "api_id": made[0].id, "env_id": RELEASE}, **own)
    assert apis() == (2, 1, 1)
    apig.create_or_delete_publish_record_for_api_v2(
        body={"action": "offline", "api_id": made[0].id, "env_id": environment.id}, **own)
    assert apis() == (2, 0, 2)


def test_statistics_of_a_group(apig, world):
    group, other = world.make_group(), world.make_group()
    apis = [world.make_mock(group=group), world.make_mock(group=group, status=404), world.make_mock(group=other)]
    for api in apis:
        for _ in range(3):
            world.call(api)
    found = apig.list_lately_group_statistics_v2(group_id=group["id"])
    assert found.code == "APIG.0000" and found.end_time - found.start_time == 3600
    assert [sum(getattr(element, name) for element in found.list) for name in (
        "req_count", "req_count2xx", "req_count4xx", "req_count5xx", "req_count_error")] == [6, 3, 3, 0, 3]
    assert {element.group_id for element in found.list} == {group["id"]}
    assert apig.list_lately_group_statistics_v2(group_id=world.make_group()["id"]).list == []


def test_refusals(apig):
    unknown = hex_id()
    apig.refused(404, "APIG.3001", "list_lately_group_statistics_v2", group_id=unknown)
    apig.refused(400, "APIG.2012", "list_lately_group_statistics_v2", group_id="a b")
    for operation in ("list_api_quantities_v2", "list_api_groups_quantities_v2", "list_app_quantities_v2"):
        apig.refused(404, "APIG.3030", operation, instance_id=unknown)
