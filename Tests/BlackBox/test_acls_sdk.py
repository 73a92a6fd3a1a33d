"""Access control policies and their bindings through the official SDK."""

import pytest

from harness.management import RELEASE
from harness.world import hex_id, unique


def body(**fields):
    return {"acl_name": unique("acl"), "acl_type": "PERMIT", "acl_value": "192.168.0.0/16", "entity_type": "IP", **fields}


@pytest.fixture
def acl(sdk):
    return sdk.create_acl_strategy_v2(body=body())


def test_create_show_update_delete(sdk, acl):
    shown = sdk.show_details_of_acl_policy_v2(acl_id=acl.id)
    assert (shown.id, shown.acl_type, shown.acl_value, shown.entity_type) == (acl.id, "PERMIT", "192.168.0.0/16", "IP")
    changed = sdk.update_acl_strategy_v2(acl_id=acl.id, body=body(
        acl_name=shown.acl_name, acl_type="DENY", acl_value="10.0.0.1,10.0.0.5-10.0.0.9"))
    assert (changed.acl_type, changed.acl_value) == ("DENY", "10.0.0.1,10.0.0.5-10.0.0.9")
    sdk.delete_acl_v2(acl_id=acl.id)
    assert sdk.refused(404, "APIG.3006", "show_details_of_acl_policy_v2", acl_id=acl.id) == (
        f"Access control policy {acl.id} does not exist")


@pytest.mark.parametrize("change, parameter", [
    ({"acl_name": "x"}, "acl_name"), ({"acl_type": "ALLOW"}, "acl_type"), ({"entity_type": "MAC"}, "entity_type"),
    ({"acl_value": ""}, "acl_value"), ({"acl_value": "300.1.1.1"}, "acl_value"), ({"acl_value": "10.0.0.0/33"}, "acl_value"),
    ({"acl_value": "10.0.0.9-10.0.0.1"}, "acl_value"), ({"acl_value": "10.0.0.1;10.0.0.2"}, "acl_value"),
    ({"acl_value": ",".join(f"10.0.{n // 250}.{n % 250}" for n in range(101))}, "acl_value"),
    ({"entity_type": "DOMAIN", "acl_value": "123456"}, "acl_value"), ({"entity_type": "DOMAIN_ID", "acl_value": "short"}, "acl_value")])
def test_create_refusals(call, change, parameter):
    result = call.post("/acls", body(**change))
    assert result.status == 400 and parameter in result.message, result.body


def test_names_are_unique(sdk, acl):
    name = sdk.show_details_of_acl_policy_v2(acl_id=acl.id).acl_name
    sdk.refused(400, "APIG.3206", "create_acl_strategy_v2", body(acl_name=name))


def test_list(sdk):
    common = unique("listed")
    made = [sdk.create_acl_strategy_v2(body=body(acl_name=f"{common}_{n}", acl_type=kind)).id
            for n, kind in enumerate(["PERMIT", "DENY"])]
    assert [entry.id for entry in sdk.list_acl_strategies_v2(name=common).acls] == [made[1], made[0]]
    assert [entry.id for entry in sdk.list_acl_strategies_v2(name=common, acl_type="DENY").acls] == [made[1]]
    assert sdk.list_acl_strategies_v2(name=common, precise_search="name").total == 0
    assert sdk.list_acl_strategies_v2(name=common, entity_type="DOMAIN").total == 0
    assert sdk.list_acl_strategies_v2(id=made[0]).acls[0].bind_num == 0


def test_bound_policy_stays(sdk, world, acl):
    api = world.make_api()
    world.bind_acl({"id": acl.id}, api)
    assert sdk.refused(403, "APIG.3447", "delete_acl_v2", acl_id=acl.id) == (
        "The access control policy has been bound to APIs")
    other, unknown = sdk.create_acl_strategy_v2(body=body()), hex_id()
    done = sdk.batch_delete_acl_v2(action="delete", body={"acls": [acl.id, other.id, unknown]})
    assert done.success_count == 1
    assert {entry.acl_id: entry.error_code for entry in done.failure} == {acl.id: "APIG.3447", unknown: "APIG.3006"}
    assert sdk.refused(400, "APIG.2011", "batch_delete_acl_v2", {"acls": []}, action="burn") == (
        'Invalid parameter value: parameter action should be \\"delete\\"')


def test_bind_list_unbind(sdk, world, acl):
    apis = [world.make_api(), world.make_api()]
    done = sdk.create_api_acl_binding_v2(body={"acl_id": acl.id, "publish_ids": [apis[0].publish_id]})
    binding = done.acl_bindings[0]
    assert (binding.acl_id, binding.api_id, binding.env_id) == (acl.id, apis[0].id, RELEASE)
    bound = sdk.list_acl_policy_binded_to_api_v2(api_id=apis[0].id).acls
    assert [(entry.acl_id, entry.acl_type, entry.entity_type, entry.bind_id) for entry in bound] == [
        (acl.id, "PERMIT", "IP", binding.id)]
    assert [entry.api_id for entry in sdk.list_apis_binded_to_acl_policy_v2(acl_id=acl.id).apis] == [apis[0].id]
    free = sdk.list_apis_unbinded_to_acl_policy_v2(acl_id=acl.id, api_id=apis[1].id)
    assert free.total == 1
    sdk.delete_api_acl_binding_v2(acl_bindings_id=binding.id)
    assert sdk.refused(404, "APIG.3010", "delete_api_acl_binding_v2", acl_bindings_id=binding.id) == (
        "The access control policy binding record does not exist")
    assert sdk.list_acl_policy_binded_to_api_v2(api_id=apis[0].id).total == 0


def test_batch_unbind(sdk, world, acl):
    bindings = [world.bind_acl({"id": acl.id}, world.make_api())[0]["id"] for _ in range(2)]
    done = sdk.batch_delete_api_acl_binding_v2(action="delete", body={"acl_bindings": bindings})
    assert (done.success_count, done.failure) == (2, [])


def test_one_policy_per_entity_type(sdk, world, acl):
    api = world.make_api()
    world.bind_acl({"id": acl.id}, api)
    second = world.make_acl("10.0.0.0/8")
    account = world.make_acl("somebody", "DENY", "DOMAIN")
    world.bind_acl(second, api)
    world.bind_acl(account, api)
    assert sorted(entry.acl_id for entry in sdk.list_acl_policy_binded_to_api_v2(api_id=api.id).acls) == sorted(
        [second["id"], account["id"]])


def test_bind_refusals(sdk, world, acl):
    api, unknown = world.make_api(), hex_id()
    assert sdk.refused(404, "APIG.3006", "create_api_acl_binding_v2", {
        "acl_id": unknown, "publish_ids": [api.publish_id]}) == f"Access control policy {unknown} does not exist"
    sdk.refused(404, "APIG.3015", "create_api_acl_binding_v2", {"acl_id": acl.id, "publish_ids": [api.publish_id, unknown]})
    assert sdk.list_acl_policy_binded_to_api_v2(api_id=api.id).total == 0, "nothing half done"
