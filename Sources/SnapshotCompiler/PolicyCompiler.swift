import GatewayModel
import GatewayPrimitives
import RequestSigning
import Snapshot

/// Compiles what is bound to an API. Holds the runtime state (counters, breaker windows) that outlives a compiled policy.
public struct PolicyCompiler: Sendable {
    let registry: RuntimeRegistry
    let functions: FunctionCompiler

    /// - Parameter functions: where functions are run.
    public init(registry: RuntimeRegistry = RuntimeRegistry(), functions: FunctionRegistry = FunctionRegistry()) {
        self.registry = registry
        self.functions = FunctionCompiler(functions: functions)
    }

    /// - Throws: ``CompileDiagnostic`` naming the policy that cannot be enforced.
    public func compile(_ api: PublishedAPI, settings: InstanceSettings) throws(CompileDiagnostic) -> RoutePolicies {
        var policies = RoutePolicies()
        policies.signing = try signing(api)
        policies.access = try access(api)
        policies.callers = try CallerCompiler.policy(of: api)
        policies.authorizer = try authorizers(of: api, settings).frontend()
        let compiler = PluginCompiler(api: api, settings: settings, registry: registry, functions: functions)
        for plugin in api.plugins { try compiler.compile(plugin, into: &policies) }
        if policies.rateLimit == nil {
            let throttles = ThrottleCompiler(api: api, registry: registry)
            policies.rateLimit = api.throttle.map(throttles.compile) ?? settings.defaultRateLimit.map(throttles.standard)
        }
        return policies
    }

    func authorizers(of api: PublishedAPI, _ settings: InstanceSettings) -> AuthorizerCompiler {
        AuthorizerCompiler(api: api, settings: settings, registry: registry, functions: functions)
    }

    private func signing(_ api: PublishedAPI) throws(CompileDiagnostic) -> SigningPolicy? {
        guard let key = api.signatureKey else { return nil }
        do {
            return try SigningPolicy(compiling: key)
        } catch {
            throw CompileDiagnostic(field: error.field, reason: error.reason, resource: "signature key \(key.id)")
        }
    }

    /// Account names and ids are asked of callers with IAM authentication alone (gateway-runtime.md, 6.1): `CallerCompiler` has them.
    private func access(_ api: PublishedAPI) throws(CompileDiagnostic) -> AccessPolicy? {
        guard let policy = api.accessPolicies.first(where: { $0.entity == .ip }) else { return nil }
        do {
            guard case .addresses(let ranges) = try AccessControlRules.read(policy.value, entity: .ip).list else { return nil }
            return AccessPolicy(id: policy.id, permitsListed: policy.action == .permit, addresses: IPSet(ranges))
        } catch {
            throw CompileDiagnostic(field: error.field, reason: error.reason, resource: "access control policy \(policy.id)")
        }
    }
}
