"""All operations of the contract in one life on a fresh server, through the official SDK, in order: created, read back, listed,
changed, bound, refused while bound, unbound, deleted. Ids are the server's own; the harness judges every answer by the contract."""

from __future__ import annotations

import base64
import json
import time

import yaml
from huaweicloudsdkcore.http.formdata import FormFile
from huaweicloudsdkroma.v2 import ImportAssetRequestBody, ImportLiveDataApiDefinitionsV2RequestBody

from harness import certificates, contract, documents, functions, signatures
from harness.management import RELEASE, Sdk
from harness.wire import ask

SCRIPT = base64.b64encode(b"return 'hello'").decode()
HEADERS = json.dumps({"response_headers": [
    {"name": "X-Life", "value": "one", "value_type": "custom_value", "action": "override"}]})


def content(answer) -> bytes:
    """What an answer holds that the SDK leaves as a stream."""
    parts: list[bytes] = []
    answer.consume_download_stream(lambda response: parts.append(response.content))
    return parts[0]


class Life:
    """The server, its client, and what has been made so far."""

    def __init__(self, program, backend):
        self.sdk = Sdk(program.credentials, program.endpoint)
        self.program = program
        self.backend = backend

    def call(self, path: str = "/life", method: str = "GET", headers=()):
        return ask(self.program.gateway, method, path, f"{self.group.id}.apic.localhost", list(headers), b"", None)

    def definition(self, name: str, path: str, behind: str = "/#place#", **fields) -> dict:
        return {
            "name": name, "type": 1, "req_protocol": "BOTH", "req_method": "GET", "req_uri": path, "auth_type": "NONE",
            "match_mode": "NORMAL", "backend_type": "HTTP", "group_id": self.group.id, "roma_app_id": self.app.id, "tags": ["life"],
            "backend_api": {
                "url_domain": self.backend.address, "req_protocol": "HTTP", "req_method": "GET", "req_uri": behind, "timeout": 5000}, **fields}


# What is there from the beginning ------------------------------------------------------------------
def instance_and_features(life: Life) -> None:
    sdk = life.sdk
    assert [one.id for one in sdk.check_roma_instance_list_v2().instances] == [sdk.instance_id]
    assert sdk.show_details_of_instance_v2().id == sdk.instance_id
    assert sdk.show_restriction_of_instance_v2() is not None
    assert sdk.list_project_cofigs_v2(limit=500).total > 10
    assert sdk.create_feature_v2(body={"name": "request_body_size", "enable": True, "config": "2097152"}).config == "2097152"
    assert {one.name: one.config for one in sdk.list_features_v2(limit=500).features}["request_body_size"] == "2097152"


# Created, read back, listed, changed ---------------------------------------------------------------
def applications(life: Life) -> None:
    sdk = life.sdk
    assert sdk.create_dictionary(body={"name": "life", "code": "life_code"}).code == "life_code"
    life.dictionary = sdk.list_dictionary().dictionaries[0]
    assert sdk.check_dictionary(dict_id=life.dictionary.id).name == "life"
    assert sdk.update_dictionary(dict_id=life.dictionary.id, body={"remark": "changed"}).remark == "changed"
    assert sdk.validate_dictionary(name="life").name == "life"
    life.app = sdk.create_roma_app(body={"name": "life app"})
    assert sdk.check_roma_app_details(app_id=life.app.id).name == "life app"
    assert sdk.list_roma_app(name="life").total == 1
    assert sdk.update_roma_app(app_id=life.app.id, body={"name": "life app", "remark": "changed"}).remark == "changed"
    assert sdk.validate_roma_app(name="life app").id == life.app.id
    secret = sdk.check_roma_app_secret(app_id=life.app.id).secret
    assert sdk.reset_roma_app_secret(app_id=life.app.id, body={"secret": "another_Secret_1"}).secret == "another_Secret_1" != secret
    assert sdk.check_can_auth_users_of_app(app_id=life.app.id).users is not None
    assert sdk.add_user_to_app(app_id=life.app.id, body={"users": []}).id == life.app.id
    assert sdk.check_auth_users_of_app(app_id=life.app.id).total == 1
    assert sdk.list_apps_v2().total == 1 and sdk.show_details_of_app_v2(app_id=life.app.id).name == "life app"


def application_parts(life: Life) -> None:
    sdk, app = life.sdk, life.app.id
    life.code = sdk.create_app_code_v2(app_id=app, body={"app_code": "life".ljust(64, "x")})
    generated = sdk.create_app_code_auto_v2(app_id=app)
    assert sdk.list_app_codes_v2(app_id=app).total == 2
    assert sdk.show_details_of_app_code_v2(app_id=app, app_code_id=generated.id).app_code == generated.app_code
    config = sdk.create_app_config_v2(app_id=app, body={"config_name": "life", "config_type": "variable", "config_value": "1"})
    sdk.update_app_config_v2(app_id=app, app_config_id=config.id, body={"config_type": "variable", "config_value": "2"})
    assert sdk.show_details_of_app_config_v2(app_id=app, app_config_id=config.id).config_value == "2"
    assert sdk.list_app_configs_v2(app_id=app).total == 1
    sdk.update_app_acl(app_id=app, body={"app_acl_type": "PERMIT", "app_acl_values": ["127.0.0.1"]})
    assert sdk.show_details_of_app_acl(app_id=app).app_acl_values == ["127.0.0.1"]
    limits = {"name": "life_quota", "call_limits": 100, "time_unit": "HOUR", "time_interval": 1}
    life.quota = sdk.create_app_quota(body=limits)
    assert sdk.update_app_quota(app_quota_id=life.quota.app_quota_id, body={**limits, "call_limits": 50}).call_limits == 50
    assert sdk.show_app_quota(app_quota_id=life.quota.app_quota_id).call_limits == 50 and sdk.list_app_quotas().total == 1
    assert sdk.list_app_quota_bindable_apps(app_quota_id=life.quota.app_quota_id).total == 1
    sdk.associate_apps_for_app_quota(app_quota_id=life.quota.app_quota_id, body={"app_ids": [app]})
    assert sdk.list_app_quota_bound_apps(app_quota_id=life.quota.app_quota_id).total == 1
    assert sdk.show_app_bound_app_quota(app_id=app).app_quota_id == life.quota.app_quota_id
    life.generated, life.config = generated, config


def groups(life: Life) -> None:
    sdk = life.sdk
    sdk.check_api_groups_v2(body={"group_name": "life"})
    life.group = sdk.create_api_group_v2(body={"name": "life", "remark": "made", "roma_app_id": life.app.id})
    assert sdk.update_api_group_v2(group_id=life.group.id, body={"name": "life", "remark": "changed"}).remark == "changed"
    assert sdk.show_details_of_api_group_v2(group_id=life.group.id).remark == "changed"
    assert sdk.list_api_groups_v2(name="life").total == 1
    life.environment = sdk.create_environment_v2(body={"name": "life_env"})
    assert sdk.update_environment_v2(env_id=life.environment.id, body={"name": "life_env", "remark": "changed"}).remark == "changed"
    assert sdk.list_environments_v2(name="life_env").total == 1
    life.variable = sdk.create_environment_variable_v2(body={
        "group_id": life.group.id, "env_id": RELEASE, "variable_name": "place", "variable_value": "here"})
    assert sdk.show_details_of_environment_variable_v2(env_variable_id=life.variable.id).variable_value == "here"
    assert sdk.list_environment_variables_v2(group_id=life.group.id).total == 1
    life.authorizer = sdk.create_custom_authorizer_v2(body={
        "name": "life_authorizer", "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER})
    assert sdk.update_custom_authorizer_v2(authorizer_id=life.authorizer.id, body={
        "name": "life_authorizer", "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER,
        "identities": [{"name": "X-Token", "location": "HEADER"}], "ttl": 5}).ttl == 5
    assert sdk.show_details_of_custom_authorizers_v2(authorizer_id=life.authorizer.id).ttl == 5
    assert sdk.list_custom_authorizers_v2().total == 1


def domains(life: Life) -> None:
    sdk, group = life.sdk, life.group.id
    first, second = (certificates.make("life.example.com", key=certificates.rsa_key(number)) for number in (0, 1))
    domain = sdk.associate_domain_v2(group_id=group, body={"url_domain": "life.example.com"})
    assert sdk.update_domain_v2(group_id=group, domain_id=domain.id, body={"min_ssl_version": "TLSv1.2"}).min_ssl_version == "TLSv1.2"
    made = sdk.create_certificate_v2(body={"name": "life_one", "cert_content": first.content, "private_key": first.key_pem})
    assert sdk.update_certificate_v2(certificate_id=made.id, body={
        "name": "life_two", "cert_content": second.content, "private_key": second.key_pem}).name == "life_two"
    assert sdk.show_details_of_certificate_v2(certificate_id=made.id).name == "life_two"
    assert sdk.list_certificates_v2(instance_id=sdk.instance_id).total == 1
    targets = {"domains": [{"domain": "life.example.com"}]}
    sdk.batch_associate_domains_v2(certificate_id=made.id, body=targets)
    assert sdk.list_attached_domains_v2(certificate_id=made.id).total == 1
    sdk.refused(409, "APIG.3400", "delete_certificate_v2", certificate_id=made.id)
    sdk.batch_disassociate_domains_v2(certificate_id=made.id, body=targets)
    attached = {"certificate_ids": [made.id]}
    sdk.batch_associate_certs_v2(group_id=group, domain_id=domain.id, body=attached)
    assert sdk.show_details_of_domain_name_certificate_v2(
        group_id=group, domain_id=domain.id, certificate_id=made.id).name == "life_two"
    sdk.batch_disassociate_certs_v2(group_id=group, domain_id=domain.id, body=attached)
    sdk.delete_certificate_v2(certificate_id=made.id)
    bound = sdk.associate_certificate_v2(group_id=group, domain_id=domain.id, body={
        "name": "life_three", "cert_content": first.content, "private_key": first.key_pem})
    sdk.disassociate_certificate_v2(group_id=group, domain_id=domain.id, certificate_id=bound.ssl_id)
    sdk.delete_certificate_v2(certificate_id=bound.ssl_id)
    sdk.disassociate_domain_v2(group_id=group, domain_id=domain.id)
    assert not sdk.show_details_of_api_group_v2(group_id=group).url_domains


def channels(life: Life) -> None:
    sdk = life.sdk
    body = {"name": "life_channel", "port": life.backend.port, "balance_strategy": 1, "member_type": "ip",
            "members": [{"host": "127.0.0.1"}]}
    channel = life.channel = sdk.create_vpc_channel_v2(body=body).id
    assert sdk.update_vpc_channel_v2(vpc_channel_id=channel, body={**body, "balance_strategy": 2}).balance_strategy == 2
    assert sdk.show_details_of_vpc_channel_v2(vpc_channel_id=channel).balance_strategy == 2
    assert sdk.list_vpc_channels_v2(name="life_channel").total == 1
    [group] = sdk.create_member_group(vpc_channel_id=channel, body={"member_groups": [{"member_group_name": "a"}]}).member_groups
    sdk.update_member_group(vpc_channel_id=channel, member_group_id=group.member_group_id, body={
        "member_group_name": "b", "member_group_weight": 7})
    assert sdk.show_details_of_member_group(
        vpc_channel_id=channel, member_group_id=group.member_group_id).member_group_weight == 7
    assert sdk.list_member_groups(vpc_channel_id=channel).total == 1
    sdk.adding_backend_instances_v2(vpc_channel_id=channel, body={"members": [{"host": "127.0.0.9", "member_group_name": "b"}]})
    members = {member.host: member.id for member in sdk.list_backend_instances_v2(vpc_channel_id=channel).members}
    assert len(members) == 2
    sdk.batch_disable_members(vpc_channel_id=channel, body={"member_ids": [members["127.0.0.9"]]})
    sdk.batch_enable_members(vpc_channel_id=channel, body={"member_ids": [members["127.0.0.9"]]})
    sdk.delete_backend_instance_v2(vpc_channel_id=channel, member_id=members["127.0.0.9"])
    sdk.delete_member_group(vpc_channel_id=channel, member_group_id=group.member_group_id)
    assert len(sdk.update_backend_instances_v2(vpc_channel_id=channel, body={"members": [{"host": "127.0.0.1"}]}).members) == 1
    assert sdk.update_health_check(vpc_channel_id=channel, body={
        "protocol": "TCP", "threshold_normal": 2, "threshold_abnormal": 2, "time_interval": 10, "timeout": 5}).time_interval == 10
    # Channels of the project need names that stay.
    sdk.create_feature_v2(body={"name": "vpc_name_modifiable", "enable": False, "config": "off"})
    shared = {"name": "life_project", "port": 80, "balance_strategy": 1, "member_type": "ip", "members": [{"host": "10.0.0.1"}],
              "instance_ids": [sdk.instance_id]}
    [made] = sdk.create_project_vpc_channel(body=shared).project_vpc_channels
    assert sdk.update_project_vpc_channel(body={**shared, "port": 81}).project_vpc_channels[0].port == 81
    assert sdk.list_project_vpc_channels_v2(name="life_project").total == 1
    assert sdk.show_details_of_vpc_channel_v2(vpc_channel_id=made.id).port == 81
    sdk.create_project_vpc_channel_syncs(body={"vpc_channel_id": made.id, "instance_ids": [sdk.instance_id]})
    sdk.delete_vpc_channel_v2(vpc_channel_id=made.id)


def apis(life: Life) -> None:
    sdk = life.sdk
    sdk.check_apis_v2(body={"type": "name", "name": "life_api", "group_id": life.group.id})
    api = life.api = sdk.create_api_v2(body=life.definition("life_api", "/life", "/plain"))
    assert sdk.show_details_of_api_v2(api_id=api.id).req_uri == "/life" and sdk.list_apis_v2(name="life_api").total == 1
    assert sdk.debug_api_v2(api_id=api.id, body={
        "mode": "DEVELOPER", "method": "GET", "scheme": "HTTP", "path": "/life"}).response.startswith("HTTP/1.1 200")
    assert sdk.update_api_v2(api_id=api.id, body=life.definition("life_api", "/life", remark="changed")).remark == "changed"
    assert life.call().status == 404
    life.publication = sdk.create_or_delete_publish_record_for_api_v2(
        body={"action": "online", "api_id": api.id, "env_id": RELEASE}).publish_id
    assert life.call().json()["target"] == "/here"
    sdk.update_environment_variable_v2(env_variable_id=life.variable.id, body={"variable_value": "there"})
    assert life.call().json()["target"] == "/there"
    done = sdk.batch_publish_or_offline_api_v2(action="online", body={
        "apis": [api.id], "env_id": RELEASE, "remark": "second"})
    assert len(done.success) == 1 and not done.failure
    versions = sdk.list_api_versions_v2(api_id=api.id, env_id=RELEASE).api_versions
    assert len(versions) == 2
    assert sdk.list_api_version_detail_v2(version_id=versions[-1].version_id).remark is not None
    sdk.change_api_version_v2(api_id=api.id, body={"version_id": versions[-1].version_id})
    sdk.delete_api_by_version_id_v2(version_id=versions[-1].version_id)
    assert life.call().status == 404, "it was in force"
    sdk.change_api_version_v2(api_id=api.id, body={"version_id": versions[0].version_id})
    assert sdk.list_api_runtime_definition_v2(api_id=api.id).id == api.id
    assert sdk.list_tags_v2().tags == ["life"]
    sdk.refused(409, "APIG.4016", "delete_api_v2", api_id=api.id)


# Bound, refused while bound, unbound ---------------------------------------------------------------
def signature_keys(life: Life) -> None:
    sdk = life.sdk
    sign = sdk.create_signature_key_v2(body={"name": "life_sign", "sign_type": "hmac"})
    assert sdk.update_signature_key_v2(sign_id=sign.id, body={
        "name": "life_sign2", "sign_key": "life_key_1", "sign_secret": "life_secret_123456"}).sign_key == "life_key_1"
    assert sdk.list_signature_keys_v2(id=sign.id).total == 1
    assert sdk.list_apis_not_bound_with_signature_key_v2(sign_id=sign.id).total == 1
    [binding] = sdk.associate_signature_key_v2(body={"sign_id": sign.id, "publish_ids": [life.publication]}).bindings
    assert life.call().status == 200 and "life_key_1" in life.backend.last.one("Authorization")
    assert sdk.list_apis_binded_to_signature_key_v2(sign_id=sign.id).total == 1
    assert sdk.list_signature_keys_binded_to_api_v2(api_id=life.api.id).total == 1
    sdk.disassociate_signature_key_v2(sign_bindings_id=binding.id)
    assert life.call().status == 200 and not life.backend.last.has("Authorization")
    sdk.delete_signature_key_v2(sign_id=sign.id)


def access_policies(life: Life) -> None:
    sdk = life.sdk

    def make(name: str, value: str):
        return sdk.create_acl_strategy_v2(body={"acl_name": name, "acl_type": "DENY", "acl_value": value, "entity_type": "IP"})

    acl, other = make("life_acl", "192.0.2.1"), make("life_other", "192.0.2.2")
    assert sdk.show_details_of_acl_policy_v2(acl_id=acl.id).acl_value == "192.0.2.1" and sdk.list_acl_strategies_v2().total == 2
    assert sdk.list_apis_unbinded_to_acl_policy_v2(acl_id=acl.id).total == 1

    def bind():
        return sdk.create_api_acl_binding_v2(body={"acl_id": acl.id, "publish_ids": [life.publication]}).acl_bindings[0].id

    bind()
    assert life.call().status == 200
    sdk.update_acl_strategy_v2(acl_id=acl.id, body={
        "acl_name": "life_acl", "acl_type": "DENY", "acl_value": "127.0.0.1", "entity_type": "IP"})
    assert life.call().status == 403
    assert sdk.list_apis_binded_to_acl_policy_v2(acl_id=acl.id).total == 1
    [shown] = sdk.list_acl_policy_binded_to_api_v2(api_id=life.api.id).acls
    sdk.refused(403, "APIG.3447", "delete_acl_v2", acl_id=acl.id)
    sdk.delete_api_acl_binding_v2(acl_bindings_id=shown.bind_id)
    assert life.call().status == 200
    assert sdk.batch_delete_api_acl_binding_v2(action="delete", body={"acl_bindings": [bind()]}).success_count == 1
    sdk.delete_acl_v2(acl_id=acl.id)
    assert sdk.batch_delete_acl_v2(action="delete", body={"acls": [other.id]}).success_count == 1


def throttles(life: Life) -> None:
    sdk = life.sdk
    limits = {"name": "life_throttle", "api_call_limits": 1000, "time_unit": "HOUR", "time_interval": 1}
    throttle = sdk.create_request_throttling_policy_v2(body=limits).id
    sdk.update_request_throttling_policy_v2(throttle_id=throttle, body={**limits, "app_call_limits": 50})
    assert sdk.show_details_of_request_throttling_policy_v2(throttle_id=throttle).app_call_limits == 50
    assert sdk.list_request_throttling_policy_v2().total == 1
    special = sdk.create_special_throttling_configuration_v2(throttle_id=throttle, body={
        "call_limits": 5, "object_id": life.app.id, "object_type": "APP"}).id
    assert sdk.update_special_throttling_configuration_v2(
        throttle_id=throttle, strategy_id=special, body={"call_limits": 6}).call_limits == 6
    assert sdk.list_special_throttling_configurations_v2(throttle_id=throttle).total == 1
    sdk.delete_special_throttling_configuration_v2(throttle_id=throttle, strategy_id=special)
    assert sdk.list_apis_unbinded_to_request_throttling_policy_v2(throttle_id=throttle).total == 1

    def bind():
        return sdk.associate_request_throttling_policy_v2(
            body={"strategy_id": throttle, "publish_ids": [life.publication]}).throttle_applys[0].id

    bind()
    assert sdk.list_apis_binded_to_request_throttling_policy_v2(throttle_id=throttle).total == 1
    [shown] = sdk.list_request_throttling_policies_binded_to_api_v2(api_id=life.api.id).throttles
    assert life.call().status == 200
    sdk.disassociate_request_throttling_policy_v2(throttle_binding_id=shown.bind_id)
    assert sdk.batch_disassociate_throttling_policy_v2(
        action="delete", body={"throttle_bindings": [bind()]}).success_count == 1
    sdk.delete_request_throttling_policy_v2(throttle_id=throttle)


def plugins(life: Life) -> None:
    sdk, api = life.sdk, life.api.id
    body = {"plugin_name": "life_plugin", "plugin_type": "set_resp_headers", "plugin_scope": "global", "plugin_content": HEADERS}
    plugin = sdk.create_plugin(body=body).plugin_id
    assert sdk.update_plugin(plugin_id=plugin, body={**body, "remark": "changed"}).remark == "changed"
    assert sdk.show_plugin(plugin_id=plugin).remark == "changed" and sdk.list_plugins().total == 1
    assert sdk.list_plugin_attachable_apis(plugin_id=plugin, env_id=RELEASE).total == 1
    assert sdk.list_api_attachable_plugins(api_id=api, env_id=RELEASE).total == 1
    sdk.attach_api_to_plugin(plugin_id=plugin, body={"env_id": RELEASE, "api_ids": [api]})
    assert life.call().one("X-Life") == "one"
    assert sdk.list_plugin_attached_apis(plugin_id=plugin).total == 1
    assert sdk.list_api_attached_plugins(api_id=api).total == 1
    sdk.refused(409, "APIG.3462", "delete_plugin", plugin_id=plugin)
    sdk.detach_api_from_plugin(plugin_id=plugin, body={"env_id": RELEASE, "api_ids": [api]})
    sdk.attach_plugin_to_api(api_id=api, body={"env_id": RELEASE, "plugin_ids": [plugin]})
    sdk.detach_plugin_from_api(api_id=api, body={"env_id": RELEASE, "plugin_ids": [plugin]})
    assert life.call().get("X-Life") is None
    sdk.delete_plugin(plugin_id=plugin)


def authorisations(life: Life) -> None:
    sdk = life.sdk
    api = sdk.create_api_v2(body=life.definition("life_app_api", "/app", auth_type="APP", auth_opt={"app_code_auth_type": "HEADER"}))
    sdk.create_or_delete_publish_record_for_api_v2(body={"action": "online", "api_id": api.id, "env_id": RELEASE})
    host = ("Host", f"{life.group.id}.apic.localhost")

    def call() -> int:
        """Signed with the application's key and the secret that was set."""
        fields = signatures.sign(life.app.key, "another_Secret_1", "GET", "/app", [host], b"")
        return life.call("/app", headers=[field for field in fields if field != host]).status

    assert call() == 403
    assert sdk.list_apis_unbinded_to_app_v2(app_id=life.app.id, env_id=RELEASE).total == 1
    sdk.create_authorizing_apps_v2(body={"env_id": RELEASE, "app_ids": [life.app.id], "api_ids": [api.id]})
    assert call() == 200
    assert sdk.list_apis_binded_to_app_v2(app_id=life.app.id).total == 1
    assert sdk.list_apps_binded_to_api_v2(api_id=api.id).total == 1
    assert sdk.list_duplicate_apis_for_app_v2(app_id=life.app.id).total == 1, "its own, and authorised"
    sdk.canceling_authorization_v2(app_auth_id=sdk.list_apps_binded_to_api_v2(api_id=api.id).auths[0].id)
    assert call() == 403
    sdk.create_or_delete_publish_record_for_api_v2(body={"action": "offline", "api_id": api.id, "env_id": RELEASE})
    sdk.delete_api_v2(api_id=api.id)


# Documents, live data, assets, statistics ----------------------------------------------------------
def openapi(life: Life) -> None:
    sdk = life.sdk
    text = content(sdk.export_api_definitions_v2(body={"group_id": life.group.id, "env_id": RELEASE, "define": "all"}))
    tree = json.loads(text)
    assert list(tree["paths"]) == ["/life"]
    tree["paths"] = {"/imported": tree["paths"]["/life"]}
    for operation in tree["paths"]["/imported"].values():
        operation["operationId"] = "life_imported"
    done = sdk.import_api_definitions_v2(body={
        "is_create_group": False, "group_id": life.group.id, "app_id": life.app.id, "file_name": documents.file(tree)})
    assert [entry.path for entry in done.success] == ["/imported"] and done.failure == []
    sdk.delete_api_v2(api_id=done.success[0].id)


def live_data(life: Life, folder) -> None:
    sdk = life.sdk
    body = {"name": "life_data", "path": "/orders", "method": "GET", "version": "1.0.1", "content_type": "json",
            "roma_app_id": life.app.id}
    sdk.check_livedata_apis_v2(body={"type": "name", "ld_api_name": "life_data", "roma_app_id": life.app.id})
    api = sdk.create_live_data_api_v2(body=body).id
    assert sdk.update_live_data_api_v2(ld_api_id=api, body={**body, "version": "1.0.2"}).version == "1.0.2"
    assert sdk.show_live_data_api_v2(ld_api_id=api).version == "1.0.2" and sdk.list_live_data_api_v2().total == 1
    sdk.create_live_data_api_script_v2(ld_api_id=api, body={
        "api_type": "function", "scripts": [{"object_name": "result", "content": SCRIPT, "type": "function"}]})
    assert sdk.debug_live_data_api_v2(ld_api_id=api, body={"parameters": []}).test_id == 1
    assert sdk.list_live_data_api_test_history_v2(ld_api_id=api).total == 1
    sdk.publish_live_data_api_v2(ld_api_id=api, body={"deploy_front_api": False})
    assert sdk.list_live_data_api_deployment_history_v2(ld_api_id=api).total == 1
    sdk.refused(409, "APIG.3400", "delete_live_data_api_v2", ld_api_id=api)
    sdk.unpublish_live_data_api_v2(ld_api_id=api)
    assert sdk.list_live_data_data_sources_v2(app_id=life.app.id).total == 0 and sdk.list_live_data_quota_v2().api_used == "1"
    text = content(sdk.export_live_data_api_definitions_v2(body={"app_id": life.app.id}))
    sdk.delete_live_data_api_v2(ld_api_id=api)
    file = folder / "livedata.json"
    file.write_bytes(text)
    [made] = sdk.import_live_data_api_definitions_v2(
        body=ImportLiveDataApiDefinitionsV2RequestBody(file_name=FormFile(str(file)))).success
    sdk.delete_live_data_api_v2(ld_api_id=made.id)


def ended(sdk, job_id: str):
    deadline = time.monotonic() + 60
    while (job := sdk.check_asset_job_status(job_id=job_id)).status == "RUNNING":
        assert time.monotonic() < deadline, "the job does not end"
    assert job.status == "SUCCEEDED", job
    return job


def assets(life: Life, folder) -> None:
    """A copy of its own goes out, goes away and comes back."""
    sdk = life.sdk
    app = sdk.create_roma_app(body={"name": "life asset"})
    apps = {"apps": [{"id": app.id}], "tasks": []}
    job = ended(sdk, sdk.export_asset(body=apps).job_id)
    archive = content(sdk.download_asset_archive(archive_id=job.archive_id))
    ended(sdk, sdk.delete_asset(body=apps).job_id)
    assert sdk.list_roma_app(name="life asset").total == 0
    file = folder / "assets.zip"
    file.write_bytes(archive)
    ended(sdk, sdk.import_asset(body=ImportAssetRequestBody(import_asset_request_body=FormFile(str(file)))).job_id)
    [back] = sdk.list_roma_app(name="life asset").apps
    sdk.delete_roma_app(app_id=back.id)


def statistics(life: Life) -> None:
    sdk = life.sdk
    elements = sdk.list_lately_api_statistics_v2(api_id=life.api.id, duration="1h").list
    assert sum(element.req_count for element in elements) > 5
    assert sum(element.req_count for element in sdk.list_statistics_api(duration="1h", cycle="minute").list) > 5


# Deleted -------------------------------------------------------------------------------------------
def end(life: Life) -> None:
    sdk, app = life.sdk, life.app.id
    sdk.create_or_delete_publish_record_for_api_v2(body={"action": "offline", "api_id": life.api.id, "env_id": RELEASE})
    assert life.call().status == 404
    sdk.delete_api_v2(api_id=life.api.id)
    sdk.delete_custom_authorizer_v2(authorizer_id=life.authorizer.id)
    sdk.delete_environment_variable_v2(env_variable_id=life.variable.id)
    sdk.delete_environment_v2(env_id=life.environment.id)
    sdk.delete_api_group_v2(group_id=life.group.id)
    sdk.delete_vpc_channel_v2(vpc_channel_id=life.channel)
    for code in (life.code, life.generated):
        sdk.delete_app_code_v2(app_id=app, app_code_id=code.id)
    sdk.delete_app_config_v2(app_id=app, app_config_id=life.config.id)
    sdk.delete_app_acl(app_id=app)
    sdk.disassociate_app_quota_with_app(app_quota_id=life.quota.app_quota_id, app_id=app)
    sdk.delete_app_quota(app_quota_id=life.quota.app_quota_id)
    sdk.delete_roma_app(app_id=app)
    sdk.delete_dictionary(dict_id=life.dictionary.id)
    assert sdk.list_roma_app().total == 0 and sdk.list_apis_v2().total == 0 and sdk.list_dictionary().total == 0


def test_one_life(fresh_gatehouse, function_service, backend, tmp_path):
    program = fresh_gatehouse(settings={"functions": functions.settings(function_service.address)})
    life = Life(program, backend)
    for part in (instance_and_features, applications, application_parts, groups, domains, channels, apis, signature_keys,
                 access_policies, throttles, plugins, authorisations, openapi):
        part(life)
    live_data(life, tmp_path)
    assets(life, tmp_path)
    statistics(life)
    end(life)
    assert life.sdk.violations == []
    every = {item[method]["operationId"] for item in yaml.load(
        contract.CONTRACT.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["paths"].values()
        for method in ("get", "post", "put", "delete") if method in item}
    assert len(every) == 200 and sorted(every - life.sdk.succeeded) == []
    assert program.stop() == 0
