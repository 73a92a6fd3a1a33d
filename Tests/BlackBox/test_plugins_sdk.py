"""Plug-ins and attaching in both directions through the official SDK."""

import json

import pytest

from harness.management import RELEASE
from harness.world import hex_id, unique

CONTENTS = {
    "cors": {"allow_origin": "*", "allow_methods": "GET,POST,PUT,DELETE,HEAD,PATCH,OPTIONS"},
    "set_resp_headers": {"response_headers": [{"name": "X-A", "value": "1", "action": "override"}]},
    "rate_limit": {"scope": "basic", "default_interval": 60, "default_time_unit": "second", "api_limit": 100, "algorithm": "counter"},
    "breaker": {"scope": "basic", "breaker_condition": {
        "breaker_type": "timeout", "breaker_mode": "counter", "unhealthy_threshold": 30, "time_window": 15,
        "open_breaker_time": 15}, "downgrade_default": None},
    "third_auth": {"auth_request": {
        "method": "GET", "protocol": "HTTP", "url_domain": "127.0.0.1:1", "path": "/", "timeout": 5000}},
    "kafka_log": {"broker_list": ["10.0.0.1:9092"], "topic": "t", "max_retry_count": 3, "retry_backoff": 10},
}


def body(kind, content=None, **fields):
    return {"plugin_name": unique("plugin"), "plugin_type": kind, "plugin_scope": "global",
            "plugin_content": json.dumps(CONTENTS[kind] if content is None else content), **fields}


@pytest.fixture
def plugin(sdk):
    return sdk.create_plugin(body=body("set_resp_headers"))


@pytest.mark.parametrize("kind", CONTENTS)
def test_life_of_each_type(sdk, kind):
    made = sdk.create_plugin(body=body(kind, remark="first"))
    assert (made.plugin_type, made.plugin_scope, made.remark) == (kind, "global", "first")
    shown = sdk.show_plugin(plugin_id=made.plugin_id)
    content = json.loads(shown.plugin_content)
    for name, value in CONTENTS[kind].items():
        if not isinstance(value, (dict, list)):
            assert content.get(name) == value, name
    name = unique("renamed")
    changed = sdk.update_plugin(plugin_id=made.plugin_id, body=body(kind, plugin_name=name, remark="second"))
    assert (changed.plugin_id, changed.plugin_name, changed.remark) == (made.plugin_id, name, "second")
    sdk.delete_plugin(plugin_id=made.plugin_id)
    assert sdk.refused(404, "APIG.3068", "show_plugin", plugin_id=made.plugin_id) == (
        f"Plugin {made.plugin_id} does not exist")


BAD = [
    ("cors", {}), ("cors", {"allow_origin": "*"}), ("cors", {**CONTENTS["cors"], "max_age": -1}),
    ("cors", {**CONTENTS["cors"], "max_age": "soon"}), ("cors", {**CONTENTS["cors"], "allow_methods": "GET,BREW"}),
    ("set_resp_headers", {"response_headers": [{"name": "X-A", "value": "1", "action": "explode"}]}),
    ("set_resp_headers", {"response_headers": [{"name": "X-A", "action": "delete"}, {"name": "x-a", "action": "delete"}]}),
    ("set_resp_headers", {"response_headers": [{"name": f"X-{n}", "value": "1", "action": "add"} for n in range(11)]}),
    ("set_resp_headers", {"response_headers": [{"name": "X-Request-Id", "value": "1", "action": "override"}]}),
    ("set_resp_headers", {"response_headers": [{"name": "x-apig-mode", "value": "1", "action": "override"}]}),
    ("set_resp_headers", {"response_headers": [{"name": "X-A", "value": "1\r\nX-B: 2", "action": "override"}]}),
    ("set_resp_headers", {"response_headers": [{"name": "X A", "value": "1", "action": "override"}]}),
    ("rate_limit", {**CONTENTS["rate_limit"], "scope": "galaxy"}), ("rate_limit", {**CONTENTS["rate_limit"], "default_interval": 0}),
    ("rate_limit", {**CONTENTS["rate_limit"], "default_time_unit": "fortnight"}),
    ("rate_limit", {**CONTENTS["rate_limit"], "app_limit": 101}), ("rate_limit", {"scope": "basic"}),
    ("rate_limit", {**CONTENTS["rate_limit"], "rules": [{"rule_name": "r1", "match_regex": "[\"nobody\",\"==\",\"x\"]", "limit": 1}]}),
    ("rate_limit", {**CONTENTS["rate_limit"], "parameters": [{"type": "path", "name": "p", "value": "reqPath"}],
                    "rules": [{"rule_name": "r1", "match_regex": "[\"p\",\"~~\",\"(unclosed\"]", "limit": 1}]}),
    ("rate_limit", {**CONTENTS["rate_limit"], "parameters": [{"type": "path", "name": "p", "value": "reqPath"}],
                    "rules": [{"rule_name": "r1", "match_regex": "not json", "limit": 1}]}),
    ("breaker", {"scope": "basic"}),
    ("breaker", {**CONTENTS["breaker"], "breaker_condition": {**CONTENTS["breaker"]["breaker_condition"], "breaker_mode": "mood"}}),
    ("breaker", {**CONTENTS["breaker"], "breaker_condition": {**CONTENTS["breaker"]["breaker_condition"], "time_window": 0}}),
    ("third_auth", {}), ("third_auth", {"auth_request": {**CONTENTS["third_auth"]["auth_request"], "method": "DELETE"}}),
    ("third_auth", {"auth_request": {**CONTENTS["third_auth"]["auth_request"], "url_domain": "http://x/y"}}),
    ("kafka_log", {}), ("kafka_log", {**CONTENTS["kafka_log"], "max_retry_count": 6}), ("kafka_log", {**CONTENTS["kafka_log"], "retry_backoff": 11}),
]


@pytest.mark.parametrize("kind, content", BAD, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(BAD)])
def test_content_is_validated(sdk, kind, content):
    message = sdk.refused(400, "APIG.2012", "create_plugin", body(kind, content))
    assert "parameterName:plugin_content" in message


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\"x\"", "{\"a\":1}}", "[" * 2000])
def test_content_is_json(call, text):
    result = call.post("/plugins", body("cors", plugin_content=text))
    assert (result.status, result.code) == (400, "APIG.2012") and "plugin_content" in result.message


@pytest.mark.parametrize("change, parameter", [
    ({"plugin_name": "x"}, "plugin_name"), ({"plugin_type": "proxy_cache"}, "plugin_type"), ({"plugin_scope": "here"}, "plugin_scope"),
    ({"plugin_content": "x" * 65536}, "plugin_content"), ({"remark": "r" * 256}, "remark")])
def test_create_refusals(call, change, parameter):
    result = call.post("/plugins", body("cors", **change))
    assert result.status == 400 and f"parameterName:{parameter}" in result.message, result.body


def test_names_are_unique(sdk, plugin):
    name = sdk.show_plugin(plugin_id=plugin.plugin_id).plugin_name
    assert sdk.refused(400, "APIG.3326", "create_plugin", body("cors", plugin_name=name)) == (
        "The plugin name already exists")


def test_list(sdk):
    common = unique("listed")
    made = [sdk.create_plugin(body=body(kind, plugin_name=f"{common}_{kind}")).plugin_id for kind in ("cors", "rate_limit")]
    assert [entry.plugin_id for entry in sdk.list_plugins(plugin_name=common).plugins] == [made[1], made[0]]
    assert [entry.plugin_id for entry in sdk.list_plugins(plugin_name=common, plugin_type="cors").plugins] == [made[0]]
    assert sdk.list_plugins(plugin_name=common, precise_search="plugin_name").total == 0
    assert sdk.list_plugins(plugin_id=made[0]).total == 1


def test_attach_from_the_plugin(sdk, world, plugin):
    apis = [world.make_api(), world.make_api()]
    done = sdk.attach_api_to_plugin(plugin_id=plugin.plugin_id, body={"env_id": RELEASE, "api_ids": [apis[0].id]})
    entry = done.attached_plugins[0]
    assert (entry.plugin_id, entry.api_id, entry.env_id, entry.env_name) == (plugin.plugin_id, apis[0].id, RELEASE, "RELEASE")
    attached = sdk.list_plugin_attached_apis(plugin_id=plugin.plugin_id)
    assert [(row.api_id, row.plugin_attach_id) for row in attached.apis] == [(apis[0].id, entry.plugin_attach_id)]
    free = sdk.list_plugin_attachable_apis(plugin_id=plugin.plugin_id, env_id=RELEASE, api_id=apis[1].id)
    assert [row.api_id for row in free.apis] == [apis[1].id]
    assert sdk.refused(409, "APIG.3462", "delete_plugin", plugin_id=plugin.plugin_id) == (
        "The plugin has been attached to the APIs and cannot perform the current operation")
    sdk.detach_api_from_plugin(plugin_id=plugin.plugin_id, body={"env_id": RELEASE, "api_ids": [apis[0].id]})
    assert sdk.list_plugin_attached_apis(plugin_id=plugin.plugin_id).total == 0


def test_attach_from_the_api(sdk, world, plugin):
    api = world.make_api()
    other = sdk.create_plugin(body=body("cors"))
    done = sdk.attach_plugin_to_api(api_id=api.id, body={"env_id": RELEASE, "plugin_ids": [plugin.plugin_id, other.plugin_id]})
    assert len(done.attached_plugins) == 2
    attached = sdk.list_api_attached_plugins(api_id=api.id, env_id=RELEASE)
    assert sorted(row.plugin_id for row in attached.plugins) == sorted([plugin.plugin_id, other.plugin_id])
    names = {row.plugin_id for row in sdk.list_api_attachable_plugins(api_id=api.id, env_id=RELEASE, limit=500).plugins}
    assert not names & {plugin.plugin_id, other.plugin_id}
    sdk.detach_plugin_from_api(api_id=api.id, body={"env_id": RELEASE, "plugin_ids": [other.plugin_id]})
    assert [row.plugin_id for row in sdk.list_api_attached_plugins(api_id=api.id).plugins] == [plugin.plugin_id]


def test_same_type_replaces_same_plugin_stays(sdk, world, plugin):
    api = world.make_api()
    first = world.attach({"plugin_id": plugin.plugin_id}, api)[0]
    assert world.attach({"plugin_id": plugin.plugin_id}, api)[0]["plugin_attach_id"] == first["plugin_attach_id"]
    other = sdk.create_plugin(body=body("set_resp_headers"))
    assert world.attach({"plugin_id": other.plugin_id}, api)[0]["plugin_attach_id"] != first["plugin_attach_id"]
    assert [row.plugin_id for row in sdk.list_api_attached_plugins(api_id=api.id).plugins] == [other.plugin_id]


def test_attach_refusals(sdk, world, plugin):
    published, draft, unknown = world.make_api(), world.make_api(publish=False), hex_id()

    def attach(status, code, plugin_id=plugin.plugin_id, env_id=RELEASE, apis=(published.id,)):
        return sdk.refused(status, code, "attach_api_to_plugin", {"env_id": env_id, "api_ids": list(apis)}, plugin_id=plugin_id)

    attach(409, "APIG.3707", apis=[published.id, draft.id])
    assert sdk.list_plugin_attached_apis(plugin_id=plugin.plugin_id).total == 0, "nothing half done"
    assert attach(404, "APIG.3068", plugin_id=unknown) == f"Plugin {unknown} does not exist"
    assert attach(404, "APIG.3002", apis=[unknown]) == f"API {unknown} does not exist"
    assert attach(404, "APIG.3003", env_id=unknown) == f"Environment {unknown} does not exist"


def test_kafka_password_is_not_shown(call):
    content = {**CONTENTS["kafka_log"], "sasl_config": {
        "security_protocol": "SASL_PLAINTEXT", "sasl_mechanisms": "PLAIN", "sasl_username": "u", "sasl_password": "planted-secret-77"}}
    made = call.post("/plugins", body("kafka_log", content))
    assert made.status == 201
    shown = call.get(f"/plugins/{made.json()['plugin_id']}")
    assert b"planted-secret-77" not in shown.body


def test_bindings_survive_an_offline_time(sdk, world, plugin):
    api = world.make_api()
    world.attach({"plugin_id": plugin.plugin_id}, api)
    world.offline(api)
    assert sdk.list_plugin_attached_apis(plugin_id=plugin.plugin_id).total == 1
    world.publish(api)
    assert world.call(api).all("X-A") == ["1"]
