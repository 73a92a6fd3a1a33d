import GatewayPrimitives

/// A secret that an application had before its present one and that works until it ends.
public struct RetiredSecret: Encodable, Sendable, Equatable {
    public let id: String
    public let applicationID: String
    public let secret: Secret
    public let createdAt: Timestamp
    /// From then on it proves nothing.
    public let endsAt: Timestamp

    public init(id: String, applicationID: String, secret: Secret, createdAt: Timestamp, endsAt: Timestamp) {
        self.id = id
        self.applicationID = applicationID
        self.secret = secret
        self.createdAt = createdAt
        self.endsAt = endsAt
    }
}

/// Which secret an application's present one is. An application without one still has the secret of its beginning, whose id
/// is its own.
public struct PresentSecret: Sendable, Equatable {
    public let applicationID: String
    public let id: String
    public let createdAt: Timestamp

    public init(applicationID: String, id: String, createdAt: Timestamp) {
        self.applicationID = applicationID
        self.id = id
        self.createdAt = createdAt
    }

    public init(ofTheBeginning application: Application) {
        self.init(applicationID: application.id, id: application.id, createdAt: application.createdAt)
    }
}

/// How often a secret has proved a call, and when it last did.
public struct SecretUsage: Sendable, Equatable {
    public let secretID: String
    public let applicationID: String
    public let calls: Int64
    public let lastAt: Timestamp
    /// Where the last call came from.
    public let lastAddress: String

    public init(secretID: String, applicationID: String, calls: Int64, lastAt: Timestamp, lastAddress: String) {
        self.secretID = secretID
        self.applicationID = applicationID
        self.calls = calls
        self.lastAt = lastAt
        self.lastAddress = lastAddress
    }
}

/// For how long a replaced secret goes on working, and how many may do so.
public enum SecretRotationRules {
    /// Seconds.
    public static let overlaps = 0...31_536_000
    /// Replaced secrets of one application that have not ended.
    public static let retiredLimit = 3
}
