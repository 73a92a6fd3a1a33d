import GatewayPrimitives
import RequestSigning
import Snapshot
import Testing

@testable import ProxyPipeline

/// Custom authorizers: who is asked what, and what an answer means (gateway-runtime.md, 2.7).
@Suite("custom authorizers")
struct AuthorizerStageTests {
    private typealias Identity = AuthorizerPolicy.Identity

    private static func policy(
        _ identities: [Identity] = [], side: AuthorizerSide = .frontend, userData: String = "", needsBody: Bool = false, encodesBody: Bool = true
    ) -> AuthorizerPolicy {
        AuthorizerPolicy(
            side: side, function: FunctionTarget(upstream: Upstream(usesTLS: false, host: "f", port: 1), hostHeader: [], path: []),
            identities: identities, userData: Array(userData.utf8), needsBody: needsBody, encodesBody: encodesBody, timeoutMilliseconds: 5000,
            cache: nil)
    }

    private static func header(_ name: String, _ pattern: String? = nil) throws -> Identity {
        Identity(source: .header(Array(name.utf8)), pattern: try pattern.map { try PatternMatcher($0) })
    }

    private static func query(_ name: String, _ pattern: String? = nil) throws -> Identity {
        Identity(source: .query(Array(name.utf8)), pattern: try pattern.map { try PatternMatcher($0) })
    }

    private static func values(_ target: String = "/a/b", _ lines: String = "") -> RequestValues {
        let head = RequestHead()
        let progress = feed(head, Array("GET \(target) HTTP/1.1\r\nHost: h\r\n\(lines)\r\n".utf8)).progress
        guard case .complete = progress, head.normalizePath(keepsEscapes: false) else { preconditionFailure("not a request") }
        let facts = RequestFacts(
            head: head, peer: IPAddress(v4: 0), clientAddress: IPAddress(v4: 0), usesTLS: false, nowMilliseconds: 0, nowNanoseconds: 0,
            requestID: RequestID(high: 1, low: 2))
        return RequestValues(
            facts: facts,
            identity: RouteIdentity(
                apiID: "api1", apiName: "api", groupID: "g", groupName: "group", environmentID: "e", environmentName: "RELEASE", publishID: "p"),
            scratch: StageScratch(nodeName: "", nodeAddress: ""))
    }

    // MARK: Identities

    @Test("identities must be there once and match")
    func identities() throws {
        let policy = Self.policy([try Self.header("x-token", "^[a-z]+$"), try Self.query("t")])
        #expect(AuthorizerStage.accepts(policy, Self.values("/a?t=1", "X-Token: abc\r\n")))
        #expect(AuthorizerStage.accepts(policy, Self.values("/a?%74=", "x-token: abc\r\n")))
        #expect(!AuthorizerStage.accepts(policy, Self.values("/a?t=1")))
        #expect(!AuthorizerStage.accepts(policy, Self.values("/a?T=1", "X-Token: abc\r\n")))
        #expect(!AuthorizerStage.accepts(policy, Self.values("/a?t=1", "X-Token: ABC\r\n")))
        #expect(!AuthorizerStage.accepts(policy, Self.values("/a?t=1&t=1", "X-Token: abc\r\n")))
        #expect(!AuthorizerStage.accepts(policy, Self.values("/a?t=1&x=2&%74=1", "X-Token: abc\r\n")))
        #expect(!AuthorizerStage.accepts(policy, Self.values("/a?t=1", "X-Token: abc\r\nx-TOKEN: abc\r\n")))
        #expect(AuthorizerStage.accepts(Self.policy(), Self.values()))
    }

    @Test("what proved the caller can be an identity as well")
    func removedHeader() throws {
        let values = Self.values("/a", "X-Auth-Token: abc\r\n")
        values.facts.head.remove(named: ByteView("x-auth-token"))
        #expect(AuthorizerStage.accepts(Self.policy([try Self.header("x-auth-token")]), values))
    }

    // MARK: Keys

    @Test("the key is made of the identities' values and of the body, if it is wanted")
    func keys() throws {
        let policy = Self.policy([try Self.header("x-a"), try Self.header("x-b")])
        func key(_ lines: String, body: [UInt8]? = nil, numbers: Bool = false, policy: AuthorizerPolicy) -> BodyDigest {
            AuthorizerStage.key(policy, Self.values("/a", lines), body: body, takesNumbers: numbers)
        }
        let one = key("X-A: 1\r\nX-B: 2\r\n", policy: policy)
        #expect(one == key("x-b: 2\r\nx-c: 3\r\nx-a: 1\r\n", policy: policy))
        #expect(one != key("X-A: 2\r\nX-B: 1\r\n", policy: policy))
        #expect(one != key("X-A: 12\r\nX-B:\r\n", policy: policy))
        #expect(one != key("X-A: 1\r\nX-B: 2\r\n", numbers: true, policy: policy))
        #expect(one == key("X-A: 1\r\nX-B: 2\r\n", body: [1], policy: policy))
        let withBody = Self.policy([try Self.header("x-a")], needsBody: true)
        #expect(key("X-A: 1\r\n", body: [1], policy: withBody) != key("X-A: 1\r\n", body: [2], policy: withBody))
    }

    // MARK: Events

    private static func event(_ policy: AuthorizerPolicy, _ values: RequestValues, body: [UInt8]? = nil) throws -> JSONValue {
        let output = ByteScratch()
        AuthorizerStage.writeEvent(policy, values, body: body, to: output)
        return try JSONValue(parsing: output.array, limits: .init(length: 100_000, depth: 8, values: 1000))
    }

    private static func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text, limits: .init(length: 100_000, depth: 8, values: 1000)) }

    @Test("identities alone, where there are any")
    func eventWithIdentities() throws {
        let policy = Self.policy([try Self.header("x-token"), try Self.query("q")], userData: "for \"you\"")
        let event = try Self.event(policy, Self.values("/a/b?q=1%202&other=3", "X-Token: t\r\nX-Other: o\r\n"))
        #expect(
            try event
                == Self.json(
                    #"{"headers":{"x-token":"t"},"queryStringParameters":{"q":"1 2"},"requestContext":{"apiId":"api1","requestId":"00000000000000010000000000000002","stage":"RELEASE"},"path":"/a/b","httpMethod":"GET","user_data":"for \"you\""}"#
                ))
    }

    @Test("everything, where there are none")
    func eventWithEverything() throws {
        let event = try Self.event(
            Self.policy(), Self.values("/a?x=1&x=2&%C3%A4=%C3%A4&y", "X-A: 1\r\nx-a: 2\r\nCookie: a=1\r\nCookie: b=2\r\nX-Bad: \u{80}\r\n"))
        #expect(try event["headers"] == Self.json(#"{"host":"h","x-a":"1, 2","cookie":"a=1; b=2","x-bad":"\#u{80}"}"#))
        #expect(try event["queryStringParameters"] == Self.json(#"{"x":"1","ä":"ä","y":""}"#))
    }

    @Test("bodies")
    func eventWithBody() throws {
        let encoded = try Self.event(Self.policy(needsBody: true), Self.values(), body: [0, 255])
        #expect(encoded["body"] == .string("AP8=") && encoded["isBase64Encoded"] == .bool(true))
        let plain = try Self.event(Self.policy(needsBody: true, encodesBody: false), Self.values(), body: Array("{\"a\"}".utf8))
        #expect(plain["body"] == .string("{\"a\"}") && plain["isBase64Encoded"] == .bool(false))
        #expect(try Self.event(Self.policy(), Self.values(), body: [1])["body"] == nil)
    }

    @Test("a backend's function sees user_data alone")
    func backendEvent() throws {
        let event = try Self.event(Self.policy(side: .backend, userData: "u"), Self.values("/a?q=1", "X-A: 1\r\n"))
        #expect(try event == Self.json(#"{"user_data":"u"}"#))
    }

    // MARK: Decisions

    private static func decision(_ body: String, status: String = "200", numbers: Bool = false) -> AuthorizerDecision? {
        AuthorizerStage.decision(Array("{\"statusCode\":\(status),\"body\":\(JSONValue.string(body).text)}".utf8), takesNumbers: numbers)
    }

    @Test("decisions with contexts")
    func decisions() {
        let allowed = Self.decision(#"{"status":"allow","context":{"user_name":"u1","A-b_9":""}}"#)
        #expect(allowed?.isAllowed == true && allowed?.context[Array("user_name".utf8)] == Array("u1".utf8))
        #expect(allowed?.context[Array("A-b_9".utf8)] == [] && allowed?.context[Array("a-b_9".utf8)] == nil)
        #expect(Self.decision(#"{"status":"deny","context":{"why":"x"}}"#) == AuthorizerDecision(isAllowed: false, context: AuthorizerContext([Array("why".utf8): [0x78]])))
        #expect(Self.decision(#"{"status":"deny"}"#)?.isAllowed == false && Self.decision(#"{"status":"allow","context":null}"#)?.isAllowed == true)
    }

    @Test("numbers and booleans by feature")
    func numbers() {
        let text = #"{"status":"allow","context":{"n":1.50,"b":true}}"#
        #expect(Self.decision(text) == nil)
        let context = Self.decision(text, numbers: true)?.context
        #expect(context?[[0x6E]] == Array("1.50".utf8) && context?[[0x62]] == Array("true".utf8))
    }

    @Test(
        "what does not decide",
        arguments: [
            "", "x", "null", "[]", "{}", #"{"status":"ALLOW"}"#, #"{"status":true}"#, #"{"status":"allow","context":[]}"#,
            #"{"status":"allow","context":"x"}"#, #"{"status":"allow","context":{"a":{}}}"#, #"{"status":"allow","context":{"a":[]}}"#,
            #"{"status":"allow","context":{"a":null}}"#, #"{"status":"allow","context":{"1a":"x"}}"#, #"{"status":"allow","context":{"":"x"}}"#,
            #"{"status":"allow","context":{"_a":"x"}}"#, #"{"status":"allow","context":{"a b":"x"}}"#, #"{"status":"allow","context":{"ä":"x"}}"#,
            #"{"status":"allow","context":{"a12345678901234567890123456789012":"x"}}"#, #"{"status":"allow","context":{"a":"1","a":"2"}}"#,
            #"{"status":"allow"}{"status":"deny"}"#,
        ])
    func undecided(_ body: String) { #expect(Self.decision(body, numbers: true) == nil) }

    @Test("wrong envelopes")
    func envelopes() {
        let body = #"{"status":"allow"}"#
        #expect(Self.decision(body) != nil)
        for status in ["201", "500", "\"200\"", "null", "200.0"] { #expect(Self.decision(body, status: status) == nil) }
        #expect(AuthorizerStage.decision(Array(body.utf8), takesNumbers: false) == nil, "not wrapped")
        #expect(AuthorizerStage.decision(Array(#"{"statusCode":200,"body":{"status":"allow"}}"#.utf8), takesNumbers: false) == nil)
        #expect(
            AuthorizerStage.decision(
                Array(#"{"statusCode":200,"isBase64Encoded":true,"body":"eyJzdGF0dXMiOiJhbGxvdyJ9"}"#.utf8), takesNumbers: false)?.isAllowed == true)
    }
}

/// What authorizers said is remembered for a while, within bounds (gateway-runtime.md, O11).
@Suite("remembered decisions")
struct AuthorizerCacheTests {
    private func key(_ number: Int) -> BodyDigest { BodyDigest(of: Array("\(number)".utf8)) }
    private func decision(_ text: String, allowed: Bool = true) -> AuthorizerDecision {
        AuthorizerDecision(isAllowed: allowed, context: AuthorizerContext([[0x61]: Array(text.utf8)]))
    }

    @Test("for the ttl and no longer")
    func time() {
        let cache = AuthorizerCache(ttl: 1000)
        cache.remember(decision("1"), for: key(1), at: 5000)
        #expect(cache.decision(for: key(1), at: 5999) == decision("1"))
        #expect(cache.decision(for: key(1), at: 6000) == nil && cache.decision(for: key(2), at: 5000) == nil)
        cache.remember(decision("2", allowed: false), for: key(1), at: 6500)
        #expect(cache.decision(for: key(1), at: 7400) == decision("2", allowed: false))
    }

    @Test("a newer decision takes the place of an older one")
    func replacing() {
        let cache = AuthorizerCache(ttl: 1000, maxEntries: 2)
        for (number, text) in [(1, "a"), (2, "b"), (3, "c"), (1, "d")] { cache.remember(decision(text), for: key(number), at: 0) }
        #expect(cache.decision(for: key(1), at: 1) == decision("d") && cache.decision(for: key(2), at: 1) == decision("b"))
        #expect(cache.count == 3)
    }

    @Test("bounded in entries and in bytes")
    func bounds() {
        let cache = AuthorizerCache(ttl: 1000, maxEntries: 10, maxBytes: 1000)
        for number in 0..<1000 { cache.remember(decision("x"), for: key(number), at: 0) }
        #expect(cache.count <= 20 && cache.decision(for: key(999), at: 0) != nil && cache.decision(for: key(0), at: 0) == nil)
        cache.remember(decision(String(repeating: "x", count: 1000)), for: key(2000), at: 0)
        #expect(cache.decision(for: key(2000), at: 0) == nil, "too large to be remembered")
        for number in 3000..<3010 { cache.remember(decision(String(repeating: "x", count: 900)), for: key(number), at: 0) }
        #expect(cache.count <= 20 && cache.decision(for: key(3009), at: 0) != nil && cache.decision(for: key(3000), at: 0) == nil)
    }
}
