import GatewayModel
import GatewayPrimitives

/// Table `applications`; the secret is sealed.
public struct ApplicationRow: Record {
    public static let table = "applications"
    public static let columns = [
        "id", "instance_id", "name", "remark", "app_key", "sealed_secret", "origin", "owner_id", "owner_name",
        "updated_by_id", "updated_by_name", "created_at", "updated_at",
    ]
    public let values: [SQLValue]
    /// With the sealed text in place of the secret.
    private let application: Application

    public init(_ application: Application, box: SecretBox) throws(StoreError) {
        self.application = application
        values = [
            .text(application.id), .text(application.instanceID), .text(application.name), .text(application.remark),
            .text(application.key),
            .text(try box.seal(application.secret.revealed, context: "applications:\(application.id)")),
            .text(application.origin.rawValue), .text(application.owner.id), .text(application.owner.name),
            .text(application.updatedBy.id), .text(application.updatedBy.name), .integer(application.createdAt.nanoseconds),
            .integer(application.updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let origin = try row.text("origin")
        guard let origin = Application.Origin(rawValue: origin) else { throw StoreError.malformed("origin \(origin)") }
        application = Application(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"),
            remark: try row.text("remark"), key: try row.text("app_key"), secret: Secret(try row.text("sealed_secret")),
            origin: origin, owner: UserReference(id: try row.text("owner_id"), name: try row.text("owner_name")),
            updatedBy: UserReference(id: try row.text("updated_by_id"), name: try row.text("updated_by_name")),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
        values = []
    }

    public func model(box: SecretBox) throws(StoreError) -> Application {
        var application = application
        application.secret = Secret(
            try box.open(application.secret.revealed, context: "applications:\(application.id)"))
        return application
    }
}

/// Table `application_members`: one role of one user.
public struct ApplicationMemberRow: Record {
    public static let table = "application_members"
    public static let columns = ["app_id", "user_id", "role", "user_name"]
    public static let keyLength = 3

    public let applicationID: String
    public let user: UserReference
    public let role: ApplicationRole

    public init(applicationID: String, user: UserReference, role: ApplicationRole) {
        self.applicationID = applicationID
        self.user = user
        self.role = role
    }

    public init(row: SQLRow) throws {
        let role = try row.text("role")
        guard let role = ApplicationRole(rawValue: role) else { throw StoreError.malformed("role \(role)") }
        applicationID = try row.text("app_id")
        user = UserReference(id: try row.text("user_id"), name: try row.text("user_name"))
        self.role = role
    }

    public var values: [SQLValue] { [.text(applicationID), .text(user.id), .text(role.rawValue), .text(user.name)] }
}
