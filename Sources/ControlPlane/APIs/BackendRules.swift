import GatewayModel
import GatewayPrimitives

/// Rules of the three kinds of backends (gateway-runtime.md, 4.1, 4.3, 4.4). Policies' backends keep the same rules.
struct BackendRules {
    let definition: APIDefinition
    let maxTimeoutMilliseconds: Int

    /// Names that say how a message is framed or where its connection goes on: written by the gateway alone.
    static let framingHeaders: Set<String> = [
        "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    func check(_ backend: HTTPBackendDefinition, parameters: [BackendParameter]) throws(OperationError) {
        if backend.channelID == nil {
            guard let address = backend.address, !address.isEmpty else { throw .missing(field: "url_domain") }
            guard Self.isAddress(address) else { throw .invalid(field: "url_domain") }
        } else if let host = backend.channelProxyHost, !host.isEmpty {
            guard Self.isAddress(host) else { throw .invalid(field: "vpc_channel_proxy_host") }
        }
        guard backend.timeoutMilliseconds >= 1 else { throw .tooSmall(field: "timeout") }
        guard backend.timeoutMilliseconds <= maxTimeoutMilliseconds else { throw .tooLarge(field: "timeout") }
        guard (-1...10).contains(backend.retryCount) else { throw .invalid(field: "retry_count") }
        guard let names = Self.pathParameters(backend.reqURI) else { throw .invalid(field: "req_uri") }
        let given = parameters.filter { $0.location == .path }.map(\.name)
        guard Set(names) == Set(given) else { throw .definition(.backendPathParameters) }
    }

    func check(_ mock: MockBackendDefinition, parameters: [BackendParameter]) throws(OperationError) {
        guard mock.headers.count <= 50 else { throw .invalid(field: "header") }
        for header in mock.headers {
            let key = header.key
            let isName = (1...64).contains(key.utf8.count)
                && key.utf8.allSatisfy { ByteSet.lettersAndDigits.contains($0) || $0 == UInt8(ascii: "-") }
            guard isName, !Self.framingHeaders.contains(key.lowercased()), key.lowercased() != "x-request-id",
                header.value.unicodeScalars.count <= 10_240, ParameterRules.isOneLine(header.value),
                (header.remark?.unicodeScalars.count ?? 0) <= 2048
            else { throw .invalid(field: "header") }
        }
        guard !parameters.contains(where: { $0.location == .path }) else { throw .definition(.backendPathParameters) }
    }

    func check(_ function: FunctionBackendDefinition, parameters: [BackendParameter]) throws(OperationError) {
        if function.functionURN.isEmpty { throw .invalid(field: "function_urn") }
        let cap = function.networkType == "V2" ? 600_000 : 60_000
        guard function.timeoutMilliseconds >= 1 else { throw .tooSmall(field: "timeout") }
        guard function.timeoutMilliseconds <= min(cap, maxTimeoutMilliseconds) else { throw .tooLarge(field: "timeout") }
        guard !parameters.contains(where: { $0.location == .path }) else { throw .definition(.backendPathParameters) }
    }

    /// `host[:port]`, a name, an IPv4 address or a bracketed IPv6 address; `#name#` stands for an environment variable.
    static func isAddress(_ text: String) -> Bool {
        guard text.utf8.count <= 255, let text = withoutVariables(text) else { return false }
        var host = Substring(text)
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]"), IPAddress(host[host.index(after: host.startIndex)..<end]) != nil else {
                return false
            }
            let rest = host[host.index(after: end)...]
            return rest.isEmpty || (rest.hasPrefix(":") && isPort(rest.dropFirst()))
        }
        if let colon = host.firstIndex(of: ":") {
            guard isPort(host[host.index(after: colon)...]) else { return false }
            host = host[..<colon]
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy {
                    ByteSet.lettersAndDigits.contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
        }
    }

    private static func isPort(_ text: Substring) -> Bool {
        // A variable may stand for the port; its stand-in is a letter.
        if text == "v" { return true }
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }), let port = Int(text) else {
            return false
        }
        return (1...65_535).contains(port)
    }

    /// The names of the parameters in a backend path, which may stand between other characters of a segment.
    ///
    /// - Returns: nil when the text is no backend path.
    static func pathParameters(_ text: String) -> [String]? {
        guard text.hasPrefix("/"), text.unicodeScalars.count <= PathTemplate.maxLength, let text = withoutVariables(text) else {
            return nil
        }
        let forbidden: Set<UInt8> = [0x20, 0x22, 0x23, 0x3C, 0x3E, 0x3F, 0x5C, 0x7F]
        guard text.utf8.allSatisfy({ $0 > 0x20 && !forbidden.contains($0) }) else { return nil }
        var names: [String] = []
        var rest = Substring(text)
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[brace] == "{", let close = rest[brace...].firstIndex(of: "}") else { return nil }
            let name = String(rest[rest.index(after: brace)..<close])
            guard PathTemplate.isParameterName(name), !names.contains(name) else { return nil }
            names.append(name)
            rest = rest[rest.index(after: close)...]
        }
        return names
    }

    /// The text with a letter in place of each `#name#` (gateway-runtime.md, 3.4).
    ///
    /// - Returns: nil when a `#` has no partner or the name between is none.
    private static func withoutVariables(_ text: String) -> String? { VariableText.replacing(text) { _ in "v" } }
}
