import GatewayPrimitives

/// A value that the gateway knows about a call (gateway-runtime.md, 3.3); the raw value is the name behind `$context.`.
public enum SystemParameter: String, Sendable, CaseIterable {
    case sourceIp, stage, apiId, apiName, appId, appName, requestId, serverAddr, serverName, handleTime, providerAppId, clientCertCN
    case reqPath, reqUri, reqMethod
    // Known only once a member of a channel is chosen.
    case memberGroupName = "member_group_name"
    case memberGroupID = "member_group_id"
    // Known only once there is an answer.
    case statusCode, backendResponseTime, cacheStatus
    case errorCode = "error.code"
    case errorMessage = "error.message"
    case errorType = "error.type"
}

/// Where a parameter of a rule comes from.
public enum RequestValue: Sendable, Equatable {
    /// First line with this name, lower case.
    case header([UInt8])
    /// First value with this name, both decoded.
    case query([UInt8])
    case path
    case method
    case system(SystemParameter)
    /// `$context.authorizer.<side>.<name>`.
    case authorizer(AuthorizerSide, name: [UInt8])
}
