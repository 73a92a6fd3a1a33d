"""Checks that come before an operation's own rules, for every operation of the contract and its supplements:
credentials, project, permission, ids, instance, body, paging (management-api.md, 1.4)."""

from __future__ import annotations

import re

import pytest
import yaml

from harness import contract
from harness.management import Call
from harness.world import hex_id

OPERATIONS = [(method, path, description) for method, _, path, description in contract._operations()]


def named(entries):
    return [pytest.param(*entry, id=entry[2]["operationId"]) for entry in entries]


#: Gateways as such, of APIG clients.
ADMINISTRATION = set(yaml.safe_load((contract.SUPPLEMENTS / "instances.yaml").read_text(encoding="utf-8"))["paths"]) - {
    "/v2/{project_id}/apigw/instances/{instance_id}/instance-features"}


def family(path: str) -> str:
    if path.startswith("/v2/{project_id}/instances"):
        return "roma"
    if path in ADMINISTRATION:
        return "apic"
    if path.endswith("/instances/{instance_id}") and "/apigw/" not in path or path.endswith("/restriction"):
        return "apic"
    return "apig"


CODES = {
    "apig": {"token": "APIG.1002", "none": "APIG.1000", "project": "APIG.1005", "instance": "APIG.3030"},
    "apic": {"token": "APIC.7102", "none": "APIC.7100", "project": "APIC.7130", "instance": "APIC.7302"},
    "roma": {"token": "ROMA.00012000", "none": "ROMA.00012000", "project": "ROMA.00012000", "instance": "ROMA.00110006"},
}


def target(path: str, description: dict, credentials: dict, **ids: str) -> str:
    """A path with plausible ids, and the mandatory query parameters."""
    values = {"project_id": credentials["project_id"], "instance_id": credentials["instance_id"], **ids}
    filled = re.sub(r"\{([^}]+)\}", lambda match: values.get(match[1], hex_id()), path)
    query = []
    for parameter in description.get("parameters", []):
        if parameter["in"] == "query" and parameter.get("required"):
            schema = parameter["schema"]
            value = 1 if schema.get("type") == "integer" else hex_id()
            if parameter["name"] == "action":
                value = "online" if "publish" in description["operationId"] else "delete"
            query.append(f"{parameter['name']}={value}")
    return filled + ("?" + "&".join(query) if query else "")


@pytest.fixture(scope="module")
def stranger(gatehouse) -> Call:
    """A caller with a token that nobody issued."""
    return Call(gatehouse.credentials, gatehouse.management, token="MIIB" + "x" * 200)


@pytest.mark.parametrize("method, path, description", named(OPERATIONS))
def test_unknown_token(stranger, method, path, description):
    where = target(path, description, stranger.credentials)
    result = stranger.request(method, where)
    assert (result.status, result.code) == (401, CODES[family(path)]["token"])
    nobody = stranger.request(method, where, authenticate=False)
    assert (nobody.status, nobody.code) == (401, CODES[family(path)]["none"])


@pytest.mark.parametrize("method, path, description", named(OPERATIONS))
def test_other_project(call, method, path, description):
    """The project of the path must be one of the caller's."""
    result = call.request(method, target(path, description, call.credentials, project_id=hex_id()))
    assert (result.status, result.code) == (403, CODES[family(path)]["project"])


@pytest.mark.parametrize("method, path, description", named(
    [entry for entry in OPERATIONS if "{instance_id}" in entry[1]]))
def test_unknown_instance(call, method, path, description):
    unknown = hex_id()
    result = call.request(method, target(path, description, call.credentials, instance_id=unknown))
    expected = CODES[family(path)]["instance"]
    if "/apigw/" in path:
        # Operations on the instance as such have the codes of the gateway's administration.
        assert result.status == 404 and result.code in {"APIG.3030", "APIC.7302"}
    else:
        assert (result.status, result.code) == (404, expected)
    if expected == "APIG.3030" and result.code == expected:
        assert result.message == f"The instance does not exist;id:{unknown}"


def takes_json(description: dict) -> bool:
    return "application/json" in description.get("requestBody", {}).get("content", {})


@pytest.mark.parametrize("method, path, description", named([e for e in OPERATIONS if takes_json(e[2])]))
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 5000, b'{"a":' * 2000], ids=["cut", "not-text", "deep-list", "deep-object"])
def test_unreadable_body(call, method, path, description, body):
    result = call.request(method, target(path, description, call.credentials), raw=body)
    assert result.status == 400
    assert result.code in {"APIG.2000", "APIC.7211", "ROMA.00013000"}


def pages(description: dict) -> bool:
    names = {parameter["name"] for parameter in description.get("parameters", []) if parameter["in"] == "query"}
    return {"limit", "offset"} <= names


@pytest.mark.parametrize("method, path, description", named([e for e in OPERATIONS if pages(e[2])]))
@pytest.mark.parametrize("paging", ["limit=0", "limit=501", "limit=x", "limit=-1", "offset=x", "limit=99999999999999999999"])
def test_paging_limits(call, method, path, description, paging):
    least = next(p["schema"].get("minimum") for p in description["parameters"] if p["name"] == "limit")
    if paging == "limit=0" and least == 0:
        pytest.skip("this list takes an empty page")
    where = target(path, description, call.credentials)
    result = call.request(method, f"{where}{'&' if '?' in where else '?'}{paging}")
    assert result.status == 400, result.body
    if family(path) == "apig" and "/apigw/" not in path:
        name = paging.partition("=")[0]
        assert (result.code, result.message) == (
            "APIG.2012", f"Invalid parameter value,parameterName:{name}. Please refer to the support documentation")
