/// Everything that a user says about an API; publishing freezes a copy. Stored as JSON in this shape, so properties are only
/// ever added, as optionals.
///
/// Source: contract schema ApiCreate; management-api.md, 3.8. Enumerations have the contract's spellings.
public struct APIDefinition: Codable, Sendable, Equatable {
    public var name: String
    public var groupID: String
    /// 1 public, 2 private.
    public var type: Int
    public var version: String
    public var reqProtocol: RequestProtocol
    public var reqMethod: HTTPMethod
    public var reqURI: String
    public var matchMode: PathMatchMode
    public var authType: AuthenticationType
    /// `auth_opt.app_code_auth_type` is HEADER; only with authentication APP.
    public var appCodeAllowed: Bool
    public var authorizerID: String?
    public var cors: Bool
    public var backendType: BackendType
    public var remark: String
    public var bodyRemark: String
    public var resultNormalSample: String
    public var resultFailureSample: String
    public var tag: String
    public var tags: [String]
    public var responseID: String?
    public var romaAppID: String
    public var domainName: String
    public var contentType: String?
    public var requestParameters: [RequestParameter]
    public var backendParameters: [BackendParameter]
    public var http: HTTPBackendDefinition?
    public var mock: MockBackendDefinition?
    public var function: FunctionBackendDefinition?
    public var httpPolicies: [BackendPolicy<HTTPBackendDefinition>]
    public var mockPolicies: [BackendPolicy<MockBackendDefinition>]
    public var functionPolicies: [BackendPolicy<FunctionBackendDefinition>]
    /// `is_send_fg_body_base64`; nil: not said.
    public var sendsFunctionBodyEncoded: Bool?

    /// Functions get bodies in Base64.
    public var encodesFunctionBody: Bool { sendsFunctionBodyEncoded ?? true }

    public init(
        name: String, groupID: String, type: Int, version: String = "V0.0.1", reqProtocol: RequestProtocol,
        reqMethod: HTTPMethod, reqURI: String, matchMode: PathMatchMode = .normal, authType: AuthenticationType,
        appCodeAllowed: Bool = false, authorizerID: String? = nil, cors: Bool = false, backendType: BackendType,
        remark: String = "", bodyRemark: String = "", resultNormalSample: String = "", resultFailureSample: String = "",
        tag: String = "", tags: [String] = [], responseID: String? = nil, romaAppID: String = "", domainName: String = "",
        contentType: String? = nil, requestParameters: [RequestParameter] = [], backendParameters: [BackendParameter] = [],
        http: HTTPBackendDefinition? = nil, mock: MockBackendDefinition? = nil, function: FunctionBackendDefinition? = nil,
        httpPolicies: [BackendPolicy<HTTPBackendDefinition>] = [],
        mockPolicies: [BackendPolicy<MockBackendDefinition>] = [],
        functionPolicies: [BackendPolicy<FunctionBackendDefinition>] = []
    ) {
        self.name = name
        self.groupID = groupID
        self.type = type
        self.version = version
        self.reqProtocol = reqProtocol
        self.reqMethod = reqMethod
        self.reqURI = reqURI
        self.matchMode = matchMode
        self.authType = authType
        self.appCodeAllowed = appCodeAllowed
        self.authorizerID = authorizerID
        self.cors = cors
        self.backendType = backendType
        self.remark = remark
        self.bodyRemark = bodyRemark
        self.resultNormalSample = resultNormalSample
        self.resultFailureSample = resultFailureSample
        self.tag = tag
        self.tags = tags
        self.responseID = responseID
        self.romaAppID = romaAppID
        self.domainName = domainName
        self.contentType = contentType
        self.requestParameters = requestParameters
        self.backendParameters = backendParameters
        self.http = http
        self.mock = mock
        self.function = function
        self.httpPolicies = httpPolicies
        self.mockPolicies = mockPolicies
        self.functionPolicies = functionPolicies
    }
}

public enum RequestProtocol: String, Codable, Sendable { case http = "HTTP", https = "HTTPS", both = "BOTH", grpcs = "GRPCS" }

public enum HTTPMethod: String, Codable, Sendable, CaseIterable {
    case get = "GET", post = "POST", put = "PUT", delete = "DELETE", head = "HEAD", patch = "PATCH", options = "OPTIONS"
    case any = "ANY"
}

public enum PathMatchMode: String, Codable, Sendable { case normal = "NORMAL", prefix = "SWA" }

public enum AuthenticationType: String, Codable, Sendable {
    case none = "NONE", app = "APP", iam = "IAM", authorizer = "AUTHORIZER"
}

public enum BackendType: String, Codable, Sendable { case http = "HTTP", function = "FUNCTION", mock = "MOCK", grpc = "GRPC" }

public enum ParameterLocation: String, Codable, Sendable { case path = "PATH", query = "QUERY", header = "HEADER" }

/// A declared parameter of requests (contract schema ReqParamBase; gateway-runtime.md, 3.1).
public struct RequestParameter: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    /// STRING or NUMBER.
    public var type: String
    public var location: ParameterLocation
    public var required: Bool
    public var defaultValue: String?
    public var remark: String?
    public var sampleValue: String?
    public var validates: Bool
    public var enumerations: String?
    public var minNumber: Int?
    public var maxNumber: Int?
    public var minSize: Int?
    public var maxSize: Int?
    public var regular: String?
    public var jsonSchema: String?
    public var passThrough: Bool
    /// Ids of orchestration rules, in the order in which they are tried; nil and empty: none.
    public var orchestrations: [String]?

    public init(
        id: String, name: String, type: String, location: ParameterLocation, required: Bool, defaultValue: String? = nil,
        remark: String? = nil, sampleValue: String? = nil, validates: Bool = false, enumerations: String? = nil,
        minNumber: Int? = nil, maxNumber: Int? = nil, minSize: Int? = nil, maxSize: Int? = nil, regular: String? = nil,
        jsonSchema: String? = nil, passThrough: Bool = true, orchestrations: [String]? = nil
    ) {
        self.id = id
        self.name = name
        self.type = type
        self.location = location
        self.required = required
        self.defaultValue = defaultValue
        self.remark = remark
        self.sampleValue = sampleValue
        self.validates = validates
        self.enumerations = enumerations
        self.minNumber = minNumber
        self.maxNumber = maxNumber
        self.minSize = minSize
        self.maxSize = maxSize
        self.regular = regular
        self.jsonSchema = jsonSchema
        self.passThrough = passThrough
        self.orchestrations = orchestrations
    }
}

/// What a backend receives besides the path and the body (contract schema BackendParamBase; gateway-runtime.md, 3.2).
public struct BackendParameter: Codable, Sendable, Equatable {
    public enum Origin: String, Codable, Sendable { case request = "REQUEST", constant = "CONSTANT", system = "SYSTEM" }

    public var id: String
    public var origin: Origin
    public var name: String
    public var location: ParameterLocation
    public var value: String
    public var remark: String?

    public init(
        id: String, origin: Origin, name: String, location: ParameterLocation, value: String, remark: String? = nil
    ) {
        self.id = id
        self.origin = origin
        self.name = name
        self.location = location
        self.value = value
        self.remark = remark
    }
}
