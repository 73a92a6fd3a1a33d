import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// The instance as such (management-api.md, 3.1). A logical gateway of this process: what the vendor says about machines
    /// and networks is left out, what clients decide by is there.
    public mutating func addInstances(_ plane: ControlPlane) {
        on(.showDetailsOfInstanceV2) { call -> Wire.ShowDetailsOfInstanceV2Response in
            InstanceAnswer.details(try await plane.instance(call.call), plane.settings)
        }
        on(.showRestrictionOfInstanceV2) { call -> Wire.ShowRestrictionOfInstanceV2Response in
            _ = try await plane.instance(call.call)
            // No network is reserved for the gateway: there is nothing that a caller must keep clear of.
            return Wire.ShowRestrictionOfInstanceV2Response(restrictCidrs: [])
        }
        on(.listProjectCofigsV2) { call -> Wire.ListProjectCofigsV2Response in
            let instance = try await plane.instance(call.call)
            let page = call.page
            let list = try await plane.quotaStates(call.call, page: page)
            return Wire.ListProjectCofigsV2Response(
                size: list.items.count, total: list.total,
                configs: list.items.enumerated().map { position, quota in
                    Wire.Config(
                        configId: String(page.offset + position + 1), configName: quota.name, configValue: String(quota.limit),
                        configTime: instance.createdAt.inMicroseconds, remark: quota.remark, used: quota.used)
                })
        }
        on(.checkRomaInstanceListV2) { call -> Wire.CheckRomaInstanceListV2Response in
            let page = Page(offset: call.query.integer("offset") ?? 0, limit: call.query.integer("limit") ?? 10)
            // Every instance that exists is running.
            guard call.query.text("status").map({ $0.uppercased() == "RUNNING" }) ?? true else {
                return Wire.CheckRomaInstanceListV2Response(total: 0, size: 0, instances: [])
            }
            let list = try await plane.instances(call.call, InstanceFilter(), page: page)
            return Wire.CheckRomaInstanceListV2Response(
                total: list.total, size: list.items.count,
                instances: list.items.map { instance in
                    let profile = instance.profile
                    let window = profile.maintenance ?? .standard
                    return Wire.RomaInstanceCheckListRespInstances(
                        id: instance.id, name: instance.name, description: instance.description, vpcId: profile.vpcID,
                        subnetId: profile.subnetID, securityGroupId: profile.securityGroupID, publicipEnable: false,
                        status: "RUNNING", projectId: instance.projectID, createTime: instance.createdAt.inMilliseconds,
                        updateTime: instance.updatedAt.inMilliseconds, maintainBegin: window.begin, maintainEnd: window.end,
                        availableZoneIds: profile.zones ?? [], enterpriseProjectId: profile.enterpriseProjectID ?? "0")
                })
        }
        addInstanceLifeCycle(plane)
        addInstanceTags(plane)
    }

    /// For clients of the twin product: instances are made and removed by them.
    private mutating func addInstanceLifeCycle(_ plane: ControlPlane) {
        on(.listInstancesV2) { call -> Wire.ListInstancesV2Response in
            guard call.query.text("status").map({ $0.uppercased() == "RUNNING" }) ?? true else {
                return Wire.ListInstancesV2Response(total: 0, size: 0, instances: [])
            }
            let filter = InstanceFilter(id: try call.filterID("instance_id"), name: try call.filterName("instance_name"))
            let list = try await plane.instances(call.call, filter, page: call.page)
            return Wire.ListInstancesV2Response(
                total: list.total, size: list.items.count, instances: list.items.map(InstanceAnswer.summary))
        }
        on(.createInstanceV2, body: Wire.InstanceCreate.self) { call -> Written<Wire.CreateInstanceV2Response> in
            try await plane.createInstance(call.call, try InstanceAnswer.draft(call.body)).map { instance in
                Wire.CreateInstanceV2Response(instanceId: instance.id, message: "The instance is running")
            }
        }
        on(.updateInstanceV2, body: Wire.InstanceUpdate.self) { call -> Written<Wire.ShowDetailsOfInstanceV2Response> in
            let body = call.body
            try InstanceAnswer.refuse(body.vpcepServiceName, "vpcep_service_name")
            let change = InstanceChange(
                name: body.instanceName, description: body.description, maintainBegin: body.maintainBegin,
                maintainEnd: body.maintainEnd, securityGroupID: body.securityGroupId)
            return try await plane.updateInstance(call.call, change).map { InstanceAnswer.details($0, plane.settings) }
        }
        on(.deleteInstancesV2) { call -> Written<Void> in try await plane.deleteInstance(call.call) }
        on(.showDetailsOfInstanceProgressV2) { call -> Wire.ShowDetailsOfInstanceProgressV2Response in
            let made = Int(try await plane.instance(call.call).createdAt.nanoseconds / 1_000_000)
            // There is nothing to wait for: an instance that exists is running.
            return Wire.ShowDetailsOfInstanceProgressV2Response(
                progress: 100, status: "success", startTime: made, endTime: made)
        }
        on(.listInstanceFeatures) { call -> Wire.ListInstanceFeaturesResponse in
            _ = try await plane.instance(call.call)
            let all = FeatureCatalogue.supportedNames
            let shown = Array(all.dropFirst(call.page.offset).prefix(call.page.limit))
            return Wire.ListInstanceFeaturesResponse(total: all.count, size: shown.count, features: shown)
        }
        on(.listInstanceConfigsV2) { call -> Wire.ListInstanceConfigsV2Response in
            let quotas = plane.settings.quotas
            let all = [
                ("INSTANCE_NUM_LIMIT", quotas.instances, "Instances of the project"),
                ("INSTANCE_TAG_NUM_LIMIT", quotas.tagsPerInstance, "Tags of an instance"),
            ]
            let shown = all.enumerated().dropFirst(call.page.offset).prefix(call.page.limit).map { position, limit in
                // From the settings file: there is no moment at which it was configured.
                Wire.InstanceConfig(
                    configId: String(position + 1), configName: limit.0, configValue: String(limit.1),
                    configTime: FeatureTimes.never, remark: limit.2)
            }
            return Wire.ListInstanceConfigsV2Response(total: all.count, size: shown.count, configs: shown)
        }
        on(.listAvailableZonesV2) { _ -> Wire.ListAvailableZonesV2Response in
            // One process, one place. Instances may name others, which are shown as given.
            Wire.ListAvailableZonesV2Response(availableZones: [
                Wire.AvailableZone(
                    name: "gatehouse", id: "gatehouse", code: "gatehouse", port: "",
                    localName: Wire.LocalName(enUs: "This gateway", zhCn: "This gateway"))
            ])
        }
    }
}

enum InstanceAnswer {
    static func details(_ instance: Instance, _ settings: ControlPlaneSettings) -> Wire.ShowDetailsOfInstanceV2Response {
        let profile = instance.profile
        let window = profile.maintenance ?? .standard
        let addresses = settings.gatewayAddresses
        return Wire.ShowDetailsOfInstanceV2Response(
            id: instance.id, projectId: instance.projectID, instanceName: instance.name, status: "Running",
            // 6: Running.
            instanceStatus: 6, type: type(of: profile), spec: profile.spec ?? "ROMA_BASIC",
            createTime: milliseconds(instance.createdAt), enterpriseProjectId: profile.enterpriseProjectID ?? "0",
            chargingMode: 0, description: instance.description, vpcId: profile.vpcID, subnetId: profile.subnetID,
            securityGroupId: profile.securityGroupID, maintainBegin: window.begin, maintainEnd: window.end,
            ingressIp: addresses.first, userId: profile.userID,
            // A text in the form of a list.
            availableZoneIds: "[" + (profile.zones ?? []).joined(separator: ", ") + "]",
            supportedFeatures: FeatureCatalogue.supportedNames, nodeIps: Wire.NodeIps(livedata: [], shubao: addresses),
            ingressIps: addresses.joined(separator: ","))
    }

    static func summary(_ instance: Instance) -> Wire.InstanceSummary {
        let profile = instance.profile
        return Wire.InstanceSummary(
            id: instance.id, projectId: instance.projectID, instanceName: instance.name, status: "Running", instanceStatus: 6,
            type: type(of: profile), spec: profile.spec ?? "ROMA_BASIC", createTime: milliseconds(instance.createdAt),
            enterpriseProjectId: profile.enterpriseProjectID ?? "0", chargingMode: 0, loadbalancerProvider: profile.balancer)
    }

    /// Nil for the instance that came with the gateway.
    private static func type(of profile: InstanceProfile) -> String? { profile.spec == nil ? nil : "apig" }

    private static func milliseconds(_ moment: Timestamp) -> Int { Int(moment.nanoseconds / 1_000_000) }

    static func draft(_ body: Wire.InstanceCreate) throws -> InstanceDraft {
        // Public addresses, bandwidth and endpoint services belong to a cloud: asked for here they would do nothing.
        try refuse(body.eipId, "eip_id")
        try refuse(body.bandwidthChargingMode, "bandwidth_charging_mode")
        try refuse(body.ingressBandwidthChargingMode, "ingress_bandwidth_charging_mode")
        try refuse(body.vpcepServiceName, "vpcep_service_name")
        for (size, name) in [(body.bandwidthSize, "bandwidth_size"), (body.ingressBandwidthSize, "ingress_bandwidth_size")]
        where size ?? 0 != 0 {
            throw Refusal(.apic7211, name)
        }
        if body.ipv6Enable == true { throw OperationError.conflict(.noIPv6) }
        var profile = InstanceProfile()
        profile.spec = body.specId
        profile.vpcID = given(body.vpcId)
        profile.subnetID = given(body.subnetId)
        profile.securityGroupID = given(body.securityGroupId)
        profile.enterpriseProjectID = given(body.enterpriseProjectId)
        profile.zones = body.availableZoneIds
        profile.balancer = body.loadbalancerProvider
        return InstanceDraft(
            id: given(body.instanceId), name: body.instanceName ?? "", description: body.description ?? "", profile: profile,
            maintainBegin: body.maintainBegin, maintainEnd: body.maintainEnd,
            tags: (body.tags ?? []).map { InstanceTag(key: $0.key ?? "", value: $0.value ?? "") })
    }

    static func refuse(_ text: String?, _ name: String) throws {
        if given(text) != nil { throw Refusal(.apic7211, name) }
    }

    private static func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
}
