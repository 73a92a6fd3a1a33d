import GatewayModel
import Store

/// What a caller says about a new plug-in.
public struct PluginDraft: Sendable {
    public var name: String
    public var type: PluginType
    /// global or app.
    public var scope: String
    public var content: String
    public var remark: String
    public var romaAppID: String

    public init(
        name: String, type: PluginType, scope: String, content: String, remark: String = "", romaAppID: String = ""
    ) {
        self.name = name
        self.type = type
        self.scope = scope
        self.content = content
        self.remark = remark
        self.romaAppID = romaAppID
    }
}

/// What shall change of a plug-in; nil: stays. Type and scope are fixed: others are refused.
public struct PluginChange: Sendable {
    public var name: String?
    public var type: PluginType?
    public var scope: String?
    public var content: String?
    public var remark: String?

    public init(
        name: String? = nil, type: PluginType? = nil, scope: String? = nil, content: String? = nil, remark: String? = nil
    ) {
        self.name = name
        self.type = type
        self.scope = scope
        self.content = content
        self.remark = remark
    }
}

/// Filters that lists of plug-ins share; all that are given must hold.
public struct PluginFilter: Sendable {
    public var id: String?
    public var name: String?
    public var namePrecisely: Bool
    public var type: String?
    public var scope: String?
    public var romaAppID: String?
    public var romaAppName: String?

    public init(
        id: String? = nil, name: String? = nil, namePrecisely: Bool = false, type: String? = nil, scope: String? = nil,
        romaAppID: String? = nil, romaAppName: String? = nil
    ) {
        self.id = id
        self.name = name
        self.namePrecisely = namePrecisely
        self.type = type
        self.scope = scope
        self.romaAppID = romaAppID
        self.romaAppName = romaAppName
    }

    /// For table `plugins u`.
    func apply(to condition: inout Condition) {
        condition.equal("u.id", id)
        condition.matches("u.name", name, exactly: namePrecisely)
        condition.equal("u.plugin_type", type)
        condition.equal("u.plugin_scope", scope)
        condition.equal("u.roma_app_id", romaAppID)
        ControlPlane.belongs(toApplicationNamed: romaAppName, "u", &condition)
    }
}

extension ControlPlane {
    /// - Throws: ``OperationError``: instance unknown, content that does not fit the type, application missing or unknown,
    ///   name taken, quota.
    /// - Returns: the plug-in without passwords, as all operations do.
    public func createPlugin(_ call: Call, _ draft: PluginDraft) async throws -> Written<Plugin> {
        let quotas = settings.quotas
        return try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.createPlugin(draft, quotas, of: call)
        }
    }

    /// Changes a plug-in for all APIs that it is attached to, at once.
    ///
    /// - Throws: ``OperationError``: as for creating, unknown plug-in, and a content that an attached API does not allow.
    public func updatePlugin(_ call: Call, id: String, _ change: PluginChange) async throws -> Written<Plugin> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let old = try w.plugin(id, of: call)
            if let type = change.type, type != old.type { throw OperationError.invalid(field: "plugin_type") }
            if let scope = change.scope, scope != old.scope { throw OperationError.invalid(field: "plugin_scope") }
            var new = old
            if let name = change.name { new.name = name }
            if let remark = change.remark { new.remark = remark }
            if let content = change.content {
                new.content = PluginSecrets.carried(from: old.content, into: content, type: old.type)
                try PluginContentRules.check(new.content, type: old.type)
            }
            try w.checkPluginName(new.name, besides: id, of: call)
            new.updatedAt = w.now
            try w.sql.update(PluginRow(new, box: w.box))
            try w.storeChannels(of: new)
            try w.record(.plugin, id: id, before: old.withoutSecrets, after: new.withoutSecrets)
            if new.content != old.content {
                if new.type == .cors { try w.checkMethodsAllowed(byPlugin: id) }
                w.touch(.plugin(id))
            }
            return new.withoutSecrets
        }
    }

    /// - Throws: ``OperationError``: unknown plug-in.
    public func plugin(_ call: Call, id: String) async throws -> Plugin {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.plugin(id, of: call).withoutSecrets
        }
    }

    /// - Throws: ``OperationError``: unknown plug-in, plug-in attached.
    public func deletePlugin(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try w.removePlugin(w.plugin(id, of: call))
        }
    }

    /// Newest first.
    public func plugins(_ call: Call, _ filter: PluginFilter, page: Page) async throws -> Listing<Plugin> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("u.instance_id = ?", .text(call.instanceID))
            filter.apply(to: &condition)
            return try r.sql.page(
                PluginRow.columnList("u"), from: "plugins u", where: condition, order: "u.created_at DESC, u.id", page: page
            ) { try PluginRow(row: $0).model(box: r.box).withoutSecrets }
        }
    }
}

extension Writing {
    func createPlugin(_ draft: PluginDraft, _ quotas: Quotas, of call: Call) throws -> Plugin {
        if draft.scope == "app", draft.romaAppID.isEmpty { throw OperationError.missing(field: "roma_app_id") }
        try PluginContentRules.check(draft.content, type: draft.type)
        try checkIntegrationApplication(draft.romaAppID, of: call)
        try checkPluginName(draft.name, besides: nil, of: call)
        try checkQuota(
            .plugin, count: sql.count("SELECT COUNT(*) AS n FROM plugins WHERE instance_id = ?", [.text(call.instanceID)]),
            limit: quotas.plugins)
        if draft.type == .kafkaLog {
            try checkQuota(
                .plugin,
                count: sql.count(
                    "SELECT COUNT(*) AS n FROM plugins WHERE instance_id = ? AND plugin_type = ?",
                    [.text(call.instanceID), .text(draft.type.rawValue)]), limit: quotas.kafkaPlugins)
        }
        let made = Plugin(
            id: newID(), instanceID: call.instanceID, name: draft.name, type: draft.type, scope: draft.scope,
            content: draft.content, remark: draft.remark, romaAppID: draft.romaAppID, createdAt: now, updatedAt: now)
        try sql.insert(PluginRow(made, box: box))
        try storeChannels(of: made)
        try record(.plugin, id: made.id, before: nil, after: made.withoutSecrets)
        return made.withoutSecrets
    }

    /// - Throws: ``StateConflict/pluginIsAttached``.
    func removePlugin(_ plugin: Plugin) throws {
        let attached = try sql.count("SELECT COUNT(*) AS n FROM plugin_bindings WHERE plugin_id = ?", [.text(plugin.id)])
        guard attached == 0 else { throw OperationError.conflict(.pluginIsAttached) }
        try sql.delete(PluginRow.self, key: plugin.id)
        try record(.plugin, id: plugin.id, before: plugin.withoutSecrets, after: nil)
    }
}

extension Reading {
    /// With passwords in the clear.
    func plugin(_ id: String, of call: Call) throws -> Plugin {
        guard let row = try find(PluginRow.self, id: id, of: call) else { throw OperationError.notFound(.plugin, id: id) }
        return try row.model(box: box)
    }

    fileprivate func checkPluginName(_ name: String, besides id: String?, of call: Call) throws {
        let row = try sql.first(
            "SELECT id FROM plugins WHERE instance_id = ? AND name = ?", [.text(call.instanceID), .text(name)])
        if let row, try row.text("id") != id { throw OperationError.taken(.plugin, name: name) }
    }
}
