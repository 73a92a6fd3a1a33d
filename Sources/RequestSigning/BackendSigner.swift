import Crypto
import CryptoExtras
import GatewayPrimitives

/// A signature key, ready to sign requests to backends (gateway-runtime.md, section 5). Keyed once, when a route is compiled.
///
/// Immutable; any thread may sign with it, each with its own ``SigningScratch``.
public final class BackendSigner: Sendable {
    private enum Scheme: Sendable {
        case hmac(KeyedHash)
        case basic(authorization: [UInt8])
        case aes(key: SymmetricKey, vector: AES._CFB.IV)
        case rsa(_RSA.Signing.PrivateKey)
    }

    private let scheme: Scheme
    /// `SDK-... Access=<name>, SignedHeaders=`.
    private let prefix: [UInt8]
    /// Whether signing reads the body: false for basic, which only sends a name and a password.
    public let coversRequest: Bool

    private init(_ scheme: Scheme, prefix: String) {
        self.scheme = scheme
        self.prefix = Array(prefix.utf8)
        coversRequest = if case .basic = scheme { false } else { true }
    }

    /// `sign_type` hmac: the gateway plays the vendor's client.
    public static func hmac(key: String, secret: Secret) -> BackendSigner {
        BackendSigner(.hmac(KeyedHash(key: secret)), prefix: "SDK-HMAC-SHA256 Access=\(key), SignedHeaders=")
    }

    /// `sign_type` basic: user name and password.
    public static func basic(user: String, password: Secret) -> BackendSigner {
        let pair = Array(user.utf8) + [UInt8(ascii: ":")] + Array(password.revealed.utf8)
        return BackendSigner(.basic(authorization: Array("Basic ".utf8) + Base64.encode(pair)), prefix: "")
    }

    /// `sign_type` aes. The vendor documents neither what is encrypted nor where it is sent; ours is
    /// `SDK-AES-CFB Access=<key name>, SignedHeaders=<...>, Signature=<base64 of the encrypted string to sign>`.
    /// - Parameters:
    ///   - name: the signature key's name, because its key is secret here.
    ///   - key: 16 bytes for aes-128-cfb, 32 for aes-256-cfb.
    ///   - vector: `sign_secret`, 16 bytes.
    public static func aes(name: String, key: Secret, keyLength: Int, vector: Secret) throws(SigningKeyError) -> BackendSigner {
        let keyBytes = Array(key.revealed.utf8)
        guard keyBytes.count == keyLength, keyLength == 16 || keyLength == 32 else { throw .wrongKeyLength }
        guard let vector = try? AES._CFB.IV(ivBytes: Array(vector.revealed.utf8)) else { throw .wrongVectorLength }
        return BackendSigner(
            .aes(key: SymmetricKey(data: keyBytes), vector: vector), prefix: "SDK-AES-CFB Access=\(name), SignedHeaders=")
    }

    /// `sign_type` public_key: RSASSA-PKCS1-v1_5 with SHA-256 over the string to sign, as
    /// `SDK-RSA-SHA256 Access=<key name>, SignedHeaders=<...>, Signature=<base64>`.
    /// - Parameter privateKey: `sign_secret`, see ``RSAKeyText``.
    /// - Throws: ``SigningKeyError/notAPrivateKey`` when it is none of the forms, so that a key that could never sign
    ///   is refused when it is bound instead of failing every request.
    public static func publicKey(name: String, privateKey: Secret) throws(SigningKeyError) -> BackendSigner {
        BackendSigner(.rsa(try RSAKeyText.privateKey(privateKey)), prefix: "SDK-RSA-SHA256 Access=\(name), SignedHeaders=")
    }

    /// Signs a request as it will be sent.
    /// - Parameters:
    ///   - seconds: now, since the epoch.
    ///   - scratch: of the calling loop; the result points into it and is valid until its next use.
    public func sign(
        _ request: UnsignedRequest, at seconds: Int64, scratch: SigningScratch
    ) throws(SigningFailure) -> BackendSignature {
        if case .basic(let authorization) = scheme {
            scratch.output.removeAll()
            scratch.output.append(authorization)
            return BackendSignature(authorization: ByteView(scratch.output.bytes), date: nil, payloadIsUnsigned: false)
        }
        let date = scratch.dates.bytes(for: seconds)
        collectHeaders(of: request, date: ByteView(date), scratch: scratch)
        let canonical = CanonicalRequest(
            method: request.method, path: request.path, query: request.query, headers: scratch.headers, scratch: scratch)
        let message = canonical.finish(date: date) { request.payload.write(to: $0) }
        let output = scratch.output
        output.removeAll()
        output.append(prefix)
        CanonicalRequest.writeNames(scratch.headers, to: output)
        output.append(", Signature=")
        try writeSignature(of: message, to: output)
        return BackendSignature(
            authorization: ByteView(output.bytes), date: ByteView(date), payloadIsUnsigned: request.payload == .unsigned)
    }

    private func writeSignature(of message: UnsafeRawBufferPointer, to output: ByteScratch) throws(SigningFailure) {
        switch scheme {
        case .hmac(let keyed): keyed.writeCode(of: message, to: output)
        case .basic(let authorization): output.append(authorization)
        case .aes(let key, let vector):
            guard let encrypted = try? AES._CFB.encrypt(message, using: key, iv: vector) else { throw SigningFailure() }
            output.append(Base64.encode(Array(encrypted)))
        case .rsa(let key):
            guard let signature = try? key.signature(for: message, padding: .insecurePKCS1v1_5) else { throw SigningFailure() }
            output.append(Base64.encode(signature.withUnsafeBytes { Array($0) }))
        }
    }

    /// The signed headers in the order of their names: content-type, host, x-sdk-content-sha256, x-sdk-date and the
    /// request's own.
    private func collectHeaders(of request: UnsignedRequest, date: ByteView, scratch: SigningScratch) {
        scratch.headers.removeAll(keepingCapacity: true)
        if let type = request.contentType { scratch.headers.append(SignedHeader(name: ByteView("content-type"), value: type)) }
        scratch.headers.append(SignedHeader(name: ByteView("host"), value: request.host))
        if request.payload == .unsigned {
            scratch.headers.append(
                SignedHeader(name: ByteView("x-sdk-content-sha256"), value: ByteView(SignedPayload.unsignedText)))
        }
        scratch.headers.append(SignedHeader(name: ByteView("x-sdk-date"), value: date))
        guard !request.extraHeaders.isEmpty else { return }
        scratch.headers.append(contentsOf: request.extraHeaders)
        scratch.headers.sort { $0.name.buffer.lexicographicallyPrecedes($1.name.buffer) }
    }
}

/// A request to a backend in its final form, before the signature's own headers are added.
public struct UnsignedRequest {
    /// Upper case.
    public var method: ByteView
    /// As it will be sent, percent-encoded, without query.
    public var path: ByteView
    /// As it will be sent, without question mark; empty without query.
    public var query: ByteView
    /// Value of the Host header as it will be sent.
    public var host: ByteView
    public var contentType: ByteView?
    /// Further headers to sign, names in lower case, each once and none of those above or `x-sdk-*`.
    public var extraHeaders: [SignedHeader]
    public var payload: SignedPayload

    public init(
        method: ByteView, path: ByteView, query: ByteView, host: ByteView, contentType: ByteView? = nil,
        extraHeaders: [SignedHeader] = [], payload: SignedPayload
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.host = host
        self.contentType = contentType
        self.extraHeaders = extraHeaders
        self.payload = payload
    }
}

/// What a signature adds to a request.
public struct BackendSignature {
    /// Value of the signature header (`Authorization`, or `backend_sign_header` for hmac and basic).
    public let authorization: ByteView
    /// Value of `X-Sdk-Date`; nil when none is sent.
    public let date: ByteView?
    /// `X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD` is to be sent.
    public let payloadIsUnsigned: Bool
}

/// The signature could not be calculated: answer 500 with 0705.
public struct SigningFailure: Error, Equatable, Sendable {}

/// Why a signature key cannot sign.
public enum SigningKeyError: Error, Equatable, Sendable {
    /// aes: `sign_key` has not the length that the algorithm needs.
    case wrongKeyLength
    /// aes: `sign_secret` has not 16 bytes.
    case wrongVectorLength
    /// public_key: `sign_secret` is no RSA private key of at least 2048 bits in a known form.
    case notAPrivateKey
    /// public_key: `sign_key` is no RSA public key, or belongs to another private key.
    case notThePublicKey

    /// One clause for people; holds nothing of the key.
    public var reason: String {
        switch self {
        case .wrongKeyLength: "has not the length that the algorithm needs"
        case .wrongVectorLength: "has not 16 bytes"
        case .notAPrivateKey: "is no RSA private key of at least 2048 bits"
        case .notThePublicKey: "is not the public key of sign_secret"
        }
    }

    /// The contract's field to blame.
    public var field: String {
        switch self {
        case .wrongKeyLength, .notThePublicKey: "sign_key"
        case .wrongVectorLength, .notAPrivateKey: "sign_secret"
        }
    }
}
