import GatewayModel
import Snapshot

/// Throttling policies and the instance's default limit, in the form of a rate limit (gateway-runtime.md, 7.1 and 7.2).
struct ThrottleCompiler {
    let api: PublishedAPI
    let registry: RuntimeRegistry

    func compile(_ bound: BoundThrottle) -> RateLimitPolicy {
        let policy = bound.policy
        let text = Array("\(policy.interval) \(policy.unit.rawValue.lowercased())".utf8)
        let window = Int64(policy.interval) * Int64(policy.unit.seconds) * 1000
        func quota(_ limit: Int, specials: [String: Int]) -> RateLimitPolicy.Quota? {
            if limit > 0 { return .init(limit: limit, window: window, windowText: text) }
            // Without a limit for all, only those with one of their own are counted.
            return specials.isEmpty ? nil : .init(limit: RateLimitPolicy.Quota.unlimited, window: window, windowText: text)
        }
        func specials(_ object: ThrottleSpecial.Object) -> [String: Int] {
            Dictionary(
                bound.specials.filter { $0.object == object }.map { ($0.objectID, $0.limit) }, uniquingKeysWith: { first, _ in first })
        }
        let users = specials(.user)
        let apps = specials(.app)
        // A changed limit goes on counting in the window that runs; another window is another counter.
        let owner = policy.kind == .shared ? "" : api.publicationID
        let key = ["throttle", policy.id, "\(policy.kind.rawValue)", owner, "\(window)"].joined(separator: "\u{1F}")
        return RateLimitPolicy(
            api: quota(policy.apiLimit, specials: [:]), user: quota(policy.userLimit, specials: users),
            app: quota(policy.appLimit, specials: apps), address: quota(policy.addressLimit, specials: [:]),
            specialUsers: users, specialApps: apps, parameters: [], rules: [],
            state: registry.state(key) { RateLimitState(ruleCount: 0) })
    }

    /// - Parameter limit: calls of the API in a second, over all environments.
    func standard(_ limit: Int) -> RateLimitPolicy {
        RateLimitPolicy(
            api: .init(limit: limit, window: 1000, windowText: Array("1 second".utf8)), user: nil, app: nil, address: nil,
            specialUsers: [:], specialApps: [:], parameters: [], rules: [],
            state: registry.state("ratelimit\u{1F}\(api.apiID)") { RateLimitState(ruleCount: 0) }, isStandard: true)
    }
}
