import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// From the complete head to the backend that is chosen; `ClientDispatch.swift` asks it.
extension ClientConnection {
    private static let plainText = HeaderLine(name: Array("Content-Type".utf8), value: Array("text/plain".utf8))
    private static let json = HeaderLine(name: Array("Content-Type".utf8), value: Array("application/json".utf8))
    private static let healthy = Array("{\"status\":\"ok\"}".utf8)

    /// Decides about the request with the snapshot of this moment.
    func begin(_ head: RequestHead) {
        loop.requestBegins()
        exchange.reset(now: loop.eventTime, requestID: loop.requestIDs.next())
        body = BodyReader(head.framing)
        beginTrace(head)
        // A target of the other scheme would be routed by what the connection is not.
        if let scheme = head.absoluteScheme, (scheme == .https) != usesTLS {
            fail(.malformedRequest)
            return
        }
        let captures = exchange.captures ?? RouteCaptures()
        exchange.captures = captures
        let snapshot = origin?.snapshot ?? loop.snapshot
        let resolution = snapshot.resolve(head, captures: captures, security: security)
        if let rehearsal, !rehearse(resolution, snapshot, head, rehearsal) { return fail(.apiNotFound) }
        switch resolution {
        case .failure(let failure): fail(failure)
        case .hostFailure(let failure, let host, let instance):
            exchange.host = host
            exchange.instance = instance
            fail(failure)
        case .redirect: redirect(head)
        case .healthCheck: answer(status: 200, line: Self.json, body: Self.healthy)
        case .publicKey(let key):
            answer(status: 200, line: Self.plainText, body: key.text(at: LoopState.wallMilliseconds()))
        case .token where rehearsal != nil: answer(status: 200, line: Self.json, body: [])
        case .token where origin != nil: fail(.apiNotFound)
        case .token(let policy, let instance): beginToken(head, policy, instance)
        case .route(let route, _) where origin?.allows(route) == false: fail(.apiNotFound)
        case .route(let route, let instance): begin(head, route, instance)
        case .preflight(let route, let cors, let instance):
            exchange.route = route
            exchange.isPreflight = true
            if route.needsValues { exchange.values = makeValues(head, route, instance) }
            let answer = exchange.ownAnswer
            CORSStage.answerPreflight(cors, head, in: answer)
            send(answer, [], failure: nil)
        }
    }

    private func begin(_ head: RequestHead, _ route: Route, _ instance: InstanceContext) {
        exchange.route = route
        exchange.instance = instance
        if let log = route.policies.kafkaLog, rehearsal == nil { beginCapture(log) }
        // Also on connections that were there before it was switched off (RFC 9110, 15.5.20).
        if isStream, instance.settings.refusesHTTP2 { return fail(.misdirected) }
        body = BodyReader(head.framing, limit: instance.settings.maxBodyBytes)
        if route.schemes.contains(.grpcs), let failure = beginCall(head, instance.settings) { return fail(failure) }
        switch HopStage.check(head, route, origin?.snapshot ?? loop.snapshot) {
        case .first: break
        case .further(let hop): exchange.hop = hop
        case .refused: return fail(.selfCall)
        }
        if route.needsValues || rehearsal != nil { exchange.values = makeValues(head, route, instance) }
        goOn(Pipeline.beforeAuthentication(route, usesTLS: usesTLS, values: exchange.values, outcome: &exchange.outcome))
    }

    /// Does what a part of the pipeline has come to.
    func goOn(_ decision: Pipeline.BeforeAuthentication) {
        guard let head, let route = exchange.route, let instance = exchange.instance else { return }
        switch decision {
        case .refuse(let failure): fail(failure)
        case .proceed: authorize(head, route, instance)
        case .identify(let policy): identify(policy)
        case .ask(let policy, let wanted):
            exchange.gate = .collecting(policy, bytes: wanted ?? 0)
            exchange.asksWithBody = wanted != nil
            exchange.wantedBytes = wanted ?? 0
            // Some of the body may be here, or all of it, when the caller's signature covers it.
            if body.isComplete || exchange.collected.count >= exchange.wantedBytes { ask(policy) }
        }
    }

    private func makeValues(_ head: RequestHead, _ route: Route, _ instance: InstanceContext) -> RequestValues {
        let facts = RequestFacts(
            head: head, peer: peer, clientAddress: ClientAddress.of(head, peer: peer, source: instance.settings.clientAddress),
            usesTLS: usesTLS, nowMilliseconds: LoopState.wallMilliseconds(), nowNanoseconds: exchange.began,
            requestID: exchange.requestID, clientCertificateName: security.clientName)
        return RequestValues(facts: facts, identity: route.identity, scratch: loop.stageScratch, rehearsal: rehearsal)
    }

    /// What a failure's answer may name; without a route, its group alone.
    func failureValues(_ head: RequestHead) -> RequestValues {
        if let values = exchange.values { return values }
        let facts = RequestFacts(
            head: head, peer: peer,
            clientAddress: ClientAddress.of(head, peer: peer, source: exchange.instance?.settings.clientAddress ?? .peer),
            usesTLS: usesTLS, nowMilliseconds: LoopState.wallMilliseconds(), nowNanoseconds: exchange.began,
            requestID: exchange.requestID, clientCertificateName: security.clientName)
        let identity = exchange.route?.identity
            ?? RouteIdentity(
                apiID: "", apiName: "", groupID: exchange.host?.groupID ?? "", groupName: exchange.host?.groupName ?? "",
                environmentID: "", environmentName: "", publishID: "")
        return RequestValues(facts: facts, identity: identity, scratch: loop.stageScratch)
    }

    /// GET and HEAD move for good; 307 keeps method and body of the others (gateway-runtime.md, O4).
    private func redirect(_ head: RequestHead) {
        let answer = exchange.ownAnswer
        answer.begin(status: head.method == .get || head.method == .head ? 301 : 307)
        let port = loop.redirectPort
        let location = Array("https://".utf8) + head.host.array + (port == 443 ? [] : Array(":\(port)".utf8)) + head.target.array
        answer.add(HeaderLine(name: Array("Location".utf8), value: location))
        send(answer, [], failure: nil)
    }

    /// The request may come in: where does it go?
    func choose(_ head: RequestHead, _ route: Route, _ instance: InstanceContext) {
        exchange.gate = .open
        switch Pipeline.destination(
            route, head, instance, values: exchange.values, captures: exchange.captures,
            parameters: route.backends.reading == nil ? nil : exchange.takeParameters(), outcome: &exchange.outcome)
        {
        case .refuse(let failure): fail(failure)
        case .choice(let choice): call(choice, head)
        case .mock(let mock): call(mock)
        case .forward(let backend): call(backend, route.backends.downgraded, head)
        case .function(let backend): call(backend, route.backends.downgraded)
        }
    }

    /// The backend that the route's policies have chosen.
    private func call(_ choice: BackendChoice, _ head: RequestHead) {
        if choice.authorizer == nil { enter(choice, head) } else { authorize(choice) }
    }

    /// Nobody else has to be asked.
    func enter(_ choice: BackendChoice, _ head: RequestHead) {
        switch choice.backend {
        case .mock(let mock): call(mock)
        case .http(let backend): call(backend, choice.mapping, head)
        case .function(let backend): call(backend, choice.mapping)
        }
    }

    private func call(_ mock: MockBackend) {
        rehearsal?.send(to: Rehearsal.Destination(kind: .mock), "a fixed answer")
        reportToBreaker(status: mock.status, timedOut: false)
        answer(mock)
    }

    private func call(_ backend: HTTPBackend, _ mapping: ParameterMapping?, _ head: RequestHead) {
        guard let route = exchange.route, let instance = exchange.instance else { return }
        if let mapping, mapping.asksForMember {
            exchange.parameters?.expect(mapping)
        } else if let mapping, let failure = map(mapping) {
            return fail(failure)
        }
        exchange.backend = backend
        switch backend.retry {
        case .automatic: exchange.retriesLeft = head.method.isIdempotent ? 1 : 0
        case .times(let count): exchange.retriesLeft = count
        }
        if let signing = route.policies.signing {
            SigningStage.removeClientSignature(from: head, signing, instance)
            exchange.collectsBody = SigningStage.collectsBody(signing, head.framing)
        }
    }

    /// Puts together what the backend gets, when everything is known that it may get.
    func map(_ mapping: ParameterMapping) -> GatewayFailure? {
        guard let parameters = exchange.parameters, let values = exchange.values, let captures = exchange.captures else {
            return .internalError
        }
        return parameters.map(mapping, values, captures)
    }

    /// The outcome of a call that the breaker let through, once.
    func reportToBreaker(status: Int, timedOut: Bool) {
        guard let pass = exchange.outcome.breaker else { return }
        exchange.outcome.breaker = nil
        let now = LoopState.now()
        let waited = exchange.sentAt == 0 ? 0 : Int((now - min(now, exchange.sentAt)) / 1_000_000)
        pass.report(status: status, timedOut: timedOut, backendMilliseconds: waited, nowNanoseconds: now)
    }

    /// Goes on with a body that had to wait for a decision.
    func resumeBody() {
        resumeReading()
        guard phase == .exchange, !exchange.isDispatched else { return }
        switch exchange.gate {
        case .open where exchange.backend == nil: return
        case .asking, .identifying: return
        case .open, .collecting, .filling, .requestingToken, .verifying: break
        }
        if body.isComplete { bodyIsReady() } else { bodyIsPartial() }
    }

    // MARK: Body

    /// The whole body has arrived, or there is none.
    func bodyIsReady() {
        switch exchange.gate {
        case .collecting(let policy, _): ask(policy)
        case .asking, .identifying: break
        case .verifying(let pending): verify(pending)
        case .requestingToken(let policy): answerToken(policy)
        case .filling(let use): filled(use)
        case .open: dispatch()
        }
    }

    /// Part of the body has arrived, and no more is here to be read.
    func bodyIsPartial() {
        switch exchange.gate {
        case .asking, .identifying:
            if exchange.isCongested { pauseReading() }
            return
        case .filling where body.received > FunctionCall.bodyBound: return fail(.bodyTooLarge)
        case .open, .collecting, .verifying, .filling, .requestingToken: break
        }
        if let head, head.expectsContinue, body.received == 0, !exchange.saidContinue {
            // The gateway has decided to take the body; the backend is not asked (RFC 9110, 10.1.1).
            exchange.saidContinue = true
            out.clear()
            out.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            writeAndFlush(out)
        }
        clientDeadline = loop.eventTime + bodyTimeout
        switch exchange.gate {
        case .collecting(let policy, let bytes): if exchange.collected.count >= bytes { ask(policy) }
        case .asking, .identifying, .verifying, .filling, .requestingToken: break
        case .open: if !exchange.collectsBody { dispatch() }
        }
    }
}
