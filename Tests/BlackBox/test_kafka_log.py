"""Plug-in kafka_log: what brokers get of requests, what they never get, and that brokers change nothing for callers."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import threading
import time
import urllib.request

import pytest

from harness import certificates, functions
from harness.backend import Answer
from harness.functions import decides
from harness.kafka import Broker, Cluster
from harness.logs import FIELDS, Logged, logging_program
from harness.management import RELEASE, Call, Sdk
from harness.process import Gatehouse, StartFailure, free_port
from harness.world import World, unique

#: Names of the record -> names of the access log.
SYSTEM = {name: name for name in FIELDS if name not in (
    "remote_addr", "user_id", "time_local", "status", "bytes_sent", "request_length", "router_uri", "errorType", "gzip_ratio",
    "upstream_scheme", "group_id", "apig_err_code", "function_urn") and not name.startswith("custom_data")} | {
    "http_status": "status", "response_size": "bytes_sent", "request_size": "request_length", "uri": "router_uri",
    "error_type": "errorType"} | {f"custom_data_log{n:02}": f"custom_data_log{n}" for n in range(1, 11)}
OWN = ["start_time", "client_ip", "user_name", "api_uri_mode"]
EVERYTHING = {name: True for name in [*SYSTEM, *OWN]}


@pytest.fixture(scope="module")
def cluster():
    return Cluster()


@pytest.fixture(scope="module")
def program(tmp_path_factory, shared_functions):
    with logging_program(
            tmp_path_factory.mktemp("kafka"), region="here-1", quotas={"kafka_plugins": 100},
            functions=functions.settings(shared_functions.address)) as program:
        yield program
    assert "Kafka-Passw0rd" not in program.log


@pytest.fixture
def log(program, backend):
    return Logged(program, backend)


@pytest.fixture
def world(log):
    return log.world


def content(address: str, topic: str, system: dict | None = None, call_data: dict | None = None, **fields) -> dict:
    return {"broker_list": [address], "topic": topic, "key": "", "max_retry_count": 0, "retry_backoff": 1,
            "meta_config": {"system": system or {}, "call_data": call_data or {}}, **fields}


def attach(world: World, cluster: Cluster, *apis, **options) -> tuple[str, dict]:
    topic = unique("topic")
    plugin = world.make_plugin("kafka_log", content(cluster.address, topic, **options))
    world.attach(plugin, *apis)
    return topic, plugin


def put(world: World, plugin: dict, changed: dict) -> None:
    shown = world.api.get(f"/plugins/{plugin['plugin_id']}").json()
    world.api.expect(200, "PUT", f"/plugins/{plugin['plugin_id']}", {
        "plugin_name": shown["plugin_name"], "plugin_type": "kafka_log", "plugin_scope": "global", "plugin_content": json.dumps(changed)})


def samples(program: Gatehouse) -> dict[str, float]:
    text = urllib.request.urlopen(f"{program.endpoint}/metrics").read().decode()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}


def until(condition, seconds: float = 30):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


# Records -----------------------------------------------------------------------------------------

def test_every_system_field(log, world, cluster, backend):
    """The fields mean what those of the access log mean; what only records have is right by itself."""
    backend.script = lambda request: Answer(201, body=b"0123456789")
    api = world.make_api(backend={"req_uri": "/behind"})
    topic, _ = attach(world, cluster, api, system=EVERYTHING)
    before = time.time() * 1000
    reply = world.call(api, "POST", api.path + "?a=1&apikey=SECRET1", [("User-Agent", "x"), ("X-Forwarded-For", "192.0.2.9")], b"hello")
    [line] = log.take()
    [record] = cluster.read(topic, 1)
    found = record.json()
    assert set(found) == set(EVERYTHING) and record.key is None
    assert {name: found[name] for name in SYSTEM} == {name: line[known] for name, known in SYSTEM.items()}
    assert before - 1 <= found["start_time"] <= time.time() * 1000
    assert (found["client_ip"], found["user_name"], found["api_uri_mode"]) == ("127.0.0.1", "-", "NORMAL")
    assert (found["http_status"], found["request_id"], found["api_id"]) == (201, reply.one("X-Request-Id"), api.id)
    assert "SECRET1" not in record.value.decode()


DEFAULTS = {"start_time", "request_id", "client_ip", "request_time", "http_status", "scheme", "request_method", "host", "uri",
            "upstream_addr", "upstream_status", "upstream_response_time", "http_x_forwarded_for", "http_user_agent", "error_type"}


def test_default_and_chosen_fields(world, cluster):
    api, other = world.make_api(), world.make_api(match_mode="SWA")
    topic, _ = attach(world, cluster, api)
    chosen, _ = attach(world, cluster, other, system={name: False for name in DEFAULTS} | {"api_uri_mode": True, "user_name": False})
    assert world.call(api).status == world.call(other).status == 200
    assert set(cluster.read(topic, 1)[0].json()) == DEFAULTS
    assert cluster.read(chosen, 1)[0].json() == {"api_uri_mode": "SWA"}


def test_headers_and_query(world, cluster, backend):
    backend.script = lambda request: Answer(200, [("X-B", "1"), ("X-B", "2"), ("X-Bell", "3"), ("X-C", "4"), ("Set-Cookie", "sid=SECRET1")])
    api = world.make_api()
    topic, plugin = attach(world, cluster, api, call_data={
        "log_request_header": True, "request_header_filter": "x-a*, *two", "log_request_query_string": True,
        "request_query_string_filter": "q,long*", "log_response_header": True, "response_header_filter": "X-B,absent"})
    world.call(api, target=api.path + "?q=1&Q=2&longest=%C3%A4%20x&q=3&flag&q", headers=[
        ("X-A", "one"), ("X-Apple", "\"\\"), ("x-a", "two"), ("Number-Two", "2"), ("X-Ba", "no")])
    found = cluster.read(topic, 1)[0].json()
    assert found["request_header"] == {"x-a": "one, two", "x-apple": "\"\\", "number-two": "2"}
    assert found["request_query_string"] == "q=1&longest=%C3%A4%20x&q=3&q"
    assert found["response_header"] == {"x-b": "1, 2"}
    # Without a filter everything, and secrets never.
    topic = unique("topic")
    put(world, plugin, content(cluster.address, topic, call_data={
        "log_request_header": True, "log_request_query_string": True, "log_response_header": True}))
    world.call(api, target=api.path + "?q=1&access_token=SECRET1&b", headers=[
        ("Authorization", "SECRET1"), ("Cookie", "SECRET1"), ("X-Apig-AppCode", "SECRET1"), ("X-Auth-Token", "SECRET1"), ("X-A", "1")])
    [record] = cluster.read(topic, 1)
    found = record.json()
    assert found["request_header"] == {
        "host": api.host, "authorization": "***", "cookie": "***", "x-apig-appcode": "***", "x-auth-token": "***", "x-a": "1"}
    assert found["request_query_string"] == "q=1&access_token=***&b"
    assert found["response_header"]["set-cookie"] == "***" and found["response_header"]["x-c"] == "4"
    assert b"SECRET1" not in record.value


BODIES = {"log_request_body": True, "log_response_body": True}


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies(world, cluster, backend, chunked):
    text = "grüße \"\\\n".encode() * 1000
    backend.script = lambda request: Answer(200, body=b"\xff\xfe\x00") if not chunked else Answer(200, chunks=[b"one ", b"two"])
    api = world.make_api()
    topic, _ = attach(world, cluster, api, call_data=BODIES)
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text) if chunked else text
    with world.connect() as wire:
        head = f"POST {api.path} HTTP/1.1\r\nHost: {api.host}\r\n" + (
            "Transfer-Encoding: chunked\r\n" if chunked else f"Content-Length: {len(text)}\r\n")
        wire.send(head.encode() + b"\r\n" + body)
        assert wire.reply().status == 200
    found = cluster.read(topic, 1)[0].json()
    assert found["request_body"] == text.decode() and "request_body_base64" not in found and "request_body_cut" not in found
    if chunked:
        assert found["response_body"] == "one two"
    else:
        assert base64.b64decode(found["response_body"]) == b"\xff\xfe\x00" and found["response_body_base64"] is True
    assert backend.last.body == text


def test_bodies_are_cut_off(world, cluster, backend):
    """1 MB of each; what is cut goes through a character here, and the record stays text."""
    size = 1_048_576
    backend.script = lambda request: Answer(200, body=b"a" * size)
    api = world.make_api()
    topic, _ = attach(world, cluster, api, call_data={"log_request_body": True})
    other, _ = attach(world, cluster, second := world.make_api(), call_data={"log_response_body": True})
    reply = world.call(api, "POST", body=b"x" + "ä".encode() * (size // 2 + 1))
    assert (reply.status, len(reply.body)) == (200, size)
    found = cluster.read(topic, 1)[0].json()
    assert found["request_body"] == "x" + "ä" * (size // 2 - 1) and found["request_body_cut"] is True
    assert world.call(second).status == 200
    found = cluster.read(other, 1)[0].json()
    assert len(found["response_body"]) == size and "response_body_cut" not in found


def test_refusals_and_own_answers_are_logged(world, cluster):
    mock = world.make_mock('{"a":1}')
    denied = world.make_mock()
    world.bind_acl(world.make_acl("127.0.0.1"), denied)
    throttled = world.make_mock()
    throttle = world.api.expect(201, "POST", "/throttles", {
        "name": unique("throttle"), "api_call_limits": 1, "time_unit": "HOUR", "time_interval": 1})
    world.api.expect(201, "POST", "/throttle-bindings", {"strategy_id": throttle["id"], "publish_ids": [throttled.publish_id]})
    topic, _ = attach(world, cluster, mock, denied, throttled, system=EVERYTHING, call_data={"log_response_body": True})
    statuses = [world.call(api).status for api in (mock, denied, throttled, throttled)]
    assert statuses == [200, 403, 200, 429]
    found = {(record["api_id"], record["http_status"]): record for record in (r.json() for r in cluster.read(topic, 4))}
    assert set(found) == {(mock.id, 200), (denied.id, 403), (throttled.id, 200), (throttled.id, 429)}
    assert found[throttled.id, 429]["error_type"] == 1 and found[denied.id, 403]["response_source"] == "local"
    assert found[mock.id, 200]["response_body"] == '{"a":1}' and "APIC.0402" in found[denied.id, 403]["response_body"]


def test_what_custom_authorizers_said(world, cluster, function_service):
    function_service.script = lambda _: decides(context={"user_name": "Lena", "token": "SECRET1", "other": "x"})
    authorizer = world.api.expect(201, "POST", "/authorizers", {
        "name": unique("authorizer"), "type": "FRONTEND", "authorizer_type": "FUNC", "authorizer_uri": functions.AUTHORIZER})
    api = world.make_mock(auth_type="AUTHORIZER", authorizer_id=authorizer["id"])
    topic, _ = attach(world, cluster, api, system=EVERYTHING, call_data={
        "custom_authorizer": {"frontend": ["user_name", "token", "absent"], "backend": ["user"]}})
    assert world.call(api).status == 200
    [record] = cluster.read(topic, 1)
    assert record.json()["custom_authorizer"] == {
        "frontend": {"user_name": "Lena", "token": "***", "absent": "-"}, "backend": {"user": "-"}}
    assert (record.json()["auth_type"], record.json()["access_model1"]) == ("AUTHORIZER", authorizer["id"])
    assert b"SECRET1" not in record.value


def test_keys_keep_records_together(world, cluster):
    api = world.make_mock()
    topic = unique("topic")
    world.attach(world.make_plugin("kafka_log", content(cluster.address, topic, key="the key")), api)
    with world.connect() as wire:
        sent = [world.call(api, wire=wire).one("X-Request-Id") for _ in range(50)]
    records = cluster.read(topic, 50)
    assert {record.key for record in records} == {b"the key"} and len({record.partition for record in records}) == 1
    assert [record.json()["request_id"] for record in records] == sent


# Life --------------------------------------------------------------------------------------------

def test_changes_while_traffic_flows(program, world, cluster):
    """Each request goes where the plug-in said when it began: no record is lost, doubled or in the wrong topic."""
    api = world.make_mock()
    topics = [unique("topic") for _ in range(6)]
    plugin = world.make_plugin("kafka_log", content(cluster.address, topics[0]))
    sent: dict[str, list[str]] = {topic: [] for topic in topics}
    with world.connect() as wire:
        assert world.call(api, wire=wire).status == 200
        world.attach(plugin, api)
        for number, topic in enumerate(topics):
            if number:
                put(world, plugin, content(cluster.address, topic))
            sent[topic] += [world.call(api, wire=wire).one("X-Request-Id") for _ in range(7)]
        world.detach(plugin, api)
        assert world.call(api, wire=wire).status == 200
    for topic in topics:
        assert sorted(record.json()["request_id"] for record in cluster.read(topic, 7)) == sorted(sent[topic])


def test_changes_under_load_lose_nothing(world, cluster):
    api = world.make_mock()
    topics = [unique("topic"), unique("topic")]
    plugin = world.make_plugin("kafka_log", content(cluster.address, topics[0]))
    world.attach(plugin, api)
    sent: list[str] = []
    stop = threading.Event()

    def load() -> None:
        with world.connect() as wire:
            while not stop.is_set():
                sent.append(world.call(api, wire=wire).one("X-Request-Id"))

    threads = [threading.Thread(target=load) for _ in range(4)]
    [thread.start() for thread in threads]
    for number in range(10):
        # Another number of retries is another producer.
        put(world, plugin, {**content(cluster.address, topics[number % 2]), "max_retry_count": number % 3})
    stop.set()
    [thread.join() for thread in threads]
    # How many went where depends on the moment; together they are all of them.
    until(lambda: sum(len(cluster.read_all(topic)) for topic in topics) >= len(sent))
    found = sorted(record.json()["request_id"] for topic in topics for record in cluster.read_all(topic))
    assert found == sorted(sent)


def test_one_producer_for_equal_brokers(program, world):
    def producers() -> float:
        return samples(program)["gatehouse_kafka_producers"]

    broker = Broker()
    apis = [world.make_mock() for _ in range(3)]
    before = samples(program)["gatehouse_kafka_producers"]
    plugins = [world.make_plugin("kafka_log", content(broker.address, topic)) for topic in ("one", "two")]
    world.attach(plugins[0], apis[0], apis[1])
    world.attach(plugins[1], apis[2])
    assert producers() == before + 1
    for api in apis:
        world.call(api)
    broker.wait_for(3)
    world.detach(plugins[0], apis[0], apis[1])
    assert producers() == before + 1
    world.call(apis[2])
    world.detach(plugins[1], apis[2])
    until(lambda: producers() == before)
    assert len(broker.wait_for(4)) == 4, "what was on its way is delivered first"
    broker.close()


def test_a_stop_delivers_the_rest(fresh_gatehouse, make_world, cluster):
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_mock()
    topic, _ = attach(world, cluster, api)
    with world.connect() as wire:
        sent = [world.call(api, wire=wire).one("X-Request-Id") for _ in range(200)]
    assert program.stop() == 0
    assert sorted(record.json()["request_id"] for record in cluster.read(topic, 200)) == sorted(sent)


def test_it_is_there_after_a_start(fresh_gatehouse, make_world, cluster):
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_mock()
    topic, _ = attach(world, cluster, api)
    assert program.stop() == 0
    program.start()
    assert world.call(api).status == 200
    assert len(cluster.read(topic, 1)) == 1


# Brokers that do not work --------------------------------------------------------------------------

def test_a_dead_broker_changes_nothing(fresh_gatehouse, make_world, backend):
    """Callers do not notice; records wait as long as the retries last, and are then counted as dropped."""
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_api()
    world.attach(world.make_plugin("kafka_log", content(f"127.0.0.1:{free_port()}", "t", call_data=BODIES)), api)
    with world.connect() as wire:
        for number in range(20):
            reply = world.call(api, "POST", body=b"%d" % number, wire=wire)
            assert reply.status == 200 and backend.last.body == b"%d" % number
    until(lambda: samples(program)["gatehouse_kafka_records_waiting"] == 20)
    until(lambda: samples(program)['gatehouse_kafka_records_dropped_total{reason="failed"}'] == 20)
    now = samples(program)
    assert (now["gatehouse_kafka_records_waiting"], now["gatehouse_kafka_bytes_waiting"]) == (0, 0)
    assert "a Kafka log is not delivered" in program.log
    assert program.stop() == 0


def test_a_slow_broker_fills_the_queue_and_no_more(fresh_gatehouse, make_world, backend):
    program = fresh_gatehouse(settings={"kafka_log": {"queue_records": 10}})
    world = make_world(program)
    broker = Broker()
    broker.stalled = threading.Event()
    api = world.make_api()
    world.attach(world.make_plugin("kafka_log", content(broker.address, "t")), api)
    with world.connect() as wire:
        for _ in range(25):
            assert world.call(api, wire=wire).status == 200
    until(lambda: samples(program)['gatehouse_kafka_records_dropped_total{reason="queue_full"}'] == 15)
    assert samples(program)["gatehouse_kafka_records_waiting"] == 10
    broker.stalled.set()
    assert len(broker.wait_for(10)) == 10
    until(lambda: samples(program)["gatehouse_kafka_records_waiting"] == 0)
    # There is room again.
    assert world.call(api).status == 200
    assert len(broker.wait_for(11)) == 11
    until(lambda: samples(program)["gatehouse_kafka_records_delivered_total"] == 11)
    assert program.stop() == 0
    broker.close()


def test_records_are_sent_again_when_a_connection_breaks(world, backend):
    """Small ones of many batches and large ones, each once and as they were."""
    broker = Broker()
    broker.breaks = 2
    api = world.make_api()
    world.attach(world.make_plugin("kafka_log", {
        **content(broker.address, "t", call_data={"log_request_body": True}), "max_retry_count": 5}), api)
    bodies = [bytes([65 + number % 26]) * (number * 37 if number % 10 else 100_000) for number in range(200)]
    with world.connect() as wire:
        sent = {world.call(api, "POST", body=body, wire=wire).one("X-Request-Id"): body.decode() for body in bodies}
    found = [record.json() for record in broker.wait_for(len(bodies))]
    assert {record["request_id"]: record["request_body"] for record in found} == sent and len(found) == len(sent)
    assert broker.breaks == 0
    broker.close()


def test_bytes_are_bounded_too(fresh_gatehouse, make_world, backend):
    """Of the queue, and of bodies that are kept while requests run."""
    program = fresh_gatehouse(settings={"kafka_log": {"queue_bytes": 5000, "body_bytes": 1000}, "gateway_threads": 1})
    world = make_world(program)
    broker = Broker()
    api = world.make_api()
    world.attach(world.make_plugin("kafka_log", content(broker.address, "t", call_data={"log_request_body": True})), api)
    assert world.call(api, "POST", body=b"x" * 3000).status == 200
    found = broker.wait_for(1)[0].json()
    assert (found["request_body"], found["request_body_cut"]) == ("x" * 1000, True)
    broker.stalled = threading.Event()
    for _ in range(10):
        assert world.call(api, "POST", body=b"x" * 900).status == 200
    now = until(lambda: (found := samples(program))['gatehouse_kafka_records_dropped_total{reason="queue_full"}'] >= 5 and found)
    assert 0 < now["gatehouse_kafka_bytes_waiting"] <= 5000
    broker.stalled.set()
    broker.close()


# SASL and TLS ------------------------------------------------------------------------------------

def tls_broker(**options) -> tuple[Broker, str]:
    authority = certificates.make(common_name="Kafka authority", is_authority=True, key=certificates.ec_key())
    own = certificates.make("127.0.0.1", issuer=authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(own.pem + own.key_pem)
        file.flush()
        context.load_cert_chain(file.name)
    return Broker(tls=context, **options), authority.pem


def sasl(protocol: str, authority: str = "", password: str = "Kafka-Passw0rd") -> dict:
    return {"sasl_config": {"security_protocol": protocol, "sasl_mechanisms": "PLAIN", "sasl_username": "gatehouse",
                            "sasl_password": password, "ssl_ca_content": authority}}


def test_sasl_plain(program, world):
    broker = Broker(user="gatehouse", password="Kafka-Passw0rd")
    api = world.make_mock()
    wanted = content(broker.address, "t", **sasl("SASL_PLAINTEXT"))
    plugin = world.make_plugin("kafka_log", wanted)
    assert json.loads(plugin["plugin_content"])["sasl_config"]["sasl_password"] == ""
    world.attach(plugin, api)
    assert world.call(api).status == 200
    assert len(broker.wait_for(1)) == 1 and broker.refused == 0
    # What was read can be written back; a wrong password is refused by the broker and nobody else.
    put(world, plugin, {**json.loads(plugin["plugin_content"]), "key": "k"})
    assert world.call(api).status == 200
    assert broker.wait_for(2)[1].key == b"k"
    put(world, plugin, {**wanted, **sasl("SASL_PLAINTEXT", password="wrong")})
    assert world.call(api).status == 200
    until(lambda: broker.refused > 0)
    assert len(broker.records) == 2
    world.detach(plugin, api)
    broker.close()


def test_sasl_over_tls(program, world):
    broker, authority = tls_broker(user="gatehouse", password="Kafka-Passw0rd")
    _, stranger = tls_broker()
    api, other = world.make_mock(), world.make_mock()
    world.attach(world.make_plugin("kafka_log", content(broker.address, "t", **sasl("SASL_SSL", authority))), api)
    plugin = world.make_plugin("kafka_log", content(broker.address, "t", **sasl("SASL_SSL", stranger)))
    world.attach(plugin, other)
    assert world.call(other).status == world.call(api).status == 200
    assert broker.wait_for(1)[0].json()["host"] == api.host
    until(lambda: broker.broken > 0)
    assert len(broker.records) == 1, "a broker of another authority gets nothing, not even the password"
    world.detach(plugin, other)
    broker.close()


@pytest.mark.parametrize("changed", [
    sasl("SASL_SSL", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n"), sasl("SASL_SSL"), sasl("SSL"),
    {"sasl_config": {"security_protocol": "SASL_PLAINTEXT"}}], ids=range(4))
def test_refused_security(world, changed):
    world.api.refused(400, "APIG.2012", "POST", "/plugins", {
        "plugin_name": unique("plugin"), "plugin_type": "kafka_log", "plugin_scope": "global",
        "plugin_content": json.dumps(content("127.0.0.1:9092", "t", **changed))})


@pytest.mark.parametrize("settings, reason", [
    ({"queue_records": 0}, "kafka_log.queue_records"), ({"queue_bytes": 1}, "kafka_log.queue_bytes"),
    ({"body_bytes": -1}, "kafka_log.body_bytes"), ({"more": 1}, "unknown setting kafka_log.more")])
def test_refused_settings(fresh_gatehouse, settings, reason):
    with pytest.raises(StartFailure, match=reason):
        fresh_gatehouse(settings={"kafka_log": settings})


def test_through_the_sdk(program, cluster, backend):
    sdk = Sdk(program.credentials, program.endpoint)
    world = World(program, Call(program.credentials, program.management), backend)
    api, topic = world.make_mock(), unique("topic")
    made = sdk.create_plugin(body={"plugin_name": unique("plugin"), "plugin_type": "kafka_log", "plugin_scope": "global",
                                   "plugin_content": json.dumps(content(cluster.address, topic))})
    attached = sdk.attach_plugin_to_api(api_id=api.id, body={"env_id": RELEASE, "plugin_ids": [made.plugin_id]}).attached_plugins
    assert [entry.plugin_type for entry in attached] == ["kafka_log"]
    assert world.call(api).status == 200 and len(cluster.read(topic, 1)) == 1
    assert sdk.refused(409, "APIG.3462", "delete_plugin", plugin_id=made.plugin_id)
    sdk.detach_plugin_from_api(api_id=api.id, body={"env_id": RELEASE, "plugin_ids": [made.plugin_id]})
    sdk.delete_plugin(plugin_id=made.plugin_id)
    assert sdk.violations == []
