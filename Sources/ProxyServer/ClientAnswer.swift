import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// From the backend, or from the gateway itself, to the client.
extension ClientConnection {
    // MARK: The backend's answer

    func relayHead(_ connection: UpstreamConnection) {
        guard let head else { return }
        let now = loop.eventTime
        exchange.answeredAt = now
        exchange.status = connection.head.status
        noteAnswer(status: connection.head.status)
        if exchange.call != nil { exchange.callStatus = GRPCStatus.number(in: connection.head) }
        exchange.forgetReplay()
        exchange.pause = answerPause(connection.head)
        exchange.wait(until: now + exchange.pause)
        // A body that is still coming when the answer begins may never end: the connection is not promised to stay.
        let keepsAlive = head.keepsAlive && body.isComplete && !loop.isDraining
        var framing = connection.head.framing
        if let level = exchange.instance?.settings.gzipLevel { chooseGzip(head, connection.head, level, &framing) }
        let form = AnswerForm(
            status: connection.head.status, body: framing, declaredLength: connection.head.declaredLength,
            request: head, wantsKeepAlive: keepsAlive)
        exchange.form = form
        reportToBreaker(status: connection.head.status, timedOut: false)
        decorate(connection.head, failure: nil, isBackend: true)
        exchange.capture?.note(connection.head)
        out.clear()
        guard writeHead(connection.head, form, upstreamSeconds: true) else {
            exchange.upstream = nil
            connection.close()
            closeNow()
            return
        }
        exchange.hasAnswer = true
    }

    func writeHead(_ answer: ResponseHead, _ form: AnswerForm, upstreamSeconds: Bool) -> Bool {
        var overflowed = false
        let debug = debugLines(upstream: upstreamSeconds)
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: ResponseWriter.bound(answer)) { area in
            var writer = ByteWriter(area)
            ResponseWriter.write(answer, form: form, requestID: exchange.requestID, debug: debug, to: &writer)
            overflowed = writer.overflowed
            return writer.count
        }
        return !overflowed
    }

    private var isDebugged: Bool { head?.value(.xApigMode)?.equalsIgnoringCase("debug") ?? false }

    /// `X-Apig-Mode: debug` asks for the latency lines (gateway-runtime.md, 12.1).
    private func debugLines(upstream: Bool) -> ResponseWriter.DebugLines? {
        guard isDebugged else { return nil }
        let now = LoopState.now()
        return ResponseWriter.DebugLines(
            latencyMilliseconds: Int((now - exchange.began) / 1_000_000),
            upstreamMilliseconds: upstream ? Int((now - exchange.sentAt) / 1_000_000) : nil)
    }

    func relayBody(_ bytes: UnsafeRawBufferPointer, of buffer: ByteBuffer, at start: Int) {
        guard let form = exchange.form, !form.dropsBody, isAttached else { return }
        exchange.capture?.addResponse(bytes)
        if let loan = exchange.gzip { return encode(bytes, .none, loan, form) }
        if form.framing == .chunked {
            appendChunk(bytes)
        } else if out.readableBytes > 0 || bytes.count <= 4096 {
            out.writeBytes(bytes)
        } else if let slice = buffer.getSlice(at: start, length: bytes.count) {
            // Large bodies go on as they came.
            exchange.sentBytes &+= bytes.count
            write(slice)
        }
    }

    func relayPauses() {
        // What has come goes on, whatever zlib would like to wait for.
        if let loan = exchange.gzip, let form = exchange.form { encode(UnsafeRawBufferPointer(start: nil, count: 0), .sync, loan, form) }
        flushOut()
        if phase == .tunnel {
            tunnelMoves()
        } else {
            exchange.wait(until: loop.eventTime + exchange.pause)
            if exchange.call != nil, !body.isComplete, clientDeadline != .max { clientDeadline = loop.eventTime + bodyTimeout }
        }
        if !isWritable { exchange.upstream?.pauseReading() }
    }

    func flushOut() {
        guard isAttached else { return }
        if out.readableBytes > 0 {
            exchange.sentBytes &+= out.readableBytes
            writeAndFlush(out)
            out.clear()
        } else {
            context?.flush()
        }
    }

    func relayEnds() {
        guard let connection = exchange.upstream, let form = exchange.form else { return }
        if phase == .tunnel { return tunnelEnds() }
        if let loan = exchange.gzip {
            encode(UnsafeRawBufferPointer(start: nil, count: 0), .finish, loan, form)
            exchange.gzipCounts = loan.encoder.counts
            exchange.gzip = nil
        }
        if form.framing == .chunked {
            frames?.trailers = connection.trailers
            if exchange.call != nil { exchange.callStatus = GRPCStatus.number(in: connection.trailers) ?? exchange.callStatus }
            out.writeStaticString("0\r\n\r\n")
        }
        exchange.upstream = nil
        noteAttemptEnded()
        let sentAll = body.isComplete && exchange.unsent.readableBytes == 0
        if form.keepsAlive {
            flushOut()
            connection.release(reusable: sentAll && connection.isReusable)
            finishRequest()
        } else {
            connection.release(reusable: sentAll && connection.isReusable)
            closeAfterWriting(lingers: !body.isComplete)
        }
    }

    func relayFails(_ connection: UpstreamConnection, malformed: Bool) {
        guard exchange.upstream === connection else { return }
        exchange.call?.resetCode = connection.resetCode
        attemptFailed(.backendUnavailable, isFree: !malformed && (connection.isReused && !connection.answered || connection.wasRefused))
    }

    // MARK: The gateway's own answer

    func fail(_ failure: GatewayFailure) {
        rehearsal?.refuse(failure)
        guard !exchange.hasAnswer else {
            if exchange.call == nil { closeNow() } else { endCall(failure) }
            return
        }
        exchange.failure = failure
        let answer = exchange.ownAnswer
        var text: [UInt8]
        if let shapes = exchange.route?.policies.failures ?? exchange.host?.failures, let head,
            let shape = shapes.shape(for: failure.kind, status: failure.answer.status)
        {
            text = FailureResponder.prepare(failure, shape: shape, values: failureValues(head), in: answer)
        } else {
            text = FailureResponder.prepare(failure, requestID: exchange.requestID, in: answer)
        }
        if let head, isStream, GRPCStatus.isCall(head) {
            let status = status(of: failure)
            exchange.callStatus = status.rawValue
            status.mark(answer, failure)
            text = []
        }
        // Failures before the backend was tried come without a pass.
        reportToBreaker(status: failure.answer.status, timedOut: failure == .backendTimeout)
        send(answer, text, failure: failure)
    }

    func answer(status: Int, line: HeaderLine, body: [UInt8]) {
        let answer = exchange.ownAnswer
        answer.begin(status: status)
        answer.add(line)
        send(answer, body, failure: nil)
    }

    func answer(_ mock: MockBackend) {
        let answer = exchange.ownAnswer
        answer.begin(status: mock.status)
        for line in mock.headers { answer.add(line) }
        send(answer, mock.body, failure: nil)
    }

    /// Another server's answer as the gateway's own (third_auth with `return_resp_body_enabled`).
    func send(copyOf received: ResponseHead, _ text: [UInt8]) {
        let answer = exchange.ownAnswer
        answer.begin(status: received.status)
        for index in 0 ..< received.fieldCount where !received.isRemoved(at: index) {
            switch received.known(at: index) {
            case .server, .xRequestID: continue
            default: answer.add(HeaderLine(name: received.name(at: index).array, value: received.value(at: index).array))
            }
        }
        send(answer, text, failure: nil)
    }

    /// What the route's policies put on an answer.
    func decorate(_ answer: ResponseHead, failure: GatewayFailure?, isBackend: Bool) {
        guard let route = exchange.route, let head,
            route.policies.cors != nil || route.policies.allowsAnyOrigin || exchange.values != nil
        else { return }
        let waited = isBackend ? Int((loop.eventTime - min(loop.eventTime, exchange.sentAt)) / 1_000_000) : nil
        Pipeline.decorate(
            answer, route, head, values: exchange.values,
            AnswerValues(status: answer.status, backendMilliseconds: waited, failure: failure),
            isPreflight: exchange.isPreflight, isDebugged: isDebugged, outcome: exchange.outcome)
    }

    /// - Parameter isBackend: a backend made it, by way of the gateway.
    func send(_ answer: ResponseHead, _ text: [UInt8], failure: GatewayFailure?, isBackend: Bool = false) {
        exchange.deadline = .max
        exchange.status = answer.status
        if let rehearsal { origin?.finish(rehearsal.report) }
        if let capture = exchange.capture, head?.method != .head { text.withUnsafeBytes { capture.addResponse($0) } }
        var text = text
        if let level = exchange.instance?.settings.gzipLevel { text = compressed(text, answer, level) }
        decorate(answer, failure: failure, isBackend: isBackend)
        exchange.capture?.note(answer)
        if let connection = exchange.upstream {
            exchange.upstream = nil
            connection.close()
        }
        // A short rest of a body is read and forgotten; a client that waits for 100, or has much to send, is not waited for.
        var isReadable = body.isComplete
        if let remaining = body.remaining, remaining <= Self.bufferBound, head?.expectsContinue != true { isReadable = true }
        // Who sends what is no request is not asked for another one.
        let keepsAlive =
            (head?.keepsAlive ?? false) && isReadable && !loop.isDraining && failure != .malformedRequest
        exchange.hasAnswer = true
        out.clear()
        if let head, head.isComplete {
            let form = AnswerForm(
                status: answer.status, body: .length(text.count), declaredLength: text.count, request: head,
                wantsKeepAlive: keepsAlive)
            guard writeHead(answer, form, upstreamSeconds: isBackend) else { return closeNow() }
            if !form.dropsBody, form.framing != .none { out.writeBytes(text) }
        } else {
            // What was received is no request: the answer cannot depend on it.
            let form = AnswerForm(unreadable: text.count)
            guard writeHead(answer, form, upstreamSeconds: false) else { return closeNow() }
            out.writeBytes(text)
        }
        guard keepsAlive else {
            closeAfterWriting(lingers: !body.isComplete)
            return
        }
        flushOut()
        if body.isComplete {
            finishRequest()
        } else {
            // Answered: how long the rest of the body takes is not the API's time.
            countRequest()
            phase = .discarding
            clientDeadline = loop.eventTime + bodyTimeout
        }
    }
}
