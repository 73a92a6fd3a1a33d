import GatewayPrimitives
import Snapshot

/// Authentication by a service of the user's, a third_auth plug-in (gateway-runtime.md, 8.5).
///
/// A machine without state of its own: ``begin(_:_:)`` says whether to ask, ``writeRequest(_:_:body:to:)`` what, and
/// ``verdict(_:_:client:nowNanoseconds:)`` what the answer means. Sending and waiting is the transport's.
public enum ThirdAuthStage {
    public enum Start: Equatable {
        /// This request needs no authentication; ``copyHeaders(_:from:to:)`` without an answer takes away what would pass for one.
        case skip
        case refuse(GatewayFailure)
        case ask
    }

    /// How the authentication service answered.
    public enum Answer {
        /// No connection, no TLS, reset, or no answer within the timeout.
        case unreachable
        /// Its channel has no member that may be asked.
        case noMember
        /// Something that is not HTTP.
        case malformed
        case head(ResponseHead)
    }

    public enum Verdict: Equatable {
        /// Go on after ``copyHeaders(_:from:to:)``, with the answer if `copiesHeaders` is set, without one otherwise.
        case allow(copiesHeaders: Bool)
        /// - Parameter returnsAnswer: the client gets the service's own answer instead of the failure's.
        case refuse(GatewayFailure, returnsAnswer: Bool)
    }

    public static func begin(_ policy: ThirdAuthPolicy, _ values: RequestValues) -> Start {
        if let rules = policy.rules {
            // Unknown in bounded work: authenticate. So `allow` needs a match, and `deny` a certain mismatch.
            var matches = MatchOutcome.noMatch
            for expression in rules.expressions {
                let outcome = values.evaluate(expression, over: rules.parameters)
                if outcome != .noMatch { matches = outcome }
                if outcome == .match { break }
            }
            if rules.kind == .allow ? matches == .match : matches == .noMatch { return .skip }
        }
        if let failures = policy.failures, failures.isBlocked(values.facts.clientAddress, at: values.now) {
            return .refuse(.thirdAuthBlocked)
        }
        for name in policy.headers where values.facts.header(name) == nil { return .refuse(.thirdAuthIdentityMissing) }
        for name in policy.queries where !hasQuery(values.facts, name) { return .refuse(.thirdAuthIdentityMissing) }
        return .ask
    }

    /// How many bytes of a body of this length go along; nil: the request carries no body. A body of unknown length is collected up to
    /// the policy's bound.
    public static func carriedBody(_ policy: ThirdAuthPolicy, _ framing: BodyFraming) -> Int? {
        guard let bound = policy.carriedBody, policy.method != head else { return nil }
        switch framing {
        case .none: return nil
        case .length(let count): return min(count, bound)
        case .chunked, .untilClose: return bound
        }
    }

    /// Writes the whole request, HTTP/1.1.
    /// - Parameters:
    ///   - body: the bytes that go along, see ``carriedBody(_:_:)``.
    ///   - hop: value of `X-Gatehouse-Hop`; empty: none.
    public static func writeRequest(
        _ policy: ThirdAuthPolicy, _ values: RequestValues, body: UnsafeRawBufferPointer?, hop: [UInt8] = [], to output: ByteScratch
    ) {
        let facts = values.facts
        let sendsAll = policy.headers.isEmpty && policy.queries.isEmpty
        output.append(policy.method)
        output.append(UInt8(ascii: " "))
        writeTarget(policy, facts, sendsAll: sendsAll, to: output)
        output.append(" HTTP/1.1\r\nHost: ")
        if policy.hostHeader.isEmpty {
            output.append(RequestWriter.clientHost(facts.head).buffer)
        } else {
            output.append(policy.hostHeader)
        }
        output.append("\r\nX-Request-Id: ")
        output.append(facts.requestID.text)
        output.append("\r\n")
        if !hop.isEmpty {
            output.append("X-Gatehouse-Hop: ")
            output.append(hop)
            output.append("\r\n")
        }
        for index in 0..<facts.head.fieldCount where !facts.head.isRemoved(at: index) {
            let name = facts.head.name(at: index)
            let known = facts.head.known(at: index)
            if isFraming(known) || known == .xRequestID || known == .xGatehouseHop { continue }
            let isListed = sendsAll || policy.headers.contains { name.equalsIgnoringCase($0) }
            // A body without its type says little.
            guard isListed || body != nil && known == .contentType else { continue }
            output.append(name.buffer)
            output.append(": ")
            output.append(facts.head.value(at: index).buffer)
            output.append("\r\n")
        }
        if let body {
            output.append("Content-Length: \(body.count)\r\n")
        } else if policy.method != head, policy.method != get {
            output.append("Content-Length: 0\r\n")
        }
        output.append("\r\n")
        if let body { output.append(body) }
    }

    /// - Parameters:
    ///   - nowNanoseconds: of the same monotonic clock as the request's facts.
    ///   - counts: false: a refusal does not count as a failure of the client.
    public static func verdict(
        _ policy: ThirdAuthPolicy, _ answer: Answer, client: IPAddress, nowNanoseconds: UInt64, counts: Bool = true
    ) -> Verdict {
        switch answer {
        case .unreachable:
            return policy.isRelaxed ? .allow(copiesHeaders: false) : .refuse(.thirdAuthUnreachable, returnsAnswer: false)
        case .noMember:
            return policy.isRelaxed ? .allow(copiesHeaders: false) : .refuse(.thirdAuthNoMember, returnsAnswer: false)
        case .malformed: return .refuse(.thirdAuthAnswerInvalid, returnsAnswer: false)
        case .head(let head):
            let succeeded =
                if let match = policy.match {
                    hasLine(head, match)
                } else {
                    (200...299).contains(head.status)
                }
            if succeeded { return .allow(copiesHeaders: true) }
            if head.status >= 500, policy.isRelaxed { return .allow(copiesHeaders: false) }
            if counts { policy.failures?.recordFailure(of: client, at: Int64(nowNanoseconds / 1_000_000)) }
            return .refuse(.thirdAuthRefused, returnsAnswer: policy.returnsAnswerOnFailure)
        }
    }

    /// Puts the headers that the policy names on the backend's request. The client's own of these names are taken away whether or not
    /// the answer has them: they would pass for the service's word.
    public static func copyHeaders(_ policy: ThirdAuthPolicy, from answer: ResponseHead?, to request: RequestHead) {
        for name in policy.carriedAnswerHeaders {
            name.withUnsafeBytes { request.remove(named: ByteView($0)) }
            guard let answer else { continue }
            for index in 0..<answer.fieldCount where !answer.isRemoved(at: index) && answer.name(at: index).equalsIgnoringCase(name) {
                request.add(HeaderLine(name: name, value: answer.value(at: index).array))
            }
        }
    }

    // MARK: Parts

    private static let head = Array("HEAD".utf8)
    private static let get = Array("GET".utf8)
    /// What a path holds without being encoded.
    private static let pathBytes = ByteSet.lettersAndDigits.union(ByteSet("-._~!$&'()*+,;=:@/"))

    private static func writeTarget(_ policy: ThirdAuthPolicy, _ facts: RequestFacts, sendsAll: Bool, to output: ByteScratch) {
        if policy.carriesPath, !facts.head.isAsterisk {
            // Both have a slash where they meet.
            output.append(policy.path.last == UInt8(ascii: "/") ? Array(policy.path.dropLast()) : policy.path)
            if facts.head.keepsEscapes || facts.head.isPlainPath {
                output.append(facts.path.buffer)
            } else {
                PercentEncoding.encode(facts.path.buffer, keeping: pathBytes, to: output)
            }
        } else {
            output.append(policy.path)
        }
        guard let query = facts.query, !query.isEmpty else { return }
        if sendsAll {
            output.append(UInt8(ascii: "?"))
            output.append(query.buffer)
            return
        }
        var isFirst = true
        forEachListed(query, policy.queries) { name, value in
            output.append(isFirst ? UInt8(ascii: "?") : UInt8(ascii: "&"))
            isFirst = false
            output.append(name.buffer)
            output.append(UInt8(ascii: "="))
            output.append(value.buffer)
        }
    }

    private static func forEachListed(_ query: ByteView, _ names: [[UInt8]], _ body: (ByteView, ByteView) -> Void) {
        QueryParameters(query).forEach { name, value in
            let decoded = PercentEncoding.decode(name.array, plusIsBlank: true)
            if names.contains(decoded) { body(name, value) }
            return true
        }
    }

    private static func hasQuery(_ facts: RequestFacts, _ name: [UInt8]) -> Bool {
        guard let query = facts.query else { return false }
        var found = false
        forEachListed(query, [name]) { _, _ in found = true }
        return found
    }

    private static func hasLine(_ head: ResponseHead, _ line: HeaderLine) -> Bool {
        for index in 0..<head.fieldCount
        where head.name(at: index).equalsIgnoringCase(line.name) && head.value(at: index).equals(line.value) { return true }
        return false
    }

    /// Fields that belong to the client's connection or message.
    private static func isFraming(_ known: KnownHeader) -> Bool {
        switch known {
        case .host, .contentLength, .transferEncoding, .connection, .keepAlive, .proxy, .te, .trailer, .upgrade, .expect: true
        default: false
        }
    }
}
