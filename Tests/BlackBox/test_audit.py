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
