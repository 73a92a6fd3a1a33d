import GatewayModel
import GatewayPrimitives
import Snapshot

/// Who may call an API, and the credentials of applications.
public struct CallerCompiler: Sendable {
    private let registry: RuntimeRegistry
    private let uses: UseMeters

    /// - Parameter uses: where uses of credentials are counted.
    public init(registry: RuntimeRegistry = RuntimeRegistry(), uses: UseMeters = UseMeters(loops: 0)) {
        self.registry = registry
        self.uses = uses
    }

    /// - Returns: nil for an API that asks nobody.
    /// - Throws: ``CompileDiagnostic`` naming an access control policy that cannot be enforced.
    static func policy(of api: PublishedAPI) throws(CompileDiagnostic) -> CallerPolicy? {
        switch api.definition.authType {
        case .app:
            CallerPolicy(kind: .app(AppAccess(takesCodes: api.definition.appCodeAllowed, apps: api.authorizedApplications)))
        case .iam: CallerPolicy(kind: .iam, accounts: try accounts(of: api))
        case .none, .authorizer: nil
        }
    }

    private static func accounts(of api: PublishedAPI) throws(CompileDiagnostic) -> [AccountRule] {
        var rules: [AccountRule] = []
        for policy in api.accessPolicies where policy.entity != .ip {
            do {
                guard case .accounts(let accounts) = try AccessControlRules.read(policy.value, entity: policy.entity).list else {
                    continue
                }
                rules.append(
                    AccountRule(
                        permitsListed: policy.action == .permit, accounts: Set(accounts), comparesNames: policy.entity == .domain))
            } catch {
                throw CompileDiagnostic(field: error.field, reason: error.reason, resource: "access control policy \(policy.id)")
            }
        }
        return AccountRule.combined(rules)
    }

    /// An application's credentials. Counters of its quota outlive changes of everything but the quota's windows.
    public func credential(_ caller: CallingApplication) -> AppCredential {
        let app = caller.application
        let addresses = caller.accessList.map { list in
            // Entries were read when the list was written.
            AppAddresses(permitsListed: list.kind == .permit, addresses: IPSet(list.addresses.compactMap { IPRange($0) }))
        }
        let quota = caller.quota.map { quota in
            let window = quota.windowSeconds * 1000
            let anchor = quota.resetTime.map { $0.seconds * 1000 }
            let key = ["quota", app.id, quota.id, "\(window)", "\(anchor ?? -1)"].joined(separator: "\u{1F}")
            return AppQuotaPolicy(
                limit: quota.callLimits, window: window, anchor: anchor, state: registry.state(key) { AppQuotaState() })
        }
        return AppCredential(
            instanceID: app.instanceID, appID: app.id, name: app.name, key: Array(app.key.utf8), secrets: secrets(of: caller),
            codes: words(of: caller), accountID: caller.accountID,
            projectID: caller.projectID, addresses: addresses, quota: quota)
    }

    private func secrets(of caller: CallingApplication) -> [AppSecret] {
        let app = caller.application
        func compiled(_ id: String, _ secret: Secret, _ endsAt: Int64?) -> AppSecret {
            AppSecret(id: id, secret: secret, endsAt: endsAt, meter: uses.meter(.appSecret, id: id, ownerID: app.id))
        }
        return [compiled(caller.present.id, app.secret, nil)]
            // Rounded down: no secret works after the end that was said.
            + caller.retired.map { compiled($0.id, $0.secret, $0.endsAt.nanoseconds / 1_000_000) }
    }

    private func words(of caller: CallingApplication) -> [AppWord] {
        func compiled(_ id: String, _ ownerID: String, _ code: Secret, _ endsAt: Int64?) -> AppWord {
            AppWord(code, endsAt: endsAt, meter: uses.meter(.appCode, id: id, ownerID: ownerID))
        }
        return caller.codes.map { compiled(caller.presentCodes[$0.id]?.id ?? $0.id, $0.id, $0.code, nil) }
            + caller.retiredCodes.map { compiled($0.id, $0.ownerID, $0.secret, $0.endsAt.nanoseconds / 1_000_000) }
    }
}
