import GatewayModel

public struct DomainRecord: Record {
    public static let table = "domains"
    public static let columns = ["id", "name"]

    public let domain: Domain

    public init(_ domain: Domain) { self.domain = domain }

    public init(row: SQLRow) throws {
        domain = Domain(id: try row.text("id"), name: try row.text("name"))
    }

    public var values: [SQLValue] { [.text(domain.id), .text(domain.name)] }
}

public struct ProjectRecord: Record {
    public static let table = "projects"
    public static let columns = ["id", "domain_id", "name"]

    public let project: Project

    public init(_ project: Project) { self.project = project }

    public init(row: SQLRow) throws {
        project = Project(id: try row.text("id"), domainID: try row.text("domain_id"), name: try row.text("name"))
    }

    public var values: [SQLValue] { [.text(project.id), .text(project.domainID), .text(project.name)] }
}

public struct UserRecord: Record {
    public static let table = "users"
    public static let columns = ["id", "domain_id", "name", "password_hash", "role", "created_at"]

    public var user: User
    /// Self-describing text of the password's hash.
    public var passwordHash: String

    public init(user: User, passwordHash: String) {
        self.user = user
        self.passwordHash = passwordHash
    }

    public init(row: SQLRow) throws {
        guard let role = Role(rawValue: try row.text("role")) else { throw StoreError.malformed("unknown role of a user") }
        user = User(
            id: try row.text("id"), domainID: try row.text("domain_id"), name: try row.text("name"), role: role,
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")))
        passwordHash = try row.text("password_hash")
    }

    public var values: [SQLValue] {
        [
            .text(user.id), .text(user.domainID), .text(user.name), .text(passwordHash), .text(user.role.rawValue),
            .integer(user.createdAt.nanoseconds),
        ]
    }
}

public struct AccessKeyRecord: Record {
    public static let table = "access_keys"
    public static let columns = ["access_key", "user_id", "sealed_secret", "created_at"]

    public let accessKey: String
    public let userID: String
    /// Sealed for ``context(_:)``.
    public let sealedSecret: String
    public let createdAt: Timestamp

    /// The place for which a secret access key is sealed.
    public static func context(_ accessKey: String) -> String { "access_keys.sealed_secret:\(accessKey)" }

    public init(accessKey: String, userID: String, sealedSecret: String, createdAt: Timestamp) {
        self.accessKey = accessKey
        self.userID = userID
        self.sealedSecret = sealedSecret
        self.createdAt = createdAt
    }

    public init(row: SQLRow) throws {
        accessKey = try row.text("access_key")
        userID = try row.text("user_id")
        sealedSecret = try row.text("sealed_secret")
        createdAt = Timestamp(nanoseconds: try row.integer("created_at"))
    }

    public var values: [SQLValue] {
        [.text(accessKey), .text(userID), .text(sealedSecret), .integer(createdAt.nanoseconds)]
    }
}

/// A token that was issued; the token itself is not stored, its SHA-256 finds the row.
public struct TokenRecord: Record {
    public static let table = "tokens"
    public static let columns = ["token_hash", "user_id", "project_id", "domain_scoped", "methods", "issued_at", "expires_at"]

    /// Lower-case hex.
    public let hash: String
    public let userID: String
    public let projectID: String?
    public let domainScoped: Bool
    /// Words parted by commas: how the user proved who it is.
    public let methods: String
    public let issuedAt: Timestamp
    public let expiresAt: Timestamp

    public init(
        hash: String, userID: String, projectID: String?, domainScoped: Bool, methods: String, issuedAt: Timestamp,
        expiresAt: Timestamp
    ) {
        self.hash = hash
        self.userID = userID
        self.projectID = projectID
        self.domainScoped = domainScoped
        self.methods = methods
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }

    public init(row: SQLRow) throws {
        hash = try row.text("token_hash")
        userID = try row.text("user_id")
        projectID = try row.optionalText("project_id")
        domainScoped = try row.flag("domain_scoped")
        methods = try row.text("methods")
        issuedAt = Timestamp(nanoseconds: try row.integer("issued_at"))
        expiresAt = Timestamp(nanoseconds: try row.integer("expires_at"))
    }

    public var values: [SQLValue] {
        [
            .text(hash), .text(userID), SQLValue(projectID), SQLValue(domainScoped), .text(methods),
            .integer(issuedAt.nanoseconds), .integer(expiresAt.nanoseconds),
        ]
    }
}
