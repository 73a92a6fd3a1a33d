#!/usr/bin/env python3
"""Creates, publishes and binds many APIs, one call at a time over one kept connection, and compares the latency of the
last hundred with that of the first hundred.

    many_apis.py --gatehouse BIN [--apis 10000] [--json FILE]

Each API costs three calls: create, publish, bind a signature key. Then the list of APIs is read page by page, to see that
a page at the end costs what the first one costs. Times are milliseconds as the caller sees them. Exits 1 when p50 or p99
of the last hundred is above twice that of the first hundred.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "BlackBox"))


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", type=Path, required=True)
    parser.add_argument("--apis", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ["GATEHOUSE_BIN"] = str(arguments.gatehouse.resolve())

    from harness.management import RELEASE, Call
    from harness.process import ROOMY, Gatehouse

    with tempfile.TemporaryDirectory() as folder:
        program = Gatehouse(Path(folder) / "data", settings=ROOMY).start()
        try:
            call = Call(program.credentials, program.management, token=program_token(program))
            steps: dict[str, list[float]] = {"create": [], "publish": [], "bind": []}

            def timed(step: str, *request, **options):
                started = time.perf_counter()
                result = call.request(*request, validate=False, **options)
                steps[step].append((time.perf_counter() - started) * 1000)
                assert result.status == 201, result.body
                return result.json()

            groups = [call.expect(201, "POST", "/api-groups", {"name": f"group_{n}"}, validate=False)["id"]
                      for n in range(max(1, arguments.apis // 500))]
            key = call.expect(201, "POST", "/signs", {"name": "signing_key"}, validate=False)["id"]
            for number in range(arguments.apis):
                made = timed("create", "POST", "/apis", definition(groups[number % len(groups)], number))
                online = timed("publish", "POST", "/apis/action", {"action": "online", "env_id": RELEASE, "api_id": made["id"]})
                timed("bind", "POST", "/sign-bindings", {"sign_id": key, "publish_ids": [online["publish_id"]]})

            pages = []
            offset = 0
            while True:
                started = time.perf_counter()
                page = call.request("GET", "/apis", query={"offset": offset, "limit": 500}, validate=False).json()
                if page["size"] == 0:
                    break
                pages.append((time.perf_counter() - started) * 1000)
                offset += page["size"]
            assert offset == arguments.apis, offset
        finally:
            program.stop()

    figures = {}
    bad = False
    for step, times in [*steps.items(), ("all three", [sum(three) for three in zip(*steps.values())])]:
        first, last = times[:100], times[-100:]
        row = {
            "first": {"p50": statistics.median(first), "p99": percentile(first, 0.99)},
            "last": {"p50": statistics.median(last), "p99": percentile(last, 0.99)},
        }
        row["ratio"] = {name: row["last"][name] / row["first"][name] for name in ("p50", "p99")}
        bad = bad or max(row["ratio"].values()) > 2
        figures[step] = row
        print(f"{step:10} first p50 {row['first']['p50']:7.2f} p99 {row['first']['p99']:7.2f}   "
              f"last p50 {row['last']['p50']:7.2f} p99 {row['last']['p99']:7.2f}   "
              f"ratio p50 {row['ratio']['p50']:.2f} p99 {row['ratio']['p99']:.2f}")
    print(f"pages of 500: first {pages[0]:.1f} ms, last {pages[-1]:.1f} ms, {len(pages)} pages")
    if arguments.json:
        arguments.json.write_text(json.dumps({"steps": figures, "pages": pages}, indent=1), encoding="utf-8")
    return 1 if bad else 0


def definition(group: str, number: int) -> dict:
    return {
        "name": f"api_{number}", "type": 1, "group_id": group, "req_protocol": "BOTH", "req_method": "GET",
        "req_uri": f"/resource/{number}", "auth_type": "NONE", "backend_type": "HTTP", "match_mode": "NORMAL",
        "backend_api": {
            "req_protocol": "HTTP", "req_method": "GET", "req_uri": f"/resource/{number}", "timeout": 5000,
            "url_domain": "127.0.0.1:9"}}


def program_token(program) -> str:
    import requests

    known = program.credentials
    answer = requests.post(f"{program.endpoint}/v3/auth/tokens", timeout=30, json={"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": known["user_name"], "password": known["password"], "domain": {"name": known["domain_name"]}}}},
        "scope": {"project": {"id": known["project_id"]}}}})
    answer.raise_for_status()
    return answer.headers["X-Subject-Token"]


if __name__ == "__main__":
    sys.exit(main())
