import GatewayModel
import Snapshot

/// Channels of a published API and its plug-ins -> what chooses a member. Runtime state is found in `registry`.
struct ChannelCompiler {
    let contents: [String: ChannelContent]
    let registry: RuntimeRegistry
    var tls = BackendTLSChoice()

    /// A member that may get requests.
    private struct Entry {
        let host: String
        let port: Int
        let weight: Int
        let isBackup: Bool
        let group: MemberGroupName?

        var address: String { "\(host):\(port)" }
    }

    /// - Parameter resource: who names the channel.
    func compile(_ id: String, resource: String) throws(CompileDiagnostic) -> BalancedChannel {
        guard let content = contents[id] else {
            throw CompileDiagnostic(field: "vpc_channel_info", reason: "channel \(id) does not exist", resource: resource)
        }
        let channel = content.channel
        let plan: HealthCheckPlan? =
            if let check = channel.healthCheck, check.isEnabled { try self.plan(check, resource: resource) } else { nil }
        // With the URI's hash weights do not count, not even 0 (gateway-runtime.md, 4.2).
        let weighsAlike = channel.strategy == .uriHash
        let entries = content.members.filter { $0.isEnabled && (weighsAlike || $0.weight > 0) }.map { member in
            Entry(
                host: member.host, port: content.port(of: member), weight: weighsAlike ? 1 : member.weight, isBackup: member.isBackup,
                group: content.group(of: member).map { MemberGroupName(id: $0.id, name: $0.name) })
        }
        guard entries.count <= Int(UInt16.max) else {
            throw CompileDiagnostic(field: "members", reason: "are more than 65535", resource: resource)
        }

        // Found before the channel's form: the registry is not asked from inside itself.
        let state = registry.state(key("channel", id)) { ChannelState() }
        let health = plan.map { _ in registry.state(key("channel health", id)) { ChannelHealth() } }
        var states: [String: (MemberState, MemberHealth?)] = [:]
        for entry in entries where states[entry.address] == nil {
            let requests = registry.state(key("channel member", id, entry.address)) { MemberState() }
            // Another question is another health: it begins as up.
            let up = plan.map { plan in
                registry.state(key("member health", id, entry.address, "\(plan.question) \(plan.port) \(plan.tls?.description ?? "")")) { MemberHealth() }
            }
            states[entry.address] = (requests, up)
        }
        let found = states
        // One object for all routes that use the channel, as long as it says the same.
        let form = ["\(channel.strategy)", plan.map { "\($0)" } ?? ""] + entries.map { "\($0)" }
        return registry.state(key("channel form", id, form.joined(separator: "\u{1E}"))) {
            let ordered = entries.filter { !$0.isBackup } + entries.filter(\.isBackup)
            let members = ordered.enumerated().map { index, entry in
                let (requests, up) = found[entry.address] ?? (MemberState(), nil)
                return BalancedMember(
                    index: index, host: entry.host, port: entry.port, weight: entry.weight, state: requests, health: up,
                    group: entry.group)
            }
            let primaries = entries.count { !$0.isBackup }
            return BalancedChannel(
                id: id, strategy: .init(channel.strategy), primaries: Array(members[..<primaries]), backups: Array(members[primaries...]),
                state: state, check: plan, health: health)
        }
    }

    private func key(_ parts: String...) -> String { parts.joined(separator: "\u{1F}") }

    private func plan(_ check: HealthCheck, resource: String) throws(CompileDiagnostic) -> HealthCheckPlan {
        func refuse(_ reason: String) -> CompileDiagnostic {
            CompileDiagnostic(field: "vpc_health_config", reason: reason, resource: resource)
        }
        if check.enableClientTLS, tls.mutual == nil {
            throw refuse("enable_client_ssl: the instance has no backend_client_certificate")
        }
        var question = HealthCheckPlan.Question.connect
        if check.checksHTTP {
            guard let statuses = HealthCheck.statuses(check.httpCode) else { throw refuse("http_code: is no list of statuses") }
            question = .request(
                usesTLS: check.usesTLS, method: Array(check.method.utf8), path: Array(check.path.utf8), statuses: statuses)
        }
        return HealthCheckPlan(
            question: question, port: check.port, thresholdNormal: check.thresholdNormal, thresholdAbnormal: check.thresholdAbnormal,
            intervalSeconds: check.timeInterval, timeoutSeconds: check.timeout,
            tls: !check.usesTLS ? nil : check.enableClientTLS ? tls.mutual : tls.verified)
    }
}

extension BalancedChannel.Strategy {
    init(_ strategy: BalanceStrategy) {
        self =
            switch strategy {
            case .roundRobin: .roundRobin
            case .leastConnections: .leastConnections
            case .sourceHash: .sourceHash
            case .uriHash: .uriHash
            }
    }
}
