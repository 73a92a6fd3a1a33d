import NIOCore
import ProxyPipeline
import Snapshot

/// Who gets the answer of a backend connection. A class and no protocol: calls go through its table, not through an existential.
class AnswerReceiver {
    /// The final head is complete and in `connection.head`.
    func answerBegins(_ connection: UpstreamConnection) {}
    /// Body bytes, framing taken away; they are also found in `buffer` at `start`.
    func answerBody(_ bytes: UnsafeRawBufferPointer, of buffer: ByteBuffer, at start: Int) {}
    /// Everything of this read was handed over.
    func answerPauses() {}
    /// The answer is complete.
    func answerEnds() {}
    /// The backend has answered 101, with its head in `connection.head`. False: it may not; the answer then is none.
    func answerUpgrades(_ connection: UpstreamConnection) -> Bool { false }
    /// Behind a 101: the backend has said everything, and still listens.
    func answerHalfEnds() {}
    /// The connection is gone, or what it said is no answer, before the answer was complete.
    func answerFails(_ connection: UpstreamConnection, malformed: Bool) {}
    /// The backend takes more of the request again.
    func backendIsWritable() {}
}

/// One connection to a backend: reads answers for the request that has taken it, one at a time.
final class UpstreamConnection: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let pool: UpstreamPool
    private var context: ChannelHandlerContext?
    /// Reads and writes the frames where this is one stream of HTTP/2; nil for other connections.
    private var stream: BackendStream?
    private var receiver: AnswerReceiver?
    let head = ResponseHead()
    /// Reused for every request head.
    var out = ByteBuffer()
    private var body = BodyReader(.none)
    private var hasHead = false
    /// The request asked for another protocol, so that a 101 means something.
    private var acceptsUpgrade = false
    /// A byte of the answer has arrived.
    private(set) var answered = false
    /// The connection has served a request before this one, so that its end may just mean that it was stale.
    private(set) var isReused = false
    /// Behind the answer's body; only a backend of gRPC has them.
    var trailers: [HeaderLine] = []
    /// With which the backend has ended the stream that this is (RFC 9113, 7).
    var resetCode: Int?
    /// The backend has said that it has not looked at the request.
    var wasRefused = false
    var idleSince: UInt64 = 0
    private var isClosed = false
    private var outputClosed = false
    private(set) var pausesReading = false
    private var heldRead = false

    init(_ pool: UpstreamPool) { self.pool = pool }

    // MARK: Stream

    /// Serves streams of HTTP/2, one after the other; the first one begins.
    static func serving(streamsOf pool: UpstreamPool) -> (UpstreamConnection, BackendStream) {
        let connection = UpstreamConnection(pool)
        let stream = BackendStream(connection)
        connection.stream = stream
        return (connection, stream)
    }

    /// The next stream begins.
    func opensAgain() {
        receiver = nil
        isClosed = false
        isWritable = true
        pausesReading = false
        isReused = false
        hasLeftover = false
        trailers = []
        resetCode = nil
        wasRefused = false
    }

    func streamIsWritable(_ isWritable: Bool) {
        self.isWritable = isWritable
        if isWritable { receiver?.backendIsWritable() }
    }

    /// The stream has ended, and the answer perhaps not.
    func streamEnds(malformed: Bool) {
        guard !isClosed else { return }
        isClosed = true
        receiver?.answerFails(self, malformed: malformed)
    }

    // MARK: For the request

    /// Binds the connection to a request until `release`.
    func begin(_ receiver: AnswerReceiver, answersHead: Bool, acceptsUpgrade: Bool = false) {
        self.receiver = receiver
        self.acceptsUpgrade = acceptsUpgrade
        head.reset()
        head.answersHead = answersHead
        hasHead = false
        answered = false
    }

    var isUsable: Bool { !isClosed && (context != nil || stream?.session != nil) }
    /// As the channel last said; asking the channel costs a call through its existential and an atomic load.
    private(set) var isWritable = true

    /// What goes to streams goes out at the end of the loop's turn.
    func send(_ buffer: ByteBuffer) {
        if let stream { stream.write(buffer) } else { context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil) }
    }

    /// - Parameter done: told once whether the system has taken all of it.
    func send(_ buffer: ByteBuffer, _ done: @escaping (Bool) -> Void) {
        if let stream {
            let isOpen = stream.session != nil
            stream.write(buffer)
            return done(isOpen)
        }
        guard let context else { return done(false) }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { result in
            if case .success = result { done(true) } else { done(false) }
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: written)
    }

    func write(_ buffer: ByteBuffer) {
        if let stream { stream.write(buffer) } else { context?.write(wrapOutboundOut(buffer), promise: nil) }
    }

    /// Gives the connection back: to the pool if its state is known, otherwise it is closed.
    func release(reusable: Bool) {
        receiver = nil
        resumeReading()
        isReused = true
        if reusable, isUsable { pool.put(self) } else { close() }
    }

    func close() {
        receiver = nil
        guard !isClosed else { return }
        isClosed = true
        if let stream { stream.close() } else { context?.close(promise: nil) }
    }

    func pauseReading() { pausesReading = true }

    func resumeReading() {
        guard pausesReading else { return }
        pausesReading = false
        stream?.widen()
        if heldRead {
            heldRead = false
            context?.read()
        }
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func read(context: ChannelHandlerContext) {
        if pausesReading { heldRead = true } else { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        pool.loop.eventBegins()
        receive(unwrapInboundIn(data))
    }

    func receive(_ buffer: ByteBuffer) {
        var buffer = buffer
        guard let receiver else {
            // Nobody has asked for anything.
            pool.remove(self)
            close()
            return
        }
        answered = true
        while !hasHead {
            switch buffer.withUnsafeReadableBytes({ head.feed($0) }) {
            case .needsMore: return
            case .refused:
                receiver.answerFails(self, malformed: true)
                return
            case .complete(let consumed):
                buffer.moveReaderIndex(forwardBy: consumed)
                if head.isInterim {
                    // 100 and 103 concern this hop; 101 answers an upgrade, which somebody must have asked for.
                    if head.status == 101 {
                        guard acceptsUpgrade, receiver.answerUpgrades(self) else {
                            receiver.answerFails(self, malformed: true)
                            return
                        }
                        hasHead = true
                        body = BodyReader(.untilClose)
                        if !pool.upstream.usesTLS, let context {
                            try? context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
                        }
                        continue
                    }
                    let answersHead = head.answersHead
                    head.reset()
                    head.answersHead = answersHead
                    if buffer.readableBytes == 0 { return }
                } else {
                    hasHead = true
                    body = BodyReader(head.framing)
                    receiver.answerBegins(self)
                }
            }
        }
        // The receiver may have given up on this answer.
        guard self.receiver === receiver else { return }
        relayBody(buffer, to: receiver)
    }

    private func relayBody(_ buffer: ByteBuffer, to receiver: AnswerReceiver) {
        var offset = 0
        var event = BodyReader.Event.needsMore
        buffer.withUnsafeReadableBytes { bytes in
            while true {
                event = body.next(bytes, &offset)
                guard case .data(let start, let count) = event else { return }
                receiver.answerBody(
                    UnsafeRawBufferPointer(rebasing: bytes[start ..< start + count]), of: buffer, at: buffer.readerIndex + start)
            }
        }
        switch event {
        case .needsMore, .data: receiver.answerPauses()
        case .end: finish(receiver, leftover: buffer.readableBytes - offset)
        case .malformed, .tooLarge: receiver.answerFails(self, malformed: true)
        }
    }

    private var hasLeftover = false
    /// The answer is over and the connection could serve another request, as far as the backend is concerned.
    var isReusable: Bool { head.keepsAlive && !hasLeftover && !isClosed }

    private func finish(_ receiver: AnswerReceiver, leftover: Int) {
        hasLeftover = leftover > 0
        receiver.answerEnds()
    }

    /// Says no more, once everything is sent; the backend may still speak.
    func closeOutput() {
        guard let context, !isClosed, !outputClosed else { return }
        // Two directions in one TLS connection end together.
        if pool.upstream.usesTLS { return closeAfterSending() }
        outputClosed = true
        context.close(mode: .output, promise: nil)
    }

    /// Ends a tunnel: what was given to the connection is sent, as far as the backend takes it within two seconds.
    func closeAfterSending() {
        receiver = nil
        guard !isClosed, let context else { return }
        isClosed = true
        resumeReading()
        let end = { context.close(promise: nil) }
        _ = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(2), end)
        guard !outputClosed else { return }
        let sent = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { _ in end() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            pool.loop.eventBegins()
            receiver?.answerHalfEnds()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { receiver?.backendIsWritable() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The end follows as channelInactive; an unclean TLS shutdown after a complete answer is no loss.
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        pool.loop.eventBegins()
        pool.connectionClosed()
        guard let receiver else {
            pool.remove(self)
            return
        }
        if hasHead, body.endsWithConnection {
            hasLeftover = true
            receiver.answerEnds()
        } else {
            receiver.answerFails(self, malformed: false)
        }
    }
}
