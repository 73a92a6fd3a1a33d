"""IP access control on traffic."""

import pytest


@pytest.mark.parametrize("kind, value, status", [
    ("PERMIT", "127.0.0.1", 200), ("PERMIT", "10.0.0.1", 403), ("DENY", "127.0.0.1", 403), ("DENY", "10.0.0.1", 200),
    ("PERMIT", "127.0.0.0/8", 200), ("PERMIT", "126.0.0.0/8", 403), ("DENY", "0.0.0.0/0", 403), ("PERMIT", "127.0.0.0-127.0.0.9", 200),
    ("PERMIT", "127.0.0.2-127.0.0.9", 403), ("PERMIT", "10.0.0.1,192.168.0.0/16,127.0.0.1-127.0.0.1", 200), ("PERMIT", "127.0.0.1/32", 200),
    ("DENY", "127.0.0.1/31", 403)])
def test_decision(world, backend, kind, value, status):
    api = world.make_api()
    world.bind_acl(world.make_acl(value, kind), api)
    reply = world.call(api)
    assert reply.status == status
    if status == 403:
        assert reply.json()["error_code"] == "APIC.0402"
        assert reply.json()["error_msg"] == "The IP address is not authorized to access the API."
        assert backend.requests == []


def test_change_while_traffic_flows(world):
    api = world.make_api()
    acl = world.make_acl("10.0.0.1", "DENY")
    name = world.api.get(f"/acls/{acl['id']}").json()["acl_name"]
    with world.connect() as wire:
        assert world.call(api, wire=wire).status == 200
        binding = world.bind_acl(acl, api)[0]
        assert world.call(api, wire=wire).status == 200
        world.api.expect(200, "PUT", f"/acls/{acl['id']}", {
            "acl_name": name, "acl_type": "DENY", "acl_value": "127.0.0.1", "entity_type": "IP"})
        assert world.call(api, wire=wire).status == 403
        world.unbind_acl(binding)
        assert world.call(api, wire=wire).status == 200


def test_other_apis_and_environments_are_not_touched(world):
    group = world.make_group()
    one, other = world.make_api(group=group), world.make_api(group=group)
    environment = world.make_environment()
    world.bind_acl(world.make_acl("127.0.0.1", "DENY"), one)
    world.api.expect(201, "POST", "/apis/action", {"action": "online", "env_id": environment["id"], "api_id": one.id})
    assert world.call(one).status == 403
    assert world.call(one, headers=[("X-Stage", environment["name"])]).status == 200
    assert world.call(other).status == 200
    world.offline(one, environment["id"])
    world.api.expect(204, "DELETE", f"/envs/{environment['id']}")


def test_effective_address(fresh_gatehouse, make_world):
    """`real_ip_from_xff` decides whose address is looked at; what is no address falls back to the peer."""
    world = make_world(fresh_gatehouse())
    api = world.make_api()
    world.bind_acl(world.make_acl("8.8.8.0/24", "DENY"), api)

    def status(forwarded):
        return world.call(api, headers=[("X-Forwarded-For", forwarded)] if forwarded else []).status

    assert status("8.8.8.8") == 200, "a client's word alone does not count"
    world.feature("real_ip_from_xff", {"enable": "on", "xff_index": -1})
    assert [status(value) for value in ("8.8.8.8", "8.8.8.8, 1.1.1.1", "1.1.1.1,8.8.8.8", "nonsense", "", None)] == [
        403, 200, 403, 200, 200, 200]
    world.feature("real_ip_from_xff", {"enable": "on", "xff_index": 1})
    assert [status(value) for value in ("8.8.8.8", "1.1.1.1, 8.8.8.8, 2.2.2.2")] == [200, 403]


def test_account_policy_without_identity(world):
    """An account policy concerns calls with an account; authentication NONE has none."""
    api = world.make_api()
    world.bind_acl(world.make_acl("somebody", "DENY", "DOMAIN"), api)
    assert world.call(api).status == 200
