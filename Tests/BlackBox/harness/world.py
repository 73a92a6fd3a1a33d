"""Comfortable ways to make groups, APIs, policies and bindings, and to call what was made."""

from __future__ import annotations

import itertools
import json
import secrets
from dataclasses import dataclass

from .backend import Backend
from .management import RELEASE, Call
from .process import Gatehouse
from .wire import Reply, Wire, ask

_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    """A name that no other test uses, short enough for every resource."""
    return f"{prefix}_{secrets.token_hex(3)}{next(_numbers)}"


def hex_id() -> str:
    """An id of the right form that names nothing."""
    return secrets.token_hex(16)


@dataclass
class Api:
    """A created API; `publish_id` after publication."""

    id: str
    group_id: str
    path: str
    definition: dict
    publish_id: str | None = None
    host: str = ""


class World:
    """Everything below goes through the management API of one running program."""

    def __init__(self, gatehouse: Gatehouse, call: Call, backend: Backend):
        self.gatehouse = gatehouse
        self.api = call
        self.backend = backend

    # Groups, environments, APIs ----------------------------------------------------------------
    def make_group(self, **fields) -> dict:
        return self.api.expect(201, "POST", "/api-groups", {"name": unique("group"), **fields})

    def make_environment(self, name: str | None = None) -> dict:
        return self.api.expect(201, "POST", "/envs", {"name": name or unique("env")})

    def definition(self, group_id: str, path: str, method: str = "ANY", backend: dict | None = None, **fields) -> dict:
        """An HTTP API without authentication in front of the scripted backend, on the same path."""
        return {
            "name": unique("api"), "type": 1, "req_protocol": "BOTH", "req_method": method, "req_uri": path,
            "auth_type": "NONE", "match_mode": "NORMAL", "backend_type": "HTTP", "group_id": group_id,
            "backend_api": {
                "url_domain": self.backend.address, "req_protocol": "HTTP", "req_method": method,
                "req_uri": path, "timeout": 5000, **(backend or {})},
            **fields}

    def make_api(
        self, path: str | None = None, method: str = "ANY", group: dict | None = None, backend: dict | None = None,
        publish: bool = True, env_id: str = RELEASE, **fields,
    ) -> Api:
        group = group or self.make_group()
        path = path or f"/{unique('p')}"
        definition = self.definition(group["id"], path, method, backend, **fields)
        made = self.api.expect(201, "POST", "/apis", definition)
        api = Api(made["id"], group["id"], path, definition, host=f"{group['id']}.apic.localhost")
        if publish:
            self.publish(api, env_id)
        return api

    def make_mock(self, content: str = "{}", status: int = 200, **fields) -> Api:
        return self.make_api(
            backend_type="MOCK", backend_api=None, mock_info={"result_content": content, "status_code": status}, **fields)

    def publish(self, api: Api, env_id: str = RELEASE) -> dict:
        done = self.api.expect(201, "POST", "/apis/action", {"action": "online", "env_id": env_id, "api_id": api.id})
        api.publish_id = done["publish_id"]
        return done

    def offline(self, api: Api, env_id: str = RELEASE) -> dict:
        return self.api.expect(201, "POST", "/apis/action", {"action": "offline", "env_id": env_id, "api_id": api.id})

    # Policies and bindings ---------------------------------------------------------------------
    def make_sign(self, sign_type: str = "hmac", **fields) -> dict:
        return self.api.expect(201, "POST", "/signs", {"name": unique("sign"), "sign_type": sign_type, **fields})

    def bind_sign(self, sign: dict, *apis: Api) -> list[dict]:
        return self.api.expect(201, "POST", "/sign-bindings", {
            "sign_id": sign["id"], "publish_ids": [api.publish_id for api in apis]})["bindings"]

    def unbind_sign(self, binding: dict) -> None:
        self.api.expect(204, "DELETE", f"/sign-bindings/{binding['id']}")

    def make_acl(self, value: str, acl_type: str = "DENY", entity_type: str = "IP") -> dict:
        return self.api.expect(201, "POST", "/acls", {
            "acl_name": unique("acl"), "acl_type": acl_type, "acl_value": value, "entity_type": entity_type})

    def bind_acl(self, acl: dict, *apis: Api) -> list[dict]:
        return self.api.expect(201, "POST", "/acl-bindings", {
            "acl_id": acl["id"], "publish_ids": [api.publish_id for api in apis]})["acl_bindings"]

    def unbind_acl(self, binding: dict) -> None:
        self.api.expect(204, "DELETE", f"/acl-bindings/{binding['id']}")

    def make_plugin(self, plugin_type: str, content: dict | str, **fields) -> dict:
        text = content if isinstance(content, str) else json.dumps(content)
        return self.api.expect(201, "POST", "/plugins", {
            "plugin_name": unique("plugin"), "plugin_type": plugin_type, "plugin_scope": "global",
            "plugin_content": text, **fields})

    def attach(self, plugin: dict, *apis: Api, env_id: str = RELEASE) -> list[dict]:
        return self.api.expect(201, "POST", f"/plugins/{plugin['plugin_id']}/attach", {
            "env_id": env_id, "api_ids": [api.id for api in apis]})["attached_plugins"]

    def detach(self, plugin: dict, *apis: Api, env_id: str = RELEASE) -> None:
        self.api.expect(204, "PUT", f"/plugins/{plugin['plugin_id']}/detach", {
            "env_id": env_id, "api_ids": [api.id for api in apis]})

    def feature(self, name: str, config: object = "on", enable: bool = True) -> dict:
        text = config if isinstance(config, str) else json.dumps(config)
        return self.api.expect(201, "POST", "/features", {"name": name, "enable": enable, "config": text})

    # Traffic -----------------------------------------------------------------------------------
    def call(
        self, api: Api, method: str = "GET", target: str | None = None, headers: list[tuple[str, str]] = (),
        body: bytes = b"", wire: Wire | None = None, host: str | None = None,
    ) -> Reply:
        """One request through the gateway."""
        return ask(self.gatehouse.gateway, method, target or api.path, host or api.host, list(headers), body, wire)

    def connect(self) -> Wire:
        return Wire(self.gatehouse.gateway)
