"""Feature app_route: at the gateway's own address X-HW-ID says whose API is meant. And the addresses themselves."""

from __future__ import annotations

import dataclasses
import json
import threading

import pytest

from harness.management import RELEASE
from harness.world import unique
from test_caller_authentication import App, authorize, call_signed, make_app, refused


@pytest.fixture
def routed(world):
    world.feature("app_route")
    world.feature("app_secret")
    yield world
    world.feature("app_route", "off", enable=False)
    world.feature("app_secret", "off", enable=False)


@pytest.fixture
def app(world) -> App:
    return make_app(world)


@pytest.fixture
def api(world, app):
    made = world.make_api(auth_type="APP")
    authorize(world, app, made)
    return made


def address(world) -> str:
    return "{}:{}".format(*world.gatehouse.gateway)


def proof(app: App) -> list[tuple[str, str]]:
    return [("X-HW-ID", app.key), ("X-HW-AppKey", app.secret)]


def at_address(world, api, app: App, headers=(), host: str | None = None, **options):
    return world.call(api, headers=[*proof(app), *headers], host=host or address(world), **options)


def test_managed(world):
    def shown() -> dict:
        listed = world.api.expect(200, "GET", "/features?limit=500")["features"]
        return next(one for one in listed if one["name"] == "app_route")

    assert (shown()["enable"], shown()["config"]) == (False, "off")
    try:
        world.feature("app_route")
        assert (shown()["enable"], shown()["config"]) == (True, "on")
        world.api.refused(400, "APIG.2012", "POST", "/features", {"name": "app_route", "enable": True, "config": "yes"})
    finally:
        world.feature("app_route", "off", enable=False)


def test_calls_by_address(routed, app, api, backend):
    world = routed
    assert at_address(world, api, app).status == 200
    assert backend.last.target == api.path and not backend.last.has("X-HW-AppKey") and backend.last.has("X-HW-ID")
    assert at_address(world, api, app, host="localhost").status == 200
    # Any carrier proves it; X-HW-ID finds it.
    assert call_signed(world, dataclasses.replace(api, host=address(world)), app, headers={"X-HW-ID": app.key}).status == 200
    refused(at_address(world, api, App(app.id, app.name, app.key, "wrong")), 401, "0303")
    refused(world.call(api, headers=proof(app)[1:], host=address(world)), 404, "0101")
    refused(world.call(api, headers=[("X-HW-ID", "nobody")], host=address(world)), 404, "0101")
    # Other hosts are what they were.
    assert world.call(api, headers=proof(app)).status == 200
    refused(at_address(world, api, app, host="unknown.example.com"), 404, "0101")


def test_only_authorised_apis(routed, app, api):
    world = routed
    stranger = make_app(world)
    refused(at_address(world, api, stranger), 404, "0101")
    auth = authorize(world, stranger, api)[0]
    assert at_address(world, api, stranger).status == 200
    world.api.expect(204, "DELETE", f"/app-auths/{auth['id']}")
    refused(at_address(world, api, stranger), 404, "0101")
    assert at_address(world, api, app).status == 200
    # Found by the one, proved by the other: it is the other who calls.
    refused(world.call(api, headers=[("X-HW-ID", app.key), ("X-HW-AppKey", stranger.secret)], host=address(world)), 401, "0303")


def test_methods_environments_and_parameters(routed, app, backend):
    world = routed
    env = world.make_environment()
    path = f"/{unique('p')}"
    get = world.make_api(path + "/{id}", "GET", auth_type="APP", req_params=[
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}],
        backend={"req_uri": "/got"})
    post = world.make_api(path + "/{id}", "POST", auth_type="APP", req_params=[
        {"name": "id", "type": "STRING", "location": "PATH", "required": 1}],
        backend={"req_uri": "/posted"})
    world.publish(post, env["id"])
    authorize(world, app, get, post)
    assert at_address(world, get, app, target=path + "/1").status == 200 and backend.last.target == "/got"
    assert at_address(world, post, app, method="POST", target=path + "/1").status == 200 and backend.last.target == "/posted"
    refused(at_address(world, post, app, method="PUT", target=path + "/1"), 404, "0101")
    stage = [("X-Stage", env["name"])]
    refused(at_address(world, post, app, stage, method="POST", target=path + "/1"), 404, "0101")
    authorize(world, app, post, env_id=env["id"])
    assert at_address(world, post, app, stage, method="POST", target=path + "/1").status == 200
    refused(at_address(world, get, app, stage, target=path + "/1"), 404, "0101")


def test_the_group_default_answers_what_the_application_has_not(routed, app, api):
    world = routed
    default = next(group for group in world.api.expect(200, "GET", "/api-groups?limit=500")["groups"] if group["is_default"] == 1)
    own = world.make_api(group=default)
    try:
        assert at_address(world, own, app).status == 200
        assert world.call(own, host=address(world)).status == 200
        assert at_address(world, api, app).status == 200
    finally:
        world.offline(own)


def test_method_and_path_are_unique_for_an_application(routed, app):
    world = routed
    path = f"/{unique('p')}"
    first = world.make_api(path, auth_type="APP")
    rival = world.make_api(path, auth_type="APP")
    other_method = world.make_api(path, "GET", auth_type="APP")
    authorize(world, app, first)
    outcome = authorize(world, app, rival)[0]
    assert (outcome["auth_result"]["status"], outcome["auth_result"]["error_code"]) == ("FAILED", "APIG.3301")
    refused(world.call(rival, headers=proof(app)), 403, "0304")
    assert authorize(world, app, other_method)[0]["auth_result"]["status"] == "SUCCESS"
    env = world.make_environment()
    assert authorize(world, app, rival, env_id=env["id"])[0]["auth_result"]["status"] == "SUCCESS", "in another environment"
    # Two of one call.
    another = make_app(world)
    results = [one["auth_result"]["status"] for one in authorize(world, another, first, rival)]
    assert sorted(results) == ["FAILED", "SUCCESS"]


def test_publishing_makes_no_rival(routed, app):
    world = routed
    path = f"/{unique('p')}"
    first = world.make_api(path, auth_type="APP")
    second = world.make_api(auth_type="APP")
    authorize(world, app, first, second)
    moved = {**second.definition, "req_uri": path, "backend_api": {**second.definition["backend_api"], "req_uri": path}}
    world.api.expect(200, "PUT", f"/apis/{second.id}", moved)
    message = world.api.refused(400, "APIG.3301", "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": second.id})
    assert first.definition["name"] in message
    assert at_address(world, second, app).status == 200, "the version in force stays"
    assert at_address(world, first, app).status == 200


def test_switching_it_on_needs_unique_claims(world, app):
    path = f"/{unique('p')}"
    apis = [world.make_api(path, auth_type="APP") for _ in range(2)]
    auths = authorize(world, app, *apis)
    message = world.api.refused(400, "APIG.3301", "POST", "/features", {"name": "app_route", "enable": True, "config": "on"})
    assert min(api.definition["name"] for api in apis) in message
    refused(at_address(world, apis[0], app), 404, "0101")
    world.api.expect(204, "DELETE", f"/app-auths/{auths[0]['id']}")
    world.feature("app_route")
    try:
        world.feature("app_secret")
        assert at_address(world, apis[1], app).status == 200
    finally:
        world.feature("app_route", "off", enable=False)
        world.feature("app_secret", "off", enable=False)
    refused(at_address(world, apis[1], app), 404, "0101")


def test_changes_while_traffic_flows(routed, app, api, backend):
    """Each answer is that of before or after a change, and after the change's own answer only that of after."""
    world = routed
    stop, seen = threading.Event(), []

    def load() -> None:
        with world.connect() as wire:
            while not stop.is_set():
                seen.append(at_address(world, api, app, wire=wire).status)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(4):
            world.offline(api)
            assert at_address(world, api, app).status == 404
            world.publish(api)
            assert at_address(world, api, app).status == 200
            world.feature("app_route", "off", enable=False)
            assert at_address(world, api, app).status == 404
            world.feature("app_route")
            assert at_address(world, api, app).status == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert seen and set(seen) <= {200, 404}


def test_it_survives_a_restart(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    app = make_app(world)
    api = world.make_api(auth_type="APP")
    authorize(world, app, api)
    world.feature("app_route")
    world.feature("app_secret")
    assert at_address(world, api, app).status == 200
    program.stop()
    world = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert at_address(world, api, app).status == 200


# Further addresses -----------------------------------------------------------------------------------


@pytest.fixture
def trusted(world):
    def switch(*hosts: str) -> dict:
        return world.feature("default_group_host_trustlist", {"enable": "on", "hosts": list(hosts)})

    yield switch
    world.feature("default_group_host_trustlist", {"enable": "off", "hosts": []}, enable=False)


def test_the_group_default_at_further_addresses(world, trusted, app):
    default = next(group for group in world.api.expect(200, "GET", "/api-groups?limit=500")["groups"] if group["is_default"] == 1)
    api = world.make_api(group=default)
    routed = world.make_api(auth_type="APP")
    authorize(world, app, routed)
    try:
        assert world.call(api, host="203.0.113.7").status == 404
        trusted("203.0.113.7", "2001:db8::1")
        for host in ("203.0.113.7", "203.0.113.7:8443", "[2001:db8::1]", "[2001:DB8::1]:80"):
            assert world.call(api, host=host).status == 200
        world.feature("app_route")
        world.feature("app_secret")
        assert at_address(world, routed, app, host="203.0.113.7").status == 200
        trusted("203.0.113.8")
        assert world.call(api, host="203.0.113.7").status == 404
        assert at_address(world, routed, app, host="203.0.113.7").status == 404
        assert at_address(world, routed, app, host="203.0.113.8").status == 200
        assert world.call(api, host=address(world)).status == 200, "its own address stays"
    finally:
        world.feature("app_route", "off", enable=False)
        world.feature("app_secret", "off", enable=False)
        world.offline(api)


@pytest.mark.parametrize("hosts", [
    ["example.com"], ["203.0.113.7", "203.0.113.7"], ["203.0.113.0/24"], [""], [f"203.0.113.{n}" for n in range(11)], ["127.0.0.1"],
    "203.0.113.7", [7]], ids=str)
def test_addresses_that_are_refused(world, hosts):
    message = world.api.refused(400, "APIG.2012", "POST", "/features", {
        "name": "default_group_host_trustlist", "enable": True, "config": json.dumps({"enable": "on", "hosts": hosts})})
    assert "parameterName:config." in message


def test_hiding_the_group_default_is_refused(world):
    answer = world.api.request("POST", f"{world.api.instance_path}/features", {"name": "default_group_hide", "enable": True, "config": "on"})
    assert (answer.status, answer.code) == (412, "APIG.3458"), answer
