"""What backends of gRPC may do to a gateway: refuse, reset, leave, die, say what is no answer, or speak another protocol."""

from __future__ import annotations

import itertools
import ssl
import threading

import grpc
import pytest

from harness import certificates as made
from harness.calls import Client, Server, eventually, refused
from harness.frames import Frames
from harness.http2 import CANCEL, HTTP2, PREFACE, frame
from harness.streams import RawBackend
from test_grpc import grpc_api, h2c  # noqa: F401

Code = grpc.StatusCode
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY = 0, 1, 2, 7, 11, 12
EMPTY = b"\0\0\0\0\0"


def calling(*more) -> list[tuple[str, str]]:
    return [("content-type", "application/grpc"), ("te", "trailers"), *more]


def through(world, address: str, **fields):
    api = grpc_api(world, address, **fields)
    return Client(world.gatehouse.gateway, api.host)


def test_what_the_backend_gets(h2c):
    with Frames(lambda session, stream: session.answer(stream)) as backend, through(h2c, backend.address) as client:
        client.unary()(b"x", timeout=20, metadata=[("te", "trailers"), ("cookie", "a=1")])
        fields = backend.requests[0]
        assert (fields[":method"], fields[":scheme"], fields[":path"], fields[":authority"]) == (
            "POST", "http", "/test.Echo/Unary", backend.address)
        assert fields["te"] == "trailers" and fields["content-type"] == "application/grpc" and fields["cookie"] == "a=1"
        assert not {"connection", "host", "transfer-encoding", "content-length", "upgrade"} & set(fields)


def test_trailers_alone(h2c):
    """An answer of one HEADERS frame stays one."""
    script = lambda session, stream: session.answer(stream, None, "5", [("grpc-message", "gone"), ("x-more", "1")])  # noqa: E731
    with Frames(script) as backend:
        api = grpc_api(h2c, backend.address)
        with Client(h2c.gatehouse.gateway, api.host) as client:
            error = refused(client.unary(), b"")
            assert (error.code(), error.details()) == (Code.NOT_FOUND, "gone") and ("x-more", "1") in error.trailing_metadata()
        with HTTP2(h2c.gatehouse.gateway, api.host) as c:
            reply = c.ask(1, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY)
            assert reply.get("grpc-status") == "5" and reply.body == b"" and reply.trailers == []
            assert reply.get("content-length") is None and reply.get("transfer-encoding") is None


def test_the_gateway_keeps_deadlines(h2c):
    """Neither the client nor the backend looks at its clock."""
    parts = []

    def script(session, stream):
        if parts:
            session.part(stream)

    with Frames(script) as backend:
        api = grpc_api(h2c, backend.address)
        with HTTP2(h2c.gatehouse.gateway, api.host) as c:
            reply = c.ask(1, "POST", "/test.Echo/Hang", more=calling(("grpc-timeout", "300m")), body=EMPTY)
            assert (reply.status, reply.get("grpc-status"), reply.body) == (504, "4", b"")
            assert backend.resets.get(timeout=20)[1] == CANCEL
            left = backend.requests[0]["grpc-timeout"]
            assert left[-1] in "nu" and int(left[:-1]) <= (300_000_000 if left[-1] == "n" else 300_000)
            # Part of an answer has gone out: trailers say how it ended.
            parts.append(True)
            reply = c.ask(3, "POST", "/test.Echo/Hang", more=calling(("grpc-timeout", "300m")), body=EMPTY)
            assert reply.status == 200 and reply.body == b"\0\0\0\0\4part" and dict(reply.trailers)["grpc-status"] == "4"
            assert backend.resets.get(timeout=20)[1] == CANCEL
            streams = itertools.count(5, 2)
            for wrong in ("5", "m", "123456789m", "-1S", "1x", "1 S"):
                reply = c.ask(next(streams), "POST", "/test.Echo/Unary", more=calling(("grpc-timeout", wrong)), body=EMPTY)
                assert (reply.status, reply.get("grpc-status")) == (400, "3"), wrong
            # More than anybody waits.
            parts.clear()
            backend.script = lambda session, stream: session.answer(stream)
            for long in ("99999999H", "0S"):
                reply = c.ask(next(streams), "POST", "/test.Echo/Unary", more=calling(("grpc-timeout", long)), body=EMPTY)
                assert reply.status == (200 if long != "0S" else 504), long


@pytest.mark.parametrize("code, status", [
    (NO_ERROR, Code.INTERNAL), (PROTOCOL_ERROR, Code.INTERNAL), (INTERNAL_ERROR, Code.INTERNAL), (CANCEL, Code.CANCELLED),
    (ENHANCE_YOUR_CALM, Code.RESOURCE_EXHAUSTED), (INADEQUATE_SECURITY, Code.PERMISSION_DENIED)])
@pytest.mark.parametrize("answered", [False, True], ids=["before-the-answer", "in-the-answer"])
def test_resets_keep_their_meaning(h2c, code, status, answered):
    def script(session, stream):
        if answered:
            session.part(stream)
        session.reset(stream, code)

    with Frames(script) as backend, through(h2c, backend.address) as client:
        error = refused(client.server_stream(), b"")
        assert error.code() == status
        assert len(backend.requests) == 1, "asked again"
        # The connection is as good as before.
        backend.script = lambda session, stream: session.answer(stream)
        assert client.unary()(b"", timeout=20) == b"ok"
        assert len(backend.sessions) <= 2, "one for each event loop"


def test_what_was_not_looked_at_is_asked_again(h2c):
    """REFUSED_STREAM: nobody has seen the request, whatever its method; once."""
    def script(session, stream):
        if len(backend.requests) % 2:
            session.reset(stream, REFUSED_STREAM)
        else:
            session.answer(stream)

    with Frames(script) as backend, through(h2c, backend.address) as client:
        assert client.unary()(b"x" * 1000, timeout=20) == b"ok"
        assert len(backend.requests) == 2
        backend.script = lambda session, stream: session.reset(stream, REFUSED_STREAM)
        assert refused(client.unary(), b"x").code() == Code.UNAVAILABLE
        assert len(backend.requests) == 4


def test_leaving_backend(h2c):
    """GOAWAY: streams that it has promised to serve end well, the one behind is asked again on another connection."""
    first = threading.Event()

    def script(session, stream):
        if len(backend.requests) == 1:
            first.set()  # answered later
        elif len(backend.requests) == 2 and session is backend.sessions[0]:
            session.leave(1)
            session.answer(1, b"late")
        else:
            session.answer(stream)

    with Frames(script) as backend:
        api = grpc_api(h2c, backend.address)
        with HTTP2(h2c.gatehouse.gateway, api.host) as c:  # one connection: one event loop
            c.request(1, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY)
            assert first.wait(20)
            c.request(3, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY)
            assert c.reply(1).body == b"\0\0\0\0\4late" and dict(c.replies[1].trailers)["grpc-status"] == "0"
            assert c.reply(3).body == b"\0\0\0\0\2ok"
            assert len(backend.sessions) == 2
            # And no further stream goes to the one that leaves.
            assert c.ask(5, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY).status == 200
            assert len(backend.sessions) == 2 and len(backend.requests) == 4


def test_dying_backend(h2c):
    """Before an answer, and in the middle of one."""
    with Frames(lambda session, stream: session.close()) as backend, through(h2c, backend.address) as client:
        error = refused(client.unary(), b"")
        assert error.code() == Code.UNAVAILABLE and "APIC.0202" in error.details()
        assert len(backend.requests) == 1, "it may have been done"

        def half(session, stream):
            session.part(stream)
            session.close()
        backend.script = half
        call = client.server_stream()(b"", timeout=20)
        assert next(call) == b"part"
        with pytest.raises(grpc.RpcError) as failed:
            next(call)
        assert failed.value.code() == Code.UNAVAILABLE and "APIC.0202" in failed.value.details()
        backend.script = lambda session, stream: session.answer(stream)
        assert client.unary()(b"", timeout=20) == b"ok"


def test_restarted_backend(h2c):
    """A server that stops says so, and the next calls reach the one that stands in its place."""
    server = Server()
    with through(h2c, server.address) as client:
        assert client.unary()(b"1", timeout=20) == b"1"
        for _ in range(3):
            server.stop()
            server = Server(port=server.port)
            assert client.unary()(b"2", timeout=20) == b"2"
    server.stop()


def test_streams_that_the_backend_takes_at_a_time(h2c):
    """More calls than one connection carries go over another one."""
    gate = threading.Event()

    def script(session, stream):
        threading.Thread(target=lambda: (gate.wait(20), session.answer(stream)), daemon=True).start()

    with Frames(lambda session, stream: session.answer(stream), streams=5) as backend:
        api = grpc_api(h2c, backend.address)
        with HTTP2(h2c.gatehouse.gateway, api.host) as c:
            assert c.ask(1, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY).status == 200
            backend.script = script
            for stream in range(3, 43, 2):
                c.request(stream, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY)
            eventually(lambda: len(backend.requests) == 21)
            assert len(backend.sessions) >= 2 and backend.sessions[0].most <= 5
            gate.set()
            for stream in range(3, 43, 2):
                assert c.reply(stream).status == 200


@pytest.mark.parametrize("more", [[("connection", "close")], [("x-bad", "a\r\nb: c")], [("x-bad", "a\0b")], [("Upper", "1")]],
                         ids=["connection", "line-end", "null", "capital"])
@pytest.mark.parametrize("place", ["head", "trailers"])
def test_answers_that_are_none(h2c, more, place):
    def script(session, stream):
        session.h2.config.validate_outbound_headers = session.h2.config.normalize_outbound_headers = False
        if place == "head":
            session.h2.send_headers(stream, [*session.head(), *more])
            session.h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        else:
            session.h2.send_headers(stream, session.head())
            session.h2.send_headers(stream, [("grpc-status", "0"), *more], end_stream=True)
        session.flush()

    with Frames(script) as backend:
        api = grpc_api(h2c, backend.address)
        with HTTP2(h2c.gatehouse.gateway, api.host) as c:
            reply = c.ask(1, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY)
            fields = dict(reply.headers) | dict(reply.trailers)
            assert fields["grpc-status"] in ("13", "14"), fields
            assert not {"b", "x-bad", "connection", "upper", "Upper"} & set(fields)
            backend.script = lambda session, stream: session.answer(stream)
            assert c.ask(3, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY).status == 200


def test_interim_answers_are_not_the_answer(h2c):
    def script(session, stream):
        session.h2.send_headers(stream, [(":status", "103"), ("link", "x")])
        session.answer(stream)
    with Frames(script) as backend, through(h2c, backend.address) as client:
        assert client.unary()(b"", timeout=20) == b"ok"


def test_backend_that_speaks_something_else(h2c):
    with RawBackend() as backend, through(h2c, backend.address, backend={"timeout": 2000}) as client:
        call = client.unary().future(b"", timeout=20)
        accepted = backend.accept()
        assert accepted.take(24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        accepted.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        assert call.exception().code() == Code.UNAVAILABLE
    with RawBackend() as backend:
        address = backend.address
    with through(h2c, address) as client:
        error = refused(client.unary(), b"")
        assert error.code() == Code.UNAVAILABLE and "APIC.0202" in error.details()


def test_nothing_follows_goaway(h2c):
    """Requests that wait when the backend does wrong are not sent any more."""
    with RawBackend() as backend:
        api = grpc_api(h2c, backend.address)
        with HTTP2(h2c.gatehouse.gateway, api.host) as c:
            for stream in range(1, 41, 2):
                c.request(stream, "POST", "/test.Echo/Unary", more=calling(), body=b"\0" + (10_000).to_bytes(4, "big") + bytes(10_000))
            # All of it is in the gateway when this is answered.
            c.send(frame(6, 0, 0, b"together"))
            while not c.pongs:
                c.step()
            accepted = backend.accept()
            # In one piece: it takes everything, and what comes next is no frame of a connection.
            accepted.send(frame(4, 0, 0) + frame(8, 0, 0, (1 << 20).to_bytes(4, "big")) + frame(0, 0, 0))
            assert accepted.take(24) == PREFACE
            frames = list(frames_of(accepted))
            assert [type_ for type_, _ in frames].count(7) == 1 and frames[-1][0] == 7, [type_ for type_, _ in frames]
            assert frames[-1][1][4:] == PROTOCOL_ERROR.to_bytes(4, "big")
            for stream in range(1, 41, 2):
                assert c.reply(stream).get("grpc-status") == str(Code.UNAVAILABLE.value[0])


def frames_of(accepted):
    """Types and payloads until the gateway closes."""
    while not accepted.is_closed:
        length = int.from_bytes(accepted.take(3), "big")
        kind = accepted.take(6)[0]
        yield kind, accepted.take(length)


def test_tls_without_http2(h2c):
    """What is not agreed upon is not spoken."""
    for protocols in (["http/1.1"], None):
        certificate = made.make("127.0.0.1")
        context = context_of(certificate)
        if protocols:
            context.set_alpn_protocols(protocols)
        with Frames(lambda session, stream: session.answer(stream), tls=context) as backend:
            with through(h2c, backend.address, backend={"req_protocol": "GRPCS"}) as client:
                error = refused(client.unary(), b"")
                assert error.code() == Code.UNAVAILABLE and backend.requests == []


def test_tls_with_http2(h2c):
    context = context_of(made.make("127.0.0.1"))
    context.set_alpn_protocols(["h2"])
    with Frames(lambda session, stream: session.answer(stream), tls=context) as backend:
        with through(h2c, backend.address, backend={"req_protocol": "GRPCS"}) as client:
            assert client.unary()(b"", timeout=20) == b"ok"
            assert backend.requests[0][":scheme"] == "https"
            assert backend.sessions[0].socket.selected_alpn_protocol() == "h2"


def context_of(certificate) -> ssl.SSLContext:
    import tempfile
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate.pem + certificate.key_pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def test_connections_are_kept_and_left(h2c):
    """Calls one after the other share a connection; one that nobody uses is given up."""
    with Frames(lambda session, stream: session.answer(stream)) as backend:
        api = grpc_api(h2c, backend.address)
        with HTTP2(h2c.gatehouse.gateway, api.host) as c:
            for stream in range(1, 41, 2):
                assert c.ask(stream, "POST", "/test.Echo/Unary", more=calling(), body=EMPTY).status == 200
        assert len(backend.sessions) == 1 and len(backend.requests) == 20
