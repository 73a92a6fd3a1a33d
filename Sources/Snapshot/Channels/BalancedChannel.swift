import Synchronization

/// A load-balance channel, compiled: who may get a request, and by which rule (gateway-runtime.md, 4.2).
///
/// Immutable. Counters and the health of members lie beside it, under stable keys, and survive the next snapshot.
public final class BalancedChannel: Sendable {
    public enum Strategy: UInt8, Sendable { case roundRobin, leastConnections, sourceHash, uriHash }

    public let id: String
    public let strategy: Strategy
    /// Enabled members of a weight above 0; primaries first.
    public let members: [BalancedMember]
    /// How many of ``members`` are no backups.
    public let primaryCount: Int
    /// nil: members are not checked, and all count as up.
    public let check: HealthCheckPlan?
    /// Changes with each change of a member's health; nil without checks.
    public let health: ChannelHealth?
    /// What is chosen from while every member is up.
    public let everybody: MemberSelection
    let state: ChannelState

    /// - Parameters:
    ///   - primaries, backups: together at most 65,535.
    ///   - state: of this channel, shared with its earlier forms.
    ///   - check: with it, each member has a ``BalancedMember/health``, and `health` is given.
    public init(
        id: String, strategy: Strategy, primaries: [BalancedMember], backups: [BalancedMember], state: ChannelState,
        check: HealthCheckPlan? = nil, health: ChannelHealth? = nil
    ) {
        self.id = id
        self.strategy = strategy
        self.state = state
        self.check = check
        self.health = health
        members = primaries + backups
        primaryCount = primaries.count
        everybody = MemberSelection(
            strategy: strategy, members: members, chosen: primaries.isEmpty ? backups : primaries,
            reserve: primaries.isEmpty ? [] : backups, state: state)
    }

    /// What is chosen from now: members that are down are left out; backups are the choice while no other member is up.
    ///
    /// Allocates: made when the health of a member has changed, and kept until the next change.
    public func selection() -> MemberSelection {
        guard health != nil else { return everybody }
        let up = members.filter(\.isUp)
        if up.count == members.count { return everybody }
        let primaries = members[..<primaryCount].filter(\.isUp)
        let backups = members[primaryCount...].filter(\.isUp)
        return MemberSelection(
            strategy: strategy, members: members, chosen: primaries.isEmpty ? backups : primaries,
            reserve: primaries.isEmpty ? [] : backups, state: state)
    }
}

/// One server of a channel.
public final class BalancedMember: Sendable {
    /// Place in ``BalancedChannel/members``.
    public let index: Int
    /// Name or address, lower case, without port.
    public let host: String
    public let port: Int
    /// 1...10,000.
    public let weight: Int
    public let state: MemberState
    /// nil: not checked.
    public let health: MemberHealth?
    /// nil: in no group.
    public let group: MemberGroupName?
    let seed: UInt64

    public init(index: Int, host: String, port: Int, weight: Int, state: MemberState, health: MemberHealth? = nil, group: MemberGroupName? = nil) {
        self.group = group
        self.index = index
        self.host = host
        self.port = port
        self.weight = weight
        self.state = state
        self.health = health
        seed = Array("\(host):\(port)".utf8).withUnsafeBytes { StableHash.hash($0) }
    }

    public var isUp: Bool { health?.isUp ?? true }

    /// - Parameter backend: how members are spoken to; its address means nothing.
    public func upstream(of backend: Upstream) -> Upstream {
        Upstream(
            usesTLS: backend.usesTLS, host: host, port: port, tls: backend.tls, speaksHTTP2: backend.speaksHTTP2)
    }
}

/// Counters of a channel, found under its id. Any thread.
public final class ChannelState: Sendable {
    private let turn = Atomic<UInt64>(0)
    private let repetition = Atomic<UInt64>(0)

    public init() {}

    func nextTurn() -> UInt64 { turn.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// Repetitions have a count of their own: they must not shift whose turn it is.
    func nextRepetition() -> UInt64 { repetition.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// Requests that a member is serving. Any thread.
public final class MemberState: Sendable {
    private let requests = Atomic<Int>(0)

    public init() {}

    public var active: Int { requests.load(ordering: .relaxed) }
    public func begin() { requests.wrappingAdd(1, ordering: .relaxed) }
    public func end() { requests.wrappingSubtract(1, ordering: .relaxed) }
}

/// The group of a channel's members, as `$context.member_group_id` and `member_group_name` give it.
public struct MemberGroupName: Sendable, Equatable {
    public let id, name: String

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}
