import GatewayModel

extension DictionaryEntry: Record {
    public static let table = "dictionaries"
    public static let columns = [
        "id", "instance_id", "name", "code", "remark", "sort_order", "extend_one", "extend_two", "parent_code", "created_at",
        "updated_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(name), .text(code), .text(remark), SQLValue(order), .text(extendOne),
            .text(extendTwo), .text(parentCode), .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"),
            code: try row.text("code"), remark: try row.text("remark"), order: try row.int("sort_order"),
            extendOne: try row.text("extend_one"), extendTwo: try row.text("extend_two"),
            parentCode: try row.text("parent_code"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
