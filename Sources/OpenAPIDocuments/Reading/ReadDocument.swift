import GatewayModel
import GatewayPrimitives

/// How a file is read; choices of the one who imports it (management-api.md, 3.22).
public struct ReadingOptions: Sendable, Equatable {
    /// An operation without a backend is taken; it cannot be published before it has one.
    public var simpleMode: Bool
    /// Every API gets a MOCK backend; what the document says about backends is left out.
    public var mockMode: Bool

    public init(simpleMode: Bool = false, mockMode: Bool = false) {
        self.simpleMode = simpleMode
        self.mockMode = mockMode
    }
}

/// A document read: API definitions, and the policies that it describes.
public struct ReadDocument: Sendable, Equatable {
    public let title: String
    public let description: String
    /// In the order of the file.
    public let operations: [ReadOperation]
    /// Operations that no gateway of this kind carries, such as TRACE.
    public let ignored: [IgnoredOperation]
    /// By name.
    public let accessControls: [String: AccessControlDescription]
    public let rateLimits: [String: RateLimitDescription]
    public let responses: [String: ResponseDescription]
}

public struct IgnoredOperation: Sendable, Equatable {
    public let method: String
    public let path: String
}

/// One operation of a document; a fault of one does not stop the others.
public struct ReadOperation: Sendable, Equatable {
    /// As reports name it; ANY for `x-apigateway-any-method`.
    public let method: String
    /// With the base path.
    public let path: String
    public let outcome: Result<DocumentAPI, InvalidField>
}

/// An API as a document describes it. Other objects are named, not identified: `authorizerID`, `responseID` and the
/// `channelID` of backends hold names, `groupID` is empty, parts have no ids.
public struct DocumentAPI: Sendable, Equatable {
    public var definition: APIDefinition
    /// Names of what the API is bound to once it is published.
    public var policies: PolicyNames
    /// Names of orchestration rules by parameter: `LOCATION name`.
    public var orchestrations: [String: [String]]

    public init(definition: APIDefinition, policies: PolicyNames = PolicyNames(), orchestrations: [String: [String]] = [:]) {
        self.definition = definition
        self.policies = policies
        self.orchestrations = orchestrations
    }
}

public struct PolicyNames: Sendable, Equatable {
    public var accessControls: [String]
    public var rateLimits: [String]
    public var plugins: [String]

    public init(accessControls: [String] = [], rateLimits: [String] = [], plugins: [String] = []) {
        self.accessControls = accessControls
        self.rateLimits = rateLimits
        self.plugins = plugins
    }

    public var isEmpty: Bool { accessControls.isEmpty && rateLimits.isEmpty && plugins.isEmpty }
}

/// `x-apigateway-access-controls`.
public struct AccessControlDescription: Sendable, Equatable {
    /// PERMIT or DENY.
    public let action: String
    /// IP, DOMAIN or DOMAIN_ID.
    public let entity: String
    public let value: String

    public init(action: String, entity: String, value: String) {
        self.action = action
        self.entity = entity
        self.value = value
    }
}

/// `x-apigateway-responses`: how a group answers when the gateway itself refuses or fails, by type of failure.
public struct ResponseDescription: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public struct Header: Sendable, Equatable {
            public let key: String
            public let value: String

            public init(key: String, value: String) {
                self.key = key
                self.value = value
            }
        }

        /// nil: as it is anyway.
        public let status: Int?
        public let body: String?
        public let headers: [Header]

        public init(status: Int?, body: String?, headers: [Header]) {
            self.status = status
            self.body = body
            self.headers = headers
        }
    }

    public let entries: [String: Entry]

    public init(entries: [String: Entry]) { self.entries = entries }
}

/// `x-apigateway-ratelimits`.
public struct RateLimitDescription: Sendable, Equatable {
    public struct Special: Sendable, Equatable {
        /// APP or USER.
        public let type: String
        public let limit: Int
        /// Id of the application or user.
        public let instance: String

        public init(type: String, limit: Int, instance: String) {
            self.type = type
            self.limit = limit
            self.instance = instance
        }
    }

    public let apiLimit: Int
    public let userLimit: Int?
    public let appLimit: Int?
    public let ipLimit: Int?
    public let interval: Int
    /// SECOND, MINUTE, HOUR or DAY.
    public let unit: String
    /// One counter for all APIs.
    public let shared: Bool
    public let specials: [Special]
    public let remark: String

    public init(
        apiLimit: Int, userLimit: Int?, appLimit: Int?, ipLimit: Int?, interval: Int, unit: String, shared: Bool,
        specials: [Special], remark: String = ""
    ) {
        self.apiLimit = apiLimit
        self.userLimit = userLimit
        self.appLimit = appLimit
        self.ipLimit = ipLimit
        self.interval = interval
        self.unit = unit
        self.shared = shared
        self.specials = specials
        self.remark = remark
    }
}
