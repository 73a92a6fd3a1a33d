"""gRPC for the tests: a server of all kinds of methods, and clients that reach it through the gateway. Messages are bytes."""

from __future__ import annotations

import json
import threading
import time
from concurrent import futures

import grpc

OPTIONS = [
    ("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20),
    ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]


class Echo(grpc.GenericRpcHandler):
    """`/test.Echo/*`, and what it has seen."""

    def __init__(self):
        self.calls: list[grpc.HandlerCallDetails] = []
        self.cancelled = threading.Semaphore(0)
        self.remaining: list[float] = []
        self.gate = threading.Event()
        self.sent = 0

    def service(self, details):
        self.calls.append(details)
        kinds = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "Hang": grpc.unary_unary_rpc_method_handler(self.hang),
            "Metadata": grpc.unary_unary_rpc_method_handler(self.metadata),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "HangStream": grpc.unary_stream_rpc_method_handler(self.hang_stream),
            "Hold": grpc.stream_unary_rpc_method_handler(self.hold),
            "Sum": grpc.stream_unary_rpc_method_handler(self.sum),
            "Talk": grpc.stream_stream_rpc_method_handler(self.talk),
        }
        service, _, method = details.method.rpartition("/")
        return kinds.get(method) if service == "/test.Echo" else None

    def metadata_of(self, number: int = -1) -> dict[str, list]:
        seen: dict[str, list] = {}
        for name, value in self.calls[number].invocation_metadata:
            seen.setdefault(name, []).append(value)
        return seen

    def unary(self, request, context):
        return request

    def fail(self, request, context):
        context.set_trailing_metadata([("x-why", "because"), ("x-why-bin", b"\x00\xff\n")])
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not now: 100% \u00fc")

    def metadata(self, request, context):
        context.send_initial_metadata([("x-first", "1"), ("x-first", "2"), ("x-first-bin", b"\x00\x01")])
        context.set_trailing_metadata([("x-last", "3")])
        return json.dumps([[name, value.hex() if isinstance(value, bytes) else value] for name, value in context.invocation_metadata()]).encode()

    def _wait(self, context):
        self.remaining.append(context.time_remaining())
        ended = threading.Event()
        if not context.add_callback(ended.set):
            ended.set()
        ended.wait(30)
        self.cancelled.release()

    def hang(self, request, context):
        self._wait(context)
        return b""

    def hang_stream(self, request, context):
        yield b"first"
        self._wait(context)

    def count(self, request, context):
        """`COUNT SIZE`"""
        count, size = map(int, request.split())
        for _ in range(count):
            self.sent += 1
            yield b"m" * size

    def sum(self, requests, context):
        return str(sum(len(request) for request in requests)).encode()

    def hold(self, requests, context):
        """Listens when the gate is open."""
        self.gate.wait(60)
        return self.sum(requests, context)

    def talk(self, requests, context):
        for request in requests:
            yield request
            if request == b"end":
                return


class Server:
    """A gRPC server on a port of its own; `tls` is (key, certificate)."""

    def __init__(self, tls: tuple[str, str] | None = None, workers: int = 64, port: int = 0, options=()):
        self.echo = Echo()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(workers), handlers=[self.echo], options=[*OPTIONS, ("grpc.so_reuseport", 0), *options])
        if tls:
            credentials = grpc.ssl_server_credentials([(tls[0].encode(), tls[1].encode())])
            self.port = self._server.add_secure_port(f"127.0.0.1:{port}", credentials)
        else:
            self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def stop(self, grace: float | None = None) -> None:
        self._server.stop(grace).wait(20)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.stop()


class Client:
    """One connection to the gateway, for one host; `roots` are the authorities of its certificate, None: no TLS."""

    def __init__(self, address: tuple[str, int], host: str, roots: str | None = None, options=()):
        target = "%s:%d" % address
        if roots is None:
            self.channel = grpc.insecure_channel(target, options=[*OPTIONS, ("grpc.default_authority", host), *options])
        else:
            self.channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(roots.encode()), options=[
                *OPTIONS, ("grpc.ssl_target_name_override", host), ("grpc.default_authority", host), *options])

    def unary(self, method: str = "Unary", service: str = "test.Echo"):
        return self.channel.unary_unary(f"/{service}/{method}")

    def server_stream(self, method: str = "Count"):
        return self.channel.unary_stream(f"/test.Echo/{method}")

    def client_stream(self, method: str = "Sum"):
        return self.channel.stream_unary(f"/test.Echo/{method}")

    def both(self, method: str = "Talk"):
        return self.channel.stream_stream(f"/test.Echo/{method}")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.channel.close()


def refused(call, *arguments, **options) -> grpc.RpcError:
    """Why a call failed; it must."""
    try:
        answer = call(*arguments, timeout=options.pop("timeout", 20), **options)
        if hasattr(answer, "__next__"):
            list(answer)
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call went well")


def trailer(error, name: str) -> str | None:
    return dict(error.trailing_metadata() or ()).get(name)


def eventually(condition, seconds: float = 20):
    """Waits for what another process will do."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found
