import GatewayModel
import GatewayPrimitives
import RequestSigning
import Snapshot

extension SigningPolicy {
    /// Keys the signature once, for all requests to come.
    ///
    /// - Parameters:
    ///   - secrets: those that are replaced and still sign; nil: none.
    ///   - uses: where signing is counted.
    /// - Throws: what keeps the key from signing; ``SigningKeyError/field`` names the contract's field. A key of type
    ///   public_key may hold any text by the contract, but only an RSA private key signs (``RSAKeyText``): binding
    ///   another one is refused rather than failing every request (gateway-runtime.md, O21).
    public convenience init(
        compiling key: SignatureKey, _ secrets: SignatureSecrets? = nil, _ uses: UseMeters = UseMeters(loops: 0)
    ) throws(SigningKeyError) {
        let present = secrets?.present.id ?? key.id
        var replaced: [Replaced] = []
        for old in secrets?.retired ?? [] {
            guard let until = old.signsUntil else { continue }
            replaced.append(
                Replaced(
                    key: Key(
                        signer: try Self.signer(key, old.accessKey, old.secret),
                        meter: uses.meter(.signatureKey, id: old.id, ownerID: key.id)),
                    // Rounded down: nothing is signed with it after the end that was said.
                    until: until.nanoseconds / 1_000_000))
        }
        self.init(
            present: Key(
                signer: try Self.signer(key, key.key, key.secret), meter: uses.meter(.signatureKey, id: present, ownerID: key.id)),
            replaced: replaced, carrier: key.type == .hmac || key.type == .basic ? .backendSignHeader : .authorization)
    }

    private static func signer(_ key: SignatureKey, _ word: String, _ secret: Secret) throws(SigningKeyError) -> BackendSigner {
        switch key.type {
        case .hmac: .hmac(key: word, secret: secret)
        case .basic: .basic(user: word, password: secret)
        case .aes:
            try .aes(name: key.name, key: Secret(word), keyLength: key.algorithm == .aes256 ? 32 : 16, vector: secret)
        case .publicKey: try .publicKey(name: key.name, privateKey: secret)
        }
    }
}
