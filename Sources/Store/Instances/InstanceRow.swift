import GatewayModel

extension Instance: Record {
    public static let table = "instances"
    public static let columns = ["id", "project_id", "name", "description", "created_at", "updated_at"]

    public var values: [SQLValue] {
        [
            .text(id), .text(projectID), .text(name), .text(description), .integer(createdAt.nanoseconds),
            .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), projectID: try row.text("project_id"), name: try row.text("name"),
            description: try row.text("description"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}

extension Feature: Record {
    public static let table = "features"
    public static let columns = ["instance_id", "name", "id", "enabled", "config", "updated_at"]
    public static let keyLength = 2

    public var values: [SQLValue] {
        [
            .text(instanceID), .text(name), .text(id), SQLValue(enabled), .text(config), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"),
            enabled: try row.flag("enabled"), config: try row.text("config"),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
