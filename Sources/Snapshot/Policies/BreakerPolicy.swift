import GatewayPrimitives

/// A breaker plug-in bound to an API (gateway-runtime.md, 8.4).
public final class BreakerPolicy: Sendable {
    /// What answers while a breaker is open.
    public enum Downgrade: Sendable {
        case http(HTTPBackend)
        case mock(MockBackend)
        case function(FunctionBackend)
        /// The API's own backend, with these lines added to the request in place of the client's of the same names.
        case passthrough([HeaderLine])
    }

    public struct Rule: Sendable {
        public let expression: MatchExpression
        public let circuit: BreakerCircuit

        public init(expression: MatchExpression, circuit: BreakerCircuit) {
            self.expression = expression
            self.circuit = circuit
        }
    }

    /// Slots of the rules' expressions.
    public let parameters: [RequestValue]
    /// Tried top down; the first that matches decides.
    public let rules: [Rule]
    /// For requests that no rule matches.
    public let otherwise: BreakerCircuit

    public init(parameters: [RequestValue], rules: [Rule], otherwise: BreakerCircuit) {
        self.parameters = parameters
        self.rules = rules
        self.otherwise = otherwise
    }
}

/// One breaker: when it opens, for how long, and what answers meanwhile.
public final class BreakerCircuit: Sendable {
    public enum Failure: Sendable {
        /// The backend did not answer in time.
        case timeout
        /// Slot 0 is the status, slot 1 the backend's time in milliseconds, both as decimal text.
        case condition(MatchExpression)
    }

    public let failure: Failure
    public let threshold: BreakerThreshold
    /// nil: 503.
    public let downgrade: BreakerPolicy.Downgrade?
    public let state: BreakerState

    public init(failure: Failure, threshold: BreakerThreshold, downgrade: BreakerPolicy.Downgrade?, state: BreakerState) {
        self.failure = failure
        self.threshold = threshold
        self.downgrade = downgrade
        self.state = state
    }
}
