#!/usr/bin/env python3
"""Generate Sources/WireContract/Generated from Contract/.

    python3 Scripts/generate-contract.py           write the files
    python3 Scripts/generate-contract.py --check   write nothing; exit 1 when a file would change

Contract/apic.openapi.yaml is the vendor's contract and is not changed. Contract/apigw/*.yaml are
supplements: operations that only clients of the twin product call, one file for each family. What is
generated from a supplement lies in files that begin with its name.

Needs Python 3.9 or newer and PyYAML. The output depends on the files of Contract/ and on this
script alone, so that a second run is always to no diff.
"""

import argparse
import difflib
import pathlib
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Scripts"))

from contract_generator import document, errors, operations, reading, rules, types  # noqa: E402

OUTPUT = ROOT / "Sources" / "WireContract" / "Generated"


def generate() -> dict[str, str]:
    contract = reading.Contract.load(ROOT / "Contract" / "apic.openapi.yaml")
    supplements = {
        reading.upper_camel(path.stem): reading.Contract.load(path, base=contract)
        for path in sorted((ROOT / "Contract" / "apigw").glob("*.yaml"))
    }
    files: dict[str, str] = {}
    files.update(types.files(contract))
    files.update(rules.files(contract))
    for name, supplement in supplements.items():
        files.update(types.files(supplement, name))
        files.update(rules.files(supplement, name))
    files.update(operations.files(contract, supplements))
    files.update(document.files(contract, supplements))
    files.update(errors.files(ROOT / "Contract" / "management-errors.tsv"))
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    check = parser.parse_args().check

    wanted = generate()
    existing = {p.name: p.read_text(encoding="utf-8") for p in OUTPUT.glob("*.swift")}
    if check:
        different = sorted(n for n in wanted.keys() | existing.keys() if wanted.get(n) != existing.get(n))
        for name in different:
            old, new = existing.get(name, ""), wanted.get(name, "")
            diff = difflib.unified_diff(
                old.splitlines(), new.splitlines(), f"committed/{name}", f"generated/{name}", lineterm="")
            print("\n".join(list(diff)[:40]))
        if different:
            print(f"{len(different)} generated files differ; run: python3 Scripts/generate-contract.py")
            return 1
        print(f"{len(wanted)} generated files are up to date")
        return 0

    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name in sorted(existing.keys() - wanted.keys()):
        (OUTPUT / name).unlink()
    for name, text in sorted(wanted.items()):
        if existing.get(name) != text:
            (OUTPUT / name).write_text(text, encoding="utf-8")
    print(f"{len(wanted)} files in {OUTPUT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
