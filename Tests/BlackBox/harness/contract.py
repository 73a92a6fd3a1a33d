"""The committed contract as a judge of answers: status documented, body of the documented shape."""

from __future__ import annotations

import functools
import json
import os
import re
from pathlib import Path

import yaml
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

CONTRACT = Path(__file__).resolve().parents[3] / "Contract" / "apic.openapi.yaml"
#: Operations that only clients of the twin product call.
SUPPLEMENTS = CONTRACT.parent / "apigw"

#: Statuses that any operation may answer although the contract does not list them: the method or the body
#: was refused before the operation was reached, or (409, 412, 413) by a rule that its text states.
GENERAL = {405, 409, 412, 413}


class Violation(AssertionError):
    """An answer that the contract does not allow."""


@functools.cache
def document() -> dict:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    contract = yaml.load(CONTRACT.read_text(encoding="utf-8"), Loader=loader)
    # Where the contract is narrower than what the vendor documents. Its list and pattern of feature names
    # exclude several (real_ip_from_xff, sign_aes, breakerv2, ...) that instances have and clients configure.
    contract["components"]["schemas"]["FeatureInfoV2"]["properties"]["name"] = {"type": "string"}
    # A slip of its own: the pattern of live-data paths asks for a backslash before each slash, which its text does not allow.
    contract["components"]["schemas"]["LdApiInfo"]["properties"]["path"]["pattern"] = "^/[/.a-zA-Z0-9_-]{1,255}$"
    # Backend policies by other origins than the contract's two (gateway-runtime.md, 4.6 and O33).
    condition = contract["components"]["schemas"]["ConditionResp"]["properties"]
    condition["condition_origin"]["enum"] += ["system", "cookie", "frontend_authorizer", "orchestration"]
    condition["sys_param_name"]["enum"] += ["reqPath", "reqMethod"]
    # Backends of gRPC, which only the twin product's contract has (gateway-runtime.md, 4.5).
    for schema in ("BackendApi", "ApiPolicyHttpResp"):
        contract["components"]["schemas"][schema]["properties"]["req_protocol"]["enum"] += ["GRPC", "GRPCS"]
    for path in sorted(SUPPLEMENTS.glob("*.yaml")):
        supplement = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        for where, item in supplement["paths"].items():
            contract["paths"].setdefault(where, {}).update(item)
        contract["components"]["schemas"].update((supplement.get("components") or {}).get("schemas", {}))
    return contract


@functools.cache
def _registry() -> Registry:
    return Registry().with_resource("contract", Resource(contents=document(), specification=DRAFT4))


@functools.cache
def _operations() -> list[tuple[str, re.Pattern, str, dict]]:
    found = []
    for path, item in document()["paths"].items():
        pattern = re.compile("^" + re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)) + "$")
        for method in ("get", "post", "put", "delete", "patch", "head"):
            if method in item:
                found.append((method.upper(), pattern, path, item[method]))
    # Literal segments before parameters: /apps/configs before /apps/{app_id}.
    return sorted(found, key=lambda entry: [segment.startswith("{") for segment in entry[2].split("/")])


def operation(method: str, path: str) -> dict | None:
    """The operation that serves a request, also through the `/apigw/` alias."""
    path = path.partition("?")[0]
    for spelling in (path, path.replace("/apigw/", "/apic/", 1)):
        for known, pattern, _, description in _operations():
            if known == method.upper() and pattern.match(spelling):
                return description
    return None


def operation_ids() -> list[str]:
    return [description["operationId"] for _, _, _, description in _operations()]


@functools.cache
def _validator(operation_id: str, status: str) -> OAS30Validator | None:
    for _, _, _, description in _operations():
        if description["operationId"] == operation_id:
            for media in description["responses"][status].get("content", {}).values():
                if schema := media.get("schema"):
                    return OAS30Validator(_absolute(schema), registry=_registry())
    return None


def _absolute(value):
    """The same schema with references that name the document."""
    if isinstance(value, dict):
        return {
            key: f"contract{item}" if key == "$ref" and item.startswith("#") else _absolute(item)
            for key, item in value.items()}
    return [_absolute(item) for item in value] if isinstance(value, list) else value


def _write_down(operation_id: str, client: str, status: int, body: bytes) -> None:
    """For Scripts/coverage.py: which operation was driven, and what it answered."""
    folder = os.environ.get("GATEHOUSE_CALLS")
    if not folder:
        return
    code = ""
    if status >= 400:
        try:
            code = json.loads(body).get("error_code", "")
        except (ValueError, AttributeError):
            pass
    with open(Path(folder) / f"{os.getpid()}.tsv", "a", encoding="utf-8") as file:
        file.write(f"{operation_id}\t{client}\t{status}\t{code}\n")


def check(method: str, path: str, status: int, content_type: str | None, body: bytes, client: str = "raw") -> None:
    """Raises `Violation` when an operation of the contract gave this answer and may not."""
    description = operation(method, path)
    if description is None:
        _write_down("-", client, status, body)
        return
    _write_down(description["operationId"], client, status, body)
    where = f"{method} {path} ({description['operationId']}) answered {status}"
    if status >= 500:
        raise Violation(f"{where}: {body[:500]!r}")
    documented = {str(code) for code in description["responses"]}
    if str(status) not in documented:
        if status not in GENERAL:
            raise Violation(f"{where}, documented are {sorted(documented)}: {body[:500]!r}")
        validator = _validator(description["operationId"], "400")
    else:
        validator = _validator(description["operationId"], str(status))
    if status == 204:
        if body or content_type:
            raise Violation(f"{where} with content type {content_type} and body {body[:200]!r}")
        return
    if validator is None:
        return
    if not (content_type or "").startswith("application/json"):
        raise Violation(f"{where} as {content_type}")
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Violation(f"{where}, not JSON ({error}): {body[:500]!r}") from None
    errors = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        lines = [f"  at {'/'.join(map(str, error.absolute_path)) or '(top)'}: {error.message[:300]}" for error in errors[:10]]
        raise Violation("\n".join([where, *lines]))
    if status >= 400 and not (value.get("error_code") and value.get("error_msg")):
        raise Violation(f"{where} without code or message: {value}")
