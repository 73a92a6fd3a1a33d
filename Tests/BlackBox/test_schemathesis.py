"""Generated requests for every operation of the served document: no 5xx, no answer off the schema, no hang.

In two of three cases the ids in path, query and body are those of real objects, so that generated bodies reach the rules
behind the look-ups. The cases are the same in every run; with GATEHOUSE_RANDOM=1 they are new ones.
GATEHOUSE_EXAMPLES says how many there are of each operation."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance, response_schema_conformance, status_code_conformance)

from harness import contract
from harness.population import populate

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Scripts"))
from contract_generator import document as served  # noqa: E402
from contract_generator.reading import Contract  # noqa: E402

EXAMPLES = int(os.environ.get("GATEHOUSE_EXAMPLES", "100"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def load() -> schemathesis.BaseSchema:
    base = Contract.load(contract.CONTRACT)
    supplements = {path.stem: Contract.load(path, base=base) for path in sorted(contract.SUPPLEMENTS.glob("*.yaml"))}
    # The phase of systematic cases takes longer to make its cases than all generated requests together.
    config = SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})
    return schemathesis.openapi.from_dict(served.served(base, supplements), config=config)


schema = load()


@pytest.fixture
def ids(world) -> dict[str, str]:
    """Objects that the generated requests of one operation may meet, until one of these requests deletes them."""
    return populate(world)


@pytest.fixture(scope="module")
def token(gatehouse) -> str:
    """Of the administrator, for a day."""
    known = gatehouse.credentials
    answer = requests.post(f"{gatehouse.endpoint}/v3/auth/tokens", timeout=30, json={"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": known["user_name"], "password": known["password"], "domain": {"name": known["domain_name"]}}}},
        "scope": {"project": {"id": known["project_id"]}}}})
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]


def known(value, ids: dict[str, str], choice: random.Random):
    """The value with ids of real objects where the field is named after one; lists of ids likewise."""
    if isinstance(value, dict):
        return {name: instead(name, entry, ids, choice) for name, entry in value.items()}
    if isinstance(value, list):
        return [known(entry, ids, choice) for entry in value]
    return value


def instead(name, value, ids: dict[str, str], choice: random.Random):
    if isinstance(name, str) and choice.random() < 0.67:
        if name in ids and isinstance(value, str):
            return ids[name]
        if name.removesuffix("s") in ids and isinstance(value, list):
            return [ids[name.removesuffix("s")]]
    return known(value, ids, choice)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize="GATEHOUSE_RANDOM" not in os.environ, database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much,
                           HealthCheck.data_too_large])
def test_operation(case, gatehouse, token, ids):
    choice = random.Random(repr((case.path_parameters, case.query, case.body)))
    # Another project or instance is refused before anything is looked at: seldom worth a request.
    for name in case.path_parameters:
        if name in ids and choice.random() < (0.97 if name in ("project_id", "instance_id") else 0.67):
            case.path_parameters[name] = ids[name]
    if isinstance(case.query, dict):
        case.query = known(case.query, ids, choice)
    if isinstance(case.body, (dict, list)):
        case.body = known(case.body, ids, choice)
    # Whatever is generated, what other tests have made stays: all of it goes back to no revision that there is.
    if case.path.endswith("/history/restore") and isinstance(case.body, dict) and "everything" in case.body:
        case.body["revision"] = 10**12
    response = case.call(base_url=gatehouse.endpoint, headers={"X-Auth-Token": token}, timeout=30)
    case.validate_response(response, checks=CHECKS)
