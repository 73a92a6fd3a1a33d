"""Clients of the management API: a small one for any call, and the vendor's SDK. Both check every
answer against the contract."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import huaweicloudsdkapig.v2 as apig
import huaweicloudsdkroma.v2 as roma
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.http.http_handler import HttpHandler
from huaweicloudsdkroma.v2 import RomaClient

from . import contract, signatures, trace

RELEASE = "DEFAULT_ENVIRONMENT_RELEASE_ID"

#: A connection that was idle for longer is not used again: the server may be closing it just now.
IDLE_SECONDS = 3


@dataclass
class Result:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        return self.json().get("error_code") if self.status >= 400 else None

    @property
    def message(self) -> str | None:
        return self.json().get("error_msg") if self.status >= 400 else None


class Call:
    """Any call to the management port, signed with AK/SK, or with the token if there is one.

    A path that does not start with `/v2/` or `/v3` is below the instance: `call.get("/signs")`.
    """

    def __init__(self, credentials: dict, address: tuple[str, int], token: str | None = None):
        self.credentials = credentials
        self.address = address
        self.token = token
        self.connection: http.client.HTTPConnection | None = None
        self.used_at = 0.0

    @property
    def instance_path(self) -> str:
        return f"/v2/{self.credentials['project_id']}/apic/instances/{self.credentials['instance_id']}"

    @property
    def public_path(self) -> str:
        """Where integration applications are."""
        return f"/v2/{self.credentials['project_id']}/instances/{self.credentials['instance_id']}"

    def full(self, path: str) -> str:
        return path if path.startswith(("/v2/", "/v3")) else self.instance_path + path

    def request(
        self, method: str, path: str, body=None, *, query: dict | None = None, headers: dict | None = None,
        raw: bytes | None = None, authenticate: bool = True, validate: bool = True,
    ) -> Result:
        target = self.full(path)
        if query:
            target += "?" + urlencode(query, doseq=True)
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        fields = [("Host", f"{self.address[0]}:{self.address[1]}")]
        if data and "Content-Type" not in (headers or {}):
            fields.append(("Content-Type", "application/json"))
        fields += list((headers or {}).items())
        if authenticate:
            if self.token:
                fields.append(("X-Auth-Token", self.token))
            else:
                fields = signatures.sign(
                    self.credentials["access_key"], self.credentials["secret_key"], method, target, fields, data)
        result = self._exchange(method, target, fields, data)
        if validate:
            contract.check(method, target, result.status, result.headers.get("Content-Type"), result.body)
            trace.check(f"{self.address[0]}:{self.address[1]}", method, target, result.status, result.headers)
        return result

    def _exchange(self, method: str, target: str, fields: list[tuple[str, str]], data: bytes) -> Result:
        if time.monotonic() - self.used_at > IDLE_SECONDS:
            self.close()
        for attempt in (1, 2):
            self.used_at = time.monotonic()
            if self.connection is None:
                self.connection = http.client.HTTPConnection(*self.address, timeout=60)
            try:
                self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
                for name, value in fields:
                    self.connection.putheader(name, value)
                if data or method in ("POST", "PUT", "PATCH"):
                    self.connection.putheader("Content-Length", str(len(data)))
                self.connection.endheaders(data or None)
                answer = self.connection.getresponse()
                result = Result(answer.status, answer.headers, answer.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # An idle connection that the server closed meanwhile; a fresh one must work.
                self.close()
                if attempt == 2 or method != "GET":
                    raise
                continue
            except (OSError, http.client.HTTPException):
                self.close()
                raise
            if answer.will_close:
                self.close()
            return result
        raise AssertionError("unreachable")

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None

    def get(self, path: str, **options) -> Result:
        return self.request("GET", path, **options)

    def post(self, path: str, body=None, **options) -> Result:
        return self.request("POST", path, body, **options)

    def put(self, path: str, body=None, **options) -> Result:
        return self.request("PUT", path, body, **options)

    def delete(self, path: str, **options) -> Result:
        return self.request("DELETE", path, **options)

    # The same with an expectation -------------------------------------------------------------
    def expect(self, status: int, method: str, path: str, body=None, **options):
        """The decoded body of an answer that must have this status."""
        result = self.request(method, path, body, **options)
        assert result.status == status, f"{method} {path}: {result.status} {result.body[:600]!r}"
        return result.json() if result.body else None

    def refused(self, status: int, code: str, method: str, path: str, body=None, **options) -> str:
        """The message of a refusal that must have this status and code."""
        result = self.request(method, path, body, **options)
        found = (result.status, result.json().get("error_code") if result.body else None)
        assert found == (status, code), f"{method} {path}: {result.status} {result.body[:600]!r}"
        return result.json()["error_msg"]


class Sdk:
    """The official SDK's client. `sdk.create_signature_key_v2(body={...})` makes the operation's own request
    and body models, calls, and gives the operation's response model; refusals raise the SDK's exception."""

    Refusal = ServiceResponseException
    models = roma
    client_class = RomaClient

    def __init__(self, credentials: dict, endpoint: str):
        self.instance_id = credentials["instance_id"]
        self.violations: list[str] = []
        self.used: set[str] = set()
        #: Operations that have answered with a success which the contract allows.
        self.succeeded: set[str] = set()
        config = HttpConfig.get_default_config()
        config.timeout = (10, 60)
        self.client = (
            self.client_class.new_builder()
            .with_http_config(config)
            .with_credentials(BasicCredentials(
                credentials["access_key"], credentials["secret_key"], credentials["project_id"]))
            .with_endpoint(endpoint)
            .with_http_handler(HttpHandler().add_response_handler(self._check))
            .build())

    def _check(self, response, **_) -> None:
        try:
            contract.check(
                response.request.method, response.request.path_url, response.status_code,
                response.headers.get("Content-Type"), response.content, client="sdk")
            trace.check(
                urlsplit(response.request.url).netloc, response.request.method, response.request.path_url, response.status_code,
                response.headers)
        except contract.Violation as violation:
            # Kept as well, because a test may expect a refusal and swallow the exception.
            self.violations.append(str(violation))
            raise
        if response.status_code < 300:
            description = contract.operation(response.request.method, response.request.path_url)
            self.succeeded.add(description["operationId"])

    def __getattr__(self, operation: str):
        method = getattr(self.client, operation)

        def call(body=None, **parameters):
            self.used.add(operation)
            request_class = getattr(self.models, "".join(part.capitalize() for part in operation.split("_")) + "Request")
            # There it is a filter.
            if "instance_id" in request_class.openapi_types and operation != "list_instances_v2":
                parameters.setdefault("instance_id", self.instance_id)
            if body is not None:
                model = getattr(self.models, request_class.openapi_types["body"])
                parameters["body"] = model(**body) if isinstance(body, dict) else body
            return method(request_class(**parameters))

        return call

    def refused(self, status: int, code: str, operation: str, body=None, **parameters) -> str:
        """Calls, must be refused with this status and code; gives the message."""
        try:
            answer = getattr(self, operation)(body=body, **parameters)
        except ServiceResponseException as refusal:
            assert (refusal.status_code, refusal.error_code) == (status, code), (
                f"{operation}: {refusal.status_code} {refusal.error_code} {refusal.error_msg}")
            return refusal.error_msg
        raise AssertionError(f"{operation} was not refused: {answer}")


class ApigSdk(Sdk):
    """The same for the SDK of the twin product, whose paths begin with `/v2/{project_id}/apigw/`."""

    models = apig
    client_class = apig.ApigClient
