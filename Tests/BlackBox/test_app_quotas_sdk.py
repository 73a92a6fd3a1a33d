"""Quotas of applications and what they count for, through the official SDK."""

import re

import pytest

from harness.world import hex_id, unique

TAIL = ". Please refer to the support documentation"
NEVER = "0001-01-01T00:00:00Z"


def body(**fields):
    return {"name": unique("quota"), "call_limits": 100, "time_unit": "MINUTE", "time_interval": 1, **fields}


@pytest.fixture
def quota(sdk):
    return sdk.create_app_quota(body=body())


@pytest.fixture
def make_app(sdk):
    return lambda **fields: sdk.create_roma_app(body={"name": unique("app"), **fields})


def bind(sdk, quota, *apps):
    return sdk.associate_apps_for_app_quota(
        app_quota_id=quota.app_quota_id, body={"app_ids": [app.id for app in apps]}).applies


def test_create_show_update_delete(sdk):
    made = sdk.create_app_quota(body=body(reset_time="2026-01-31 05:05:00", remark="for partners"))
    assert (made.call_limits, made.time_unit, made.time_interval, made.reset_time, made.remark, made.bound_app_num) == (
        100, "MINUTE", 1, "2026-01-31 05:05:00", "for partners", 0)
    shown = sdk.show_app_quota(app_quota_id=made.app_quota_id)
    assert (shown.app_quota_id, shown.name, shown.reset_time) == (made.app_quota_id, made.name, "2026-01-31 05:05:00")
    assert re.fullmatch(r"[-0-9]{10}T[:0-9]{8}Z", shown.create_time)
    assert made.create_time.startswith(shown.create_time[:-1]) and made.create_time.endswith("Z")
    changed = sdk.update_app_quota(app_quota_id=made.app_quota_id, body={
        "name": unique("renamed"), "call_limits": 5, "time_unit": "DAY", "time_interval": 2, "reset_time": ""})
    assert (changed.call_limits, changed.time_unit, changed.time_interval, changed.reset_time, changed.remark) == (
        5, "DAY", 2, None, "for partners")
    assert sdk.show_app_quota(app_quota_id=made.app_quota_id).name == changed.name
    sdk.delete_app_quota(app_quota_id=made.app_quota_id)
    message = f"App quota {made.app_quota_id} does not exist"
    assert sdk.refused(404, "APIG.3093", "show_app_quota", app_quota_id=made.app_quota_id) == message
    assert sdk.refused(404, "APIG.3093", "delete_app_quota", app_quota_id=made.app_quota_id) == message
    assert sdk.refused(404, "APIG.3093", "update_app_quota", body(), app_quota_id=made.app_quota_id) == message


def test_an_update_keeps_what_it_does_not_say(call, quota):
    path = f"/app-quotas/{quota.app_quota_id}"
    changed = call.expect(200, "PUT", path, {"remark": "new"})
    assert (changed["call_limits"], changed["name"], changed["remark"]) == (100, quota.name, "new")


def test_words_that_the_vendor_writes_otherwise(call, sdk, quota):
    made = call.expect(201, "POST", "/app-quotas", body(time_unit="HOURE", reset_time="2026-02-28 00:00:00 +0000 +0000"))
    assert (made["time_unit"], made["reset_time"]) == ("HOUR", "2026-02-28 00:00:00")
    path = f"/app-quotas/{quota.app_quota_id}"
    assert call.expect(200, "PUT", path, body(time_unit="HOURE"))["time_unit"] == "HOUR"


@pytest.mark.parametrize("change, code, parameter", [
    ({"name": "ab"}, "APIG.2012", "name"), ({"name": "1abc"}, "APIG.2012", "name"), ({"name": "a" * 256}, "APIG.2012", "name"),
    ({"name": "a-b"}, "APIG.2012", "name"), ({"name": None}, "APIG.2001", "name"),
    ({"call_limits": None}, "APIG.2001", "call_limits"), ({"call_limits": 0}, "APIG.2012", "call_limits"),
    ({"call_limits": -1}, "APIG.2012", "call_limits"), ({"call_limits": 2147483648}, "APIG.2012", "call_limits"),
    ({"time_interval": None}, "APIG.2001", "time_interval"), ({"time_interval": 0}, "APIG.2012", "time_interval"),
    ({"time_interval": 2147483648}, "APIG.2012", "time_interval"), ({"time_unit": None}, "APIG.2001", "time_unit"),
    ({"time_unit": "WEEK"}, "APIG.2012", "time_unit"), ({"remark": "x" * 256}, "APIG.2012", "remark"),
    ({"reset_time": "tomorrow"}, "APIG.2012", "reset_time"), ({"reset_time": "2026-02-29 00:00:00"}, "APIG.2012", "reset_time"),
    ({"reset_time": "2026-01-01T00:00:00Z"}, "APIG.2012", "reset_time"),
    ({"reset_time": "2026-01-01 24:00:00"}, "APIG.2012", "reset_time"), ({"call_limits": "many"}, "APIG.2000", None)])
def test_create_refusals(call, change, code, parameter):
    fields = {name: value for name, value in body(**change).items() if value is not None}
    message = call.refused(400, code, "POST", "/app-quotas", fields)
    assert parameter is None or message.endswith(f"parameterName:{parameter}{TAIL}")


def test_largest_numbers_and_names(call):
    largest = 2147483647
    made = call.expect(201, "POST", "/app-quotas", body(
        name=unique("长").ljust(255, "字"), call_limits=largest, time_interval=largest, remark="x" * 255))
    assert (made["call_limits"], made["time_interval"]) == (largest, largest)


def test_names_are_unique(sdk, quota):
    assert sdk.refused(400, "APIG.3325", "create_app_quota", body(name=quota.name)) == "The API quota name already exists"
    other = sdk.create_app_quota(body=body())
    sdk.refused(400, "APIG.3325", "update_app_quota", body(name=quota.name), app_quota_id=other.app_quota_id)
    sdk.update_app_quota(body=body(name=other.name), app_quota_id=other.app_quota_id)


def test_list(sdk, call):
    common = unique("listed")
    made = [sdk.create_app_quota(body=body(name=f"{common}_{n}")).app_quota_id for n in range(3)]
    listed = sdk.list_app_quotas(name=common.upper())
    assert [entry.app_quota_id for entry in listed.quotas] == made[::-1] and (listed.total, listed.size) == (3, 3)
    page = sdk.list_app_quotas(name=common, offset=1, limit=1)
    assert (page.total, page.size, [entry.app_quota_id for entry in page.quotas]) == (3, 1, [made[1]])
    past = sdk.list_app_quotas(name=common, offset=9)
    assert (past.total, past.size, past.quotas) == (3, 0, [])
    call.refused(400, "APIG.2012", "GET", "/app-quotas?limit=501")
    assert call.refused(400, "APIG.2012", "GET", "/app-quotas?name=%3Cb%3E").endswith(f"parameterName:name{TAIL}")


def test_bind_list_unbind(sdk, quota, make_app):
    first, second, free = make_app(), make_app(remark="second"), make_app()
    made = bind(sdk, quota, first, second)
    assert [(entry.app_id, entry.app_quota_id) for entry in made] == [
        (first.id, quota.app_quota_id), (second.id, quota.app_quota_id)]
    again = bind(sdk, quota, first)
    assert [entry.bound_time for entry in again] == [made[0].bound_time], "bound already: the same record"
    assert sdk.show_app_quota(app_quota_id=quota.app_quota_id).bound_app_num == 2
    assert sdk.list_app_quotas(name=quota.name).quotas[0].bound_app_num == 2
    bound = sdk.list_app_quota_bound_apps(app_quota_id=quota.app_quota_id)
    assert {entry.app_id for entry in bound.apps} == {first.id, second.id} and (bound.total, bound.size) == (2, 2)
    named = sdk.list_app_quota_bound_apps(app_quota_id=quota.app_quota_id, app_name=second.name).apps
    assert [(entry.app_id, entry.name, entry.status, entry.app_key, entry.remark, entry.app_quota_id, entry.app_quota_name)
            for entry in named] == [(second.id, second.name, 1, second.key, "second", quota.app_quota_id, quota.name)]
    assert made[1].bound_time.startswith(named[0].bound_time[:-1])
    bindable = sdk.list_app_quota_bindable_apps(app_quota_id=quota.app_quota_id, app_name=free.name).apps
    assert [(entry.app_id, entry.bound_time, entry.app_quota_id) for entry in bindable] == [(free.id, NEVER, None)]
    assert sdk.list_app_quota_bindable_apps(app_quota_id=quota.app_quota_id, app_name=first.name).total == 0
    page = sdk.list_app_quota_bound_apps(app_quota_id=quota.app_quota_id, offset=1, limit=1)
    assert (page.total, page.size) == (2, 1) and page.apps[0].app_id == bound.apps[1].app_id
    sdk.disassociate_app_quota_with_app(app_quota_id=quota.app_quota_id, app_id=first.id)
    assert sdk.refused(
        404, "APIG.3093", "disassociate_app_quota_with_app", app_quota_id=quota.app_quota_id, app_id=first.id) == (
        f"App quota {quota.app_quota_id} does not exist")
    assert sdk.list_app_quota_bindable_apps(app_quota_id=quota.app_quota_id, app_name=first.name).total == 1


def test_an_application_has_one_quota(sdk, quota, make_app):
    app, other = make_app(), sdk.create_app_quota(body=body())
    bind(sdk, quota, app)
    bind(sdk, other, app)
    assert sdk.show_app_bound_app_quota(app_id=app.id).app_quota_id == other.app_quota_id
    assert sdk.list_app_quota_bound_apps(app_quota_id=quota.app_quota_id).total == 0
    sdk.refused(404, "APIG.3093", "disassociate_app_quota_with_app", app_quota_id=quota.app_quota_id, app_id=app.id)
    sdk.delete_app_quota(app_quota_id=other.app_quota_id)
    assert sdk.refused(404, "APIG.3093", "show_app_bound_app_quota", app_id=app.id) == f"App quota {app.id} does not exist"
    bind(sdk, quota, app)
    sdk.delete_roma_app(app_id=app.id)
    assert sdk.show_app_quota(app_quota_id=quota.app_quota_id).bound_app_num == 0


def test_binding_refusals(sdk, call, quota, make_app):
    app, unknown = make_app(), hex_id()
    sdk.refused(404, "APIG.3093", "associate_apps_for_app_quota", {"app_ids": [app.id]}, app_quota_id=unknown)
    assert sdk.refused(404, "APIG.3004", "associate_apps_for_app_quota", {"app_ids": [app.id, unknown]},
                       app_quota_id=quota.app_quota_id) == f"App {unknown} does not exist"
    assert sdk.list_app_quota_bound_apps(app_quota_id=quota.app_quota_id).total == 0, "nothing half done"
    sdk.refused(404, "APIG.3093", "list_app_quota_bound_apps", app_quota_id=unknown)
    sdk.refused(404, "APIG.3093", "list_app_quota_bindable_apps", app_quota_id=unknown)
    sdk.refused(404, "APIG.3093", "disassociate_app_quota_with_app", app_quota_id=unknown, app_id=app.id)
    sdk.refused(404, "APIG.3004", "disassociate_app_quota_with_app", app_quota_id=quota.app_quota_id, app_id=unknown)
    assert sdk.refused(404, "APIG.3002", "show_app_bound_app_quota", app_id=unknown) == f"App {unknown} does not exist"
    path = f"/app-quotas/{quota.app_quota_id}"
    call.refused(400, "APIG.2001", "POST", f"{path}/binding-apps", {})
    for ids in ([], ["a b"], [app.id] * 1001):
        assert call.refused(400, "APIG.2012", "POST", f"{path}/binding-apps", {"app_ids": ids}).endswith(
            f"parameterName:app_ids{TAIL}")
    assert call.refused(400, "APIG.2012", "GET", f"{path}/bound-apps?app_name=%3Cb%3E").endswith(
        f"parameterName:app_name{TAIL}")
    assert call.refused(400, "APIG.2012", "DELETE", "/app-quotas/a%20b").endswith(f"parameterName:app_quota_id{TAIL}")
    assert call.refused(400, "APIG.2012", "GET", "/apps/a%20b/bound-quota").endswith(f"parameterName:app_id{TAIL}")


def test_the_number_of_quotas_is_limited(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse(settings={"quotas": {"app_quotas": 2}}))
    for _ in range(2):
        world.api.expect(201, "POST", "/app-quotas", body())
    world.api.refused(403, "APIG.3100", "POST", "/app-quotas", body())
    limits = world.api.expect(200, "GET", "/project/configs?limit=100")["configs"]
    assert [(limit["config_value"], limit["used"]) for limit in limits if limit["config_name"] == "APP_QUOTA_NUM_LIMIT"] == [
        ("2", 2)]


def test_changes_are_conditional_where_the_client_says_so(call, quota):
    path = f"/app-quotas/{quota.app_quota_id}"
    tag = call.get(path).headers["ETag"]
    call.expect(200, "PUT", path, body(), headers={"If-Match": tag})
    call.refused(412, "APIG.3400", "PUT", path, body(), headers={"If-Match": tag})
    assert int(call.put(path, body()).headers["X-Gatehouse-Revision"]) > 0


def test_the_twin_product_reaches_the_same(sdk, call, quota, make_app):
    app = make_app()
    twin = call.instance_path.replace("/apic/", "/apigw/")
    call.expect(201, "POST", f"{twin}/app-quotas/{quota.app_quota_id}/binding-apps", {"app_ids": [app.id]})
    assert call.expect(200, "GET", f"{twin}/apps/{app.id}/bound-quota")["app_quota_id"] == quota.app_quota_id
    call.expect(204, "DELETE", f"{twin}/app-quotas/{quota.app_quota_id}/bound-apps/{app.id}")
    assert sdk.show_app_quota(app_quota_id=quota.app_quota_id).bound_app_num == 0
