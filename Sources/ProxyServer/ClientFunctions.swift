import GatewayPrimitives
import NIOCore
import ProxyPipeline
import RequestSigning
import Snapshot

/// What a request's body is collected for.
enum FunctionUse {
    case authorizer(AuthorizerPolicy)
    case backend(FunctionBackend)
}

/// Functions that a request waits for: custom authorizers and function backends.
extension ClientConnection {
    // MARK: Custom authorizers

    /// Step 8b; goes on with the backend.
    func authorize(_ head: RequestHead, _ route: Route, _ instance: InstanceContext) {
        guard let policy = route.policies.authorizer else { return choose(head, route, instance) }
        guard let values = exchange.values else { return fail(.internalError) }
        guard AuthorizerStage.accepts(policy, values) else { return fail(.authorizerIdentityInvalid) }
        if policy.needsBody { fill(.authorizer(policy)) } else { consult(policy) }
    }

    /// Asks the authorizer of the backend that was chosen; goes on with this backend.
    func authorize(_ choice: BackendChoice) {
        guard let policy = choice.authorizer else { return fail(.internalError) }
        exchange.choice = choice
        consult(policy)
    }

    /// What was remembered, or what the function says now.
    private func consult(_ policy: AuthorizerPolicy) {
        guard let head, let instance = exchange.instance else { return }
        let values = failureValues(head)
        let takesNumbers = instance.settings.authorizersGiveNumbers
        let body = policy.needsBody ? exchange.wholeBody(chunked: head.framing == .chunked) : nil
        var key: BodyDigest?
        if let cache = policy.cache {
            let digest = AuthorizerStage.key(policy, values, body: body, takesNumbers: takesNumbers)
            if let known = cache.decision(for: digest, at: milliseconds(loop.eventTime)) {
                if known.isAllowed { rehearsal?.pass(policy.side.stage, "as it said before, which is remembered") }
                return follow(policy, known)
            }
            key = digest
        }
        if let rehearsal { return follow(policy, rehearsal) }
        let event = ByteScratch(capacity: 1024 + (body?.count ?? 0) * 4 / 3)
        AuthorizerStage.writeEvent(policy, values, body: body, to: event)
        let manner = SideRequest.Manner(
            timeoutMilliseconds: policy.timeoutMilliseconds, answerBound: FunctionCall.authorizerAnswerBound)
        call(policy.function, event, manner) { connection, outcome in
            var decision: AuthorizerDecision?
            if case .answered(let answer, let body) = outcome, (200...299).contains(answer.status) {
                decision = AuthorizerStage.decision(body, takesNumbers: takesNumbers)
            }
            guard let decision else { return connection.fail(.authorizerFailed) }
            if let cache = policy.cache, let key {
                cache.remember(decision, for: key, at: connection.milliseconds(connection.loop.eventTime))
            }
            connection.follow(policy, decision)
        }
    }

    /// What the function is taken to say.
    private func follow(_ policy: AuthorizerPolicy, _ rehearsal: Rehearsal) {
        let assumed = rehearsal.assumptions
        rehearsal.assume(policy.side.stage, "its function would be asked and is taken to answer: \(assumed.authorizer)")
        guard assumed.authorizer != .unreachable else { return fail(.authorizerFailed) }
        follow(
            policy, AuthorizerDecision(isAllowed: assumed.authorizer == .allows, context: assumed.authorizerContext))
    }

    private func milliseconds(_ nanoseconds: UInt64) -> Int64 { Int64(nanoseconds / 1_000_000) }

    private func follow(_ policy: AuthorizerPolicy, _ decision: AuthorizerDecision) {
        guard let head, let route = exchange.route, let instance = exchange.instance else { return }
        // An answer to the client may name it, whatever was decided.
        switch policy.side {
        case .frontend: exchange.values?.frontendContext = decision.context
        case .backend: exchange.values?.backendContext = decision.context
        }
        guard decision.isAllowed else { return fail(.authorizerDenied) }
        switch policy.side {
        case .frontend: choose(head, route, instance)
        case .backend:
            guard let choice = exchange.choice else { return fail(.internalError) }
            enter(choice, head)
        }
    }

    // MARK: Function backends

    /// - Parameter mapping: what the function gets of the request's parameters; nil: everything as it came.
    func call(_ backend: FunctionBackend, _ mapping: ParameterMapping?) {
        if let mapping, let failure = map(mapping) { return fail(failure) }
        fill(.backend(backend))
    }

    private func invoke(_ backend: FunctionBackend) {
        guard let head, let route = exchange.route, let captures = exchange.captures else { return fail(.internalError) }
        if backend.isAsync, !loop.takesDetached { return fail(.backendUnavailable) }
        let values = failureValues(head)
        let request = BackendRequest(
            head: head, template: route.path, captures: captures,
            parameters: exchange.parameters?.mapping == nil ? nil : exchange.parameters)
        let client = values.facts.clientAddress
        var event = BackendEvent(
            request: request, values: values, peerText: peerText, clientText: client == peer ? nil : Array(client.description.utf8),
            listenerPort: listenerPort, defaultContentType: route.policies.defaultContentType)
        let body = exchange.wholeBody(chunked: head.framing == .chunked)
        let text = ByteScratch(capacity: 4096 + body.count * 4 / 3)
        event.isMasked = rehearsal != nil
        event.write(body, encodes: backend.encodesBody, to: text)
        if let rehearsal { return rehearse(backend, text, rehearsal) }
        exchange.attempts = 1
        exchange.sentAt = loop.eventTime
        exchange.firstSentAt = loop.eventTime
        exchange.function = backend.function
        noteAttempt(at: LoggedEndpoint(backend.function.upstream))
        backend.function.path.withUnsafeBytes { exchange.attempt?.show(target: ByteView($0)) }
        let manner = SideRequest.Manner(
            timeoutMilliseconds: backend.timeoutMilliseconds, answerBound: FunctionCall.answerBound,
            isRepeatable: head.method.isIdempotent, isDetached: backend.isAsync)
        call(backend.function, text, manner) { connection, outcome in connection.relay(outcome) }
    }

    /// What a function backend came to is the answer.
    private func relay(_ outcome: SideRequest.Outcome) {
        exchange.answeredAt = loop.eventTime
        if case .answered(let received, _) = outcome { noteAnswer(status: received.status) }
        noteAttemptEnded()
        switch outcome {
        case .timedOut: fail(.backendTimeout)
        case .failed(let failure): fail(failure)
        case .tooLong: fail(.functionAnswerInvalid)
        case .sent:
            let answer = exchange.ownAnswer
            answer.begin(status: 202)
            reportToBreaker(status: 202, timedOut: false)
            send(answer, [], failure: nil, isBackend: true)
        case .answered(let received, let text):
            // The server that runs functions could not run this one.
            guard (200...299).contains(received.status) else { return fail(.backendUnavailable) }
            let answer = exchange.ownAnswer
            guard let found = FunctionAnswer(parsing: text, bound: FunctionCall.answerBound), found.fill(answer) else {
                return fail(.functionAnswerInvalid)
            }
            reportToBreaker(status: found.status, timedOut: false)
            send(answer, found.body, failure: nil, isBackend: true)
        }
    }

    // MARK: Body

    /// Waits for the whole body, which must fit into an event.
    private func fill(_ use: FunctionUse) {
        guard let head else { return }
        if case .length(let count) = head.framing, count > FunctionCall.bodyBound { return fail(.bodyTooLarge) }
        exchange.gate = .filling(use)
        if body.isComplete { serve(use) }
    }

    /// The body is here as a whole.
    func filled(_ use: FunctionUse) {
        serve(use)
        resumeBody()
    }

    private func serve(_ use: FunctionUse) {
        guard body.received <= FunctionCall.bodyBound else { return fail(.bodyTooLarge) }
        exchange.gate = .open
        switch use {
        case .authorizer(let policy): consult(policy)
        case .backend(let backend): invoke(backend)
        }
    }

    // MARK: Calls

    /// Sends an event to a function. `done` is called once, with this connection, unless the request ends before; the request's way
    /// goes on behind it.
    private func call(
        _ function: FunctionTarget, _ event: ByteScratch, _ manner: SideRequest.Manner,
        _ done: @escaping (ClientConnection, SideRequest.Outcome) -> Void
    ) {
        exchange.gate = .asking
        clientDeadline = .max
        loop.sideScratch.removeAll()
        FunctionCall.writeHead(
            function, eventCount: event.count, requestID: exchange.requestID, hop: exchange.hop ?? exchange.route?.hop ?? [],
            trace: exchange.trace, to: loop.sideScratch)
        var request = ByteBuffer()
        request.reserveCapacity(loop.sideScratch.count + event.count)
        request.writeBytes(loop.sideScratch.bytes)
        request.writeBytes(event.bytes)
        let serial = exchange.serial
        let side = SideRequest(pool: loop.pool(to: function.upstream), request: request, manner: manner) { outcome in
            guard self.exchange.serial == serial else { return }
            self.exchange.side = nil
            self.exchange.deadline = .max
            self.exchange.gate = .open
            done(self, outcome)
            self.resumeBody()
        }
        exchange.side = side
        exchange.deadline = loop.eventTime + nanoseconds(manner.timeoutMilliseconds)
        side.start()
    }
}

extension AuthorizerSide {
    fileprivate var stage: PipelineStage {
        switch self {
        case .frontend: .authorizer
        case .backend: .backendAuthorizer
        }
    }
}
