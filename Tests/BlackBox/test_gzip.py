"""Feature `gzip`: who gets compressed answers, what they say, and that they stay streams."""

from __future__ import annotations

import gzip
import hashlib
import threading
import zlib

import pytest

from harness.backend import Answer
from harness.streams import RawBackend, resident_megabytes
from harness.wire import head

TEXT = b'{"numbers": [' + b", ".join(b"%d" % number for number in range(2000)) + b"]}"
GZIP = [("Accept-Encoding", "gzip")]
LISTED = [
    "text/xml", "text/plain", "text/css", "application/javascript", "application/x-javascript", "application/rss+xml",
    "text/javascript", "image/tiff", "image/svg+xml", "application/json", "application/xml"]


@pytest.fixture
def compressing(world):
    world.feature("gzip", {"enable": "on", "comp_level": 6})
    yield world
    world.feature("gzip", {"enable": "off", "comp_level": 6}, enable=False)


def says(backend, type_="application/json", body=TEXT, headers=(), **more) -> None:
    backend.script = lambda _: Answer(200, [("Content-Type", type_), *headers], body, **more)


def is_plain(reply, body=TEXT) -> bool:
    assert reply.body == body and not reply.all("Content-Encoding"), reply.headers
    return True


def is_gzip(reply, body=TEXT) -> bool:
    assert reply.one("Content-Encoding") == "gzip", reply.headers
    assert gzip.decompress(reply.body) == body and len(reply.body) < len(body)
    assert "accept-encoding" in [value.lower() for value in reply.all("Vary")]
    return True


def test_managed(world):
    made = world.feature("gzip", {"enable": "on", "comp_level": 9})
    assert made["enable"] is True
    shown = [f for f in world.api.expect(200, "GET", "/features", query={"limit": 100})["features"] if f["name"] == "gzip"]
    assert (shown[0]["enable"], shown[0]["config"]) == (True, '{"enable": "on", "comp_level": 9}')
    for wrong in ('{"comp_level":0}', '{"comp_level":10}', '{"comp_level":"6"}', '{"level":6}', "on", "[]", '{"enable":"yes"}'):
        assert "config" in world.api.refused(400, "APIG.2012", "POST", "/features", {
            "name": "gzip", "enable": True, "config": wrong})
    assert world.feature("gzip", {"enable": "off"}, enable=False)["enable"] is False


def test_changed_while_traffic_flows(world, backend):
    api = world.make_api()
    says(backend)
    with world.connect() as wire:
        assert is_plain(world.call(api, headers=GZIP, wire=wire))
        world.feature("gzip", {"enable": "on", "comp_level": 1})
        fast = world.call(api, headers=GZIP, wire=wire)
        assert is_gzip(fast)
        world.feature("gzip", {"enable": "on", "comp_level": 9})
        small = world.call(api, headers=GZIP, wire=wire)
        assert is_gzip(small)
        assert (fast.body[8], small.body[8]) == (4, 2), "RFC 1952 has a byte for it: fastest, smallest"
        world.feature("gzip", {"enable": "off"}, enable=False)
        assert is_plain(world.call(api, headers=GZIP, wire=wire))


@pytest.mark.parametrize("type_", LISTED)
def test_listed_types(compressing, backend, type_):
    api = compressing.make_api()
    for form in (type_, f"{type_.upper()}; charset=utf-8"):
        says(backend, form)
        assert is_gzip(compressing.call(api, headers=GZIP))


@pytest.mark.parametrize("type_", ["image/png", "application/octet-stream", "text/html", "text/event-stream", "application/jsonx", ""])
def test_other_types(compressing, backend, type_):
    says(backend, type_)
    reply = compressing.call(compressing.make_api(), headers=GZIP)
    assert is_plain(reply) and not reply.all("Vary")


@pytest.mark.parametrize("accept, wanted", [
    ("gzip", True), ("GZIP", True), ("x-gzip", True), ("br, gzip;q=0.5", True), ("deflate,gzip ; q=1.0", True), ("gzip;q=0", False),
    ("gzip; q=0.000", False), ("*", False), ("br", False), ("identity", False), ("", False), ("gzipped", False)])
def test_who_takes_it(compressing, backend, accept, wanted):
    says(backend)
    reply = compressing.call(compressing.make_api(), headers=[("Accept-Encoding", accept)])
    assert is_gzip(reply) if wanted else is_plain(reply)
    assert reply.all("Vary") == ["Accept-Encoding"], "a cache must know in both cases"


@pytest.mark.parametrize("size, wanted", [(0, False), (1024, False), (1025, True)])
def test_size(compressing, backend, size, wanted):
    says(backend, body=b"a" * size)
    reply = compressing.call(compressing.make_api(), headers=GZIP)
    assert is_gzip(reply, b"a" * size) if wanted else is_plain(reply, b"a" * size)


def test_what_the_head_says(compressing, backend):
    api = compressing.make_api()
    says(backend, headers=[("ETag", '"abc"'), ("Accept-Ranges", "bytes"), ("Content-MD5", "x"), ("Vary", "Origin"), ("X-Own", "1")])
    reply = compressing.call(api, headers=GZIP)
    assert is_gzip(reply) and not reply.all("Content-Length") and reply.one("Transfer-Encoding") == "chunked"
    assert reply.one("ETag") == 'W/"abc"' and not reply.all("Accept-Ranges") and not reply.all("Content-MD5")
    assert sorted(reply.all("Vary")) == ["Accept-Encoding", "Origin"] and reply.one("X-Own") == "1"
    plain = compressing.call(api)
    assert plain.one("ETag") == '"abc"' and plain.one("Accept-Ranges") == "bytes" and plain.one("Content-Length") == str(len(TEXT))
    says(backend, headers=[("ETag", 'W/"abc"'), ("Vary", "Origin, accept-encoding")])
    reply = compressing.call(api, headers=GZIP)
    assert reply.one("ETag") == 'W/"abc"' and reply.all("Vary") == ["Origin, accept-encoding"]


@pytest.mark.parametrize("headers", [
    [("Content-Encoding", "br")], [("Content-Encoding", "gzip")], [("Cache-Control", "public, no-transform")],
    [("Content-Range", "bytes 0-1999/9000")]], ids=["br", "gzip", "no-transform", "range"])
def test_left_alone(compressing, backend, headers):
    says(backend, headers=headers)
    reply = compressing.call(compressing.make_api(), headers=GZIP)
    assert reply.body == TEXT and reply.one(headers[0][0]) == headers[0][1] and not reply.all("Vary")
    assert reply.one("Content-Length") == str(len(TEXT))


def test_partial_content_and_head(compressing, backend):
    api = compressing.make_api()
    backend.script = lambda _: Answer(206, [("Content-Type", "text/plain"), ("Content-Range", f"bytes 0-1999/{len(TEXT)}")], TEXT[:2000])
    reply = compressing.call(api, headers=[*GZIP, ("Range", "bytes=0-1999")])
    assert (reply.status, reply.body) == (206, TEXT[:2000]) and not reply.all("Content-Encoding")
    says(backend)
    reply = compressing.call(api, "HEAD", headers=GZIP)
    assert reply.one("Content-Length") == str(len(TEXT)) and not reply.all("Content-Encoding")
    backend.script = lambda _: Answer(304, [("Content-Type", "text/plain"), ("ETag", '"abc"')])
    reply = compressing.call(api, headers=GZIP)
    assert reply.status == 304 and reply.one("ETag") == '"abc"' and not reply.all("Content-Encoding")


def test_http10_gets_it_until_the_end(compressing, backend):
    api = compressing.make_api()
    says(backend)
    with compressing.connect() as wire:
        wire.send(head("GET", api.path, [("Host", api.host), *GZIP]).replace(b"HTTP/1.1", b"HTTP/1.0"))
        reply = wire.reply()
        assert is_gzip(reply) and reply.one("Connection") == "close"


def test_errors_and_mocks_of_the_gateway(compressing):
    long = "{" + " " * 5000 + "}"
    mock = compressing.make_mock(long)
    reply = compressing.call(mock, headers=GZIP)
    assert is_gzip(reply, long.encode()) and reply.one("Content-Length") == str(len(reply.body))
    assert is_plain(compressing.call(mock), long.encode())
    assert is_plain(compressing.call(compressing.make_mock("short"), headers=GZIP), b"short")
    reply = compressing.call(mock, target="/none", headers=GZIP)
    assert reply.status == 404 and reply.json()["error_code"] == "APIC.0101", "short answers stay as they are"


def test_it_stays_a_stream(compressing):
    """Each piece can be read before the next one is sent."""
    with RawBackend() as backend:
        api = compressing.make_api(backend={"url_domain": backend.address})
        with compressing.connect() as wire:
            wire.send(head("GET", api.path, [("Host", api.host), *GZIP]))
            end = backend.accept()
            end.request()
            end.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            while wire.line():
                pass
            decoder = zlib.decompressobj(31)
            for number in range(30):
                line = b'{"number": %d}\n' % number
                end.send(b"%x\r\n%s\r\n" % (len(line), line))
                read = b""
                while len(read) < len(line):
                    read += decoder.decompress(wire.take(int(wire.line(), 16)))
                    assert wire.take(2) == b"\r\n"
                assert read == line
            end.send(b"0\r\n\r\n")
            rest = b""
            while (size := int(wire.line(), 16)) > 0:
                rest += decoder.decompress(wire.take(size))
                wire.take(2)
            assert wire.line() == b"" and rest == b"" and decoder.eof
            # The connections of both sides serve the next request.
            wire.send(head("GET", api.path, [("Host", api.host)]))
            assert end.request() is not None


def test_a_broken_answer_is_not_made_whole(compressing):
    with RawBackend() as backend:
        api = compressing.make_api(backend={"url_domain": backend.address})
        with compressing.connect() as wire:
            wire.send(head("GET", api.path, [("Host", api.host), *GZIP]))
            end = backend.accept()
            end.request()
            end.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9000\r\n\r\nonly this")
            while wire.line():
                pass
            end.close()
            assert not wire.rest().endswith(b"0\r\n\r\n")


def test_large_answers_in_little_memory(fresh_gatehouse, make_world):
    world = make_world(fresh_gatehouse())
    world.feature("gzip", {"enable": "on", "comp_level": 1})
    size, piece = 64, bytes(range(256)) * 4096
    with RawBackend() as backend:
        api = world.make_api(backend={"url_domain": backend.address})
        pid = world.gatehouse.process.pid
        before = resident_megabytes(pid)

        def serve():
            end = backend.accept()
            end.request()
            end.send(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size << 20}\r\n\r\n".encode())
            for _ in range(size):
                end.send(piece)

        threading.Thread(target=serve, daemon=True).start()
        with world.connect() as wire:
            wire.send(head("GET", api.path, [("Host", api.host), *GZIP]))
            while wire.line():
                pass
            decoder, sums, most = zlib.decompressobj(31), hashlib.sha256(), 0.0
            while (count := int(wire.line(), 16)) > 0:
                sums.update(decoder.decompress(wire.take(count)))
                wire.take(2)
                most = max(most, resident_megabytes(pid) - before)
            assert sums.digest() == hashlib.sha256(piece * size).digest() and most < 48
