import GatewayPrimitives

/// Who calls: an integration application of ROMA Connect, or an app (credential) of APIG (management-api.md, 3.3).
///
/// One resource for both: what is made under one path is seen under the other.
public struct Application: Encodable, Sendable, Equatable {
    /// Under which path it was made; answers call it `app_type`.
    public enum Origin: String, Codable, Sendable, CaseIterable { case roma, apig }

    public let id: String
    public let instanceID: String
    /// Unique in the instance.
    public var name: String
    public var remark: String
    /// Names the caller in signatures; unique in the instance.
    public var key: String
    public var secret: Secret
    public let origin: Origin
    /// Who made it: has every role, always.
    public let owner: UserReference
    public var updatedBy: UserReference
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, remark: String, key: String, secret: Secret, origin: Origin,
        owner: UserReference, updatedBy: UserReference, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.remark = remark
        self.key = key
        self.secret = secret
        self.origin = origin
        self.owner = owner
        self.updatedBy = updatedBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// A user as records keep one: the name stays when the user is gone.
public struct UserReference: Codable, Sendable, Equatable, Hashable {
    public let id: String
    public let name: String

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// What a member of an application may do with it (management-api.md, 2.4).
public enum ApplicationRole: String, Codable, Sendable, CaseIterable, Comparable {
    /// See it. Every other role includes this one.
    case read
    case access
    /// Change it.
    case modify
    case delete
    /// Everything, also its secret and its members.
    case admin

    public static func < (a: ApplicationRole, b: ApplicationRole) -> Bool {
        allCases.firstIndex(of: a) ?? 0 < allCases.firstIndex(of: b) ?? 0
    }

    /// The roles with those that they include, each once, in the order of the words.
    public static func closed(_ roles: [ApplicationRole]) -> [ApplicationRole] {
        let given = Set(roles).union([.read])
        return given.contains(.admin) ? allCases : allCases.filter(given.contains)
    }
}

/// One user's roles in an application; the owner is none of these.
public struct ApplicationMember: Encodable, Sendable, Equatable {
    public let applicationID: String
    public let user: UserReference
    /// Closed under what roles include.
    public let roles: [ApplicationRole]

    public init(applicationID: String, user: UserReference, roles: [ApplicationRole]) {
        self.applicationID = applicationID
        self.user = user
        self.roles = ApplicationRole.closed(roles)
    }
}
