"""Integration applications through the official SDK: their secrets, members and what belongs to them."""

import re
import subprocess

import pytest

from harness.management import Call
from harness.process import executable
from harness.world import hex_id, unique


def public(call, path: str) -> str:
    """A path of the public resources of the instance."""
    return f"/v2/{call.credentials['project_id']}/instances/{call.credentials['instance_id']}{path}"


def invalid(field: str) -> str:
    return f"Invalid parameter value,parameterName:{field}. Please refer to the support documentation"


@pytest.fixture
def app(sdk):
    return sdk.create_roma_app(body={"name": unique("app"), "remark": "a remark"})


@pytest.fixture
def make_user(gatehouse, call):
    """Adds a user with a role; gives id, name and calls with that user's access key."""
    made: list[str] = []

    def command(*arguments: str) -> str:
        return subprocess.run(
            [str(executable()), "user", *arguments, "--data-dir", str(gatehouse.data_dir)],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=True).stdout

    def make(role: str):
        name = unique("user")
        printed = dict(line.split() for line in command("add", name, "--role", role).splitlines() if len(line.split()) == 2)
        made.append(name)
        credentials = {**gatehouse.credentials, "access_key": printed["access_key"], "secret_key": printed["secret_key"]}
        own = Call(credentials, gatehouse.management)
        return name, own

    yield make
    for name in made:
        command("remove", name)


@pytest.fixture
def user_id(sdk, app):
    """The id of a user, as those find it who want to make that user a member."""
    def find(name: str) -> str:
        return next(user.id for user in sdk.check_can_auth_users_of_app(app_id=app.id).users if user.name == name)

    return find


def members(sdk, app) -> dict[str, list[str]]:
    return {user.name: user.roles for user in sdk.check_auth_users_of_app(app_id=app.id).users}


# Life cycle -------------------------------------------------------------------------------------


def test_create_and_read_back(sdk, gatehouse):
    name = unique("订单 app-1.(x)")
    made = sdk.create_roma_app(body={
        "name": name, "remark": "none", "key": unique("key") + "-_@.", "secret": "s3cret!@#$%+=./-", "favorite": True})
    read = sdk.check_roma_app_details(app_id=made.id)
    assert str(made) == str(read)
    assert (read.name, read.remark, read.key, read.favorite, read.owner) == (name, "none", made.key, True, True)
    assert read.roles == ["read", "access", "modify", "delete", "admin"]
    assert read.created_user.user_name == read.last_updated_user.user_name == gatehouse.credentials["user_name"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", read.create_time) and read.update_time == read.create_time
    assert sdk.check_roma_app_secret(app_id=made.id).secret == "s3cret!@#$%+=./-"
    sdk.delete_roma_app(app_id=made.id)


def test_key_and_secret_are_made(sdk, call):
    first, second = (sdk.create_roma_app(body={"name": unique("app")}) for _ in range(2))
    secrets = [sdk.check_roma_app_secret(app_id=made.id).secret for made in (first, second)]
    assert all(re.fullmatch("[A-Za-z0-9]{16}", word) for word in [first.key, second.key, *secrets])
    assert first.key != second.key and secrets[0] != secrets[1]
    answer = call.expect(201, "POST", public(call, "/apps"), {"name": unique("app"), "key": None, "secret": None})
    assert re.fullmatch("[A-Za-z0-9]{16}", answer["key"]) and "secret" not in answer


def test_update_keeps_what_is_not_said(sdk, app):
    name = unique("renamed")
    changed = sdk.update_roma_app(app_id=app.id, body={"name": name})
    assert (changed.name, changed.remark, changed.key, changed.favorite) == (name, "a remark", app.key, False)
    assert changed.create_time == app.create_time and changed.update_time >= app.update_time
    changed = sdk.update_roma_app(app_id=app.id, body={"remark": "", "favorite": True})
    assert (changed.name, changed.remark, changed.favorite) == (name, "", True)
    assert sdk.check_roma_app_details(app_id=app.id).favorite is True
    assert sdk.update_roma_app(app_id=app.id, body={"favorite": False}).favorite is False
    assert sdk.update_roma_app(app_id=app.id, body={"name": name}).name == name


def test_reset_secret(sdk, call, app):
    old = sdk.check_roma_app_secret(app_id=app.id).secret
    made = sdk.reset_roma_app_secret(app_id=app.id, body={})
    assert (made.id, made.secret) == (app.id, sdk.check_roma_app_secret(app_id=app.id).secret)
    assert made.secret != old and re.fullmatch("[A-Za-z0-9]{16}", made.secret)
    assert sdk.reset_roma_app_secret(app_id=app.id, body={"secret": "of_my_own.1"}).secret == "of_my_own.1"
    # Without a body, as clients send it that want a random one.
    third = call.expect(200, "PUT", public(call, f"/apps/{app.id}/secret"))
    assert third["secret"] not in (made.secret, "of_my_own.1")
    for secret in ("with space", "s" * 129, "<angle>"):
        assert sdk.refused(400, "ROMA.00013000", "reset_roma_app_secret", {"secret": secret}, app_id=app.id) == invalid("secret")
    assert sdk.check_roma_app_secret(app_id=app.id).secret == third["secret"]


def test_delete(sdk, app):
    sdk.delete_roma_app(app_id=app.id)
    for operation, body in [
        ("check_roma_app_details", None), ("delete_roma_app", None), ("update_roma_app", {"name": "x"}),
        ("check_roma_app_secret", None), ("reset_roma_app_secret", {}), ("check_auth_users_of_app", None),
        ("check_can_auth_users_of_app", None), ("add_user_to_app", {"users": []})]:
        message = sdk.refused(404, "ROMA.00110006", operation, body, app_id=app.id)
        assert message == f"The resource does not exist. Check whether the resource ID {app.id} is correct."
    # Name and key are free again.
    sdk.create_roma_app(body={"name": app.name, "key": app.key})


def test_validate(sdk, app):
    for filters in ({"name": app.name}, {"id": app.id}, {"key": app.key}, {"name": app.name, "key": app.key}):
        found = sdk.validate_roma_app(**filters)
        assert (found.id, found.name, found.remark) == (app.id, app.name, "a remark")
    for filters in ({"name": app.name[:-1]}, {"key": app.key.swapcase()}, {"id": hex_id()}, {"name": app.name, "key": "other"}):
        sdk.refused(404, "ROMA.00110006", "validate_roma_app", **filters)
    assert sdk.refused(400, "ROMA.00013000", "validate_roma_app") == invalid("name")


# Lists ------------------------------------------------------------------------------------------


def test_list_and_filters(sdk):
    mark = unique("Listed")
    apps = [sdk.create_roma_app(body={"name": f"{mark}_{n}", "favorite": n == 1}) for n in range(4)]
    listed = sdk.list_roma_app(name=mark)
    assert (listed.total, listed.size) == (4, 4)
    # Favourites first; then newest first.
    assert [found.id for found in listed.apps] == [apps[n].id for n in (1, 3, 2, 0)]
    pages = [sdk.list_roma_app(name=mark, limit=3, offset=offset) for offset in (0, 3, 6)]
    assert [page.size for page in pages] == [3, 1, 0] and {page.total for page in pages} == {4}
    assert [found.id for page in pages for found in page.apps] == [found.id for found in listed.apps]
    assert [found.id for found in sdk.list_roma_app(name=mark.upper(), favorite=True).apps] == [apps[1].id]
    assert sdk.list_roma_app(name=mark, favorite=False).total == 3
    assert sdk.list_roma_app(name=mark, owner=True).total == 4
    assert sdk.list_roma_app(name=mark, owner=False).total == 0
    assert sdk.list_roma_app(name=mark, auth_role="admin").total == 4
    assert sdk.list_roma_app(name=mark, user_name=apps[0].created_user.user_name).total == 4
    assert sdk.list_roma_app(name=mark, user_name="nobody").total == 0
    assert sdk.list_roma_app(name="%").total == 0
    assert str(listed.apps[0].created_user) == str(apps[1].created_user)


@pytest.mark.parametrize("query, field", [
    ({"auth_role": "emperor"}, "auth_role"), ({"favorite": "perhaps"}, "favorite"), ({"limit": "many"}, "limit")])
def test_list_refusals(call, query, field):
    assert call.refused(400, "ROMA.00013000", "GET", public(call, "/apps"), query=query) == invalid(field)


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("change, field", [
    ({"name": None}, "name"), ({"name": ""}, "name"), ({"name": "  "}, "name"), ({"name": "n" * 65}, "name"),
    ({"name": "a/b"}, "name"), ({"name": "a<b"}, "name"), ({"remark": "r" * 256}, "remark"), ({"remark": "<b>"}, "remark"),
    ({"key": "with space"}, "key"), ({"key": "k" * 65}, "key"), ({"key": "k!"}, "key"), ({"secret": "s" * 129}, "secret"),
    ({"secret": "a b"}, "secret")])
def test_refused_fields(call, change, field):
    body = {"name": unique("app"), **change}
    assert call.refused(400, "ROMA.00013000", "POST", public(call, "/apps"), body) == invalid(field)


def test_unreadable_bodies(call, app):
    for raw in (b"", b"[]", b"{", b'{"name": 7}'):
        result = call.request("POST", public(call, "/apps"), raw=raw)
        assert (result.status, result.code) == (400, "ROMA.00013000"), raw


def test_errors_have_the_four_fields_of_public_resources(call):
    answer = call.get(public(call, f"/apps/{hex_id()}"))
    body = answer.json()
    assert set(body) == {"error_code", "error_msg", "error_details", "request_id"}
    assert body["request_id"] == answer.headers["X-Request-Id"]


def test_names_and_keys_are_unique(sdk, app):
    assert sdk.refused(400, "ROMA.00013000", "create_roma_app", {"name": app.name}) == invalid("name")
    assert sdk.refused(400, "ROMA.00013000", "create_roma_app", {"name": unique("app"), "key": app.key}) == invalid("key")
    other = sdk.create_roma_app(body={"name": unique("app")})
    assert sdk.refused(400, "ROMA.00013000", "update_roma_app", {"name": app.name}, app_id=other.id) == invalid("name")
    assert sdk.check_roma_app_details(app_id=other.id).name == other.name


def test_quota(fresh_gatehouse):
    program = fresh_gatehouse(settings={"quotas": {"applications": 2}})
    call = Call(program.credentials, program.management)
    for _ in range(2):
        call.expect(201, "POST", public(call, "/apps"), {"name": unique("app")})
    call.refused(403, "ROMA.00000101", "POST", public(call, "/apps"), {"name": unique("app")})
    listed = call.expect(200, "GET", "/project/configs", query={"limit": 500})["configs"]
    states = {entry["config_name"]: entry for entry in listed}
    assert (states["APP_NUM_LIMIT"]["config_value"], states["APP_NUM_LIMIT"]["used"]) == ("2", 2)


# Members ----------------------------------------------------------------------------------------


def test_members(sdk, app, make_user, user_id, gatehouse):
    owner = gatehouse.credentials["user_name"]
    (name, own), (second, _) = make_user("operator"), make_user("operator")
    ids = {found: user_id(found) for found in (name, second)}
    assert members(sdk, app) == {owner: ["read", "access", "modify", "delete", "admin"]}
    candidates = [user.name for user in sdk.check_can_auth_users_of_app(app_id=app.id, filter="members").users]
    assert name in candidates and second in candidates and owner not in candidates
    done = sdk.add_user_to_app(app_id=app.id, body={"users": [
        {"id": ids[name], "roles": ["modify"]}, {"id": ids[second], "roles": ["admin"]}]})
    assert (done.id, done.total) == (app.id, 3)
    assert members(sdk, app)[name] == ["read", "modify"] and len(members(sdk, app)[second]) == 5
    found = sdk.check_auth_users_of_app(app_id=app.id, user_name=name)
    assert [(user.id, user.name) for user in found.users] == [(ids[name], name)]
    assert name not in [user.name for user in sdk.check_can_auth_users_of_app(app_id=app.id, filter="members").users]
    # The whole set is replaced; the owner stays.
    sdk.add_user_to_app(app_id=app.id, body={"users": [{"id": ids[second], "roles": ["read"]}]})
    assert set(members(sdk, app)) == {owner, second}
    sdk.add_user_to_app(app_id=app.id, body={"users": []})
    assert set(members(sdk, app)) == {owner}


def test_roles_as_one_text(call, app, make_user, user_id):
    name, _ = make_user("operator")
    done = call.expect(200, "PUT", public(call, f"/apps/{app.id}/users"), {
        "users": [{"id": user_id(name), "roles": ["access,modify"]}]})
    assert [user["roles"] for user in done["users"] if user["name"] == name] == [["read", "access", "modify"]]


def test_member_refusals(sdk, call, app, make_user, user_id):
    name, _ = make_user("operator")
    known = user_id(name)
    sdk.refused(404, "ROMA.00110006", "add_user_to_app", {"users": [{"id": hex_id(), "roles": ["read"]}]}, app_id=app.id)
    assert sdk.refused(400, "ROMA.00013000", "add_user_to_app", {
        "users": [{"id": known, "roles": ["emperor"]}]}, app_id=app.id) == invalid("roles")
    assert sdk.refused(400, "ROMA.00013000", "add_user_to_app", {
        "users": [{"id": known, "roles": ["read"]}, {"id": known, "roles": ["admin"]}]}, app_id=app.id) == invalid("users")
    assert sdk.refused(400, "ROMA.00013000", "check_can_auth_users_of_app", app_id=app.id, filter="others") == invalid("filter")
    assert list(members(sdk, app)) != [name]


def test_what_members_may_do(sdk, app, make_user, user_id):
    """Users other than administrators see what is theirs or was granted to them, and do what their role allows."""
    name, own = make_user("operator")
    path = public(own, f"/apps/{app.id}")

    def grant(*roles: str) -> None:
        users = [{"id": user_id(name), "roles": list(roles)}] if roles else []
        sdk.add_user_to_app(app_id=app.id, body={"users": users})

    def may(method: str, path: str, body=None) -> bool:
        result = own.request(method, path, body)
        assert result.status == 200 or (result.status, result.code) == (403, "ROMA.00000101")
        return result.status == 200

    def listed(**query) -> int:
        return own.expect(200, "GET", public(own, "/apps"), query={"name": app.name, **query})["total"]

    user_id(name)
    assert (listed(), may("GET", path)) == (0, False)
    grant("read")
    assert (listed(), listed(owner="false"), listed(owner="true"), listed(auth_role="modify")) == (1, 1, 0, 0)
    assert may("GET", path) and not may("PUT", path, {"remark": "theirs"}) and not may("GET", path + "/secret")
    seen = own.expect(200, "GET", path)
    assert (seen["owner"], seen["roles"]) == (False, ["read"])
    assert may("PUT", path, {"favorite": True}) and listed(favorite="true") == 1
    assert sdk.check_roma_app_details(app_id=app.id).favorite is False
    grant("modify")
    assert listed(auth_role="modify") == 1
    assert may("PUT", path, {"remark": "theirs"}) and not may("PUT", path + "/secret")
    changed = sdk.check_roma_app_details(app_id=app.id)
    assert (changed.remark, changed.last_updated_user.user_name) == ("theirs", name)
    grant("admin")
    assert may("GET", path + "/secret") and may("PUT", path + "/secret") and may("PUT", path + "/users", {
        "users": [{"id": user_id(name), "roles": ["admin"]}]})
    grant()
    assert not may("GET", path)
    own.refused(403, "ROMA.00000101", "DELETE", path)
    own.refused(403, "ROMA.00000101", "GET", path + "/users")
    own.refused(403, "ROMA.00000101", "GET", path + "/candidates")
    own.refused(403, "ROMA.00000101", "PUT", path + "/users", {"users": []})
    for action in ("export", "delete"):
        own.refused(403, "ROMA.00000101", "POST", public(own, f"/assets/{action}"), {"apps": [{"id": app.id}], "tasks": []})
    # What a user makes belongs to that user.
    made = own.expect(201, "POST", public(own, "/apps"), {"name": unique("app")})
    assert made["owner"] is True and made["created_user"]["user_name"] == name
    assert own.expect(200, "GET", public(own, "/apps"), query={"owner": "true"})["total"] == 1
    own.expect(204, "DELETE", public(own, f"/apps/{made['id']}"))


def test_a_reader_sees_everything_but_secrets(app, make_user):
    _, own = make_user("reader")
    path = public(own, f"/apps/{app.id}")
    assert own.expect(200, "GET", path)["roles"] == ["read"]
    assert own.expect(200, "GET", public(own, "/apps"), query={"name": app.name})["total"] == 1
    own.expect(200, "GET", path + "/users")
    for method, target, body in [
        ("GET", path + "/secret", None), ("PUT", path + "/secret", {}), ("PUT", path, {"remark": "x"}), ("DELETE", path, None),
        ("PUT", path + "/users", {"users": []}), ("POST", public(own, "/apps"), {"name": unique("app")})]:
        own.refused(403, "ROMA.00012000", method, target, body)


# What belongs to applications -------------------------------------------------------------------


def test_owning(sdk, call, world, app):
    """Groups, APIs and plug-ins of an application show its name; it cannot be deleted while it has any."""
    group = call.expect(201, "POST", "/api-groups", {"name": unique("group"), "roma_app_id": app.id})
    assert (group["roma_app_id"], group["roma_app_name"], group["version"]) == (app.id, app.name, "V2")
    api = world.make_api(group=group, roma_app_id=app.id, publish=False)
    assert call.expect(200, "GET", f"/apis/{api.id}")["roma_app_name"] == app.name
    assert [found["id"] for found in call.expect(200, "GET", "/apis", query={"roma_app_name": app.name})["apis"]] == [api.id]
    renamed = unique("renamed")
    sdk.update_roma_app(app_id=app.id, body={"name": renamed})
    assert call.expect(200, "GET", f"/api-groups/{group['id']}")["roma_app_name"] == renamed
    assert group["name"] in sdk.refused(400, "ROMA.00013000", "delete_roma_app", app_id=app.id)
    call.expect(204, "DELETE", f"/apis/{api.id}")
    call.expect(204, "DELETE", f"/api-groups/{group['id']}")
    plugin = world.make_plugin("cors", {"allow_origin": "*", "allow_methods": "GET"}, plugin_scope="app", roma_app_id=app.id)
    assert plugin["plugin_name"] in sdk.refused(400, "ROMA.00013000", "delete_roma_app", app_id=app.id)
    call.expect(204, "DELETE", f"/plugins/{plugin['plugin_id']}")
    sdk.delete_roma_app(app_id=app.id)


def test_unknown_owners(call, world):
    unknown = hex_id()
    assert call.refused(404, "APIG.3004", "POST", "/api-groups", {
        "name": unique("group"), "roma_app_id": unknown}) == f"App {unknown} does not exist"
    definition = world.definition(world.make_group()["id"], "/x", roma_app_id=unknown)
    call.refused(404, "APIG.3004", "POST", "/apis", definition)


def test_entity_tags(call, app):
    path = public(call, f"/apps/{app.id}")
    tag = call.get(path).headers["ETag"]
    call.expect(200, "PUT", path, {"remark": "second"}, headers={"If-Match": tag})
    refused = call.put(path, {"remark": "third"}, headers={"If-Match": tag})
    assert refused.status == 412
    assert call.expect(200, "GET", path)["remark"] == "second"
