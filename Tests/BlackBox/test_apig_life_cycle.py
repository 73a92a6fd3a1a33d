"""`huaweicloudsdkapig`, the SDK of the twin product: one life from an instance of its own to its end, under `/apigw/`."""

from __future__ import annotations

import json

import pytest

from harness.management import RELEASE
from harness.wire import ask
from harness.world import unique


class Bound:
    """The SDK with every call below one instance."""

    def __init__(self, apig, instance_id: str):
        self.apig = apig
        self.instance_id = instance_id

    def __getattr__(self, operation: str):
        call = getattr(self.apig, operation)
        return lambda body=None, **parameters: call(body=body, instance_id=self.instance_id, **parameters)

    def refused(self, status: int, code: str, operation: str, body=None, **parameters) -> str:
        return self.apig.refused(status, code, operation, body=body, instance_id=self.instance_id, **parameters)


@pytest.fixture
def own(apig):
    instance_id = apig.create_instance_v2(body={"instance_name": unique("life"), "spec_id": "BASIC"}).instance_id
    yield Bound(apig, instance_id)
    apig.delete_instances_v2(instance_id=instance_id)
    apig.refused(404, "APIC.7302", "show_details_of_instance_v2", instance_id=instance_id)


def proxied(group_id: str, backend: str, **fields) -> dict:
    return {
        "name": unique("api"), "type": 1, "req_protocol": "BOTH", "req_method": "GET", "req_uri": "/life", "auth_type": "NONE",
        "match_mode": "NORMAL", "backend_type": "HTTP", "group_id": group_id,
        "backend_api": {
            "url_domain": backend, "req_protocol": "HTTP", "req_method": "GET", "req_uri": "/behind", "timeout": 5000},
        **fields}


def test_one_life(own, gatehouse, backend):
    # A group with an environment and a variable that the backend's path names.
    group = own.create_api_group_v2(body={"name": unique("group"), "remark": "made"})
    assert own.update_api_group_v2(group_id=group.id, body={"name": group.name, "remark": "changed"}).remark == "changed"
    assert own.show_details_of_api_group_v2(group_id=group.id).sl_domain == f"{group.id}.apic.localhost"
    assert {g.name for g in own.list_api_groups_v2().groups} == {group.name, "DEFAULT"}
    environment = own.create_environment_v2(body={"name": unique("env")})
    own.update_environment_v2(env_id=environment.id, body={"name": environment.name, "remark": "for tests"})
    assert own.list_environments_v2(name=environment.name).envs[0].remark == "for tests"
    for env_id, value in ((environment.id, "there"), (RELEASE, "here")):
        variable = own.create_environment_variable_v2(body={
            "env_id": env_id, "group_id": group.id, "variable_name": "place", "variable_value": value})
        assert own.show_details_of_environment_variable_v2(env_variable_id=variable.id).variable_value == value
    assert own.list_environment_variables_v2(group_id=group.id).total == 2

    # An API in both environments.
    definition = proxied(group.id, backend.address)
    definition["backend_api"]["req_uri"] = "/#place#"
    api = own.create_api_v2(body=definition)
    host = f"{group.id}.apic.localhost"

    def get(*headers):
        answer = ask(gatehouse.gateway, "GET", "/life", host, list(headers), b"", None)
        return answer.status, answer

    assert get()[0] == 404
    published = {}
    for env_id in (RELEASE, environment.id):
        done = own.create_or_delete_publish_record_for_api_v2(body={"action": "online", "api_id": api.id, "env_id": env_id})
        published[env_id] = done.publish_id
    assert get()[1].json()["target"] == "/here"
    assert get(("X-Stage", environment.name))[1].json()["target"] == "/there"
    own.update_environment_variable_v2(env_variable_id=variable.id, body={"variable_value": "moved"})
    assert get()[1].json()["target"] == "/moved"
    assert own.list_apis_v2(group_id=group.id).apis[0].id == api.id
    assert own.show_details_of_api_v2(api_id=api.id).backend_api.req_uri == "/#place#"
    assert own.list_api_versions_v2(api_id=api.id).total == 2
    own.refused(409, "APIG.3416", "delete_api_v2", api_id=api.id)

    # Signature key.
    sign = own.create_signature_key_v2(body={"name": unique("sign"), "sign_type": "basic"})
    bound = own.associate_signature_key_v2(body={"sign_id": sign.id, "publish_ids": [published[RELEASE]]}).bindings
    backend.clear()
    get()
    assert backend.requests[-1].one("Authorization").startswith("Basic ")
    assert own.list_signature_keys_binded_to_api_v2(api_id=api.id).bindings[0].sign_id == sign.id
    own.disassociate_signature_key_v2(sign_bindings_id=bound[0].id)
    backend.clear()
    get()
    assert not backend.requests[-1].has("Authorization")
    own.delete_signature_key_v2(sign_id=sign.id)

    # Access control.
    acl = own.create_acl_strategy_v2(body={
        "acl_name": unique("acl"), "acl_type": "DENY", "acl_value": "127.0.0.1", "entity_type": "IP"})
    applied = own.create_api_acl_binding_v2(body={"acl_id": acl.id, "publish_ids": [published[RELEASE]]}).acl_bindings
    assert get()[0] == 403
    own.batch_delete_api_acl_binding_v2(action="delete", body={"acl_bindings": [applied[0].id]})
    assert get()[0] == 200
    own.batch_delete_acl_v2(action="delete", body={"acls": [acl.id]})
    assert own.list_acl_strategies_v2().total == 0

    # Throttling; here a bound policy may be deleted, and takes its binding along.
    throttle = own.create_request_throttling_policy_v2(body={
        "name": unique("throttle"), "api_call_limits": 1, "time_unit": "DAY", "time_interval": 1})
    own.associate_request_throttling_policy_v2(body={"strategy_id": throttle.id, "publish_ids": [published[RELEASE]]})
    assert [get()[0] for _ in range(2)] == [200, 429]
    own.delete_request_throttling_policy_v2(throttle_id=throttle.id)
    assert get()[0] == 200

    # Plug-in.
    plugin = own.create_plugin(body={
        "plugin_name": unique("plugin"), "plugin_type": "set_resp_headers", "plugin_scope": "global",
        "plugin_content": json.dumps({"response_headers": [
            {"name": "X-Life", "value": "one", "value_type": "custom_value", "action": "override"}]})})
    own.attach_api_to_plugin(plugin_id=plugin.plugin_id, body={"env_id": RELEASE, "api_ids": [api.id]})
    assert get()[1].get("X-Life") == "one"
    assert own.list_plugin_attached_apis(plugin_id=plugin.plugin_id).total == 1
    own.refused(409, "APIG.3462", "delete_plugin", plugin_id=plugin.plugin_id)
    own.detach_api_from_plugin(plugin_id=plugin.plugin_id, body={"env_id": RELEASE, "api_ids": [api.id]})
    assert get()[1].get("X-Life") is None
    own.delete_plugin(plugin_id=plugin.plugin_id)

    # What was counted, and the end of it.
    assert sum(e.req_count for e in own.list_lately_api_statistics_v2(api_id=api.id, duration="1h").list) >= 12
    for env_id in published:
        own.create_or_delete_publish_record_for_api_v2(body={"action": "offline", "api_id": api.id, "env_id": env_id})
    assert get()[0] == 404
    own.refused(412, "APIG.3415", "delete_api_group_v2", group_id=group.id)
    own.delete_api_v2(api_id=api.id)
    own.delete_environment_v2(env_id=environment.id)
    own.delete_api_group_v2(group_id=group.id)
    own.refused(404, "APIG.3001", "list_environment_variables_v2", group_id=group.id)


def test_domains_and_answers_of_a_group(own, gatehouse):
    group = own.create_api_group_v2(body={"name": unique("group")})
    api = own.create_api_v2(body={
        **proxied(group.id, "127.0.0.1:9"), "backend_type": "MOCK", "backend_api": None, "mock_info": {"result_content": "mock"}})
    own.create_or_delete_publish_record_for_api_v2(body={"action": "online", "api_id": api.id, "env_id": RELEASE})
    name = f"{unique('d').replace('_', '')}.example.com"
    domain = own.associate_domain_v2(group_id=group.id, body={"url_domain": name})

    def get(path: str = "/life"):
        return ask(gatehouse.gateway, "GET", path, name, [], b"", None)

    assert get().body == b"mock"
    # The default answers of the group hold where no API matched.
    default = next(r for r in own.list_gateway_responses_v2(group_id=group.id).responses if r.default)
    own.update_gateway_response_type_v2(
        group_id=group.id, response_id=default.id, response_type="NOT_FOUND", body={"status": 418, "body": '{"own":true}'})
    assert (get("/nowhere").status, get("/nowhere").json()) == (418, {"own": True})
    own.delete_gateway_response_type_v2(group_id=group.id, response_id=default.id, response_type="NOT_FOUND")
    assert get("/nowhere").status == 404
    response = own.create_gateway_response_v2(group_id=group.id, body={
        "name": unique("response"), "responses": {"NOT_FOUND": {"status": 410, "body": "{}"}}})
    assert own.show_details_of_gateway_response_v2(group_id=group.id, response_id=response.id).name == response.name
    own.delete_gateway_response_v2(group_id=group.id, response_id=response.id)
    own.disassociate_domain_v2(group_id=group.id, domain_id=domain.id)
    assert get().status == 404


def test_channels_and_authorizers(own):
    channel = own.create_vpc_channel_v2(body={
        "name": unique("channel"), "port": 8080, "balance_strategy": 1, "member_type": "ip", "type": 2,
        "vpc_health_config": {"protocol": "tcp", "threshold_normal": 2, "threshold_abnormal": 2, "time_out": 2,
                              "time_interval": 10},
        "members": [{"host": "192.0.2.1", "weight": 1}]})
    assert own.show_details_of_vpc_channel_v2(vpc_channel_id=channel.id).balance_strategy == 1
    assert own.list_backend_instances_v2(vpc_channel_id=channel.id).total == 1
    own.adding_backend_instances_v2(vpc_channel_id=channel.id, body={"members": [{"host": "192.0.2.2", "weight": 2}]})
    members = own.list_backend_instances_v2(vpc_channel_id=channel.id).members
    assert {m.host for m in members} == {"192.0.2.1", "192.0.2.2"}
    own.delete_backend_instance_v2(vpc_channel_id=channel.id, member_id=members[0].id)
    assert own.list_vpc_channels_v2(name=channel.name).total == 1
    own.delete_vpc_channel_v2(vpc_channel_id=channel.id)
    own.refused(404, "APIG.3023", "show_details_of_vpc_channel_v2", vpc_channel_id=channel.id)
