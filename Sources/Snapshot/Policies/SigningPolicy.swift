import RequestSigning

/// A signature key bound to an API: how its requests to the backend are signed (gateway-runtime.md, section 5).
public final class SigningPolicy: Sendable {
    /// Which header carries the signature.
    public enum Carrier: Sendable {
        /// The instance's ``InstanceSettings/backendSignHeader``: hmac and basic.
        case backendSignHeader
        /// `Authorization`: aes and public_key.
        case authorization
    }

    /// A key that signs, and where that is counted.
    public final class Key: Sendable {
        public let signer: BackendSigner
        public let meter: UseMeter?

        public init(signer: BackendSigner, meter: UseMeter? = nil) {
            self.signer = signer
            self.meter = meter
        }
    }

    /// A key that was replaced and still signs.
    public struct Replaced: Sendable {
        public let key: Key
        /// Milliseconds since 1970 from which on it signs no more.
        public let until: Int64

        public init(key: Key, until: Int64) {
            self.key = key
            self.until = until
        }
    }

    public let present: Key
    /// The oldest first.
    public let replaced: [Replaced]
    public let carrier: Carrier

    public init(present: Key, replaced: [Replaced] = [], carrier: Carrier) {
        self.present = present
        self.replaced = replaced
        self.carrier = carrier
    }

    public convenience init(signer: BackendSigner, carrier: Carrier) {
        self.init(present: Key(signer: signer), carrier: carrier)
    }

    /// The key that signs: the oldest whose time has not come, else the present one.
    ///
    /// - Parameter wall: milliseconds since 1970.
    public func key(at wall: Int64) -> Key {
        for old in replaced where wall < old.until { return old.key }
        return present
    }

    /// All keys of a policy are of one type: the signature covers the request, or only names the gateway.
    public var coversRequest: Bool { present.signer.coversRequest }
}
