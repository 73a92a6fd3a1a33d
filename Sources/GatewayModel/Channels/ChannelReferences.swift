/// Which channels a definition or a plug-in names.
extension APIDefinition {
    /// Each once, in order.
    public var channelIDs: [String] {
        var seen: Set<String> = []
        return ([http].compactMap(\.self) + httpPolicies.map(\.backend)).compactMap(\.channelID).filter { seen.insert($0).inserted }
    }
}

extension PluginContent {
    /// Each once, in order.
    public var channelIDs: [String] {
        var seen: Set<String> = []
        return namedChannels.filter { seen.insert($0).inserted }
    }

    private var namedChannels: [String] {
        switch self {
        case .breaker(let content):
            return ([content.downgrade] + content.rules.map(\.downgrade)).compactMap { downgrade in
                if case .channel(let target)? = downgrade { target.channelID } else { nil }
            }
        case .thirdAuth(let content):
            if case .channel(let id, _) = content.target { return [id] }
            return []
        case .cors, .setResponseHeaders, .rateLimit, .kafkaLog: return []
        }
    }
}
