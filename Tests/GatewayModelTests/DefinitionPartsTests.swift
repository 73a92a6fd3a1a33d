import GatewayModel
import Testing

/// Texts with variables, registered functions, orchestration rules.
struct DefinitionPartsTests {
    @Test(arguments: [
        ("#host#:80", "h:80"), ("#host##port#", "hp"), ("plain", "plain"), ("/a/#seg#/b", "/a/s/b"), ("#host", nil),
        ("#ab#", nil), ("##", nil), ("#1host#", nil), ("#unknown#", nil),
    ])
    func variables(text: String, expected: String?) {
        let values = ["host": "h", "port": "p", "seg": "s"]
        #expect(VariableText.replacing(text) { values[$0] } == expected)
    }

    @Test func valuesOfVariables() {
        #expect(VariableText.isValue(String(repeating: "a", count: 255)) && VariableText.isValue("A-z_0/9.:"))
        for text in ["", String(repeating: "a", count: 256), "#", "a b", "ä", "{a}", "a?b"] { #expect(!VariableText.isValue(text)) }
    }

    @Test func definitionsKnowTheirVariables() {
        var definition = APIDefinition(
            name: "a", groupID: "g", type: 1, reqProtocol: .both, reqMethod: .get, reqURI: "/#front#", authType: .none,
            backendType: .http)
        definition.http = HTTPBackendDefinition(
            id: "", reqProtocol: "HTTP", reqMethod: .get, reqURI: "/#path#/#path#", address: "#host#", timeoutMilliseconds: 1)
        #expect(definition.variableNames == ["host", "path"], "the front path has none")
        let resolved = definition.resolvingVariables { $0.uppercased() }
        #expect(resolved.http?.address == "HOST" && resolved.http?.reqURI == "/PATH/PATH")
    }

    @Test(arguments: [
        ("http://a", "a", "/", false), ("https://a:8/x?y=1", "a:8", "/x?y=1", true), ("http://a?q", "a", "/?q", false),
    ])
    func endpoints(url: String, address: String, path: String, usesTLS: Bool) throws {
        let endpoint = try #require(FunctionEndpoint(url))
        #expect(endpoint.address == address && endpoint.path == path && endpoint.usesTLS == usesTLS)
    }

    @Test(arguments: ["", "ftp://a", "http://", "http:///x", "http://u@a/", "http://a/#f", "http://a/ b", "a:80"])
    func noEndpoints(url: String) { #expect(FunctionEndpoint(url) == nil) }

    @Test func functionsAreFoundByAliasVersionAndName() throws {
        func endpoint(_ url: String) throws -> FunctionEndpoint { try #require(FunctionEndpoint(url)) }
        let registry = FunctionRegistry([
            "urn:f": try endpoint("http://plain"), "urn:f:v2": try endpoint("http://v2"), "urn:f:!live": try endpoint("http://live"),
        ])
        func address(_ version: String?, _ alias: String?) -> String? {
            registry.endpoint(of: FunctionReference(urn: "urn:f", version: version, aliasURN: alias))?.address
        }
        #expect(address(nil, nil) == "plain")
        #expect(address("latest", nil) == "plain")
        #expect(address("v2", nil) == "v2")
        #expect(address("v2", "urn:f:!live") == "live")
        #expect(address("v2", "urn:f:!gone") == nil)
        #expect(address("", "") == "plain")
        #expect(registry.endpoint(of: FunctionReference(urn: "urn:g", version: nil, aliasURN: nil)) == nil)
    }

    private func rule(
        _ strategy: OrchestrationRule.Strategy, _ entries: [OrchestrationRule.Entry] = [], preprocesses: Bool = false,
        name: String = "made", kind: OrchestrationRule.MappedParameter.Kind = .string
    ) -> OrchestrationRule {
        OrchestrationRule(
            id: "1", instanceID: "i", name: "rule", strategy: strategy,
            mapped: preprocesses ? nil : .init(name: name, kind: kind, location: .header), isPreprocessing: preprocesses,
            entries: entries, createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))
    }

    @Test func rulesHaveWhatTheirStrategyNeeds() throws {
        try OrchestrationRules.check(rule(.hash))
        try OrchestrationRules.check(rule(.list, [.init(list: ["a"], mappedValue: "b")]))
        try OrchestrationRules.check(rule(.range, [.init(rangeStart: 0, rangeEnd: 0, mappedValue: "b")]))
        try OrchestrationRules.check(rule(.headN, [.init(interceptLength: 100)], preprocesses: true))
        let wrong: [(OrchestrationRule, String)] = [
            (rule(.hash, [.init(mappedValue: "a")]), "orchestration_map"),
            (rule(.default, [.init(mappedValue: "a"), .init(mappedValue: "b")]), "orchestration_map"),
            (rule(.noneValue, [.init(mappedValue: "a")], preprocesses: true), "is_preprocessing"),
            (rule(.range, [.init(rangeStart: 2, rangeEnd: 1, mappedValue: "b")]), "range_end"),
            (rule(.list, [.init(list: ["a"], rangeStart: 1, mappedValue: "b")]), "map_param_range"),
            (rule(.list, [.init(list: ["a"], mappedValue: "b")], kind: .number), "mapped_param_value"),
            (rule(.tailN, [.init(interceptLength: 0)]), "intercept_length"),
            (rule(.tailN, [.init(mappedValue: "a", interceptLength: 1)]), "mapped_param_value"),
        ]
        for (rule, field) in wrong {
            #expect { try OrchestrationRules.check(rule) } throws: { ($0 as? InvalidField)?.field == field }
        }
    }

    @Test func chainsEndInAValue() {
        let definition = APIDefinition(
            name: "a", groupID: "g", type: 1, reqProtocol: .both, reqMethod: .get, reqURI: "/", authType: .none,
            backendType: .http, requestParameters: [RequestParameter(id: "", name: "Taken", type: "STRING", location: .header, required: false)])
        let head = rule(.headN, [.init(interceptLength: 1)], preprocesses: true)
        let other = rule(.default, [.init(mappedValue: "d")], name: "other")
        #expect(OrchestrationChain([head, rule(.hash), other]).fits(beside: definition))
        #expect(OrchestrationChain([rule(.hash), other, rule(.noneValue)]).mapped.map(\.name) == ["made", "other"])
        #expect(!OrchestrationChain([rule(.hash), head]).fits(beside: definition))
        #expect(!OrchestrationChain([head, other]).fits(beside: definition))
        #expect(!OrchestrationChain([other, other]).fits(beside: definition))
        #expect(!OrchestrationChain([rule(.hash, name: "taken")]).fits(beside: definition))
        #expect(OrchestrationChain([other]).fits(beside: definition))
    }
}
