import GatewayPrimitives

/// The `Authorization` header of a caller who signs with SDK-HMAC-SHA256, as views of what was received: the form of
/// ``CallerSignature`` for the request path, which makes no strings.
public struct ReceivedSignature {
    /// Name of the caller's key.
    public let accessKey: ByteView
    /// Names parted by semicolons.
    let signedHeaders: ByteView
    /// 64 hexadecimal digits.
    let signature: ByteView

    /// Whether a header value claims to be such a signature, so that a failure is a failure of this scheme.
    public static func isClaimed(by authorization: ByteView) -> Bool {
        let scheme = ByteView("SDK-HMAC-SHA256")
        guard authorization.hasPrefix(scheme) else { return false }
        return authorization.count == scheme.count || isBlank(authorization[scheme.count])
    }

    /// Reads the header; nil when it is malformed. Tolerant of blanks after the scheme, around the commas and at the end
    /// (gateway-runtime.md, 2.1).
    public init?(_ authorization: ByteView) {
        guard authorization.count <= CallerSignature.Limits.length, Self.isClaimed(by: authorization) else { return nil }
        let rest = authorization.dropFirst(CallerSignature.scheme.utf8.count)
        let token = ByteSet.token
        guard let first = rest.firstIndex(of: UInt8(ascii: ",")),
            let second = rest.firstIndex(of: UInt8(ascii: ","), from: first + 1),
            let access = Self.value(of: "Access=", in: rest.slice(0, first)),
            let names = Self.value(of: "SignedHeaders=", in: rest.slice(first + 1, second)),
            let signature = Self.value(of: "Signature=", in: rest.dropFirst(second + 1)),
            signature.count == 64, signature.buffer.allSatisfy({ Hexadecimal.value($0) != nil }),
            access.buffer.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            names.buffer.allSatisfy({ token.contains($0) || $0 == UInt8(ascii: ";") })
        else { return nil }
        accessKey = access
        signedHeaders = names
        self.signature = signature
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func value(of name: StaticString, in part: ByteView) -> ByteView? {
        let trimmed = part.trimmed()
        let name = ByteView(name)
        return trimmed.hasPrefix(name) && trimmed.count > name.count ? trimmed.dropFirst(name.count) : nil
    }
}

/// A signed request as it was received. Views must stay valid during the check.
public struct ReceivedRequest {
    /// What is known of the body.
    public enum Body {
        case none
        /// There is one, not read yet.
        case coming
        case read(BodyDigest)
    }

    public var method: ByteView
    /// Percent-encoded, without query.
    public var rawPath: ByteView
    /// Without question mark.
    public var query: ByteView
    public var body: Body

    public init(method: ByteView, rawPath: ByteView, query: ByteView, body: Body) {
        self.method = method
        self.rawPath = rawPath
        self.query = query
        self.body = body
    }
}

/// What a check of a received signature found.
public enum ReceivedVerdict: Equatable, Sendable {
    case valid
    /// Nothing speaks against it so far; check again when the body's digest is known.
    case needsBody
    /// The header, the date or a signed header is missing or not well-formed.
    case malformed
    /// A declared hash is not that of the body.
    case otherBody
    /// The date is more than ``CallerSignature/allowedSkew`` away from now.
    case skewed(signed: BasicDate, now: BasicDate)
    /// ``ReceivedSignature/canonicalText(_:)`` says what was expected to be signed.
    case mismatch
}

extension ReceivedSignature {
    /// Checks what can be refused without the caller's key: the date and the list of signed headers.
    /// - Parameter header: the value of a header by its lower-case name; nil when it is absent or was sent more than once.
    /// - Returns: nil when nothing speaks against the request.
    public func precheck(
        at seconds: Int64, scratch: SigningScratch, header: (ByteView) -> ByteView?
    ) -> ReceivedVerdict? {
        guard collectHeaders(scratch, header), let text = header(ByteView("x-sdk-date")),
            let date = BasicDate(parsing: text.trimmed().buffer)
        else { return .malformed }
        guard abs(date.seconds - seconds) <= CallerSignature.allowedSkew else {
            return .skewed(signed: date, now: BasicDate(seconds: seconds))
        }
        if let declared = header(ByteView("x-sdk-content-sha256")) {
            // A word that is not signed could be added on the way, and the body changed.
            let isSigned = scratch.headers.contains { $0.name.equals("x-sdk-content-sha256") }
            guard isSigned || !declared.trimmed().equals("UNSIGNED-PAYLOAD") else { return .malformed }
        }
        return nil
    }

    /// Whether the body's hash is part of what was signed.
    public static func coversBody(_ header: (ByteView) -> ByteView?) -> Bool {
        guard let declared = header(ByteView("x-sdk-content-sha256")) else { return true }
        return !declared.trimmed().equals("UNSIGNED-PAYLOAD")
    }

    /// Checks the signature. Compares in constant time.
    /// - Parameters:
    ///   - key: of the caller that ``accessKey`` names.
    ///   - header: as for ``precheck(at:scratch:header:)``, which must have found nothing.
    ///   - isCollected: nothing else has used `scratch` since that check.
    public func verify(
        _ request: ReceivedRequest, key: SigningKey, scratch: SigningScratch, isCollected: Bool = false,
        header: (ByteView) -> ByteView?
    ) -> ReceivedVerdict {
        guard isCollected || collectHeaders(scratch, header), let date = header(ByteView("x-sdk-date"))?.trimmed() else { return .malformed }
        let declared = header(ByteView("x-sdk-content-sha256"))?.trimmed()
        let canonical = CanonicalRequest(
            method: request.method, path: request.rawPath, query: request.query, headers: scratch.headers, scratch: scratch)
        func matches(_ writePayload: (ByteScratch) -> Void) -> Bool {
            let message = canonical.finish(date: date.buffer, writePayload: writePayload)
            let output = scratch.output
            output.removeAll()
            key.keyed.writeCode(of: message, to: output)
            // Hexadecimal digits of either case are one signature.
            signature.buffer.forEach { output.append(asciiLowercase($0)) }
            let bytes = output.bytes
            return equalInConstantTime(.init(rebasing: bytes[0..<64]), .init(rebasing: bytes[64..<128]))
        }
        switch request.body {
        case .none:
            if matches({ SignedPayload.empty.write(to: $0) }) { return .valid }
            // Some signers put the header's word where an empty body has the hash of nothing (gateway-runtime.md, O6).
            guard let declared, declared.equals("UNSIGNED-PAYLOAD") || isHash(declared, of: .empty) else { return .mismatch }
            return matches({ $0.append(declared.buffer) }) ? .valid : .mismatch
        case .coming:
            guard let declared else { return .needsBody }
            guard matches({ $0.append(declared.buffer) }) else { return .mismatch }
            return declared.equals("UNSIGNED-PAYLOAD") ? .valid : .needsBody
        case .read(let digest):
            guard let declared else { return matches({ SignedPayload.digest(digest).write(to: $0) }) ? .valid : .mismatch }
            guard matches({ $0.append(declared.buffer) }) else { return .mismatch }
            return declared.equals("UNSIGNED-PAYLOAD") || isHash(declared, of: digest) ? .valid : .otherBody
        }
    }

    private func isHash(_ declared: ByteView, of digest: BodyDigest) -> Bool {
        let text = digest.hexadecimal
        return declared.count == text.utf8.count && zip(declared.buffer, text.utf8).allSatisfy { asciiLowercase($0) == $1 }
    }

    /// The canonical request of the last ``verify(_:key:scratch:header:)`` with `|` between its lines, as the vendor's error
    /// texts show it; cut off where it gets long.
    public func canonicalText(_ scratch: SigningScratch, body: ReceivedRequest.Body, declared: ByteView?) -> String {
        let canonical = scratch.canonical
        let count = canonical.count
        if let declared = declared?.trimmed() {
            canonical.append(declared.buffer)
        } else if case .read(let digest) = body {
            SignedPayload.digest(digest).write(to: canonical)
        } else {
            SignedPayload.empty.write(to: canonical)
        }
        let bytes = canonical.bytes.prefix(Self.shownBytes).map { $0 == UInt8(ascii: "\n") ? UInt8(ascii: "|") : $0 }
        canonical.truncate(to: count)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let shownBytes = 4096

    /// Fills `scratch.headers` in the order of the list. False when the list names nothing, too much, something twice or
    /// something that the request does not have, or lacks `host` or `x-sdk-date`.
    private func collectHeaders(_ scratch: SigningScratch, _ header: (ByteView) -> ByteView?) -> Bool {
        let names = scratch.names
        names.removeAll()
        signedHeaders.buffer.forEach { names.append(asciiLowercase($0)) }
        let all = ByteView(names.bytes)
        scratch.headers.removeAll(keepingCapacity: true)
        var isComplete = (host: false, date: false)
        var from = 0
        while from <= all.count {
            let to = all.firstIndex(of: UInt8(ascii: ";"), from: from) ?? all.count
            let name = all.slice(from, to)
            from = to + 1
            guard !name.isEmpty, scratch.headers.count < CallerSignature.Limits.signedHeaders,
                !scratch.headers.contains(where: { $0.name.equals(name) }), let value = header(name)
            else { return false }
            if name.equals("host") { isComplete.host = true }
            if name.equals("x-sdk-date") { isComplete.date = true }
            scratch.headers.append(SignedHeader(name: name, value: value))
        }
        return isComplete.host && isComplete.date
    }
}
