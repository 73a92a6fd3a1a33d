import ControlPlane
import WireContract

extension OperationRoutes {
    /// Counts for the overview pages of APIG clients (management-api.md, 1.2).
    public mutating func addOutlines(_ plane: ControlPlane) {
        on(.listApiQuantitiesV2) { call -> Wire.ApiQuantities in
            let outline = try await plane.apiOutline(call.call)
            return Wire.ApiQuantities(instanceNum: outline.total, numsOnRelease: outline.used, numsOffRelease: outline.unused)
        }
        on(.listApiGroupsQuantitiesV2) { call -> Wire.ApiGroupQuantities in
            let outline = try await plane.groupOutline(call.call)
            return Wire.ApiGroupQuantities(onsellNums: outline.used, offsellNums: outline.unused)
        }
        on(.listAppQuantitiesV2) { call -> Wire.AppQuantities in
            let outline = try await plane.applicationOutline(call.call)
            return Wire.AppQuantities(authedNums: outline.used, unauthedNums: outline.unused)
        }
    }
}
