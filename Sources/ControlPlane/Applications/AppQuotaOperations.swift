import GatewayModel
import Store

/// What a caller says about a quota; nil: as it is, or the default of a new one.
public struct AppQuotaDraft: Sendable {
    public var name: String?
    public var callLimits: Int?
    public var unit: AppQuota.Unit?
    public var interval: Int?
    /// The empty text: windows begin with the first call.
    public var resetTime: String?
    public var remark: String?

    public init(
        name: String? = nil, callLimits: Int? = nil, unit: AppQuota.Unit? = nil, interval: Int? = nil,
        resetTime: String? = nil, remark: String? = nil
    ) {
        self.name = name
        self.callLimits = callLimits
        self.unit = unit
        self.interval = interval
        self.resetTime = resetTime
        self.remark = remark
    }

    fileprivate func apply(to quota: inout AppQuota) throws {
        if let name { quota.name = name }
        if let callLimits { quota.callLimits = callLimits }
        if let unit { quota.unit = unit }
        if let interval { quota.interval = interval }
        if let resetTime {
            quota.resetTime = ResetTime(resetTime)
            guard resetTime.isEmpty || quota.resetTime != nil else { throw OperationError.invalid(field: "reset_time") }
        }
        if let remark { quota.remark = remark }
        let checked = quota
        try ControlPlane.fieldsChecked { () throws(InvalidField) in try AppQuotaRules.check(checked) }
    }
}

/// A quota and how many applications it counts for.
public struct ListedAppQuota: Sendable {
    public let quota: AppQuota
    public let boundApplications: Int
}

extension ControlPlane {
    /// - Throws: ``OperationError``: a field wrong, name taken, too many.
    public func createAppQuota(_ call: Call, _ draft: AppQuotaDraft) async throws -> Written<ListedAppQuota> {
        let limit = settings.quotas.appQuotas
        return try await write(call) { w in
            try w.checkInstance(of: call)
            var quota = AppQuota(
                id: w.newID(), instanceID: call.instanceID, name: "", callLimits: 0, unit: .second, interval: 0,
                resetTime: nil, remark: "", createdAt: w.now)
            try draft.apply(to: &quota)
            try w.checkQuotaName(quota.name, besides: nil, of: call)
            try w.checkQuota(
                .appQuota,
                count: w.sql.count("SELECT COUNT(*) AS n FROM app_quotas WHERE instance_id = ?", [.text(call.instanceID)]),
                limit: limit)
            try w.sql.insert(quota)
            try w.record(.appQuota, id: quota.id, before: nil, after: quota)
            return ListedAppQuota(quota: quota, boundApplications: 0)
        }
    }

    /// What is nil stays. In force for all its applications at once.
    ///
    /// - Throws: ``OperationError``: quota unknown, a field wrong, name taken.
    public func updateAppQuota(_ call: Call, id: String, _ draft: AppQuotaDraft) async throws -> Written<ListedAppQuota> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let old = try w.appQuota(id, of: call)
            var new = old
            try draft.apply(to: &new)
            try w.checkQuotaName(new.name, besides: id, of: call)
            try w.sql.update(new)
            try w.record(.appQuota, id: id, before: old, after: new)
            let bindings = try w.bindings(ofQuota: id)
            for binding in bindings { w.touch(.application(binding.applicationID)) }
            return ListedAppQuota(quota: new, boundApplications: bindings.count)
        }
    }

    /// Its applications have none afterwards.
    ///
    /// - Throws: ``OperationError``: quota unknown.
    public func deleteAppQuota(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let quota = try w.appQuota(id, of: call)
            for binding in try w.bindings(ofQuota: id) { try w.remove(binding) }
            try w.sql.delete(AppQuota.self, key: id)
            try w.record(.appQuota, id: id, before: quota, after: nil)
        }
    }

    /// - Throws: ``OperationError``: quota unknown.
    public func appQuota(_ call: Call, id: String) async throws -> ListedAppQuota {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.listed(try r.appQuota(id, of: call))
        }
    }

    /// Newest first.
    ///
    /// - Parameter name: part of the name.
    public func appQuotas(_ call: Call, name: String?, page: Page) async throws -> Listing<ListedAppQuota> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("q.instance_id = ?", .text(call.instanceID))
            condition.matches("q.name", name)
            return try r.sql.page(
                """
                \(AppQuota.columnList("q")), (SELECT COUNT(*) FROM app_quota_bindings b WHERE b.quota_id = q.id) AS bound_num
                """, from: "app_quotas q", where: condition, order: "q.created_at DESC, q.id", page: page
            ) { ListedAppQuota(quota: try AppQuota(row: $0), boundApplications: try $0.int("bound_num")) }
        }
    }
}

extension Reading {
    func appQuota(_ id: String, of call: Call) throws -> AppQuota {
        guard let quota = try find(AppQuota.self, id: id, of: call) else { throw OperationError.notFound(.appQuota, id: id) }
        return quota
    }

    func bindings(ofQuota id: String) throws -> [AppQuotaBinding] {
        var own = Condition()
        own.equal("quota_id", id)
        return try sql.all(AppQuotaBinding.self, where: own, order: "app_id")
    }

    func listed(_ quota: AppQuota) throws -> ListedAppQuota {
        ListedAppQuota(
            quota: quota,
            boundApplications: try sql.count(
                "SELECT COUNT(*) AS n FROM app_quota_bindings WHERE quota_id = ?", [.text(quota.id)]))
    }

    fileprivate func checkQuotaName(_ name: String, besides id: String?, of call: Call) throws {
        let row = try sql.first(
            "SELECT id FROM app_quotas WHERE instance_id = ? AND name = ?", [.text(call.instanceID), .text(name)])
        if let row, try row.text("id") != id { throw OperationError.taken(.appQuota, name: name) }
    }
}
