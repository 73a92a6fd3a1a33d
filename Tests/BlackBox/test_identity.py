"""Logging in the ways that the vendor's and OpenStack's clients do, and what is refused (issue 2, identity)."""

import hashlib
import http.client
import json
import logging
import threading

import openstack
import pytest
from harness.management import Call
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exception_handler import DefaultExceptionHandler
from huaweicloudsdkcore.http.http_client import HttpClient
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.http.http_handler import HttpHandler
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkroma.v2 import RomaClient


def exchange(program, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(*program.management, timeout=60)
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, data, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert len(answer.headers["X-Request-Id"]) == 32
    assert answer.headers["Server"] == "api-gateway"
    return answer, json.loads(content) if content else None


def login_body(credentials, *, password=None, scope="project", user=None):
    identity = {"methods": ["password"], "password": {"user": {
        "name": user or credentials["user_name"], "password": password or credentials["password"],
        "domain": {"name": credentials["domain_name"]}}}}
    scopes = {
        "project": {"project": {"name": credentials["project_name"]}},
        "project_id": {"project": {"id": credentials["project_id"]}},
        "domain": {"domain": {"name": credentials["domain_name"]}}}
    auth = {"identity": identity}
    if scope:
        auth["scope"] = scopes[scope]
    return {"auth": auth}


def token_of(program, **options):
    answer, _ = exchange(program, "POST", "/v3/auth/tokens", body=login_body(program.credentials, **options))
    assert answer.status == 201
    return answer.headers["X-Subject-Token"]


@pytest.fixture(scope="module")
def token(gatehouse):
    return token_of(gatehouse)


def signs(program):
    c = program.credentials
    return f"/v2/{c['project_id']}/apic/instances/{c['instance_id']}/signs"


# Clients --------------------------------------------------------------------------------------

def test_openstacksdk_logs_in_and_finds_its_way(gatehouse):
    c = gatehouse.credentials
    connection = openstack.connect(
        load_yaml_config=False, load_envvars=False, auth_url=c["iam_endpoint"], username=c["user_name"],
        password=c["password"], project_name=c["project_name"], user_domain_name=c["domain_name"],
        project_domain_name=c["domain_name"], region_name=c["region"], identity_api_version="3")
    assert connection.current_project_id == c["project_id"]
    assert connection.session.auth.get_access(connection.session).role_names == ["Tenant Administrator"]
    assert connection.session.get_endpoint(service_type="apigv2", region_name=c["region"]) == c["management_endpoint"] + "/v2"
    assert [p.id for p in connection.identity.projects(name=c["project_name"])] == [c["project_id"]]
    assert connection.identity.get_project(c["project_id"]).name == c["project_name"]
    answer = connection.session.get(f"{c['management_endpoint']}/v2/{c['project_id']}/apigw/instances/{c['instance_id']}/signs")
    assert answer.status_code == 200


def test_the_vendors_sdk_finds_project_and_domain_by_signature(gatehouse):
    c = gatehouse.credentials
    # Without a project id the SDK asks for the one project that is named like the region.
    credentials = BasicCredentials(c["access_key"], c["secret_key"]).with_iam_endpoint(c["management_endpoint"])
    client = (RomaClient.new_builder().with_http_config(HttpConfig.get_default_config()).with_credentials(credentials)
              .with_region(Region(c["region"], c["management_endpoint"])).build())
    assert client is not None and credentials.project_id == c["project_id"]
    everywhere = GlobalCredentials(c["access_key"], c["secret_key"]).with_iam_endpoint(c["management_endpoint"])
    everywhere.process_auth_params(HttpClient(
        HttpConfig.get_default_config(), HttpHandler(), DefaultExceptionHandler(), logging.getLogger("sdk")), "global")
    assert everywhere.domain_id == c["domain_id"]


# Tokens ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("scope", ["project", "project_id"])
def test_a_project_token_opens_the_project(gatehouse, scope):
    token = token_of(gatehouse, scope=scope)
    answer, _ = exchange(gatehouse, "GET", signs(gatehouse), {"X-Auth-Token": token})
    assert answer.status == 200


@pytest.mark.parametrize("scope", [None, "domain"])
def test_a_token_without_project(gatehouse, scope):
    token = token_of(gatehouse, scope=scope)
    answer, body = exchange(gatehouse, "GET", signs(gatehouse), {"X-Auth-Token": token})
    assert (answer.status, body["error_code"]) == (401, "APIG.1003")
    answer, body = exchange(gatehouse, "GET", "/v3/auth/domains", {"X-Auth-Token": token})
    assert body["domains"][0]["id"] == gatehouse.credentials["domain_id"]


def test_a_revoked_token_is_unknown(gatehouse, token):
    other = token_of(gatehouse)
    both = {"X-Auth-Token": token, "X-Subject-Token": other}
    assert exchange(gatehouse, "HEAD", "/v3/auth/tokens", both)[0].status == 200
    answer, body = exchange(gatehouse, "GET", "/v3/auth/tokens", both)
    assert answer.status == 200 and body["token"]["project"]["id"] == gatehouse.credentials["project_id"]
    assert exchange(gatehouse, "DELETE", "/v3/auth/tokens", both)[0].status == 204
    assert exchange(gatehouse, "GET", "/v3/auth/tokens", both)[0].status == 404
    answer, body = exchange(gatehouse, "GET", signs(gatehouse), {"X-Auth-Token": other})
    assert (answer.status, body["error_code"]) == (401, "APIG.1002")


def test_tokens_survive_a_kill_and_are_not_in_the_store(fresh_gatehouse):
    program = fresh_gatehouse()
    token = token_of(program)
    secrets = [program.credentials[n].encode() for n in ("password", "secret_key")] + [token.encode()]
    program.kill()
    for file in program.data_dir.rglob("*"):
        if file.is_file() and file.name != "credentials.json":
            content = file.read_bytes()
            assert not [s for s in secrets if s in content], f"a secret is in {file.name}"
            if file.name.endswith((".db", ".sqlite")):
                assert hashlib.sha256(token.encode()).hexdigest().encode() in b"".join(
                    f.read_bytes() for f in program.data_dir.iterdir() if f.name.startswith(file.name))
    again = fresh_gatehouse(data_dir=program.data_dir)
    assert exchange(again, "GET", signs(again), {"X-Auth-Token": token})[0].status == 200
    assert token not in again.log


# Refusals -------------------------------------------------------------------------------------

@pytest.mark.parametrize("headers, code, text", [
    ({}, "APIG.1000", "The token is missing."),
    ({"X-Auth-Token": ""}, "APIG.1000", "The token is missing."),
    ({"Authorization": "Basic YTpi"}, "APIG.1000", "The token is missing."),
    ({"X-Auth-Token": "x"}, "APIG.1002", "Incorrect token or token resolution failed"),
    ({"X-Auth-Token": "x" * 20000}, "APIG.1002", "Incorrect token or token resolution failed"),
    ({"Authorization": "SDK-HMAC-SHA256 nonsense"}, "APIG.1002", "Incorrect token or token resolution failed"),
    ({"Authorization": "V11-HMAC-SHA256 Credential=a"}, "APIG.1002", "Incorrect token or token resolution failed"),
])
def test_no_or_bad_credentials(gatehouse, headers, code, text):
    answer, body = exchange(gatehouse, "GET", signs(gatehouse), headers)
    assert (answer.status, body["error_code"], body["error_msg"]) == (401, code, text)


def test_signatures_of_others_and_of_other_times(gatehouse):
    wrong = dict(gatehouse.credentials, secret_key="x" * 40)
    assert Call(wrong, gatehouse.management).refused(401, "APIG.1002", "GET", "/signs")
    unknown = dict(gatehouse.credentials, access_key="UNKNOWN")
    assert Call(unknown, gatehouse.management).refused(401, "APIG.1002", "GET", "/signs")
    call = Call(gatehouse.credentials, gatehouse.management)
    assert call.refused(401, "APIG.1002", "GET", "/signs", headers={"X-Sdk-Date": "20240102T030405Z"})
    assert call.refused(403, "APIG.1005", "GET", "/signs", headers={"X-Project-Id": "0" * 32})


def test_another_project_and_another_instance(gatehouse, call):
    c = gatehouse.credentials
    other = "0" * 32
    message = call.refused(403, "APIG.1005", "GET", f"/v2/{other}/apic/instances/{c['instance_id']}/signs")
    assert message == "No permissions to request this method"
    message = call.refused(404, "APIG.3030", "GET", f"/v2/{c['project_id']}/apic/instances/{other}/signs")
    assert message == f"The instance does not exist;id:{other}"
    assert call.refused(404, "APIC.7302", "GET", f"/v2/{c['project_id']}/apic/instances/{other}") == "Instance not found"
    assert call.refused(403, "APIC.7130", "GET", f"/v2/{other}/apic/instances/{c['instance_id']}")
    assert call.refused(400, "APIG.2012", "GET", f"/v2/{c['project_id']}/apic/instances/a.b/signs")


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"user": "nobody"}])
def test_wrong_logins_look_alike(gatehouse, change):
    answer, body = exchange(gatehouse, "POST", "/v3/auth/tokens", body=login_body(gatehouse.credentials, **change))
    assert answer.status == 401 and answer.headers["X-Subject-Token"] is None
    assert body == {"error": {
        "code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}}


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v2/nothing", 404), ("OPTIONS", "/nothing", 404), ("HEAD", "/nothing", 404), ("TRACE", "/v3", 405),
    ("OPTIONS", "/v3/auth/tokens", 405), ("PUT", "/v3/auth/tokens", 405), ("GET", "/v2//", 404), ("GET", "/%00", 404),
    ("GET", "/" + "a/" * 4000, 404), ("GET", "/" + "a" * 9000, 414),
])
def test_unknown_routes_and_methods(gatehouse, method, path, status):
    answer, body = exchange(gatehouse, method, path)
    assert answer.status == status
    if status == 404 and method != "HEAD":
        assert body["error_code"] == "APIG.9996" and body["error_msg"] == "The request URL does not exist."


# Robustness -----------------------------------------------------------------------------------

@pytest.mark.parametrize("data", [
    b"", b"{", b"[]", b"null", b"\xff\xfe{\x00}\x00", b"[" * 100_000, b'{"auth":' * 500, b'{"auth":{"identity":{"methods":"password"}}}',
    b'{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"a","password":7}}}}}',
])
def test_malformed_logins(gatehouse, data):
    answer, body = exchange(gatehouse, "POST", "/v3/auth/tokens", body=data)
    assert answer.status in (400, 413) and body["error"]["code"] == answer.status


def test_a_flood_of_logins_starves_nobody(gatehouse, token):
    statuses = []

    def flood():
        answer, _ = exchange(gatehouse, "POST", "/v3/auth/tokens", body=login_body(gatehouse.credentials, password="wrong"))
        statuses.append(answer.status)

    threads = [threading.Thread(target=flood) for _ in range(40)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert exchange(gatehouse, "GET", signs(gatehouse), {"X-Auth-Token": token})[0].status == 200
    assert set(statuses) <= {401, 503} and 401 in statuses


def test_probes_need_no_credentials(gatehouse):
    assert gatehouse.status_of("/livez") == 200
    assert gatehouse.status_of("/readyz") == 200
    connection = http.client.HTTPConnection(*gatehouse.management, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    assert "gatehouse_configuration_revision " in text
    for secret in (gatehouse.credentials["project_id"], gatehouse.credentials["access_key"]):
        assert secret not in text
