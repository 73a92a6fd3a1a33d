#!/usr/bin/env python3
"""Compares the imports of every Swift source file with the package manifest and the architecture.

The compiler refuses an import of a target that is out of reach, but not one that is reachable through
another target and was never declared. This check closes that gap, and keeps the request path free of
what it must not know (docs/decisions, ARCHITECTURE.md).

    check-imports.py [--root DIR] [--manifest FILE]

FILE is the output of `swift package dump-package`; without it the command is run.
Prints one line a violation and exits 1, or one line of summary and exits 0.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

#: Modules of the toolchain and the system: allowed without being declared, unless forbidden below.
TOOLCHAIN = {
    "Swift", "Synchronization", "Glibc", "Musl", "Darwin", "Dispatch",
    "Foundation", "FoundationEssentials", "FoundationNetworking",
}
TEST_TOOLCHAIN = TOOLCHAIN | {"Testing"}

FOUNDATION = {"Foundation", "FoundationEssentials", "FoundationNetworking", "FoundationInternationalization"}
MANAGEMENT = {
    "GatewayModel", "WireContract", "Store", "StoreSQLite", "SnapshotCompiler", "ControlPlane", "ManagementAPI",
}
REQUEST_PATH = {"GatewayPrimitives", "RequestSigning", "Snapshot", "ProxyPipeline", "ProxyServer"}
SANS_IO = {"GatewayPrimitives", "RequestSigning", "Snapshot", "ProxyPipeline"}


def forbidden(target: str, module: str) -> str | None:
    """Why `target` may not import `module`, or None."""
    if target in REQUEST_PATH:
        if module in FOUNDATION:
            return "the request path does not use Foundation"
        if module in MANAGEMENT:
            return "the request path knows nothing of the management path"
        if module == "NIOHTTP1":
            return "NIOHTTP1 is too slow for the request path (docs/decisions)"
    if target in SANS_IO and (module.startswith("NIO") or module == "Dispatch"):
        return "this target does no input or output"
    if module == "GRDB" and target != "StoreSQLite":
        return "GRDB belongs to StoreSQLite alone"
    if module == "CRdKafka" and target != "KafkaLog":
        return "librdkafka belongs to KafkaLog"
    if module.startswith("Hummingbird") and target not in ("ManagementAPI", "ManagementAPITests", "gatehouse"):
        return "Hummingbird belongs to ManagementAPI and gatehouse"
    if target == "ControlPlane" and (module.startswith("NIO") or module == "ProxyServer"):
        return "the control plane never touches channels"
    return None


IMPORT = re.compile(
    r"^[ \t]*(?:@[A-Za-z_]\w*(?:\([^)]*\))?[ \t]+|(?:public|package|internal|fileprivate|private)[ \t]+)*"
    r"import[ \t]+(?:(?:typealias|struct|class|enum|protocol|let|var|func|actor)[ \t]+)?([A-Za-z_]\w*)",
    re.MULTILINE)
#: Comments and long strings, replaced by their line ends so that line numbers stay right.
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|(#*)"""(?:.*?)"""\1', re.DOTALL)


def imports_of(source: str) -> list[tuple[int, str]]:
    """(line, module) of each import in Swift source text."""
    code = NOT_CODE.sub(lambda match: "\n" * match.group(0).count("\n"), source)
    return [(code.count("\n", 0, match.start(1)) + 1, match.group(1)) for match in IMPORT.finditer(code)]


def declared_dependencies(target: dict) -> set[str]:
    names = set()
    for dependency in target["dependencies"]:
        for kind in ("byName", "target", "product"):
            if kind in dependency:
                names.add(dependency[kind][0])
    return names


def check(root: Path, manifest: dict) -> tuple[list[str], int]:
    """Returns the violations and the number of imports looked at."""
    violations: list[str] = []
    looked_at = 0
    targets = {target["name"]: target for target in manifest["targets"]}
    for name, target in sorted(targets.items()):
        is_test = target["type"] == "test"
        declared = declared_dependencies(target)
        for module in sorted(declared):
            if reason := forbidden(name, module):
                violations.append(f"Package.swift: {name} declares {module}: {reason}")
        folder = root / (target.get("path") or f"{'Tests' if is_test else 'Sources'}/{name}")
        for file in sorted(folder.rglob("*.swift")):
            for line, module in imports_of(file.read_text(encoding="utf-8")):
                looked_at += 1
                where = f"{file.relative_to(root)}:{line}"
                if reason := forbidden(name, module):
                    violations.append(f"{where}: {name} imports {module}: {reason}")
                elif module not in declared | (TEST_TOOLCHAIN if is_test else TOOLCHAIN):
                    violations.append(f"{where}: {name} imports {module}, which Package.swift does not declare for it")
    return violations, looked_at


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--manifest", type=Path)
    arguments = parser.parse_args()
    if arguments.manifest:
        text = arguments.manifest.read_text(encoding="utf-8")
    else:
        text = subprocess.run(
            ["swift", "package", "dump-package"], cwd=arguments.root, check=True, capture_output=True, text=True).stdout
    violations, looked_at = check(arguments.root, json.loads(text))
    for violation in violations:
        print(violation, file=sys.stderr)
    if violations:
        print(f"{len(violations)} import violations", file=sys.stderr)
        return 1
    print(f"imports: {looked_at} looked at, all allowed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
