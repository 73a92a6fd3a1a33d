#!/usr/bin/env python3
"""Latency of a steady stream of requests with and without configuration changes, in turns.

    under_changes.py --gatehouse BIN [--changes 20] [--rate 2000] [--turns 30] [--turn 1.0] [--json FILE]

The same changes as a soak makes (plug-ins bound and unbound, policies changed, APIs published anew, secrets replaced), on the
API that is asked and on others. One stream of requests at a fixed rate, so that a slow answer is not paid for by asking less,
over the same connections all the time; changes are made in every other turn. A machine that is not there for a while (steal)
hits both kinds of turns alike. Prints p50 and p99 in milliseconds, and exits 1 when a request or a change failed.

Who makes the changes runs at the lowest priority: it would be another machine's work.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "Soak"), str(ROOT / "Benchmarks")]

import servers  # noqa: E402
from changes import Changes  # noqa: E402
from harness.management import Call  # noqa: E402
from harness.world import World  # noqa: E402

CLIENTS = 32
#: Seconds between turns that count for neither kind.
PAUSE = 0.1


def load(port: int, host: str, rate: float, seconds: float, log: Path) -> subprocess.Popen:
    log.unlink(missing_ok=True)
    return subprocess.Popen(
        ["h2load", "--h1", f"-c{CLIENTS}", f"--rps={max(1, round(rate / CLIENTS))}", f"-n{round(rate * seconds)}",
         # One connection after the other: all at once they would ask at the same moment for ever.
         "-r1", "--rate-period=1ms", f"--log-file={log}", f"--connect-to=127.0.0.1:{port}", f"http://{host}/bench"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def answers(log: Path) -> list[tuple[int, int, int]]:
    """Of each request: microseconds since 1970 when it began, status, microseconds until the answer."""
    return [tuple(map(int, line.split()[:3])) for line in log.read_text().splitlines()]


def sort(found: list[tuple[int, int, int]], turns: list[tuple[float, float, bool]]) -> tuple[list[list[int]], list[list[int]]]:
    """Times of the turns without changes and of those with them; what began in between counts for neither."""
    kinds: tuple[list[list[int]], list[list[int]]] = ([], [])
    found, place = sorted(found), 0
    for begin, end, changing in turns:
        while place < len(found) and found[place][0] < begin * 1_000_000:
            place += 1
        times = []
        while place < len(found) and found[place][0] < end * 1_000_000:
            times.append(found[place][2])
            place += 1
        kinds[changing].append(times)
    return kinds


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


def report(quiet: list[list[int]], busy: list[list[int]]) -> dict:
    shown = {}
    for name, turns in (("without", quiet), ("with", busy)):
        times = [time for turn in turns for time in turn]
        shown[name] = {
            "requests": len(times), "p50": percentile(times, .5), "p99": percentile(times, .99), "p999": percentile(times, .999),
            "median p99 of a turn": statistics.median(percentile(turn, .99) for turn in turns)}
    shown["p99 ratio"] = round(shown["with"]["p99"] / shown["without"]["p99"], 3)
    shown["p99 ratio of median turns"] = round(
        shown["with"]["median p99 of a turn"] / shown["without"]["median p99 of a turn"], 3)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", type=Path, required=True)
    parser.add_argument("--changes", type=float, default=20, help="a second")
    parser.add_argument("--rate", type=float, default=2000, help="requests a second")
    parser.add_argument("--turns", type=int, default=30, help="of each kind")
    parser.add_argument("--turn", type=float, default=1, help="seconds")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="changes-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        backend = servers.Nginx.backend(folder / "backend")
        program = servers.start_gatehouse(arguments.gatehouse.resolve(), folder / "data")
        turns, made = [], 0
        try:
            world = World(
                program, Call(program.credentials, program.management), SimpleNamespace(address=f"127.0.0.1:{backend.port}"))
            apis = configure(world)
            changes = Changes(world, apis, arguments.changes)
            changes.active.clear()
            changes.start()
            os.setpriority(os.PRIO_PROCESS, changes.native_id, 19)
            seconds = 2 * arguments.turns * arguments.turn + 3
            stream = load(program.gateway_port, apis["open"].host, arguments.rate, seconds, folder / "times")
            time.sleep(2)
            for number in range(2 * arguments.turns):
                # Without, with, with, without: what drifts is in both alike.
                changing = number % 4 in (1, 2)
                (changes.active.set if changing else changes.active.clear)()
                # The change that is under way is made before a turn without changes begins.
                time.sleep(PAUSE)
                before, begin = changes.count, time.time()
                time.sleep(max(0, arguments.turn - PAUSE))
                turns.append((begin, time.time(), changing))
                made += changes.count - before if changing else 0
            changes.stop()
            stream.wait(30)
            found = answers(folder / "times")
        finally:
            program.stop()
            backend.stop()
    wrong = sum(status != 200 for _, status, _ in found)
    busy = sum(end - begin for begin, end, changing in turns if changing)
    shown = {
        "rate": arguments.rate, "changes": changes.count, "changes a second": round(made / busy, 1),
        "refused changes": changes.failures, "wrong answers": wrong, **report(*sort(found, turns))}
    print(json.dumps(shown, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(shown, indent=2) + "\n")
    return 1 if wrong or changes.failures or not found else 0


if __name__ == "__main__":
    sys.exit(main())
