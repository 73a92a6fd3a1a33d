import ControlPlane
import Foundation
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Testing

@testable import ManagementAPI

/// Wire shapes, times, codes and texts of features, signature keys, access policies and plug-ins.
@Suite("Features, keys, policies, plug-ins on the wire")
struct BindingFamilyTests {
    let pages: MissionPageTests

    init() async throws { pages = try await MissionPageTests() }

    func send(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") async throws -> Port.Answer {
        try await pages.send(method, path, body: body)
    }

    func refused(
        _ method: HTTPRequest.Method, _ path: String, _ status: Int, _ code: String, _ text: String,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        try await refused(method, path, "", status, code, text, location)
    }

    func refused(
        _ method: HTTPRequest.Method, _ path: String, _ body: String, _ status: Int, _ code: String, _ text: String,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await send(method, path, body)
        #expect(answer.status == status && answer.code == code, "\(answer.text)", sourceLocation: location)
        #expect(try answer.json()["error_msg"] as? String == text, sourceLocation: location)
    }

    static func bad(_ name: String) -> String {
        "Invalid parameter value,parameterName:\(name). Please refer to the support documentation"
    }

    static func missing(_ name: String) -> String {
        "The request parameters must be specified,parameterName:\(name). Please refer to the support documentation"
    }

    @Test("signature keys: shown once in the clear, times by operation, codes")
    func signs() async throws {
        let made = try await send(.post, "/signs", #"{"name":"second"}"#)
        #expect(made.status == 201 && made.headers[.revision] != nil)
        let key = try made.json()
        #expect((key["sign_secret"] as? String)?.count == 32 && key["create_time"] as? String == "2020-08-03T03:50:14.989785802Z")
        #expect(key["sign_algorithm"] == nil && key["update_time"] as? String == "2020-08-03T03:50:14.989785802Z")
        let list = try await send(.get, "/signs?name=second").json()
        let element = try #require((list["signs"] as? [[String: Any]])?.first)
        #expect(element["sign_secret"] as? String == key["sign_secret"] as? String)
        #expect(element["create_time"] as? String == "2020-08-03T03:50:14Z")
        #expect(element["update_time"] as? String == "2020-08-03T03:50:14.989786Z")
        #expect(element["bind_num"] as? Int == 0 && element["ldapi_bind_num"] as? Int == 0)
        let id = try #require(key["id"] as? String)
        let bound = try await send(.post, "/sign-bindings", #"{"sign_id":"\#(id)","publish_ids":["\#(MissionPageTests.publishID)"]}"#)
        let binding = try #require((bound.json()["bindings"] as? [[String: Any]])?.first)
        #expect(bound.status == 201 && (binding["sign_secret"] as? String)?.contains("**********") == true)
        #expect(binding["binding_time"] as? String == "2020-08-03T03:50:14.989785802Z")
        // The former key of this API is a candidate again, and names the key that took its place.
        let free = try await send(.get, "/sign-bindings/unbinded-apis?sign_id=\(MissionPageTests.signID)").json()
        #expect((free["apis"] as? [[String: Any]])?.first?["signature_name"] as? String == "second")
        let apis = try await send(.get, "/sign-bindings/binded-apis?sign_id=\(id)").json()
        let api = try #require((apis["bindings"] as? [[String: Any]])?.first)
        #expect(api["sign_key"] == nil && api["sign_secret"] == nil && api["publish_id"] as? String == MissionPageTests.publishID)
        #expect(try await send(.delete, "/signs/\(id)").status == 204)

        try await refused(.post, "/signs", #"{"name":"signature_demo"}"#, 400, "APIG.3207", "The signature key name already exists.")
        try await refused(.post, "/signs", #"{"name":"x"}"#, 400, "APIG.2011", Self.bad("name"))
        try await refused(.post, "/signs", "{}", 400, "APIG.2001", Self.missing("name"))
        try await refused(.post, "/signs", #"{"name":"abc","sign_type":"rsa"}"#, 400, "APIG.2011", Self.bad("sign_type"))
        try await refused(.post, "/signs", #"{"name":"abc","sign_key":"short"}"#, 400, "APIG.2011", Self.bad("sign_key"))
        try await refused(.delete, "/signs/\(id)", 404, "APIG.3017", "Signature key \(id) does not exist")
        try await refused(.get, "/signs?name=%01", 400, "APIG.2012", Self.bad("name"))
        try await refused(
            .post, "/sign-bindings", #"{"sign_id":"a b","publish_ids":["p"]}"#, 400, "APIG.2012", Self.bad("sign_id"))
        try await refused(
            .post, "/sign-bindings", #"{"sign_id":"\#(MissionPageTests.signID)","publish_ids":["p"]}"#, 404, "APIG.3015",
            "The API publication record does not exist.")
        try await refused(.get, "/sign-bindings/binded-apis", 400, "APIG.2001", Self.missing("sign_id"))
        try await refused(.get, "/sign-bindings/unbinded-apis?sign_id=zz", 404, "APIG.3017", "Signature key zz does not exist")
    }

    @Test("access policies: shapes and codes")
    func acls() async throws {
        let body = #"{"acl_name":"acl_demo","acl_type":"DENY","acl_value":"192.168.1.5, 10.0.0.0/8","entity_type":"IP"}"#
        let made = try await send(.post, "/acls", body)
        let id = try #require(made.json()["id"] as? String)
        try pages.expect(
            made, 201,
            """
            {"id":"\(id)","acl_name":"acl_demo","acl_type":"DENY","acl_value":"192.168.1.5,10.0.0.0/8","entity_type":"IP",
            "update_time":"2020-08-03T03:50:14.989785802Z"}
            """)
        try pages.expect(
            try await send(.get, "/acls?name=DEMO"), 200,
            """
            {"total":1,"size":1,"acls":[{"id":"\(id)","acl_name":"acl_demo","acl_type":"DENY",
            "acl_value":"192.168.1.5,10.0.0.0/8","entity_type":"IP","bind_num":0,"update_time":"2020-08-03T03:50:14.989786Z"}]}
            """)
        #expect(try await send(.get, "/acls?name=demo&precise_search=name").json()["total"] as? Int == 0)
        #expect(try await send(.put, "/acls/\(id)", #"{"acl_value":"::1"}"#).json()["acl_value"] as? String == "::1")
        #expect(try await send(.get, "/acls/\(id)").json()["acl_value"] as? String == "::1")
        let bind = #"{"acl_id":"\#(id)","publish_ids":["\#(MissionPageTests.publishID)"]}"#
        #expect(try await send(.post, "/acl-bindings", bind).status == 201)
        let bound = try await send(.get, "/acl-bindings/binded-acls?api_id=\(MissionPageTests.apiID)&env_name=RELEASE").json()
        let element = try #require((bound["acls"] as? [[String: Any]])?.first)
        #expect(element["bind_time"] as? String == "2020-08-03T03:50:14Z" && element["entity_type"] as? String == "IP")
        #expect(try await send(.get, "/acl-bindings/binded-apis?acl_id=\(id)").json()["size"] as? Int == 1)
        #expect(try await send(.get, "/acl-bindings/unbinded-apis?acl_id=\(id)").json()["size"] as? Int == 0)
        let inUse = "The access control policy has been bound to APIs"
        try await refused(.delete, "/acls/\(id)", 403, "APIG.3447", inUse)
        try pages.expect(
            try await send(.put, "/acls?action=delete", #"{"acls":["\#(id)","none"]}"#), 200,
            """
            {"success_count":0,"failure":[
            {"acl_id":"\(id)","acl_name":"acl_demo","error_code":"APIG.3447","error_msg":"\(inUse)"},
            {"acl_id":"none","error_code":"APIG.3006","error_msg":"Access control policy none does not exist"}]}
            """)
        try await refused(
            .put, "/acls", #"{"acls":[]}"#, 400, "APIG.2011",
            #"Invalid parameter value: parameter action should be \"delete\""#)
        try await refused(.post, "/acls", body, 400, "APIG.3206", "The access control policy name already exists.")
        try await refused(
            .post, "/acls", body.replacing("DENY", with: "MAYBE"), 400, "APIG.2011", Self.bad("acl_type"))
        try await refused(
            .post, "/acls", body.replacing("/8", with: "/88"), 400, "APIG.2011", Self.bad("acl_value"))
        try await refused(.get, "/acls/a%20b", 400, "APIG.2011", Self.bad("id"))
        try await refused(
            .post, "/acl-bindings", #"{"acl_id":"a b","publish_ids":["p"]}"#, 400, "APIG.2011", Self.bad("acl_id"))
        try await refused(
            .delete, "/acl-bindings/none", 404, "APIG.3010", "The access control policy binding record does not exist")
    }

    @Test("plug-ins: attached and detached in both directions")
    func plugins() async throws {
        let content = #"{\"response_headers\":[{\"name\":\"X-A\",\"value\":\"1\",\"action\":\"override\"}]}"#
        let body = #"{"plugin_name":"plugin_demo","plugin_type":"set_resp_headers","plugin_scope":"global","plugin_content":"\#(content)"}"#
        let made = try await send(.post, "/plugins", body)
        #expect(made.status == 201)
        #expect(try made.json()["create_time"] as? String == "2020-08-03T03:50:14.989Z")
        let id = try #require(made.json()["plugin_id"] as? String)
        let release = Environment.releaseID
        let api = MissionPageTests.apiID
        let attached = try await send(.post, "/plugins/\(id)/attach", #"{"env_id":"\#(release)","api_ids":["\#(api)"]}"#)
        let element = try #require((attached.json()["attached_plugins"] as? [[String: Any]])?.first)
        #expect(attached.status == 201 && element["api_name"] as? String == "Api_http" && element["env_name"] as? String == "RELEASE")
        #expect(element["attached_time"] as? String == "2020-08-03T03:50:14.989Z")
        #expect(try await send(.get, "/plugins/\(id)/attached-apis").json()["total"] as? Int == 1)
        #expect(try await send(.get, "/plugins/\(id)/attachable-apis?env_id=\(release)").json()["total"] as? Int == 0)
        #expect(try await send(.get, "/apis/\(api)/attached-plugins").json()["total"] as? Int == 1)
        #expect(try await send(.get, "/apis/\(api)/attachable-plugins?env_id=\(release)").json()["total"] as? Int == 0)
        try await refused(
            .delete, "/plugins/\(id)", 409, "APIG.3462",
            "The plugin has been attached to the APIs and cannot perform the current operation")
        let both = #"{"env_id":"\#(release)","plugin_ids":["\#(id)"]}"#
        #expect(try await send(.put, "/apis/\(api)/plugins/detach", both).status == 204)
        #expect(try await send(.post, "/apis/\(api)/plugins/attach", both).status == 201)
        #expect(try await send(.put, "/plugins/\(id)", #"{"remark":"new"}"#).json()["remark"] as? String == "new")

        try await refused(.post, "/plugins", body, 400, "APIG.3326", "The plugin name already exists")
        try await refused(
            .post, "/plugins", body.replacing("override", with: "overwrite"), 400, "APIG.2012", Self.bad("plugin_content"))
        try await refused(
            .post, "/plugins", body.replacing("set_resp_headers", with: "lua"), 400, "APIG.2012", Self.bad("plugin_type"))
        try await refused(.get, "/plugins/none", 404, "APIG.3068", "Plugin none does not exist")
        try await refused(.get, "/plugins/\(id)/attachable-apis", 400, "APIG.2001", Self.missing("env_id"))
        try await refused(
            .post, "/plugins/\(id)/attach", #"{"env_id":"\#(release)","api_ids":[]}"#, 400, "APIG.2012", Self.bad("api_ids"))
    }

    @Test("features: upsert, list, refusals")
    func features() async throws {
        let made = try await send(.post, "/features", #"{"name":"backend_timeout","enable":true,"config":{"max_timeout":500}}"#)
        #expect(made.status == 201)
        let feature = try made.json()
        #expect(feature["config"] as? String == #"{"max_timeout":500}"# && feature["enable"] as? Bool == true)
        #expect(feature["instance_id"] as? String == "inst" && feature["update_time"] as? String == "2020-08-03T03:50:14.989785802Z")
        let list = try await send(.get, "/features?limit=500").json()
        let all = try #require(list["features"] as? [[String: Any]])
        #expect(list["total"] as? Int == all.count)
        let never = try #require(all.first { $0["name"] as? String == "ratelimit" })
        #expect(never["update_time"] as? String == "0001-01-01T00:00:00Z" && never["enable"] as? Bool == false)
        #expect(all.contains { $0["update_time"] as? String == "2020-08-03T03:50:14.989786Z" })
        try await refused(
            .post, "/features", #"{"name":"app-api-key","enable":true}"#, 400, "APIG.2000", "unrecognized feature app-api-key")
        try await refused(
            .post, "/features", #"{"name":"sandbox","enable":true}"#, 412, "APIG.3458",
            "The feature is not supported by the current instance.")
        try await refused(
            .post, "/features", #"{"name":"backend_timeout","enable":true,"config":"{\"max_timeout\":0}"}"#, 400, "APIG.2012",
            Self.bad("config"))
        try await refused(.post, "/features", #"{"enable":true}"#, 400, "APIG.2001", Self.missing("name"))
    }
}
