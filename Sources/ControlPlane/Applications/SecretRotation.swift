import GatewayModel
import GatewayPrimitives
import Logging
import Snapshot
import Store

/// A secret of an application as its users see it: not the secret itself.
public struct SecretState: Sendable {
    public let id: String
    public let createdAt: Timestamp
    /// Nil for the present one.
    public let endsAt: Timestamp?
    /// Nil until it has proved a call.
    public let usage: SecretUsage?
}

/// What replacing a secret made.
public struct RotatedSecret: Sendable {
    public let application: Application
    public let present: PresentSecret
    /// The one before; nil when it ended at once.
    public let retired: RetiredSecret?
}

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
    ) async throws -> Written<RotatedSecret> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard SecretRotationRules.overlaps.contains(overlapSeconds) else {
                throw OperationError.invalid(field: "overlap_seconds")
            }
            let old = try w.application(id, of: call)
            try w.checkAccess(old, .admin, of: call)
            let new = try Self.withNewSecret(old, secret, origin: old.origin)
            // Two secrets that are equal could not end apart.
            let others = try w.retiredSecrets(of: id)
            guard new.secret != old.secret, !others.contains(where: { $0.secret == new.secret }) else {
                throw OperationError.invalid(field: "secret")
            }
            if overlapSeconds > 0 {
                try w.checkQuota(.appSecret, count: others.count, limit: SecretRotationRules.retiredLimit)
            }
            let retired = try w.retireSecret(of: old, until: Timestamp(nanoseconds: w.now.nanoseconds + Int64(overlapSeconds) * 1_000_000_000))
            try w.store(new, before: old, of: call)
            return RotatedSecret(
                application: try w.application(id, of: call), present: try w.presentSecret(of: new), retired: retired)
        }
    }

    /// The present secret, then those that have not ended, the last to end first.
    public func applicationSecrets(_ call: Call, id: String) async throws -> [SecretState] {
        await settleSecretUses()
        return try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(id, of: call)
            try r.checkAccess(application, .read, of: call)
            var own = Condition()
            own.equal("app_id", id)
            let usages = Dictionary(
                uniqueKeysWithValues: try r.sql.all(SecretUsage.self, where: own).map { ($0.secretID, $0) })
            let present = try r.presentSecret(of: application)
            return [SecretState(id: present.id, createdAt: present.createdAt, endsAt: nil, usage: usages[present.id])]
                + (try r.retiredSecrets(of: id)).map {
                    SecretState(id: $0.id, createdAt: $0.createdAt, endsAt: $0.endsAt, usage: usages[$0.id])
                }
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
            guard try w.presentSecret(of: application).id != secretID else {
                throw OperationError.conflict(.secretIsPresent)
            }
            guard let old = try w.retiredSecrets(of: id).first(where: { $0.id == secretID }) else {
                throw OperationError.notFound(.appSecret, id: secretID)
            }
            try w.remove(old)
            w.touch(.application(id))
        }
    }

    /// Brings the gateway's counts of secrets into the store, and removes what has ended. Called now and then.
    public func settleSecretUses() async {
        let taken = secretLedger.take()
        do {
            let gone = try await settle(taken)
            secretLedger.forget(gone)
        } catch {
            log.error("uses of secrets could not be stored", metadata: ["error": "\(error)"])
            secretLedger.giveBack(taken)
        }
    }
}
