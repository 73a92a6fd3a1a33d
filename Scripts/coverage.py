#!/usr/bin/env python3
"""What the black-box tests drive of the management API, as a table.

    coverage.py --calls DIR                 print the table; exit 1 when something is not driven
    coverage.py --calls DIR --write FILE    the same, and write it as Markdown

DIR holds what the tests wrote down of every answer (environment variable GATEHOUSE_CALLS). An operation of the
contract is covered when the official SDK got a success from it. A refusal of the contract's examples and a code of the
error table is covered when a test provoked it, or when Tests/BlackBox/unreachable.tsv says why that cannot happen.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
METHODS = ("get", "post", "put", "delete")


class Calls:
    def __init__(self, folder: Path):
        self.successes: dict[str, set[str]] = defaultdict(set)
        self.refusals: dict[str, set[str]] = defaultdict(set)
        for file in sorted(folder.glob("*.tsv")):
            for line in file.read_text(encoding="utf-8").splitlines():
                operation, client, status, code = line.split("\t")
                if int(status) < 300:
                    self.successes[operation].add(client)
                elif code:
                    self.refusals[operation].add(code)


def operations(document: dict):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield item[method]["operationId"], method.upper(), path, item[method]


def example_codes(description: dict) -> set[str]:
    found = set()
    for answer in description["responses"].values():
        for media in (answer.get("content") or {}).values():
            example = media.get("example")
            if isinstance(example, dict) and "error_code" in example:
                found.add(example["error_code"])
    return found


def unreachable() -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """(code -> reason, (operation, code) -> reason); an operation `*` stands for all."""
    codes, pairs = {}, {}
    for line in (ROOT / "Tests/BlackBox/unreachable.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            operation, code, reason = line.split("\t")
            if operation == "*":
                codes[code] = reason
            else:
                pairs[operation, code] = reason
    return codes, pairs


def load(path: Path) -> dict:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=Path, required=True)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    calls = Calls(arguments.calls)
    excused, excused_pairs = unreachable()
    contract = load(ROOT / "Contract/apic.openapi.yaml")
    missing: list[str] = []
    rows = []
    driven = 0
    for name, method, path, description in sorted(operations(contract), key=lambda entry: entry[0]):
        by_sdk = "sdk" in calls.successes[name]
        driven += by_sdk
        if not by_sdk:
            missing.append(f"{name}: no success through the SDK")
        for code in sorted(example_codes(description) - calls.refusals[name]):
            if code not in excused and (name, code) not in excused_pairs:
                missing.append(f"{name}: {code} of the contract's examples is not provoked")
        rows.append((name, f"{method} {path}", by_sdk, calls.refusals[name]))
    supplements = []
    for file in sorted((ROOT / "Contract/apigw").glob("*.yaml")):
        for name, method, path, _ in sorted(operations(load(file)), key=lambda entry: entry[0]):
            if not calls.successes[name]:
                missing.append(f"{name}: no success")
            supplements.append((name, f"{method} {path}", bool(calls.successes[name]), calls.refusals[name]))

    provoked = set().union(*calls.refusals.values()) if calls.refusals else set()
    table = [line.split("\t")[0] for line in (ROOT / "Contract/management-errors.tsv").read_text().splitlines()[1:]]
    for code in table:
        if code not in provoked and code not in excused:
            missing.append(f"{code} of the error table is neither provoked nor explained")
    for code in sorted(excused.keys() & provoked - {"APIG.9999"}):
        missing.append(f"{code} is provoked and should not be in unreachable.tsv")

    text = markdown(rows, supplements, table, provoked, excused, excused_pairs, driven)
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
    for name, _, by_sdk, codes in rows:
        print(f"{name:58} {'yes' if by_sdk else 'NO':4} {' '.join(short(codes))}")
    print(f"{driven} of {len(rows)} operations succeed through the SDK; "
          f"{sum(1 for row in supplements if row[2])} of {len(supplements)} operations of APIG clients; "
          f"{len(provoked & set(table))} codes provoked, {len(excused)} explained, of {len(table)}")
    for line in missing:
        print(f"missing: {line}")
    return 1 if missing else 0


def short(codes: set[str]) -> list[str]:
    return [code.removeprefix("APIG.") for code in sorted(codes)]


def markdown(rows, supplements, table, provoked, excused, excused_pairs, driven) -> str:
    lines = [
        "# What the tests drive of the management API", "",
        "Written by `Scripts/coverage.py` from the answers that the black-box tests got; not by hand.", "",
        f"{driven} of {len(rows)} operations of the contract succeed through the official SDK. "
        "Codes without a family are `APIG.` codes.", "",
        "| Operation | Call | Success by SDK | Refusals provoked |", "|---|---|---|---|"]
    lines += [
        f"| {name} | `{call}` | {'yes' if good else 'no'} | {', '.join(short(codes))} |"
        for name, call, good, codes in rows]
    lines += ["", "## Operations of APIG clients", "", "| Operation | Call | Success | Refusals provoked |", "|---|---|---|---|"]
    lines += [
        f"| {name} | `{call}` | {'yes' if good else 'no'} | {', '.join(short(codes))} |"
        for name, call, good, codes in supplements]
    lines += ["", "## Codes of the error table", "",
              f"{len(provoked & set(table))} of {len(table)} are provoked by tests. These cannot happen here:", "",
              "| Code | Why not |", "|---|---|"]
    lines += [f"| {code} | {excused[code]} |" for code in table if code in excused]
    if excused_pairs:
        lines += ["", "Examples of single operations that cannot happen here:", "", "| Operation | Code | Why not |", "|---|---|---|"]
        lines += [f"| {name} | {code} | {why} |" for (name, code), why in sorted(excused_pairs.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
