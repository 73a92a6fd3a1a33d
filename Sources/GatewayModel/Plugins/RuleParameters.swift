import GatewayPrimitives

/// A value of a request that rules compare (`parameters[]`, gateway-runtime.md, 7.4).
public struct RuleParameter: Sendable, Equatable {
    public enum Source: Sendable, Equatable {
        /// First line with this name, lower case.
        case header(String)
        /// First value with this name, as it is written in the decoded query.
        case query(String)
        /// The path that was matched, without query.
        case path
        case method
        /// A name of ``SystemParameterName/requests``, without `$context.`.
        case system(String)
    }

    /// The name in rules.
    public let name: String
    public let source: Source

    private enum Kind: String, CaseIterable { case header, query, path, method, system }

    /// Reads the array; names are unique.
    static func read(_ object: ContentObject, _ field: String) throws(PluginContentError) -> [RuleParameter] {
        var parameters: [RuleParameter] = []
        for entry in try object.objects(field, maxCount: 50) {
            let name = try entry.requiredString("name", maxLength: 32)
            guard !parameters.contains(where: { $0.name == name }) else { throw entry.error("name", "must be unique") }
            let kind: Kind = try entry.choice("type", default: nil)
            let value = try entry.string("value", maxLength: 128, default: "")
            let source: Source
            switch kind {
            case .header:
                guard ContentForm.isHeaderName(value) else { throw entry.error("value", "must be a header name") }
                source = .header(value.lowercased())
            case .query:
                guard !value.isEmpty else { throw entry.error("value", "is required") }
                source = .query(value)
            case .path: source = .path
            case .method: source = .method
            case .system:
                let plain = value.hasPrefix("$context.") ? String(value.dropFirst("$context.".count)) : value
                guard SystemParameterName.requests.contains(plain) else { throw entry.error("value", "must be a system parameter") }
                source = .system(plain)
            }
            parameters.append(RuleParameter(name: name, source: source))
        }
        return parameters
    }

    /// Reads a match expression over `parameters`.
    static func expression(
        _ object: ContentObject, _ field: String, over parameters: [RuleParameter]
    ) throws(PluginContentError) -> RuleExpression {
        let text = try object.requiredString(field, maxLength: MatchExpression.Limits.length)
        return try RuleExpression(text, names: parameters.map(\.name), in: object, field)
    }
}

/// A match expression and the text it was read from. Equal when the texts and the names they refer to are.
public struct RuleExpression: Sendable, Equatable {
    public let text: String
    /// Slot by slot.
    public let names: [String]
    public let expression: MatchExpression

    init(_ text: String, names: [String], in object: ContentObject, _ field: String) throws(PluginContentError) {
        do {
            expression = try MatchExpression(parsing: text) { names.firstIndex(of: $0) }
        } catch {
            throw object.error(field, Self.reason(error))
        }
        self.text = text
        self.names = names
    }

    public static func == (a: RuleExpression, b: RuleExpression) -> Bool { a.text == b.text && a.names == b.names }

    private static func reason(_ error: MatchExpressionError) -> String {
        switch error {
        case .notJSON: "must be a JSON array"
        case .notAnExpression: "must be [name, operator, value] or [AND or OR, expressions]"
        case .unknownOperator: "unknown operator"
        case .unknownName: "names a parameter that is not declared"
        case .invalidOperand: "compares with something that does not fit the operator"
        case .invalidPattern(let pattern): "regular expression: \(pattern.message)"
        case .tooManyLeaves, .tooManyPatterns, .tooManyListEntries: "too large"
        }
    }
}
