import GatewayPrimitives

/// The secret of a caller, worked into the hash once. Immutable; any thread may verify with it.
public final class SigningKey: Sendable {
    let keyed: KeyedHash

    public init(_ secret: Secret) { keyed = KeyedHash(key: secret) }
}
