import GatewayModel
import Store

extension ControlPlane {
    /// APIs that a plug-in is attached to, newest attachment first; those that are offline meanwhile too.
    ///
    /// - Throws: ``OperationError``: unknown plug-in.
    public func apis(
        _ call: Call, withPlugin id: String, _ filter: PublicationFilter, page: Page
    ) async throws -> Listing<AttachedPlugin> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.plugin(id, of: call)
            var condition = filter.condition(instanceID: call.instanceID)
            condition.equal("u.id", id)
            return try r.attachedPlugins(condition, page: page)
        }
    }

    /// APIs in force in an environment that do not have this plug-in, newest publication first; those with another plug-in of
    /// its type too.
    ///
    /// - Throws: ``OperationError``: unknown plug-in or environment.
    public func apis(
        _ call: Call, withoutPlugin id: String, environmentID: String, _ filter: PublicationFilter, page: Page
    ) async throws -> Listing<PublicationView> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.plugin(id, of: call)
            _ = try r.environment(environmentID, of: call)
            var condition = filter.condition(instanceID: call.instanceID)
            condition.equal("p.env_id", environmentID)
            condition.and("p.version_id IS NOT NULL")
            condition.and(
                "NOT EXISTS (SELECT 1 FROM plugin_bindings b WHERE b.publication_id = p.id AND b.plugin_id = ?)", .text(id))
            return try r.sql.page(
                PublicationView.columnList, from: PublicationView.tables, where: condition,
                order: "p.published_at DESC, p.id", page: page
            ) { try PublicationView(view: $0) }
        }
    }

    /// Plug-ins of an API, newest attachment first.
    ///
    /// - Throws: ``OperationError``: unknown API.
    public func plugins(
        _ call: Call, attachedTo apiID: String, environmentID: String?, environmentName: String?, _ filter: PluginFilter,
        page: Page
    ) async throws -> Listing<AttachedPlugin> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAPI(apiID, of: call)
            var condition = Condition()
            condition.equal("p.api_id", apiID)
            condition.equal("p.env_id", environmentID)
            condition.matches("e.name", environmentName)
            filter.apply(to: &condition)
            return try r.attachedPlugins(condition, page: page)
        }
    }

    /// Plug-ins that an API does not have in an environment, newest first; those of a type that it has too.
    ///
    /// - Throws: ``OperationError``: unknown API or environment.
    public func plugins(
        _ call: Call, attachableTo apiID: String, environmentID: String, _ filter: PluginFilter, page: Page
    ) async throws -> Listing<Plugin> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAPI(apiID, of: call)
            _ = try r.environment(environmentID, of: call)
            var condition = Condition()
            condition.and("u.instance_id = ?", .text(call.instanceID))
            condition.and(
                """
                NOT EXISTS (SELECT 1 FROM plugin_bindings b JOIN publications p ON p.id = b.publication_id
                WHERE b.plugin_id = u.id AND p.api_id = ? AND p.env_id = ?)
                """, .text(apiID), .text(environmentID))
            filter.apply(to: &condition)
            return try r.sql.page(
                PluginRow.columnList("u"), from: "plugins u", where: condition, order: "u.created_at DESC, u.id", page: page
            ) { try PluginRow(row: $0).model(box: r.box).withoutSecrets }
        }
    }
}

extension Reading {
    fileprivate func attachedPlugins(_ condition: Condition, page: Page) throws -> Listing<AttachedPlugin> {
        try sql.page(
            """
            \(PluginRow.columnList("u")), \(PublicationView.columnList), b.id AS binding_id, b.bound_at AS binding_bound_at
            """,
            from: """
                \(PublicationView.tables) JOIN plugin_bindings b ON b.publication_id = p.id \
                JOIN plugins u ON u.id = b.plugin_id
                """, where: condition, order: "b.bound_at DESC, b.id", page: page
        ) { row in
            let plugin = try PluginRow(row: row).model(box: box).withoutSecrets
            let view = try PublicationView(view: row)
            let binding = PluginBinding(
                id: try row.text("binding_id"), pluginID: plugin.id, publicationID: view.publicationID, type: plugin.type,
                boundAt: Timestamp(nanoseconds: try row.integer("binding_bound_at")))
            return AttachedPlugin(binding: binding, plugin: plugin, publication: view)
        }
    }
}
