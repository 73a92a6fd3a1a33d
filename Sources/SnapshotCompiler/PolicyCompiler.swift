import GatewayModel
import GatewayPrimitives
import RequestSigning
import Snapshot

/// Compiles what is bound to an API. Holds the runtime state (counters, breaker windows) that outlives a compiled policy.
public struct PolicyCompiler: Sendable {
    let registry: RuntimeRegistry
    let functions: FunctionCompiler
    private let uses: UseMeters
    private let kafka: KafkaLedger

    /// - Parameters:
    ///   - functions: where functions are run.
    ///   - uses: where uses of signature keys are counted.
    ///   - kafka: bounds of Kafka logs.
    public init(
        registry: RuntimeRegistry = RuntimeRegistry(), functions: FunctionRegistry = FunctionRegistry(),
        uses: UseMeters = UseMeters(loops: 0), kafka: KafkaLedger = KafkaLedger()
    ) {
        self.kafka = kafka
        self.registry = registry
        self.functions = FunctionCompiler(functions: functions)
        self.uses = uses
    }

    /// - Throws: ``CompileDiagnostic`` naming the policy that cannot be enforced.
    public func compile(_ api: PublishedAPI, settings: InstanceSettings) throws(CompileDiagnostic) -> RoutePolicies {
        var policies = RoutePolicies()
        policies.signing = try signing(api)
        policies.access = try access(api)
        policies.callers = try CallerCompiler.policy(of: api)
        policies.authorizer = try authorizers(of: api, settings).frontend()
        let compiler = PluginCompiler(api: api, settings: settings, registry: registry, functions: functions, kafka: kafka)
        for plugin in api.plugins {
            try compiler.compile(plugin, into: &policies)
            if let stage = plugin.type.stage { policies.objects[stage] = PolicyObject(.plugin, id: plugin.id, name: plugin.name) }
        }
        if policies.rateLimit == nil {
            let throttles = ThrottleCompiler(api: api, registry: registry)
            policies.rateLimit = api.throttle.map(throttles.compile) ?? settings.defaultRateLimit.map(throttles.standard)
            if let throttle = api.throttle?.policy {
                policies.objects[.rateLimit] = PolicyObject(.throttlingPolicy, id: throttle.id, name: throttle.name)
            } else if policies.rateLimit != nil {
                policies.objects[.rateLimit] = PolicyObject(.instanceFeature, id: api.instanceID, name: "ratelimit")
            }
        }
        if policies.authorizer != nil, let id = api.definition.authorizerID, let authorizer = api.authorizers[id] {
            policies.objects[.authorizer] = PolicyObject(.authorizer, id: id, name: authorizer.name)
        }
        if let key = api.signatureKey { policies.objects[.signature] = PolicyObject(.signatureKey, id: key.id, name: key.name) }
        if policies.access != nil, let list = api.accessPolicies.first(where: { $0.entity == .ip }) {
            policies.objects[.accessList] = PolicyObject(.accessControlPolicy, id: list.id, name: list.name)
        }
        return policies
    }

    func authorizers(of api: PublishedAPI, _ settings: InstanceSettings) -> AuthorizerCompiler {
        AuthorizerCompiler(api: api, settings: settings, registry: registry, functions: functions)
    }

    private func signing(_ api: PublishedAPI) throws(CompileDiagnostic) -> SigningPolicy? {
        guard let key = api.signatureKey else { return nil }
        do {
            return try SigningPolicy(compiling: key, api.signatureSecrets, uses)
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

extension PluginType {
    /// Where a plug-in of this type decides; nil: it decides nothing.
    fileprivate var stage: PipelineStage? {
        switch self {
        case .cors: .preflight
        case .rateLimit: .rateLimit
        case .breaker: .breaker
        case .thirdAuth: .thirdAuth
        case .setResponseHeaders, .kafkaLog: nil
        }
    }
}
