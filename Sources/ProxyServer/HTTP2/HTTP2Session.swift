import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// One HTTP/2 connection of a client: its frames, its streams, their number and its end (docs/decisions/0034).
///
/// Each stream is a ``ClientConnection`` of its own behind an ``HTTP2Stream``, so that a request means the same, is limited the same
/// and meets the same policies, whatever it came by. Neither has a channel: frames are read and written here, and what is written in
/// one turn of the event loop goes out together.
///
/// Sendable by confinement: the task that writes runs on the connection's event loop, which is where everything else comes.
final class HTTP2Session: FramedSession, ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let loop: LoopState
    let usesTLS: Bool
    let listenerPort: Int
    let peer: IPAddress
    let peerText: [UInt8]
    let isProxied: Bool
    let security: ConnectionSecurity
    let requestedAuthority: ClientAuthority?
    /// Place in the loop's list of sessions; -1 when it is in none.
    var registration = -1
    var context: ChannelHandlerContext?
    private var reader: HTTP2FrameReader
    var flow = FrameFlow(
        window: HTTP2Limits.window, controlFrames: HTTP2RateLimit(HTTP2Limits.controlFrames), resets: HTTP2RateLimit(HTTP2Limits.resets))

    // Streams.
    var streams = StreamList<HTTP2Stream>()
    /// The highest number that the client has used, and of those that were taken.
    private var lastStream: UInt32 = 0
    private var lastTaken: UInt32 = 0
    /// Streams that were ended here while the client may still have been sending.
    private var ended: ContiguousArray<UInt32> = []
    private var nextEnded = 0
    private static let endedBound = 256

    // The end.
    private var isEnding = false
    private var hasFailed = false
    private var isClosing = false
    private var outputClosed = false
    /// Monotonic nanoseconds by which a stream must have begun; `.max` while there is one.
    private var deadline = UInt64.max

    private init(_ connection: ClientConnection) {
        loop = connection.loop
        usesTLS = connection.usesTLS
        listenerPort = connection.listenerPort
        peer = connection.peer
        peerText = connection.peerText
        isProxied = connection.isProxied
        security = connection.security
        requestedAuthority = connection.requestedAuthority
        reader = HTTP2FrameReader(connection.loop.fields)
    }

    /// Puts a session in the place of a connection on which HTTP/2 was agreed; nothing of a request has been read there.
    static func replace(_ connection: ClientConnection, in pipeline: ChannelPipeline.SynchronousOperations) throws {
        try pipeline.addHandler(HTTP2Session(connection), position: .before(connection))
        connection.isSucceeded = true
        pipeline.removeHandler(connection, promise: nil)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        attach(context)
        deadline = loop.eventTime + UInt64(loop.configuration.headTimeoutMilliseconds) * 1_000_000
        guard loop.add(self) else { return context.close(promise: nil) }
        flow.output.settings()
        flush()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        detach()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        loop.eventBegins()
        guard !hasFailed, !outputClosed || !streams.isEmpty else { return }
        receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        readIsComplete()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { noteWritability(context) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            // Without its side of the connection no stream can go on: the client has gone.
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: What comes

    var isDeaf: Bool { hasFailed }

    func nextFrame(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> HTTP2FrameReader.Event { reader.next(bytes, &offset) }

    func isIdle(_ id: UInt32) -> Bool { id & 1 == 0 || id > lastStream }

    func receiveHeaders(_ id: UInt32, _ ends: Bool) {
        if let stream = streams.find(id) {
            guard !stream.receiving.hasEnded else { return reset(stream, .streamClosed) }
            guard ends, HTTP2RequestText.areTrailers(loop.fields) else { return reset(stream, .protocolError) }
            return receiveBody(stream, UnsafeRawBufferPointer(start: nil, count: 0), true)
        }
        guard id & 1 == 1 else { return breakOff(.protocolError) }
        guard id > lastStream else { return ended.contains(id) ? () : breakOff(.streamClosed) }
        lastStream = id
        guard !isEnding, streams.count < HTTP2Limits.streams else { return refuse(id, .refusedStream) }
        lastTaken = id
        var text = loop.takeText()
        var request: HTTP2RequestText?
        text.writeWithUnsafeMutableBytes(minimumWritableBytes: HTTP2RequestText.bound(loop.fields)) { area in
            var writer = ByteWriter(area)
            request = HTTP2RequestText(loop.fields, endsStream: ends, to: &writer)
            return writer.overflowed ? 0 : writer.count
        }
        if let request { begin(id, request, &text, ends) } else { refuse(id, .protocolError) }
        loop.giveBack(&text)
    }

    private func begin(_ id: UInt32, _ request: HTTP2RequestText, _ text: inout ByteBuffer, _ ends: Bool) {
        let (connection, stream) = loop.takeStream()
        streams.add(id, stream, connection)
        stream.begin(id, on: self, sendWindow: flow.initialWindow)
        deadline = .max
        guard connection.opens(on: self) else {
            remove(stream)
            return refuse(id, .refusedStream)
        }
        stream.receiveHead(request, &text, ends: ends)
    }

    func receiveStray(_ id: UInt32) {
        if isIdle(id) { breakOff(.protocolError) } else if !ended.contains(id) { breakOff(.streamClosed) }
    }

    func receiveReset(_ id: UInt32, _ code: UInt32) {
        if let stream = streams.find(id) {
            stream.giveUp()
            stream.connection.closeNow()
        } else if isIdle(id) {
            return breakOff(.protocolError)
        }
        noteReset()
    }

    func receiveSettings(_ settings: HTTP2Settings) { _ = takeSettings(settings) }

    /// Nothing depends on it: a client that leaves asks nothing more.
    func receiveGoAway(_ last: UInt32) {}

    func noteStrayFailure() { noteReset() }

    private func noteReset() {
        if !hasFailed, !flow.resets.allows(at: loop.eventTime) { breakOff(.enhanceYourCalm) }
    }

    // MARK: Streams

    /// Ends a stream for what the client has done.
    func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        say(code, to: stream)
        stream.giveUp()
        stream.connection.closeNow()
        noteReset()
    }

    private func refuse(_ id: UInt32, _ code: HTTP2ErrorCode) {
        sayEnd(id, code)
        noteReset()
    }

    func say(_ code: HTTP2ErrorCode, to stream: HTTP2Stream) { sayEnd(stream.id, code) }

    private func sayEnd(_ id: UInt32, _ code: HTTP2ErrorCode) {
        flow.output.reset(id, code)
        noteFrame()
        if ended.count < Self.endedBound {
            ended.append(id)
        } else {
            ended[nextEnded] = id
            nextEnded = (nextEnded + 1) % Self.endedBound
        }
    }

    /// The stream has ended well, and its objects serve another one.
    func finish(_ stream: HTTP2Stream) {
        let connection = stream.connection
        loop.remove(connection)
        remove(stream)
        loop.giveBack(connection, stream)
    }

    func remove(_ stream: HTTP2Stream) {
        guard streams.remove(stream) != nil else { return }
        stream.leave()
        guard streams.isEmpty, !isClosing else { return }
        if isEnding {
            close()
        } else {
            deadline = loop.eventTime + UInt64(loop.configuration.keepAliveTimeoutMilliseconds) * 1_000_000
        }
    }

    // MARK: What goes

    /// False when the answer's fields did not fit their bound.
    func send(_ answer: ResponseHead, on id: UInt32, ends: Bool) -> Bool {
        flushSoon()
        return flow.output.headers(id, ends: ends, bound: HTTP2AnswerFields.bound(answer)) { HTTP2AnswerFields.write(answer, to: &$0) }
    }

    func sendEnd(_ trailers: [HeaderLine], on id: UInt32) {
        if trailers.isEmpty {
            flow.output.data(id, UnsafeRawBufferPointer(start: nil, count: 0), ends: true)
        } else {
            // The bound is one of just these lines.
            _ = flow.output.headers(id, ends: true, bound: HTTP2AnswerFields.bound(trailers)) { HTTP2AnswerFields.write(trailers, to: &$0) }
        }
        flushSoon()
    }

    func hasFlushed() {
        guard isClosing, !outputClosed else { return }
        outputClosed = true
        context?.close(mode: .output, promise: nil)
    }

    // MARK: Time and end

    private func leave() {
        isClosing = true
        outputClosed = true
        abandon()
        loop.remove(self)
    }

    /// Nobody waits for the streams any more.
    private func abandon() {
        while let last = streams.last {
            last.stream.giveUp()
            last.connection.closeNow()
            // Closing has taken it away, unless it was closed already.
            if streams.last?.stream === last.stream { remove(last.stream) }
        }
    }

    /// Says what was wrong, reads nothing more, and closes when the client has had time to read why.
    func breakOff(_ code: HTTP2ErrorCode) {
        guard !hasFailed else { return }
        hasFailed = true
        isClosing = true
        flow.unread = ByteBuffer()
        abandon()
        flow.output.goAway(lastTaken, code)
        deadline = loop.eventTime + 1_000_000_000
        flush()
    }

    func checkDeadline(_ now: UInt64) {
        guard now >= deadline else { return }
        deadline = .max
        if isClosing { abort() } else { drain() }
    }

    /// Says that no further stream will be taken, and closes when the last one has ended (RFC 9113, 6.8).
    func drain() {
        guard !isEnding, !isClosing, context != nil else { return }
        isEnding = true
        flow.output.goAway(lastTaken, .noError)
        if streams.isEmpty { close() } else { flush() }
    }

    func abort() { context?.close(promise: nil) }

    /// What was written goes out first, as far as the client takes it within two seconds.
    private func close() {
        guard !isClosing else { return }
        isClosing = true
        deadline = loop.eventTime + 2_000_000_000
        flush()
    }
}
