"""Programs with an access log, and its lines."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Iterator

from .backend import Backend
from .management import Call
from .process import Gatehouse
from .world import World

#: gateway-runtime.md, 14.1, in its order.
FIELDS = """remote_addr request_id api_id user_id app_id time_local request_time request_method scheme host router_uri server_protocol
status bytes_sent request_length http_user_agent http_x_forwarded_for upstream_addr upstream_uri upstream_status upstream_connect_time
upstream_header_time upstream_response_time region_id all_upstream_response_time errorType auth_type access_model1 access_model2
inner_time proxy_protocol_vni proxy_protocol_vpce_id proxy_protocol_addr body_bytes_sent api_name app_name provider_app_id
provider_app_name custom_data_log1 custom_data_log2 custom_data_log3 custom_data_log4 custom_data_log5 custom_data_log6
custom_data_log7 custom_data_log8 custom_data_log9 custom_data_log10 response_source gzip_ratio upstream_scheme group_id apig_err_code
function_urn""".split()


@contextlib.contextmanager
def logging_program(folder: Path, *arguments: str, **settings) -> Iterator[Gatehouse]:
    """Runs until the block ends, and must stop cleanly then."""
    program = Gatehouse(folder / "data", *arguments, settings={"access_log": {"path": "access.log"}, **settings}).start()
    yield program
    assert program.stop() == 0


class Logged:
    """A program with an access log; `take` gives the lines that came since the last call, or since this was made."""

    def __init__(self, program: Gatehouse, backend: Backend, name: str = "access.log"):
        self.program = program
        self.path = program.data_dir / name
        self.world = World(program, Call(program.credentials, program.management), backend)
        self.seen = len(self.lines())

    def lines(self) -> list[dict]:
        text = self.path.read_bytes().decode() if self.path.exists() else ""
        assert text == "" or text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]

    def take(self, count: int = 1) -> list[dict]:
        deadline = time.monotonic() + 10
        while len(found := self.lines()) < self.seen + count:
            assert time.monotonic() < deadline, f"{len(found) - self.seen} of {count} lines"
            time.sleep(0.005)
        new = found[self.seen:]
        assert len(new) == count, new
        self.seen = len(found)
        return new
