"""Managed certificates on the TLS listener: chosen by server name, renewed and removed under open connections."""

import http.client
import json
import socket
import ssl
import urllib.parse

import pytest

from harness import certificates as made
from harness.world import unique


def domain_name(prefix: str = "t") -> str:
    return f"{unique(prefix).replace('_', '')}.example.com"


class Client:
    """A TLS client that believes everything, and can say what it was shown."""

    def __init__(self, gatehouse, server_name: str | None, client=None, tmp_path=None, **options):
        address = urllib.parse.urlsplit(gatehouse.credentials["gateway_https"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if ciphers := options.pop("ciphers", None):
            context.set_ciphers(ciphers)
        for name, value in options.items():
            setattr(context, name, value)
        if client:
            file = tmp_path / f"{unique('client')}.pem"
            file.write_text(client.pem + client.key_pem)
            context.load_cert_chain(file)
        plain = socket.create_connection((address.hostname, address.port), timeout=20)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=server_name)
        except BaseException:
            plain.close()
            raise
        self.shown = self.socket.getpeercert(binary_form=True)

    def answer(self, path: str, host: str) -> http.client.HTTPResponse:
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        return answer

    def get(self, path: str, host: str) -> tuple[int, bytes]:
        answer = self.answer(path, host)
        return answer.status, answer.read()


def bind(world, api, domain: str, **fields) -> dict:
    return world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains", {"url_domain": domain, **fields})


def show(world, api, domain: dict, certificate, **fields) -> dict:
    return world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains/{domain['id']}/certificate", {
        "name": unique("cert"), "cert_content": certificate.content, "private_key": certificate.key_pem, **fields})


def detach(world, api, domain: dict, certificate_id: str) -> None:
    world.api.expect(
        204, "DELETE", f"/api-groups/{api.group_id}/domains/{domain['id']}/certificate/{certificate_id}")


def test_bound_renewed_and_removed_while_connections_are_open(gatehouse, world):
    api = world.make_mock(path="/tls")
    name = domain_name()
    domain = bind(world, api, name)
    first, second = made.make(name), made.make(name, key=made.rsa_key(1))
    own = Client(gatehouse, name)
    bound = show(world, api, domain, first)
    old = Client(gatehouse, name)
    assert own.shown not in (first.der, second.der) and old.shown == first.der
    assert Client(gatehouse, name.upper()).shown == first.der
    world.api.expect(200, "PUT", f"/v2/{world.api.credentials['project_id']}/apic/certificates/{bound['ssl_id']}", {
        "cert_content": second.content, "private_key": second.key_pem})
    new = Client(gatehouse, name)
    assert new.shown == second.der
    detach(world, api, domain, bound["ssl_id"])
    assert Client(gatehouse, name).shown == own.shown, "the gateway's own again"
    for client in (own, old, new):
        assert client.get("/tls", name)[0] == 200, "open connections were not touched"


def test_exact_before_wildcard_and_nobody_elses(gatehouse, world):
    api = world.make_mock(path="/tls")
    suffix = domain_name("w")
    wild = bind(world, api, f"*.{suffix}")
    star = made.make(f"*.{suffix}")
    show(world, api, wild, star)
    assert Client(gatehouse, f"a.{suffix}").shown == star.der
    exact = bind(world, api, f"a.{suffix}")
    assert Client(gatehouse, f"a.{suffix}").shown == star.der, "it has no certificate of its own yet"
    own = made.make(f"a.{suffix}", key=made.rsa_key(1))
    show(world, api, exact, own)
    assert Client(gatehouse, f"a.{suffix}").shown == own.der
    assert Client(gatehouse, f"b.{suffix}").shown == star.der
    other = Client(gatehouse, "nobody.example.org").shown
    assert other not in (own.der, star.der) and Client(gatehouse, None).shown == other


def test_the_chain_is_sent_and_verifies(gatehouse, world, tmp_path):
    api = world.make_mock(path="/tls")
    name = domain_name()
    domain = bind(world, api, name)
    root = made.authority("Root")
    middle = made.authority("Middle", key=made.rsa_key(2), issuer=root)
    leaf = made.make(name, issuer=middle)
    show(world, api, domain, leaf)
    (tmp_path / "root.pem").write_text(root.pem)
    address = urllib.parse.urlsplit(gatehouse.credentials["gateway_https"])
    context = ssl.create_default_context(cafile=str(tmp_path / "root.pem"))
    with socket.create_connection((address.hostname, address.port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname=name) as verified:
            assert verified.getpeercert(binary_form=True) == leaf.der


def test_elliptic_curve_where_the_client_can(gatehouse, world):
    api = world.make_mock(path="/tls")
    name = domain_name()
    domain = bind(world, api, name)
    plain, curve = made.make(name), made.make(name, key=made.ec_key())
    show(world, api, domain, plain)
    show(world, api, domain, curve)
    assert Client(gatehouse, name).shown == curve.der
    assert Client(
        gatehouse, name, maximum_version=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-RSA-AES128-GCM-SHA256").shown == plain.der


def test_least_version(gatehouse, world):
    api = world.make_mock(path="/tls")
    lax, strict = domain_name(), domain_name()
    lenient = bind(world, api, lax, min_ssl_version="TLSv1.1")
    show(world, api, lenient, made.make(lax))
    show(world, api, bind(world, api, strict, min_ssl_version="TLSv1.2"), made.make(strict))
    old = {"minimum_version": ssl.TLSVersion.TLSv1_1, "maximum_version": ssl.TLSVersion.TLSv1_1, "ciphers": "ALL:@SECLEVEL=0"}
    client = Client(gatehouse, lax, **old)
    assert client.socket.version() == "TLSv1.1" and client.get("/tls", lax)[0] == 200
    with pytest.raises(ssl.SSLError):
        Client(gatehouse, strict, **old)
    status, body = client.get("/tls", strict)
    assert status == 400 and b'"APIC.0204","error_msg":"SSL protocol is not supported: TLSv1.1"' in body
    # In force on the open connection.
    world.api.expect(201, "PUT", f"/api-groups/{api.group_id}/domains/{lenient['id']}", {"min_ssl_version": "TLSv1.2"})
    assert client.get("/tls", lax)[0] == 400
    with pytest.raises(ssl.SSLError):
        Client(gatehouse, lax, **old)
    assert Client(gatehouse, lax).get("/tls", lax)[0] == 200


def test_client_certificates(gatehouse, world, tmp_path):
    api = world.make_mock(path="/tls")
    name, free = domain_name(), domain_name()
    domain = bind(world, api, name)
    show(world, api, bind(world, api, free), made.make(free))
    root, stranger = made.authority("Clients"), made.authority("Others", key=made.rsa_key(3))
    known, unknown = made.client("known", root), made.client("unknown", stranger)
    before = Client(gatehouse, name)
    assert before.get("/tls", name)[0] == 200
    bound = show(world, api, domain, made.make(name), trusted_root_ca=root.pem)

    def refused(client) -> None:
        status, body = client.get("/tls", name)
        assert status == 400 and b'"APIC.0205","error_msg":"Verify client certificate failed"' in body

    refused(before)
    refused(Client(gatehouse, name))
    refused(Client(gatehouse, free, known, tmp_path))
    assert world.call(api, host=name).status == 400, "nothing comes round by plain HTTP"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Client(gatehouse, name, unknown, tmp_path).get("/tls", name)
    trusted = Client(gatehouse, name, known, tmp_path)
    assert trusted.get("/tls", name)[0] == 200 and trusted.get("/tls", name)[0] == 200
    # Other authorities: the certificate that was shown counts no longer.
    world.api.expect(200, "PUT", f"/v2/{world.api.credentials['project_id']}/apic/certificates/{bound['ssl_id']}", {
        "trusted_root_ca": stranger.pem})
    refused(trusted)
    assert Client(gatehouse, name, unknown, tmp_path).get("/tls", name)[0] == 200
    world.api.expect(201, "PUT", f"/api-groups/{api.group_id}/domains/{domain['id']}", {
        "min_ssl_version": "TLSv1.2", "verified_client_certificate_enabled": False})
    assert trusted.get("/tls", name)[0] == 200 and before.get("/tls", name)[0] == 200


def test_the_name_of_a_client(gatehouse, world, tmp_path):
    api = world.make_mock(path="/tls")
    world.attach(world.make_plugin("set_resp_headers", {"response_headers": [
        {"name": "X-Client", "value": "$context.clientCertCN", "value_type": "system_parameter", "action": "override"}]}), api)
    name = domain_name()
    domain = bind(world, api, name)
    root = made.authority("Clients")
    show(world, api, domain, made.make(name), trusted_root_ca=root.pem)
    client = Client(gatehouse, name, made.client("Known One", root), tmp_path)
    assert client.answer("/tls", name).getheader("X-Client") == "Known One"
    world.api.expect(201, "PUT", f"/api-groups/{api.group_id}/domains/{domain['id']}", {
        "min_ssl_version": "TLSv1.2", "verified_client_certificate_enabled": False})
    # Whoever need not show a certificate, and does not, has no name.
    stranger = Client(gatehouse, name, made.client("Stranger", made.authority("Others", key=made.rsa_key(3))), tmp_path)
    for unnamed in (stranger, Client(gatehouse, name)):
        answer = unnamed.answer("/tls", name)
        assert answer.status == 200 and not answer.getheader("X-Client")


def test_cipher_suites(gatehouse, world):
    api = world.make_mock(path="/tls")
    name = domain_name()
    show(world, api, bind(world, api, name), made.make(name))
    old = {"maximum_version": ssl.TLSVersion.TLSv1_2}

    def offer(suite: str) -> Client:
        return Client(gatehouse, name, ciphers=suite, **old)

    free = offer("ECDHE-RSA-AES128-GCM-SHA256")
    world.feature("ssl_ciphers", {"ssl_ciphers": ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"]})
    try:
        assert offer("ECDHE-RSA-AES256-GCM-SHA384").socket.cipher()[0] == "ECDHE-RSA-AES256-GCM-SHA384"
        with pytest.raises(ssl.SSLError):
            offer("ECDHE-RSA-AES128-GCM-SHA256")
        assert Client(gatehouse, name).get("/tls", name)[0] == 200, "TLS 1.3 has suites of its own"
        # Bound while it is restricted.
        other = domain_name()
        show(world, api, bind(world, api, other), made.make(other))
        with pytest.raises(ssl.SSLError):
            Client(gatehouse, other, ciphers="ECDHE-RSA-AES128-GCM-SHA256", **old)
        for wrong in ([], ["ECDHE-RSA-AES256-GCM-SHA384"] * 2, ["NULL-SHA256"], ["ECDHE-RSA-AES256-SHA384"], [1], "x", None):
            world.api.refused(400, "APIG.2012", "POST", "/features", {
                "name": "ssl_ciphers", "enable": True, "config": json.dumps({"ssl_ciphers": wrong})})
    finally:
        world.feature("ssl_ciphers", "", enable=False)
    assert offer("ECDHE-RSA-AES128-GCM-SHA256").get("/tls", name)[0] == 200
    assert free.get("/tls", name)[0] == 200, "open connections were not touched"


def test_redirect_to_https(gatehouse, world):
    name = domain_name()
    api = world.make_mock(path="/tls", req_protocol="BOTH")
    domain = bind(world, api, name, is_http_redirect_to_https=True)
    port = urllib.parse.urlsplit(gatehouse.credentials["gateway_https"]).port
    with world.connect() as wire:
        assert world.call(api, host=name, wire=wire).status == 200, "without a certificate there is no way there"
        show(world, api, domain, made.make(name))
        reply = world.call(api, target="/tls?a=1&b=%2F", host=name + ":80", wire=wire)
        assert (reply.status, reply.one("Location")) == (301, f"https://{name}:{port}/tls?a=1&b=%2F")
        assert world.call(api, "POST", host=name, body=b"x", wire=wire).status == 307
        assert world.call(api, host=name, target="/nothing", wire=wire).status == 404
        assert world.call(api, wire=wire).status == 200, "other hosts of the group stay"
        assert Client(gatehouse, name).get("/tls", name)[0] == 200
        world.api.expect(201, "PUT", f"/api-groups/{api.group_id}/domains/{domain['id']}", {
            "min_ssl_version": "TLSv1.2", "is_http_redirect_to_https": False})
        assert world.call(api, host=name, wire=wire).status == 200
