import GatewayModel

/// Whether a content fits its type.
enum PluginContentRules {
    /// - Throws: ``OperationError/invalid(field:)`` naming `plugin_content`.
    static func check(_ content: String, type: PluginType) throws {
        do {
            _ = try PluginContent(parsing: content, type: type)
        } catch {
            throw OperationError.invalid(field: "plugin_content")
        }
    }
}
