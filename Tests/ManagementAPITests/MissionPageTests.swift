import ControlPlane
import Foundation
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Store
import StoreSQLite
import Testing

@testable import ManagementAPI

/// The examples of the five pages, request and answer, with the pages' own ids, names and times.
@Suite("The five pages")
struct MissionPageTests {
    static let signID = "0b0e8f456b8742218af75f945307173c"
    static let bindingID = "25082bd52f74442bb1d273993d567938"
    static let apiID = "5f918d104dc84480a75166ba99efff21"
    static let publishID = "66a645f1d6294fa6899cb1ed1c51bc4c"
    static let created = Timestamp(nanoseconds: 1_596_425_978_000_000_000)
    static let bound = Timestamp(nanoseconds: 1_596_427_211_123_000_000)
    static let changed = Timestamp(nanoseconds: 1_596_426_614_989_785_802)

    let port: Port
    let token: HTTPFields

    init() async throws {
        port = try await Port(families: true)
        port.time.stop(at: Self.changed)
        token = [.authToken: try await port.token()]
        let call = Call(
            actor: "test", userID: "", source: "", requestID: "", projectID: port.project.id, instanceID: "inst")
        let definition = APIDefinition(
            name: "Api_http", groupID: "g", type: 1, reqProtocol: .both, reqMethod: .get, reqURI: "/", authType: .none,
            backendType: .mock, remark: "Web backend Api", mock: MockBackendDefinition(id: "m", resultContent: "{}"))
        let key = SignatureKey(
            id: Self.signID, instanceID: "inst", name: "signature_demo", type: .hmac,
            key: "a071a20d460a4f639a636c3d7e3d8163", secret: Secret("dc02fc5f30714d6bb21888389419e2b3"), algorithm: nil,
            createdAt: Self.created, updatedAt: Self.created)
        let box = SecretBox(keyMaterial: [UInt8](repeating: 7, count: 32))
        _ = try await port.plane.write(call) { w in
            try w.sql.insert(
                Environment(
                    id: Environment.releaseID, instanceID: "inst", name: Environment.releaseName, remark: "",
                    createdAt: Self.created))
            try w.sql.insert(
                APIGroup(
                    id: "g", instanceID: "inst", name: "api_group_001", remark: "", isDefault: false, romaAppID: "",
                    createdAt: Self.created, updatedAt: Self.created))
            try w.sql.insert(
                APIRow(
                    API(
                        id: Self.apiID, instanceID: "inst", definition: definition, createdAt: Self.created,
                        updatedAt: Self.created)))
            try w.sql.insert(
                Publication(
                    id: Self.publishID, apiID: Self.apiID, instanceID: "inst", environmentID: Environment.releaseID,
                    versionID: "v", groupID: "g", claim: definition.claim, publishedAt: Self.created))
            try w.sql.insert(
                APIVersionRow(
                    APIVersion(
                        id: "v", publicationID: Self.publishID, apiID: Self.apiID, number: "1", definition: definition,
                        remark: "", publishedAt: Self.created)))
            try w.sql.insert(SignatureKeyRow(key, box: box))
            try w.sql.insert(
                SignatureBinding(
                    id: Self.bindingID, signatureKeyID: Self.signID, publicationID: Self.publishID, boundAt: Self.bound))
            w.touch(.group("g"))
            w.touch(.publication(Self.publishID))
        }
    }

    func send(_ method: HTTPRequest.Method, _ path: String, body: String = "", instance: String = "inst") async throws -> Port.Answer {
        try await port.send(method, "/v2/\(port.project.id)/apic/instances/\(instance)\(path)", token, body: body)
    }

    func expect(
        _ answer: Port.Answer, _ status: Int, _ json: String, _ location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(answer.status == status, sourceLocation: location)
        func object(_ text: String) throws -> NSDictionary {
            try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
        }
        #expect(try object(answer.text) == object(json), "\(answer.text)", sourceLocation: location)
        #expect(answer.headers[.contentType] == "application/json", sourceLocation: location)
    }

    // MARK: Modifying a Signature Key

    @Test("modifying a signature key")
    func modify() async throws {
        try expect(
            await send(.put, "/signs/\(Self.signID)", body: #"{ "name" : "signature_demo" }"#), 200,
            """
            { "sign_secret" : "dc0**********2b3", "update_time" : "2020-08-03T03:50:14.989785802Z",
              "create_time" : "2020-08-03T03:39:38Z", "name" : "signature_demo", "id" : "0b0e8f456b8742218af75f945307173c",
              "sign_key" : "a071a20d460a4f639a636c3d7e3d8163", "sign_type" : "hmac" }
            """)
        let name = """
            { "error_code" : "APIG.2011",
              "error_msg" : "Invalid parameter value,parameterName:name. Please refer to the support documentation" }
            """
        for body in [#"{"name":"1bad"}"#, #"{"name":"ab"}"#, "{}", #"{"name":"a-b-c"}"#, #"{"name":""}"#] {
            try expect(await send(.put, "/signs/\(Self.signID)", body: body), 400, name)
        }
        let unknown = "/signs/1b0e8f456b8742218af75f945307173c"
        try expect(
            await send(.put, unknown, body: #"{"name":"signature_demo"}"#), 404,
            #"{"error_code":"APIG.3017","error_msg":"Signature key 1b0e8f456b8742218af75f945307173c does not exist"}"#)
        try expect(
            await send(.put, "/signs/\(Self.signID)", body: #"{"name":"signature_demo","sign_type":"public_key"}"#), 412,
            #"{"error_code":"APIG.3548","error_msg":"sign_type=public_key not supported by instance inst"}"#)
        try expect(
            await port.send(.put, port.path("/signs/\(Self.signID)"), [.authToken: "x"], body: "{}"), 401,
            #"{"error_code":"APIG.1002","error_msg":"Incorrect token or token resolution failed"}"#)
    }

    @Test("a signature algorithm belongs to aes alone, and an empty one to all")
    func algorithm() async throws {
        let hmac = #"{"name":"signature_demo","sign_type":"hmac","sign_algorithm":"aes-128-cfb"}"#
        try expect(
            await send(.put, "/signs/\(Self.signID)", body: hmac), 400,
            #"{"error_code":"APIG.2011","error_msg":"Invalid parameter value,parameterName:sign_algorithm. Please refer to the support documentation"}"#
        )
        let empty = #"{"name":"signature_demo","sign_type":"hmac","sign_key":"","sign_secret":"","sign_algorithm":""}"#
        #expect(try await send(.put, "/signs/\(Self.signID)", body: empty).status == 200)
        let aes = try await send(.post, "/signs", body: #"{"name":"aes_demo","sign_type":"aes","sign_algorithm":"aes-256-cfb"}"#)
        #expect(aes.status == 201)
        #expect(try aes.json()["sign_algorithm"] as? String == "aes-256-cfb")
        #expect((try aes.json()["sign_key"] as? String)?.count == 32)
        #expect((try aes.json()["sign_secret"] as? String)?.count == 16)
    }

    // MARK: Querying Signature Keys Bound to an API

    @Test("querying signature keys bound to an API")
    func bindedSigns() async throws {
        let path = "/sign-bindings/binded-signs"
        try expect(
            await send(.get, "\(path)?api_id=\(Self.apiID)"), 200,
            """
            { "total" : 1, "size" : 1, "bindings" : [ {
                "api_id" : "5f918d104dc84480a75166ba99efff21", "group_name" : "api_group_001",
                "binding_time" : "2020-08-03T04:00:11Z", "env_id" : "DEFAULT_ENVIRONMENT_RELEASE_ID",
                "env_name" : "RELEASE", "sign_id" : "0b0e8f456b8742218af75f945307173c", "sign_name" : "signature_demo",
                "sign_key" : "a071a20d460a4f639a636c3d7e3d8163", "sign_secret" : "dc02fc5f30714d6bb21888389419e2b3",
                "api_type" : 1, "api_name" : "Api_http", "id" : "25082bd52f74442bb1d273993d567938",
                "api_remark" : "Web backend Api", "publish_id" : "66a645f1d6294fa6899cb1ed1c51bc4c",
                "sign_type" : "hmac"
            } ] }
            """)
        for filter in ["sign_id=\(Self.signID)", "sign_name=DEMO", "env_id=DEFAULT_ENVIRONMENT_RELEASE_ID", "offset=-1", "limit=1"] {
            #expect(try await send(.get, "\(path)?api_id=\(Self.apiID)&\(filter)").json()["total"] as? Int == 1, "\(filter)")
        }
        try expect(
            await send(.get, "\(path)?api_id=\(Self.apiID)&offset=1"), 200, #"{"total":1,"size":0,"bindings":[]}"#)
        for filter in ["sign_id=none", "sign_name=other", "env_id=none"] {
            try expect(
                await send(.get, "\(path)?api_id=\(Self.apiID)&\(filter)"), 200, #"{"total":0,"size":0,"bindings":[]}"#)
        }
        try expect(
            await send(.get, "\(path)?api_id=6f918d104dc84480a75166ba99efff21"), 404,
            #"{"error_code":"APIG.3002","error_msg":"API 6f918d104dc84480a75166ba99efff21 does not exist"}"#)
        try expect(
            await send(.get, "\(path)?api_id=\(Self.apiID)&api_name=%3Cx%3E"), 400,
            #"{"error_code":"APIG.2012","error_msg":"Invalid parameter value,parameterName:api_name. Please refer to the support documentation"}"#
        )
        try expect(
            await send(.get, path), 400,
            #"{"error_code":"APIG.2001","error_msg":"The request parameters must be specified,parameterName:api_id. Please refer to the support documentation"}"#
        )
        for limit in ["0", "501", "x"] {
            try expect(
                await send(.get, "\(path)?api_id=\(Self.apiID)&limit=\(limit)"), 400,
                #"{"error_code":"APIG.2012","error_msg":"Invalid parameter value,parameterName:limit. Please refer to the support documentation"}"#
            )
        }
    }

    // MARK: Unbinding a Signature Key

    @Test("unbinding a signature key")
    func unbind() async throws {
        try expect(
            await send(.delete, "/sign-bindings/a%20b"), 400,
            #"{"error_code":"APIG.2012","error_msg":"Invalid parameter value,parameterName:id. Please refer to the support documentation"}"#
        )
        let answer = try await send(.delete, "/sign-bindings/\(Self.bindingID)")
        #expect(answer.status == 204 && answer.text.isEmpty && answer.headers[.contentType] == nil)
        #expect(answer.headers[.requestID]?.count == 32)
        try expect(
            await send(.delete, "/sign-bindings/\(Self.bindingID)"), 404,
            #"{"error_code":"APIG.3018","error_msg":"The signature key binding record does not exist"}"#)
        #expect(try await send(.get, "/sign-bindings/binded-signs?api_id=\(Self.apiID)").json()["total"] as? Int == 0)
    }

    @Test("a reader may not unbind")
    func permission() async throws {
        let call = Call(actor: "system", userID: "", source: "", requestID: "", projectID: "", instanceID: "")
        _ = try await port.directory.addUser("rita", password: Secret("reader's own"), role: .reader, call: call)
        let reader: HTTPFields = [.authToken: try await port.token("rita", "reader's own")]
        for (method, path) in [
            (HTTPRequest.Method.delete, "/sign-bindings/\(Self.bindingID)"), (.put, "/acl-bindings?action=delete"),
            (.put, "/plugins/p/detach"), (.put, "/signs/\(Self.signID)"),
        ] {
            try expect(
                await port.send(method, port.path(path), reader, body: "{}"), 403,
                #"{"error_code":"APIG.1005","error_msg":"No permissions to request this method"}"#)
        }
    }

    // MARK: Unbinding Multiple Access Control Policies from APIs

    @Test("unbinding multiple access control policies from APIs", arguments: ["acl-bindings", "acl_bindings"])
    func unbindPolicies(spelling: String) async throws {
        let policy = try await send(
            .post, "/acls", body: #"{"acl_name":"acl_demo","acl_type":"PERMIT","acl_value":"192.168.1.5","entity_type":"IP"}"#)
        #expect(policy.status == 201)
        let acl = try #require(policy.json()["id"] as? String)
        let bound = try await send(
            .post, "/acl-bindings", body: #"{"acl_id":"\#(acl)","publish_ids":["\#(Self.publishID)"]}"#)
        #expect(bound.status == 201)
        let binding = try #require(((try bound.json()["acl_bindings"] as? [[String: Any]])?.first)?["id"] as? String)
        let body = #"{ "\#(spelling)" : [ "\#(binding)", "3a68d39f115d4c128fccd6f624ea6109" ] }"#
        try expect(
            await send(.put, "/acl-bindings?action=delete", body: body), 200,
            """
            { "failure" : [ { "bind_id" : "3a68d39f115d4c128fccd6f624ea6109", "error_code" : "APIG.3010",
                "error_msg" : "The access control policy binding record does not exist" } ],
              "success_count" : 1 }
            """)
        try expect(await send(.put, "/acl-bindings?action=delete", body: "{}"), 200, #"{"success_count":0,"failure":[]}"#)
        let action = #"{ "error_code" : "APIG.2011", "error_msg" : "Invalid parameter value: parameter action should be \\\"delete\\\"" }"#
        for query in ["", "?action=", "?action=remove"] {
            try expect(await send(.put, "/acl-bindings\(query)", body: body), 400, action)
        }
        try expect(
            await send(
                .put, "/acl-bindings?action=delete", body: body, instance: "f0fa1789-3b76-433b-a787-9892951c620e"), 404,
            #"{"error_code":"APIG.3030","error_msg":"The instance does not exist;id:f0fa1789-3b76-433b-a787-9892951c620e"}"#)
    }

    // MARK: Unbinding a Plug-in from an API

    @Test("unbinding a plug-in from an API")
    func detach() async throws {
        let made = try await send(
            .post, "/plugins", body: """
                {"plugin_name":"plugin_demo","plugin_type":"set_resp_headers","plugin_scope":"global",
                "plugin_content":"{\\"response_headers\\":[{\\"name\\":\\"X-A\\",\\"value\\":\\"1\\",\\"action\\":\\"override\\"}]}"}
                """)
        #expect(made.status == 201, "\(made.text)")
        let plugin = try #require(made.json()["plugin_id"] as? String)
        let body = #"{ "env_id" : "DEFAULT_ENVIRONMENT_RELEASE_ID", "api_ids" : [ "\#(Self.apiID)" ] }"#
        // Attached or not: the answer is the same.
        let answer = try await send(.put, "/plugins/\(plugin)/detach", body: body)
        #expect(answer.status == 204 && answer.text.isEmpty && answer.headers[.contentType] == nil)
        try expect(
            await send(.put, "/plugins/b294018ee0554156a875b3513e02e5b9/detach", body: body), 404,
            #"{"error_code":"APIG.3068","error_msg":"Plugin b294018ee0554156a875b3513e02e5b9 does not exist"}"#)
        try expect(
            await send(.put, "/plugins/\(plugin)/detach", body: body, instance: "a%20b"), 400,
            #"{"error_code":"APIG.2012","error_msg":"Invalid parameter value,parameterName:instance_id. Please refer to the support documentation"}"#
        )
        for (missing, text) in [("env_id", #"{"api_ids":["a"]}"#), ("api_ids", #"{"env_id":"e"}"#)] {
            try expect(
                await send(.put, "/plugins/\(plugin)/detach", body: text), 400,
                """
                {"error_code":"APIG.2001","error_msg":"The request parameters must be specified,parameterName:\(missing). \
                Please refer to the support documentation"}
                """)
        }
        try expect(
            await send(.put, "/plugins/\(plugin)/detach", body: #"{"env_id":"none","api_ids":["\#(Self.apiID)"]}"#), 404,
            #"{"error_code":"APIG.3003","error_msg":"Environment none does not exist"}"#)
        try expect(
            await send(
                .put, "/plugins/\(plugin)/detach", body: #"{"env_id":"\#(Environment.releaseID)","api_ids":["none"]}"#), 404,
            #"{"error_code":"APIG.3002","error_msg":"API none does not exist"}"#)
    }
}
