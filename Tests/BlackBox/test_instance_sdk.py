"""The instance and its features through the official SDK."""

import pytest

from harness.world import hex_id


def test_details(sdk, gatehouse):
    found = sdk.show_details_of_instance_v2()
    assert (found.id, found.project_id) == (gatehouse.credentials["instance_id"], gatehouse.credentials["project_id"])
    assert (found.status, found.instance_status) == ("Running", 6)
    assert {"public_key", "cors", "rate_limit_plugin", "sign_aes"} <= set(found.supported_features)


def test_unknown_instance(sdk):
    sdk.refused(404, "APIC.7302", "show_details_of_instance_v2", instance_id=hex_id())


def test_features(sdk):
    listed = sdk.list_features_v2(limit=500)
    assert listed.size == len(listed.features) == listed.total
    by_name = {feature.name: feature for feature in listed.features}
    assert "real_ip_from_xff" in by_name and "public_key" in by_name
    done = sdk.create_feature_v2(body={"name": "backend_timeout", "enable": True, "config": '{"max_timeout": 50000}'})
    assert (done.name, done.enable) == ("backend_timeout", True)
    again = {feature.name: feature for feature in sdk.list_features_v2(limit=500).features}["backend_timeout"]
    assert "50000" in again.config and again.enable is True
    sdk.create_feature_v2(body={"name": "backend_timeout", "enable": True, "config": '{"max_timeout": 60000}'})


@pytest.mark.parametrize("body, status, code", [
    ({"name": "app-api-key", "enable": True}, 400, None), ({"name": "no_such_feature", "enable": True}, 400, "APIG.2000"),
    ({"name": "backend_timeout", "enable": True, "config": '{"max_timeout": 0}'}, 400, None),
    ({"name": "backend_timeout", "enable": True, "config": '{"max_timeout": 600001}'}, 400, None),
    ({"name": "real_ip_from_xff", "enable": True, "config": "{broken"}, 400, None), ({"enable": True}, 400, None)])
def test_feature_refusals(call, body, status, code):
    result = call.post("/features", body)
    assert result.status == status and (code is None or result.code == code), result.body
    if body.get("name") == "no_such_feature":
        assert result.message == "unrecognized feature no_such_feature"
