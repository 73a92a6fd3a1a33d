"""Logging in: tokens, AK/SK, roles, openstacksdk."""

from __future__ import annotations

import subprocess

import pytest

from harness.management import Call
from harness.process import executable
from harness.world import unique


def password_body(credentials, **changes):
    user = {"name": credentials["user_name"], "password": credentials["password"], "domain": {"name": credentials["domain_name"]}, **changes}
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
                     "scope": {"project": {"name": credentials["project_name"]}}}}


@pytest.fixture
def token(gatehouse, call):
    result = call.post("/v3/auth/tokens", password_body(gatehouse.credentials), authenticate=False)
    assert result.status == 201, result.body
    return result


def test_token(gatehouse, token):
    body = token.json()["token"]
    assert body["project"]["id"] == gatehouse.credentials["project_id"] and body["user"]["name"] == gatehouse.credentials["user_name"]
    assert body["methods"] == ["password"] and body["expires_at"] > body["issued_at"] and body["catalog"] and body["roles"]
    with_token = Call(gatehouse.credentials, gatehouse.management, token.headers["X-Subject-Token"])
    assert with_token.get("/signs").status == 200


def test_token_life(gatehouse, call, token):
    subject = token.headers["X-Subject-Token"]
    own = {"X-Subject-Token": subject, "X-Auth-Token": subject}
    assert call.get("/v3/auth/tokens", headers=own, authenticate=False).status == 200
    assert call.delete("/v3/auth/tokens", headers=own, authenticate=False).status == 204
    assert Call(gatehouse.credentials, gatehouse.management, subject).get("/signs").status == 401


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"name": "nobody"}, {"domain": {"name": "nowhere"}}, {"password": ""}])
def test_wrong_login(gatehouse, call, changes):
    result = call.post("/v3/auth/tokens", password_body(gatehouse.credentials, **changes), authenticate=False)
    assert result.status == 401 and result.json()["error"]["code"] == 401
    assert gatehouse.credentials["password"].encode() not in result.body


def test_projects_domains_catalog(gatehouse, call, token):
    headers = {"X-Auth-Token": token.headers["X-Subject-Token"]}
    for path, key in (("/v3/projects", "projects"), ("/v3/auth/projects", "projects"), ("/v3/auth/domains", "domains"), ("/v3/auth/catalog", "catalog")):
        assert call.get(path, headers=headers, authenticate=False).json()[key], path
    found = call.get(f"/v3/projects?name={gatehouse.credentials['region']}", headers=headers, authenticate=False).json()["projects"]
    assert [project["id"] for project in found] == [gatehouse.credentials["project_id"]], "the SDK wants exactly one"
    assert call.get("/v3", authenticate=False).json()["version"]["id"].startswith("v3")


def test_sdk_finds_its_project(gatehouse):
    """Without a project id the SDK looks it up by region, signed with AK/SK."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.region.region import Region
    from huaweicloudsdkroma.v2 import ListSignatureKeysV2Request, RomaClient
    credentials = gatehouse.credentials
    login = BasicCredentials(credentials["access_key"], credentials["secret_key"]).with_iam_endpoint(gatehouse.endpoint)
    client = RomaClient.new_builder().with_credentials(login).with_region(Region(credentials["region"], gatehouse.endpoint)).build()
    assert client.list_signature_keys_v2(ListSignatureKeysV2Request(credentials["instance_id"])).total >= 0


def test_openstacksdk_logs_in(gatehouse):
    import openstack
    credentials = gatehouse.credentials
    connection = openstack.connection.Connection(
        auth={"auth_url": f"{gatehouse.endpoint}/v3", "username": credentials["user_name"], "password": credentials["password"],
              "user_domain_name": credentials["domain_name"], "project_name": credentials["project_name"],
              "project_domain_name": credentials["domain_name"]}, region_name=credentials["region"], identity_api_version="3")
    assert connection.current_project_id == credentials["project_id"] and len(connection.auth_token) > 20


def user(gatehouse, *arguments):
    return subprocess.run([str(executable()), "user", *arguments, "--data-dir", str(gatehouse.data_dir)],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def test_apigw_alias(gatehouse, call, world):
    sign = world.make_sign()
    alias = call.full(f"/signs?id={sign['id']}").replace("/apic/", "/apigw/")
    assert call.get(alias).json()["signs"][0]["id"] == sign["id"]
