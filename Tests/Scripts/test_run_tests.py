"""The test runner counts honestly."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "Scripts" / "run-tests.py"
spec = importlib.util.spec_from_file_location("run_tests", SCRIPT)
run_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run_tests)


def test_counts_add_up_over_reports(tmp_path):
    first, second = tmp_path / "a.xml", tmp_path / "b.xml"
    first.write_text("""<testsuites><testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>
        <testcase name="c"><skipped/></testcase></testsuite></testsuites>""")
    second.write_text("""<testsuite><testcase name="d"/><testcase name="e"><error/></testcase></testsuite>""")
    assert run_tests.counts([first, second, tmp_path / "absent.xml"]) == (2, 2)


def test_a_broken_report_is_a_failure(tmp_path):
    report = tmp_path / "a.xml"
    report.write_text("<testsuites>")
    assert run_tests.counts([report]) == (0, 1)


@pytest.mark.parametrize("status, passed, failed, expected", [
    (0, 3, 0, (3, 0)), (1, 3, 2, (3, 2)), (1, 3, 0, (3, 1)), (0, 0, 0, (0, 1)), (5, 0, 0, (0, 1)),
])
def test_what_a_runner_is_judged_by(status, passed, failed, expected):
    assert run_tests.judge("runner", status, passed, failed) == expected
