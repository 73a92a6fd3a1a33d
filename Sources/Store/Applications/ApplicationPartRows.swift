import GatewayModel
import GatewayPrimitives

/// Table `app_codes`; the code is sealed, a keyed hash finds it.
public struct AppCodeRow: Record {
    public static let table = "app_codes"
    public static let columns = ["id", "instance_id", "app_id", "sealed_code", "code_hash", "created_at"]
    public let values: [SQLValue]
    private let code: AppCode

    public init(_ code: AppCode, box: SecretBox) throws(StoreError) {
        self.code = code
        values = [
            .text(code.id), .text(code.instanceID), .text(code.applicationID),
            .text(try box.seal(code.code.revealed, context: "app_codes:\(code.id)")),
            .text(Self.hash(code.code, instanceID: code.instanceID, box: box)), .integer(code.createdAt.nanoseconds),
        ]
    }

    /// What column `code_hash` holds for a code.
    public static func hash(_ code: Secret, instanceID: String, box: SecretBox) -> String {
        box.fingerprint(code.revealed, context: "app_codes.code_hash:\(instanceID)")
    }

    public init(row: SQLRow) throws {
        code = AppCode(
            id: try row.text("id"), instanceID: try row.text("instance_id"), applicationID: try row.text("app_id"),
            code: Secret(try row.text("sealed_code")), createdAt: Timestamp(nanoseconds: try row.integer("created_at")))
        values = []
    }

    public func model(box: SecretBox) throws(StoreError) -> AppCode {
        AppCode(
            id: code.id, instanceID: code.instanceID, applicationID: code.applicationID,
            code: Secret(try box.open(code.code.revealed, context: "app_codes:\(code.id)")), createdAt: code.createdAt)
    }
}

extension AppAccessList: Record {
    public static let table = "app_acls"
    public static let columns = ["app_id", "acl_type", "acl_values"]

    // Values of the list's own forms hold no line breaks: they are checked before they are stored.
    public var values: [SQLValue] {
        [.text(applicationID), .text(kind.rawValue), .text(self.addresses.joined(separator: "\n"))]
    }

    public init(row: SQLRow) throws {
        let kind = try row.text("acl_type")
        guard let kind = Kind(rawValue: kind) else { throw StoreError.malformed("acl_type \(kind)") }
        self.init(
            applicationID: try row.text("app_id"), kind: kind,
            addresses: try row.text("acl_values").split(separator: "\n").map(String.init))
    }
}

extension AppAuthorization: Record {
    public static let table = "app_auths"
    public static let columns = ["id", "instance_id", "env_id", "api_id", "app_id", "visit_params", "authorized_at"]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(environmentID), .text(apiID), .text(applicationID), .text(visitParameters),
            .integer(authorizedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), apiID: try row.text("api_id"),
            environmentID: try row.text("env_id"), applicationID: try row.text("app_id"),
            visitParameters: try row.text("visit_params"),
            authorizedAt: Timestamp(nanoseconds: try row.integer("authorized_at")))
    }
}

/// Table `app_configs`; values of all kinds are sealed.
public struct AppConfigRow: Record {
    public static let table = "app_configs"
    public static let columns = [
        "id", "instance_id", "app_id", "config_type", "config_name", "sealed_value", "description", "created_at", "updated_at",
    ]
    public let values: [SQLValue]
    private let config: AppConfig

    public init(_ config: AppConfig, box: SecretBox) throws(StoreError) {
        self.config = config
        values = [
            .text(config.id), .text(config.instanceID), .text(config.applicationID), .text(config.kind.rawValue),
            .text(config.name), .text(try box.seal(config.value.revealed, context: "app_configs:\(config.id)")),
            .text(config.description), .integer(config.createdAt.nanoseconds), .integer(config.updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let kind = try row.text("config_type")
        guard let kind = AppConfig.Kind(rawValue: kind) else { throw StoreError.malformed("config_type \(kind)") }
        config = AppConfig(
            id: try row.text("id"), instanceID: try row.text("instance_id"), applicationID: try row.text("app_id"), kind: kind,
            name: try row.text("config_name"), value: Secret(try row.text("sealed_value")),
            description: try row.text("description"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
        values = []
    }

    public func model(box: SecretBox) throws(StoreError) -> AppConfig {
        var config = config
        config.value = Secret(try box.open(config.value.revealed, context: "app_configs:\(config.id)"))
        return config
    }
}
