import GatewayModel
import GatewayPrimitives

/// Table `app_retired_secrets`; the secret is sealed.
public struct RetiredSecretRow: Record {
    public static let table = "app_retired_secrets"
    public static let columns = ["id", "app_id", "sealed_secret", "created_at", "ends_at"]
    public let values: [SQLValue]
    /// With the sealed text in place of the secret.
    private let retired: RetiredSecret

    public init(_ retired: RetiredSecret, box: SecretBox) throws(StoreError) {
        self.retired = retired
        values = [
            .text(retired.id), .text(retired.applicationID),
            .text(try box.seal(retired.secret.revealed, context: "app_retired_secrets:\(retired.id)")),
            .integer(retired.createdAt.nanoseconds), .integer(retired.endsAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        retired = RetiredSecret(
            id: try row.text("id"), applicationID: try row.text("app_id"), secret: Secret(try row.text("sealed_secret")),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            endsAt: Timestamp(nanoseconds: try row.integer("ends_at")))
        values = []
    }

    public func model(box: SecretBox) throws(StoreError) -> RetiredSecret {
        RetiredSecret(
            id: retired.id, applicationID: retired.applicationID,
            secret: Secret(try box.open(retired.secret.revealed, context: "app_retired_secrets:\(retired.id)")),
            createdAt: retired.createdAt, endsAt: retired.endsAt)
    }
}

extension PresentSecret: Record {
    public static let table = "app_present_secrets"
    public static let columns = ["app_id", "secret_id", "created_at"]

    public var values: [SQLValue] { [.text(applicationID), .text(id), .integer(createdAt.nanoseconds)] }

    public init(row: SQLRow) throws {
        self.init(
            applicationID: try row.text("app_id"), id: try row.text("secret_id"),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")))
    }
}

extension SecretUsage: Record {
    public static let table = "app_secret_uses"
    public static let columns = ["secret_id", "app_id", "calls", "last_at", "last_address"]

    public var values: [SQLValue] {
        [.text(secretID), .text(applicationID), .integer(calls), .integer(lastAt.nanoseconds), .text(lastAddress)]
    }

    public init(row: SQLRow) throws {
        self.init(
            secretID: try row.text("secret_id"), applicationID: try row.text("app_id"), calls: try row.integer("calls"),
            lastAt: Timestamp(nanoseconds: try row.integer("last_at")), lastAddress: try row.text("last_address"))
    }
}
