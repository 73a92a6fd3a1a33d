import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Tags of instances, in the form of the vendor's tag service.
    mutating func addInstanceTags(_ plane: ControlPlane) {
        on(.listInstanceTags) { call -> Wire.ListInstanceTagsResponse in
            Wire.ListInstanceTagsResponse(tags: Self.wire(try await plane.instanceTags(call.call)))
        }
        on(.batchCreateOrDeleteInstanceTags, body: Wire.TmsUpdate.self) { call -> Written<Void> in
            let tags = call.body.tags ?? []
            switch call.body.action {
            case "create":
                return try await plane.addInstanceTags(
                    call.call, tags.map { InstanceTag(key: $0.key ?? "", value: $0.value ?? "") })
            case "delete":
                return try await plane.removeInstanceTags(call.call, tags.map { (key: $0.key ?? "", value: $0.value) })
            default: throw Refusal(.apic7211, "action")
            }
        }
        on(.listProjectInstanceTags) { call -> Wire.ListProjectInstanceTagsResponse in
            Wire.ListProjectInstanceTagsResponse(
                tags: try await plane.projectInstanceTags(call.call).map { Wire.TmsKeyValues(key: $0.key, values: $0.values) })
        }
        on(.listInstancesByTags, body: Wire.TmsQuery.self) { call -> Wire.ListInstancesByTagsResponse in
            let list = try await plane.instances(call.call, try Self.filter(call.body), page: call.page)
            return Wire.ListInstancesByTagsResponse(
                resources: list.items.map { found in
                    Wire.TmsResource(
                        resourceId: found.instance.id, resourceName: found.instance.name, tags: Self.wire(found.tags))
                }, totalCount: list.total)
        }
        on(.showInstancesNumByTags, body: Wire.TmsQuery.self) { call -> Wire.ShowInstancesNumByTagsResponse in
            let list = try await plane.instances(call.call, try Self.filter(call.body), page: Page(offset: 0, limit: 1))
            return Wire.ShowInstancesNumByTagsResponse(totalCount: list.total)
        }
    }

    private static func wire(_ tags: [InstanceTag]) -> [Wire.TmsKeyValue] {
        tags.map { Wire.TmsKeyValue(key: $0.key, value: $0.value) }
    }

    private static func filter(_ query: Wire.TmsQuery) throws -> InstanceTagFilter {
        // Tags of the vendor's own systems, which no instance has.
        if query.sysTags?.isEmpty == false { throw Refusal(.apic7211, "sys_tags") }
        var filter = InstanceTagFilter()
        filter.withoutAny = query.withoutAnyTag ?? false
        filter.tags = (query.tags ?? []).map { (key: $0.key ?? "", values: $0.values ?? []) }
        for match in query.matches ?? [] {
            guard match.key == "resource_name", filter.name == nil else { throw Refusal(.apic7211, "matches") }
            filter.name = match.value
        }
        return filter
    }
}
