"""Changes of a soak: what can be changed of APIs that carry traffic without a request of theirs failing."""

from __future__ import annotations

import json
import threading
import time

from harness.management import RELEASE
from harness.world import World, unique


class Changes(threading.Thread):
    """Makes changes at a steady pace until ``stop``. ``failures`` holds what the management API refused."""

    def __init__(self, world: World, apis: dict, per_second: float):
        super().__init__(daemon=True, name="changes")
        self.world, self.apis, self.pause = world, apis, 1 / per_second
        self.count, self.failures = 0, []
        self._stopped = threading.Event()
        #: Cleared, the changes pause.
        self.active = threading.Event()
        self.active.set()
        self.headers = world.make_plugin("set_resp_headers", self._headers(0))
        self.cors = world.make_plugin("cors", {"allow_origin": "*", "allow_methods": "GET,POST"})
        self.sign = world.make_sign()
        self.acl = world.make_acl("192.0.2.0/24")
        self.throttle = world.api.expect(201, "POST", "/throttles", {
            "name": unique("throttle"), "type": 1, "api_call_limits": 40, "time_interval": 1, "time_unit": "SECOND"})
        world.api.expect(201, "POST", "/throttle-bindings", {
            "strategy_id": self.throttle["id"], "publish_ids": [apis["limited"].publish_id]})
        self.app = world.api.expect(201, "POST", f"{world.api.public_path}/apps", {"name": unique("app")})

    @staticmethod
    def _headers(number: int) -> dict:
        return {"response_headers": [{"name": "X-Soak", "value": str(number), "action": "override"}]}

    def stop(self) -> None:
        self._stopped.set()
        self.active.set()
        self.join(60)

    def run(self) -> None:
        kinds = [self._plugin, self._update, self._signature, self._access, self._limit, self._republish, self._group, self._secret]
        due = time.monotonic()
        while True:
            if not self.active.is_set():
                self.active.wait()
                # What was not made in a pause is not made up for.
                due = time.monotonic()
            if self._stopped.is_set():
                return
            due = max(due + self.pause, time.monotonic() - 1)
            try:
                kinds[self.count % len(kinds)]()
            except Exception as failure:  # noqa: BLE001  (whatever it is, it is reported)
                self.failures.append(f"{kinds[self.count % len(kinds)].__name__}: {failure}"[:500])
            self.count += 1
            time.sleep(max(0, due - time.monotonic()))

    def _plugin(self) -> None:
        self.world.attach(self.cors, self.apis["open"])
        self.world.detach(self.cors, self.apis["open"])

    def _update(self) -> None:
        api = self.world.api
        if self.count % 2:
            self.world.attach(self.headers, self.apis["open"])
        api.expect(200, "PUT", f"/plugins/{self.headers['plugin_id']}", {
            "plugin_name": self.headers["plugin_name"], "plugin_type": "set_resp_headers", "plugin_scope": "global",
            "plugin_content": json.dumps(self._headers(self.count))})
        if self.count % 2:
            self.world.detach(self.headers, self.apis["open"])

    def _signature(self) -> None:
        binding = self.world.bind_sign(self.sign, self.apis["channel"])[0]
        self.world.unbind_sign(binding)

    def _access(self) -> None:
        binding = self.world.bind_acl(self.acl, self.apis["open"])[0]
        self.world.unbind_acl(binding)

    def _limit(self) -> None:
        self.world.api.expect(200, "PUT", f"/throttles/{self.throttle['id']}", {
            "name": self.throttle["name"], "type": 1, "api_call_limits": 20 + self.count % 50, "time_interval": 1, "time_unit": "SECOND"})

    def _republish(self) -> None:
        api = self.apis["channel"]
        self.world.api.expect(200, "PUT", f"/apis/{api.id}", {**api.definition, "remark": f"change {self.count}"})
        self.world.publish(api, RELEASE)

    def _group(self) -> None:
        made = self.world.make_group()
        self.world.api.expect(204, "DELETE", f"/api-groups/{made['id']}")

    def _secret(self) -> None:
        self.world.api.expect(200, "PUT", f"{self.world.api.public_path}/apps/{self.app['id']}/secret", {})
