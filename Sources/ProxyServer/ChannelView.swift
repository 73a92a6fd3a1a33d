import Snapshot

/// One event loop's way to the members of a backend's channel: who may be asked as of now, and their connections.
///
/// Confined to the loop. Holds its backend, so that an identity cannot come to mean another one.
final class ChannelView {
    let backend: HTTPBackend
    let channel: BalancedChannel
    private let loop: LoopState
    private var version: UInt64
    private var selection: MemberSelection
    /// By the members' places in the channel.
    private var pools: [UpstreamPool?]

    init(_ backend: HTTPBackend, _ channel: BalancedChannel, loop: LoopState) {
        self.backend = backend
        self.channel = channel
        self.loop = loop
        version = 0
        selection = channel.everybody
        pools = Array(repeating: nil, count: channel.members.count)
    }

    /// As ``MemberSelection/choose(hash:tried:)``, with the health of the members as of now.
    @inline(__always)
    func choose(hash: @autoclosure () -> UInt64, tried: [BalancedMember]) -> BalancedMember? {
        if let health = channel.health, health.version != version { (version, selection) = loop.selection(of: channel, health) }
        return selection.choose(hash: hash(), tried: tried)
    }

    func pool(of member: BalancedMember) -> UpstreamPool {
        if let known = pools[member.index] { return known }
        let pool = loop.pool(to: member.upstream(of: backend.upstream))
        pools[member.index] = pool
        return pool
    }
}
