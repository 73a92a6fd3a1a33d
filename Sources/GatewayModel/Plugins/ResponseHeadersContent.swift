import GatewayPrimitives

/// Content of a set_resp_headers plug-in (gateway-runtime.md, 8.2).
public struct ResponseHeadersContent: Sendable, Equatable {
    public enum Action: String, Sendable, CaseIterable { case override, append, delete, skip, add }

    public enum Value: Sendable, Equatable {
        case text(String)
        /// A name of gateway-runtime.md, 3.3 with its `$context.`.
        case systemParameter(String)
    }

    public struct Rule: Sendable, Equatable {
        public let name: String
        /// Not used by ``Action/delete``.
        public let value: Value
        public let action: Action
    }

    /// 1 to 10, names unique without regard to case.
    public let rules: [Rule]

    private enum ValueType: String, CaseIterable {
        case custom = "custom_value"
        case system = "system_parameter"
    }

    init(_ object: ContentObject) throws(PluginContentError) {
        let objects = try object.objects("response_headers", maxCount: 10)
        guard !objects.isEmpty else { throw object.error("response_headers", "is required") }
        var rules: [Rule] = []
        for entry in objects {
            let name = try entry.requiredString("name", maxLength: 128)
            guard ContentForm.isHeaderName(name), !Self.isReserved(name.lowercased()) else {
                throw entry.error("name", "must be a header name that a plug-in may change")
            }
            guard !rules.contains(where: { $0.name.lowercased() == name.lowercased() }) else {
                throw entry.error("name", "must be unique")
            }
            let action: Action = try entry.choice("action", default: nil)
            let type: ValueType = try entry.choice("value_type", default: .custom)
            let text = try entry.string("value", maxLength: 1024, default: "")
            switch type {
            case .custom:
                guard ContentForm.isHeaderValue(text) else { throw entry.error("value", "must be a header value") }
                rules.append(Rule(name: name, value: .text(text), action: action))
            case .system:
                guard action == .delete || SystemParameterName.responses.contains(text) else {
                    throw entry.error("value", "must be a system parameter")
                }
                rules.append(Rule(name: name, value: .systemParameter(text), action: action))
            }
        }
        self.rules = rules
    }

    /// The gateway's own headers, the CORS headers, and what frames the message.
    private static func isReserved(_ lowercase: String) -> Bool {
        lowercase.hasPrefix("x-apig-") || lowercase == "x-request-id" || lowercase.hasPrefix("access-control-")
            || lowercase == "server" || ContentForm.framingHeaders.contains(lowercase)
    }
}

/// Names of values that the gateway knows about a call (gateway-runtime.md, 3.3).
public enum SystemParameterName {
    /// What may stand in a response.
    public static let responses: Set<String> = [
        "$context.sourceIp", "$context.stage", "$context.apiId", "$context.apiName", "$context.appId", "$context.appName",
        "$context.requestId", "$context.serverAddr", "$context.serverName", "$context.handleTime", "$context.providerAppId",
        "$context.clientCertCN", "$context.reqPath", "$context.reqUri", "$context.reqMethod", "$context.statusCode",
        "$context.backendResponseTime", "$context.cacheStatus", "$context.error.code", "$context.error.message",
        "$context.error.type",
    ]

    /// What a rule of rate_limit, breaker or third_auth may compare: known before the backend is called.
    /// Written with or without `$context.`.
    public static let requests: Set<String> = [
        "sourceIp", "stage", "apiId", "apiName", "requestId", "serverAddr", "serverName", "handleTime", "reqPath", "reqUri",
        "reqMethod", "appId", "appName",
    ]
}
