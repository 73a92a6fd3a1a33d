import GatewayModel
import GatewayPrimitives
import RequestSigning
import Snapshot

extension SigningPolicy {
    /// Keys the signature once, for all requests to come.
    /// - Throws: what keeps the key from signing; ``SigningKeyError/field`` names the contract's field. A key of type
    ///   public_key may hold any text by the contract, but only an RSA private key signs (``RSAKeyText``): binding
    ///   another one is refused rather than failing every request (gateway-runtime.md, O21).
    public convenience init(compiling key: SignatureKey) throws(SigningKeyError) {
        switch key.type {
        case .hmac:
            self.init(signer: .hmac(key: key.key, secret: key.secret), carrier: .backendSignHeader)
        case .basic:
            self.init(signer: .basic(user: key.key, password: key.secret), carrier: .backendSignHeader)
        case .aes:
            let signer = try BackendSigner.aes(
                name: key.name, key: Secret(key.key), keyLength: key.algorithm == .aes256 ? 32 : 16, vector: key.secret)
            self.init(signer: signer, carrier: .authorization)
        case .publicKey:
            self.init(signer: try .publicKey(name: key.name, privateKey: key.secret), carrier: .authorization)
        }
    }
}
