"""The change records, through the command."""

from __future__ import annotations

import json
import sqlite3
import subprocess

import pytest

from harness.management import Call
from harness.process import executable
from harness.world import unique


def audit(gatehouse, *arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [str(executable()), "audit", *arguments, "--data-dir", str(gatehouse.data_dir)],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


@pytest.fixture
def written(fresh_gatehouse):
    """A gateway with a key made, changed and removed; its answers' request ids."""
    gatehouse = fresh_gatehouse()
    call = Call(gatehouse.credentials, gatehouse.management)
    made = call.request("POST", "/signs", {"name": "first_name", "sign_key": "planted_key1", "sign_secret": "planted_secret_value_1"})
    key = made.json()["id"]
    changed = call.request("PUT", f"/signs/{key}", {"name": "second_name"})
    removed = call.request("DELETE", f"/signs/{key}")
    assert (made.status, changed.status, removed.status) == (201, 200, 204)
    return gatehouse, key, [answer.headers["X-Request-Id"] for answer in (made, changed, removed)]


def test_records_say_who_did_what(written):
    gatehouse, key, requests = written
    lines = [json.loads(line) for line in audit(gatehouse, "export", "--object", key).splitlines()]
    assert [line["request_id"] for line in lines] == requests
    assert [(line["before"] is None, line["after"] is None) for line in lines] == [(True, False), (False, False), (False, True)]
    assert {(line["actor"], line["source"], line["kind"]) for line in lines} == {("admin", "127.0.0.1", "signatureKey")}
    assert json.loads(lines[1]["before"])["name"] == "first_name" and json.loads(lines[1]["after"])["name"] == "second_name"
    assert len({line["revision"] for line in lines}) == 3
    listed = audit(gatehouse, "list", "--object", key).splitlines()
    assert [line.split()[4] for line in listed] == ["remove", "change", "create"]
    assert "planted_secret_value_1" not in audit(gatehouse, "export")


def test_verify_while_running_and_with_an_earlier_head(written):
    gatehouse, key, _ = written
    head = audit(gatehouse, "verify").split()[-1]
    call = Call(gatehouse.credentials, gatehouse.management)
    call.expect(201, "POST", "/envs", {"name": unique("env")})
    assert audit(gatehouse, "verify", "--head", head).startswith("intact:")
    assert "earlier state" in audit(gatehouse, "verify", "--head", "0" * 64, status=1)


@pytest.mark.parametrize("statement, says", [
    ("UPDATE changes SET actor = 'somebody' WHERE revision = (SELECT MAX(revision) FROM changes) - 1", "not as it was written"),
    ("DELETE FROM changes WHERE revision = (SELECT MAX(revision) FROM changes) - 1", "not as it was written"),
    ("DELETE FROM changes WHERE revision = (SELECT MAX(revision) FROM changes)", "records are there"),
    ("UPDATE gateway_state SET audit_count = audit_count - 1", "records are there")])
def test_tampering_is_found(written, statement, says):
    gatehouse, _, _ = written
    gatehouse.stop()
    with sqlite3.connect(gatehouse.data_dir / "gatehouse.sqlite") as database:
        database.execute(statement)
    database.close()
    assert says in audit(gatehouse, "verify", status=1)


def test_no_database_is_one_line(fresh_gatehouse, tmp_path):
    done = subprocess.run(
        [str(executable()), "audit", "verify", "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and len(done.stderr.strip().splitlines()) == 1


def root(gatehouse) -> str:
    return f"/v2/{gatehouse.credentials['project_id']}/apic/audit"


def test_records_through_the_call(written):
    gatehouse, key, requests = written
    call = Call(gatehouse.credentials, gatehouse.management)

    def records(**query) -> list[dict]:
        found = call.expect(200, "GET", f"{root(gatehouse)}/records", query=query)
        assert found["size"] == len(found["records"]) <= found["total"]
        return found["records"]

    own = records(object_id=key)
    assert [record["request_id"] for record in own] == requests[::-1]
    assert [record["act"] for record in own] == ["remove", "change", "create"]
    assert "before" not in own[-1] and json.loads(own[0]["before"])["name"] == "second_name"
    assert records(object_id=key, limit=1, offset=1) == own[1:2]
    assert records(object_id=key, act="change") == own[1:2]
    assert records(request_id=requests[0]) == own[2:]
    first, last = own[-1]["revision"], own[0]["revision"]
    assert records(object_id=key, from_revision=first + 1, through_revision=last - 1) == own[1:2]
    assert records(object_id=key, from_time=own[1]["time"], through_time=own[1]["time"]) == own[1:2]
    assert records(object_id=key, through_time="2000-01-01T00:00:00Z") == []
    assert records(kind="signatureKey", actor="admin", instance_id=gatehouse.credentials["instance_id"]) == own
    assert records(kind="signatureKey", actor="nobody") == []
    assert "planted_secret_value_1" not in json.dumps(records(limit=500))


def test_an_export_is_the_commands(written):
    gatehouse, key, _ = written
    call = Call(gatehouse.credentials, gatehouse.management)
    for number in range(120):
        call.expect(201, "POST", "/api-groups", {"name": f"group_{number:03}"})
    answer = call.get(f"{root(gatehouse)}/export")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.body.decode() == audit(gatehouse, "export")
    assert len(answer.body.splitlines()) > 120, "more than is read at a time"
    part = call.get(f"{root(gatehouse)}/export?object_id={key}&act=remove")
    assert part.body.decode() == audit(gatehouse, "export", "--object", key, "--act", "remove")


@pytest.mark.parametrize("query", [
    "kind=nothing", "act=nothing", "from_time=yesterday", "from_time=2026-02-30T00:00:00Z", "through_time=2026-01-01", "limit=0",
    "from_revision=-1", "through_revision=x"])
def test_filters_that_mean_nothing(written, query):
    gatehouse, _, _ = written
    call = Call(gatehouse.credentials, gatehouse.management)
    name = query.partition("=")[0]
    for place in ("records", "export"):
        if place == "export" and name == "limit":
            continue
        assert name in call.refused(400, "APIG.2012", "GET", f"{root(gatehouse)}/{place}?{query}")


def verified(gatehouse, **query) -> dict:
    return Call(gatehouse.credentials, gatehouse.management).expect(200, "GET", f"{root(gatehouse)}/verification", query=query)


def test_verification_through_the_call(written):
    gatehouse, _, _ = written
    found = verified(gatehouse)
    assert found["state"] == "intact" and audit(gatehouse, "verify") == f"intact: {found['records']} records, head {found['head']}\n"
    assert verified(gatehouse, head=found["head"])["state"] == "intact"
    assert verified(gatehouse, head="0" * 64)["state"] == "replaced"


COLUMNS = {
    "revision": "revision + 1000", "position": "position + 7", "made_at": "made_at + 1", "actor": "actor || 'x'", "source": "'192.0.2.1'",
    "request_id": "'another'", "instance_id": "'another'", "kind": "'api'", "object_id": "'another'", "before_json": "'{}'",
    "after_json": "'{}'", "seal": "substr(seal, 2) || '0'"}


@pytest.fixture(scope="module")
def tampered(tmp_path_factory):
    """Runs a statement on a gateway's records while it runs, asks, and puts them back."""
    from harness.process import Gatehouse

    gatehouse = Gatehouse(tmp_path_factory.mktemp("tampered") / "data").start()
    call = Call(gatehouse.credentials, gatehouse.management)
    for number in range(6):
        call.expect(201, "POST", "/api-groups", {"name": f"group_{number}"})

    def ask(*statements: str) -> dict:
        with sqlite3.connect(gatehouse.data_dir / "gatehouse.sqlite", timeout=30) as database:
            kept = database.execute("SELECT * FROM changes").fetchall()
            for statement in statements:
                database.execute(statement)
        answer = verified(gatehouse)
        with database:
            database.execute("DELETE FROM changes")
            database.executemany(f"INSERT INTO changes VALUES ({', '.join('?' * len(kept[0]))})", kept)
        database.close()
        assert verified(gatehouse)["state"] == "intact"
        return answer

    yield ask
    gatehouse.kill()


PLACES = {
    "first": "(SELECT MIN(revision) FROM changes)", "middle": "(SELECT MAX(revision) FROM changes) - 3",
    "last": "(SELECT MAX(revision) FROM changes)"}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("place", PLACES)
def test_a_changed_column_is_found(tampered, place, column):
    answer = tampered(f"UPDATE changes SET {column} = {COLUMNS[column]} WHERE revision = {PLACES[place]} AND position = 0")
    assert answer["state"] == "broken"


@pytest.mark.parametrize("place, state", [("first", "broken"), ("middle", "broken"), ("last", "incomplete")])
def test_a_removed_record_is_found(tampered, place, state):
    assert tampered(f"DELETE FROM changes WHERE revision = {PLACES[place]}")["state"] == state


@pytest.mark.parametrize("place", PLACES)
def test_an_added_record_is_found(tampered, place):
    answer = tampered(
        f"""INSERT INTO changes SELECT revision, 99, made_at, actor, source, request_id, instance_id, kind, object_id, before_json,
            after_json, seal FROM changes WHERE revision = {PLACES[place]} AND position = 0""")
    assert answer["state"] == "broken"


@pytest.mark.parametrize("first, second", [("first", "middle"), ("middle", "last"), ("first", "last")])
def test_two_records_that_changed_places_are_found(tampered, first, second):
    answer = tampered(
        "CREATE TEMP TABLE swap AS SELECT "
        f"CAST({PLACES[first]} AS INTEGER) AS a, CAST({PLACES[second]} AS INTEGER) AS b",
        "UPDATE changes SET revision = -1 WHERE revision = (SELECT a FROM swap)",
        "UPDATE changes SET revision = (SELECT a FROM swap) WHERE revision = (SELECT b FROM swap)",
        "UPDATE changes SET revision = (SELECT b FROM swap) WHERE revision = -1")
    assert answer["state"] == "broken"
