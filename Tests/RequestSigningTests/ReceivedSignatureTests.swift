import GatewayPrimitives
import RequestSigning
import Testing

/// A request as the gateway receives it: everything in one area that outlives the check.
private struct Received {
    let authorization: String
    var method = "GET"
    let path: String
    var query = ""
    var headers: [String: String]
    var body: [UInt8] = []
    var seconds = vectorSeconds

    /// - Parameter comes: the body is checked in two steps, as it streams.
    func verdict(secret: String, comes: Bool = false) -> ReceivedVerdict {
        let area = ByteScratch(capacity: 64 * 1024)
        func put(_ text: String) -> Range<Int> {
            let start = area.count
            area.append(text)
            return start..<area.count
        }
        let parts = [authorization, method, path, query].map(put)
        let fields = headers.map { (put($0.key), put($0.value)) }
        let bytes = ByteView(area.bytes)
        func view(_ range: Range<Int>) -> ByteView { bytes.slice(range.lowerBound, range.upperBound) }
        func header(_ name: ByteView) -> ByteView? { fields.first { view($0.0).equals(name) }.map { view($0.1) } }
        guard let signature = ReceivedSignature(view(parts[0])) else { return .malformed }
        let scratch = SigningScratch()
        if let refused = signature.precheck(at: seconds, scratch: scratch, header: header) { return refused }
        let key = SigningKey(Secret(secret))
        func check(_ body: ReceivedRequest.Body) -> ReceivedVerdict {
            let request = ReceivedRequest(method: view(parts[1]), rawPath: view(parts[2]), query: view(parts[3]), body: body)
            return signature.verify(request, key: key, scratch: scratch, header: header)
        }
        if body.isEmpty { return check(.none) }
        if comes {
            let first = check(.coming)
            guard first == .needsBody else { return first }
        }
        return check(.read(BodyDigest(of: body)))
    }
}

@Suite struct ReceivedSignatureTests {
    private static func received(_ vector: SDKVector) -> Received {
        Received(
            authorization: vector.authorization, method: vector.method, path: vector.path, query: vector.query,
            headers: vector.headers, body: Hexadecimal.decode(vector.body.utf8)!)
    }

    @Test(arguments: SDKVector.all, [false, true])
    func signedByTheVendor(vector: SDKVector, comes: Bool) {
        let received = Self.received(vector)
        #expect(received.verdict(secret: vector.secret, comes: comes) == .valid)
        #expect(received.verdict(secret: vector.secret + "x", comes: comes) == .mismatch)
        var forged = received
        forged.headers["host"] = "other"
        #expect(forged.verdict(secret: vector.secret, comes: comes) == .mismatch)
        forged = received
        forged.query += "&z=1"
        #expect(forged.verdict(secret: vector.secret, comes: comes) == .mismatch)
        forged = received
        forged.headers["host"] = nil
        #expect(forged.verdict(secret: vector.secret, comes: comes) == .malformed)
        forged = received
        forged.seconds += 901
        #expect(forged.verdict(secret: vector.secret) != .valid)
        guard !received.body.isEmpty, vector.headers["x-sdk-content-sha256"] == nil else { return }
        forged = received
        forged.body.append(0)
        #expect(forged.verdict(secret: vector.secret, comes: comes) == .mismatch)
    }

    /// The word that lets the body go counts only when it is signed: it could be added on the way.
    @Test func unsignedWordThatIsNotSigned() throws {
        let vector = try #require(SDKVector.all.first { $0.headers["x-sdk-content-sha256"] == nil })
        var received = Self.received(vector)
        received.headers["x-sdk-content-sha256"] = "UNSIGNED-PAYLOAD"
        #expect(received.verdict(secret: vector.secret) == .malformed)
    }

    @Test(arguments: [
        "", "SDK-HMAC-SHA256", "SDK-HMAC-SHA256 Access=a", "SDK-HMAC-SHA256 Access=a, SignedHeaders=host;x-sdk-date",
        "SDK-HMAC-SHA256 Access=, SignedHeaders=host;x-sdk-date, Signature=" + String(repeating: "0", count: 64),
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=, Signature=" + String(repeating: "0", count: 64),
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=ho st, Signature=" + String(repeating: "0", count: 64),
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=host;x-sdk-date, Signature=" + String(repeating: "g", count: 64),
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=host;x-sdk-date, Signature=" + String(repeating: "0", count: 63),
        "SDK-HMAC-SHA256X Access=a, SignedHeaders=host;x-sdk-date, Signature=" + String(repeating: "0", count: 64),
        "Basic abc",
    ])
    func malformed(text: String) {
        let area = ByteScratch()
        area.append(text)
        #expect(ReceivedSignature(ByteView(area.bytes)) == nil)
    }

    @Test(arguments: ["host;host;x-sdk-date", "host;;x-sdk-date", "host;x-sdk-date;", ";host;x-sdk-date", "host;x-sdk-date;x-none"])
    func listsOfHeaders(names: String) {
        let received = Received(
            authorization: "SDK-HMAC-SHA256 Access=a, SignedHeaders=\(names), Signature=\(String(repeating: "0", count: 64))",
            path: "/", headers: ["host": "h", "x-sdk-date": "20240102T030405Z"])
        #expect(received.verdict(secret: "s") == .malformed)
    }
}
