import GatewayModel

extension Environment: Record {
    public static let table = "environments"
    public static let columns = ["instance_id", "id", "name", "remark", "created_at"]
    public static let keyLength = 2

    public var values: [SQLValue] {
        [.text(instanceID), .text(id), .text(name), .text(remark), .integer(createdAt.nanoseconds)]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"),
            remark: try row.text("remark"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")))
    }
}
