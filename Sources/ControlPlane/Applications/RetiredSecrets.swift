import GatewayModel
import GatewayPrimitives
import Snapshot
import Store

extension Reading {
    func presentSecret(of application: Application) throws -> PresentSecret {
        try sql.find(PresentSecret.self, key: application.id) ?? PresentSecret(ofTheBeginning: application)
    }

    /// Those that have not ended, the last to end first.
    func retiredSecrets(of applicationID: String) throws -> [RetiredSecret] {
        var own = Condition()
        own.equal("app_id", applicationID)
        own.and("ends_at > ?", .integer(now.nanoseconds))
        return try sql.all(RetiredSecretRow.self, where: own, order: "ends_at DESC, id").map { try $0.model(box: box) }
    }
}

extension Writing {
    /// Makes the application's present secret one of the past; the caller stores another one.
    ///
    /// - Returns: what goes on working; nil when it ends at once.
    func retireSecret(of application: Application, until end: Timestamp) throws -> RetiredSecret? {
        let old = try presentSecret(of: application)
        let new = PresentSecret(applicationID: application.id, id: newID(), createdAt: now)
        if try sql.find(PresentSecret.self, key: application.id) == nil {
            try sql.insert(new)
        } else {
            try sql.update(new)
        }
        guard end > now else {
            try sql.delete(SecretUsage.self, key: old.id)
            return nil
        }
        let retired = RetiredSecret(
            id: old.id, applicationID: application.id, secret: application.secret, createdAt: old.createdAt, endsAt: end)
        try sql.insert(RetiredSecretRow(retired, box: box))
        try record(.appSecret, id: retired.id, before: nil, after: retired)
        return retired
    }

    /// Ends all secrets of an application: the caller stores another one.
    func endSecrets(of application: Application) throws {
        for retired in try retiredSecrets(of: application.id) { try remove(retired) }
        _ = try retireSecret(of: application, until: now)
    }

    func remove(_ retired: RetiredSecret) throws {
        try sql.delete(RetiredSecretRow.self, key: retired.id)
        try sql.delete(SecretUsage.self, key: retired.id)
        try record(.appSecret, id: retired.id, before: retired, after: nil)
    }
}

extension ControlPlane {
    /// - Returns: secrets whose counts need not be kept any more.
    func settle(_ taken: [SecretLedger.Taken]) async throws -> [String] {
        let isIdle = try await read { r in
            try r.sql.first("SELECT 1 AS n FROM app_retired_secrets WHERE ends_at <= ? LIMIT 1", [.integer(r.now.nanoseconds)]) == nil
        }
        guard !taken.isEmpty || !isIdle else { return [] }
        return try await bookkeeping { sql, now in
            var gone: [String] = []
            for one in taken {
                // An application may have been deleted since.
                guard try sql.first("SELECT 1 AS n FROM applications WHERE id = ?", [.text(one.applicationID)]) != nil else {
                    gone.append(one.secretID)
                    continue
                }
                let old = try sql.find(SecretUsage.self, key: one.secretID)
                let lastAt = Timestamp(nanoseconds: one.counts.lastAt * 1_000_000)
                let isLater = old.map { $0.lastAt <= lastAt } ?? true
                let new = SecretUsage(
                    secretID: one.secretID, applicationID: one.applicationID, calls: (old?.calls ?? 0) + one.counts.calls,
                    lastAt: isLater ? lastAt : old?.lastAt ?? lastAt,
                    lastAddress: isLater ? one.counts.lastAddress?.description ?? "" : old?.lastAddress ?? "")
                if old == nil { try sql.insert(new) } else { try sql.update(new) }
            }
            let ended = try sql.query(
                "SELECT id FROM app_retired_secrets WHERE ends_at <= ?", [.integer(now.nanoseconds)]
            ).map { try $0.text("id") }
            for id in ended {
                try sql.delete(RetiredSecretRow.self, key: id)
                try sql.delete(SecretUsage.self, key: id)
            }
            return gone + ended
        }
    }
}
