"""What a real browser makes of the gateway: CORS with preflights and credentials, event streams, WebSocket, HTTP/2."""

from __future__ import annotations

import json
import threading

import pytest
from websockets.sync.server import serve

from harness.backend import Answer
from harness.browser import Browser, ScriptError
from harness.streams import RawBackend

COOKIE = "session=s1; Path=/; Secure; SameSite=None"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def origin(gatehouse):
    return lambda api: f"https://{api.host}:{gatehouse.tls_port}"


@pytest.fixture
def make_page(world, browser, origin):
    """A page at a host of its own: a script's requests to other APIs cross origins."""
    opened = []

    def make():
        api = world.make_api("/page", "GET", backend_type="MOCK", backend_api=None, mock_info={
            "status_code": 200, "result_content": "<!doctype html><title>page</title>",
            "header": json.dumps([{"key": "Content-Type", "value": "text/html"}])})
        page = browser.open(origin(api) + "/page")
        page.origin = origin(api)
        opened.append(page)
        return page

    yield make
    for page in opened:
        page.__exit__()


def fetch(page, url: str, **options):
    """Status, body and what may be seen of the headers; None where the browser keeps the answer from the script."""
    try:
        return page.run(f"""fetch({json.dumps(url)}, {json.dumps(options)}).then(
            async (answer) => ({{status: answer.status, body: await answer.text(), headers: Object.fromEntries(answer.headers)}}))""")
    except ScriptError as error:
        assert "Failed to fetch" in str(error), error
        return None


def methods(backend) -> list[str]:
    return [request.method for request in backend.requests]


def test_preflights_and_credentials_by_the_plug_in(world, backend, make_page, origin):
    page, stranger = make_page(), make_page()
    api = world.make_api()
    url = origin(api) + api.path
    asks = {"method": "PUT", "headers": {"X-A": "1"}, "credentials": "include", "body": "text"}
    assert fetch(page, url, **asks) is None and methods(backend) == ["OPTIONS"], "asked, and not answered as browsers want"
    backend.clear()
    content = {"allow_origin": page.origin, "allow_methods": "GET,PUT", "allow_headers": "X-A", "expose_headers": "X-Seen",
               "max_age": 0, "allow_credentials": True}
    plugin = world.make_plugin("cors", content)
    world.attach(plugin, api)
    backend.script = lambda _: Answer(headers=[("X-Seen", "1"), ("X-Unseen", "1"), ("Set-Cookie", COOKIE)], body=b"done")
    answer = fetch(page, url, **asks)
    assert (answer["status"], answer["body"]) == (200, "done")
    assert answer["headers"]["x-seen"] == "1" and "x-unseen" not in answer["headers"]
    # Preflights are the gateway's to answer; the cookie that was set comes back.
    assert methods(backend) == ["PUT"] and backend.last.one("Origin") == page.origin and backend.last.one("X-A") == "1"
    assert fetch(page, url, **asks)["status"] == 200 and backend.last.one("Cookie") == "session=s1"
    # Neither another origin, nor another method, nor another header.
    count = len(backend.requests)
    assert fetch(stranger, url, **asks) is None
    assert fetch(page, url, **{**asks, "method": "DELETE"}) is None
    assert fetch(page, url, **{**asks, "headers": {"X-B": "1"}}) is None
    assert len(backend.requests) == count
    # Changed: what follows meets it.
    world.api.expect(200, "PUT", f"/plugins/{plugin['plugin_id']}", {
        "plugin_name": plugin["plugin_name"], "plugin_type": "cors", "plugin_scope": "global",
        "plugin_content": json.dumps({**content, "allow_credentials": False})})
    assert fetch(page, url, **asks) is None
    assert fetch(page, url, **{**asks, "credentials": "omit"})["status"] == 200
    assert backend.last.all("Cookie") == []
    world.detach(plugin, api)
    assert fetch(page, url, **{**asks, "credentials": "omit"}) is None


def test_errors_can_be_read(world, make_page, origin):
    """The gateway's own answers carry the lines of the plug-in."""
    page = make_page()
    api = world.make_api()
    world.attach(world.make_plugin("cors", {"allow_origin": page.origin, "allow_methods": "GET"}), api)
    world.bind_acl(world.make_acl("127.0.0.1", "DENY"), api)
    answer = fetch(page, origin(api) + api.path)
    assert answer["status"] == 403 and json.loads(answer["body"])["error_code"] == "APIC.0402"


def test_the_switch_of_apis(world, backend, make_page, origin):
    page = make_page()
    api = world.make_api(method="GET", cors=True)
    backend.script = lambda _: Answer(body=b"open")
    url = origin(api) + api.path
    assert fetch(page, url)["body"] == "open"
    # A star is for nobody in particular.
    assert fetch(page, url, credentials="include") is None
    # Asked for are requests that need no preflight; without an OPTIONS API there is none.
    assert fetch(page, url, headers={"X-A": "1"}) is None
    changed = {**api.definition, "cors": False}
    world.api.expect(200, "PUT", f"/apis/{api.id}", changed)
    world.publish(api)
    assert fetch(page, url) is None


def test_event_source(world, make_page, origin):
    """Each event is seen when it was said, before the next one is; the browser comes back with the last one's id."""
    page = make_page()
    with RawBackend() as backend:
        api = world.make_api(method="GET", cors=True, backend={"url_domain": backend.address})
        page.run(f"""(() => {{
            window.seen = []; window.source = new EventSource({json.dumps(origin(api) + api.path)});
            source.onmessage = (event) => seen.push(event.data); }})()""")
        stream = backend.accept()
        assert stream.request().one("Accept") == "text/event-stream"
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            event = b"id: %d\ndata: event %d\n\n" % (number, number)
            stream.send(b"%x\r\n%s\r\n" % (len(event), event))
            page.until(f"seen.length === {number + 1}")
        assert page.run("seen") == ["event 0", "event 1", "event 2"]
        retry = b"retry: 10\n\n"
        stream.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(retry), retry))
        again = stream.request() or backend.accept().request()
        assert again.one("Last-Event-ID") == "2"
        page.run("source.close()")


def test_web_socket(world, make_page, origin):
    page = make_page()

    def echo(connection):
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0, subprotocols=["chat"]) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        api = world.make_api(method="GET", backend={"url_domain": "127.0.0.1:%d" % server.socket.getsockname()[1]})
        page.run(f"""new Promise((done, fail) => {{
            window.seen = [];
            window.socket = new WebSocket({json.dumps(origin(api).replace("https", "wss") + api.path)}, ["chat"]);
            socket.binaryType = "arraybuffer";
            socket.onopen = done; socket.onerror = () => fail(new Error("no socket"));
            socket.onmessage = (event) => seen.push(event.data);
            socket.onclose = (event) => window.ended = event.code; }})""")
        assert page.run("socket.protocol") == "chat"
        page.run("socket.send('text'); socket.send(new Uint8Array(100000)); 1")
        page.until("seen.length === 2")
        assert page.run("[seen[0], seen[1].byteLength]") == ["text", 100_000]
        # Deleted under it; the conversation goes on.
        world.offline(api)
        page.run("socket.send('still'); 1")
        page.until("seen[2] === 'still'")
        page.run("socket.close(1000); 1")
        assert page.until("window.ended") == 1000
        server.shutdown()
        with pytest.raises(ScriptError, match="no socket"):
            page.run(f"""new Promise((done, fail) => {{
                const socket = new WebSocket({json.dumps(origin(api).replace("https", "wss") + api.path)});
                socket.onopen = done; socket.onerror = () => fail(new Error("no socket")); }})""")


def test_http2(make_page):
    """The page and what it fetches come by HTTP/2, side by side on one connection."""
    page = make_page()
    assert page.run("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    found = page.run("""Promise.all([...Array(50).keys()].map(number => fetch("/page?" + number))).then(
        (answers) => [answers.every(answer => answer.ok),
            [...new Set(performance.getEntriesByType("resource").map(entry => entry.nextHopProtocol))]])""")
    assert found == [True, ["h2"]]
