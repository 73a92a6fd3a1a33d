import ControlPlane
import GatewayModel
import HTTPTypes
import Store
import Testing

@testable import ManagementAPI

/// Groups, environments, APIs and publication over the management port: shapes of answers, codes and texts of refusals.
@Suite("Groups, environments, APIs, publication")
struct FamiliesTests {
    private struct Session {
        let port: Port
        let token: HTTPFields

        init() async throws {
            port = try await Port(families: true)
            token = [.authToken: try await port.token(), .contentType: "application/json"]
            let call = Call(
                actor: "system", userID: "", source: "", requestID: "", projectID: port.project.id, instanceID: "inst")
            _ = try await port.plane.write(call) { w in
                try w.sql.insert(
                    Environment(
                        id: Environment.releaseID, instanceID: "inst", name: "RELEASE", remark: "", createdAt: w.now))
            }
        }

        func send(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") async throws -> Port.Answer {
            try await port.send(method, port.path(path), token, body: body)
        }

        /// - Returns: the answer's object; the status is checked.
        func ask(_ method: HTTPRequest.Method, _ path: String, _ body: String = "", status: Int) async throws -> [String: Any] {
            let answer = try await send(method, path, body)
            try #require(answer.status == status, "\(method) \(path) \(answer)")
            return answer.text.isEmpty ? [:] : try answer.json()
        }

        func refused(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") async throws -> String {
            let answer = try await send(method, path, body)
            let json = try answer.json()
            return "\(answer.status) \(json["error_code"] ?? "") \(json["error_msg"] ?? "")"
        }

        func group(_ name: String = "orders") async throws -> String {
            let made = try await ask(.post, "/api-groups", #"{"name":"\#(name)"}"#, status: 201)
            return try #require(made["id"] as? String)
        }

        func api(_ group: String, _ name: String = "list_orders", _ path: String = "/orders") async throws -> String {
            let made = try await ask(.post, "/apis", Self.mock(group, name, path), status: 201)
            return try #require(made["id"] as? String)
        }

        static func mock(_ group: String, _ name: String, _ path: String, _ more: String = "") -> String {
            """
            {"name":"\(name)","group_id":"\(group)","type":1,"req_protocol":"HTTPS","req_method":"GET","req_uri":"\(path)",
             "auth_type":"NONE","backend_type":"MOCK","mock_info":{"result_content":"[]"}\(more)}
            """
        }
    }

    private func isTime(_ value: Any?, digits: ClosedRange<Int>) -> Bool {
        guard let text = value as? String, text.hasSuffix("Z") else { return false }
        let parts = text.dropLast().split(separator: ".")
        return parts[0].count == 19 && digits.contains(parts.count > 1 ? parts[1].count : 0)
    }

    @Test("a group is made, shown, listed, renamed, removed")
    func groups() async throws {
        let s = try await Session()
        let made = try await s.ask(.post, "/api-groups", #"{"name":"orders","remark":"r"}"#, status: 201)
        let id = try #require(made["id"] as? String)
        #expect(id.count == 32)
        #expect(made["sl_domain"] as? String == "\(id).apic.localhost")
        #expect(made["sl_domains"] as? [String] == ["\(id).apic.localhost"])
        #expect(made["status"] as? Int == 1 && made["on_sell_status"] as? Int == 2 && made["is_default"] as? Int == 2)
        #expect(made["version"] as? String == "V1" && made["remark"] as? String == "r")
        #expect(isTime(made["register_time"], digits: 1...9))
        let shown = try await s.ask(.get, "/api-groups/\(id)", status: 200)
        #expect(isTime(shown["register_time"], digits: 0...0) && isTime(shown["update_time"], digits: 0...6))
        let renamed = try await s.ask(.put, "/api-groups/\(id)", #"{"remark":"new"}"#, status: 200)
        #expect(renamed["name"] as? String == "orders" && renamed["remark"] as? String == "new")
        let list = try await s.ask(.get, "/api-groups?name=ORD", status: 200)
        #expect(list["total"] as? Int == 1 && list["size"] as? Int == 1 && (list["groups"] as? [Any])?.count == 1)
        #expect(try await s.refused(.post, "/api-groups", #"{"name":"orders"}"#) == "400 APIG.3201 The API group name already exists")
        #expect(try await s.refused(.post, "/api-groups/check", #"{"group_name":"orders"}"#) == "400 APIG.3201 The API group name already exists")
        #expect(try await s.send(.post, "/api-groups/check", #"{"group_name":"free"}"#).status == 204)
        #expect(try await s.refused(.post, "/api-groups", #"{"name":"-"}"#).hasPrefix("400 APIG.2011 Invalid parameter value,parameterName:name"))
        #expect(try await s.refused(.put, "/api-groups/\(id)", #"{"name":"-"}"#).hasPrefix("400 APIG.2012 Invalid parameter value,parameterName:name"))
        #expect(try await s.refused(.post, "/api-groups", #"{"name":"app","version":"V2"}"#).hasPrefix("400 APIG.2001"))
        #expect(try await s.refused(.get, "/api-groups/none") == "404 APIG.3001 API group none does not exist")
        _ = try await s.api(id)
        #expect(
            try await s.refused(.delete, "/api-groups/\(id)")
                == "412 APIG.3415 The API group cannot be deleted because it contains APIs,id:\(id)")
    }

    @Test("environments: made, renamed, listed, removed; RELEASE stays")
    func environments() async throws {
        let s = try await Session()
        let made = try await s.ask(.post, "/envs", #"{"name":"TEST","remark":"r"}"#, status: 201)
        let id = try #require(made["id"] as? String)
        #expect(isTime(made["create_time"], digits: 1...9))
        let changed = try await s.ask(.put, "/envs/\(id)", #"{"name":"STAGE"}"#, status: 200)
        #expect(changed["name"] as? String == "STAGE" && changed["remark"] as? String == "r")
        #expect(isTime(changed["create_time"], digits: 0...0))
        let list = try await s.ask(.get, "/envs?name=stage", status: 200)
        #expect(list["total"] as? Int == 1 && (list["envs"] as? [[String: Any]])?.first?["id"] as? String == id)
        #expect(try await s.refused(.post, "/envs", #"{"name":"STAGE"}"#) == "400 APIG.3205 The environment name already exists.")
        #expect(try await s.refused(.post, "/envs", #"{"name":"1"}"#).hasPrefix("400 APIG.2012"))
        #expect(try await s.refused(.delete, "/envs/none") == "404 APIG.3003 Environment none does not exist")
        #expect(try await s.refused(.delete, "/envs/\(Environment.releaseID)").hasPrefix("409 APIG.3400"))
        let api = try await s.api(try await s.group())
        _ = try await s.ask(.post, "/apis/action", #"{"action":"online","api_id":"\#(api)","env_id":"\#(id)"}"#, status: 201)
        #expect(try await s.refused(.delete, "/envs/\(id)") == "403 APIG.3418 The environment contains published APIs.")
        _ = try await s.ask(.post, "/apis/action", #"{"action":"offline","api_id":"\#(api)","env_id":"\#(id)"}"#, status: 201)
        #expect(try await s.send(.delete, "/envs/\(id)").status == 204)
        #expect(try await s.refused(.delete, "/envs/\(id)").hasPrefix("404 APIG.3003"))
    }

    @Test("an API's answer has every default and join")
    func answer() async throws {
        let s = try await Session()
        let group = try await s.group()
        let body = """
            {"name":"order","group_id":"\(group)","type":2,"req_protocol":"HTTPS","req_method":"GET","req_uri":"/o/{id}",
             "auth_type":"NONE","backend_type":"HTTP","tags":["b","a"],"remark":null,
             "req_params":[{"name":"id","type":"STRING","location":"PATH","required":2},{"name":"q","type":"NUMBER","location":"QUERY"}],
             "backend_params":[{"name":"key","location":"PATH","origin":"REQUEST","value":"id"}],
             "backend_api":{"url_domain":"127.0.0.1:9000","req_protocol":"HTTP","req_method":"GET","req_uri":"/x/{key}","timeout":5000}}
            """
        let made = try await s.ask(.post, "/apis", body, status: 201)
        let id = try #require(made["id"] as? String)
        #expect(made["version"] as? String == "V0.0.1" && made["match_mode"] as? String == "NORMAL")
        #expect(made["cors"] as? Bool == false && made["status"] as? Int == 1 && made["arrange_necessary"] as? Int == 2)
        #expect(made["group_name"] as? String == "orders" && made["group_version"] as? String == "V1")
        #expect((made["api_group_info"] as? [String: Any])?["id"] as? String == group)
        for name in ["run_env_id", "run_env_name", "publish_id", "publish_time", "remark"] { #expect(made[name] as? String == "") }
        for name in ["auth_opt", "mock_info", "func_info", "authorizer_id"] { #expect(made[name] == nil) }
        let backend = try #require(made["backend_api"] as? [String: Any])
        #expect(backend["retry_count"] as? String == "-1" && backend["enable_client_ssl"] as? Bool == false)
        #expect(backend["vpc_channel_status"] as? Int == 2 && (backend["id"] as? String)?.count == 32)
        let parameters = try #require(made["req_params"] as? [[String: Any]])
        #expect(parameters.map { $0["required"] as? Int } == [1, 2])
        #expect(parameters.map { $0["valid_enable"] as? Int } == [2, 2])
        #expect(parameters.map { $0["pass_through"] as? Int } == [1, 1])
        let mapped = try #require((made["backend_params"] as? [[String: Any]])?.first)
        #expect(mapped["req_param_id"] as? String == parameters[0]["id"] as? String)
        #expect(isTime(made["register_time"], digits: 1...9))

        let published = try await s.ask(
            .post, "/apis/action", #"{"action":"online","api_id":"\#(id)","env_id":"\#(Environment.releaseID)","remark":"first"}"#, status: 201)
        #expect(published["remark"] as? String == "first" && published["api_name"] as? String == "order")
        let shown = try await s.ask(.get, "/apis/\(id)", status: 200)
        #expect(shown["publish_id"] as? String == published["publish_id"] as? String)
        #expect(shown["run_env_name"] as? String == "RELEASE" && isTime(shown["register_time"], digits: 0...0))
        let list = try await s.ask(.get, "/apis?name=order&precise_search=name,other", status: 200)
        let element = try #require((list["apis"] as? [[String: Any]])?.first)
        #expect(element["backend_api"] == nil && element["req_params"] == nil && element["run_env_id"] as? String == Environment.releaseID)
        #expect(try await s.ask(.get, "/apis?name=orde&precise_search=name", status: 200)["total"] as? Int == 0)
        #expect(try await s.ask(.get, "/tags", status: 200)["tags"] as? [String] == ["a", "b"])
        let runtime = try await s.ask(.get, "/apis/runtime/\(id)", status: 200)
        #expect(runtime["backend_api"] == nil && runtime["sl_domain"] as? String == "\(group).apic.localhost")
        #expect((runtime["req_params"] as? [Any])?.count == 2)
        #expect(try await s.refused(.delete, "/apis/\(id)") == "409 APIG.4016 The API cannot be deleted because it has been published")
        let apigw = "/v2/\(s.port.project.id)/apigw/instances/inst/apis/\(id)"
        #expect(try await s.port.send(.delete, apigw, s.token).code == "APIG.3416")
    }

    @Test("versions: listed newest first, shown, switched, taken offline")
    func versions() async throws {
        let s = try await Session()
        let id = try await s.api(try await s.group())
        let online = #"{"action":"online","api_id":"\#(id)","env_id":"\#(Environment.releaseID)"}"#
        let first = try #require(try await s.ask(.post, "/apis/action", online, status: 201)["version_id"] as? String)
        let second = try #require(try await s.ask(.post, "/apis/action", online, status: 201)["version_id"] as? String)
        let list = try await s.ask(.get, "/apis/publish/\(id)?env_name=RELEASE", status: 200)
        let versions = try #require(list["api_versions"] as? [[String: Any]])
        #expect(versions.map { $0["version_id"] as? String } == [second, first])
        #expect(versions.map { $0["status"] as? Int } == [1, 2])
        #expect((versions[0]["version_no"] as? String)?.count == 14)
        let switched = try await s.ask(.put, "/apis/publish/\(id)", #"{"version_id":"\#(first)"}"#, status: 200)
        #expect(switched["version_id"] as? String == first)
        let shown = try await s.ask(.get, "/apis/versions/\(first)", status: 200)
        #expect(shown["version_id"] as? String == first && shown["mock_info"] != nil && shown["sl_domain"] != nil)
        #expect(try await s.refused(.put, "/apis/publish/\(id)", #"{"version_id":"none"}"#) == "404 APIG.3022 The API version does not exist,id:none")
        #expect(try await s.refused(.put, "/apis/publish/\(id)").hasPrefix("400 APIG.2000 Parameter error: Serialization error"))
        #expect(try await s.refused(.delete, "/apis/versions/\(second)").hasPrefix("404 APIG.3022"))
        #expect(try await s.send(.delete, "/apis/versions/\(first)").status == 204)
        #expect(try await s.refused(.get, "/apis/runtime/\(id)") == "404 APIG.3015 The API publication record does not exist.")
        #expect(
            try await s.refused(.post, "/apis/action", online.replacing("online", with: "offline"))
                == "404 APIG.3015 The API publication record does not exist.")
        #expect(try await s.send(.delete, "/apis/\(id)").status == 204)
        #expect(try await s.refused(.get, "/apis/publish/\(id)") == "404 APIG.3002 API \(id) does not exist")
    }

    @Test("a batch reports each API")
    func batch() async throws {
        let s = try await Session()
        let group = try await s.group()
        let a = try await s.api(group, "one", "/one")
        let b = try await s.api(group, "two", "/two")
        let body = #"{"apis":["\#(a)","nothing","\#(b)"],"env_id":"\#(Environment.releaseID)"}"#
        let done = try await s.ask(.post, "/apis/publish?action=online", body, status: 200)
        #expect((done["success"] as? [[String: Any]])?.map { $0["api_name"] as? String } == ["one", "two"])
        let failure = try #require((done["failure"] as? [[String: Any]])?.first)
        #expect(failure["error_code"] as? String == "APIG.3002" && failure["error_msg"] as? String == "Api nothing not found")
        let none = try await s.ask(
            .post, "/apis/publish?action=offline", #"{"apis":[],"env_id":"\#(Environment.releaseID)"}"#, status: 200)
        #expect((none["failure"] as? [Any])?.isEmpty == true && (none["success"] as? [Any])?.isEmpty == true)
        #expect(
            try await s.refused(.post, "/apis/publish?action=up", body)
                == #"400 APIG.2011 Invalid parameter value: parameter action should be \"online\" or \"offline\""#)
        #expect(try await s.refused(.post, "/apis/publish?action=online", #"{"apis":["\#(a)"],"env_id":"none"}"#).hasPrefix("404 APIG.3003"))
        let many = Array(repeating: "\"x\"", count: 1001).joined(separator: ",")
        #expect(
            try await s.refused(.post, "/apis/publish?action=online", #"{"apis":[\#(many)],"env_id":"\#(Environment.releaseID)"}"#)
                .hasPrefix("400 APIG.2011 Invalid parameter value,parameterName:apis"))
    }

    @Test("refusals name code and field", arguments: [
        (#","req_params":[{"name":"x","type":"STRING","location":"PATH"}]"#, "400 APIG.2026 The request path parameters are not defined."),
        (#","backend_params":[{"name":"x","location":"PATH","origin":"CONSTANT","value":"1"}]"#, "400 APIG.2027 The backend path parameters are not defined."),
        (#","backend_params":[{"name":"x","location":"QUERY","origin":"REQUEST","value":"no"}]"#, "400 APIG.2028 The request parameters mapped to the backend parameters are not defined."),
        (#","remark":"<b>""#, "400 APIG.2011 Invalid parameter value,parameterName:remark"),
        (#","tags":["a","a"]"#, "400 APIG.3213 The tag name already exists."),
        (#","backend_api":{"url_domain":"h","req_protocol":"HTTP","req_method":"GET","req_uri":"/x","timeout":1}"#, "400 APIG.2011 Invalid parameter value,parameterName:backend_api"),
        (#","roma_app_id":"app""#, "404 APIG.3004 App app does not exist"),
        (#","content_type":"text/html""#, "400 APIG.2011 Invalid parameter value,parameterName:content_type"),
        (#","mock_info":{"header":"no json"}"#, "400 APIG.2011 Invalid parameter value,parameterName:header"),
        (#","type":3"#, "400 APIG.2011 Invalid parameter value,parameterName:type"),
        (#","name":7"#, "400 APIG.2000 Parameter error: Serialization error"),
    ])
    func refusals(more: String, expected: String) async throws {
        let s = try await Session()
        let group = try await s.group()
        // Of a repeated member the last one counts with some parsers and the first with others: none is sent twice here.
        var body = Session.mock(group, "order", "/o", more)
        if more.contains("\"mock_info\"") { body = body.replacing(#","mock_info":{"result_content":"[]"}"#, with: "") }
        if more.contains("\"type\":3") { body = body.replacing(#""type":1,"#, with: "") }
        if more.contains("\"name\":7") { body = body.replacing(#""name":"order","#, with: "") }
        #expect(try await s.refused(.post, "/apis", body).hasPrefix(expected))
    }

    @Test("an API that cannot be served yet is stored, and publishing names the field")
    func notServed() async throws {
        let s = try await Session()
        let group = try await s.group()
        let body = Session.mock(group, "order", "/o").replacing(#""auth_type":"NONE""#, with: #""auth_type":"APP""#)
            .replacing(
                #""backend_type":"MOCK","mock_info":{"result_content":"[]"}"#,
                with: #""backend_type":"HTTP","backend_api":{"req_protocol":"HTTPS","req_method":"GET","req_uri":"/","#
                    + #""url_domain":"b.example.com","timeout":1000,"enable_client_ssl":true}"#)
        let made = try await s.ask(.post, "/apis", body, status: 201)
        #expect((made["auth_opt"] as? [String: Any])?["app_code_auth_type"] as? String == "DISABLE")
        let id = try #require(made["id"] as? String)
        let refusal = try await s.refused(
            .post, "/apis/action", #"{"action":"online","api_id":"\#(id)","env_id":"\#(Environment.releaseID)"}"#)
        #expect(refusal.hasPrefix("400 APIG.2011 Invalid parameter value,parameterName:enable_client_ssl"), "\(refusal)")
    }

    @Test("details of the instance")
    func instance() async throws {
        let s = try await Session()
        let shown = try await s.ask(.get, "", status: 200)
        #expect(shown["id"] as? String == "inst" && shown["status"] as? String == "Running" && shown["instance_status"] as? Int == 6)
        #expect((shown["supported_features"] as? [String])?.contains("public_key") == true)
        let unknown = try await s.port.send(.get, "/v2/\(s.port.project.id)/apic/instances/none", s.token)
        #expect(unknown.status == 404 && unknown.code == "APIC.7302")
    }
}
