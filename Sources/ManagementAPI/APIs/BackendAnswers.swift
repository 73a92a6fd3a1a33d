import Foundation
import GatewayModel
import WireContract

/// Backends and backend policies in answers.
extension APIAnswers {
    static func http(_ backend: HTTPBackendDefinition, _ register: String, _ update: String) -> Wire.BackendApi {
        var wire = Wire.BackendApi()
        wire.id = backend.id
        wire.status = 1
        wire.registerTime = register
        wire.updateTime = update
        wire.authorizerId = backend.authorizerID
        // In front of a channel stands its id.
        wire.urlDomain = backend.channelID ?? backend.address
        wire.reqProtocol = backend.reqProtocol
        wire.reqMethod = backend.reqMethod.rawValue
        wire.reqUri = backend.reqURI
        wire.timeout = backend.timeoutMilliseconds
        wire.enableClientSsl = backend.enableClientTLS
        wire.retryCount = NumberText(String(backend.retryCount))
        wire.version = backend.version
        wire.remark = backend.remark
        wire.vpcChannelStatus = backend.channelID == nil ? 2 : 1
        wire.vpcChannelInfo = channel(backend)
        return wire
    }

    private static func channel(_ backend: HTTPBackendDefinition) -> Wire.VpcInfo? {
        backend.channelID.map {
            Wire.VpcInfo(
                cascadeFlag: false, vpcChannelProxyHost: backend.channelProxyHost, vpcChannelId: $0, vpcChannelPort: 0)
        }
    }

    static func mock(_ backend: MockBackendDefinition, _ register: String, _ update: String) -> Wire.ApiMock {
        var wire = Wire.ApiMock()
        wire.id = backend.id
        wire.status = 1
        wire.registerTime = register
        wire.updateTime = update
        wire.resultContent = backend.resultContent
        wire.statusCode = backend.statusCode
        wire.header = headers(backend)
        wire.version = backend.version
        wire.remark = backend.remark
        wire.authorizerId = backend.authorizerID
        return wire
    }

    /// JSON text, as in the request; nil without headers.
    static func headers(_ backend: MockBackendDefinition) -> String? {
        guard !backend.headers.isEmpty else { return nil }
        return JSONValue.array(
            backend.headers.map { header in
                var members: [String: JSONValue] = ["key": .string(header.key), "value": .string(header.value)]
                members["remark"] = header.remark.map(JSONValue.string)
                return .object(members)
            }
        ).text
    }

    static func function(_ backend: FunctionBackendDefinition, _ register: String, _ update: String) -> Wire.ApiFunc {
        var wire = Wire.ApiFunc()
        wire.id = backend.id
        wire.status = 1
        wire.registerTime = register
        wire.updateTime = update
        wire.functionUrn = backend.functionURN
        wire.networkType = backend.networkType
        wire.invocationType = backend.invocationType
        wire.version = backend.version
        wire.aliasUrn = backend.aliasURN
        wire.timeout = backend.timeoutMilliseconds
        wire.remark = backend.remark
        wire.authorizerId = backend.authorizerID
        return wire
    }

    // MARK: policies

    static func policy(_ policy: BackendPolicy<HTTPBackendDefinition>, _ definition: APIDefinition) -> Wire.ApiPolicyHttpResp {
        let backend = policy.backend
        var wire = Wire.ApiPolicyHttpResp()
        wire.id = policy.id
        wire.name = policy.name
        wire.effectMode = policy.effectMode
        wire.conditions = conditions(policy.conditions, definition)
        wire.backendParams = backendParameters(policy.backendParameters, definition)
        wire.authorizerId = backend.authorizerID
        wire.urlDomain = backend.channelID ?? backend.address
        wire.reqProtocol = backend.reqProtocol
        wire.reqMethod = backend.reqMethod.rawValue
        wire.reqUri = backend.reqURI
        wire.timeout = backend.timeoutMilliseconds
        wire.enableClientSsl = backend.enableClientTLS
        wire.retryCount = NumberText(String(backend.retryCount))
        wire.vpcChannelStatus = backend.channelID == nil ? 2 : 1
        wire.vpcChannelInfo = channel(backend)
        return wire
    }

    static func policy(_ policy: BackendPolicy<MockBackendDefinition>, _ definition: APIDefinition) -> Wire.ApiPolicyMockResp {
        var wire = Wire.ApiPolicyMockResp()
        wire.id = policy.id
        wire.name = policy.name
        wire.effectMode = policy.effectMode
        wire.conditions = conditions(policy.conditions, definition)
        wire.backendParams = backendParameters(policy.backendParameters, definition)
        wire.authorizerId = policy.backend.authorizerID
        wire.resultContent = policy.backend.resultContent
        wire.statusCode = policy.backend.statusCode
        wire.header = headers(policy.backend)
        return wire
    }

    static func policy(
        _ policy: BackendPolicy<FunctionBackendDefinition>, _ definition: APIDefinition
    ) -> Wire.ApiPolicyFunctionResp {
        let backend = policy.backend
        var wire = Wire.ApiPolicyFunctionResp()
        wire.id = policy.id
        wire.name = policy.name
        wire.effectMode = policy.effectMode
        wire.conditions = conditions(policy.conditions, definition)
        wire.backendParams = backendParameters(policy.backendParameters, definition)
        wire.authorizerId = backend.authorizerID
        wire.functionUrn = backend.functionURN
        wire.networkType = backend.networkType
        wire.invocationType = backend.invocationType
        wire.version = backend.version
        wire.aliasUrn = backend.aliasURN
        wire.timeout = backend.timeoutMilliseconds
        return wire
    }

    private static func conditions(_ conditions: [BackendCondition], _ definition: APIDefinition) -> [Wire.ConditionResp] {
        conditions.map { condition in
            var wire = Wire.ConditionResp()
            wire.id = condition.id
            wire.conditionOrigin = condition.origin
            wire.conditionType = condition.type
            wire.conditionValue = condition.value
            wire.reqParamName = condition.requestParameterName
            wire.sysParamName = condition.systemParameterName
            wire.cookieParamName = condition.cookieName
            wire.frontendAuthorizerParamName = condition.authorizerParameterName
            wire.mappedParamName = condition.mappedParameterName
            wire.mappedParamLocation = condition.mappedParameterLocation
            let location = condition.requestParameterLocation
            let parameter = definition.requestParameters.first {
                $0.name == condition.requestParameterName && (location == nil || $0.location.rawValue == location)
            }
            wire.reqParamId = parameter?.id
            wire.reqParamLocation = parameter?.location.rawValue
            return wire
        }
    }
}
