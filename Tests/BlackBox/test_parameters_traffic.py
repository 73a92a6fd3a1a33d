"""Declared request parameters checked on traffic."""

import pytest


def parameter(name, location="QUERY", **fields):
    return {"name": name, "type": "STRING", "location": location, **fields}


def check(world, api, target, status, headers=()):
    before = len(world.backend.requests)
    reply = world.call(api, target=target, headers=list(headers))
    assert reply.status == status, (target, reply.status, reply.body)
    assert len(world.backend.requests) == before + (status == 200), "a refused request reaches no backend"
    if status == 400:
        assert reply.json()["error_code"] == "APIC.0201" and reply.json()["error_msg"] == "Bad request."


def test_required_query_and_header(world):
    api = world.make_api(path="/required", req_params=[
        parameter("q", required=1), parameter("X-Needed", "HEADER", required=1), parameter("free")])
    check(world, api, "/required?q=1", 400)
    check(world, api, "/required", 400, [("x-needed", "1")])
    check(world, api, "/required?Q=1", 400, [("x-needed", "1")])
    check(world, api, "/required?q=", 200, [("x-needed", "1")])
    check(world, api, "/required?%71=1&q=2", 200, [("X-NEEDED", "1")])
    assert world.backend.requests[-1].query == "%71=1&q=2", "forwarded as it came"


@pytest.mark.parametrize("fields, right, wrong", [
    ({"min_size": 2, "max_size": 3}, ["ab", "abc", "%C3%A4%C3%A4"], ["a", "abcd", "%C3%A4"]),
    ({"min_size": 0, "max_size": 0}, ["", "a" * 100], []),
    ({"enumerations": "red,green"}, ["red", "gr%65en"], ["Red", "red,green", ""]),
    ({"type": "NUMBER"}, ["1", "-2.5", "1e3"], ["x", "", "0x10", "nan", "1 ", "inf", "1" * 65]),
    ({"type": "NUMBER", "min_num": -1, "max_num": 5}, ["-1", "5", "4.9"], ["-1.1", "6"]),
    ({"type": "NUMBER", "min_num": 0, "max_num": 0}, ["-7", "7"], ["x"]),
    ({"type": "NUMBER", "enumerations": "1,2.5"}, ["1", "1.0", "2.50"], ["2", "25"])])
def test_values(world, fields, right, wrong):
    api = world.make_api(path="/values", req_params=[parameter("v", valid_enable=1, **fields)])
    for value in right:
        check(world, api, f"/values?v={value}", 200)
    for value in wrong:
        check(world, api, f"/values?v={value.replace(' ', '%20')}", 400)
    check(world, api, "/values", 200)
    check(world, api, f"/values?v={(right or [''])[0]}&v=nonsense%00", 200)


def test_nothing_is_checked_unless_asked(world):
    api = world.make_api(path="/lax", req_params=[parameter("v", type="NUMBER", min_num=1, max_num=2, valid_enable=2)])
    check(world, api, "/lax?v=x", 200)


def test_path_and_header_values(world):
    api = world.make_api(
        path="/items/{id}", backend={"req_uri": "/items"}, req_params=[
            parameter("id", "PATH", type="NUMBER", min_num=1, max_num=99, valid_enable=1, required=1),
            parameter("X-Kind", "HEADER", enumerations="a,b", valid_enable=1)])
    check(world, api, "/items/7", 200)
    check(world, api, "/items/%37", 200)
    check(world, api, "/items/100", 400)
    check(world, api, "/items/x", 400)
    check(world, api, "/items/7", 400, [("X-Kind", "c")])
    check(world, api, "/items/7", 200, [("X-Kind", "b")])


def test_changed_while_traffic_flows(sdk, world):
    api = world.make_api(path="/changing", req_params=[parameter("v", required=1)])
    wire = world.connect()
    for needed, status in ((1, 400), (2, 200), (1, 400)):
        sdk.update_api_v2(api_id=api.id, body={**api.definition, "req_params": [parameter("v", required=needed)]})
        world.publish(api)
        assert world.call(api, wire=wire).status == status
