"""What every answer must say about the state of things: the revision of a write, the tag of an object."""

from __future__ import annotations

import re

from . import contract

#: POST and PUT that ask and change nothing.
QUESTIONS = {
    "check_api_groups_v2", "check_apis_v2", "check_livedata_apis_v2", "debug_api_v2", "explain_request",
    "export_api_definitions_v2", "export_live_data_api_definitions_v2", "list_instances_by_tags", "show_instances_num_by_tags",
}

#: Tags that were seen, by path.
_seen: dict[tuple[str, str], str] = {}


def check(address: str, method: str, path: str, status: int, headers) -> None:
    """Raises `contract.Violation` when a write does not say its revision, when an answer that shows an object of an address
    of its own has no tag, or when a change left the tag as it was."""
    description = contract.operation(method, path)
    if description is None or not 200 <= status < 300:
        return
    operation = description["operationId"]
    where = f"{method} {path} ({operation}) answered {status}"
    revision = headers.get("X-Gatehouse-Revision")
    if method in ("POST", "PUT", "DELETE") and operation not in QUESTIONS:
        if not re.fullmatch("[0-9]+", revision or ""):
            raise contract.Violation(f"{where} with revision {revision}")
    elif revision is not None:
        raise contract.Violation(f"{where}, which changes nothing, with revision {revision}")
    place = (address, path.partition("?")[0].replace("/apigw/", "/apic/", 1))
    tag = headers.get("ETag")
    if method == "GET" and operation in SHOWN:
        if not re.fullmatch('"[0-9]+"', tag or ""):
            raise contract.Violation(f"{where} with tag {tag}")
        _seen[place] = tag
    elif method == "PUT" and tag and _seen.pop(place, None) == tag:
        raise contract.Violation(f"{where} with the tag {tag} of before")
    elif method == "DELETE":
        _seen.pop(place, None)


def _shown() -> set[str]:
    """Operations that show an object which can also be changed or removed under its own address."""
    found = set()
    for path, item in contract.document()["paths"].items():
        if path.endswith("}") and "get" in item and ("put" in item or "delete" in item):
            found.add(item["get"]["operationId"])
    return found - NOT_OBJECTS


#: Ends with an id, shows something that has no record of its own.
NOT_OBJECTS = {"list_api_runtime_definition_v2", "list_api_versions_v2", "show_details_of_gateway_response_type_v2"}
SHOWN = _shown()
