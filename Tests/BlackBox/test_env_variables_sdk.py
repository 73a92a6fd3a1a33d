"""Environment variables through the official SDK, and in force on traffic."""

import pytest

from harness.management import RELEASE
from harness.world import hex_id, unique


@pytest.fixture
def group(world):
    return world.make_group()


def make(sdk, group, name="backend_host", value="localhost", env_id=RELEASE):
    return sdk.create_environment_variable_v2(body={
        "group_id": group["id"], "env_id": env_id, "variable_name": name, "variable_value": value})


def test_life(sdk, group):
    made = make(sdk, group)
    assert (made.variable_name, made.variable_value, made.group_id, made.env_id) == (
        "backend_host", "localhost", group["id"], RELEASE)
    assert len(made.id) == 32
    assert sdk.show_details_of_environment_variable_v2(env_variable_id=made.id).variable_value == "localhost"
    changed = sdk.update_environment_variable_v2(env_variable_id=made.id, body={"variable_value": "10.0.0.1:8080"})
    assert (changed.variable_name, changed.variable_value) == ("backend_host", "10.0.0.1:8080")
    sdk.delete_environment_variable_v2(env_variable_id=made.id)
    assert sdk.refused(404, "APIG.3011", "show_details_of_environment_variable_v2", env_variable_id=made.id) == (
        f"The environment variable does not exist, id: {made.id}")
    sdk.refused(404, "APIG.3011", "delete_environment_variable_v2", env_variable_id=made.id)
    sdk.refused(404, "APIG.3011", "update_environment_variable_v2", {"variable_value": "x"}, env_variable_id=made.id)


def test_list(sdk, world, group):
    environment = world.make_environment()
    first, second = make(sdk, group, "host_one"), make(sdk, group, "host_two")
    third = make(sdk, group, "Host_two", env_id=environment["id"])
    everything = sdk.list_environment_variables_v2(group_id=group["id"])
    assert [entry.id for entry in everything.variables] == [third.id, second.id, first.id], "newest first"
    page = sdk.list_environment_variables_v2(group_id=group["id"], offset=1, limit=1)
    assert (page.total, page.size, page.variables[0].id) == (3, 1, second.id)
    assert sdk.list_environment_variables_v2(group_id=group["id"], env_id=environment["id"]).total == 1
    assert sdk.list_environment_variables_v2(group_id=group["id"], variable_name="TWO").total == 2
    for name in ("variable_name", "name"):
        found = sdk.list_environment_variables_v2(group_id=group["id"], variable_name="host_two", precise_search=name)
        assert [entry.id for entry in found.variables] == [second.id]
    sdk.refused(404, "APIG.3001", "list_environment_variables_v2", group_id=hex_id())
    sdk.refused(404, "APIG.3003", "list_environment_variables_v2", group_id=group["id"], env_id=hex_id())
    sdk.refused(400, "APIG.2012", "list_environment_variables_v2", group_id=group["id"], limit=501)


def test_list_needs_a_group(call):
    assert call.refused(400, "APIG.2001", "GET", "/env-variables").startswith(
        "The request parameters must be specified,parameterName:group_id")


@pytest.mark.parametrize("name", ["ab", "a" * 33, "1host", "a.b", "höst", "a b"])
def test_bad_names(sdk, group, name):
    assert sdk.refused(400, "APIG.2012", "create_environment_variable_v2", {
        "group_id": group["id"], "env_id": RELEASE, "variable_name": name, "variable_value": "x"}) == (
            "Invalid parameter value,parameterName:variable_name")


@pytest.mark.parametrize("value", ["a" * 256, "a b", "a?b", "#other#", "{x}", "ä", "a\r\nb"])
def test_bad_values(sdk, group, value):
    assert "variable_value" in sdk.refused(400, "APIG.2012", "create_environment_variable_v2", {
        "group_id": group["id"], "env_id": RELEASE, "variable_name": "host", "variable_value": value})


@pytest.mark.parametrize("missing", ["group_id", "env_id", "variable_name", "variable_value"])
def test_all_four_are_needed(call, group, missing):
    body = {"group_id": group["id"], "env_id": RELEASE, "variable_name": "host", "variable_value": "x"}
    del body[missing]
    assert missing in call.refused(400, "APIG.2001", "POST", "/env-variables", body)


def test_unknown_ends(sdk, group):
    unknown = hex_id()
    assert sdk.refused(404, "APIG.3003", "create_environment_variable_v2", {
        "group_id": group["id"], "env_id": unknown, "variable_name": "host", "variable_value": "x"}) == (
            f"Environment {unknown} does not exist")
    sdk.refused(404, "APIG.3001", "create_environment_variable_v2", {
        "group_id": unknown, "env_id": RELEASE, "variable_name": "host", "variable_value": "x"})


def test_names_are_unique_in_group_and_environment(sdk, call, world, group):
    made = make(sdk, group, "host")
    sdk.refused(400, "APIG.3303", "create_environment_variable_v2", {
        "group_id": group["id"], "env_id": RELEASE, "variable_name": "host", "variable_value": "x"})
    make(sdk, world.make_group(), "host")
    make(sdk, group, "host", env_id=world.make_environment()["id"])
    other = make(sdk, group, "Host")
    call.refused(400, "APIG.3303", "PUT", f"/env-variables/{other.id}", {"variable_name": "host", "variable_value": "x"})
    renamed = call.expect(200, "PUT", f"/env-variables/{made.id}", {"variable_name": "host_new"})
    assert (renamed["variable_name"], renamed["variable_value"]) == ("host_new", "localhost")
    call.refused(400, "APIG.2012", "PUT", f"/env-variables/{made.id}", {"group_id": hex_id(), "variable_value": "x"})


def test_quota(sdk, group):
    for number in range(50):
        make(sdk, group, f"name_{number}")
    sdk.refused(403, "APIG.3106", "create_environment_variable_v2", {
        "group_id": group["id"], "env_id": RELEASE, "variable_name": "one_more", "variable_value": "x"})


def test_go_with_group_and_environment(sdk, world, group):
    environment = world.make_environment()
    there = make(sdk, group, "host", env_id=environment["id"])
    here = make(sdk, group, "host")
    sdk.delete_environment_v2(env_id=environment["id"])
    sdk.refused(404, "APIG.3011", "show_details_of_environment_variable_v2", env_variable_id=there.id)
    sdk.delete_api_group_v2(group_id=group["id"])
    sdk.refused(404, "APIG.3011", "show_details_of_environment_variable_v2", env_variable_id=here.id)


# On traffic -----------------------------------------------------------------------------------


def variable_api(world, group, **backend):
    return world.make_api(group=group, publish=False, backend={
        "url_domain": "#backend_host#:#port#", "req_uri": "/#stage#/x", **backend})


def test_a_missing_variable_refuses_publication(sdk, world, call, group):
    api = variable_api(world, group)
    make(sdk, group, "backend_host", "127.0.0.1")
    make(sdk, group, "port", str(world.backend.port))
    assert call.refused(404, "APIG.3011", "POST", "/apis/action", {
        "action": "online", "env_id": RELEASE, "api_id": api.id}) == "The environment variable does not exist, id: stage"
    assert world.call(api).status == 404
    batch = sdk.batch_publish_or_offline_api_v2(action="online", body={"apis": [api.id], "env_id": RELEASE})
    assert [failure.error_code for failure in batch.failure] == ["APIG.3011"]


def test_a_changed_value_is_in_force_at_once(sdk, world, group):
    make(sdk, group, "backend_host", "127.0.0.1")
    make(sdk, group, "port", str(world.backend.port))
    stage = make(sdk, group, "stage", "blue")
    api = variable_api(world, group)
    world.publish(api)
    wire = world.connect()
    for value in ("blue", "green/deep", "v1.2:3"):
        sdk.update_environment_variable_v2(env_variable_id=stage.id, body={"variable_value": value})
        assert world.call(api, wire=wire).status == 200
        assert world.backend.requests[-1].path == f"/{value}/x"
        assert world.backend.requests[-1].one("Host") == world.backend.address


def test_removal_keeps_the_value_in_force(sdk, world, call, group):
    make(sdk, group, "backend_host", "127.0.0.1")
    make(sdk, group, "port", str(world.backend.port))
    stage = make(sdk, group, "stage", "blue")
    api = variable_api(world, group)
    world.publish(api)
    sdk.delete_environment_variable_v2(env_variable_id=stage.id)
    world.call(api)
    assert world.backend.requests[-1].path == "/blue/x"
    call.refused(404, "APIG.3011", "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": api.id})
    make(sdk, group, "stage", "again")
    world.call(api)
    assert world.backend.requests[-1].path == "/again/x", "a variable of the name is there again"


def test_values_differ_by_environment(sdk, world, group):
    environment = world.make_environment()
    for env_id, value in ((RELEASE, "release"), (environment["id"], "other")):
        make(sdk, group, "backend_host", "127.0.0.1", env_id)
        make(sdk, group, "port", str(world.backend.port), env_id)
        make(sdk, group, "stage", value, env_id)
    api = variable_api(world, group)
    world.publish(api)
    world.publish(api, environment["id"])
    world.call(api)
    assert world.backend.requests[-1].path == "/release/x"
    world.call(api, headers=[("X-Stage", environment["name"])])
    assert world.backend.requests[-1].path == "/other/x"


def test_a_value_that_makes_no_address_is_refused(sdk, world, call, group):
    make(sdk, group, "backend_host", "127.0.0.1")
    port = make(sdk, group, "port", str(world.backend.port))
    make(sdk, group, "stage", "x")
    api = variable_api(world, group)
    world.publish(api)
    message = call.refused(400, "APIG.2012", "PUT", f"/env-variables/{port.id}", {"variable_value": "99999"})
    assert "url_domain" in message
    assert world.call(api).status == 200
    assert sdk.show_details_of_environment_variable_v2(env_variable_id=port.id).variable_value == str(world.backend.port)


def test_values_survive_a_restart(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    group = world.make_group()
    for name, value in (("backend_host", "127.0.0.1"), ("port", str(world.backend.port)), ("stage", "kept")):
        made = world.api.expect(201, "POST", "/env-variables", {
            "group_id": group["id"], "env_id": RELEASE, "variable_name": name, "variable_value": value})
    api = variable_api(world, group)
    world.publish(api)
    world.api.expect(204, "DELETE", f"/env-variables/{made['id']}")
    program.kill()
    again = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert again.call(api).status == 200
    assert world.backend.requests[-1].path == "/kept/x"
