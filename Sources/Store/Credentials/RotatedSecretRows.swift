import GatewayModel
import GatewayPrimitives

extension CredentialKind {
    /// What the names of its tables begin with: `<prefix>_present_secrets`, `<prefix>_retired_secrets`, `<prefix>_secret_uses`.
    var prefix: String {
        switch self {
        case .appSecret: "app"
        case .appCode: "app_code"
        case .signatureKey: "sign"
        }
    }

    /// The table of what has such secrets.
    public var ownerTable: String {
        switch self {
        case .appSecret: "applications"
        case .appCode: "app_codes"
        case .signatureKey: "signs"
        }
    }

    public var retiredTable: String { prefix + "_retired_secrets" }
    public var presentTable: String { prefix + "_present_secrets" }
    var usesTable: String { prefix + "_secret_uses" }
}

/// Secrets that were replaced: three tables of one form for each kind.
extension SQLConnection {
    /// - Parameter condition: on columns `owner_id`, `ends_at`.
    public func presentSecrets(_ kind: CredentialKind, where condition: Condition) throws -> [PresentSecret] {
        try query("SELECT owner_id, secret_id, created_at FROM \(kind.presentTable)\(condition.sql)", condition.arguments).map { row in
            PresentSecret(
                ownerID: try row.text("owner_id"), id: try row.text("secret_id"),
                createdAt: Timestamp(nanoseconds: try row.integer("created_at")))
        }
    }

    public func setPresentSecret(_ kind: CredentialKind, _ present: PresentSecret) throws {
        try execute("DELETE FROM \(kind.presentTable) WHERE owner_id = ?", [.text(present.ownerID)])
        try execute(
            "INSERT INTO \(kind.presentTable) (owner_id, secret_id, created_at) VALUES (?, ?, ?)",
            [.text(present.ownerID), .text(present.id), .integer(present.createdAt.nanoseconds)])
    }

    /// The oldest first.
    public func retiredSecrets(_ kind: CredentialKind, where condition: Condition, box: SecretBox) throws -> [RetiredSecret] {
        try query(
            """
            SELECT id, owner_id, sealed_secret, access_key, signs_until, created_at, ends_at FROM \(kind.retiredTable)\(condition.sql)
            ORDER BY created_at, id
            """, condition.arguments
        ).map { row in
            let id = try row.text("id")
            let signsUntil = try row.integer("signs_until")
            return RetiredSecret(
                id: id, kind: kind, ownerID: try row.text("owner_id"),
                secret: Secret(try box.open(try row.text("sealed_secret"), context: "\(kind.retiredTable):\(id)")),
                accessKey: try row.text("access_key"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
                endsAt: Timestamp(nanoseconds: try row.integer("ends_at")),
                signsUntil: signsUntil == 0 ? nil : Timestamp(nanoseconds: signsUntil))
        }
    }

    /// - Parameter hash: by which a secret is found that must be unique in its instance; empty for others.
    public func insertRetired(_ retired: RetiredSecret, hash: String, box: SecretBox) throws {
        let table = retired.kind.retiredTable
        try execute(
            """
            INSERT INTO \(table) (id, owner_id, sealed_secret, access_key, word_hash, signs_until, created_at, ends_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(retired.id), .text(retired.ownerID),
                .text(try box.seal(retired.secret.revealed, context: "\(table):\(retired.id)")), .text(retired.accessKey), .text(hash),
                .integer(retired.signsUntil?.nanoseconds ?? 0), .integer(retired.createdAt.nanoseconds),
                .integer(retired.endsAt.nanoseconds),
            ])
    }

    public func deleteRetired(_ kind: CredentialKind, id: String) throws {
        try execute("DELETE FROM \(kind.retiredTable) WHERE id = ?", [.text(id)])
        try deleteUsage(kind, id: id)
    }

    public func deleteUsage(_ kind: CredentialKind, id: String) throws {
        try execute("DELETE FROM \(kind.usesTable) WHERE secret_id = ?", [.text(id)])
    }

    /// How the secrets of one owner were used, by id.
    public func usages(_ kind: CredentialKind, ownerID: String) throws -> [String: SecretUsage] {
        let rows = try query("SELECT secret_id, owner_id, calls, last_at, last_by FROM \(kind.usesTable) WHERE owner_id = ?", [.text(ownerID)])
        var found: [String: SecretUsage] = [:]
        for row in rows {
            let usage = SecretUsage(
                secretID: try row.text("secret_id"), ownerID: try row.text("owner_id"), calls: try row.integer("calls"),
                lastAt: Timestamp(nanoseconds: try row.integer("last_at")), lastBy: try row.text("last_by"))
            found[usage.secretID] = usage
        }
        return found
    }

    /// Adds to the uses of a secret, which is left alone when it is gone.
    public func addUses(_ kind: CredentialKind, _ more: SecretUsage) throws {
        guard try hasSecret(kind, id: more.secretID, ownerID: more.ownerID) else { return }
        let old = try usages(kind, ownerID: more.ownerID)[more.secretID]
        let isLater = old.map { $0.lastAt <= more.lastAt } ?? true
        let last = isLater ? more : old ?? more
        try execute("DELETE FROM \(kind.usesTable) WHERE secret_id = ?", [.text(more.secretID)])
        try execute(
            "INSERT INTO \(kind.usesTable) (secret_id, owner_id, calls, last_at, last_by) VALUES (?, ?, ?, ?, ?)",
            [
                .text(more.secretID), .text(more.ownerID), .integer((old?.calls ?? 0) + more.calls),
                .integer(last.lastAt.nanoseconds), .text(last.lastBy),
            ])
    }

    private func hasSecret(_ kind: CredentialKind, id: String, ownerID: String) throws -> Bool {
        guard try first("SELECT 1 AS n FROM \(kind.ownerTable) WHERE id = ?", [.text(ownerID)]) != nil else { return false }
        var own = Condition()
        own.equal("owner_id", ownerID)
        if (try presentSecrets(kind, where: own).first?.id ?? ownerID) == id { return true }
        return try first("SELECT 1 AS n FROM \(kind.retiredTable) WHERE id = ?", [.text(id)]) != nil
    }

    /// Removes those that have ended.
    public func forgetEndedSecrets(_ kind: CredentialKind, now: Timestamp) throws {
        for row in try query("SELECT id FROM \(kind.retiredTable) WHERE ends_at <= ?", [.integer(now.nanoseconds)]) {
            try deleteRetired(kind, id: row.text("id"))
        }
    }

    public func hasEndedSecrets(_ kind: CredentialKind, now: Timestamp) throws -> Bool {
        try first("SELECT 1 AS n FROM \(kind.retiredTable) WHERE ends_at <= ? LIMIT 1", [.integer(now.nanoseconds)]) != nil
    }

    /// Whether a replaced secret that has not ended has this hash.
    public func hasRetired(_ kind: CredentialKind, hash: String, now: Timestamp) throws -> Bool {
        try first(
            "SELECT 1 AS n FROM \(kind.retiredTable) WHERE word_hash = ? AND ends_at > ? LIMIT 1",
            [.text(hash), .integer(now.nanoseconds)]) != nil
    }
}
