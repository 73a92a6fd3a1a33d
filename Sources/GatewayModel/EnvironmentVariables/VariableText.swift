import GatewayPrimitives

/// Texts with `#name#` in them, such as `#host#:8080` (gateway-runtime.md, 3.4).
public enum VariableText {
    private static let nameBytes = ByteSet.lettersAndDigits.union(ByteSet("-_"))
    private static let valueBytes = ByteSet.lettersAndDigits.union(ByteSet("_-/.:"))

    /// 3 to 32 letters, digits, hyphens and underscores, a letter first.
    public static func isName(_ text: some StringProtocol) -> Bool {
        (3...32).contains(text.utf8.count) && text.utf8.first.map(ByteSet.letters.contains) == true
            && text.utf8.allSatisfy(nameBytes.contains)
    }

    /// 1 to 255 letters, digits and `_-/.:`.
    public static func isValue(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy(valueBytes.contains)
    }

    /// The text with `replacement` of each name in place of `#name#`.
    ///
    /// - Returns: nil when a `#` has no partner, the name between is none, or `replacement` is nil.
    public static func replacing(_ text: String, _ replacement: (String) throws -> String?) rethrows -> String? {
        guard text.utf8.contains(UInt8(ascii: "#")) else { return text }
        let pieces = text.split(separator: "#", omittingEmptySubsequences: false)
        guard pieces.count % 2 == 1 else { return nil }
        var out = ""
        for (index, piece) in pieces.enumerated() {
            if index % 2 == 0 {
                out += piece
            } else {
                guard isName(piece), let value = try replacement(String(piece)) else { return nil }
                out += value
            }
        }
        return out
    }
}

extension APIDefinition {
    /// Names of the variables that the backends need, sorted, each once.
    public var variableNames: [String] {
        var names: Set<String> = []
        for text in variableTexts {
            _ = VariableText.replacing(text) { name in
                names.insert(name)
                return ""
            }
        }
        return names.sorted()
    }

    /// The texts in which variables may stand.
    private var variableTexts: [String] {
        ([http].compactMap(\.self) + httpPolicies.map(\.backend)).flatMap { backend in
            [backend.address, backend.reqURI, backend.channelProxyHost].compactMap(\.self)
        }
    }

    /// The definition with values in place of variables.
    ///
    /// - Throws: what `value` throws for a name.
    public func resolvingVariables<Failure: Error>(
        _ value: (String) throws(Failure) -> String
    ) throws(Failure) -> APIDefinition {
        guard !variableNames.isEmpty else { return self }
        var values: [String: String] = [:]
        for name in variableNames { values[name] = try value(name) }
        func resolved(_ text: String) -> String { VariableText.replacing(text) { values[$0] } ?? text }
        func resolved(_ backend: HTTPBackendDefinition) -> HTTPBackendDefinition {
            var out = backend
            out.address = backend.address.map(resolved)
            out.reqURI = resolved(backend.reqURI)
            out.channelProxyHost = backend.channelProxyHost.map(resolved)
            return out
        }
        var out = self
        out.http = http.map(resolved)
        for index in httpPolicies.indices { out.httpPolicies[index].backend = resolved(httpPolicies[index].backend) }
        return out
    }
}
