"""Starting, refusing to start, stopping."""

from __future__ import annotations

import json
import os
import stat
import subprocess

import pytest

from harness.process import StartFailure, executable
from harness.wire import head


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(executable()), *arguments], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("arguments", [
    ["serve"], ["serve", "--data-dir"], ["serve", "--data-dir", "{dir}", "--no-such-flag"], ["serve", "--data-dir", "{dir}", "--management", "nonsense"],
    ["serve", "--data-dir", "{dir}", "--management", "127.0.0.1:99999"], ["serve", "--data-dir", "{dir}", "--gateway", "127.0.0.1"],
    ["serve", "--data-dir", "/proc/nothing/here"], ["serve", "--data-dir", "{dir}", "--config", "/no/such/file"],
    ["serve", "--data-dir", "{dir}", "--store", "nonsense://x"], ["no-such-command"]], ids=" ".join)
def test_refuses_to_start(tmp_path, arguments):
    done = run(*(argument.replace("{dir}", str(tmp_path / "d")) for argument in arguments))
    assert done.returncode != 0 and done.stderr.strip() and "Fatal error" not in done.stderr
    assert not (tmp_path / "d" / "credentials.json").exists()


def test_says_so_when_a_port_is_taken(fresh_gatehouse):
    first = fresh_gatehouse()
    second = fresh_gatehouse(start=False)
    second.gateway_port = first.gateway_port
    with pytest.raises(StartFailure) as failure:
        second.start()
    assert failure.value.status not in (0, None) and str(first.gateway_port) in failure.value.output


def test_refuses_a_broken_store(fresh_gatehouse):
    program = fresh_gatehouse()
    assert program.stop() == 0
    databases = [path for path in program.data_dir.rglob("*") if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3"]
    assert databases
    for path in databases:
        path.write_bytes(b"this is no database" * 1000)
    for path in program.data_dir.rglob("*-wal"):
        path.unlink()
    with pytest.raises(StartFailure) as failure:
        fresh_gatehouse(data_dir=program.data_dir)
    assert failure.value.status not in (0, None)


def test_first_start(gatehouse):
    path = gatehouse.data_dir / "credentials.json"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    wanted = {"management_endpoint", "iam_endpoint", "gateway_http", "gateway_https", "region", "domain_name", "domain_id", "project_name",
              "project_id", "instance_id", "user_name", "password", "access_key", "secret_key"}
    assert wanted <= set(json.loads(path.read_text()))
    assert stat.S_IMODE(os.stat(gatehouse.data_dir).st_mode) == 0o700, "nobody else may even look"


def test_two_first_starts_share_nothing(fresh_gatehouse):
    one, two = fresh_gatehouse().credentials, fresh_gatehouse().credentials
    for name in ("password", "access_key", "secret_key", "project_id", "instance_id", "domain_id"):
        assert one[name] != two[name], name


def test_nothing_secret_in_the_data_folder_or_log(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    world.make_sign(sign_secret="planted_secret_4711")
    assert program.stop() == 0
    assert "planted_secret_4711" not in program.log
    for path in program.data_dir.rglob("*"):
        if path.is_file():
            assert b"planted_secret_4711" not in path.read_bytes(), path


def test_one_program_a_data_folder(fresh_gatehouse):
    program = fresh_gatehouse()
    with pytest.raises(StartFailure):
        fresh_gatehouse(data_dir=program.data_dir)
    assert program.running and program.status_of("/readyz") == 200


def test_stop_lets_requests_finish(fresh_gatehouse, make_world, backend):
    import threading
    from harness.backend import Answer
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_api()
    go_on = threading.Event()
    backend.script = lambda _: Answer(wait_for=go_on, body=b"finished")
    with world.connect() as wire, world.connect() as idle:
        wire.send(head("GET", api.path, [("Host", api.host)]))
        backend.wait_for(1)
        program.process.terminate()
        assert idle.is_closed, "idle connections are closed"
        go_on.set()
        assert wire.reply().body == b"finished"
    assert program.process.wait(30) == 0


def test_probes_and_metrics(gatehouse):
    assert [gatehouse.status_of(path) for path in ("/livez", "/readyz")] == [200, 200]
