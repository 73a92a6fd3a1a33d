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

    public let signer: BackendSigner
    public let carrier: Carrier

    public init(signer: BackendSigner, carrier: Carrier) {
        self.signer = signer
        self.carrier = carrier
    }
}
