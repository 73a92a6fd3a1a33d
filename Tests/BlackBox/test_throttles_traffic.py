"""Throttling policies and the instance's default limit on traffic: exact, at once, and apart from each other."""

import json
import threading

import pytest

from harness.wire import Wire
from harness.world import unique

DEBUG = [("X-Apig-Mode", "debug")]


@pytest.fixture
def throttled(world):
    """Makes a policy of an hour and binds it: `throttled(api, ..., api_call_limits=3)`."""
    def make(*apis, **fields):
        policy = world.api.expect(201, "POST", "/throttles", {
            "name": unique("throttle"), "time_unit": "HOUR", "time_interval": 1, **fields})
        applied = world.api.expect(201, "POST", "/throttle-bindings", {
            "strategy_id": policy["id"], "publish_ids": [api.publish_id for api in apis]})["throttle_applys"]
        return policy, applied
    return make


def statuses(world, api, count, **options):
    return [world.call(api, **options).status for _ in range(count)]


def test_the_api_limit_and_its_refusal(world, throttled):
    api = world.make_mock("fine")
    throttled(api, api_call_limits=2)
    first = world.call(api, headers=DEBUG)
    assert first.get("X-Apig-RateLimit-api") == "remain:1,limit:2,time:1 hour"
    assert first.get("X-Apig-RateLimit-ip") is None
    assert world.call(api).status == 200
    refused = world.call(api)
    assert refused.status == 429
    assert refused.json()["error_code"] == "APIC.0308"
    assert refused.json()["error_msg"] == "The throttling threshold has been reached."


def test_the_address_limit(world, throttled):
    world.feature("real_ip_header_getter", {"enable": "on", "header_getter": "header:X-Seen-From"})
    try:
        api = world.make_mock()
        throttled(api, api_call_limits=100, ip_call_limits=2)
        def ask(address):
            return world.call(api, headers=[("X-Seen-From", address)]).status
        assert [ask("10.0.0.1") for _ in range(3)] == [200, 200, 429]
        assert [ask("10.0.0.2") for _ in range(3)] == [200, 200, 429]
    finally:
        world.feature("real_ip_header_getter", {"enable": "off", "header_getter": ""}, enable=False)


def test_exclusive_policies_count_each_api_and_shared_ones_all(world, throttled):
    first, second = world.make_mock(), world.make_mock()
    throttled(first, second, api_call_limits=2, type=1)
    assert statuses(world, first, 3) == [200, 200, 429]
    assert statuses(world, second, 3) == [200, 200, 429]
    throttled(first, second, api_call_limits=3, type=2)
    assert statuses(world, first, 2) == [200, 200]
    assert statuses(world, second, 2) == [200, 429]


def test_changes_are_in_force_for_the_next_request(world, throttled):
    api = world.make_mock()
    wire = world.connect()
    policy, applied = throttled(api, api_call_limits=1)
    assert statuses(world, api, 2, wire=wire) == [200, 429]
    world.api.expect(200, "PUT", f"/throttles/{policy['id']}", {"api_call_limits": 3})
    assert statuses(world, api, 3, wire=wire) == [200, 200, 429], "a changed limit goes on counting"
    world.api.expect(204, "DELETE", f"/throttle-bindings/{applied[0]['id']}")
    assert statuses(world, api, 5, wire=wire) == [200] * 5
    world.api.expect(201, "POST", "/throttle-bindings", {"strategy_id": policy["id"], "publish_ids": [api.publish_id]})
    assert statuses(world, api, 4, wire=wire) == [200, 200, 200, 429], "a new binding starts anew"


def test_a_binding_outlives_taking_the_api_offline(world, throttled):
    api = world.make_mock()
    throttled(api, api_call_limits=1)
    world.offline(api)
    world.publish(api)
    assert statuses(world, api, 2) == [200, 429]


def test_the_plug_in_wins_over_the_policy(world, throttled):
    api = world.make_mock()
    throttled(api, api_call_limits=1)
    plugin = world.make_plugin("rate_limit", {
        "scope": "basic", "default_interval": 1, "default_time_unit": "hour", "api_limit": 3, "algorithm": "counter"})
    world.attach(plugin, api)
    assert statuses(world, api, 4) == [200, 200, 200, 429]
    world.detach(plugin, api)
    assert statuses(world, api, 2) == [200, 429]


def test_the_default_limit_holds_where_no_policy_is_bound(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse())
    free, bound = world.make_mock(), world.make_mock()
    assert world.call(free, headers=DEBUG).get("X-Apig-RateLimit-api-allenv") is None, "off until it is switched on"
    world.feature("ratelimit", {"api_limits": 1000000})
    seen = world.call(free, headers=DEBUG)
    assert seen.get("X-Apig-RateLimit-api-allenv").endswith(",limit:1000000,time:1 second")
    policy = world.api.expect(201, "POST", "/throttles", {
        "name": unique("throttle"), "api_call_limits": 1, "time_unit": "DAY", "time_interval": 1})
    world.api.expect(201, "POST", "/throttle-bindings", {"strategy_id": policy["id"], "publish_ids": [bound.publish_id]})
    seen = world.call(bound, headers=DEBUG)
    assert seen.get("X-Apig-RateLimit-api") == "remain:0,limit:1,time:1 day"
    assert seen.get("X-Apig-RateLimit-api-allenv") is None
    world.feature("ratelimit", {"api_limits": 1})
    # More calls than seconds can pass meanwhile: some fall into one second.
    answers = statuses(world, world.make_mock(), 40)
    assert answers[0] == 200 and 429 in answers
    world.feature("ratelimit", {"api_limits": 1}, enable=False)
    assert statuses(world, free, 40) == [200] * 40
    for config in ({"api_limits": 0}, {"api_limits": 1000001}, {"limits": 5}, "many"):
        world.api.refused(400, "APIG.2012", "POST", "/features", {
            "name": "ratelimit", "enable": True, "config": config if isinstance(config, str) else json.dumps(config)})


def test_no_call_too_many_at_any_number_of_connections(world, throttled):
    api = world.make_mock()
    limit, clients, each = 200, 24, 25
    throttled(api, api_call_limits=limit)
    counts, lock, ready = [], threading.Lock(), threading.Barrier(clients)

    def run():
        wire = Wire(world.gatehouse.gateway)
        ready.wait()
        passed = sum(world.call(api, wire=wire).status == 200 for _ in range(each))
        with lock:
            counts.append(passed)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == clients and sum(counts) == limit
