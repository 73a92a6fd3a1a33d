"""What runs out: certificates' time, descriptors, disk, connections. Each is survived, and says so."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import resource
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from harness import certificates as made
from harness import signatures
from harness.faults import Faults
from harness.process import ROOMY, StartFailure
from harness.wire import Wire, ask, head
from harness.world import unique


class Scraper:
    """One connection to the management port that stays open: new ones may not be accepted."""

    def __init__(self, program):
        self.connection = http.client.HTTPConnection(*program.management, timeout=30)
        self.samples()

    def get(self, path: str) -> tuple[int, str]:
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def samples(self) -> dict[str, float]:
        _, text = self.get("/metrics")
        return {name: float(value) for name, _, value in (
            line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))}


def until(condition):
    deadline = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def serves(program, api) -> bool:
    """Whether a new connection is accepted and answered."""
    try:
        return ask(program.gateway, "GET", api.path, api.host).status == 200
    except (OSError, AssertionError, ValueError):
        return False


# Descriptors -------------------------------------------------------------------------------------
FAILURES = 'gatehouse_accept_failures_total{reason="descriptors"}'


def take_descriptors(program) -> int:
    """No descriptor above those that are open may be had from now on. Returns the limit before."""
    pid = program.process.pid
    highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    before, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, hard))
    return before


def give_descriptors(program, limit: int) -> None:
    _, hard = resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (limit, hard))


def tries_now_and_then(scraper: Scraper) -> None:
    """Neither spinning, which would be thousands of failures a second, nor giving up."""
    began = time.monotonic()
    first = until(lambda: scraper.samples()[FAILURES])
    more = until(lambda: (now := scraper.samples()[FAILURES]) >= first + 6 and now)
    assert more - first <= 20 * (time.monotonic() - began) + 20


def test_descriptors_run_out_and_come_back(fresh_gatehouse, make_world, backend):
    program = fresh_gatehouse("--gateway-threads", "2", settings=ROOMY)
    world = make_world(program)
    mock, forwarded = world.make_mock(), world.make_api()
    scraper = Scraper(program)
    with contextlib.ExitStack() as open_wires:
        kept = open_wires.enter_context(Wire(program.gateway))
        assert world.call(mock, wire=kept).status == 200
        before = take_descriptors(program)
        # Places below the highest are taken up too; who comes then waits, with its request on the way.
        waiting = [open_wires.enter_context(Wire(program.gateway)) for _ in range(60)]
        for wire in waiting:
            wire.send(head("GET", mock.path, [("Host", mock.host)]))
        tries_now_and_then(scraper)
        # The management port has a listener of its own, which must come back as well.
        management = open_wires.enter_context(Wire(program.management))
        management.send(head("GET", "/readyz", [("Host", "m")]))
        tries_now_and_then(scraper)
        # Who is connected is served; what needs a connection more is refused.
        for _ in range(5):
            assert world.call(mock, wire=kept).status == 200
        refused = world.call(forwarded, wire=kept)
        assert (refused.status, refused.json()["error_code"]) == (502, "APIC.0202"), refused.body
        assert scraper.samples()["process_open_fds"] >= scraper.samples()["process_max_fds"] - 1
        give_descriptors(program, before)
        for wire in waiting:
            assert wire.reply().status == 200
        assert management.reply().status == 200
        assert world.call(forwarded, wire=kept).status == 200
        assert program.log.count("connections cannot be accepted for now") == 1
    assert program.stop() == 0


def test_descriptors_come_back_when_clients_leave(fresh_gatehouse, make_world, backend):
    program = fresh_gatehouse("--gateway-threads", "2", settings=ROOMY)
    world = make_world(program)
    api, scraper = world.make_api(), Scraper(program)
    until(lambda: serves(program, api))
    take_descriptors(program)
    hoard = [Wire(program.gateway) for _ in range(60)]
    until(lambda: scraper.samples()[FAILURES])
    [wire.close() for wire in hoard]
    until(lambda: serves(program, api))
    until(lambda: program.status_of("/readyz") == 200)
    world.make_mock()
    assert program.stop() == 0


def test_management_is_busy_without_descriptors(fresh_gatehouse, make_world):
    """All threads have work, and more waits: none of what the program does about it may need a descriptor."""
    program = fresh_gatehouse("--gateway-threads", "2", settings=ROOMY)
    target = make_world(program).api.full("/api-groups")
    request = head("GET", target, signatures.sign(
        program.credentials["access_key"], program.credentials["secret_key"], "GET", target, [("Host", "m")], b""))
    with contextlib.ExitStack() as open_wires:
        wires = [open_wires.enter_context(Wire(program.management)) for _ in range(32)]
        for wire in wires:
            wire.send(request)
            assert wire.reply().status == 200
        take_descriptors(program)
        # Longer than the second after which libdispatch looks at its threads (docs/decisions/0032).
        ends = time.monotonic() + 4
        while time.monotonic() < ends:
            for wire in wires:
                wire.send(request * 10)
            for wire in wires:
                for _ in range(10):
                    assert wire.reply().status == 200
    assert program.stop() == 0


# Listeners ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("port", ["gateway_port", "tls_port", "management_port"])
def test_a_listener_that_has_ended_is_opened_again(fresh_gatehouse, make_world, tmp_path, port):
    """EPROTO is one of the errors of accept after which the listener's channel is closed."""
    faults = Faults(tmp_path)
    program = fresh_gatehouse("--gateway-threads", "2", settings=ROOMY, environment=faults.environment)
    world = make_world(program)
    api, scraper = world.make_mock(), Scraper(program)
    number = getattr(program, port)
    texts = {True: "the listener of the management port has ended", False: "a listener has ended and is opened again"}
    for times in (1, 2):
        faults.fail_accept(number, errno.EPROTO)
        # Who came waits, and is served.
        with Wire(("127.0.0.1", number)) as wire:
            until(lambda: faults.has_failed(number))
            if port == "tls_port":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                wire.socket = context.wrap_socket(wire.socket, server_hostname=api.host)
            path, host = ("/readyz", "m") if port == "management_port" else (api.path, api.host)
            wire.send(head("GET", path, [("Host", host)]))
            assert wire.reply().status == 200
        assert program.log.count(texts[port == "management_port"]) == times
        assert scraper.samples()['gatehouse_accept_failures_total{reason="other"}'] == times
        assert program.status_of("/readyz") == 200
    assert world.call(api).status == 200 and world.make_group()["id"]
    assert program.stop() == 0


@pytest.mark.parametrize("port", ["gateway_port", "tls_port"])
def test_who_does_not_listen_is_not_ready(fresh_gatehouse, make_world, tmp_path, port):
    faults = Faults(tmp_path)
    program = fresh_gatehouse(settings=ROOMY, environment=faults.environment)
    world = make_world(program)
    api, number = world.make_mock(), getattr(program, port)
    assert program.status_of("/readyz") == 200
    held = faults.hold_duplicates(number)
    faults.fail_accept(number, errno.EPROTO)
    with Wire(("127.0.0.1", number)) as wire:
        until(lambda: program.status_of("/readyz") == 503)
        # Still there for those who look after it, and alive: it tries again.
        assert program.status_of("/livez") == 200 and world.make_group()["id"]
        until(lambda: "a listener cannot be opened again for now" in program.log)
        assert program.status_of("/readyz") == 503
        held.unlink()
        until(lambda: program.status_of("/readyz") == 200)
        if port == "tls_port":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            wire.socket = context.wrap_socket(wire.socket, server_hostname=api.host)
        wire.send(head("GET", api.path, [("Host", api.host)]))
        assert wire.reply().status == 200
    assert program.stop() == 0


def test_the_soft_limit_is_raised_to_the_hard_one(fresh_gatehouse):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1000, hard), hard))
    try:
        program = fresh_gatehouse()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert Scraper(program).samples()["process_max_fds"] == min(hard, 1_048_576)


# Connections -------------------------------------------------------------------------------------
def refused(scraper: Scraper, reason: str) -> float:
    return scraper.samples()[f'gatehouse_connections_refused_total{{reason="{reason}"}}']


def connect(address: tuple[str, int], source: str = "127.0.0.1") -> Wire:
    wire = Wire.__new__(Wire)
    wire.socket = socket.create_connection(address, timeout=20, source_address=(source, 0))
    wire.buffer = b""
    return wire


def is_served(wire: Wire, api) -> bool:
    """False when the connection is closed without a byte."""
    try:
        wire.send(head("GET", api.path, [("Host", api.host)]))
        return wire.reply().status == 200
    except OSError:
        return False
    except Exception as error:  # noqa: BLE001 - the harness's own "closed"
        assert type(error).__name__ == "Closed" and error.args == (b"",), error
        return False


def test_all_connections_are_bounded(fresh_gatehouse, make_world):
    program = fresh_gatehouse("--gateway-threads", "1", settings={**ROOMY, "max_connections": 4})
    api, scraper = make_world(program).make_mock(), Scraper(program)
    wires = [connect(program.gateway, f"127.0.0.{number}") for number in range(1, 5)]
    assert all(is_served(wire, api) for wire in wires)
    assert not is_served(connect(program.gateway), api)
    assert refused(scraper, "limit") == 1 and refused(scraper, "client_limit") == 0
    assert all(is_served(wire, api) for wire in wires), "those that are there stay"
    wires.pop().close()
    until(lambda: serves(program, api))


def test_connections_of_one_client_are_bounded(fresh_gatehouse, make_world):
    """Over all event loops and both listeners."""
    program = fresh_gatehouse("--gateway-threads", "3", settings={**ROOMY, "max_connections_per_client": 3})
    api, scraper = make_world(program).make_mock(), Scraper(program)
    first = [connect(program.gateway) for _ in range(2)]
    assert all(is_served(wire, api) for wire in first)
    secure = connect(("127.0.0.1", program.tls_port))
    until(lambda: scraper.samples()['gatehouse_connections{listener="https"}'] == 1)
    for number in range(1, 7):
        assert not is_served(connect(program.gateway), api)
        assert refused(scraper, "client_limit") == number
    others = [connect(program.gateway, "127.0.0.2") for _ in range(3)]
    assert all(is_served(wire, api) for wire in others)
    assert not is_served(connect(program.gateway, "127.0.0.2"), api)
    secure.close()
    until(lambda: serves(program, api))
    assert all(is_served(wire, api) for wire in first + others) and refused(scraper, "limit") == 0


def test_the_client_is_whom_the_proxy_header_names(fresh_gatehouse, make_world):
    program = fresh_gatehouse(settings={**ROOMY, "gateway_proxy_protocol": True, "max_connections_per_client": 1})
    api, scraper = make_world(program).make_mock(), Scraper(program)

    def named(address: str) -> Wire:
        wire = connect(program.gateway)
        wire.send(f"PROXY TCP4 {address} 127.0.0.1 40000 80\r\n".encode())
        return wire

    wires = [named("192.0.2.1"), named("192.0.2.2")]
    assert all(is_served(wire, api) for wire in wires)
    assert not is_served(named("192.0.2.1"), api) and refused(scraper, "client_limit") == 1
    wires[0].close()
    until(lambda: is_served(named("192.0.2.1"), api))
    # The load balancer itself, which speaks for nobody, is no client.
    for _ in range(3):
        wire = connect(program.gateway)
        wire.send(b"PROXY UNKNOWN\r\n")
        wires.append(wire)
        assert is_served(wire, api)


@pytest.mark.parametrize(("setting", "value"), [
    ("max_connections", 0), ("max_connections", 1_000_001), ("max_connections_per_client", -1),
    ("max_connections_per_client", 1_000_001)])
def test_limits_have_limits(fresh_gatehouse, setting, value):
    with pytest.raises(StartFailure) as failure:
        fresh_gatehouse(settings={setting: value})
    assert failure.value.status == 1 and f"{setting} is outside" in failure.value.output


# Disk --------------------------------------------------------------------------------------------
@pytest.fixture
def small_disk(tmp_path):
    """A data folder on a file system of its own, with room for a first start and little more."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0700", "none", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("a file system can be mounted by root alone")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    filler = place / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (65_536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return filler


def test_a_full_disk(small_disk, fresh_gatehouse, make_world, backend):
    settings = {**ROOMY, "access_log": {"path": "access.log"}}
    program = fresh_gatehouse(data_dir=small_disk, settings=settings)
    world = make_world(program)
    api, scraper = world.make_api(), Scraper(program)
    assert scraper.samples()["gatehouse_store_writable"] == 1

    filler = fill(small_disk)
    names = []
    # What the database has of the disk already is used up first.
    for _ in range(3000):
        names.append(unique("group"))
        answer = world.api.post("/api-groups", {"name": names[-1]}, validate=False)
        if answer.status != 201:
            break
    assert (answer.status, answer.json()["error_code"]) == (500, "APIG.9999"), answer.body
    assert scraper.get("/readyz") == (200, "ready, but the store takes no changes\n")
    found = scraper.samples()
    assert found["gatehouse_store_writable"] == 0 and found['gatehouse_store_failures_total{reason="refused"}'] >= 1
    assert program.log.count("the store takes no changes") == 1
    # Nothing of it was changed, and everything can be read.
    assert world.api.expect(200, "GET", f"/api-groups?name={names[-1]}&precise_search=name")["total"] == 0
    assert world.api.expect(200, "GET", f"/api-groups/{api.group_id}")["id"] == api.group_id
    # Traffic goes on, and so does the access log, without the lines for which there is no room.
    until(lambda: world.call(api).status == 200 and scraper.samples()["gatehouse_access_log_dropped_total"] > 0)
    assert world.call(api).status == 200

    filler.unlink()
    made_group = until(lambda: (again := world.api.post("/api-groups", {"name": names[-1]}, validate=False)).status == 201 and again.json())
    assert scraper.get("/readyz") == (200, "ready\n")
    assert scraper.samples()["gatehouse_store_writable"] == 1
    assert program.log.count("the store takes changes again") == 1
    lines = scraper.samples()["gatehouse_access_log_lines_total"]
    assert world.call(api).status == 200
    until(lambda: scraper.samples()["gatehouse_access_log_lines_total"] > lines)
    # What was answered is what is there after a crash.
    program.kill()
    again = make_world(fresh_gatehouse(data_dir=small_disk, settings=settings))
    for name in names[:-1][-5:]:
        assert again.api.expect(200, "GET", f"/api-groups?name={name}&precise_search=name")["total"] == 1
    assert again.api.expect(200, "GET", f"/api-groups/{made_group['id']}")["name"] == names[-1]


def test_a_disk_with_room_again_is_found_without_a_change(small_disk, fresh_gatehouse, make_world):
    program = fresh_gatehouse(data_dir=small_disk, settings=ROOMY)
    world, scraper = make_world(program), Scraper(program)
    filler = fill(small_disk)
    until(lambda: world.api.post("/api-groups", {"name": unique("group")}, validate=False).status == 500)
    assert scraper.samples()["gatehouse_store_writable"] == 0
    filler.unlink()
    until(lambda: scraper.samples()["gatehouse_store_writable"] == 1)


# Certificates ------------------------------------------------------------------------------------
def expiry(use: str, name: str) -> str:
    return f'gatehouse_certificate_expiry_seconds{{use="{use}",certificate="{name}"}}'


def end_of(certificate) -> int:
    return int(certificate.certificate.not_valid_after_utc.timestamp())


def test_certificates_that_are_about_to_end(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    api, scraper = world.make_mock(), Scraper(program)
    shown = {}
    for days in (200, 20, 5):
        name = f"{unique('e').replace('_', '')}.example.com"
        domain = world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains", {"url_domain": name})
        certificate = made.make(name, days=days)
        bound = world.api.expect(201, "POST", f"/api-groups/{api.group_id}/domains/{domain['id']}/certificate", {
            "name": unique("cert"), "cert_content": certificate.content, "private_key": certificate.key_pem})
        shown[days] = (bound["ssl_id"], name)
        assert scraper.samples()[expiry("domain", bound["ssl_id"])] == end_of(certificate)
    unbound = made.make("unbound.example.com", days=3)
    world.api.expect(200, "POST", f"/v2/{world.api.credentials['project_id']}/apic/certificates", {
        "name": unique("cert"), "cert_content": unbound.content, "private_key": unbound.key_pem})
    client = made.make(common_name="gateway", key=made.rsa_key(95), days=25, purposes=[made.ExtendedKeyUsageOID.CLIENT_AUTH])
    world.feature("backend_client_certificate", {
        "enable": "on", "ca": "", "content": client.content, "key": client.key_pem})
    found = scraper.samples()
    assert found[expiry("backend", program.credentials["instance_id"])] == end_of(client)
    assert 364 * 86_400 < found[expiry("gateway", "gateway")] - time.time() < 366 * 86_400
    assert sum(name.startswith("gatehouse_certificate_expiry_seconds") for name in found) == 5
    assert program.stop() == 0

    program = fresh_gatehouse(data_dir=program.data_dir)
    until(lambda: program.log.count("a certificate expires") >= 3)
    warnings = [line for line in program.log.splitlines() if "a certificate expires" in line]
    for days, name in ((30, shown[20][0]), (7, shown[5][0]), (30, program.credentials["instance_id"])):
        assert sum(name in line and f"less than {days} days" in line for line in warnings) == 1, warnings
    assert len(warnings) == 3
    world, scraper = make_world(program), Scraper(program)
    identity, name = shown[5]
    renewed = made.make(name, days=100)
    world.api.expect(200, "PUT", f"/v2/{world.api.credentials['project_id']}/apic/certificates/{identity}", {
        "cert_content": renewed.content, "private_key": renewed.key_pem})
    assert scraper.samples()[expiry("domain", identity)] == end_of(renewed)
    for line in client.key_pem.splitlines()[1:4]:
        assert line not in program.log
