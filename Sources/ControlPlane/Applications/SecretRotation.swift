import GatewayModel
import GatewayPrimitives
import Store

extension ControlPlane {
    /// Gives an application another secret, while the one before goes on working for some time and then ends by itself.
    ///
    /// - Parameters:
    ///   - secret: nil or empty: a random one.
    ///   - overlapSeconds: one of ``SecretRotationRules/overlaps``; 0: the old one ends at once.
    /// - Throws: ``OperationError``: unknown application, the caller has not role admin, a secret of the wrong form or the
    ///   present one, an overlap out of range, too many that have not ended.
    public func rotateApplicationSecret(
        _ call: Call, id: String, secret: Secret?, overlapSeconds: Int
    ) async throws -> Written<RotatedSecret<Application>> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let old = try w.application(id, of: call)
            try w.checkAccess(old, .admin, of: call)
            return try w.rotate(old, Self.withNewSecret(old, secret, origin: old.origin), overlapSeconds: overlapSeconds, of: call)
        }
    }

    /// The present secret, then those that have not ended, the last to end first.
    public func applicationSecrets(_ call: Call, id: String) async throws -> [SecretState] {
        await settleSecretUses()
        return try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(id, of: call)
            try r.checkAccess(application, .read, of: call)
            return try r.secretStates(.appSecret, of: id, createdAt: application.createdAt)
        }
    }

    /// Ends a replaced secret before its time.
    ///
    /// - Throws: ``OperationError``: unknown application or secret, the caller has not role admin;
    ///   ``StateConflict/secretIsPresent`` for the present one.
    public func endApplicationSecret(_ call: Call, id: String, secretID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let application = try w.application(id, of: call)
            try w.checkAccess(application, .admin, of: call)
            try w.endSecret(.appSecret, of: id, id: secretID, createdAt: application.createdAt)
            w.touch(.application(id))
        }
    }
}

extension Reading {
    /// For how long a secret goes on working that the contract's own operation resets; feature `secret_reset_overlap`.
    func resetOverlapSeconds(of call: Call) throws -> Int {
        guard let row = try sql.find(Feature.self, key: call.instanceID, ConfigurableFeature.secretResetOverlap.rawValue), row.enabled,
            case .secretResetOverlap(let seconds) = FeatureSetting(.secretResetOverlap, config: row.config)
        else { return 0 }
        return seconds
    }
}

extension Writing {
    /// - Throws: as ``ControlPlane/rotateApplicationSecret(_:id:secret:overlapSeconds:)``.
    func rotate(_ old: Application, _ new: Application, overlapSeconds: Int, of call: Call) throws -> RotatedSecret<Application> {
        // Two secrets that are equal could not end apart.
        let others = try retiredSecrets(.appSecret, of: old.id)
        guard new.secret != old.secret, !others.contains(where: { $0.secret == new.secret }) else {
            throw OperationError.invalid(field: "secret")
        }
        let retired = try retire(
            Replaced(
                kind: .appSecret, ownerID: old.id, createdAt: old.createdAt, secret: old.secret, overlapSeconds: overlapSeconds))
        try store(new, before: old, of: call)
        return RotatedSecret(
            owner: try application(old.id, of: call),
            present: try presentSecret(.appSecret, of: old.id, createdAt: old.createdAt), retired: retired)
    }
}
