import GatewayModel
import OpenAPIDocuments
import Store

/// Group responses of documents (`x-apigateway-responses`).
extension Writing {
    /// The response of the group that has this name: as the document describes it, or as it is when the document only names it.
    ///
    /// - Parameter overrides: an existing response takes over the description.
    /// - Throws: ``OperationError``: unknown response without a description, a field that cannot be answered, quota.
    func importedResponse(
        _ name: String, _ description: ResponseDescription?, overrides: Bool, groupID: String, limit: Int, of call: Call
    ) throws -> String {
        if name == GroupResponse.defaultName, description == nil { return groupID }
        let row = try sql.first(
            "SELECT id FROM group_responses WHERE group_id = ? AND name = ?", [.text(groupID), .text(name)])
        let existing = name == GroupResponse.defaultName ? groupID : try row?.text("id")
        guard let description else {
            guard let existing else { throw OperationError.notFound(.groupResponse, id: name) }
            return existing
        }
        let entries = try drafts(description)
        guard let existing else { return try createGroupResponse(name, entries, groupID: groupID, limit: limit, of: call).id }
        if overrides { _ = try updateGroupResponse(existing, name: nil, entries, groupID: groupID, of: call) }
        return existing
    }

    private func drafts(_ description: ResponseDescription) throws -> [GroupResponseType: GroupResponseEntryDraft] {
        var drafts: [GroupResponseType: GroupResponseEntryDraft] = [:]
        for (name, entry) in description.entries {
            guard let type = GroupResponseType(rawValue: name) else { throw OperationError.invalid(field: "x-apigateway-responses") }
            drafts[type] = GroupResponseEntryDraft(
                status: entry.status, body: entry.body, headers: entry.headers.map { .init(key: $0.key, value: $0.value) })
        }
        return drafts
    }
}

extension ResponseDescription {
    init(_ response: GroupResponse) {
        var entries: [String: Entry] = [:]
        for (type, entry) in response.entries {
            entries[type.rawValue] = Entry(
                status: entry.status, body: entry.body, headers: entry.headers.map { .init(key: $0.key, value: $0.value) })
        }
        self.init(entries: entries)
    }
}
