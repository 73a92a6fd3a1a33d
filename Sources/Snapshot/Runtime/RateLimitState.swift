import GatewayPrimitives
import Synchronization

/// Who calls, as far as limits ask.
public struct RateLimitCall: Sendable {
    /// Tenant; nil without authentication.
    public var user: String?
    /// Another id of the same tenant, under which a special may name it (gateway-runtime.md, O22).
    public var alias: String?
    public var app: String?
    public var address: IPAddress
    /// Bit n: rule n counts this call.
    public var rules: UInt128

    public init(user: String?, alias: String? = nil, app: String?, address: IPAddress, rules: UInt128) {
        self.user = user
        self.alias = alias
        self.app = app
        self.address = address
        self.rules = rules
    }
}

/// Answer of a rate limit, and what is left of each limit that exists for the call.
public struct RateLimitDecision: Sendable, Equatable {
    public struct Remaining: Sendable, Equatable {
        public let remaining: Int
        public let limit: Int
    }
    public var isAllowed = true
    public var api, user, app, address: Remaining?
}

/// Counters of a rate_limit plug-in or a throttling policy: one set for each API, or one for all of them when they are shared.
///
/// All limits of a call are looked at and counted under one short lock, so that they are exact from any number of threads: never
/// one call too many, and a refused call consumes nothing anywhere. Any thread.
public final class RateLimitState: Sendable {
    /// Most rules of a plug-in.
    public static let maxRules = 100
    /// Users, apps or addresses that are told apart in one window.
    public static let maxKeys = 50_000

    private struct Counters {
        var api = FixedWindow()
        var users: KeyedWindows<String>
        var apps: KeyedWindows<String>
        var addresses: KeyedWindows<IPAddress>
        var rules: [FixedWindow]
    }

    private let counters: Mutex<Counters>
    let ruleCount: Int

    public init(ruleCount: Int, maxKeys: Int = RateLimitState.maxKeys) {
        self.ruleCount = ruleCount
        counters = Mutex(
            Counters(
                users: KeyedWindows(capacity: maxKeys), apps: KeyedWindows(capacity: maxKeys),
                addresses: KeyedWindows(capacity: maxKeys), rules: Array(repeating: FixedWindow(), count: ruleCount)))
    }

    /// Counts a call if every limit allows it.
    /// - Parameters:
    ///   - now: milliseconds of a monotonic clock.
    ///   - counts: false: only looks.
    public func admit(
        _ call: RateLimitCall, policy: RateLimitPolicy, at now: Int64, counts: Bool = true
    ) -> RateLimitDecision {
        let userLimit = policy.user.flatMap { Self.limit($0, policy.specialUsers, call.user, call.alias) }
        let appLimit = policy.app.flatMap { Self.limit($0, policy.specialApps, call.app, nil) }
        return counters.withLock { counters in
            var decision = RateLimitDecision()
            if let quota = policy.api {
                Self.look(&decision, \.api, limit: quota.limit, used: counters.api.used(at: now, length: quota.window))
            }
            if let quota = policy.user, let limit = userLimit, let user = call.user {
                Self.look(&decision, \.user, limit: limit, used: counters.users.used(user, at: now, length: quota.window))
            }
            if let quota = policy.app, let limit = appLimit, let app = call.app {
                Self.look(&decision, \.app, limit: limit, used: counters.apps.used(app, at: now, length: quota.window))
            }
            if let quota = policy.address {
                Self.look(
                    &decision, \.address, limit: quota.limit, used: counters.addresses.used(call.address, at: now, length: quota.window))
            }
            var matching = call.rules
            while matching != 0 {
                let index = matching.trailingZeroBitCount
                matching &= matching - 1
                let quota = policy.rules[index].quota
                if counters.rules[index].used(at: now, length: quota.window) >= quota.limit { decision.isAllowed = false }
            }
            if decision.isAllowed, counts { Self.count(call, policy, now, userLimit, appLimit, &counters, &decision) }
            return decision
        }
    }

    /// The limit of one caller: its own, else that of all; nil when there is none.
    private static func limit(_ quota: RateLimitPolicy.Quota, _ specials: [String: Int], _ key: String?, _ alias: String?) -> Int? {
        guard let key else { return nil }
        if let own = specials[key] ?? alias.flatMap({ specials[$0] }) { return own }
        return quota.limit == RateLimitPolicy.Quota.unlimited ? nil : quota.limit
    }

    private static func look(
        _ decision: inout RateLimitDecision, _ path: WritableKeyPath<RateLimitDecision, RateLimitDecision.Remaining?>, limit: Int, used: Int
    ) {
        if used >= limit { decision.isAllowed = false }
        decision[keyPath: path] = .init(remaining: max(0, limit - used), limit: limit)
    }

    private static func count(
        _ call: RateLimitCall, _ policy: RateLimitPolicy, _ now: Int64, _ userLimit: Int?, _ appLimit: Int?,
        _ counters: inout Counters, _ decision: inout RateLimitDecision
    ) {
        if let quota = policy.api {
            counters.api.add(at: now, length: quota.window)
            decision.api = decision.api?.less
        }
        if let quota = policy.user, userLimit != nil, let user = call.user {
            counters.users.add(user, at: now, length: quota.window)
            decision.user = decision.user?.less
        }
        if let quota = policy.app, appLimit != nil, let app = call.app {
            counters.apps.add(app, at: now, length: quota.window)
            decision.app = decision.app?.less
        }
        if let quota = policy.address {
            counters.addresses.add(call.address, at: now, length: quota.window)
            decision.address = decision.address?.less
        }
        var matching = call.rules
        while matching != 0 {
            let index = matching.trailingZeroBitCount
            matching &= matching - 1
            counters.rules[index].add(at: now, length: policy.rules[index].quota.window)
        }
    }
}

extension RateLimitDecision.Remaining {
    fileprivate var less: Self { .init(remaining: remaining - 1, limit: limit) }
}
