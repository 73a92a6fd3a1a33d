import GatewayPrimitives

/// Where a route's requests go: to the first policy whose conditions hold, or else where the API itself says
/// (gateway-runtime.md, 4.6).
public struct RouteBackends: Sendable {
    public struct Policy: Sendable {
        public let name: String
        /// `effect_mode` ALL; otherwise one condition is enough.
        public let needsAll: Bool
        /// At least one.
        public let conditions: [ChoiceCondition]
        public let choice: BackendChoice

        public init(name: String, needsAll: Bool, conditions: [ChoiceCondition], choice: BackendChoice) {
            self.name = name
            self.needsAll = needsAll
            self.conditions = conditions
            self.choice = choice
        }
    }

    /// In the order in which they are tried: those over HTTP, those that mock, those that call functions.
    public let policies: [Policy]
    public let standard: BackendChoice
    /// nil: no parameter of the request is looked at.
    public let reading: ParameterReading?
    /// What an open breaker's own backend gets: declared parameters that are passed on, and nothing else is moved.
    public let downgraded: ParameterMapping?

    public init(
        policies: [Policy] = [], standard: BackendChoice, reading: ParameterReading? = nil, downgraded: ParameterMapping? = nil
    ) {
        self.policies = policies
        self.standard = standard
        self.reading = reading
        self.downgraded = downgraded
    }

    /// Choosing among them, or calling what is chosen, takes values of the request.
    var needsValues: Bool { reading != nil || !policies.isEmpty || standard.asksFunction }

    /// All of them, in no order.
    public var choices: [BackendChoice] { policies.map(\.choice) + [standard] }
}

/// One backend with everything that belongs to calling it.
public final class BackendChoice: Sendable {
    public let backend: Backend
    /// nil: the request is forwarded as it came, but for its path.
    public let mapping: ParameterMapping?
    /// Asked before the backend is called; nil: nobody.
    public let authorizer: AuthorizerPolicy?
    /// It, or an authorizer before it, is a function.
    public let asksFunction: Bool

    public init(_ backend: Backend, mapping: ParameterMapping? = nil, authorizer: AuthorizerPolicy? = nil) {
        self.backend = backend
        self.mapping = mapping
        self.authorizer = authorizer
        if case .function = backend { asksFunction = true } else { asksFunction = authorizer != nil }
    }
}

/// One condition of a backend policy. What is absent fulfils none.
public struct ChoiceCondition: Sendable {
    public enum Subject: Sendable, Equatable {
        /// First value of a slot, its default included.
        case slot(Int)
        /// The client's address.
        case source
        /// The path in the form that was matched.
        case path
        case method
        /// Name as it is sent.
        case cookie([UInt8])
        case authorizer(AuthorizerSide, name: [UInt8])
    }

    public enum Test: Sendable {
        case equal([UInt8])
        case among([[UInt8]])
        /// Found anywhere in the value; a search that hits its limits has found nothing.
        case pattern(PatternMatcher)
        /// Of ``Subject/source`` alone.
        case addresses(IPSet)
    }

    public let subject: Subject
    public let test: Test

    public init(subject: Subject, test: Test) {
        self.subject = subject
        self.test = test
    }
}
