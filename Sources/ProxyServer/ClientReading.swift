import NIOCore
import ProxyPipeline
import Snapshot

/// What has arrived from the client, taken apart as the phase asks: heads, bodies, the bytes of a tunnel.
extension ClientConnection {
    func keep(_ buffer: inout ByteBuffer) {
        guard buffer.readableBytes > 0, phase != .closed, phase != .lingering else { return }
        pending.writeBuffer(&buffer)
        if pending.readableBytes > Self.bufferBound { pauseReading() }
    }

    func processPending() {
        guard !isProcessing, pending.readableBytes > 0 else { return }
        var cameMeanwhile = true
        while cameMeanwhile, pending.readableBytes > 0 {
            var buffer = pending
            pending = ByteBuffer()
            process(&buffer)
            cameMeanwhile = pending.readableBytes > 0
            putBack(&buffer)
        }
        guard pending.readableBytes <= Self.bufferBound else { return }
        switch phase {
        case .exchange where exchange.isCongested || !body.isComplete && exchange.upstream?.isWritable == false: break
        case .tunnel where exchange.upstream?.isWritable == false: break
        default: resumeReading()
        }
    }

    /// What came in meanwhile stands behind what is left.
    func putBack(_ buffer: inout ByteBuffer) {
        guard buffer.readableBytes > 0 else { return }
        if pending.readableBytes == 0 {
            pending = buffer
        } else {
            var later = pending
            pending = buffer
            pending.writeBuffer(&later)
        }
    }

    /// Takes as much of `buffer` as the phase allows. Answers that are ready at once do not recurse: the loop goes on with the next
    /// pipelined request.
    func process(_ buffer: inout ByteBuffer) {
        isProcessing = true
        defer { isProcessing = false }
        while true {
            switch phase {
            case .idle, .head:
                guard buffer.readableBytes > 0, readHead(&buffer) else { return }
            case .exchange, .discarding:
                if body.isComplete {
                    if phase == .discarding { finishRequest() } else if !exchange.isDispatched { bodyIsReady() }
                    if phase == .exchange || phase == .discarding { return }
                } else {
                    if buffer.readableBytes == 0 {
                        if phase == .exchange, !exchange.isDispatched { bodyIsPartial() }
                        return
                    }
                    readBody(&buffer)
                }
            case .tunnel:
                relayToBackend(&buffer)
                return
            case .lingering, .closed:
                buffer.clear()
                return
            }
        }
    }

    /// False when the head is not complete yet.
    private func readHead(_ buffer: inout ByteBuffer) -> Bool {
        let head: RequestHead
        if let current = self.head {
            head = current
        } else {
            head = loop.takeHead()
            self.head = head
        }
        if phase == .idle {
            phase = .head
            clientDeadline = loop.eventTime + nanoseconds(loop.configuration.headTimeoutMilliseconds)
        }
        switch buffer.withUnsafeReadableBytes({ head.feed($0) }) {
        case .needsMore:
            buffer.clear()
            return false
        case .complete(let consumed):
            buffer.moveReaderIndex(forwardBy: consumed)
            clientDeadline = .max
            phase = .exchange
            begin(head)
            return true
        case .refused(let refusal):
            buffer.clear()
            phase = .exchange
            exchange.reset(now: loop.eventTime, requestID: loop.requestIDs.next())
            loop.requestBegins()
            body = BodyReader(.untilClose)
            fail(GatewayFailure(refusal))
            return true
        }
    }

    private func readBody(_ buffer: inout ByteBuffer) {
        var offset = 0
        var event = BodyReader.Event.needsMore
        let forwards = phase == .exchange
        let wasChunked = head?.framing == .chunked
        buffer.withUnsafeReadableBytes { bytes in
            while true {
                event = body.next(bytes, &offset)
                guard case .data(let start, let count) = event else { return }
                if forwards {
                    guard acceptsMessages(UnsafeRawBufferPointer(rebasing: bytes[start ..< start + count])) else {
                        event = .tooLarge
                        return
                    }
                    exchange.append(UnsafeRawBufferPointer(rebasing: bytes[start ..< start + count]), chunked: wasChunked)
                }
            }
        }
        buffer.moveReaderIndex(forwardBy: offset)
        switch event {
        case .end:
            clientDeadline = .max
            if forwards, wasChunked { exchange.appendLastChunk() }
        case .needsMore, .data:
            clientDeadline = loop.eventTime + bodyTimeout
        case .malformed:
            body = BodyReader(.untilClose)
            if forwards { fail(.malformedRequest) } else { closeNow() }
            return
        case .tooLarge:
            body = BodyReader(.untilClose)
            if forwards { fail(.bodyTooLarge) } else { closeNow() }
            return
        }
        if forwards, exchange.isDispatched { sendBody() }
    }
}
