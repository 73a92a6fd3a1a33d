"""Functions that the program under test knows from its settings: all are paths of one scripted backend."""

from __future__ import annotations

PREFIX = "urn:fss:local-1:0123456789abcdef0123456789abcdef:function:default"

#: Decides for custom authorizers.
AUTHORIZER = f"{PREFIX}:authorizer"
#: Answers for FUNCTION backends.
WORKER = f"{PREFIX}:worker"
#: Known with this version and this alias only.
VERSIONED = f"{PREFIX}:versioned"
ALIAS = f"{PREFIX}:versioned:!live"
#: Registered at a port where nobody listens.
NOWHERE = f"{PREFIX}:nowhere"
#: Registered nowhere.
UNKNOWN = f"{PREFIX}:unknown"


def settings(address: str) -> dict[str, str]:
    """`functions` of the settings file."""
    return {
        AUTHORIZER: f"http://{address}/authorizer", WORKER: f"http://{address}/worker",
        f"{VERSIONED}:v2": f"http://{address}/versioned/v2", ALIAS: f"http://{address}/versioned/live",
        NOWHERE: "http://127.0.0.1:1/nowhere"}
