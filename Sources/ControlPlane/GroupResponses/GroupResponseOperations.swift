import GatewayModel
import Store

/// What a caller says about one type of failure.
public struct GroupResponseEntryDraft: Sendable {
    public var status: Int?
    public var body: String?
    public var headers: [GroupResponseEntry.Header]?

    public init(status: Int?, body: String?, headers: [GroupResponseEntry.Header]?) {
        self.status = status
        self.body = body
        self.headers = headers
    }
}

extension ControlPlane {
    /// Makes a response that APIs of the group can choose by `response_id`.
    ///
    /// - Parameter entries: types that shall differ from the gateway's own answers.
    /// - Throws: ``OperationError``: group unknown, name taken, quota, a field that cannot be answered.
    public func createGroupResponse(
        _ call: Call, groupID: String, name: String, _ entries: [GroupResponseType: GroupResponseEntryDraft]
    ) async throws -> Written<GroupResponse> {
        let limit = settings.quotas.responsesPerGroup
        return try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.createGroupResponse(name, entries, groupID: groupID, limit: limit, of: call)
        }
    }

    /// Replaces the types that are named, at once for all APIs that use the response; the others stay.
    ///
    /// - Throws: ``OperationError``: as for creating; response unknown; another name for the default one.
    public func updateGroupResponse(
        _ call: Call, groupID: String, id: String, name: String?, _ entries: [GroupResponseType: GroupResponseEntryDraft]
    ) async throws -> Written<GroupResponse> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.updateGroupResponse(id, name: name, entries, groupID: groupID, of: call)
        }
    }

    /// Removes a response. APIs that had chosen it answer with the group's default one.
    ///
    /// - Throws: ``OperationError``: response unknown, or the default one.
    public func deleteGroupResponse(_ call: Call, groupID: String, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let response = try w.groupResponse(id, groupID: groupID, of: call)
            if response.isDefault { throw OperationError.conflict(.defaultResponseStays) }
            try w.sql.delete(GroupResponseRow.self, key: id)
            try w.record(.groupResponse, id: id, before: response, after: nil)
            w.touch(.group(groupID))
        }
    }

    public func groupResponse(_ call: Call, groupID: String, id: String) async throws -> GroupResponse {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.groupResponse(id, groupID: groupID, of: call)
        }
    }

    /// Newest first; the default one, which is as old as the group, last.
    public func groupResponses(_ call: Call, groupID: String, page: Page) async throws -> Listing<GroupResponse> {
        try await read { r in
            try r.checkInstance(of: call)
            let group = try r.group(groupID, of: call)
            var own = Condition()
            own.equal("group_id", group.id)
            // A group has a handful.
            var all = try r.sql.all(GroupResponseRow.self, where: own, order: "is_default, created_at DESC, id").map(\.response)
            if all.last?.isDefault != true { all.append(GroupResponse(defaultOf: group)) }
            return Listing(total: all.count, items: Array(all.dropFirst(page.offset).prefix(page.limit)))
        }
    }

    /// Changes the answer to one type of failure.
    ///
    /// - Throws: ``OperationError``: response unknown, a field that cannot be answered.
    public func updateGroupResponseType(
        _ call: Call, groupID: String, id: String, _ type: GroupResponseType, _ entry: GroupResponseEntryDraft
    ) async throws -> Written<GroupResponse> {
        try await updateGroupResponse(call, groupID: groupID, id: id, name: nil, [type: entry])
    }

    /// Makes the answer to one type of failure the gateway's own again.
    ///
    /// - Throws: ``OperationError``: response unknown.
    public func restoreGroupResponseType(
        _ call: Call, groupID: String, id: String, _ type: GroupResponseType
    ) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.groupResponse(id, groupID: groupID, of: call)
            var response = before
            response.entries[type] = nil
            try w.store(&response, before: before)
        }
    }

    /// An entry that says what the gateway says anyway is none: what a client read and writes back changes nothing.
    fileprivate static func changes(
        _ drafts: [GroupResponseType: GroupResponseEntryDraft]
    ) throws(OperationError) -> [GroupResponseType: GroupResponseEntry?] {
        var result: [GroupResponseType: GroupResponseEntry?] = [:]
        for type in GroupResponseType.allCases {
            guard let draft = drafts[type] else { continue }
            let entry = GroupResponseEntry(
                status: draft.status ?? type.defaultStatus, body: draft.body ?? GroupResponseEntry.defaultBody,
                headers: draft.headers ?? [])
            do {
                try GroupResponseRules.check(entry)
            } catch {
                throw .invalid(field: error.field)
            }
            let isDefault = entry == GroupResponseEntry(status: type.defaultStatus, body: GroupResponseEntry.defaultBody)
            result.updateValue(isDefault ? nil : entry, forKey: type)
        }
        return result
    }

    fileprivate static func entries(
        _ drafts: [GroupResponseType: GroupResponseEntryDraft]
    ) throws(OperationError) -> [GroupResponseType: GroupResponseEntry] {
        try changes(drafts).compactMapValues(\.self)
    }
}

extension Reading {
    func groupResponse(_ id: String, groupID: String, of call: Call) throws -> GroupResponse {
        let group = try group(groupID, of: call)
        if let row = try find(GroupResponseRow.self, id: id, of: call), row.response.groupID == groupID { return row.response }
        guard id == group.id else { throw OperationError.notFound(.groupResponse, id: id) }
        return GroupResponse(defaultOf: group)
    }

    func checkGroupResponseName(_ name: String, besides id: String?, groupID: String) throws {
        let row = try sql.first(
            "SELECT id FROM group_responses WHERE group_id = ? AND name = ?", [.text(groupID), .text(name)])
        let taken = try row.map { try $0.text("id") != id } ?? false
        if taken || name == GroupResponse.defaultName { throw OperationError.taken(.groupResponse, name: name) }
    }
}

extension Writing {
    /// - Parameter limit: responses that a group may have besides its default one.
    func createGroupResponse(
        _ name: String, _ entries: [GroupResponseType: GroupResponseEntryDraft], groupID: String, limit: Int, of call: Call
    ) throws -> GroupResponse {
        let group = try group(groupID, of: call)
        let entries = try ControlPlane.entries(entries)
        try checkGroupResponseName(name, besides: nil, groupID: group.id)
        var named = Condition()
        named.equal("group_id", group.id)
        named.and("is_default = 0")
        try checkQuota(.groupResponse, count: sql.count(GroupResponseRow.self, where: named), limit: limit)
        let response = GroupResponse(
            id: newID(), instanceID: call.instanceID, groupID: group.id, name: name, isDefault: false, entries: entries,
            createdAt: now, updatedAt: now)
        try sql.insert(GroupResponseRow(response))
        try record(.groupResponse, id: response.id, before: nil, after: response)
        return response
    }

    func updateGroupResponse(
        _ id: String, name: String?, _ entries: [GroupResponseType: GroupResponseEntryDraft], groupID: String, of call: Call
    ) throws -> GroupResponse {
        let before = try groupResponse(id, groupID: groupID, of: call)
        var response = before
        if let name, name != before.name {
            if before.isDefault { throw OperationError.conflict(.defaultResponseKeepsName) }
            try checkGroupResponseName(name, besides: id, groupID: groupID)
            response.name = name
        }
        for (type, entry) in try ControlPlane.changes(entries) { response.entries[type] = entry }
        try store(&response, before: before)
        return response
    }

    /// The default response has no row until something about it differs.
    fileprivate func store(_ response: inout GroupResponse, before: GroupResponse) throws {
        guard response != before else { return }
        response.updatedAt = now
        if try sql.find(GroupResponseRow.self, key: response.id) == nil {
            try sql.insert(GroupResponseRow(response))
        } else {
            try sql.update(GroupResponseRow(response))
        }
        try record(.groupResponse, id: response.id, before: before, after: response)
        touch(.group(response.groupID))
    }
}
