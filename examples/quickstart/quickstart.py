"""From nothing to a signed, denied, shaped request and back, with the vendor's official SDK.

    make run                                          (in one terminal)
    python examples/quickstart/quickstart.py var      (in another; pip install huaweicloudsdkroma)
"""
import hashlib, hmac, http.client, http.server, json, pathlib, re, sys, threading, time, urllib.parse as url
import huaweicloudsdkroma.v2 as roma
from huaweicloudsdkcore.auth.credentials import BasicCredentials

data_dir = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "var")
login = json.loads((data_dir / "credentials.json").read_text())
RELEASE = "DEFAULT_ENVIRONMENT_RELEASE_ID"
KEY, SECRET = "quickstart_key", "quickstart_secret_0001"


def signature_is_good(request) -> bool:
    """What a backend does that trusts only the gateway: sign the request once more and compare."""
    found = re.match(r"SDK-HMAC-SHA256 Access=(.+), SignedHeaders=(.+), Signature=(\w+)$", request.headers.get("Authorization", ""))
    if not found or found[1] != KEY:
        return False
    encode = lambda text: url.quote(text, safe="-_.~")
    path, _, query = request.path.partition("?")
    path = "/".join(encode(url.unquote(piece)) for piece in path.split("/")).rstrip("/") + "/"
    query = "&".join(f"{encode(k)}={encode(v)}" for k, v in sorted(url.parse_qsl(query, keep_blank_values=True)))
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in found[2].split(";"))
    payload = request.headers.get("X-Sdk-Content-Sha256") or hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.command, path, query, headers, found[2], payload])
    text = "\n".join(["SDK-HMAC-SHA256", request.headers["X-Sdk-Date"], hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.compare_digest(found[3], hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest())


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = json.dumps({"signed_by_the_gateway": signature_is_good(self)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
threading.Thread(target=backend.serve_forever, daemon=True).start()

client = (roma.RomaClient.new_builder()
          .with_credentials(BasicCredentials(login["access_key"], login["secret_key"], login["project_id"]))
          .with_endpoint(login["management_endpoint"]).build())
instance, stamp = login["instance_id"], f"{time.time_ns()}"

group = client.create_api_group_v2(roma.CreateApiGroupV2Request(instance, roma.ApiGroupCreate(name=f"quickstart_{stamp}")))
api = client.create_api_v2(roma.CreateApiV2Request(instance, roma.ApiCreate(
    name=f"orders_{stamp}", type=1, req_protocol="BOTH", req_method="POST", req_uri="/orders", auth_type="NONE",
    match_mode="SWA", backend_type="HTTP", group_id=group.id, backend_api=roma.BackendApiCreate(
        url_domain=f"127.0.0.1:{backend.server_port}", req_protocol="HTTP", req_method="POST", req_uri="/", timeout=5000))))
key = client.create_signature_key_v2(roma.CreateSignatureKeyV2Request(instance, roma.BaseSignature(
    name=f"key_{stamp}", sign_type="hmac", sign_key=KEY, sign_secret=SECRET)))
policy = client.create_acl_strategy_v2(roma.CreateAclStrategyV2Request(instance, roma.ApiAclCreate(
    acl_name=f"nobody_{stamp}", acl_type="DENY", entity_type="IP", acl_value="127.0.0.0/8")))
plugin = client.create_plugin(roma.CreatePluginRequest(instance, roma.PluginCreate(
    plugin_name=f"shape_{stamp}", plugin_type="set_resp_headers", plugin_scope="global", plugin_content=json.dumps(
        {"response_headers": [{"name": "X-Shaped-By", "value": "gatehouse", "action": "override"}]}))))
online = client.create_or_delete_publish_record_for_api_v2(roma.CreateOrDeletePublishRecordForApiV2Request(
    instance, roma.ApiActionInfo(action="online", env_id=RELEASE, api_id=api.id)))

gateway = http.client.HTTPConnection(url.urlsplit(login["gateway_http"]).netloc)  # one connection, open all the time


def show(step: str) -> None:
    gateway.request("POST", "/orders/42?b=2&a=x%20y", b'{"item": "lamp"}', {"Host": group.sl_domain})
    answer = gateway.getresponse()
    print(f"{step:<22} {answer.status}  X-Shaped-By: {answer.headers['X-Shaped-By']}  {answer.read().decode()}")


show("published")
signed = client.associate_signature_key_v2(roma.AssociateSignatureKeyV2Request(instance, roma.SignApiBinding(
    sign_id=key.id, publish_ids=[online.publish_id]))).bindings[0]
show("key bound")
client.attach_api_to_plugin(roma.AttachApiToPluginRequest(instance, plugin.plugin_id, roma.PluginOperApiInfo(RELEASE, [api.id])))
show("plug-in attached")
denied = client.create_api_acl_binding_v2(roma.CreateApiAclBindingV2Request(instance, roma.AclApiBindingCreate(
    acl_id=policy.id, publish_ids=[online.publish_id]))).acl_bindings[0]
show("policy bound")
client.batch_delete_api_acl_binding_v2(roma.BatchDeleteApiAclBindingV2Request(instance, "delete", roma.AclBindingBatchDelete([denied.id])))
show("policy unbound")
client.detach_api_from_plugin(roma.DetachApiFromPluginRequest(instance, plugin.plugin_id, roma.PluginOperApiInfo(RELEASE, [api.id])))
show("plug-in detached")
client.disassociate_signature_key_v2(roma.DisassociateSignatureKeyV2Request(instance, signed.id))
show("key unbound")
