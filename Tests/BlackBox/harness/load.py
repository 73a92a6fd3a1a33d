"""A load generator as a process of its own: `python -m harness.load HOST PORT API-HOST PATH CONNECTIONS`.

Sends one request after the other, over its open connections in turn, until its standard input ends. Then prints
one line a request: start and end (nanoseconds of the system-wide monotonic clock), status, what was seen.
"""

from __future__ import annotations

import sys
import threading
import time

from harness.wire import Wire, head


def main() -> None:
    host, port, api_host, path, connections = sys.argv[1:6]
    request = head("GET", path, [("Host", api_host)])
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    wires = [Wire((host, int(port)), timeout=30) for _ in range(int(connections))]
    lines = []
    print("ready", flush=True)
    number = 0
    while not stop.is_set():
        wire = wires[number % len(wires)]
        number += 1
        started = time.monotonic_ns()
        try:
            wire.send(request)
            reply = wire.reply()
        except Exception as error:  # every failure is a finding, and the test reports it
            lines.append(f"{started} {time.monotonic_ns()} 0 {type(error).__name__}")
            break
        seen = f"{reply.get('X-Flip') or '-'},{reply.body.decode('latin-1')}" if reply.status == 200 else "-,-"
        lines.append(f"{started} {time.monotonic_ns()} {reply.status} {seen}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
