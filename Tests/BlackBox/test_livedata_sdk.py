"""Live-data APIs through the official SDK: definitions, scripts, deployment records, tests, documents."""

import base64
import json
import re

import pytest
import yaml
from huaweicloudsdkcore.http.formdata import FormFile
from huaweicloudsdkroma.v2 import ImportLiveDataApiDefinitionsV2RequestBody

from harness.management import Call
from harness.world import hex_id, unique

SCRIPT = base64.b64encode(b"return 'hello'").decode()
SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def invalid(field: str) -> str:
    return f"Invalid parameter value,parameterName:{field}. Please refer to the support documentation"


def file(answer) -> bytes:
    """The content of an answer that the SDK leaves as a stream."""
    parts: list[bytes] = []
    answer.consume_download_stream(lambda response: parts.append(response.content))
    return parts[0]


def definition(app, **fields) -> dict:
    return {
        "name": unique("livedata"), "path": "/" + unique("orders"), "method": "GET", "version": "1.0.1",
        "content_type": "json", "roma_app_id": app.id, **fields}


@pytest.fixture
def app(sdk):
    return sdk.create_roma_app(body={"name": unique("app")})


@pytest.fixture
def api(sdk, app):
    return sdk.create_live_data_api_v2(body=definition(app))


@pytest.fixture
def scripted(sdk, api):
    return sdk.create_live_data_api_script_v2(ld_api_id=api.id, body={
        "api_type": "function", "scripts": [{"object_name": "result", "content": SCRIPT, "type": "function"}]})


@pytest.fixture
def import_file(sdk, tmp_path):
    """Imports a text; gives the answer."""
    def send(text: str, **fields):
        path = tmp_path / f"{unique('document')}.json"
        path.write_text(text, encoding="utf-8")
        body = ImportLiveDataApiDefinitionsV2RequestBody(file_name=FormFile(str(path)), **fields)
        return sdk.import_live_data_api_definitions_v2(body=body)

    return send


# Definitions --------------------------------------------------------------------------------------
def test_create_and_read_back(sdk, app):
    key = sdk.create_signature_key_v2(body={"name": unique("sign")})
    parameters = [
        {"name": "X-Kind", "in": "Headers", "required": True, "description": "which kind"},
        {"name": "page", "in": "Parameters", "default": "1", "required": False},
        {"name": "application/json", "in": "Body", "required": False}]
    wanted = definition(
        app, name="订单" + unique("list"), description="all orders", api_signature_id=key.id,
        return_format=True, content_type="xml", method="POST")
    made = sdk.create_live_data_api_v2(body={**wanted, "parameters": parameters})
    assert re.fullmatch("[0-9a-f]{32}", made.id)
    read = sdk.show_live_data_api_v2(ld_api_id=made.id)
    for field, value in wanted.items():
        assert getattr(made, field) == getattr(read, field) == value, field
    assert (read.status, read.type, read.scripts, read.instance) == (1, "", [], sdk.instance_id)
    assert read.roma_app_name == app.name
    assert [(p.name, p._in, p.required) for p in read.parameters] == [
        (p["name"], p["in"], p["required"]) for p in parameters]
    assert read.parameters[1].default == "1"
    assert re.fullmatch(SECONDS, str(read.created_time)) and made.created_time == read.created_time
    # The key counts where it is used, and goes without a trace.
    assert sdk.list_signature_keys_v2(id=key.id).signs[0].ldapi_bind_num == 1
    sdk.delete_signature_key_v2(sign_id=key.id)
    assert sdk.show_live_data_api_v2(ld_api_id=made.id).api_signature_id is None


def test_update_keeps_what_is_not_said(sdk, call, app, api):
    name = unique("renamed")
    changed = call.expect(200, "PUT", f"/livedata-apis/{api.id}", {"name": name})
    assert (changed["name"], changed["path"], changed["method"]) == (name, api.path, "GET")
    other = sdk.create_roma_app(body={"name": unique("app")})
    wanted = definition(other, method="PUT", content_type="stream", version="2")
    changed = sdk.update_live_data_api_v2(ld_api_id=api.id, body=wanted)
    read = sdk.show_live_data_api_v2(ld_api_id=api.id)
    for field, value in wanted.items():
        assert getattr(changed, field) == getattr(read, field) == value
    assert read.created_time == api.created_time


def test_list_filters_and_pages(sdk, app):
    made = [sdk.create_live_data_api_v2(body=definition(app)) for _ in range(3)]
    listed = sdk.list_live_data_api_v2(app_id=app.id)
    # Newest first.
    assert (listed.total, listed.size, [one.id for one in listed.apis]) == (3, 3, [one.id for one in reversed(made)])
    assert all(one.roma_app_name == app.name for one in listed.apis)
    pages = [sdk.list_live_data_api_v2(app_id=app.id, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [page.size for page in pages] == [2, 1, 0] and {page.total for page in pages} == {3}
    assert [one.id for page in pages for one in page.apis] == [one.id for one in listed.apis]

    def found(**query):
        return [one.id for one in sdk.list_live_data_api_v2(**query).apis]

    part = made[1].name[3:].upper()
    assert found(name=part) == [made[1].id] and found(name=part, precise_search="name") == []
    assert found(name=made[1].name, precise_search="name,path") == [made[1].id]
    assert found(path=made[2].path[1:]) == [made[2].id] and found(path=made[2].path[1:], precise_search="path") == []
    assert found(app_name=app.name, status="1") == [one.id for one in reversed(made)]
    assert found(app_name=app.name, status="3") == [] and found(app_id=hex_id()) == []


def test_names_and_requests_are_unique_in_an_application(sdk, app, api):
    assert sdk.refused(400, "APIG.3215", "create_live_data_api_v2", definition(app, name=api.name)) == (
        "The livedata API name already exists")
    sdk.refused(400, "APIG.3215", "create_live_data_api_v2", definition(app, path=api.path))
    sdk.create_live_data_api_v2(body=definition(app, path=api.path, method="DELETE"))
    other = sdk.create_roma_app(body={"name": unique("app")})
    twin = sdk.create_live_data_api_v2(body=definition(other, name=api.name, path=api.path))
    sdk.refused(400, "APIG.3215", "update_live_data_api_v2", definition(app, name=api.name), ld_api_id=twin.id)


def test_check(sdk, app, api):
    sdk.check_livedata_apis_v2(body={"type": "name", "ld_api_name": unique("free"), "roma_app_id": app.id})
    sdk.check_livedata_apis_v2(body={
        "type": "path", "ld_api_path": api.path, "ld_api_method": "POST", "roma_app_id": app.id})
    assert sdk.refused(400, "APIG.3215", "check_livedata_apis_v2", {
        "type": "name", "ld_api_name": api.name, "roma_app_id": app.id}) == "The livedata API name already exists"
    sdk.refused(400, "APIG.3215", "check_livedata_apis_v2", {
        "type": "path", "ld_api_path": api.path, "ld_api_method": "GET", "roma_app_id": app.id})
    sdk.refused(400, "APIG.2001", "check_livedata_apis_v2", {"type": "name"})
    sdk.refused(400, "APIG.2001", "check_livedata_apis_v2", {"type": "path", "ld_api_path": "/a"})
    sdk.refused(400, "APIG.2011", "check_livedata_apis_v2", {"type": "other"})
    sdk.refused(404, "APIG.3030", "check_livedata_apis_v2", {"type": "name", "ld_api_name": "n"}, instance_id=hex_id())


@pytest.mark.parametrize("change, field", [
    ({"name": "a"}, "name"), ({"name": "n" * 101}, "name"), ({"name": "a b c"}, "name"), ({"path": "orders"}, "path"),
    ({"path": "/a b"}, "path"), ({"path": "/" + "p" * 256}, "path"), ({"method": "PATCH"}, "method"),
    ({"version": ""}, "version"), ({"version": "v" * 64}, "version"), ({"content_type": "text"}, "content_type"),
    ({"description": "<b>"}, "description"), ({"description": "d" * 1001}, "description"),
    ({"parameters": [{"name": "1a", "in": "Headers"}]}, "name"), ({"parameters": [{"name": "a", "in": "Cookies"}]}, "in"),
    ({"parameters": [{"name": "a", "in": "Headers", "default": "d" * 4001}]}, "default")])
def test_refused_fields(call, app, change, field):
    assert call.refused(400, "APIG.2011", "POST", "/livedata-apis", {**definition(app), **change}) == invalid(field)


def test_other_refusals(sdk, call, app, api):
    for field in ("name", "path", "method", "version", "roma_app_id"):
        body = {name: value for name, value in definition(app).items() if name != field}
        call.refused(400, "APIG.2001", "POST", "/livedata-apis", body)
    call.refused(403, "APIG.3111", "POST", "/livedata-apis", definition(
        app, parameters=[{"name": f"p{n}", "in": "Headers"} for n in range(51)]))
    call.refused(400, "APIG.3209", "POST", "/livedata-apis", definition(
        app, parameters=[{"name": "p", "in": "Headers"}, {"name": "P", "in": "Headers"}]))
    sdk.refused(404, "APIG.3004", "create_live_data_api_v2", {**definition(app), "roma_app_id": hex_id()})
    sdk.refused(404, "APIG.3017", "create_live_data_api_v2", definition(app, api_signature_id=hex_id()))
    sdk.refused(404, "APIG.3030", "create_live_data_api_v2", definition(app), instance_id=hex_id())
    call.refused(400, "APIG.2000", "POST", "/livedata-apis", raw=b"{")
    call.refused(401, "APIG.1000", "GET", "/livedata-apis", authenticate=False)
    call.refused(401, "APIG.1002", "GET", "/livedata-apis", authenticate=False, headers={"X-Auth-Token": "nobody"})
    call.refused(400, "APIG.2011", "GET", "/livedata-apis", query={"status": "2"})
    sdk.refused(400, "APIG.2012", "list_live_data_api_v2", limit=501)
    unknown = hex_id()
    missing = f"The livedata API does not exist, id: {unknown}"
    for operation, body in (
        ("show_live_data_api_v2", None), ("delete_live_data_api_v2", None), ("update_live_data_api_v2", definition(app)),
        ("create_live_data_api_script_v2", {"api_type": "function", "scripts": []}),
        ("publish_live_data_api_v2", {"deploy_front_api": False}), ("unpublish_live_data_api_v2", None),
        ("list_live_data_api_deployment_history_v2", None), ("debug_live_data_api_v2", {"parameters": []}),
        ("list_live_data_api_test_history_v2", None)):
        assert sdk.refused(404, "APIG.3084", operation, body, ld_api_id=unknown) == missing
    assert sdk.refused(400, "APIG.2011", "show_live_data_api_v2", ld_api_id="a b") == invalid("id")


def test_delete(sdk, app, api):
    sdk.delete_live_data_api_v2(ld_api_id=api.id)
    sdk.refused(404, "APIG.3084", "delete_live_data_api_v2", ld_api_id=api.id)
    assert sdk.list_live_data_api_v2(app_id=app.id).total == 0


def test_an_application_with_an_api_stays(sdk, app, api):
    assert api.name in sdk.refused(400, "ROMA.00013000", "delete_roma_app", app_id=app.id)
    sdk.delete_live_data_api_v2(ld_api_id=api.id)
    sdk.delete_roma_app(app_id=app.id)


# Scripts ------------------------------------------------------------------------------------------
def test_scripts_replace_each_other(sdk, api, scripted):
    assert (scripted.type, scripted.status) == ("function", 3)
    assert [(one.object_name, one.content) for one in scripted.scripts] == [("result", SCRIPT)]
    first = scripted.scripts[0].created_time
    changed = sdk.create_live_data_api_script_v2(ld_api_id=api.id, body={
        "api_type": "function", "scripts": [
            {"object_name": "other", "content": SCRIPT}, {"object_name": "result", "content": SCRIPT}]})
    assert [one.object_name for one in changed.scripts] == ["other", "result"]
    assert changed.scripts[1].created_time == first
    assert str(sdk.show_live_data_api_v2(ld_api_id=api.id)) == str(changed)
    none = sdk.create_live_data_api_script_v2(ld_api_id=api.id, body={"api_type": "function", "scripts": []})
    assert (none.type, none.status, none.scripts) == ("", 1, [])


@pytest.mark.parametrize("body, code, field", [
    ({"api_type": "data", "scripts": [{"object_name": "a", "content": SCRIPT}]}, "APIG.2011", "api_type"),
    ({"api_type": "other", "scripts": []}, "APIG.2011", "api_type"),
    ({"api_type": "function"}, "APIG.2001", "scripts"),
    ({"scripts": [{"object_name": "a", "content": SCRIPT}]}, "APIG.2001", "api_type"),
    ({"api_type": "function", "scripts": [{"content": SCRIPT}]}, "APIG.2001", "object_name"),
    ({"api_type": "function", "scripts": [{"object_name": "1a", "content": SCRIPT}]}, "APIG.2011", "object_name"),
    ({"api_type": "function", "scripts": [{"object_name": "a", "content": "!"}]}, "APIG.2011", "content"),
    ({"api_type": "function", "scripts": [{"object_name": "a", "content": "eHg=" * 25_001}]}, "APIG.2011", "content"),
    ({"api_type": "function", "scripts": [{"object_name": "a", "content": SCRIPT}] * 2}, "APIG.2011", "object_name"),
    ({"api_type": "function", "scripts": [{"object_name": "a", "content": SCRIPT, "ds_id": "d"}]}, "APIG.2011", "ds_id"),
    ({"api_type": "function", "scripts": [{"object_name": "a", "content": SCRIPT, "type": "SQL"}]}, "APIG.2011", "type"),
    ({"api_type": "function", "scripts": [
        {"object_name": "a", "content": SCRIPT, "enable_result_paging": True}]}, "APIG.2011", "enable_result_paging"),
    ({"api_type": "function", "scripts": [
        {"object_name": f"a{n}", "content": SCRIPT} for n in range(11)]}, "APIG.2011", "scripts")])
def test_refused_scripts(call, api, body, code, field):
    message = call.refused(400, code, "POST", f"/livedata-apis/{api.id}/scripts", body)
    assert f"parameterName:{field}" in message


# Deployment ---------------------------------------------------------------------------------------
def test_deployment_records(sdk, app, api, scripted):
    record = sdk.publish_live_data_api_v2(ld_api_id=api.id, body={"deploy_front_api": False, "roma_app_id": app.id})
    assert re.fullmatch("[0-9a-f]{32}", record.id)
    assert (record.ld_api_id, record.api_id, record.group_id, record.env_id) == (api.id, "", "", "")
    assert record.api_definition.scripts[0].content == SCRIPT and re.fullmatch(SECONDS, str(record.deploy_time))
    assert sdk.show_live_data_api_v2(ld_api_id=api.id).status == 4
    # Request and application are fixed now, the rest is not; the record keeps what was deployed.
    fixed = dict(name=api.name, path=api.path)
    for change, field in (({"path": "/other"}, "path"), ({"method": "PUT"}, "method")):
        assert sdk.refused(400, "APIG.2011", "update_live_data_api_v2", definition(
            app, **{**fixed, **change}), ld_api_id=api.id) == invalid(field)
    sdk.update_live_data_api_v2(ld_api_id=api.id, body=definition(app, **fixed, version="3.0.0"))
    sdk.refused(409, "APIG.3400", "delete_live_data_api_v2", ld_api_id=api.id)
    sdk.refused(409, "APIG.3400", "create_live_data_api_script_v2", {"api_type": "function", "scripts": []}, ld_api_id=api.id)
    sdk.publish_live_data_api_v2(ld_api_id=api.id, body={"deploy_front_api": False})
    history = sdk.list_live_data_api_deployment_history_v2(ld_api_id=api.id)
    assert (history.total, history.size) == (2, 2)
    assert [one.api_definition.version for one in history.histories] == ["3.0.0", "1.0.1"]
    assert history.histories[1].id == record.id
    sdk.unpublish_live_data_api_v2(ld_api_id=api.id)
    assert sdk.show_live_data_api_v2(ld_api_id=api.id).status == 3
    sdk.refused(409, "APIG.3400", "unpublish_live_data_api_v2", ld_api_id=api.id)
    sdk.delete_live_data_api_v2(ld_api_id=api.id)


def test_deploying_says_that_nothing_runs(sdk, call, world, api, scripted):
    """What would promise traffic is refused; what is recorded says so in a header."""
    group = world.make_group()
    front = {
        "deploy_front_api": True, "auth_type": "NONE", "group_id": group["id"], "protocol": "HTTP", "path": "/front",
        "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "method": "GET"}
    message = sdk.refused(400, "APIG.2011", "publish_live_data_api_v2", front, ld_api_id=api.id)
    assert message == invalid("deploy_front_api") + ": this version does not run live-data APIs"
    assert sdk.list_live_data_api_deployment_history_v2(ld_api_id=api.id).total == 0
    assert call.expect(200, "GET", "/apis", query={"group_id": group["id"]})["total"] == 0
    answer = call.post(f"/livedata-apis/{api.id}/deploy", {"deploy_front_api": False})
    assert (answer.status, answer.headers["X-Gatehouse-Notice"]) == (201, "this version does not run live-data APIs")


def test_refused_deployments(sdk, api):
    def refused(status, code, **body):
        return sdk.refused(status, code, "publish_live_data_api_v2", body, ld_api_id=api.id)

    refused(409, "APIG.3400", deploy_front_api=False)
    for body, field in (
        ({"auth_type": "X"}, "auth_type"), ({"protocol": "FTP"}, "protocol"), ({"path": "a"}, "path"),
        ({"method": "X"}, "method"), ({"backend_timeout": 0}, "backend_timeout"), ({"retry_count": "11"}, "retry_count"),
        ({"group_id": "a b"}, "group_id"), ({"roma_app_id": hex_id()}, "roma_app_id"), ({"ld_api_id": hex_id()}, "ld_api_id")):
        assert refused(400, "APIG.2011", **body) == invalid(field)
    refused(404, "APIG.3001", group_id=hex_id())
    refused(404, "APIG.3003", env_id=hex_id())


def test_a_restart_keeps_everything(fresh_gatehouse):
    program = fresh_gatehouse()
    call = Call(program.credentials, program.management)
    public = f"/v2/{call.credentials['project_id']}/instances/{call.credentials['instance_id']}"
    app = call.expect(201, "POST", f"{public}/apps", {"name": "app"})
    made = call.expect(201, "POST", "/livedata-apis", {
        "name": "orders", "path": "/orders", "method": "GET", "version": "1", "content_type": "json", "roma_app_id": app["id"]})
    path = f"/livedata-apis/{made['id']}"
    call.expect(200, "POST", f"{path}/scripts", {"api_type": "function", "scripts": [{"object_name": "a", "content": SCRIPT}]})
    call.expect(201, "POST", f"{path}/deploy", {"deploy_front_api": False})
    call.expect(200, "POST", f"{path}/test", {"parameters": []})
    before = [call.expect(200, "GET", path + part) for part in ("", "/deploy", "/test")]
    program.kill()
    again = fresh_gatehouse(data_dir=program.data_dir)
    call = Call(again.credentials, again.management)
    assert [call.expect(200, "GET", path + part) for part in ("", "/deploy", "/test")] == before


# Tests --------------------------------------------------------------------------------------------
def test_tests_are_recorded_and_not_run(sdk, call, api, scripted):
    call.expect(200, "PUT", f"/livedata-apis/{api.id}", {"parameters": [
        {"name": "page", "in": "Parameters", "required": True}, {"name": "X-Kind", "in": "Headers", "default": "all"}]})
    answer = call.post(f"/livedata-apis/{api.id}/test", {"parameters": [
        {"name": "page", "in": "Parameters", "default": "a b"}, {"name": "more", "in": "Parameters", "default": "x"}]})
    assert answer.status == 200 and answer.headers["X-Gatehouse-Notice"] == "this version does not run live-data APIs"
    first = answer.json()
    assert first["test_request"] == f"GET {api.path}?page=a%20b&more=x HTTP/1.1\r\nX-Kind: all\r\n\r\n"
    assert (first["test_id"], first["test_status_code"], first["test_method"]) == (1, "501", "GET")
    assert first["debug_log"] == ["parameter more in Parameters is not declared", "this version does not run live-data APIs"]
    second = sdk.debug_live_data_api_v2(ld_api_id=api.id, body={"parameters": []})
    assert second.test_id == 2 and "required and has no value" in second.debug_log[0]
    history = sdk.list_live_data_api_test_history_v2(ld_api_id=api.id, limit=1)
    assert (history.total, history.size, history.histories[0].test_id) == (2, 1, 2)
    history = sdk.list_live_data_api_test_history_v2(ld_api_id=api.id, limit=1, offset=1)
    assert history.histories[0].test_request == first["test_request"]
    call.refused(400, "APIG.2011", "POST", f"/livedata-apis/{api.id}/test", {
        "parameters": [{"name": "X", "in": "Headers", "default": "a\r\nb: c"}]})
    call.refused(400, "APIG.2011", "POST", f"/livedata-apis/{api.id}/test", {"parameters": [{"name": "X", "in": "x"}]})


# Quota and data sources ---------------------------------------------------------------------------
def test_quota_and_data_sources(sdk, app):
    before = sdk.list_live_data_quota_v2()
    sdk.create_live_data_api_v2(body=definition(app))
    after = sdk.list_live_data_quota_v2()
    assert int(after.api_used) == int(before.api_used) + 1
    assert (after.datasource, after.datasource_used, after.scripts) == ("0", "0", "10")
    sources = sdk.list_live_data_data_sources_v2(app_id=app.id)
    assert (sources.total, sources.size, sources.data_sources) == (0, 0, [])
    sdk.refused(404, "APIG.3004", "list_live_data_data_sources_v2", app_id=hex_id())
    sdk.refused(404, "APIG.3030", "list_live_data_quota_v2", instance_id=hex_id())


def test_quota_is_enforced(fresh_gatehouse):
    program = fresh_gatehouse(settings={"quotas": {"livedata_apis": 1}})
    call = Call(program.credentials, program.management)
    public = f"/v2/{call.credentials['project_id']}/instances/{call.credentials['instance_id']}"
    app = call.expect(201, "POST", f"{public}/apps", {"name": "app"})
    body = {"path": "/a", "method": "GET", "version": "1", "content_type": "json", "roma_app_id": app["id"]}
    first = call.expect(201, "POST", "/livedata-apis", {**body, "name": "one"})
    call.refused(403, "APIG.3100", "POST", "/livedata-apis", {**body, "name": "two", "path": "/b"})
    assert call.expect(200, "GET", "/livedata-quota")["api"] == "1"
    # A file with more than the instance may hold is not even looked at.
    document = json.dumps({"swagger": "2.0", "paths": {"/c": {"get": {}, "put": {}}}})
    form = ('--b\r\nContent-Disposition: form-data; name="file_name"; filename="a.json"\r\n\r\n' + document + "\r\n--b--\r\n")
    call.refused(403, "APIG.3127", "POST", "/openapi/livedata-apis/import", raw=form.encode(), headers={
        "Content-Type": "multipart/form-data; boundary=b"})
    call.expect(204, "DELETE", f"/livedata-apis/{first['id']}")
    call.expect(201, "POST", "/livedata-apis", {**body, "name": "two"})


# Documents ----------------------------------------------------------------------------------------
def test_export_and_import_again(sdk, call, app, import_file):
    key = sdk.create_signature_key_v2(body={"name": unique("sign")})
    wanted = definition(
        app, api_signature_id=key.id, description="d", return_format=True, content_type="stream",
        parameters=[{"name": "page", "in": "Parameters", "default": "1", "required": True}])
    made = sdk.create_live_data_api_v2(body=wanted)
    sdk.create_live_data_api_script_v2(ld_api_id=made.id, body={
        "api_type": "function", "scripts": [{"object_name": "a", "content": SCRIPT}]})
    plain = sdk.create_live_data_api_v2(body=definition(app, path=made.path, method="DELETE"))
    text = file(sdk.export_live_data_api_definitions_v2(body={"app_id": app.id})).decode()
    document = json.loads(text)
    assert document["swagger"] == "2.0" and set(document["paths"][made.path]) == {"get", "delete"}
    operation = document["paths"][made.path]["get"]
    assert operation["x-livedata-signature"] == {"key": key.sign_key} and operation["x-livedata-status"] == "DEVELOPED"
    assert operation["x-livedata-roma-app"] == app.id
    # What is there already stays, or is replaced by the same.
    again = import_file(text)
    assert again.success == [] and {one.error_code for one in again.failure} == {"APIG.3215"}
    again = import_file(text, api_mode="override", extend_mode="override")
    assert {(one.id, one.action) for one in again.success} == {(made.id, "update"), (plain.id, "update")}
    assert again.failure == []

    def content(one) -> dict:
        read = call.expect(200, "GET", f"/livedata-apis/{one}")
        scripts = [(s["object_name"], s["content"]) for s in read.pop("scripts")]
        return {**{k: v for k, v in read.items() if k not in ("id", "created_time", "modified_time")}, "scripts": scripts}

    before = content(made.id), content(plain.id)
    # Gone and imported: the same again.
    sdk.delete_live_data_api_v2(ld_api_id=made.id)
    sdk.delete_live_data_api_v2(ld_api_id=plain.id)
    again = import_file(text)
    ids = {one.method: one.id for one in again.success}
    assert {one.action for one in again.success} == {"create"}
    assert (content(ids["GET"]), content(ids["DELETE"])) == before
    as_yaml = file(sdk.export_live_data_api_definitions_v2(body={"apis": [ids["GET"]], "format": "yaml"}))
    assert yaml.safe_load(as_yaml)["paths"] == {made.path: {"get": operation}}


def test_import_modes(sdk, app, api, scripted, import_file):
    def text(**extensions) -> str:
        return json.dumps({"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": {api.path: {"get": {
            "operationId": api.name, "description": "new", "x-livedata-roma-app": app.id, **extensions}}}})

    extensions = {"x-livedata-version": "9", "x-livedata-scripts": []}
    assert import_file(text(**extensions), api_mode="override").success[0].action == "update"
    read = sdk.show_live_data_api_v2(ld_api_id=api.id)
    assert (read.description, read.version, len(read.scripts), read.status) == ("new", "1.0.1", 1, 3)
    import_file(text(**extensions), api_mode="override", extend_mode="override")
    read = sdk.show_live_data_api_v2(ld_api_id=api.id)
    assert (read.version, read.scripts, read.status) == ("9", [], 1)


def test_each_operation_of_a_file_fails_by_itself(sdk, app, import_file):
    good = {"operationId": unique("good"), "x-livedata-roma-app": app.id}
    outcome = import_file(json.dumps({"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": {
        "/" + unique("good"): {"get": good},
        "/a": {"get": {"operationId": "no_app"}, "post": {"operationId": "other_app", "x-livedata-roma-app": hex_id()},
               "patch": {"operationId": "method", "x-livedata-roma-app": app.id},
               "put": {"operationId": "key", "x-livedata-roma-app": app.id, "x-livedata-auth-type": "SIGNATURE",
                       "x-livedata-signature": {"key": "nobody"}}},
        "/b": {"get": {"operationId": "sql", "x-livedata-roma-app": app.id, "x-livedata-scripts": [{"type": "SQL"}]},
               "put": good}}}))
    assert len(outcome.success) == 1
    assert [(one.method, one.path, one.error_code) for one in outcome.failure] == [
        ("GET", "/a", "APIG.2011"), ("POST", "/a", "APIG.3004"), ("PATCH", "/a", "APIG.2011"), ("PUT", "/a", "APIG.3017"),
        ("GET", "/b", "APIG.2011"), ("PUT", "/b", "APIG.3215")]


@pytest.mark.parametrize("text, code", [
    ("", "APIG.3609"), ("{", "APIG.3600"), ("[]", "APIG.3600"), ('{"swagger": "1.2"}', "APIG.3601"),
    ('{"openapi": "3.0.0", "paths": {}}', "APIG.3601"), ('{"swagger": "2.0"}', "APIG.3602"),
    ('{"swagger": "2.0", "paths": {"a": {}}}', "APIG.3602"), ("a: &b 1\nc: *b\n", "APIG.3600"),
    (" " * (3 * 1024 * 1024 + 1), "APIG.3603")])
def test_files_that_are_refused(sdk, import_file, text, code):
    with pytest.raises(sdk.Refusal) as refusal:
        import_file(text)
    assert (refusal.value.status_code, refusal.value.error_code) == (400, code)


def test_refused_documents(sdk, call, app, import_file):
    other = sdk.create_roma_app(body={"name": unique("app")})
    path = "/" + unique("twice")
    ids = [sdk.create_live_data_api_v2(body=definition(owner, path=path)).id for owner in (app, other)]
    # One document cannot hold two operations of one method and path.
    assert sdk.refused(400, "APIG.2011", "export_live_data_api_definitions_v2", {"apis": ids}) == invalid("app_id")
    sdk.refused(404, "APIG.3004", "export_live_data_api_definitions_v2", {"app_id": hex_id()})
    sdk.refused(404, "APIG.3084", "export_live_data_api_definitions_v2", {"apis": [hex_id()]})
    sdk.refused(400, "APIG.2011", "export_live_data_api_definitions_v2", {"format": "xml"})
    sdk.refused(400, "APIG.2011", "export_live_data_api_definitions_v2", {"status": 2})
    with pytest.raises(sdk.Refusal) as refusal:
        import_file("{}", api_mode="other")
    assert refusal.value.error_code == "APIG.2011"
    call.refused(400, "APIG.2000", "POST", "/openapi/livedata-apis/import", {"file_name": "x"})
    empty = b'--b\r\nContent-Disposition: form-data; name="api_mode"\r\n\r\nmerge\r\n--b--\r\n'
    assert call.refused(
        400, "APIG.2001", "POST", "/openapi/livedata-apis/import", raw=empty,
        headers={"Content-Type": "multipart/form-data; boundary=b"}).endswith(
            "parameterName:file_name. Please refer to the support documentation")


# Permissions and the other path -------------------------------------------------------------------
def test_under_the_other_path(sdk, call, app, api):
    path = call.instance_path.replace("/apic/", "/apigw/")
    assert call.expect(200, "GET", f"{path}/livedata-apis/{api.id}")["name"] == api.name
