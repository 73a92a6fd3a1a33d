"""What load-balance channels do to traffic: distribution, failure of members, changes while traffic flows."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from collections import Counter

import pytest

from harness.backend import Answer, Backend
from harness.management import Call
from harness.process import free_port
from harness.world import World, unique


class Servers:
    """Backends that answer with their number."""

    def __init__(self, count: int):
        self.all = [self._make(number) for number in range(count)]

    @staticmethod
    def _make(number: int) -> Backend:
        backend = Backend()
        backend.script = lambda _: Answer(body=str(number).encode())
        return backend

    def revive(self, number: int) -> None:
        """The same server on the same port, after `close`."""
        old = self.all[number]
        self.all[number] = Backend(port=old.port)
        self.all[number].script = old.script

    def member(self, number: int, **fields) -> dict:
        return {"host": "127.0.0.1", "port": self.all[number].port, **fields}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> ssl.SSLContext:
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "k.pem", "-out", folder / "c.pem",
                    "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "c.pem", folder / "k.pem")
    return context


@pytest.fixture
def servers():
    made = Servers(3)
    yield made
    for backend in made.all:
        backend.close()


def channel(world, members, strategy=1, **fields):
    return world.api.expect(201, "POST", "/vpc-channels", {
        "name": unique("channel"), "port": 80, "balance_strategy": strategy, "member_type": "ip", "members": members, **fields})


def publish(world, made, method="ANY", **backend):
    proxy_host = {"vpc_channel_proxy_host": backend.pop("proxy_host")} if "proxy_host" in backend else {}
    return world.make_api(method=method, backend={
        "url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": made["id"], **proxy_host}, **backend})


def ask(world, api, times, wire=None, code=False, **options):
    """How often each server answered, and each other status or code."""
    seen = Counter()
    for _ in range(times):
        reply = world.call(api, wire=wire, **options)
        seen[reply.body.decode() if reply.status == 200 else reply.json()["error_code"] if code else reply.status] += 1
    return seen


def test_round_robin_is_exact(world, servers):
    api = publish(world, channel(world, [servers.member(number, weight=weight) for number, weight in enumerate((5, 3, 2))]))
    for _ in range(3):
        assert ask(world, api, 10) == {"0": 5, "1": 3, "2": 2}
    assert ask(world, api, 200) == {"0": 100, "1": 60, "2": 40}


def test_weight_0_and_disabled_members_get_nothing(world, servers):
    made = channel(world, [servers.member(0), servers.member(1, weight=0), servers.member(2, status=2)])
    assert ask(world, publish(world, made), 12) == {"0": 12}


def test_group_weights(world, servers):
    made = channel(
        world, [servers.member(0, member_group_name="a", weight=9), servers.member(1, member_group_name="b", weight=1)],
        member_groups=[{"member_group_name": "a", "member_group_weight": 1}, {"member_group_name": "b", "member_group_weight": 3}])
    assert ask(world, publish(world, made), 40) == {"0": 10, "1": 30}


def test_backups_step_in_when_nobody_else_is_there(world, servers):
    made = channel(world, [servers.member(0), servers.member(1, is_backup=True)])
    api = publish(world, made)
    assert ask(world, api, 6) == {"0": 6}
    shown = world.api.get(f"/vpc-channels/{made['id']}").json()["members"]
    first = next(member["id"] for member in shown if not member["is_backup"])
    path = f"/vpc-channels/{made['id']}/members/batch-"
    world.api.expect(204, "POST", path + "disable", {"member_ids": [first]})
    assert ask(world, api, 6) == {"1": 6}
    world.api.expect(204, "POST", path + "enable", {"member_ids": [first]})
    assert ask(world, api, 6) == {"0": 6}


def test_source_hash_keeps_a_client(world, servers):
    api = publish(world, channel(world, [servers.member(number) for number in range(3)], strategy=3))
    assert len(ask(world, api, 30)) == 1


def test_uri_hash_moves_only_the_paths_of_the_member_that_goes(world, servers):
    made = channel(world, [servers.member(number) for number in range(3)], strategy=4)
    api = world.make_api(path=f"/{unique('p')}", match_mode="SWA", backend={
        "url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": made["id"]}})
    place = lambda: {number: world.call(api, target=f"{api.path}/{number}").body.decode() for number in range(60)}
    before = place()
    assert before == place() and set(before.values()) == {"0", "1", "2"}
    shown = world.api.get(f"/vpc-channels/{made['id']}").json()["members"]
    gone = next(member["id"] for member in shown if member["port"] == servers.all[2].port)
    world.api.expect(204, "DELETE", f"/vpc-channels/{made['id']}/members/{gone}")
    after = place()
    assert all(after[number] == where for number, where in before.items() if where != "2")
    assert set(after.values()) == {"0", "1"}


def test_least_connections_avoids_the_busy_member(world, servers):
    released = threading.Event()
    servers.all[0].script = lambda _: Answer(body=b"0", wait_for=released)
    api = publish(world, channel(world, [servers.member(0), servers.member(1)], strategy=2))
    held = threading.Thread(target=lambda: ask(world, api, 2))
    held.start()
    servers.all[0].wait_for(1)
    try:
        assert ask(world, api, 10) == {"1": 10}
    finally:
        released.set()
        held.join()


def test_a_dead_member_costs_no_idempotent_request(world, servers):
    dead = {"host": "127.0.0.1", "port": free_port()}
    api = publish(world, channel(world, [servers.member(0), dead]))
    assert ask(world, api, 20) == {"0": 20}, "the repetition goes to the other member"
    assert ask(world, api, 20, method="POST") == {"0": 10, 502: 10}, "POST is not repeated"


def test_retry_count_and_all_dead(world, servers):
    dead = [{"host": "127.0.0.1", "port": free_port()} for _ in range(2)]
    api = publish(world, channel(world, [servers.member(0), *dead]), retry_count="2")
    assert ask(world, api, 12, method="POST") == {"0": 12}
    reply = world.call(publish(world, channel(world, dead)))
    assert (reply.status, reply.json()["error_code"]) == (502, "APIC.0202")


def test_a_member_that_is_too_slow_is_not_asked_again(world, servers):
    released = threading.Event()
    servers.all[0].script = lambda _: Answer(body=b"0", wait_for=released)
    api = publish(world, channel(world, [servers.member(0), servers.member(1)]), timeout=300)
    try:
        assert ask(world, api, 4) == {"1": 4}
        assert ask(world, api, 2, method="POST", code=True) == {"1": 1, "APIC.0203": 1}
    finally:
        released.set()


def test_no_member(world):
    reply = world.call(publish(world, channel(world, [])))
    assert (reply.status, reply.json()["error_code"], reply.json()["error_msg"]) == (502, "APIC.0610", "No backend available.")


def test_host_of_the_request(world, servers):
    made = channel(world, [servers.member(0)])
    api = publish(world, made)
    ask(world, api, 1)
    assert servers.all[0].last.one("Host") == api.host
    ask(world, publish(world, made, proxy_host="shop.example.com"), 1)
    assert servers.all[0].last.one("Host") == "shop.example.com"


def test_a_draft_behind_a_channel_is_debugged(world, servers):
    made = channel(world, [servers.member(1)])
    api = world.make_api(publish=False, backend={
        "url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": made["id"]}})
    answer = world.api.expect(200, "POST", f"/apis/debug/{api.id}", {
        "mode": "DEVELOPER", "scheme": "HTTP", "method": "GET", "path": api.path})
    assert answer["response"].startswith("HTTP/1.1 200") and answer["response"].endswith("1")
    assert len(servers.all[1].requests) == 1


def test_breaker_downgrades_to_a_channel(world, servers):
    made = channel(world, [servers.member(1)])
    servers.all[0].script = lambda _: Answer(status=500)
    api = world.make_api(backend={"url_domain": servers.all[0].address})
    world.attach(world.make_plugin("breaker", {
        "breaker_condition": {"breaker_type": "condition", "breaker_mode": "counter", "unhealthy_threshold": 1,
                              "unhealthy_condition": '["$context.statusCode","in","500"]', "open_breaker_time": 600},
        "downgrade_default": {"type": "http-vpc", "http_vpc_info": {
            "vpc_channel_id": made["id"], "scheme": "HTTP", "method": "GET", "path": "/"}}}), api)
    assert [world.call(api).status for _ in range(3)] == [500, 200, 200]


def test_third_auth_asks_a_channel(world, servers):
    made = channel(world, [servers.member(0), servers.member(1)])
    request = {"method": "GET", "protocol": "HTTP", "path": "/auth", "timeout": 5000, "vpc_channel_enabled": True}
    def attach(**more):
        api = world.make_api(backend={"url_domain": servers.all[2].address})
        plugin = world.make_plugin("third_auth", {"auth_request": {
            **request, "vpc_channel_info": {"vpc_id": made["id"], "vpc_proxy_host": ""}}, **more})
        world.attach(plugin, api)
        return api
    api, relaxed = attach(), attach(auth_downgrade_enabled=True)
    assert ask(world, api, 4) == {"2": 4}
    assert [len(server.requests) for server in servers.all] == [2, 2, 4]
    assert servers.all[0].last.one("Host") == api.host and servers.all[0].last.target == "/auth"
    path = f"/vpc-channels/{made['id']}/members"
    world.api.expect(200, "PUT", path, {"members": []})
    reply = world.call(api)
    assert (reply.status, reply.json()["error_code"], reply.json()["error_msg"]) == (
        500, "APIC.0615", "Incorrect third-party authentication VPC information")
    assert ask(world, relaxed, 2) == {"2": 2}
    world.api.expect(201, "POST", path, {"members": [servers.member(1)]})
    servers.all[1].script = lambda _: Answer(status=403)
    assert ask(world, api, 2) == {401: 2}


# Active health checks ----------------------------------------------------------------------------

def check(protocol="TCP", **fields):
    more = {} if protocol.upper() == "TCP" else {"path": "/health", "http_code": "200,204-206"}
    return {"protocol": protocol, "threshold_normal": 1, "threshold_abnormal": 1, "time_interval": 5, "timeout": 2, **more, **fields}


def until(world, api, wanted, times=None, seconds=60, **options):
    """Asks until as many answers in a row are as wanted."""
    times = times or sum(wanted.values())
    end, seen = time.monotonic() + seconds, None
    while time.monotonic() < end:
        seen = ask(world, api, times, **options)
        if seen == wanted:
            return
    raise AssertionError(f"{seen} never became {wanted}")


def health(status):
    """A script that answers checks with this status and everything else with its number."""
    return lambda number: lambda request: Answer(
        status=status if request.path == "/health" else 200, body=b"" if request.path == "/health" else str(number).encode())


def test_http_checks(world, servers):
    for number in range(2):
        servers.all[number].script = health(204)(number)
    made = channel(world, [servers.member(0), servers.member(1)], vpc_health_config=check("http", method="HEAD"))
    api = publish(world, made)
    [probe] = servers.all[0].wait_for(1)
    assert (probe.method, probe.target, probe.one("Host"), probe.one("User-Agent")) == (
        "HEAD", "/health", servers.all[0].address, "gatehouse-health-check")
    assert ask(world, api, 4) == {"0": 2, "1": 2}
    servers.all[1].script = health(503)(1)
    until(world, api, {"0": 4})
    assert ask(world, api, 20, method="POST") == {"0": 20}
    servers.all[1].script = health(200)(1)
    until(world, api, {"0": 2, "1": 2})


def test_a_member_dies_and_comes_back(world, servers):
    """TCP checks; nobody notices the death but who must not be asked twice."""
    made = channel(world, [servers.member(0), servers.member(1)], vpc_health_config=check())
    api = publish(world, made)
    assert ask(world, api, 4) == {"0": 2, "1": 2}
    stop, seen = threading.Event(), Counter()

    def load():
        with world.connect() as wire:
            while not stop.is_set():
                seen.update(ask(world, api, 1, wire=wire))

    thread = threading.Thread(target=load)
    thread.start()
    try:
        servers.all[1].close()
        until(world, api, {"0": 20}, method="POST")
        servers.revive(1)
        until(world, api, {"1": 1}, method="POST")
    finally:
        stop.set()
        thread.join()
    assert set(seen) == {"0", "1"}, seen


def test_backups_and_nobody(world, servers):
    made = channel(world, [servers.member(0), servers.member(1, is_backup=True)], vpc_health_config=check())
    api = publish(world, made)
    assert ask(world, api, 4) == {"0": 4}
    servers.all[0].close()
    until(world, api, {"1": 4}, method="POST")
    servers.all[1].close()
    until(world, api, {502: 4}, method="POST")
    until(world, api, {"APIC.0610": 4}, method="POST", code=True)
    servers.revive(1)
    until(world, api, {"1": 4}, method="POST")
    servers.revive(0)
    until(world, api, {"0": 4}, method="POST")


def test_https_checks(world, servers, certificate):
    secure = Backend(tls=certificate)
    try:
        secure.script = health(200)(9)
        made = channel(world, [servers.member(0), {"host": "127.0.0.1", "port": secure.port}],
                       vpc_health_config=check("HTTPS"))
        api = publish(world, made, req_protocol="HTTPS")
        secure.wait_for(1)
        # The other one speaks no TLS.
        until(world, api, {"9": 4})
    finally:
        secure.close()


def test_another_port_is_checked(world, servers):
    """The port of the check, not of the members."""
    dead = free_port()
    made = channel(world, [servers.member(0)], vpc_health_config=check(port=dead))
    api = publish(world, made)
    until(world, api, {502: 4})
    path = f"/vpc-channels/{made['id']}/health-config"
    world.api.expect(200, "PUT", path, {"port": servers.all[1].port})
    assert ask(world, api, 4) == {"0": 4}, "another question begins with members that are up"
    world.api.expect(200, "PUT", path, {"port": dead})
    until(world, api, {502: 4})
    world.api.expect(200, "PUT", path, {"status": 2})
    assert ask(world, api, 4) == {"0": 4}, "without checks everybody is up"


def test_a_channel_that_is_used_again_begins_with_members_that_are_up(world, servers):
    servers.all[1].close()
    made = channel(world, [servers.member(0), servers.member(1)], vpc_health_config=check(threshold_abnormal=2))
    api = publish(world, made)
    assert ask(world, api, 4, method="POST") == {"0": 2, 502: 2}, "one failed check is not enough"
    until(world, api, {"0": 4}, method="POST")
    world.offline(api)
    world.publish(api)
    assert ask(world, api, 4, method="POST") == {"0": 2, 502: 2}
    until(world, api, {"0": 4}, method="POST")


def test_checks_with_a_certificate_need_one(world, servers):
    made = channel(world, [servers.member(0)], vpc_health_config=check("HTTPS", enable_client_ssl=True))
    api = world.make_api(publish=False, backend={
        "url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": made["id"]}})
    message = world.api.refused(400, "APIG.2011", "POST", "/apis/action", {
        "action": "online", "env_id": "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_id": api.id})
    assert "vpc_health_config" in message


# Changes while traffic flows ---------------------------------------------------------------------

def test_members_come_and_go_while_traffic_flows(world, servers):
    made = channel(world, [servers.member(0)])
    api = publish(world, made)
    stop, seen = threading.Event(), [Counter() for _ in range(3)]

    def load(counter):
        with world.connect() as wire:
            while not stop.is_set():
                counter.update(ask(world, api, 1, wire=wire))

    threads = [threading.Thread(target=load, args=(counter,)) for counter in seen]
    [thread.start() for thread in threads]
    own = World(world.gatehouse, Call(world.gatehouse.credentials, world.gatehouse.management), world.backend)
    path = f"/vpc-channels/{made['id']}/members"
    try:
        for round in range(60):
            only = [servers.member(round % 3, status=1)]
            own.api.expect(200, "PUT", path, {"members": only})
            assert ask(world, api, 2) == {str(round % 3): 2}, "in force with the answer"
            both = own.api.expect(201, "POST", path, {"members": [servers.member((round + 1) % 3, status=1)]})["members"]
            assert any(str((round + 1) % 3) in ask(world, api, 1) for _ in range(1000)), "the new one has its turn"
            own.api.expect(204, "POST", path + "/batch-disable", {"member_ids": [both[0]["id"]]})
            assert ask(world, api, 2) == {str(round % 3): 2}
    finally:
        stop.set()
        [thread.join() for thread in threads]
    total = sum(seen, Counter())
    assert set(total) == {"0", "1", "2"} and sum(total.values()) > 180, total
