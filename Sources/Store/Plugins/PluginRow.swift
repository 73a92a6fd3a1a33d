import GatewayModel

/// Table `plugins`; the content is sealed as a whole because it may hold passwords.
public struct PluginRow: Record {
    public static let table = "plugins"
    public static let columns = [
        "id", "instance_id", "name", "plugin_type", "plugin_scope", "sealed_content", "remark", "roma_app_id", "created_at",
        "updated_at",
    ]
    public let values: [SQLValue]
    private let plugin: Plugin

    public init(_ plugin: Plugin, box: SecretBox) throws(StoreError) {
        self.plugin = plugin
        values = [
            .text(plugin.id), .text(plugin.instanceID), .text(plugin.name), .text(plugin.type.rawValue), .text(plugin.scope),
            .text(try box.seal(plugin.content, context: "plugins:\(plugin.id)")), .text(plugin.remark),
            .text(plugin.romaAppID), .integer(plugin.createdAt.nanoseconds), .integer(plugin.updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let type = try row.text("plugin_type")
        guard let type = PluginType(rawValue: type) else { throw StoreError.malformed("plugin_type \(type)") }
        plugin = Plugin(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"), type: type,
            scope: try row.text("plugin_scope"), content: try row.text("sealed_content"), remark: try row.text("remark"),
            romaAppID: try row.text("roma_app_id"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
        values = []
    }

    public func model(box: SecretBox) throws(StoreError) -> Plugin {
        var plugin = plugin
        plugin.content = try box.open(plugin.content, context: "plugins:\(plugin.id)")
        return plugin
    }
}
