"""Custom authorizers through the official SDK."""

import pytest

from harness import functions
from harness.world import hex_id, unique


def body(**fields):
    return {
        "name": unique("authorizer"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER,
        **fields}


def test_life(sdk):
    wanted = body(
        identities=[{"name": "X-Token", "location": "HEADER", "validation": "^[a-z]+$"}, {"name": "t", "location": "QUERY"}],
        ttl=60, user_data="for the function", need_body=True)
    made = sdk.create_custom_authorizer_v2(body=wanted)
    assert (made.name, made.type, made.authorizer_type, made.authorizer_uri, made.ttl, made.user_data, made.need_body) == (
        wanted["name"], "FRONTEND", "FUNC", functions.AUTHORIZER, 60, "for the function", True)
    assert [(entry.name, entry.location, entry.validation) for entry in made.identities] == [
        ("X-Token", "HEADER", "^[a-z]+$"), ("t", "QUERY", None)]
    shown = sdk.show_details_of_custom_authorizers_v2(authorizer_id=made.id)
    assert (shown.name, shown.ttl) == (made.name, 60)
    changed = sdk.update_custom_authorizer_v2(authorizer_id=made.id, body={**wanted, "ttl": 0, "identities": []})
    assert (changed.id, changed.ttl, changed.identities) == (made.id, 0, [])
    sdk.delete_custom_authorizer_v2(authorizer_id=made.id)
    assert sdk.refused(404, "APIG.3081", "show_details_of_custom_authorizers_v2", authorizer_id=made.id) == (
        f"authorizer with id: {made.id} not found")
    sdk.refused(404, "APIG.3081", "delete_custom_authorizer_v2", authorizer_id=made.id)
    sdk.refused(404, "APIG.3081", "update_custom_authorizer_v2", wanted, authorizer_id=made.id)


def test_defaults(sdk):
    made = sdk.create_custom_authorizer_v2(body=body(type="BACKEND"))
    assert (made.ttl, made.need_body, made.identities, made.user_data) == (0, False, [], "")


def test_list(sdk):
    names = unique("listed")
    front = sdk.create_custom_authorizer_v2(body=body(name=f"{names}_front"))
    back = sdk.create_custom_authorizer_v2(body=body(name=f"{names}_back", type="BACKEND"))
    found = sdk.list_custom_authorizers_v2(name=names.upper())
    assert (found.total, [entry.id for entry in found.authorizer_list]) == (2, [back.id, front.id])
    assert [entry.id for entry in sdk.list_custom_authorizers_v2(name=names, type="BACKEND").authorizer_list] == [back.id]
    assert sdk.list_custom_authorizers_v2(id=front.id).total == 1
    page = sdk.list_custom_authorizers_v2(name=names, offset=1, limit=1)
    assert (page.total, page.size, page.authorizer_list[0].id) == (2, 1, front.id)
    assert "type" in sdk.refused(400, "APIG.2011", "list_custom_authorizers_v2", type="SIDEWAYS")
    sdk.refused(400, "APIG.2011", "list_custom_authorizers_v2", id="not an id")


@pytest.mark.parametrize("fields, parameter", [
    ({"type": "SIDEWAYS"}, "type"), ({"name": "ab"}, "name"), ({"name": "1abc"}, "name"), ({"name": "a" * 65}, "name"),
    ({"ttl": 3601}, "ttl"), ({"ttl": -1}, "ttl"), ({"user_data": "u" * 2049}, "user_data"),
    ({"authorizer_type": "LAMBDA"}, "authorizer_type"),
    ({"identities": [{"name": "t", "location": "COOKIE"}]}, "location"),
    ({"identities": [{"name": "1t", "location": "QUERY"}]}, "name"),
    ({"identities": [{"name": "t", "location": "QUERY", "validation": "("}]}, "validation"),
    ({"type": "BACKEND", "identities": [{"name": "t", "location": "QUERY"}]}, "identities"),
    ({"type": "BACKEND", "need_body": True}, "need_body"),
    ({"authorizer_type": "LD", "ld_api_id": "x"}, "authorizer_type")])
def test_refused_fields(sdk, fields, parameter):
    assert f"parameterName:{parameter}." in sdk.refused(400, "APIG.2011", "create_custom_authorizer_v2", body(**fields))


@pytest.mark.parametrize("missing", ["name", "type", "authorizer_type", "authorizer_uri"])
def test_mandatory_fields(call, missing):
    wanted = body()
    del wanted[missing]
    assert missing in call.refused(400, "APIG.2001", "POST", "/authorizers", wanted)


def test_remembering_needs_an_identity(sdk):
    assert "identities" in sdk.refused(400, "APIG.2001", "create_custom_authorizer_v2", body(ttl=5))


def test_functions_must_be_registered(sdk):
    assert sdk.refused(404, "APIG.3019", "create_custom_authorizer_v2", body(authorizer_uri=functions.UNKNOWN)) == (
        "The function URN does not exist")
    sdk.refused(404, "APIG.3019", "create_custom_authorizer_v2", body(authorizer_uri=functions.VERSIONED))
    sdk.refused(404, "APIG.3019", "create_custom_authorizer_v2", body(
        authorizer_uri=functions.VERSIONED, authorizer_version="v1"))
    made = sdk.create_custom_authorizer_v2(body=body(authorizer_uri=functions.VERSIONED, authorizer_version="v2"))
    assert (made.authorizer_version, made.authorizer_alias_uri) == ("v2", None)
    aliased = sdk.create_custom_authorizer_v2(body=body(
        authorizer_uri=functions.VERSIONED, authorizer_version="v1", authorizer_alias_uri=functions.ALIAS))
    assert aliased.authorizer_alias_uri == functions.ALIAS, "an alias wins over a version"
    sdk.refused(404, "APIG.3019", "update_custom_authorizer_v2", body(authorizer_uri=functions.UNKNOWN), authorizer_id=made.id)


def test_names_are_unique(sdk):
    first, second = (sdk.create_custom_authorizer_v2(body=body()) for _ in range(2))
    sdk.refused(400, "APIG.3211", "create_custom_authorizer_v2", body(name=first.name))
    sdk.refused(400, "APIG.3211", "update_custom_authorizer_v2", body(name=first.name), authorizer_id=second.id)
    sdk.refused(400, "APIG.3212", "create_custom_authorizer_v2", body(
        identities=[{"name": "X-Token", "location": "HEADER"}, {"name": "x-token", "location": "HEADER"}]))


def test_identity_quota(sdk):
    identities = [{"name": f"t{number}", "location": "QUERY"} for number in range(11)]
    sdk.refused(403, "APIG.3117", "create_custom_authorizer_v2", body(identities=identities))
    sdk.create_custom_authorizer_v2(body=body(identities=identities[:10]))


def test_quota(fresh_gatehouse, make_world, shared_functions):
    program = fresh_gatehouse(settings={
        "quotas": {"authorizers": 2}, "functions": functions.settings(shared_functions.address)})
    call = make_world(program).api
    for _ in range(2):
        call.expect(201, "POST", "/authorizers", body())
    call.refused(403, "APIG.3116", "POST", "/authorizers", body())


def test_the_type_is_fixed(sdk):
    made = sdk.create_custom_authorizer_v2(body=body())
    assert "type" in sdk.refused(400, "APIG.2011", "update_custom_authorizer_v2", body(type="BACKEND"), authorizer_id=made.id)


def test_absent_fields_stay(sdk, call):
    made = sdk.create_custom_authorizer_v2(body=body(user_data="kept", identities=[{"name": "t", "location": "QUERY"}]))
    changed = call.expect(200, "PUT", f"/authorizers/{made.id}", {"ttl": 7})
    assert (changed["name"], changed["user_data"], changed["ttl"], len(changed["identities"])) == (made.name, "kept", 7, 1)


def test_what_an_api_uses_stays(sdk, world):
    front = sdk.create_custom_authorizer_v2(body=body())
    api = world.make_api(publish=False, auth_type="AUTHORIZER", authorizer_id=front.id)
    assert sdk.show_details_of_api_v2(api_id=api.id).authorizer_id == front.id
    sdk.refused(409, "APIG.3400", "delete_custom_authorizer_v2", authorizer_id=front.id)
    sdk.delete_api_v2(api_id=api.id)
    sdk.delete_custom_authorizer_v2(authorizer_id=front.id)


def test_apis_name_authorizers_of_the_right_kind(sdk, world):
    front = sdk.create_custom_authorizer_v2(body=body())
    back = sdk.create_custom_authorizer_v2(body=body(type="BACKEND"))
    group = world.make_group()
    wanted = world.definition(group["id"], "/x")
    assert "authorizer_id" in sdk.refused(400, "APIG.2011", "create_api_v2", {
        **wanted, "auth_type": "AUTHORIZER", "authorizer_id": back.id})
    assert "authorizer_id" in sdk.refused(400, "APIG.2011", "create_api_v2", {
        **wanted, "backend_api": {**wanted["backend_api"], "authorizer_id": front.id}})
    sdk.refused(404, "APIG.3081", "create_api_v2", {**wanted, "auth_type": "AUTHORIZER", "authorizer_id": hex_id()})


def test_function_backends_must_be_registered(sdk, world):
    group = world.make_group()
    wanted = world.definition(group["id"], "/f", backend_type="FUNCTION")
    wanted["backend_api"] = None
    info = {"function_urn": functions.UNKNOWN, "timeout": 5000, "invocation_type": "sync"}
    sdk.refused(404, "APIG.3019", "create_api_v2", {**wanted, "func_info": info})
    made = sdk.create_api_v2(body={**wanted, "func_info": {**info, "function_urn": functions.WORKER}})
    assert made.func_info.function_urn == functions.WORKER
