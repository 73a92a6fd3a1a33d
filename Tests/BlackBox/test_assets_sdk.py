"""Assets through the official SDK: whole applications exported, imported and deleted as jobs."""

import io
import json
import re
import time
import zipfile

import pytest
from huaweicloudsdkcore.http.formdata import FormFile
from huaweicloudsdkroma.v2 import ImportAssetRequestBody

from harness.management import RELEASE, Call, Sdk
from harness.world import World, hex_id, unique

SCRIPT = "cmV0dXJuIDE="
MILLISECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def public(call, path: str) -> str:
    """A path of the public resources of the instance."""
    return f"/v2/{call.credentials['project_id']}/instances/{call.credentials['instance_id']}{path}"


def invalid(field: str) -> str:
    return f"Invalid parameter value,parameterName:{field}. Please refer to the support documentation"


def file(answer) -> bytes:
    """The content of an answer that the SDK leaves as a stream."""
    parts: list[bytes] = []
    answer.consume_download_stream(lambda response: parts.append(response.content))
    return parts[0]


def ended(sdk, job_id: str):
    """The job once it has ended; progress never goes back."""
    progress = 0.0
    deadline = time.monotonic() + 60
    while True:
        job = sdk.check_asset_job_status(job_id=job_id)
        assert progress <= job.progress_percent <= 1
        progress = job.progress_percent
        if job.status != "RUNNING":
            return job
        assert time.monotonic() < deadline, "the job does not end"


def export(sdk, *apps) -> bytes:
    started = sdk.export_asset(body={"apps": [{"id": app} for app in apps], "tasks": []})
    job = ended(sdk, started.job_id)
    assert (job.status, job.type, job.reasons, job.progress_percent) == ("SUCCEEDED", "exportAsset", [], 1)
    return file(sdk.download_asset_archive(archive_id=job.archive_id))


def remove(sdk, *apps):
    return ended(sdk, sdk.delete_asset(body={"apps": [{"id": app} for app in apps], "tasks": []}).job_id)


@pytest.fixture
def send(tmp_path):
    """Imports an archive; gives the job's id."""
    def send(sdk, archive: bytes, name: str = "assets.zip") -> str:
        path = tmp_path / f"{unique('file')}_{name}"
        path.write_bytes(archive)
        return sdk.import_asset(body=ImportAssetRequestBody(import_asset_request_body=FormFile(str(path)))).job_id

    return send


class Assets:
    """An application with one of everything that belongs to it, and what those refer to."""

    def __init__(self, world: World, sdk, functions: bool = True):
        self.world = world
        self.sdk = sdk
        call = world.api
        self.app = sdk.create_roma_app(body={"name": unique("app"), "remark": "a remark"})
        self.group = world.make_group(version="V2", roma_app_id=self.app.id, remark="own")
        self.shared = world.make_group(remark="shared")
        self.channel = call.expect(201, "POST", "/vpc-channels", {
            "name": unique("channel"), "port": 80, "balance_strategy": 1, "member_type": "ip"})
        self.key = sdk.create_signature_key_v2(body={"name": unique("sign")})
        self.rule = call.expect(201, "POST", f"{call.instance_path.replace('/apic/', '/apigw/')}/orchestrations", {
            "orchestration_name": unique("rule"), "orchestration_strategy": "hash", "is_preprocessing": False,
            "orchestration_mapped_param": {
                "mapped_param_name": "shard", "mapped_param_type": "string", "mapped_param_location": "header"}})
        rich = world.definition(self.group["id"], "/" + unique("rich") + "/{id}", "POST", roma_app_id=self.app.id)
        rich["remark"] = "rich"
        rich["tags"] = ["one", "two"]
        rich["req_params"] = [
            {"name": "id", "type": "STRING", "location": "PATH", "required": 1, "valid_enable": 1},
            {"name": "q", "type": "NUMBER", "location": "QUERY", "required": 2, "default_value": "5", "valid_enable": 1,
             "min_num": 1, "max_num": 9},
            {"name": "user", "type": "STRING", "location": "HEADER", "required": 2,
             "orchestrations": [self.rule["orchestration_id"]]}]
        rich["backend_api"].pop("url_domain", None)
        rich["backend_api"].update(
            vpc_channel_status=1, vpc_channel_info={"vpc_channel_id": self.channel["id"]},
            req_uri="/back/{id}")
        rich["backend_params"] = [
            {"name": "id", "origin": "REQUEST", "location": "PATH", "value": "id"},
            {"name": "fixed", "origin": "CONSTANT", "location": "HEADER", "value": "v"}]
        self.rich = call.expect(201, "POST", "/apis", rich)
        mock = {
            **{name: value for name, value in world.definition(
                self.shared["id"], "/" + unique("mock"), "GET").items() if name != "backend_api"},
            "backend_type": "MOCK", "mock_info": {"result_content": "hello", "status_code": 201},
            "roma_app_id": self.app.id}
        self.mock = call.expect(201, "POST", "/apis", mock)
        self.plugin = sdk.create_plugin(body={
            "plugin_name": unique("plugin"), "plugin_type": "set_resp_headers", "plugin_scope": "app",
            "roma_app_id": self.app.id, "remark": "r", "plugin_content": json.dumps(
                {"response_headers": [{"name": "X-A", "value": "b", "action": "override"}]})})
        self.livedata = sdk.create_live_data_api_v2(body={
            "name": unique("livedata"), "path": "/" + unique("orders"), "method": "GET", "version": "1.0.1",
            "content_type": "json", "roma_app_id": self.app.id, "api_signature_id": self.key.id,
            "parameters": [{"name": "p", "in": "Headers", "default": "d"}]})
        sdk.create_live_data_api_script_v2(ld_api_id=self.livedata.id, body={
            "api_type": "function", "scripts": [{"object_name": "a", "content": SCRIPT}]})


#: What differs between an object and its copy.
OWN = {"id", "group_id", "register_time", "update_time", "create_time", "created_time", "modified_time", "roma_app_id",
       "sl_domain", "sl_domains", "plugin_id", "api_group_info", "req_param_id",
       "response_id"}


def without_own(value):
    if isinstance(value, dict):
        return {name: without_own(item) for name, item in value.items() if name not in OWN}
    return [without_own(item) for item in value] if isinstance(value, list) else value


def inventory(call: Call, app_name: str) -> dict:
    """Everything of an application, without what every copy has of its own."""
    app = next(app for app in call.expect(200, "GET", public(call, "/apps"), query={"limit": "100", "name": app_name})["apps"])
    apis = call.expect(200, "GET", "/apis", query={"roma_app_id": app["id"]})["apis"]
    groups = call.expect(200, "GET", "/api-groups", query={"roma_app_id": app["id"]})["groups"]
    plugins = call.expect(200, "GET", "/plugins", query={"roma_app_id": app["id"]})["plugins"]
    livedata = call.expect(200, "GET", "/livedata-apis", query={"app_id": app["id"]})["apis"]
    return without_own({
        "app": {name: app[name] for name in ("name", "remark")},
        "apis": sorted(
            (call.expect(200, "GET", f"/apis/{api['id']}") for api in apis), key=lambda api: api["name"]),
        "groups": groups, "plugins": plugins,
        "livedata": [call.expect(200, "GET", f"/livedata-apis/{api['id']}") for api in livedata]})


@pytest.fixture
def assets(world, sdk):
    return Assets(world, sdk)


# The whole way ------------------------------------------------------------------------------------
def test_export_delete_and_import_again(sdk, call, assets, send):
    before = inventory(call, assets.app.name)
    assert len(before["apis"]) == 2 and len(before["livedata"][0]["scripts"]) == 1
    archive = export(sdk, assets.app.id)
    # Two drafts of the same claim the same.
    job = ended(sdk, send(sdk, archive))
    assert (job.status, [reason.resource_name for reason in job.reasons]) == ("FAILED", [assets.app.name])
    assert job.reasons[0].error_code == "ROMA.00013000" and job.reasons[0].resource_type == "application"
    assert inventory(call, assets.app.name) == before
    job = remove(sdk, assets.app.id)
    assert (job.status, job.type, job.reasons, job.progress_percent) == ("SUCCEEDED", "deleteAsset", [], 1)
    sdk.refused(404, "ROMA.00110006", "check_roma_app_details", app_id=assets.app.id)
    call.refused(404, "APIG.3002", "GET", f"/apis/{assets.rich['id']}")
    call.refused(404, "APIG.3001", "GET", f"/api-groups/{assets.group['id']}")
    sdk.refused(404, "APIG.3068", "show_plugin", plugin_id=assets.plugin.plugin_id)
    sdk.refused(404, "APIG.3084", "show_live_data_api_v2", ld_api_id=assets.livedata.id)
    job = ended(sdk, send(sdk, archive))
    assert (job.status, job.type, job.reasons, job.progress_percent) == ("SUCCEEDED", "importAsset", [], 1)
    assert re.fullmatch(MILLISECONDS, job.begin_time) and job.begin_time <= job.end_time
    assert inventory(call, assets.app.name) == before
    # A new key: the old one was that of another application.
    app = next(app for app in sdk.list_roma_app(name=assets.app.name).apps)
    assert app.key != assets.app.key and app.id != assets.app.id


def test_import_into_another_instance(sdk, assets, send, fresh_gatehouse, backend):
    """Where the names that the archive refers to exist."""
    archive = export(sdk, assets.app.id)
    before = inventory(assets.world.api, assets.app.name)
    other = fresh_gatehouse()
    call = Call(other.credentials, other.management)
    there = Sdk(other.credentials, other.endpoint)
    job = ended(there, send(there, archive))
    assert job.status == "FAILED" and len(job.reasons) == 1
    assert call.expect(200, "GET", public(call, "/apps"))["total"] == 0
    world = World(other, call, backend)
    call.expect(201, "POST", "/vpc-channels", {
        "name": assets.channel["name"], "port": 80, "balance_strategy": 1, "member_type": "ip"})
    call.expect(201, "POST", "/signs", {"name": assets.key.name})
    call.expect(201, "POST", f"{call.instance_path.replace('/apic/', '/apigw/')}/orchestrations", {
        "orchestration_name": assets.rule["orchestration_name"], "orchestration_strategy": "hash", "is_preprocessing": False,
        "orchestration_mapped_param": {
            "mapped_param_name": "shard", "mapped_param_type": "string", "mapped_param_location": "header"}})
    job = ended(there, send(there, archive))
    assert (job.status, job.reasons) == ("SUCCEEDED", [])

    def shape(found: dict) -> dict:
        """Without ids of what the archive refers to, which differ by instance."""
        text = json.dumps(found, sort_keys=True, ensure_ascii=False)
        return json.loads(re.sub('"[0-9a-f]{32}"', '"id"', text).replace(
            assets.world.api.credentials["instance_id"], "instance").replace(call.credentials["instance_id"], "instance"))

    assert shape(inventory(call, assets.app.name)) == shape(before)
    # What was imported can be published and answers.
    mock = next(api for api in call.expect(200, "GET", "/apis", query={"name": assets.mock["name"]})["apis"])
    call.expect(201, "POST", "/apis/action", {"api_id": mock["id"], "env_id": RELEASE, "action": "online"})
    assert world is not None and call.expect(200, "GET", f"/apis/{mock['id']}")["run_env_id"] == RELEASE


def test_archives_hold_no_secrets(sdk, assets):
    archive = export(sdk, assets.app.id)
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert read.testzip() is None and read.namelist() == ["assets.json", "applications/1.json"]
        manifest = json.loads(read.read("assets.json"))
        assert manifest == {"format": "gatehouse-assets", "version": 1, "applications": ["applications/1.json"]}
        text = read.read("applications/1.json").decode()
    secret = sdk.check_roma_app_secret(app_id=assets.app.id).secret
    sign = next(key for key in sdk.list_signature_keys_v2(id=assets.key.id).signs)
    assert secret not in text and assets.app.key not in text and sign.sign_secret not in text
    document = json.loads(text)
    assert document["application"] == {"name": assets.app.name, "remark": "a remark"}
    assert {ref["name"] for ref in document["references"].values()} == {
        assets.shared["name"], assets.channel["name"], assets.key.name, assets.rule["orchestration_name"]}


def test_an_archive_is_downloaded_once(sdk, assets):
    job = ended(sdk, sdk.export_asset(body={"apps": [{"id": assets.app.id}], "tasks": []}).job_id)
    assert file(sdk.download_asset_archive(archive_id=job.archive_id)).startswith(b"PK")
    sdk.refused(404, "ROMA.00110006", "download_asset_archive", archive_id=job.archive_id)
    assert sdk.check_asset_job_status(job_id=job.id).archive_id == job.archive_id


# Deletion -----------------------------------------------------------------------------------------
def test_what_is_in_use_is_not_deleted(sdk, call, assets):
    other = sdk.create_roma_app(body={"name": unique("app")})
    call.expect(201, "POST", "/apis/action", {"api_id": assets.mock["id"], "env_id": RELEASE, "action": "online"})
    job = remove(sdk, assets.app.id, other.id)
    # Each application by itself: all of it or nothing.
    assert (job.status, len(job.reasons)) == ("FAILED", 1)
    assert (job.reasons[0].resource_name, job.reasons[0].error_code) == (assets.app.name, "APIG.4016")
    sdk.refused(404, "ROMA.00110006", "check_roma_app_details", app_id=other.id)
    assert len(inventory(call, assets.app.name)["apis"]) == 2
    call.expect(201, "POST", "/apis/action", {"api_id": assets.mock["id"], "env_id": RELEASE, "action": "offline"})
    sdk.publish_live_data_api_v2(ld_api_id=assets.livedata.id, body={"deploy_front_api": False})
    assert remove(sdk, assets.app.id).reasons[0].error_code == "APIG.3400"
    sdk.unpublish_live_data_api_v2(ld_api_id=assets.livedata.id)
    assert remove(sdk, assets.app.id).status == "SUCCEEDED"


# Refusals -----------------------------------------------------------------------------------------
def test_refused_exports_and_deletions(sdk, call, assets):
    unknown = hex_id()
    for operation in ("export_asset", "delete_asset"):
        assert unknown in sdk.refused(404, "ROMA.00110006", operation, {"apps": [{"id": unknown}], "tasks": []})
        # Tasks of data integration do not exist here.
        assert unknown in sdk.refused(404, "ROMA.00110006", operation, {
            "apps": [{"id": assets.app.id}], "tasks": [{"id": unknown}]})
        assert sdk.refused(400, "ROMA.00013000", operation, {"apps": [], "tasks": []}) == invalid("apps")
        for apps in ([{"id": "a b"}], [{}], [{"id": assets.app.id}] * 2, [{"id": hex_id()} for _ in range(101)]):
            assert sdk.refused(400, "ROMA.00013000", operation, {"apps": apps, "tasks": []}) == invalid("apps")
        sdk.refused(404, "ROMA.00110006", operation, {"apps": [{"id": assets.app.id}], "tasks": []}, instance_id=hex_id())
    call.refused(400, "ROMA.00013000", "POST", public(call, "/assets/export"), {})
    call.refused(400, "ROMA.00013000", "POST", public(call, "/assets/delete"), {"apps": [{"id": assets.app.id}]})
    call.refused(401, "ROMA.00012000", "POST", public(call, "/assets/export"), {"apps": []}, authenticate=False)
    sdk.refused(404, "ROMA.00110006", "check_asset_job_status", job_id=hex_id())
    sdk.refused(404, "ROMA.00110006", "download_asset_archive", archive_id=hex_id())
    sdk.refused(400, "ROMA.00013000", "check_asset_job_status", job_id="a b")


def zipped(files: dict, method=zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def package(*applications: dict, **manifest) -> bytes:
    names = [f"applications/{index}.json" for index in range(len(applications))]
    return zipped({
        "assets.json": json.dumps({"format": "gatehouse-assets", "version": 1, "applications": names, **manifest}),
        **{name: json.dumps(application) for name, application in zip(names, applications)}})


def application(**parts) -> dict:
    return {
        "application": {"name": unique("app")}, "groups": [], "plugins": [], "apis": [], "livedata_apis": [],
        "references": {}, **parts}


@pytest.mark.parametrize("archive, code", [
    (b"no archive", "ROMA.10011"), (b"", "ROMA.10011"), (package(application())[:-10], "ROMA.10011"),
    (zipped({"../assets.json": "{}"}), "ROMA.10011"),
    (zipped({"assets.json": " " * 40_000_000}), "ROMA.10011"),
    (zipped({f"{index}": "" for index in range(102)}), "ROMA.10011"),
    (zipped({"other.json": "{}"}), "ROMA.00013000"), (zipped({"assets.json": "["}), "ROMA.00013000"),
    (package(application(), version=2), "ROMA.00013000"), (package(application(), format="x"), "ROMA.00013000"),
    (package(), "ROMA.00013000"), (package(application(), applications=["gone.json"]), "ROMA.00013000")])
def test_archives_that_are_refused(sdk, send, archive, code):
    with pytest.raises(sdk.Refusal) as refusal:
        send(sdk, archive)
    assert (refusal.value.status_code, refusal.value.error_code) == (400, code)


def test_refused_forms(sdk, call, send):
    with pytest.raises(sdk.Refusal) as refusal:
        send(sdk, package(application()), name="assets.tar")
    assert (refusal.value.error_code, refusal.value.error_msg) == ("ROMA.10013", "Only ZIP file names are supported.")
    call.refused(400, "ROMA.00013000", "POST", public(call, "/assets/import"), {"a": "b"})
    body = b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n'
    assert call.refused(
        400, "ROMA.00013000", "POST", public(call, "/assets/import"), raw=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"}) == invalid("ImportAssetRequestBody")
    call.refused(401, "ROMA.00012000", "POST", public(call, "/assets/import"), raw=body, authenticate=False)


@pytest.mark.parametrize("parts, code, part", [
    ({"application": {"name": "<"}}, "ROMA.00013000", "<"),
    ({"groups": [{"id": "g", "name": "1"}]}, "ROMA.00013000", "1"),
    ({"groups": [{"id": "a b", "name": "group"}]}, "ROMA.00013000", "group"),
    ({"apis": [{"name": "api"}]}, "ROMA.00013000", "api"),
    ({"plugins": [{"plugin_name": "plugin", "plugin_type": "other", "plugin_scope": "app", "plugin_content": "{}"}]},
     "ROMA.00013000", "plugin"),
    ({"livedata_apis": [{"definition": {"name": "livedata"}, "scripts": {"scripts": []}}]}, "ROMA.00013000", "livedata"),
    ({"references": {"a" * 32: {"kind": "vpcChannel", "name": "gone"}}}, "ROMA.00110006", "gone"),
    ({"apis": 1}, "ROMA.00013000", "applications/0.json")])
def test_applications_that_cannot_be_made(sdk, send, parts, code, part):
    """A job that fails says which application, which part of it, and why; no other application is made either."""
    good = application()
    bad = application(**parts)
    job = ended(sdk, send(sdk, package(bad, good)))
    assert (job.status, len(job.reasons)) == ("FAILED", 1)
    assert job.reasons[0].error_code == code and job.reasons[0].error_msg.startswith(part + ": ")
    assert sdk.list_roma_app(name=good["application"]["name"]).total == 0


def test_every_application_at_fault_is_named(sdk, send):
    taken = sdk.create_roma_app(body={"name": unique("app")})
    twice = [{"id": "g", "name": unique("group")}] * 2
    job = ended(sdk, send(sdk, package(
        application(application={"name": taken.name}), application(), application(groups=twice))))
    assert [(reason.resource_name == taken.name, reason.error_code) for reason in job.reasons] == [
        (True, "ROMA.00013000"), (False, "APIG.3201")]


# One job at a time --------------------------------------------------------------------------------
def test_one_job_of_a_user_at_a_time(sdk, send):
    """A job of many applications runs while the next one is asked for; afterwards it may begin."""
    many = package(*(application(groups=[
        {"id": f"g{number}", "name": unique("group")} for number in range(20)]) for _ in range(40)))
    first = send(sdk, many)
    refusals = []
    while sdk.check_asset_job_status(job_id=first).status == "RUNNING":
        try:
            second = send(sdk, package(application()))
        except sdk.Refusal as refusal:
            assert (refusal.status_code, refusal.error_code, refusal.error_msg) == (
                400, "ROMA.10012", "An asset task is running.")
            refusals.append(refusal)
        else:
            # The first ended in between.
            ended(sdk, second)
            break
    assert ended(sdk, first).status == "SUCCEEDED" and refusals
    assert ended(sdk, send(sdk, package(application()))).status == "SUCCEEDED"


def test_a_job_does_not_outlive_the_program(fresh_gatehouse, send):
    program = fresh_gatehouse()
    sdk = Sdk(program.credentials, program.endpoint)
    first = send(sdk, package(*(application(groups=[
        {"id": f"g{number}", "name": unique("group")} for number in range(40)]) for _ in range(30))))
    program.kill()
    again = fresh_gatehouse(data_dir=program.data_dir)
    sdk = Sdk(again.credentials, again.endpoint)
    job = sdk.check_asset_job_status(job_id=first)
    count = sdk.list_roma_app(limit=100).total
    # Whenever it was killed: all or nothing, and the next job may begin.
    if job.status == "SUCCEEDED":
        assert count == 30
    else:
        assert (job.status, job.reasons[0].error_code, count) == ("FAILED", "ROMA.10010", 0)
    assert ended(sdk, send(sdk, package(application()))).status == "SUCCEEDED"
