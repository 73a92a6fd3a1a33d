import GatewayPrimitives

/// The instance features (gateway-runtime.md, section 13) that a request meets, compiled.
public struct InstanceSettings: Sendable {
    public var instanceID: String
    /// Largest request body in bytes, feature `request_body_size`; 12 MiB by default.
    public var maxBodyBytes: Int
    /// Upper bound of every backend timeout in milliseconds, feature `backend_timeout`.
    public var maxBackendTimeoutMilliseconds: Int
    /// Which address counts as the client's, features `real_ip_from_xff` and `real_ip_header_getter`.
    public var clientAddress: ClientAddressSource
    /// Header that carries hmac and basic backend signatures, lower case; feature `custom_auth_header.backend_sign_header`.
    public var backendSignHeader: [UInt8]
    /// Keep an encoded slash encoded, feature `api_uri_no_escape`.
    public var keepsEscapedPath: Bool
    /// Path prefix below which public keys are served, with leading and trailing slash; nil while `public_key` is off.
    public var publicKeyPrefix: [UInt8]?
    /// Calls of an API in a second where nothing else limits them, feature `ratelimit`; nil while it is off.
    public var defaultRateLimit: Int?
    /// Features `app_basic`, `app_secret`, `app_api_key`, `app_jwt`, `custom_auth_header.app_auth_header`.
    public var carriers = AppCarriers()
    /// Names of accounts whose token reaches the backend, feature `backend_token_allow`.
    public var tokenPatterns: [PatternMatcher] = []
    /// Contexts of custom authorizers may hold numbers and booleans, feature `authorizer_context_support_num_bool`.
    public var authorizersGiveNumbers = false

    /// Feature `gzip`: how hard answers are compressed, 1 to 9; nil while it is off.
    public var gzipLevel: Int?
    /// Feature `sse_strategy`: streams of events may be silent for as long as tunnels.
    public var keepsEventStreams = false

    /// Applications find their APIs at the gateway's addresses, feature `app_route`.
    public var routesByApp = false
    /// Hosts that are addresses of the instance: lower case, without port, IPv6 in brackets. The gateway's own come with the
    /// instance that has them; the others are feature `default_group_host_trustlist`.
    public var addresses: [String] = []
    /// Feature `request_custom_config`: clients are not offered HTTP/2.
    public var refusesHTTP2 = false
    /// Feature `request_custom_config`: longest pause inside a request's body; nil: the gateway's own.
    public var bodyTimeoutMilliseconds: Int?
    /// Feature `backend_client_certificate`.
    public var backendTLS = BackendTLSChoice()

    /// What of a request the access log shows besides its own fields, at most ten; feature `custom_log`.
    public var logFields: [LogField] = []

    public func passesToken(of accountName: String) -> Bool { tokenPatterns.contains { $0.match(accountName) == .match } }

    public init(
        instanceID: String, maxBodyBytes: Int = 12 * 1024 * 1024, maxBackendTimeoutMilliseconds: Int = 60_000,
        clientAddress: ClientAddressSource = .peer, backendSignHeader: [UInt8] = Array("authorization".utf8),
        keepsEscapedPath: Bool = false, publicKeyPrefix: [UInt8]? = nil,
        defaultRateLimit: Int? = nil
    ) {
        self.instanceID = instanceID
        self.maxBodyBytes = maxBodyBytes
        self.maxBackendTimeoutMilliseconds = maxBackendTimeoutMilliseconds
        self.clientAddress = clientAddress
        self.backendSignHeader = backendSignHeader
        self.keepsEscapedPath = keepsEscapedPath
        self.publicKeyPrefix = publicKeyPrefix
        self.defaultRateLimit = defaultRateLimit
    }
}

/// The settings of an instance as a reference: a request passes one word on, not the settings themselves.
public final class InstanceContext: Sendable {
    public let settings: InstanceSettings

    public init(_ settings: InstanceSettings) { self.settings = settings }
}

/// Where the client's address is read from (gateway-runtime.md, 6.3). What is absent or not an address falls back to the peer.
public enum ClientAddressSource: Sendable, Equatable {
    case peer
    /// Element of `X-Forwarded-For`: 0 is the first from the left, -1 the last.
    case forwardedFor(index: Int)
    /// The named header, lower case.
    case header([UInt8])
}

/// A part of requests that is logged as it came.
public struct LogField: Sendable, Equatable {
    public enum Place: Sendable { case header, query, cookie }

    public let place: Place
    /// Lower case for a header.
    public let name: [UInt8]

    public init(place: Place, name: [UInt8]) {
        self.place = place
        self.name = name
    }
}
