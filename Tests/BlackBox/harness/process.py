"""The program under test as a process: started on free ports, asked for readiness, stopped or killed."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 60

#: Room for what a whole test run or benchmark makes; the defaults are those of the vendor.
ROOMY = {"quotas": {
    "instances": 1000,
    "api_groups": 100_000, "apis": 200_000, "apis_per_group": 100_000, "environments": 1000, "signature_keys": 100_000,
    "access_policies": 100_000, "plugins": 100_000, "kafka_plugins": 1000, "applications": 100_000,
    "authorizers": 1000, "orchestrations": 1000, "vpc_channels": 10_000}}
STOP_SECONDS = 30


def executable() -> Path:
    """GATEHOUSE_BIN, or the debug build in the build folder."""
    if named := os.environ.get("GATEHOUSE_BIN"):
        return Path(named)
    return Path(os.environ.get("GATEHOUSE_BUILD_DIR") or ROOT / ".build") / "debug" / "gatehouse"


def free_port() -> int:
    """Nobody listens there, and no outgoing connection gets it: it lies below the system's ephemeral ports, so that a program may
    be stopped and started again on it. Test processes that run side by side draw from ranges of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0) % 8
    while True:
        port = 12_000 + worker * 2_000 + secrets.randbelow(2_000)
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


#: Ports that this process has drawn.
_given: set[int] = set()


class StartFailure(Exception):
    """The program ended before it was ready."""

    def __init__(self, status: int | None, output: str):
        super().__init__(f"ended with {status}:\n{output}")
        self.status = status
        self.output = output


class Gatehouse:
    """One running program on one data folder. `credentials` is what it wrote on its first start."""

    def __init__(
        self, data_dir: Path, *arguments: str, environment: dict[str, str] | None = None, settings: dict | None = None,
    ):
        """`settings` becomes the file that `--config` names."""
        self.data_dir = Path(data_dir)
        self.management_port = free_port()
        self.gateway_port = free_port()
        self.tls_port = free_port()
        self.arguments = arguments
        self.settings = settings
        self.environment = environment or {}
        self.process: subprocess.Popen | None = None
        self.credentials: dict = {}
        self.log_path = self.data_dir.parent / f"{self.data_dir.name}.log"

    # Addresses -------------------------------------------------------------------------------
    @property
    def management(self) -> tuple[str, int]:
        return ("127.0.0.1", self.management_port)

    @property
    def gateway(self) -> tuple[str, int]:
        return ("127.0.0.1", self.gateway_port)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.management_port}"

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # Life ------------------------------------------------------------------------------------
    def start(self) -> "Gatehouse":
        """Returns when /readyz says yes and the credentials are there."""
        command = [
            str(executable()), "serve", "--data-dir", str(self.data_dir),
            "--management", f"127.0.0.1:{self.management_port}",
            "--gateway", f"127.0.0.1:{self.gateway_port}",
            "--gateway-tls", f"127.0.0.1:{self.tls_port}", *self.arguments]
        if self.settings is not None:
            file = self.data_dir.parent / f"{self.data_dir.name}.yaml"
            file.write_text(json.dumps(self.settings))  # JSON is YAML
            command += ["--config", str(file)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment})
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise StartFailure(self.process.returncode, self.log)
            if self.status_of("/readyz") == 200:
                self.credentials = json.loads((self.data_dir / "credentials.json").read_text())
                return self
            time.sleep(0.02)
        self.kill()
        raise StartFailure(None, f"not ready after {READY_SECONDS} s\n{self.log}")

    def status_of(self, path: str) -> int | None:
        """Status of a GET on the management port, None when nobody answers."""
        connection = http.client.HTTPConnection(*self.management, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running {STOP_SECONDS} s after SIGTERM\n{self.log[-4000:]}") from None

    def kill(self) -> None:
        """SIGKILL: what a power failure looks like to the process."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None
