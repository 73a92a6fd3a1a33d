#!/usr/bin/env python3
"""Imports a file of many APIs in the vendor's form, exports the group, imports the export into another group, and exports that.

    import_many.py --gatehouse BIN [--apis 500] [--json FILE]

Prints the seconds of each step as the caller sees them. Exits 1 when an import takes 10 seconds or more, or when the two
exports differ in more than the names of their groups and their moments.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "BlackBox"))
LIMIT = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", type=Path, required=True)
    parser.add_argument("--apis", type=int, default=500)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ["GATEHOUSE_BIN"] = str(arguments.gatehouse.resolve())

    from harness.documents import bare, export, imported, vendor_style
    from harness.management import Call
    from harness.process import Gatehouse

    seconds: dict[str, float] = {}

    def timed(step: str, run):
        started = time.perf_counter()
        result = run()
        seconds[step] = time.perf_counter() - started
        print(f"{step:14} {seconds[step]:7.3f} s")
        return result

    with tempfile.TemporaryDirectory() as folder:
        program = Gatehouse(Path(folder) / "data").start()
        try:
            call = Call(program.credentials, program.management)
            first = timed("import", lambda: imported(call, vendor_style(arguments.apis, "many_apis")))
            assert first["failure"] == [] and len(first["success"]) == arguments.apis
            exported = timed("export", lambda: export(call, first["group_id"]))
            group = call.expect(201, "POST", "/api-groups", {"name": "many_again"})["id"]
            second = timed("import again", lambda: imported(call, exported, is_create_group="false", group_id=group))
            assert second["failure"] == [] and len(second["success"]) == arguments.apis
            equal = bare(timed("export again", lambda: export(call, group))) == bare(exported)
        finally:
            program.stop()
    print(f"{arguments.apis} APIs, file of {len(exported) / 1024:.0f} KiB, the exports are {'equal' if equal else 'DIFFERENT'}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"apis": arguments.apis, "seconds": seconds, "equal": equal}, indent=1), encoding="utf-8")
    return 0 if equal and max(seconds["import"], seconds["import again"]) < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
