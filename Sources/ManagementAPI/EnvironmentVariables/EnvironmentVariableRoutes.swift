import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Environment variables (management-api.md, 3.7).
    public mutating func addEnvironmentVariables(_ plane: ControlPlane) {
        on(.createEnvironmentVariableV2, body: Wire.EnvVariableCreate.self) { call -> Written<Wire.EnvVariableInfo> in
            let draft = EnvironmentVariableDraft(
                groupID: call.body.groupId, environmentID: call.body.envId, name: call.body.variableName,
                value: call.body.variableValue)
            return try await plane.createEnvironmentVariable(call.call, draft).map(Self.answer)
        }
        // The contract's schema has the value alone; the name is taken where a client sends it (3.7, 6.18).
        on(.updateEnvironmentVariableV2, body: Wire.EnvVariableCreate.self) { call -> Written<Wire.EnvVariableInfo> in
            let id = call.id("env_variable_id")
            let before = try await plane.environmentVariable(call.call, id: id)
            if let group = call.body.groupId, group != before.groupID { throw OperationError.invalid(field: "group_id") }
            if let environment = call.body.envId, environment != before.environmentID {
                throw OperationError.invalid(field: "env_id")
            }
            return try await plane.updateEnvironmentVariable(
                call.call, id: id, name: call.body.variableName, value: call.body.variableValue
            ).map(Self.answer)
        }
        on(.deleteEnvironmentVariableV2) { call -> Written<Void> in
            try await plane.deleteEnvironmentVariable(call.call, id: call.id("env_variable_id"))
        }
        on(.showDetailsOfEnvironmentVariableV2) { call -> Wire.EnvVariableInfo in
            Self.answer(try await plane.environmentVariable(call.call, id: call.id("env_variable_id")))
        }
        on(.listEnvironmentVariablesV2) { call -> Wire.ListEnvironmentVariablesV2Response in
            let filter = EnvironmentVariableFilter(
                groupID: try call.queryID("group_id"), environmentID: try call.filterID("env_id"),
                name: try call.filterName("variable_name"),
                // One document calls the parameter `name` (management-api.md, 1.6).
                namePrecisely: call.query.isPrecise("variable_name") || call.query.isPrecise("name"))
            let list = try await plane.environmentVariables(call.call, filter, page: call.page)
            return Wire.ListEnvironmentVariablesV2Response(
                size: list.items.count, total: list.total, variables: list.items.map(Self.answer))
        }
    }

    private static func answer(_ variable: EnvironmentVariable) -> Wire.EnvVariableInfo {
        var wire = Wire.EnvVariableInfo()
        wire.id = variable.id
        wire.groupId = variable.groupID
        wire.envId = variable.environmentID
        wire.variableName = variable.name
        wire.variableValue = variable.value
        return wire
    }
}
