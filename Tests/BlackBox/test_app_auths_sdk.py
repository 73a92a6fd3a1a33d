"""Which applications may call which APIs, through the official SDK; and applications as service integration shows them."""

import re

import pytest

from harness.management import RELEASE, Call
from harness.world import hex_id, unique
from test_applications_sdk import make_user, members, public  # noqa: F401 (make_user is a fixture)


def invalid(field: str) -> str:
    return f"Invalid parameter value,parameterName:{field}. Please refer to the support documentation"


@pytest.fixture
def app(sdk):
    return sdk.create_roma_app(body={"name": unique("app"), "remark": "a remark"})


@pytest.fixture
def draft(world):
    """Makes an API that asks for an application; not published."""
    def make(**fields):
        return world.make_api(publish=False, **{"auth_type": "APP", "remark": "an API", **fields})

    return make


def grant(sdk, apps, apis, env_id=RELEASE, **fields):
    return sdk.create_authorizing_apps_v2(body={
        "env_id": env_id, "app_ids": [app.id for app in apps], "api_ids": [api.id for api in apis], **fields}).auths


# Authorising ------------------------------------------------------------------------------------


def test_grant_and_lists_of_both_sides(sdk, world, app, draft):
    other, apis = sdk.create_roma_app(body={"name": unique("app")}), [draft(), draft()]
    made = grant(sdk, [app, other], apis)
    assert [(auth.app_id, auth.api_id) for auth in made] == [
        (one.id, api.id) for one in (app, other) for api in apis]
    for auth in made:
        assert re.fullmatch("[0-9a-f]{32}", auth.id)
        assert (auth.auth_role, auth.auth_tunnel, auth.auth_whitelist, auth.auth_blacklist) == ("PROVIDER", "NORMAL", [], [])
        assert auth.auth_result.status == "SUCCESS" and auth.auth_result.error_code is None
    assert [auth.auth_result.api_name for auth in made[:2]] == [api.definition["name"] for api in apis]
    assert [auth.auth_result.app_name for auth in made[::2]] == [app.name, other.name]

    listed = sdk.list_apis_binded_to_app_v2(app_id=app.id)
    assert (listed.total, listed.size) == (2, 2)
    element = next(auth for auth in listed.auths if auth.api_id == apis[0].id)
    group = world.api.expect(200, "GET", f"/api-groups/{apis[0].group_id}")
    assert (element.id, element.api_name, element.api_remark, element.api_type) == (
        made[0].id, apis[0].definition["name"], "an API", 1)
    assert (element.group_id, element.group_name, element.env_id, element.env_name) == (
        group["id"], group["name"], RELEASE, "RELEASE")
    assert (element.app_id, element.app_name, element.app_remark, element.app_type, element.roma_app_type) == (
        app.id, app.name, "a remark", "roma", "integration")
    assert (element.app_creator, element.publish_id, element.visit_param) == ("USER", "", "")

    bound = sdk.list_apps_binded_to_api_v2(api_id=apis[0].id)
    assert {auth.app_id for auth in bound.auths} == {app.id, other.id} and bound.total == 2
    assert [auth.app_id for auth in sdk.list_apps_binded_to_api_v2(api_id=apis[0].id, app_id=other.id).auths] == [other.id]
    assert sdk.list_apps_binded_to_api_v2(api_id=apis[0].id, app_name=other.name[2:]).total == 1
    assert sdk.list_apps_binded_to_api_v2(api_id=apis[0].id, env_id=hex_id()).total == 0
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id, api_name=apis[1].definition["name"][2:]).total == 1
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id, api_id=apis[1].id).total == 1
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id, group_id=apis[1].group_id).total == 1
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id, group_name=group["name"]).total == 1
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id, env_id=RELEASE).total == 2
    pages = [sdk.list_apis_binded_to_app_v2(app_id=app.id, limit=1, offset=offset) for offset in (0, 1, 2)]
    assert [page.size for page in pages] == [1, 1, 0] and {page.total for page in pages} == {2}
    assert [page.auths[0].id for page in pages[:2]] == [auth.id for auth in listed.auths]


def test_again_is_skipped_and_others_are_granted(sdk, app, draft):
    api, open_api, fresh = draft(), draft(auth_type="NONE"), draft()
    old = grant(sdk, [app], [api])[0]
    skipped, failed, made = grant(sdk, [app], [api, open_api, fresh])
    assert (skipped.id, skipped.auth_result.status, skipped.auth_result.error_code) == (old.id, "SKIPPED", "APIG.3316")
    assert (failed.id, failed.auth_result.status, failed.auth_result.error_code) == (None, "FAILED", "APIG.3408")
    assert made.auth_result.status == "SUCCESS"
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id).total == 2


def test_environments_are_apart(sdk, world, app, draft):
    api, env = draft(), world.make_environment()
    grant(sdk, [app], [api])
    assert grant(sdk, [app], [api], env["id"])[0].auth_result.status == "SUCCESS"
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id).total == 2
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id, env_id=env["id"]).auths[0].env_name == env["name"]
    # An environment takes its authorisations along.
    world.api.expect(204, "DELETE", f"/envs/{env['id']}")
    assert [auth.env_id for auth in sdk.list_apis_binded_to_app_v2(app_id=app.id).auths] == [RELEASE]


def test_cancel(sdk, app, draft):
    auth = grant(sdk, [app], [draft()])[0]
    sdk.canceling_authorization_v2(app_auth_id=auth.id)
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id).total == 0
    message = sdk.refused(404, "APIG.3009", "canceling_authorization_v2", app_auth_id=auth.id)
    assert message == f"The app authorization record does not exist,id:{auth.id}"
    assert sdk.refused(400, "APIG.2012", "canceling_authorization_v2", app_auth_id="not.an.id") == invalid("id")


def test_apis_that_could_be_granted(sdk, app, draft):
    group_id = draft().group_id
    group = {"id": group_id}
    apis = [draft(group=group) for _ in range(2)]
    draft(group=group, auth_type="NONE")
    grant(sdk, [app], [apis[0]])
    free = sdk.list_apis_unbinded_to_app_v2(app_id=app.id, env_id=RELEASE, group_id=group_id)
    assert (free.total, free.size) == (2, 2) and free.apis[0].id == apis[1].id
    found = free.apis[0]
    assert (found.auth_type, found.name, found.req_uri, found.group_id, found.remark) == (
        "APP", apis[1].definition["name"], apis[1].path, group_id, "an API")
    assert (found.publish_id, found.run_env_id, found.run_env_name) == ("", "", "")
    assert sdk.list_apis_unbinded_to_app_v2(app_id=app.id, env_id=RELEASE, api_id=apis[0].id).total == 0
    assert sdk.list_apis_unbinded_to_app_v2(
        app_id=app.id, env_id=RELEASE, api_name=apis[1].definition["name"]).total == 1
    assert [sdk.list_apis_unbinded_to_app_v2(
        app_id=app.id, env_id=RELEASE, group_id=group_id, limit=1, offset=offset).size for offset in (0, 1, 2)] == [1, 1, 0]


def test_duplicate_claims(sdk, call, world, app, draft):
    """Own APIs and authorised ones that claim the same requests."""
    own_group = call.expect(201, "POST", "/api-groups", {"name": unique("group"), "roma_app_id": app.id})
    path = f"/{unique('same')}"
    own = draft(group=own_group, roma_app_id=app.id, path=path + "/{one}", method="GET", req_params=[
        {"name": "one", "type": "STRING", "location": "PATH", "required": 1}],
        backend={"req_uri": "/x", "req_method": "GET"})
    foreign = draft(path=path + "/{two}", method="GET", req_params=[
        {"name": "two", "type": "STRING", "location": "PATH", "required": 1}],
        backend={"req_uri": "/x", "req_method": "GET"})
    assert sdk.list_duplicate_apis_for_app_v2(app_id=app.id).total == 0
    auth = grant(sdk, [app], [foreign])[0]
    found = sdk.list_duplicate_apis_for_app_v2(app_id=app.id)
    assert (found.total, found.size) == (1, 1)
    claim = found.apis[0]
    assert (claim.req_method, claim.req_uri, claim.match_mode) == ("GET", path + "/{one}", "NORMAL")
    assert [(api.api_id, api.api_type) for api in claim.duplicated_apis] == [
        (own.id, "self-owned"), (foreign.id, "authorized")]
    assert claim.duplicated_apis[0].group_id == own_group["id"] and claim.duplicated_apis[0].api_name
    sdk.canceling_authorization_v2(app_auth_id=auth.id)
    assert sdk.list_duplicate_apis_for_app_v2(app_id=app.id).total == 0


def test_visit_params(sdk, app, draft):
    other, api, second = sdk.create_roma_app(body={"name": unique("app")}), draft(), draft()
    made = grant(sdk, [app, other], [api, second], visit_params=[
        {"api_id": api.id, "visit_param": "name,price_2"}, {"api_id": api.id, "app_id": other.id, "visit_param": "name"}])
    assert [auth.visit_params for auth in made] == ["name,price_2", "", "name", ""]
    listed = sdk.list_apis_binded_to_app_v2(app_id=app.id, api_id=api.id).auths[0]
    assert listed.visit_param == "name,price_2"


# Refusals ---------------------------------------------------------------------------------------


def test_unknown_ids(sdk, app, draft):
    api, unknown = draft(), hex_id()
    body = {"env_id": RELEASE, "app_ids": [app.id], "api_ids": [api.id]}
    assert sdk.refused(404, "APIG.3004", "create_authorizing_apps_v2", {
        **body, "app_ids": [app.id, unknown]}) == f"App {unknown} does not exist"
    assert sdk.refused(404, "APIG.3002", "create_authorizing_apps_v2", {
        **body, "api_ids": [api.id, unknown]}) == f"API {unknown} does not exist"
    assert sdk.refused(404, "APIG.3003", "create_authorizing_apps_v2", {
        **body, "env_id": unknown}) == f"Environment {unknown} does not exist"
    assert sdk.list_apis_binded_to_app_v2(app_id=app.id).total == 0, "nothing half done"
    sdk.refused(404, "APIG.3004", "list_apis_binded_to_app_v2", app_id=unknown)
    sdk.refused(404, "APIG.3002", "list_apps_binded_to_api_v2", api_id=unknown)
    sdk.refused(404, "APIG.3004", "list_apps_binded_to_api_v2", api_id=api.id, app_id=unknown)
    sdk.refused(404, "APIG.3004", "list_apis_unbinded_to_app_v2", app_id=unknown, env_id=RELEASE)
    sdk.refused(404, "APIG.3003", "list_apis_unbinded_to_app_v2", app_id=app.id, env_id=unknown)
    sdk.refused(404, "APIG.3004", "list_duplicate_apis_for_app_v2", app_id=unknown)


@pytest.mark.parametrize("change, code, field", [
    ({"env_id": None}, "APIG.2001", "env_id"), ({"app_ids": None}, "APIG.2001", "app_ids"),
    ({"api_ids": None}, "APIG.2001", "api_ids"), ({"env_id": "e!"}, "APIG.2011", "env_id"),
    ({"app_ids": []}, "APIG.2011", "app_ids"), ({"api_ids": []}, "APIG.2011", "api_ids"),
    ({"api_ids": ["a!"]}, "APIG.2011", "api_ids"), ({"api_ids": [hex_id()] * 1001}, "APIG.2011", "api_ids"),
    ({"app_ids": [hex_id() for _ in range(32)], "api_ids": [hex_id() for _ in range(32)]}, "APIG.2011", "api_ids"),
    ({"auth_tunnel": "GREEN"}, "APIG.2011", "auth_tunnel"), ({"auth_whitelist": ["1.2.3.4"]}, "APIG.2011", "auth_whitelist"),
    ({"auth_blacklist": ["1.2.3.4"]}, "APIG.2011", "auth_blacklist"),
    ({"visit_params": [{"api_id": hex_id(), "visit_param": "a"}]}, "APIG.2011", "visit_params")])
def test_refused_fields(call, app, draft, change, code, field):
    body = {"env_id": RELEASE, "app_ids": [app.id], "api_ids": [hex_id()], **change}
    message = call.refused(400, code, "POST", "/app-auths", body)
    assert f"parameterName:{field}." in message


@pytest.mark.parametrize("words", ["a,,b", "a,a", "a_", "a b", "a" * 256])
def test_refused_visit_params(call, app, draft, words):
    api = draft()
    message = call.refused(400, "APIG.2011", "POST", "/app-auths", {
        "env_id": RELEASE, "app_ids": [app.id], "api_ids": [api.id],
        "visit_params": [{"api_id": api.id, "visit_param": words}]})
    assert message == invalid("visit_param")


@pytest.mark.parametrize("path, query, code, field", [
    ("binded-apis", {}, "APIG.2001", "app_id"), ("binded-apps", {}, "APIG.2001", "api_id"),
    ("unbinded-apis", {"env_id": RELEASE}, "APIG.2001", "app_id"),
    ("unbinded-apis", {"app_id": "x"}, "APIG.2001", "env_id"), ("duplicate-apis", {}, "APIG.2001", "app_id"),
    ("binded-apis", {"app_id": "a!"}, "APIG.2012", "app_id"),
    ("binded-apis", {"app_id": "a", "api_name": "<"}, "APIG.2012", "api_name"),
    ("binded-apps", {"api_id": "a", "app_name": "<"}, "APIG.2012", "app_name"),
    ("binded-apps", {"api_id": "a", "limit": 501}, "APIG.2012", "limit")])
def test_refused_queries(call, path, query, code, field):
    assert f"parameterName:{field}." in call.refused(400, code, "GET", f"/app-auths/{path}", query=query)


def test_quota(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse(settings={"quotas": {"authorizations_per_application": 1}}))
    call = world.api
    app = call.expect(201, "POST", public(call, "/apps"), {"name": unique("app")})
    apis = [world.make_api(publish=False, auth_type="APP") for _ in range(2)]
    body = {"env_id": RELEASE, "app_ids": [app["id"]], "api_ids": [api.id for api in apis]}
    call.refused(403, "APIG.3100", "POST", "/app-auths", body)
    call.expect(201, "POST", "/app-auths", {**body, "api_ids": [apis[0].id]})
    # What is authorised already takes no room.
    again = call.expect(201, "POST", "/app-auths", {**body, "api_ids": [apis[0].id]})["auths"][0]
    assert again["auth_result"]["status"] == "SKIPPED"


def test_who_may_grant(sdk, app, draft, make_user):  # noqa: F811
    """A member of the application whose role allows it; readers see."""
    api = draft()
    name, own = make_user("operator")
    body = {"env_id": RELEASE, "app_ids": [app.id], "api_ids": [api.id]}
    own.refused(403, "APIG.1104", "POST", "/app-auths", body)
    own.refused(403, "APIG.1104", "GET", "/app-auths/binded-apis", query={"app_id": app.id})
    user = next(user.id for user in sdk.check_can_auth_users_of_app(app_id=app.id).users if user.name == name)
    sdk.add_user_to_app(app_id=app.id, body={"users": [{"id": user, "roles": ["read"]}]})
    own.refused(403, "APIG.1104", "POST", "/app-auths", body)
    sdk.add_user_to_app(app_id=app.id, body={"users": [{"id": user, "roles": ["access"]}]})
    auth = own.expect(201, "POST", "/app-auths", body)["auths"][0]
    sdk.add_user_to_app(app_id=app.id, body={"users": [{"id": user, "roles": ["read"]}]})
    own.refused(403, "APIG.1104", "DELETE", f"/app-auths/{auth['id']}")
    _, reader = make_user("reader")
    assert reader.expect(200, "GET", "/app-auths/binded-apis", query={"app_id": app.id})["total"] == 1
    reader.refused(403, "APIG.1005", "DELETE", f"/app-auths/{auth['id']}")


# What takes authorisations along ----------------------------------------------------------------


def test_deleting_either_end(sdk, call, app, draft):
    api, second = draft(), draft()
    grant(sdk, [app], [api, second])
    call.expect(204, "DELETE", f"/apis/{api.id}")
    assert [auth.api_id for auth in sdk.list_apis_binded_to_app_v2(app_id=app.id).auths] == [second.id]
    sdk.delete_roma_app(app_id=app.id)
    assert sdk.list_apps_binded_to_api_v2(api_id=second.id).total == 0


# Applications as service integration shows them -------------------------------------------------


def test_view_of_an_application(sdk, app, draft):
    secret = sdk.check_roma_app_secret(app_id=app.id).secret
    shown = sdk.show_details_of_app_v2(app_id=app.id)
    assert (shown.id, shown.name, shown.remark, shown.app_key, shown.app_secret) == (
        app.id, app.name, "a remark", app.key, secret)
    assert (shown.creator, shown.status, shown.app_type, shown.roma_app_type) == ("USER", 1, "roma", "integration")
    grant(sdk, [app], [draft(), draft()])
    listed = sdk.list_apps_v2(id=app.id)
    assert (listed.total, listed.size, listed.apps[0].bind_num) == (1, 1, 2)
    assert listed.apps[0].app_secret == secret
    unknown = hex_id()
    assert sdk.refused(404, "APIG.3002", "show_details_of_app_v2", app_id=unknown) == f"App {unknown} does not exist"
    assert sdk.refused(400, "APIG.2012", "show_details_of_app_v2", app_id="not.an.id") == invalid("app_id")


def test_view_list_filters(sdk, call, app):
    mark = unique("Viewed")
    apps = [sdk.create_roma_app(body={"name": f"{mark}_{n}", "favorite": n == 0}) for n in range(3)]
    listed = sdk.list_apps_v2(name=mark.lower())
    # Newest first, whatever the caller has marked.
    assert [found.id for found in listed.apps] == [made.id for made in reversed(apps)]
    assert sdk.list_apps_v2(name=mark, precise_search="name").total == 0
    assert sdk.list_apps_v2(name=apps[1].name, precise_search="name").apps[0].id == apps[1].id
    assert [found.id for found in sdk.list_apps_v2(app_key=apps[2].key).apps] == [apps[2].id]
    assert sdk.list_apps_v2(name=mark, status=1).total == 3
    assert sdk.list_apps_v2(name=mark, status=2).total == 0
    assert [sdk.list_apps_v2(name=mark, limit=2, offset=offset).size for offset in (0, 2, 4)] == [2, 1, 0]
    assert call.refused(400, "APIG.2011", "GET", "/apps", query={"name": "<"}) == invalid("name")
    assert call.refused(400, "APIG.2012", "GET", "/apps", query={"limit": 0}) == invalid("limit")


def test_masks(sdk, app, make_user):  # noqa: F811
    secret = sdk.check_roma_app_secret(app_id=app.id).secret
    masked = secret[:3] + "*" * 10 + secret[-3:]
    _, reader = make_user("reader")
    assert reader.expect(200, "GET", f"/apps/{app.id}")["app_secret"] == masked
    assert reader.expect(200, "GET", "/apps", query={"id": app.id})["apps"][0]["app_secret"] == masked
    name, own = make_user("operator")
    own.refused(403, "APIG.1104", "GET", f"/apps/{app.id}")
    assert own.expect(200, "GET", "/apps", query={"id": app.id})["total"] == 0
    user = next(user.id for user in sdk.check_can_auth_users_of_app(app_id=app.id).users if user.name == name)
    for role, shown in [("modify", masked), ("admin", secret)]:
        sdk.add_user_to_app(app_id=app.id, body={"users": [{"id": user, "roles": [role]}]})
        assert own.expect(200, "GET", f"/apps/{app.id}")["app_secret"] == shown


# Apps of APIG's clients -------------------------------------------------------------------------


def test_apps_under_apigw(sdk, apig):
    name = unique("app")
    made = apig.create_an_app_v2(body={"name": name, "remark": "a remark"})
    assert re.fullmatch("[0-9a-f]{32}", made.app_key) and re.fullmatch("[0-9a-f]{32}", made.app_secret)
    assert (made.name, made.remark, made.creator, made.status, made.app_type) == (name, "a remark", "USER", 1, "apig")
    shown = apig.show_details_of_app_v2(app_id=made.id)
    assert (shown.app_key, shown.app_secret, shown.app_type) == (made.app_key, made.app_secret, "apig")
    # One resource under every path.
    assert sdk.check_roma_app_details(app_id=made.id).key == made.app_key
    assert apig.list_apps_v2(name=name).total == sdk.list_apps_v2(name=name).total == 1
    changed = apig.update_app_v2(app_id=made.id, body={"name": name + "_2", "app_key": "my-key_0001" + made.id})
    assert (changed.name, changed.remark, changed.app_key) == (name + "_2", "a remark", "my-key_0001" + made.id)
    assert changed.app_secret == made.app_secret
    found = apig.check_app_v2(app_id=made.id)
    assert (found.id, found.name, found.remark) == (made.id, name + "_2", "a remark")
    reset = apig.resetting_app_secret_v2(app_id=made.id, body={})
    assert reset.app_secret != made.app_secret and re.fullmatch("[0-9a-f]{32}", reset.app_secret)
    assert apig.resetting_app_secret_v2(app_id=made.id, body={"app_secret": "of-my-own-0001"}).app_secret == "of-my-own-0001"
    apig.delete_app_v2(app_id=made.id)
    for operation, code, body in [
        ("show_details_of_app_v2", "APIG.3002", None), ("update_app_v2", "APIG.3002", {"name": name}),
        ("delete_app_v2", "APIG.3002", None), ("check_app_v2", "APIG.3004", None),
        ("resetting_app_secret_v2", "APIG.3004", {})]:
        assert apig.refused(404, code, operation, body, app_id=made.id) == f"App {made.id} does not exist"


@pytest.mark.parametrize("change, field", [
    ({"name": "ab"}, "name"), ({"name": "n" * 65}, "name"), ({"name": "1abc"}, "name"), ({"name": "a b c"}, "name"),
    ({"remark": "r" * 256}, "remark"), ({"remark": "<b>"}, "remark"), ({"app_key": "short"}, "app_key"),
    ({"app_key": "k" * 201}, "app_key"), ({"app_key": "with space"}, "app_key"), ({"app_secret": "short"}, "app_secret"),
    ({"app_secret": "s" * 129}, "app_secret")])
def test_app_refusals(apig, change, field):
    assert apig.refused(400, "APIG.2011", "create_an_app_v2", {"name": unique("app"), **change}) == invalid(field)


def test_app_names_and_keys_are_unique(sdk, apig, draft):
    made = apig.create_an_app_v2(body={"name": unique("app")})
    assert apig.refused(400, "APIG.3203", "create_an_app_v2", {"name": made.name}) == "The app name already exists."
    assert apig.refused(400, "APIG.3310", "create_an_app_v2", {
        "name": unique("app"), "app_key": made.app_key}) == "The AppKey already exists."
    other = apig.create_an_app_v2(body={"name": unique("app")})
    apig.refused(400, "APIG.3203", "update_app_v2", {"name": made.name}, app_id=other.id)
    apig.refused(400, "APIG.3310", "update_app_v2", {"name": other.name, "app_key": made.app_key}, app_id=other.id)


def test_apig_quota(fresh_gatehouse):
    program = fresh_gatehouse(settings={"quotas": {"applications": 1}})
    call = Call(program.credentials, program.management)
    path = call.instance_path.replace("/apic/", "/apigw/") + "/apps"
    call.expect(201, "POST", path, {"name": unique("app")})
    call.refused(403, "APIG.3103", "POST", path, {"name": unique("app")})


def test_authorising_under_apigw(apig, draft):
    made = apig.create_an_app_v2(body={"name": unique("app")})
    api = draft()
    auth = apig.create_authorizing_apps_v2(body={
        "env_id": RELEASE, "app_ids": [made.id], "api_ids": [api.id]}).auths[0]
    listed = apig.list_apis_binded_to_app_v2(app_id=made.id).auths[0]
    assert (listed.id, listed.app_type, listed.roma_app_type) == (auth.id, "apig", None)
    assert apig.list_apps_binded_to_api_v2(api_id=api.id).total == 1
    assert api.id not in [found.id for found in apig.list_apis_unbinded_to_app_v2(app_id=made.id, env_id=RELEASE).apis]
    apig.canceling_authorization_v2(app_auth_id=auth.id)
    apig.delete_app_v2(app_id=made.id)
