import ProxyPipeline

/// What one event loop counts of all its requests. Plain numbers: nothing but the loop touches them, and who wants to read them
/// gets a copy that the loop makes.
struct LoopMetrics: Sendable {
    /// Upper ends of the buckets of times, in microseconds; what is longer is counted in one bucket more.
    static let bounds: [UInt64] = [
        500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
        30_000_000, 60_000_000,
    ]

    struct Histogram: Sendable {
        var buckets = [UInt64](repeating: 0, count: LoopMetrics.bounds.count + 1)
        /// Microseconds.
        var sum: UInt64 = 0

        @inline(__always)
        mutating func add(_ microseconds: UInt64) {
            var index = 0
            while index < LoopMetrics.bounds.count, microseconds > LoopMetrics.bounds[index] { index += 1 }
            buckets[index] &+= 1
            sum &+= microseconds
        }

        static func += (a: inout Histogram, b: Histogram) {
            for index in a.buckets.indices { a.buckets[index] &+= b.buckets[index] }
            a.sum &+= b.sum
        }
    }

    struct Refusal: Hashable, Sendable {
        let policy: String
        /// Id of the plug-in, policy, key or authorizer that refused, otherwise of the API; empty without either.
        let object: String
    }

    /// Most pairs of policy and object that are told apart; what comes later is `other`.
    static let refusalLimit = 500

    /// First the plain listener, then TLS; each by hundreds of the status, 0 for clients that left before there was an answer.
    var requests: [[UInt64]] = Array(repeating: Array(repeating: 0, count: 6), count: 2)
    var durations = Histogram()
    var inner = Histogram()
    var backend = Histogram()
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    var refusals: [Refusal: UInt64] = [:]
    var accepted: [UInt64] = [0, 0]
    var closed: [UInt64] = [0, 0]
    /// Of the open ones, those that speak HTTP/2.
    var sessions = [0, 0]
    /// By ``TurnedAway``.
    var turnedAway: [UInt64] = Array(repeating: 0, count: TurnedAway.allCases.count)
    var attempts: UInt64 = 0
    var repetitions: UInt64 = 0
    var connects: UInt64 = 0
    var connectFailures: UInt64 = 0

    @inline(__always)
    mutating func count(usesTLS: Bool, status: Int, duration: UInt64, backend: UInt64?, bytesIn: Int, bytesOut: Int) {
        let place = status / 100
        requests[usesTLS ? 1 : 0][place < 6 ? max(0, place) : 5] &+= 1
        durations.add(duration)
        if let backend {
            self.backend.add(backend)
            inner.add(duration - min(duration, backend))
        } else {
            inner.add(duration)
        }
        self.bytesIn &+= UInt64(max(0, bytesIn))
        self.bytesOut &+= UInt64(max(0, bytesOut))
    }

    mutating func refused(_ policy: StaticString, object: String) {
        var refusal = Refusal(policy: "\(policy)", object: object)
        if refusals[refusal] == nil, refusals.count >= Self.refusalLimit { refusal = Refusal(policy: "\(policy)", object: "other") }
        refusals[refusal, default: 0] &+= 1
    }

    static func += (a: inout LoopMetrics, b: LoopMetrics) {
        for listener in a.requests.indices {
            for place in a.requests[listener].indices { a.requests[listener][place] &+= b.requests[listener][place] }
            a.accepted[listener] &+= b.accepted[listener]
            a.closed[listener] &+= b.closed[listener]
            a.sessions[listener] += b.sessions[listener]
        }
        a.durations += b.durations
        a.inner += b.inner
        a.backend += b.backend
        a.bytesIn &+= b.bytesIn
        a.bytesOut &+= b.bytesOut
        for (refusal, count) in b.refusals { a.refusals[refusal, default: 0] &+= count }
        for reason in a.turnedAway.indices { a.turnedAway[reason] &+= b.turnedAway[reason] }
        a.attempts &+= b.attempts
        a.repetitions &+= b.repetitions
        a.connects &+= b.connects
        a.connectFailures &+= b.connectFailures
    }
}

extension GatewayFailure {
    /// Which rule of the gateway refused, as metrics name it.
    var refusingPolicy: StaticString {
        switch self {
        case .malformedRequest, .targetTooLong, .headersTooLarge, .requestTimeout: "request"
        case .bodyTooLarge: "body_size"
        case .apiNotFound, .methodNotFound, .publicKeyNotFound, .selfCall: "routing"
        case .schemeNotSupported, .misdirected: "protocol"
        case .routeRefused: "configuration"
        case .tlsVersionNotSupported, .clientCertificateNotVerified: "domain"
        case .addressUnknown, .addressDenied: "access_control"
        case .callerRefused(let failure): failure.refusingPolicy
        case .throttled: "throttling"
        case .thirdAuthRefused, .thirdAuthIdentityMissing, .thirdAuthBlocked, .thirdAuthNoMember, .thirdAuthUnreachable,
            .thirdAuthAnswerInvalid:
            "third_auth"
        case .authorizerIdentityInvalid, .authorizerDenied, .authorizerFailed: "authorizer"
        case .breakerOpen: "breaker"
        case .parameterRejected, .orchestrationParameterMissing, .orchestrationFailed: "parameters"
        case .signingFailed: "signing"
        case .nameNotResolved, .backendUnavailable, .noMember, .backendTimeout, .functionAnswerInvalid: "backend"
        case .internalError: "internal"
        }
    }
}

extension CallerFailure {
    fileprivate var refusingPolicy: StaticString {
        switch self {
        case .appMissing, .app, .token: "app_authentication"
        case .appNotAuthorized: "app_authorization"
        case .appAddressDenied: "app_access_list"
        case .appQuotaUsedUp: "app_quota"
        case .iamMissing, .iam, .tokenMustBeUpdated, .identityUnavailable: "iam_authentication"
        case .accountDenied: "access_control"
        }
    }
}
