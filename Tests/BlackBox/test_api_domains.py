"""`domain_name` of a single API: a host at which it answers instead of those of its group."""

from __future__ import annotations

import threading

import pytest

from harness.management import RELEASE
from harness.world import unique
from test_caller_authentication import make_app, refused
from test_debug_sdk import described


def name() -> str:
    return f"{unique('d').replace('_', '-').lower()}.example.com"


@pytest.fixture
def app(world):
    return make_app(world)


@pytest.fixture
def make(world, app):
    """Makes APIs with a domain of their own."""

    def made(domain: str, **fields):
        api = world.make_api(domain_name=domain, roma_app_id=app.id, **fields)
        api.group_host, api.host = api.host, domain.rstrip(".").lower()
        return api

    return made


def test_it_reaches_that_api_alone(world, make, backend):
    group, domain = world.make_group(), name()
    neighbour = world.make_api(group=group)
    api = make(domain, group=group)
    assert world.call(api).status == 200
    assert world.call(api, host=f"{domain.upper()}.:8080").status == 200
    refused(world.call(api, host=api.group_host), 404, "0101")
    refused(world.call(neighbour, host=domain), 404, "0101")
    assert world.call(neighbour).status == 200
    shown = world.api.expect(200, "GET", f"/apis/{api.id}")
    assert (shown["domain_name"], shown["roma_app_id"]) == (domain, api.definition["roma_app_id"])
    refused(world.call(api, host="x." + domain), 404, "0101")


def test_environments(world, make):
    env, api = world.make_environment(), make(name())
    stage = [("X-Stage", env["name"])]
    refused(world.call(api, headers=stage), 404, "0101")
    world.publish(api, env["id"])
    assert world.call(api, headers=stage).status == 200
    world.offline(api)
    refused(world.call(api), 404, "0101")
    assert world.call(api, headers=stage).status == 200


def test_apis_may_share_one(world, make):
    domain, path = name(), f"/{unique('p')}"
    first, second = make(domain, path=path, method="GET"), make(domain, path=path, method="POST")
    assert world.call(first).status == 200 and world.call(second, "POST").status == 200
    third = make(domain, path=path, method="GET", publish=False)
    message = world.api.refused(400, "APIG.3301", "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": third.id})
    assert first.definition["name"] in message
    world.offline(first)
    world.publish(third)
    assert world.call(third).status == 200


def test_it_moves(world, make, app):
    api = make(name())
    before, after = api.host, name()
    definition = {**api.definition, "domain_name": after}
    world.api.expect(200, "PUT", f"/apis/{api.id}", definition)
    assert world.call(api, host=before).status == 200, "what is in force stays"
    world.publish(api)
    refused(world.call(api, host=before), 404, "0101")
    assert world.call(api, host=after).status == 200
    del definition["domain_name"]
    world.api.expect(200, "PUT", f"/apis/{api.id}", definition)
    world.publish(api)
    refused(world.call(api, host=after), 404, "0101")
    assert world.call(api, host=api.group_host).status == 200


def test_refusals(world, make, app):
    group = world.make_group()
    body = world.definition(group["id"], f"/{unique('p')}", domain_name=name())
    assert "roma_app_id" in world.api.refused(400, "APIG.2001", "POST", "/apis", body)
    for bad in ("nodots", "*.example.com", "a..example.com", "-a.example.com", "203.0.113.7", "a_b.example.com", "a b.example.com"):
        message = world.api.refused(400, "APIG.2011", "POST", "/apis", {**body, "roma_app_id": app.id, "domain_name": bad})
        assert "parameterName:domain_name." in message
    bound = name()
    world.api.expect(201, "POST", f"/api-groups/{group['id']}/domains", {"url_domain": bound})
    for taken in (bound, f"{group['id']}.apic.localhost", "x.apic.localhost"):
        api = make(taken, publish=False)
        message = world.api.refused(400, "APIG.2011", "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": api.id})
        assert "domain_name" in message
    api = make(name())
    world.api.refused(400, "APIG.3305", "POST", f"/api-groups/{group['id']}/domains", {"url_domain": api.host})
    world.offline(api)
    world.api.expect(201, "POST", f"/api-groups/{group['id']}/domains", {"url_domain": api.host})


def test_debugging(world, make, backend):
    api = make(name())
    for mode in ("DEVELOPER", "CONSUMER"):
        answer = world.api.expect(200, "POST", f"/apis/debug/{api.id}", described(api.path, mode=mode))
        assert answer["response"].startswith("HTTP/1.1 200"), answer


def test_it_survives_a_restart(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_api(domain_name="own.example.com", roma_app_id=make_app(world).id)
    assert world.call(api, host="own.example.com").status == 200
    program.stop()
    world = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert world.call(api, host="own.example.com").status == 200


def test_changes_while_traffic_flows(world, make):
    api = make(name())
    stop, seen = threading.Event(), []

    def load() -> None:
        with world.connect() as wire:
            while not stop.is_set():
                seen.append(world.call(api, wire=wire).status)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for _ in range(5):
            world.offline(api)
            assert world.call(api).status == 404
            world.publish(api)
            assert world.call(api).status == 200
    finally:
        stop.set()
        thread.join()
    assert set(seen) <= {200, 404}
