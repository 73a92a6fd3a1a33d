"""OpenAPI documents for imports, and calls that carry them."""

from __future__ import annotations

import io
import json
import secrets

import yaml
from huaweicloudsdkcore.http.formdata import FormFile

from .management import Call, Result
from .world import unique


class NamedBytes(io.BytesIO):
    """Bytes as an opened file, which is what the SDK wants."""

    name = "apis.json"
    mode = "rb"


def file(document) -> FormFile:
    """A part for the SDK; texts and bytes go as they are."""
    return FormFile(NamedBytes(content(document)))


def content(document) -> bytes:
    if isinstance(document, bytes):
        return document
    return (document if isinstance(document, str) else json.dumps(document)).encode()


def post(call: Call, document, path: str = "/openapi/import", parts: list[tuple[str, bytes]] | None = None, **fields) -> Result:
    """An import without the SDK; `None` leaves the file out."""
    boundary = secrets.token_hex(12)
    lines = [(name, value if isinstance(value, bytes) else str(value).encode(), "") for name, value in fields.items()]
    lines += [(name, value, "") for name, value in parts or []]
    if document is not None:
        lines.append(("file_name", content(document), '; filename="apis.json"'))
    raw = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"
        for name, value, extra in lines) + f"--{boundary}--\r\n".encode()
    target = call.full(path)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return call.request("POST", target, raw=raw, headers=headers)


def imported(call: Call, document, **fields) -> dict:
    answer = post(call, document, **fields)
    assert answer.status == 200, answer.body[:600]
    return answer.json()


def export(call: Call, group_id: str, *, oas_version: str | None = None, **fields) -> bytes:
    """A file of a group, by default everything that can be said of its drafts."""
    body = {"group_id": group_id, "define": "dev", **fields}
    answer = call.post("/openapi/export", body, query={"oas_version": oas_version} if oas_version else None)
    assert answer.status == 200, answer.body[:600]
    return answer.body


def read(raw: bytes) -> dict:
    return yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def bare(raw: bytes) -> dict:
    """A document without what names its group or its moment."""
    tree = read(raw)
    for name in ("title", "version", "description"):
        tree["info"].pop(name, None)
    tree.pop("host", None), tree.pop("servers", None)
    for item in tree["paths"].values():
        for described in item.values():
            described.pop("servers", None)
    return tree


def operation(name: str | None = None, **fields) -> dict:
    """A public HTTP operation without authentication."""
    return {
        "operationId": name or unique("api"), "responses": {"default": {"description": "any"}},
        "x-apigateway-backend": {
            "type": "HTTP", "httpEndpoints": {
                "address": "127.0.0.1:9", "scheme": "http", "method": "GET", "path": "/b", "timeout": 1000}},
        **fields}


def document(paths: dict, title: str | None = None, **fields) -> dict:
    return {"swagger": "2.0", "info": {"title": title or unique("doc"), "version": "1"}, "paths": paths, **fields}


def vendor_style(count: int, title: str) -> dict:
    """A document as the vendor's gateway exports them: every extension somewhere, `count` operations."""
    paths: dict = {}
    for number in range(count):
        backend = {
            "type": "HTTP", "parameters": [
                {"name": "id", "value": "id", "in": "PATH", "origin": "REQUEST", "description": "the same"},
                {"name": "X-Const", "value": "fixed", "in": "HEADER", "origin": "CONSTANT"},
                {"name": "X-From", "value": "$context.sourceIp", "in": "HEADER", "origin": "SYSTEM"}],
            "httpEndpoints": {
                "address": "backend.example.com", "scheme": "https", "method": "POST", "path": f"/v{number}/{{id}}",
                "timeout": 5000, "retryCount": "2", "enableClientSsl": False, "description": f"backend {number}"}}
        if number % 5 == 1:
            backend = {"type": "MOCK", "mockEndpoints": {"result-content": f'{{"n": {number}}}', "description": "canned"}}
        secured = [{"apig-auth-app-header": []}, {"apig-auth-app": []}, {"apig-auth-iam": []}, None][number % 4]
        operation = {
            "operationId": f"operation_{number}", "description": f"What number {number} does: \u7f51\u5173, \"quoted\"",
            "tags": ["all", f"tag_{number % 7}"], "schemes": [["https"], ["http", "https"], ["http"]][number % 3],
            "parameters": [
                {"name": "id", "in": "path", "required": True, "type": "string", "maxLength": 40, "minLength": 1,
                 "x-apigateway-pass-through": "always", "x-apigateway-orchestrations": []},
                {"name": "page", "in": "query", "required": False, "type": "number", "minimum": 1, "maximum": 500,
                 "default": 20, "description": "page size", "x-apigateway-pass-through": "always"},
                {"name": "kind", "in": "query", "type": "string", "enum": ["a", "b"], "x-apigateway-pass-through": "never"}],
            "responses": {"default": {
                "description": "response of api", "x-apigateway-result-normal-sample": "ok",
                "x-apigateway-result-failure-sample": "bad"}},
            "x-apigateway-request-type": "public" if number % 2 else "private",
            "x-apigateway-match-mode": "SWA" if number % 3 == 0 else "NORMAL", "x-apigateway-cors": number % 2 == 0,
            "x-apigateway-is-send-fg-body-base64": True, "x-apigateway-backend": backend,
            "x-apigateway-access-control": "office", "x-apigateway-ratelimit": "customLimit"}
        if secured:
            operation["security"] = [secured]
        if backend["type"] == "HTTP":
            operation["x-apigateway-backend-policies"] = [{
                "name": "other", "type": "HTTP", "parameters": backend["parameters"],
                "httpEndpoints": backend["httpEndpoints"] | {"address": "other.example.com"},
                "conditions": [
                    {"type": "equal", "value": "a", "origin": "request", "parameter": "kind"},
                    {"value": "10.0.0.0/8", "origin": "source"}]}]
        if number % 9 == 4:
            operation["parameters"].append({"name": "body", "in": "body", "schema": {"type": "object"}})
        method = ["get", "post", "put", "delete", "x-apigateway-any-method"][number % 5]
        paths[f"/group{number % 11}/items{number}/{{id}}"] = {method: operation}
    return {
        "swagger": "2.0", "info": {"title": title, "description": "as exported", "version": "2026-01-01 00:00:00"},
        "host": "group.apic.example.com", "paths": paths,
        "securityDefinitions": {
            "apig-auth-app": {"in": "header", "name": "Authorization", "type": "apiKey", "x-apigateway-auth-type": "AppSigv1"},
            "apig-auth-app-header": {
                "in": "header", "name": "Authorization", "type": "apiKey", "x-apigateway-auth-type": "AppSigv1",
                "x-apigateway-auth-opt": {"appcode-auth-type": "header"}},
            "apig-auth-iam": {"in": "header", "name": "unused", "type": "apiKey", "x-apigateway-auth-type": "IAM"}},
        "x-apigateway-access-controls": {
            "office": {"acl-type": "PERMIT", "entity-type": "IP", "value": "10.0.0.0/8,192.168.0.1"}},
        "x-apigateway-ratelimits": {
            "customLimit": {
                "api-limit": 200, "app-limit": 20, "user-limit": 20, "ip-limit": 0, "interval": 1, "unit": "minute",
                "shared": True, "special": []}}}
