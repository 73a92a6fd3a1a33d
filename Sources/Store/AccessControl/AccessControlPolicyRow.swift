import GatewayModel

extension AccessControlPolicy: Record {
    public static let table = "acls"
    public static let columns = [
        "id", "instance_id", "name", "acl_type", "entity_type", "acl_value", "created_at", "updated_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(name), .text(action.rawValue), .text(entity.rawValue), .text(value),
            .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let action = try row.text("acl_type")
        let entity = try row.text("entity_type")
        guard let action = Action(rawValue: action), let entity = Entity(rawValue: entity) else {
            throw StoreError.malformed("acl \(action) \(entity)")
        }
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"), action: action,
            entity: entity, value: try row.text("acl_value"),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
