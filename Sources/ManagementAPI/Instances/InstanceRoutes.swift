import ControlPlane
import GatewayModel
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
    }
}
