"""The import check finds what the compiler does not."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "Scripts" / "check-imports.py"
spec = importlib.util.spec_from_file_location("check_imports", SCRIPT)
check_imports = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_imports)


def manifest(*targets):
    return {"targets": [
        {"name": name, "type": kind, "dependencies": [{"byName": [name_, None]} for name_ in dependencies]}
        for name, kind, dependencies in targets]}


def write(root: Path, path: str, text: str):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize("source, expected", [
    ("import Store\n", [(1, "Store")]),
    ("// import Store\nimport Crypto // import GRDB\n", [(2, "Crypto")]),
    ("/* import A\n import B */\n@testable import C\n", [(3, "C")]),
    ("@preconcurrency public import D\ninternal import struct E.F\n", [(1, "D"), (2, "E")]),
    ("@_spi(Testing) import G\n", [(1, "G")]),
    ('let text = """\nimport H\n"""\nimport I\n', [(4, "I")]),
    ("#if canImport(Glibc)\n  import Glibc\n#endif\n", [(2, "Glibc")]),
    ("let important = 1\nfunc imports() {}\n", []),
])
def test_finds_imports(source, expected):
    assert check_imports.imports_of(source) == expected


def test_accepts_declared_imports(tmp_path):
    write(tmp_path, "Sources/A/A.swift", "import B\nimport Glibc\n")
    write(tmp_path, "Tests/ATests/T.swift", "import Testing\n@testable import A\n")
    violations, looked_at = check_imports.check(
        tmp_path, manifest(("A", "regular", ["B"]), ("ATests", "test", ["A"])))
    assert violations == [] and looked_at == 4


def test_refuses_undeclared_import(tmp_path):
    write(tmp_path, "Sources/ManagementAPI/Signs/Routes.swift", "import ControlPlane\nimport Store\n")
    violations, _ = check_imports.check(tmp_path, manifest(("ManagementAPI", "regular", ["ControlPlane"])))
    assert len(violations) == 1
    assert violations[0].startswith("Sources/ManagementAPI/Signs/Routes.swift:2: ManagementAPI imports Store")


@pytest.mark.parametrize("target, module", [
    ("ProxyPipeline", "Foundation"), ("ProxyServer", "Store"), ("ProxyServer", "NIOHTTP1"),
    ("Snapshot", "NIOCore"), ("RequestSigning", "FoundationEssentials"), ("GatewayPrimitives", "GatewayModel"),
    ("Store", "GRDB"), ("ControlPlane", "Hummingbird"), ("ControlPlane", "NIOCore"),
])
def test_refuses_forbidden_even_if_declared(tmp_path, target, module):
    write(tmp_path, f"Sources/{target}/X.swift", f"import {module}\n")
    violations, _ = check_imports.check(tmp_path, manifest((target, "regular", [module])))
    assert any(line.startswith(f"Sources/{target}/X.swift:1: {target} imports {module}") for line in violations)
    assert any(line.startswith(f"Package.swift: {target} declares {module}") for line in violations)


def test_exit_status_of_the_command(tmp_path):
    write(tmp_path, "Sources/A/A.swift", "import B\n")
    dump = tmp_path / "dump.json"
    for dependencies, status in ((["B"], 0), ([], 1)):
        dump.write_text(json.dumps(manifest(("A", "regular", dependencies))))
        done = subprocess.run(
            [sys.executable, SCRIPT, "--root", tmp_path, "--manifest", dump], capture_output=True, text=True)
        assert done.returncode == status, done.stderr
