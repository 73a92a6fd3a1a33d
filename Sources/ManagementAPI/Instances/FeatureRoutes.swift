import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Features of an instance (management-api.md, 3.2).
    public mutating func addFeatures(_ plane: ControlPlane) {
        on(.createFeatureV2, body: Wire.FeatureToggleV2.self) { call -> Written<Wire.CreateFeatureV2Response> in
            let body = call.body
            return try await plane.setFeature(
                call.call, name: body.name ?? "", enabled: body.enable ?? false, config: body.config?.text
            ).map { state in
                Wire.CreateFeatureV2Response(
                    id: state.id, name: state.name, enable: state.enabled, config: state.config,
                    instanceId: state.instanceID, updateTime: state.updatedAt?.inNanoseconds ?? FeatureTimes.never)
            }
        }
        on(.listFeaturesV2) { call -> Wire.ListFeaturesV2Response in
            let list = try await plane.features(call.call, page: call.page)
            return Wire.ListFeaturesV2Response(
                size: list.items.count, total: list.total,
                features: list.items.map { state in
                    Wire.FeatureInfoV2(
                        id: state.id, name: state.name, enable: state.enabled, config: state.config,
                        instanceId: state.instanceID, updateTime: state.updatedAt?.inMicroseconds ?? FeatureTimes.never)
                })
        }
    }
}

enum FeatureTimes {
    /// Of what was never configured (management-api.md, 1.7).
    static let never = "0001-01-01T00:00:00Z"
}
