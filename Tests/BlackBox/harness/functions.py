"""Functions that the program under test knows from its settings: all are paths of one scripted backend."""

from __future__ import annotations

import json
import re

from .backend import Answer, Request

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


# What functions are sent and give back -------------------------------------------------------------

def event(request: Request) -> dict:
    """The event of a call, after checking how it was sent."""
    assert request.method == "POST", request
    assert request.one("Content-Type") == "application/json"
    assert re.fullmatch("[0-9a-f]{32}", request.one("X-Request-Id"))
    assert int(request.one("Content-Length")) == len(request.body)
    found = json.loads(request.body.decode("utf-8"))
    assert isinstance(found, dict)
    return found


def returns(value: object, **more) -> Answer:
    """The function gives back `value`."""
    return Answer(headers=[("Content-Type", "application/json")], body=json.dumps(value).encode(), **more)


def decides(status: str = "allow", context: dict | None = None, **more) -> Answer:
    """An authorizer's function decides."""
    return returns({"statusCode": 200, "body": json.dumps(
        {"status": status, **({} if context is None else {"context": context})})}, **more)


def answers(body: str = "", status: int = 200, headers: dict | None = None, encoded: bool = False, **more) -> Answer:
    """The function of a backend answers."""
    return returns({"statusCode": status, "isBase64Encoded": encoded, "headers": headers or {}, "body": body}, **more)


#: What no function may give back; each with a name.
HOSTILE: dict[str, Answer] = {
    "nothing": Answer(),
    "no JSON": Answer(body=b"<html>"),
    "a list": Answer(body=b"[]"),
    "an empty object": Answer(body=b"{}"),
    "not UTF-8": Answer(body=b'{"statusCode":200,"body":"\xff"}'),
    "a status in quotes": Answer(body=b'{"statusCode":"200","body":"{\\"status\\":\\"allow\\"}"}'),
    "an object as body": Answer(body=b'{"statusCode":200,"body":{"status":"allow"}}'),
    "headers in a list": Answer(body=b'{"statusCode":200,"headers":[],"body":"{\\"status\\":\\"allow\\"}"}'),
    "a number as header": Answer(body=b'{"statusCode":200,"headers":{"a":1},"body":"{\\"status\\":\\"allow\\"}"}'),
    "a header that breaks lines": Answer(
        body=b'{"statusCode":200,"headers":{"a":"b\\r\\nX-Evil: 1"},"body":"{\\"status\\":\\"allow\\"}"}'),
    "a flag in quotes": Answer(body=b'{"statusCode":200,"isBase64Encoded":"false","body":"{\\"status\\":\\"allow\\"}"}'),
    "a member twice": Answer(body=b'{"statusCode":200,"body":"{\\"status\\":\\"allow\\"}","statusCode":200}'),
    "two values": Answer(body=b'{"statusCode":200,"body":"{\\"status\\":\\"allow\\"}"}{}'),
    "cut off": Answer(body=b'{"statusCode":200,"body":"{\\"status\\":\\"allow'),
    "very deep": Answer(body=b'{"statusCode":200,"body":"{\\"status\\":\\"allow\\"}","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "very many values": Answer(body=b'{"statusCode":200,"body":"{\\"status\\":\\"allow\\"}","x":[' + b"1," * 100_000 + b"1]}"),
}
