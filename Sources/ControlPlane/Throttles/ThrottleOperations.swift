import GatewayModel
import Store

/// What a caller says about a policy; nil: the default of a new one, as it is of an old one.
public struct ThrottleDraft: Sendable {
    public var name: String?
    public var kind: Int?
    public var apiLimit: Int?
    public var userLimit: Int?
    public var appLimit: Int?
    public var addressLimit: Int?
    public var unit: ThrottlePolicy.TimeUnit?
    public var interval: Int?
    public var remark: String?

    public init(
        name: String? = nil, kind: Int? = nil, apiLimit: Int? = nil, userLimit: Int? = nil, appLimit: Int? = nil,
        addressLimit: Int? = nil, unit: ThrottlePolicy.TimeUnit? = nil, interval: Int? = nil, remark: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.apiLimit = apiLimit
        self.userLimit = userLimit
        self.appLimit = appLimit
        self.addressLimit = addressLimit
        self.unit = unit
        self.interval = interval
        self.remark = remark
    }

    /// - Throws: ``OperationError``: a field, or the limits among themselves.
    func apply(to policy: inout ThrottlePolicy) throws {
        if let name { policy.name = name }
        if let kind {
            guard let kind = ThrottlePolicy.Kind(rawValue: kind) else { throw OperationError.invalid(field: "type") }
            policy.kind = kind
        }
        if let apiLimit { policy.apiLimit = apiLimit }
        if let userLimit { policy.userLimit = userLimit }
        if let appLimit { policy.appLimit = appLimit }
        if let addressLimit { policy.addressLimit = addressLimit }
        if let unit { policy.unit = unit }
        if let interval { policy.interval = interval }
        if let remark { policy.remark = remark }
        do throws(ThrottleRules.Fault) {
            try ThrottleRules.check(policy)
        } catch {
            throw OperationError(error)
        }
    }
}

/// A policy as answers show it.
public struct ListedThrottle: Sendable {
    public let policy: ThrottlePolicy
    public let boundAPIs: Int
    public let hasSpecials: Bool
}

public struct ThrottleFilter: Sendable {
    public var id: String?
    public var name: String?
    public var namePrecisely: Bool

    public init(id: String? = nil, name: String? = nil, namePrecisely: Bool = false) {
        self.id = id
        self.name = name
        self.namePrecisely = namePrecisely
    }
}

extension ControlPlane {
    /// - Throws: ``OperationError``: a field or the limits among themselves wrong, name taken, quota.
    public func createThrottle(_ call: Call, _ draft: ThrottleDraft) async throws -> Written<ListedThrottle> {
        let limit = settings.quotas.throttles
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let policy = try w.createThrottle(draft, limit: limit, of: call)
            return ListedThrottle(policy: policy, boundAPIs: 0, hasSpecials: false)
        }
    }

    /// What is nil stays. In force for all bound APIs at once.
    ///
    /// - Throws: ``OperationError``: policy unknown, a field or the limits among themselves wrong, name taken.
    public func updateThrottle(_ call: Call, id: String, _ draft: ThrottleDraft) async throws -> Written<ListedThrottle> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.listed(try w.updateThrottle(id, draft, of: call))
        }
    }

    /// - Throws: ``OperationError``: unknown policy.
    public func throttle(_ call: Call, id: String) async throws -> ListedThrottle {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.listed(try r.throttle(id, of: call))
        }
    }

    /// - Parameter unbinds: whether bindings go along; a bound policy stays otherwise (management-api.md, 1.2 and 3.13).
    /// - Throws: ``OperationError``: unknown policy, policy bound.
    public func deleteThrottle(_ call: Call, id: String, unbinds: Bool) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try w.remove(try w.throttle(id, of: call), unbinds: unbinds)
        }
    }

    /// Removes those that can be removed; an id that comes twice fails the second time.
    public func deleteThrottles(_ call: Call, ids: [String], unbinds: Bool) async throws -> Written<BatchOutcome> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard ids.count <= Self.bindingLimit else { throw OperationError.invalid(field: "throttles") }
            var outcome = BatchOutcome()
            for id in ids {
                guard let policy = try w.find(ThrottlePolicy.self, id: id, of: call) else {
                    outcome.failures.append(BatchFailure(id: id, name: nil, reason: .notFound(.throttle, id: id)))
                    continue
                }
                do {
                    try w.remove(policy, unbinds: unbinds)
                    outcome.succeeded += 1
                } catch let reason as OperationError {
                    outcome.failures.append(BatchFailure(id: id, name: policy.name, reason: reason))
                }
            }
            return outcome
        }
    }

    /// Newest first.
    public func throttles(_ call: Call, _ filter: ThrottleFilter, page: Page) async throws -> Listing<ListedThrottle> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("t.instance_id = ?", .text(call.instanceID))
            condition.equal("t.id", filter.id)
            condition.matches("t.name", filter.name, exactly: filter.namePrecisely)
            return try r.sql.page(
                "\(ThrottlePolicy.columnList("t")), \(ListedThrottle.counts)", from: "throttles t", where: condition,
                order: "t.created_at DESC, t.id", page: page
            ) { try ListedThrottle(row: $0) }
        }
    }
}

extension ListedThrottle {
    /// Columns for ``init(row:)`` of a policy `t`.
    static let counts = """
        (SELECT COUNT(*) FROM throttle_bindings n WHERE n.throttle_id = t.id) AS bind_num, \
        (SELECT COUNT(*) FROM throttle_specials s WHERE s.throttle_id = t.id) AS special_num
        """

    init(row: SQLRow) throws {
        self.init(
            policy: try ThrottlePolicy(row: row), boundAPIs: try row.int("bind_num"),
            hasSpecials: try row.int("special_num") > 0)
    }
}

extension OperationError {
    init(_ fault: ThrottleRules.Fault) {
        self =
            switch fault {
            case .invalid(let field): .invalid(field: field)
            case .tooSmall(let field): .tooSmall(field: field)
            case .tooLarge(let field): .tooLarge(field: field)
            }
    }
}

extension Writing {
    /// - Parameter limit: policies that the instance may have.
    func createThrottle(_ draft: ThrottleDraft, limit: Int, of call: Call) throws -> ThrottlePolicy {
        var policy = ThrottlePolicy(
            id: newID(), instanceID: call.instanceID, name: "", apiLimit: 0, unit: .second, interval: 0, createdAt: now,
            updatedAt: now)
        try draft.apply(to: &policy)
        try checkThrottleName(policy.name, besides: nil, of: call)
        try checkQuota(
            .throttle,
            count: sql.count("SELECT COUNT(*) AS n FROM throttles WHERE instance_id = ?", [.text(call.instanceID)]), limit: limit)
        try sql.insert(policy)
        try record(.throttle, id: policy.id, before: nil, after: policy)
        return policy
    }

    func updateThrottle(_ id: String, _ draft: ThrottleDraft, of call: Call) throws -> ThrottlePolicy {
        let old = try throttle(id, of: call)
        var new = old
        try draft.apply(to: &new)
        let highest = try specials(ofThrottle: id).map(\.limit).max() ?? 0
        guard highest <= new.apiLimit else { throw OperationError.tooLarge(field: "call_limits") }
        try checkThrottleName(new.name, besides: id, of: call)
        new.updatedAt = now
        try sql.update(new)
        try record(.throttle, id: id, before: old, after: new)
        touch(.throttle(id))
        return new
    }
}

extension Reading {
    func throttle(_ id: String, of call: Call) throws -> ThrottlePolicy {
        guard let policy = try find(ThrottlePolicy.self, id: id, of: call) else {
            throw OperationError.notFound(.throttle, id: id)
        }
        return policy
    }

    func specials(ofThrottle id: String) throws -> [ThrottleSpecial] {
        var own = Condition()
        own.equal("throttle_id", id)
        return try sql.all(ThrottleSpecial.self, where: own, order: "id")
    }

    func bindings(ofThrottle id: String) throws -> [ThrottleBinding] {
        var own = Condition()
        own.equal("throttle_id", id)
        return try sql.all(ThrottleBinding.self, where: own, order: "id")
    }

    fileprivate func listed(_ policy: ThrottlePolicy) throws -> ListedThrottle {
        ListedThrottle(
            policy: policy,
            boundAPIs: try sql.count(
                "SELECT COUNT(*) AS n FROM throttle_bindings WHERE throttle_id = ?", [.text(policy.id)]),
            hasSpecials: try !specials(ofThrottle: policy.id).isEmpty)
    }

    fileprivate func checkThrottleName(_ name: String, besides id: String?, of call: Call) throws {
        let row = try sql.first(
            "SELECT id FROM throttles WHERE instance_id = ? AND name = ?", [.text(call.instanceID), .text(name)])
        if let row, try row.text("id") != id { throw OperationError.taken(.throttle, name: name) }
    }
}

extension Writing {
    fileprivate func remove(_ policy: ThrottlePolicy, unbinds: Bool) throws {
        let bindings = try bindings(ofThrottle: policy.id)
        guard bindings.isEmpty || unbinds else { throw OperationError.conflict(.throttleIsBound) }
        for binding in bindings { try remove(binding) }
        for special in try specials(ofThrottle: policy.id) {
            try record(.throttleSpecial, id: special.id, before: special, after: nil)
        }
        try sql.delete(ThrottlePolicy.self, key: policy.id)
        try record(.throttle, id: policy.id, before: policy, after: nil)
    }
}
