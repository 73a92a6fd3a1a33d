"""What attached plug-ins do to traffic, and that a change is in force with its answer."""

from __future__ import annotations

import json
import threading
import time

import pytest

from harness.backend import Answer, Backend, json_answer
from harness.process import free_port
from harness.wire import head
from test_caller_authentication import App, vendor


# set_resp_headers ------------------------------------------------------------------------------

@pytest.mark.parametrize("action, present, absent", [
    ("override", ["new"], ["new"]), ("append", ["a,b,new"], ["new"]), ("delete", [], []), ("skip", ["a", "b"], ["new"]), ("add", ["a", "b", "new"], ["new"])])
def test_set_resp_headers(world, backend, action, present, absent):
    api = world.make_api()
    world.attach(world.make_plugin("set_resp_headers", {"response_headers": [
        {"name": "X-Test", "value": "new", "action": action}]}), api)
    backend.script = lambda _: Answer(headers=[("x-test", "a"), ("X-Test", "b")])
    assert [part.strip() for value in world.call(api).all("X-Test") for part in ([value] if action != "append" else value.split(","))] == (
        present if action != "append" else present[0].split(","))
    assert len(world.call(api).all("X-Test")) == (1 if action == "append" else len(present))
    backend.script = lambda _: Answer()
    assert world.call(api).all("X-Test") == absent


def test_set_resp_headers_on_mock_and_errors(world):
    plugin = world.make_plugin("set_resp_headers", {"response_headers": [{"name": "X-Test", "value": "1", "action": "override"}]})
    mock, dead = world.make_mock("{}"), world.make_api(backend={"url_domain": f"127.0.0.1:{free_port()}"})
    world.attach(plugin, mock, dead)
    assert world.call(mock).all("X-Test") == ["1"]
    reply = world.call(dead)
    assert (reply.status, reply.all("X-Test")) == (502, ["1"])


def test_set_resp_headers_change_while_traffic_flows(world):
    api = world.make_api()
    plugin = world.make_plugin("set_resp_headers", {"response_headers": [{"name": "X-Test", "value": "1", "action": "override"}]})
    world.attach(plugin, api)
    with world.connect() as wire:
        for value in "2345":
            shown = world.api.get(f"/plugins/{plugin['plugin_id']}").json()
            world.api.expect(200, "PUT", f"/plugins/{plugin['plugin_id']}", {
                "plugin_name": shown["plugin_name"], "plugin_type": "set_resp_headers", "plugin_scope": "global",
                "plugin_content": json.dumps({"response_headers": [{"name": "X-Test", "value": value, "action": "override"}]})})
            assert world.call(api, wire=wire).all("X-Test") == [value]


# cors ------------------------------------------------------------------------------------------

CORS = {"allow_origin": "https://a.example,https://b.example", "allow_methods": "GET,POST", "allow_headers": "X-A,X-B",
        "expose_headers": "X-Request-Id", "max_age": 600, "allow_credentials": True}


def preflight(world, api, origin="https://a.example", method="POST", headers="X-A"):
    return world.call(api, "OPTIONS", headers=[
        ("Origin", origin), ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", headers)])


def test_cors_preflight(world, backend):
    api = world.make_api(method="POST")
    assert preflight(world, api).status == 404, "without the plug-in there is no OPTIONS"
    world.attach(world.make_plugin("cors", CORS), api)
    reply = preflight(world, api)
    assert reply.status == 200
    assert reply.one("Access-Control-Allow-Origin") == "https://a.example" and "Origin" in reply.one("Vary")
    assert reply.one("Access-Control-Allow-Methods") == "GET,POST"
    assert reply.one("Access-Control-Allow-Headers") == "X-A,X-B"
    assert reply.one("Access-Control-Max-Age") == "600" and reply.one("Access-Control-Allow-Credentials") == "true"
    assert backend.requests == []
    assert not preflight(world, api, "https://evil.example").all("Access-Control-Allow-Origin")


def test_cors_on_answers(world, backend):
    api = world.make_api(method="GET")
    world.attach(world.make_plugin("cors", CORS), api)
    backend.script = lambda _: Answer(headers=[("Access-Control-Allow-Origin", "*"), ("X-B", "1")])
    reply = world.call(api, headers=[("Origin", "https://b.example")])
    assert reply.all("Access-Control-Allow-Origin") == ["https://b.example"]
    assert reply.one("Access-Control-Expose-Headers") == "X-Request-Id" and reply.one("X-B") == "1"
    assert not world.call(api, headers=[("Origin", "https://evil.example")]).all("Access-Control-Allow-Origin")


def test_cors_any_origin(world):
    api = world.make_mock("{}", method="GET")
    world.attach(world.make_plugin("cors", {"allow_origin": "*", "allow_methods": "GET"}), api)
    assert world.call(api, headers=[("Origin", "https://x.example")]).one("Access-Control-Allow-Origin") == "*"
    assert preflight(world, api, "https://x.example", "GET").one("Access-Control-Allow-Origin") == "*"


def test_cors_method_must_be_allowed(world):
    api = world.make_api(method="DELETE")
    plugin = world.make_plugin("cors", {"allow_origin": "*", "allow_methods": "GET"})
    result = world.api.post(f"/plugins/{plugin['plugin_id']}/attach", {"env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_ids": [api.id]})
    assert 400 <= result.status < 500


def test_cors_detached(world):
    api = world.make_mock("{}", method="GET")
    plugin = world.make_plugin("cors", {"allow_origin": "*", "allow_methods": "GET"})
    world.attach(plugin, api)
    world.detach(plugin, api)
    assert preflight(world, api, method="GET").status == 404
    assert not world.call(api, headers=[("Origin", "https://x.example")]).all("Access-Control-Allow-Origin")


# rate_limit ------------------------------------------------------------------------------------

def limit(**fields):
    return {"scope": "basic", "default_interval": 60, "default_time_unit": "minute", "api_limit": 5, "algorithm": "counter", **fields}


def statuses(world, api, count, **options):
    return [world.call(api, **options).status for _ in range(count)]


def test_rate_limit_per_api(world):
    api = world.make_mock("{}")
    world.attach(world.make_plugin("rate_limit", limit()), api)
    assert statuses(world, api, 8) == [200] * 5 + [429] * 3
    reply = world.call(api)
    assert (reply.json()["error_code"], reply.json()["error_msg"]) == ("APIC.0308", "The throttling threshold has been reached.")


@pytest.mark.parametrize("algorithm", ["counter", "haht", "local"])
def test_rate_limit_algorithms(world, algorithm):
    api = world.make_mock("{}")
    world.attach(world.make_plugin("rate_limit", limit(algorithm=algorithm)), api)
    assert statuses(world, api, 7) == [200] * 5 + [429] * 2


@pytest.mark.parametrize("scope, expected", [("basic", 200), ("share", 429)])
def test_rate_limit_scope(world, scope, expected):
    one, other = world.make_mock("{}"), world.make_mock("{}")
    world.attach(world.make_plugin("rate_limit", limit(scope=scope)), one, other)
    assert statuses(world, one, 5) == [200] * 5
    assert world.call(other).status == expected


def test_rate_limit_per_address(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse())
    world.feature("real_ip_from_xff", {"enable": "on", "xff_index": 0})
    api = world.make_mock("{}")
    world.attach(world.make_plugin("rate_limit", limit(api_limit=100, ip_limit=2)), api)
    for address in ("1.1.1.1", "2.2.2.2"):
        assert statuses(world, api, 3, headers=[("X-Forwarded-For", address)]) == [200, 200, 429]


def test_rate_limit_rules(world):
    api = world.make_mock("{}", path="/", match_mode="SWA")
    world.attach(world.make_plugin("rate_limit", limit(
        api_limit=100,
        parameters=[{"type": "path", "name": "reqPath", "value": "reqPath"}, {"type": "method", "name": "method", "value": "method"},
                    {"type": "header", "name": "Kind", "value": "X-Kind"}, {"type": "query", "name": "q", "value": "q"}],
        rules=[{"rule_name": "paths", "match_regex": '["reqPath","~~","^/slow/"]', "interval": 60, "time_unit": "minute", "limit": 2},
               {"rule_name": "kinds", "match_regex": '["AND",["Kind","in","a,b"],["method","==","POST"]]', "interval": 60, "time_unit": "minute", "limit": 1},
               {"rule_name": "query", "match_regex": '["OR",["q","==","x"],["q","==","y"]]', "interval": 60, "time_unit": "minute", "limit": 1}])), api)
    assert statuses(world, api, 3, target="/slow/1") == [200, 200, 429]
    assert statuses(world, api, 3, target="/fast/slow/1") == [200] * 3
    assert statuses(world, api, 2, target="/k", method="POST", headers=[("X-Kind", "a")]) == [200, 429]
    assert statuses(world, api, 2, target="/k", method="GET", headers=[("X-Kind", "a")]) == [200, 200]
    assert statuses(world, api, 2, target="/k", method="POST", headers=[("X-Kind", "c")]) == [200, 200]
    assert [world.call(api, target=f"/q?q={value}").status for value in ("x", "y", "z")] == [200, 429, 200]


def test_rate_limit_is_exact_under_concurrency(world):
    api = world.make_mock("{}")
    world.attach(world.make_plugin("rate_limit", limit(api_limit=200)), api)
    seen: list[int] = []

    def client():
        with world.connect() as wire:
            seen.extend(world.call(api, wire=wire).status for _ in range(50))

    threads = [threading.Thread(target=client) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (seen.count(200), seen.count(429)) == (200, 200)


def test_rate_limit_window_ends(world):
    api = world.make_mock("{}")
    world.attach(world.make_plugin("rate_limit", limit(default_interval=1, default_time_unit="second", api_limit=1)), api)
    deadline = time.monotonic() + 20
    found = {world.call(api).status for _ in range(20)}
    assert found == {200, 429}
    while world.call(api).status != 200:
        assert time.monotonic() < deadline


def test_rate_limit_debug_headers(world):
    api = world.make_mock("{}")
    world.attach(world.make_plugin("rate_limit", limit(api_limit=10, ip_limit=4)), api)
    reply = world.call(api, headers=[("X-Apig-Mode", "debug")])
    assert reply.one("X-Apig-RateLimit-api").startswith("remain:9,limit:10,time:60 minute")
    assert reply.one("X-Apig-RateLimit-ip").startswith("remain:3,limit:4,time:60 minute")


def test_rate_limit_changes_while_traffic_flows(world):
    api = world.make_mock("{}")
    plugin = world.make_plugin("rate_limit", limit(api_limit=1))
    with world.connect() as wire:
        assert statuses(world, api, 3, wire=wire) == [200] * 3
        world.attach(plugin, api)
        assert statuses(world, api, 2, wire=wire) == [200, 429]
        world.detach(plugin, api)
        assert statuses(world, api, 2, wire=wire) == [200, 200]


# breaker ---------------------------------------------------------------------------------------

def breaker(condition=None, **fields):
    return {"scope": "basic", "breaker_condition": {
        "breaker_type": "condition", "breaker_mode": "counter", "unhealthy_condition": '["$context.statusCode","in","500,503"]',
        "unhealthy_threshold": 3, "min_call_threshold": 4, "unhealthy_percentage": 50, "time_window": 30, "open_breaker_time": 60,
        **(condition or {})}, "downgrade_default": None, **fields}


def test_breaker_counts_statuses(world, backend):
    api = world.make_api()
    world.attach(world.make_plugin("breaker", breaker()), api)
    backend.script = lambda _: Answer(500)
    assert statuses(world, api, 3) == [500] * 3
    reply = world.call(api)
    assert reply.status == 503 and reply.json()["error_code"].startswith("APIC.")
    assert len(backend.requests) == 3, "an open breaker keeps the backend free"


def test_breaker_counts_timeouts_and_closes_again(world, backend):
    never = threading.Event()
    api = world.make_api(backend={"timeout": 100, "retry_count": "0"})
    world.attach(world.make_plugin("breaker", breaker({"breaker_type": "timeout", "unhealthy_condition": "", "open_breaker_time": 1})), api)
    backend.script = lambda _: Answer(wait_for=never)
    assert statuses(world, api, 3) == [504] * 3
    assert world.call(api).status == 503
    never.set()
    backend.script = lambda _: Answer()
    deadline = time.monotonic() + 20
    while world.call(api).status != 200:
        assert time.monotonic() < deadline


def test_breaker_percentage(world, backend):
    """Judged at the end of the window."""
    api = world.make_api()
    world.attach(world.make_plugin("breaker", breaker({"breaker_mode": "percentage", "time_window": 1})), api)
    backend.script = lambda _: Answer(500)
    deadline = time.monotonic() + 20
    while world.call(api).status == 500:
        assert time.monotonic() < deadline
    assert world.call(api).status == 503


def test_breaker_downgrades(world, backend, second_backend):
    other = second_backend
    other.script = lambda request: Answer(body=b"other:" + request.path.encode())
    downgrades = {
        "mock": ({"type": "mock", "mock_info": {"status_code": 203, "result_content": "sorry", "headers": []}}, 203, b"sorry"),
        "http": ({"type": "http", "http_info": {"isVpc": False, "vpc_channel_id": "", "address": other.address, "scheme": "HTTP",
                                                "method": "GET", "path": "/demo", "timeout": 5000}}, 200, b"other:/demo"),
    }
    for downgrade, status, body in downgrades.values():
        api = world.make_api()
        world.attach(world.make_plugin("breaker", breaker(downgrade_default=downgrade)), api)
        backend.script = lambda _: Answer(500)
        assert statuses(world, api, 3) == [500] * 3
        reply = world.call(api)
        assert (reply.status, reply.body) == (status, body)


def test_breaker_rules(world, backend):
    """A rule has counters and a downgrade of its own; the rest uses the default."""
    api = world.make_api("/", match_mode="SWA")
    world.attach(world.make_plugin("breaker", breaker(
        downgrade_parameters=[{"type": "path", "name": "reqPath", "value": "reqPath"}],
        downgrade_rules=[{"rule_name": "r1", "parameters": ["reqPath"], "match_regex": '["reqPath","==","/ruled"]', "breaker_condition": None,
                          "downgrade_backend": {"type": "mock", "mock_info": {"status_code": 200, "result_content": "ruled", "headers": []}}}])), api)
    backend.script = lambda _: Answer(500)
    assert statuses(world, api, 3, target="/ruled") == [500] * 3
    assert world.call(api, target="/ruled").body == b"ruled"
    assert statuses(world, api, 3, target="/free") == [500] * 3
    assert world.call(api, target="/free").status == 503


def test_breaker_detached(world, backend):
    api = world.make_api()
    plugin = world.make_plugin("breaker", breaker())
    world.attach(plugin, api)
    backend.script = lambda _: Answer(500)
    assert statuses(world, api, 4) == [500] * 3 + [503]
    world.detach(plugin, api)
    assert statuses(world, api, 5) == [500] * 5


# third_auth ------------------------------------------------------------------------------------

def third(auth: Backend, **fields):
    return {"auth_request": {"method": "GET", "protocol": "HTTP", "url_domain": auth.address, "path": "/check", "timeout": 2000},
            "identities": {"headers": [{"name": "X-Token"}], "queries": []}, "simple_auth_mode_enabled": True,
            "custom_forbid_limit": 100, "rule_enabled": False, **fields}


def gatekeeper(request):
    good = request.all("X-Token") == ["good"]
    return json_answer({"ok": good}, 200 if good else 401)


@pytest.fixture
def guarded(world, second_backend):
    """Makes an API with a third_auth plug-in whose service accepts the token `good`."""
    second_backend.script = gatekeeper

    def make(path=None, match_mode="NORMAL", **fields):
        api = world.make_api(path, match_mode=match_mode)
        world.attach(world.make_plugin("third_auth", third(second_backend, **fields)), api)
        return api
    return make


GOOD, WRONG = [("X-Token", "good")], [("X-Token", "wrong")]


def test_third_auth(world, backend, second_backend, guarded):
    api = guarded()
    assert world.call(api, headers=GOOD).status == 200
    assert len(backend.requests) == 1 and second_backend.last.path == "/check"
    reply = world.call(api, headers=WRONG)
    assert (reply.status, reply.json()["error_code"]) == (401, "APIC.0312")
    assert reply.json()["error_msg"] == "Incorrect third-party authentication information,auth fail"
    reply = world.call(api)
    assert (reply.status, reply.json()["error_code"]) == (401, "APIC.0313")
    assert len(backend.requests) == 1, "a refused call does not reach the backend"


def test_third_auth_carries(world, backend, second_backend, guarded):
    api = guarded("/", "SWA", carry_path_enabled=True, carry_body={"enabled": True, "max_body_size": 1000}, carry_resp_headers=["X-User"])
    second_backend.script = lambda _: json_answer({}, 200)
    second_backend.script = lambda _: Answer(200, [("X-User", "u1"), ("X-Other", "no")])
    assert world.call(api, "POST", "/orders/1", GOOD, b"the body").status == 200
    assert second_backend.last.path.endswith("/orders/1") and second_backend.last.body == b"the body"
    assert backend.last.one("X-User") == "u1" and not backend.last.has("X-Other") and backend.last.body == b"the body"


def test_a_body_announced_to_iam_and_third_auth(world, backend, second_backend):
    """Nobody is asked to send a body that is refused by its head; the one that both accept comes as a whole."""
    second_backend.script = gatekeeper
    api = world.make_api(auth_type="IAM")
    world.attach(world.make_plugin("third_auth", third(second_backend, carry_body={"enabled": True, "max_body_size": 1000})), api)
    known = world.api.credentials
    caller = App("", "", known["access_key"], known["secret_key"])

    def announced(token: str, sent: bytes, key: App = caller) -> list[int]:
        """Statuses of the answers to a request whose signature is over `hello`."""
        target, fields = vendor(key, "POST", api.path, api.host, body=b"hello")
        with world.connect() as wire:
            wire.send(head("POST", target, [
                ("Host", api.host), *fields, ("X-Token", token), ("Content-Length", str(len(sent))), ("Expect", "100-continue")]))
            seen = [wire.reply().status]
            if seen == [100]:
                wire.send(sent)
                seen.append(wire.reply().status)
            return seen

    assert announced("good", b"hello") == [100, 200]
    assert backend.last.body == b"hello" and second_backend.last.body == b"hello"
    assert announced("good", b"other") == [100, 401], "another body than the signed one"
    asked = len(second_backend.requests)
    assert announced("good", b"hello", App("", "", known["access_key"], "wrong"))[-1] == 401
    assert len(second_backend.requests) == asked, "whom IAM refuses is not asked about"
    assert announced("wrong", b"hello")[-1] == 401
    assert len(backend.requests) == 1


def test_third_auth_returns_the_body(world, second_backend, guarded):
    api = guarded(return_resp_body_enabled=True)
    assert b'"ok": false' in world.call(api, headers=WRONG).body


def test_third_auth_match_auth(world, second_backend, guarded):
    api = guarded(simple_auth_mode_enabled=False, match_auth={"key": "X-Verdict", "value": "yes"})
    second_backend.script = lambda request: Answer(200, [("X-Verdict", "yes" if request.all("X-Token") == ["good"] else "no")])
    assert [world.call(api, headers=headers).status for headers in (GOOD, WRONG)] == [200, 401]


@pytest.mark.parametrize("rule_type, open_path, guarded_path", [("allow", "/public", "/private"), ("deny", "/private", "/public")])
def test_third_auth_rules(world, guarded, rule_type, open_path, guarded_path):
    api = guarded("/", "SWA", rule_enabled=True, rule_type=rule_type, parameters=[{"type": "path", "name": "reqPath", "value": "reqPath"}],
                  rules=[{"rule_name": "r1", "match_regex": '["reqPath","==","/public"]'}])
    assert world.call(api, target=open_path, headers=WRONG).status == 200
    assert world.call(api, target=guarded_path, headers=WRONG).status == 401


@pytest.mark.parametrize("downgrade, status", [(True, 200), (False, 500)])
def test_third_auth_service_is_down(world, backend, guarded, second_backend, downgrade, status):
    api = guarded(auth_downgrade_enabled=downgrade)
    second_backend.script = lambda _: Answer(reset=True)
    reply = world.call(api, headers=GOOD)
    assert reply.status == status
    if status == 500:
        assert reply.json()["error_code"] in ("APIC.0616", "APIC.0617") and backend.requests == []


def test_third_auth_blocks_guessing(world, guarded, second_backend):
    api = guarded(custom_forbid_limit=3)
    assert statuses(world, api, 3, headers=WRONG) == [401] * 3
    asked = len(second_backend.requests)
    replies = [world.call(api, headers=headers) for headers in (WRONG, GOOD)]
    assert [(reply.status, reply.json()["error_code"]) for reply in replies][-1] == (403, "APIC.0314")
    assert len(second_backend.requests) <= asked + 1


def test_third_auth_detached(world, second_backend):
    second_backend.script = gatekeeper
    api = world.make_api()
    plugin = world.make_plugin("third_auth", third(second_backend))
    world.attach(plugin, api)
    with world.connect() as wire:
        assert world.call(api, headers=WRONG, wire=wire).status == 401
        world.detach(plugin, api)
        assert world.call(api, headers=WRONG, wire=wire).status == 200
