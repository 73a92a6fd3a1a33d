"""The access log: one JSON line a request, no secret in it, nothing lost by rotation, nobody held up by the disk."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import struct
import threading
import time
import urllib.request

import pytest

from harness import signatures
from harness.backend import Answer
from harness.logs import FIELDS, Logged, logging_program
from harness.process import StartFailure
from harness.wire import Wire, ask
from harness.world import unique

@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with logging_program(tmp_path_factory.mktemp("log"), region="here-1") as program:
        yield program


@pytest.fixture
def log(program, backend):
    logged = Logged(program, backend)
    yield logged
    for line in logged.lines():
        assert list(line) == FIELDS


def test_a_forwarded_request(log, backend):
    backend.script = lambda request: Answer(201, [("X-A", "b")], b"0123456789")
    api = log.world.make_api(backend={"req_uri": "/behind"})
    reply = log.world.call(api, "POST", api.path + "?a=1&b=%20x", [
        ("User-Agent", "a browser"), ("X-Forwarded-For", "192.0.2.9")], b"hello")
    [line] = log.take()
    assert line["remote_addr"] == "127.0.0.1" and line["request_id"] == reply.one("X-Request-Id")
    assert (line["api_id"], line["api_name"], line["group_id"]) == (api.id, api.definition["name"], api.group_id)
    assert (line["request_method"], line["scheme"], line["host"]) == ("POST", "http", api.host)
    assert (line["router_uri"], line["server_protocol"]) == (api.path + "?a=1&b=%20x", "HTTP/1.1")
    assert (line["status"], line["upstream_status"], line["response_source"]) == (201, 201, "remote")
    assert (line["http_user_agent"], line["http_x_forwarded_for"]) == ("a browser", "192.0.2.9")
    assert (line["upstream_addr"], line["upstream_scheme"], line["upstream_uri"]) == (
        backend.address, "http", "/behind?a=1&b=%20x")
    assert line["body_bytes_sent"] == 5 and line["request_length"] > 100
    assert line["bytes_sent"] == len(b"0123456789") + sum(len(name) + len(value) + 4 for name, value in reply.headers) + 2 + len(
        f"HTTP/1.1 201 {reply.reason}\r\n")
    assert (line["auth_type"], line["errorType"], line["region_id"], line["apig_err_code"]) == ("NONE", 0, "here-1", "-")
    times = [line[name] for name in (
        "upstream_connect_time", "upstream_header_time", "upstream_response_time", "all_upstream_response_time", "request_time")]
    assert times == sorted(times) and abs(line["inner_time"] + line["all_upstream_response_time"] - line["request_time"]) <= 0.0021
    time.strptime(line["time_local"], "%d/%b/%Y:%H:%M:%S +0000")


def test_refusals_and_own_answers(log, backend):
    api = log.world.make_api(backend={"url_domain": "127.0.0.1:1", "retry_count": "0"})
    assert log.world.call(api).status == 502
    [line] = log.take()
    assert (line["status"], line["apig_err_code"], line["response_source"], line["upstream_status"]) == (502, "APIC.0202", "local", "-")
    assert line["upstream_addr"] == "127.0.0.1:1" and line["upstream_connect_time"] == "-"
    assert ask(log.program.gateway, "GET", "/nothing", api.host, [], b"", None).status == 404
    [line] = log.take()
    assert (line["status"], line["apig_err_code"], line["api_id"], line["group_id"]) == (404, "APIC.0101", "-", "-")
    assert (line["upstream_addr"], line["inner_time"]) == ("-", line["request_time"])
    throttled = log.world.make_mock()
    throttle = log.world.api.expect(201, "POST", "/throttles", {
        "name": unique("throttle"), "api_call_limits": 1, "time_unit": "HOUR", "time_interval": 1})
    log.world.api.expect(201, "POST", "/throttle-bindings", {"strategy_id": throttle["id"], "publish_ids": [throttled.publish_id]})
    assert [log.world.call(throttled).status for _ in range(2)] == [200, 429]
    assert [(line["status"], line["errorType"], line["response_source"]) for line in log.take(2)] == [
        (200, 0, "local"), (429, 1, "local")]


def test_retries_are_summed_up(log, backend):
    answers = iter([Answer(reset=True), Answer(reset=True), Answer(200)])
    backend.script = lambda request: next(answers)
    api = log.world.make_api(backend={"retry_count": "2"})
    assert log.world.call(api).status == 200
    [line] = log.take()
    assert line["upstream_status"] == 200 and line["all_upstream_response_time"] >= line["upstream_response_time"]


def test_what_is_no_request(log):
    with Wire(log.program.gateway) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a b\x00\"\r\n\r\n")
        assert wire.reply().status == 400
    [line] = log.take()
    assert (line["status"], line["apig_err_code"], line["request_method"], line["router_uri"]) == (400, "APIC.0602", "-", "-")


def test_a_client_that_leaves(log, backend):
    free = threading.Event()
    backend.script = lambda request: Answer(200, wait_for=free)
    api = log.world.make_api()
    wire = Wire(log.program.gateway)
    wire.send(f"GET {api.path} HTTP/1.1\r\nHost: {api.host}\r\n\r\n".encode())
    backend.wait_for(1)
    # A reset: a client that has only said everything still waits for its answer.
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()
    [line] = log.take()
    free.set()
    assert (line["status"], line["api_id"], line["bytes_sent"]) == (0, api.id, 0)


HOSTILE = [b'"}\\', b"\xff\xfe", b"\xc3\xa4\xe2\x82\xac", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\x7f" * 0 + b"\xc0\xaf", b"a\tb", b"x" * 7000]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_stay_inside_their_field(log, value):
    """Quotes, line ends, what is not UTF-8: one line of JSON, with what is text as it was sent."""
    api = log.world.make_mock()
    with Wire(log.program.gateway) as wire:
        wire.send(b"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n" % (api.path.encode(), api.host.encode(), value))
        assert wire.reply().status == 200
    [line] = log.take()
    assert line["http_user_agent"] == value.decode("utf-8", "surrogateescape").encode("utf-8", "surrogateescape").decode(
        "utf-8", "replace") or set(line["http_user_agent"]) == {"\ufffd"}


SECRETS = ["apikey=SECRET1", "ApiKey=SECRET1", "api%6Bey=SECRET1", "a=1&access_token=SECRET1&b=2", "client_secret=SECRET1",
           "X-Sdk-Signature=SECRET1", "password=SECRET1&password=SECRET1"]


@pytest.mark.parametrize("query", SECRETS)
def test_secrets_in_queries_are_masked(log, query):
    api = log.world.make_api()
    target = f"{api.path}?{query}&visible=yes"
    assert log.world.call(api, target=target).status == 200
    [line] = log.take()
    for name in ("router_uri", "upstream_uri"):
        assert line[name] == target.replace("SECRET1", "***"), name
    assert "SECRET1" not in log.path.read_text()


def test_callers(log, backend):
    app = log.world.api.expect(201, "POST", log.world.api.public_path + "/apps", {"name": unique("app")})
    app |= log.world.api.expect(200, "GET", f"{log.world.api.public_path}/apps/{app['id']}/secret")
    api = log.world.make_mock(auth_type="APP")
    fields = [("Host", api.host)]
    made = signatures.sign(app["key"], app["secret"], "GET", api.path, fields, b"")
    assert log.world.call(api, headers=[field for field in made if field[0] != "Host"]).status == 403
    [line] = log.take()
    assert (line["auth_type"], line["apig_err_code"]) == ("APP", "APIC.0304")
    log.world.api.expect(201, "POST", "/app-auths", {
        "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "app_ids": [app["id"]], "api_ids": [api.id]})
    made = signatures.sign(app["key"], app["secret"], "GET", api.path, fields, b"")
    assert log.world.call(api, headers=[field for field in made if field[0] != "Host"]).status == 200
    [line] = log.take()
    assert (line["app_id"], line["app_name"], line["user_id"]) == (app["id"], app["name"], "-")
    text = log.path.read_text()
    assert app["secret"] not in text and dict(made)["Authorization"] not in text


def test_over_tls(log):
    api = log.world.make_mock()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(("127.0.0.1", log.program.tls_port)), server_hostname=api.host) as tls:
        tls.sendall(f"GET {api.path} HTTP/1.1\r\nHost: {api.host}\r\nConnection: close\r\n\r\n".encode())
        while tls.recv(65536):
            pass
    assert log.take()[0]["scheme"] == "https"


def test_custom_fields(log, backend):
    """Feature custom_log: what the client sent, in the order of the config; never what is secret."""
    api = log.world.make_api()
    call = dict(target=f"{api.path}?q=a+b%22&other=1&apikey=SECRET1", headers=[
        ("X-Trace", 'one "two" \\three'), ("Authorization", "SECRET2"), ("Cookie", "a=1; sid=abc; b=2"), ("X-Long", "x" * 3000)])
    fields = [("header", "x-trace"), ("query", "q"), ("cookie", "sid"), ("header", "Authorization"), ("query", "apikey"),
              ("header", "X-Absent"), ("cookie", "absent"), ("header", "X-Long"), ("header", "X-Trace")]
    log.world.feature("custom_log", {"custom_logs": [{"location": place, "name": name} for place, name in fields]})
    assert log.world.call(api, **call).status == 200
    [line] = log.take()
    values = [line[f"custom_data_log{number}"] for number in range(1, 11)]
    assert values[:7] == ['one "two" \\three', "a b%22", "abc", "***", "***", "-", "-"]
    # 2 KB in all: the long one is cut off, and nothing is left for the one behind it.
    assert values[7] == "x" * (2048 - 16 - 6 - 3) and values[8:] == ["-", "-"]
    assert "SECRET" not in log.path.read_text()
    log.world.feature("custom_log", {"custom_logs": []}, enable=False)
    assert log.world.call(api, **call).status == 200
    [line] = log.take()
    assert {line[f"custom_data_log{number}"] for number in range(1, 11)} == {"-"}


@pytest.mark.parametrize("config", [
    {"custom_logs": [{"location": "header", "name": "a"}] * 11}, {"custom_logs": [{"location": "body", "name": "a"}]},
    {"custom_logs": [{"location": "header", "name": "a b"}]}, {"custom_logs": [{"location": "query", "name": ""}]},
    {"custom_logs": [{"location": "cookie", "name": "x" * 65}]}, {"custom_logs": [{"location": "header"}]}, {"custom_logs": {}},
    {"custom_logs": [{"location": "header", "name": "a", "more": 1}]}, {}, [],
    {"custom_logs": ["header"]}], ids=range(11))
def test_refused_custom_fields(log, config):
    log.world.api.refused(400, "APIG.2012", "POST", "/features", {
        "name": "custom_log", "enable": True, "config": json.dumps(config)})


# The file ------------------------------------------------------------------------------------------
def calls(logged: Logged, api, count: int) -> list[str]:
    with logged.world.connect() as wire:
        return [logged.world.call(api, wire=wire).one("X-Request-Id") for _ in range(count)]


def all_lines(logged: Logged) -> list[str]:
    """Request ids of all files, the oldest first; every line must be whole."""
    files = sorted(logged.path.parent.glob(logged.path.name + "*"), key=lambda path: -int(path.suffix[1:]) if path.suffix[1:].isdigit() else 0)
    text = b"".join(path.read_bytes() for path in files).decode()
    return [json.loads(line)["request_id"] for line in text.splitlines()]


def until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_rotation_by_hangup_loses_nothing(fresh_gatehouse, backend):
    program = fresh_gatehouse(settings={"access_log": {"path": "access.log"}})
    logged = Logged(program, backend)
    api = logged.world.make_mock()
    sent = calls(logged, api, 50)
    logged.take(50)
    os.rename(logged.path, str(logged.path) + ".1")
    sent += calls(logged, api, 1)
    until(lambda: len(all_lines(logged)) == 51)
    assert not logged.path.exists(), "the old file is used until the signal"
    program.process.send_signal(signal.SIGHUP)
    until(logged.path.exists)
    sent += calls(logged, api, 50)
    until(lambda: len(all_lines(logged)) == 101)
    assert all_lines(logged) == sent and program.running
    assert program.stop() == 0


def test_rotation_by_size(fresh_gatehouse, backend):
    program = fresh_gatehouse(settings={"access_log": {"path": "access.log", "max_bytes": 100_000, "kept_files": 2}})
    logged = Logged(program, backend)
    api = logged.world.make_mock()
    sent = calls(logged, api, 600)
    assert program.stop() == 0
    sizes = {path.name: path.stat().st_size for path in logged.path.parent.glob("access.log*")}
    assert set(sizes) == {"access.log", "access.log.1", "access.log.2"} and max(sizes.values()) <= 100_000
    kept = all_lines(logged)
    assert kept == sent[-len(kept):] and len(kept) > 100, "the newest, whole and in order"


def test_the_last_lines_are_there_after_a_stop(fresh_gatehouse, backend):
    program = fresh_gatehouse("--gateway-threads", "4", settings={"access_log": {"path": "access.log"}})
    logged = Logged(program, backend)
    api = logged.world.make_mock()
    sent = [logged.world.call(api).one("X-Request-Id") for _ in range(40)]
    assert program.stop() == 0
    assert sorted(all_lines(logged)) == sorted(sent)
    # It goes on where it was.
    again = Logged(fresh_gatehouse(data_dir=program.data_dir, settings={"access_log": {"path": "access.log"}}), backend)
    sent.append(again.world.call(api).one("X-Request-Id"))
    assert again.program.stop() == 0
    assert sorted(all_lines(again)) == sorted(sent)


def metric(program, name: str) -> int:
    text = urllib.request.urlopen(f"{program.endpoint}/metrics").read().decode()
    return next(int(line.split(" ")[-1]) for line in text.splitlines() if line.startswith(name + " "))


def test_a_full_disk_holds_nobody_up(fresh_gatehouse, backend):
    program = fresh_gatehouse(settings={"access_log": {"path": "/dev/full", "max_bytes": 0}})
    logged = Logged(program, backend)
    api = logged.world.make_mock()
    assert {logged.world.call(api).status for _ in range(20)} == {200}
    until(lambda: metric(program, "gatehouse_access_log_dropped_total") == 20)
    assert metric(program, "gatehouse_access_log_lines_total") == 0 and metric(program, "gatehouse_access_log_failures_total") >= 1
    assert program.log.count("the access log cannot be written") == 1
    assert program.stop() == 0


def test_a_log_that_stands_still_holds_nobody_up(fresh_gatehouse, backend, tmp_path):
    """A pipe that nobody reads: the queue fills up, further lines are dropped and counted."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    program = fresh_gatehouse("--gateway-threads", "1", settings={
        "access_log": {"path": str(pipe), "max_bytes": 0, "queue_bytes": 65_536}})
    logged = Logged(program, backend)
    api = logged.world.make_mock()
    with logged.world.connect() as wire:
        assert {logged.world.call(api, wire=wire).status for _ in range(400)} == {200}
        until(lambda: metric(program, "gatehouse_access_log_dropped_total") > 0)
        assert logged.world.call(api, wire=wire).status == 200
    os.close(reader)
    program.kill()


@pytest.mark.parametrize("access_log, text", [
    ({"path": "/nowhere/at/all"}, "access_log: cannot open /nowhere/at/all"), ({}, "access_log has no path"),
    ({"path": ""}, "access_log.path is no path"), ({"path": "a", "max_bytes": -1}, "access_log.max_bytes is outside"),
    ({"path": "a", "kept_files": 0}, "access_log.kept_files is outside"), ({"path": "a", "queue_bytes": 1}, "access_log.queue_bytes is outside"),
    ({"path": "a", "size": 1}, "unknown setting access_log.size"), ("a", "access_log has the wrong type")])
def test_settings_that_cannot_be_used(fresh_gatehouse, access_log, text):
    with pytest.raises(StartFailure) as failure:
        fresh_gatehouse(settings={"access_log": access_log})
    assert text in failure.value.output and failure.value.status != 0


# Log and statistics --------------------------------------------------------------------------------
def test_statistics_agree_with_the_log(fresh_gatehouse, backend):
    """To the request, over every kind of end."""
    program = fresh_gatehouse(settings={"access_log": {"path": "access.log"}})
    logged = Logged(program, backend)
    statuses = iter([200, 201, 404, 500, 200] * 20)
    backend.script = lambda request: Answer(next(statuses))
    apis = [logged.world.make_api(), logged.world.make_mock(), logged.world.make_api(backend={"url_domain": "127.0.0.1:1"})]
    for api in apis:
        for _ in range(20):
            logged.world.call(api)
    logged.world.call(apis[0], target="/nothing")
    lines = logged.take(61)
    assert len({line["request_id"] for line in lines}) == 61
    for api in apis:
        own = [line for line in lines if line["api_id"] == api.id]
        elements = logged.world.api.expect(200, "GET", "/statistics/api/latest", query={"api_id": api.id, "duration": "1h"})["list"]

        def counted(name: str) -> int:
            return sum(element[name] for element in elements)

        assert counted("req_count") == len(own) == 20
        for name, least in (("req_count2xx", 200), ("req_count4xx", 400), ("req_count5xx", 500)):
            assert counted(name) == sum(least <= line["status"] < least + 100 for line in own), name
        assert counted("output_throughput") == sum(line["bytes_sent"] for line in own)
        assert counted("input_throughput") == sum(line["request_length"] for line in own)
    assert metric(program, 'gatehouse_requests_total{listener="http",status="2xx"}') == sum(200 <= line["status"] < 300 for line in lines)
    assert metric(program, 'gatehouse_requests_total{listener="http",status="4xx"}') == sum(400 <= line["status"] < 500 for line in lines)
