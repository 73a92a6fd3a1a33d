/// How often APIs may be called (management-api.md, 3.13; gateway-runtime.md, 7.1).
public struct ThrottlePolicy: Codable, Sendable, Equatable {
    /// Who shares the counters.
    public enum Kind: Int, Codable, Sendable {
        /// Each bound API counts on its own.
        case exclusive = 1
        /// All bound APIs count together.
        case shared = 2
    }

    public enum TimeUnit: String, Codable, Sendable, CaseIterable {
        case second = "SECOND", minute = "MINUTE", hour = "HOUR", day = "DAY"

        public var seconds: Int {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .day: 86_400
            }
        }
    }

    public let id: String
    public let instanceID: String
    public var name: String
    public var kind: Kind
    /// Calls in a window, 1...2147483647.
    public var apiLimit: Int
    /// Of one user, of one app, from one client address; 0: no limit.
    public var userLimit: Int
    public var appLimit: Int
    public var addressLimit: Int
    public var unit: TimeUnit
    /// Units of a window, 1...2147483647.
    public var interval: Int
    public var remark: String
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, kind: Kind = .exclusive, apiLimit: Int, userLimit: Int = 0,
        appLimit: Int = 0, addressLimit: Int = 0, unit: TimeUnit, interval: Int, remark: String = "", createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.kind = kind
        self.apiLimit = apiLimit
        self.userLimit = userLimit
        self.appLimit = appLimit
        self.addressLimit = addressLimit
        self.unit = unit
        self.interval = interval
        self.remark = remark
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// A limit of one app or one user in place of the policy's limit for apps or users.
public struct ThrottleSpecial: Codable, Sendable, Equatable {
    public enum Object: String, Codable, Sendable, CaseIterable { case app = "APP", user = "USER" }

    public let id: String
    public let policyID: String
    public let object: Object
    /// Id of the integration application, or of the account or project of the user.
    public let objectID: String
    /// Calls in a window of the policy, 1 to its limit for the API.
    public var limit: Int
    public let appliedAt: Timestamp

    public init(id: String, policyID: String, object: Object, objectID: String, limit: Int, appliedAt: Timestamp) {
        self.id = id
        self.policyID = policyID
        self.object = object
        self.objectID = objectID
        self.limit = limit
        self.appliedAt = appliedAt
    }
}

/// A policy in force for an API in an environment; one at most (management-api.md, 3.28).
public struct ThrottleBinding: Codable, Sendable, Equatable {
    public let id: String
    public let policyID: String
    public let publicationID: String
    public let boundAt: Timestamp

    public init(id: String, policyID: String, publicationID: String, boundAt: Timestamp) {
        self.id = id
        self.policyID = policyID
        self.publicationID = publicationID
        self.boundAt = boundAt
    }
}

/// A policy with its specials: what the compiler reads.
public struct BoundThrottle: Sendable, Equatable {
    public let policy: ThrottlePolicy
    public var specials: [ThrottleSpecial]

    public init(policy: ThrottlePolicy, specials: [ThrottleSpecial] = []) {
        self.policy = policy
        self.specials = specials
    }
}
