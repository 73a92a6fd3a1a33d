import GatewayModel
import GatewayPrimitives

/// `x-apigateway-backend` and the elements of `x-apigateway-backend-policies`.
struct BackendReader {
    enum Backend {
        case http(HTTPBackendDefinition)
        case mock(MockBackendDefinition)
        case function(FunctionBackendDefinition)
    }

    /// The method that the backend is called with when it names none.
    let frontMethod: HTTPMethod

    func backend(_ value: JSONValue) throws(InvalidField) -> Backend {
        guard let type = try value.text("type") else { throw InvalidField(field: "type", reason: "absent") }
        switch type.uppercased() {
        case "HTTP": return .http(try http(try endpoints(value, "httpEndpoints"), throughChannel: false))
        case "HTTP-VPC": return .http(try http(try endpoints(value, "httpVpcEndpoints"), throughChannel: true))
        case "MOCK": return .mock(try mock(try endpoints(value, "mockEndpoints")))
        case "FUNCTION": return .function(try function(try endpoints(value, "functionEndpoints")))
        default: throw InvalidField(field: "type", reason: "an unknown type of backend")
        }
    }

    private func endpoints(_ value: JSONValue, _ name: String) throws(InvalidField) -> JSONValue {
        guard let endpoints = try value.object(name) else { throw InvalidField(field: name, reason: "absent") }
        return endpoints
    }

    private func http(_ value: JSONValue, throughChannel: Bool) throws(InvalidField) -> HTTPBackendDefinition {
        if try value.text(Extension.queryEncoding)?.uppercased() == "DISABLE" {
            throw InvalidField(field: Extension.queryEncoding, reason: "cannot be switched off")
        }
        let scheme = (try value.text("scheme") ?? "http").uppercased()
        guard scheme == "HTTP" || scheme == "HTTPS" else { throw InvalidField(field: "scheme", reason: "neither http nor https") }
        var method = frontMethod
        if let word = try value.text("method"), !word.isEmpty {
            guard let named = HTTPMethod(rawValue: word.uppercased()) else { throw InvalidField(field: "method", reason: "unknown") }
            method = named
        }
        guard let path = try value.text("path") else { throw InvalidField(field: "path", reason: "absent") }
        var address: String?
        var channel: String?
        if throughChannel {
            guard let name = try value.text("name"), !name.isEmpty else { throw InvalidField(field: "name", reason: "absent") }
            channel = name
        } else {
            guard let named = try value.text("address"), !named.isEmpty else {
                throw InvalidField(field: "address", reason: "absent")
            }
            address = named
        }
        // Unfolding of a channel behind another gateway is not known here.
        if try value.flag("cascade_flag") == true { throw InvalidField(field: "cascade_flag", reason: "cannot be switched on") }
        return HTTPBackendDefinition(
            id: "", reqProtocol: scheme, reqMethod: method, reqURI: path, address: address,
            timeoutMilliseconds: try value.integer("timeout") ?? 5000, retryCount: try value.integer("retryCount") ?? -1,
            enableClientTLS: try value.flag("enableClientSsl") ?? false, authorizerID: try value.filled(Extension.backendAuthorizer),
            channelID: channel, channelProxyHost: try value.filled(Extension.proxyHost), version: try value.filled(Extension.version),
            remark: try value.remark("description", limit: 255))
    }

    private func mock(_ value: JSONValue) throws(InvalidField) -> MockBackendDefinition {
        var headers: [MockBackendDefinition.Header] = []
        for header in try value.list(Extension.headers) {
            headers.append(
                .init(key: try header.text("key") ?? "", value: try header.text("value") ?? "", remark: try header.text("remark")))
        }
        return MockBackendDefinition(
            id: "", resultContent: try value.word("result-content") ?? "",
            statusCode: try value.integer(value["status-code"] == nil ? Extension.statusCode : "status-code") ?? 200, headers: headers,
            version: try value.filled(Extension.version), remark: try value.remark("description", limit: 255),
            authorizerID: try value.filled(Extension.backendAuthorizer))
    }

    private func function(_ value: JSONValue) throws(InvalidField) -> FunctionBackendDefinition {
        guard let urn = try value.text("function-urn") else { throw InvalidField(field: "function-urn", reason: "absent") }
        let version = try value.filled("version")
        let alias = try value.filled("alias-urn")
        return FunctionBackendDefinition(
            // As for an API that is made by hand: the latest version, unless an alias says which.
            id: "", functionURN: urn, version: version ?? (alias == nil ? "latest" : nil), aliasURN: alias,
            networkType: (try value.filled("network-type") ?? "V1").uppercased(),
            invocationType: (try value.filled("invocation-type") ?? "sync").lowercased(),
            timeoutMilliseconds: try value.integer("timeout") ?? 5000, remark: try value.remark("description", limit: 255),
            authorizerID: try value.filled(Extension.backendAuthorizer))
    }

    // MARK: parameters and conditions

    func parameters(_ value: JSONValue) throws(InvalidField) -> [BackendParameter] {
        var parameters: [BackendParameter] = []
        for parameter in try value.list("parameters") {
            guard let location = ParameterLocation(rawValue: (try parameter.text("in") ?? "").uppercased()) else {
                throw InvalidField(field: "in", reason: "neither HEADER, QUERY nor PATH")
            }
            guard let origin = BackendParameter.Origin(rawValue: (try parameter.text("origin") ?? "REQUEST").uppercased()) else {
                throw InvalidField(field: "origin", reason: "neither REQUEST, CONSTANT nor SYSTEM")
            }
            guard let name = try parameter.text("name") else { throw InvalidField(field: "name", reason: "absent") }
            guard let text = try parameter.word("value") else { throw InvalidField(field: "value", reason: "absent") }
            parameters.append(
                BackendParameter(
                    id: "", origin: origin, name: name, location: location, value: text,
                    remark: try parameter.remark("description", limit: 255)))
        }
        return parameters
    }

    func condition(_ value: JSONValue) throws(InvalidField) -> BackendCondition {
        let origin = switch try value.text("origin") {
        case "request", "request_parameter", "param", nil: "param"
        case "source"?: "source"
        case "system"?, "system_parameter"?: "system"
        case "cookie"?: "cookie"
        case "frontend_authorizer"?: "frontend_authorizer"
        case "orchestration"?: "orchestration"
        default: throw InvalidField(field: "origin", reason: "unknown")
        }
        let type: String? = switch try value.text("type") {
        case nil, "": nil
        case "equal"?, "exact"?: "exact"
        case "enum"?: "enum"
        case "pattern"?: "pattern"
        default: throw InvalidField(field: "type", reason: "neither equal, enum nor pattern")
        }
        guard let text = try value.word("value") else { throw InvalidField(field: "value", reason: "absent") }
        let name = try value.filled("parameter", "parameter_name")
        var condition = BackendCondition(id: "", origin: origin, type: type, value: text)
        switch origin {
        case "param":
            condition.requestParameterName = name
            condition.requestParameterLocation = try value.filled("location")?.uppercased()
        case "system": condition.systemParameterName = name
        case "cookie": condition.cookieName = name
        case "frontend_authorizer": condition.authorizerParameterName = name
        case "orchestration":
            condition.mappedParameterName = name
            condition.mappedParameterLocation = try value.filled("location")?.lowercased()
        default: break
        }
        return condition
    }
}
