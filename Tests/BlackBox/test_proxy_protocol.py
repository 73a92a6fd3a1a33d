"""PROXY protocol on the listeners for which it is switched on, and listeners on IPv6."""

from __future__ import annotations

import socket
import ssl
import struct

import pytest

from harness.process import StartFailure, free_port
from harness.wire import Wire, ask, head

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def line(source: str, family: str = "TCP4", destination: str = "127.0.0.1") -> bytes:
    return f"PROXY {family} {source} {destination} 40000 80\r\n".encode()


def binary(source: str, command: int = 0x21, more: bytes = b"") -> bytes:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    own = "::1" if ":" in source else "127.0.0.1"
    payload = socket.inet_pton(family, source) + socket.inet_pton(family, own) + struct.pack(">HH", 40000, 80) + more
    return SIGNATURE + bytes([command, 0x21 if ":" in source else 0x11]) + struct.pack(">H", len(payload)) + payload


HEADERS = {
    "line": (line("192.0.2.7"), "192.0.2.7"), "line-v6": (line("2001:db8::9", "TCP6", "::1"), "2001:db8::9"),
    "line-unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"), "binary": (binary("192.0.2.8"), "192.0.2.8"),
    "binary-v6": (binary("2001:db8::a"), "2001:db8::a"), "binary-local": (binary("192.0.2.8", 0x20), "127.0.0.1"),
    "binary-with-more": (binary("192.0.2.8", more=b"\x04\x00\x02\x00\x00"), "192.0.2.8")}

WRONG = {
    "none": b"", "half": b"PROXY TCP4 192.0.2.7", "garbage": b"\x16\x03\x01\x00\x05hello", "no-address": b"PROXY TCP4\r\n",
    "names": b"PROXY TCP4 localhost localhost 1 2\r\n", "other-family": line("2001:db8::9", "TCP4"), "lower": line("192.0.2.7").lower(),
    "too-long": b"PROXY TCP4 " + b"1" * 200, "binary-version-1": binary("192.0.2.8", 0x11), "binary-too-long": SIGNATURE + b"\x21\x11\xff\xff",
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    """A program that stands behind a load balancer."""
    from harness.process import Gatehouse
    program = Gatehouse(tmp_path_factory.mktemp("balanced") / "data", "--gateway-proxy-protocol", settings={
        "gateway_tls_proxy_protocol": True}).start()
    yield program
    assert program.stop() == 0


@pytest.fixture
def own_world(balanced, make_world):
    return make_world(balanced)


@pytest.fixture
def api(own_world):
    return own_world.make_api()


def request(api) -> bytes:
    return head("GET", api.path, [("Host", api.host)])


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("step", [None, 1], ids=["whole", "bytewise"])
def test_the_address_counts_as_the_peer(balanced, backend, api, name, step):
    data, address = HEADERS[name]
    data += request(api)
    with Wire(balanced.gateway) as wire:
        for offset in range(0, len(data), step or len(data)):
            wire.send(data[offset : offset + (step or len(data))])
        assert wire.reply().status == 200
        # Once a connection.
        wire.send(request(api))
        assert wire.reply().status == 200
    assert [(r.one("X-Forwarded-For"), r.one("X-Real-IP")) for r in backend.requests] == [(address, address)] * 2


def test_policies_see_it(balanced, own_world, api):
    own_world.bind_acl(own_world.make_acl("192.0.2.7", "DENY"), api)
    for data, status in ((line("192.0.2.7"), 403), (line("192.0.2.9"), 200), (b"PROXY UNKNOWN\r\n", 200), (binary("192.0.2.7"), 403)):
        with Wire(balanced.gateway) as wire:
            wire.send(data + request(api))
            assert wire.reply().status == status


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_header_closes(balanced, backend, api, name):
    with Wire(balanced.gateway, timeout=15) as wire:
        wire.send(WRONG[name] + (b"" if name == "half" else request(api)))
        assert wire.is_closed, "without an answer"
    assert backend.requests == []


def test_over_tls(balanced, backend, api):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", balanced.tls_port), timeout=20)
    plain.sendall(binary("192.0.2.77"))
    with context.wrap_socket(plain, server_hostname=api.host) as secure:
        secure.sendall(request(api))
        assert b" 200 " in secure.recv(4096).split(b"\r\n")[0]
    assert backend.last.one("X-Forwarded-For") == "192.0.2.77"
    plain = socket.create_connection(("127.0.0.1", balanced.tls_port), timeout=20)
    with pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(plain, server_hostname=api.host)


def test_switched_off_it_is_no_header(gatehouse):
    with Wire(gatehouse.gateway) as wire:
        wire.send(line("192.0.2.7"))
        assert wire.reply().status == 400 and wire.is_closed


# IPv6 ------------------------------------------------------------------------------------------

def test_listeners_on_ipv6(tmp_path, make_world, backend):
    from harness.process import Gatehouse
    port, tls_port = free_port(), free_port()
    program = Gatehouse(tmp_path / "data", "--gateway", f"[::1]:{port}", "--gateway-tls", f"[::1]:{tls_port}").start()
    try:
        assert program.credentials["gateway_http"] == f"http://[::1]:{port}"
        assert program.credentials["gateway_https"] == f"https://[::1]:{tls_port}"
        world = make_world(program)
        api = world.make_api()
        reply = ask(("::1", port), "GET", api.path, api.host)
        assert reply.status == 200 and backend.last.one("X-Forwarded-For") == "::1"
        world.bind_acl(world.make_acl("::1", "DENY"), api)
        assert ask(("::1", port), "GET", api.path, api.host).status == 403
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    finally:
        assert program.stop() == 0


def test_both_families_at_once(tmp_path, make_world, backend):
    from harness.process import Gatehouse
    port = free_port()
    program = Gatehouse(tmp_path / "data", "--gateway", f"[::]:{port}").start()
    try:
        world = make_world(program)
        api = world.make_api()
        for host, seen in (("::1", "::1"), ("127.0.0.1", "127.0.0.1")):
            assert ask((host, port), "GET", api.path, api.host).status == 200
            assert backend.last.one("X-Forwarded-For") == seen, "an IPv4 client is one, whatever socket it came by"
        world.bind_acl(world.make_acl("127.0.0.1", "DENY"), api)
        assert ask(("127.0.0.1", port), "GET", api.path, api.host).status == 403
    finally:
        assert program.stop() == 0
