import GatewayModel
import GatewayPrimitives

/// `x-apigateway-backend` and `x-apigateway-backend-policies`.
enum BackendWriter {
    static func write(_ definition: APIDefinition, into operation: inout Members) {
        var backend: Members?
        if let http = definition.http {
            backend = httpBlock(http, definition.backendParameters)
        } else if let mock = definition.mock {
            backend = mockBlock(mock, definition.backendParameters)
        } else if let function = definition.function {
            backend = functionBlock(function, definition.backendParameters)
        }
        operation.put(Extension.backend, backend?.object)
        var policies: [JSONValue] = []
        policies += definition.httpPolicies.map { policy($0, httpBlock($0.backend, $0.backendParameters)) }
        policies += definition.mockPolicies.map { policy($0, mockBlock($0.backend, $0.backendParameters)) }
        policies += definition.functionPolicies.map { policy($0, functionBlock($0.backend, $0.backendParameters)) }
        operation.put(Extension.backendPolicies, list: policies)
    }

    private static func httpBlock(_ http: HTTPBackendDefinition, _ parameters: [BackendParameter]) -> Members {
        var endpoints = Members()
        if let channel = http.channelID {
            endpoints.put("name", .string(channel))
        } else {
            endpoints.put("address", text: http.address)
        }
        endpoints.put("scheme", .string(http.reqProtocol.lowercased()))
        endpoints.put("method", .string(http.reqMethod.rawValue))
        endpoints.put("path", .string(http.reqURI))
        endpoints.put("timeout", number: http.timeoutMilliseconds)
        if http.channelID != nil { endpoints.put("cascade_flag", flag: false) }
        endpoints.put("retryCount", number: http.retryCount)
        endpoints.put("enableClientSsl", flag: http.enableClientTLS)
        endpoints.put("description", text: http.remark)
        endpoints.put(Extension.backendAuthorizer, text: http.authorizerID)
        endpoints.put(Extension.proxyHost, text: http.channelProxyHost)
        endpoints.put(Extension.version, text: http.version)
        return block(
            http.channelID == nil ? "HTTP" : "HTTP-VPC", parameters,
            http.channelID == nil ? "httpEndpoints" : "httpVpcEndpoints", endpoints)
    }

    private static func mockBlock(_ mock: MockBackendDefinition, _ parameters: [BackendParameter]) -> Members {
        var endpoints = Members()
        endpoints.put("result-content", .string(mock.resultContent))
        endpoints.put("description", text: mock.remark)
        if mock.statusCode != 200 { endpoints.put(Extension.statusCode, number: mock.statusCode) }
        endpoints.put(
            Extension.headers,
            list: mock.headers.map { header in
                var members = Members()
                members.put("key", .string(header.key))
                members.put("value", .string(header.value))
                if let remark = header.remark { members.put("remark", .string(remark)) }
                return members.object
            })
        endpoints.put(Extension.backendAuthorizer, text: mock.authorizerID)
        endpoints.put(Extension.version, text: mock.version)
        return block("MOCK", parameters, "mockEndpoints", endpoints)
    }

    private static func functionBlock(_ function: FunctionBackendDefinition, _ parameters: [BackendParameter]) -> Members {
        var endpoints = Members()
        endpoints.put("function-urn", .string(function.functionURN))
        endpoints.put("version", text: function.version)
        endpoints.put("alias-urn", text: function.aliasURN)
        endpoints.put("network-type", .string(function.networkType))
        endpoints.put("invocation-type", .string(function.invocationType))
        endpoints.put("timeout", number: function.timeoutMilliseconds)
        endpoints.put("description", text: function.remark)
        endpoints.put(Extension.backendAuthorizer, text: function.authorizerID)
        return block("FUNCTION", parameters, "functionEndpoints", endpoints)
    }

    private static func block(
        _ type: String, _ parameters: [BackendParameter], _ name: String, _ endpoints: Members
    ) -> Members {
        var members = Members()
        members.put("type", .string(type))
        members.put("parameters", list: parameters.map(parameter))
        members.put(name, endpoints.object)
        return members
    }

    private static func parameter(_ parameter: BackendParameter) -> JSONValue {
        var members = Members()
        members.put("name", .string(parameter.name))
        members.put("value", .string(parameter.value))
        members.put("in", .string(parameter.location.rawValue))
        members.put("origin", .string(parameter.origin.rawValue))
        members.put("description", text: parameter.remark)
        return members.object
    }

    private static func policy<Backend>(_ policy: BackendPolicy<Backend>, _ backend: Members) -> JSONValue {
        var members = Members()
        members.put("name", .string(policy.name))
        for member in backend.list { members.put(member.name, member.value) }
        members.put(Extension.effectMode, .string(policy.effectMode))
        members.put("conditions", list: policy.conditions.map(condition))
        return members.object
    }

    private static func condition(_ condition: BackendCondition) -> JSONValue {
        var members = Members()
        members.put("type", text: condition.type == "exact" ? "equal" : condition.type)
        members.put("value", .string(condition.value))
        members.put("origin", .string(condition.origin == "param" ? "request" : condition.origin))
        members.put(
            "parameter",
            text: condition.requestParameterName ?? condition.systemParameterName ?? condition.cookieName
                ?? condition.authorizerParameterName ?? condition.mappedParameterName)
        members.put("location", text: condition.requestParameterLocation ?? condition.mappedParameterLocation)
        return members.object
    }
}
