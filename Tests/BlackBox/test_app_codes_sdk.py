"""Codes, access lists and configurations of integration applications through the official SDK."""

import json
import re

import pytest

from harness.world import hex_id, unique

CODE = "a" * 63
TAIL = ". Please refer to the support documentation"


@pytest.fixture
def app(sdk):
    return sdk.create_roma_app(body={"name": unique("app")})


def own_code() -> str:
    return (unique("Code") + "-_!@#$%+/=").ljust(64, "x")


# Codes ---------------------------------------------------------------------------------------------


def test_own_and_generated_codes(sdk, app):
    given = own_code()
    own = sdk.create_app_code_v2(app_id=app.id, body={"app_code": given})
    assert (own.app_code, own.app_id) == (given, app.id) and re.fullmatch(r"[0-9a-f]{32}", own.id)
    made = sdk.create_app_code_auto_v2(app_id=app.id)
    assert re.fullmatch(r"[0-9a-f]{64}", made.app_code)
    assert sdk.create_app_code_auto_v2(app_id=app.id).app_code != made.app_code
    shown = sdk.show_details_of_app_code_v2(app_id=app.id, app_code_id=own.id)
    assert (shown.id, shown.app_code, shown.app_id) == (own.id, given, app.id)
    assert re.fullmatch(r"[-0-9]{10}T[:0-9]{8}Z", shown.create_time)
    assert own.create_time.startswith(shown.create_time[:-1])
    sdk.delete_app_code_v2(app_id=app.id, app_code_id=own.id)
    assert sdk.refused(404, "APIG.3082", "show_details_of_app_code_v2", app_id=app.id, app_code_id=own.id) == (
        "The AppCode does not exist.")
    sdk.refused(404, "APIG.3082", "delete_app_code_v2", app_id=app.id, app_code_id=own.id)


def test_a_shown_code_is_answered_with_201(call, app):
    made = call.expect(201, "PUT", f"/apps/{app.id}/app-codes")
    assert call.expect(201, "GET", f"/apps/{app.id}/app-codes/{made['id']}")["app_code"] == made["app_code"]
    # No body is as good as an empty object.
    call.expect(201, "PUT", f"/apps/{app.id}/app-codes", {})


def test_codes_are_listed_newest_first(sdk, call, app):
    made = [sdk.create_app_code_auto_v2(app_id=app.id) for _ in range(3)]
    listed = sdk.list_app_codes_v2(app_id=app.id)
    assert (listed.total, listed.size) == (3, 3)
    assert [(code.id, code.app_code) for code in listed.app_codes] == [(code.id, code.app_code) for code in made[::-1]]
    page = sdk.list_app_codes_v2(app_id=app.id, offset=1, limit=1)
    assert (page.total, page.size, [code.id for code in page.app_codes]) == (3, 1, [made[1].id])
    past = sdk.list_app_codes_v2(app_id=app.id, offset=9)
    assert (past.total, past.size, past.app_codes) == (3, 0, [])
    call.refused(400, "APIG.2012", "GET", f"/apps/{app.id}/app-codes?limit=501")


def test_a_code_belongs_to_one_application(sdk, app):
    other = sdk.create_roma_app(body={"name": unique("app")})
    code = sdk.create_app_code_auto_v2(app_id=app.id)
    sdk.refused(409, "APIG.3400", "create_app_code_v2", {"app_code": code.app_code}, app_id=other.id)
    sdk.refused(404, "APIG.3082", "show_details_of_app_code_v2", app_id=other.id, app_code_id=code.id)
    sdk.refused(404, "APIG.3082", "delete_app_code_v2", app_id=other.id, app_code_id=code.id)
    sdk.delete_app_code_v2(app_id=app.id, app_code_id=code.id)
    sdk.create_app_code_v2(app_id=other.id, body={"app_code": code.app_code})


def test_an_application_has_five_codes(sdk, app):
    made = [sdk.create_app_code_auto_v2(app_id=app.id).id for _ in range(5)]
    assert sdk.refused(403, "APIG.3131", "create_app_code_auto_v2", app_id=app.id) == (
        "The number of AppCodes exceeds the maximum allowed limit.")
    sdk.refused(403, "APIG.3131", "create_app_code_v2", {"app_code": own_code()}, app_id=app.id)
    sdk.delete_app_code_v2(app_id=app.id, app_code_id=made[0])
    sdk.create_app_code_auto_v2(app_id=app.id)


@pytest.mark.parametrize("code", ["a" * 63, "a" * 181, "_" + CODE, "a" * 63 + " ", "a" * 63 + "ä", "a" * 63 + "\n", ""])
def test_form_of_codes(call, app, code):
    message = call.refused(400, "APIG.2012", "POST", f"/apps/{app.id}/app-codes", {"app_code": code})
    assert message == "Invalid parameter value,parameterName:app_code" + TAIL


@pytest.mark.parametrize("first", ["a", "Z", "7", "+", "/"])
def test_codes_of_either_length(call, app, first):
    call.expect(201, "POST", f"/apps/{app.id}/app-codes", {"app_code": first + own_code()[:63]})
    call.expect(201, "POST", f"/apps/{app.id}/app-codes", {"app_code": (first + own_code()).ljust(180, "y")})


def test_code_refusals(sdk, call, app):
    unknown = hex_id()
    for operation, arguments in [
        ("create_app_code_auto_v2", {}), ("list_app_codes_v2", {}), ("delete_app_code_v2", {"app_code_id": unknown}),
        ("show_details_of_app_code_v2", {"app_code_id": unknown}),
    ]:
        assert sdk.refused(404, "APIG.3004", operation, app_id=unknown, **arguments) == f"App {unknown} does not exist"
    sdk.refused(404, "APIG.3004", "create_app_code_v2", {"app_code": own_code()}, app_id=unknown)
    call.refused(400, "APIG.2001", "POST", f"/apps/{app.id}/app-codes", {})
    call.refused(400, "APIG.2000", "POST", f"/apps/{app.id}/app-codes", raw=b"{")
    for method, path in [("PUT", "/apps/a%20b/app-codes"), ("POST", "/apps/a%20b/app-codes"), ("GET", "/apps/a%20b/app-codes"),
                         ("DELETE", f"/apps/a%20b/app-codes/{unknown}"), ("GET", f"/apps/a%20b/app-codes/{unknown}")]:
        assert call.refused(400, "APIG.2012", method, path, {"app_code": own_code()}).endswith(f"parameterName:app_id{TAIL}")


# Access lists --------------------------------------------------------------------------------------


def test_access_list(sdk, app):
    empty = sdk.show_details_of_app_acl(app_id=app.id)
    assert (empty.app_id, empty.app_acl_type, empty.app_acl_values) == (app.id, None, None)
    values = ["192.168.0.1", "192.168.0.5-192.168.0.10", "192.168.0.100/28", "2001:db8::/32"]
    made = sdk.update_app_acl(app_id=app.id, body={"app_acl_type": "PERMIT", "app_acl_values": values})
    assert (made.app_id, made.app_acl_type, made.app_acl_values) == (app.id, "PERMIT", values)
    changed = sdk.update_app_acl(app_id=app.id, body={"app_acl_type": "DENY", "app_acl_values": ["10.0.0.1", " 10.0.0.1 "]})
    assert (changed.app_acl_type, changed.app_acl_values) == ("DENY", ["10.0.0.1"])
    shown = sdk.show_details_of_app_acl(app_id=app.id)
    assert (shown.app_acl_type, shown.app_acl_values) == ("DENY", ["10.0.0.1"])
    sdk.delete_app_acl(app_id=app.id)
    assert sdk.show_details_of_app_acl(app_id=app.id).app_acl_type is None
    sdk.delete_app_acl(app_id=app.id)


@pytest.mark.parametrize("values", [
    [], ["nowhere"], ["10.0.0.256"], ["10.0.0.9-10.0.0.1"], ["10.0.0.0/33"], ["10.0.0.1,10.0.0.2"], [""], ["10.0.0.1\n"],
    ["10.0.0.1-2001:db8::1"], ["10.0.0.1"] * 101, ["1" * 500]])
def test_entries_of_access_lists(call, app, values):
    message = call.refused(
        400, "APIG.2012", "PUT", f"/apps/{app.id}/app-acl", {"app_acl_type": "PERMIT", "app_acl_values": values})
    assert message.endswith(f"parameterName:app_acl_values{TAIL}")


def test_access_list_refusals(sdk, call, app):
    unknown = hex_id()
    body = {"app_acl_type": "PERMIT", "app_acl_values": ["10.0.0.1"]}
    assert sdk.refused(404, "APIG.3004", "update_app_acl", body, app_id=unknown) == f"App {unknown} does not exist"
    sdk.refused(404, "APIG.3004", "show_details_of_app_acl", app_id=unknown)
    sdk.refused(404, "APIG.3004", "delete_app_acl", app_id=unknown)
    path = f"/apps/{app.id}/app-acl"
    call.refused(400, "APIG.2012", "PUT", path, {**body, "app_acl_type": "ALLOW"})
    call.refused(400, "APIG.2012", "PUT", path, {**body, "app_acl_type": ""})
    call.refused(400, "APIG.2001", "PUT", path, {"app_acl_values": ["10.0.0.1"]})
    call.refused(400, "APIG.2001", "PUT", path, {"app_acl_type": "PERMIT"})
    for method in ("GET", "PUT", "DELETE"):
        assert call.refused(400, "APIG.2012", method, "/apps/a%20b/app-acl", body if method == "PUT" else None).endswith(
            f"parameterName:app_id{TAIL}")


# Configurations ------------------------------------------------------------------------------------


def config(kind="variable", **fields):
    return {"config_type": kind, "config_name": unique("config"), "config_value": "value", **fields}


CERTIFICATE = json.dumps({"public_key": "-----BEGIN", "private_key": "-----BEGIN", "passphrase": ""})


def test_variable(sdk, app):
    made = sdk.create_app_config_v2(app_id=app.id, body=config(description="for the scripts"))
    assert (made.app_id, made.config_type, made.config_value, made.description) == (
        app.id, "variable", "value", "for the scripts")
    changed = sdk.update_app_config_v2(app_id=app.id, app_config_id=made.id, body={
        "config_type": "variable", "config_value": "", "description": "other"})
    assert (changed.config_name, changed.config_value, changed.description) == (made.config_name, "", "other")
    kept = sdk.update_app_config_v2(app_id=app.id, app_config_id=made.id, body={"config_type": "variable"})
    assert (kept.config_value, kept.description) == ("", "other")
    shown = sdk.show_details_of_app_config_v2(app_id=app.id, app_config_id=made.id)
    assert (shown.id, shown.config_name, shown.config_value) == (made.id, made.config_name, "")
    sdk.delete_app_config_v2(app_id=app.id, app_config_id=made.id)
    assert sdk.refused(404, "APIG.3007", "show_details_of_app_config_v2", app_id=app.id, app_config_id=made.id) == (
        "The configuration does not exist.")
    sdk.refused(404, "APIG.3007", "delete_app_config_v2", app_id=app.id, app_config_id=made.id)
    sdk.refused(
        404, "APIG.3007", "update_app_config_v2", {"config_type": "variable"}, app_id=app.id, app_config_id=made.id)


@pytest.mark.parametrize("kind, value", [("password", "s3cret-of-a-config"), ("certificate", CERTIFICATE)])
def test_secret_values_are_not_shown(sdk, gatehouse, app, kind, value):
    made = sdk.create_app_config_v2(app_id=app.id, body=config(kind, config_value=value))
    assert made.config_value == ""
    assert sdk.show_details_of_app_config_v2(app_id=app.id, app_config_id=made.id).config_value == ""
    assert [entry.config_value for entry in sdk.list_app_configs_v2(app_id=app.id).configs] == [""]
    # What was read may be written back.
    again = sdk.update_app_config_v2(
        app_id=app.id, app_config_id=made.id, body={"config_type": kind, "config_value": "", "description": "new"})
    assert (again.config_value, again.description) == ("", "new")
    assert value not in gatehouse.log


def test_configurations_are_listed_over_applications(sdk, call, app):
    other = sdk.create_roma_app(body={"name": unique("app")})
    common = unique("common")
    made = [sdk.create_app_config_v2(app_id=owner, body=config(config_name=f"{common}.{number}")).id
            for number, owner in enumerate([app.id, other.id, app.id])]
    listed = sdk.list_app_configs_v2(config_name=common.upper())
    assert [entry.id for entry in listed.configs] == made[::-1] and (listed.total, listed.size) == (3, 3)
    assert [entry.id for entry in sdk.list_app_configs_v2(config_name=common, app_id=other.id).configs] == [made[1]]
    assert [entry.id for entry in sdk.list_app_configs_v2(roma_app_name=other.name, config_name=common).configs] == [made[1]]
    page = sdk.list_app_configs_v2(config_name=common, offset=2, limit=1)
    assert (page.total, page.size, page.configs[0].id) == (3, 1, made[0])
    call.refused(400, "APIG.2011", "GET", "/apps/configs?app_id=a%20b")
    call.refused(400, "APIG.2012", "GET", "/apps/configs?limit=501")
    assert call.refused(400, "APIG.2011", "GET", "/apps/configs?config_name=%3Cb%3E").endswith(
        f"parameterName:config_name{TAIL}")


@pytest.mark.parametrize("change, code, parameter", [
    ({"config_name": "1a"}, "APIG.2011", "config_name"), ({"config_name": ""}, "APIG.2011", "config_name"),
    ({"config_name": "a" * 513}, "APIG.2011", "config_name"), ({"config_name": "a b"}, "APIG.2011", "config_name"),
    ({"config_name": None}, "APIG.2001", "config_name"), ({"config_type": None}, "APIG.2001", "config_type"),
    ({"config_type": "secret"}, "APIG.2011", "config_type"), ({"description": "x" * 1025}, "APIG.2011", "description"),
    ({"config_value": "x" * 65536}, "APIG.2011", "config_value"),
    ({"config_type": "password", "config_value": ""}, "APIG.2011", "config_value"),
    ({"config_type": "certificate"}, "APIG.2011", "config_value"),
    ({"config_type": "certificate", "config_value": '{"public_key": "a"}'}, "APIG.2011", "config_value"),
    ({"config_type": "certificate", "config_value": '{"public_key": "a", "private_key": 1}'}, "APIG.2011", "config_value"),
    ({"config_type": "certificate", "config_value": '{"public_key": "a", "private_key": "b", "x": "c"}'}, "APIG.2011",
     "config_value")])
def test_form_of_configurations(call, app, change, code, parameter):
    fields = {name: value for name, value in {**config(), **change}.items() if value is not None}
    message = call.refused(400, code, "POST", f"/apps/{app.id}/configs", fields)
    assert message.endswith(f"parameterName:{parameter}{TAIL}")


def test_configuration_refusals(sdk, call, app):
    unknown = hex_id()
    made = sdk.create_app_config_v2(app_id=app.id, body=config())
    other = sdk.create_roma_app(body={"name": unique("app")})
    sdk.refused(409, "APIG.3400", "create_app_config_v2", config(config_name=made.config_name), app_id=app.id)
    sdk.create_app_config_v2(app_id=other.id, body=config(config_name=made.config_name))
    sdk.refused(404, "APIG.3004", "create_app_config_v2", config(), app_id=unknown)
    sdk.refused(404, "APIG.3004", "delete_app_config_v2", app_id=unknown, app_config_id=made.id)
    sdk.refused(404, "APIG.3007", "delete_app_config_v2", app_id=other.id, app_config_id=made.id)
    sdk.refused(
        400, "APIG.2011", "update_app_config_v2", {"config_type": "password"}, app_id=app.id, app_config_id=made.id)
    assert call.refused(400, "APIG.2011", "DELETE", f"/apps/{app.id}/configs/a%20b").endswith(f"parameterName:id{TAIL}")


def test_an_application_has_fifty_configurations(call, app):
    for _ in range(50):
        call.expect(201, "POST", f"/apps/{app.id}/configs", config())
    call.refused(403, "APIG.3100", "POST", f"/apps/{app.id}/configs", config())


# All of them ---------------------------------------------------------------------------------------


def test_a_deleted_application_takes_everything_along(sdk, app):
    code = sdk.create_app_code_auto_v2(app_id=app.id)
    sdk.create_app_config_v2(app_id=app.id, body=config())
    sdk.update_app_acl(app_id=app.id, body={"app_acl_type": "PERMIT", "app_acl_values": ["10.0.0.1"]})
    sdk.delete_roma_app(app_id=app.id)
    assert sdk.list_app_configs_v2(app_id=app.id).total == 0
    sdk.refused(404, "APIG.3004", "list_app_codes_v2", app_id=app.id)
    other = sdk.create_roma_app(body={"name": unique("app")})
    sdk.create_app_code_v2(app_id=other.id, body={"app_code": code.app_code})


def test_the_twin_product_reaches_the_same(sdk, apig, app):
    code = apig.create_app_code_auto_v2(app_id=app.id)
    own = apig.create_app_code_v2(app_id=app.id, body={"app_code": own_code()})
    assert [entry.id for entry in apig.list_app_codes_v2(app_id=app.id).app_codes] == [own.id, code.id]
    assert apig.show_details_of_app_code_v2(app_id=app.id, app_code_id=code.id).app_code == code.app_code
    apig.delete_app_code_v2(app_id=app.id, app_code_id=code.id)
    apig.update_app_acl(app_id=app.id, body={"app_acl_type": "DENY", "app_acl_values": ["10.0.0.1"]})
    assert sdk.show_details_of_app_acl(app_id=app.id).app_acl_type == "DENY"
    assert apig.show_details_of_app_acl(app_id=app.id).app_acl_values == ["10.0.0.1"]
    apig.delete_app_acl(app_id=app.id)


def test_changes_are_conditional_where_the_client_says_so(call, app):
    path = f"/apps/{app.id}/configs"
    made = call.request("POST", path, config())
    one = f"{path}/{made.json()['id']}"
    tag = call.get(one).headers["ETag"]
    assert tag == made.headers["ETag"]
    call.expect(200, "PUT", one, {"config_type": "variable", "config_value": "b"}, headers={"If-Match": tag})
    call.refused(412, "APIG.3400", "PUT", one, {"config_type": "variable", "config_value": "c"}, headers={"If-Match": tag})
    assert call.get(one).json()["config_value"] == "b"
