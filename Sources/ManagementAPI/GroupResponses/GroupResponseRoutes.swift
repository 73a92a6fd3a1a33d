import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// How groups answer failures (management-api.md, 3.10).
    public mutating func addGroupResponses(_ plane: ControlPlane) {
        on(.createGatewayResponseV2, body: Wire.GatewayResponseForm.self) { call -> Written<Wire.GatewayResponse> in
            try await plane.createGroupResponse(
                call.call, groupID: call.id("group_id"), name: call.body.name ?? "", GroupResponseMapping.entries(call)
            ).map { GroupResponseMapping.answer($0, .created) }
        }
        on(.updateGatewayResponseV2, body: Wire.GatewayResponseForm.self) { call -> Written<Wire.GatewayResponse> in
            try await plane.updateGroupResponse(
                call.call, groupID: call.id("group_id"), id: call.id("response_id"), name: call.body.name,
                GroupResponseMapping.entries(call)
            ).map { GroupResponseMapping.answer($0, .updated) }
        }
        on(.deleteGatewayResponseV2) { call -> Written<Void> in
            try await plane.deleteGroupResponse(call.call, groupID: call.id("group_id"), id: call.id("response_id"))
        }
        on(.showDetailsOfGatewayResponseV2) { call -> Wire.GatewayResponse in
            GroupResponseMapping.answer(
                try await plane.groupResponse(call.call, groupID: call.id("group_id"), id: call.id("response_id")), .read)
        }
        on(.listGatewayResponsesV2) { call -> Wire.GatewayResponseList in
            let list = try await plane.groupResponses(call.call, groupID: call.id("group_id"), page: call.page)
            return Wire.GatewayResponseList(
                size: list.items.count, total: list.total, responses: list.items.map { GroupResponseMapping.answer($0, .read) })
        }
        addTypes(plane)
    }

    private mutating func addTypes(_ plane: ControlPlane) {
        on(.showDetailsOfGatewayResponseTypeV2) { call -> [String: Wire.GatewayResponseEntry] in
            let type = try GroupResponseMapping.type(call.head)
            let response = try await plane.groupResponse(
                call.call, groupID: call.id("group_id"), id: call.id("response_id"))
            return [type.rawValue: GroupResponseMapping.entry(response, type)]
        }
        on(.updateGatewayResponseTypeV2, body: Wire.GatewayResponseEntryForm.self) {
            call -> Written<[String: Wire.GatewayResponseEntry]> in
            let type = try GroupResponseMapping.type(call.head)
            return try await plane.updateGroupResponseType(
                call.call, groupID: call.id("group_id"), id: call.id("response_id"), type, GroupResponseMapping.draft(call.body)
            ).map { [type.rawValue: GroupResponseMapping.entry($0, type)] }
        }
        on(.deleteGatewayResponseTypeV2) { call -> Written<Void> in
            try await plane.restoreGroupResponseType(
                call.call, groupID: call.id("group_id"), id: call.id("response_id"), GroupResponseMapping.type(call.head))
        }
    }
}

enum GroupResponseMapping {
    /// Spelling of times (management-api.md, 1.7).
    enum Moment { case created, updated, read }

    static func type(_ head: CallHead) throws -> GroupResponseType {
        guard let type = GroupResponseType(rawValue: head.id("response_type")) else {
            throw FieldErrorCodes.malformed(head.operation, parameter: "response_type")
        }
        return type
    }

    static func entries(
        _ call: OperationCall<Wire.GatewayResponseForm>
    ) throws -> [GroupResponseType: GroupResponseEntryDraft] {
        var entries: [GroupResponseType: GroupResponseEntryDraft] = [:]
        // Sorted, so that the same body is always refused for the same reason.
        for (name, form) in (call.body.responses ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let type = GroupResponseType(rawValue: name) else { throw OperationError.invalid(field: "responses") }
            // The members of a map are not reached by the rules of the body that holds it.
            if let violation = form.violations().first { throw FieldErrorCodes.refusal(call.operation, violation) }
            entries[type] = draft(form)
        }
        return entries
    }

    static func draft(_ form: Wire.GatewayResponseEntryForm) -> GroupResponseEntryDraft {
        GroupResponseEntryDraft(
            status: form.status, body: form.body,
            headers: form.headers?.map { .init(key: $0.key ?? "", value: $0.value ?? "") })
    }

    static func entry(_ response: GroupResponse, _ type: GroupResponseType) -> Wire.GatewayResponseEntry {
        let own = response.entries[type]
        let entry = own ?? GroupResponseEntry(status: type.defaultStatus, body: GroupResponseEntry.defaultBody)
        return Wire.GatewayResponseEntry(
            status: entry.status, body: entry.body,
            headers: entry.headers.isEmpty ? nil : entry.headers.map { .init(key: $0.key, value: $0.value) }, default: own == nil)
    }

    static func answer(_ response: GroupResponse, _ moment: Moment) -> Wire.GatewayResponse {
        Wire.GatewayResponse(
            id: response.id, name: response.name, default: response.isDefault,
            responses: Dictionary(
                uniqueKeysWithValues: GroupResponseType.allCases.map { ($0.rawValue, entry(response, $0)) }),
            createTime: moment == .created ? response.createdAt.inNanoseconds : response.createdAt.inSeconds,
            updateTime: moment == .read ? response.updatedAt.inMicroseconds : response.updatedAt.inNanoseconds)
    }
}
