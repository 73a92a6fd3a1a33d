import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// API groups (management-api.md, 3.4).
    public mutating func addAPIGroups(_ plane: ControlPlane) {
        let suffix = plane.settings.groupHostSuffix
        on(.createApiGroupV2, body: Wire.ApiGroupCreate.self) { call -> Written<APIGroupAnswer<Wire.CreateApiGroupV2Response>> in
            let written = try await plane.createAPIGroup(call.call, APIGroupMapping.draft(call.body))
            let names = try await plane.applicationNames([written.value.romaAppID])
            return written.map {
                APIGroupMapping.answer(
                    APIGroupView(newGroup: $0), suffix, register: $0.createdAt.inNanoseconds,
                    update: $0.updatedAt.inNanoseconds, names: names)
            }
        }
        on(.updateApiGroupV2, body: Wire.ApiGroupCreate.self) { call -> Written<APIGroupAnswer<Wire.CreateApiGroupV2Response>> in
            let change = APIGroupChange(name: call.body.name, remark: call.body.remark)
            let written = try await plane.updateAPIGroup(call.call, id: call.id("group_id"), change)
            let names = try await plane.applicationNames([written.value.romaAppID])
            return written.map {
                APIGroupMapping.answer(
                    $0, suffix, register: $0.createdAt.inSeconds, update: $0.updatedAt.inNanoseconds, names: names)
            }
        }
        on(.deleteApiGroupV2) { call -> Written<Void> in
            try await plane.deleteAPIGroup(call.call, id: call.id("group_id"))
        }
        on(.showDetailsOfApiGroupV2) { call -> APIGroupAnswer<Wire.CreateApiGroupV2Response> in
            let group = try await plane.apiGroup(call.call, id: call.id("group_id"))
            let names = try await plane.applicationNames([group.romaAppID])
            return APIGroupMapping.answer(
                group, suffix, register: group.createdAt.inSeconds, update: group.updatedAt.inMicroseconds, names: names)
        }
        on(.listApiGroupsV2) { call -> APIGroupListAnswer in
            var filter = APIGroupFilter()
            filter.id = try call.filterID("id")
            filter.name = try call.filterName("name")
            filter.namePrecisely = call.query.isPrecise("name")
            filter.romaAppID = try call.filterID("roma_app_id")
            filter.domainName = try call.filterName("domain_name")
            filter.domainNamePrecisely = call.query.isPrecise("domain_name")
            let list = try await plane.apiGroups(call.call, filter, page: call.page)
            let names = try await plane.applicationNames(list.items.map(\.romaAppID))
            return APIGroupListAnswer(
                size: list.items.count, total: list.total, groups: list.items.map { APIGroupMapping.element($0, suffix, names) })
        }
        on(.checkApiGroupsV2, body: Wire.ApiGroupCheck.self) { call -> Void in
            guard let name = call.body.groupName, !name.isEmpty else { throw OperationError.invalid(field: "group_name") }
            try await plane.checkAPIGroupName(call.call, name: name, romaAppID: call.body.romaAppId ?? "")
        }
    }
}

enum APIGroupMapping {
    /// Groups of version V2 belong to an application, those of V1 to none.
    static func draft(_ wire: Wire.ApiGroupCreate) throws(OperationError) -> APIGroupDraft {
        guard let name = wire.name else { throw .missing(field: "name") }
        let application = wire.romaAppId ?? ""
        switch wire.version ?? "" {
        case "": break
        case "V1": if !application.isEmpty { throw .invalid(field: "version") }
        case "V2": if application.isEmpty { throw .missing(field: "roma_app_id") }
        default: throw .invalid(field: "version")
        }
        return APIGroupDraft(name: name, remark: wire.remark ?? "", romaAppID: application)
    }

    static func version(_ group: APIGroup) -> String { group.romaAppID.isEmpty ? "V1" : "V2" }

    static func host(_ group: APIGroup, _ suffix: String) -> String { "\(group.id).\(suffix)" }

    /// - Parameter names: of applications by id.
    static func answer(
        _ view: APIGroupView, _ suffix: String, register: String, update: String, names: [String: String]
    ) -> APIGroupAnswer<Wire.CreateApiGroupV2Response> {
        let group = view.group
        return APIGroupAnswer(
            base: Wire.CreateApiGroupV2Response(
                id: group.id, name: group.name, status: 1, slDomain: host(group, suffix), registerTime: register,
                // 2: not listed in the marketplace.
                updateTime: update, onSellStatus: 2, urlDomains: view.domains.map(DomainMapping.ofGroup),
                slDomains: [host(group, suffix)], remark: group.remark, isDefault: group.isDefault ? 1 : 2,
                version: version(group), romaAppId: group.romaAppID.isEmpty ? nil : group.romaAppID, romaAppName: names[group.romaAppID]),
            slDomainAccessEnabled: group.slDomainAccessEnabled)
    }

    static func element(_ view: APIGroupView, _ suffix: String, _ names: [String: String]) -> APIGroupAnswer<Wire.ApiGroupInfo> {
        let group = view.group
        return APIGroupAnswer(
            base: Wire.ApiGroupInfo(
                id: group.id, name: group.name, status: 1, slDomain: host(group, suffix),
                registerTime: group.createdAt.inSeconds, updateTime: group.updatedAt.inMicroseconds, onSellStatus: 2,
                urlDomains: view.domains.map(DomainMapping.ofGroup), slDomains: [host(group, suffix)], remark: group.remark,
                isDefault: group.isDefault ? 1 : 2, version: version(group),
                romaAppId: group.romaAppID.isEmpty ? nil : group.romaAppID, romaAppName: names[group.romaAppID]),
            slDomainAccessEnabled: group.slDomainAccessEnabled)
    }
}

/// A group as the contract describes it, and what newer clients look for besides.
struct APIGroupAnswer<Base: Encodable & Sendable>: Encodable, Sendable {
    let base: Base
    let slDomainAccessEnabled: Bool

    private enum CodingKeys: String, CodingKey {
        case slDomainAccessEnabled = "sl_domain_access_enabled"
    }

    func encode(to encoder: any Encoder) throws {
        try base.encode(to: encoder)
        var further = encoder.container(keyedBy: CodingKeys.self)
        try further.encode(slDomainAccessEnabled, forKey: .slDomainAccessEnabled)
    }
}

/// Page of groups (schema of operation list_api_groups_v2).
struct APIGroupListAnswer: Encodable, Sendable {
    let size: Int
    let total: Int
    let groups: [APIGroupAnswer<Wire.ApiGroupInfo>]
}
