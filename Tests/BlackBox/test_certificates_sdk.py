"""Certificates through the official SDK: read, checked, bound from both sides."""

import datetime
import re

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness import certificates as made
from harness.world import hex_id, unique


def domain_name() -> str:
    return f"{unique('c').replace('_', '')}.example.com"


def form(certificate, **fields) -> dict:
    return {"name": unique("cert"), "cert_content": certificate.content, "private_key": certificate.key_pem, **fields}


@pytest.fixture
def group(sdk):
    return sdk.create_api_group_v2(body={"name": unique("group")})


@pytest.fixture
def domain(sdk, group):
    return sdk.associate_domain_v2(group_id=group.id, body={"url_domain": domain_name()})


def place(group, domain) -> dict:
    return {"group_id": group.id, "domain_id": domain.id}


def test_create_show_list_update_delete(sdk):
    word = unique("cn").replace("_", "")
    certificate = made.make(f"{word}.example.com", "192.0.2.1", serial=2**70 + 12345)
    answer = sdk.create_certificate_v2(body=form(certificate))
    assert (answer.type, answer.instance_id, answer.version, answer.algorithm_type) == ("global", "common", 3, "RSA")
    assert answer.common_name == f"{word}.example.com" and answer.san == [f"{word}.example.com", "192.0.2.1"]
    assert (answer.organization, answer.organizational_unit, answer.locality, answer.state, answer.country) == (
        ["Gatehouse Tests"], ["Edge"], ["Mitte"], ["Berlin"], ["DE"])
    assert (answer.serial_number, answer.issuer, answer.signature_algorithm) == (
        str(2**70 + 12345), [f"{word}.example.com"], "SHA256-RSA")
    end = certificate.certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer.not_after == end and answer.is_has_trusted_root_ca is False
    shown = sdk.show_details_of_certificate_v2(certificate_id=answer.id)
    assert shown.common_name == answer.common_name and re.fullmatch(r"[-\dT:]+Z", shown.create_time)
    listed = sdk.list_certificates_v2(common_name=word.upper(), algorithm_type="RSA", type="global")
    assert (listed.total, [entry.id for entry in listed.certs]) == (1, [answer.id])
    assert sdk.list_certificates_v2(common_name=word, algorithm_type="ECC").total == 0
    renamed = unique("renamed")
    assert sdk.update_certificate_v2(certificate_id=answer.id, body={"name": renamed}).name == renamed
    assert sdk.list_certificates_v2(name=renamed).certs[0].common_name == answer.common_name
    other = made.make("other.example.com", key=made.ec_key())
    changed = sdk.update_certificate_v2(certificate_id=answer.id, body=form(other))
    assert (changed.algorithm_type, changed.signature_algorithm, changed.san) == ("ECC", "ECDSA-SHA256", ["other.example.com"])
    sdk.delete_certificate_v2(certificate_id=answer.id)
    for operation in ("show_details_of_certificate_v2", "delete_certificate_v2", "list_attached_domains_v2"):
        assert sdk.refused(404, "APIG.3025", operation, certificate_id=answer.id) == f"ssl with certId {answer.id} not found"
    sdk.refused(404, "APIG.3025", "update_certificate_v2", {"name": renamed}, certificate_id=answer.id)


def test_keys_are_never_answered(sdk, call):
    certificate = made.make("secret.example.com", key=made.ec_key())
    result = call.post(f"/v2/{call.credentials['project_id']}/apic/certificates", form(certificate))
    assert result.status == 200
    for word in (b"private_key", b"BEGIN", b"cert_content", b'"trusted_root_ca"'):
        assert word not in result.body


def test_scope_instance(sdk):
    answer = sdk.create_certificate_v2(body=form(made.make("i.example.com"), type="instance", instance_id=sdk.instance_id))
    assert (answer.type, answer.instance_id) == ("instance", sdk.instance_id)
    assert answer.id in [entry.id for entry in sdk.list_certificates_v2(instance_id=sdk.instance_id, limit=500).certs]
    unknown = hex_id()
    sdk.refused(404, "APIG.3030", "create_certificate_v2", form(made.make("i.example.com"), type="instance", instance_id=unknown))
    sdk.refused(400, "APIG.2001", "create_certificate_v2", form(made.make("i.example.com"), type="instance"))
    sdk.refused(404, "APIG.3030", "list_certificates_v2", instance_id=unknown)
    sdk.refused(400, "APIG.2012", "update_certificate_v2", {"type": "global"}, certificate_id=answer.id)


def past() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)


def refusals():
    leaf, other = made.make("a.example.com"), made.make("b.example.com", key=made.rsa_key(1))
    root = made.authority()
    issued = made.make("a.example.com", issuer=root)
    yield "APIG.2101", 400, form(leaf) | {"private_key": other.key_pem}
    yield "APIG.2102", 400, form(made.make("a.example.com", not_after=past()))
    yield "APIG.2104", 400, form(issued) | {"cert_content": root.pem + issued.pem}
    yield "APIG.2104", 400, form(issued) | {"cert_content": issued.pem + other.pem}
    yield "APIG.2105", 400, form(leaf) | {"private_key": made.key_pem(leaf.key, b"secret")}
    yield "APIG.2105", 400, form(leaf) | {"private_key": made.key_pem(leaf.key, b"secret", old=True)}
    yield "APIG.2106", 400, form(leaf) | {"cert_content": "no certificate"}
    yield "APIG.2106", 400, form(leaf) | {"private_key": leaf.pem}
    yield "APIG.2106", 400, form(leaf) | {"cert_content": leaf.pem * 11}
    yield "APIG.2106", 400, form(leaf) | {"cert_content": leaf.pem.replace("A", "B")}
    yield "APIG.2106", 400, form(leaf) | {"trusted_root_ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}
    yield "APIG.2109", 400, form(made.make(common_name="a.example.com"))
    yield "APIG.3148", 400, form(made.make(
        "a.example.com", not_after=datetime.datetime(2038, 1, 19, 3, 14, 8, tzinfo=datetime.timezone.utc)))
    yield "APIG.3708", 409, form(made.make("a.example.com", purposes=[ExtendedKeyUsageOID.CODE_SIGNING]))
    yield "APIG.3708", 409, form(made.make("a.example.com", key_usage=made.usage(key_cert_sign=True)))
    yield "APIG.3708", 409, form(leaf) | {"trusted_root_ca": leaf.pem}
    yield "APIG.3709", 409, form(leaf) | {"algorithm_type": "ECC"}
    yield "APIG.3709", 409, form(leaf) | {"algorithm_type": "SM2"}
    yield "APIG.2012", 400, form(leaf) | {"cert_content_sign": leaf.pem}
    yield "APIG.2012", 400, form(leaf) | {"name": "1abc"}
    yield "APIG.2012", 400, form(leaf) | {"name": "abc"}
    yield "APIG.2001", 400, {"name": "abcd", "cert_content": leaf.pem}


def test_refused_certificates(sdk):
    for code, status, body in refusals():
        sdk.refused(status, code, "create_certificate_v2", body)


def test_last_second_that_is_taken(sdk):
    end = datetime.datetime(2038, 1, 19, 3, 14, 7, tzinfo=datetime.timezone.utc)
    assert sdk.create_certificate_v2(body=form(made.make("a.example.com", not_after=end))).not_after == "2038-01-19T03:14:07Z"


def test_older_key_forms(sdk):
    for key in (made.rsa_key(), made.ec_key()):
        certificate = made.make("a.example.com", key=key)
        sdk.create_certificate_v2(body=form(certificate) | {"private_key": made.key_pem(key, old=True)})


def test_create_and_bind_in_one_step(sdk, group, domain):
    root = made.authority()
    body = form(made.make(domain.url_domain), trusted_root_ca=root.pem)
    answer = sdk.associate_certificate_v2(**place(group, domain), body=body)
    assert (answer.id, answer.url_domain, answer.ssl_name) == (domain.id, domain.url_domain, body["name"])
    assert answer.verified_client_certificate_enabled is True, "because there are authorities"
    assert [(info.ssl_id, info.algorithm_type, info.type) for info in answer.ssl_infos] == [(answer.ssl_id, "RSA", "global")]
    details = sdk.show_details_of_domain_name_certificate_v2(**place(group, domain), certificate_id=answer.ssl_id)
    assert details.is_has_trusted_root_ca is True
    shown = sdk.show_details_of_api_group_v2(group_id=group.id).url_domains[0]
    assert (shown.ssl_id, shown.verified_client_certificate_enabled, shown.is_has_trusted_root_ca) == (answer.ssl_id, True, True)
    sdk.refused(409, "APIG.3400", "delete_certificate_v2", certificate_id=answer.ssl_id)
    sdk.disassociate_certificate_v2(**place(group, domain), certificate_id=answer.ssl_id)
    assert sdk.show_details_of_api_group_v2(group_id=group.id).url_domains[0].verified_client_certificate_enabled is False
    for operation in ("disassociate_certificate_v2", "show_details_of_domain_name_certificate_v2"):
        sdk.refused(404, "APIG.3097", operation, **place(group, domain), certificate_id=answer.ssl_id)
        sdk.refused(404, "APIG.3025", operation, **place(group, domain), certificate_id=hex_id())
    sdk.delete_certificate_v2(certificate_id=answer.ssl_id)
    message = sdk.refused(400, "APIG.2012", "associate_certificate_v2", body | {"name": "1"}, **place(group, domain))
    assert message == "Invalid parameter value,parameterName:name. Please refer to the support documentation"
    sdk.refused(404, "APIG.3020", "associate_certificate_v2", body, group_id=group.id, domain_id=hex_id())
    sdk.refused(400, "APIG.2103", "associate_certificate_v2", form(made.make("elsewhere.example.org")), **place(group, domain))


def test_attach_and_detach_at_the_domain(sdk, group, domain):
    one = sdk.create_certificate_v2(body=form(made.make(domain.url_domain)))
    two = sdk.create_certificate_v2(body=form(made.make("*.example.com")))
    curve = sdk.create_certificate_v2(body=form(made.make(domain.url_domain, key=made.ec_key())))

    def bound() -> set:
        return {info.ssl_id for info in sdk.show_details_of_api_group_v2(group_id=group.id).url_domains[0].ssl_infos}

    sdk.batch_associate_certs_v2(**place(group, domain), body={"certificate_ids": [one.id]})
    sdk.batch_associate_certs_v2(**place(group, domain), body={"certificate_ids": [curve.id]})
    assert bound() == {one.id, curve.id}, "one of each kind of key"
    sdk.batch_associate_certs_v2(**place(group, domain), body={"certificate_ids": [two.id]})
    assert bound() == {two.id, curve.id}, "in place of the one with the same kind of key"
    sdk.batch_disassociate_certs_v2(**place(group, domain), body={"certificate_ids": [two.id]})
    assert bound() == {curve.id}
    assert sdk.refused(
        400, "APIG.2000", "batch_disassociate_certs_v2", {"certificate_ids": [two.id]}, **place(group, domain)) == (
        "no valid domain name")
    # A renewal may not take the place of the other kind of key.
    sdk.batch_associate_certs_v2(**place(group, domain), body={"certificate_ids": [one.id]})
    sdk.refused(
        400, "APIG.2051", "update_certificate_v2", form(made.make(domain.url_domain, key=made.ec_key())), certificate_id=one.id)
    sdk.refused(400, "APIG.2103", "update_certificate_v2", form(made.make("b.example.com")), certificate_id=one.id)
    for ids in ([], [one.id, two.id], ["?"]):
        sdk.refused(400, "APIG.2012", "batch_associate_certs_v2", {"certificate_ids": ids}, **place(group, domain))
    sdk.refused(
        400, "APIG.2012", "batch_associate_certs_v2",
        {"certificate_ids": [one.id], "verified_client_certificate_enabled": True}, **place(group, domain))
    for operation in ("batch_associate_certs_v2", "batch_disassociate_certs_v2"):
        sdk.refused(404, "APIG.3025", operation, {"certificate_ids": [hex_id()]}, **place(group, domain))
        sdk.refused(404, "APIG.3020", operation, {"certificate_ids": [one.id]}, group_id=group.id, domain_id=hex_id())


def test_authorities_of_one_domain_are_of_one_kind(sdk, group, domain):
    ecc, rsa = made.authority(key=made.ec_key()), made.authority()
    sdk.associate_certificate_v2(**place(group, domain), body=form(made.make(domain.url_domain), trusted_root_ca=ecc.pem))
    other = form(made.make(domain.url_domain, key=made.ec_key()), trusted_root_ca=rsa.pem)
    sdk.refused(400, "APIG.3715", "associate_certificate_v2", other, **place(group, domain))


def test_attach_and_detach_at_the_certificate(sdk, group):
    domains = [
        sdk.associate_domain_v2(group_id=group.id, body={"url_domain": domain_name()}) for _ in range(3)]
    certificate = sdk.create_certificate_v2(body=form(made.make("*.example.com")))

    def body(*chosen, **fields):
        return {"domains": [{"domain": domain.url_domain, **fields} for domain in chosen]}

    sdk.batch_associate_domains_v2(certificate_id=certificate.id, body=body(*domains[:2]))
    sdk.batch_associate_domains_v2(
        certificate_id=certificate.id, body=body(domains[2], instance_ids=[sdk.instance_id]))
    listed = sdk.list_attached_domains_v2(certificate_id=certificate.id, limit=2)
    assert (listed.total, listed.size) == (3, 2)
    entry = sdk.list_attached_domains_v2(certificate_id=certificate.id, url_domain=domains[0].url_domain).bound_domains[0]
    assert (entry.id, entry.ssl_id, entry.api_group_id, entry.api_group_name, entry.instance_id) == (
        domains[0].id, certificate.id, group.id, group.name, sdk.instance_id)
    sdk.batch_disassociate_domains_v2(certificate_id=certificate.id, body=body(*domains))
    assert sdk.list_attached_domains_v2(certificate_id=certificate.id).total == 0
    assert sdk.refused(
        400, "APIG.2000", "batch_disassociate_domains_v2", body(domains[0]), certificate_id=certificate.id) == (
        "no valid domain name")
    unknown = {"domains": [{"domain": domains[0].url_domain}, {"domain": "nobody.example.com"}]}
    for operation in ("batch_associate_domains_v2", "batch_disassociate_domains_v2"):
        sdk.refused(404, "APIG.3020", operation, unknown, certificate_id=certificate.id)
        sdk.refused(400, "APIG.2012", operation, {"domains": []}, certificate_id=certificate.id)
        sdk.refused(404, "APIG.3025", operation, body(domains[0]), certificate_id=hex_id())
    assert sdk.list_attached_domains_v2(certificate_id=certificate.id).total == 0, "all or nothing"


def test_ids_of_the_wrong_form(sdk, group, domain):
    bad = "no id!"
    text = "Invalid parameter value,parameterName:{}. Please refer to the support documentation"

    def refused(operation, name, body=None, **ids):
        assert sdk.refused(400, "APIG.2012", operation, body, **{**ids, name: bad}) == text.format(name)

    here = {"group_id": group.id, "domain_id": domain.id}
    for operation in ("batch_associate_certs_v2", "batch_disassociate_certs_v2"):
        refused(operation, "domain_id", {"certificate_ids": [hex_id()]}, **here)
    for operation in ("disassociate_certificate_v2", "show_details_of_domain_name_certificate_v2"):
        for name in ("group_id", "domain_id", "certificate_id"):
            refused(operation, name, **here, **({} if name == "certificate_id" else {"certificate_id": hex_id()}))
    for operation in ("batch_associate_domains_v2", "batch_disassociate_domains_v2"):
        refused(operation, "certificate_id", {"domains": [{"domain": domain.url_domain}]})
    for operation in ("show_details_of_certificate_v2", "delete_certificate_v2", "list_attached_domains_v2"):
        refused(operation, "certificate_id")
    refused("update_certificate_v2", "certificate_id", {"name": "abcd"})
    for operation in ("list_certificates_v2", "list_attached_domains_v2"):
        ids = {} if operation == "list_certificates_v2" else {"certificate_id": hex_id()}
        assert sdk.refused(400, "APIG.2012", operation, limit=501, **ids) == text.format("limit")


def test_lost_updates(call):
    path = f"/v2/{call.credentials['project_id']}/apic/certificates"
    certificate = made.make("one.example.com")
    first = call.post(path, form(certificate))
    path += "/" + first.json()["id"]
    assert call.get(path).headers["ETag"] == first.headers["ETag"]
    changed = call.put(path, form(certificate), headers={"If-Match": first.headers["ETag"]})
    assert changed.status == 200 and changed.headers["ETag"] != first.headers["ETag"]
    call.refused(412, "APIG.3400", "PUT", path, form(certificate), headers={"If-Match": first.headers["ETag"]})
    call.refused(412, "APIG.3400", "DELETE", path, headers={"If-Match": first.headers["ETag"]})
    assert call.delete(path, headers={"If-Match": changed.headers["ETag"]}).status == 204


def test_clients_of_the_other_product_see_the_same(call, group, domain):
    """Every call is there under `/apigw/` too."""
    root = f"/v2/{call.credentials['project_id']}/apigw"
    made_here = call.post(f"{root}/certificates", form(made.make(domain.url_domain)))
    assert made_here.status == 200
    certificate = made_here.json()["id"]
    place = f"{root}/instances/{call.credentials['instance_id']}/api-groups/{group.id}/domains/{domain.id}"
    assert call.post(f"{place}/certificates/attach", {"certificate_ids": [certificate]}).status == 204
    attached = call.get(f"{root}/certificates/{certificate}/attached-domains").json()
    assert [entry["url_domain"] for entry in attached["bound_domains"]] == [domain.url_domain]
    assert call.get(f"/v2/{call.credentials['project_id']}/apic/certificates/{certificate}").json()["id"] == certificate
    assert call.post(f"{root}/certificates/{certificate}/domains/detach", {
        "domains": [{"domain": domain.url_domain}]}).status == 204
    assert call.delete(f"{root}/certificates/{certificate}").status == 204
