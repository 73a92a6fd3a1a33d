"""The instance, its limits and the list of instances, through the official SDK."""

from __future__ import annotations

import pytest

from harness.world import hex_id, unique


def limits(sdk) -> dict:
    return {entry.config_name: entry for entry in sdk.list_project_cofigs_v2(limit=500).configs}


def test_list(sdk, gatehouse):
    listed = sdk.check_roma_instance_list_v2()
    assert listed.total >= 1 and listed.size == len(listed.instances)
    own = next(entry for entry in listed.instances if entry.id == sdk.instance_id)
    assert (own.project_id, own.status) == (gatehouse.credentials["project_id"], "RUNNING")
    assert sdk.check_roma_instance_list_v2(status="RUNNING").total == listed.total
    assert sdk.check_roma_instance_list_v2(status="CREATING").total == 0
    assert sdk.check_roma_instance_list_v2(offset=100).instances == []


@pytest.mark.parametrize("query", [{"limit": 101}, {"offset": 101}, {"limit": -1}, {"status": "no"}])
def test_list_refuses_what_is_out_of_range(call, query):
    path = f"/v2/{call.credentials['project_id']}/instances"
    call.refused(400, "ROMA.00013000", "GET", path, query=query)


def test_list_of_another_project(call):
    call.refused(403, "ROMA.00012000", "GET", f"/v2/{hex_id()}/instances")
    call.refused(401, "ROMA.00012000", "GET", f"/v2/{call.credentials['project_id']}/instances", authenticate=False)


def test_restriction(sdk):
    answer = sdk.show_restriction_of_instance_v2()
    assert answer.restrict_cidrs == []
    sdk.refused(404, "APIC.7302", "show_restriction_of_instance_v2", instance_id=hex_id())


def test_limits_are_real_and_count(sdk, world):
    before = limits(sdk)
    assert before["API_NUM_LIMIT"].config_value.isdigit() and before["API_NUM_LIMIT"].config_id.isdigit()
    group = world.make_group()
    world.make_api(group=group)
    world.make_sign()
    after = limits(sdk)
    grown = {name: after[name].used - before[name].used for name in after}
    assert [grown[name] for name in ("API_NUM_LIMIT", "APIGROUP_NUM_LIMIT", "SIGN_NUM_LIMIT", "ACL_NUM_LIMIT")] == [1, 1, 1, 0]


def test_limits_are_paged(sdk):
    whole = sdk.list_project_cofigs_v2(limit=500)
    page = sdk.list_project_cofigs_v2(offset=1, limit=2)
    assert (page.total, page.size) == (whole.total, 2)
    assert [entry.config_name for entry in page.configs] == [entry.config_name for entry in whole.configs[1:3]]
    sdk.refused(404, "APIG.3030", "list_project_cofigs_v2", instance_id=hex_id())


def test_a_limit_of_the_settings_file_is_shown_and_enforced(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse(settings={"quotas": {"environments": 2}}))
    shown = world.api.expect(200, "GET", "/project/configs", query={"limit": 500})["configs"]
    assert [(e["config_value"], e["used"]) for e in shown if e["config_name"] == "ENVIRONMENT_NUM_LIMIT"] == [("2", 1)]
    world.make_environment()
    world.api.refused(403, "APIG.3104", "POST", "/envs", {"name": unique("env")})
