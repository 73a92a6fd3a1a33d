/// What a user may do (management-api.md, 2.4).
public enum Role: String, Codable, Sendable, CaseIterable {
    /// Everything.
    case administrator
    /// Everything but users and their keys.
    case `operator`
    /// Reading: GET and HEAD.
    case reader
    /// Logging in, and nothing else.
    case none
}

/// The account that owns projects and users.
public struct Domain: Encodable, Sendable, Equatable {
    public let id: String
    public let name: String

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// What instances belong to; its name is the region's, as clients look it up by it.
public struct Project: Encodable, Sendable, Equatable {
    public let id: String
    public let domainID: String
    public let name: String

    public init(id: String, domainID: String, name: String) {
        self.id = id
        self.domainID = domainID
        self.name = name
    }
}

/// Somebody who may log in. The password is not part of it: the store knows its hash alone.
public struct User: Encodable, Sendable, Equatable {
    public let id: String
    public let domainID: String
    public let name: String
    public var role: Role
    public let createdAt: Timestamp

    public init(id: String, domainID: String, name: String, role: Role, createdAt: Timestamp) {
        self.id = id
        self.domainID = domainID
        self.name = name
        self.role = role
        self.createdAt = createdAt
    }
}

/// Whom a request speaks for, once its token or signature has been verified.
public struct Caller: Sendable, Equatable {
    public let user: User
    public let domain: Domain
    /// The project that a token is for; nil with tokens without one. Signatures name theirs in the path.
    public let project: Project?

    public var userID: String { user.id }
    public var userName: String { user.name }
    public var role: Role { user.role }

    public init(user: User, domain: Domain, project: Project?) {
        self.user = user
        self.domain = domain
        self.project = project
    }
}
