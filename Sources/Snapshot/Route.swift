import GatewayPrimitives

/// One published API in one environment, ready to serve: everything that can be decided before a request arrives is decided here.
///
/// A policy that is not bound is nil and costs one comparison.
public final class Route: Sendable {
    /// No other route has it, one that was made anew from the same API included.
    public let serial = SerialNumber.next()
    public let identity: RouteIdentity
    public let method: RouteMethod
    public let path: PathTemplate
    public let matchMode: MatchMode
    public let schemes: AllowedSchemes
    /// Set when this API cannot be served as configured (design.md, invariant 5): every request is refused with it.
    public let refusal: RouteRefusal?
    public let backends: RouteBackends
    public let policies: RoutePolicies
    /// Where its requests are counted; nil: nowhere.
    public let meter: TrafficMeter?
    /// Host at which it answers instead of those of its group; nil: at those.
    public let domain: String?
    /// Marks its requests to backends as having come through it; empty: they are not marked.
    public let hop: [UInt8]
    /// A stage of this route asks for values of the request.
    public let needsValues: Bool

    public init(
        identity: RouteIdentity, method: RouteMethod, path: PathTemplate, matchMode: MatchMode, schemes: AllowedSchemes,
        refusal: RouteRefusal?, backends: RouteBackends, policies: RoutePolicies, meter: TrafficMeter? = nil,
        hop: [UInt8] = [], domain: String? = nil
    ) {
        self.identity = identity
        self.method = method
        self.path = path
        self.matchMode = matchMode
        self.schemes = schemes
        self.refusal = refusal
        self.backends = backends
        self.policies = policies
        self.meter = meter
        self.hop = hop
        self.domain = domain
        needsValues = policies.needsValues || backends.needsValues
    }

    /// A route with one backend, which gets requests as they came.
    public convenience init(
        identity: RouteIdentity, method: RouteMethod, path: PathTemplate, matchMode: MatchMode, schemes: AllowedSchemes,
        refusal: RouteRefusal?, backend: Backend, policies: RoutePolicies, meter: TrafficMeter? = nil, hop: [UInt8] = [],
        domain: String? = nil
    ) {
        self.init(
            identity: identity, method: method, path: path, matchMode: matchMode, schemes: schemes, refusal: refusal,
            backends: RouteBackends(standard: BackendChoice(backend)), policies: policies, meter: meter, hop: hop,
            domain: domain)
    }
}

extension Route {
    /// Ids of the applications that may call it; none where nobody is asked.
    public var authorizedApps: [String] {
        if case .app(let access)? = policies.callers?.kind { Array(access.appIDs) } else { [] }
    }

    /// Channels whose members must be checked while this route is in force.
    public var checkedChannels: [BalancedChannel] {
        var found: [BalancedChannel] = []
        func add(_ channel: BalancedChannel?) {
            if let channel, channel.health != nil { found.append(channel) }
        }
        for choice in backends.choices { if case .http(let backend) = choice.backend { add(backend.channel) } }
        add(policies.thirdAuth?.channel)
        if let breaker = policies.breaker {
            for circuit in [breaker.otherwise] + breaker.rules.map(\.circuit) {
                if case .http(let backend)? = circuit.downgrade { add(backend.channel) }
            }
        }
        return found
    }
}

/// Names of what a route was made from, for logs, errors and variables. A class: requests pass it on, and it has seven strings.
public final class RouteIdentity: Sendable, Equatable {
    public let apiID, apiName, groupID, groupName, environmentID, environmentName, publishID: String
    /// The integration application that the API belongs to; empty without one.
    public let providerAppID: String

    public init(
        apiID: String, apiName: String, groupID: String, groupName: String, environmentID: String,
        environmentName: String, publishID: String, providerAppID: String = ""
    ) {
        self.providerAppID = providerAppID
        self.apiID = apiID
        self.apiName = apiName
        self.groupID = groupID
        self.groupName = groupName
        self.environmentID = environmentID
        self.environmentName = environmentName
        self.publishID = publishID
    }

    public static func == (a: RouteIdentity, b: RouteIdentity) -> Bool {
        a === b
            || a.apiID == b.apiID && a.apiName == b.apiName && a.groupID == b.groupID && a.groupName == b.groupName
                && a.environmentID == b.environmentID && a.environmentName == b.environmentName && a.publishID == b.publishID
    }
}

/// `match_mode` of an API.
public enum MatchMode: UInt8, Sendable { case normal, prefix }

/// `req_method` of an API.
public enum RouteMethod: UInt8, Sendable, CaseIterable { case get, post, put, delete, head, patch, options, any }

/// `req_protocol` of an API: HTTP, HTTPS, BOTH, GRPCS.
public struct AllowedSchemes: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let http = AllowedSchemes(rawValue: 1)
    public static let https = AllowedSchemes(rawValue: 2)
    /// Calls of gRPC, by HTTP/2 alone, whatever lies under it; never together with the others.
    public static let grpcs = AllowedSchemes(rawValue: 4)
}

/// Why an API refuses all requests: status, code and text of the answer (gateway-runtime.md, section 11).
public struct RouteRefusal: Sendable, Equatable {
    public let status: Int
    /// Four digits, without the `APIC.` prefix.
    public let code: String
    public let message: String

    public init(status: Int, code: String, message: String) {
        self.status = status
        self.code = code
        self.message = message
    }
}

/// Everything that may be bound to a published API. All nil: pass-through.
public struct RoutePolicies: Sendable {
    public var cors: CORSPolicy?
    public var access: AccessPolicy?
    /// nil: anybody may call.
    public var callers: CallerPolicy?
    public var rateLimit: RateLimitPolicy?
    public var thirdAuth: ThirdAuthPolicy?
    /// The custom authorizer in front.
    public var authorizer: AuthorizerPolicy?
    public var breaker: BreakerPolicy?
    public var signing: SigningPolicy?
    public var responseHeaders: ResponseHeaderPolicy?
    /// Requests become records for Kafka.
    public var kafkaLog: KafkaLogPolicy?
    /// Declared parameters that are checked.
    public var parameters: ParameterPolicy?
    /// `content_type` of the API: set on a request that brings a body without saying what it is (gateway-runtime.md, 3.5).
    public var defaultContentType: [UInt8]?
    /// Answers to the gateway's own failures; nil: the gateway's own.
    public var failures: FailureShapes?
    /// The API's own switch, without a cors plug-in: answers may be read by any origin (gateway-runtime.md, 10).
    public var allowsAnyOrigin = false
    /// What the stages were compiled from; empty without policies.
    public var objects: [PipelineStage: PolicyObject] = [:]
    public init() {}

    fileprivate var needsValues: Bool {
        access != nil || callers != nil || rateLimit != nil || thirdAuth != nil || authorizer != nil || breaker != nil || responseHeaders != nil
            || parameters != nil
    }
}

/// Where a route's requests go.
public enum Backend: Sendable {
    case http(HTTPBackend)
    case mock(MockBackend)
    case function(FunctionBackend)
}

/// An HTTP or HTTPS backend, reached directly or through a channel.
public final class HTTPBackend: Sendable {
    /// With a channel, only its `usesTLS` means something.
    public let upstream: Upstream
    /// nil: reached directly.
    public let channel: BalancedChannel?
    /// Value of the `Host` header that the backend sees: `host[:port]` as configured; empty: the one that the client sent.
    public let hostHeader: [UInt8]
    /// nil: the method of the incoming request.
    public let method: RouteMethod?
    public let path: BackendPath
    /// One deadline for connecting, sending and waiting for the answer's head, 1...600 000.
    public let timeoutMilliseconds: Int
    public let retry: RetryRule

    public init(
        upstream: Upstream, hostHeader: [UInt8], method: RouteMethod?, path: BackendPath, timeoutMilliseconds: Int,
        retry: RetryRule, channel: BalancedChannel? = nil
    ) {
        self.upstream = upstream
        self.channel = channel
        self.hostHeader = hostHeader
        self.method = method
        self.path = path
        self.timeoutMilliseconds = timeoutMilliseconds
        self.retry = retry
    }
}

/// An endpoint and how it is spoken to; the key of its connection pool.
public struct Upstream: Hashable, Sendable {
    public let usesTLS: Bool
    /// Name or address, lower case, without brackets.
    public let host: String
    public let port: Int
    /// nil: as the gateway is set up. Part of the key, so that no connection is used for what it was not opened with.
    public let tls: BackendTLS?
    /// Requests go side by side over HTTP/2, which the other side must know without being asked in plain text.
    public let speaksHTTP2: Bool

    public init(usesTLS: Bool, host: String, port: Int, tls: BackendTLS? = nil, speaksHTTP2: Bool = false) {
        self.usesTLS = usesTLS
        self.host = host
        self.port = port
        self.tls = tls
        self.speaksHTTP2 = speaksHTTP2
    }
}

/// The path that the backend sees.
public enum BackendPath: Sendable, Equatable {
    /// Front and backend path are the same text: the request's own path is forwarded.
    case asReceived
    /// Written anew from literal pieces and captured front parameters.
    case pieces([Piece])
    /// SWA: this prefix, then what follows the front prefix, verbatim (gateway-runtime.md, 1.4 and O2).
    case prefix([UInt8])
    /// Made by ``ParameterMapping/path`` of the choice that the backend belongs to.
    case mapped

    public enum Piece: Sendable, Equatable {
        case literal([UInt8])
        /// Value of the front path parameter with this index in ``PathTemplate``, percent-encoded for a path (3.2).
        case capture(Int)
    }
}

/// `retry_count` (gateway-runtime.md, 4.1).
public enum RetryRule: Sendable, Equatable {
    /// -1: idempotent methods once more, POST and PATCH never.
    case automatic
    /// 0...10 repetitions of any method.
    case times(Int)
}

/// `backend_type` MOCK: the whole answer but for `X-Request-Id`, made when compiled.
public final class MockBackend: Sendable {
    public let status: Int
    public let headers: [HeaderLine]
    public let body: [UInt8]

    public init(status: Int, headers: [HeaderLine], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// A header line of our own making: a valid field name and value, no CR or LF.
public struct HeaderLine: Sendable, Equatable {
    public let name: [UInt8]
    public let value: [UInt8]

    public init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }
}
