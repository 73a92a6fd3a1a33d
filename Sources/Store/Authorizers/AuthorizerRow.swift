import GatewayModel

extension Authorizer: Record {
    public static let table = "authorizers"
    public static let columns = [
        "id", "instance_id", "name", "type", "function_urn", "version", "alias_urn", "identities", "ttl", "user_data",
        "need_body", "created_at", "updated_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(name), .text(kind.rawValue), .text(functionURN), SQLValue(version),
            SQLValue(aliasURN), .text(JSONText.write(identities)), SQLValue(ttl), .text(userData), SQLValue(needsBody),
            .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let type = try row.text("type")
        guard let kind = Kind(rawValue: type) else { throw StoreError.malformed("authorizer \(type)") }
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"), kind: kind,
            functionURN: try row.text("function_urn"), version: try row.optionalText("version"),
            aliasURN: try row.optionalText("alias_urn"),
            identities: try JSONText.read([Identity].self, try row.text("identities"), column: "identities"),
            ttl: try row.int("ttl"), userData: try row.text("user_data"), needsBody: try row.flag("need_body"),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
