"""Feature app_token: tokens of the gateway's own token endpoint, and calls with them."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
import urllib.parse

import pytest

from harness.wire import ask, head
from test_caller_authentication import App, authorize, basic, call_signed, make_app, refused

URI = "/v1/apigw/oauth2/token"
KEY = "k" * 32
MASK = "*" * 10
FORM = "application/x-www-form-urlencoded"


def config(**fields) -> dict:
    return {"enable": "on", "app_token_expire_time": 600, "refresh_token_expire_time": 1200, "app_token_uri": URI,
            "app_token_key": KEY, **fields}


@pytest.fixture
def tokens(world):
    """Switches the feature on, with other settings when called."""

    def switch(**fields) -> dict:
        return world.feature("app_token", config(**fields))

    switch()
    yield switch
    world.feature("app_token", config(enable="off"), enable=False)


@pytest.fixture
def app(world) -> App:
    return make_app(world)


@pytest.fixture
def api(world, app):
    made = world.make_api(auth_type="APP")
    authorize(world, app, made)
    return made


def post(world, api, body, content_type: str | None = None, target: str = URI, method: str = "POST", wire=None, headers=()):
    """A request to the token endpoint at the API's host: a dict goes as a form, or as JSON when that is its type."""
    if isinstance(body, dict):
        body = json.dumps(body) if content_type == "application/json" else urllib.parse.urlencode(body)
    fields = [] if content_type == "" else [("Content-Type", content_type or FORM)]
    fields += headers
    data = body.encode() if isinstance(body, str) else body
    return ask(world.gatehouse.gateway, method, target, api.host, fields, data, wire)


def credentials(app: App, **more) -> dict:
    return {"grant_type": "client_credentials", "client_id": app.key, "client_secret": app.secret, **more}


def renewal(app: App, token: str, **more) -> dict:
    return {"grant_type": "refresh_token", "client_id": app.key, "refresh_token": token, **more}


def grant(world, api, body, **options) -> dict:
    reply = post(world, api, body, **options)
    assert reply.status == 200, reply
    assert reply.one("Cache-Control") == "no-store" and reply.one("Content-Type") == "application/json"
    return reply.json()


def bearer(token: str) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {token}")]


def access(token: str) -> list[tuple[str, str]]:
    return [("X-Access-Token", token)]


def refusal(reply) -> tuple[int, str, str]:
    answer = reply.json()
    assert answer["request_id"] == reply.one("X-Request-Id")
    return reply.status, answer["error_code"], answer["error_msg"]


# Management ------------------------------------------------------------------------------------------


def shown(world) -> dict:
    listed = world.api.expect(200, "GET", "/features?limit=500")["features"]
    return next(feature for feature in listed if feature["name"] == "app_token")


def test_the_key_is_never_shown(world, tokens):
    for config_text in (shown(world)["config"], tokens()["config"]):
        seen = json.loads(config_text)
        assert seen == {**config(), "app_token_key": MASK}
    assert shown(world)["enable"] is True
    database = b"".join(path.read_bytes() for path in world.gatehouse.data_dir.glob("gatehouse.sqlite*"))
    assert KEY.encode() not in database, "it is sealed"
    assert KEY not in world.gatehouse.log


def test_the_mask_and_an_empty_key_keep_it(world, api, app, tokens):
    token = grant(world, api, credentials(app))["access_token"]
    for key in (MASK, ""):
        tokens(app_token_key=key, app_token_expire_time=60)
        assert world.call(api, headers=bearer(token)).status == 200
    tokens(app_token_key="another-key-of-32-characters-now")
    assert refusal(world.call(api, headers=bearer(token))) == (400, "APIC.2203", "Access token is invalid")


def test_a_key_is_made_where_none_is_given(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    app = make_app(world)
    api = world.make_api(auth_type="APP")
    authorize(world, app, api)
    made = world.api.expect(201, "POST", "/features", {"name": "app_token", "enable": True})
    assert json.loads(made["config"]) == {
        "enable": "on", "app_token_expire_time": 3600, "refresh_token_expire_time": 7200, "app_token_uri": URI, "app_token_key": MASK}
    token = grant(world, api, credentials(app))
    assert (token["expires_in"], token["refresh_expires_in"]) == (3600, 7200)
    assert world.call(api, headers=bearer(token["access_token"])).status == 200
    # No node keeps tokens: they are worth the same after a start from the same data.
    program.stop()
    world = make_world(fresh_gatehouse(data_dir=program.data_dir))
    assert world.call(api, headers=bearer(token["access_token"])).status == 200
    assert grant(world, api, renewal(app, token["refresh_token"]))["access_token"]


@pytest.mark.parametrize("fields", [
    {"enable": "yes"}, {"app_token_expire_time": 0}, {"app_token_expire_time": 72_001}, {"refresh_token_expire_time": 0},
    {"refresh_token_expire_time": 72_001}, {"app_token_expire_time": "60"}, {"app_token_uri": "token"}, {"app_token_uri": ""},
    {"app_token_uri": "/a//b"}, {"app_token_uri": "/a/../b"}, {"app_token_uri": "/a?b"}, {"app_token_uri": "/apic/health_check"},
    {"app_token_key": "short"}, {"app_token_key": "with a blank in it"}, {"app_token_key": "x" * 257}, {"unknown": 1}], ids=str)
def test_settings_that_are_refused(world, fields):
    message = world.api.refused(400, "APIG.2012", "POST", "/features", {
        "name": "app_token", "enable": True, "config": json.dumps(config(**fields))})
    assert "parameterName:config." in message


# Tokens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [FORM, FORM + "; charset=utf-8", "application/json", "Application/JSON;charset=utf-8"])
def test_a_token_for_key_and_secret(world, api, app, tokens, backend, content_type):
    body = credentials(app, scope="ignored")
    text = json.dumps(body) if "json" in content_type.lower() else urllib.parse.urlencode(body)
    answer = grant(world, api, text, content_type=content_type)
    assert set(answer) == {"access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"}
    assert (answer["token_type"], answer["expires_in"], answer["refresh_expires_in"]) == ("Bearer", 600, 1200)
    assert world.call(api, headers=bearer(answer["access_token"])).status == 200
    assert not backend.last.has("Authorization")
    assert world.call(api, headers=access(answer["access_token"])).status == 200
    assert not backend.last.has("X-Access-Token")
    # What is in a token concerns nobody else.
    padded = answer["access_token"] + "=" * (-len(answer["access_token"]) % 4)
    assert app.id.encode() not in base64.urlsafe_b64decode(padded)


def test_the_endpoint_is_at_every_host_of_the_instance(world, api, app, tokens):
    other = world.make_api()
    assert grant(world, other, credentials(app))["access_token"]
    with world.connect() as wire:
        for _ in range(3):
            assert post(world, api, credentials(app), wire=wire).status == 200
            assert call_signed(world, api, app, wire=wire).status == 200
    tokens(app_token_uri="/tokens/here")
    assert refusal(post(world, api, credentials(app)))[:2] == (404, "APIC.0101")
    assert grant(world, api, credentials(app), target="/tokens/here")["access_token"]


def test_what_is_handed_through(world, api, app, tokens, backend):
    text = 'a "quoted" text: é, 中, \U0001F600'
    answer = grant(world, api, credentials(app, through_data=text))
    assert answer["through_data"] == text

    def seen() -> list[bytes]:
        return [value.encode("latin-1") for value in backend.last.all("X-Apig-Through-Data")]

    forged = [("X-Apig-Through-Data", "forged")]
    assert world.call(api, headers=bearer(answer["access_token"]) + forged).status == 200
    assert seen() == [text.encode()]
    kept = grant(world, api, renewal(app, answer["refresh_token"]))
    assert kept["through_data"] == text
    changed = grant(world, api, renewal(app, answer["refresh_token"], through_data="other"))
    assert world.call(api, headers=access(changed["access_token"])).status == 200
    assert seen() == [b"other"]
    plain = grant(world, api, credentials(app))
    assert world.call(api, headers=access(plain["access_token"]) + forged).status == 200
    assert seen() == []


@pytest.mark.parametrize("change, expected", [
    ({"grant_type": None}, (400, "APIC.2210", "Lack of grant_type")),
    ({"grant_type": "password"}, (400, "APIC.2209", "The value of grant_type is not in enum List")),
    ({"client_id": None}, (400, "APIC.2211", "Lack of client_id")),
    ({"client_secret": None}, (400, "APIC.2212", "Lack of client_secret")),
    ({"client_secret": ""}, (400, "APIC.2212", "Lack of client_secret")),
    ({"grant_type": "refresh_token"}, (400, "APIC.2213", "Lack of refresh_token")),
    ({"grant_type": "refresh_token", "refresh_token": "nothing"}, (400, "APIC.2202", "Refresh token is invalid")),
    ({"client_secret": "wrong"}, (400, "APIC.1009", "AppKey or AppSecret is invalid")),
    ({"client_id": "nobody"}, (400, "APIC.1009", "AppKey or AppSecret is invalid")),
    ({"client_id": "no key"}, (400, "APIC.2201", "Appkey or SecretKey is invalid")),
    ({"client_secret": "s" * 201}, (400, "APIC.2201", "Appkey or SecretKey is invalid")),
    ({"through_data": "x" * 301}, (400, "APIC.2208", "The length of through_data is out of range")),
    ({"through_data": "a\r\nX-Forged: 1"}, (400, "APIC.2205", "Auth parameter invalid"))], ids=str)
@pytest.mark.parametrize("content_type", [FORM, "application/json"])
def test_refusals(world, api, app, tokens, change, expected, content_type):
    body = {name: value for name, value in {**credentials(app), **change}.items() if value is not None}
    assert refusal(post(world, api, body, content_type)) == expected


@pytest.mark.parametrize("content_type, body", [
    ("text/plain", "x"), ("", "grant_type=client_credentials"), ("application/jsonp", "{}"), ("multipart/form-data; boundary=x", "--x--")])
def test_other_content_types(world, api, tokens, content_type, body):
    assert refusal(post(world, api, body, content_type)) == (400, "APIC.2204", "ContentType invalid")


@pytest.mark.parametrize("content_type, body", [
    ("application/json", "{"), ("application/json", "[]"), ("application/json", ""), ("application/json", '{"grant_type":1}'),
    ("application/json", '{"client_id":"a","client_id":"a"}'), ("application/json", "[" * 4000),
    ("application/json", b'{"grant_type":"\xff"}'), (FORM, "grant_type=a&grant_type=a"), (FORM, b"grant_type=\xff"),
    (FORM, "&".join(f"p{n}=1" for n in range(100)))])
def test_bodies_that_are_none(world, api, tokens, content_type, body):
    assert refusal(post(world, api, body, content_type)) == (400, "APIC.2205", "Auth parameter invalid")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(world, api, tokens, method):
    assert refusal(post(world, api, b"", method=method)) == (400, "APIC.2206", "Auth method invalid")


def test_large_bodies(world, api, app, tokens):
    body = urllib.parse.urlencode(credentials(app))
    fits = body + "&pad=" + "x" * (16 * 1024 - len(body) - 5)
    assert grant(world, api, fits)["access_token"]
    assert refusal(post(world, api, fits + "x"))[:2] == (413, "APIC.0201")
    with world.connect() as wire:
        wire.send(head("POST", URI, [("Host", api.host), ("Content-Type", FORM), ("Transfer-Encoding", "chunked")]))
        wire.send(b"2000\r\n" + b"x" * 0x2000 + b"\r\n" + b"2001\r\n" + b"x" * 0x2001 + b"\r\n")
        assert refusal(wire.reply())[:2] == (413, "APIC.0201")


def test_bodies_in_pieces(world, api, app, tokens):
    body = urllib.parse.urlencode(credentials(app)).encode()
    with world.connect() as wire:
        wire.send(head("POST", URI, [
            ("Host", api.host), ("Content-Type", FORM), ("Transfer-Encoding", "chunked"), ("Expect", "100-continue")]))
        assert wire.reply().status == 100
        for at in range(0, len(body), 7):
            piece = body[at:at + 7]
            wire.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        wire.send(b"0\r\n\r\n")
        token = wire.reply().json()["access_token"]
        # The connection goes on.
        assert world.call(api, headers=bearer(token), wire=wire).status == 200


def test_over_https(world, api, app, tokens):
    import ssl
    address = urllib.parse.urlsplit(world.gatehouse.credentials["gateway_https"])
    context = ssl.create_default_context(cafile=str(world.gatehouse.data_dir / "gateway-certificate.pem"))
    client = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=20)
    client.request("POST", URI, urllib.parse.urlencode(credentials(app)), {"Host": api.host, "Content-Type": FORM})
    token = json.loads(client.getresponse().read())["access_token"]
    client.request("GET", api.path, headers={"Host": api.host, "Authorization": f"bearer {token}"})
    assert client.getresponse().status == 200
    client.close()


# At APIs ---------------------------------------------------------------------------------------------


def test_tokens_end(world, api, app, tokens):
    tokens(app_token_expire_time=1, refresh_token_expire_time=2)
    token = grant(world, api, credentials(app))
    began = time.monotonic()
    while (reply := world.call(api, headers=bearer(token["access_token"]))).status == 200:
        assert time.monotonic() - began < 20, "it does not end"
    assert refusal(reply) == (401, "APIC.1002", "Access token is expired")
    while (reply := post(world, api, renewal(app, token["refresh_token"]))).status == 200:
        assert time.monotonic() - began < 20, "it does not end"
    assert refusal(reply) == (401, "APIC.1001", "Refresh token is expired")


def test_tokens_that_are_none(world, api, app, tokens):
    token = grant(world, api, credentials(app))
    good = token["access_token"]
    flipped = good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1]
    for bad in ("x", good[:-1], good + "A", flipped, good.upper(), token["refresh_token"], "A" * 3000, "not base64!"):
        assert refusal(world.call(api, headers=bearer(bad))) == (400, "APIC.2203", "Access token is invalid")
        assert refusal(world.call(api, headers=access(bad)))[1] == "APIC.2203"
    for fields in (access(good) + access(good), bearer(good) + bearer(good)):
        refused(world.call(api, headers=fields), 401, "0303")


def test_a_token_of_another_application(world, api, app, tokens):
    other = make_app(world)
    token = grant(world, api, credentials(app))
    assert refusal(post(world, api, renewal(other, token["refresh_token"]))) == (401, "APIC.1003", "App not match refresh token")
    stranger = grant(world, api, credentials(other))
    refused(world.call(api, headers=bearer(stranger["access_token"])), 403, "0304")
    authorize(world, other, api)
    assert world.call(api, headers=bearer(stranger["access_token"])).status == 200


def test_tokens_end_with_their_application(world, api, app, tokens):
    token = grant(world, api, credentials(app))
    world.api.expect(204, "DELETE", f"{world.api.public_path}/apps/{app.id}")
    assert refusal(world.call(api, headers=bearer(token["access_token"]))) == (401, "APIC.1004", "App not exist")
    assert refusal(post(world, api, renewal(app, token["refresh_token"]))) == (401, "APIC.1004", "App not exist")


def test_tokens_end_with_the_secret_that_they_were_obtained_with(world, api, app, tokens):
    token = grant(world, api, credentials(app))
    made = world.api.expect(201, "POST", f"/apps/{app.id}/secrets", {"overlap_seconds": 3600})
    new = App(app.id, app.name, app.key, made["secret"])
    later = grant(world, api, credentials(new))
    for one in (token, later):
        assert world.call(api, headers=bearer(one["access_token"])).status == 200
    used = {entry["id"]: entry["use_count"] for entry in world.api.expect(200, "GET", f"/apps/{app.id}/secrets")["secrets"]}
    assert used == {made["old_id"]: 2, made["id"]: 2}, "tokens count for their secrets"
    world.api.expect(204, "DELETE", f"/apps/{app.id}/secrets/{made['old_id']}")
    assert refusal(world.call(api, headers=bearer(token["access_token"])))[1] == "APIC.1002"
    assert refusal(post(world, api, renewal(app, token["refresh_token"])))[1] == "APIC.1001"
    assert refusal(post(world, api, credentials(app)))[1] == "APIC.1009"
    assert world.call(api, headers=bearer(later["access_token"])).status == 200
    assert grant(world, api, renewal(new, later["refresh_token"]))["access_token"]


def test_carrier_order(world, api, app, tokens):
    """The signature and Basic come before a token, the hash, the secret and the key after it; a failing one is not followed."""
    token = grant(world, api, credentials(app))["access_token"]
    assert call_signed(world, api, app, change=lambda fields: [*fields, *access("nothing")]).status == 200
    world.feature("app_basic")
    world.feature("app_secret")
    world.feature("app_api_key")
    try:
        assert world.call(api, headers=basic(app.key, app.secret) + access("nothing")).status == 200
        refused(world.call(api, headers=basic(app.key, "wrong") + access(token)), 401, "0303")
        secret = [("X-HW-ID", app.key), ("X-HW-AppKey", app.secret)]
        assert refusal(world.call(api, headers=access("nothing") + secret))[1] == "APIC.2203"
        assert world.call(api, headers=access(token) + [("X-HW-ID", "nobody"), ("X-HW-AppKey", "wrong")]).status == 200
        assert refusal(world.call(api, headers=bearer("nothing") + [("apikey", app.key)]))[1] == "APIC.2203"
        # X-Access-Token before Authorization, which is left to the backend then.
        assert world.call(api, headers=access(token) + bearer("for the backend")).status == 200
        assert world.backend.last.one("Authorization") == "Bearer for the backend"
    finally:
        for name in ("app_basic", "app_secret", "app_api_key"):
            world.feature(name, "off", enable=False)


def test_off_again(world, api, app, tokens):
    token = grant(world, api, credentials(app))["access_token"]
    tokens(enable="off")
    refused(world.call(api, headers=bearer(token)), 401, "0303")
    assert refusal(post(world, api, credentials(app)))[:2] == (404, "APIC.0101")


def test_group_responses_shape_it(world, app, tokens):
    group = world.make_group()
    api = world.make_api(group=group, auth_type="APP")
    path = f"{world.api.instance_path.replace('/apic/', '/apigw/')}/api-groups/{group['id']}/gateway-responses"
    default = world.api.expect(200, "GET", path)["responses"][0]
    world.api.expect(200, "PUT", f"{path}/{default['id']}", {"name": "default", "responses": {
        "AUTH_FAILURE": {"status": 418, "body": '{"why":"$context.error.code"}'}}})
    reply = world.call(api, headers=bearer("nothing"))
    assert (reply.status, reply.json()["why"]) == (418, "APIC.2203")


def test_changes_while_traffic_flows(world, api, app, tokens):
    """Each answer is that of before or after a change, and after the change's own answer only that of after."""
    token = grant(world, api, credentials(app))["access_token"]
    stop, seen = threading.Event(), []

    def load() -> None:
        with world.connect() as wire:
            while not stop.is_set():
                seen.append(world.call(api, headers=bearer(token), wire=wire).status)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for round in range(4):
            tokens(app_token_key=f"{round}-of-another-key-32-characters")
            assert world.call(api, headers=bearer(token)).status == 400
            assert post(world, api, credentials(app)).status == 200
            tokens()
            assert world.call(api, headers=bearer(token)).status == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert seen and set(seen) <= {200, 400}


def test_debugging_does_not_reach_the_endpoint(world, api, app, tokens):
    answer = world.api.expect(200, "POST", f"/apis/debug/{api.id}", {
        "mode": "CONSUMER", "method": "POST", "path": URI, "scheme": "HTTP", "header": {"Content-Type": [FORM]},
        "body": urllib.parse.urlencode(credentials(app))})
    assert "APIC.0101" in answer["response"] and "access_token" not in answer["response"]


def test_guessing_is_limited_by_address(fresh_gatehouse, make_world):
    """After a hundred wrong credentials not even the right ones count from there; from elsewhere they do."""
    program = fresh_gatehouse()
    world = make_world(program)
    app = make_app(world)
    api = world.make_api(auth_type="APP")
    world.feature("real_ip_header_getter", {"enable": "on", "header_getter": "header:X-Seen-From"})
    world.feature("app_token", {"enable": "on"})

    def sent(address: str, **fields):
        return post(world, api, credentials(app, **fields), headers=[("X-Seen-From", address)])

    grant(world, api, credentials(app), headers=[("X-Seen-From", "192.0.2.1")])
    for number in range(101):
        wrong = {"client_secret": f"guess{number}"} if number % 2 else {"client_id": "no key"}
        assert sent("192.0.2.1", **wrong).status == 400, number
    for fields in ({}, {"client_secret": "guess"}):
        assert refusal(sent("192.0.2.1", **fields)) == (
            429, "APIC.0308", "The throttling threshold has been reached: policy ip over ratelimit,limit:100,time:5 minute")
    assert sent("192.0.2.2").status == 200
    # What the configuration becomes changes nothing of it.
    world.feature("app_token", {"enable": "on", "app_token_expire_time": 60})
    assert sent("192.0.2.1").status == 429
    assert sent("192.0.2.2", client_secret="guess").status == 400
