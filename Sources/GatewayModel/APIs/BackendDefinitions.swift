/// `backend_api` of a definition: a backend of HTTP or gRPC, direct or through a channel (gateway-runtime.md, 4.1, 4.5).
public struct HTTPBackendDefinition: Codable, Sendable, Equatable {
    public var id: String
    /// HTTP, HTTPS, GRPC or GRPCS.
    public var reqProtocol: String
    public var reqMethod: HTTPMethod
    public var reqURI: String
    /// `host[:port]`; nil when a channel is named.
    public var address: String?
    /// Milliseconds, 1 to the instance's `backend_timeout`.
    public var timeoutMilliseconds: Int
    /// -1...10.
    public var retryCount: Int
    public var enableClientTLS: Bool
    public var authorizerID: String?
    public var channelID: String?
    public var channelProxyHost: String?
    public var version: String?
    public var remark: String?

    public init(
        id: String, reqProtocol: String, reqMethod: HTTPMethod, reqURI: String, address: String?, timeoutMilliseconds: Int,
        retryCount: Int = -1, enableClientTLS: Bool = false, authorizerID: String? = nil, channelID: String? = nil,
        channelProxyHost: String? = nil, version: String? = nil, remark: String? = nil
    ) {
        self.id = id
        self.reqProtocol = reqProtocol
        self.reqMethod = reqMethod
        self.reqURI = reqURI
        self.address = address
        self.timeoutMilliseconds = timeoutMilliseconds
        self.retryCount = retryCount
        self.enableClientTLS = enableClientTLS
        self.authorizerID = authorizerID
        self.channelID = channelID
        self.channelProxyHost = channelProxyHost
        self.version = version
        self.remark = remark
    }

    public var usesTLS: Bool { reqProtocol == "HTTPS" || reqProtocol == "GRPCS" }
    public var speaksGRPC: Bool { reqProtocol == "GRPC" || reqProtocol == "GRPCS" }
}

/// `mock_info` of a definition (gateway-runtime.md, 4.4).
public struct MockBackendDefinition: Codable, Sendable, Equatable {
    public struct Header: Codable, Sendable, Equatable {
        public var key: String
        public var value: String
        public var remark: String?
        public init(key: String, value: String, remark: String? = nil) {
            self.key = key
            self.value = value
            self.remark = remark
        }
    }

    public var id: String
    public var resultContent: String
    public var statusCode: Int
    public var headers: [Header]
    public var version: String?
    public var remark: String?
    public var authorizerID: String?

    public init(
        id: String, resultContent: String, statusCode: Int = 200, headers: [Header] = [], version: String? = nil,
        remark: String? = nil, authorizerID: String? = nil
    ) {
        self.id = id
        self.resultContent = resultContent
        self.statusCode = statusCode
        self.headers = headers
        self.version = version
        self.remark = remark
        self.authorizerID = authorizerID
    }
}

/// `func_info` of a definition (gateway-runtime.md, 4.3).
public struct FunctionBackendDefinition: Codable, Sendable, Equatable {
    public var id: String
    public var functionURN: String
    public var version: String?
    public var aliasURN: String?
    public var networkType: String
    public var invocationType: String
    public var timeoutMilliseconds: Int
    public var remark: String?
    public var authorizerID: String?

    public init(
        id: String, functionURN: String, version: String? = nil, aliasURN: String? = nil, networkType: String = "V1",
        invocationType: String, timeoutMilliseconds: Int, remark: String? = nil, authorizerID: String? = nil
    ) {
        self.id = id
        self.functionURN = functionURN
        self.version = version
        self.aliasURN = aliasURN
        self.networkType = networkType
        self.invocationType = invocationType
        self.timeoutMilliseconds = timeoutMilliseconds
        self.remark = remark
        self.authorizerID = authorizerID
    }
}

/// A backend that is chosen by conditions (gateway-runtime.md, 4.6).
public struct BackendPolicy<Definition: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    /// ALL or ANY.
    public var effectMode: String
    public var conditions: [BackendCondition]
    public var backendParameters: [BackendParameter]
    public var backend: Definition

    public init(
        id: String, name: String, effectMode: String, conditions: [BackendCondition], backendParameters: [BackendParameter],
        backend: Definition
    ) {
        self.id = id
        self.name = name
        self.effectMode = effectMode
        self.conditions = conditions
        self.backendParameters = backendParameters
        self.backend = backend
    }
}

public struct BackendCondition: Codable, Sendable, Equatable {
    public var id: String
    /// param, source, system, cookie, frontend_authorizer or orchestration.
    public var origin: String
    /// exact, enum or pattern; nil for source.
    public var type: String?
    public var value: String
    public var requestParameterName: String?
    public var requestParameterLocation: String?
    public var systemParameterName: String?
    public var cookieName: String?
    public var authorizerParameterName: String?
    /// Of what an orchestration rule makes; the location is query or header.
    public var mappedParameterName: String?
    public var mappedParameterLocation: String?

    public init(
        id: String, origin: String, type: String? = nil, value: String, requestParameterName: String? = nil,
        requestParameterLocation: String? = nil, systemParameterName: String? = nil, cookieName: String? = nil,
        authorizerParameterName: String? = nil, mappedParameterName: String? = nil, mappedParameterLocation: String? = nil
    ) {
        self.id = id
        self.origin = origin
        self.type = type
        self.value = value
        self.requestParameterName = requestParameterName
        self.requestParameterLocation = requestParameterLocation
        self.systemParameterName = systemParameterName
        self.cookieName = cookieName
        self.authorizerParameterName = authorizerParameterName
        self.mappedParameterName = mappedParameterName
        self.mappedParameterLocation = mappedParameterLocation
    }
}
