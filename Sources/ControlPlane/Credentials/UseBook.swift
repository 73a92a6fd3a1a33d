import GatewayModel
import GatewayPrimitives
import Logging
import Snapshot
import Store

/// Hands over what the gateway has counted of credentials since the last call, from any thread.
public typealias UseSource = @Sendable () async -> [UseSample]

/// Brings the gateway's counts of credentials into the store, one round after the other.
///
/// Counts that could not be stored wait for the next round.
actor UseBook {
    private let source: UseSource
    private var waiting: [Credential: UseCounts] = [:]
    private var last: Task<Void, Never>?

    private struct Credential: Hashable {
        let kind: CredentialKind
        let id, ownerID: String
    }

    init(source: @escaping UseSource) { self.source = source }

    /// Returns when everything that was counted before the call is stored, or the store has failed.
    func settle(in plane: ControlPlane) async {
        let previous = last
        let round = Task {
            await previous?.value
            await self.round(plane)
        }
        last = round
        await round.value
    }

    private func round(_ plane: ControlPlane) async {
        for sample in await source() {
            waiting[Credential(kind: sample.kind, id: sample.id, ownerID: sample.ownerID), default: UseCounts()] += sample.counts
        }
        let taken = waiting
        waiting = [:]
        do {
            try await plane.storeUses(
                taken.map { credential, counts in
                    (
                        credential.kind,
                        SecretUsage(
                            secretID: credential.id, ownerID: credential.ownerID, calls: counts.calls,
                            lastAt: Timestamp(nanoseconds: counts.lastAt * 1_000_000), lastBy: counts.lastBy?.text ?? "")
                    )
                })
        } catch {
            plane.log.error("uses of secrets could not be stored", metadata: ["error": "\(error)"])
            for (credential, counts) in taken { waiting[credential, default: UseCounts()] += counts }
        }
    }
}

extension ControlPlane {
    /// Brings the gateway's counts of credentials into the store, and removes secrets that have ended. Called now and then.
    public func settleSecretUses() async { await uses.settle(in: self) }

    fileprivate func storeUses(_ uses: [(CredentialKind, SecretUsage)]) async throws {
        let isIdle = try await read { r in
            try CredentialKind.allCases.allSatisfy { try !r.sql.hasEndedSecrets($0, now: r.now) }
        }
        guard !uses.isEmpty || !isIdle else { return }
        try await bookkeeping { sql, now in
            for (kind, usage) in uses { try sql.addUses(kind, usage) }
            for kind in CredentialKind.allCases { try sql.forgetEndedSecrets(kind, now: now) }
        }
    }
}
