import GatewayModel
import GatewayPrimitives
import Snapshot

/// Plug-ins that talk to backends of their own: breaker and third_auth.
extension PluginCompiler {
    // MARK: breaker

    func breaker(_ content: BreakerContent, _ plugin: Plugin) throws(CompileDiagnostic) -> BreakerPolicy {
        let isShared = content.scope == .share
        let otherwise = BreakerCircuit(
            failure: failure(content.condition), threshold: threshold(content.condition),
            downgrade: try downgrade(content.downgrade, plugin),
            state: state(content.condition, plugin, isShared, rule: ""))
        var rules: [BreakerPolicy.Rule] = []
        for rule in content.rules {
            let condition = rule.condition ?? content.condition
            rules.append(
                .init(
                    expression: rule.expression.expression,
                    circuit: BreakerCircuit(
                        failure: failure(condition), threshold: threshold(condition),
                        downgrade: try downgrade(rule.downgrade ?? content.downgrade, plugin),
                        state: state(condition, plugin, isShared, rule: "\(rule.name)\u{1E}\(rule.expression.text)"))))
        }
        return BreakerPolicy(parameters: values(content.parameters), rules: rules, otherwise: otherwise)
    }

    private func failure(_ condition: BreakerContent.Condition) -> BreakerCircuit.Failure {
        switch condition.failure {
        case .timeout: .timeout
        case .condition(let expression): .condition(expression.expression)
        }
    }

    private func threshold(_ condition: BreakerContent.Condition) -> BreakerThreshold {
        let mode: BreakerThreshold.Mode =
            switch condition.mode {
            case .counter(let failures): .counter(failures: failures)
            case .percentage(let calls, let percent): .percentage(calls: calls, percent: percent)
            }
        return BreakerThreshold(mode: mode, window: Int64(condition.windowSeconds) * 1000, open: Int64(condition.openSeconds) * 1000)
    }

    private func state(_ condition: BreakerContent.Condition, _ plugin: Plugin, _ isShared: Bool, rule: String) -> BreakerState {
        let failure =
            switch condition.failure {
            case .timeout: "timeout"
            case .condition(let expression): expression.text
            }
        return registry.state(stateKey(plugin, isShared: isShared, rule, failure, "\(condition.windowSeconds)", "\(condition.mode)")) {
            BreakerState()
        }
    }

    private func downgrade(
        _ downgrade: BreakerContent.Downgrade?, _ plugin: Plugin
    ) throws(CompileDiagnostic) -> BreakerPolicy.Downgrade? {
        switch downgrade {
        case .http, .mock, .channel, .function:
            // None of them has an answer of gRPC (gateway-runtime.md, 4.5).
            if api.definition.backendType == .grpc { throw refuse(plugin, "downgrade: a GRPC API takes `passthrough` alone") }
        case .passthrough, nil: break
        }
        switch downgrade {
        case nil: return nil
        case .http(let target):
            guard target.timeoutMilliseconds <= settings.maxBackendTimeoutMilliseconds else {
                throw refuse(plugin, "http_info.timeout: is above the instance's backend_timeout")
            }
            return .http(
                HTTPBackend(
                    upstream: try upstream(target.address, usesTLS: target.usesTLS, tls: backendTLS(target.usesTLS), plugin),
                    hostHeader: Array(target.address.utf8),
                    method: target.method.map { RouteMethod($0) }, path: .pieces([.literal(Array(target.path.utf8))]),
                    timeoutMilliseconds: target.timeoutMilliseconds, retry: .times(0)))
        case .mock(let status, let headers, let body):
            var lines = headers.map { HeaderLine(name: Array($0.name.utf8), value: Array($0.value.utf8)) }
            if !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
                lines.append(HeaderLine(name: Array("Content-Type".utf8), value: Array("application/json".utf8)))
            }
            return .mock(MockBackend(status: status, headers: lines, body: Array(body.utf8)))
        case .passthrough(let headers):
            return .passthrough(headers.map { HeaderLine(name: Array($0.name.utf8), value: Array($0.value.utf8)) })
        case .channel(let target):
            guard target.timeoutMilliseconds <= settings.maxBackendTimeoutMilliseconds else {
                throw refuse(plugin, "http_vpc_info.timeout: is above the instance's backend_timeout")
            }
            let channels = ChannelCompiler(contents: api.channels, registry: registry, tls: settings.backendTLS)
            return .http(
                HTTPBackend(
                    upstream: Upstream(usesTLS: target.usesTLS, host: "", port: 0, tls: backendTLS(target.usesTLS)),
                    hostHeader: Array(target.proxyHost.utf8),
                    method: target.method.map { RouteMethod($0) }, path: .pieces([.literal(Array(target.path.utf8))]),
                    timeoutMilliseconds: target.timeoutMilliseconds, retry: .times(0),
                    channel: try channels.compile(target.channelID, resource: "plug-in \(plugin.id)")))
        case .function(let target):
            guard target.timeoutMilliseconds <= settings.maxBackendTimeoutMilliseconds else {
                throw refuse(plugin, "func_info.timeout: is above the instance's backend_timeout")
            }
            return .function(
                FunctionBackend(
                    function: try functions.target(target.function, field: "plugin_content", resource: "plug-in \(plugin.id)"),
                    isAsync: target.isAsync, encodesBody: api.definition.encodesFunctionBody,
                    timeoutMilliseconds: target.timeoutMilliseconds))
        }
    }

    /// Whose certificates count where a downgrade goes.
    private func backendTLS(_ usesTLS: Bool) -> BackendTLS? { usesTLS ? settings.backendTLS.verified : nil }

    private func upstream(
        _ address: String, usesTLS: Bool, tls: BackendTLS? = nil, _ plugin: Plugin
    ) throws(CompileDiagnostic) -> Upstream {
        guard let (host, port) = BackendCompiler.split(address, defaultPort: usesTLS ? 443 : 80) else {
            throw refuse(plugin, "address: must be host or host:port")
        }
        return Upstream(usesTLS: usesTLS, host: host, port: port, tls: tls)
    }

    // MARK: third_auth

    func thirdAuth(_ content: ThirdAuthContent, _ plugin: Plugin) throws(CompileDiagnostic) -> ThirdAuthPolicy {
        let hostHeader: String
        let upstream: Upstream
        var channel: BalancedChannel?
        switch content.target {
        case .address(let address):
            hostHeader = address
            upstream = try self.upstream(address, usesTLS: content.usesTLS, plugin)
        case .channel(let id, let proxyHost):
            hostHeader = proxyHost
            upstream = Upstream(usesTLS: content.usesTLS, host: "", port: 0)
            channel = try ChannelCompiler(contents: api.channels, registry: registry, tls: settings.backendTLS).compile(id, resource: "plug-in \(plugin.id)")
        }
        guard content.timeoutMilliseconds <= settings.maxBackendTimeoutMilliseconds else {
            throw refuse(plugin, "auth_request.timeout: is above the instance's backend_timeout")
        }
        if let carried = content.carriedBody, carried > settings.maxBodyBytes {
            throw refuse(plugin, "carry_body.max_body_size: is above the instance's request_body_size")
        }
        let rules = content.ruleKind.map { kind in
            ThirdAuthPolicy.Rules(
                kind: kind == .allow ? .allow : .deny, parameters: values(content.parameters),
                expressions: content.rules.map(\.expression.expression))
        }
        let failures = content.forbidLimit.map { limit in
            registry.state(stateKey(plugin, isShared: false, "\(limit)")) { FailureWindows(limit: limit) }
        }
        return ThirdAuthPolicy(
            method: Array(content.method.rawValue.utf8), upstream: upstream, hostHeader: Array(hostHeader.utf8), path: Array(content.path.utf8), timeoutMilliseconds: content.timeoutMilliseconds,
            headers: content.headers.map { Array($0.utf8) }, queries: content.queries.map { Array($0.utf8) },
            carriedBody: content.carriedBody, carriesPath: content.carriesPath, returnsAnswerOnFailure: content.returnsAnswerOnFailure,
            carriedAnswerHeaders: content.carriedAnswerHeaders.map { Array($0.utf8) },
            match: content.match.map { HeaderLine(name: Array($0.name.utf8), value: Array($0.value.utf8)) }, isRelaxed: content.isRelaxed,
            rules: rules, failures: failures, channel: channel)
    }
}
