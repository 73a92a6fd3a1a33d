"""APIs whose backend is the gateway itself: an API may not call itself, and a chain may have ten APIs."""

from __future__ import annotations

import pytest

from harness.backend import Answer
from harness.world import hex_id, unique
from test_caller_authentication import refused

HOP = "X-Gatehouse-Hop"


@pytest.fixture
def addressed(world):
    """Makes APIs of the group that answers at the gateway's own address, and takes them offline at the end."""
    default = next(group for group in world.api.expect(200, "GET", "/api-groups?limit=500&name=DEFAULT")["groups"] if group["is_default"] == 1)
    made = []

    def make(backend_path: str | None = None, **fields):
        host, port = world.gatehouse.gateway
        backend = {"url_domain": f"{host}:{port}", "req_uri": backend_path} if backend_path else None
        made.append(world.make_api(group=default, backend=backend, **fields))
        made[-1].host = f"{host}:{port}"
        return made[-1]

    yield make
    for api in made:
        world.offline(api)


def test_an_api_that_calls_itself(world, addressed, backend):
    path = f"/{unique('p')}"
    api = addressed(path, path=path)
    reply = world.call(api)
    assert refused(reply, 500, "0612") == "An API cannot call itself."
    assert backend.requests == []
    # The same through a third-party authentication that asks the API which it guards.
    guarded = addressed(path=f"/{unique('p')}")
    host, port = world.gatehouse.gateway
    plugin = world.make_plugin("third_auth", {
        "auth_request": {"method": "GET", "protocol": "HTTP", "url_domain": f"{host}:{port}", "path": guarded.path, "timeout": 2000},
        "identities": {"headers": [], "queries": []}, "simple_auth_mode_enabled": True, "custom_forbid_limit": 100,
        "rule_enabled": False})
    world.attach(plugin, guarded)
    refused(world.call(guarded), 401, "0312")
    world.detach(plugin, guarded)


def test_ten_apis_in_a_chain(world, addressed, backend):
    paths = [f"/{unique('p')}" for _ in range(11)]
    chain = [addressed(following, path=path) for path, following in zip(paths, paths[1:])]
    last = addressed(path=paths[-1])
    # The tenth may still go to a backend.
    assert world.call(chain[1]).status == 200
    assert len(backend.requests) == 1 and backend.last.one(HOP).startswith(f"10.{last.id}.")
    refused(world.call(chain[0]), 500, "0612")
    assert len(backend.requests) == 1
    assert world.call(last).status == 200
    assert backend.last.one(HOP).startswith(f"1.{last.id}.")


def test_two_that_call_each_other(world, addressed):
    first, second = f"/{unique('p')}", f"/{unique('p')}"
    api = addressed(second, path=first)
    addressed(first, path=second)
    refused(world.call(api), 500, "0612")


def test_changed_while_it_is_published(world, addressed, backend):
    path = f"/{unique('p')}"
    api = addressed(path, path=path)
    refused(world.call(api), 500, "0612")
    definition = {**api.definition, "backend_api": {**api.definition["backend_api"], "url_domain": world.backend.address}}
    world.api.expect(200, "PUT", f"/apis/{api.id}", definition)
    world.publish(api)
    assert world.call(api).status == 200


def test_nobody_else_can_write_the_mark(world, backend):
    api = world.make_api()
    for forged in (f"1.{api.id}." + "0" * 32, f"99.{hex_id()}." + "0" * 32, "", "10", "x" * 500):
        assert world.call(api, headers=[(HOP, forged)]).status == 200
        assert backend.last.one(HOP).startswith(f"1.{api.id}."), "the client's is gone"


def test_a_backend_that_hands_the_mark_on(world, backend):
    """What a backend received marks a call of its own: back into the same API it is one that calls itself."""
    api, other = world.make_api(), world.make_api()
    assert world.call(api).status == 200
    mark = backend.last.one(HOP)
    refused(world.call(api, headers=[(HOP, mark)]), 500, "0612")
    assert world.call(other, headers=[(HOP, mark)]).status == 200
    assert backend.last.one(HOP).startswith(f"2.{other.id}.")


def test_each_installation_has_a_key_of_its_own(world, backend, fresh_gatehouse, make_world):
    api = world.make_api()
    assert world.call(api).status == 200
    mark = backend.last.one(HOP)
    elsewhere = make_world(fresh_gatehouse())
    foreign = elsewhere.make_api()
    assert elsewhere.call(foreign, headers=[(HOP, mark)]).status == 200
    assert backend.last.one(HOP).startswith(f"1.{foreign.id}.")


def test_answers_carry_no_mark(world, backend):
    backend.script = lambda request: Answer(200, [("X-Other", "1")], b"{}")
    api = world.make_api()
    reply = world.call(api)
    assert reply.get(HOP) is None and reply.one("X-Other") == "1"
