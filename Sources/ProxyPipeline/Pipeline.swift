import GatewayPrimitives
import Snapshot

/// The order in which a request is decided (gateway-runtime.md, section 16), as one list:
///
/// 1. *Strict reading* (`RequestHead`): what is ambiguous never gets a meaning.
/// 2. *Host, environment, route* (`GatewaySnapshot.resolve`): everything later is bound to a route.
/// 3. *Preflight* (`CORSStage`), part of resolving: browsers send it without credentials, so nothing below may refuse it.
/// 4. *Protocol*, then a route that cannot be served: the request is at the right API but may not come this way.
/// 5. *Access list* (`AccessStage`): cheapest refusal, and unwelcome addresses must not use up anybody's limit.
/// 6. *Caller* (`CallerStage`): who it is, whether it may call this API, from this address and this often. Counted below are
///    callers that are allowed in, so that strangers cannot use up their limits.
/// 7. *Rate limit* (`RateLimitStage`): before the authentication service, which it protects as well as the backend.
/// 8. *Third-party authentication* (`ThirdAuthStage`): costs a request of its own; the first stage that waits.
/// 8b. *Custom authorizer* (`AuthorizerStage`): a function decides, after everybody who decides for less.
/// 9. *Body size*: only callers that are allowed in learn about the limit; nothing but the head was read of the body so far,
///    unless the authentication service wanted some or the caller's signature covers it.
/// 9b. *Parameters* (`ParameterStage`, `MappedRequest`): a request that its backend could not understand does not reach it. Then
///     orchestration rules, because conditions may look at what they make.
/// 10. *Breaker* (`BreakerStage`): counts only what would really reach the backend, and chooses another one when open.
/// 11. *Backend* (`BackendStage`): the first policy whose conditions hold. *Mapping* (`MappedRequest.map`) for this backend, when
///     everything is known that it may send. *Request* (`RequestWriter`), 12. *signature* (`SigningStage`): last, over the bytes that
///     are sent.
/// 13. *Answer* (`decorate`): CORS lines, then set_resp_headers (which may not touch CORS), then debug lines; on the gateway's own
///     answers too, so that a browser can read an error.
///
/// A route without policies passes through steps 4 and 9 alone.
public enum Pipeline {
    /// What the stages leave for the answer.
    public struct Outcome {
        public var rateLimit: RateLimitDecision?
        public var breaker: BreakerPass?
        public init() {}
    }

    public enum BeforeAuthentication {
        case refuse(GatewayFailure)
        /// Ask the service, with so many bytes of the body when they have come; nil: none.
        case ask(ThirdAuthPolicy, body: Int?)
        /// Find out who calls, then ``afterIdentification(_:values:outcome:)``.
        case identify(CallerPolicy)
        case proceed
    }

    /// Steps 4 and 5, and 7 and 8 where nobody is asked who it is. `values` may be nil for a route without policies.
    public static func beforeAuthentication(
        _ route: Route, usesTLS: Bool, values: RequestValues?, outcome: inout Outcome
    ) -> BeforeAuthentication {
        // That calls come by HTTP/2 is the connection's to know.
        guard route.schemes.contains(usesTLS ? .https : .http) || route.schemes.contains(.grpcs) else { return .refuse(.schemeNotSupported(route.schemes)) }
        if let refusal = route.refusal { return .refuse(.routeRefused(refusal)) }
        guard let values else { return .proceed }
        values.rehearsal?.pass(.scheme, usesTLS ? "HTTPS" : "HTTP")
        let policies = route.policies
        if let access = policies.access {
            if let failure = AccessStage.check(access, values.facts) { return .refuse(failure) }
            values.rehearsal?.pass(.accessList, "client address \(values.facts.clientAddress)")
        }
        if let callers = policies.callers { return .identify(callers) }
        return afterIdentification(route, values: values, outcome: &outcome)
    }

    /// Steps 7 and 8. `values` knows the caller.
    public static func afterIdentification(
        _ route: Route, values: RequestValues, outcome: inout Outcome
    ) -> BeforeAuthentication {
        let policies = route.policies
        if let limit = policies.rateLimit {
            let user = values.caller?.user
            let decision = RateLimitStage.admit(
                limit, values, user: user?.key, alias: user?.alias, app: values.caller?.app?.appID)
            outcome.rateLimit = decision
            if !decision.isAllowed { return .refuse(.throttled) }
            values.rehearsal?.pass(.rateLimit, RateLimitStage.description(decision))
        }
        if let third = policies.thirdAuth {
            switch ThirdAuthStage.begin(third, values) {
            case .refuse(let failure): return .refuse(failure)
            case .skip:
                ThirdAuthStage.copyHeaders(third, from: nil, to: values.facts.head)
                values.rehearsal?.pass(.thirdAuth, "its rules let the request pass unasked")
            case .ask: return .ask(third, body: ThirdAuthStage.carriedBody(third, values.facts.head.framing))
            }
        }
        return .proceed
    }

    public enum Destination {
        case refuse(GatewayFailure)
        /// The route's own: what its backend needs besides comes from the choice.
        case choice(BackendChoice)
        /// An open breaker's, in place of the route's own.
        case mock(MockBackend)
        case forward(HTTPBackend)
        case function(FunctionBackend)
    }

    /// Steps 9 and 10, and where the request goes.
    ///
    /// - Parameter parameters: receives the values of the request's parameters; not nil where ``RouteBackends/reading`` is not.
    public static func destination(
        _ route: Route, _ head: RequestHead, _ settings: InstanceSettings, values: RequestValues?, captures: RouteCaptures?,
        parameters: MappedRequest?, outcome: inout Outcome
    ) -> Destination {
        if case .length(let count) = head.framing, count > settings.maxBodyBytes { return .refuse(.bodyTooLarge) }
        if let checks = route.policies.parameters, let values, let captures {
            guard ParameterStage.accepts(checks, values, captures) else { return .refuse(.parameterRejected) }
            values.rehearsal?.pass(.parameters)
        }
        if let reading = route.backends.reading, let parameters, let values, let captures {
            parameters.read(reading, values.facts, captures)
            if let failure = parameters.orchestrate() { return .refuse(failure) }
            if reading.orchestration != nil { values.rehearsal?.pass(.parameters, "orchestration rules took the value") }
        }
        if let values, let breaker = route.policies.breaker {
            switch BreakerStage.enter(breaker, values) {
            case .closed(let pass):
                // A rehearsal has no outcome that could be reported.
                if values.rehearsal == nil { outcome.breaker = pass }
                values.rehearsal?.pass(.breaker, "closed")
            case .open(nil): return .refuse(.breakerOpen)
            case .open(.http(let backend)?):
                values.rehearsal?.pass(.breaker, "open: its downgrade is called")
                return .forward(backend)
            case .open(.mock(let mock)?):
                values.rehearsal?.pass(.breaker, "open: its downgrade answers")
                return .mock(mock)
            case .open(.function(let function)?):
                values.rehearsal?.pass(.breaker, "open: its downgrade is called")
                return .function(function)
            case .open(.passthrough(let lines)?):
                values.rehearsal?.pass(.breaker, "open: header lines of its downgrade are added")
                for line in lines {
                    let name = line.name.map(asciiLowercase)
                    name.withUnsafeBytes { head.remove(named: ByteView($0)) }
                    head.removeAdded(named: name)
                    head.add(line)
                }
            }
        }
        return .choice(BackendStage.choose(route.backends, values, parameters))
    }

    /// Step 13. `values` is nil when the route asks for nothing of it.
    public static func decorate(
        _ answer: ResponseHead, _ route: Route, _ head: RequestHead, values: RequestValues?, _ facts: AnswerValues,
        isPreflight: Bool, isDebugged: Bool, outcome: Outcome
    ) {
        if let cors = route.policies.cors, !isPreflight { CORSStage.apply(cors, head, to: answer) }
        if route.policies.allowsAnyOrigin { CORSStage.allowAnyOrigin(head, to: answer, answersOptions: route.method == .options) }
        guard let values else { return }
        if let headers = route.policies.responseHeaders { ResponseHeaderStage.apply(headers, values, facts, to: answer) }
        if isDebugged, let limit = route.policies.rateLimit, let decision = outcome.rateLimit {
            RateLimitStage.addDebugLines(decision, limit, to: answer)
        }
    }
}

extension Route {
    /// A stage of this route asks for values of the request.
    public var needsValues: Bool {
        policies.needsValues || backends.reading != nil || !backends.policies.isEmpty || backends.standard.asksFunction
    }
}

extension RoutePolicies {
    fileprivate var needsValues: Bool {
        access != nil || callers != nil || rateLimit != nil || thirdAuth != nil || authorizer != nil || breaker != nil || responseHeaders != nil
            || parameters != nil
    }
}
