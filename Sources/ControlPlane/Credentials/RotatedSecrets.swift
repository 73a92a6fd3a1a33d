import GatewayModel
import GatewayPrimitives
import Store

/// A secret as its users see it: not the secret itself.
public struct SecretState: Sendable {
    public let id: String
    /// `sign_key` of a signature key; empty for the others.
    public let accessKey: String
    public let createdAt: Timestamp
    /// Nil for the present one.
    public let endsAt: Timestamp?
    /// Of a replaced secret of a signature key.
    public let signsUntil: Timestamp?
    /// A signature key signs with it now.
    public let isSigning: Bool
    /// Nil until it was used.
    public let usage: SecretUsage?
}

/// What replacing a secret made.
public struct RotatedSecret<Owner: Sendable>: Sendable {
    public let owner: Owner
    public let present: PresentSecret
    /// The one before; nil when it ended at once.
    public let retired: RetiredSecret?
}

extension CredentialKind {
    /// Under which kind its changes are recorded.
    var resource: ResourceKind {
        switch self {
        case .appSecret: .appSecret
        case .appCode: .appCode
        case .signatureKey: .signatureKey
        }
    }
}

extension Reading {
    /// - Parameter createdAt: of the owner.
    func presentSecret(_ kind: CredentialKind, of ownerID: String, createdAt: Timestamp) throws -> PresentSecret {
        var own = Condition()
        own.equal("owner_id", ownerID)
        return try sql.presentSecrets(kind, where: own).first ?? PresentSecret(ofTheBeginning: ownerID, createdAt: createdAt)
    }

    /// Those that have not ended, the oldest first.
    func retiredSecrets(_ kind: CredentialKind, of ownerID: String) throws -> [RetiredSecret] {
        var own = Condition()
        own.equal("owner_id", ownerID)
        own.and("ends_at > ?", .integer(now.nanoseconds))
        return try sql.retiredSecrets(kind, where: own, box: box)
    }

    /// The present secret, then those that have not ended, the last to end first.
    ///
    /// - Parameter accessKey: the present one's.
    func secretStates(
        _ kind: CredentialKind, of ownerID: String, createdAt: Timestamp, accessKey: String = ""
    ) throws -> [SecretState] {
        let usages = try sql.usages(kind, ownerID: ownerID)
        let present = try presentSecret(kind, of: ownerID, createdAt: createdAt)
        let retired = try retiredSecrets(kind, of: ownerID)
        let signing = kind == .signatureKey ? SignatureSecrets(present: present, retired: retired).signing(at: now)?.id ?? present.id : ""
        let first = SecretState(
            id: present.id, accessKey: accessKey, createdAt: present.createdAt, endsAt: nil, signsUntil: nil,
            isSigning: signing == present.id, usage: usages[present.id])
        let others = retired.sorted { ($1.endsAt, $0.id) < ($0.endsAt, $1.id) }
        return [first]
            + others.map {
                SecretState(
                    id: $0.id, accessKey: $0.accessKey, createdAt: $0.createdAt, endsAt: $0.endsAt, signsUntil: $0.signsUntil,
                    isSigning: signing == $0.id, usage: usages[$0.id])
            }
    }
}

/// What is replaced, as it was, and for how long it goes on.
struct Replaced {
    let kind: CredentialKind
    let ownerID: String
    /// When the owner was made.
    let createdAt: Timestamp
    let secret: Secret
    var accessKey = ""
    /// By which the secret is found; empty where nobody looks for it.
    var hash = ""
    let overlapSeconds: Int
    /// For how long a signature key goes on signing with it; nil for the others.
    var signingSeconds: Int?
}

extension Writing {
    /// Makes the present secret one of the past; the caller stores another one.
    ///
    /// - Returns: what goes on working; nil when it ends at once.
    /// - Throws: ``OperationError``: overlap out of range, too many that have not ended.
    func retire(_ old: Replaced) throws -> RetiredSecret? {
        guard SecretRotationRules.overlaps.contains(old.overlapSeconds) else { throw OperationError.invalid(field: "overlap_seconds") }
        let others = try retiredSecrets(old.kind, of: old.ownerID).count
        if old.overlapSeconds > 0 { try checkQuota(.appSecret, count: others, limit: SecretRotationRules.retiredLimit) }
        let present = try presentSecret(old.kind, of: old.ownerID, createdAt: old.createdAt)
        try sql.setPresentSecret(old.kind, PresentSecret(ownerID: old.ownerID, id: newID(), createdAt: now))
        guard old.overlapSeconds > 0 else {
            try sql.deleteUsage(old.kind, id: present.id)
            return nil
        }
        func later(_ seconds: Int) -> Timestamp { Timestamp(nanoseconds: now.nanoseconds + Int64(seconds) * 1_000_000_000) }
        let retired = RetiredSecret(
            id: present.id, kind: old.kind, ownerID: old.ownerID, secret: old.secret, accessKey: old.accessKey,
            createdAt: present.createdAt, endsAt: later(old.overlapSeconds),
            signsUntil: old.signingSeconds.flatMap { $0 > 0 ? later($0) : nil })
        try sql.insertRetired(retired, hash: old.hash, box: box)
        try record(old.kind.resource, id: retired.id, before: nil, after: retired)
        return retired
    }

    /// Ends all secrets, the present one too: the caller stores another one.
    func endSecrets(_ kind: CredentialKind, of ownerID: String) throws {
        for retired in try retiredSecrets(kind, of: ownerID) { try remove(retired) }
        let present = try presentSecret(kind, of: ownerID, createdAt: now)
        try sql.deleteUsage(kind, id: present.id)
        try sql.setPresentSecret(kind, PresentSecret(ownerID: ownerID, id: newID(), createdAt: now))
    }

    func remove(_ retired: RetiredSecret) throws {
        try sql.deleteRetired(retired.kind, id: retired.id)
        try record(retired.kind.resource, id: retired.id, before: retired, after: nil)
    }

    /// Ends a replaced secret before its time.
    ///
    /// - Throws: ``OperationError``: unknown secret, ``StateConflict/secretIsPresent`` for the present one.
    func endSecret(_ kind: CredentialKind, of ownerID: String, id: String, createdAt: Timestamp) throws {
        guard try presentSecret(kind, of: ownerID, createdAt: createdAt).id != id else {
            throw OperationError.conflict(.secretIsPresent)
        }
        guard let old = try retiredSecrets(kind, of: ownerID).first(where: { $0.id == id }) else {
            throw OperationError.notFound(.appSecret, id: id)
        }
        try remove(old)
    }
}
