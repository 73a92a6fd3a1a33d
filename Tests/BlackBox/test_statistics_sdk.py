"""Statistics: what the gateway counted of real traffic, through the official SDK."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from harness.backend import Answer
from harness.world import hex_id

#: The zone of the texts in answers and queries.
ZONE = timezone(timedelta(hours=8))


def text(moment: float) -> str:
    return datetime.fromtimestamp(moment, ZONE).strftime("%Y-%m-%d %H:%M:%S")


def total(elements, field: str):
    return sum(getattr(element, field) for element in elements)


def test_traffic_of_an_api_is_counted(sdk, world, backend):
    api = world.make_api()
    body = b"x" * 300
    for _ in range(3):
        assert world.call(api, method="POST", body=body).status == 200
    backend.script = lambda request: Answer(404, body=b"no")
    assert [world.call(api).status for _ in range(2)] == [404, 404]
    backend.script = lambda request: Answer(503, body=b"down")
    assert world.call(api).status == 503

    before = int(time.time())
    latest = sdk.list_lately_api_statistics_v2(api_id=api.id, duration="5m")
    assert latest.code == "APIG.0000"
    assert latest.end_time - latest.start_time == 300 and abs(latest.end_time - before) < 30
    elements = latest.list
    assert total(elements, "req_count") == 6
    assert [total(elements, f"req_count{kind}") for kind in ("2xx", "4xx", "5xx", "_error")] == [3, 2, 1, 3]
    assert total(elements, "input_throughput") >= 900 + 6 * 40
    assert total(elements, "output_throughput") > 6 * 40
    for element in elements:
        assert (element.api_id, element.group_id, element.cycle) == (api.id, api.group_id, "minute")
        assert element.provider == world.api.credentials["project_id"]
        assert element.current_minute % 60 == 0 and str(element.req_time) == text(element.current_minute)
        assert element.max_latency >= element.avg_latency > 0
        assert element.avg_latency == pytest.approx(element.avg_inner_latency + element.avg_backend_latency, abs=0.01)
        assert element.max_backend_latency >= element.avg_backend_latency > 0
        assert element.max_inner_latency >= element.avg_inner_latency >= 0


def test_refusals_of_the_gateway_and_mocks_count_without_a_backend(sdk, world):
    api = world.make_mock("fine")
    plugin = world.make_plugin("rate_limit", {
        "scope": "basic", "default_interval": 1, "default_time_unit": "hour", "api_limit": 2, "algorithm": "counter"})
    world.attach(plugin, api)
    assert [world.call(api).status for _ in range(4)] == [200, 200, 429, 429]
    elements = sdk.list_lately_api_statistics_v2(api_id=api.id, duration="1h").list
    assert [total(elements, name) for name in ("req_count", "req_count2xx", "req_count4xx")] == [4, 2, 2]
    assert all(element.max_backend_latency == 0 and element.avg_backend_latency == 0 for element in elements)


def test_an_uncalled_api_has_no_elements(sdk, world):
    assert sdk.list_lately_api_statistics_v2(api_id=world.make_mock().id, duration="72h").list == []


def test_environments_of_an_api_count_together(sdk, world):
    api = world.make_mock()
    environment = world.make_environment()
    world.publish(api, environment["id"])
    assert world.call(api).status == 200
    assert world.call(api, headers=[("X-Stage", environment["name"])]).status == 200
    assert total(sdk.list_lately_api_statistics_v2(api_id=api.id, duration="1h").list, "req_count") == 2


@pytest.mark.parametrize("cycle", ["minute", "hour", "day"])
def test_cycles(sdk, world, cycle):
    api = world.make_mock()
    for _ in range(2):
        world.call(api)
    elements = sdk.list_statistics_api(mode="API", api_id=api.id, cycle=cycle, duration="2h").list
    assert total(elements, "req_count") == 2
    seconds = {"minute": 60, "hour": 3600, "day": 86400}[cycle]
    for element in elements:
        assert element.cycle == cycle
        assert (element.current_minute + 8 * 3600) % seconds == 0
        assert element.current_minute <= time.time() < element.current_minute + seconds + 60


def test_modes_and_filters(fresh_gatehouse, make_world):
    """On a program of its own: sums over the instance are those of this test alone."""
    world = make_world(fresh_gatehouse())
    first, second = world.make_mock(), world.make_mock()
    for _ in range(3):
        world.call(first)
    world.call(second)

    def ask(**query):
        return world.api.expect(200, "GET", "/statistics/api", query={"duration": "1h", "cycle": "hour", **query})["list"]

    everything = ask()
    assert {(e["api_id"], e["group_id"]) for e in everything} == {(first.id, first.group_id), (second.id, second.group_id)}
    assert sum(e["req_count"] for e in everything) == 4
    assert [e["api_id"] for e in ask(api_id=second.id)] == [second.id] * len(ask(api_id=second.id))
    together = ask(mode="ALL")
    assert sum(e["req_count"] for e in together) == 4
    for element in together:
        assert not {"cycle", "api_id", "group_id", "provider", "register_time", "status"} & element.keys()
    assert ask(mode="APP", roma_app_id=hex_id()) == []

    # What has been served stays counted when the API is gone; asked for by name it is unknown.
    world.offline(first)
    world.api.expect(204, "DELETE", f"/apis/{first.id}")
    assert sum(e["req_count"] for e in ask(mode="ALL")) == 4
    world.api.refused(404, "APIG.3002", "GET", "/statistics/api/latest", query={"api_id": first.id, "duration": "1h"})


def test_time_ranges(sdk, world):
    api = world.make_mock()
    world.call(api)
    now = time.time()

    def count(**query):
        answer = sdk.list_statistics_api(mode="API", api_id=api.id, **query)
        return answer, total(answer.list, "req_count")

    answer, calls = count(start_time=text(now - 600), end_time=text(now + 60), duration="1m")
    assert calls == 1 and answer.end_time - answer.start_time == 660, "both ends win over the duration"
    assert count(start_time=text(now - 600), duration="15m")[1] == 1
    assert count(end_time=text(now + 60), duration="15m")[1] == 1
    assert count(end_time=text(now - 3600), duration="15m")[1] == 0
    assert count(duration="2h45m")[1] == 1


def test_counts_survive_a_restart_and_a_stop_loses_none(fresh_gatehouse, make_world):
    program = fresh_gatehouse()
    world = make_world(program)
    api = world.make_mock()
    for _ in range(5):
        world.call(api)
    # Nobody has asked: what was counted is stored at the end.
    assert program.stop() == 0
    again = make_world(fresh_gatehouse(data_dir=program.data_dir))
    query = {"api_id": api.id, "duration": "1h"}
    elements = again.api.expect(200, "GET", "/statistics/api/latest", query=query)["list"]
    assert sum(e["req_count"] for e in elements) == 5
    again.call(api)
    elements = again.api.expect(200, "GET", "/statistics/api/latest", query=query)["list"]
    assert sum(e["req_count"] for e in elements) == 6


@pytest.mark.parametrize("query, message", [
    ({"duration": "1h"}, "api_id"), ({"api_id": "a" * 32}, "duration")])
def test_latest_needs_both(call, query, message):
    assert message in call.refused(400, "APIG.2001", "GET", "/statistics/api/latest", query=query)


def test_refusals(sdk, call, world):
    unknown = hex_id()
    assert sdk.refused(404, "APIG.3002", "list_lately_api_statistics_v2", api_id=unknown, duration="1h").startswith(f"API {unknown} ")
    sdk.refused(404, "APIG.3002", "list_statistics_api", mode="API", api_id=unknown, duration="1h")
    sdk.refused(404, "APIG.3030", "list_statistics_api", instance_id=hex_id(), duration="1h")
    sdk.refused(404, "APIG.3030", "list_lately_api_statistics_v2", instance_id=hex_id(), api_id=unknown, duration="1h")
    assert "api_id" in sdk.refused(400, "APIG.2012", "list_lately_api_statistics_v2", api_id="no such id", duration="1h")
    assert sdk.refused(400, "APIG.2000", "list_statistics_api") == "missing time range parameters"
    sdk.refused(400, "APIG.2001", "list_statistics_api", mode="API", duration="1h")
    sdk.refused(400, "APIG.2001", "list_statistics_api", mode="APP", duration="1h")
    api = world.make_mock()
    for query, name in (
        ({"mode": "EVERY", "duration": "1h"}, "mode"), ({"cycle": "week", "duration": "1h"}, "cycle"),
        ({"duration": "73h"}, "duration"), ({"duration": "91m"}, "duration"), ({"duration": "0m"}, "duration"),
        ({"duration": "soon"}, "duration"), ({"start_time": "yesterday", "duration": "1h"}, "start_time"),
        ({"start_time": "2024-01-01 00:00:00", "end_time": "2024-01-04 00:00:01"}, "start_time"),
        ({"start_time": "2024-01-02 00:00:00", "end_time": "2024-01-01 00:00:00"}, "end_time"),
        ({"api_id": "<>", "duration": "1h"}, "api_id"), ({"roma_app_id": "<>", "duration": "1h"}, "roma_app_id")):
        assert name in call.refused(400, "APIG.2012", "GET", "/statistics/api", query=query), query
    assert "duration" in call.refused(
        400, "APIG.2012", "GET", "/statistics/api/latest", query={"api_id": api.id, "duration": "1w"})
