"""Import and export of API definitions through the SDKs, their limits, and what hostile files come to."""

import io
import json

import pytest
import yaml

from harness.documents import bare, document, export, file, imported, operation, post, read, vendor_style
from harness.management import RELEASE
from harness.world import hex_id, unique


def paths(**operations):
    """`paths(get=operation(), post=...)`: one path of its own."""
    return {f"/{unique('p')}": operations}


def make_group(world):
    return world.make_group()["id"]


def ids(answer):
    return [entry["id"] for entry in answer["success"]]


# Import --------------------------------------------------------------------------------------------

def test_import_makes_a_group_and_its_apis(sdk):
    title = unique("pets")
    path = f"/{unique('p')}"
    made = sdk.import_api_definitions_v2(body={"file_name": file(document(
        {path: {"get": operation("listPets", description="all pets", tags=["pets"]), "post": operation("addPet")}}, title,
        basePath="/v1/"))})
    assert [(entry.path, entry.method, entry.action) for entry in made.success] == [
        (f"/v1{path}", "GET", "create"), (f"/v1{path}", "POST", "create")]
    assert made.failure == [] and made.ignore == [] and len(made.swagger.id) == 32 and "2 of 2" in made.swagger.result
    group = sdk.show_details_of_api_group_v2(group_id=made.group_id)
    assert group.name == title
    api = sdk.show_details_of_api_v2(api_id=made.success[0].id)
    assert (api.name, api.remark, api.tags, api.req_uri, api.req_method, api.req_protocol, api.auth_type) == (
        "listPets", "all pets", ["pets"], f"/v1{path}", "GET", "HTTPS", "NONE")
    assert (api.backend_api.url_domain, api.backend_api.req_uri, api.backend_api.timeout) == ("127.0.0.1:9", "/b", 1000)
    # Nothing is published.
    assert not api.run_env_id
    assert "API group name already exists" in sdk.refused(
        400, "APIG.3201", "import_api_definitions_v2", {"file_name": file(document(paths(get=operation()), title))})


def test_import_into_a_group(sdk, world):
    group = make_group(world)
    content = document(paths(get=operation("one"), put=operation("two")))
    made = sdk.import_api_definitions_v2(body={"is_create_group": False, "group_id": group, "file_name": file(content)})
    assert made.group_id == group and len(made.success) == 2
    # Merge, the default: what is there stays.
    again = sdk.import_api_definitions_v2(body={
        "is_create_group": False, "group_id": group, "api_mode": "merge", "file_name": file(content)})
    assert again.success == [] and {entry.error_code for entry in again.failure} == {"APIG.3301"}
    assert "method, path, and x-apigateway-match-mode" in again.failure[0].error_msg and "one" in again.failure[0].error_msg
    # Override: the same APIs, changed.
    (path,) = content["paths"]
    content["paths"][path]["get"]["description"] = "changed"
    over = sdk.import_api_definitions_v2(body={
        "is_create_group": False, "group_id": group, "api_mode": "override", "file_name": file(content)})
    assert [(entry.id, entry.action) for entry in over.success] == [(entry.id, "update") for entry in made.success]
    assert sdk.show_details_of_api_v2(api_id=made.success[0].id).remark == "changed"


def test_a_named_group_is_enough(call, world):
    group = make_group(world)
    assert imported(call, document(paths(get=operation())), group_id=group)["group_id"] == group
    answer = post(call, document(paths(get=operation())), is_create_group="true", group_id=group)
    assert (answer.status, answer.code) == (400, "APIG.2011") and "group_id" in answer.message


def test_each_operation_fails_by_itself(call, world):
    group = make_group(world)
    shared = f"/{unique('p')}"
    answer = imported(call, document({
        shared: {
            "get": operation("first"), "post": operation("x"), "put": operation(unique("no_backend")) | {"x-apigateway-backend": {}},
            "delete": operation("first"), "trace": operation(), "patch": operation(tags=["a b\n"])},
        shared + "/{id}": {"get": operation(unique("undeclared"))},
        shared + "/{name}": {"get": operation(parameters=[{"name": "name", "in": "path", "required": True, "type": "string"}]),
                             "head": operation(parameters=[{"name": "name", "in": "path", "required": True, "type": "string"}])},
        shared + "/{other}": {"get": operation(parameters=[{"name": "other", "in": "path", "required": True, "type": "string"}])},
    }), group_id=group)
    assert [(entry["method"], entry["path"]) for entry in answer["success"]] == [
        ("GET", shared), ("GET", shared + "/{name}"), ("HEAD", shared + "/{name}")]
    assert [(entry["method"], entry["path"], entry["error_code"]) for entry in answer["failure"]] == [
        ("POST", shared, "APIG.2011"), ("PUT", shared, "APIG.2011"), ("DELETE", shared, "APIG.3202"),
        ("PATCH", shared, "APIG.2011"), ("GET", shared + "/{id}", "APIG.2026"), ("GET", shared + "/{other}", "APIG.3301")]
    assert answer["ignore"] == [{"method": "TRACE", "path": shared}]
    assert "parameterName:name" in answer["failure"][0]["error_msg"]
    assert call.expect(200, "GET", "/apis", query={"group_id": group})["total"] == 3


def test_names_are_made_of_method_and_path(call):
    path = f"/{unique('p')}/{{id}}"
    plain = operation(parameters=[{"name": "id", "in": "path", "required": True, "type": "integer"}])
    del plain["operationId"]
    answer = imported(call, document({path: {"get": plain}}))
    api = call.expect(200, "GET", f"/apis/{ids(answer)[0]}")
    assert api["name"] == "get" + path.replace("/", "_").replace("{", "").replace("}", "")
    assert api["req_params"][0]["type"] == "NUMBER"


def test_simple_and_mock_mode(call, world):
    bare = {"responses": {"200": {"description": "ok", "x-apigateway-result-normal-sample": "sample"}}}
    group = make_group(world)
    answer = imported(call, document(paths(get=bare)), group_id=group)
    assert [entry["error_code"] for entry in answer["failure"]] == ["APIG.2011"]
    assert "x-apigateway-backend" in answer["failure"][0]["error_msg"]
    simple = imported(call, document(paths(get=bare)), group_id=group, simple_mode="true")
    api = call.expect(200, "GET", f"/apis/{ids(simple)[0]}")
    assert api["backend_type"] == "HTTP" and not api.get("backend_api")
    # It waits for its backend: publishing says so.
    answer = call.post("/apis/action", {"action": "online", "env_id": RELEASE, "api_id": api["id"]})
    assert answer.status == 400 and "backend" in answer.message, answer.body
    mock = imported(call, document(paths(get=operation(**{"x-apigateway-result-normal-sample": "canned"}))), group_id=group,
                    mock_mode="True")
    api = call.expect(200, "GET", f"/apis/{ids(mock)[0]}")
    assert (api["backend_type"], api["mock_info"]["result_content"]) == ("MOCK", "canned")


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_what_is_imported_is_carried(world, call, version):
    """An imported API answers once it is published."""
    world.backend.clear()
    path = f"/{unique('p')}"
    backend = {"type": "HTTP", "httpEndpoints": {
        "address": world.backend.address, "scheme": "http", "method": "GET", "path": "/from/import", "timeout": 5000}}
    described = operation(schemes=["http"]) if version == "2.0" else operation(servers=[{"url": "http://any.example.com"}])
    content = document({path: {"get": described | {"x-apigateway-backend": backend}}})
    if version == "3.0":
        content = {"openapi": "3.0.1", "info": content["info"], "paths": content["paths"]}
    answer = imported(call, yaml.safe_dump(content))
    call.expect(201, "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": ids(answer)[0]})
    from harness.wire import ask
    reply = ask(world.gatehouse.gateway, "GET", path, f"{answer['group_id']}.apic.localhost", [], b"", None)
    assert reply.status == 200 and world.backend.requests[-1].target.startswith("/from/import")


def test_policies_are_made_and_bound_at_publication(call, world):
    acl, limit = unique("acl"), unique("limit")
    plugin = world.make_plugin("set_resp_headers", {"response_headers": [
        {"name": "X-Set", "value": "yes", "value_type": "custom_value", "action": "override"}]})
    described = operation(**{
        "x-apigateway-access-control": acl, "x-apigateway-ratelimit": limit, "x-apigateway-plugins": [plugin["plugin_name"]]})
    content = document(paths(get=described), **{
        "x-apigateway-access-controls": {acl: {"acl-type": "DENY", "entity-type": "IP", "value": "10.9.9.9"}},
        "x-apigateway-ratelimits": {limit: {
            "api-limit": 200, "user-limit": 10, "interval": 2, "unit": "HOUR", "shared": True,
            "special": [{"type": "USER", "limit": 5, "instance": "somebody"}]}}})
    answer = imported(call, content)
    throttle = call.expect(200, "GET", "/throttles", query={"name": limit, "precise_search": "name"})["throttles"][0]
    assert (throttle["api_call_limits"], throttle["time_unit"], throttle["time_interval"], throttle["type"]) == (200, "HOUR", 2, 2)
    specials = call.expect(200, "GET", f"/throttles/{throttle['id']}/throttle-specials")["throttle_specials"]
    assert [(entry["object_type"], entry["object_id"], entry["call_limits"]) for entry in specials] == [("USER", "somebody", 5)]
    api = ids(answer)[0]
    call.expect(201, "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": api})
    bound = call.expect(200, "GET", "/acl-bindings/binded-acls", query={"api_id": api})
    assert [entry["acl_name"] for entry in bound["acls"]] == [acl]
    bound = call.expect(200, "GET", "/throttle-bindings/binded-throttles", query={"api_id": api})
    assert [entry["name"] for entry in bound["throttles"]] == [limit]
    bound = call.expect(200, "GET", f"/apis/{api}/attached-plugins")
    assert [entry["plugin_id"] for entry in bound["plugins"]] == [plugin["plugin_id"]]
    # What an export says of the environment is what was imported.
    exported = read(export(call, answer["group_id"], define="all", env_id=RELEASE))
    (item,) = exported["paths"].values()
    assert item["get"]["x-apigateway-access-control"] == acl and item["get"]["x-apigateway-ratelimit"] == limit
    assert item["get"]["x-apigateway-plugins"] == [plugin["plugin_name"]]
    assert exported["x-apigateway-ratelimits"][limit]["special"] == [{"type": "USER", "limit": 5, "instance": "somebody"}]
    # Merge leaves policies as they are, override changes them.
    content["x-apigateway-access-controls"][acl]["value"] = "10.8.8.8"
    content["x-apigateway-ratelimits"][limit] |= {"api-limit": 100, "special": []}
    imported(call, content, group_id=answer["group_id"], api_mode="override")
    assert call.expect(200, "GET", f"/throttles/{throttle['id']}")["api_call_limits"] == 200
    imported(call, content, group_id=answer["group_id"], api_mode="override", extend_mode="override")
    assert call.expect(200, "GET", f"/throttles/{throttle['id']}")["api_call_limits"] == 100
    assert call.expect(200, "GET", f"/throttles/{throttle['id']}/throttle-specials")["total"] == 0
    assert call.expect(200, "GET", "/acls", query={"name": acl})["acls"][0]["acl_value"] == "10.8.8.8"


@pytest.mark.parametrize("fields, code", [
    ({"x-apigateway-access-control": "nobody"}, "APIG.3006"), ({"x-apigateway-ratelimit": "nobody"}, "APIG.3005"),
    ({"x-apigateway-plugins": ["nobody"]}, "APIG.3068"), ({"x-apigateway-roma-app": "f" * 32}, "APIG.3004"),
    ({"x-apigateway-backend": {"type": "HTTP-VPC", "httpVpcEndpoints": {"name": "nobody", "path": "/"}}}, "APIG.3023"),
    ({"parameters": [{"name": "q", "in": "query", "type": "string", "x-apigateway-orchestrations": ["nobody"]}]}, "APIG.3095"),
    ({"security": [{"custom": []}]}, "APIG.3081"), ({"security": [{"unknown": []}]}, "APIG.2011"),
    ({"schemes": ["ftp"]}, "APIG.2011"), ({"x-apigateway-match-mode": "GUESS"}, "APIG.2011"),
    ({"x-apigateway-request-type": "secret"}, "APIG.2011"), ({"x-apigateway-cors": "perhaps"}, "APIG.2011"),
    ({"x-apigateway-is-send-fg-body-base64": False}, "APIG.2011"),
    ({"x-apigateway-backend": {"type": "FTP"}}, "APIG.2011"),
    ({"x-apigateway-backend": {"type": "HTTP", "httpEndpoints": {
        "address": "a.example.com", "path": "/", "timeout": 0}}}, "APIG.2011"),
    ({"parameters": [{"name": "q", "in": "query", "type": "string", "enum": ["a,b"]}]}, "APIG.2011"),
    ({"parameters": [{"$ref": "#/parameters/none"}]}, "APIG.2011"), ({"parameters": [{"$ref": "other.json#/q"}]}, "APIG.2011"),
    ({"tags": [f"t{n}" for n in range(11)]}, "APIG.3133"),
    ({"parameters": [{"name": f"q{n}", "in": "query", "type": "string"} for n in range(51)]}, "APIG.3111")])
def test_one_operation_refused(call, world, fields, code):
    group = make_group(world)
    content = document(
        paths(get=operation(**fields), put=operation()),
        securityDefinitions={"custom": {
            "type": "apiKey", "in": "header", "name": "unused", "x-apigateway-auth-type": "AUTHORIZER",
            "x-apigateway-authorizer": "nobody"}})
    answer = imported(call, content, group_id=group)
    assert [entry["error_code"] for entry in answer["failure"]] == [code] and len(answer["success"]) == 1, answer


# What a file must be ---------------------------------------------------------------------------------

DEEP = 100_000
HOSTILE = {
    "nothing": (b"", "APIG.3609"), "blanks": (b" \r\n\t", "APIG.3609"), "bytes": (b"\xff\xfe\x00", "APIG.3600"),
    "no object": (b"[1]", "APIG.3600"), "text": (b"swagger", "APIG.3600"), "half": (b'{"swagger": "2.0", "info"', "APIG.3600"),
    "twice": (b'{"swagger": "2.0", "swagger": "2.0"}', "APIG.3600"),
    "nested lists": (b'{"swagger": "2.0", "info": ' + b"[" * DEEP + b"]" * DEEP + b"}", "APIG.3600"),
    "unclosed lists": (b"{" + b'"a":[' * DEEP, "APIG.3600"),
    "flow YAML": (b"swagger: " + b"[" * DEEP + b"]" * DEEP, "APIG.3600"),
    "flow YAML below the parser's limit": (b"swagger: " + b"[" * 990 + b"]" * 990, "APIG.3600"),
    "block YAML": (b"".join(b" " * n + b"a:\n" for n in range(990)), "APIG.3600"),
    "dashes": (b"- " * DEEP + b"a", "APIG.3600"),
    "anchors": (b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "APIG.3600"),
    "tags": (b"swagger: !!python/object:os.system x\ninfo: {title: abc}\npaths: {}\n", "APIG.3601"),
    "many values": (b"swagger: '2.0'\nx: [" + b"1," * 400_000 + b"1]\n", "APIG.3600"),
    "too long": (b'{"swagger": "2.0", "x": "' + b"x" * (3 * 1024 * 1024) + b'"}', "APIG.3603"),
    "version 1.2": (b"swagger: '1.2'\ninfo: {title: abc}\npaths: {}", "APIG.3601"),
    "version 3.1": (b"openapi: 3.1.0\ninfo: {title: abc}\npaths: {}", "APIG.3601"),
    "no version": (b"info: {title: abc}\npaths: {}", "APIG.3601"),
    "no info": (b"swagger: '2.0'\npaths: {}", "APIG.3602"), "no paths": (b"swagger: '2.0'\ninfo: {title: abc}", "APIG.3602"),
    "paths are a list": (b"swagger: '2.0'\ninfo: {title: abc}\npaths: []", "APIG.3602"),
    "bare path": (b"swagger: '2.0'\ninfo: {title: abc}\npaths: {a: {}}", "APIG.3602"),
    "item is a text": (b"swagger: '2.0'\ninfo: {title: abc}\npaths: {/a: b}", "APIG.3602"),
    "item elsewhere": (b"swagger: '2.0'\ninfo: {title: abc}\npaths: {/a: {$ref: '#/x'}}", "APIG.3602"),
    "operation is a text": (b"swagger: '2.0'\ninfo: {title: abc}\npaths: {/a: {get: b}}", "APIG.3602"),
    "no title": (b"swagger: '2.0'\ninfo: {}\npaths: {}", "APIG.2044"),
    "title of two letters": (b"swagger: '2.0'\ninfo: {title: ab}\npaths: {}", "APIG.2044"),
    "title with signs": (b"swagger: '2.0'\ninfo: {title: '<script>'}\npaths: {}", "APIG.2044")}


@pytest.mark.parametrize("name", HOSTILE)
def test_unusable_files(sdk, call, name):
    content, code = HOSTILE[name]
    sdk.refused(400, code, "import_api_definitions_v2", {"file_name": file(content)})
    # The program is well: the next call works.
    assert call.get("/envs").status == 200


def test_references_in_a_circle(call):
    answer = imported(call, document(paths(get=operation(parameters=[{"$ref": "#/parameters/a"}])), parameters={
        "a": {"$ref": "#/parameters/b"}, "b": {"$ref": "#/parameters/a"}}))
    assert [entry["error_code"] for entry in answer["failure"]] == ["APIG.2011"]


def test_refused_requests(sdk, call, world):
    good = document(paths(get=operation()))
    message = sdk.refused(404, "APIG.3001", "import_api_definitions_v2", {"is_create_group": False, "file_name": file(good)})
    assert message == "API group not found"
    assert sdk.refused(404, "APIG.3001", "import_api_definitions_v2", {
        "is_create_group": False, "group_id": hex_id(), "file_name": file(good)}) == "API group not found"
    answer = post(call, None, is_create_group="true")
    assert (answer.status, answer.code) == (400, "APIG.2001") and "file_name" in answer.message
    for name, value in (("api_mode", "replace"), ("extend_mode", "x"), ("is_create_group", "yes"), ("simple_mode", "1"),
                        ("mock_mode", "no"), ("group_id", "g" * 300)):
        answer = post(call, good, **{name: value})
        assert (answer.status, answer.code) == (400, "APIG.2011") and f"parameterName:{name}" in answer.message, name
    answer = post(call, good, roma_app_id="a" * 32, app_id="b" * 32)
    assert (answer.status, answer.code) == (400, "APIG.2011")
    assert sdk.refused(404, "APIG.3004", "import_api_definitions_v2", {"app_id": hex_id(), "file_name": file(good)})
    answer = call.post("/openapi/import", raw=b"x", headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.code) == (400, "APIG.2000")
    answer = call.post("/openapi/import", raw=b"--a\r\n", headers={"Content-Type": "multipart/form-data; boundary=a"})
    assert (answer.status, answer.code) == (400, "APIG.2000")


def test_clients_that_send_json(call, world):
    group = make_group(world)
    answer = call.expect(200, "POST", "/openapi/import", {
        "is_create_group": False, "group_id": group, "file_name": json.dumps(document(paths(get=operation())))})
    assert len(answer["success"]) == 1
    assert call.refused(400, "APIG.2001", "POST", "/openapi/import", {"group_id": group})
    assert call.refused(400, "APIG.2000", "POST", "/openapi/import", {"file_name": {"a": 1}})
    assert call.refused(400, "APIG.2000", "POST", "/openapi/import", raw=b"[]", headers={"Content-Type": "application/json"})


def test_counts(fresh_gatehouse, make_world):
    call = make_world(fresh_gatehouse(settings={"quotas": {
        "apis_per_import": 3, "apis": 4, "apis_per_group": 3, "api_groups": 2, "access_policies": 1}})).api
    def many(count, **fields):
        return document({f"/{unique('p')}": {"get": operation(**fields)} for _ in range(count)})
    answer = post(call, many(4))
    assert (answer.status, answer.code) == (403, "APIG.3127") and "A maximum of 3 APIs" in answer.message
    group = imported(call, many(2))["group_id"]
    answer = imported(call, many(2), group_id=group)
    assert [entry["error_code"] for entry in answer["failure"]] == ["APIG.3125"] and len(answer["success"]) == 1
    # The instance is full of groups: nothing was made.
    answer = post(call, many(1))
    assert (answer.status, answer.code) == (403, "APIG.3101")
    default = next(entry for entry in call.expect(200, "GET", "/api-groups")["groups"] if entry["is_default"] == 1)["id"]
    answer = imported(call, many(2), group_id=default)
    assert [entry["error_code"] for entry in answer["failure"]] == ["APIG.3102"]


# Export ----------------------------------------------------------------------------------------------

def test_export_of_an_environment(sdk, call, world, tmp_path):
    group = make_group(world)
    answer = imported(call, document({
        "/one": {"get": operation("one", **{"x-apigateway-result-normal-sample": "good"})}, "/two": {"get": operation("two")}}),
        group_id=group)
    one, two = ids(answer)
    call.expect(201, "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": one})
    target = io.BytesIO()
    sdk.export_api_definitions_v2(body={
        "group_id": group, "env_id": RELEASE, "define": "all", "type": "json"}).consume_download_stream(
            lambda chunks: [target.write(chunk) for chunk in chunks])
    raw = target.getvalue()
    exported = json.loads(raw)
    assert list(exported["paths"]) == ["/one"] and exported["swagger"] == "2.0"
    assert exported["host"] == f"{group}.apic.localhost"
    assert b'\n\t"info": {\n\t\t"title": ' in raw
    assert exported["info"]["title"] == call.expect(200, "GET", f"/api-groups/{group}")["name"]
    assert list(exported["securityDefinitions"]) == ["apig-auth-app", "apig-auth-app-header", "apig-auth-iam"]
    assert exported["paths"]["/one"]["get"]["x-apigateway-backend"]["httpEndpoints"]["address"] == "127.0.0.1:9"
    assert exported["paths"]["/one"]["get"]["responses"]["default"]["x-apigateway-result-normal-sample"] == "good"
    # The front alone, and with the backend.
    for define, has_backend in (("spec", False), ("base", False), ("proxy", True), ("full", True)):
        described = read(export(call, group, define=define, env_id=RELEASE))["paths"]["/one"]["get"]
        assert ("x-apigateway-backend" in described) is has_backend
    # Drafts need no environment; `apis` picks.
    assert list(read(export(call, group))["paths"]) == ["/one", "/two"]
    assert list(read(export(call, group, apis=[two]))["paths"]) == ["/two"]
    # The frozen definition is exported, not the draft that changed since.
    imported(call, document({"/one": {"get": operation("renamed")}}), group_id=group, api_mode="override")
    assert read(export(call, group, define="all", env_id=RELEASE))["paths"]["/one"]["get"]["operationId"] == "one"
    assert read(export(call, group))["paths"]["/one"]["get"]["operationId"] == "renamed"


@pytest.mark.parametrize("kind", ["json", "yaml", "yml"])
def test_formats_and_versions(call, world, kind):
    group = make_group(world)
    imported(call, document(paths(get=operation())), group_id=group)
    answer = call.post("/openapi/export", {"group_id": group, "define": "dev", "type": kind, "version": "7"},
                       query={"oas_version": "3.0"})
    assert answer.headers["Content-Type"] == ("application/json" if kind == "json" else "application/yaml")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{group}.{kind}"'
    exported = read(answer.body)
    assert exported["openapi"].startswith("3.0") and exported["info"]["version"] == "7"
    assert exported["servers"] == [{"url": f"https://{group}.apic.localhost"}]
    assert "securitySchemes" in exported["components"]


def test_refused_exports(sdk, call, world):
    group = make_group(world)
    assert "env_id" in sdk.refused(400, "APIG.2001", "export_api_definitions_v2", {"group_id": group})
    assert "group_id" in sdk.refused(400, "APIG.2001", "export_api_definitions_v2", {"env_id": RELEASE})
    for name in ("define", "type"):
        assert f"parameterName:{name}" in sdk.refused(
            400, "APIG.2011", "export_api_definitions_v2", {"group_id": group, "env_id": RELEASE, name: "guess"})
    for body in ({"version": "v" * 65}, {"apis": [hex_id() for _ in range(1001)]}):
        sdk.refused(400, "APIG.2011", "export_api_definitions_v2", {"group_id": group, "env_id": RELEASE, **body})
    sdk.refused(404, "APIG.3001", "export_api_definitions_v2", {"group_id": hex_id(), "env_id": RELEASE})
    sdk.refused(404, "APIG.3003", "export_api_definitions_v2", {"group_id": group, "env_id": hex_id()})
    stranger = world.make_api()
    sdk.refused(404, "APIG.3002", "export_api_definitions_v2", {"group_id": group, "env_id": RELEASE, "apis": [stranger.id]})
    sdk.refused(404, "APIG.3030", "export_api_definitions_v2", {"group_id": group, "env_id": RELEASE}, instance_id=hex_id())
    assert call.refused(400, "APIG.2012", "POST", "/openapi/export", {"group_id": group, "define": "dev"},
                        query={"oas_version": "4"})


# There and back ----------------------------------------------------------------------------------------

def rich(world, call, function_urn=None):
    """Everything that a definition can say, as the management API takes it."""
    channel = call.expect(201, "POST", "/vpc-channels", {
        "name": unique("channel"), "port": 80, "balance_strategy": 1, "member_type": "ip", "type": 2,
        "members": [{"host": "10.0.0.1", "weight": 1}],
        "vpc_health_config": {"protocol": "TCP", "threshold_normal": 2, "threshold_abnormal": 2, "time_interval": 5, "timeout": 2}})
    rule = call.expect(201, "POST", call.instance_path.replace("/apic/", "/apigw/") + "/orchestrations", {
        "orchestration_name": unique("rule"), "orchestration_strategy": "list",
        "orchestration_mapped_param": {
            "mapped_param_name": "shared-tag", "mapped_param_type": "string", "mapped_param_location": "header"},
        "orchestration_map": [{"map_param_list": ["a"], "mapped_param_value": "one"}]})
    return {
        "remark": "two\nlines: # \"quoted\" \\ \u7f51", "tags": ["a", "b-1"], "tag": "old", "version": "V2", "cors": True,
        "content_type": "application/json", "body_remark": "any text: {not json", "result_normal_sample": "{\"a\": 1}",
        "result_failure_sample": " no ", "auth_type": "APP", "auth_opt": {"app_code_auth_type": "HEADER"},
        "req_params": [
            {"name": "id", "type": "STRING", "location": "PATH", "required": 1, "max_size": 9, "min_size": 1, "remark": "the <id>",
             "valid_enable": 1, "sample_value": "007"},
            {"name": "n", "type": "NUMBER", "location": "QUERY", "default_value": "1.50", "min_num": -1, "max_num": 10,
             "enumerations": "1,1.50,7", "pass_through": 2, "valid_enable": 1},
            {"name": "X-Level", "type": "STRING", "location": "HEADER", "regular": "^[a-z]+$",
             "orchestrations": [rule["orchestration_id"]], "default_value": "true"},
            {"name": "j", "type": "STRING", "location": "QUERY", "json_schema": "{\"type\": \"object\"}", "enumerations": "x,y"}],
        "backend_api": {
            "req_protocol": "HTTPS", "req_method": "POST", "req_uri": "/b/{id}", "timeout": 1234, "retry_count": "0",
            "enable_client_ssl": False, "vpc_channel_status": 1, "remark": "backend", "version": "v1",
            "vpc_channel_info": {"vpc_channel_id": channel["id"], "vpc_channel_proxy_host": "inner.example.com"}},
        "backend_params": [
            {"name": "id", "location": "PATH", "origin": "REQUEST", "value": "id"},
            {"name": "X-C", "location": "HEADER", "origin": "CONSTANT", "value": "yes", "remark": "constant"},
            {"name": "ip", "location": "QUERY", "origin": "SYSTEM", "value": "$context.sourceIp"}],
        "policy_https": [{
            "name": "elsewhere", "effect_mode": "ANY", "req_protocol": "HTTP", "req_method": "GET", "req_uri": "/e/{id}",
            "url_domain": "other.example.com:81", "timeout": 77,
            "backend_params": [{"name": "id", "location": "PATH", "origin": "REQUEST", "value": "id"}],
            "conditions": [
                {"condition_origin": "param", "req_param_name": "n", "condition_type": "exact", "condition_value": "7"},
                {"condition_origin": "param", "req_param_name": "X-Level", "condition_type": "enum", "condition_value": "a,b"},
                {"condition_origin": "param", "req_param_name": "j", "condition_type": "pattern", "condition_value": "^a"},
                {"condition_origin": "source", "condition_value": "10.0.0.0/8"}]}],
        # Of another type than the backend itself, and by the further origins.
        "policy_mocks": [{
            "name": "mocked", "effect_mode": "ALL", "result_content": "m", "status_code": 203, "conditions": [
                {"condition_origin": "param", "req_param_name": "n", "req_param_location": "QUERY", "condition_type": "exact",
                 "condition_value": "7"},
                {"condition_origin": "system", "sys_param_name": "req_path", "condition_type": "pattern", "condition_value": "^/a"},
                {"condition_origin": "system", "sys_param_name": "req_method", "condition_type": "enum", "condition_value": "GET,PUT"},
                {"condition_origin": "orchestration", "mapped_param_name": "shared-tag", "mapped_param_location": "header",
                 "condition_type": "exact", "condition_value": "one"}]}]}


def said(call, api_id):
    """What an API's definition says, without ids and times of its own."""
    answer = call.expect(200, "GET", f"/apis/{api_id}")

    def bare(value):
        if isinstance(value, dict):
            return {
                key: bare(item) for key, item in value.items()
                if key not in ("id", "group_id", "group_name", "api_group_info", "response_id", "register_time", "update_time", "req_param_id", "group_version",
                               "sl_domain", "sl_domains", "publish_time", "register", "policy_id", "backend_id")}
        return [bare(item) for item in value] if isinstance(value, list) else value

    return bare(answer)


@pytest.mark.parametrize("kind", ["json", "yaml"])
@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_nothing_is_lost(call, world, version, kind):
    group = world.make_group()
    api = world.make_api(f"/{unique('p')}/{{id}}", "POST", group, publish=False, **rich(world, call))
    prefix = world.make_api(api.path, "POST", group, {"req_uri": "/plain"}, publish=False, match_mode="SWA", req_params=[
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}])
    mock = world.make_api(group=group, publish=False, backend_type="MOCK", backend_api=None, mock_info={
        "result_content": "no", "status_code": 201, "header": json.dumps([{"key": "X-A", "value": "b"}])})
    first = export(call, group["id"], oas_version=version, type=kind)
    answer = imported(call, first, is_create_group="false", group_id=make_group(world))
    assert answer["failure"] == []
    by_name = {call.expect(200, "GET", f"/apis/{made}")["name"]: made for made in ids(answer)}
    for old in (api, prefix, mock):
        assert said(call, by_name[old.definition["name"]]) == said(call, old.id)
    second = export(call, answer["group_id"], oas_version=version, type=kind)
    assert bare(second) == bare(first)


def test_group_responses(call, world):
    name = unique("answers")
    wanted = {"THROTTLED": {"status": 430, "body": "{\"slow\": \"down\"}", "headers": [{"key": "X-Why", "value": "fast"}]}}
    content = document(paths(get=operation(**{"x-apigateway-response": name})), **{"x-apigateway-responses": {name: wanted}})
    group = make_group(world)
    where = call.instance_path.replace("/apic/", "/apigw/") + f"/api-groups/{group}/gateway-responses"
    made = imported(call, content, group_id=group)
    assert made["failure"] == []
    shown = next(entry for entry in call.expect(200, "GET", where)["responses"] if entry["name"] == name)
    whole = call.expect(200, "GET", f"{where}/{shown['id']}")["responses"]["THROTTLED"]
    assert (whole["status"], whole["body"], whole["headers"]) == (430, wanted["THROTTLED"]["body"], wanted["THROTTLED"]["headers"])
    assert call.expect(200, "GET", f"/apis/{ids(made)[0]}")["response_id"] == shown["id"]
    exported = export(call, group)
    assert read(exported)["x-apigateway-responses"] == {name: wanted}
    # Merge keeps it, override changes it.
    content["x-apigateway-responses"][name]["THROTTLED"]["status"] = 431
    for mode, status in (("merge", 430), ("override", 431)):
        assert imported(call, content, group_id=group, api_mode="override", extend_mode=mode)["failure"] == []
        assert call.expect(200, "GET", f"{where}/{shown['id']}")["responses"]["THROTTLED"]["status"] == status
    # Another group gets a response of its own.
    again = imported(call, exported, is_create_group="false", group_id=make_group(world))
    assert again["failure"] == [] and bare(export(call, again["group_id"])) == bare(exported)
    for broken, code in (({}, "APIG.2011"), ({name: {"SLEEPY": {}}}, "APIG.2011"), ({name: {"THROTTLED": {"status": 99}}}, "APIG.2011")):
        answer = imported(call, content | {"x-apigateway-responses": broken}, group_id=make_group(world))
        assert [entry["error_code"] for entry in answer["failure"]] == [code]


def test_the_host_of_an_export_is_the_first_domain(call, world):
    group = make_group(world)
    domain = f"{unique('d').replace('_', '-')}.example.com"
    call.expect(201, "POST", f"/api-groups/{group}/domains", {"url_domain": domain})
    assert read(export(call, group))["host"] == domain
    assert read(export(call, group, oas_version="3.0"))["servers"] == [{"url": f"https://{domain}"}]


def test_five_hundred_apis(fresh_gatehouse, make_world):
    """The vendor's form: imported, exported, imported again, exported again: equal."""
    call = make_world(fresh_gatehouse()).api
    first = imported(call, vendor_style(500, unique("many")))
    assert first["failure"] == [] and len(first["success"]) == 500
    exported = export(call, first["group_id"])
    assert len(read(exported)["paths"]) == 500
    second = imported(call, exported, is_create_group="false", group_id=call.expect(
        201, "POST", "/api-groups", {"name": unique("again")})["id"])
    assert second["failure"] == [] and len(second["success"]) == 500
    assert bare(export(call, second["group_id"])) == bare(exported)
    assert call.expect(200, "GET", "/apis", query={"group_id": second["group_id"], "limit": 1})["total"] == 500
    # And in place: every API is found again.
    third = imported(call, exported, group_id=first["group_id"], api_mode="override", extend_mode="override")
    assert {entry["action"] for entry in third["success"]} == {"update"} and third["failure"] == []
    assert bare(export(call, first["group_id"])) == bare(exported)


# Tasks -------------------------------------------------------------------------------------------------

def result_of(apig, task_id):
    """The task when it has ended; until then it says how far it is."""
    seen = set()
    while True:
        task = apig.show_async_task_result(task_id=task_id)
        if task.task_status in ("succeed", "failed"):
            return task, json.loads(task.task_result), seen
        seen.add(task.task_status)
        if task.task_status == "processing":
            progress = json.loads(task.task_result)
            assert 0 <= progress["done"] <= progress["total"]


def test_import_and_export_as_tasks(apig, call, world):
    group = make_group(world)
    content = vendor_style(60, unique("task"))
    started = apig.import_api_definitions_async(body={
        "is_create_group": False, "group_id": group, "file_name": file(content)})
    task, result, seen = result_of(apig, started.task_id)
    assert (task.task_status, task.task_type) == ("succeed", "import_api"), result
    assert seen <= {"waiting", "processing"}
    assert (result["group_id"], len(result["success"]), result["failure"]) == (group, 60, [])
    started = apig.export_api_definitions_async(body={"group_id": group, "define": "dev", "type": "yaml"}, oas_version="3.0")
    task, result, _ = result_of(apig, started.task_id)
    assert (task.task_status, task.task_type, result["file_type"]) == ("succeed", "export_api", "yaml")
    assert read(result["content"].encode()) == read(export(call, group, oas_version="3.0", type="yaml")) | {
        "info": read(result["content"].encode())["info"]}


def test_tasks_that_fail(apig, call, world):
    title = call.expect(200, "GET", f"/api-groups/{make_group(world)}")["name"]
    started = apig.import_api_definitions_async(body={"file_name": file(document(paths(get=operation()), title))})
    task, result, _ = result_of(apig, started.task_id)
    assert (task.task_status, result["error_code"]) == ("failed", "APIG.3201")
    # What can be seen at once is said at once.
    apig.refused(400, "APIG.3600", "import_api_definitions_async", {"file_name": file(b"[")})
    apig.refused(404, "APIG.3001", "import_api_definitions_async", {
        "is_create_group": False, "group_id": hex_id(), "file_name": file(document({}))})
    apig.refused(404, "APIG.3001", "export_api_definitions_async", {"group_id": hex_id(), "define": "dev"})
    apig.refused(400, "APIG.2011", "export_api_definitions_async", {"group_id": hex_id(), "define": "x"})
    started = apig.export_api_definitions_async(body={"group_id": make_group(world), "env_id": hex_id(), "define": "all"})
    task, result, _ = result_of(apig, started.task_id)
    assert (task.task_status, result["error_code"]) == ("failed", "APIG.3003")
    assert "asynchronous task" in apig.refused(404, "APIG.3093", "show_async_task_result", task_id=hex_id())


def test_the_twin_sdk_imports_and_exports(apig, call, world):
    group = make_group(world)
    made = apig.import_api_definitions_v2(body={
        "is_create_group": False, "group_id": group, "file_name": file(document(paths(get=operation(tags=["twin"]))))})
    assert len(made.success) == 1 and "twin" in apig.list_tags_v2(limit=500).tags
    target = io.BytesIO()
    apig.export_api_definitions_v2(body={"group_id": group, "define": "dev"}, oas_version="3.0").consume_download_stream(
        lambda chunks: [target.write(chunk) for chunk in chunks])
    assert json.loads(target.getvalue())["openapi"].startswith("3.0")


def test_a_killed_import_leaves_nothing(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    call = make_world(program).api
    path = call.instance_path.replace("/apic/", "/apigw/")
    title = unique("killed")
    started = post(call, vendor_style(300, title), path=f"{path}/openapi/async-import").json()["task_id"]
    while call.expect(200, "GET", f"{path}/async-tasks/{started}")["task_status"] == "waiting":
        pass
    program.kill()
    again = fresh_gatehouse(data_dir=program.data_dir)
    call = make_world(again).api
    task = call.expect(200, "GET", f"{path}/async-tasks/{started}")
    groups = call.expect(200, "GET", "/api-groups", query={"name": title})["total"]
    apis = call.expect(200, "GET", "/apis")["total"]
    # All or nothing, and the task knows which.
    assert (task["task_status"], groups, apis) in (("failed", 0, 0), ("succeed", 1, 300))
