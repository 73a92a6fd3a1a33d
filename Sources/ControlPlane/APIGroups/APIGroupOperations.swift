import GatewayModel
import Store

/// What a caller says about a new group.
public struct APIGroupDraft: Sendable {
    public var name: String
    public var remark: String
    /// Owning integration application; empty for a group of version V1.
    public var romaAppID: String

    public init(name: String, remark: String = "", romaAppID: String = "") {
        self.name = name
        self.remark = remark
        self.romaAppID = romaAppID
    }
}

/// Parts of a group that shall change; nil stays as it is.
public struct APIGroupChange: Sendable {
    public var name: String?
    public var remark: String?

    public init(name: String? = nil, remark: String? = nil) {
        self.name = name
        self.remark = remark
    }
}

public struct APIGroupFilter: Sendable {
    public var id: String?
    public var name: String?
    public var namePrecisely = false
    public var romaAppID: String?
    /// A bound domain.
    public var domainName: String?
    public var domainNamePrecisely = false

    public init() {}
}

extension ControlPlane {
    /// Makes a group, reached at its debugging host at once.
    ///
    /// - Throws: ``OperationError``: instance or application unknown, name taken, quota.
    public func createAPIGroup(_ call: Call, _ draft: APIGroupDraft) async throws -> Written<APIGroup> {
        let limit = settings.quotas.apiGroups
        return try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.createGroup(draft, limit: limit, of: call)
        }
    }

    /// - Throws: ``OperationError``: group unknown, name taken.
    public func updateAPIGroup(_ call: Call, id: String, _ change: APIGroupChange) async throws -> Written<APIGroupView> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            if let remark = change.remark { try Self.checkPlain(remark, field: "remark") }
            let before = try w.group(id, of: call)
            var group = before
            group.name = change.name ?? group.name
            group.remark = change.remark ?? group.remark
            try w.checkGroupName(group.name, romaAppID: group.romaAppID, besides: id, of: call)
            group.updatedAt = w.now
            try w.sql.update(group)
            try w.record(.apiGroup, id: id, before: before, after: group)
            w.touch(.group(id))
            return try w.view(group)
        }
    }

    /// - Throws: ``OperationError``: group unknown, DEFAULT, or it holds APIs; a version in force counts, though its API's
    ///   draft may have moved to another group.
    public func deleteAPIGroup(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try w.removeGroup(w.group(id, of: call))
        }
    }

    public func apiGroup(_ call: Call, id: String) async throws -> APIGroupView {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.view(r.group(id, of: call))
        }
    }

    /// Newest first.
    public func apiGroups(_ call: Call, _ filter: APIGroupFilter, page: Page) async throws -> Listing<APIGroupView> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.equal("id", filter.id)
            condition.matches("name", filter.name, exactly: filter.namePrecisely)
            condition.equal("roma_app_id", filter.romaAppID)
            if let name = filter.domainName, !name.isEmpty {
                var bound = Condition()
                bound.matches("name", filter.domainNamePrecisely ? BoundDomain.normalized(name) : name, exactly: filter.domainNamePrecisely)
                condition.and("id IN (SELECT group_id FROM url_domains\(bound.sql))", bound.arguments[0])
            }
            let found = try r.sql.page(APIGroup.self, where: condition, order: "created_at DESC, id", page: page)
            return Listing(total: found.total, items: try r.views(found.items))
        }
    }

    /// Whether a group could have the name.
    ///
    /// - Throws: ``OperationError/taken(_:name:)``.
    public func checkAPIGroupName(_ call: Call, name: String, romaAppID: String) async throws {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkIntegrationApplication(romaAppID, of: call)
            try r.checkGroupName(name, romaAppID: romaAppID, besides: nil, of: call)
        }
    }
}

extension ControlPlane {
    /// Remarks go into pages of consoles: no markup (management-api.md, 3.8).
    static func checkPlain(_ text: String, field: String) throws(OperationError) {
        if text.contains(where: { $0 == "<" || $0 == ">" }) { throw .invalid(field: field) }
    }
}

extension Writing {
    /// - Throws: ``OperationError/conflict(_:)`` for DEFAULT, and for a group that holds APIs.
    func removeGroup(_ group: APIGroup) throws {
        let id = group.id
        if group.isDefault { throw OperationError.conflict(.groupIsDefault) }
        let held = try sql.count(
            """
            SELECT (SELECT COUNT(*) FROM apis WHERE group_id = ?)
              + (SELECT COUNT(*) FROM publications WHERE group_id = ? AND version_id IS NOT NULL) AS n
            """, [.text(id), .text(id)])
        guard held == 0 else { throw OperationError.conflict(.groupHoldsAPIs(id: id)) }
        // Publications that are offline only remember the group: they follow their API.
        try sql.execute(
            """
            UPDATE publications SET group_id = (SELECT a.group_id FROM apis a WHERE a.id = publications.api_id)
            WHERE group_id = ?
            """, [.text(id)])
        var own = Condition()
        own.equal("group_id", id)
        for domain in try sql.all(BoundDomain.self, where: own) { try remove(domain) }
        for row in try sql.all(GroupResponseRow.self, where: own) {
            try record(.groupResponse, id: row.response.id, before: row.response, after: nil)
        }
        try recordRemovalOfVariables(where: own)
        try sql.delete(APIGroup.self, key: id)
        try record(.apiGroup, id: id, before: group, after: nil)
        touch(.group(id))
    }

    /// - Parameter limit: groups that the instance may have.
    func createGroup(_ draft: APIGroupDraft, limit: Int, of call: Call) throws -> APIGroup {
        try ControlPlane.checkPlain(draft.remark, field: "remark")
        try checkIntegrationApplication(draft.romaAppID, of: call)
        try checkGroupName(draft.name, romaAppID: draft.romaAppID, besides: nil, of: call)
        try checkQuota(
            .apiGroup, count: sql.count("SELECT COUNT(*) AS n FROM api_groups WHERE instance_id = ?", [.text(call.instanceID)]),
            limit: limit)
        let group = APIGroup(
            id: newID(), instanceID: call.instanceID, name: draft.name, remark: draft.remark, isDefault: false,
            romaAppID: draft.romaAppID, createdAt: now, updatedAt: now)
        try sql.insert(group)
        try record(.apiGroup, id: group.id, before: nil, after: group)
        touch(.group(group.id))
        return group
    }
}

extension Reading {
    func group(_ id: String, of call: Call) throws -> APIGroup {
        guard let group = try find(APIGroup.self, id: id, of: call) else { throw OperationError.notFound(.apiGroup, id: id) }
        return group
    }

    /// Unique in the instance for groups of version V1, in their application for those of V2.
    func checkGroupName(_ name: String, romaAppID: String, besides id: String?, of call: Call) throws {
        let other = try sql.first(
            "SELECT id FROM api_groups WHERE instance_id = ? AND roma_app_id = ? AND name = ?",
            [.text(call.instanceID), .text(romaAppID), .text(name)])
        if let other, try other.text("id") != id { throw OperationError.taken(.apiGroup, name: name) }
    }
}
