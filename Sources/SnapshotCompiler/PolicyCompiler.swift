import GatewayModel
import Snapshot

/// Compiles what is bound to an API. Holds the runtime state (counters, breaker windows) that outlives a compiled policy.
public struct PolicyCompiler: Sendable {
    public init() {}

    /// - Throws: ``CompileDiagnostic`` naming the policy that cannot be enforced.
    public func compile(_ api: PublishedAPI, settings: InstanceSettings) throws(CompileDiagnostic) -> RoutePolicies {
        let policies = RoutePolicies()
        if api.signatureKey != nil || !api.accessPolicies.isEmpty || !api.plugins.isEmpty {
            throw CompileDiagnostic(field: "plugin_id", reason: "policies are not compiled", resource: "api \(api.apiID)")
        }
        return policies
    }
}
