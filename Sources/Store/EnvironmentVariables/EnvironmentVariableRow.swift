import GatewayModel

extension EnvironmentVariable: Record {
    public static let table = "env_variables"
    public static let columns = ["id", "instance_id", "group_id", "env_id", "name", "value", "created_at", "updated_at"]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(groupID), .text(environmentID), .text(name), .text(value),
            .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), groupID: try row.text("group_id"),
            environmentID: try row.text("env_id"), name: try row.text("name"), value: try row.text("value"),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
