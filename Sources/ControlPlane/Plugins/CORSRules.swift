import GatewayModel
import Store

/// What plug-ins of type cors ask of the APIs around them, because they answer OPTIONS for a whole path
/// (gateway-runtime.md, 8.1).
extension Reading {
    /// Checks the paths of these publications, as they stand in the transaction: one cors plug-in for all methods of a path, no
    /// OPTIONS API beside it, and each API's own method allowed. Attaching and publishing both call this afterwards.
    ///
    /// - Throws: ``OperationError/conflict(_:)``.
    func checkCORS(ofPublications ids: [String]) throws {
        for id in ids {
            let rows = try sql.query(
                """
                SELECT q.id, q.req_method, b.plugin_id
                FROM publications p JOIN publications q ON q.group_id = p.group_id AND q.instance_id = p.instance_id
                    AND q.env_id = p.env_id AND q.path_key = p.path_key AND q.match_mode = p.match_mode
                  LEFT JOIN plugin_bindings b ON b.publication_id = q.id AND b.plugin_type = 'cors'
                WHERE p.id = ? AND q.version_id IS NOT NULL
                """, [.text(id)])
            let plugins = Set(try rows.compactMap { try $0.optionalText("plugin_id") })
            guard let plugin = plugins.first else { continue }
            guard plugins.count == 1 else {
                throw OperationError.conflict(
                    .pluginPathConflict(reason: "APIs with the same path must use the same cors plug-in"))
            }
            if try rows.contains(where: { try $0.text("req_method") == HTTPMethod.options.rawValue }) {
                throw OperationError.conflict(
                    .pluginPathConflict(reason: "A cors plug-in cannot be used where an API with method OPTIONS has the same path"))
            }
            try checkMethodsAllowed(byPlugin: plugin)
        }
    }

    /// - Throws: ``OperationError/conflict(_:)`` when an attached API has a method that the plug-in does not allow.
    func checkMethodsAllowed(byPlugin id: String) throws {
        guard let row = try sql.find(PluginRow.self, key: id),
            case .cors(let content)? = try? PluginContent(parsing: row.model(box: box).content, type: .cors)
        else { throw StoreError.malformed("cors plug-in \(id)") }
        let methods = try sql.query(
            """
            SELECT DISTINCT p.req_method FROM plugin_bindings b JOIN publications p ON p.id = b.publication_id
            WHERE b.plugin_id = ? AND p.version_id IS NOT NULL
            """, [.text(id)]
        ).map { try $0.text("req_method") }
        for method in methods where HTTPMethod(rawValue: method).map(content.permits) != true {
            throw OperationError.conflict(.pluginPathConflict(reason: "allow_methods of the cors plug-in lacks \(method)"))
        }
    }
}
