import GatewayPrimitives
import RequestSigning

/// A secret of an application: the present one, or one that was replaced and has not ended yet.
public final class AppSecret: Sendable {
    public let id: String
    public let bytes: [UInt8]
    /// The secret, worked into a hash.
    public let signingKey: SigningKey
    /// Milliseconds since 1970 from which on it proves nothing; nil: it does not end by itself.
    public let endsAt: Int64?
    /// Where its uses are counted; nil: nowhere.
    public let meter: UseMeter?

    public init(id: String, secret: Secret, endsAt: Int64?, meter: UseMeter? = nil) {
        self.id = id
        bytes = Array(secret.revealed.utf8)
        signingKey = SigningKey(secret)
        self.endsAt = endsAt
        self.meter = meter
    }

    /// - Parameter wall: milliseconds since 1970.
    public func isAlive(at wall: Int64) -> Bool { endsAt.map { wall < $0 } ?? true }

    /// Whether `secret` is this one, in constant time.
    public func matches(_ secret: ByteView) -> Bool {
        bytes.withUnsafeBytes { equalInConstantTime($0, secret.buffer) }
    }
}

/// A value of `X-Apig-AppCode`: a present one, or one that was replaced and has not ended yet.
public final class AppWord: Sendable {
    public let bytes: [UInt8]
    /// As for ``AppSecret``.
    public let endsAt: Int64?
    public let meter: UseMeter?

    public init(_ code: Secret, endsAt: Int64? = nil, meter: UseMeter? = nil) {
        bytes = Array(code.revealed.utf8)
        self.endsAt = endsAt
        self.meter = meter
    }

    /// - Parameter wall: milliseconds since 1970.
    public func isAlive(at wall: Int64) -> Bool { endsAt.map { wall < $0 } ?? true }
}
