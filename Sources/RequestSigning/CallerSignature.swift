import GatewayPrimitives

/// The `Authorization` header of a caller who signs with SDK-HMAC-SHA256 (gateway-runtime.md, 2.1; management-api.md, 2.3).
public struct CallerSignature: Sendable, Equatable {
    /// Bounds on the header.
    public enum Limits {
        /// Bytes of the header's value.
        public static let length = 8 * 1024
        public static let signedHeaders = 64
    }

    public let accessKey: String
    /// Names in lower case, in the order given.
    public let signedHeaders: [String]
    let signature: [UInt8]

    /// The scheme that begins such a header.
    public static let scheme = "SDK-HMAC-SHA256"

    /// Whether a header value claims to be such a signature, so that a failure is a failure of this scheme.
    public static func isClaimed(by authorization: String) -> Bool {
        authorization == scheme || authorization.hasPrefix(scheme + " ") || authorization.hasPrefix(scheme + "\t")
    }

    /// Reads the header; nil when it is malformed. Tolerant of blanks after the scheme, around the commas and at the end.
    /// `host` and `x-sdk-date` must be among the signed headers and no header may be named twice.
    public init?(authorization: String) {
        guard authorization.utf8.count <= Limits.length, Self.isClaimed(by: authorization) else { return nil }
        let rest = authorization.utf8.dropFirst(Self.scheme.utf8.count)
        let parts = rest.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { part in
            String(decoding: Self.trimmed(part), as: UTF8.self)
        }
        guard parts.count == 3, let access = Self.value(of: "Access=", in: parts[0]),
            let list = Self.value(of: "SignedHeaders=", in: parts[1]), let signature = Self.value(of: "Signature=", in: parts[2]),
            access.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), signature.utf8.count == 64,
            signature.utf8.allSatisfy({ Hexadecimal.value($0) != nil })
        else { return nil }
        let names = list.split(separator: ";", omittingEmptySubsequences: false).map { $0.lowercased() }
        guard names.count <= Limits.signedHeaders, Set(names).count == names.count, names.contains("host"), names.contains("x-sdk-date"),
            names.allSatisfy({ name in !name.isEmpty && name.utf8.allSatisfy { ByteSet.token.contains($0) } })
        else { return nil }
        accessKey = access
        signedHeaders = names
        self.signature = Array(signature.lowercased().utf8)
    }

    private static func trimmed(_ part: Substring.UTF8View) -> [UInt8] {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        return part.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
    }

    private static func value(of name: String, in part: String) -> String? {
        guard part.hasPrefix(name), part.utf8.count > name.utf8.count else { return nil }
        return String(part.dropFirst(name.count))
    }
}

/// A request of a caller who signed it, as it was received.
public struct SignedRequest {
    /// Upper case.
    public var method: String
    /// As received, percent-encoded, without query.
    public var rawPath: String
    /// As received, without question mark; empty without query.
    public var rawQuery: String
    /// Value of a header by its lower-case name; nil when it is absent or was sent more than once, which no signer does.
    public var header: (String) -> String?
    /// Hash of the body's bytes; nil when the body is empty.
    public var bodyDigest: BodyDigest?

    public init(method: String, rawPath: String, rawQuery: String, bodyDigest: BodyDigest?, header: @escaping (String) -> String?) {
        self.method = method
        self.rawPath = rawPath
        self.rawQuery = rawQuery
        self.bodyDigest = bodyDigest
        self.header = header
    }
}

/// Answer of a verification. Only ``valid`` lets a caller in; the rest is for texts and metrics.
public enum SignatureVerification: Sendable, Equatable {
    case valid(accessKey: String)
    /// The header, the date or a signed header is missing or not well-formed, or a declared body hash is not the body's.
    case malformed
    case unknownKey(String)
    /// The date is more than 15 minutes away from now.
    case skewed(signed: BasicDate, now: BasicDate)
    case mismatch(accessKey: String)
}

extension CallerSignature {
    /// Most seconds between the caller's clock and ours, in both directions.
    public static let allowedSkew: Int64 = 15 * 60

    /// Checks this signature against the request that carried it.
    /// - Parameters:
    ///   - secret: the access key's secret, nil when the key is unknown.
    ///   - seconds: now, since the epoch.
    public func verify(
        _ request: SignedRequest, secret: Secret?, at seconds: Int64, scratch: SigningScratch = SigningScratch()
    ) -> SignatureVerification {
        guard let dateText = request.header("x-sdk-date"), let date = BasicDate(dateText.trimmingBlanks()) else { return .malformed }
        var values: [[UInt8]] = []
        for name in signedHeaders {
            guard let value = request.header(name) else { return .malformed }
            values.append(Array(value.utf8))
        }
        guard abs(date.seconds - seconds) <= Self.allowedSkew else {
            return .skewed(signed: date, now: BasicDate(seconds: seconds))
        }
        guard let payloads = acceptedPayloads(request) else { return .malformed }
        guard let secret else { return .unknownKey(accessKey) }
        let expected = codes(request, values: values, date: date, payloads: payloads, key: KeyedHash(key: secret), scratch: scratch)
        var matches = false
        for code in expected where equalInConstantTime(code, signature) { matches = true }
        return matches ? .valid(accessKey: accessKey) : .mismatch(accessKey: accessKey)
    }

    /// What part six may be: an empty body has the hash of nothing whatever the header says, but some signers use the header
    /// (gateway-runtime.md, O6). A declared hash must be the body's. nil: it is not.
    private func acceptedPayloads(_ request: SignedRequest) -> [[UInt8]]? {
        let actual = Array((request.bodyDigest ?? .empty).hexadecimal.utf8)
        guard let declared = request.header("x-sdk-content-sha256").map({ Array($0.trimmingBlanks().utf8) }) else { return [actual] }
        if declared.elementsEqual("UNSIGNED-PAYLOAD".utf8) {
            // Without being signed it could be added on the way, and the body changed.
            guard signedHeaders.contains("x-sdk-content-sha256") else { return nil }
            return request.bodyDigest == nil ? [actual, declared] : [declared]
        }
        guard equalInConstantTime(declared.map(asciiLowercase), actual) else { return nil }
        return declared == actual ? [actual] : [actual, declared]
    }

    private func codes(
        _ request: SignedRequest, values: [[UInt8]], date: BasicDate, payloads: [[UInt8]], key: KeyedHash, scratch: SigningScratch
    ) -> [[UInt8]] {
        // Everything is laid out in one area, so that views into it stay valid while the canonical request is made.
        let area = ByteScratch(capacity: 4096)
        func put(_ bytes: some Sequence<UInt8>) -> Range<Int> {
            let start = area.count
            for byte in bytes { area.append(byte) }
            return start..<area.count
        }
        let method = put(request.method.utf8)
        let path = put(request.rawPath.utf8)
        let query = put(request.rawQuery.utf8)
        let headers = zip(signedHeaders, values).map { (put($0.utf8), put($1)) }
        let dateText = put(date.text.utf8)
        let bytes = ByteView(area.bytes)
        func view(_ range: Range<Int>) -> ByteView { bytes.slice(range.lowerBound, range.upperBound) }
        let canonical = CanonicalRequest(
            method: view(method), path: view(path), query: view(query),
            headers: headers.map { SignedHeader(name: view($0.0), value: view($0.1)) }, scratch: scratch)
        return payloads.map { payload in
            let message = canonical.finish(date: view(dateText).buffer) { $0.append(payload) }
            scratch.output.removeAll()
            key.writeCode(of: message, to: scratch.output)
            return scratch.output.array
        }
    }
}

extension String {
    fileprivate func trimmingBlanks() -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}

/// Verifies a signed management call: ``CallerSignature`` in one step, for a secret that is at hand without waiting.
public func verifyManagementSignature(
    authorization: String, request: SignedRequest, secret: (String) -> Secret?, at seconds: Int64
) -> SignatureVerification {
    guard let signature = CallerSignature(authorization: authorization) else { return .malformed }
    return signature.verify(request, secret: secret(signature.accessKey), at: seconds)
}
