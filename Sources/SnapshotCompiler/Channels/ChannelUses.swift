import Snapshot

/// Counts which routes send requests to which checked channels, so that members are checked as long as somebody needs them.
struct ChannelUses {
    private var uses: [ObjectIdentifier: (channel: BalancedChannel, count: Int)] = [:]
    private var isChanged = false
    /// As of the last ``settle()``: the same object while the channels are the same.
    private(set) var checked = CheckedChannels.none

    mutating func add(_ channel: BalancedChannel) {
        let key = ObjectIdentifier(channel)
        if uses[key] == nil { isChanged = true }
        uses[key, default: (channel, 0)].count += 1
    }

    mutating func remove(_ channel: BalancedChannel) {
        let key = ObjectIdentifier(channel)
        guard let use = uses[key] else { return }
        if use.count > 1 {
            uses[key]?.count -= 1
        } else {
            uses[key] = nil
            isChanged = true
        }
    }

    /// All changes of a write are in.
    mutating func settle() {
        guard isChanged else { return }
        isChanged = false
        let known = Set(checked.channels.map(ObjectIdentifier.init))
        // A route that was taken away and came back has changed nothing.
        if known != Set(uses.keys) { checked = CheckedChannels(uses.values.map(\.channel)) }
    }
}
