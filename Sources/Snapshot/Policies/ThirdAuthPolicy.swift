import GatewayPrimitives

/// A third_auth plug-in bound to an API (gateway-runtime.md, 8.5).
public final class ThirdAuthPolicy: Sendable {
    public enum RuleKind: UInt8, Sendable {
        /// Matching requests skip authentication.
        case allow
        /// Only matching requests need it.
        case deny
    }

    public struct Rules: Sendable {
        public let kind: RuleKind
        /// Slots of the expressions.
        public let parameters: [RequestValue]
        public let expressions: [MatchExpression]

        public init(kind: RuleKind, parameters: [RequestValue], expressions: [MatchExpression]) {
            self.kind = kind
            self.parameters = parameters
            self.expressions = expressions
        }
    }

    /// Upper case: GET, POST, PUT or HEAD.
    public let method: [UInt8]
    /// With a channel, only its `usesTLS` means something.
    public let upstream: Upstream
    /// nil: reached directly.
    public let channel: BalancedChannel?
    /// Empty: the one that the client sent.
    public let hostHeader: [UInt8]
    /// Without query.
    public let path: [UInt8]
    public let timeoutMilliseconds: Int
    /// Lower case; with ``queries`` empty too, everything is sent.
    public let headers: [[UInt8]]
    /// Decoded names.
    public let queries: [[UInt8]]
    /// Most bytes of the body to send along; nil: none.
    public let carriedBody: Int?
    public let carriesPath: Bool
    /// On refusal the client gets the authentication service's answer.
    public let returnsAnswerOnFailure: Bool
    /// Lower case; copied from a successful answer to the backend's request, in place of the client's.
    public let carriedAnswerHeaders: [[UInt8]]
    /// nil: any 2xx is success.
    public let match: HeaderLine?
    /// Connection failures and 5xx count as success.
    public let isRelaxed: Bool
    /// nil: every request is authenticated.
    public let rules: Rules?
    /// Failures of each client address; nil: none are counted.
    public let failures: FailureWindows?

    public init(
        method: [UInt8], upstream: Upstream, hostHeader: [UInt8], path: [UInt8], timeoutMilliseconds: Int, headers: [[UInt8]],
        queries: [[UInt8]], carriedBody: Int?, carriesPath: Bool, returnsAnswerOnFailure: Bool, carriedAnswerHeaders: [[UInt8]],
        match: HeaderLine?, isRelaxed: Bool, rules: Rules?, failures: FailureWindows?, channel: BalancedChannel? = nil
    ) {
        self.method = method
        self.upstream = upstream
        self.channel = channel
        self.hostHeader = hostHeader
        self.path = path
        self.timeoutMilliseconds = timeoutMilliseconds
        self.headers = headers
        self.queries = queries
        self.carriedBody = carriedBody
        self.carriesPath = carriesPath
        self.returnsAnswerOnFailure = returnsAnswerOnFailure
        self.carriedAnswerHeaders = carriedAnswerHeaders
        self.match = match
        self.isRelaxed = isRelaxed
        self.rules = rules
        self.failures = failures
    }
}
