"""Domains of groups through the official SDK, and the routing that follows from them."""

import pytest

from harness.world import hex_id, unique


def name(prefix: str = "d") -> str:
    return f"{unique(prefix).replace('_', '')}.example.com"


@pytest.fixture
def group(sdk):
    return sdk.create_api_group_v2(body={"name": unique("group")})


def bind(sdk, group, domain, **fields):
    return sdk.associate_domain_v2(group_id=group.id, body={"url_domain": domain, **fields})


def test_bind_show_list_and_unbind(sdk, group):
    domain = name()
    made = bind(sdk, group, domain.upper() + ".")
    assert made.url_domain == domain, "lower case, without the trailing dot"
    assert (made.status, made.min_ssl_version, made.is_http_redirect_to_https, made.verified_client_certificate_enabled) == (
        3, "TLSv1.1", False, False)
    shown = sdk.show_details_of_api_group_v2(group_id=group.id).url_domains
    assert [(entry.id, entry.domain, entry.cname_status, entry.min_ssl_version) for entry in shown] == [
        (made.id, domain, 3, "TLSv1.1")]
    assert sdk.update_api_group_v2(group_id=group.id, body={"name": group.name}).url_domains[0].id == made.id
    assert sdk.list_api_groups_v2(id=group.id).groups[0].url_domains[0].domain == domain
    sdk.disassociate_domain_v2(group_id=group.id, domain_id=made.id)
    assert sdk.show_details_of_api_group_v2(group_id=group.id).url_domains == []
    assert sdk.refused(404, "APIG.3020", "disassociate_domain_v2", group_id=group.id, domain_id=made.id) == (
        "The URL domain does not exist")


def test_filter_groups_by_domain(sdk, group):
    word = unique("part").replace("_", "")
    bind(sdk, group, f"{word}.example.com")
    bind(sdk, group, f"other{word}.example.com")
    assert [entry.id for entry in sdk.list_api_groups_v2(domain_name=word.upper()).groups] == [group.id]
    assert sdk.list_api_groups_v2(domain_name=word, precise_search="domain_name").total == 0
    assert sdk.list_api_groups_v2(domain_name=f"{word}.example.com", precise_search="domain_name").total == 1


def test_update(sdk, group):
    made = bind(sdk, group, name(), min_ssl_version="TLSv1.2", is_http_redirect_to_https=True)
    assert (made.min_ssl_version, made.is_http_redirect_to_https) == ("TLSv1.2", True)
    changed = sdk.update_domain_v2(group_id=group.id, domain_id=made.id, body={"min_ssl_version": "TLSv1.1"})
    assert (changed.id, changed.min_ssl_version, changed.is_http_redirect_to_https) == (made.id, "TLSv1.1", True)
    changed = sdk.update_domain_v2(
        group_id=group.id, domain_id=made.id, body={"min_ssl_version": "TLSv1.1", "is_http_redirect_to_https": False})
    assert changed.is_http_redirect_to_https is False
    message = sdk.refused(
        400, "APIG.2012", "update_domain_v2", {"min_ssl_version": "SSLv3"}, group_id=group.id, domain_id=made.id)
    assert message == "Invalid parameter value,parameterName:min_ssl_version. Please refer to the support documentation"
    # Nobody's certificate could be verified.
    sdk.refused(
        400, "APIG.2012", "update_domain_v2", {"min_ssl_version": "TLSv1.2", "verified_client_certificate_enabled": True},
        group_id=group.id, domain_id=made.id)


@pytest.mark.parametrize("bad", [
    "nodot", "-a.example.com", "a..example.com", "exa mple.com", "*.com", "a.*.example.com", "http://a.example.com",
    "a.example.com:80", "127.0.0.1", "", "a." * 8 + "com", "x" * 250 + ".com"])
def test_names_that_are_none(sdk, group, bad):
    message = sdk.refused(400, "APIG.2024", "associate_domain_v2", {"url_domain": bad}, group_id=group.id)
    assert message == "Invalid URL domain name"


@pytest.mark.parametrize("own", ["www.apic.localhost", "*.apic.localhost"])
def test_names_of_the_gateway_itself(sdk, group, own):
    sdk.refused(400, "APIG.2024", "associate_domain_v2", {"url_domain": own}, group_id=group.id)
    sdk.refused(400, "APIG.2024", "associate_domain_v2", {"url_domain": group.sl_domain}, group_id=group.id)


def test_a_name_leads_to_one_group(sdk, group):
    domain = name()
    bind(sdk, group, domain)
    other = sdk.create_api_group_v2(body={"name": unique("group")})
    for spelling in (domain, domain.upper(), domain + "."):
        message = sdk.refused(400, "APIG.3305", "associate_domain_v2", {"url_domain": spelling}, group_id=other.id)
        assert message == "The URL domain name already exists."


def test_five_domains(sdk, group):
    for _ in range(5):
        bind(sdk, group, name())
    message = sdk.refused(403, "APIG.3108", "associate_domain_v2", {"url_domain": name()}, group_id=group.id)
    assert message == "The number of domain names exceeds the maximum allowed limit."


def test_the_group_of_the_path_counts(sdk, group):
    made = bind(sdk, group, name())
    other = sdk.create_api_group_v2(body={"name": unique("group")})
    text = "The API group ID in the URL does not match the API group to which the URL domain has been bound"
    assert text == sdk.refused(
        400, "APIG.3474", "update_domain_v2", {"min_ssl_version": "TLSv1.2"}, group_id=other.id, domain_id=made.id)
    assert text == sdk.refused(400, "APIG.3474", "disassociate_domain_v2", group_id=other.id, domain_id=made.id)
    unknown = hex_id()
    for operation, body in (
            ("associate_domain_v2", {"url_domain": name()}), ("update_domain_v2", {"min_ssl_version": "TLSv1.2"}),
            ("disassociate_domain_v2", None)):
        more = {} if operation == "associate_domain_v2" else {"domain_id": made.id}
        assert sdk.refused(404, "APIG.3001", operation, body, group_id=unknown, **more) == (
            f"API group {unknown} does not exist")
    sdk.refused(404, "APIG.3020", "update_domain_v2", {"min_ssl_version": "TLSv1.2"}, group_id=group.id, domain_id=unknown)


def test_ids_of_the_wrong_form(sdk, group):
    bad = "no id!"
    change = {"min_ssl_version": "TLSv1.2"}
    text = "Invalid parameter value,parameterName:{}. Please refer to the support documentation"
    for operation, body in (("update_domain_v2", change), ("disassociate_domain_v2", None)):
        assert sdk.refused(400, "APIG.2012", operation, body, group_id=group.id, domain_id=bad) == text.format("domain_id")
        assert sdk.refused(400, "APIG.2012", operation, body, group_id=bad, domain_id=hex_id()) == text.format("group_id")
    assert sdk.refused(400, "APIG.2012", "associate_domain_v2", {"url_domain": name()}, group_id=bad) == text.format("group_id")


def test_lost_updates(call, group):
    path = f"/api-groups/{group.id}/domains"
    made = call.post(path, {"url_domain": name()})
    path += "/" + made.json()["id"]
    changed = call.put(path, {"min_ssl_version": "TLSv1.2"}, headers={"If-Match": made.headers["ETag"]})
    assert changed.status == 201 and changed.headers["ETag"] != made.headers["ETag"]
    call.refused(
        412, "APIG.3400", "PUT", path, {"min_ssl_version": "TLSv1.1"}, headers={"If-Match": made.headers["ETag"]})
    call.refused(412, "APIG.3400", "DELETE", path, headers={"If-Match": made.headers["ETag"]})
    assert call.delete(path, headers={"If-Match": changed.headers["ETag"]}).status == 204


def test_missing_name_and_unknown_instance(sdk, group, call):
    call.refused(400, "APIG.2001", "POST", f"/api-groups/{group.id}/domains", {})
    sdk.refused(
        404, "APIG.3030", "associate_domain_v2", {"url_domain": name()}, group_id=group.id, instance_id=hex_id())


def test_deleting_the_group_frees_the_name(sdk, group):
    domain = name()
    bind(sdk, group, domain)
    sdk.delete_api_group_v2(group_id=group.id)
    other = sdk.create_api_group_v2(body={"name": unique("group")})
    assert bind(sdk, other, domain).url_domain == domain


# Traffic ---------------------------------------------------------------------------------------

def test_requests_follow_the_domain_at_once(sdk, world):
    api = world.make_api()
    domain = name()
    with world.connect() as wire:
        assert world.call(api, host=domain, wire=wire).status == 404
        made = bind(sdk, type("Group", (), {"id": api.group_id}), domain)
        assert world.call(api, host=domain, wire=wire).status == 200
        assert world.call(api, host=domain.upper() + ":8780", wire=wire).status == 200
        assert world.call(api, host="x" + domain, wire=wire).status == 404
        sdk.disassociate_domain_v2(group_id=api.group_id, domain_id=made.id)
        reply = world.call(api, host=domain, wire=wire)
        assert (reply.status, reply.json()["error_code"]) == (404, "APIC.0101")
        assert world.call(api, wire=wire).status == 200, "the debugging host stays"


def test_exact_before_wildcard_and_longer_before_shorter(sdk, world):
    suffix = unique("w").replace("_", "")
    one, two, three = (world.make_mock(content=f'{{"who":"{who}"}}', path="/who") for who in ("one", "two", "three"))
    holder = lambda api: type("Group", (), {"id": api.group_id})
    bind(sdk, holder(one), f"*.{suffix}.example.com")
    assert world.call(one, host=f"a.{suffix}.example.com").json()["who"] == "one"
    assert world.call(one, host=f"a.b.{suffix}.example.com").json()["who"] == "one", "every name below it"
    assert world.call(one, host=f"{suffix}.example.com").status == 404, "not the name itself"
    bind(sdk, holder(two), f"*.b.{suffix}.example.com")
    exact = bind(sdk, holder(three), f"a.{suffix}.example.com")
    assert world.call(one, host=f"a.b.{suffix}.example.com").json()["who"] == "two"
    assert world.call(one, host=f"a.{suffix}.example.com").json()["who"] == "three"
    sdk.disassociate_domain_v2(group_id=three.group_id, domain_id=exact.id)
    assert world.call(one, host=f"a.{suffix}.example.com").json()["who"] == "one"


def test_domains_survive_a_restart(fresh_gatehouse, make_world, backend):
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_mock(path="/who")
    domain = name()
    made = world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains", {"url_domain": domain})
    world.api.expect(204, "PUT", sl_path(world.api, api.group_id), {"sl_domain_access_enabled": False})
    assert program.stop() == 0
    world = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert world.call(api, host=domain).status == 200 and world.call(api).status == 404
    world.api.expect(204, "DELETE", f"/api-groups/{api.group_id}/domains/{made['id']}")
    assert world.call(api, host=domain).status == 404


# The debugging host ----------------------------------------------------------------------------

def sl_path(call, group_id: str) -> str:
    return call.instance_path.replace("/apic/", "/apigw/") + f"/api-groups/{group_id}/sl-domain-access-settings"


def test_closing_the_debugging_host(world, call):
    api = world.make_mock(path="/who")
    domain = name()
    call.expect(201, "POST", f"/api-groups/{api.group_id}/domains", {"url_domain": domain})
    with world.connect() as wire:
        assert world.call(api, wire=wire).status == 200
        call.expect(204, "PUT", sl_path(call, api.group_id), {"sl_domain_access_enabled": False})
        reply = world.call(api, wire=wire)
        assert (reply.status, reply.json()["error_code"]) == (404, "APIC.0101")
        assert world.call(api, host=domain, wire=wire).status == 200, "bound domains stay open"
        assert call.get(f"/api-groups/{api.group_id}").json()["sl_domain_access_enabled"] is False
        call.expect(204, "PUT", sl_path(call, api.group_id), {"sl_domain_access_enabled": True})
        assert world.call(api, wire=wire).status == 200
    message = call.refused(400, "APIG.2011", "PUT", sl_path(call, api.group_id), {})
    assert message == "Invalid parameter value,parameterName:sl_domain_access_enabled"
    unknown = hex_id()
    call.refused(404, "APIG.3001", "PUT", sl_path(call, unknown), {"sl_domain_access_enabled": True})
    # For clients of this product alone.
    assert call.put(sl_path(call, api.group_id).replace("/apigw/", "/apic/"), {"sl_domain_access_enabled": True}).status == 404
