import GatewayModel
import GatewayPrimitives
import Snapshot

/// The backends of a definition, and which of them a request goes to.
struct BackendCompiler {
    let definition: APIDefinition
    let front: PathTemplate
    let settings: InstanceSettings
    let resource: String
    let channels: ChannelCompiler
    /// Rules that the definition names, by id.
    let orchestrations: [String: OrchestrationRule]
    let authorizers: AuthorizerCompiler

    func compile() throws(CompileDiagnostic) -> RouteBackends {
        let mappings = try MappingCompiler(definition, front: front, orchestrations: orchestrations, resource: resource)
        let parameters = definition.backendParameters
        let standard: BackendChoice
        switch definition.backendType {
        case .http, .grpc:
            guard let backend = definition.http else { throw refuse("backend_api", "is missing") }
            standard = try choice(backend, parameters, mappings)
        case .mock:
            guard let mock = definition.mock else { throw refuse("mock_info", "is missing") }
            standard = try choice(mock, parameters, mappings)
        case .function:
            guard let function = definition.function else { throw refuse("func_info", "is missing") }
            standard = try choice(function, parameters, mappings)
        }
        // Their order is that of the three lists (gateway-runtime.md, 4.6 and O19).
        var policies: [RouteBackends.Policy] = []
        for policy in definition.httpPolicies {
            policies.append(try compile(policy, try choice(policy.backend, policy.backendParameters, mappings), mappings))
        }
        for policy in definition.mockPolicies {
            policies.append(try compile(policy, try choice(policy.backend, policy.backendParameters, mappings), mappings))
        }
        for policy in definition.functionPolicies {
            policies.append(try compile(policy, try choice(policy.backend, policy.backendParameters, mappings), mappings))
        }
        let isMapped = standard.mapping != nil || policies.contains { $0.choice.mapping != nil }
        return RouteBackends(
            policies: policies, standard: standard, reading: mappings.reading(isMapped: isMapped),
            downgraded: try mappings.compile([], uri: nil).mapping)
    }

    private func compile<Definition>(
        _ policy: BackendPolicy<Definition>, _ choice: BackendChoice, _ mappings: MappingCompiler
    ) throws(CompileDiagnostic) -> RouteBackends.Policy {
        var conditions: [ChoiceCondition] = []
        for condition in policy.conditions { conditions.append(try mappings.compile(condition)) }
        guard !conditions.isEmpty else { throw refuse("conditions", "are missing") }
        return RouteBackends.Policy(
            name: policy.name, needsAll: policy.effectMode == "ALL", conditions: conditions, choice: choice)
    }

    private func choice(
        _ backend: HTTPBackendDefinition, _ parameters: [BackendParameter], _ mappings: MappingCompiler
    ) throws(CompileDiagnostic) -> BackendChoice {
        // The path of a call is the method's name, and goes on as it came (gateway-runtime.md, 4.5).
        let (path, mapping) = try mappings.compile(parameters, uri: backend.speaksGRPC ? nil : backend.reqURI)
        return BackendChoice(
            .http(try http(backend, path)), mapping: mapping, authorizer: try authorizers.backend(backend.authorizerID))
    }

    /// Nothing of a request is sent anywhere, so nothing is mapped.
    private func choice(
        _ mock: MockBackendDefinition, _ parameters: [BackendParameter], _ mappings: MappingCompiler
    ) throws(CompileDiagnostic) -> BackendChoice {
        BackendChoice(.mock(try self.mock(mock)), authorizer: try authorizers.backend(mock.authorizerID))
    }

    private func choice(
        _ function: FunctionBackendDefinition, _ parameters: [BackendParameter], _ mappings: MappingCompiler
    ) throws(CompileDiagnostic) -> BackendChoice {
        guard function.timeoutMilliseconds <= settings.maxBackendTimeoutMilliseconds else {
            throw refuse("timeout", "is above the instance's backend_timeout")
        }
        let backend = FunctionBackend(
            function: try authorizers.functions.target(function.function, field: "function_urn", resource: resource),
            isAsync: function.invocationType == "async", encodesBody: definition.encodesFunctionBody,
            timeoutMilliseconds: function.timeoutMilliseconds)
        return BackendChoice(
            .function(backend), mapping: try mappings.compile(parameters, uri: nil).mapping,
            authorizer: try authorizers.backend(function.authorizerID))
    }

    private func http(_ backend: HTTPBackendDefinition, _ path: BackendPath) throws(CompileDiagnostic) -> HTTPBackend {
        let usesTLS = backend.usesTLS
        let tls = try self.tls(backend, usesTLS: usesTLS)
        let channel: BalancedChannel? = if let id = backend.channelID { try channels.compile(id, resource: resource) } else { nil }
        guard let address = channel == nil ? backend.address : backend.channelProxyHost ?? "" else {
            throw refuse("url_domain", "is missing")
        }
        guard backend.timeoutMilliseconds <= settings.maxBackendTimeoutMilliseconds else {
            throw refuse("timeout", "is above the instance's backend_timeout")
        }
        var upstream = Upstream(usesTLS: usesTLS, host: "", port: 0, tls: tls, speaksHTTP2: backend.speaksGRPC)
        if channel == nil || !address.isEmpty {
            // The value of a variable may hold what no host does.
            guard let (host, port) = Self.split(address, defaultPort: usesTLS ? 443 : 80), !host.contains("/") else {
                throw refuse(channel == nil ? "url_domain" : "vpc_channel_proxy_host", "is not host[:port]")
            }
            if channel == nil {
                upstream = Upstream(usesTLS: usesTLS, host: host, port: port, tls: tls, speaksHTTP2: backend.speaksGRPC)
            }
        }
        return HTTPBackend(
            upstream: upstream, hostHeader: Array(address.utf8),
            method: backend.reqMethod == .any ? nil : RouteMethod(backend.reqMethod), path: path,
            timeoutMilliseconds: backend.timeoutMilliseconds,
            retry: backend.retryCount < 0 ? .automatic : .times(backend.retryCount), channel: channel)
    }

    /// What is shown to the backend, and whom it must be signed by.
    private func tls(_ backend: HTTPBackendDefinition, usesTLS: Bool) throws(CompileDiagnostic) -> BackendTLS? {
        guard backend.enableClientTLS else { return usesTLS ? settings.backendTLS.verified : nil }
        guard usesTLS else { throw refuse("enable_client_ssl", "needs a backend with TLS") }
        guard let mutual = settings.backendTLS.mutual else {
            throw refuse("enable_client_ssl", "the instance has no backend_client_certificate")
        }
        return mutual
    }

    /// `host`, `host:port`, `[v6]` or `[v6]:port`.
    static func split(_ address: String, defaultPort: Int) -> (host: String, port: Int)? {
        var host = Substring(address)
        var port = defaultPort
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            let rest = host[host.index(after: end)...]
            host = host[host.index(after: host.startIndex)..<end]
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let number = Self.port(rest.dropFirst()) else { return nil }
                port = number
            }
        } else if let colon = host.lastIndex(of: ":") {
            guard let number = Self.port(host[host.index(after: colon)...]) else { return nil }
            port = number
            host = host[..<colon]
        }
        guard !host.isEmpty, host.utf8.count <= 255 else { return nil }
        return (host.lowercased(), port)
    }

    private static func port(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let port = Int(text), (1...65_535).contains(port)
        else { return nil }
        return port
    }

    private func mock(_ mock: MockBackendDefinition) throws(CompileDiagnostic) -> MockBackend {
        var headers = mock.headers.map { HeaderLine(name: Array($0.key.utf8), value: Array($0.value.utf8)) }
        if !mock.headers.contains(where: { $0.key.lowercased() == "content-type" }) {
            headers.insert(HeaderLine(name: Array("Content-Type".utf8), value: Array("application/json".utf8)), at: 0)
        }
        return MockBackend(status: mock.statusCode, headers: headers, body: Array(mock.resultContent.utf8))
    }

    private func refuse(_ field: String, _ reason: String) -> CompileDiagnostic {
        CompileDiagnostic(field: field, reason: reason, resource: resource)
    }
}
