"""Roles of management users, and the command that manages them."""

from __future__ import annotations

import subprocess

import pytest

from harness.management import Call
from harness.process import executable
from harness.world import unique


def user(gatehouse, *arguments: str, succeed: bool = True) -> dict[str, str]:
    """`gatehouse user ...`; what it prints as name and value."""
    done = subprocess.run(
        [str(executable()), "user", *arguments, "--data-dir", str(gatehouse.data_dir)],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert (done.returncode == 0) == succeed, done.stderr
    if not succeed:
        return {"error": done.stderr}
    return {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if len(line.split()) == 2}


@pytest.fixture
def make_user(gatehouse):
    """Adds a user and gives (name, call with that user's access key)."""
    made: list[str] = []

    def make(role: str):
        name = unique("user")
        printed = user(gatehouse, "add", name, "--role", role)
        made.append(name)
        credentials = {**gatehouse.credentials, "access_key": printed["access_key"], "secret_key": printed["secret_key"]}
        return name, Call(credentials, gatehouse.management)

    yield make
    for name in made:
        subprocess.run([str(executable()), "user", "remove", name, "--data-dir", str(gatehouse.data_dir)], capture_output=True)


READS = ["/signs", "/apis", "/api-groups", "/envs", "/acls", "/plugins", "/features", ""]


@pytest.mark.parametrize("role, reads, writes", [
    ("administrator", True, True), ("operator", True, True), ("reader", True, False), ("none", False, False)])
def test_roles(make_user, role, reads, writes):
    _, call = make_user(role)
    for path in READS:
        assert call.get(path).status == (200 if reads else 403), path
    if writes:
        call.expect(201, "POST", "/api-groups", {"name": unique("group")})
    else:
        assert call.refused(403, "APIG.1005", "POST", "/api-groups", {"name": unique("group")}) == (
            "No permissions to request this method")


def test_a_reader_sees_masks_where_others_see_secrets(make_user, call, world):
    sign, api = world.make_sign(sign_secret="clear_secret_0001"), world.make_api()
    world.bind_sign(sign, api)
    for role, secret in [("operator", "clear_secret_0001"), ("reader", "cle**********001")]:
        _, own = make_user(role)
        listed = own.expect(200, "GET", "/signs", query={"id": sign["id"]})["signs"]
        bound = own.expect(200, "GET", "/sign-bindings/binded-signs", query={"api_id": api.id})["bindings"]
        assert [entry["sign_secret"] for entry in listed + bound] == [secret, secret], role


def test_codes_are_for_those_who_may_use_the_application(make_user, call):
    app = call.expect(201, "POST", f"{call.public_path}/apps", {"name": unique("app")})
    path, members = f"/apps/{app['id']}/app-codes", f"{call.public_path}/apps/{app['id']}/users"
    code = call.expect(201, "PUT", path)["app_code"]
    masked = code[:3] + "-" * 58 + code[-3:]
    _, reader = make_user("reader")
    assert reader.expect(200, "GET", path)["app_codes"][0]["app_code"] == masked
    name, own = make_user("operator")
    own.refused(403, "APIG.1104", "GET", path)
    own.refused(403, "APIG.1104", "PUT", path)
    candidates = call.expect(200, "GET", f"{call.public_path}/apps/{app['id']}/candidates")["users"]
    user_id = next(user["id"] for user in candidates if user["name"] == name)
    for role, shown, writes in [("read", masked, 403), ("access", code, 403), ("modify", masked, 201), ("admin", code, 201)]:
        call.expect(200, "PUT", members, {"users": [{"id": user_id, "roles": [role]}]})
        assert own.expect(200, "GET", path)["app_codes"][-1]["app_code"] == shown, role
        assert own.put(path).status == writes, role
        assert own.put(f"/apps/{app['id']}/app-acl", {"app_acl_type": "DENY", "app_acl_values": ["10.0.0.1"]}).status == writes


def test_change_and_removal_take_effect(gatehouse, make_user):
    """From the next call on, although another process wrote it."""
    name, call = make_user("reader")
    assert call.get("/signs").status == 200
    user(gatehouse, "set-role", name, "none")
    assert call.get("/signs").status == 403
    user(gatehouse, "set-role", name, "operator")
    call.expect(201, "POST", "/api-groups", {"name": unique("group")})
    user(gatehouse, "remove", name)
    assert call.get("/signs").status == 401


def test_new_key(gatehouse, make_user):
    name, _ = make_user("reader")
    printed = user(gatehouse, "new-key", name)
    credentials = {**gatehouse.credentials, "access_key": printed["access_key"], "secret_key": printed["secret_key"]}
    assert Call(credentials, gatehouse.management).get("/signs").status == 200


def test_refusals(gatehouse, make_user):
    name, _ = make_user("reader")
    assert name in user(gatehouse, "list")
    user(gatehouse, "add", name, "--role", "reader", succeed=False)
    user(gatehouse, "add", unique("user"), "--role", "emperor", succeed=False)
    user(gatehouse, "set-role", "nobody", "reader", succeed=False)
    user(gatehouse, "remove", "nobody", succeed=False)
    user(gatehouse, "remove", gatehouse.credentials["user_name"], succeed=False)
