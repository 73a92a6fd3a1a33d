import GatewayPrimitives
import RequestSigning
import Snapshot
import Testing

@testable import ProxyPipeline

@Suite struct TokenTests {
    private let uses = UseLedger(loop: 0)
    private let key = TokenKey(Secret("0123456789abcdef"), instanceID: "i")
    private let scratch = ByteScratch()
    private let now: Int64 = 1_000_000

    private var policy: AppTokenPolicy {
        AppTokenPolicy(path: Array("/token".utf8), accessSeconds: 60, refreshSeconds: 120, key: key)
    }

    private func app(_ id: String, key: String, secrets: [AppSecret], instance: String = "i") -> AppCredential {
        AppCredential(
            instanceID: instance, appID: id, name: id, key: Array(key.utf8), secrets: secrets, codes: [], accountID: "",
            projectID: "", addresses: nil, quota: nil)
    }

    private func directory(_ secrets: [AppSecret]? = nil) -> CallerDirectory {
        CallerDirectory.empty
            .replacing(nil, with: app("app", key: "client", secrets: secrets ?? [AppSecret(id: "s", secret: Secret("word"), endsAt: nil)]))
            .replacing(nil, with: app("other", key: "another", secrets: [AppSecret(id: "t", secret: Secret("word2"), endsAt: nil)]))
    }

    private func answer(
        _ body: String, type: String = "application/x-www-form-urlencoded", directory: CallerDirectory? = nil, at wall: Int64? = nil,
        method: String = "POST"
    ) -> Result<JSONValue, TokenFailure> {
        let head = scan("\(method) /token HTTP/1.1\r\nHost: h\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n").head
        if let failure = TokenEndpoint.refusal(head) { return .failure(failure) }
        let endpoint = TokenEndpoint(
            policy, instanceID: "i", directory: directory ?? self.directory(), uses: uses, wall: wall ?? now, address: IPAddress(v4: 1),
            scratch: scratch)
        let limits = JSONValue.Limits(length: 20_000, depth: 3, values: 20)
        return Array(body.utf8).withUnsafeBytes { bytes in
            Result { () throws(TokenFailure) in try endpoint.answer(head, body: bytes) }
        }.map { text in (try? JSONValue(parsing: String(decoding: text, as: UTF8.self), limits: limits)) ?? .null }
    }

    private func granted(_ body: String, at wall: Int64? = nil) throws -> (access: String, refresh: String) {
        let found = try answer(body, at: wall).get()
        guard case .string(let access)? = found["access_token"], case .string(let refresh)? = found["refresh_token"] else {
            throw TokenFailure.parameters
        }
        return (access, refresh)
    }

    private func failure(_ body: String, type: String = "application/x-www-form-urlencoded") -> TokenFailure? {
        if case .failure(let failure) = answer(body, type: type) { failure } else { nil }
    }

    private func read(_ token: String, _ key: TokenKey) -> AppToken? {
        Array(token.utf8).withUnsafeBytes { AppToken(ByteView($0), key: key) }
    }

    static let credentials = "grant_type=client_credentials&client_id=client&client_secret=word"

    @Test func bothFormsGiveTheSame() throws {
        let form = try granted(Self.credentials + "&through_data=a+b%3D")
        let json = try answer(
            #"{"grant_type":"client_credentials","client_id":"client","client_secret":"word","through_data":"a b=","scope":null}"#,
            type: "Application/JSON; charset=utf-8"
        ).get()
        guard case .string(let other)? = json["access_token"] else { return #expect(Bool(false), "no token") }
        #expect(read(form.access, key) == read(other, key), "what they say is equal")
        #expect(other != form.access, "and no two are")
        #expect(json["through_data"] == .string("a b=") && json["token_type"] == .string("Bearer"))
        #expect(json["expires_in"] == .number(JSONNumber(text: "60")) && json["refresh_expires_in"] == .number(JSONNumber(text: "120")))
        let token = try #require(read(form.access, key))
        #expect(token.kind == .access && token.endsAt == now + 60_000 && token.appID == "app" && token.secretID == "s")
        #expect(token.throughData == Array("a b=".utf8))
        #expect(read(form.refresh, key)?.kind == .refresh && read(form.refresh, key)?.endsAt == now + 120_000)
    }

    private static let long = String(repeating: "x", count: 301)
    private static let many = (0...64).map { String($0) + "=1" }.joined(separator: "&")
    private static let client = "grant_type=client_credentials&client_id="
    static let refusedForms: [(body: String, failure: TokenFailure)] = [
        (body: "", failure: .noGrantType), (body: "grant_type=", failure: .noGrantType),
        (body: "grant_type=password", failure: .grantType), (body: "grant_type=client_credentials", failure: .noClientID),
        (body: "grant_type=refresh_token", failure: .noClientID), (body: client + "client", failure: .noClientSecret),
        (body: client + "client&client_secret=", failure: .noClientSecret),
        (body: "grant_type=refresh_token&client_id=client", failure: .noRefreshToken),
        (body: "grant_type=refresh_token&client_id=client&refresh_token=x", failure: .refreshInvalid),
        (body: client + "client&client_secret=wrong", failure: .wrongCredentials),
        (body: client + "nobody&client_secret=word", failure: .wrongCredentials),
        (body: client + "client&client_secret=wo+rd", failure: .malformedCredentials),
        (body: client + long + "&client_secret=word", failure: .malformedCredentials),
        (body: credentials + "&client_id=client", failure: .parameters),
        (body: credentials + "&through_data=%00", failure: .parameters),
        (body: credentials + "&through_data=a%0D%0Ab", failure: .parameters),
        (body: credentials + "&through_data=%FF", failure: .parameters),
        (body: credentials + "&through_data=" + long, failure: .throughData), (body: many, failure: .parameters),
    ]

    @Test(arguments: refusedForms)
    func formsThatAreRefused(_ form: (body: String, failure: TokenFailure)) {
        #expect(failure(form.body) == form.failure)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "1", #""client""#, #"{"grant_type":1}"#, #"{"grant_type":["client_credentials"]}"#,
        #"{"client_id":"a","client_id":"b"}"#, #"{"client_secret":{}}"#, #"{"grant_type":"\u0000"}x"#,
        #"{"a":[[[[[[]]]]]]}"#,
    ] as [String])
    func jsonThatIsRefused(_ body: String) {
        #expect(failure(body, type: "application/json") == .parameters)
    }

    @Test func typesAndMethods() {
        for type in ["text/plain", "", "application/jsonx", "multipart/form-data; boundary=x"] {
            #expect(failure(Self.credentials, type: type) == .contentType)
        }
        guard case .failure(.method) = answer("", method: "GET") else { return #expect(Bool(false), "GET is no method of it") }
        let twice = scan("POST /t HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Type: application/json\r\n\r\n").head
        #expect(TokenEndpoint.refusal(twice) == .contentType)
        let none = scan("POST /t HTTP/1.1\r\nHost: h\r\n\r\n").head
        #expect(TokenEndpoint.refusal(none) == .contentType)
    }

    @Test func threeHundredCharactersOfAnyScript() throws {
        let data = String(repeating: "\u{1F600}", count: 300)
        let encoded = data.utf8.map { "%" + Hexadecimal.encode([$0]) }.joined()
        let token = try granted(Self.credentials + "&through_data=" + encoded)
        #expect(read(token.access, key)?.throughData == Array(data.utf8))
        #expect(token.access.utf8.count <= TokenKey.tokenBound)
    }

    @Test func refreshing() throws {
        let first = try granted(Self.credentials + "&through_data=mine")
        func refresh(_ token: String, client: String = "client", more: String = "") -> String {
            "grant_type=refresh_token&client_id=\(client)&refresh_token=\(token)\(more)"
        }
        let second = try granted(refresh(first.refresh), at: now + 119_999)
        #expect(read(second.access, key)?.endsAt == now + 179_999 && read(second.access, key)?.throughData == Array("mine".utf8))
        #expect(read(try granted(refresh(first.refresh, more: "&through_data=new")).access, key)?.throughData == Array("new".utf8))
        guard case .failure(.refreshExpired) = answer(refresh(first.refresh), at: now + 120_000) else {
            return #expect(Bool(false), "it ends to the millisecond")
        }
        #expect(failure(refresh(first.access)) == .refreshInvalid, "an access token refreshes nothing")
        #expect(failure(refresh(first.refresh, client: "another")) == .otherApp)
        let gone = CallerDirectory.empty.replacing(nil, with: app("other", key: "another", secrets: []))
        guard case .failure(.appGone) = answer(refresh(first.refresh), directory: gone) else {
            return #expect(Bool(false), "the application is gone")
        }
        let rotated = directory([
            AppSecret(id: "new", secret: Secret("next"), endsAt: nil), AppSecret(id: "s", secret: Secret("word"), endsAt: now + 5),
        ])
        guard case .success = answer(refresh(first.refresh), directory: rotated, at: now + 4) else {
            return #expect(Bool(false), "its secret works")
        }
        guard case .failure(.refreshExpired) = answer(refresh(first.refresh), directory: rotated, at: now + 5) else {
            return #expect(Bool(false), "its secret has ended")
        }
    }

    @Test func nothingButTheKeyOpensOne() throws {
        let token = try granted(Self.credentials).access
        #expect(read(token, TokenKey(Secret("0123456789abcdef"), instanceID: "j")) == nil, "tokens of one instance are nothing to another")
        #expect(read(token, TokenKey(Secret("0123456789abcdeF"), instanceID: "i")) == nil)
        #expect(read(token, TokenKey(Secret("0123456789abcdef"), instanceID: "i")) != nil, "another node opens it")
    }

    /// Property: no change of a token, and no text that is none, opens.
    @Test func forgeries() throws {
        let token = Array(try granted(Self.credentials).access.utf8)
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for place in token.indices {
            var changed = token
            let other = alphabet.filter { $0 != token[place] }
            changed[place] = other[Int.random(in: 0..<other.count, using: &random)]
            #expect(read(String(decoding: changed, as: UTF8.self), key) == nil)
        }
        for length in 0..<token.count { #expect(read(String(decoding: token.prefix(length), as: UTF8.self), key) == nil) }
        for _ in 0..<500 {
            let noise = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(noise.withUnsafeBytes { AppToken(ByteView($0), key: key) } == nil)
        }
        #expect(read(String(repeating: "A", count: TokenKey.tokenBound + 4), key) == nil)
    }

    /// Property: whatever the bytes, there is an answer, and what is granted was asked for rightly.
    @Test func hostileBodies() {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "grant_type", "client_id", "client_secret", "refresh_token", "through_data", "=", "&", "%", "%41", "+", "{", "}", "\"", ":",
            ",", "client_credentials", "client", "word", "\\u00", "\u{0}", "[", "]", "null",
        ]
        for _ in 0..<3000 {
            let body = (0..<Int.random(in: 0...24, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            for type in ["application/x-www-form-urlencoded", "application/json"] {
                if case .success = answer(body, type: type) {
                    #expect(body.contains("client_credentials") && body.contains("word"))
                }
            }
            let bytes = (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            for form in [TokenRequest.Form.form, .json] {
                let read = bytes.withUnsafeBytes { bytes in try? TokenRequest(bytes, form) }
                #expect(read?.clientSecret == nil)
            }
        }
    }

    @Test func usesCountForTheSecret() throws {
        let meters = UseMeters(loops: 1)
        let meter = try #require(meters.meter(.appSecret, id: "s", ownerID: "app"))
        let counted = directory([AppSecret(id: "s", secret: Secret("word"), endsAt: nil, meter: meter)])
        guard case .success = answer(Self.credentials, directory: counted) else { return #expect(Bool(false), "no token") }
        #expect(uses.take().map(\.counts.calls) == [1])
    }
}
