import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// Attempts at a backend: connection, request, body, and what follows when one fails.
extension ClientConnection {
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
        exchange.wait(until: now + nanoseconds(backend.timeoutMilliseconds))
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
        noteAttempt(at: pool.endpoint)
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
        if let call = exchange.call { call.tell(head, now: loop.eventTime) }
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
        let request: ForwardedRequest
        if let spare = loop.forwarded {
            request = spare
            request.reuse(
                backend: backend, captures: captures, framing: head.framing, peerText: peerText, clientText: clientText,
                listenerPort: listenerPort, usesTLS: usesTLS, requestID: exchange.requestID)
        } else {
            request = ForwardedRequest(
                backend: backend, captures: captures, framing: head.framing, peerText: peerText, clientText: clientText,
                listenerPort: listenerPort, usesTLS: usesTLS, requestID: exchange.requestID)
            loop.forwarded = request
        }
        request.hop = exchange.hop ?? exchange.route?.hop ?? []
        if let trace = exchange.trace { request.trace = trace }
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
            let wall = exchange.wall(at: loop.eventTime)
            let signing = exchange.withCollectedBody { body in
                if let spare = loop.signing {
                    spare.reuse(policy: policy, instance: instance, framing: head.framing, body: body, wall: wall)
                    return spare
                }
                return SigningStage(
                    policy: policy, instance: instance, framing: head.framing, body: body, wall: wall, scratch: loop.signingScratch)
            }
            loop.signing = signing
            request.signing = signing
            if rehearsal == nil, let route = exchange.route {
                loop.uses.note(signing.meter, at: wall, by: .api(route.identity.apiID))
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
                exchange.wait(until: loop.eventTime + nanoseconds(backend.timeoutMilliseconds))
            } else if exchange.call != nil {
                // A stream that one side keeps alive is alive.
                exchange.wait(until: loop.eventTime + exchange.pause)
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
        // Nobody has seen the request, whatever its method.
        let isUnseen = exchange.upstream?.wasRefused ?? false
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
            if exchange.call == nil { closeNow() } else { endCall(failure) }
            return
        }
        let isFree = isFree && exchange.attempts == 1 && (isUnseen || head?.method.isIdempotent ?? false)
        guard exchange.isReplayable, isFree || exchange.retriesLeft > 0, failure != .internalError, !isCallOver else {
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
