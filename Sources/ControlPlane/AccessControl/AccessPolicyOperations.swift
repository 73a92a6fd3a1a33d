import GatewayModel
import Store

/// What a caller says about a new access control policy.
public struct AccessPolicyDraft: Sendable {
    public var name: String
    public var action: AccessControlPolicy.Action
    public var entity: AccessControlPolicy.Entity
    /// Comma-separated, as sent.
    public var value: String

    public init(
        name: String, action: AccessControlPolicy.Action, entity: AccessControlPolicy.Entity, value: String
    ) {
        self.name = name
        self.action = action
        self.entity = entity
        self.value = value
    }
}

/// What shall change of a policy; nil: stays.
public struct AccessPolicyChange: Sendable {
    public var name: String?
    public var action: AccessControlPolicy.Action?
    public var entity: AccessControlPolicy.Entity?
    public var value: String?

    public init(
        name: String? = nil, action: AccessControlPolicy.Action? = nil, entity: AccessControlPolicy.Entity? = nil,
        value: String? = nil
    ) {
        self.name = name
        self.action = action
        self.entity = entity
        self.value = value
    }
}

/// A policy in a list and the number of APIs that it is bound to.
public struct ListedAccessPolicy: Sendable {
    public let policy: AccessControlPolicy
    public let boundAPIs: Int
}

public struct AccessPolicyFilter: Sendable {
    public var id: String?
    public var name: String?
    public var namePrecisely: Bool
    public var action: String?
    public var entity: String?

    public init(
        id: String? = nil, name: String? = nil, namePrecisely: Bool = false, action: String? = nil, entity: String? = nil
    ) {
        self.id = id
        self.name = name
        self.namePrecisely = namePrecisely
        self.action = action
        self.entity = entity
    }
}

extension ControlPlane {
    /// - Throws: ``OperationError``: instance unknown, value or name of the wrong form, name taken, quota.
    public func createAccessPolicy(_ call: Call, _ draft: AccessPolicyDraft) async throws -> Written<AccessControlPolicy> {
        let limit = settings.quotas.accessPolicies
        return try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.createAccessPolicy(draft, limit: limit, of: call)
        }
    }

    /// Changes a policy for all APIs that it is bound to, at once. The entity type is fixed: another one is refused.
    ///
    /// - Throws: ``OperationError``: as for creating, and unknown policy.
    public func updateAccessPolicy(
        _ call: Call, id: String, _ change: AccessPolicyChange
    ) async throws -> Written<AccessControlPolicy> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.updateAccessPolicy(id, change, of: call)
        }
    }

    /// - Throws: ``OperationError``: unknown policy.
    public func accessPolicy(_ call: Call, id: String) async throws -> AccessControlPolicy {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.accessPolicy(id, of: call)
        }
    }

    /// - Throws: ``OperationError``: unknown policy, policy bound.
    public func deleteAccessPolicy(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try w.removeAccessPolicy(w.accessPolicy(id, of: call))
        }
    }

    /// Removes those that can be removed; an id that comes twice fails the second time.
    ///
    /// - Throws: ``OperationError``: instance unknown, more ids than one call may name.
    public func deleteAccessPolicies(_ call: Call, ids: [String]) async throws -> Written<BatchOutcome> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard ids.count <= Self.bindingLimit else { throw OperationError.invalid(field: "acls") }
            var outcome = BatchOutcome()
            for id in ids {
                guard let policy = try w.find(AccessControlPolicy.self, id: id, of: call) else {
                    outcome.failures.append(BatchFailure(id: id, name: nil, reason: .notFound(.accessPolicy, id: id)))
                    continue
                }
                do {
                    try w.removeAccessPolicy(policy)
                    outcome.succeeded += 1
                } catch let reason as OperationError {
                    outcome.failures.append(BatchFailure(id: id, name: policy.name, reason: reason))
                }
            }
            return outcome
        }
    }

    /// Names have the contract's form for names of policies: 3 to 64 letters, digits, underscores and Chinese characters, no
    /// digit or underscore first. The contract states no limits for this field.
    fileprivate static func checkedName(_ name: String) throws -> String {
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "\u{4e00}"..."\u{9fa5}": true
            default: false
            }
        }
        let scalars = name.unicodeScalars
        guard (3...64).contains(scalars.count), let first = scalars.first, isLetter(first),
            scalars.allSatisfy({ isLetter($0) || ("0"..."9").contains($0) || $0 == "_" })
        else { throw OperationError.invalid(field: "acl_name") }
        return name
    }

    fileprivate static func checkedValue(_ value: String, entity: AccessControlPolicy.Entity) throws -> String {
        do {
            return try AccessControlRules.read(value, entity: entity).stored
        } catch {
            throw OperationError.invalid(field: error.field)
        }
    }

    /// Newest first.
    public func accessPolicies(
        _ call: Call, _ filter: AccessPolicyFilter, page: Page
    ) async throws -> Listing<ListedAccessPolicy> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("t.instance_id = ?", .text(call.instanceID))
            condition.equal("t.id", filter.id)
            condition.matches("t.name", filter.name, exactly: filter.namePrecisely)
            condition.equal("t.acl_type", filter.action)
            condition.equal("t.entity_type", filter.entity)
            return try r.sql.page(
                """
                \(AccessControlPolicy.columnList("t")), \
                (SELECT COUNT(*) FROM acl_bindings b WHERE b.acl_id = t.id) AS bind_num
                """, from: "acls t", where: condition, order: "t.created_at DESC, t.id", page: page
            ) { row in
                ListedAccessPolicy(policy: try AccessControlPolicy(row: row), boundAPIs: try row.int("bind_num"))
            }
        }
    }
}

extension Reading {
    func accessPolicy(_ id: String, of call: Call) throws -> AccessControlPolicy {
        guard let policy = try find(AccessControlPolicy.self, id: id, of: call) else {
            throw OperationError.notFound(.accessPolicy, id: id)
        }
        return policy
    }

    func checkAccessPolicyName(_ name: String, besides id: String?, of call: Call) throws {
        let row = try sql.first(
            "SELECT id FROM acls WHERE instance_id = ? AND name = ?", [.text(call.instanceID), .text(name)])
        if let row, try row.text("id") != id { throw OperationError.taken(.accessPolicy, name: name) }
    }
}

extension Writing {
    /// - Parameter limit: policies that the instance may have.
    func createAccessPolicy(_ draft: AccessPolicyDraft, limit: Int, of call: Call) throws -> AccessControlPolicy {
        let name = try ControlPlane.checkedName(draft.name)
        let value = try ControlPlane.checkedValue(draft.value, entity: draft.entity)
        try checkAccessPolicyName(name, besides: nil, of: call)
        try checkQuota(
            .accessPolicy, count: sql.count("SELECT COUNT(*) AS n FROM acls WHERE instance_id = ?", [.text(call.instanceID)]),
            limit: limit)
        let made = AccessControlPolicy(
            id: newID(), instanceID: call.instanceID, name: name, action: draft.action, entity: draft.entity,
            value: value, createdAt: now, updatedAt: now)
        try sql.insert(made)
        try record(.accessPolicy, id: made.id, before: nil, after: made)
        return made
    }

    func updateAccessPolicy(_ id: String, _ change: AccessPolicyChange, of call: Call) throws -> AccessControlPolicy {
        let name = try change.name.map(ControlPlane.checkedName)
        let old = try accessPolicy(id, of: call)
        if let entity = change.entity, entity != old.entity { throw OperationError.invalid(field: "entity_type") }
        var new = old
        if let name { new.name = name }
        if let action = change.action { new.action = action }
        if let value = change.value { new.value = try ControlPlane.checkedValue(value, entity: old.entity) }
        try checkAccessPolicyName(new.name, besides: id, of: call)
        new.updatedAt = now
        try sql.update(new)
        try record(.accessPolicy, id: id, before: old, after: new)
        touch(.accessPolicy(id))
        return new
    }

    fileprivate func removeAccessPolicy(_ policy: AccessControlPolicy) throws {
        let bound = try sql.count("SELECT COUNT(*) AS n FROM acl_bindings WHERE acl_id = ?", [.text(policy.id)])
        guard bound == 0 else { throw OperationError.conflict(.accessPolicyIsBound) }
        try sql.delete(AccessControlPolicy.self, key: policy.id)
        try record(.accessPolicy, id: policy.id, before: policy, after: nil)
    }
}
