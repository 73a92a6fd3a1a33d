import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

@Suite struct OrchestrationTests {
    private static func rule(
        _ id: String, _ strategy: OrchestrationRule.Strategy, _ entries: [OrchestrationRule.Entry], pre: Bool = false,
        name: String = "out", kind: OrchestrationRule.MappedParameter.Kind = .string,
        location: OrchestrationRule.MappedParameter.Location = .query
    ) -> OrchestrationRule {
        OrchestrationRule(
            id: id, instanceID: "i", name: id, strategy: strategy,
            mapped: pre ? nil : .init(name: name, kind: kind, location: location), isPreprocessing: pre, entries: entries,
            createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))
    }

    private static func bench(_ rules: [OrchestrationRule], pass: Bool = false, default value: String? = nil) throws -> MappingBench {
        try MappingBench([parameter("q", pass: pass, default: value, rules: rules.map(\.id))], rules: rules)
    }

    private static func range(_ start: Int64, _ end: Int64, _ value: String) -> OrchestrationRule.Entry {
        .init(rangeStart: start, rangeEnd: end, mappedValue: value)
    }

    static let strategies: [(OrchestrationRule, String, String?)] = [
        (rule("r", .list, [.init(list: ["a", "b"], mappedValue: "one"), .init(list: ["c"], mappedValue: "two")]), "b", "one"),
        (rule("r", .list, [.init(list: ["a", "b"], mappedValue: "one"), .init(list: ["c"], mappedValue: "two")]), "c", "two"),
        (rule("r", .list, [.init(list: ["a"], mappedValue: "one")]), "A", nil),
        (rule("r", .hash, []), "a", "3904355907"), (rule("r", .hash, []), "", "0"), (rule("r", .hash, []), "123456789", "3421780262"),
        (rule("r", .range, [range(0, 9, "low"), range(5, 99, "high")]), "5", "low"),
        (rule("r", .range, [range(0, 9, "low"), range(5, 99, "high")]), "10", "high"),
        (rule("r", .range, [range(0, 9, "low")]), "10", nil), (rule("r", .range, [range(0, 9, "low")]), "x", nil),
        (rule("r", .range, [range(0, 9, "low")]), "-1", nil), (rule("r", .range, [range(0, 9, "low")]), "", nil),
        (rule("r", .range, [range(.max, .max, "most")]), "9223372036854775807", "most"),
        (rule("r", .range, [range(0, .max, "any")]), "9223372036854775808", nil),
        (rule("r", .hashRange, [range(0, 3_000_000_000, "low"), range(3_904_355_907, 3_904_355_907, "a")]), "a", "a"),
        (rule("r", .headN, [.init(interceptLength: 2)]), "a%C3%A4b", "a%C3%A4"), (rule("r", .headN, [.init(interceptLength: 9)]), "abc", "abc"),
        (rule("r", .tailN, [.init(interceptLength: 2)]), "ab%C3%A4", "b%C3%A4"), (rule("r", .tailN, [.init(interceptLength: 9)]), "abc", "abc"),
        (rule("r", .tailN, [.init(interceptLength: 2)], kind: .number), "a12", "12"),
        (rule("r", .tailN, [.init(interceptLength: 2)], kind: .number), "abc", nil),
    ]

    @Test(arguments: strategies) func strategy(_ rule: OrchestrationRule, _ value: String, _ expected: String?) throws {
        let outcome = try Self.bench([rule]).send("/a?q=\(value)")
        if let expected {
            #expect(outcome.sent?.target == "/b?out=\(expected)")
        } else {
            #expect(outcome.refused == .orchestrationFailed)
        }
    }

    @Test func chains() throws {
        let none = Self.rule("none", .noneValue, [.init(mappedValue: "n")])
        let other = Self.rule("other", .default, [.init(mappedValue: "d")])
        let head = Self.rule("head", .headN, [.init(interceptLength: 1)], pre: true)
        let list = Self.rule("list", .list, [.init(list: ["x"], mappedValue: "listed")], name: "X-Out", location: .header)
        let second = Self.rule("second", .list, [.init(list: ["y"], mappedValue: "second")])
        let bench = try Self.bench([other, head, list, second, none])
        let listed = try #require(bench.send("/a?q=xyz&out=client", ["x-out: client"]).sent)
        #expect(listed.target == "/b" && listed.all("X-Out") == ["listed"], "what a client sends under these names is not the rules' word")
        #expect(bench.send("/a?q=yes").sent?.target == "/b?out=second")
        #expect(bench.send("/a?q=z").sent?.target == "/b?out=d")
        #expect(bench.send("/a").sent?.target == "/b?out=n")
        #expect(try Self.bench([list]).send("/a").refused == .orchestrationParameterMissing)
        #expect(try Self.bench([list], default: "x").send("/a").sent?.all("X-Out") == ["listed"])
        #expect(try Self.bench([list], pass: true).send("/a?q=x&q=2").sent?.target == "/b?q=x&q=2")
        #expect(GatewayFailure.orchestrationFailed.answer.code == "0106" && GatewayFailure.orchestrationFailed.kind == .orchestrationFailure)
        #expect(GatewayFailure.orchestrationParameterMissing.kind == .orchestrationParameterNotFound)
    }

    @Test func aBackendParameterOfTheSameNameIsRefused() {
        let rule = Self.rule("r", .hash, [])
        #expect(throws: CompileDiagnostic.self) {
            try MappingBench([parameter("q", rules: ["r"])], [mapped("out", .query, .constant, "1")], rules: [rule])
        }
        #expect(throws: CompileDiagnostic.self) { try MappingBench([parameter("q", rules: ["r"])]) }
    }
}

@Suite struct BackendPolicyTests {
    private static func policy(
        _ name: String, _ conditions: [GatewayModel.BackendCondition], all: Bool = true, parameters: [BackendParameter] = [], uri: String? = nil
    ) -> BackendPolicy<HTTPBackendDefinition> {
        BackendPolicy(
            id: "", name: name, effectMode: all ? "ALL" : "ANY", conditions: conditions, backendParameters: parameters,
            backend: HTTPBackendDefinition(
                id: "", reqProtocol: "HTTP", reqMethod: .any, reqURI: uri ?? "/\(name)", address: "other:80", timeoutMilliseconds: 5000))
    }

    private static func condition(
        _ origin: String, _ type: String?, _ value: String, name: String? = nil, location: String? = nil
    ) -> GatewayModel.BackendCondition {
        var condition = GatewayModel.BackendCondition(id: "", origin: origin, type: type, value: value)
        switch origin {
        case "param":
            condition.requestParameterName = name
            condition.requestParameterLocation = location
        case "system": condition.systemParameterName = name
        case "cookie": condition.cookieName = name
        case "frontend_authorizer": condition.authorizerParameterName = name
        default:
            condition.mappedParameterName = name
            condition.mappedParameterLocation = location
        }
        return condition
    }

    /// Which request goes to the policy; `from` is the client's address.
    static let cases: [(GatewayModel.BackendCondition, String, [String], String, Bool)] = [
        (condition("param", "exact", "1", name: "q"), "/a?q=1", [], "192.0.2.1", true),
        (condition("param", "exact", "1", name: "q"), "/a?q=%31&q=2", [], "192.0.2.1", true),
        (condition("param", "exact", "1", name: "q"), "/a?q=2&q=1", [], "192.0.2.1", false),
        (condition("param", "exact", "1", name: "q"), "/a", [], "192.0.2.1", false),
        (condition("param", "exact", "d", name: "defaulted"), "/a", [], "192.0.2.1", true),
        (condition("param", "exact", "", name: "q"), "/a?q=", [], "192.0.2.1", true),
        (condition("param", "enum", "1, 2,3", name: "q"), "/a?q=2", [], "192.0.2.1", true),
        (condition("param", "enum", "1,2", name: "q"), "/a?q=1,2", [], "192.0.2.1", false),
        (condition("param", "pattern", "^v[0-9]+", name: "X-H"), "/a", ["x-h: v12"], "192.0.2.1", true),
        (condition("param", "pattern", "b", name: "X-H"), "/a", ["X-H: abc"], "192.0.2.1", true),
        (condition("param", "pattern", "^b", name: "X-H"), "/a", ["X-H: abc"], "192.0.2.1", false),
        (condition("param", "exact", "1", name: "twice", location: "HEADER"), "/a?twice=1", [], "192.0.2.1", false),
        (condition("param", "exact", "1", name: "twice", location: "HEADER"), "/a?twice=2", ["twice: 1"], "192.0.2.1", true),
        (condition("source", nil, "192.0.2.0/24,2001:db8::/32"), "/a", [], "192.0.2.77", true),
        (condition("source", nil, "192.0.2.0/24,2001:db8::/32"), "/a", [], "2001:db8::7", true),
        (condition("source", nil, "192.0.2.0/24"), "/a", [], "198.51.100.1", false),
        (condition("system", "exact", "/a", name: "req_path"), "/%61", [], "192.0.2.1", true),
        (condition("system", "pattern", "^/b", name: "reqPath"), "/a", [], "192.0.2.1", false),
        (condition("system", "enum", "PUT,GET", name: "req_method"), "/a", [], "192.0.2.1", true),
        (condition("system", "exact", "get", name: "reqMethod"), "/a", [], "192.0.2.1", false),
        (condition("cookie", "exact", "1", name: "c"), "/a", ["Cookie: a=2; c=1", "Cookie: c=3"], "192.0.2.1", true),
        (condition("cookie", "exact", "1", name: "c"), "/a", ["Cookie: cc=1; C=1; c"], "192.0.2.1", false),
        (condition("cookie", "exact", "a=b", name: "c"), "/a", ["cookie: c=a=b"], "192.0.2.1", true),
        (condition("frontend_authorizer", "exact", "admin", name: "$context.authorizer.frontend.role"), "/a", [], "192.0.2.1", true),
        (condition("frontend_authorizer", "exact", "admin", name: "$context.authorizer.frontend.none"), "/a", [], "192.0.2.1", false),
        (condition("orchestration", "exact", "low", name: "out"), "/a?level=3", [], "192.0.2.1", true),
        (condition("orchestration", "exact", "low", name: "out", location: "query"), "/a?level=30", [], "192.0.2.1", false),
    ]

    @Test(arguments: cases)
    func condition(
        _ condition: GatewayModel.BackendCondition, _ target: String, _ lines: [String], _ address: String, _ matches: Bool
    ) throws {
        let rules = [
            OrchestrationRule(
                id: "r", instanceID: "i", name: "r", strategy: .range, mapped: .init(name: "out", kind: .string, location: .query),
                isPreprocessing: false,
                entries: [
                    .init(rangeStart: 0, rangeEnd: 9, mappedValue: "low"), .init(rangeStart: 10, rangeEnd: 99, mappedValue: "high"),
                ], createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))
        ]
        var bench = try MappingBench(
            [
                parameter("q"), parameter("X-H", .header), parameter("defaulted", default: "d"), parameter("twice"), parameter("twice", .header),
                parameter("level", default: "50", rules: ["r"]),
            ], rules: rules
        ) { $0.httpPolicies = [Self.policy("chosen", [condition])] }
        bench.frontend = AuthorizerContext([Array("role".utf8): Array("admin".utf8)])
        let path = bench.send(target, lines, from: address).sent?.path
        #expect(path == (matches ? "/chosen" : "/b"))
    }

    @Test func allAnyAndTheOrder() throws {
        let one = Self.condition("param", "exact", "1", name: "q")
        let two = Self.condition("param", "exact", "2", name: "r")
        let bench = try MappingBench([parameter("q"), parameter("r")]) { definition in
            definition.httpPolicies = [Self.policy("both", [one, two]), Self.policy("either", [one, two], all: false)]
            definition.mockPolicies = [
                BackendPolicy(
                    id: "", name: "mock", effectMode: "ALL", conditions: [Self.condition("param", "exact", "mock", name: "q")],
                    backendParameters: [], backend: MockBackendDefinition(id: "", resultContent: "m", statusCode: 207))
            ]
        }
        #expect(bench.send("/a?q=1&r=2").sent?.path == "/both")
        #expect(bench.send("/a?q=1").sent?.path == "/either")
        #expect(bench.send("/a?q=mock&r=2").sent?.path == "/either", "HTTP comes before MOCK")
        guard case .mock(let mock) = bench.send("/a?q=mock") else {
            Issue.record("no mock")
            return
        }
        #expect(mock.status == 207)
        #expect(bench.send("/a?q=3").sent?.target == "/b?q=3")
    }

    @Test func aPolicyHasItsOwnBackendParameters() throws {
        let bench = try MappingBench(
            [parameter("q"), parameter("r")], [mapped("X-Q", .header, "q"), mapped("X-Default", .header, .constant, "1")]
        ) {
            $0.httpPolicies = [
                Self.policy("own", [Self.condition("param", "exact", "1", name: "q")], parameters: [mapped("z", .path, "r")], uri: "/own/{z}")
            ]
        }
        let own = try #require(bench.send("/a?q=1&r=2").sent)
        #expect(own.target == "/own/2?q=1" && own.all("X-Q").isEmpty && own.all("X-Default").isEmpty)
        let standard = try #require(bench.send("/a?q=2&r=2").sent)
        #expect(standard.target == "/b?r=2" && standard.all("X-Q") == ["2"] && standard.all("X-Default") == ["1"])
    }
}
