"""Tags of objects, conditional writes, and the revision of every write."""

from __future__ import annotations

import threading

import pytest

from harness.management import Call
from harness.world import hex_id, unique


def test_every_kind_of_object_has_a_tag_that_changes_with_it(call, world):
    """Create, read, change, remove: the same tag until the object changes."""
    group = world.make_group()
    api = world.make_api(publish=False)
    definition = {**api.definition, "remark": "changed"}
    acl, plugin, env = world.make_acl("10.0.0.1"), world.make_plugin("cors", {
        "allow_origin": "*", "allow_methods": "GET", "allow_headers": "X-A", "expose_headers": "X-B", "max_age": 60,
        "allow_credentials": False}), world.make_environment()
    cases = [
        (f"/api-groups/{group['id']}", {"name": unique("group")}, True),
        (f"/apis/{api.id}", definition, True),
        (f"/acls/{acl['id']}", {
            "acl_name": unique("acl"), "acl_type": "DENY", "acl_value": "10.0.0.2", "entity_type": "IP"}, True),
        (f"/plugins/{plugin['plugin_id']}", {"plugin_name": unique("plugin")}, True),
        (f"/envs/{env['id']}", {"name": unique("env")}, False),
    ]
    for path, change, readable in cases:
        first = call.get(path).headers["ETag"] if readable else call.request("PUT", path, change).headers["ETag"]
        assert first.startswith('"') and first.endswith('"'), path
        assert not readable or call.get(path).headers["ETag"] == first, path
        done = call.put(path, change, headers={"If-Match": first})
        assert done.status == 200 and done.headers["ETag"] != first, path
        assert not readable or call.get(path).headers["ETag"] == done.headers["ETag"], path
        assert call.refused(412, "APIG.3400", "PUT", path, change, headers={"If-Match": first}), path
        assert call.refused(412, "APIG.3400", "DELETE", path, headers={"If-Match": first}), path


def test_a_created_object_has_its_tag_at_once(call):
    made = call.post("/signs", {"name": unique("sign")})
    path = f"/signs/{made.json()['id']}"
    renamed = call.put(path, {"name": unique("sign")}, headers={"If-Match": made.headers["ETag"]})
    assert renamed.status == 200
    call.refused(412, "APIG.3400", "PUT", path, {"name": unique("sign")}, headers={"If-Match": made.headers["ETag"]})
    assert call.delete(path, headers={"If-Match": renamed.headers["ETag"]}).status == 204


def test_the_alias_has_the_same_tags(call, world):
    group = world.make_group()
    path = call.full(f"/api-groups/{group['id']}")
    assert call.get(path).headers["ETag"] == call.get(path.replace("/apic/", "/apigw/")).headers["ETag"]


def test_other_refusals_come_first(call, world):
    group = world.make_group()
    old = {"If-Match": '"1"'}
    call.refused(404, "APIG.3001", "PUT", f"/api-groups/{hex_id()}", {"name": unique("group")}, headers=old)
    call.refused(400, "APIG.2012", "PUT", f"/api-groups/{group['id']}", {"name": "!"}, headers=old)
    call.refused(400, "APIG.2012", "PUT", f"/api-groups/{group['id']}", {"name": unique("g")}, headers={"If-Match": "1"})
    assert call.get(f"/api-groups/{group['id']}", headers=old).status == 200, "a GET ignores it"


@pytest.mark.parametrize("match, status", [("*", 200), ('"0", {tag}', 200), ("W/{tag}", 412), ('"0"', 412)])
def test_forms_of_if_match(call, world, match, status):
    path = f"/api-groups/{world.make_group()['id']}"
    tag = call.get(path).headers["ETag"]
    done = call.put(path, {"name": unique("group")}, headers={"If-Match": match.replace("{tag}", tag)})
    assert done.status == status
    assert ("X-Gatehouse-Revision" in done.headers) == (status == 200)


def test_of_many_writers_with_one_tag_one_wins(gatehouse, call, world):
    """Eight connections, one tag, each round: exactly one change."""
    path = f"/api-groups/{world.make_group()['id']}"
    for _ in range(5):
        tag = call.get(path).headers["ETag"]
        gate, statuses = threading.Barrier(8), []

        def write() -> None:
            own = Call(gatehouse.credentials, gatehouse.management)
            gate.wait()
            statuses.append(own.put(path, {"name": unique("group")}, headers={"If-Match": tag}).status)
            own.close()

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] + [412] * 7


def test_every_write_says_its_revision(call, world):
    """Also one without a body; each is newer than the one before; errors and reads have none."""
    made = call.post("/api-groups", {"name": unique("group")})
    path = f"/api-groups/{made.json()['id']}"
    changed = call.put(path, {"name": unique("group")})
    removed = call.delete(path)
    revisions = [int(answer.headers["X-Gatehouse-Revision"]) for answer in (made, changed, removed)]
    assert revisions == sorted(set(revisions)) and removed.status == 204
    assert "X-Gatehouse-Revision" not in call.delete(path).headers
    assert "X-Gatehouse-Revision" not in call.get("/api-groups").headers
