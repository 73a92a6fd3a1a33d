"""The CORS switch of APIs: managed, in force on answers, changed while requests come."""

import pytest

from harness.backend import Answer
from harness.process import free_port

ORIGIN = [("Origin", "https://a.example")]
ASKS = ORIGIN + [("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "X-A")]


def allowed(reply):
    return reply.all("Access-Control-Allow-Origin")


def switch(world, api, on: bool, **fields) -> None:
    """The draft changes; publishing puts it in force."""
    api.definition.update(cors=on, **fields)
    world.api.expect(200, "PUT", f"/apis/{api.id}", api.definition)
    world.publish(api)


def test_answers_may_be_read(world, backend):
    api = world.make_api(cors=True)
    assert world.api.get(f"/apis/{api.id}").json()["cors"] is True
    backend.script = lambda _: Answer(body=b"x")
    assert allowed(world.call(api, headers=ORIGIN)) == ["*"]
    assert allowed(world.call(api)) == [], "nobody asked"
    assert allowed(world.call(world.make_api(), headers=ORIGIN)) == []


def test_what_the_backend_says_stays(world, backend):
    api = world.make_api(cors=True)
    backend.script = lambda _: Answer(headers=[("access-control-allow-origin", "https://b.example")])
    assert allowed(world.call(api, headers=ORIGIN)) == ["https://b.example"]


def test_the_gateways_own_answers(world):
    assert allowed(world.call(world.make_mock(cors=True), headers=ORIGIN)) == ["*"]
    dead = world.make_api(cors=True, backend={"url_domain": f"127.0.0.1:{free_port()}"})
    reply = world.call(dead, headers=ORIGIN)
    assert reply.status == 502 and allowed(reply) == ["*"]


def test_switched_while_requests_come(world):
    api = world.make_mock()
    with world.connect() as wire:
        for on in (True, False, True):
            switch(world, api, on)
            assert allowed(world.call(api, headers=ORIGIN, wire=wire)) == (["*"] if on else [])


def test_preflights_need_an_api(world):
    api = world.make_mock(method="PUT", cors=True)
    assert world.call(api, "OPTIONS", headers=ASKS).status == 404
    group = {"id": api.group_id}
    options = world.make_mock(path="/", method="OPTIONS", match_mode="SWA", group=group, cors=True)
    reply = world.call(api, "OPTIONS", headers=ASKS)
    assert reply.status == 200 and allowed(reply) == ["*"]
    assert reply.one("Access-Control-Allow-Methods") == "GET,POST,PUT,DELETE,HEAD,OPTIONS,PATCH"
    assert reply.one("Access-Control-Max-Age") == "172800"
    for name in ("X-Stage", "Authorization", "Content-Type", "X-Sdk-Content-Sha256"):
        assert name in reply.one("Access-Control-Allow-Headers").split(",")
    for name in ("X-Request-Id", "X-Apig-Latency"):
        assert name in reply.one("Access-Control-Expose-Headers").split(",")
    # Preflights come without credentials: whatever the API asks for, it is not asked of them.
    switch(world, options, True, auth_type="APP")
    assert world.call(api, "OPTIONS", headers=ASKS).status == 200
    plain = world.call(options, "OPTIONS", target="/else", headers=ORIGIN)
    assert allowed(plain) == ["*"] and plain.all("Access-Control-Allow-Methods") == [], "no preflight"
    switch(world, options, False, auth_type="NONE")
    assert world.call(api, "OPTIONS", headers=ASKS).all("Access-Control-Allow-Methods") == []


@pytest.mark.parametrize("on", [True, False])
def test_the_plugin_counts_instead(world, on):
    api = world.make_mock(method="GET", cors=on)
    plugin = world.make_plugin("cors", {"allow_origin": "https://b.example", "allow_methods": "GET"})
    world.attach(plugin, api)
    assert allowed(world.call(api, headers=ORIGIN)) == []
    assert allowed(world.call(api, headers=[("Origin", "https://b.example")])) == ["https://b.example"]
    world.detach(plugin, api)
    assert allowed(world.call(api, headers=ORIGIN)) == (["*"] if on else [])
