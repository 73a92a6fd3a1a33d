"""One object of every family, for tests that throw generated requests at all of them."""

from __future__ import annotations

from . import certificates, functions
from .management import RELEASE
from .world import World, unique


def populate(world: World) -> dict[str, str]:
    """New objects; their ids by the names that the contract's paths, queries and bodies have for them."""
    call = world.api
    project, instance = call.credentials["project_id"], call.credentials["instance_id"]
    roma = f"/v2/{project}/instances/{instance}"
    ids = {"project_id": project, "instance_id": instance, "env_id": RELEASE}

    def get(path: str) -> dict:
        return call.expect(200, "GET", path)

    def post(path: str, body: dict, status: int = 201) -> dict:
        return call.expect(status, "POST", path, body)

    group = world.make_group()
    ids["group_id"] = group["id"]
    ids["env_variable_id"] = post("/env-variables", {
        "group_id": group["id"], "env_id": RELEASE, "variable_name": unique("v"), "variable_value": "/v1"})["id"]
    api = world.make_mock(group=group)
    ids |= {"api_id": api.id, "publish_id": api.publish_id}
    ids["version_id"] = get(f"/apis/publish/{api.id}?env_id={RELEASE}")["api_versions"][0]["version_id"]
    sign = world.make_sign()
    ids |= {"sign_id": sign["id"], "sign_bindings_id": world.bind_sign(sign, api)[0]["id"]}
    acl = world.make_acl("192.0.2.1")
    ids |= {"acl_id": acl["id"], "acl_bindings_id": world.bind_acl(acl, api)[0]["id"]}
    ids["plugin_id"] = world.make_plugin("set_resp_headers", {"response_headers": [
        {"name": "X-A", "value": "1", "value_type": "custom_value", "action": "override"}]})["plugin_id"]
    ids["throttle_id"] = post("/throttles", {
        "name": unique("throttle"), "api_call_limits": 100, "time_unit": "MINUTE", "time_interval": 1})["id"]
    ids["throttle_binding_id"] = post("/throttle-bindings", {
        "strategy_id": ids["throttle_id"], "publish_ids": [api.publish_id]})["throttle_applys"][0]["id"]
    ids["authorizer_id"] = post("/authorizers", {
        "name": unique("authorizer"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER})["id"]
    ids["orchestration_id"] = post(f"/v2/{project}/apigw/instances/{instance}/orchestrations", {
        "orchestration_name": unique("rule"), "orchestration_strategy": "list",
        "orchestration_mapped_param": {
            "mapped_param_name": "tag", "mapped_param_type": "string", "mapped_param_location": "header"},
        "orchestration_map": [{"map_param_list": ["a"], "mapped_param_value": "one"}]})["orchestration_id"]
    channel = post("/vpc-channels", {
        "name": unique("channel"), "port": 8080, "balance_strategy": 1, "member_type": "ip",
        "member_groups": [{"member_group_name": "g1"}], "members": [{"host": "127.0.0.1", "member_group_name": "g1"}]})
    ids["vpc_channel_id"] = channel["id"]
    shown = get(f"/vpc-channels/{channel['id']}")
    ids |= {"member_group_id": shown["member_groups"][0]["member_group_id"], "member_id": shown["members"][0]["id"]}
    ids["dict_id"] = post(f"{roma}/dictionaries", {"name": unique("name"), "code": unique("code")})["id"]
    app = post(f"{roma}/apps", {"name": unique("app")})
    ids |= {"app_id": app["id"], "roma_app_id": app["id"]}
    ids["app_code_id"] = post(f"/apps/{app['id']}/app-codes", {"app_code": unique("code").ljust(64, "x")})["id"]
    ids["app_quota_id"] = post("/app-quotas", {
        "name": unique("quota"), "call_limits": 100, "time_unit": "MINUTE", "time_interval": 1})["app_quota_id"]
    ids["app_config_id"] = post(f"/apps/{app['id']}/configs", {
        "config_name": unique("config"), "config_type": "variable", "config_value": "1"})["id"]
    domain = post(f"/api-groups/{group['id']}/domains", {"url_domain": f"{unique('d').replace('_', '')}.example.com"})
    ids["domain_id"] = domain["id"]
    certificate = certificates.make(domain["url_domain"])
    ids["certificate_id"] = post(f"/v2/{project}/apic/certificates", {
        "name": unique("cert"), "cert_content": certificate.content, "private_key": certificate.key_pem}, 200)["id"]
    live = post("/livedata-apis", {
        "name": unique("livedata"), "path": f"/{unique('orders')}", "method": "GET", "version": "1.0.1",
        "content_type": "json", "roma_app_id": app["id"]})
    ids["ld_api_id"] = live["id"]
    return ids
