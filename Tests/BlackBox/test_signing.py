"""Backend signatures on real traffic: what the gateway signs is what a backend of the vendor's kind accepts."""

from __future__ import annotations

import pytest

from harness import signatures
from harness.backend import Answer
from harness.signatures import UNSIGNED, verify_aes, verify_basic, verify_hmac, verify_rsa
from harness.wire import head
from harness.world import unique

KEY, SECRET = "backend_key_0001", "backend-secret!@#$%_0001"


@pytest.fixture(scope="module")
def signed(gatehouse, call, shared_backend):
    """(world, api): everything below `/s` and its twin in `/` reaches the backend, signed with hmac."""
    from harness.world import World
    world = World(gatehouse, call, shared_backend)
    api = world.make_api("/", match_mode="SWA")
    world.bind_sign(world.make_sign(sign_key=KEY, sign_secret=SECRET), api)
    return world, api


TARGETS = [
    "/", "/a", "/a/", "/a/b/c", "//a", "/a//b", "/a%20b", "/a%2Fb", "/%E4%B8%AD%E6%96%87", "/%e4%b8%ad", "/a+b", "/a~b-c_d.e",
    "/a!b$c&d'e(f)g*h,i;j=k:l@m", "/%41%42", "/%7Etilde", "/a%25b", "/?", "/?a=1", "/?a", "/?a=", "/?b=2&a=1", "/?a=2&a=1&a=3",
    "/?a=b%20c", "/?a=b+c", "/?A=1&a=2&B=3", "/?%61=1", "/?a=%2F&b=%2B&c=%26&d=%3D&e=%25", "/?a=b=c", "/?&&a=1&&", "/?=x", "/?a=1&",
    "/?k-e_y.~=v", "/?%E4%B8%AD=%E6%96%87", "/?a=1?b=2", "/?a=:/@!$'()*,;", "/?a=TRUE&b=true", "/?z=1&y=2&x=3&w=4&v=5&u=6&t=7",
    "/?a=1&a=1", "/?aa=1&a=2&a-=3&a.=4&a_=5&a%7E=6", "/p?" + "&".join(f"k{n}={n}" for n in range(60)),
]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]
BODIES = [b"", b"x", b'{"a":1}', "中文".encode(), bytes(range(256)), b"x" * 8191, b"y" * 70_000]
HEADERS = [
    [("Content-Type", "application/json")], [("Content-Type", "multipart/form-data; boundary=x")],
    [("Content-Type", "text/plain; charset=utf-8")], [("X-Custom", "  padded  ")], [("X_Under_Score", "1")],
    [("X-Twice", "1"), ("X-Twice", "2")], [("X-Empty", "")], [("Accept", "*/*"), ("User-Agent", "test/1.0")],
    [("X-Stage", "RELEASE")], [("Cookie", "a=b; c=d")], [("Content-Type", "application/JSON")],
]


@pytest.mark.parametrize("target", TARGETS)
def test_hmac_over_targets(signed, backend, target):
    world, api = signed
    assert world.call(api, target=target).status == 200
    assert verify_hmac(backend.last, {KEY: SECRET}) == KEY


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{len(body)}-bytes")
def test_hmac_over_methods_and_bodies(signed, backend, method, body):
    if method == "HEAD" and body:
        pytest.skip("HEAD with a body says nothing more")
    world, api = signed
    assert world.call(api, method, "/m?x=1", body=body).status == 200
    assert backend.last.body == body
    assert verify_hmac(backend.last, {KEY: SECRET}) == KEY


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: headers[0][0] + "-" + headers[0][1].strip()[:16])
@pytest.mark.parametrize("body", [b"", b"abc"], ids=["empty", "body"])
def test_hmac_over_headers(signed, backend, headers, body):
    world, api = signed
    assert world.call(api, "POST", "/h", headers, body).status == 200
    assert verify_hmac(backend.last, {KEY: SECRET}) == KEY


def test_hmac_signs_content_type(signed, backend):
    world, api = signed
    world.call(api, "POST", "/h", [("Content-Type", "application/json")], b"{}")
    names = backend.last.one("Authorization").split("SignedHeaders=")[1].split(",")[0].split(";")
    assert {"host", "x-sdk-date", "content-type"} <= set(names)


@pytest.mark.parametrize("sizes", [[5], [1] * 40, [70_000], [8192] * 20, []], ids=["one", "bytes", "large", "many", "empty"])
def test_hmac_over_streamed_bodies(signed, backend, sizes):
    """Chunked from the client: signed with the hash of the whole, or declared unsigned; both verify."""
    world, api = signed
    pieces = [bytes([65 + number % 26]) * size for number, size in enumerate(sizes)]
    with world.connect() as wire:
        wire.send(head("POST", "/stream?b=2&a=1", [("Host", api.host), ("Transfer-Encoding", "chunked")]))
        for piece in pieces:
            wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        wire.send(b"0\r\n\r\n")
        assert wire.reply().status == 200
    assert backend.last.body == b"".join(pieces)
    assert verify_hmac(backend.last, {KEY: SECRET}) == KEY


def test_hmac_over_a_body_of_several_megabytes(signed, backend):
    world, api = signed
    body = b"0123456789abcdef" * (5 * 1024 * 1024 // 16)
    assert world.call(api, "PUT", "/large", body=body).status == 200
    assert len(backend.last.body) == len(body)
    assert verify_hmac(backend.last, {KEY: SECRET}) == KEY


CLIENT_HEADERS = [
    [("Authorization", "Bearer of-the-client")], [("authorization", "Basic dXNlcjpwYXNz")],
    [("X-Sdk-Date", "20000101T000000Z")], [("x-sdk-date", "garbage"), ("X-SDK-DATE", "more")],
    [("X-Sdk-Content-Sha256", "0" * 64)], [("X-Sdk-Content-Sha256", UNSIGNED)],
    [("Authorization", "SDK-HMAC-SHA256 Access=forged, SignedHeaders=host;x-sdk-date, Signature=" + "0" * 64)],
    [("Authorization", "one"), ("Authorization", "two")],
]


@pytest.mark.parametrize("headers", CLIENT_HEADERS, ids=[str(number) for number in range(len(CLIENT_HEADERS))])
def test_signature_headers_of_the_client_never_pass(signed, backend, headers):
    world, api = signed
    world.call(api, "POST", "/c", headers, b"body")
    request = backend.last
    assert verify_hmac(request, {KEY: SECRET}) == KEY
    for name, value in headers:
        assert value not in request.all(name), f"{name}: {value} reached the backend"


def test_without_key_nothing_is_signed(world, backend):
    api = world.make_api()
    world.call(api, headers=[("Authorization", "Bearer kept")])
    assert backend.last.all("Authorization") == ["Bearer kept"] and not backend.last.has("X-Sdk-Date")


def test_hmac_signs_the_path_that_is_sent(world, backend):
    api = world.make_api(
        f"/{unique('p')}/{{id}}", backend={"req_uri": "/to/{where}"},
        req_params=[{"name": "id", "type": "STRING", "location": "PATH", "required": 1}],
        backend_params=[{"name": "where", "location": "PATH", "origin": "REQUEST", "value": "id"}])
    world.bind_sign(world.make_sign(sign_key=KEY, sign_secret=SECRET), api)
    assert world.call(api, target=api.path.replace("{id}", "4%202") + "?q=hello").status == 200
    assert backend.last.target == "/to/4%202?q=hello"
    assert verify_hmac(backend.last, {KEY: SECRET}) == KEY


def test_basic(world, backend):
    api = world.make_api()
    world.bind_sign(world.make_sign("basic", sign_key="user0001", sign_secret="pass@word#1"), api)
    world.call(api, headers=[("Authorization", "Bearer of-the-client")])
    assert verify_basic(backend.last, {"user0001": "pass@word#1"}) == "user0001"


@pytest.mark.parametrize("algorithm, key", [
    ("aes-128-cfb", "0123456789abcdef"), ("aes-256-cfb", "0123456789abcdef0123456789ABCDEF")])
@pytest.mark.parametrize("target, body", [("/a?b=1", b""), ("/%20?x", b"body")])
def test_aes(world, backend, algorithm, key, target, body):
    api = world.make_api("/", match_mode="SWA")
    sign = world.make_sign("aes", sign_algorithm=algorithm, sign_key=key, sign_secret="fedcba9876543210")
    world.bind_sign(sign, api)
    assert world.call(api, "POST", target, body=body).status == 200
    request = backend.last
    name = request.one("Authorization").split("Access=")[1].split(",")[0]
    assert key not in request.raw.decode("latin-1"), "the secret key is not sent"
    assert verify_aes(request, {name: (key, "fedcba9876543210")}) == name


def test_public_key(fresh_gatehouse, make_world, backend, tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    import base64
    private = rsa.generate_private_key(65537, 2048)
    der = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    public_pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    world = make_world(fresh_gatehouse())
    world.feature("public_key", {"enable": "on"})
    sign = world.make_sign(
        "public_key", sign_key=base64.b64encode(public).decode(), sign_secret=base64.b64encode(der).decode())
    api = world.make_api("/", match_mode="SWA")
    world.bind_sign(sign, api)
    assert world.call(api, "POST", "/r?b=2&a=1", body=b"body").status == 200
    name = backend.last.one("Authorization").split("Access=")[1].split(",")[0]
    assert verify_rsa(backend.last, {name: public_pem}) == name


def test_change_while_traffic_flows(world, backend):
    """New secret, unbind, bind again, each in force for the next request of an open connection."""
    api = world.make_api()
    sign = world.make_sign(sign_key=KEY, sign_secret=SECRET)
    binding = world.bind_sign(sign, api)[0]
    with world.connect() as wire:
        world.call(api, wire=wire)
        assert verify_hmac(backend.last, {KEY: SECRET})
        world.api.expect(200, "PUT", f"/signs/{sign['id']}", {"name": sign["name"], "sign_secret": "changed_secret_0001"})
        world.call(api, wire=wire)
        assert verify_hmac(backend.last, {KEY: "changed_secret_0001"})
        world.unbind_sign(binding)
        world.call(api, wire=wire)
        assert not backend.last.has("Authorization") and not backend.last.has("X-Sdk-Date")
        world.bind_sign(world.make_sign("basic", sign_key="user", sign_secret="password1"), api)
        world.call(api, wire=wire)
        assert verify_basic(backend.last, {"user": "password1"})


def test_signed_retry_verifies_again(world, backend):
    """The second attempt carries a signature of its own right."""
    api = world.make_api(backend={"retry_count": "2"})
    world.bind_sign(world.make_sign(sign_key=KEY, sign_secret=SECRET), api)
    answers = [Answer(reset=True), Answer(200)]
    backend.script = lambda _: answers.pop(0) if answers else Answer(200)
    assert world.call(api).status == 200
    assert len(backend.requests) == 2
    for request in backend.requests:
        assert verify_hmac(request, {KEY: SECRET}) == KEY


@pytest.mark.parametrize("sign_type", ["hmac", "basic"])
def test_backend_sign_header(fresh_gatehouse, make_world, backend, sign_type):
    """The feature `custom_auth_header` renames the header that carries the signature."""
    world = make_world(fresh_gatehouse())
    sign = world.make_sign(sign_type, sign_key="user_key_0001", sign_secret=SECRET.replace("!", "_"))
    api = world.make_api()
    world.bind_sign(sign, api)
    verify = verify_hmac if sign_type == "hmac" else verify_basic
    world.call(api)
    assert verify(backend.last, {"user_key_0001": SECRET.replace("!", "_")})
    world.feature("custom_auth_header", {"backend_sign_header": "X-Backend-Auth"})
    world.call(api, headers=[("Authorization", "Bearer of-the-client"), ("X-Backend-Auth", "forged")])
    assert verify(backend.last, {"user_key_0001": SECRET.replace("!", "_")}, "X-Backend-Auth")
    assert not backend.last.has("Authorization"), "a signed request carries no word of the client about who it is"
