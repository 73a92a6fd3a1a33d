import GatewayPrimitives

/// How often an API may be called: a rate_limit plug-in, else a throttling policy, else the instance's default limit
/// (gateway-runtime.md, section 7). At most one of them is in force.
public final class RateLimitPolicy: Sendable {
    /// So many calls in a window.
    public struct Quota: Sendable, Equatable {
        /// ``unlimited``: only the specials have limits.
        public let limit: Int
        public static let unlimited = Int.max
        /// Milliseconds.
        public let window: Int64
        /// `10 second`, as debug headers show it.
        public let windowText: [UInt8]

        public init(limit: Int, window: Int64, windowText: [UInt8]) {
            self.limit = limit
            self.window = window
            self.windowText = windowText
        }
    }

    public struct Rule: Sendable {
        public let expression: MatchExpression
        public let quota: Quota

        public init(expression: MatchExpression, quota: Quota) {
            self.expression = expression
            self.quota = quota
        }
    }

    public let api, user, app, address: Quota?
    /// Calls instead of the user's or the app's limit, by id.
    public let specialUsers, specialApps: [String: Int]
    /// Slots of the rules' expressions.
    public let parameters: [RequestValue]
    /// At most 100.
    public let rules: [Rule]
    public let state: RateLimitState
    /// The instance's default limit, over all environments of the API.
    public let isStandard: Bool

    public init(
        api: Quota?, user: Quota?, app: Quota?, address: Quota?, specialUsers: [String: Int], specialApps: [String: Int],
        parameters: [RequestValue], rules: [Rule], state: RateLimitState, isStandard: Bool = false
    ) {
        precondition(rules.count <= RateLimitState.maxRules && rules.count == state.ruleCount)
        self.api = api
        self.user = user
        self.app = app
        self.address = address
        self.specialUsers = specialUsers
        self.specialApps = specialApps
        self.parameters = parameters
        self.rules = rules
        self.state = state
        self.isStandard = isStandard
    }
}
