import GatewayModel
import WireContract

/// A definition of a document in the contract's shape, so that an API of a document keeps every limit that one made by hand
/// keeps. What documents name instead of identifying (channels, authorizers, responses, orchestration rules) is looked up later
/// and left out here.
extension Wire.ApiCreate {
    init(_ definition: APIDefinition) {
        self.init()
        name = definition.name
        type = definition.type
        version = definition.version
        reqProtocol = definition.reqProtocol.rawValue
        reqMethod = definition.reqMethod.rawValue
        reqUri = definition.reqURI
        matchMode = definition.matchMode.rawValue
        authType = definition.authType.rawValue
        cors = definition.cors
        backendType = definition.backendType.rawValue
        remark = definition.remark
        // The group is the import's.
        groupId = "group"
        bodyRemark = definition.bodyRemark
        resultNormalSample = definition.resultNormalSample
        resultFailureSample = definition.resultFailureSample
        tags = definition.tags
        romaAppId = definition.romaAppID.isEmpty ? nil : definition.romaAppID
        domainName = definition.domainName
        tag = definition.tag
        contentType = definition.contentType
        reqParams = definition.requestParameters.map(Wire.ReqParamBase.init)
        backendParams = definition.backendParameters.map(Wire.BackendParamBase.init)
        backendApi = definition.http.map { http in
            Wire.BackendApiCreate(
                urlDomain: http.address, reqProtocol: http.reqProtocol, remark: http.remark, reqMethod: http.reqMethod.rawValue,
                version: http.version, reqUri: http.reqURI, timeout: http.timeoutMilliseconds,
                enableClientSsl: http.enableClientTLS, retryCount: NumberText(String(http.retryCount)))
        }
        mockInfo = definition.mock.map { mock in
            Wire.ApiMockCreate(
                remark: mock.remark, resultContent: mock.resultContent, version: mock.version, statusCode: mock.statusCode,
                header: APIAnswers.headers(mock))
        }
        funcInfo = definition.function.map { function in
            Wire.ApiFuncCreate(
                functionUrn: function.functionURN, networkType: function.networkType, remark: function.remark,
                invocationType: function.invocationType, version: function.version, aliasUrn: function.aliasURN,
                timeout: function.timeoutMilliseconds)
        }
        policyHttps = definition.httpPolicies.map { policy in
            Wire.ApiPolicyHttpCreate(
                urlDomain: policy.backend.address, reqProtocol: policy.backend.reqProtocol,
                reqMethod: policy.backend.reqMethod.rawValue, reqUri: policy.backend.reqURI,
                timeout: policy.backend.timeoutMilliseconds, enableClientSsl: policy.backend.enableClientTLS,
                retryCount: NumberText(String(policy.backend.retryCount)), effectMode: policy.effectMode, name: policy.name,
                backendParams: policy.backendParameters.map(Wire.BackendParamBase.init),
                conditions: policy.conditions.map(Wire.ApiConditionCreate.init))
        }
        policyMocks = definition.mockPolicies.map { policy in
            Wire.ApiPolicyMockCreate(
                resultContent: policy.backend.resultContent, statusCode: policy.backend.statusCode,
                header: APIAnswers.headers(policy.backend), effectMode: policy.effectMode, name: policy.name,
                backendParams: policy.backendParameters.map(Wire.BackendParamBase.init),
                conditions: policy.conditions.map(Wire.ApiConditionCreate.init))
        }
        policyFunctions = definition.functionPolicies.map { policy in
            Wire.ApiPolicyFunctionCreate(
                functionUrn: policy.backend.functionURN, networkType: policy.backend.networkType,
                invocationType: policy.backend.invocationType, timeout: policy.backend.timeoutMilliseconds,
                version: policy.backend.version, aliasUrn: policy.backend.aliasURN, effectMode: policy.effectMode,
                name: policy.name, backendParams: policy.backendParameters.map(Wire.BackendParamBase.init),
                conditions: policy.conditions.map(Wire.ApiConditionCreate.init))
        }
    }
}

extension Wire.ReqParamBase {
    fileprivate init(_ parameter: RequestParameter) {
        self.init(
            name: parameter.name, type: parameter.type, location: parameter.location.rawValue,
            defaultValue: parameter.defaultValue, sampleValue: parameter.sampleValue, required: parameter.required ? 1 : 2,
            validEnable: parameter.validates ? 1 : 2, remark: parameter.remark, enumerations: parameter.enumerations,
            minNum: parameter.minNumber, maxNum: parameter.maxNumber, minSize: parameter.minSize, maxSize: parameter.maxSize,
            regular: parameter.regular, jsonSchema: parameter.jsonSchema, passThrough: parameter.passThrough ? 1 : 2)
    }
}

extension Wire.BackendParamBase {
    fileprivate init(_ parameter: BackendParameter) {
        self.init(
            name: parameter.name, location: parameter.location.rawValue, origin: parameter.origin.rawValue,
            value: parameter.value, remark: parameter.remark)
    }
}

extension Wire.ApiConditionCreate {
    fileprivate init(_ condition: BackendCondition) {
        self.init(
            reqParamName: condition.requestParameterName, sysParamName: condition.systemParameterName,
            cookieParamName: condition.cookieName, conditionType: condition.type, conditionOrigin: condition.origin,
            conditionValue: condition.value)
    }
}
