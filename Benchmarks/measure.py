"""One measured run of wrk or h2load against a process, and what it cost that process."""

from __future__ import annotations

import os
import re
import statistics
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def tree(pid: int) -> list[int]:
    """A process and its children (nginx: master and worker)."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(entry.name))
            except (OSError, IndexError):
                pass
    return found


def cpu_seconds(pid: int) -> tuple[float, float]:
    """(user, system) seconds that a process and its children have used, over all their threads."""
    user = system = 0
    for member in tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        user += int(fields[11])
        system += int(fields[12])
    return user / TICK, system / TICK


def resident_kilobytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ValueError("no VmRSS")


def allocations(counter: Path) -> int:
    return struct.unpack("<Q", counter.read_bytes()[:8])[0]


@dataclass
class Run:
    """Figures of one run. Times a request in microseconds of CPU; `p99` in milliseconds."""

    requests: int
    per_second: float
    p99: float
    user: float
    system: float

    @property
    def cpu(self) -> float:
        return self.user + self.system


class BadAnswers(Exception):
    """The server answered something else than 2xx, or not at all: the figures would mean nothing."""


def wrk(
    port: int, seconds: float, connections: int, path: str = "/", headers: dict | None = None, script: Path | None = None,
    tls: bool = False,
) -> str:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "10s"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    if script:
        command += ["-s", str(script)]
    done = subprocess.run([*command, f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise BadAnswers(done.stdout)
    return done.stdout


#: Streams at a time on each connection of h2load.
STREAMS = 8


def h2load(
    port: int, seconds: float, connections: int, path: str = "/", headers: dict | None = None, message: bytes = b"",
) -> tuple[int, float, float]:
    """Requests, requests a second and p99 in milliseconds, over HTTP/2 with TLS. There are as many requests under way as with
    wrk, on fewer connections. A `message` is sent with each of them, and one as long must come back."""
    with tempfile.TemporaryDirectory(prefix="h2load-") as folder:
        log = Path(folder) / "requests"
        command = ["h2load", "-t1", f"-c{max(1, connections // STREAMS)}", f"-m{STREAMS}", f"-D{max(1, round(seconds))}",
                   f"--log-file={log}"]
        if message:
            content = Path(folder) / "message"
            content.write_bytes(message)
            command += ["-d", str(content)]
        for name, value in (headers or {}).items():
            command += ["-H", f"{':authority' if name == 'Host' else name}: {value}"]
        done = subprocess.run([*command, f"https://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
        times = sorted(int(line.split()[2]) for line in log.read_text().splitlines())
    answered, wrong = re.search(r"status codes: (\d+) 2xx, (.*)", done.stdout).groups()
    if "Application protocol: h2" not in done.stdout or wrong != "0 3xx, 0 4xx, 0 5xx" or " 0 failed" not in done.stdout:
        raise BadAnswers(done.stdout)
    # An error of gRPC is a 200 without a message.
    if int(re.search(r"\((\d+)\) data", done.stdout)[1]) < int(re.search(r"(\d+) succeeded", done.stdout)[1]) * len(message):
        raise BadAnswers(done.stdout)
    rate = float(re.search(r"finished in [^,]*, ([\d.]+) req/s", done.stdout)[1])
    return int(answered), rate, times[len(times) * 99 // 100] / 1000 if times else float("nan")


def run(pid: int, port: int, seconds: float, connections: int, h2: bool = False, **target) -> Run:
    """Drives `port` for some seconds and charges the CPU time of `pid` to the requests answered."""
    before = cpu_seconds(pid)
    if h2:
        requests, per_second, p99 = h2load(port, seconds, connections, **target)
    else:
        output = wrk(port, seconds, connections, **target)
        requests = int(re.search(r"(\d+) requests in", output)[1])
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", output).groups()
        per_second, p99 = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]), float(value) * UNITS[unit]
    after = cpu_seconds(pid)
    return Run(
        requests=requests, per_second=per_second, p99=p99,
        user=(after[0] - before[0]) * 1e6 / requests, system=(after[1] - before[1]) * 1e6 / requests)


def median(values) -> float:
    return statistics.median(list(values))
