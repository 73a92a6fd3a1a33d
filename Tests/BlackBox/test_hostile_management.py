"""Hostile input to the management port: answered with a 4xx of the contract, nothing half-written, still alive."""

from __future__ import annotations

import json

import pytest

from harness import signatures
from harness.management import Call
from harness.wire import Closed, Wire, head
from harness.world import hex_id, unique

WRITES = [("POST", "/api-groups"), ("POST", "/apis"), ("POST", "/envs"), ("POST", "/signs"), ("POST", "/acls"), ("POST", "/plugins"),
          ("POST", "/sign-bindings"), ("POST", "/acl-bindings"), ("PUT", "/acl-bindings?action=delete"), ("POST", "/apis/action"),
          ("POST", "/apis/publish?action=online"), ("POST", "/apis/check"), ("POST", "/features")]
NOT_JSON = [b"{", b"}", b"nonsense", b"{'a': 1}", b"{\"a\": NaN}", b"\xff\xfe{\x00}\x00", b"{\"name\": \"\xff\xfe\"}",
            b"{\"a\": 1} trailing", b"", b" "]
WRONG_TYPES = [b"[]", b"null", b"1", b"\"x\"", b"true"]
DEEP = b"[" * 20_000 + b"]" * 20_000
DEEP_OBJECT = b"{\"a\":" * 20_000 + b"1" + b"}" * 20_000


@pytest.fixture(autouse=True)
def alive(gatehouse):
    yield
    assert gatehouse.status_of("/livez") == 200


def totals(call) -> list[int]:
    return [call.expect(200, "GET", path)["total"] for path in ("/api-groups", "/apis", "/envs", "/signs", "/acls", "/plugins")]


@pytest.mark.parametrize("method, path", WRITES)
def test_bodies_that_are_not_json(call, method, path):
    before = totals(call)
    for body in [*NOT_JSON, *WRONG_TYPES, DEEP, DEEP_OBJECT]:
        result = call.request(method, path, raw=body)
        assert result.status == 400, (body[:60], result.status, result.body)
    assert totals(call) == before


@pytest.mark.parametrize("method, path", WRITES)
@pytest.mark.parametrize("value", [1, -1, 1.5, True, [], {}, ["x"], {"x": 1}, "\u0000", "x" * 100_000, 10**30, "\u202e"], ids=repr)
def test_fields_of_the_wrong_type(call, method, path, value):
    """Every field of every write, with a value that it cannot take, is refused or ignored; never a 5xx."""
    from harness import contract
    description = contract.operation(method, call.full(path))
    schema = contract.document()["components"]["schemas"][
        list(description["requestBody"]["content"].values())[0]["schema"]["$ref"].rsplit("/", 1)[1]]
    for field in schema["properties"]:
        result = call.request(method, path, {field: value})
        assert result.status < 500, (field, result.body)


@pytest.mark.parametrize("charset, accepted", [
    ("application/json", True), ("application/json;charset=UTF-8", True), ("application/json; charset=utf-8", True),
    ("application/json; charset=utf-16", False), ("application/json; charset=iso-8859-1", False)])
def test_charsets(call, charset, accepted):
    body = json.dumps({"name": unique("group")}).encode()
    signed = signatures.sign(
        call.credentials["access_key"], call.credentials["secret_key"], "POST", call.full("/api-groups"),
        [("Host", f"{call.address[0]}:{call.address[1]}"), ("Content-Type", charset)], body)
    status = call._exchange("POST", call.full("/api-groups"), signed, body).status
    assert status == (201 if accepted else 400)


def test_body_too_large(call):
    """Refused by its announced length, before it is sent."""
    body = b'{"name":"' + b"x" * (14 * 1024 * 1024) + b'"}'
    fields = signatures.sign(
        call.credentials["access_key"], call.credentials["secret_key"], "POST", call.full("/api-groups"),
        [("Host", f"{call.address[0]}:{call.address[1]}"), ("Content-Length", str(len(body)))], body)
    with Wire(call.address) as wire:
        wire.send(head("POST", call.full("/api-groups"), fields))
        assert wire.reply().status in (400, 413)


@pytest.mark.parametrize("identifier", [
    "no%20id", "..%2f..%2fsigns", "%00", "a" * 66, "'%20OR%201=1--", "%E4%B8%AD", "{id}", "*", "a;b", "a%0d%0ab", "%"])
@pytest.mark.parametrize("method, path", [
    ("GET", "/api-groups/"), ("DELETE", "/api-groups/"), ("GET", "/apis/"), ("DELETE", "/apis/"), ("DELETE", "/signs/"),
    ("DELETE", "/sign-bindings/"), ("GET", "/acls/"), ("DELETE", "/acl-bindings/"), ("GET", "/plugins/"), ("DELETE", "/envs/")])
def test_identifiers_of_any_form(call, method, path, identifier):
    result = call.request(method, path + identifier, validate=False)
    assert 400 <= result.status < 500 and result.json()["error_code"], result.body


@pytest.mark.parametrize("query", [
    "limit=abc", "limit=", "limit=99999999999999999999", "limit=1e3", "offset=99999999999999999999", "offset=x", "name=%00", "name=%ff",
    "name='%20OR%20'1'='1", "name=%25", "name=_", "name=" + "x" * 20_000, "precise_search=%00", "&&&&", "=", "a" * 5000 + "=1", "name=1&name=2"])
def test_queries_of_any_form(call, query):
    result = call.get(f"/signs?{query}", validate=False)
    assert result.status < 500 and (result.status == 200 or result.json().get("error_code")), result.body


def test_like_wildcards_are_plain_characters(call, world):
    """`%` and `_` in a filter match themselves."""
    name = unique("plainname")
    call.expect(201, "POST", "/signs", {"name": name})
    for pattern in ("%25", name[:4] + "%25", name[:-1].replace("_", "-")):
        assert call.expect(200, "GET", f"/signs?name={pattern}")["total"] == 0, pattern


def test_unknown_routes_and_methods(call):
    for method, path, status in [
        ("GET", "/nothing-here", 404), ("GET", "/signs/a/b/c", 404), ("PATCH", "/signs", 405), ("DELETE", "/api-groups", 405), ("PUT", "/apis", 405)]:
        result = call.request(method, path, validate=False)
        assert result.status == status and result.code in ("APIG.9996", "APIG.9995"), (method, path, result.body)


# Who asks ---------------------------------------------------------------------------------------

def exchange(call, fields, path="/signs", method="GET", body=b""):
    return call._exchange(method, call.full(path), [("Host", f"{call.address[0]}:{call.address[1]}"), *fields], body)


def test_without_credentials(call):
    result = exchange(call, [])
    assert (result.status, result.code) == (401, "APIG.1000")


@pytest.mark.parametrize("token", ["", "x", "a" * 9000, "\xff", "Bearer x", "' OR 1=1"])
def test_bad_tokens(call, token):
    result = exchange(call, [("X-Auth-Token", token)])
    assert result.status == 401 and result.code in ("APIG.1000", "APIG.1002")


def good_signature(call, **changes):
    options = {"key": call.credentials["access_key"], "secret": call.credentials["secret_key"], "date": None, **changes}
    host = ("Host", f"{call.address[0]}:{call.address[1]}")
    return signatures.sign(options["key"], options["secret"], "GET", call.full("/signs"), [host], b"", options["date"])[1:]


def test_bad_signatures(call):
    assert exchange(call, good_signature(call)).status == 200
    headers = dict(good_signature(call))
    authorization = headers["Authorization"]
    bad = [
        good_signature(call, key="nobody"), good_signature(call, secret="wrong"), good_signature(call, date="20000101T000000Z"),
        good_signature(call, date="20991231T235959Z"),
        [("X-Sdk-Date", headers["X-Sdk-Date"]), ("Authorization", authorization[:-1] + ("0" if authorization[-1] != "0" else "1"))],
        [("Authorization", authorization)], [("X-Sdk-Date", "garbage"), ("Authorization", authorization)],
        [("X-Sdk-Date", headers["X-Sdk-Date"]), ("Authorization", authorization.replace("host;", ""))],
        [("X-Sdk-Date", headers["X-Sdk-Date"]), ("Authorization", authorization.split(", Signature")[0])],
        [("X-Sdk-Date", headers["X-Sdk-Date"]), ("Authorization", "SDK-HMAC-SHA256 ")],
        [("X-Sdk-Date", headers["X-Sdk-Date"]), ("Authorization", "V11-HMAC-SHA256 Credential=x")],
    ]
    for fields in bad:
        result = exchange(call, fields)
        assert (result.status, result.code) in ((401, "APIG.1002"), (401, "APIG.1000")), (fields, result.body)
    oversize = [("X-Sdk-Date", headers["X-Sdk-Date"]), ("Authorization", "SDK-HMAC-SHA256 " + "Access=a, " * 5000)]
    assert exchange(call, oversize).status in (400, 401, 431)


def test_signature_covers_body_and_path(call):
    host = ("Host", f"{call.address[0]}:{call.address[1]}")
    path = call.full("/api-groups")
    body = json.dumps({"name": unique("group")}).encode()
    fields = signatures.sign(call.credentials["access_key"], call.credentials["secret_key"], "POST", path, [host], body)
    other = json.dumps({"name": unique("other")}).encode()
    assert call._exchange("POST", path, fields, other).status == 401
    assert call._exchange("POST", call.full("/envs"), fields, body).status == 401
    assert call._exchange("POST", path, fields, body).status == 201


def test_another_project_or_instance(gatehouse, call):
    for name in ("project_id", "instance_id"):
        path = call.full("/signs").replace(gatehouse.credentials[name], hex_id())
        result = call.get(path)
        assert (result.status, result.code) == ((403, "APIG.1005") if name == "project_id" else (404, "APIG.3030"))


# Below HTTP --------------------------------------------------------------------------------------

@pytest.mark.parametrize("data", [
    b"\x00" * 1000, b"GET / HTTP/9.9\r\n\r\n", b"GET /v2 HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n"], ids=range(6))
def test_not_http(gatehouse, data):
    with Wire(gatehouse.management) as wire:
        try:
            wire.send(data)
            assert 400 <= wire.reply().status < 600
        except (Closed, BrokenPipeError, ConnectionResetError):
            pass


@pytest.mark.parametrize("body", [
    b'{"a": 1,}', b'{"a": "\x01"}', b'{"a": 01}', b'{"a": 1.}', b'{"a": "\\x"}', b'{"name": "\\ud800"}'])
def test_json_is_checked_in_fields_that_nobody_reads(call, body):
    assert call.put("/acl-bindings?action=delete", raw=body).status == 400
