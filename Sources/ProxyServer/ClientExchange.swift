import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// From the complete head to the backend.
extension ClientConnection {
    private static let plainText = HeaderLine(name: Array("Content-Type".utf8), value: Array("text/plain".utf8))
    private static let json = HeaderLine(name: Array("Content-Type".utf8), value: Array("application/json".utf8))
    private static let healthy = Array("{\"status\":\"ok\"}".utf8)

    /// Decides about the request with the snapshot of this moment.
    func begin(_ head: RequestHead) {
        loop.requestBegins()
        exchange.reset(now: loop.eventTime, requestID: loop.requestIDs.next())
        body = BodyReader(head.framing)
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
        // Also on connections that were there before it was switched off (RFC 9110, 15.5.20).
        if isStream, instance.settings.refusesHTTP2 { return fail(.misdirected) }
        body = BodyReader(head.framing, limit: instance.settings.maxBodyBytes)
        switch HopStage.check(head, route, key: (origin?.snapshot ?? loop.snapshot).hops) {
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
            route, head, instance.settings, values: exchange.values, captures: exchange.captures,
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
            SigningStage.removeClientSignature(from: head, signing, instance.settings)
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

    // MARK: Third-party authentication

    /// Sends the question; the request's own way goes on in `authenticated`.
    private func ask(_ policy: ThirdAuthPolicy) {
        guard let values = exchange.values else { return fail(.internalError) }
        exchange.gate = .asking
        if let rehearsal { return authenticated(policy, assumedAnswer(policy, rehearsal)) }
        clientDeadline = .max
        guard let pool = pool(of: policy) else { return authenticated(policy, .failed(.noMember)) }
        loop.sideScratch.removeAll()
        exchange.collected.withUnsafeBytes { collected in
            ThirdAuthStage.writeRequest(
                policy, values, body: exchange.asksWithBody ? collected : nil, hop: exchange.hop ?? exchange.route?.hop ?? [],
                to: loop.sideScratch)
        }
        let serial = exchange.serial
        let side = SideRequest(
            pool: pool, request: ByteBuffer(bytes: loop.sideScratch.bytes),
            manner: SideRequest.Manner(
                timeoutMilliseconds: policy.timeoutMilliseconds, answersHead: policy.method.elementsEqual("HEAD".utf8))
        ) { outcome in
            guard self.exchange.serial == serial else { return }
            self.exchange.side = nil
            self.authenticated(policy, outcome)
        }
        exchange.side = side
        exchange.deadline = loop.eventTime + nanoseconds(policy.timeoutMilliseconds)
        side.start()
    }

    /// nil: the channel has nobody who may be asked.
    private func pool(of policy: ThirdAuthPolicy) -> UpstreamPool? {
        guard let channel = policy.channel else { return loop.pool(to: policy.upstream) }
        let selection = channel.health.map { loop.selection(of: channel, $0).1 } ?? channel.everybody
        guard let member = selection.choose(hash: balanceKey(channel), tried: []) else { return nil }
        exchange.ask(member)
        return loop.pool(to: member.upstream(of: policy.upstream))
    }

    private func authenticated(_ policy: ThirdAuthPolicy, _ outcome: SideRequest.Outcome) {
        guard let head, let route = exchange.route, let instance = exchange.instance, let values = exchange.values else { return }
        exchange.deadline = .max
        exchange.leaveMember(failed: false)
        let answer: ThirdAuthStage.Answer
        var received: ResponseHead?
        var text: [UInt8] = []
        switch outcome {
        case .timedOut, .tooLong, .failed(.backendUnavailable), .failed(.nameNotResolved), .failed(.backendTimeout):
            answer = .unreachable
        case .failed(.noMember): answer = .noMember
        case .failed, .sent: answer = .malformed
        case .answered(let head, let body):
            answer = .head(head)
            received = head
            text = body
        }
        let verdict = ThirdAuthStage.verdict(
            policy, answer, client: values.facts.clientAddress, nowNanoseconds: loop.eventTime, counts: rehearsal == nil)
        switch verdict {
        case .refuse(let failure, let returnsAnswer):
            if returnsAnswer, let received { send(copyOf: received, text) } else { fail(failure) }
        case .allow(let copies):
            ThirdAuthStage.copyHeaders(policy, from: copies ? received : nil, to: head)
            authorize(head, route, instance)
        }
        resumeBody()
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
            context?.writeAndFlush(wrapOutboundOut(out), promise: nil)
        }
        clientDeadline = loop.eventTime + bodyTimeout
        switch exchange.gate {
        case .collecting(let policy, let bytes): if exchange.collected.count >= bytes { ask(policy) }
        case .asking, .identifying, .verifying, .filling, .requestingToken: break
        case .open: if !exchange.collectsBody { dispatch() }
        }
    }

    /// Starts an attempt: takes a connection, or opens one.
    func dispatch() {
        guard let backend = exchange.backend else { return }
        exchange.isDispatched = true
        if let rehearsal { return rehearse(backend, rehearsal) }
        exchange.attempts += 1
        loop.metrics.attempts &+= 1
        if exchange.attempts > 1 { loop.metrics.repetitions &+= 1 }
        let now = loop.eventTime
        exchange.sentAt = now
        if exchange.attempts == 1 { exchange.firstSentAt = now }
        exchange.deadline = now + nanoseconds(backend.timeoutMilliseconds)
        let pool: UpstreamPool
        if let channel = backend.channel {
            guard let found = memberPool(backend, channel) else { return fail(.noMember) }
            pool = found
        } else if let last = exchange.lastPool, last.backend === backend, last.generation == loop.poolGeneration {
            pool = last.pool
        } else {
            pool = loop.pool(of: backend)
            exchange.lastPool = (backend, pool, loop.poolGeneration)
        }
        noteAttempt(at: pool.upstream)
        // A repeated attempt opens a connection: others of the pool are likely to be as stale as the one that failed.
        while exchange.attempts == 1, let connection = pool.take() {
            if connection.isUsable {
                attach(connection, backend)
                return
            }
        }
        exchange.isConnecting = true
        let serial = exchange.serial
        pool.connect(timeoutMilliseconds: backend.timeoutMilliseconds) { result in
            guard self.exchange.serial == serial, self.exchange.isConnecting else {
                // The request is gone; the connection is good for another one.
                if case .success(let connection) = result { connection.release(reusable: true) }
                return
            }
            self.exchange.isConnecting = false
            switch result {
            case .success(let connection): self.attach(connection, backend)
            case .failure(let failure): self.attemptFailed(failure, isFree: false)
            }
        }
    }

    /// Chooses a member, which counts as busy from here on; nil: nobody may be asked.
    private func memberPool(_ backend: HTTPBackend, _ channel: BalancedChannel) -> UpstreamPool? {
        let view: ChannelView
        if let last = exchange.lastView, last.view.backend === backend, last.generation == loop.poolGeneration {
            view = last.view
        } else {
            view = loop.view(of: backend, channel)
            exchange.lastView = (view, loop.poolGeneration)
        }
        guard let member = view.choose(hash: balanceKey(channel), tried: exchange.triedMembers) else { return nil }
        exchange.ask(member)
        return view.pool(of: member)
    }

    /// What a hashing strategy looks at: the client's address, or the path that was matched (gateway-runtime.md, 4.2).
    func balanceKey(_ channel: BalancedChannel) -> UInt64 {
        guard let head else { return 0 }
        if channel.strategy == .uriHash { return StableHash.hash(head.path.buffer) }
        return StableHash.hash(ClientAddress.of(head, peer: peer, source: exchange.instance?.settings.clientAddress ?? .peer))
    }

    private func attach(_ connection: UpstreamConnection, _ backend: HTTPBackend) {
        guard let head, let captures = exchange.captures else { return }
        exchange.upstream = connection
        connection.begin(
            self, answersHead: RequestWriter.isHead(head, backend), acceptsUpgrade: head.upgradeProtocol != nil)
        if let failure = write(head, backend, captures, to: &connection.out) {
            exchange.forgetReplay()
            attemptFailed(failure, isFree: false)
            return
        }
        if exchange.attempt != nil { connection.out.withUnsafeReadableBytes { noteSent($0) } }
        let bodyCount = exchange.unsent.readableBytes
        if bodyCount == 0 {
            connection.send(connection.out)
        } else if bodyCount <= 16 * 1024 {
            // Small bodies travel with their head: one write a message.
            connection.out.writeImmutableBuffer(exchange.unsent)
            exchange.clearUnsent()
            connection.send(connection.out)
        } else {
            connection.write(connection.out)
            connection.send(exchange.takeUnsent())
        }
        checkCongestion(connection)
    }

    /// Writes the head of the backend's request into `out`, which is emptied before.
    func write(
        _ head: RequestHead, _ backend: HTTPBackend, _ captures: RouteCaptures, to out: inout ByteBuffer
    ) -> GatewayFailure? {
        var clientText: [UInt8]?
        if let source = exchange.instance?.settings.clientAddress, source != .peer {
            let address = ClientAddress.of(head, peer: peer, source: source)
            if address != peer { clientText = Array(address.description.utf8) }
        }
        var request = ForwardedRequest(
            backend: backend, captures: captures, framing: head.framing, peerText: peerText, clientText: clientText,
            listenerPort: listenerPort, usesTLS: usesTLS, requestID: exchange.requestID)
        request.hop = exchange.hop ?? exchange.route?.hop ?? []
        request.defaultContentType = exchange.route?.policies.defaultContentType
        if let parameters = exchange.parameters, let mapping = parameters.mapping {
            if mapping.asksForMember {
                let group = exchange.memberGroup
                exchange.values?.memberGroup = group
                if let failure = map(mapping) { return failure }
            }
            request.parameters = parameters
        }
        if let policy = exchange.route?.policies.signing, let instance = exchange.instance {
            request.visitParameters = SigningStage.visitParameters(
                of: exchange.values?.caller, exchange.route?.policies.callers, from: head)
            request.signing = exchange.withCollectedBody { body in
                SigningStage(
                    policy: policy, settings: instance.settings, framing: head.framing, body: body,
                    wall: LoopState.wallMilliseconds(), scratch: loop.signingScratch)
            }
            if rehearsal == nil, let signing = request.signing, let route = exchange.route {
                loop.uses.note(signing.meter, at: signing.wall, by: .api(route.identity.apiID))
            }
        }
        out.clear()
        var failure: GatewayFailure?
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: RequestWriter.bound(head, request)) { area in
            var writer = ByteWriter(area)
            do {
                try RequestWriter.write(head, request, to: &writer)
                if writer.overflowed { failure = .internalError }
            } catch {
                failure = .signingFailed
            }
            return writer.count
        }
        return failure
    }

    /// Hands on what has come of the body since.
    func sendBody() {
        if let connection = exchange.upstream, exchange.unsent.readableBytes > 0 {
            connection.send(exchange.takeUnsent())
            // A slow client is not the backend's fault: its time begins anew with each piece.
            if !exchange.hasAnswer, let backend = exchange.backend {
                exchange.deadline = loop.eventTime + nanoseconds(backend.timeoutMilliseconds)
            }
            checkCongestion(connection)
        } else if exchange.isCongested {
            pauseReading()
            clientDeadline = .max
        }
    }

    private func checkCongestion(_ connection: UpstreamConnection) {
        if connection.isWritable {
            resumeReading()
        } else if !body.isComplete {
            pauseReading()
            // Nothing can come while nothing is read.
            clientDeadline = .max
        }
    }

    func bodyMayGoOn() {
        if phase == .tunnel { return resumeReading() }
        guard phase == .exchange, !body.isComplete else { return }
        clientDeadline = loop.eventTime + bodyTimeout
        resumeReading()
    }

    /// Another attempt, or the answer that says why there is none.
    /// - Parameter isFree: the connection had been idle and may have been closed before the request reached anybody; one repetition
    ///   of an idempotent request is then no retry in the sense of `retry_count` (RFC 9110, 9.2.2).
    func attemptFailed(_ failure: GatewayFailure, isFree: Bool) {
        if let connection = exchange.upstream {
            exchange.upstream = nil
            connection.close()
        }
        exchange.isConnecting = false
        noteAttemptEnded()
        // A connection that was stale says nothing about its member.
        exchange.leaveMember(failed: !isFree)
        guard !exchange.hasAnswer else {
            // The client has part of an answer; all that can be said is that it is not complete.
            exchange.status = 502
            closeNow()
            return
        }
        let isFree = isFree && exchange.attempts == 1 && (head?.method.isIdempotent ?? false)
        guard exchange.isReplayable, isFree || exchange.retriesLeft > 0, failure != .internalError else {
            fail(failure)
            return
        }
        if !isFree { exchange.retriesLeft -= 1 }
        exchange.serial &+= 1
        exchange.rewind()
        dispatch()
    }

    func exchangeTimedOut() {
        guard phase == .exchange else { return closeNow() }
        if let side = exchange.side { return side.timeOut() }
        if case .identifying = exchange.gate { return fail(.callerRefused(.identityUnavailable)) }
        attemptFailed(.backendTimeout, isFree: false)
    }
}
