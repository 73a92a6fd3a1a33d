import ControlPlane
import Foundation
import GatewayModel
import WireContract

/// `ApiCreate` -> ``APIDefinition``: defaults and spellings (management-api.md, 3.8). What the parts mean together is checked
/// by the control plane. Empty texts count as absent.
enum APIMapping {
    static func definition(_ wire: Wire.ApiCreate) throws(OperationError) -> APIDefinition {
        let path = try given(wire.reqUri, "req_uri")
        let backendType: BackendType = try word(wire.backendType, "backend_type")
        var definition = APIDefinition(
            name: try given(wire.name, "name"), groupID: try given(wire.groupId, "group_id"),
            type: try given(wire.type, "type"), version: text(wire.version) ?? "V0.0.1",
            reqProtocol: try word(wire.reqProtocol, "req_protocol"), reqMethod: try word(wire.reqMethod, "req_method"),
            reqURI: path,
            matchMode: text(wire.matchMode) == nil
                ? APIDefinition.matchMode(of: path, backendType: backendType) : try word(wire.matchMode, "match_mode"),
            authType: try word(wire.authType, "auth_type"), appCodeAllowed: wire.authOpt?.appCodeAuthType == "HEADER",
            authorizerID: text(wire.authorizerId), cors: wire.cors ?? false,
            backendType: backendType)
        definition.remark = wire.remark ?? ""
        definition.bodyRemark = wire.bodyRemark ?? ""
        definition.resultNormalSample = wire.resultNormalSample ?? ""
        definition.resultFailureSample = wire.resultFailureSample ?? ""
        definition.tag = wire.tag ?? ""
        definition.tags = wire.tags ?? []
        definition.responseID = text(wire.responseId)
        definition.romaAppID = wire.romaAppId ?? ""
        definition.domainName = wire.domainName ?? ""
        definition.contentType = text(wire.contentType)
        definition.sendsFunctionBodyEncoded = wire.isSendFgBodyBase64
        definition.requestParameters = try each(wire.reqParams, requestParameter)
        definition.backendParameters = try each(wire.backendParams, backendParameter)
        if let backend = wire.backendApi { definition.http = try http(backend) }
        if let mock = wire.mockInfo { definition.mock = try self.mock(mock) }
        if let function = wire.funcInfo { definition.function = try self.function(function) }
        definition.httpPolicies = try each(wire.policyHttps, httpPolicy)
        definition.mockPolicies = try each(wire.policyMocks, mockPolicy)
        definition.functionPolicies = try each(wire.policyFunctions, functionPolicy)
        return definition
    }

    // MARK: parameters

    private static func requestParameter(_ wire: Wire.ReqParamBase) throws(OperationError) -> RequestParameter {
        let location: ParameterLocation = try word(wire.location, "location")
        return RequestParameter(
            id: "", name: try given(wire.name, "name"), type: try given(wire.type, "type"), location: location,
            // A parameter of the path is always there.
            required: location == .path || wire.required == 1, defaultValue: text(wire.defaultValue), remark: wire.remark,
            sampleValue: wire.sampleValue, validates: wire.validEnable == 1, enumerations: text(wire.enumerations),
            minNumber: wire.minNum, maxNumber: wire.maxNum, minSize: wire.minSize, maxSize: wire.maxSize,
            regular: text(wire.regular), jsonSchema: text(wire.jsonSchema), passThrough: wire.passThrough != 2,
            orchestrations: wire.orchestrations.flatMap { $0.isEmpty ? nil : $0 })
    }

    static func backendParameter(_ wire: Wire.BackendParamBase) throws(OperationError) -> BackendParameter {
        BackendParameter(
            id: "", origin: try word(wire.origin, "origin"), name: try given(wire.name, "name"),
            location: try word(wire.location, "location"), value: try given(wire.value, "value"), remark: wire.remark)
    }

    // MARK: backends

    private static func http(_ wire: Wire.BackendApiCreate) throws(OperationError) -> HTTPBackendDefinition {
        let channel = try self.channel(wire.vpcChannelInfo, status: wire.vpcChannelStatus)
        return HTTPBackendDefinition(
            id: "", reqProtocol: try given(wire.reqProtocol, "req_protocol"), reqMethod: try word(wire.reqMethod, "req_method"),
            reqURI: try given(wire.reqUri, "req_uri"), address: channel == nil ? text(wire.urlDomain) : nil,
            timeoutMilliseconds: wire.timeout ?? 5000, retryCount: try retryCount(wire.retryCount),
            enableClientTLS: wire.enableClientSsl ?? false, authorizerID: text(wire.authorizerId), channelID: channel,
            channelProxyHost: channel == nil ? nil : text(wire.vpcChannelInfo?.vpcChannelProxyHost),
            version: text(wire.version), remark: wire.remark)
    }

    /// - Returns: the id of the channel; nil for a backend that is reached directly.
    static func channel(_ wire: Wire.VpcInfo?, status: Int?) throws(OperationError) -> String? {
        let id = text(wire?.vpcChannelId)
        // Members say at which port they are reached; answers show 0.
        if let port = wire?.vpcChannelPort, port != 0 { throw .invalid(field: "vpc_channel_port") }
        if wire?.cascadeFlag == true { throw .invalid(field: "cascade_flag") }
        switch status {
        case 1:
            guard let id else { throw .missing(field: "vpc_channel_info") }
            return id
        case nil: return id
        default:
            if id != nil { throw .invalid(field: "vpc_channel_status") }
            return nil
        }
    }

    static func retryCount(_ wire: NumberText?) throws(OperationError) -> Int {
        guard let text = text(wire?.text) else { return -1 }
        guard let count = Int(text) else { throw .invalid(field: "retry_count") }
        return count
    }

    private static func mock(_ wire: Wire.ApiMockCreate) throws(OperationError) -> MockBackendDefinition {
        MockBackendDefinition(
            id: "", resultContent: wire.resultContent ?? "", statusCode: wire.statusCode ?? 200,
            headers: try mockHeaders(wire.header), version: text(wire.version), remark: wire.remark,
            authorizerID: text(wire.authorizerId))
    }

    /// The text is a JSON list of `{key, value, remark}`.
    static func mockHeaders(_ wire: String?) throws(OperationError) -> [MockBackendDefinition.Header] {
        guard let text = text(wire) else { return [] }
        do {
            return try JSONDecoder().decode([MockBackendDefinition.Header].self, from: Data(text.utf8))
        } catch {
            throw .invalid(field: "header")
        }
    }

    private static func function(_ wire: Wire.ApiFuncCreate) throws(OperationError) -> FunctionBackendDefinition {
        FunctionBackendDefinition(
            id: "", functionURN: try given(wire.functionUrn, "function_urn"),
            version: functionVersion(wire.version, wire.aliasUrn), aliasURN: text(wire.aliasUrn),
            networkType: text(wire.networkType) ?? "V1", invocationType: try given(wire.invocationType, "invocation_type"),
            timeoutMilliseconds: wire.timeout ?? 5000, remark: wire.remark, authorizerID: text(wire.authorizerId))
    }

    /// `latest` when neither version nor alias is given.
    static func functionVersion(_ version: String?, _ alias: String?) -> String? {
        text(version) ?? (text(alias) == nil ? "latest" : nil)
    }

    // MARK: pieces

    static func text(_ value: String?) -> String? { value.flatMap { $0.isEmpty ? nil : $0 } }

    static func given<Value>(_ value: Value?, _ field: String) throws(OperationError) -> Value {
        guard let value else { throw .missing(field: field) }
        return value
    }

    static func word<Word: RawRepresentable<String>>(_ value: String?, _ field: String) throws(OperationError) -> Word {
        guard let word = Word(rawValue: try given(value, field)) else { throw .invalid(field: field) }
        return word
    }

    static func each<Part, Made>(
        _ parts: [Part]?, _ make: (Part) throws(OperationError) -> Made
    ) throws(OperationError) -> [Made] {
        var made: [Made] = []
        for part in parts ?? [] { made.append(try make(part)) }
        return made
    }
}
