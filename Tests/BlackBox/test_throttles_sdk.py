"""Request throttling policies, their bindings and special limits through the official SDK."""

import pytest

from harness.management import RELEASE
from harness.world import hex_id, unique


def body(**fields):
    return {"name": unique("throttle"), "api_call_limits": 100, "time_unit": "MINUTE", "time_interval": 1, **fields}


@pytest.fixture
def throttle(sdk):
    return sdk.create_request_throttling_policy_v2(body=body())


def bind(sdk, policy, *apis):
    return sdk.associate_request_throttling_policy_v2(
        body={"strategy_id": policy.id, "publish_ids": [api.publish_id for api in apis]}).throttle_applys


def test_create_show_update_delete(sdk):
    made = sdk.create_request_throttling_policy_v2(body=body(
        user_call_limits=50, app_call_limits=20, ip_call_limits=30, type=2, remark="for partners",
        enable_adaptive_control="FALSE"))
    shown = sdk.show_details_of_request_throttling_policy_v2(throttle_id=made.id)
    assert (shown.api_call_limits, shown.user_call_limits, shown.app_call_limits, shown.ip_call_limits) == (100, 50, 20, 30)
    assert (shown.type, shown.time_unit, shown.time_interval, shown.remark) == (2, "MINUTE", 1, "for partners")
    assert (shown.enable_adaptive_control, shown.is_inclu_special_throttle, shown.bind_num) == ("FALSE", 2, 0)
    assert made.create_time.startswith(shown.create_time[:-1]) and len(made.create_time) > len(shown.create_time)
    changed = sdk.update_request_throttling_policy_v2(throttle_id=made.id, body={
        "name": unique("renamed"), "api_call_limits": 60, "time_unit": "HOUR", "time_interval": 2, "type": 1})
    assert (changed.api_call_limits, changed.user_call_limits, changed.time_unit, changed.type) == (60, 50, "HOUR", 1)
    sdk.delete_request_throttling_policy_v2(throttle_id=made.id)
    message = f"Request throttling policy {made.id} does not exist"
    assert sdk.refused(404, "APIG.3005", "show_details_of_request_throttling_policy_v2", throttle_id=made.id) == message
    assert sdk.refused(404, "APIG.3005", "delete_request_throttling_policy_v2", throttle_id=made.id) == message
    assert sdk.refused(404, "APIG.3005", "update_request_throttling_policy_v2", body(), throttle_id=made.id) == message


def test_absent_limits_are_zero_and_zero_is_absent(sdk, throttle):
    assert (throttle.type, throttle.user_call_limits, throttle.app_call_limits, throttle.ip_call_limits) == (1, 0, 0, 0)
    other = sdk.create_request_throttling_policy_v2(body=body(user_call_limits=0, app_call_limits=100, ip_call_limits=0))
    assert (other.user_call_limits, other.app_call_limits) == (0, 100)


def test_an_update_keeps_what_it_does_not_say(call, throttle):
    result = call.put(f"/throttles/{throttle.id}", {"remark": "new"})
    assert result.status == 200 and result.json()["api_call_limits"] == 100 and result.json()["remark"] == "new"


@pytest.mark.parametrize("change, code, parameter", [
    ({"name": "ab"}, "APIG.2011", "name"), ({"name": "1abc"}, "APIG.2011", "name"), ({"name": "a" * 65}, "APIG.2011", "name"),
    ({"name": None}, "APIG.2001", "name"), ({"time_unit": None}, "APIG.2001", "time_unit"),
    ({"time_unit": "WEEK"}, "APIG.2011", "time_unit"), ({"type": 3}, "APIG.2011", "type"),
    ({"api_call_limits": None}, "APIG.2001", "api_call_limits"), ({"time_interval": None}, "APIG.2001", "time_interval"),
    ({"api_call_limits": 0}, "APIG.2002", "api_call_limits"), ({"api_call_limits": 2147483648}, "APIG.2003", "api_call_limits"),
    ({"time_interval": 0}, "APIG.2002", "time_interval"), ({"time_interval": 2147483648}, "APIG.2003", "time_interval"),
    ({"user_call_limits": 101}, "APIG.2003", "user_call_limits"), ({"user_call_limits": -1}, "APIG.2002", "user_call_limits"),
    ({"ip_call_limits": 101}, "APIG.2003", "ip_call_limits"), ({"ip_call_limits": -1}, "APIG.2002", "ip_call_limits"),
    ({"user_call_limits": 50, "app_call_limits": 51}, "APIG.2003", "app_call_limits"),
    ({"app_call_limits": 101}, "APIG.2003", "app_call_limits"), ({"app_call_limits": -1}, "APIG.2002", "app_call_limits"),
    ({"remark": "x" * 256}, "APIG.2011", "remark"), ({"enable_adaptive_control": "TRUE"}, "APIG.2011", "enable_adaptive_control"),
    ({"api_call_limits": "many"}, "APIG.2000", None)])
def test_create_refusals(call, change, code, parameter):
    fields = {name: value for name, value in body(**change).items() if value is not None}
    message = call.refused(400, code, "POST", "/throttles", fields)
    assert parameter is None or message.endswith(f"parameterName:{parameter}. Please refer to the support documentation")


def test_names_are_unique(sdk, throttle):
    sdk.refused(400, "APIG.3204", "create_request_throttling_policy_v2", body(name=throttle.name))
    other = sdk.create_request_throttling_policy_v2(body=body())
    sdk.refused(400, "APIG.3204", "update_request_throttling_policy_v2", body(name=throttle.name), throttle_id=other.id)


def test_list(sdk, call):
    common = unique("listed")
    made = [sdk.create_request_throttling_policy_v2(body=body(name=f"{common}_{n}")).id for n in range(3)]
    assert [entry.id for entry in sdk.list_request_throttling_policy_v2(name=common).throttles] == made[::-1]
    page = sdk.list_request_throttling_policy_v2(name=common, offset=1, limit=1)
    assert (page.total, page.size, [entry.id for entry in page.throttles]) == (3, 1, [made[1]])
    past = sdk.list_request_throttling_policy_v2(name=common, offset=9)
    assert (past.total, past.size, past.throttles) == (3, 0, [])
    assert sdk.list_request_throttling_policy_v2(name=common, precise_search="name").total == 0
    assert sdk.list_request_throttling_policy_v2(name=f"{common}_1", precise_search="name").total == 1
    assert sdk.list_request_throttling_policy_v2(id=made[0]).throttles[0].bind_num == 0
    call.refused(400, "APIG.2012", "GET", "/throttles?limit=501")
    call.refused(400, "APIG.2012", "GET", "/throttles?id=a%20b")


def test_bind_list_unbind(sdk, world, throttle):
    apis = [world.make_api(), world.make_api()]
    binding = bind(sdk, throttle, apis[0])[0]
    assert (binding.strategy_id, binding.publish_id, binding.scope) == (throttle.id, apis[0].publish_id, 1)
    assert [again.id for again in bind(sdk, throttle, apis[0])] == [binding.id], "bound already: the same record"
    bound = sdk.list_request_throttling_policies_binded_to_api_v2(api_id=apis[0].id).throttles
    assert [(entry.id, entry.bind_id, entry.env_name, entry.bind_num) for entry in bound] == [
        (throttle.id, binding.id, "RELEASE", 1)]
    listed = sdk.list_apis_binded_to_request_throttling_policy_v2(throttle_id=throttle.id)
    assert [(entry.id, entry.throttle_apply_id, entry.throttle_name, entry.run_env_id) for entry in listed.apis] == [
        (apis[0].id, binding.id, throttle.name, RELEASE)]
    free = sdk.list_apis_unbinded_to_request_throttling_policy_v2(throttle_id=throttle.id, api_id=apis[1].id)
    assert [(entry.id, entry.throttle_name) for entry in free.apis] == [(apis[1].id, None)]
    assert sdk.list_apis_unbinded_to_request_throttling_policy_v2(throttle_id=throttle.id, api_id=apis[0].id).total == 0
    assert sdk.list_request_throttling_policies_binded_to_api_v2(api_id=apis[0].id, throttle_name="nothing").total == 0
    assert sdk.list_request_throttling_policies_binded_to_api_v2(api_id=apis[0].id, env_id=RELEASE).total == 1
    sdk.disassociate_request_throttling_policy_v2(throttle_binding_id=binding.id)
    assert sdk.refused(404, "APIG.3012", "disassociate_request_throttling_policy_v2", throttle_binding_id=binding.id) == (
        "The request throttling policy binding record does not exist")
    assert sdk.list_request_throttling_policies_binded_to_api_v2(api_id=apis[0].id).total == 0


def test_another_policy_replaces_the_first(sdk, world, throttle):
    api = world.make_api()
    first = bind(sdk, throttle, api)[0]
    other = sdk.create_request_throttling_policy_v2(body=body())
    free = sdk.list_apis_unbinded_to_request_throttling_policy_v2(throttle_id=other.id, api_id=api.id)
    assert [entry.throttle_name for entry in free.apis] == [throttle.name]
    second = bind(sdk, other, api)[0]
    assert second.id != first.id
    bound = sdk.list_request_throttling_policies_binded_to_api_v2(api_id=api.id).throttles
    assert [entry.id for entry in bound] == [other.id]


def test_binding_refusals(sdk, world, call, throttle):
    api, unknown = world.make_api(), hex_id()
    assert sdk.refused(404, "APIG.3005", "associate_request_throttling_policy_v2", {
        "strategy_id": unknown, "publish_ids": [api.publish_id]}) == f"Request throttling policy {unknown} does not exist"
    sdk.refused(404, "APIG.3015", "associate_request_throttling_policy_v2", {
        "strategy_id": throttle.id, "publish_ids": [api.publish_id, unknown]})
    assert sdk.list_request_throttling_policies_binded_to_api_v2(api_id=api.id).total == 0, "nothing half done"
    for fields, code in [({"strategy_id": "a b", "publish_ids": [api.publish_id]}, "APIG.2011"),
                         ({"strategy_id": throttle.id, "publish_ids": []}, "APIG.2011"),
                         ({"strategy_id": throttle.id}, "APIG.2001"), ({"publish_ids": [api.publish_id]}, "APIG.2001")]:
        call.refused(400, code, "POST", "/throttle-bindings", fields)
    sdk.refused(404, "APIG.3005", "list_apis_binded_to_request_throttling_policy_v2", throttle_id=unknown)
    sdk.refused(404, "APIG.3005", "list_apis_unbinded_to_request_throttling_policy_v2", throttle_id=unknown)
    sdk.refused(404, "APIG.3002", "list_request_throttling_policies_binded_to_api_v2", api_id=unknown)
    call.refused(400, "APIG.2001", "GET", "/throttle-bindings/binded-throttles")
    call.refused(400, "APIG.2012", "GET", "/throttle-bindings/binded-apis?throttle_id=a%20b")
    call.refused(400, "APIG.2012", "GET", f"/throttle-bindings/binded-apis?throttle_id={throttle.id}&api_name=%3Cb%3E")
    call.refused(400, "APIG.2012", "DELETE", "/throttle-bindings/a%20b")


def test_batch_unbind(sdk, world, throttle):
    bindings = [bind(sdk, throttle, world.make_api())[0].id for _ in range(2)]
    done = sdk.batch_disassociate_throttling_policy_v2(
        action="delete", body={"throttle_bindings": [bindings[0], bindings[1], bindings[0]]})
    assert done.success_count == 2
    assert [(entry.bind_id, entry.error_code, entry.error_msg) for entry in done.failure] == [
        (bindings[0], "APIG.3012", "The request throttling policy binding record does not exist")]
    assert sdk.batch_disassociate_throttling_policy_v2(action="delete", body={}).success_count == 0
    assert sdk.refused(400, "APIG.2011", "batch_disassociate_throttling_policy_v2", {"throttle_bindings": []}, action="burn") == (
        'parameter action should be \\"delete\\"')


def test_a_bound_policy_stays_for_roma_and_goes_for_apig(sdk, world, call, throttle):
    api = world.make_api()
    bind(sdk, throttle, api)
    assert sdk.refused(403, "APIG.3451", "delete_request_throttling_policy_v2", throttle_id=throttle.id) == (
        "The request throttling policy cannot be deleted because it has been bound to APIs.")
    twin = call.instance_path.replace("/apic/", "/apigw/")
    call.expect(204, "DELETE", f"{twin}/throttles/{throttle.id}")
    assert sdk.list_request_throttling_policies_binded_to_api_v2(api_id=api.id).total == 0


def test_batch_delete(sdk, world, call, throttle):
    bound, unknown = sdk.create_request_throttling_policy_v2(body=body()), hex_id()
    bind(sdk, bound, world.make_api())
    done = call.expect(200, "POST", "/throttles/batch-delete?action=delete", {
        "throttles": [throttle.id, bound.id, unknown, throttle.id]})
    assert done["success_count"] == 1
    assert [(entry["throttle_id"], entry.get("throttle_name"), entry["error_code"]) for entry in done["failure"]] == [
        (bound.id, bound.name, "APIG.3451"), (unknown, None, "APIG.3005"), (throttle.id, None, "APIG.3005")]
    twin = call.instance_path.replace("/apic/", "/apigw/")
    done = call.expect(200, "POST", f"{twin}/throttles/batch-delete", {"throttles": [bound.id]})
    assert done == {"success_count": 1, "failure": []}
    call.refused(400, "APIG.2011", "POST", "/throttles/batch-delete", {"throttles": [hex_id()] * 1001})


def test_specials_of_users(sdk, call, throttle):
    account = hex_id()
    made = sdk.create_special_throttling_configuration_v2(throttle_id=throttle.id, body={
        "object_type": "USER", "object_id": account, "call_limits": 100})
    assert (made.throttle_id, made.object_type, made.object_id, made.call_limits) == (throttle.id, "USER", account, 100)
    assert sdk.show_details_of_request_throttling_policy_v2(throttle_id=throttle.id).is_inclu_special_throttle == 1
    changed = sdk.update_special_throttling_configuration_v2(
        throttle_id=throttle.id, strategy_id=made.id, body={"call_limits": 40})
    assert (changed.id, changed.call_limits, changed.object_id) == (made.id, 40, account)
    listed = sdk.list_special_throttling_configurations_v2(throttle_id=throttle.id, object_type="USER")
    assert [(entry.id, entry.call_limits) for entry in listed.throttle_specials] == [(made.id, 40)]
    assert sdk.list_special_throttling_configurations_v2(throttle_id=throttle.id, object_type="APP").total == 0
    sdk.refused(400, "APIG.3308", "create_special_throttling_configuration_v2", {
        "object_type": "USER", "object_id": account, "call_limits": 1}, throttle_id=throttle.id)
    assert "parameterName:call_limits" in sdk.refused(
        400, "APIG.2003", "update_request_throttling_policy_v2", body(api_call_limits=39), throttle_id=throttle.id)
    sdk.delete_special_throttling_configuration_v2(throttle_id=throttle.id, strategy_id=made.id)
    assert sdk.refused(404, "APIG.3013", "delete_special_throttling_configuration_v2", throttle_id=throttle.id,
                       strategy_id=made.id) == f"Excluded request throttling configuration {made.id} does not exist"
    sdk.refused(404, "APIG.3013", "update_special_throttling_configuration_v2", {"call_limits": 1},
                throttle_id=throttle.id, strategy_id=made.id)


def test_specials_of_applications(sdk, throttle):
    app, other = (sdk.create_roma_app(body={"name": unique("app")}) for _ in range(2))
    made = sdk.create_special_throttling_configuration_v2(throttle_id=throttle.id, body={
        "object_type": "APP", "object_id": app.id, "call_limits": 10})
    assert (made.object_type, made.object_id, made.object_name, made.app_id, made.app_name) == (
        "APP", app.id, app.name, app.id, app.name)
    sdk.create_special_throttling_configuration_v2(throttle_id=throttle.id, body={
        "object_type": "APP", "object_id": other.id, "call_limits": 20})
    sdk.create_special_throttling_configuration_v2(throttle_id=throttle.id, body={
        "object_type": "USER", "object_id": app.id, "call_limits": 30})
    named = sdk.list_special_throttling_configurations_v2(throttle_id=throttle.id, app_name=app.name).throttle_specials
    assert [(entry.id, entry.app_id, entry.app_name, entry.call_limits) for entry in named] == [
        (made.id, app.id, app.name, 10)]
    assert sdk.list_special_throttling_configurations_v2(throttle_id=throttle.id, object_type="APP").total == 2
    changed = sdk.update_special_throttling_configuration_v2(
        throttle_id=throttle.id, strategy_id=made.id, body={"call_limits": 11})
    assert (changed.call_limits, changed.app_name) == (11, app.name)
    sdk.refused(400, "APIG.3308", "create_special_throttling_configuration_v2", {
        "object_type": "APP", "object_id": app.id, "call_limits": 1}, throttle_id=throttle.id)
    sdk.delete_roma_app(app_id=app.id)
    assert sdk.list_special_throttling_configurations_v2(throttle_id=throttle.id, object_type="APP").total == 1


def test_special_refusals(sdk, call, throttle):
    unknown = hex_id()
    good = {"object_type": "USER", "object_id": hex_id(), "call_limits": 1}
    assert sdk.refused(404, "APIG.3004", "create_special_throttling_configuration_v2", {
        "object_type": "APP", "object_id": unknown, "call_limits": 1}, throttle_id=throttle.id) == (
        f"App {unknown} does not exist")
    for change, code, parameter in [
            ({"call_limits": 101}, "APIG.2003", "call_limits"), ({"call_limits": 0}, "APIG.2002", "call_limits"),
            ({"call_limits": None}, "APIG.2001", "call_limits"), ({"object_id": None}, "APIG.2001", "object_id"),
            ({"object_type": None}, "APIG.2001", "object_type"), ({"object_type": "ROLE"}, "APIG.2011", "object_type"),
            ({"object_id": "a b"}, "APIG.2011", "object_id")]:
        fields = {name: value for name, value in {**good, **change}.items() if value is not None}
        message = call.refused(400, code, "POST", f"/throttles/{throttle.id}/throttle-specials", fields)
        assert f"parameterName:{parameter}." in message
    for operation, extra in [("create_special_throttling_configuration_v2", {"body": good}),
                             ("list_special_throttling_configurations_v2", {})]:
        assert sdk.refused(404, "APIG.3005", operation, throttle_id=unknown, **extra) == (
            f"Request throttling policy {unknown} does not exist")
    call.refused(400, "APIG.2012", "GET", f"/throttles/{throttle.id}/throttle-specials?app_name=%3Cb%3E")
    call.refused(400, "APIG.2012", "DELETE", f"/throttles/{throttle.id}/throttle-specials/a%20b")


def test_thirty_specials_of_a_kind(sdk, throttle):
    for _ in range(30):
        sdk.create_special_throttling_configuration_v2(throttle_id=throttle.id, body={
            "object_type": "USER", "object_id": hex_id(), "call_limits": 1})
    sdk.refused(403, "APIG.3100", "create_special_throttling_configuration_v2", {
        "object_type": "USER", "object_id": hex_id(), "call_limits": 1}, throttle_id=throttle.id)
