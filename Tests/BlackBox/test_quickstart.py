"""The example of the README, run as a user runs it."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "quickstart" / "quickstart.py"


def test_quickstart(gatehouse):
    assert len(SCRIPT.read_text().splitlines()) < 100
    done = subprocess.run([sys.executable, SCRIPT, gatehouse.data_dir], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    steps = [(line[:22].strip(), *line[22:].split("  ", 2)) for line in done.stdout.splitlines()]
    signed, plain = '{"signed_by_the_gateway": true}', '{"signed_by_the_gateway": false}'
    assert [step[0] for step in steps] == [
        "published", "key bound", "plug-in attached", "policy bound", "policy unbound", "plug-in detached", "key unbound"]
    assert [step[1].strip() for step in steps] == ["200", "200", "200", "403", "200", "200", "200"]
    assert ["gatehouse" in step[2] for step in steps][:3] == [False, False, True]
    assert ["gatehouse" in step[2] for step in steps][4:] == [True, False, False]
    assert [step[3].strip() for number, step in enumerate(steps) if number != 3] == [plain, signed, signed, signed, signed, plain]
