"""Every example of the five pages of the vendor's reference that this product is built on.

Each test names its page. Texts are compared whole; identifiers and times, which the service makes, by form.
(Page examples with status 500 describe a broken service and have no request that provokes them.)
"""

from __future__ import annotations

import re

import pytest

from harness.management import RELEASE, Call
from harness.world import hex_id

SECONDS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
NANOSECONDS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$")
HEX = re.compile(r"^[0-9a-f]{32}$")
SIGN_KEY, SIGN_SECRET = "a071a20d460a4f639a636c3d7e3d8163", "dc02fc5f30714d6bb21888389419e2b3"
MASKED = "dc0**********2b3"

#: (method, path below the instance, body) of the operation of each page; {id} is an id of the right form.
OPERATIONS = {
    "Unbinding a Signature Key": ("DELETE", "/sign-bindings/{id}", None),
    "Unbinding Multiple Access Control Policies from APIs":
        ("PUT", "/acl-bindings?action=delete", {"acl_bindings": ["332c5db1458a477b89b2ea741fec94a3"]}),
    "Querying Signature Keys Bound to an API":
        ("GET", "/sign-bindings/binded-signs?api_id={id}", None),
    "Unbinding a Plug-in from an API":
        ("PUT", "/plugins/{id}/detach", {"env_id": RELEASE, "api_ids": ["8aa097b00e9843efabc9c593d11b769d"]}),
    "Modifying a Signature Key": ("PUT", "/signs/{id}", {"name": "signature_demo"}),
}


def every_page(function):
    return pytest.mark.parametrize(
        "method, path, body",
        [pytest.param(method, path.replace("{id}", "0b0e8f456b8742218af75f945307173c"), body, id=title)
         for title, (method, path, body) in OPERATIONS.items()])(function)


def error(result) -> tuple[int, str, str]:
    return result.status, result.json()["error_code"], result.json()["error_msg"]


# What all five pages say ----------------------------------------------------------------------

@every_page
def test_wrong_token(gatehouse, method, path, body):
    call = Call(gatehouse.credentials, gatehouse.management, token="MIIEowIBAAKCAQEAnot-a-token")
    assert error(call.request(method, path, body)) == (
        401, "APIG.1002", "Incorrect token or token resolution failed")


@every_page
def test_no_permission(gatehouse, call, method, path, body):
    """The project of the path is not the caller's."""
    foreign = call.full(path).replace(gatehouse.credentials["project_id"], hex_id())
    assert error(call.request(method, foreign, body)) == (
        403, "APIG.1005", "No permissions to request this method")


@every_page
@pytest.mark.parametrize("instance", ["f0fa1789-3b76-433b-a787-9892951c620e", "f0fa1789-3b76-433b-a787-9892951c620ec", "0" * 32])
def test_unknown_instance(gatehouse, call, method, path, body, instance):
    elsewhere = call.full(path).replace(gatehouse.credentials["instance_id"], instance)
    assert error(call.request(method, elsewhere, body)) == (
        404, "APIG.3030", f"The instance does not exist;id:{instance}")


@every_page
def test_malformed_instance(gatehouse, call, method, path, body):
    elsewhere = call.full(path).replace(gatehouse.credentials["instance_id"], "not%20an%20id")
    assert error(call.request(method, elsewhere, body)) == (
        400, "APIG.2012",
        "Invalid parameter value,parameterName:instance_id. Please refer to the support documentation")


# Unbinding a Signature Key ---------------------------------------------------------------------

@pytest.fixture
def bound(world):
    """An API with a signature key: (api, sign, binding)."""
    api, sign = world.make_api(), world.make_sign()
    return api, sign, world.bind_sign(sign, api)[0]


def test_unbind_signature_key(world, call, bound):
    api, _, binding = bound
    result = call.delete(f"/sign-bindings/{binding['id']}")
    assert (result.status, result.body, result.headers["Content-Type"]) == (204, b"", None)
    assert call.get("/sign-bindings/binded-signs", query={"api_id": api.id}).json() == {
        "total": 0, "size": 0, "bindings": []}
    world.call(api)
    assert not world.backend.last.has("Authorization")


def test_unbind_signature_key_bad_id(call):
    assert error(call.delete("/sign-bindings/no%20id")) == (
        400, "APIG.2012", "Invalid parameter value,parameterName:id. Please refer to the support documentation")


def test_unbind_signature_key_unknown(call, bound):
    expected = (404, "APIG.3018", "The signature key binding record does not exist")
    assert error(call.delete(f"/sign-bindings/{hex_id()}")) == expected
    call.expect(204, "DELETE", f"/sign-bindings/{bound[2]['id']}")
    assert error(call.delete(f"/sign-bindings/{bound[2]['id']}")) == expected


# Unbinding Multiple Access Control Policies from APIs ------------------------------------------

def test_unbind_policies_all_unknown_and_repeated(world, call):
    binding = world.bind_acl(world.make_acl("127.0.0.1"), world.make_api())[0]["id"]
    result = call.put("/acl-bindings", {"acl_bindings": [binding, binding]}, query={"action": "delete"}).json()
    assert result["success_count"] == 1 and [entry["bind_id"] for entry in result["failure"]] == [binding]
    result = call.put("/acl-bindings", {"acl_bindings": [hex_id()]}, query={"action": "delete"})
    assert result.status == 200 and result.json()["success_count"] == 0


@pytest.mark.parametrize("body", [{}, {"acl_bindings": []}, {"acl_bindings": None}])
def test_unbind_policies_nothing_named(call, body):
    """The list is not mandatory."""
    result = call.put("/acl-bindings", body, query={"action": "delete"})
    assert result.status == 200 and result.json()["success_count"] == 0


@pytest.mark.parametrize("query", [{"action": "remove"}, {"action": ""}, {}])
def test_unbind_policies_wrong_action(call, query):
    result = call.put("/acl-bindings", {"acl_bindings": [hex_id()]}, query=query)
    assert error(result) == (400, "APIG.2011", 'Invalid parameter value: parameter action should be \\"delete\\"')
    # As bytes: the backslashes of the page are part of the text.
    assert b'parameter action should be \\\\\\"delete\\\\\\""' in result.body


# Querying Signature Keys Bound to an API -------------------------------------------------------

def test_bound_signature_keys(world, call):
    group = world.make_group()
    api = world.make_api(group=group, remark="Web backend Api")
    sign = world.make_sign(sign_key=SIGN_KEY, sign_secret=SIGN_SECRET)
    binding = world.bind_sign(sign, api)[0]
    result = call.get("/sign-bindings/binded-signs", query={"api_id": api.id})
    assert result.status == 200
    answer = result.json()
    assert (answer["total"], answer["size"]) == (1, 1)
    found = answer["bindings"][0]
    expected = {
        "api_id": api.id, "group_name": group["name"], "env_id": RELEASE, "env_name": "RELEASE",
        "sign_id": sign["id"], "sign_name": sign["name"], "sign_key": SIGN_KEY, "sign_secret": SIGN_SECRET,
        "api_type": 1, "api_name": api.definition["name"], "id": binding["id"], "api_remark": "Web backend Api",
        "publish_id": api.publish_id}
    assert {name: found.get(name) for name in expected} == expected
    assert SECONDS.match(found["binding_time"])
    for name in ("api_id", "sign_id", "id", "publish_id"):
        assert HEX.match(found[name]), name


def test_bound_signature_keys_filters(world, call, bound):
    api, sign, _ = bound

    def total(**query) -> int:
        return call.expect(200, "GET", "/sign-bindings/binded-signs", query={"api_id": api.id, **query})["total"]

    assert total(sign_id=sign["id"]) == total(sign_name=sign["name"]) == total(env_id=RELEASE) == 1
    assert total(sign_name=sign["name"][1:-1]) == 1, "names match in part"
    assert total(sign_id=hex_id()) == total(sign_name="nothing_like_it") == total(env_id=hex_id()) == 0


@pytest.mark.parametrize("query, size", [
    ({"offset": -5}, 1), ({"offset": 0}, 1), ({"offset": 1}, 0), ({"limit": 1}, 1), ({"limit": 500}, 1)])
def test_bound_signature_keys_paging(call, bound, query, size):
    answer = call.expect(200, "GET", "/sign-bindings/binded-signs", query={"api_id": bound[0].id, **query})
    assert (answer["total"], answer["size"], len(answer["bindings"])) == (1, size, size)


@pytest.mark.parametrize("limit", ["0", "501", "-1", "many"])
def test_bound_signature_keys_bad_limit(call, bound, limit):
    result = call.get("/sign-bindings/binded-signs", query={"api_id": bound[0].id, "limit": limit})
    assert error(result) == (
        400, "APIG.2012", "Invalid parameter value,parameterName:limit. Please refer to the support documentation")


def test_bound_signature_keys_bad_api_name(call, bound):
    result = call.get("/sign-bindings/binded-signs", query={"api_id": bound[0].id, "api_name": "x" * 300})
    assert error(result) == (
        400, "APIG.2012", "Invalid parameter value,parameterName:api_name. Please refer to the support documentation")


def test_bound_signature_keys_unknown_api(call):
    api = "5f918d104dc84480a75166ba99efff21"
    assert error(call.get("/sign-bindings/binded-signs", query={"api_id": api})) == (
        404, "APIG.3002", f"API {api} does not exist")


def test_bound_signature_keys_without_api(call):
    result = call.get("/sign-bindings/binded-signs")
    assert result.status == 400 and "parameterName:api_id" in result.message


def test_one_key_per_api_and_environment(world, call, bound):
    """"Only one signature key can be bound to an API in an environment.\""""
    api, _, first = bound
    other = world.make_sign()
    second = world.bind_sign(other, api)[0]
    answer = call.expect(200, "GET", "/sign-bindings/binded-signs", query={"api_id": api.id})
    assert [entry["sign_id"] for entry in answer["bindings"]] == [other["id"]]
    assert second["id"] != first["id"]
    call.refused(404, "APIG.3018", "DELETE", f"/sign-bindings/{first['id']}")


# Unbinding a Plug-in from an API ---------------------------------------------------------------

def test_detach_unknown_plugin(call):
    plugin = "b294018ee0554156a875b3513e02e5b9"
    body = {"env_id": RELEASE, "api_ids": ["8aa097b00e9843efabc9c593d11b769d"]}
    assert error(call.put(f"/plugins/{plugin}/detach", body)) == (
        404, "APIG.3068", f"Plugin {plugin} does not exist")


@pytest.mark.parametrize("missing", ["env_id", "api_ids"])
def test_detach_needs_both_fields(world, call, missing):
    plugin = world.make_plugin("set_resp_headers", {"response_headers": [{"name": "X-A", "value": "1", "action": "override"}]})
    body = {"env_id": RELEASE, "api_ids": [hex_id()]}
    del body[missing]
    result = call.put(f"/plugins/{plugin['plugin_id']}/detach", body)
    assert result.status == 400 and f"parameterName:{missing}" in result.message


# Modifying a Signature Key ---------------------------------------------------------------------

@pytest.fixture
def sign(world):
    made = world.make_sign(sign_key=SIGN_KEY, sign_secret=SIGN_SECRET)
    yield made
    world.api.request("DELETE", f"/signs/{made['id']}")


def test_modify_signature_key(call, sign):
    result = call.put(f"/signs/{sign['id']}", {"name": "signature_demo"})
    assert result.status == 200
    answer = result.json()
    assert NANOSECONDS.match(answer.pop("update_time"))
    assert SECONDS.match(answer.pop("create_time"))
    assert answer == {
        "sign_secret": MASKED, "name": "signature_demo", "id": sign["id"], "sign_key": SIGN_KEY, "sign_type": "hmac"}


def test_modify_keeps_what_is_absent(world, call, sign):
    """Only the name is mandatory: the key goes on signing with its secret."""
    from harness.signatures import verify_hmac
    api = world.make_api()
    world.bind_sign(sign, api)
    call.expect(200, "PUT", f"/signs/{sign['id']}", {"name": "signature_demo"})
    world.call(api)
    assert verify_hmac(world.backend.last, {SIGN_KEY: SIGN_SECRET}) == SIGN_KEY
    call.expect(200, "PUT", f"/signs/{sign['id']}", {"name": "signature_demo", "sign_secret": "another_secret_0001"})
    world.call(api)
    assert verify_hmac(world.backend.last, {SIGN_KEY: "another_secret_0001"}) == SIGN_KEY


@pytest.mark.parametrize("body", [
    {}, {"name": ""}, {"name": "ab"}, {"name": "1abc"}, {"name": "a" * 65}, {"name": "with space"}, {"name": None}])
def test_modify_bad_name(call, sign, body):
    assert error(call.put(f"/signs/{sign['id']}", body)) == (
        400, "APIG.2011", "Invalid parameter value,parameterName:name. Please refer to the support documentation")


def test_modify_unknown_key(call):
    unknown = "0b0e8f456b8742218af75f945307173c"
    assert error(call.put(f"/signs/{unknown}", {"name": "signature_demo"})) == (
        404, "APIG.3017", f"Signature key {unknown} does not exist")


def test_modify_to_unsupported_type(fresh_gatehouse, make_world):
    """412 until the feature `public_key` is switched on."""
    world = make_world(fresh_gatehouse())
    sign = world.make_sign()
    body = {
        "name": sign["name"], "sign_type": "public_key", "sign_key": "publickey0001",
        "sign_secret": "privatekey00000001"}
    assert error(world.api.put(f"/signs/{sign['id']}", body)) == (
        412, "APIG.3548",
        f"sign_type=public_key not supported by instance {world.gatehouse.credentials['instance_id']}")
    world.feature("public_key", {"enable": "on"})
    assert world.api.put(f"/signs/{sign['id']}", body).status == 200


@pytest.mark.parametrize("sign_type, field, bad", [
    ("hmac", "sign_key", "short_1"), ("hmac", "sign_key", "k" * 33), ("hmac", "sign_key", "_starts_wrong"),
    ("hmac", "sign_secret", "s" * 15), ("hmac", "sign_secret", "s" * 65), ("hmac", "sign_secret", "!starts_wrong_000"),
    ("hmac", "sign_secret", "has a blank in it"), ("basic", "sign_key", "abc"), ("basic", "sign_key", "k" * 33),
    ("basic", "sign_secret", "s" * 7), ("basic", "sign_secret", "s" * 65)])
def test_modify_key_and_secret_forms(call, sign, sign_type, field, bad):
    """The lengths and alphabets of the table of signature keys."""
    body = {
        "name": "signature_demo", "sign_type": sign_type, "sign_key": "good_key_0001",
        "sign_secret": "good_secret_0001", field: bad}
    assert error(call.put(f"/signs/{sign['id']}", body)) == (
        400, "APIG.2011", f"Invalid parameter value,parameterName:{field}. Please refer to the support documentation")


@pytest.mark.parametrize("sign_type, key, secret", [
    ("hmac", "k" * 8, "s" * 16), ("hmac", "0" + "-_" * 15 + "z", "S!@#$%-_" * 8), ("basic", "user", "s" * 8),
    ("basic", "k" * 32, "s" * 64)])
def test_modify_key_and_secret_limits_are_inclusive(call, sign, sign_type, key, secret):
    answer = call.expect(200, "PUT", f"/signs/{sign['id']}", {
        "name": "signature_demo", "sign_type": sign_type, "sign_key": key, "sign_secret": secret})
    assert (answer["sign_type"], answer["sign_key"]) == (sign_type, key)
    assert answer["sign_secret"] == secret[:3] + "*" * 10 + secret[-3:]


@pytest.mark.parametrize("body", [
    {"sign_algorithm": "aes-128-cfb"}, {"sign_type": "basic", "sign_algorithm": "aes-128-cfb"}])
def test_algorithm_belongs_to_aes(call, sign, body):
    assert error(call.put(f"/signs/{sign['id']}", {"name": "signature_demo", **body})) == (
        400, "APIG.2011",
        "Invalid parameter value,parameterName:sign_algorithm. Please refer to the support documentation")


@pytest.mark.parametrize("field", ["acl-bindings", "acl_bindings"], ids=["example", "table"])
def test_unbind_policies(world, call, field):
    apis = [world.make_api(), world.make_api()]
    bindings = [world.bind_acl(world.make_acl("127.0.0.1"), api)[0] for api in apis]
    assert world.call(apis[0]).status == 403 and world.call(apis[1]).status == 403

    unknown = "3a68d39f115d4c128fccd6f624ea6109"
    result = call.put("/acl-bindings", {field: [bindings[0]["id"], unknown]}, query={"action": "delete"})
    assert result.status == 200
    assert result.json() == {
        "failure": [{
            "bind_id": unknown,
            "error_code": "APIG.3010",
            "error_msg": "The access control policy binding record does not exist"}],
        "success_count": 1}
    assert world.call(apis[0]).status == 200, "in force with the answer"
    assert world.call(apis[1]).status == 403, "the other binding stays"


def test_detach_plugin(world, call):
    api = world.make_api()
    plugin = world.make_plugin("set_resp_headers", {
        "response_headers": [{"name": "X-Plugin", "value": "here", "action": "override"}]})
    world.attach(plugin, api)
    assert world.call(api).all("X-Plugin") == ["here"]
    with world.connect() as wire:
        assert world.call(api, wire=wire).all("X-Plugin") == ["here"]
        result = call.put(f"/plugins/{plugin['plugin_id']}/detach", {"env_id": RELEASE, "api_ids": [api.id]})
        assert (result.status, result.body, result.headers["Content-Type"]) == (204, b"", None)
        assert world.call(api, wire=wire).all("X-Plugin") == [], "takes effect immediately"
    again = call.put(f"/plugins/{plugin['plugin_id']}/detach", {"env_id": RELEASE, "api_ids": [api.id]})
    assert again.status == 204
