import GatewayPrimitives

/// A word that authenticates an application by itself (management-api.md, 3.17).
public struct AppCode: Encodable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public let applicationID: String
    /// 64 to 180 characters, unique in the instance.
    public let code: Secret
    public let createdAt: Timestamp

    public init(id: String, instanceID: String, applicationID: String, code: Secret, createdAt: Timestamp) {
        self.id = id
        self.instanceID = instanceID
        self.applicationID = applicationID
        self.code = code
        self.createdAt = createdAt
    }
}

/// From which addresses an application may call; one for each application.
public struct AppAccessList: Encodable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case permit = "PERMIT"
        case deny = "DENY"
    }

    public let applicationID: String
    public let kind: Kind
    /// Addresses, ranges `a-b` and CIDR blocks, as given.
    public let addresses: [String]

    public init(applicationID: String, kind: Kind, addresses: [String]) {
        self.applicationID = applicationID
        self.kind = kind
        self.addresses = addresses
    }
}

/// That an application may call an API in an environment (management-api.md, 3.16). Needs no publication.
public struct AppAuthorization: Encodable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public let apiID: String
    public let environmentID: String
    public let applicationID: String
    /// Names of response fields that this application sees, parted by commas; empty: all.
    public let visitParameters: String
    public let authorizedAt: Timestamp

    public init(
        id: String, instanceID: String, apiID: String, environmentID: String, applicationID: String, visitParameters: String,
        authorizedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.apiID = apiID
        self.environmentID = environmentID
        self.applicationID = applicationID
        self.visitParameters = visitParameters
        self.authorizedAt = authorizedAt
    }
}

/// A named value that belongs to an application (management-api.md, 3.17).
public struct AppConfig: Encodable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable { case variable, password, certificate }

    public let id: String
    public let instanceID: String
    public let applicationID: String
    public let kind: Kind
    /// Unique in the application.
    public let name: String
    /// Sealed in the store for all kinds; shown for variables only.
    public var value: Secret
    public var description: String
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, applicationID: String, kind: Kind, name: String, value: Secret, description: String,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.applicationID = applicationID
        self.kind = kind
        self.name = name
        self.value = value
        self.description = description
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
