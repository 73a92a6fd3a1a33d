import GatewayPrimitives
import RequestSigning
import Snapshot

/// A custom authorizer: a function that decides who may call, or says what a backend wants to know (gateway-runtime.md, 2.7).
///
/// Without state of its own: ``accepts(_:_:)`` looks at the identities, ``key(_:_:body:takesNumbers:)`` says under which key a
/// decision is remembered, ``writeEvent(_:_:body:to:)`` what the function is asked, and ``decision(_:takesNumbers:)`` what its
/// answer means. Sending and waiting is the transport's.
public enum AuthorizerStage {
    /// Every identity is there once and of the form that is asked for. One that is there twice could be read in two ways.
    public static func accepts(_ policy: AuthorizerPolicy, _ values: RequestValues) -> Bool {
        policy.identities.allSatisfy { identity in
            guard let value = value(of: identity.source, values.facts) else { return false }
            // A match that takes too long is none.
            return identity.pattern.map { pattern in value.withUnsafeBytes { pattern.match($0) } == .match } ?? true
        }
    }

    /// The authorizer, the API and the environment are the cache's.
    public static func key(_ policy: AuthorizerPolicy, _ values: RequestValues, body: [UInt8]?, takesNumbers: Bool) -> BodyDigest {
        var hasher = BodyHasher()
        func add(_ bytes: [UInt8]) {
            // Lengths first, so that no two lists of values are the same bytes.
            withUnsafeBytes(of: UInt64(bytes.count)) { hasher.update($0) }
            bytes.withUnsafeBytes { hasher.update($0) }
        }
        add([takesNumbers ? 1 : 0])
        for identity in policy.identities { add(value(of: identity.source, values.facts) ?? []) }
        if policy.needsBody { add(body ?? []) }
        return hasher.finish()
    }

    /// - Parameter body: of the request, where the authorizer wants it.
    public static func writeEvent(_ policy: AuthorizerPolicy, _ values: RequestValues, body: [UInt8]?, to output: ByteScratch) {
        var writer = JSONWriter(output)
        writer.beginObject()
        // A backend's function sees nothing of the request.
        if policy.side == .frontend { writeRequest(policy, values, to: &writer) }
        writer.name("user_data")
        writer.string(policy.userData)
        if policy.needsBody, let body {
            body.withUnsafeBytes { EventWriter.body($0, encodes: policy.encodesBody, to: &writer) }
            writer.name("isBase64Encoded")
            writer.bool(policy.encodesBody)
        }
        writer.endObject()
    }

    private static func writeRequest(_ policy: AuthorizerPolicy, _ values: RequestValues, to writer: inout JSONWriter) {
        let facts = values.facts
        writer.name("headers")
        if policy.identities.isEmpty {
            EventWriter.headers(facts, to: &writer)
        } else {
            writeIdentities(policy, facts, to: &writer) { source in
                if case .header(let name) = source { name } else { nil }
            }
        }
        writer.name("queryStringParameters")
        if policy.identities.isEmpty {
            EventWriter.query(facts.query, to: &writer)
        } else {
            writeIdentities(policy, facts, to: &writer) { source in
                if case .query(let name) = source { name } else { nil }
            }
        }
        EventWriter.context(values, to: &writer)
        writer.name("path")
        writer.string(facts.path)
        writer.name("httpMethod")
        writer.string(facts.methodName)
    }

    private static func writeIdentities(
        _ policy: AuthorizerPolicy, _ facts: RequestFacts, to writer: inout JSONWriter,
        name: (AuthorizerPolicy.Identity.Source) -> [UInt8]?
    ) {
        writer.beginObject()
        for identity in policy.identities {
            guard let name = name(identity.source), let value = value(of: identity.source, facts) else { continue }
            name.withUnsafeBytes { writer.name($0) }
            writer.string(value)
        }
        writer.endObject()
    }

    /// Nesting and values of the object in an answer's body.
    private static let depth = 8
    private static let values = 10_000

    /// - Parameter answer: body of the function's answer; at most ``FunctionCall/authorizerAnswerBound`` bytes.
    /// - Returns: nil when it does not decide.
    public static func decision(_ answer: [UInt8], takesNumbers: Bool) -> AuthorizerDecision? {
        guard let answer = FunctionAnswer(parsing: answer, bound: FunctionCall.authorizerAnswerBound), answer.status == 200 else {
            return nil
        }
        let limits = JSONValue.Limits(length: FunctionCall.authorizerAnswerBound, depth: depth, values: values)
        guard let value = try? JSONValue(parsing: answer.body, limits: limits), case .string(let status) = value["status"],
            status == "allow" || status == "deny"
        else { return nil }
        var entries: [[UInt8]: [UInt8]] = [:]
        switch value["context"] {
        case nil: break
        case .object(let members):
            for member in members {
                let name = Array(member.name.utf8)
                guard isContextName(name), let text = text(member.value, takesNumbers: takesNumbers) else { return nil }
                entries[name] = Array(text.utf8)
            }
        default: return nil
        }
        return AuthorizerDecision(isAllowed: status == "allow", context: AuthorizerContext(entries))
    }

    private static func text(_ value: JSONValue, takesNumbers: Bool) -> String? {
        switch value {
        case .string(let text): text
        case .number(let number) where takesNumbers: number.text
        case .bool(let flag) where takesNumbers: flag ? "true" : "false"
        default: nil
        }
    }

    /// 1 to 32 letters, digits, `_` and `-`, a letter first.
    private static func isContextName(_ name: [UInt8]) -> Bool {
        guard (1...32).contains(name.count), let first = name.first, (0x61...0x7A).contains(asciiLowercase(first)) else { return false }
        return name.allSatisfy { ByteSet.lettersAndDigits.contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
    }

    /// nil when it is absent, or there more than once. A header that proved the caller counts, though it is not forwarded.
    private static func value(of source: AuthorizerPolicy.Identity.Source, _ facts: RequestFacts) -> [UInt8]? {
        switch source {
        case .header(let name):
            var found: ByteView?
            for index in 0..<facts.head.fieldCount where facts.head.name(at: index).equalsIgnoringCase(name) {
                guard found == nil else { return nil }
                found = facts.head.value(at: index)
            }
            return found?.array
        case .query(let name):
            guard let query = facts.query else { return nil }
            var found: [UInt8]?
            var isRepeated = false
            QueryParameters(query).forEach { rawName, rawValue in
                guard PercentEncoding.decode(rawName.array, plusIsBlank: true) == name else { return true }
                isRepeated = found != nil
                found = PercentEncoding.decode(rawValue.array, plusIsBlank: true)
                return !isRepeated
            }
            return isRepeated ? nil : found
        }
    }
}
