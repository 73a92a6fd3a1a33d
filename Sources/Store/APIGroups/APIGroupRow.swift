import GatewayModel

extension APIGroup: Record {
    public static let table = "api_groups"
    public static let columns = [
        "id", "instance_id", "name", "remark", "is_default", "roma_app_id", "sl_domain_access", "created_at",
        "updated_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(name), .text(remark), SQLValue(isDefault), .text(romaAppID),
            SQLValue(slDomainAccessEnabled), .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"),
            remark: try row.text("remark"), isDefault: try row.flag("is_default"), romaAppID: try row.text("roma_app_id"),
            slDomainAccessEnabled: try row.flag("sl_domain_access"),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
