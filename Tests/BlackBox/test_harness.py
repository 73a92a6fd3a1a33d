"""The harness itself: what it verifies with is checked against fixed vectors and against a bad signer."""

import pytest

from harness import signatures, wire
from harness.backend import Answer, Backend, Request

KEY, SECRET, DATE = "demoKey0001", "demoSecret_0001_abcdefgh", "20240102T030405Z"
HOST = ("Host", "api.example.test")

#: Signatures made with the vendor's SDK.
VECTORS = [
    ("GET", "/v1/items/a%20b?tag=b&tag=a&q=x%20y&empty=", [], b"", None,
     "81d057f904ceee497ea2571283e76cbb353dc07d3ef8a6511cc675cf866222fc"),
    ("POST", "/v1/items", [("Content-Type", "application/json"), ("X-Stage", "TEST")], b'{"k":1}', None,
     "c48b8bbe206de2b1f187ac16b0796ec379578caa1808e5852ac07903d60bc2b1"),
    ("POST", "/upload", [("Content-Type", "multipart/form-data; boundary=x"),
                         ("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD")], b"abc", "UNSIGNED-PAYLOAD",
     "635525e14106479ca7ed2789994bba7e62b1b229ce8701c3b4d37163ac0e9ec9"),
]


@pytest.mark.parametrize("method, target, headers, body, payload, expected", VECTORS)
def test_signature_vectors(method, target, headers, body, payload, expected):
    signed = signatures.sign(KEY, SECRET, method, target, [HOST, *headers], body, DATE, payload=payload)
    assert signed[-1][1].endswith(f"Signature={expected}")


def request(method, target, headers, body=b""):
    return Request(b"", method, target, headers, body, 1)


def test_verifier_accepts_a_good_signature_and_refuses_any_change():
    target, body = "/a/b%2Fc?x=1&x=0&y", b"hello"
    headers = signatures.sign(KEY, SECRET, "POST", target, [HOST, ("X-Extra", "1")], body)
    assert signatures.verify_hmac(request("POST", target, headers, body), {KEY: SECRET}) == KEY
    tampered = [
        request("PUT", target, headers, body),
        request("POST", "/a/b/d?x=1&x=0&y", headers, body),
        request("POST", "/a/b%2Fc?x=1&x=2&y", headers, body),
        request("POST", target, headers, body + b"!"),
        request("POST", target, [(n, "2" if n == "X-Extra" else v) for n, v in headers], body),
        request("POST", target, [*headers, ("Host", "other")], body),
    ]
    for changed in tampered:
        with pytest.raises(signatures.Refused):
            signatures.verify_hmac(changed, {KEY: SECRET})
    with pytest.raises(signatures.Refused):
        signatures.verify_hmac(request("POST", target, headers, body), {KEY: SECRET + "x"})


def test_verifier_refuses_an_old_date():
    headers = signatures.sign(KEY, SECRET, "GET", "/", [HOST], b"", DATE)
    with pytest.raises(signatures.Refused, match="too far away"):
        signatures.verify_hmac(request("GET", "/", headers), {KEY: SECRET})


@pytest.fixture
def listening():
    backend = Backend()
    yield backend
    backend.close()


def test_backend_keeps_bytes_and_pipelines(listening):
    with wire.Wire(("127.0.0.1", listening.port)) as client:
        first = b"POST /a?b HTTP/1.1\r\nHost: h\r\nx-CASE: v\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n0\r\nT: 1\r\n\r\n"
        second = b"GET /c HTTP/1.1\r\nHost: h\r\n\r\n"
        client.send(first + second)
        assert client.reply().status == 200 and client.reply().status == 200
    one, two = listening.requests
    assert one.raw == first and one.body == b"abc" and one.chunked and ("x-CASE", "v") in one.headers
    assert two.raw == second and two.connection == one.connection


def test_backend_answers_as_told(listening):
    address = ("127.0.0.1", listening.port)
    listening.script = lambda _: Answer(201, [("X-A", "1"), ("X-A", "2")], chunks=[b"ab", b"c"], trailers=b"T: 9\r\n")
    reply = wire.ask(address, "GET", "/", "h")
    assert (reply.status, reply.all("x-a"), reply.body, reply.trailers) == (201, ["1", "2"], b"abc", [("T", "9")])
    listening.script = lambda _: Answer(200, body=b"0123456789", close_after=45)
    with pytest.raises(wire.Closed):
        wire.ask(address, "GET", "/", "h")


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.0\r\nHost: h\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
])
def test_backend_notices_what_is_not_plain(listening, data):
    with wire.Wire(("127.0.0.1", listening.port)) as client:
        client.send(data)
        assert client.reply().status == 400 and client.is_closed
    assert len(listening.malformed) == 1 and not listening.requests
