/// A part of the request path that decides something about a request (gateway-runtime.md, section 16).
public enum PipelineStage: String, Sendable, CaseIterable {
    /// Strict reading of what came.
    case request
    /// Host to group.
    case host
    case environment
    /// Path and method to API.
    case route
    /// TLS version and client certificate that a domain asks for.
    case domain
    case preflight
    case scheme
    case accessList = "access_list"
    case caller
    case rateLimit = "rate_limit"
    case thirdAuth = "third_auth"
    case authorizer
    case body
    case parameters
    case breaker
    case backendPolicy = "backend_policy"
    case backendAuthorizer = "backend_authorizer"
    case backend
    case signature
}

/// The object of the management API that a stage of a route was compiled from: what an explanation names.
public struct PolicyObject: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case accessControlPolicy = "access_control_policy"
        case authorizer
        case channel = "vpc_channel"
        case plugin
        case signatureKey = "signature_key"
        case throttlingPolicy = "throttling_policy"
        /// The default limit of the instance.
        case instanceFeature = "instance_feature"
    }

    public let kind: Kind
    public let id: String
    public let name: String

    public init(_ kind: Kind, id: String, name: String) {
        self.kind = kind
        self.id = id
        self.name = name
    }
}
