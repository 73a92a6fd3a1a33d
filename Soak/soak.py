#!/usr/bin/env python3
"""A soak: connections of every kind, configuration changes, backends that die, for as long as is asked.

Fails when a request failed that had to succeed, when a change was refused, when memory or descriptors keep growing, or when
something is still under way after everybody has left.

    make soak                   half an hour
    make soak SOAK_SECONDS=120       shorter; the first quarter counts as warming up
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "BlackBox"))

from backends import Backend, websocket_echo  # noqa: E402
from changes import Changes  # noqa: E402
from clients import LONGEST_WORK, Clients, Failed  # noqa: E402
from harness.management import Call  # noqa: E402
from harness.process import ROOMY, Gatehouse  # noqa: E402
from harness.world import World  # noqa: E402

#: Growth of resident memory from the second quarter to the last that is still flat: allocators keep what they had once.
FLAT_RATIO, FLAT_MEGABYTES = 1.10, 10
#: Descriptors that may be left over those of the idle program.
SPARE_DESCRIPTORS = 5


class Sampler:
    def __init__(self, program: Gatehouse):
        self.program, self.samples, self.began = program, [], time.monotonic()

    def read(self) -> dict:
        pid = self.program.process.pid
        status = Path(f"/proc/{pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return {"at": round(time.monotonic() - self.began, 1), "megabytes": resident / 1024,
                "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}

    def gauge(self, name: str) -> float:
        text = urllib.request.urlopen(f"{self.program.endpoint}/metrics", timeout=10).read().decode()
        values = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name]
        return sum(values)

    async def run(self) -> None:
        while True:
            self.samples.append(self.read())
            await asyncio.sleep(2)

    def quarter(self, number: int) -> float:
        part = len(self.samples) // 4
        return statistics.median(sample["megabytes"] for sample in self.samples[number * part:(number + 1) * part] or self.samples)


def configure(world: World, open_port: int, socket_port: int, members: list[Backend]) -> dict:
    channel = world.api.expect(201, "POST", "/vpc-channels", {
        "name": "soak", "port": members[0].port, "balance_strategy": 1, "member_type": "ip",
        "members": [{"host": "127.0.0.1", "port": member.port} for member in members],
        "vpc_health_config": {"protocol": "TCP", "threshold_normal": 1, "threshold_abnormal": 1, "time_interval": 5, "timeout": 2}})
    balanced = {"url_domain": None, "vpc_channel_status": 1, "vpc_channel_info": {"vpc_channel_id": channel["id"]}, "retry_count": "1"}

    def to(port: int) -> dict:
        return {"url_domain": f"127.0.0.1:{port}", "timeout": 20_000}

    return {
        "open": world.make_api("/", match_mode="SWA", backend=to(open_port)),
        "limited": world.make_api("/", match_mode="SWA", backend=to(open_port)),
        "socket": world.make_api("/", match_mode="SWA", backend=to(socket_port)),
        "channel": world.make_api("/", match_mode="SWA", backend=balanced)}


async def repeat(work, done: Counter, failures: list[str], until: float) -> None:
    while time.monotonic() < until:
        try:
            await asyncio.wait_for(work(), LONGEST_WORK)
            done[work.__name__] += 1
        except (Failed, OSError, asyncio.IncompleteReadError, TimeoutError) as failure:
            failures.append(f"{work.__name__}: {type(failure).__name__} {failure}"[:500])
        await asyncio.sleep(0.05)


async def mortality(members: list[Backend], until: float) -> None:
    """One member after the other is away for a while. The next one goes when the check of five seconds has seen that this one is back."""
    number = 0
    while time.monotonic() < until:
        member = members[number % len(members)]
        await member.die()
        await asyncio.sleep(2)
        await member.revive()
        await asyncio.sleep(12)
        number += 1


async def soak(program: Gatehouse, seconds: float, per_second: float) -> dict:
    sampler = Sampler(program)
    idle = sampler.read()
    steady, members = Backend(), [Backend(), Backend()]
    for backend in (steady, *members):
        await backend.revive()
    socket = await websocket_echo()
    socket_port = socket.sockets[0].getsockname()[1]
    world = World(program, Call(program.credentials, program.management), SimpleNamespace(address=f"127.0.0.1:{steady.port}"))
    apis = await asyncio.to_thread(configure, world, steady.port, socket_port, members)
    changes = await asyncio.to_thread(Changes, world, apis, per_second)
    changes.start()
    done, failures = Counter(), []
    until = time.monotonic() + seconds
    clients = Clients(program.gateway_port, program.tls_port, {name: api.host for name, api in apis.items()})
    sampling = asyncio.create_task(sampler.run())
    deaths = asyncio.create_task(mortality(members, until))
    await asyncio.gather(*(repeat(work, done, failures, until) for work in clients.all))
    await asyncio.to_thread(changes.stop)
    await deaths
    sampling.cancel()
    left = await settle(sampler, idle)
    return {
        "seconds": seconds, "work": dict(done), "changes": changes.count, "failures": failures, "refused": changes.failures,
        "megabytes": {"idle": idle["megabytes"], "second_quarter": sampler.quarter(1), "last_quarter": sampler.quarter(3)},
        "descriptors": {"idle": idle["descriptors"], "most": max(sample["descriptors"] for sample in sampler.samples),
                        "left": left["descriptors"]}, "active_requests": left["active"], "samples": sampler.samples}


async def settle(sampler: Sampler, idle: dict) -> dict:
    """What is there when everybody has left, and idle connections to backends have had time to end."""
    deadline = time.monotonic() + 150
    while True:
        active = await asyncio.to_thread(sampler.gauge, "gatehouse_requests_active")
        left = {**sampler.read(), "active": active}
        if time.monotonic() > deadline or (active == 0 and left["descriptors"] <= idle["descriptors"] + SPARE_DESCRIPTORS):
            return left
        await asyncio.sleep(1)


def faults(report: dict) -> list[str]:
    found = []
    if report["failures"]:
        found.append(f"{len(report['failures'])} requests failed, the first: {report['failures'][0]}")
    if report["refused"]:
        found.append(f"{len(report['refused'])} changes were refused, the first: {report['refused'][0]}")
    early, late = report["megabytes"]["second_quarter"], report["megabytes"]["last_quarter"]
    if late > early * FLAT_RATIO and late > early + FLAT_MEGABYTES:
        found.append(f"memory grew from {early:.0f} to {late:.0f} MB")
    if report["descriptors"]["left"] > report["descriptors"]["idle"] + SPARE_DESCRIPTORS:
        found.append(f"{report['descriptors']['left']} descriptors are open, {report['descriptors']['idle']} were before")
    if report["active_requests"]:
        found.append(f"{report['active_requests']:.0f} requests are still under way")
    found += [f"{name} never succeeded" for name in ("keep_alive", "web_socket", "http2", "balanced") if not report["work"].get(name)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--changes", type=float, default=20, help="changes a second")
    parser.add_argument("--output", type=Path, help="the whole report, as JSON")
    arguments = parser.parse_args()
    os.environ["GATEHOUSE_BIN"] = str(arguments.gatehouse)
    with tempfile.TemporaryDirectory(prefix="gatehouse-soak-") as folder:
        program = Gatehouse(Path(folder) / "data", settings=ROOMY).start()
        try:
            report = asyncio.run(soak(program, arguments.seconds, arguments.changes))
        finally:
            status = program.stop()
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(report, indent=1) + "\n")
    found = faults(report) + ([f"the program ended with {status}"] if status else [])
    shown = {name: value for name, value in report.items() if name not in ("samples", "failures", "refused")}
    print(json.dumps(shown, indent=1))
    for fault in found:
        print(f"FAULT: {fault}")
    print("the soak found nothing" if not found else f"the soak found {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
