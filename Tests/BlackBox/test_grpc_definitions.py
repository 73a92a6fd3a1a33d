"""Definitions of gRPC in the management API: what they may say, and what is not there for them."""

from __future__ import annotations

import pytest

from harness import functions
from harness.documents import export, read
from harness.management import RELEASE
from harness.world import unique
from test_plugins_traffic import breaker


def definition(world, group=None, backend=None, **fields) -> dict:
    path = fields.pop("path", "/pkg.Service")
    made = world.definition((group or world.make_group())["id"], path, "POST", {
        "url_domain": "backend.example.com:50051", "req_protocol": "GRPC", "req_uri": "/", **(backend or {})}, **{
        "req_protocol": "GRPCS", "backend_type": "GRPC", "match_mode": "SWA", **fields})
    return {name: value for name, value in made.items() if value is not None}


def test_written_read_listed_and_changed(sdk, world):
    api = world.api.expect(201, "POST", "/apis", definition(world))
    read = sdk.show_details_of_api_v2(api_id=api["id"])
    assert (read.req_protocol, read.backend_type, read.match_mode) == ("GRPCS", "GRPC", "SWA")
    assert (read.backend_api.req_protocol, read.backend_api.req_uri) == ("GRPC", "/")
    listed = world.api.expect(200, "GET", f"/apis?req_protocol=GRPCS&id={api['id']}")
    assert [entry["backend_type"] for entry in listed["apis"]] == ["GRPC"]
    changed = definition(world, {"id": api["group_id"]}, {"req_protocol": "GRPCS"}, name=api["name"])
    assert world.api.expect(200, "PUT", f"/apis/{api['id']}", changed)["backend_api"]["req_protocol"] == "GRPCS"
    world.api.expect(201, "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": api["id"]})


@pytest.mark.parametrize("path, mode", [("/", "SWA"), ("/pkg.Service", "SWA"), ("/pkg.Service/Method", "NORMAL")])
def test_what_a_path_stands_for(world, path, mode):
    """Everything, a service, a method; `match_mode` follows from it, and may say the same."""
    open_ = {name: value for name, value in definition(world, path=path).items() if name != "match_mode"}
    assert world.api.expect(201, "POST", "/apis", open_)["match_mode"] == mode
    assert world.api.expect(201, "POST", "/apis", definition(world, path=path, match_mode=mode))["match_mode"] == mode
    other = "NORMAL" if mode == "SWA" else "SWA"
    assert "match_mode" in world.api.refused(400, "APIG.2011", "POST", "/apis", definition(world, path=path, match_mode=other))


@pytest.mark.parametrize("change, inner, field", [
    ({"req_protocol": "HTTPS"}, {}, "req_protocol"),
    ({"req_method": "GET"}, {}, "req_method"),
    ({"path": "/a/b/c", "match_mode": "NORMAL"}, {}, "req_uri"),
    ({"path": "/pkg/{method}", "match_mode": "NORMAL", "req_params": [
        {"name": "method", "type": "STRING", "location": "PATH", "required": 1}]}, {}, "req_uri"),
    ({}, {"req_protocol": "HTTP"}, "req_protocol"),
    ({}, {"req_method": "GET"}, "req_method"),
    ({}, {"req_uri": "/elsewhere"}, "req_uri"),
    ({"content_type": "application/json"}, {}, "content_type"),
    ({"req_params": [{"name": "q", "type": "STRING", "location": "QUERY", "required": 1}]}, {}, "location"),
    ({"backend_params": [{"name": "q", "origin": "CONSTANT", "location": "QUERY", "value": "1"}]}, {}, "location"),
    ({"policy_mocks": [{"name": "mocked", "effect_mode": "ANY", "result_content": "", "conditions": [
        {"condition_origin": "source", "condition_value": "127.0.0.1"}]}]}, {}, "policy_mocks"),
    ({"backend_type": "HTTP"}, {}, "req_protocol"),
    ({"backend_type": "HTTP", "req_protocol": "HTTPS"}, {}, "req_protocol"),
    ({"backend_type": "MOCK", "backend_api": None, "mock_info": {"result_content": ""}}, {}, "req_protocol"),
])
def test_refused_definitions(world, change, inner, field):
    assert field in world.api.refused(400, "APIG.2011", "POST", "/apis", definition(world, None, inner, **change))


def test_authorizers_are_not_asked(world, sdk, function_service):
    authorizer = world.api.expect(201, "POST", "/authorizers", {
        "name": unique("auth"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER})
    assert "authorizer_id" in world.api.refused(400, "APIG.2011", "POST", "/apis", definition(
        world, auth_type="AUTHORIZER", authorizer_id=authorizer["id"]))


def test_two_way_tls_needs_tls(world):
    api = world.api.expect(201, "POST", "/apis", definition(world, None, {"enable_client_ssl": True}))
    assert "enable_client_ssl" in world.api.refused(400, "APIG.2011", "POST", "/apis/action", {
        "action": "online", "env_id": RELEASE, "api_id": api["id"]})


def test_not_debugged_and_not_exported(world):
    """Documents and debugging have no words for it: plainly refused, and left out of an export of the group."""
    group = world.make_group()
    api = world.api.expect(201, "POST", "/apis", definition(world, group))
    world.api.expect(201, "POST", "/apis", world.definition(group["id"], "/plain", "GET"))
    assert "api_id" in world.api.refused(400, "APIG.2030", "POST", f"/apis/debug/{api['id']}", {
        "mode": "DEVELOPER", "scheme": "HTTPS", "method": "POST", "path": "/pkg.Service/Method"})
    assert list(read(export(world.api, group["id"]))["paths"]) == ["/plain"]
    assert "apis" in world.api.refused(400, "APIG.2011", "POST", "/openapi/export", {
        "group_id": group["id"], "define": "dev", "apis": [api["id"]]})


@pytest.mark.parametrize("downgrade", [
    {"type": "mock", "mock_info": {"status_code": 203, "result_content": "sorry", "headers": []}},
    {"type": "http", "http_info": {"isVpc": False, "vpc_channel_id": "", "address": "other.example.com", "scheme": "HTTP",
                                   "method": "GET", "path": "/demo", "timeout": 5000}},
], ids=["mock", "http"])
def test_breakers_have_no_other_backend(world, downgrade):
    """Refused where it would come into force, either way round."""
    api = world.api.expect(201, "POST", "/apis", definition(world))
    plugin = world.make_plugin("breaker", breaker(downgrade_default=downgrade))
    online = {"action": "online", "env_id": RELEASE, "api_id": api["id"]}
    world.api.expect(201, "POST", "/apis/action", online)
    assert "downgrade" in world.api.refused(400, "APIG.2012", "POST", f"/plugins/{plugin['plugin_id']}/attach", {
        "env_id": RELEASE, "api_ids": [api["id"]]})
    plain = world.make_plugin("breaker", breaker())
    world.api.expect(201, "POST", f"/plugins/{plain['plugin_id']}/attach", {"env_id": RELEASE, "api_ids": [api["id"]]})
