import GatewayPrimitives

/// A rate_limit plug-in bound to an API (gateway-runtime.md, 7.4).
public final class RateLimitPolicy: Sendable {
    /// So many calls in a window.
    public struct Quota: Sendable, Equatable {
        public let limit: Int
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

    public init(
        api: Quota?, user: Quota?, app: Quota?, address: Quota?, specialUsers: [String: Int], specialApps: [String: Int],
        parameters: [RequestValue], rules: [Rule], state: RateLimitState
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
    }
}
