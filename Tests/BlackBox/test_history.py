"""History, differences and the way back: the management calls and the commands."""

from __future__ import annotations

import io
import json
import random
import re
import subprocess
import zipfile
from urllib.parse import urlencode

import pytest

from harness import contract, functions, signatures
from harness.management import RELEASE, Call, Sdk
from harness.population import populate
from harness.process import executable
from harness.world import World, unique
import test_assets_sdk as assets
from test_caller_authentication import authorize, call_signed, make_app
from test_roles import user


@pytest.fixture
def program(fresh_gatehouse, shared_functions):
    return fresh_gatehouse(settings={"functions": functions.settings(shared_functions.address)})


@pytest.fixture
def world(program, backend):
    return World(program, Call(program.credentials, program.management), backend)


def root(world: World) -> str:
    return f"/v2/{world.api.credentials['project_id']}/apic"


def revision(world: World) -> int:
    return world.api.expect(200, "GET", f"{root(world)}/history?limit=1")["revision"]


def restore(world: World, number: int, status: int = 200, **scope):
    return world.api.expect(status, "POST", f"{root(world)}/history/restore", {"revision": number, **(scope or {"everything": True})})


def diff(world: World, start: int, end: int | None = None, **scope) -> dict:
    query = {"from_revision": start, "limit": 500, **({"to_revision": end} if end is not None else {}), **scope}
    return world.api.expect(200, "GET", f"{root(world)}/history/diff", query=query)


def history(world: World, **scope) -> list[dict]:
    return world.api.expect(200, "GET", f"{root(world)}/history", query={"limit": 500, **scope})["revisions"]


def command(program, *arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [str(executable()), *arguments, "--data-dir", str(program.data_dir)], capture_output=True, text=True, timeout=120,
        stdin=subprocess.DEVNULL)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


#: Reads of what happens at run time, and of the past.
RUNTIME = re.compile(r"statistics|metric-data|/history|/audit|async-task|/progress|assets/|/tests$|publicKey|check|validate|-history")


def reads(ids: dict[str, str]) -> list[str]:
    """Every read of the contract and its supplements whose ids and mandatory filters are known."""
    found = []
    for method, _, path, description in contract._operations():
        if method != "GET" or RUNTIME.search(path):
            continue
        required = [p["name"] for p in description.get("parameters", []) if p["in"] == "query" and p.get("required")]
        if not {*re.findall(r"\{(\w+)\}", path), *required} <= set(ids):
            continue
        query = {name: ids[name] for name in required}
        if any(p["name"] == "limit" for p in description.get("parameters", [])):
            query["limit"] = "500"
        found.append(path.format(**ids) + ("?" + urlencode(query) if query else ""))
    return found


def seen(world: World, ids: dict[str, str]) -> dict[str, object]:
    """All reads, and the exports of every group and of the applications."""
    found: dict[str, object] = {}
    for path in reads(ids):
        answer = world.api.get(path)
        found[path] = answer.json() if answer.status == 200 else answer.status
    for group in world.api.expect(200, "GET", "/api-groups?limit=500")["groups"]:
        for kind in ("json", "yaml"):
            answer = world.api.post("/openapi/export", {"group_id": group["id"], "env_id": RELEASE, "define": "all", "type": kind, "version": "1.0.0"})
            found[f"openapi {kind} {group['id']}"] = answer.body if answer.status == 200 else answer.status
    apps = [app["id"] for app in world.api.expect(200, "GET", f"{world.api.public_path}/apps?limit=500")["apps"]]
    if apps:
        found["assets"] = asset_export(world, apps)
    return found


def asset_export(world: World, apps: list[str]) -> dict[str, bytes]:
    """The files of the archive; what tells one export from another, such as its name, is no part of them."""
    sdk = Sdk(world.api.credentials, world.gatehouse.endpoint)
    archive = assets.export(sdk, *apps)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return {name: files.read(name) for name in files.namelist()}


def writes(world: World, ids: dict[str, str], choice: random.Random, number: int) -> None:
    """One write of some family; a refusal is as good."""
    api = world.api
    project, instance = ids["project_id"], ids["instance_id"]
    name = f"changed_{number}"
    moves = [
        ("PUT", f"/api-groups/{ids['group_id']}", {"name": name}),
        ("POST", "/api-groups", {"name": name}),
        ("PUT", f"/signs/{ids['sign_id']}", {"name": name, "sign_secret": f"another_secret_{number:04}"}),
        ("DELETE", f"/sign-bindings/{ids['sign_bindings_id']}", None),
        ("POST", "/sign-bindings", {"sign_id": ids["sign_id"], "publish_ids": [ids["publish_id"]]}),
        ("DELETE", f"/signs/{ids['sign_id']}", None),
        ("PUT", f"/acls/{ids['acl_id']}", {"acl_name": name, "acl_type": "DENY", "acl_value": f"192.0.2.{number % 250}", "entity_type": "IP"}),
        ("DELETE", f"/acl-bindings/{ids['acl_bindings_id']}", None),
        ("DELETE", f"/throttle-bindings/{ids['throttle_binding_id']}", None),
        ("PUT", f"/throttles/{ids['throttle_id']}", {"name": name, "api_call_limits": 7, "time_unit": "MINUTE", "time_interval": 1}),
        ("DELETE", f"/authorizers/{ids['authorizer_id']}", None),
        ("DELETE", f"/v2/{project}/apigw/instances/{instance}/orchestrations/{ids['orchestration_id']}", None),
        ("PUT", f"/vpc-channels/{ids['vpc_channel_id']}", {"name": name, "port": 8081, "balance_strategy": 2, "member_type": "ip"}),
        ("DELETE", f"/vpc-channels/{ids['vpc_channel_id']}/members/{ids['member_id']}", None),
        ("DELETE", f"/vpc-channels/{ids['vpc_channel_id']}", None),
        ("DELETE", f"/v2/{project}/instances/{instance}/dictionaries/{ids['dict_id']}", None),
        ("DELETE", f"/apps/{ids['app_id']}/app-codes/{ids['app_code_id']}", None),
        ("PUT", f"/apps/{ids['app_id']}/configs/{ids['app_config_id']}", {"config_name": name, "config_type": "variable", "config_value": "2"}),
        ("PUT", f"/apps/secret/{ids['app_id']}", {"app_secret": f"Another_secret_of_app_{number}"}),
        ("DELETE", f"/api-groups/{ids['group_id']}/domains/{ids['domain_id']}", None),
        ("DELETE", f"/v2/{project}/apic/certificates/{ids['certificate_id']}", None),
        ("DELETE", f"/env-variables/{ids['env_variable_id']}", None),
        ("POST", "/envs", {"name": f"env_{number}"}),
        ("POST", "/apis/action", {"action": choice.choice(["online", "offline"]), "env_id": RELEASE, "api_id": ids["api_id"]}),
        ("DELETE", f"/apis/{ids['api_id']}", None),
        ("DELETE", f"/livedata-apis/{ids['ld_api_id']}", None),
        ("DELETE", f"/plugins/{ids['plugin_id']}", None),
        ("POST", "/features", {"name": "backend_timeout", "enable": True, "config": json.dumps({"max_timeout": 60000 + number})}),
        ("POST", "/features", {"name": "app_token", "enable": True, "config": json.dumps({"enable": "on", "app_token_key": f"key-of-32-characters-or-more-{number:04}"})}),
        ("PUT", f"/plugins/{ids['plugin_id']}/attach", {"env_id": RELEASE, "api_ids": [ids["api_id"]]}),
    ]
    method, path, body = choice.choice(moves)
    api.request(method, path, body)


@pytest.mark.parametrize("seed", range(3))
def test_every_read_and_export_is_as_it_was(world, seed):
    """Random writes over all families; then back to moments in between, in any order."""
    choice = random.Random(seed)
    ids = populate(world)
    known = [(revision(world), seen(world, ids))]
    answered = [place for place, answer in known[0][1].items() if not isinstance(answer, int)]
    assert len(answered) > 70 and len([place for place in answered if place.startswith("openapi")]) >= 2, (answered, known[0][1].keys() - answered)
    for number in range(1, 61):
        writes(world, ids, choice, number)
        if number % 12 == 0:
            known.append((revision(world), seen(world, ids)))
    for number, was in choice.sample(known, len(known)):
        restore(world, number)
        now = seen(world, ids)
        assert {place: (was.get(place), now.get(place)) for place in {*was, *now} if was.get(place) != now.get(place)} == {}
    verified = world.api.expect(200, "GET", f"{root(world)}/audit/verification")
    assert verified["state"] == "intact"


def test_a_group_comes_back_and_carries_traffic(world):
    """Removed with its API, binding and key; its requests are signed with the same secret again."""
    sign = world.make_sign(sign_secret="planted_secret_of_group_1")
    api = world.make_api()
    world.bind_sign(sign, api)
    assert world.call(api).status == 200
    known = revision(world)
    world.offline(api)
    world.api.expect(204, "DELETE", f"/apis/{api.id}")
    world.api.expect(204, "DELETE", f"/api-groups/{api.group_id}")
    assert world.call(api).status == 404
    done = restore(world, known, kind="apiGroup", object_id=api.group_id)
    assert {entry["kind"] for entry in done["objects"]} >= {"apiGroup", "api", "publication", "apiVersion", "signatureBinding"}
    assert done["removed"] == 0 and done["restored_revision"] == known and done["revision"] == known + 4
    wire = world.connect()
    assert world.call(api, wire=wire).status == 200
    signatures.verify_hmac(world.backend.last, {sign["sign_key"]: "planted_secret_of_group_1"})
    # A connection that is open sees the next restore with its next request.
    before = revision(world)
    world.offline(api)
    assert world.call(api, wire=wire).status == 404
    restore(world, before)
    assert world.call(api, wire=wire).status == 200
    wire.close()


def test_secrets_work_again(world):
    app = make_app(world)
    api = world.make_api(auth_type="APP")
    authorize(world, app, api)
    assert call_signed(world, api, app).status == 200
    known = revision(world)
    world.api.expect(200, "PUT", f"{world.api.public_path}/apps/{app.id}/secret", {"secret": "Another_secret_0001"})
    assert call_signed(world, api, app).status == 401
    restore(world, known, kind="integrationApplication", object_id=app.id)
    assert call_signed(world, api, app).status == 200
    # Removed with everything, and made again with key, secret and what it may call.
    world.api.expect(204, "DELETE", f"{world.api.public_path}/apps/{app.id}")
    assert call_signed(world, api, app).status == 401
    restore(world, known)
    assert call_signed(world, api, app).status == 200


def test_history_says_who_and_what(world, program):
    group = world.make_group()
    made = world.api.request("POST", "/apis", world.definition(group["id"], "/a"))
    api = made.json()["id"]
    changed = world.api.request("PUT", f"/api-groups/{group['id']}", {"name": unique("renamed")})
    entries = history(world, kind="apiGroup", object_id=group["id"])
    assert [entry["request_id"] for entry in entries][:2] == [changed.headers["X-Request-Id"], made.headers["X-Request-Id"]]
    assert len(entries) == 3 and {entry["actor"] for entry in entries} == {"admin"} and entries[0]["source"] == "127.0.0.1"
    assert [(o["kind"], o["id"], o["act"]) for o in entries[1]["objects"]] == [("api", api, "create")]
    assert [(o["kind"], o["act"]) for o in entries[0]["objects"]] == [("apiGroup", "change")]
    assert [entry["revision"] for entry in history(world, kind="api", object_id=api)] == [entries[1]["revision"]]
    # Of everything: every revision that there was, page by page.
    everything = history(world)
    assert [entry["revision"] for entry in everything] == list(range(revision(world), 0, -1))
    page = world.api.expect(200, "GET", f"{root(world)}/history?limit=2&offset=1")
    assert page["revisions"] == everything[1:3] and page["total"] == len(everything)
    printed = command(program, "history", "--group", group["id"])
    assert printed.splitlines()[0].split()[0] == str(entries[0]["revision"]) and f"create api {api}" in printed


def test_differences(world, program):
    group = world.make_group(remark="before")
    start = revision(world)
    world.api.expect(200, "PUT", f"/api-groups/{group['id']}", {"name": group["name"], "remark": "after"})
    middle = revision(world)
    other = world.make_group()
    sign = world.make_sign(sign_secret="planted_secret_value_2")
    fields = {field["path"]: field for field in diff(world, start, middle)["objects"][0]["fields"]}
    assert (fields["remark"]["before"], fields["remark"]["after"]) == ("before", "after")
    assert {o["id"] for o in diff(world, start)["objects"]} >= {group["id"], other["id"], sign["id"]}
    assert [o["id"] for o in diff(world, start, kind="apiGroup", object_id=group["id"])["objects"]] == [group["id"]]
    assert diff(world, middle, kind="apiGroup", object_id=group["id"])["objects"] == []
    assert next(o for o in diff(world, start)["objects"] if o["id"] == sign["id"])["act"] == "create"
    assert "planted_secret" not in json.dumps(diff(world, start))
    printed = command(program, "diff", str(start), str(middle))
    assert "- remark: before" in printed and "+ remark: after" in printed
    page = world.api.expect(200, "GET", f"{root(world)}/history/diff?from_revision={start}&limit=1&offset=1")
    assert page["size"] == 1 and page["total"] == diff(world, start)["total"]


def test_the_commands_restore(world, program):
    group = world.make_group(remark="before")
    start = revision(world)
    world.api.expect(200, "PUT", f"/api-groups/{group['id']}", {"name": group["name"], "remark": "after"})
    printed = command(program, "restore", str(start), "--group", group["id"])
    assert f"restored revision {start} as revision {start + 2}: 0 created, 1 changed, 0 removed" in printed
    assert world.api.expect(200, "GET", f"/api-groups/{group['id']}")["remark"] == "before"
    again = command(program, "restore", str(start + 1), "--everything")
    assert "1 changed" in again
    assert world.api.expect(200, "GET", f"/api-groups/{group['id']}")["remark"] == "after"
    # What it is already is no change.
    assert f"as revision {start + 3}: 0 created, 0 changed, 0 removed" in command(program, "restore", str(start + 1), "--everything")
    assert "refused with 400" in command(program, "restore", str(start + 100), "--everything", status=1)
    refused = subprocess.run(
        [str(executable()), "restore", str(start), "--data-dir", str(program.data_dir)], capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0 and "--everything" in refused.stderr


def test_features_and_environments_by_name(world):
    instance = world.api.credentials["instance_id"]
    start = revision(world)
    world.feature("app_token", {"enable": "on", "app_token_key": "planted-key-of-32-characters-or-so"})
    made = revision(world)
    world.feature("app_token", {"enable": "on", "app_token_key": "another-key-of-32-characters-or-so"})
    restore(world, made, kind="feature", object_id="app_token", instance_id=instance)
    assert diff(world, made, kind="feature", object_id="app_token", instance_id=instance)["objects"] == []
    restore(world, start, kind="feature", object_id="app_token", instance_id=instance)
    shown = next(f for f in world.api.expect(200, "GET", "/features?limit=500")["features"] if f["name"] == "app_token")
    assert shown["enable"] is False
    environment = world.make_environment("one")
    made = revision(world)
    world.api.expect(200, "PUT", f"/envs/{environment['id']}", {"name": "two"})
    restore(world, made, kind="environment", object_id=environment["id"], instance_id=instance)
    assert environment["id"] in [e["id"] for e in world.api.expect(200, "GET", "/envs?name=one")["envs"]]


@pytest.mark.parametrize("body, code, status", [
    ({"everything": True}, "APIG.2001", 400),
    ({"revision": 1}, "APIG.2001", 400),
    ({"revision": 1, "everything": False}, "APIG.2001", 400),
    ({"revision": 1, "kind": "api"}, "APIG.2001", 400),
    ({"revision": 1, "object_id": "x"}, "APIG.2001", 400),
    ({"revision": 1, "kind": "api", "object_id": "x", "everything": True}, "APIG.2011", 400),
    ({"revision": 1, "kind": "nothing", "object_id": "x"}, "APIG.2011", 400),
    ({"revision": 1, "kind": "user", "object_id": "x"}, "APIG.2011", 400),
    ({"revision": 1, "kind": "environment", "object_id": "x"}, "APIG.2001", 400),
    ({"revision": 10**9, "everything": True}, "APIG.2011", 400),
    ({"revision": -1, "everything": True}, "APIG.2011", 400),
    ({"revision": 1, "kind": "api", "object_id": "x"}, "APIG.3002", 404),
    ({"revision": 0, "everything": True}, "APIC.7701", 409),
], ids=str)
def test_refusals(world, body, code, status):
    before = revision(world)
    world.api.refused(status, code, "POST", f"{root(world)}/history/restore", body)
    assert revision(world) == before


@pytest.mark.parametrize("path, code, status", [
    ("/history?kind=nothing&object_id=x", "APIG.2011", 400), ("/history?kind=api", "APIG.2001", 400),
    ("/history?kind=api&object_id=x", "APIG.3002", 404), ("/history/diff", "APIG.2001", 400),
    ("/history/diff?from_revision=5&to_revision=4", "APIG.2011", 400), ("/history/diff?from_revision=99999", "APIG.2011", 400),
    ("/history/diff?from_revision=-1", "APIG.2012", 400)])
def test_refused_reads(world, path, code, status):
    for _ in range(5):
        world.make_group()
    world.api.refused(status, code, "GET", root(world) + path)


def test_only_so_many_are_kept(fresh_gatehouse, backend):
    program = fresh_gatehouse(settings={"history_revisions": 2})
    world = World(program, Call(program.credentials, program.management), backend)
    for _ in range(4):
        world.make_group()
    now = revision(world)
    assert "oldest" in world.api.refused(409, "APIG.3400", "POST", f"{root(world)}/history/restore", {"revision": now - 3, "everything": True})
    assert restore(world, now - 2)["removed"] >= 2


def test_administrators_alone(gatehouse, operator):
    project = gatehouse.credentials["project_id"]
    for method, path, body in [
        ("GET", "history", None), ("GET", "history/diff?from_revision=1", None),
        ("POST", "history/restore", {"revision": 10**9, "everything": True}), ("GET", "audit/records", None),
        ("GET", "audit/verification", None), ("GET", "audit/export", None)]:
        operator.refused(403, "APIG.1005", method, f"/v2/{project}/apic/{path}", body)


@pytest.fixture
def operator(gatehouse):
    name = unique("user")
    printed = user(gatehouse, "add", name, "--role", "operator")
    yield Call({**gatehouse.credentials, "access_key": printed["access_key"], "secret_key": printed["secret_key"]}, gatehouse.management)
    user(gatehouse, "remove", name)
