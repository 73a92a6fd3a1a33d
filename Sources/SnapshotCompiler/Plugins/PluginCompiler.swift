import GatewayModel
import GatewayPrimitives
import Snapshot

/// Compiles the plug-ins of one API. Runtime state is found in `registry`.
struct PluginCompiler {
    let api: PublishedAPI
    let settings: InstanceSettings
    let registry: RuntimeRegistry
    let functions: FunctionCompiler
    let kafka: KafkaLedger

    /// Adds `plugin` to `policies`.
    func compile(_ plugin: Plugin, into policies: inout RoutePolicies) throws(CompileDiagnostic) {
        let content: PluginContent
        do {
            content = try PluginContent(parsing: plugin.content, type: plugin.type)
        } catch {
            throw refuse(plugin, [error.path, error.reason].filter { !$0.isEmpty }.joined(separator: ": "))
        }
        switch content {
        case .cors(let content): policies.cors = try cors(content, plugin)
        case .setResponseHeaders(let content): policies.responseHeaders = responseHeaders(content)
        case .rateLimit(let content): policies.rateLimit = rateLimit(content, plugin)
        case .breaker(let content): policies.breaker = try breaker(content, plugin)
        case .thirdAuth(let content): policies.thirdAuth = try thirdAuth(content, plugin)
        case .kafkaLog(let content): policies.kafkaLog = kafkaLog(content)
        }
    }

    func refuse(_ plugin: Plugin, _ reason: String) -> CompileDiagnostic {
        CompileDiagnostic(field: "plugin_content", reason: reason, resource: "plug-in \(plugin.id)")
    }

    /// What tells two states apart: the plug-in, and with scope basic the publication.
    func stateKey(_ plugin: Plugin, isShared: Bool, _ parts: String...) -> String {
        ([plugin.type.rawValue, plugin.id, isShared ? "" : api.publicationID] + parts).joined(separator: "\u{1F}")
    }

    func values(_ parameters: [RuleParameter]) -> [RequestValue] {
        parameters.map { parameter in
            switch parameter.source {
            case .header(let name): .header(Array(name.utf8))
            case .query(let name): .query(Array(name.utf8))
            case .path: .path
            case .method: .method
            case .system(let name): .system(Self.system(name))
            }
        }
    }

    static func system(_ name: String) -> SystemParameter {
        guard let parameter = SystemParameter(rawValue: name) else {
            // The model's lists of names are checked against this enumeration by a test.
            preconditionFailure("unknown system parameter \(name)")
        }
        return parameter
    }

    // MARK: set_resp_headers

    private func responseHeaders(_ content: ResponseHeadersContent) -> ResponseHeaderPolicy {
        ResponseHeaderPolicy(
            rules: content.rules.map { rule in
                let value: ResponseHeaderPolicy.Value =
                    switch rule.value {
                    case .text(let text): .constant(Array(text.utf8))
                    case .systemParameter(let name):
                        rule.action == .delete ? .constant([]) : .system(Self.system(String(name.dropFirst("$context.".count))))
                    }
                let action: ResponseHeaderPolicy.Action =
                    switch rule.action {
                    case .override: .override
                    case .append: .append
                    case .delete: .delete
                    case .skip: .skip
                    case .add: .add
                    }
                return .init(name: Array(rule.name.utf8), lowercaseName: Array(rule.name.lowercased().utf8), value: value, action: action)
            })
    }

    // MARK: cors

    private func cors(_ content: CORSContent, _ plugin: Plugin) throws(CompileDiagnostic) -> CORSPolicy {
        guard content.permits(api.definition.reqMethod) else {
            throw refuse(plugin, "allow_methods: must hold the method of api \(api.apiID)")
        }
        func line(_ name: String, _ value: String) -> HeaderLine { HeaderLine(name: Array(name.utf8), value: Array(value.utf8)) }
        func lines(_ origin: String?, varies: Bool) -> CORSPolicy.Lines {
            let vary = varies ? [line("Vary", "Origin")] : []
            guard let origin else { return .init(preflight: vary, actual: vary) }
            var common = [line("Access-Control-Allow-Origin", origin)]
            if content.allowsCredentials { common.append(line("Access-Control-Allow-Credentials", "true")) }
            var preflight = common
            preflight.append(line("Access-Control-Allow-Methods", content.methods.map(\.rawValue).joined(separator: ",")))
            if !content.allowedHeaders.isEmpty {
                preflight.append(line("Access-Control-Allow-Headers", content.allowedHeaders.joined(separator: ",")))
            }
            preflight.append(line("Access-Control-Max-Age", String(content.maxAge)))
            var actual = common
            if !content.exposedHeaders.isEmpty {
                let exposed = line("Access-Control-Expose-Headers", content.exposedHeaders.joined(separator: ","))
                actual.append(exposed)
                preflight.append(exposed)
            }
            return .init(preflight: preflight + vary, actual: actual + vary)
        }
        switch content.origins {
        case .any: return CORSPolicy(listed: [], otherwise: lines("*", varies: false))
        case .listed(let origins):
            return CORSPolicy(
                listed: origins.map { (Array($0.lowercased().utf8), lines($0, varies: true)) }, otherwise: lines(nil, varies: true))
        }
    }

    // MARK: rate_limit

    private func rateLimit(_ content: RateLimitContent, _ plugin: Plugin) -> RateLimitPolicy {
        func quota(_ quota: RateLimitContent.Quota) -> RateLimitPolicy.Quota {
            .init(
                limit: quota.limit, window: Int64(quota.interval) * Int64(quota.unit.seconds) * 1000,
                windowText: Array("\(quota.interval) \(quota.unit.rawValue)".utf8))
        }
        func window(_ quota: RateLimitContent.Quota?) -> String { quota.map { "\($0.interval) \($0.unit)" } ?? "" }
        // A changed limit goes on counting in the window that runs; other windows or rules are other counters.
        let key = stateKey(
            plugin, isShared: content.scope == .share, window(content.api ?? content.user ?? content.app ?? content.address),
            // Names may hold any character, so the text alone does not tell one rule from two.
            "\(content.rules.count)",
            content.rules.map { "\($0.name)\u{1E}\($0.expression.text)\u{1E}\(window($0.quota))" }.joined(separator: "\u{1D}"))
        return RateLimitPolicy(
            api: content.api.map(quota), user: content.user.map(quota), app: content.app.map(quota), address: content.address.map(quota),
            specialUsers: content.specialUsers, specialApps: content.specialApps, parameters: values(content.parameters),
            rules: content.rules.map { .init(expression: $0.expression.expression, quota: quota($0.quota)) },
            state: registry.state(key) { RateLimitState(ruleCount: content.rules.count) })
    }
}
