import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Environments (management-api.md, 3.7).
    public mutating func addEnvironments(_ plane: ControlPlane) {
        on(.createEnvironmentV2, body: Wire.EnvCreate.self) { call -> Written<Wire.CreateEnvironmentV2Response> in
            guard let name = call.body.name else { throw OperationError.missing(field: "name") }
            return try await plane.createEnvironment(call.call, name: name, remark: call.body.remark ?? "").map {
                Wire.CreateEnvironmentV2Response(
                    createTime: $0.createdAt.inNanoseconds, name: $0.name, remark: $0.remark, id: $0.id)
            }
        }
        on(.updateEnvironmentV2, body: Wire.EnvCreate.self) { call -> Written<Wire.CreateEnvironmentV2Response> in
            try await plane.updateEnvironment(
                call.call, id: call.id("env_id"), name: call.body.name, remark: call.body.remark
            ).map {
                Wire.CreateEnvironmentV2Response(createTime: $0.createdAt.inSeconds, name: $0.name, remark: $0.remark, id: $0.id)
            }
        }
        on(.deleteEnvironmentV2) { call -> Written<Void> in
            try await plane.deleteEnvironment(call.call, id: call.id("env_id"))
        }
        on(.listEnvironmentsV2) { call -> Wire.ListEnvironmentsV2Response in
            let list = try await plane.environments(call.call, name: try call.filterName("name"), page: call.page)
            return Wire.ListEnvironmentsV2Response(
                size: list.items.count, total: list.total,
                envs: list.items.map {
                    Wire.EnvInfo(createTime: $0.createdAt.inSeconds, name: $0.name, remark: $0.remark, id: $0.id)
                })
        }
    }
}
