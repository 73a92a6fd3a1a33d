import GatewayPrimitives
import Snapshot

/// Throttling by plug-in, policy or the default limit (gateway-runtime.md, section 7).
public enum RateLimitStage {
    /// Counts the call, or refuses it with ``GatewayFailure/throttled`` when the decision is not allowed.
    /// - Parameters:
    ///   - user: tenant of an authenticated caller.
    ///   - alias: another id of the same tenant.
    ///   - app: id of the calling app.
    public static func admit(
        _ policy: RateLimitPolicy, _ values: RequestValues, user: String? = nil, alias: String? = nil, app: String? = nil
    ) -> RateLimitDecision {
        var matching: UInt128 = 0
        for index in policy.rules.indices
        // An expression whose answer is not known in bounded work counts the call: a limit errs on the safe side.
        where values.evaluate(policy.rules[index].expression, over: policy.parameters) != .noMatch { matching |= 1 << UInt128(index) }
        let call = RateLimitCall(user: user, alias: alias, app: app, address: values.facts.clientAddress, rules: matching)
        return policy.state.admit(call, policy: policy, at: values.now, counts: values.rehearsal == nil)
    }

    /// What is left of the limits, for an explanation.
    static func description(_ decision: RateLimitDecision) -> String {
        let limits: [(String, RateLimitDecision.Remaining?)] = [
            ("api", decision.api), ("user", decision.user), ("app", decision.app), ("ip", decision.address),
        ]
        return limits.compactMap { name, left in left.map { "\(name): \($0.remaining) of \($0.limit) left" } }.joined(separator: ", ")
    }

    /// Adds what `X-Apig-Mode: debug` shows of each limit that exists for the call (7.6).
    public static func addDebugLines(_ decision: RateLimitDecision, _ policy: RateLimitPolicy, to response: ResponseHead) {
        add(policy.isStandard ? "X-Apig-RateLimit-api-allenv" : "X-Apig-RateLimit-api", decision.api, policy.api, response)
        add("X-Apig-RateLimit-user", decision.user, policy.user, response)
        add("X-Apig-RateLimit-app", decision.app, policy.app, response)
        add("X-Apig-RateLimit-ip", decision.address, policy.address, response)
    }

    private static func add(
        _ name: String, _ remaining: RateLimitDecision.Remaining?, _ quota: RateLimitPolicy.Quota?, _ response: ResponseHead
    ) {
        guard let remaining, let quota else { return }
        let text = "remain:\(remaining.remaining),limit:\(remaining.limit),time:"
        response.add(HeaderLine(name: Array(name.utf8), value: Array(text.utf8) + quota.windowText))
    }
}
