import GatewayModel
import GatewayPrimitives
import RequestSigning
import Store

/// How a signature key is to be replaced.
public struct SignatureKeyReplacement: Sendable {
    /// Nil and empty: as it is for hmac and basic, made for the others.
    public var key: String?
    /// Nil and empty: made.
    public var secret: Secret?
    /// How long the old one stays valid: one of ``SecretRotationRules/overlaps``.
    public var overlapSeconds: Int
    /// How long the gateway goes on signing with the old one, at most as long as it is valid; nil: just as long.
    public var switchAfterSeconds: Int?

    public init(key: String? = nil, secret: Secret? = nil, overlapSeconds: Int = 0, switchAfterSeconds: Int? = nil) {
        self.key = key.flatMap { $0.isEmpty ? nil : $0 }
        self.secret = secret.flatMap { $0.revealed.isEmpty ? nil : $0 }
        self.overlapSeconds = overlapSeconds
        self.switchAfterSeconds = switchAfterSeconds
    }
}

extension ControlPlane {
    /// Replaces key and secret of a signature key. The gateway goes on signing with the old ones for some time, in which
    /// backends can be taught the new ones, then signs with the new ones; the old ones end by themselves.
    ///
    /// - Throws: ``OperationError``: unknown key, a part that does not fit the type, the present pair again, a time out of range,
    ///   too many that have not ended, and ``OperationError/cannotServe(field:reason:)`` for a pair that cannot sign.
    public func rotateSignatureKey(
        _ call: Call, id: String, _ replacement: SignatureKeyReplacement
    ) async throws -> Written<RotatedSecret<SignatureKey>> {
        var replacement = replacement
        let present = try await read { r in
            try r.checkInstance(of: call)
            return try r.signatureKey(id, of: call)
        }
        if present.type == .publicKey, replacement.key == nil, replacement.secret == nil {
            // Made here because it takes longer than a transaction should.
            do {
                let pair = try RSAKeyText.generate()
                replacement.key = pair.publicKey
                replacement.secret = pair.privateKey
            } catch {
                throw OperationError.invalid(field: error.field)
            }
        }
        return try await write(call) { [replacement] w in
            let old = try w.signatureKey(id, of: call)
            let overlap = replacement.overlapSeconds
            let switches = replacement.switchAfterSeconds ?? overlap
            guard (0...max(0, overlap)).contains(switches) else { throw OperationError.invalid(field: "switch_after_seconds") }
            var random = SystemRandomNumberGenerator()
            var new = old
            switch old.type {
            case .hmac, .basic: new.key = replacement.key ?? old.key
            case .aes:
                new.key =
                    replacement.key ?? SignatureKeyRules.generateKey(type: .aes, algorithm: old.algorithm, using: &random)
            case .publicKey:
                guard let key = replacement.key else { throw OperationError.missing(field: "sign_key") }
                guard replacement.secret != nil else { throw OperationError.missing(field: "sign_secret") }
                new.key = key
            }
            new.secret = replacement.secret ?? SignatureKeyRules.generateSecret(type: old.type, using: &random)
            try Self.check(type: new.type, key: new.key, secret: new.secret, algorithm: new.algorithm)
            let others = try w.retiredSecrets(.signatureKey, of: id)
            guard (new.key, new.secret) != (old.key, old.secret),
                !others.contains(where: { ($0.accessKey, $0.secret) == (new.key, new.secret) })
            else { throw OperationError.invalid(field: "sign_secret") }
            let retired = try w.retire(
                Replaced(
                    kind: .signatureKey, ownerID: id, createdAt: old.createdAt, secret: old.secret, accessKey: old.key,
                    overlapSeconds: overlap, signingSeconds: switches))
            new.updatedAt = w.now
            try w.sql.update(SignatureKeyRow(new, box: w.box))
            try w.record(.signatureKey, id: id, before: old, after: new)
            w.touchSigning(of: new)
            return RotatedSecret(
                owner: new, present: try w.presentSecret(.signatureKey, of: id, createdAt: old.createdAt), retired: retired)
        }
    }

    /// The present key and secret, then those that have not ended, the last to end first.
    public func signatureKeySecrets(_ call: Call, id: String) async throws -> [SecretState] {
        await settleSecretUses()
        return try await read { r in
            try r.checkInstance(of: call)
            let key = try r.signatureKey(id, of: call)
            return try r.secretStates(.signatureKey, of: id, createdAt: key.createdAt, accessKey: key.key)
        }
    }

    /// Ends a replaced key and secret before their time: from then on the gateway signs with the next ones.
    ///
    /// - Throws: ``OperationError``: unknown key or secret; ``StateConflict/secretIsPresent`` for the present one.
    public func endSignatureKeySecret(_ call: Call, id: String, secretID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let key = try w.signatureKey(id, of: call)
            try w.endSecret(.signatureKey, of: id, id: secretID, createdAt: key.createdAt)
            w.touchSigning(of: key)
        }
    }
}

extension Writing {
    fileprivate func touchSigning(of key: SignatureKey) {
        touch(.signatureKey(key.id))
        if key.type == .publicKey { touch(.instance(key.instanceID)) }
    }
}
