import Synchronization

/// How the members of a channel are checked (gateway-runtime.md, 4.2).
public struct HealthCheckPlan: Sendable, Equatable {
    public enum Question: Sendable, Equatable {
        /// A connection can be opened.
        case connect
        /// A request is answered with one of these statuses.
        case request(usesTLS: Bool, method: [UInt8], path: [UInt8], statuses: [ClosedRange<Int>])
    }

    public let question: Question
    /// 0: the member's.
    public let port: Int
    /// Checks in a row that make a member count as up, or down.
    public let thresholdNormal, thresholdAbnormal: Int
    public let intervalSeconds, timeoutSeconds: Int
    /// For a question over TLS; nil: as the gateway is set up.
    public let tls: BackendTLS?

    public init(
        question: Question, port: Int, thresholdNormal: Int, thresholdAbnormal: Int, intervalSeconds: Int, timeoutSeconds: Int,
        tls: BackendTLS? = nil
    ) {
        self.tls = tls
        self.question = question
        self.port = port
        self.thresholdNormal = thresholdNormal
        self.thresholdAbnormal = thresholdAbnormal
        self.intervalSeconds = intervalSeconds
        self.timeoutSeconds = timeoutSeconds
    }
}

/// Whether a member counts as up. Written by whoever checks it, read by requests; any thread.
public final class MemberHealth: Sendable {
    private let up = Atomic<Bool>(true)

    /// Up until checks say otherwise.
    public init() {}

    public var isUp: Bool { up.load(ordering: .relaxed) }

    /// - Parameter channel: told after the change, so that whoever sees its new version sees the change.
    public func set(isUp: Bool, in channel: ChannelHealth) {
        up.store(isUp, ordering: .relaxed)
        channel.changed()
    }
}

/// Counts changes of its members' health. Any thread.
public final class ChannelHealth: Sendable {
    private let changes = Atomic<UInt64>(0)

    public init() {}

    public var version: UInt64 { changes.load(ordering: .acquiring) }

    func changed() { changes.wrappingAdd(1, ordering: .releasing) }
}

/// Results of checks in a row: pure.
public struct HealthStreak: Sendable, Equatable {
    public private(set) var isUp: Bool
    /// How many results in a row speak against `isUp`.
    private var contrary = 0

    public init(isUp: Bool = true) { self.isUp = isUp }

    /// - Returns: true when the member counts as something else now.
    public mutating func record(succeeded: Bool, plan: HealthCheckPlan) -> Bool {
        guard succeeded != isUp else {
            contrary = 0
            return false
        }
        contrary += 1
        guard contrary >= (succeeded ? plan.thresholdNormal : plan.thresholdAbnormal) else { return false }
        contrary = 0
        isUp = succeeded
        return true
    }
}

/// Channels of a snapshot whose members are checked; the same object as long as they are the same.
public final class CheckedChannels: Sendable {
    public let channels: [BalancedChannel]

    public init(_ channels: [BalancedChannel]) { self.channels = channels }

    public static let none = CheckedChannels([])
}
