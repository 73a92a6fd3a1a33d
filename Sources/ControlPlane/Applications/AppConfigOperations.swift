import GatewayModel
import GatewayPrimitives
import Store

public struct AppConfigFilter: Sendable {
    public var applicationID: String?
    /// Part of the configuration's name.
    public var name: String?
    /// Part of the application's name.
    public var applicationName: String?

    public init(applicationID: String? = nil, name: String? = nil, applicationName: String? = nil) {
        self.applicationID = applicationID
        self.name = name
        self.applicationName = applicationName
    }
}

extension ControlPlane {
    /// - Throws: ``OperationError``: application unknown, the caller may not change it, form of name or value, name in use in
    ///   this application, too many.
    public func createAppConfig(
        _ call: Call, appID: String, kind: AppConfig.Kind, name: String, value: Secret, description: String
    ) async throws -> Written<AppConfig> {
        let limit = settings.quotas.appConfigsPerApplication
        return try await write(call) { w in
            try w.checkInstance(of: call)
            try Self.fieldsChecked { () throws(InvalidField) in
                try AppConfigRules.check(name: name)
                try AppConfigRules.check(value: value, kind: kind)
                try AppConfigRules.check(description: description)
            }
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            let same = try w.sql.first(
                "SELECT 1 AS n FROM app_configs WHERE app_id = ? AND config_name = ?", [.text(appID), .text(name)])
            guard same == nil else { throw OperationError.taken(.appConfig, name: name) }
            try w.checkQuota(
                .appConfig, count: w.sql.count("SELECT COUNT(*) AS n FROM app_configs WHERE app_id = ?", [.text(appID)]),
                limit: limit)
            let made = AppConfig(
                id: w.newID(), instanceID: call.instanceID, applicationID: appID, kind: kind, name: name, value: value,
                description: description, createdAt: w.now, updatedAt: w.now)
            try w.sql.insert(AppConfigRow(made, box: w.box))
            try w.record(.appConfig, id: made.id, before: nil, after: made)
            return made
        }
    }

    /// Changes value and description; name and kind stay. What is nil stays, and so does a password or certificate for which
    /// the empty text is sent: that is what reading one answers.
    ///
    /// - Throws: ``OperationError``: application or configuration unknown, the caller may not change the application, another
    ///   kind, form of the value.
    public func updateAppConfig(
        _ call: Call, appID: String, id: String, kind: AppConfig.Kind?, value: Secret?, description: String?
    ) async throws -> Written<AppConfig> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            let old = try w.appConfig(id, of: application)
            if let kind, kind != old.kind { throw OperationError.invalid(field: "config_type") }
            var new = old
            if let value, old.kind == .variable || !value.revealed.isEmpty { new.value = value }
            if let description { new.description = description }
            try Self.fieldsChecked { () throws(InvalidField) in
                try AppConfigRules.check(value: new.value, kind: new.kind)
                try AppConfigRules.check(description: new.description)
            }
            new.updatedAt = w.now
            try w.sql.update(AppConfigRow(new, box: w.box))
            try w.record(.appConfig, id: id, before: old, after: new)
            return new
        }
    }

    /// - Throws: ``OperationError``: application or configuration unknown, the caller may not change the application.
    public func deleteAppConfig(_ call: Call, appID: String, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            let config = try w.appConfig(id, of: application)
            try w.sql.delete(AppConfigRow.self, key: id)
            try w.record(.appConfig, id: id, before: config, after: nil)
        }
    }

    /// - Throws: ``OperationError``: application or configuration unknown, the caller may not see the application.
    public func appConfig(_ call: Call, appID: String, id: String) async throws -> AppConfig {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(appID, of: call)
            try r.checkAccess(application, .read, of: call)
            return try r.appConfig(id, of: application)
        }
    }

    /// Configurations of the applications that the caller sees, newest first.
    public func appConfigs(_ call: Call, _ filter: AppConfigFilter, page: Page) async throws -> Listing<AppConfig> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("c.instance_id = ?", .text(call.instanceID))
            condition.equal("c.app_id", filter.applicationID)
            condition.matches("c.config_name", filter.name)
            condition.matches("t.name", filter.applicationName)
            try r.restrictToVisible(&condition, of: call)
            return try r.sql.page(
                AppConfigRow.columnList("c"), from: "app_configs c JOIN applications t ON t.id = c.app_id", where: condition,
                order: "c.created_at DESC, c.id", page: page
            ) { try AppConfigRow(row: $0).model(box: r.box) }
        }
    }
}

extension Reading {
    fileprivate func appConfig(_ id: String, of application: Application) throws -> AppConfig {
        guard let row = try sql.find(AppConfigRow.self, key: id) else { throw OperationError.notFound(.appConfig, id: id) }
        let config = try row.model(box: box)
        guard config.applicationID == application.id else { throw OperationError.notFound(.appConfig, id: id) }
        return config
    }
}
