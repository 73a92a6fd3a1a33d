import Crypto
import GatewayPrimitives

/// Seals the tokens of feature `app_token` (gateway-runtime.md, 2.5) with AES-256-GCM. Immutable; any thread.
///
/// The key is derived from the feature's own and the instance, so that every node opens what another one sealed, and no
/// instance opens tokens of another one.
public struct TokenKey: Sendable {
    private let key: SymmetricKey

    /// Characters of the longest token that ``open(_:)`` looks at.
    public static let tokenBound = 2048

    /// - Parameter secret: `app_token_key`.
    public init(_ secret: Secret, instanceID: String) {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("gatehouse app_token 1 \(instanceID)".utf8), using: SymmetricKey(data: Array(secret.revealed.utf8)))
        key = SymmetricKey(data: code)
    }

    /// Nonce, sealed content and tag in base64url.
    public func seal(_ content: [UInt8]) -> [UInt8]? {
        guard let combined = (try? AES.GCM.seal(content, using: key))?.combined else { return nil }
        return Base64.encodeURL(Array(combined))
    }

    /// - Returns: nil for what was not sealed with this key.
    public func open(_ token: ByteView) -> [UInt8]? {
        guard (1...Self.tokenBound).contains(token.count), let combined = Base64.decodeURL(token.array),
            let box = try? AES.GCM.SealedBox(combined: combined), let content = try? AES.GCM.open(box, using: key)
        else { return nil }
        return Array(content)
    }
}
