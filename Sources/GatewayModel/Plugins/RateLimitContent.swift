/// Content of a rate_limit plug-in (gateway-runtime.md, 7.4).
public struct RateLimitContent: Sendable, Equatable {
    public enum Scope: String, Sendable, CaseIterable { case basic, share }
    public enum Algorithm: String, Sendable, CaseIterable { case counter, haht, local }
    public enum TimeUnit: String, Sendable, CaseIterable {
        case second, minute, hour, day
        public var seconds: Int {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .day: 86_400
            }
        }
    }

    /// So many calls in so long.
    public struct Quota: Sendable, Equatable {
        /// 1...2 147 483 647.
        public let limit: Int
        public let interval: Int
        public let unit: TimeUnit
    }

    public struct Rule: Sendable, Equatable {
        public let name: String
        public let expression: RuleExpression
        public let quota: Quota
    }

    public let scope: Scope
    public let algorithm: Algorithm
    /// nil: no limit over all calls.
    public let api: Quota?
    public let user: Quota?
    public let app: Quota?
    public let address: Quota?
    /// App id -> calls instead of ``app``.
    public let specialApps: [String: Int]
    /// Tenant id -> calls instead of ``user``.
    public let specialUsers: [String: Int]
    public let parameters: [RuleParameter]
    public let rules: [Rule]

    static let largest = 2_147_483_647

    private enum SpecialKind: String, CaseIterable { case app, user }

    init(_ object: ContentObject) throws(PluginContentError) {
        scope = try object.choice("scope", default: .basic)
        algorithm = try object.choice("algorithm", default: .counter)
        let interval = try object.requiredInteger("default_interval", in: 1...Self.largest)
        let unit: TimeUnit = try object.choice("default_time_unit", default: .second)
        func quota(_ limit: Int) -> Quota? { limit > 0 ? Quota(limit: limit, interval: interval, unit: unit) : nil }
        let apiLimit = try object.requiredInteger("api_limit", in: -1...Self.largest)
        guard apiLimit != 0 else { throw object.error("api_limit", "must be positive, or -1 for none") }
        let ceiling = apiLimit == -1 ? Self.largest : apiLimit
        api = quota(apiLimit)
        user = quota(try object.integer("user_limit", in: 0...ceiling, default: 0))
        app = quota(try object.integer("app_limit", in: 0...ceiling, default: 0))
        address = quota(try object.integer("ip_limit", in: 0...ceiling, default: 0))

        var apps: [String: Int] = [:]
        var users: [String: Int] = [:]
        for group in try object.objects("specials", maxCount: 2) {
            let kind: SpecialKind = try group.choice("type", default: nil)
            guard (kind == .app ? apps : users).isEmpty else { throw group.error("type", "must be unique") }
            for entry in try group.objects("policies", maxCount: 30) {
                let key = try entry.requiredString("key", maxLength: 64)
                let limit = try entry.requiredInteger("limit", in: 1...ceiling)
                guard (kind == .app ? apps : users)[key] == nil else { throw entry.error("key", "must be unique") }
                if kind == .app { apps[key] = limit } else { users[key] = limit }
            }
        }
        specialApps = apps
        specialUsers = users

        let parameters = try RuleParameter.read(object, "parameters")
        var rules: [Rule] = []
        for entry in try object.objects("rules", maxCount: 100) {
            let name = try entry.requiredString("rule_name", maxLength: 255)
            guard !rules.contains(where: { $0.name == name }) else { throw entry.error("rule_name", "must be unique") }
            rules.append(
                Rule(
                    name: name, expression: try RuleParameter.expression(entry, "match_regex", over: parameters),
                    quota: Quota(
                        limit: try entry.requiredInteger("limit", in: 1...Self.largest),
                        interval: try entry.integer("interval", in: 1...Self.largest, default: interval),
                        unit: try entry.choice("time_unit", default: unit))))
        }
        self.parameters = parameters
        self.rules = rules
    }
}
