"""The TLS listener: the same APIs, the same policies, with the gateway's own certificate."""

from __future__ import annotations

import http.client
import ssl
import urllib.parse

import pytest


def connection(gatehouse, **context_options) -> http.client.HTTPSConnection:
    address = urllib.parse.urlsplit(gatehouse.credentials["gateway_https"])
    context = ssl.create_default_context(cafile=str(gatehouse.data_dir / "gateway-certificate.pem"))
    for name, value in context_options.items():
        setattr(context, name, value)
    return http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=20)


def test_serves_https_apis_with_a_certificate_that_verifies(gatehouse, world, backend):
    api = world.make_api(req_protocol="HTTPS", method="POST")
    client = connection(gatehouse)
    for number in range(3):
        body = b"x" * (number * 100_000)
        client.request("POST", api.path, body, {"Host": api.host})
        answer = client.getresponse()
        assert answer.status == 200 and answer.headers["Server"] == "api-gateway"
        answer.read()
        assert backend.last.body == body and backend.last.one("X-Forwarded-Proto") == "https"
    client.close()


def test_http_only_apis_are_refused_over_tls(gatehouse, world):
    api = world.make_api(req_protocol="HTTP")
    client = connection(gatehouse)
    client.request("GET", api.path, headers={"Host": api.host})
    answer = client.getresponse()
    assert answer.status == 400 and b"APIC.0607" in answer.read()
    client.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(gatehouse, world, version):
    client = connection(gatehouse, minimum_version=version, maximum_version=version)
    client.request("GET", "/", headers={"Host": "nobody.apic.localhost"})
    assert client.getresponse().status == 404
    client.close()


def test_plain_text_and_broken_handshakes_do_not_disturb_others(gatehouse, world):
    import socket
    address = urllib.parse.urlsplit(gatehouse.credentials["gateway_https"])
    for junk in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x00" * 600, b""):
        with socket.create_connection((address.hostname, address.port), timeout=20) as plain:
            plain.sendall(junk)
            plain.shutdown(socket.SHUT_WR)
            # An alert or nothing, and then the end: never a hang.
            while plain.recv(4096):
                pass
    client = connection(gatehouse)
    client.request("GET", "/apic/health_check", headers={"Host": "any"})
    assert client.getresponse().status == 200
    client.close()
