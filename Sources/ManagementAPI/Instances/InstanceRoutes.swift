import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// The instance as such (management-api.md, 3.1). A logical gateway of this process: what the vendor says about machines
    /// and networks is left out, what clients decide by is there.
    public mutating func addInstances(_ plane: ControlPlane) {
        on(.showDetailsOfInstanceV2) { call -> Wire.ShowDetailsOfInstanceV2Response in
            let instance = try await plane.instance(call.call)
            let addresses = plane.settings.gatewayAddresses
            return Wire.ShowDetailsOfInstanceV2Response(
                id: instance.id, projectId: instance.projectID, instanceName: instance.name, status: "Running",
                // 6: Running.
                instanceStatus: 6, spec: "ROMA_BASIC", createTime: Int(instance.createdAt.nanoseconds / 1_000_000),
                enterpriseProjectId: "0", chargingMode: 0, description: instance.description, maintainBegin: "22:00:00",
                maintainEnd: "02:00:00", ingressIp: addresses.first, availableZoneIds: "[]",
                supportedFeatures: FeatureCatalogue.supportedNames, nodeIps: Wire.NodeIps(livedata: [], shubao: addresses),
                ingressIps: addresses.joined(separator: ","))
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
            let list = try await plane.instances(call.call, page: page)
            return Wire.CheckRomaInstanceListV2Response(
                total: list.total, size: list.items.count,
                instances: list.items.map { instance in
                    Wire.RomaInstanceCheckListRespInstances(
                        id: instance.id, name: instance.name, description: instance.description, publicipEnable: false,
                        status: "RUNNING", projectId: instance.projectID, createTime: instance.createdAt.inMilliseconds,
                        updateTime: instance.updatedAt.inMilliseconds, maintainBegin: "22:00:00", maintainEnd: "02:00:00",
                        availableZoneIds: [], enterpriseProjectId: "0")
                })
        }
    }
}
