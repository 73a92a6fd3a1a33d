import GatewayPrimitives
import RequestSigning
import Testing

/// 2024-01-02T03:04:05Z, the date of all vectors.
let vectorSeconds: Int64 = 1_704_164_645

func verify(
    _ authorization: String, method: String = "GET", path: String, query: String = "", headers: [String: String], body: [UInt8] = [],
    secret: String?, at seconds: Int64 = vectorSeconds
) -> SignatureVerification {
    let request = SignedRequest(
        method: method, rawPath: path, rawQuery: query, bodyDigest: body.isEmpty ? nil : BodyDigest(of: body)) { headers[$0] }
    return verifyManagementSignature(authorization: authorization, request: request, secret: { _ in secret.map(Secret.init) }, at: seconds)
}

private let documentedSecret = "demoSecret_0001_abcdefgh"

private func documented(_ headers: String, _ signature: String) -> String {
    "SDK-HMAC-SHA256 Access=demoKey0001, SignedHeaders=\(headers), Signature=\(signature)"
}

@Suite struct CallerSignatureTests {
    static let first = documented("host;x-sdk-date", "81d057f904ceee497ea2571283e76cbb353dc07d3ef8a6511cc675cf866222fc")
    static let baseHeaders = ["host": "api.example.test", "x-sdk-date": "20240102T030405Z"]

    private func verifyFirst(
        _ authorization: String = first, headers: [String: String] = baseHeaders, secret: String? = documentedSecret,
        at seconds: Int64 = vectorSeconds
    ) -> SignatureVerification {
        verify(
            authorization, path: "/v1/items/a%20b", query: "tag=b&tag=a&q=x%20y&empty=", headers: headers, secret: secret,
            at: seconds)
    }

    /// Vectors of gateway-runtime.md, 2.1.
    @Test func documentedVectors() {
        #expect(verifyFirst() == .valid(accessKey: "demoKey0001"))
        #expect(
            verify(
                documented("content-type;host;x-sdk-date;x-stage", "c48b8bbe206de2b1f187ac16b0796ec379578caa1808e5852ac07903d60bc2b1"),
                method: "POST", path: "/v1/items",
                headers: Self.baseHeaders.merging(["content-type": "application/json", "x-stage": "TEST"]) { a, _ in a },
                body: Array("{\"k\":1}".utf8), secret: documentedSecret) == .valid(accessKey: "demoKey0001"))
        #expect(
            verify(
                documented(
                    "content-type;host;x-sdk-content-sha256;x-sdk-date",
                    "635525e14106479ca7ed2789994bba7e62b1b229ce8701c3b4d37163ac0e9ec9"),
                method: "POST", path: "/upload",
                headers: Self.baseHeaders.merging([
                    "content-type": "multipart/form-data; boundary=x", "x-sdk-content-sha256": "UNSIGNED-PAYLOAD",
                ]) { a, _ in a },
                body: Array("abc".utf8), secret: documentedSecret) == .valid(accessKey: "demoKey0001"))
    }

    @Test(arguments: SDKVector.all)
    func signedByTheVendor(vector: SDKVector) {
        let body = Hexadecimal.decode(vector.body.utf8)!
        func check(_ headers: [String: String], _ body: [UInt8], _ path: String) -> SignatureVerification {
            verify(
                vector.authorization, method: vector.method, path: path, query: vector.query, headers: headers, body: body,
                secret: vector.secret)
        }
        #expect(check(vector.headers, body, vector.path) == .valid(accessKey: vector.key))
        #expect(check(vector.headers, body, vector.path + "x") == .mismatch(accessKey: vector.key))
        var headers = vector.headers
        headers["host"] = "other"
        #expect(check(headers, body, vector.path) == .mismatch(accessKey: vector.key))
        if vector.headers["x-sdk-content-sha256"] == nil {
            #expect(check(vector.headers, body + [0], vector.path) == .mismatch(accessKey: vector.key))
        }
    }

    @Test(arguments: [
        "SDK-HMAC-SHA256   Access=demoKey0001,SignedHeaders=host;x-sdk-date,Signature=81d057f904ceee497ea2571283e76cbb353dc07d3ef8a6511cc675cf866222fc",
        "SDK-HMAC-SHA256\tAccess=demoKey0001 ,  SignedHeaders=host;x-sdk-date ,\tSignature=81D057F904CEEE497EA2571283E76CBB353DC07D3EF8A6511CC675CF866222FC ",
        "SDK-HMAC-SHA256 Access=demoKey0001, SignedHeaders=Host;X-Sdk-Date, Signature=81d057f904ceee497ea2571283e76cbb353dc07d3ef8a6511cc675cf866222fc",
    ])
    func tolerantOfBlanks(authorization: String) {
        #expect(verifyFirst(authorization) == .valid(accessKey: "demoKey0001"))
    }

    @Test(arguments: [
        "", "SDK-HMAC-SHA256", "SDK-HMAC-SHA256 ", "Basic abc", "SDK-HMAC-SHA256Access=a, SignedHeaders=host;x-sdk-date, Signature=00",
        documented("host", String(repeating: "0", count: 64)), documented("x-sdk-date", String(repeating: "0", count: 64)),
        documented("", String(repeating: "0", count: 64)), documented("host;;x-sdk-date", String(repeating: "0", count: 64)),
        documented("host;host;x-sdk-date", String(repeating: "0", count: 64)), documented("host;x-sdk-date;a b", String(repeating: "0", count: 64)),
        documented("host;x-sdk-date", String(repeating: "0", count: 63)), documented("host;x-sdk-date", String(repeating: "g", count: 64)),
        documented("host;x-sdk-date", String(repeating: "0", count: 64)) + ", More=1",
        "SDK-HMAC-SHA256 Access=, SignedHeaders=host;x-sdk-date, Signature=" + String(repeating: "0", count: 64),
        "SDK-HMAC-SHA256 Access=a b, SignedHeaders=host;x-sdk-date, Signature=" + String(repeating: "0", count: 64),
        "SDK-HMAC-SHA256 SignedHeaders=host;x-sdk-date, Access=a, Signature=" + String(repeating: "0", count: 64),
        documented("host;x-sdk-date;" + (0..<64).map { "h\($0)" }.joined(separator: ";"), String(repeating: "0", count: 64)),
        documented("host;x-sdk-date;" + String(repeating: "a", count: 9000), String(repeating: "0", count: 64)),
        "SDK-HMAC-SM3 Access=a, SignedHeaders=host;x-sdk-date, Signature=" + String(repeating: "0", count: 64),
    ])
    func malformedHeaders(authorization: String) {
        #expect(verifyFirst(authorization) == .malformed)
    }

    @Test func headersMustBeThere() {
        #expect(verifyFirst(headers: ["host": "api.example.test"]) == .malformed)
        #expect(verifyFirst(headers: ["x-sdk-date": "20240102T030405Z"]) == .malformed)
        #expect(verifyFirst(headers: ["host": "api.example.test", "x-sdk-date": "2024-01-02T03:04:05Z"]) == .malformed)
    }

    @Test func skewIsFifteenMinutesBothWays() {
        let date = BasicDate(seconds: vectorSeconds)
        #expect(verifyFirst(at: vectorSeconds + 900) == .valid(accessKey: "demoKey0001"))
        #expect(verifyFirst(at: vectorSeconds - 900) == .valid(accessKey: "demoKey0001"))
        #expect(verifyFirst(at: vectorSeconds + 901) == .skewed(signed: date, now: BasicDate(seconds: vectorSeconds + 901)))
        #expect(verifyFirst(at: vectorSeconds - 901) == .skewed(signed: date, now: BasicDate(seconds: vectorSeconds - 901)))
    }

    @Test func unknownKeysAndWrongSecrets() {
        #expect(verifyFirst(secret: nil) == .unknownKey("demoKey0001"))
        #expect(verifyFirst(secret: documentedSecret + "x") == .mismatch(accessKey: "demoKey0001"))
        #expect(verifyFirst(secret: "") == .mismatch(accessKey: "demoKey0001"))
    }

    @Test func aDeclaredBodyHashMustBeTheBodys() {
        let vector = SDKVector.all.first { !$0.body.isEmpty && $0.headers["x-sdk-content-sha256"] == nil }!
        let body = Hexadecimal.decode(vector.body.utf8)!
        var headers = vector.headers
        headers["x-sdk-content-sha256"] = BodyDigest(of: body).hexadecimal
        #expect(verify(vector.authorization, method: vector.method, path: vector.path, query: vector.query, headers: headers, body: body, secret: vector.secret) == .valid(accessKey: vector.key))
        headers["x-sdk-content-sha256"] = BodyDigest(of: body + [1]).hexadecimal
        #expect(verify(vector.authorization, method: vector.method, path: vector.path, query: vector.query, headers: headers, body: body, secret: vector.secret) == .malformed)
        // Taking the body out of a signature that covered it.
        headers["x-sdk-content-sha256"] = "UNSIGNED-PAYLOAD"
        #expect(verify(vector.authorization, method: vector.method, path: vector.path, query: vector.query, headers: headers, body: [1], secret: vector.secret) == .malformed)
    }

    @Test func garbageNeverCrashes() {
        var generator = SystemRandomNumberGenerator()
        let pieces = ["SDK-HMAC-SHA256", " ", "Access=", "SignedHeaders=", "Signature=", ",", ";", "host", "x-sdk-date", String(repeating: "0", count: 64), "é", "\u{0}"]
        for _ in 0..<5_000 {
            let text = (0..<Int.random(in: 0...16, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined()
            _ = verifyFirst(text)
        }
    }
}
