"""Signature keys and their bindings through the official SDK."""

import re

import pytest

from harness.management import RELEASE
from harness.world import hex_id, unique


@pytest.fixture
def sign(sdk):
    return sdk.create_signature_key_v2(body={"name": unique("sign")})


def test_create_generates_key_and_secret(sign):
    assert sign.sign_type == "hmac"
    assert re.fullmatch("[0-9a-f]{32}", sign.sign_key) and re.fullmatch("[0-9a-f]{32}", sign.sign_secret)


@pytest.mark.parametrize("algorithm, length", [("aes-128-cfb", 16), ("aes-256-cfb", 32)])
def test_create_aes(sdk, algorithm, length):
    made = sdk.create_signature_key_v2(body={"name": unique("sign"), "sign_type": "aes", "sign_algorithm": algorithm})
    assert (made.sign_algorithm, len(made.sign_key), len(made.sign_secret)) == (algorithm, length, 16)


@pytest.mark.parametrize("body, parameter", [
    ({"sign_type": "aes"}, "sign_algorithm"), ({"sign_type": "rot13"}, "sign_type"),
    ({"sign_type": "aes", "sign_algorithm": "aes-128-cfb", "sign_key": "k" * 32}, "sign_key"),
    ({"sign_type": "aes", "sign_algorithm": "aes-256-cfb", "sign_key": "k" * 16}, "sign_key"),
    ({"sign_type": "aes", "sign_algorithm": "aes-128-cfb", "sign_secret": "s" * 15}, "sign_secret"),
    ({"sign_key": "short"}, "sign_key"), ({"sign_secret": "short"}, "sign_secret"), ({"name": "!"}, "name")])
def test_create_refusals(sdk, body, parameter):
    message = sdk.refused(400, "APIG.2011", "create_signature_key_v2", {"name": unique("sign"), **body})
    assert message == f"Invalid parameter value,parameterName:{parameter}. Please refer to the support documentation"


def test_names_are_unique(sdk, sign):
    sdk.refused(400, "APIG.3207", "create_signature_key_v2", {"name": sign.name})
    other = sdk.create_signature_key_v2(body={"name": unique("sign")})
    sdk.refused(400, "APIG.3207", "update_signature_key_v2", {"name": sign.name}, sign_id=other.id)


def test_list(sdk, sign, world):
    found = sdk.list_signature_keys_v2(id=sign.id).signs
    assert [(entry.id, entry.bind_num) for entry in found] == [(sign.id, 0)]
    world.bind_sign({"id": sign.id}, world.make_api(), world.make_api())
    assert sdk.list_signature_keys_v2(id=sign.id).signs[0].bind_num == 2
    assert sdk.list_signature_keys_v2(name=sign.name[2:]).total == 1
    assert sdk.list_signature_keys_v2(name=sign.name[2:], precise_search="name").total == 0


def test_delete_unbinds(sdk, world, sign):
    api = world.make_api()
    world.bind_sign({"id": sign.id}, api)
    world.call(api)
    assert world.backend.last.has("Authorization")
    sdk.delete_signature_key_v2(sign_id=sign.id)
    world.call(api)
    assert not world.backend.last.has("Authorization")
    assert sdk.list_signature_keys_binded_to_api_v2(api_id=api.id).total == 0
    sdk.refused(404, "APIG.3017", "delete_signature_key_v2", sign_id=sign.id)


def test_bind_many_and_list_both_ways(sdk, world, sign):
    apis = [world.make_api() for _ in range(3)]
    done = sdk.associate_signature_key_v2(body={"sign_id": sign.id, "publish_ids": [api.publish_id for api in apis[:2]]})
    assert sorted(binding.api_id for binding in done.bindings) == sorted(api.id for api in apis[:2])
    assert all(binding.sign_id == sign.id and binding.env_id == RELEASE for binding in done.bindings)
    bound = sdk.list_apis_binded_to_signature_key_v2(sign_id=sign.id)
    assert sorted(entry.publish_id for entry in bound.bindings) == sorted(api.publish_id for api in apis[:2])
    one = sdk.list_apis_binded_to_signature_key_v2(sign_id=sign.id, api_name=apis[0].definition["name"])
    assert [entry.api_id for entry in one.bindings] == [apis[0].id]
    free = sdk.list_apis_not_bound_with_signature_key_v2(sign_id=sign.id, api_id=apis[2].id)
    assert [entry.id if hasattr(entry, "id") else entry.api_id for entry in free.apis] != []
    assert sdk.list_apis_not_bound_with_signature_key_v2(sign_id=sign.id, api_id=apis[0].id).total == 0
    for binding in done.bindings:
        sdk.disassociate_signature_key_v2(sign_bindings_id=binding.id)
    assert sdk.list_apis_binded_to_signature_key_v2(sign_id=sign.id).total == 0


def test_bind_again_is_the_same_binding(world):
    api, sign = world.make_api(), world.make_sign()
    first, second = world.bind_sign(sign, api)[0], world.bind_sign(sign, api)[0]
    assert first["id"] == second["id"]


def test_bind_refusals(sdk, world, sign):
    api = world.make_api()
    unknown = hex_id()
    assert sdk.refused(404, "APIG.3017", "associate_signature_key_v2", {
        "sign_id": unknown, "publish_ids": [api.publish_id]}) == f"Signature key {unknown} does not exist"
    sdk.refused(404, "APIG.3015", "associate_signature_key_v2", {
        "sign_id": sign.id, "publish_ids": [api.publish_id, unknown]})
    assert sdk.list_signature_keys_binded_to_api_v2(api_id=api.id).total == 0, "nothing half done"
    sdk.refused(404, "APIG.3017", "list_apis_binded_to_signature_key_v2", sign_id=unknown)


def test_secrets_in_answers(call, world):
    """In the clear where it is made and queried, masked where it is changed or bound."""
    sign = world.make_sign(sign_secret="clear_secret_0001")
    assert sign["sign_secret"] == "clear_secret_0001"
    binding = world.bind_sign(sign, world.make_api())[0]
    assert binding.get("sign_secret") in (None, "cle**********001")
    listed = call.expect(200, "GET", "/signs", query={"id": sign["id"]})["signs"][0]
    assert listed["sign_secret"] == "clear_secret_0001"
    changed = call.expect(200, "PUT", f"/signs/{sign['id']}", {"name": sign["name"], "sign_secret": "cle**********001"})
    assert changed["sign_secret"] == "cle**********001"
    assert call.get("/signs", query={"id": sign["id"]}).json()["signs"][0]["sign_secret"] == "clear_secret_0001", (
        "sending the mask back changes nothing")
