"""Who calls: APIs with authentication APP and IAM, every carrier, with the signer of the vendor's SDK as the caller."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from harness import signatures
from harness.management import RELEASE
from harness.wire import Wire, head
from harness.world import World, unique

WRONG = "Incorrect app authentication information"


@dataclass
class App:
    id: str
    name: str
    key: str
    secret: str


def make_app(world, **fields) -> App:
    made = world.api.expect(201, "POST", f"{world.api.public_path}/apps", {"name": unique("app"), **fields})
    secret = world.api.expect(200, "GET", f"{world.api.public_path}/apps/{made['id']}/secret")["secret"]
    return App(made["id"], made["name"], made["key"], secret)


def authorize(world, app: App, *apis, env_id: str = RELEASE) -> list[dict]:
    return world.api.expect(201, "POST", "/app-auths", {
        "env_id": env_id, "app_ids": [app.id], "api_ids": [api.id for api in apis]})["auths"]


def vendor(app, method: str, path: str, host: str, query=(), headers=None, body: bytes = b"") -> tuple[str, list]:
    """Target and headers as the vendor's signer makes them."""
    request = SdkRequest(
        method=method, schema="http", host=host, resource_path=path, query_params=list(query),
        header_params=dict(headers or {}), body=body)
    Signer(SimpleNamespace(ak=app.key, sk=app.secret)).sign(request)
    pairs = request.uri.partition("?")[2]
    target = urllib.parse.quote(path, safe="/%~") + (f"?{pairs}" if pairs else "")
    return target, [(name, value) for name, value in request.header_params.items() if name.lower() != "host"]


def call_signed(world, api, app, method="GET", path=None, body=b"", wire=None, change=lambda fields: fields, **shape):
    target, fields = vendor(app, method, path or api.path, api.host, body=body, **shape)
    return world.call(api, method, target, headers=change(fields), body=body, wire=wire)


def refused(reply, status: int, code: str, message: str = "") -> str:
    answer = reply.json()
    assert (reply.status, answer["error_code"]) == (status, f"APIC.{code}"), reply
    assert answer["error_msg"].startswith(message), answer
    return answer["error_msg"]


@pytest.fixture
def app(world) -> App:
    return make_app(world)


@pytest.fixture
def api(world, app):
    made = world.make_api(auth_type="APP")
    authorize(world, app, made)
    return made


@pytest.fixture(scope="module")
def everything(gatehouse, call, shared_backend):
    """(world, api, app): one API for every path below `/`."""
    world = World(gatehouse, call, shared_backend)
    api, app = world.make_api("/", match_mode="SWA", auth_type="APP"), make_app(world)
    authorize(world, app, api)
    return world, api, app


# The signature -------------------------------------------------------------------------------------

PATHS = ["/", "/a", "/a/", "/a/b/c", "/a b", "/中文", "/a~b-c_d.e", "/a!b$c&d'e(f)*g,h;i=j:k@l", "/a%20b", "/a+b", "/%7Etilde",
         "/UPPER/lower", "/a.b/c.d", "/1/2/3/4/5/6/7/8", "/x" * 40]
QUERIES = [
    [("a", "1")], [("a", "")], [("b", "2"), ("a", "1")], [("a", ["2", "1", "3"])], [("a", "b c")], [("a", "b+c")], [("a", "/")],
    [("A", "1"), ("a", "2"), ("B", "3")], [("a b", "c d")], [("a", "&=%")], [("中", "文")], [("a", True), ("b", False)],
    [("a", 12)], [("k-e_y.~", "v-_.~")], [("a", "1?b=2")], [("a", ":/@!$'()*,;")], [("aa", 1), ("a", 2), ("a-", 3), ("a_", 5)],
    [(f"k{n}", n) for n in range(60)], [("empty", ""), ("tag", ["b", "a"]), ("q", "x y")]]
HEADERS = [
    {"Content-Type": "application/json"}, {"Content-Type": "application/json;charset=utf-8"},
    {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "text/plain"}, {"X-Custom": "  padded  "},
    {"X-Empty": ""}, {"X_Under_Score": "1"}, {"Accept": "*/*", "User-Agent": "test/1.0"}, {"X-Stage": "RELEASE"},
    {"Cookie": "a=b; c=d"}, {"x-lower": "1", "X-UPPER": "2"}, {"X-Many-Blanks": "a    b"}]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]
BODIES = [b"", b"x", b'{"a":1}', "中文".encode(), bytes(range(256)), b"x" * 8191, b"y" * 70_000, b"z" * 1_000_000]


@pytest.mark.parametrize("path", PATHS)
def test_paths(everything, backend, path):
    world, api, app = everything
    assert call_signed(world, api, app, path=path).status == 200
    assert not backend.last.has("Authorization"), "what proved the caller goes no further"


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_queries(everything, query):
    world, api, app = everything
    assert call_signed(world, api, app, path="/q", query=query).status == 200


@pytest.mark.parametrize("headers", HEADERS, ids=str)
@pytest.mark.parametrize("body", [b"", b'{"a":1}'], ids=["none", "some"])
def test_headers(everything, backend, headers, body):
    world, api, app = everything
    assert call_signed(world, api, app, "POST", "/h", headers=headers, body=body).status == 200
    assert backend.last.body == body


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{len(body)}-bytes")
def test_methods_and_bodies(everything, backend, method, body):
    if method == "HEAD" and body:
        pytest.skip("HEAD with a body says nothing more")
    world, api, app = everything
    assert call_signed(world, api, app, method, "/m", query=[("x", 1)], body=body).status == 200
    assert backend.last.body == body


def test_chunked_bodies_are_hashed_as_they_come(everything, backend):
    world, api, app = everything
    body = b"0123456789" * 5000
    target, fields = vendor(app, "POST", "/c", api.host, body=body)
    with Wire(world.gatehouse.gateway) as wire:
        for sent, status in [(body, 200), (body[:-1] + b"x", 401), (body, 200)]:
            wire.send(head("POST", target, [("Host", api.host), *fields, ("Transfer-Encoding", "chunked")]))
            for start in range(0, len(sent), 7000):
                piece = sent[start:start + 7000]
                wire.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
            wire.send(b"0\r\n\r\n")
            assert wire.reply().status == status
    assert [request.body for request in backend.requests] == [body, body], "a forged body reaches nobody"


def test_a_body_announced_with_expect(everything, backend):
    world, api, app = everything
    target, fields = vendor(app, "POST", "/e", api.host, body=b"hello")
    with Wire(world.gatehouse.gateway) as wire:
        wire.send(head("POST", target, [("Host", api.host), *fields, ("Content-Length", "5"), ("Expect", "100-continue")]))
        assert wire.reply().status == 100
        wire.send(b"hello")
        assert wire.reply().status == 200
    assert backend.last.body == b"hello"


def test_requests_side_by_side_on_one_connection(everything, backend):
    world, api, app = everything
    with world.connect() as wire:
        for number in range(20):
            body = b"x" * (number * 997)
            assert call_signed(world, api, app, "POST", f"/k{number}", body=body, wire=wire).status == 200
            assert backend.last.body == body
        bad = App(app.id, app.name, app.key, "wrong")
        assert call_signed(world, api, bad, "POST", "/k", body=b"abc", wire=wire).status == 401
        assert call_signed(world, api, app, "POST", "/k", body=b"abc", wire=wire).status == 200


def header(fields, name):
    return next(value for key, value in fields if key.lower() == name.lower())


def replaced(fields, name, value):
    return [(key, value if key.lower() == name.lower() else old) for key, old in fields]


def without(fields, name):
    return [(key, value) for key, value in fields if key.lower() != name.lower()]


FORGERIES = {
    "another path": lambda method, target, fields, body: (method, target + "x", fields, body),
    "another query": lambda method, target, fields, body: (method, target + "?a=1", fields, body),
    "another method": lambda method, target, fields, body: ("PUT", target, fields, body),
    "another body": lambda method, target, fields, body: (method, target, fields, body + b"x"),
    "no body": lambda method, target, fields, body: (method, target, fields, b""),
    "another header": lambda method, target, fields, body: (method, target, replaced(fields, "X-Signed", "2"), body),
    "a header less": lambda method, target, fields, body: (method, target, without(fields, "X-Signed"), body),
    "a header twice": lambda method, target, fields, body: (method, target, [*fields, ("X-Signed", "1")], body),
    "no date": lambda method, target, fields, body: (method, target, without(fields, "X-Sdk-Date"), body),
    "the body let go": lambda method, target, fields, body: (
        method, target, [*fields, ("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD")], body),
    "a digit of the signature": lambda method, target, fields, body: (
        method, target, replaced(fields, "Authorization", header(fields, "Authorization")[:-1]
                                 + ("0" if header(fields, "Authorization")[-1] != "0" else "1")), body),
    "a signature cut off": lambda method, target, fields, body: (
        method, target, replaced(fields, "Authorization", header(fields, "Authorization")[:-1]), body),
    "no signature": lambda method, target, fields, body: (
        method, target, replaced(fields, "Authorization", header(fields, "Authorization").partition(", Signature")[0]), body),
    "a scheme alone": lambda method, target, fields, body: (
        method, target, replaced(fields, "Authorization", "SDK-HMAC-SHA256"), body),
    "two authorizations": lambda method, target, fields, body: (
        method, target, [*fields, ("Authorization", header(fields, "Authorization"))], body),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries(everything, backend, forgery):
    world, api, app = everything
    target, fields = vendor(app, "POST", "/f", api.host, headers={"X-Signed": "1"}, body=b"body")
    assert world.call(api, "POST", target, headers=fields, body=b"body").status == 200
    backend.clear()
    method, target, fields, body = FORGERIES[forgery]("POST", target, fields, b"body")
    refused(world.call(api, method, target, headers=fields, body=body), 401, "0303", WRONG)
    assert backend.requests == []


def test_a_signature_must_cover_host_and_date(everything):
    world, api, app = everything
    fields = [("Host", api.host), ("X-A", "1")]
    for signed in (["x-sdk-date"], ["host"], ["host", "x-a"], ["x-a", "x-sdk-date"]):
        made = signatures.sign(app.key, app.secret, "GET", "/s", fields, b"", signed=signed)
        refused(world.call(api, target="/s", headers=without(made, "Host")), 401, "0303", WRONG)
    made = signatures.sign(app.key, app.secret, "GET", "/s", fields, b"", signed=["host", "x-sdk-date"])
    assert world.call(api, target="/s", headers=without(made, "Host")).status == 200


def test_a_declared_hash_is_that_of_the_body(everything):
    world, api, app = everything
    for declared, status in [(hashlib.sha256(b"abc").hexdigest(), 200), (hashlib.sha256(b"abd").hexdigest(), 401)]:
        fields = [("Host", api.host), ("X-Sdk-Content-Sha256", declared)]
        made = signatures.sign(app.key, app.secret, "POST", "/d", fields, b"abc", payload=declared)
        assert world.call(api, "POST", "/d", headers=without(made, "Host"), body=b"abc").status == status


def date(seconds: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + seconds))


def test_fifteen_minutes(everything):
    world, api, app = everything
    for seconds, status in [(-890, 200), (890, 200), (-910, 401), (910, 401)]:
        made = signatures.sign(app.key, app.secret, "GET", "/t", [("Host", api.host)], b"", date=date(seconds))
        reply = world.call(api, target="/t", headers=without(made, "Host"))
        assert reply.status == status, seconds
        if status == 401:
            text = refused(reply, 401, "0303", f"{WRONG}: signature expired, signature time:{header(made, 'X-Sdk-Date')}")
            assert ",server time:20" in text
    for text in ("0", "yesterday", "20240101T000000", "20241301T000000Z"):
        made = signatures.sign(app.key, app.secret, "GET", "/t", [("Host", api.host)], b"", date=text)
        refused(world.call(api, target="/t", headers=without(made, "Host")), 401, "0303", WRONG)


def test_texts(everything):
    world, api, app = everything
    stranger = App("", "", "no_such_key", "secret")
    assert refused(call_signed(world, api, stranger, path="/x"), 401, "0303") == f"{WRONG}: app not found, appkey no_such_key"
    liar = App("", "", app.key, "secret")
    assert refused(call_signed(world, api, liar, path="/x"), 401, "0303", f"{WRONG}: verify signature fail, canonicalRequest:GET|/x/|")
    assert refused(world.call(api, target="/x"), 401, "0303") == f"{WRONG}."
    assert app.secret not in world.gatehouse.log


def test_bodies_beyond_the_limit(everything, backend):
    world, api, app = everything
    target, fields = vendor(app, "POST", "/big", api.host, body=b"x")
    with Wire(world.gatehouse.gateway) as wire:
        wire.send(head("POST", target, [("Host", api.host), *fields, ("Content-Length", str(12 * 1024 * 1024 + 1))]))
        assert wire.reply().status == 413
    assert backend.requests == []


# Authorisation -------------------------------------------------------------------------------------


def test_authorisation_is_per_environment_and_at_once(world, app):
    env = world.make_environment()
    api = world.make_api(auth_type="APP")
    world.publish(api, env["id"])
    stage = {"X-Stage": env["name"]}
    assert refused(call_signed(world, api, app), 403, "0304") == "The app is not authorized to access the API."
    auth = authorize(world, app, api)[0]
    assert call_signed(world, api, app).status == 200
    refused(call_signed(world, api, app, headers=stage), 403, "0304")
    other = authorize(world, app, api, env_id=env["id"])[0]
    assert call_signed(world, api, app, headers=stage).status == 200
    world.api.expect(204, "DELETE", f"/app-auths/{auth['id']}")
    refused(call_signed(world, api, app), 403, "0304")
    assert call_signed(world, api, app, headers=stage).status == 200
    world.api.expect(204, "DELETE", f"/app-auths/{other['id']}")
    refused(call_signed(world, api, app, headers=stage), 403, "0304")


def test_authorisation_outlives_publications(world, app, api):
    world.offline(api)
    assert call_signed(world, api, app).status == 404
    world.publish(api)
    assert call_signed(world, api, app).status == 200


def test_a_new_secret_is_in_force_at_once(world, app, api):
    assert call_signed(world, api, app).status == 200
    path = f"{world.api.public_path}/apps/{app.id}/secret"
    new = App(app.id, app.name, app.key, world.api.expect(200, "PUT", path, {})["secret"])
    refused(call_signed(world, api, app), 401, "0303", WRONG)
    assert call_signed(world, api, new).status == 200
    world.api.expect(204, "DELETE", f"{world.api.public_path}/apps/{app.id}")
    assert refused(call_signed(world, api, new), 401, "0303") == f"{WRONG}: app not found, appkey {app.key}"


def test_changes_while_traffic_flows(world, app, api):
    """Each answer is that of before or after the change, and after the change's own answer only that of after."""
    stop, seen = threading.Event(), []

    def load():
        with world.connect() as wire:
            while not stop.is_set():
                began = time.monotonic()
                seen.append((began, call_signed(world, api, app, wire=wire).status))

    thread = threading.Thread(target=load)
    thread.start()
    changes = []
    try:
        for _ in range(5):
            auth = next(entry for entry in world.api.expect(
                200, "GET", f"/app-auths/binded-apps?api_id={api.id}")["auths"])
            world.api.expect(204, "DELETE", f"/app-auths/{auth['id']}")
            changes.append((time.monotonic(), 403))
            refused(call_signed(world, api, app), 403, "0304")
            began = time.monotonic()
            authorize(world, app, api)
            changes[-1] += (began,)
            assert call_signed(world, api, app).status == 200
    finally:
        stop.set()
        thread.join()
    assert {status for _, status in seen} <= {200, 403}
    for answered, status, next_change in changes:
        during = {found for began, found in seen if answered <= began < next_change - 0.05}
        assert during <= {status}, "in force before the answer"


# Other carriers ------------------------------------------------------------------------------------


def https(world, api, headers: dict, method="GET", target=None) -> tuple[int, dict]:
    address = urllib.parse.urlsplit(world.gatehouse.credentials["gateway_https"])
    context = ssl.create_default_context(cafile=str(world.gatehouse.data_dir / "gateway-certificate.pem"))
    client = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=20)
    client.request(method, target or api.path, headers={"Host": api.host, **headers})
    answer = client.getresponse()
    text = answer.read()
    client.close()
    import json
    return answer.status, json.loads(text) if answer.status >= 400 else {}


def test_app_codes(world, app, backend):
    api = world.make_api(auth_type="APP", auth_opt={"app_code_auth_type": "HEADER"})
    authorize(world, app, api)
    path = f"/apps/{app.id}/app-codes"
    code = world.api.expect(201, "PUT", path)
    assert https(world, api, {"X-Apig-AppCode": code["app_code"]})[0] == 200
    assert not backend.last.has("X-Apig-AppCode")
    refused(world.call(api, headers=[("X-Apig-AppCode", code["app_code"])]), 401, "0303", WRONG)
    other = world.api.expect(201, "PUT", path)
    assert https(world, api, {"X-Apig-AppCode": other["app_code"]})[0] == 200
    world.api.expect(204, "DELETE", f"{path}/{code['id']}")
    status, answer = https(world, api, {"X-Apig-AppCode": code["app_code"]})
    assert (status, answer["error_code"]) == (401, "APIC.0303")
    assert https(world, api, {"X-Apig-AppCode": "x" * 64})[0] == 401
    # The same API still takes signatures; an API without the option takes no code.
    assert call_signed(world, api, app).status == 200
    strict = world.make_api(auth_type="APP")
    authorize(world, app, strict)
    assert https(world, strict, {"X-Apig-AppCode": other["app_code"]})[0] == 401
    # A code of an application that may not call.
    stranger = world.api.expect(201, "PUT", f"/apps/{make_app(world).id}/app-codes")
    status, answer = https(world, api, {"X-Apig-AppCode": stranger["app_code"]})
    assert (status, answer["error_code"]) == (403, "APIC.0304")


@pytest.fixture
def feature(world):
    used = []

    def switch(name, config="on"):
        used.append(name)
        world.feature(name, config)

    yield switch
    for name in used:
        world.feature(name, "off" if name != "app_jwt" else {"enable": "off", "auth_header": "Authorization"}, enable=False)


def basic(key, secret):
    return [("Authorization", "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode())]


def test_app_basic(world, app, api, backend, feature):
    refused(world.call(api, headers=basic(app.key, app.secret)), 401, "0303", WRONG)
    feature("app_basic")
    assert world.call(api, headers=basic(app.key, app.secret)).status == 200
    assert not backend.last.has("Authorization")
    refused(world.call(api, headers=basic(app.key, "wrong")), 401, "0303", WRONG)
    refused(world.call(api, headers=basic("nobody", app.secret)), 401, "0303", f"{WRONG}: app not found, appkey nobody")
    for value in ("Basic", "Basic ", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode()):
        refused(world.call(api, headers=[("Authorization", value)]), 401, "0303", WRONG)
    assert call_signed(world, api, app).status == 200


def test_app_secret(world, app, api, backend, feature):
    fields = [("X-HW-ID", app.key), ("X-HW-AppKey", app.secret)]
    refused(world.call(api, headers=fields), 401, "0303", WRONG)
    feature("app_secret")
    assert world.call(api, headers=fields).status == 200
    assert not backend.last.has("X-HW-AppKey")
    refused(world.call(api, headers=[("X-HW-ID", app.key), ("X-HW-AppKey", app.secret + "x")]), 401, "0303", WRONG)
    refused(world.call(api, headers=[("X-HW-ID", app.key)]), 401, "0303", WRONG)


def test_app_api_key(world, app, api, backend, feature):
    refused(world.call(api, headers=[("apikey", app.key)]), 401, "0303", WRONG)
    feature("app_api_key")
    assert world.call(api, headers=[("apikey", app.key)]).status == 200
    assert world.call(api, target=f"{api.path}?apikey={app.key}").status == 200
    refused(world.call(api, headers=[("apikey", "nobody")]), 401, "0303", f"{WRONG}: app not found, appkey nobody")
    refused(world.call(api, target=f"{api.path}?apikey="), 401, "0303", WRONG)


def test_app_jwt(world, app, api, feature):
    feature("app_jwt", {"enable": "on", "auth_header": "X-Proof"})

    def ask(moment, secret=app.secret, **more):
        text = str(moment)
        proof = hashlib.sha256(f"{app.key}{secret}{text}".encode()).hexdigest()
        return world.call(api, headers=[("Timestamp", text), ("X-Proof", proof), *more.items()])

    now = int(time.time())
    assert ask(now).status == 200 and ask(now * 1000).status == 200
    assert ask(now, **{"X-HW-ID": app.key}).status == 200
    refused(ask(now, secret="wrong"), 401, "0303", WRONG)
    refused(ask(now - 1000), 401, "0303", WRONG)
    refused(ask(now, **{"X-HW-ID": "nobody"}), 401, "0303", WRONG)
    refused(world.call(api, headers=[("Timestamp", "soon"), ("X-Proof", "0" * 64)]), 401, "0303", WRONG)


@pytest.mark.parametrize("name", ["X-HW-ID", "X-HW-AppKey", "apikey"])
def test_a_header_that_authenticates_is_there_once(world, app, api, feature, name):
    feature("app_secret")
    fields = [("X-HW-ID", app.key), ("X-HW-AppKey", app.secret)]
    if name == "apikey":
        feature("app_api_key")
        fields = [("apikey", app.key)]
    assert world.call(api, headers=fields).status == 200
    refused(world.call(api, headers=[*fields, (name, "other")]), 401, "0303", WRONG)
    refused(world.call(api, headers=[(name, "other"), *fields]), 401, "0303", WRONG)


def test_another_header_for_signatures(world, app, api, backend):
    world.feature("custom_auth_header", {"app_auth_header": "X-App-Auth", "backend_sign_header": ""})
    try:
        def moved(fields):
            return [("X-App-Auth" if key == "Authorization" else key, value) for key, value in fields]
        assert call_signed(world, api, app, change=moved).status == 200
        assert not backend.last.has("X-App-Auth")
        refused(call_signed(world, api, app), 401, "0303", WRONG)
        assert call_signed(world, api, app, change=lambda fields: [*moved(fields), ("Authorization", "mine")]).status == 200
        assert backend.last.one("Authorization") == "mine", "not the gateway's"
    finally:
        world.feature("custom_auth_header", {"app_auth_header": "", "backend_sign_header": ""}, enable=False)


def test_the_first_carrier_decides(world, app, api, feature):
    feature("app_basic")
    feature("app_api_key")
    fields = basic(app.key, "wrong") + [("apikey", app.key)]
    refused(world.call(api, headers=fields), 401, "0303", WRONG)


# What is asked of an application -------------------------------------------------------------------


def test_address_lists(world, app, api):
    path = f"/apps/{app.id}/app-acl"
    world.api.expect(201, "PUT", path, {"app_acl_type": "PERMIT", "app_acl_values": ["10.0.0.0/8"]})
    assert refused(call_signed(world, api, app), 403, "0405") == "The app is not accessed from a trusted IP address."
    world.api.expect(201, "PUT", path, {"app_acl_type": "PERMIT", "app_acl_values": ["10.0.0.0/8", "127.0.0.1-127.0.0.9"]})
    assert call_signed(world, api, app).status == 200
    world.api.expect(201, "PUT", path, {"app_acl_type": "DENY", "app_acl_values": ["127.0.0.0/8"]})
    refused(call_signed(world, api, app), 403, "0405")
    world.api.expect(204, "DELETE", path)
    assert call_signed(world, api, app).status == 200


def make_quota(world, app, **fields):
    quota = world.api.expect(201, "POST", "/app-quotas", {
        "name": unique("quota"), "time_unit": "DAY", "time_interval": 1, **fields})
    path = f"/app-quotas/{quota['app_quota_id']}"
    world.api.expect(201, "POST", f"{path}/binding-apps", {"app_ids": [app.id]})
    return quota, path


def test_quotas_count_over_all_apis(world, app, api):
    other = world.make_api(auth_type="APP")
    authorize(world, app, other)
    quota, path = make_quota(world, app, call_limits=3)
    # A refused call consumes nothing.
    assert call_signed(world, api, App("", "", app.key, "wrong")).status == 401
    assert [call_signed(world, one, app).status for one in (api, other, api)] == [200] * 3
    assert refused(call_signed(world, other, app), 405, "0501") == "The app quota has been used up."
    world.api.expect(200, "PUT", path, {"call_limits": 4})
    assert [call_signed(world, api, app).status for _ in range(2)] == [200, 405], "counters outlive a new limit"
    world.api.expect(204, "DELETE", f"{path}/bound-apps/{app.id}")
    assert call_signed(world, api, app).status == 200
    world.api.expect(201, "POST", f"{path}/binding-apps", {"app_ids": [app.id]})
    world.api.expect(204, "DELETE", path)
    assert call_signed(world, api, app).status == 200


def test_each_application_has_its_own_count(world, app, api):
    other = make_app(world)
    authorize(world, other, api)
    _, path = make_quota(world, app, call_limits=1, reset_time="2020-01-01 00:00:00")
    world.api.expect(201, "POST", f"{path}/binding-apps", {"app_ids": [other.id]})
    assert [call_signed(world, api, one).status for one in (app, other, app, other)] == [200, 200, 405, 405]


def test_a_quota_is_exact_under_concurrency(world, app, api):
    make_quota(world, app, call_limits=50)
    statuses = []

    def load():
        with world.connect() as wire:
            for _ in range(20):
                statuses.append(call_signed(world, api, app, wire=wire).status)

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(200), statuses.count(405)) == (50, 70)


def throttle(world, *apis, **fields):
    policy = world.api.expect(201, "POST", "/throttles", {
        "name": unique("throttle"), "time_unit": "HOUR", "time_interval": 1, "api_call_limits": 100, **fields})
    world.api.expect(201, "POST", "/throttle-bindings", {
        "strategy_id": policy["id"], "publish_ids": [api.publish_id for api in apis]})
    return policy


def test_throttling_of_applications_and_their_specials(world, app, api):
    other = make_app(world)
    authorize(world, other, api)
    policy = throttle(world, api, app_call_limits=2)
    assert [call_signed(world, api, app).status for _ in range(3)] == [200, 200, 429]
    assert [call_signed(world, api, other).status for _ in range(3)] == [200, 200, 429]
    special = world.api.expect(201, "POST", f"/throttles/{policy['id']}/throttle-specials", {
        "object_type": "APP", "object_id": other.id, "call_limits": 4})
    assert [call_signed(world, api, other).status for _ in range(3)] == [200, 200, 429]
    assert call_signed(world, api, app).status == 429
    world.api.expect(204, "DELETE", f"/throttles/{policy['id']}/throttle-specials/{special['id']}")
    assert call_signed(world, api, other).status == 429


def test_throttling_of_users(world, app, api):
    other = make_app(world)
    authorize(world, other, api)
    policy = throttle(world, api, user_call_limits=3)
    # Both applications belong to one account.
    assert [call_signed(world, api, one).status for one in (app, other, app, other)] == [200, 200, 200, 429]
    account = world.gatehouse.credentials["domain_id"]
    world.api.expect(201, "POST", f"/throttles/{policy['id']}/throttle-specials", {
        "object_type": "USER", "object_id": account, "call_limits": 4})
    assert [call_signed(world, api, app).status for _ in range(2)] == [200, 429]


def test_strangers_use_up_nobodys_limit(world, app, api):
    throttle(world, api, api_call_limits=1)
    assert [world.call(api).status for _ in range(5)] == [401] * 5
    assert call_signed(world, api, app).status == 200
    assert call_signed(world, api, app).status == 429


def test_access_control_comes_first_and_signing_last(world, app, api, backend):
    sign = world.make_sign(sign_key="backend_key_0002", sign_secret="backend-secret-0002")
    world.bind_sign(sign, api)
    assert call_signed(world, api, app, "POST", body=b"abc").status == 200
    assert signatures.verify_hmac(backend.last, {"backend_key_0002": "backend-secret-0002"})
    world.bind_acl(world.make_acl("127.0.0.1"), api)
    refused(world.call(api), 403, "0402")


def test_visit_parameters_are_signed(world, app, backend):
    api = world.make_api(auth_type="APP")
    world.api.expect(201, "POST", "/app-auths", {
        "env_id": RELEASE, "app_ids": [app.id], "api_ids": [api.id],
        "visit_params": [{"api_id": api.id, "app_id": app.id, "visit_param": "name,age"}]})
    assert call_signed(world, api, app).status == 200
    assert not backend.last.has("X-Apig-Visit-Params"), "nothing signs it"
    world.bind_sign(world.make_sign(sign_key="backend_key_0003", sign_secret="backend-secret-0003"), api)
    assert call_signed(world, api, app, headers={"X-Apig-Visit-Params": "everything"}).status == 200
    assert backend.last.one("X-Apig-Visit-Params") == "name,age"
    assert "x-apig-visit-params" in backend.last.one("Authorization")
    assert signatures.verify_hmac(backend.last, {"backend_key_0003": "backend-secret-0003"})


# IAM -----------------------------------------------------------------------------------------------


def iam(world) -> App:
    credentials = world.gatehouse.credentials
    return App("", "", credentials["access_key"], credentials["secret_key"])


def token(world) -> str:
    credentials = world.gatehouse.credentials
    body = {"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": credentials["user_name"], "password": credentials["password"],
            "domain": {"name": credentials["domain_name"]}}}},
        "scope": {"project": {"id": credentials["project_id"]}}}}
    answer = world.api.request("POST", "/v3/auth/tokens", body, authenticate=False)
    assert answer.status == 201, answer
    return answer.headers["X-Subject-Token"]


def test_iam(world, backend):
    api = world.make_api(auth_type="IAM")
    assert refused(world.call(api), 401, "0301") == "Incorrect IAM authentication information."
    assert call_signed(world, api, iam(world)).status == 200
    assert not backend.last.has("Authorization")
    assert call_signed(world, api, iam(world), "POST", body=b"x" * 100_000).status == 200
    assert backend.last.body == b"x" * 100_000
    refused(call_signed(world, api, App("", "", iam(world).key, "wrong")), 401, "0301")
    text = refused(call_signed(world, api, App("", "", "NOSUCHKEY", "wrong")), 401, "0301")
    assert "Get secretKey failed,ak:NOSUCHKEY,err:ak not exist" in text
    text = token(world)
    assert world.call(api, headers=[("X-Auth-Token", text)]).status == 200
    assert not backend.last.has("X-Auth-Token"), "the token opens everything that its owner may do"
    assert world.call(api, "POST", headers=[("X-Auth-Token", text)], body=b"y" * 50_000).status == 200
    assert backend.last.body == b"y" * 50_000
    refused(world.call(api, headers=[("X-Auth-Token", text[:-1])]), 401, "0301")


def test_applications_are_nobody_to_iam(world, app):
    api = world.make_api(auth_type="IAM")
    refused(call_signed(world, api, app), 401, "0301")


def test_accounts(world):
    credentials = world.gatehouse.credentials
    api = world.make_api(auth_type="IAM")
    for entity, own, other in [("DOMAIN", credentials["domain_name"], "somebody"),
                               ("DOMAIN_ID", credentials["domain_id"], "0" * 32)]:
        binding = world.bind_acl(world.make_acl(own, "DENY", entity), api)[0]
        assert refused(call_signed(world, api, iam(world)), 403, "0302") == (
            "The IAM user is not authorized to access the API.")
        world.bind_acl(world.make_acl(other, "PERMIT", entity), api)
        refused(call_signed(world, api, iam(world)), 403, "0302")
        binding = world.bind_acl(world.make_acl(f"{other},{own}", "PERMIT", entity), api)[0]
        assert call_signed(world, api, iam(world)).status == 200
        world.unbind_acl(binding)


def test_a_token_may_reach_the_backend(world, backend):
    api, text = world.make_api(auth_type="IAM"), token(world)
    world.feature("backend_token_allow", {"backend_token_allow_users": ["^" + world.gatehouse.credentials["domain_name"] + "$"]})
    try:
        assert world.call(api, headers=[("X-Auth-Token", text)]).status == 200
        assert backend.last.one("X-Auth-Token") == text
    finally:
        world.feature("backend_token_allow", {"backend_token_allow_users": []}, enable=False)


def test_apis_without_authentication_pass_credentials_on(world, app, backend):
    api = world.make_api()
    assert call_signed(world, api, app).status == 200
    assert backend.last.has("Authorization")
