"""`/metrics`: what it says is what happened, Prometheus takes it, and its labels are bounded."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from harness.backend import Answer
from harness.process import ROOMY
from harness.wire import ask
from harness.world import unique

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations"


def scrape(program) -> str:
    return urllib.request.urlopen(f"{program.endpoint}/metrics", timeout=20).read().decode()


def samples(text: str) -> dict[str, float]:
    """Name with labels -> value."""
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))}


def until(condition):
    deadline = time.monotonic() + 10
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


@pytest.fixture
def own(fresh_gatehouse, make_world):
    program = fresh_gatehouse("--gateway-threads", "3", settings={**ROOMY, "access_log": {"path": "access.log"}})
    return program, make_world(program)


def test_requests_by_class_and_time(own, backend):
    program, world = own
    statuses = iter([200, 201, 302, 404, 503])
    backend.script = lambda request: Answer(next(statuses), body=b"12345")
    api = world.make_api()
    before = samples(scrape(program))
    for _ in range(5):
        world.call(api, "POST", body=b"abc")
    ask(program.gateway, "GET", "/nothing", api.host, [], b"", None)
    after = samples(scrape(program))

    def more(name: str) -> float:
        return after[name] - before[name]

    for status, count in (("2xx", 2), ("3xx", 1), ("4xx", 2), ("5xx", 1), ("none", 0)):
        assert more(f'gatehouse_requests_total{{listener="http",status="{status}"}}') == count
        assert more(f'gatehouse_requests_total{{listener="https",status="{status}"}}') == 0
    assert more("gatehouse_request_duration_seconds_count") == more("gatehouse_inner_duration_seconds_count") == 6
    assert more("gatehouse_backend_duration_seconds_count") == more("gatehouse_backend_attempts_total") == 5
    assert more("gatehouse_request_duration_seconds_sum") >= more("gatehouse_backend_duration_seconds_sum") > 0
    assert more('gatehouse_request_duration_seconds_bucket{le="+Inf"}') == 6
    assert more("gatehouse_received_bytes_total") > 15 and more("gatehouse_sent_bytes_total") > 25
    assert more('gatehouse_connections_accepted_total{listener="http"}') == 6
    assert after["gatehouse_requests_active"] == 0
    assert after["gatehouse_access_log_dropped_total"] == 0
    until(lambda: samples(scrape(program))["gatehouse_access_log_lines_total"] == 6)


def test_buckets_grow(own):
    program, world = own
    world.call(world.make_mock())
    text = scrape(program)
    for name in ("gatehouse_request_duration_seconds", "gatehouse_compile_duration_seconds", "gatehouse_publish_duration_seconds"):
        counts = [float(count) for count in re.findall(rf'^{name}_bucket{{le="[^"]*"}} (.*)$', text, re.MULTILINE)]
        assert counts == sorted(counts) and counts[-1] == samples(text)[f"{name}_count"] > 0


def test_refusals_by_policy_and_object(own):
    program, world = own
    denied = world.make_mock()
    acl = world.make_acl("127.0.0.1")
    world.bind_acl(acl, denied)
    closed = world.make_mock(auth_type="APP")
    assert [world.call(api).status for api in (denied, denied, closed)] == [403, 403, 401]
    ask(program.gateway, "GET", "/nothing", denied.host, [], b"", None)
    throttled, limited, guarded, broken = (world.make_mock() for _ in range(4))
    throttle = world.api.expect(201, "POST", "/throttles", {
        "name": unique("throttle"), "api_call_limits": 1, "time_unit": "HOUR", "time_interval": 1})
    world.api.expect(201, "POST", "/throttle-bindings", {"strategy_id": throttle["id"], "publish_ids": [throttled.publish_id]})
    limit = world.make_plugin("rate_limit", {
        "scope": "basic", "default_interval": 60, "default_time_unit": "minute", "api_limit": 1, "algorithm": "counter"})
    third = world.make_plugin("third_auth", {"auth_request": {
        "method": "GET", "protocol": "HTTP", "url_domain": "127.0.0.1:1", "path": "/", "timeout": 1000}})
    world.attach(limit, limited)
    world.attach(third, guarded)
    assert [world.call(api).status for api in (throttled, throttled, limited, limited, limited, guarded)] == [200, 429, 200, 429, 429, 500]
    # The instance's default limit has no object of its own.
    world.feature("ratelimit", {"api_limits": 1})
    assert [world.call(broken).status for _ in range(2)] == [200, 429]
    world.feature("ratelimit", {"api_limits": 200}, enable=False)
    found = samples(scrape(program))
    assert found[f'gatehouse_refusals_total{{policy="access_control",object="{acl["id"]}"}}'] == 2
    for policy, object_id, count in (("throttling", throttle["id"], 1), ("throttling", limit["plugin_id"], 2),
                                     ("third_auth", third["plugin_id"], 1), ("throttling", program.credentials["instance_id"], 1)):
        assert found[f'gatehouse_refusals_total{{policy="{policy}",object="{object_id}"}}'] == count
    assert found[f'gatehouse_refusals_total{{policy="app_authentication",object="{closed.id}"}}'] == 1
    assert found['gatehouse_refusals_total{policy="routing",object=""}'] == 1


def test_labels_are_bounded(own, backend):
    """Neither hosts that a client names nor many APIs make more series than the bound; none is lost."""
    program, world = own
    group = world.make_group()
    apis = [world.make_mock(group=group, auth_type="APP") for _ in range(10)]
    for number in range(100):
        ask(program.gateway, "GET", f"/{number}", f"h{number}.example.com", [], b"", None)
    for api in apis:
        world.call(api)
    refusals = {name: value for name, value in samples(scrape(program)).items() if name.startswith("gatehouse_refusals_total")}
    assert len(refusals) == 11 and sum(refusals.values()) == 110


def test_connections_and_pools(own, backend):
    program, world = own
    free = threading.Event()
    backend.script = lambda request: Answer(200, wait_for=free)
    api = world.make_api()
    callers = [threading.Thread(target=world.call, args=(api,)) for _ in range(3)]
    [caller.start() for caller in callers]
    backend.wait_for(3)
    found = samples(scrape(program))
    assert found["gatehouse_requests_active"] == 3 and found['gatehouse_connections{listener="http"}'] == 3
    assert found[f'gatehouse_backend_connections{{backend="{backend.address}",state="busy"}}'] == 3
    free.set()
    [caller.join() for caller in callers]
    found = until(lambda: (now := samples(scrape(program)))["gatehouse_requests_active"] == 0 and now)
    assert found[f'gatehouse_backend_connections{{backend="{backend.address}",state="idle"}}'] == 3
    assert found[f'gatehouse_backend_connections{{backend="{backend.address}",state="busy"}}'] == 0
    dead = world.make_api(backend={"url_domain": "127.0.0.1:1", "retry_count": "2"})
    assert world.call(dead).status == 502
    more = samples(scrape(program))
    assert more["gatehouse_backend_connect_failures_total"] - found["gatehouse_backend_connect_failures_total"] == 3
    assert more["gatehouse_backend_retries_total"] - found["gatehouse_backend_retries_total"] == 2


def test_revision_follows_the_configuration(own):
    program, world = own
    for _ in range(3):
        answer = world.api.post("/api-groups", {"name": unique("group")})
        found = samples(scrape(program))
        assert found["gatehouse_gateway_revision"] == found["gatehouse_configuration_revision"] == int(
            answer.headers["X-Gatehouse-Revision"])


def test_members_of_channels(own, backend):
    program, world = own
    check = {"protocol": "TCP", "threshold_normal": 1, "threshold_abnormal": 1, "time_interval": 5, "timeout": 2}
    channel = world.api.expect(201, "POST", "/vpc-channels", {
        "name": unique("channel"), "port": backend.port, "balance_strategy": 1, "member_type": "ip", "vpc_health_config": check,
        "members": [{"host": "127.0.0.1"}, {"host": "127.0.0.1", "port": 1}]})
    world.make_api(backend={
        "url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": channel["id"]}})

    def up(port: int) -> float:
        return samples(scrape(program))[f'gatehouse_channel_member_up{{channel="{channel["id"]}",member="127.0.0.1:{port}"}}']

    until(lambda: up(1) == 0)
    assert up(backend.port) == 1


def test_no_secret_is_in_it(own):
    program, world = own
    api = world.make_mock(auth_type="APP")
    world.call(api, target=f"{api.path}?apikey=SECRET1", headers=[("Authorization", "SECRET2"), ("X-Apig-AppCode", "SECRET3")])
    text = scrape(program)
    assert "SECRET" not in text and program.credentials["secret_key"] not in text


# Real counterparts ---------------------------------------------------------------------------------
needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="Debian's package prometheus is not there")


@needs_prometheus
def test_promtool_takes_it(own, backend):
    program, world = own
    world.call(world.make_api())
    world.call(world.make_mock(auth_type="APP"))
    done = subprocess.run(["promtool", "check", "metrics"], input=scrape(program).encode(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@needs_prometheus
def test_alert_rules_are_rules():
    done = subprocess.run(["promtool", "check", "rules", str(OPERATIONS / "alerts.yaml")], capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(["promtool", "test", "rules", str(OPERATIONS / "alerts-test.yaml")], capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def expressions() -> list[str]:
    dashboard = json.loads((OPERATIONS / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def test_rules_and_dashboard_name_what_is_there(fresh_gatehouse, make_world, backend):
    """And the dashboard shows all of it."""
    # Everything that has families of its own is switched on.
    program = fresh_gatehouse(settings={
        **ROOMY, "access_log": {"path": "access.log"}, "tracing": {"endpoint": f"http://{backend.address}"}})
    world = make_world(program)
    world.call(world.make_api())
    world.call(world.make_mock(auth_type="APP"))
    text = scrape(program)
    families = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    known = families | {f"{name}_{part}" for name in families for part in ("bucket", "sum", "count")}
    for file, found in (("dashboard", expressions()), ("alerts", [(OPERATIONS / "alerts.yaml").read_text()])):
        names = {name for text in found for name in re.findall(r"\b(?:gatehouse|process)_\w+", text)}
        assert names and names <= known, (file, names - known)
    shown = " ".join(expressions())
    assert not {name for name in families if not re.search(rf"\b{name}(_bucket|_sum|_count)?\b", shown)}


@needs_prometheus
def test_a_real_prometheus_scrapes_it(own, backend, tmp_path):
    """Every panel of the dashboard is a query that Prometheus understands, over what it has scraped."""
    from harness.process import free_port
    program, world = own
    (tmp_path / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": [
        {"job_name": "gatehouse", "static_configs": [{"targets": [f"127.0.0.1:{program.management_port}"]}]}]}))
    port = free_port()
    server = subprocess.Popen(
        ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
         f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def query(expression: str) -> list:
        from urllib.parse import urlencode
        answer = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{urlencode({'query': expression})}"))
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    try:
        def ready() -> bool:
            try:
                return bool(query('up{job="gatehouse"} == 1'))
            except OSError:
                return False
        deadline = time.monotonic() + 60
        while not ready():
            assert time.monotonic() < deadline, "Prometheus has scraped nothing"
            time.sleep(0.1)
        world.call(world.make_api())
        until(lambda: query('gatehouse_requests_total{status="2xx",listener="http"} == 1'))
        for expression in expressions():
            query(expression.replace("$__rate_interval", "1m").replace("$instance", ".*"))
    finally:
        server.terminate()
        server.wait()
