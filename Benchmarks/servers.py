"""The processes of a benchmark: nginx as backend, nginx as proxy, Gatehouse with one event loop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "BlackBox"))

from harness.process import ROOMY, Gatehouse, free_port  # noqa: E402

BODY = "x" * 99
#: A message of gRPC: not compressed, its length, a hundred bytes.
MESSAGE = b"\0" + (100).to_bytes(4, "big") + b"x" * 100

COMMON = """
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off; server_tokens off; keepalive_requests 1000000000; keepalive_timeout 3600s;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {content}
}}
"""
#: Calls of gRPC are read whole and answered with a message from a file, which another server reads, and with trailers. Without that
#: server the answer would begin before the message is there, and end with a reset now and then.
BACKEND = """
    server {{ listen 127.0.0.1:{port} backlog=4096; default_type text/plain; location / {{ return 200 "{body}\\n"; }} }}
    open_file_cache max=10 inactive=1h; open_file_cache_valid 1h;
    upstream files {{ server unix:{folder}/files; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
    server {{ listen unix:{folder}/files; root {folder}; default_type application/grpc; etag off; location / {{ try_files /message =404; }} }}
    server {{ listen 127.0.0.1:{grpc_port} http2 backlog=4096;
        location / {{ proxy_pass http://files; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_method GET;
            proxy_pass_request_body off; proxy_set_header Content-Length ""; add_trailer grpc-status 0 always; }} }}
"""
#: As many fields as an access log of Gatehouse has with a value for such a request, written in blocks as it does.
LOG = """
    log_format entries escape=json '{{"remote_addr":"$remote_addr","scheme":"$scheme","host":"$host","request_method":"$request_method",'
        '"router_uri":"$request_uri","server_protocol":"$server_protocol","request_id":"$request_id","time_local":"$time_iso8601",'
        '"status":"$status","bytes_sent":"$bytes_sent","request_length":"$request_length","body_bytes_sent":"$body_bytes_sent",'
        '"request_time":"$request_time","upstream_addr":"$upstream_addr","upstream_status":"$upstream_status",'
        '"upstream_connect_time":"$upstream_connect_time","upstream_header_time":"$upstream_header_time",'
        '"upstream_response_time":"$upstream_response_time","http_user_agent":"$http_user_agent",'
        '"http_x_forwarded_for":"$http_x_forwarded_for"}}';
    server {{ listen 127.0.0.1:{log_port} backlog=4096; access_log {log} entries buffer=32k flush=1s;
        location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
"""
PROXY = """
    upstream backend {{ server 127.0.0.1:{backend}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
    upstream calls {{ server 127.0.0.1:{grpc_backend}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
    server {{ listen 127.0.0.1:{port} backlog=4096; {tls}
        location /bench.Calls/ {{ grpc_pass grpc://calls; }}
        location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
""" + LOG


class Nginx:
    """One nginx with one worker in a folder of its own."""

    def __init__(self, folder: Path, content: str, port: int):
        folder.mkdir(parents=True)
        (folder / "message").write_bytes(MESSAGE)
        self.port = self.tls_port = self.h2_port = self.log_port = self.grpc_port = port
        (folder / "nginx.conf").write_text(COMMON.format(folder=folder, content=content))
        self.process = subprocess.Popen(
            ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stdin=subprocess.DEVNULL)
        wait_for_port(port)

    @classmethod
    def backend(cls, folder: Path) -> "Nginx":
        """Over HTTP/1.1 on `port`; a server of gRPC on `grpc_port`."""
        port, grpc_port = free_port(), free_port()
        made = cls(folder, BACKEND.format(port=port, grpc_port=grpc_port, folder=folder, body=BODY), port)
        made.grpc_port = grpc_port
        return made

    @classmethod
    def proxy(cls, folder: Path, backend: int, grpc_backend: int) -> "Nginx":
        """Over TLS on `tls_port`, with HTTP/2 on `h2_port` (calls of gRPC too), and with an access log on `log_port`."""
        port, tls_port, h2_port, log_port = (free_port() for _ in range(4))
        key, certificate = folder.with_suffix(".key"), folder.with_suffix(".pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=bench", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
        tls = f"listen 127.0.0.1:{tls_port} ssl backlog=4096; listen 127.0.0.1:{h2_port} ssl http2 backlog=4096; ssl_certificate {certificate}; ssl_certificate_key {key};"
        made = cls(folder, PROXY.format(
            port=port, backend=backend, grpc_backend=grpc_backend, tls=tls, log_port=log_port, log=folder / "access.log"), port)
        made.tls_port, made.h2_port, made.log_port = tls_port, h2_port, log_port
        return made

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on port {port}")


def start_gatehouse(binary: Path, folder: Path, preload: Path | None = None, counter: Path | None = None, **settings) -> Gatehouse:
    """Gatehouse with one event loop thread for the gateway, on a data folder of its own."""
    os.environ["GATEHOUSE_BIN"] = str(binary)
    environment = {}
    if preload and counter:
        environment = {"LD_PRELOAD": str(preload), "MALLOC_COUNT_FILE": str(counter)}
    return Gatehouse(folder, "--gateway-threads", "1", environment=environment, settings={**ROOMY, **settings}).start()


def version_of(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def machine() -> dict:
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release, "nginx": version_of("nginx", "-v"),
            "wrk": version_of("wrk", "-v")}


def write_json(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")
