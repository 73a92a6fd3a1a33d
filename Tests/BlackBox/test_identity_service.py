"""What APIs with authentication IAM answer when a token has expired, and when nobody knows who holds it."""

from __future__ import annotations

import sqlite3
import time

from harness.management import Call
from test_caller_authentication import call_signed, iam, refused, token


def test_expired_tokens(fresh_gatehouse, make_world):
    # A day is what clients count on: a shorter life is for those who say so.
    world = make_world(fresh_gatehouse(settings={"token_life_seconds": 2}))
    api = world.make_api(auth_type="IAM")
    text = token(world)
    began = time.monotonic()
    assert world.call(api, headers=[("X-Auth-Token", text)]).status == 200
    while (reply := world.call(api, headers=[("X-Auth-Token", text)])).status == 200:
        assert time.monotonic() - began < 20, "it does not expire"
    assert refused(reply, 401, "0307") == "The token must be updated."
    # The next one removes it from the store: it is as unknown as any other then.
    assert world.call(api, headers=[("X-Auth-Token", token(world))]).status == 200
    refused(world.call(api, headers=[("X-Auth-Token", text)]), 401, "0301")
    assert call_signed(world, api, iam(world)).status == 200, "access keys do not expire"


def test_a_life_that_is_none(fresh_gatehouse):
    program = fresh_gatehouse(settings={"token_life_seconds": 0}, start=False)
    try:
        program.start()
    except Exception as error:
        assert "token_life_seconds is outside 1 to 86400" in str(error)
    else:
        raise AssertionError("it starts")


def test_a_store_that_cannot_be_read(fresh_gatehouse, make_world):
    """The tables of the identity service are taken away beneath the running program, and given back."""
    program = fresh_gatehouse()
    world = make_world(program)
    api, plain = world.make_api(auth_type="IAM"), world.make_api()
    text = token(world)
    assert world.call(api, headers=[("X-Auth-Token", text)]).status == 200
    with sqlite3.connect(program.data_dir / "gatehouse.sqlite", timeout=20) as database:
        database.execute("ALTER TABLE users RENAME TO users_away")
    try:
        reply = world.call(api, headers=[("X-Auth-Token", text)])
        assert refused(reply, 503, "0613") == "The IAM service is currently unavailable."
        refused(call_signed(world, api, iam(world)), 503, "0613")
        assert world.call(plain).status == 200, "who asks nobody is served"
    finally:
        with sqlite3.connect(program.data_dir / "gatehouse.sqlite", timeout=20) as database:
            database.execute("ALTER TABLE users_away RENAME TO users")
    assert world.call(api, headers=[("X-Auth-Token", text)]).status == 200
    assert Call(program.credentials, program.management).get("/api-groups").status == 200
