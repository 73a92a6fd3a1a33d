"""APIs and their publication through the official SDK."""

import pytest

from harness.management import RELEASE
from harness.world import hex_id, unique


@pytest.fixture
def group(world):
    return world.make_group()


@pytest.fixture
def definition(world, group):
    return world.definition(group["id"], f"/{unique('p')}/{{id}}", "GET", req_params=[
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}],
        backend={"req_uri": "/there"}, remark="an API")


@pytest.fixture
def api(sdk, definition):
    return sdk.create_api_v2(body=definition)


def online(sdk, api, env_id=RELEASE):
    return sdk.create_or_delete_publish_record_for_api_v2(
        body={"action": "online", "env_id": env_id, "api_id": api.id})


def offline(sdk, api, env_id=RELEASE):
    return sdk.create_or_delete_publish_record_for_api_v2(
        body={"action": "offline", "env_id": env_id, "api_id": api.id})


def test_create_api_defaults(api, definition, group):
    for field in ("name", "type", "req_protocol", "req_method", "req_uri", "auth_type", "group_id", "remark"):
        assert getattr(api, field) == definition[field], field
    assert (api.match_mode, api.cors, api.status, api.version) == ("NORMAL", False, 1, "V0.0.1")
    assert (api.group_name, api.run_env_id, api.publish_id) == (group["name"], "", "")
    assert api.backend_api.retry_count == "-1" and api.backend_api.timeout == 5000
    assert api.req_params[0].name == "id" and api.req_params[0].required == 1


@pytest.mark.parametrize("change, parameter", [
    ({"name": "x"}, "name"), ({"name": None}, "name"), ({"type": 3}, "type"), ({"req_protocol": "FTP"}, "req_protocol"),
    ({"req_method": "TRACE"}, "req_method"), ({"req_uri": "no-slash"}, "req_uri"), ({"req_uri": "/" + "a" * 512}, "req_uri"),
    ({"auth_type": "MAYBE"}, "auth_type"), ({"backend_type": "FTP"}, "backend_type"), ({"match_mode": "REGEX"}, "match_mode"),
    ({"remark": "r" * 1001}, "remark"), ({"version": "v" * 17}, "version")])
def test_create_api_bad_field(call, definition, change, parameter):
    result = call.post("/apis", {**definition, **change})
    assert result.status == 400 and f"parameterName:{parameter}" in result.message, result.body


@pytest.mark.parametrize("missing", ["name", "type", "req_protocol", "req_method", "req_uri", "auth_type", "backend_type", "group_id"])
def test_create_api_missing_field(call, definition, missing):
    del definition[missing]
    result = call.post("/apis", definition)
    assert result.status == 400 and f"parameterName:{missing}" in result.message, result.body


def test_create_api_names_and_paths_are_unique(sdk, api, definition):
    sdk.refused(400, "APIG.3202", "create_api_v2", {**definition, "req_uri": "/elsewhere/{id}"})
    message = sdk.refused(400, "APIG.3301", "create_api_v2", {
        **definition, "name": unique("api"), "req_uri": definition["req_uri"].replace("{id}", "{other}"),
        "req_params": [{"name": "other", "type": "STRING", "location": "PATH", "required": 1}]})
    assert api.name in message
    sdk.create_api_v2(body={**definition, "name": unique("api"), "req_method": "POST"})


def test_create_api_references(sdk, call, definition):
    unknown = hex_id()
    sdk.refused(404, "APIG.3001", "create_api_v2", {**definition, "group_id": unknown})
    result = call.post("/apis", {**definition, "req_params": []})
    assert (result.status, result.code) == (400, "APIG.2026"), "a path parameter must be declared"
    result = call.post("/apis", {**definition, "backend_params": [
        {"name": "h", "location": "HEADER", "origin": "REQUEST", "value": "nobody"}]})
    assert (result.status, result.code) == (400, "APIG.2028"), "a mapped parameter must be declared"


def test_health_check_path_is_reserved(call, definition):
    assert call.post("/apis", {**definition, "req_uri": "/apic/health_check", "req_params": []}).status == 400


def test_show_update_delete_api(sdk, api, definition):
    shown = sdk.show_details_of_api_v2(api_id=api.id)
    assert (shown.id, shown.backend_api.req_uri) == (api.id, "/there")
    changed = sdk.update_api_v2(api_id=api.id, body={**definition, "remark": "changed", "req_method": "POST"})
    assert (changed.id, changed.remark, changed.req_method) == (api.id, "changed", "POST")
    sdk.delete_api_v2(api_id=api.id)
    assert sdk.refused(404, "APIG.3002", "show_details_of_api_v2", api_id=api.id) == f"API {api.id} does not exist"


def test_unknown_api(sdk, definition):
    unknown = hex_id()
    text = f"API {unknown} does not exist"
    assert sdk.refused(404, "APIG.3002", "show_details_of_api_v2", api_id=unknown) == text
    assert sdk.refused(404, "APIG.3002", "update_api_v2", definition, api_id=unknown) == text
    assert sdk.refused(404, "APIG.3002", "delete_api_v2", api_id=unknown) == text
    assert sdk.refused(404, "APIG.3002", "create_or_delete_publish_record_for_api_v2",
                       {"action": "online", "env_id": RELEASE, "api_id": unknown}) == text


def test_list_apis(sdk, world, group):
    made = [world.make_api(f"/listed/{number}", method, group=group, publish=False)
            for number, method in enumerate(["GET", "POST", "GET"])]

    def ids(**filters):
        return [entry.id for entry in sdk.list_apis_v2(group_id=group["id"], **filters).apis]

    assert ids() == [api.id for api in reversed(made)]
    assert ids(req_method="GET") == [made[2].id, made[0].id]
    assert ids(req_uri="/listed/1") == [made[1].id]
    assert ids(req_uri="listed") == [api.id for api in reversed(made)]
    assert ids(req_uri="listed", precise_search="req_uri") == []
    assert ids(name=made[1].definition["name"], precise_search="name") == [made[1].id]
    assert ids(auth_type="APP") == [] and ids(type=2) == [] and ids(req_protocol="BOTH") != []
    assert ids(env_id=RELEASE) == []
    world.publish(made[0])
    assert ids(env_id=RELEASE) == [made[0].id]


def test_check_api(sdk, api, group, definition):
    sdk.check_apis_v2(body={"type": "name", "name": unique("free"), "group_id": group["id"]})
    sdk.refused(400, "APIG.3202", "check_apis_v2", {"type": "name", "name": api.name, "group_id": group["id"]})
    sdk.check_apis_v2(body={"type": "name", "name": api.name, "group_id": group["id"], "api_id": api.id})
    path = {"type": "path", "req_method": "GET", "req_uri": definition["req_uri"], "match_mode": "NORMAL", "group_id": group["id"]}
    sdk.refused(400, "APIG.3301", "check_apis_v2", path)
    sdk.check_apis_v2(body={**path, "req_method": "DELETE"})


# Publication -----------------------------------------------------------------------------------

def test_publish_and_offline(sdk, world, api):
    path = api.req_uri.replace("{id}", "1")

    def status():
        return world.call(api, target=path, host=f"{api.group_id}.apic.localhost").status

    assert status() == 404
    done = online(sdk, api)
    assert (done.api_id, done.env_id) == (api.id, RELEASE) and done.publish_id and done.version_id
    assert status() == 200
    shown = sdk.show_details_of_api_v2(api_id=api.id)
    assert (shown.run_env_id, shown.run_env_name, shown.publish_id) == (RELEASE, "RELEASE", done.publish_id)
    assert sdk.refused(409, "APIG.4016", "delete_api_v2", api_id=api.id) == (
        "The API cannot be deleted because it has been published")
    offline(sdk, api)
    assert status() == 404
    sdk.refused(404, "APIG.3015", "create_or_delete_publish_record_for_api_v2",
                {"action": "offline", "env_id": RELEASE, "api_id": api.id})
    assert online(sdk, api).publish_id == done.publish_id, "bindings survive an offline time"


@pytest.mark.parametrize("body, code", [
    ({"action": "sideways"}, "APIG.2011"), ({"env_id": "0" * 32}, "APIG.3003")])
def test_publish_refusals(sdk, api, body, code):
    sdk.refused(400 if code == "APIG.2011" else 404, code, "create_or_delete_publish_record_for_api_v2",
                {"action": "online", "env_id": RELEASE, "api_id": api.id, **body})


def test_publication_freezes_the_definition(sdk, world):
    api = world.make_api()
    other = f"/{unique('p')}"
    sdk.update_api_v2(api_id=api.id, body={**api.definition, "req_uri": other})
    assert world.call(api).status == 200 and world.call(api, target=other).status == 404
    world.publish(api)
    assert world.call(api).status == 404 and world.call(api, target=other).status == 200


def test_batch_publish(sdk, world, group):
    apis = [world.make_api(group=group, publish=False) for _ in range(3)]
    unknown = hex_id()
    done = sdk.batch_publish_or_offline_api_v2(
        action="online", body={"apis": [apis[0].id, unknown, apis[1].id], "env_id": RELEASE})
    assert sorted(entry.api_id for entry in done.success) == sorted([apis[0].id, apis[1].id])
    assert [(entry.api_id, entry.error_code, entry.error_msg) for entry in done.failure] == [
        (unknown, "APIG.3002", f"Api {unknown} not found")]
    assert [world.call(api).status for api in apis] == [200, 200, 404]
    sdk.batch_publish_or_offline_api_v2(action="offline", body={"apis": [apis[0].id], "env_id": RELEASE})
    assert [world.call(api).status for api in apis] == [404, 200, 404]
    message = sdk.refused(400, "APIG.2011", "batch_publish_or_offline_api_v2", {"apis": [], "env_id": RELEASE}, action="no")
    assert message == 'Invalid parameter value: parameter action should be \\"online\\" or \\"offline\\"'


def test_versions(sdk, world):
    api = world.make_mock("first")
    sdk.update_api_v2(api_id=api.id, body={
        **api.definition, "mock_info": {"result_content": "second", "status_code": 200}})
    online(sdk, api)
    assert world.call(api).body == b"second"
    versions = sdk.list_api_versions_v2(api_id=api.id).api_versions
    assert [entry.status for entry in versions] == [1, 2], "newest first, one effective"
    assert all(len(entry.version_no) == 14 and entry.version_no.isdigit() for entry in versions)
    old = versions[1].version_id
    assert sdk.list_api_version_detail_v2(version_id=old).mock_info.result_content == "first"

    done = sdk.change_api_version_v2(api_id=api.id, body={"version_id": old})
    assert (done.version_id, done.publish_id) == (old, api.publish_id)
    assert world.call(api).body == b"first"
    unknown = hex_id()
    assert sdk.refused(404, "APIG.3022", "change_api_version_v2", {"version_id": unknown}, api_id=api.id) == (
        f"The API version does not exist,id:{unknown}")
    assert sdk.refused(404, "APIG.3022", "list_api_version_detail_v2", version_id=unknown) == (
        f"The API version does not exist,id:{unknown}")

    sdk.delete_api_by_version_id_v2(version_id=old)
    assert world.call(api).status == 404, "deleting the effective version takes the API offline"


def test_ten_versions_are_kept(sdk, world):
    api = world.make_mock("x")
    for _ in range(11):
        online(sdk, api)
    assert sdk.list_api_versions_v2(api_id=api.id).total == 10


def test_versions_per_environment(sdk, world):
    environment = world.make_environment()
    api = world.make_mock("x")
    online(sdk, api, environment["id"])
    assert sdk.list_api_versions_v2(api_id=api.id).total == 2
    found = sdk.list_api_versions_v2(api_id=api.id, env_id=environment["id"]).api_versions
    assert [entry.env_name for entry in found] == [environment["name"]]
    assert sdk.list_api_versions_v2(api_id=api.id, env_name="RELEASE").total == 1
    shown = sdk.show_details_of_api_v2(api_id=api.id)
    assert shown.run_env_name == f"{environment['name']}|RELEASE", "newest publication first"
    offline(sdk, api, environment["id"])
    sdk.delete_environment_v2(env_id=environment["id"])


def test_runtime_definition(sdk, world, call):
    api = world.make_api(remark="in force")
    sdk.update_api_v2(api_id=api.id, body={**api.definition, "remark": "draft"})
    assert sdk.list_api_runtime_definition_v2(api_id=api.id).remark == "in force"
    assert sdk.list_api_runtime_definition_v2(api_id=api.id, env_id=RELEASE).id == api.id
    assert "backend_api" not in call.get(f"/apis/runtime/{api.id}").json()
    world.offline(api)
    sdk.refused(404, "APIG.3015", "list_api_runtime_definition_v2", api_id=api.id)
    sdk.refused(404, "APIG.3002", "list_api_runtime_definition_v2", api_id=hex_id())
