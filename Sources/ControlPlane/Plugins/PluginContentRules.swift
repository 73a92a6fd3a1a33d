import GatewayModel
import GatewayPrimitives

/// Whether a content fits its type.
enum PluginContentRules {
    /// - Throws: ``OperationError/invalid(field:)`` naming `plugin_content`.
    static func check(_ content: String, type: PluginType) throws {
        guard let value = try? JSONValue(parsing: content, limits: .pluginContent), case .object = value else {
            throw OperationError.invalid(field: "plugin_content")
        }
    }
}
