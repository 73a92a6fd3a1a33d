"""Two-way TLS to backends, and whose certificates the gateway takes there; changed while traffic flows."""

from __future__ import annotations

import json
import ssl
import threading

import pytest

from harness import certificates as made
from harness.backend import Answer, Backend
from harness.management import RELEASE, Call
from harness.process import Gatehouse
from harness.world import World, unique

SERVERS = made.authority("Backend Authority", key=made.rsa_key(80))
CLIENTS = made.authority("Client Authority", key=made.rsa_key(81))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A program whose feature belongs to these tests alone."""
    program = Gatehouse(tmp_path_factory.mktemp("tls") / "data").start()
    yield program
    for secret in (made.key_pem(made.rsa_key(91)), made.key_pem(made.rsa_key(92))):
        assert secret.splitlines()[3] not in program.log
    program.kill()


@pytest.fixture
def world(gateway, backend):
    world = World(gateway, Call(gateway.credentials, gateway.management), backend)
    yield world
    # APIs that need the certificate go first.
    for api in world.api.expect(200, "GET", "/apis?limit=100")["apis"]:
        world.api.post("/apis/action", {"action": "offline", "env_id": RELEASE, "api_id": api["id"]})
        world.api.expect(204, "DELETE", f"/apis/{api['id']}")
    world.feature("backend_client_certificate", OFF, enable=False)


OFF = {"enable": "off", "ca": "", "content": "", "key": ""}


@pytest.fixture
def demanding(tmp_path):
    """Makes backends that ask for a certificate of `CLIENTS`; their own is of `SERVERS`."""
    backends = []

    def make(*names: str, demands: bool = True, issuer=SERVERS) -> Backend:
        certificate = made.make(*(names or ("127.0.0.1",)), key=made.rsa_key(82), issuer=issuer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        file = tmp_path / f"{unique('server')}.pem"
        file.write_text(certificate.content + certificate.key_pem)
        context.load_cert_chain(file)
        if demands:
            context.load_verify_locations(cadata=CLIENTS.pem)
            context.verify_mode = ssl.CERT_REQUIRED
        backends.append(Backend(tls=context))
        return backends[-1]

    yield make
    for backend in backends:
        backend.close()


def client(name: str, number: int = 91):
    return made.make(common_name=name, key=made.rsa_key(number), issuer=CLIENTS, purposes=[
        made.ExtendedKeyUsageOID.CLIENT_AUTH])


def config(certificate=None, ca: str = "", **fields) -> dict:
    return {"enable": "on", "ca": ca, "content": certificate.content if certificate else "",
            "key": certificate.key_pem if certificate else "", **fields}


def secured(world, backend, publish=True, client_ssl=True, **fields):
    return world.make_api(method="GET", publish=publish, backend={
        "url_domain": backend.address, "req_protocol": "HTTPS", "enable_client_ssl": client_ssl, **fields})


def test_backend_sees_the_certificate(world, demanding):
    backend = demanding()
    world.feature("backend_client_certificate", config(client("gateway one")))
    api = secured(world, backend)
    assert world.call(api).status == 200
    assert backend.last.peer == "gateway one"
    # The others show none.
    plain = secured(world, backend, client_ssl=False)
    assert world.call(plain).json()["error_code"] == "APIC.0202"
    assert [request.peer for request in backend.requests] == ["gateway one"]


def test_needs_the_feature(world, demanding):
    """Refused where it would come into force, naming the field; nothing is half done."""
    backend = demanding()
    api = secured(world, backend, publish=False)
    online = {"action": "online", "env_id": RELEASE, "api_id": api.id}
    assert "enable_client_ssl" in world.api.refused(400, "APIG.2011", "POST", "/apis/action", online)
    # Authorities alone are no certificate.
    world.feature("backend_client_certificate", config(ca=SERVERS.pem))
    assert "enable_client_ssl" in world.api.refused(400, "APIG.2011", "POST", "/apis/action", online)
    world.feature("backend_client_certificate", config(client("gateway")))
    world.publish(api)
    # An API in force needs it: it cannot be switched off under it.
    for enable, value in ((False, config(client("gateway"))), (True, OFF), (True, config(ca=SERVERS.pem))):
        assert "enable_client_ssl" in world.api.refused(
            400, "APIG.2012", "POST", "/features",
            {"name": "backend_client_certificate", "enable": enable, "config": json.dumps(value)})
    assert world.call(api).status == 200


def test_plain_backend_cannot_ask(world, backend):
    world.feature("backend_client_certificate", config(client("gateway")))
    api = world.make_api(publish=False, backend={"enable_client_ssl": True})
    assert "enable_client_ssl" in world.api.refused(
        400, "APIG.2011", "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": api.id})


def test_an_authority_verifies_backends(world, demanding):
    """Every HTTPS backend of the instance: chain, name and time."""
    good = demanding(demands=False)
    named = demanding("other.example.com", demands=False)
    foreign = demanding(demands=False, issuer=CLIENTS)
    apis = [secured(world, backend, client_ssl=False) for backend in (good, named, foreign)]
    assert [world.call(api).status for api in apis] == [200, 200, 200], "nothing is verified as delivered"
    world.feature("backend_client_certificate", config(ca=SERVERS.pem))
    assert [world.call(api).status for api in apis] == [200, 502, 502]
    assert world.call(apis[2]).json()["error_code"] == "APIC.0202"
    world.feature("backend_client_certificate", config(ca=SERVERS.pem + CLIENTS.pem))
    assert [world.call(api).status for api in apis] == [200, 502, 200]
    world.feature("backend_client_certificate", config(ca=SERVERS.pem), enable=False)
    assert [world.call(api).status for api in apis] == [200, 200, 200]


def test_both_ways(world, demanding):
    backend = demanding()
    world.feature("backend_client_certificate", config(client("gateway"), ca=SERVERS.pem))
    api = secured(world, backend)
    assert world.call(api).status == 200
    world.feature("backend_client_certificate", config(client("gateway"), ca=CLIENTS.pem))
    assert world.call(api).status == 502


def test_a_changed_certificate_is_shown_by_the_next_request(world, demanding):
    """Also to clients and backends whose connections stay open: those with the old one are not used again."""
    backend = demanding()
    names = [client("gateway one", 91), client("gateway two", 92)]
    world.feature("backend_client_certificate", config(names[0]))
    api = secured(world, backend)
    with world.connect() as wire:
        for round in range(6):
            world.feature("backend_client_certificate", config(names[round % 2]))
            for _ in range(3):
                assert world.call(api, wire=wire).status == 200
            assert {request.peer for request in backend.requests[-3:]} == {["gateway one", "gateway two"][round % 2]}
        # Another feature's change keeps the connections.
        before = backend.accepted
        world.feature("request_body_size", "2097152")
        assert world.call(api, wire=wire).status == 200 and backend.accepted == before


def test_changes_under_load(world, demanding):
    backend = demanding()
    names = [client("gateway one", 91), client("gateway two", 92)]
    world.feature("backend_client_certificate", config(names[0]))
    api = secured(world, backend)
    stop, seen = threading.Event(), []

    def load():
        with world.connect() as wire:
            while not stop.is_set():
                seen.append(world.call(api, wire=wire).status)

    threads = [threading.Thread(target=load) for _ in range(3)]
    [thread.start() for thread in threads]
    try:
        for round in range(20):
            world.feature("backend_client_certificate", config(names[round % 2]))
            assert world.call(api).status == 200
    finally:
        stop.set()
        [thread.join() for thread in threads]
    assert set(seen) == {200} and {request.peer for request in backend.requests} == {"gateway one", "gateway two"}


def test_members_of_channels_and_their_checks(world, demanding):
    backend = demanding()
    member = {"host": "127.0.0.1", "port": backend.port}
    check = {"protocol": "HTTPS", "path": "/health", "method": "GET", "port": 0, "threshold_normal": 1, "threshold_abnormal": 1,
             "time_interval": 5, "timeout": 2, "http_code": "200", "enable_client_ssl": True}
    channel = world.api.expect(201, "POST", "/vpc-channels", {
        "name": unique("channel"), "port": 80, "balance_strategy": 1, "member_type": "ip", "members": [member],
        "vpc_health_config": check})
    backend.script = lambda request: Answer(200)
    world.feature("backend_client_certificate", config(client("gateway one")))
    api = world.make_api(method="GET", backend={
        "url_domain": None, "req_protocol": "HTTPS", "enable_client_ssl": True, "vpc_channel_status": 1,
        "vpc_channel_info": {"vpc_channel_id": channel["id"]}})
    assert world.call(api).status == 200
    found = backend.wait_for(2)
    assert {(request.path, request.peer) for request in found[:2]} == {("/health", "gateway one"), (api.path, "gateway one")}
    # Another certificate is another question, asked at once.
    world.feature("backend_client_certificate", config(client("gateway two", 92)))
    assert backend.wait_for(len(backend.requests) + 1)[-1].peer == "gateway two"
    # Without the certificate, the check would find the member down.
    world.offline(api)
    world.api.expect(200, "PUT", f"/vpc-channels/{channel['id']}/health-config", {**check, "enable_client_ssl": False})
    world.publish(api)
    for _ in range(1000):
        if world.call(api).status == 502:
            break
    assert world.call(api).json()["error_code"] == "APIC.0610"


HOSTILE = {
    "no-pem": config(content="no certificate", key="no key"),
    "certificate-alone": config(content=client("gateway").content),
    "key-alone": config(key=client("gateway").key_pem),
    "another-key": config(content=client("gateway").content, key=made.key_pem(made.rsa_key(82))),
    "encrypted-key": config(content=client("gateway").content, key=made.key_pem(made.rsa_key(91), b"secret")),
    "expired": config(made.make(common_name="old", key=made.rsa_key(91), issuer=CLIENTS, days=-1)),
    "for-servers-alone": config(made.make(
        common_name="server", key=made.rsa_key(91), issuer=CLIENTS, purposes=[made.ExtendedKeyUsageOID.SERVER_AUTH])),
    "wrong-order": config(content=CLIENTS.pem + client("gateway").pem, key=client("gateway").key_pem),
    "authority-no-pem": config(ca="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    "authority-is-a-key": config(ca=made.key_pem(made.rsa_key(91))),
    "expired-authority": config(ca=made.make(common_name="old", key=made.rsa_key(81), is_authority=True, days=-1).pem),
    "too-many": config(ca=SERVERS.pem * 11),
    "too-long": config(ca=SERVERS.pem + " " * 131_072),
    "unknown-member": config(client("gateway"), password="x"),
    "wrong-type": config(ca=["x"]),
    "no-json": "on",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_shown_or_believed_is_refused(world, name):
    value = HOSTILE[name]
    world.api.refused(400, "APIG.2012", "POST", "/features", {
        "name": "backend_client_certificate", "enable": True, "config": value if isinstance(value, str) else json.dumps(value)})


def shown(world) -> dict:
    listed = world.api.expect(200, "GET", "/features?limit=500")["features"]
    return next(entry for entry in listed if entry["name"] == "backend_client_certificate")


def test_the_key_is_never_shown(gateway, world, demanding, make_world):
    """Empty in answers; an empty key beside the same certificate stands for the stored one; sealed in the store."""
    backend = demanding()
    value = config(client("gateway one"))
    written = world.feature("backend_client_certificate", value)
    hidden = {**value, "key": ""}
    assert json.loads(written["config"]) == hidden and json.loads(shown(world)["config"]) == hidden
    api = secured(world, backend)
    world.feature("backend_client_certificate", hidden)
    assert world.call(api).status == 200 and backend.last.peer == "gateway one"
    # Beside another certificate it stands for nothing.
    world.api.refused(400, "APIG.2012", "POST", "/features", {
        "name": "backend_client_certificate", "enable": True,
        "config": json.dumps({**hidden, "content": client("gateway two", 92).content})})
    line = value["key"].splitlines()[3]
    for file in gateway.data_dir.iterdir():
        if file.is_file() and file.name.startswith("gatehouse.sqlite"):
            assert line.encode() not in file.read_bytes(), file.name
    assert line not in gateway.log


def test_survives_a_restart(fresh_gatehouse, make_world, demanding):
    program = fresh_gatehouse()
    world = make_world(program)
    backend = demanding()
    world.feature("backend_client_certificate", config(client("gateway one"), ca=SERVERS.pem))
    api = secured(world, backend)
    assert world.call(api).status == 200
    program.stop()
    again = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert again.call(api).status == 200 and backend.last.peer == "gateway one"
