import GatewayModel
import Store

extension ControlPlane {
    /// Sets from which addresses an application may call; replaces what was there.
    ///
    /// - Throws: ``OperationError``: application unknown, the caller may not change it, an entry that is no address.
    public func setAppAccessList(
        _ call: Call, appID: String, kind: AppAccessList.Kind, addresses: [String]
    ) async throws -> Written<AppAccessList> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            var read: [String] = []
            try Self.fieldsChecked { () throws(InvalidField) in read = try AppAccessRules.read(addresses) }
            let new = AppAccessList(applicationID: appID, kind: kind, addresses: read)
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            let old = try w.accessList(of: application)
            guard old != new else { return new }
            if old == nil { try w.sql.insert(new) } else { try w.sql.update(new) }
            try w.record(.integrationApplication, id: appID, before: old, after: new)
            w.touch(.application(appID))
            return new
        }
    }

    /// Nothing happens when there is none (management-api.md, 3.17).
    ///
    /// - Throws: ``OperationError``: application unknown, the caller may not change it.
    public func deleteAppAccessList(_ call: Call, appID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            guard let old = try w.accessList(of: application) else { return }
            try w.sql.delete(AppAccessList.self, key: appID)
            try w.record(.integrationApplication, id: appID, before: old, after: nil)
            w.touch(.application(appID))
        }
    }

    /// - Returns: nil for an application that may call from everywhere.
    /// - Throws: ``OperationError``: application unknown, the caller may not see it.
    public func appAccessList(_ call: Call, appID: String) async throws -> AppAccessList? {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(appID, of: call)
            try r.checkAccess(application, .read, of: call)
            return try r.accessList(of: application)
        }
    }
}

extension Reading {
    fileprivate func accessList(of application: Application) throws -> AppAccessList? {
        try sql.find(AppAccessList.self, key: application.id)
    }
}
