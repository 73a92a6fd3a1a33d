import GatewayModel
import Store

/// An application in the lists of a quota.
public struct AppForQuota: Sendable {
    public let application: Application
    /// Nil for one that could be bound.
    public let binding: AppQuotaBinding?
    /// Of the quota that it is bound to.
    public let quotaName: String?
}

extension ControlPlane {
    /// Applications that one call may bind.
    public static let quotaBindingLimit = 1000

    /// Lets a quota count for applications. One that has another quota moves; one that has this quota already keeps its record
    /// (management-api.md, 3.18 and 3.30).
    ///
    /// - Throws: ``OperationError``: quota or an application unknown, the caller may not change one; nothing is bound then.
    public func bindAppQuota(_ call: Call, id: String, appIDs: [String]) async throws -> Written<[AppQuotaBinding]> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let distinct = try Writing.distinct(appIDs, field: "app_ids", limit: Self.quotaBindingLimit)
            _ = try w.appQuota(id, of: call)
            return try distinct.map { appID in
                try w.checkAccess(try w.application(appID, of: call), .modify, of: call)
                let old = try w.sql.find(AppQuotaBinding.self, key: appID)
                if let old, old.quotaID == id { return old }
                let binding = AppQuotaBinding(applicationID: appID, quotaID: id, boundAt: w.now)
                if old == nil { try w.sql.insert(binding) } else { try w.sql.update(binding) }
                try w.record(.appQuotaBinding, id: appID, before: old, after: binding)
                w.touch(.application(appID))
                return binding
            }
        }
    }

    /// - Throws: ``OperationError``: quota or application unknown, the caller may not change the application, application not
    ///   bound to this quota.
    public func unbindAppQuota(_ call: Call, id: String, appID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            _ = try w.appQuota(id, of: call)
            try w.checkAccess(try w.application(appID, of: call), .modify, of: call)
            guard let binding = try w.sql.find(AppQuotaBinding.self, key: appID), binding.quotaID == id else {
                throw OperationError.notFound(.appQuotaBinding, id: id)
            }
            try w.remove(binding)
        }
    }

    /// The quota of an application.
    ///
    /// - Throws: ``OperationError``: application unknown, the caller may not see it, no quota bound.
    public func appQuota(_ call: Call, boundTo appID: String) async throws -> ListedAppQuota {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAccess(try r.application(appID, of: call), .read, of: call)
            guard let binding = try r.sql.find(AppQuotaBinding.self, key: appID) else {
                throw OperationError.notFound(.appQuotaBinding, id: appID)
            }
            return try r.listed(try r.appQuota(binding.quotaID, of: call))
        }
    }

    /// Applications of a quota that the caller sees, newest binding first.
    ///
    /// - Parameter name: part of the application's name.
    /// - Throws: ``OperationError``: quota unknown.
    public func applications(
        _ call: Call, boundToQuota id: String, name: String?, page: Page
    ) async throws -> Listing<AppForQuota> {
        try await read { r in
            try r.checkInstance(of: call)
            let quota = try r.appQuota(id, of: call)
            var condition = Condition()
            condition.equal("b.quota_id", id)
            condition.matches("t.name", name)
            try r.restrictToVisible(&condition, of: call)
            return try r.sql.page(
                "\(ApplicationRow.columnList("t")), b.bound_at AS binding_bound_at",
                from: "app_quota_bindings b JOIN applications t ON t.id = b.app_id", where: condition,
                order: "b.bound_at DESC, b.app_id", page: page
            ) { row in
                let application = try ApplicationRow(row: row).model(box: r.box)
                let binding = AppQuotaBinding(
                    applicationID: application.id, quotaID: id,
                    boundAt: Timestamp(nanoseconds: try row.integer("binding_bound_at")))
                return AppForQuota(application: application, binding: binding, quotaName: quota.name)
            }
        }
    }

    /// Applications without a quota that the caller sees, newest first.
    ///
    /// - Parameter name: part of the application's name.
    /// - Throws: ``OperationError``: quota unknown.
    public func applications(
        _ call: Call, bindableToQuota id: String, name: String?, page: Page
    ) async throws -> Listing<AppForQuota> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.appQuota(id, of: call)
            var condition = Condition()
            condition.and("t.instance_id = ?", .text(call.instanceID))
            condition.and("NOT EXISTS (SELECT 1 FROM app_quota_bindings b WHERE b.app_id = t.id)")
            condition.matches("t.name", name)
            try r.restrictToVisible(&condition, of: call)
            return try r.sql.page(
                ApplicationRow.columnList("t"), from: "applications t", where: condition, order: "t.created_at DESC, t.id",
                page: page
            ) { AppForQuota(application: try ApplicationRow(row: $0).model(box: r.box), binding: nil, quotaName: nil) }
        }
    }
}

extension Writing {
    /// Ends a binding: the application has no quota.
    func remove(_ binding: AppQuotaBinding) throws {
        try sql.delete(AppQuotaBinding.self, key: binding.applicationID)
        try record(.appQuotaBinding, id: binding.applicationID, before: binding, after: nil)
        touch(.application(binding.applicationID))
    }
}
