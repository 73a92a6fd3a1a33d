"""What Gatehouse is configured with: one API a scenario, and fillers to reach a number of published APIs."""

from __future__ import annotations

import threading
import urllib.parse
from pathlib import Path
from types import SimpleNamespace

import servers  # also puts the test harness on the path
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from harness.management import RELEASE, Call
from harness.process import Gatehouse
from harness.world import World, unique

PASS, SIGNED, CHANNEL, ALL = "pass-through", "hmac signing", "channel", "all policies"
CALLER, THROTTLED, MAPPED = "APP signature", "throttling", "parameters mapped"
TLS, CODE = "TLS pass-through", "AppCode over TLS"
#: Driven over TLS, and compared with nginx over TLS.
OVER_TLS = {TLS, CODE}
#: Driven by h2load over TLS.
HTTP2 = "HTTP/2 over TLS"
#: The same with calls of gRPC, to a backend that speaks HTTP/2.
GRPC = "gRPC over TLS"
#: Each in a process of its own.
LOGGED, KAFKA = "access log", "Kafka push"


def world_of(program: Gatehouse, backend_port: int) -> World:
    return World(program, Call(program.credentials, program.management), SimpleNamespace(address=f"127.0.0.1:{backend_port}"))


def call_of(host: str | None = None) -> dict:
    """A unary call of gRPC, as a target of ``measure.run``."""
    return {"path": "/bench.Calls/Unary", "h2": True, "message": servers.MESSAGE, "headers": {
        **({"Host": host} if host else {}), "content-type": "application/grpc", "te": "trailers"}}


def configure(program: Gatehouse, backend_port: int, grpc_port: int) -> dict[str, dict]:
    """Publishes the APIs; scenario -> Host header and path for wrk."""
    world = world_of(program, backend_port)
    apis = {name: world.make_api("/", method="GET", match_mode="SWA") for name in (PASS, SIGNED, THROTTLED, TLS)}
    app = make_app(world)
    # Checked members: the same backend in two groups.
    channel = world.api.expect(201, "POST", "/vpc-channels", {
        "name": "bench_channel", "port": backend_port, "balance_strategy": 1, "member_type": "ip",
        "member_groups": [{"member_group_name": name} for name in "ab"],
        "members": [{"host": "127.0.0.1", "member_group_name": name} for name in "ab"],
        "vpc_health_config": {"protocol": "TCP", "threshold_normal": 1, "threshold_abnormal": 10, "time_interval": 5}})
    balanced = {"url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": channel["id"]}}
    apis[CHANNEL] = world.make_api("/", method="GET", match_mode="SWA", backend=balanced)
    apis[CALLER] = world.make_api("/", method="GET", match_mode="SWA", auth_type="APP")
    apis[CODE] = world.make_api(
        "/", method="GET", match_mode="SWA", auth_type="APP", auth_opt={"app_code_auth_type": "HEADER"})
    apis[ALL] = world.make_api("/", method="GET", match_mode="SWA", auth_type="APP", backend=balanced)
    apis[MAPPED] = world.make_api(
        "/", method="GET", match_mode="SWA",
        req_params=[{"name": "x-name", "type": "STRING", "location": "HEADER", "required": 2, "default_value": "d", "pass_through": 2}],
        backend_params=[
            {"name": "X-Moved", "origin": "REQUEST", "location": "HEADER", "value": "x-name"},
            {"name": "X-Environment", "origin": "SYSTEM", "location": "HEADER", "value": "$context.stage"},
            {"name": "fixed", "origin": "CONSTANT", "location": "QUERY", "value": "1"}])
    for name in (CALLER, CODE, ALL):
        world.api.expect(201, "POST", "/app-auths", {
            "env_id": RELEASE, "app_ids": [app.id], "api_ids": [apis[name].id]})
    code = world.api.expect(201, "PUT", f"/apps/{app.id}/app-codes", {})["app_code"]
    throttle = world.api.expect(201, "POST", "/throttles", {
        "name": unique("throttle"), "type": 1, "api_call_limits": 2_000_000_000, "ip_call_limits": 1_000_000_000,
        "time_interval": 1, "time_unit": "SECOND"})
    world.api.expect(201, "POST", "/throttle-bindings", {
        "strategy_id": throttle["id"], "publish_ids": [apis[THROTTLED].publish_id]})
    world.bind_sign(world.make_sign(), apis[SIGNED], apis[ALL])
    world.bind_acl(world.make_acl("127.0.0.0/8,10.0.0.0/8,192.168.0.1-192.168.0.99", "PERMIT"), apis[ALL])
    for kind, content in {
        "set_resp_headers": {"response_headers": [{"name": "X-Bench", "value": "1", "action": "override"}]},
        "cors": {"allow_origin": "*", "allow_methods": "GET"},
        "rate_limit": {"scope": "basic", "default_interval": 1, "default_time_unit": "second", "api_limit": 2_000_000_000,
                       "ip_limit": 1_000_000_000, "algorithm": "counter"},
        "breaker": {"scope": "basic", "breaker_condition": {
            "breaker_type": "timeout", "breaker_mode": "counter", "unhealthy_threshold": 30, "time_window": 15, "open_breaker_time": 15},
            "downgrade_default": None},
    }.items():
        world.attach(world.make_plugin(kind, content), apis[ALL])
    targets = {
        name: {"path": "/bench", "headers": {"Host": api.host}, "tls": name in OVER_TLS} for name, api in apis.items()}
    for name in (CALLER, ALL):
        targets[name]["headers"] = signed(app, apis[name].host)
    targets[CODE]["headers"]["X-Apig-AppCode"] = code
    calls = world.make_api("/bench.Calls", method="POST", match_mode="SWA", req_protocol="GRPCS", backend_type="GRPC", backend={
        "url_domain": f"127.0.0.1:{grpc_port}", "req_protocol": "GRPC", "req_method": "POST", "req_uri": "/"})
    targets[GRPC] = call_of(calls.host)
    targets[HTTP2] = {"path": "/bench", "headers": {"Host": apis[TLS].host}, "h2": True}
    return targets


def configure_log(program: Gatehouse, backend_port: int, brokers: list[str]) -> dict:
    """An API that is forwarded and, with brokers, logged to Kafka with its default fields."""
    world = world_of(program, backend_port)
    api = world.make_api("/", method="GET", match_mode="SWA")
    if brokers:
        world.attach(world.make_plugin("kafka_log", {
            "broker_list": brokers, "topic": "bench", "key": "", "max_retry_count": 0, "retry_backoff": 1,
            "meta_config": {"system": {}, "call_data": {}}}), api)
    return {"path": "/bench", "headers": {"Host": api.host}}


def make_app(world: World) -> SimpleNamespace:
    made = world.api.expect(201, "POST", f"{world.api.public_path}/apps", {"name": unique("app")})
    secret = world.api.expect(200, "GET", f"{world.api.public_path}/apps/{made['id']}/secret")["secret"]
    return SimpleNamespace(id=made["id"], key=made["key"], secret=secret)


def signed(app: SimpleNamespace, host: str) -> dict[str, str]:
    """Headers of the vendor's signer for `GET /bench`: good for fifteen minutes."""
    request = SdkRequest(
        method="GET", schema="http", host=host, resource_path="/bench", query_params=[], header_params={}, body=b"")
    Signer(SimpleNamespace(ak=app.key, sk=app.secret)).sign(request)
    return {**{name: urllib.parse.unquote(value) if name == "Host" else value for name, value in request.header_params.items()},
            "Host": host}


def fill(program: Gatehouse, backend_port: int, total: int) -> list[tuple[str, int]]:
    """Publishes fillers until there are `total` APIs; (host, number of APIs `/f/<n>/{id}`) of each new group."""
    world = world_of(program, backend_port)
    missing = total - world.api.expect(200, "GET", "/apis", query={"env_id": RELEASE, "limit": 1})["total"]
    groups: list[tuple[str, int]] = []
    while missing > 0:
        count = min(1000, missing)
        group = world.make_group()
        made: list[str] = []

        def create(numbers: range) -> None:
            own = world_of(program, backend_port)
            made.extend(own.make_api(
                f"/f/{number}/{{id}}", "GET", group=group, publish=False, backend={"req_uri": "/"},
                req_params=[{"name": "id", "type": "STRING", "location": "PATH", "required": 1}]).id for number in numbers)

        threads = [threading.Thread(target=create, args=(range(part, count, 4),)) for part in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        done = world.api.expect(200, "POST", "/apis/publish", {"apis": made, "env_id": RELEASE}, query={"action": "online"})
        assert len(done["success"]) == count, done["failure"][:3]
        groups.append((f"{group['id']}.apic.localhost", count))
        missing -= count
    return groups


def spread_script(folder: Path, groups: list[tuple[str, int]]) -> Path:
    """A wrk script that asks for every filler in turn."""
    table = ", ".join(f'{{"{host}", {count}}}' for host, count in groups)
    script = folder / f"spread-{len(groups)}-{sum(count for _, count in groups)}.lua"
    script.write_text(f"""
local groups = {{ {table} }}
local group, number = 1, 0
request = function()
    number = number + 7
    local entry = groups[group]
    group = group % #groups + 1
    return wrk.format("GET", "/f/" .. (number % entry[2]) .. "/42", {{ ["Host"] = entry[1] }})
end
""")
    return script
