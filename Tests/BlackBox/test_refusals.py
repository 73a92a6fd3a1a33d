"""Refusals of the contract's examples and of the error table that no family's own test is about: rules of whole
definitions, limits of an instance, wrong ids."""

import pytest
import requests

from harness.management import Call
from harness.world import hex_id, unique

TAIL = ". Please refer to the support documentation"


@pytest.fixture(scope="module")
def group(call):
    return call.expect(201, "POST", "/api-groups", {"name": unique("group")})


def query(name: str, **fields) -> dict:
    return {"name": name, "type": "STRING", "location": "QUERY", **fields}


def path_of(name: str) -> dict:
    return {"name": name, "value": name, "location": "PATH", "origin": "REQUEST"}


def policy(name: str, conditions: int = 1) -> dict:
    condition = {"condition_origin": "source", "condition_value": "192.0.2.1"}
    return {
        "name": name, "req_protocol": "HTTP", "req_method": "GET", "req_uri": "/other", "url_domain": "127.0.0.1:9",
        "timeout": 1000, "effect_mode": "ANY", "conditions": [condition] * conditions}


# Definitions -------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, code, fields", [
    (400, "APIG.2026", {"req_uri": "/a/{b}"}),
    (400, "APIG.2027", {"backend_api": {"req_uri": "/a/{b}"}}),
    (400, "APIG.2027", {"req_params": [query("b")], "backend_params": [path_of("b")]}),
    (400, "APIG.2036", {"backend_params": [
        {"name": "a", "value": "$context.authorizer.frontend.a", "location": "HEADER", "origin": "SYSTEM"}]}),
    (400, "APIG.3209", {"req_params": [query("a"), query("a")]}),
    (400, "APIG.3210", {"policy_https": [policy("one"), policy("one")]}),
    (400, "APIG.3213", {"tags": ["a", "a"]}),
    (403, "APIG.3111", {"req_params": [query(f"a{n}") for n in range(51)]}),
    (403, "APIG.3113", {"policy_https": [policy(f"policy{n}") for n in range(6)]}),
    (403, "APIG.3114", {"policy_https": [policy("one", conditions=6)]}),
    (403, "APIG.3133", {"tags": [f"t{n}" for n in range(11)]}),
], ids=lambda value: value if isinstance(value, str) else None)
def test_definitions(world, call, group, status, code, fields):
    backend = fields.pop("backend_api", None) if "backend_api" in fields else None
    definition = world.definition(group["id"], f"/{unique('p')}", backend=backend, **fields)
    call.refused(status, code, "POST", "/apis", definition)
    assert call.expect(200, "GET", f"/apis?name={definition['name']}")["total"] == 0


# Limits of an instance ---------------------------------------------------------------------------

def test_limits(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse(settings={"quotas": {
        "api_groups": 2, "apis": 3, "apis_per_group": 2, "signature_keys": 1, "access_policies": 1}}))
    call = world.api
    # The default group is one of them.
    first = world.make_group()
    taken = call.expect(200, "GET", "/api-groups")["total"]
    for _ in range(2 - taken):
        world.make_group()
    call.refused(403, "APIG.3101", "POST", "/api-groups", {"name": unique("group")})
    for _ in range(2):
        world.make_api(group=first, publish=False)
    call.refused(403, "APIG.3125", "POST", "/apis", world.definition(first["id"], "/one/more"))
    other = next(g for g in call.expect(200, "GET", "/api-groups")["groups"] if g["id"] != first["id"])
    world.make_api(group=other, publish=False)
    call.refused(403, "APIG.3102", "POST", "/apis", world.definition(other["id"], "/one/more"))
    world.make_sign()
    call.refused(403, "APIG.3105", "POST", "/signs", {"name": unique("sign"), "sign_type": "hmac"})
    world.make_acl("192.0.2.1")
    call.refused(403, "APIG.3112", "POST", "/acls", {
        "acl_name": unique("acl"), "acl_type": "DENY", "acl_value": "192.0.2.2", "entity_type": "IP"})


# Ids ---------------------------------------------------------------------------------------------

def test_ids_of_the_wrong_form(world, call):
    api = world.make_api()
    assert call.refused(400, "APIG.2011", "DELETE", "/acls/a%20b").endswith(f"parameterName:id{TAIL}")
    assert call.refused(400, "APIG.2011", "DELETE", "/acl-bindings/a%20b").endswith(f"parameterName:id{TAIL}")
    assert call.refused(
        400, "APIG.2011", "POST", "/acl-bindings", {"acl_id": "a b", "publish_ids": [api.publish_id]},
    ).endswith(f"parameterName:acl_id{TAIL}")
    assert call.refused(
        400, "APIG.2012", "POST", "/sign-bindings", {"sign_id": "a b", "publish_ids": [api.publish_id]},
    ).endswith(f"parameterName:sign_id{TAIL}")


def test_ids_of_nothing(sdk, world):
    unknown = hex_id()
    assert sdk.refused(404, "APIG.3006", "delete_acl_v2", acl_id=unknown) == f"Access control policy {unknown} does not exist"
    assert sdk.refused(404, "APIG.3022", "delete_api_by_version_id_v2", version_id=unknown) == (
        f"The API version does not exist,id:{unknown}")
    assert sdk.refused(
        404, "APIG.3068", "attach_plugin_to_api", {"env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "plugin_ids": [unknown]},
        api_id=world.make_api().id) == f"Plugin {unknown} does not exist"


def test_a_token_without_a_project(gatehouse):
    known = gatehouse.credentials
    answer = requests.post(f"{gatehouse.endpoint}/v3/auth/tokens", timeout=30, json={"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": known["user_name"], "password": known["password"], "domain": {"name": known["domain_name"]}}}},
        "scope": "unscoped"}})
    assert answer.status_code == 201, answer.text
    caller = Call(known, gatehouse.management, token=answer.headers["X-Subject-Token"])
    caller.refused(401, "APIG.1003", "GET", "/signs")
    caller.refused(404, "APIG.9996", "GET", "/nothing/of/the/kind")
    caller.refused(405, "APIG.9995", "PATCH", "/signs")


# Twins -------------------------------------------------------------------------------------------

def test_a_published_api_of_the_twin_product_stays(world, call):
    api = world.make_api()
    assert call.refused(409, "APIG.3416", "DELETE", call.instance_path.replace("/apic/", "/apigw/") + f"/apis/{api.id}")
    call.refused(409, "APIG.4016", "DELETE", f"/apis/{api.id}")
    world.offline(api)
    call.expect(204, "DELETE", f"/apis/{api.id}")


def test_signature_keys_change(sdk):
    made = sdk.create_signature_key_v2(body={"name": unique("sign"), "sign_type": "hmac"})
    changed = sdk.update_signature_key_v2(sign_id=made.id, body={
        "name": unique("sign"), "sign_key": "k" * 10, "sign_secret": "s" * 20 + "1"})
    assert (changed.id, changed.sign_key) == (made.id, "k" * 10)


def test_tags_of_all_apis(sdk, world):
    tag = unique("tag")
    world.make_api(publish=False, tags=[tag])
    assert tag in sdk.list_tags_v2(limit=500).tags
