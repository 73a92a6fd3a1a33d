"""The document that the management port serves at /openapi.yaml: contract, supplements, and the answers that any
operation may give although the contract does not list them."""

import copy
import json

from . import overrides
from .reading import HEADER, Contract

#: Every operation may refuse the method, the body or the state; If-Match and media types have statuses of their own.
GENERAL = ("405", "409", "412", "413", "415")

METHODS = ("get", "put", "post", "delete")


def files(contract: Contract, supplements: dict[str, Contract]) -> dict[str, str]:
    document = served(contract, supplements)
    lines = ["{"]
    head = {key: document[key] for key in ("openapi", "info", "security")}
    lines += [f"{text(key)}: {text(value)}," for key, value in head.items()]
    lines.append('"paths": {')
    lines += listed(document["paths"])
    lines += ["},", '"components": {', f'"securitySchemes": {text(document["components"]["securitySchemes"])},', '"schemas": {']
    lines += listed(document["components"]["schemas"])
    lines += ["}}}"]
    body = "\n".join(f'            ##"{line}"##,' for line in lines)
    assert '"##' not in body.replace('"##,\n', "").removesuffix('"##,')
    return {"ServedDocument.swift": HEADER + f"""
/// OpenAPI 3.0 document of every operation that this program serves. JSON, which is YAML as well.
public enum ServedDocument {{
    /// In lines, without their ends; one for each path and schema.
    public static var lines: [StaticString] {{
        [
{body}
        ]
    }}
}}
"""}


def text(value) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def listed(entries: dict) -> list[str]:
    last = len(entries) - 1
    return [f"{text(key)}: {text(value)}" + ("," if i < last else "") for i, (key, value) in enumerate(entries.items())]


def served(contract: Contract, supplements: dict[str, Contract]) -> dict:
    document = copy.deepcopy(contract.document)
    document["info"] = {"title": "Gatehouse management API", "version": "v2"}
    for supplement in supplements.values():
        extra = copy.deepcopy(supplement.document)
        for path, item in extra["paths"].items():
            document["paths"].setdefault(path, {}).update(item)
        document["components"]["schemas"].update((extra.get("components") or {}).get("schemas", {}))
    error = {"description": "error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    for item in document["paths"].values():
        for method in METHODS:
            for status in ("400", "401", "403", "404", *GENERAL) if method in item else ():
                item[method]["responses"].setdefault(status, copy.deepcopy(error))
    adjust(document)
    return document


def adjust(document: dict) -> None:
    """What the overrides take differently from the contract's letter, as far as answers and requests show it."""
    schemas = document["components"]["schemas"]
    # Names of features go beyond the contract's list; see harness of the black-box tests.
    schemas["FeatureInfoV2"]["properties"]["name"] = {"type": "string"}
    for where, (low, high) in overrides.RANGES.items():
        schema, field = where.split(".")
        wanted = schemas[schema]["properties"][field]
        wanted.pop("minLength", None)
        wanted.pop("maxLength", None)
        wanted.update(minimum=low, maximum=high)
    replace_patterns(document)


def replace_patterns(value) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            value["pattern"] = overrides.PATTERNS.get(value["pattern"], value["pattern"])
        for child in value.values():
            replace_patterns(child)
    elif isinstance(value, list):
        for child in value:
            replace_patterns(child)
