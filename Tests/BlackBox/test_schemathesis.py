"""Generated requests for every operation of the served document: no 5xx, no answer off the schema, no hang.

Half of the ids are those of real objects, so that generated bodies reach the rules behind the look-ups. The cases are the
same in every run; with GATEHOUSE_RANDOM=1 they are new ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance, response_schema_conformance, status_code_conformance)

from harness import contract

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Scripts"))
from contract_generator import document as served  # noqa: E402
from contract_generator.reading import Contract  # noqa: E402

EXAMPLES = int(os.environ.get("GATEHOUSE_EXAMPLES", "100"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def load() -> schemathesis.BaseSchema:
    base = Contract.load(contract.CONTRACT)
    supplements = {path.stem: Contract.load(path, base=base) for path in sorted(contract.SUPPLEMENTS.glob("*.yaml"))}
    return schemathesis.openapi.from_dict(served.served(base, supplements))


schema = load().exclude(operation_id=sorted(contract.not_offered()))


@pytest.fixture(scope="module")
def ids(gatehouse, call) -> dict[str, str]:
    """Objects that the generated requests may meet."""
    known = {"project_id": gatehouse.credentials["project_id"], "instance_id": gatehouse.credentials["instance_id"]}
    return known


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize="GATEHOUSE_RANDOM" not in os.environ, database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much,
                           HealthCheck.data_too_large])
def test_operation(case, gatehouse, call, ids):
    for name in case.path_parameters:
        if name in ids:
            case.path_parameters[name] = ids[name]
    response = case.call(
        base_url=gatehouse.endpoint, headers={"X-Auth-Token": token(gatehouse)}, timeout=30)
    case.validate_response(response, checks=CHECKS)


_tokens: dict[str, str] = {}


def token(gatehouse) -> str:
    if gatehouse.endpoint not in _tokens:
        _tokens[gatehouse.endpoint] = gatehouse.token() if hasattr(gatehouse, "token") else login(gatehouse)
    return _tokens[gatehouse.endpoint]


def login(gatehouse) -> str:
    import requests
    c = gatehouse.credentials
    answer = requests.post(f"{gatehouse.endpoint}/v3/auth/tokens", timeout=30, json={"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": c["user_name"], "password": c["password"], "domain": {"name": c["domain_name"]}}}},
        "scope": {"project": {"id": c["project_id"]}}}})
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]
