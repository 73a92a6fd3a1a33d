import GatewayModel
import GatewayPrimitives
import Store

/// A code, and whether the caller may see it in the clear.
public struct ListedAppCode: Sendable {
    public let code: AppCode
    /// Whoever may use the application may see its codes (management-api.md, 2.4).
    public let isShown: Bool
}

extension ControlPlane {
    /// Gives an application one more code.
    ///
    /// - Parameter code: nil: the code is made here.
    /// - Throws: ``OperationError``: application unknown, the caller may not change it, form of the code, code in use in this
    ///   instance, too many codes.
    public func createAppCode(_ call: Call, appID: String, code: Secret?) async throws -> Written<ListedAppCode> {
        let limit = settings.quotas.appCodesPerApplication
        return try await write(call) { w in
            try w.checkInstance(of: call)
            if let code { try Self.fieldsChecked { () throws(InvalidField) in try ApplicationRules.check(code: code) } }
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            var random = SystemRandomNumberGenerator()
            let made = AppCode(
                id: w.newID(), instanceID: call.instanceID, applicationID: appID,
                code: code ?? ApplicationRules.generateCode(using: &random), createdAt: w.now)
            try w.checkIsFree(made)
            try w.checkQuota(
                .appCode, count: w.sql.count("SELECT COUNT(*) AS n FROM app_codes WHERE app_id = ?", [.text(appID)]),
                limit: limit)
            try w.sql.insert(AppCodeRow(made, box: w.box))
            try w.record(.appCode, id: made.id, before: nil, after: made)
            w.touch(.application(appID))
            return ListedAppCode(code: made, isShown: true)
        }
    }

    /// - Throws: ``OperationError``: application or code unknown, the caller may not change the application.
    public func deleteAppCode(_ call: Call, appID: String, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            let code = try w.appCode(id, of: application)
            for retired in try w.retiredSecrets(.appCode, of: id) { try w.remove(retired) }
            try w.sql.delete(AppCodeRow.self, key: id)
            try w.record(.appCode, id: id, before: code, after: nil)
            w.touch(.application(appID))
        }
    }

    /// - Throws: ``OperationError``: application or code unknown, the caller may not see the application.
    public func appCode(_ call: Call, appID: String, id: String) async throws -> ListedAppCode {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(appID, of: call)
            let roles = try r.roles(application, of: call)
            try r.checkAccess(application, .read, of: call)
            return ListedAppCode(code: try r.appCode(id, of: application), isShown: roles.contains(.access))
        }
    }

    /// Newest first.
    ///
    /// - Throws: ``OperationError``: application unknown, the caller may not see it.
    public func appCodes(_ call: Call, appID: String, page: Page) async throws -> Listing<ListedAppCode> {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(appID, of: call)
            let roles = try r.roles(application, of: call)
            try r.checkAccess(application, .read, of: call)
            var own = Condition()
            own.equal("app_id", appID)
            return try r.sql.page(AppCodeRow.self, where: own, order: "created_at DESC, id", page: page).map {
                ListedAppCode(code: try $0.model(box: r.box), isShown: roles.contains(.access))
            }
        }
    }
}

extension Reading {
    func appCode(_ id: String, of application: Application) throws -> AppCode {
        guard let row = try sql.find(AppCodeRow.self, key: id) else { throw OperationError.notFound(.appCode, id: id) }
        let code = try row.model(box: box)
        guard code.applicationID == application.id else { throw OperationError.notFound(.appCode, id: id) }
        return code
    }
}
