import ControlPlane
import GatewayModel
import Testing

/// Every rule of a definition, as the refusal of the API that breaks it.
struct DefinitionRulesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let refusal: OperationError?
        let change: @Sendable (inout APIDefinition) -> Void
        var testDescription: String { name }

        init(_ name: String, _ refusal: OperationError?, _ change: @escaping @Sendable (inout APIDefinition) -> Void) {
            self.name = name
            self.refusal = refusal
            self.change = change
        }
    }

    private static func parameter(
        _ name: String, _ location: ParameterLocation = .query, type: String = "STRING"
    ) -> RequestParameter {
        RequestParameter(id: "", name: name, type: type, location: location, required: location == .path)
    }

    private static func mapped(
        _ name: String, _ origin: BackendParameter.Origin, _ value: String, _ location: ParameterLocation = .header
    ) -> BackendParameter {
        BackendParameter(id: "", origin: origin, name: name, location: location, value: value)
    }

    static let paths: [Case] = [
        Case("plain", nil) { _ in },
        Case("no slash", .invalid(field: "req_uri")) { $0.reqURI = "a" },
        Case("query", .invalid(field: "req_uri")) { $0.reqURI = "/a?b" },
        Case("512 characters", nil) { $0.reqURI = "/" + String(repeating: "a", count: 511) },
        Case("513 characters", .invalid(field: "req_uri")) { $0.reqURI = "/" + String(repeating: "a", count: 512) },
        Case("half a segment", .invalid(field: "req_uri")) { $0.reqURI = "/a{x}" },
        Case("rest in a prefix", .invalid(field: "req_uri")) {
            $0.reqURI = "/{x+}"
            $0.matchMode = .prefix
            $0.requestParameters = [parameter("x", .path)]
        },
        Case("health check", .invalid(field: "req_uri")) { $0.reqURI = "/apic/health_check" },
        Case("health check by POST", nil) { $0 = .mocked("n", "/apic/health_check", groupID: $0.groupID, method: .post) },
        Case("undeclared parameter", .definition(.requestPathParameters)) { $0.reqURI = "/{x}" },
        Case("parameter without a place", .definition(.requestPathParameters)) { $0.requestParameters = [parameter("x", .path)] },
    ]

    static let parameters: [Case] = [
        Case("same name elsewhere", nil) { $0.requestParameters = [parameter("x"), parameter("x", .header)] },
        Case("repeated", .definition(.repeatedParameter)) { $0.requestParameters = [parameter("x"), parameter("X")] },
        Case("50", nil) { $0.requestParameters = (0..<50).map { parameter("p\($0)") } },
        Case("51", .definition(.tooManyParameters)) { $0.requestParameters = (0..<51).map { parameter("p\($0)") } },
        Case("reserved", .invalid(field: "req_params")) { $0.requestParameters = [parameter("X-Sdk-Date", .header)] },
        Case("x-stage", .invalid(field: "req_params")) { $0.requestParameters = [parameter("X-Stage")] },
        Case("underscore in a header", .invalid(field: "req_params")) { $0.requestParameters = [parameter("a_b", .header)] },
        Case("Authorization", .invalid(field: "req_params")) { $0.requestParameters = [parameter("Authorization", .header)] },
        Case("default with a line end", .invalid(field: "default_value")) {
            $0.requestParameters = [parameter("x")]
            $0.requestParameters[0].defaultValue = "a\r\nb"
        },
        Case("default that is no number", .invalid(field: "default_value")) {
            $0.requestParameters = [parameter("x", type: "NUMBER")]
            $0.requestParameters[0].defaultValue = "a"
        },
        Case("range the wrong way round", .invalid(field: "min_num")) {
            $0.requestParameters = [parameter("x", type: "NUMBER")]
            $0.requestParameters[0].minNumber = 3
            $0.requestParameters[0].maxNumber = 2
        },
        Case("mapped", nil) {
            $0.requestParameters = [parameter("x")]
            $0.backendParameters = [mapped("y", .request, "x"), mapped("z", .constant, "1"), mapped("s", .system, "$context.stage")]
        },
        Case("mapped from nowhere", .definition(.unmappedBackendParameter)) { $0.backendParameters = [mapped("y", .request, "x")] },
        Case("unknown system value", .invalid(field: "backend_params")) { $0.backendParameters = [mapped("y", .system, "$context.x")] },
        Case("authorizer value", .definition(.authorizerParameters)) {
            $0.backendParameters = [mapped("y", .system, "$context.authorizer.frontend.user")]
        },
        Case("constant with a line end", .invalid(field: "backend_params")) { $0.backendParameters = [mapped("y", .constant, "a\nb")] },
        Case("reserved backend header", .invalid(field: "backend_params")) { $0.backendParameters = [mapped("x-apig-mode", .constant, "a")] },
        Case("framing header", .invalid(field: "backend_params")) { $0.backendParameters = [mapped("Content-Length", .constant, "1")] },
        Case("repeated mapping", .definition(.repeatedParameter)) {
            $0.backendParameters = [mapped("y", .constant, "a"), mapped("Y", .constant, "b")]
        },
    ]

    private static func http(_ change: @escaping @Sendable (inout HTTPBackendDefinition) -> Void) -> @Sendable (inout APIDefinition) -> Void {
        {
            $0 = .proxied("name", "/a", groupID: $0.groupID, to: "/b")
            if var backend = $0.http {
                change(&backend)
                $0.http = backend
            }
        }
    }

    static let backends: [Case] = [
        Case("http", nil, http { _ in }),
        Case("no address", .missing(field: "url_domain"), http { $0.address = nil }),
        Case("address with a path", .invalid(field: "url_domain"), http { $0.address = "a.example/b" }),
        Case("port 0", .invalid(field: "url_domain"), http { $0.address = "a.example:0" }),
        Case("IPv6", nil, http { $0.address = "[::1]:80" }),
        Case("variable", nil, http { $0.address = "#host#:#port#" }),
        Case("half a variable", .invalid(field: "url_domain"), http { $0.address = "#host" }),
        Case("timeout 0", .tooSmall(field: "timeout"), http { $0.timeoutMilliseconds = 0 }),
        Case("timeout 60000", nil, http { $0.timeoutMilliseconds = 60_000 }),
        Case("timeout 60001", .tooLarge(field: "timeout"), http { $0.timeoutMilliseconds = 60_001 }),
        Case("retry 11", .invalid(field: "retry_count"), http { $0.retryCount = 11 }),
        Case("retry -2", .invalid(field: "retry_count"), http { $0.retryCount = -2 }),
        Case("backend path with a query", .invalid(field: "req_uri"), http { $0.reqURI = "/a?b" }),
        Case("backend path with a rest", .invalid(field: "req_uri"), http { $0.reqURI = "/{a+}" }),
        Case("backend path parameter", .definition(.backendPathParameters), http { $0.reqURI = "/pre-{a}-post" }),
        Case("backend parameter without a place", .definition(.backendPathParameters)) {
            $0 = .proxied("name", "/a", groupID: $0.groupID, to: "/b")
            $0.backendParameters = [mapped("a", .constant, "x", .path)]
        },
        Case("channel", .notFound(.vpcChannel, id: "c1"), http { $0.channelID = "c1" }),
        Case("no block", .missing(field: "mock_info")) { $0.mock = nil },
        Case("block of another type", .invalid(field: "backend_api")) {
            $0.http = APIDefinition.proxied("n", "/a", groupID: "g", to: "/b").http
        },
        Case("mock header", nil) { $0.mock?.headers = [.init(key: "X-A", value: "b")] },
        Case("mock header name", .invalid(field: "header")) { $0.mock?.headers = [.init(key: "X A", value: "b")] },
        Case("mock header value", .invalid(field: "header")) { $0.mock?.headers = [.init(key: "X-A", value: "b\r\nc: d")] },
        Case("mock framing", .invalid(field: "header")) { $0.mock?.headers = [.init(key: "Content-Length", value: "1")] },
    ]

    static let wholes: [Case] = [
        Case("markup", .invalid(field: "remark")) { $0.remark = "<script>" },
        Case("AppCode without APP", .invalid(field: "app_code_auth_type")) { $0.appCodeAllowed = true },
        Case("no authorizer", .missing(field: "authorizer_id")) { $0.authType = .authorizer },
        Case("unknown authorizer", .notFound(.authorizer, id: "a1")) {
            $0.authType = .authorizer
            $0.authorizerID = "a1"
        },
        Case("unknown application", .notFound(.integrationApplication, id: "a1")) { $0.romaAppID = "a1" },
        Case("domain without application", .missing(field: "roma_app_id")) { $0.domainName = "a.example" },
        Case("unknown group", .notFound(.apiGroup, id: "g1")) { $0.groupID = "g1" },
        Case("response", .notFound(.groupResponse, id: "r1")) { $0.responseID = "r1" },
        Case("ten tags", nil) { $0.tags = (0..<10).map { "t\($0)" } },
        Case("eleven tags", .definition(.tooManyTags)) { $0.tags = (0..<11).map { "t\($0)" } },
        Case("tag twice", .definition(.repeatedTag)) { $0.tags = ["a", "a"] },
        Case("policy without conditions", .missing(field: "conditions")) { $0.mockPolicies = [policy("p", [])] },
        Case("policy", nil) { $0.mockPolicies = [policy("p", [BackendCondition(id: "", origin: "source", value: "10.0.0.0/8")])] },
        Case("policy by a bad address", .invalid(field: "condition_value")) {
            $0.mockPolicies = [policy("p", [BackendCondition(id: "", origin: "source", value: "10.0.0.0/99")])]
        },
        Case("policies of one name", .definition(.repeatedPolicy)) {
            let condition = BackendCondition(id: "", origin: "source", value: "10.0.0.1")
            $0.mockPolicies = [policy("p", [condition]), policy("p", [condition])]
        },
        Case("six conditions", .definition(.tooManyConditions)) {
            $0.mockPolicies = [policy("p", Array(repeating: BackendCondition(id: "", origin: "source", value: "10.0.0.1"), count: 6))]
        },
        Case("policy of another type", nil) {
            $0 = .proxied("name", "/a", groupID: $0.groupID, to: "/b")
            $0.mockPolicies = [policy("p", [BackendCondition(id: "", origin: "source", value: "10.0.0.1")])]
        },
        Case("condition on an undeclared parameter", .definition(.unmappedBackendParameter)) {
            $0.mockPolicies = [
                policy("p", [BackendCondition(id: "", origin: "param", type: "exact", value: "a", requestParameterName: "x")])
            ]
        },
        Case("condition with a broken pattern", .invalid(field: "condition_value")) {
            $0.requestParameters = [parameter("x")]
            $0.mockPolicies = [
                policy("p", [BackendCondition(id: "", origin: "param", type: "pattern", value: "(", requestParameterName: "x")])
            ]
        },
    ]

    private static func policy(_ name: String, _ conditions: [BackendCondition]) -> BackendPolicy<MockBackendDefinition> {
        BackendPolicy(
            id: "", name: name, effectMode: "ALL", conditions: conditions, backendParameters: [],
            backend: MockBackendDefinition(id: "", resultContent: ""))
    }

    @Test(arguments: paths + parameters + backends + wholes)
    func rule(_ rule: Case) async throws {
        let g = try await TestGateway()
        let group = try await g.group("rules")
        var definition = APIDefinition.mocked("name", "/a", groupID: group.id)
        rule.change(&definition)
        let changed = definition
        guard let expected = rule.refusal else {
            let view = try await g.plane.createAPI(g.call(), changed).value
            #expect(view.api.definition.name == changed.name)
            return
        }
        #expect(await g.refused { try await $0.createAPI(g.call(), changed) } == expected)
        // Nothing half-written: the same name and path are free.
        _ = try await g.api("name", "/a", group: group)
    }
}
