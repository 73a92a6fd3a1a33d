import GatewayModel
import GatewayPrimitives
import Snapshot

/// The backend part of a definition.
struct BackendCompiler {
    let definition: APIDefinition
    let front: PathTemplate
    let settings: InstanceSettings
    let resource: String
    let channels: ChannelCompiler

    func compile() throws(CompileDiagnostic) -> Backend {
        switch definition.backendType {
        case .http:
            guard let backend = definition.http else { throw refuse("backend_api", "is missing") }
            return .http(try http(backend))
        case .mock:
            guard let mock = definition.mock else { throw refuse("mock_info", "is missing") }
            return .mock(try self.mock(mock))
        case .function:
            throw refuse("backend_type", "FUNCTION backends are not served")
        }
    }

    private func http(_ backend: HTTPBackendDefinition) throws(CompileDiagnostic) -> HTTPBackend {
        guard backend.authorizerID == nil else { throw refuse("authorizer_id", "backend authorizers are not served") }
        let usesTLS = backend.reqProtocol == "HTTPS"
        let tls = try self.tls(backend, usesTLS: usesTLS)
        let channel: BalancedChannel? = if let id = backend.channelID { try channels.compile(id, resource: resource) } else { nil }
        guard let address = channel == nil ? backend.address : backend.channelProxyHost ?? "" else {
            throw refuse("url_domain", "is missing")
        }
        guard backend.timeoutMilliseconds <= settings.maxBackendTimeoutMilliseconds else {
            throw refuse("timeout", "is above the instance's backend_timeout")
        }
        var upstream = Upstream(usesTLS: usesTLS, host: "", port: 0, tls: tls)
        if channel == nil || !address.isEmpty {
            // The value of a variable may hold what no host does.
            guard let (host, port) = Self.split(address, defaultPort: usesTLS ? 443 : 80), !host.contains("/") else {
                throw refuse(channel == nil ? "url_domain" : "vpc_channel_proxy_host", "is not host[:port]")
            }
            if channel == nil { upstream = Upstream(usesTLS: usesTLS, host: host, port: port, tls: tls) }
        }
        return HTTPBackend(
            upstream: upstream, hostHeader: Array(address.utf8),
            method: backend.reqMethod == .any ? nil : RouteMethod(backend.reqMethod), path: try path(backend.reqURI),
            timeoutMilliseconds: backend.timeoutMilliseconds,
            retry: backend.retryCount < 0 ? .automatic : .times(backend.retryCount), channel: channel)
    }

    /// What is shown to the backend, and whom it must be signed by.
    private func tls(_ backend: HTTPBackendDefinition, usesTLS: Bool) throws(CompileDiagnostic) -> BackendTLS? {
        guard backend.enableClientTLS else { return usesTLS ? settings.backendTLS.verified : nil }
        guard usesTLS else { throw refuse("enable_client_ssl", "needs an HTTPS backend") }
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

    private func path(_ uri: String) throws(CompileDiagnostic) -> BackendPath {
        if definition.matchMode == .prefix {
            guard !uri.contains("{") else { throw refuse("req_uri", "a prefix API's backend path has no parameters") }
            return .prefix(Array(uri.utf8))
        }
        if uri == definition.reqURI, definition.backendParameters.isEmpty { return .asReceived }
        var pieces: [BackendPath.Piece] = []
        var literal: [UInt8] = []
        var rest = Substring(uri)
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else { throw refuse("req_uri", "has an open brace") }
            literal += Array(rest[..<open].utf8)
            let name = String(rest[rest.index(after: open)..<close])
            switch try source(of: name) {
            case .literal(let bytes): literal += bytes
            case .capture(let index):
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = []
                pieces.append(.capture(index))
            }
            rest = rest[rest.index(after: close)...]
        }
        literal += Array(rest.utf8)
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        return .pieces(pieces)
    }

    /// Where the value of a backend path parameter comes from.
    private func source(of name: String) throws(CompileDiagnostic) -> BackendPath.Piece {
        guard let parameter = definition.backendParameters.first(where: { $0.location == .path && $0.name == name }) else {
            throw refuse("backend_params", "the backend path needs \(name)")
        }
        switch parameter.origin {
        case .request:
            guard let index = front.parameterNames.firstIndex(of: parameter.value) else {
                throw refuse("backend_params", "\(name): there is no path parameter \(parameter.value)")
            }
            return .capture(index)
        case .constant:
            return .literal(Array(parameter.value.utf8))
        case .system:
            throw refuse("backend_params", "\(name): system parameters are not served")
        }
    }

    private func mock(_ mock: MockBackendDefinition) throws(CompileDiagnostic) -> MockBackend {
        guard mock.authorizerID == nil else { throw refuse("authorizer_id", "backend authorizers are not served") }
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
