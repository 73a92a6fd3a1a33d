import GatewayModel

extension SignatureBinding: Record {
    public static let table = "sign_bindings"
    public static let columns = ["id", "sign_id", "publication_id", "bound_at"]

    public var values: [SQLValue] {
        [.text(id), .text(signatureKeyID), .text(publicationID), .integer(boundAt.nanoseconds)]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), signatureKeyID: try row.text("sign_id"), publicationID: try row.text("publication_id"),
            boundAt: Timestamp(nanoseconds: try row.integer("bound_at")))
    }
}

extension AccessBinding: Record {
    public static let table = "acl_bindings"
    public static let columns = ["id", "acl_id", "publication_id", "entity_type", "bound_at"]

    public var values: [SQLValue] {
        [.text(id), .text(policyID), .text(publicationID), .text(entity.rawValue), .integer(boundAt.nanoseconds)]
    }

    public init(row: SQLRow) throws {
        let entity = try row.text("entity_type")
        guard let entity = AccessControlPolicy.Entity(rawValue: entity) else { throw StoreError.malformed("acl \(entity)") }
        self.init(
            id: try row.text("id"), policyID: try row.text("acl_id"), publicationID: try row.text("publication_id"),
            entity: entity, boundAt: Timestamp(nanoseconds: try row.integer("bound_at")))
    }
}

extension PluginBinding: Record {
    public static let table = "plugin_bindings"
    public static let columns = ["id", "plugin_id", "publication_id", "plugin_type", "bound_at"]

    public var values: [SQLValue] {
        [.text(id), .text(pluginID), .text(publicationID), .text(type.rawValue), .integer(boundAt.nanoseconds)]
    }

    public init(row: SQLRow) throws {
        let type = try row.text("plugin_type")
        guard let type = PluginType(rawValue: type) else { throw StoreError.malformed("plugin_type \(type)") }
        self.init(
            id: try row.text("id"), pluginID: try row.text("plugin_id"), publicationID: try row.text("publication_id"),
            type: type, boundAt: Timestamp(nanoseconds: try row.integer("bound_at")))
    }
}
