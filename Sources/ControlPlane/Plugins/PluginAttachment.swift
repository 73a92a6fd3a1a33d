import GatewayModel
import Store

/// An attachment with everything that answers show of both ends.
public struct AttachedPlugin: Sendable {
    public let binding: PluginBinding
    public let plugin: Plugin
    public let publication: PublicationView
}

extension ControlPlane {
    /// APIs or plug-ins that one call may attach (contract, PluginOperApiInfo).
    public static let attachmentLimit = 500

    /// Attaches a plug-in to APIs. A plug-in of the same type that an API has there is replaced, under a new record; one that
    /// is attached already keeps its record (management-api.md, 3.14).
    ///
    /// - Throws: ``OperationError``: unknown plug-in, environment or API, an API that is not published there, cors plug-ins
    ///   that contradict each other; nothing is attached then.
    public func attachPlugin(
        _ call: Call, id: String, apiIDs: [String], environmentID: String
    ) async throws -> Written<[AttachedPlugin]> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try Writing.checkForm(ofID: environmentID, field: "env_id")
            let apis = try Writing.distinct(apiIDs, field: "api_ids", limit: Self.attachmentLimit)
            let plugin = try w.plugin(id, of: call)
            _ = try w.environment(environmentID, of: call)
            return try w.attach([plugin], toAPIs: apis, environmentID: environmentID, of: call)
        }
    }

    /// Attaches plug-ins to an API. Of several plug-ins of one type the last wins.
    ///
    /// - Throws: ``OperationError``: as for ``attachPlugin(_:id:apiIDs:environmentID:)``.
    public func attachPlugins(
        _ call: Call, toAPI apiID: String, pluginIDs: [String], environmentID: String
    ) async throws -> Written<[AttachedPlugin]> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try Writing.checkForm(ofID: environmentID, field: "env_id")
            let ids = try Writing.distinct(pluginIDs, field: "plugin_ids", limit: Self.attachmentLimit)
            try w.checkAPI(apiID, of: call)
            _ = try w.environment(environmentID, of: call)
            let plugins = try ids.map { try w.plugin($0, of: call) }
            let last = Dictionary(plugins.map { ($0.type, $0.id) }, uniquingKeysWith: { $1 })
            return try w.attach(
                plugins.filter { last[$0.type] == $0.id }, toAPIs: [apiID], environmentID: environmentID,
                of: call)
        }
    }

    /// Detaches a plug-in; APIs that do not have it stay as they are [mission page "Unbinding a Plug-in from an API"].
    ///
    /// - Throws: ``OperationError``: unknown plug-in, environment or API.
    public func detachPlugin(
        _ call: Call, id: String, apiIDs: [String], environmentID: String
    ) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try Writing.checkForm(ofID: environmentID, field: "env_id")
            let apis = try Writing.distinct(apiIDs, field: "api_ids", limit: Self.attachmentLimit)
            _ = try w.plugin(id, of: call)
            _ = try w.environment(environmentID, of: call)
            for api in apis { try w.checkAPI(api, of: call) }
            for api in apis { try w.detach(id, fromAPI: api, environmentID: environmentID) }
        }
    }

    /// Detaches plug-ins; those that the API does not have count as detached.
    ///
    /// - Throws: ``OperationError``: unknown API, environment or plug-in.
    public func detachPlugins(
        _ call: Call, fromAPI apiID: String, pluginIDs: [String], environmentID: String
    ) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try Writing.checkForm(ofID: environmentID, field: "env_id")
            let ids = try Writing.distinct(pluginIDs, field: "plugin_ids", limit: Self.attachmentLimit)
            try w.checkAPI(apiID, of: call)
            _ = try w.environment(environmentID, of: call)
            for id in ids { _ = try w.plugin(id, of: call) }
            for id in ids { try w.detach(id, fromAPI: apiID, environmentID: environmentID) }
        }
    }
}

extension Writing {
    func attach(
        _ plugins: [Plugin], toAPIs apis: [String], environmentID: String, of call: Call
    ) throws -> [AttachedPlugin] {
        for api in apis { try checkAPI(api, of: call) }
        let views = try apis.map { api in
            let row = try sql.first(
                """
                SELECT \(PublicationView.columnList) FROM \(PublicationView.tables)
                WHERE p.api_id = ? AND p.env_id = ? AND p.version_id IS NOT NULL
                """, [.text(api), .text(environmentID)])
            guard let row else { throw OperationError.conflict(.apiNotPublished(id: api)) }
            return try PublicationView(view: row)
        }
        var attached: [AttachedPlugin] = []
        for view in views {
            for plugin in plugins {
                attached.append(AttachedPlugin(binding: try attach(plugin, to: view), plugin: plugin.withoutSecrets, publication: view))
            }
        }
        if plugins.contains(where: { $0.type == .cors }) { try checkCORS(ofPublications: views.map(\.publicationID)) }
        return attached
    }

    private func attach(_ plugin: Plugin, to view: PublicationView) throws -> PluginBinding {
        var same = Condition()
        same.equal("publication_id", view.publicationID)
        same.equal("plugin_type", plugin.type.rawValue)
        if let old = try sql.all(PluginBinding.self, where: same).first {
            if old.pluginID == plugin.id { return old }
            try remove(old)
        }
        let binding = PluginBinding(
            id: newID(), pluginID: plugin.id, publicationID: view.publicationID, type: plugin.type, boundAt: now)
        try sql.insert(binding)
        try record(.pluginBinding, id: binding.id, before: nil, after: binding)
        touch(.publication(view.publicationID))
        return binding
    }

    fileprivate func detach(_ pluginID: String, fromAPI apiID: String, environmentID: String) throws {
        let rows = try sql.query(
            """
            SELECT \(PluginBinding.columnList("b")) FROM plugin_bindings b JOIN publications p ON p.id = b.publication_id
            WHERE b.plugin_id = ? AND p.api_id = ? AND p.env_id = ?
            """, [.text(pluginID), .text(apiID), .text(environmentID)])
        for row in rows { try remove(PluginBinding(row: row)) }
    }

    private func remove(_ binding: PluginBinding) throws {
        try sql.delete(PluginBinding.self, key: binding.id)
        try record(.pluginBinding, id: binding.id, before: binding, after: nil)
        touch(.publication(binding.publicationID))
    }
}
