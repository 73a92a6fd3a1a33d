"""API groups and environments through the official SDK."""

import pytest

from harness.management import RELEASE
from harness.world import hex_id, unique


@pytest.fixture
def group(sdk):
    return sdk.create_api_group_v2(body={"name": unique("group"), "remark": "first"})


def test_create_group(sdk):
    name = unique("group")
    made = sdk.create_api_group_v2(body={"name": name, "remark": "a group"})
    assert (made.name, made.remark, made.status, made.on_sell_status, made.is_default, made.version) == (
        name, "a group", 1, 2, 2, "V1")
    assert made.sl_domain == f"{made.id}.apic.localhost" and made.sl_domain in made.sl_domains


@pytest.mark.parametrize("name", ["ab", "a" * 256, "with blank", "_first", "<script>"])
def test_create_group_bad_name(sdk, name):
    message = sdk.refused(400, "APIG.2011", "create_api_group_v2", {"name": name})
    assert message == "Invalid parameter value,parameterName:name. Please refer to the support documentation"


def test_create_group_twice(sdk, group):
    assert sdk.refused(400, "APIG.3201", "create_api_group_v2", {"name": group.name}) == (
        "The API group name already exists")


def test_show_and_update_group(sdk, group):
    shown = sdk.show_details_of_api_group_v2(group_id=group.id)
    assert (shown.id, shown.name, shown.remark) == (group.id, group.name, "first")
    name = unique("renamed")
    changed = sdk.update_api_group_v2(group_id=group.id, body={"name": name, "remark": "second"})
    assert (changed.id, changed.name, changed.remark) == (group.id, name, "second")
    assert sdk.show_details_of_api_group_v2(group_id=group.id).name == name


def test_update_group_to_a_taken_name(sdk, group):
    other = sdk.create_api_group_v2(body={"name": unique("group")})
    sdk.refused(400, "APIG.3201", "update_api_group_v2", {"name": other.name}, group_id=group.id)
    assert sdk.show_details_of_api_group_v2(group_id=group.id).name == group.name


@pytest.mark.parametrize("operation, body", [
    ("show_details_of_api_group_v2", None), ("update_api_group_v2", {"name": "whatever"}), ("delete_api_group_v2", None)])
def test_unknown_group(sdk, operation, body):
    unknown = hex_id()
    assert sdk.refused(404, "APIG.3001", operation, body, group_id=unknown) == f"API group {unknown} does not exist"


def test_list_groups(sdk):
    common = unique("listed")
    made = [sdk.create_api_group_v2(body={"name": f"{common}_{number}"}).id for number in range(5)]
    page = sdk.list_api_groups_v2(name=common, limit=2)
    assert (page.total, page.size) == (5, 2)
    assert [entry.id for entry in page.groups] == [made[4], made[3]], "newest first"
    seen = []
    for offset in range(0, 6, 2):
        seen += [entry.id for entry in sdk.list_api_groups_v2(name=common, limit=2, offset=offset).groups]
    assert sorted(seen) == sorted(made), "pages lose and repeat nothing"
    beyond = sdk.list_api_groups_v2(name=common, offset=50)
    assert (beyond.total, beyond.size, beyond.groups) == (5, 0, [])
    assert sdk.list_api_groups_v2(name=common.upper()).total == 5, "case does not matter"
    assert sdk.list_api_groups_v2(name=common, precise_search="name").total == 0
    assert sdk.list_api_groups_v2(name=f"{common}_1", precise_search="name").total == 1
    assert sdk.list_api_groups_v2(id=made[2]).groups[0].id == made[2]


def test_default_group_is_there_and_stays(sdk):
    found = sdk.list_api_groups_v2(name="DEFAULT", precise_search="name").groups
    assert len(found) == 1 and found[0].is_default == 1
    with pytest.raises(sdk.Refusal):
        sdk.delete_api_group_v2(group_id=found[0].id)


def test_check_group_name(sdk, group):
    sdk.check_api_groups_v2(body={"group_name": unique("free")})
    sdk.refused(400, "APIG.3201", "check_api_groups_v2", {"group_name": group.name})


def test_delete_group(sdk, world):
    group = sdk.create_api_group_v2(body={"name": unique("group")})
    api = world.make_api(group={"id": group.id}, publish=False)
    assert sdk.refused(412, "APIG.3415", "delete_api_group_v2", group_id=group.id) == (
        f"The API group cannot be deleted because it contains APIs,id:{group.id}")
    sdk.delete_api_v2(api_id=api.id)
    sdk.delete_api_group_v2(group_id=group.id)
    sdk.refused(404, "APIG.3001", "show_details_of_api_group_v2", group_id=group.id)


# Environments ----------------------------------------------------------------------------------

@pytest.fixture
def environment(sdk):
    """There may be ten only: each test gives its own back."""
    made = sdk.create_environment_v2(body={"name": unique("env"), "remark": "first"})
    yield made
    try:
        sdk.delete_environment_v2(env_id=made.id)
    except sdk.Refusal:
        pass


def test_create_environment(sdk, environment):
    assert environment.remark == "first" and environment.create_time
    found = sdk.list_environments_v2(name=environment.name)
    assert [entry.id for entry in found.envs] == [environment.id]


@pytest.mark.parametrize("name", ["ab", "a" * 65, "1abc", "with-dash", ""])
def test_create_environment_bad_name(sdk, name):
    message = sdk.refused(400, "APIG.2012", "create_environment_v2", {"name": name})
    assert "parameterName:name" in message


def test_environment_names_are_unique(sdk, environment):
    sdk.refused(400, "APIG.3205", "create_environment_v2", {"name": environment.name})
    sdk.refused(400, "APIG.3205", "create_environment_v2", {"name": "RELEASE"})


def test_update_environment(sdk, environment):
    name = unique("env")
    changed = sdk.update_environment_v2(env_id=environment.id, body={"name": name, "remark": "second"})
    assert (changed.id, changed.name, changed.remark) == (environment.id, name, "second")


def test_release_is_there_and_stays(sdk):
    assert RELEASE in [entry.id for entry in sdk.list_environments_v2(name="RELEASE").envs]
    with pytest.raises(sdk.Refusal):
        sdk.delete_environment_v2(env_id=RELEASE)


def test_unknown_environment(sdk):
    unknown = hex_id()
    text = f"Environment {unknown} does not exist"
    assert sdk.refused(404, "APIG.3003", "delete_environment_v2", env_id=unknown) == text
    assert sdk.refused(404, "APIG.3003", "update_environment_v2", {"name": "whatever"}, env_id=unknown) == text


def test_environment_in_use_stays(sdk, world, environment):
    api = world.make_api(env_id=environment.id)
    sdk.refused(403, "APIG.3418", "delete_environment_v2", env_id=environment.id)
    world.offline(api, environment.id)
    sdk.delete_environment_v2(env_id=environment.id)


def test_ten_environments_at_most(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse())
    for _ in range(9):
        world.make_environment()
    world.api.refused(403, "APIG.3104", "POST", "/envs", {"name": "one_too_many"})
