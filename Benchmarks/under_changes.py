#!/usr/bin/env python3
"""Latency of a steady stream of requests with and without configuration changes, in turns.

    under_changes.py --gatehouse BIN [--changes 20] [--rate 2000] [--seconds 10] [--rounds 5] [--json FILE]

The same changes as a soak makes (plug-ins bound and unbound, policies changed, APIs published anew, secrets replaced), on the
API that is asked and on others. The rate is fixed, so that a slow answer is not paid for by asking less. Prints p50 and p99 in
milliseconds over all rounds, and exits 1 when a request or a change failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "Soak"), str(ROOT / "Benchmarks")]

import servers  # noqa: E402
from changes import Changes  # noqa: E402
from harness.management import Call  # noqa: E402
from harness.world import World  # noqa: E402

CLIENTS = 32


def measure(port: int, host: str, rate: float, seconds: float, folder: Path) -> tuple[list[int], int]:
    """Microseconds of each answered request, and how many were not answered with 200."""
    log = folder / "times"
    log.unlink(missing_ok=True)
    subprocess.run(
        ["h2load", "--h1", f"-c{CLIENTS}", f"--rps={max(1, round(rate / CLIENTS))}", f"-n{round(rate * seconds)}", f"--log-file={log}",
         f"--connect-to=127.0.0.1:{port}", f"http://{host}/bench"], check=True, capture_output=True)
    rows = [line.split() for line in log.read_text().splitlines()]
    return [int(row[2]) for row in rows if row[1] == "200"], sum(row[1] != "200" for row in rows)


def percentile(times: list[int], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1000


def configure(world: World) -> dict:
    balanced = world.api.expect(201, "POST", "/vpc-channels", {
        "name": "changes", "port": int(world.backend.address.rsplit(":", 1)[1]), "balance_strategy": 1, "member_type": "ip",
        "members": [{"host": "127.0.0.1"}], "vpc_health_config": {
            "protocol": "TCP", "threshold_normal": 1, "threshold_abnormal": 2, "time_interval": 5, "timeout": 2}})
    channel = {"url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": balanced["id"]}}
    return {name: world.make_api("/", method="GET", match_mode="SWA", **({"backend": channel} if name == "channel" else {}))
            for name in ("open", "limited", "channel")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", type=Path, required=True)
    parser.add_argument("--changes", type=float, default=20, help="a second")
    parser.add_argument("--rate", type=float, default=2000, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="changes-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        backend = servers.Nginx.backend(folder / "backend")
        program = servers.start_gatehouse(arguments.gatehouse.resolve(), folder / "data")
        quiet, busy, wrong = [], [], 0
        try:
            world = World(
                program, Call(program.credentials, program.management), SimpleNamespace(address=f"127.0.0.1:{backend.port}"))
            apis = configure(world)
            changes = Changes(world, apis, arguments.changes)
            changes.active.clear()
            changes.start()
            measure(program.gateway_port, apis["open"].host, arguments.rate, 2, folder)
            for number in range(arguments.rounds):
                for times, changing in ((quiet, False), (busy, True)) if number % 2 == 0 else ((busy, True), (quiet, False)):
                    if changing:
                        changes.active.set()
                    found, failed = measure(program.gateway_port, apis["open"].host, arguments.rate, arguments.seconds, folder)
                    changes.active.clear()
                    times += found
                    wrong += failed
            changes.stop()
        finally:
            program.stop()
            backend.stop()
    report = {
        "rate": arguments.rate, "changes": changes.count, "changes a second": round(changes.count / arguments.rounds / arguments.seconds, 1), "refused changes": changes.failures, "wrong answers": wrong,
        **{name: {"requests": len(times), "p50": percentile(times, .5), "p99": percentile(times, .99), "p999": percentile(times, .999)}
           for name, times in (("without", quiet), ("with", busy))}}
    report["p99 ratio"] = round(report["with"]["p99"] / report["without"]["p99"], 3)
    print(json.dumps(report, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if wrong or changes.failures else 0


if __name__ == "__main__":
    sys.exit(main())
