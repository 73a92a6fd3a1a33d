import GatewayModel
import GatewayPrimitives

/// Rules of request and backend parameters (gateway-runtime.md, 3.1 and 3.2).
struct ParameterRules {
    let definition: APIDefinition
    let front: PathTemplate
    let quotas: Quotas

    func check() throws(OperationError) {
        let parameters = definition.requestParameters
        if parameters.count > quotas.parametersPerAPI { throw .definition(.tooManyParameters) }
        var seen: Set<String> = []
        for parameter in parameters {
            guard seen.insert("\(parameter.location.rawValue) \(parameter.name.lowercased())").inserted else {
                throw .definition(.repeatedParameter)
            }
            try check(parameter)
        }
        let declared = parameters.filter { $0.location == .path }.map(\.name)
        if declared.sorted() != front.parameterNames.sorted() { throw .definition(.requestPathParameters) }
        try check(backend: definition.backendParameters)
    }

    private func check(_ parameter: RequestParameter) throws(OperationError) {
        let name = parameter.name.lowercased()
        if name == "x-stage" || name.hasPrefix("x-apig-") || name.hasPrefix("x-sdk-") { throw .invalid(field: "req_params") }
        if parameter.location == .header {
            if name.contains("_") || name == "authorization" || name == "x-auth-token" { throw .invalid(field: "req_params") }
        }
        if let value = parameter.defaultValue {
            if !Self.isOneLine(value) { throw .invalid(field: "default_value") }
            if parameter.type == "NUMBER", !value.isEmpty, Double(value) == nil { throw .invalid(field: "default_value") }
        }
        if let least = parameter.minNumber, let most = parameter.maxNumber, least > most { throw .invalid(field: "min_num") }
        if let least = parameter.minSize, least < 0 { throw .tooSmall(field: "min_size") }
        if let most = parameter.maxSize, most < 0 { throw .tooSmall(field: "max_size") }
        // 0 as the greatest length means none (gateway-runtime.md, 3.1).
        if let least = parameter.minSize, let most = parameter.maxSize, most > 0, least > most {
            throw .invalid(field: "min_size")
        }
        if parameter.type == "NUMBER", let words = parameter.enumerations, !words.isEmpty {
            let numbers = words.split(separator: ",", omittingEmptySubsequences: false)
            guard numbers.allSatisfy({ Double($0) != nil }) else { throw .invalid(field: "enumerations") }
        }
    }

    /// - Parameter parameters: those of the definition or of one of its backend policies.
    func check(backend parameters: [BackendParameter]) throws(OperationError) {
        if parameters.count > quotas.parametersPerAPI { throw .definition(.tooManyParameters) }
        var seen: Set<String> = []
        for parameter in parameters {
            // Only header names are the same whatever their case.
            let name = parameter.location == .header ? parameter.name.lowercased() : parameter.name
            guard seen.insert("\(parameter.location.rawValue) \(name)").inserted else {
                throw .definition(.repeatedParameter)
            }
            if parameter.location == .header, Self.isReservedHeader(parameter.name) { throw .invalid(field: "backend_params") }
            try checkValue(parameter)
        }
    }

    private func checkValue(_ parameter: BackendParameter) throws(OperationError) {
        switch parameter.origin {
        case .request:
            guard definition.requestParameters.contains(where: { $0.name == parameter.value }) else {
                throw .definition(.unmappedBackendParameter)
            }
        case .constant:
            guard Self.isOneLine(parameter.value), !parameter.value.isEmpty || parameter.location != .path else {
                throw .invalid(field: "backend_params")
            }
        case .system:
            let value = parameter.value
            if value.hasPrefix(Self.frontAuthorizer), value.count > Self.frontAuthorizer.count {
                // As the only factor or as the second one.
                guard definition.authorizerID != nil else { throw .definition(.authorizerParameters) }
            } else if value.hasPrefix(Self.backendAuthorizer), value.count > Self.backendAuthorizer.count {
                guard hasBackendAuthorizer else { throw .definition(.authorizerParameters) }
            } else if !Self.systemValues.contains(value) {
                throw .invalid(field: "backend_params")
            }
        }
    }

    private var hasBackendAuthorizer: Bool {
        definition.http?.authorizerID != nil || definition.mock?.authorizerID != nil
            || definition.function?.authorizerID != nil
            || definition.httpPolicies.contains { $0.backend.authorizerID != nil }
            || definition.mockPolicies.contains { $0.backend.authorizerID != nil }
            || definition.functionPolicies.contains { $0.backend.authorizerID != nil }
    }

    static let frontAuthorizer = "$context.authorizer.frontend."
    private static let backendAuthorizer = "$context.authorizer.backend."
    /// gateway-runtime.md, 3.3.
    private static let systemValues: Set<String> = [
        "$context.sourceIp", "$context.stage", "$context.apiId", "$context.apiName", "$context.appId", "$context.appName",
        "$context.requestId", "$context.serverAddr", "$context.serverName", "$context.handleTime", "$context.providerAppId",
        "$context.clientCertCN", "$context.member_group_name", "$context.member_group_id",
    ]

    /// Headers that belong to the gateway or to the framing of the message; nobody may set them by mapping.
    static func isReservedHeader(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.hasPrefix("x-apig-") || name.hasPrefix("x-sdk-") || name.hasPrefix("x-stage")
            || BackendRules.framingHeaders.contains(name)
    }

    /// No control character but the tab: the value fits into a header line.
    static func isOneLine(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
    }
}
