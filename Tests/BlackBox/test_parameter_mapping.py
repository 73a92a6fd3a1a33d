"""Backend parameters on traffic: where values come from, where they go, what arrives."""

import re
import threading

import pytest

from harness.backend import Answer, echo
from harness.signatures import verify_hmac
from harness.world import unique
from test_caller_authentication import authorize, call_signed, make_app


def param(name, location="QUERY", **fields):
    return {"name": name, "type": "STRING", "location": location, **({"required": 1} if location == "PATH" else {}), **fields}


def to(name, location, value, origin="REQUEST"):
    return {"name": name, "location": location, "origin": origin, "value": value}


PARAMS = [param("p", "PATH"), param("q"), param("X-H", "HEADER")]
# What the request gives each of the three.
GIVEN = {"p": "a b", "q": "a b", "X-H": "a b"}


def call(world, api, target, headers=(), status=200, **more):
    before = len(world.backend.requests)
    reply = world.call(api, target=target, headers=list(headers), **more)
    assert reply.status == status, (target, reply.status, reply.body)
    assert len(world.backend.requests) == before + (status == 200), "a refused request reaches no backend"
    if status == 400:
        assert reply.json()["error_code"] == "APIC.0201" and reply.json()["error_msg"] == "Bad request."
        return None
    return world.backend.requests[-1]


@pytest.mark.parametrize("source", ["p", "q", "X-H"])
@pytest.mark.parametrize("location", ["PATH", "QUERY", "HEADER"])
def test_every_place_to_every_place(sdk, world, source, location):
    path = f"/{unique('p')}/{{p}}"
    definition = world.definition(
        world.make_group()["id"], path, backend={"req_uri": "/to/{t}" if location == "PATH" else "/to"},
        req_params=PARAMS, backend_params=[to("t", location, source)])
    made = sdk.create_api_v2(body=definition)
    shown = sdk.show_details_of_api_v2(api_id=made.id).backend_params[0]
    assert (shown.name, shown.location, shown.origin, shown.value) == ("t", location, "REQUEST", source)
    published = world.api.expect(201, "POST", "/apis/action", {
        "action": "online", "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_id": made.id})
    assert published["publish_id"]
    reply = world.call(
        None, target=path.replace("{p}", "a%20b") + "?q=a%20b&u=1", headers=[("X-H", "a b"), ("X-U", "2")],
        host=f"{definition['group_id']}.apic.localhost")
    assert reply.status == 200
    got = world.backend.last
    assert got.path == ("/to/a%20b" if location == "PATH" else "/to")
    expected = ([] if source == "q" else ["q=a%20b"]) + ["u=1"] + (["t=a%20b"] if location == "QUERY" else [])
    assert got.query.split("&") == expected, "moved, and nothing else is touched"
    assert got.all("t") == (["a b"] if location == "HEADER" else [])
    assert got.all("X-H") == ([] if source == "X-H" else ["a b"]) and got.all("X-U") == ["2"]


def test_constants_win(world):
    api = world.make_api(backend={"req_uri": "/to/{c}"}, backend_params=[
        to("c", "PATH", "[api]/x", "CONSTANT"), to("c", "QUERY", "[api] <&>", "CONSTANT"), to("X-C", "HEADER", "gate way", "CONSTANT")])
    got = call(world, api, api.path + "?c=client&%63=client&d=1", [("X-C", "client"), ("x-c", "client")])
    assert got.target == "/to/%5Bapi%5D%2Fx?d=1&c=%5Bapi%5D%20%3C%26%3E"
    assert got.all("X-C") == ["gate way"]


def test_constant_host(world):
    api = world.make_api(backend_params=[to("Host", "HEADER", "inner.example:8080", "CONSTANT")])
    got = call(world, api, api.path)
    assert got.all("Host") == ["inner.example:8080"] and got.one("X-Forwarded-Host") == api.host


def test_system_values(world):
    names = ["sourceIp", "stage", "apiId", "apiName", "appId", "appName", "requestId", "serverAddr", "serverName", "handleTime",
             "providerAppId", "clientCertCN"]
    api = world.make_api(backend={"req_uri": "/{s}"}, backend_params=[
        to("s", "PATH", "$context.stage", "SYSTEM"), to("s", "QUERY", "$context.apiId", "SYSTEM"),
        *(to(f"V-{name}", "HEADER", f"$context.{name}", "SYSTEM") for name in names)])
    reply = world.call(api, headers=[("V-apiId", "client"), ("X-Request-Id", "client")])
    assert reply.status == 200
    got = world.backend.last
    assert got.target == f"/RELEASE?s={api.id}"
    values = {name: got.one(f"V-{name}") for name in names}
    assert values["stage"] == "RELEASE" and values["apiId"] == api.id and values["apiName"] == api.definition["name"] and values["sourceIp"] == "127.0.0.1"
    assert values["requestId"] == reply.one("X-Request-Id") == got.one("X-Request-Id")
    assert re.fullmatch(r"\d{13}", values["handleTime"]) and values["serverName"] and values["serverAddr"]
    assert [values[name] for name in ("appId", "appName", "providerAppId", "clientCertCN")] == [""] * 4


def test_the_calling_application(world):
    app = make_app(world)
    api = world.make_api(auth_type="APP", backend_params=[
        to("app", "QUERY", "$context.appId", "SYSTEM"), to("X-App", "HEADER", "$context.appName", "SYSTEM")])
    authorize(world, app, api)
    assert call_signed(world, api, app, headers={"X-App": "client"}).status == 200
    assert world.backend.last.query == f"app={app.id}" and world.backend.last.all("X-App") == [app.name]


def test_pass_through_and_defaults(sdk, world):
    params = [param("kept"), param("held", pass_through=2), param("X-Held", "HEADER", pass_through=2),
              param("spare", default_value="s 1"), param("X-Spare", "HEADER", default_value="s"),
              param("moved", default_value="m"), param("silent", default_value="no", pass_through=2)]
    api = world.make_api(req_params=params, backend_params=[to("X-Moved", "HEADER", "moved")])
    got = call(world, api, api.path)
    assert (got.query, got.all("X-Spare"), got.all("X-Moved")) == ("spare=s%201", ["s"], ["m"])
    got = call(world, api, api.path + "?u=%7e&kept=%41&kept=2&held=3&spare=4&moved=5&silent=6",
               [("X-Held", "7"), ("x-spare", "8"), ("X-Spare", "9")])
    assert got.query == "u=%7e&kept=%41&kept=2&spare=4", "not a byte of what is forwarded changes"
    assert (got.all("X-Spare"), got.all("X-Moved"), got.has("X-Held")) == (["8", "9"], ["5"], False)


def test_repeated_values(world):
    api = world.make_api(req_params=[param("q", valid_enable=1, max_size=2), param("X-H", "HEADER")], backend_params=[
        to("X-Q", "HEADER", "q"), to("h", "QUERY", "X-H")])
    got = call(world, api, api.path + "?q=1&q=long&q=", [("X-H", "one"), ("x-h", "two")])
    assert got.all("X-Q") == ["1", "long", ""] and got.query == "h=one&h=two"
    call(world, api, api.path + "?q=long&q=1", status=400)


def test_values_of_two_targets(world):
    api = world.make_api(req_params=[param("q")], backend_params=[to("a", "QUERY", "q"), to("X-B", "HEADER", "q")])
    got = call(world, api, api.path + "?q=1")
    assert got.query == "a=1" and got.all("X-B") == ["1"]


@pytest.mark.parametrize("target, value", [("QUERY", "?></%#\"[\\]^`{|}"), ("QUERY", "=+& \u00e4\u4e2d\x01\x7f:;,@!$'()*~"),
                                           ("PATH", "?><%#\"[]^`{|} &=+"), ("PATH", "\u00e4\u4e2d\x01\x7f:;,@!$'()*~")])
def test_percent_encoding(world, target, value):
    """Byte for byte by the two tables of the reference."""
    special = {"PATH": "?></%#\"[\\]^`{|}", "QUERY": ">=<+&%#\"[\\]^`{|}"}[target]
    api = world.make_api(req_params=[param("q")], backend_params=[to("t", target, "q")],
                         backend={"req_uri": "/to/{t}"} if target == "PATH" else None)
    sent = "".join(f"%{byte:02x}" for byte in value.encode())
    got = call(world, api, f"{api.path}?q={sent}")
    encoded = "".join(
        chr(byte) if 32 < byte < 127 and chr(byte) not in special else f"%{byte:02X}" for byte in value.encode())
    assert got.target.endswith(f"/to/{encoded}" if target == "PATH" else f"?t={encoded}")


@pytest.mark.parametrize("value", ["a%0d%0aX-Evil: 1", "%00", "a%0a", "%7f", "%1b"])
def test_no_control_bytes_in_headers(world, value):
    api = world.make_api(req_params=[param("q")], backend_params=[to("X-Q", "HEADER", "q")])
    call(world, api, f"{api.path}?q={value.replace(' ', '%20')}", status=400)
    call(world, api, f"{api.path}?q=good&q={value.replace(' ', '%20')}", status=400)


@pytest.mark.parametrize("value", ["", ".", "..", "../..", "x/..", "%2e%2e", "..%5c"])
def test_no_other_path(world, value):
    api = world.make_api(req_params=[param("q")], backend={"req_uri": "/safe/{t}/end"}, backend_params=[to("t", "PATH", "q")])
    call(world, api, f"{api.path}?q={value}", status=400)
    call(world, api, api.path, status=400)
    assert call(world, api, f"{api.path}?q=...").path == "/safe/.../end"


def test_too_much(world):
    api = world.make_api(req_params=[param("q")], backend_params=[to(f"X-{n}", "HEADER", "q") for n in range(40)])
    call(world, api, f"{api.path}?q={'x' * 15_000}", status=400)
    assert call(world, api, f"{api.path}?q={'x' * 1000}").one("X-39") == "x" * 1000


def test_signed_last(world, backend):
    """The key signs the mapped path and query and the headers that parameters set; several values travel in one line."""
    key, secret = "signing-key-0001", "signing-secret-000001"
    api = world.make_api(
        req_params=[param("q"), param("X-H", "HEADER")], backend={"req_uri": "/to/{t}"}, backend_params=[
            to("t", "PATH", "q"), to("h", "QUERY", "X-H"), to("X-User", "HEADER", "q"), to("X-Const", "HEADER", "c  d", "CONSTANT"),
            to("Content-Type", "HEADER", "a/b", "CONSTANT"), to("Host", "HEADER", "inner.example", "CONSTANT")])
    world.bind_sign(world.make_sign(sign_key=key, sign_secret=secret), api)
    for target, user in (("?q=a%20b%5B&u=1&q=second", "a b[, second"), ("?q=x", "x"), ("?q=%20x%20", "x")):
        assert world.call(api, "POST", api.path + target, [("X-H", "[1]"), ("X-User", "client"), ("Content-Type", "x/y")], b"body").status == 200
        got = backend.last
        assert verify_hmac(got, {key: secret}) == key
        signed = re.search("SignedHeaders=([^,]*)", got.one("Authorization"))[1].split(";")
        assert {"x-user", "x-const", "content-type", "host"} <= set(signed) and signed == sorted(signed)
        assert (got.one("X-User"), got.one("Host"), got.one("Content-Type")) == (user, "inner.example", "a/b")


def test_prefix_with_parameters(world):
    api = world.make_api(f"/{unique('p')}/{{p}}", match_mode="SWA", backend={"req_uri": "/to/{t}/{c}"}, req_params=[param("p", "PATH")],
                         backend_params=[to("t", "PATH", "p"), to("c", "PATH", "fixed", "CONSTANT")])
    assert call(world, api, api.path.replace("{p}", "one") + "/and/more?x=1").target == "/to/one/fixed/and/more?x=1"


def test_escapes_are_kept(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse())
    api = world.make_api("/aa/{p}", backend={"req_uri": "/to/{t}"}, req_params=[param("p", "PATH")], backend_params=[
        to("t", "PATH", "p"), to("X-P", "HEADER", "p")])
    world.feature("api_uri_no_escape")
    got = call(world, api, "/aa/x%2Fy%5B")
    assert got.path == "/to/x%2Fy%5B" and got.one("X-P") == "x%2Fy%5B"
    world.feature("api_uri_no_escape", "off")
    assert world.call(api, target="/aa/x%2Fy").status == 404
    got = call(world, api, "/aa/x%5B")
    assert got.path == "/to/x%5B" and got.one("X-P") == "x["


def test_content_type_of_the_api(world):
    api = world.make_api(content_type="application/json", req_params=[param("type", pass_through=2)], backend_params=[])
    assert world.call(api, "POST", body=b"{}").status == 200
    assert world.backend.last.all("Content-Type") == ["application/json"]
    world.call(api, "POST", body=b"{}", headers=[("Content-Type", "text/plain")])
    assert world.backend.last.all("Content-Type") == ["text/plain"]


def test_changed_while_traffic_flows(sdk, world):
    api = world.make_api(req_params=[param("q")], backend_params=[to("X-Old", "HEADER", "q")])
    failures, stop = [], threading.Event()

    def traffic():
        wire = world.connect()
        while not stop.is_set():
            reply = world.call(api, target=api.path + "?q=1", wire=wire)
            if reply.status != 200:
                failures.append(reply.status)
    threads = [threading.Thread(target=traffic) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        wire = world.connect()
        for name in ("X-New", "X-Newer", "X-Old"):
            sdk.update_api_v2(api_id=api.id, body={**api.definition, "backend_params": [to(name, "HEADER", "q")]})
            world.publish(api)
            mark = unique("mark")
            assert world.call(api, target=f"{api.path}?q={mark}", wire=wire).status == 200
            got = next(r for r in reversed(world.backend.requests) if r.all(name) == [mark])
            assert got.query == "" and sum(got.has(other) for other in ("X-Old", "X-New", "X-Newer")) == 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_open_breakers(world, second_backend):
    """An open breaker's lines stand whatever the call says; its own backend gets what is passed on, and nothing is moved."""
    backend = world.backend
    condition = {
        "breaker_type": "condition", "breaker_mode": "counter", "unhealthy_condition": '["$context.statusCode","in","500"]',
        "unhealthy_threshold": 1, "min_call_threshold": 4, "unhealthy_percentage": 50, "time_window": 30, "open_breaker_time": 60}
    downgrades = [
        {"type": "passthrough", "passthrough_infos": [{"key": "X-Mode", "value": "open"}]},
        {"type": "http", "http_info": {"isVpc": False, "vpc_channel_id": "", "address": second_backend.address, "scheme": "HTTP",
                                       "method": "GET", "path": "/demo", "timeout": 5000}}]
    for downgrade in downgrades:
        api = world.make_api(req_params=[param("q"), param("held", pass_through=2)], backend_params=[to("X-Mode", "HEADER", "q")])
        world.attach(world.make_plugin("breaker", {
            "scope": "basic", "breaker_condition": condition, "downgrade_default": downgrade, "downgrade_parameters": None,
            "downgrade_rules": None}), api)
        backend.script = lambda _: Answer(500)
        assert world.call(api, target=api.path + "?q=client&held=1").status == 500
        assert backend.last.all("X-Mode") == ["client"] and backend.last.query == ""
        backend.script = echo
        assert world.call(api, target=api.path + "?q=client&held=1&u=2").status == 200
        if downgrade["type"] == "passthrough":
            assert backend.last.all("X-Mode") == ["open"] and backend.last.query == "u=2"
        else:
            assert second_backend.last.target == "/demo?q=client&u=2" and not second_backend.last.has("X-Mode")


def test_debugging(world, call):
    api = world.make_api(req_params=[param("q", pass_through=2), param("r")], backend_params=[to("X-R", "HEADER", "r")])
    sent = call.expect(200, "POST", f"/apis/debug/{api.id}", {
        "mode": "DEVELOPER", "scheme": "HTTP", "method": "GET", "path": api.path, "query": {"q": ["1"], "r": ["2"]}})
    assert "200 OK" in sent["response"].splitlines()[0]
    got = world.backend.last
    assert got.query == "" and got.all("X-R") == ["2"]
