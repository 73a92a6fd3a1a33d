#!/usr/bin/env python3
"""Runs every check of the project, one after the other, and prints one last line `N passed, N failed`.

    run-tests.py --build-dir DIR [--swift COMMAND]

Order: the generated code is up to date, imports are allowed, everything builds (debug), Swift tests,
Python tests (scripts and black box; they drive the debug executable), whether these drove every operation of the
management API, generated requests. A check that cannot be carried out,
or a test runner that ran nothing, counts as one failure. Exits 0 only if nothing failed.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_TESTS = ["Tests/Scripts", "Tests/BlackBox"]
#: Takes longer than all others.
GENERATED = "Tests/BlackBox/test_schemathesis.py"
#: Each process drives programs of its own.
PYTEST = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "-n", "2"]


def run(title: str, command: list[str], environment: dict[str, str] | None = None) -> int:
    print(f"== {title}: {shlex.join(map(str, command))}", flush=True)
    try:
        return subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})}).returncode
    except OSError as error:
        print(f"cannot run {command[0]}: {error}", file=sys.stderr, flush=True)
        return 127


def counts(reports: list[Path]) -> tuple[int, int]:
    """(passed, failed) from the JUnit reports that exist; skipped tests count as neither."""
    passed = failed = 0
    for report in reports:
        if not report.exists():
            continue
        try:
            root = ElementTree.parse(report).getroot()
        except ElementTree.ParseError as error:
            print(f"unreadable report {report}: {error}", file=sys.stderr)
            failed += 1
            continue
        for case in root.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is None:
                passed += 1
    return passed, failed


def judge(runner: str, status: int, passed: int, failed: int) -> tuple[int, int]:
    """Adds a failure when the exit status says more than the report, or when nothing ran."""
    if passed + failed == 0:
        print(f"{runner} executed no test", file=sys.stderr)
        return passed, 1
    if status != 0 and failed == 0:
        print(f"{runner} ended with status {status} and no failed test in its report", file=sys.stderr)
        return passed, 1
    return passed, failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, required=True)
    parser.add_argument("--swift", default="swift")
    arguments = parser.parse_args()
    build: Path = arguments.build_dir.resolve()
    swift = shlex.split(arguments.swift)
    scratch = ["--scratch-path", str(build)]
    reports = build / "test-reports"
    reports.mkdir(parents=True, exist_ok=True)
    for old in reports.glob("*.xml"):
        old.unlink()

    total_passed = total_failed = 0

    def count(passed: int, failed: int) -> None:
        nonlocal total_passed, total_failed
        total_passed += passed
        total_failed += failed

    def check(title: str, command: list[str]) -> bool:
        good = run(title, command) == 0
        count(1 if good else 0, 0 if good else 1)
        return good

    check("generated code", [sys.executable, "Scripts/generate-contract.py", "--check"])
    check("imports", [sys.executable, "Scripts/check-imports.py"])

    built = run("build", [*swift, "build", *scratch, "--build-tests"]) == 0
    if built:
        # Swift Testing writes its report beside the given name, with a suffix.
        status = run("swift tests", [
            *swift, "test", *scratch, "--skip-build", "--disable-xctest",
            "--xunit-output", str(reports / "swift.xml")])
        count(*judge("swift test", status, *counts(sorted(reports.glob("swift*.xml")))))
    else:
        print("the build failed: tests of the executable are not run", file=sys.stderr)
        count(0, 1)

    report = reports / "python.xml"
    calls = reports / "calls"
    shutil.rmtree(calls, ignore_errors=True)
    calls.mkdir()
    python_tests = PYTHON_TESTS if built else PYTHON_TESTS[:1]
    status = run(
        "python tests",
        [*PYTEST, f"--junitxml={report}", f"--ignore={GENERATED}", *python_tests],
        {"GATEHOUSE_BIN": str(build / "debug" / "gatehouse"), "PYTHONDONTWRITEBYTECODE": "1",
         "GATEHOUSE_CALLS": str(calls)})
    count(*judge("pytest", status, *counts([report])))
    check("coverage of the management API", [sys.executable, "Scripts/coverage.py", "--calls", str(calls)])
    if built:
        report = reports / "generated.xml"
        status = run(
            "generated requests", [*PYTEST, f"--junitxml={report}", GENERATED],
            {"GATEHOUSE_BIN": str(build / "debug" / "gatehouse"), "PYTHONDONTWRITEBYTECODE": "1"})
        count(*judge("pytest (generated requests)", status, *counts([report])))

    print(f"{total_passed} passed, {total_failed} failed", flush=True)
    return 1 if total_failed else 0


if __name__ == "__main__":
    sys.exit(main())
