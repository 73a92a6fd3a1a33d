import ControlPlane
import GatewayModel
import WireContract

/// `policy_https`, `policy_mocks` and `policy_functions` of a definition (gateway-runtime.md, 4.6).
extension APIMapping {
    static func httpPolicy(_ wire: Wire.ApiPolicyHttpCreate) throws(OperationError) -> BackendPolicy<HTTPBackendDefinition> {
        let channel = try self.channel(wire.vpcChannelInfo, status: wire.vpcChannelStatus)
        let backend = HTTPBackendDefinition(
            id: "", reqProtocol: try given(wire.reqProtocol, "req_protocol"), reqMethod: try word(wire.reqMethod, "req_method"),
            reqURI: try given(wire.reqUri, "req_uri"), address: channel == nil ? text(wire.urlDomain) : nil,
            timeoutMilliseconds: wire.timeout ?? 5000, retryCount: try retryCount(wire.retryCount),
            enableClientTLS: wire.enableClientSsl ?? false, authorizerID: text(wire.authorizerId), channelID: channel,
            channelProxyHost: channel == nil ? nil : text(wire.vpcChannelInfo?.vpcChannelProxyHost))
        return try policy(wire.name, wire.effectMode, wire.conditions, wire.backendParams, backend)
    }

    static func mockPolicy(_ wire: Wire.ApiPolicyMockCreate) throws(OperationError) -> BackendPolicy<MockBackendDefinition> {
        let backend = MockBackendDefinition(
            id: "", resultContent: wire.resultContent ?? "", statusCode: wire.statusCode ?? 200,
            headers: try mockHeaders(wire.header), authorizerID: text(wire.authorizerId))
        return try policy(wire.name, wire.effectMode, wire.conditions, wire.backendParams, backend)
    }

    static func functionPolicy(
        _ wire: Wire.ApiPolicyFunctionCreate
    ) throws(OperationError) -> BackendPolicy<FunctionBackendDefinition> {
        let backend = FunctionBackendDefinition(
            id: "", functionURN: try given(wire.functionUrn, "function_urn"),
            version: functionVersion(wire.version, wire.aliasUrn), aliasURN: text(wire.aliasUrn),
            networkType: text(wire.networkType) ?? "V1", invocationType: try given(wire.invocationType, "invocation_type"),
            timeoutMilliseconds: wire.timeout ?? 5000, authorizerID: text(wire.authorizerId))
        return try policy(wire.name, wire.effectMode, wire.conditions, wire.backendParams, backend)
    }

    private static func policy<Backend>(
        _ name: String?, _ effectMode: String?, _ conditions: [Wire.ApiConditionCreate]?,
        _ parameters: [Wire.BackendParamBase]?, _ backend: Backend
    ) throws(OperationError) -> BackendPolicy<Backend> {
        BackendPolicy(
            id: "", name: try given(name, "name"), effectMode: try given(effectMode, "effect_mode"),
            conditions: try each(conditions, condition), backendParameters: try each(parameters, backendParameter),
            backend: backend)
    }

    private static func condition(_ wire: Wire.ApiConditionCreate) throws(OperationError) -> BackendCondition {
        BackendCondition(
            id: "", origin: try given(wire.conditionOrigin, "condition_origin"), type: text(wire.conditionType),
            value: try given(wire.conditionValue, "condition_value"), requestParameterName: text(wire.reqParamName),
            requestParameterLocation: text(wire.reqParamLocation), systemParameterName: text(wire.sysParamName),
            cookieName: text(wire.cookieParamName), authorizerParameterName: text(wire.frontendAuthorizerParamName),
            mappedParameterName: text(wire.mappedParamName), mappedParameterLocation: text(wire.mappedParamLocation))
    }
}
