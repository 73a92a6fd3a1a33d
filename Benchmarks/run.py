#!/usr/bin/env python3
"""Gatehouse beside nginx, in one run on one machine.

CPU microseconds a request (user + system of all threads, from /proc, divided by the requests that wrk counted),
interleaved rounds, medians of per-round ratios to nginx that does the same (pass-through, TLS, HTTP/2, gRPC, access log); requests a second and p99; allocations a
request; memory and throughput with few and with many published APIs. Both proxies have one worker (one event
loop), the same backend and the same client: wrk with one thread.

    make bench                                       nine rounds of three seconds
    make bench BENCH_ARGS="--rounds 3 --seconds 1"    a quick look (three rounds mislead)
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

import measure
import scenarios
import servers
from measure import Run, median
from harness.kafka import Cluster
from scenarios import ALL, CALLER, CHANNEL, CODE, GRPC, HTTP2, KAFKA, LOGGED, MAPPED, OVER_TLS, PASS, SIGNED, THROTTLED, TLS

NGINX, NGINX_TLS, NGINX_H2, NGINX_GRPC, NGINX_LOG = "nginx proxy_pass", "nginx, TLS", "nginx, HTTP/2", "nginx grpc_pass", "nginx, access log"
#: What each is compared with, where that is not nginx's pass-through. There is no Kafka push in nginx: that row shows what it costs
#: more than the pass-through does.
BASES = {NGINX_TLS: NGINX_TLS, NGINX_H2: NGINX_H2, NGINX_GRPC: NGINX_GRPC, NGINX_LOG: NGINX_LOG, HTTP2: NGINX_H2, GRPC: NGINX_GRPC,
         LOGGED: NGINX_LOG,
         **{name: NGINX_TLS for name in OVER_TLS}}


def interleaved(nginx, program, targets: dict, logging: dict, arguments) -> dict[str, list[Run]]:
    """Every contender once a round, in an order that rotates."""
    contenders = {
        NGINX: (nginx.pid, nginx.port, {"path": "/bench"}), NGINX_TLS: (nginx.pid, nginx.tls_port, {"path": "/bench", "tls": True}),
        NGINX_H2: (nginx.pid, nginx.h2_port, {"path": "/bench", "h2": True}),
        NGINX_GRPC: (nginx.pid, nginx.h2_port, scenarios.call_of()), NGINX_LOG: (nginx.pid, nginx.log_port, {"path": "/bench"})}
    for name, (other, target) in logging.items():
        contenders[name] = (other.process.pid, other.gateway_port, target)
    for name in (PASS, SIGNED, CHANNEL, CALLER, THROTTLED, MAPPED, ALL, TLS, CODE, HTTP2, GRPC):
        contenders[name] = (program.process.pid, port_of(program, name), targets[name])
    names = list(contenders)
    for pid, port, target in contenders.values():
        measure.run(pid, port, 1, arguments.connections, **target)
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for number in range(arguments.rounds):
        for name in names[number % len(names):] + names[: number % len(names)]:
            pid, port, target = contenders[name]
            runs[name].append(measure.run(pid, port, arguments.seconds, arguments.connections, **target))
        print(f"  round {number + 1}/{arguments.rounds}: "
              + ", ".join(f"{name} {runs[name][-1].cpu:.2f} us" for name in names), flush=True)
    return runs


def port_of(program, name: str) -> int:
    return program.tls_port if name in OVER_TLS or name in (HTTP2, GRPC) else program.gateway_port


def allocations_per_request(arguments, folder: Path, backend) -> dict[str, float]:
    """Counted in a process of its own, because counting costs time. What the program allocates by itself is subtracted."""
    library, counter = folder / "malloc-count.so", folder / "allocations"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(Path(__file__).with_name("malloc-count.c"))], check=True)
    program = servers.start_gatehouse(arguments.gatehouse, folder / "counted", library, counter)
    try:
        targets = scenarios.configure(program, backend.port, backend.grpc_port)
        found = {}
        for name, target in targets.items():
            measure.run(program.process.pid, port_of(program, name), 1, arguments.connections, **target)
            start = measure.allocations(counter)
            time.sleep(1)
            idle = measure.allocations(counter) - start
            start = measure.allocations(counter)
            result = measure.run(program.process.pid, port_of(program, name), 2, arguments.connections, **target)
            # Opening the connections is part of the run and no part of a request.
            found[name] = max(0.0, measure.allocations(counter) - start - 2 * idle) / result.requests
        return found
    finally:
        program.stop()


def check_logs(logged, pushing) -> None:
    """A row about lines that were dropped would say nothing: tells how many were."""
    for program, name in ((logged, "access_log"), (pushing, "kafka")):
        text = urllib.request.urlopen(f"{program.endpoint}/metrics").read().decode()
        counts = re.findall(rf"^(gatehouse_{name}_\w+_total(?:{{[^}}]*}})?) (\d+)$", text, re.MULTILINE)
        print("  " + ", ".join(f"{key} {value}" for key, value in counts), flush=True)


def sizes(program, backend_port: int, folder: Path, arguments) -> list[dict]:
    """Memory and throughput with each number of published APIs; `spread` asks for all fillers in turn."""
    rows, groups = [], []
    for size in arguments.sizes:
        started = time.monotonic()
        groups += scenarios.fill(program, backend_port, size)
        filling = time.monotonic() - started
        script = scenarios.spread_script(folder, groups)
        measure.wrk(program.gateway_port, 1, arguments.connections, script=script)
        runs = [measure.run(program.process.pid, program.gateway_port, arguments.seconds, arguments.connections, script=script)
                for _ in range(3)]
        rows.append({"published_apis": size, "resident_mb": measure.resident_kilobytes(program.process.pid) / 1024,
                     "requests_per_second": median(run.per_second for run in runs), "cpu_us": median(run.cpu for run in runs),
                     "p99_ms": median(run.p99 for run in runs), "seconds_to_publish": filling})
    return rows


def summary(runs: dict[str, list[Run]], allocated: dict[str, float]) -> list[dict]:
    return [{
        "name": name,
        "ratio_to_nginx": median(run.cpu / base.cpu for run, base in zip(results, runs[BASES.get(name, NGINX)])),
        "cpu_us": median(run.cpu for run in results), "user_us": median(run.user for run in results),
        "system_us": median(run.system for run in results), "requests_per_second": median(run.per_second for run in results),
        "p99_ms": median(run.p99 for run in results), "allocations": allocated.get(name),
    } for name, results in runs.items()]


def print_tables(rows: list[dict], by_size: list[dict]) -> None:
    print(f"\n{'':20}{'ratio':>8}{'cpu us':>9}{'user us':>9}{'sys us':>9}{'req/s':>10}{'p99 ms':>9}{'allocs':>9}")
    for row in rows:
        allocated = "-" if row["allocations"] is None else f"{row['allocations']:.2f}"
        print(f"{row['name']:20}{row['ratio_to_nginx']:>8.2f}{row['cpu_us']:>9.2f}{row['user_us']:>9.2f}{row['system_us']:>9.2f}"
              f"{row['requests_per_second']:>10.0f}{row['p99_ms']:>9.2f}{allocated:>9}")
    print(f"\n{'published APIs':20}{'memory MB':>12}{'req/s':>10}{'cpu us':>9}{'p99 ms':>9}{'published in s':>16}")
    for row in by_size:
        print(f"{row['published_apis']:<20}{row['resident_mb']:>12.1f}{row['requests_per_second']:>10.0f}{row['cpu_us']:>9.2f}"
              f"{row['p99_ms']:>9.2f}{row['seconds_to_publish']:>16.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", type=Path, required=True, help="the release executable")
    parser.add_argument("--output", type=Path, default=Path("bench-results"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3, help="length of one run")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--sizes", type=int, nargs="*", default=[20, 10_000],
                        help="numbers of published APIs, ascending; the scenarios alone have ten")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx workers run as another user
        backend = servers.Nginx.backend(folder / "backend")
        nginx = servers.Nginx.proxy(folder / "nginx", backend.port, backend.grpc_port)
        program = servers.start_gatehouse(arguments.gatehouse, folder / "data")
        logged = servers.start_gatehouse(arguments.gatehouse, folder / "logged", access_log={"path": "access.log"})
        pushing = servers.start_gatehouse(arguments.gatehouse, folder / "pushing")
        try:
            targets = scenarios.configure(program, backend.port, backend.grpc_port)
            cluster = Cluster()
            logging = {
                LOGGED: (logged, scenarios.configure_log(logged, backend.port, [])),
                KAFKA: (pushing, scenarios.configure_log(pushing, backend.port, [cluster.address]))}
            print(f"{arguments.rounds} rounds of {arguments.seconds:g} s, {arguments.connections} connections, medians", flush=True)
            runs = interleaved(nginx, program, targets, logging, arguments)
            check_logs(logged, pushing)
            by_size = sizes(program, backend.port, folder, arguments)
            allocated = allocations_per_request(arguments, folder, backend)
        finally:
            for server in (program, logged, pushing, nginx, backend):
                server.stop()
    rows = summary(runs, allocated)
    print_tables(rows, by_size)
    moment = datetime.now(timezone.utc)
    path = arguments.output / f"bench-{moment:%Y%m%dT%H%M%SZ}.json"
    servers.write_json(path, {
        "at": moment.isoformat(timespec="seconds"), "machine": servers.machine(),
        "settings": {"rounds": arguments.rounds, "seconds": arguments.seconds, "connections": arguments.connections},
        "scenarios": rows, "sizes": by_size,
        "rounds": {name: [vars(run) for run in results] for name, results in runs.items()}})
    print(f"\nfigures of each round: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
