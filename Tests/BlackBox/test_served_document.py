"""The document at /openapi.yaml."""

import urllib.request

import yaml
from openapi_schema_validator import OAS30Validator

from harness import contract


def test_document_names_every_operation(gatehouse):
    with urllib.request.urlopen(f"{gatehouse.endpoint}/openapi.yaml", timeout=30) as answer:
        assert answer.headers["Content-Type"] == "application/yaml"
        document = yaml.safe_load(answer.read())
    served = {item[method]["operationId"] for item in document["paths"].values() for method in item}
    assert served == set(contract.operation_ids())
    assert all("412" in item[method]["responses"] for item in document["paths"].values() for method in item)
    for schema in document["components"]["schemas"].values():
        OAS30Validator.check_schema(schema)
