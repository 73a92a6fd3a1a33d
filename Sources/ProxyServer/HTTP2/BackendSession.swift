import NIOCore
import NIOSSL
import NIOTLS
import ProxyPipeline
import Snapshot

extension UpstreamPool {
    /// A stream on one of the connections, or on a new one.
    func openStream(timeoutMilliseconds: Int, _ done: @escaping (Result<UpstreamConnection, GatewayFailure>) -> Void) {
        if let session = sessions.first(where: \.takesStreams) { return session.openStream(done) }
        let session = BackendSession(self)
        sessions.append(session)
        session.openStream(done)
        session.connect(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// A stream that can be had at once.
    func takeStream() -> UpstreamConnection? {
        for session in sessions where session.isOpen && session.takesStreams { return session.takeStream() }
        return nil
    }

    /// No further streams are opened on it.
    func retire(_ session: BackendSession) { sessions.removeAll { $0 === session } }
}

/// One HTTP/2 connection to a backend, by ALPN or, without TLS, by prior knowledge (RFC 9113, 3.3): its frames, its streams, their number
/// and its end (docs/decisions/0034).
///
/// Sendable by confinement to the event loop of its pool.
final class BackendSession: FramedSession, ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Until the backend's settings have come, so that nothing is said to who would not understand it.
        case opening
        case open
        /// The backend takes no further streams.
        case ending
        case closed
    }

    typealias Entry = StreamList<BackendStream>.Entry

    private let pool: UpstreamPool
    private var state = State.opening
    var context: ChannelHandlerContext?
    private var timeoutMilliseconds = 0
    private var waiting: [(Result<UpstreamConnection, GatewayFailure>) -> Void] = []
    private(set) var idleSince: UInt64 = 0
    /// Its end has been counted by the pool.
    private var isCounted = false

    private var reader: HTTP2FrameReader
    var flow = FrameFlow(
        window: HTTP2Limits.backendWindow, controlFrames: HTTP2RateLimit(HTTP2Limits.backendFrames, within: 1_000_000_000),
        resets: HTTP2RateLimit(HTTP2Limits.backendFrames, within: 1_000_000_000))

    // Streams.
    var streams = StreamList<BackendStream>()
    /// Have ended well, and can serve others.
    private var spares: ContiguousArray<Entry> = []
    /// Ended while frames are read, on whose way they may still be.
    private var endedNow: ContiguousArray<Entry> = []
    private var nextStream: UInt32 = 1
    /// Streams that the backend takes at a time; a usual number until it has said.
    private var limit = HTTP2Limits.streams
    /// The last stream that the backend has looked at, or will, as it has said when it took no further ones.
    private var lastStream: UInt32?
    private static let spareBound = 100

    init(_ pool: UpstreamPool) {
        self.pool = pool
        reader = HTTP2FrameReader(pool.loop.fields, isClient: false)
    }

    var loop: LoopState { pool.loop }

    var isOpen: Bool { state == .open }

    var takesStreams: Bool {
        (state == .opening || state == .open) && streams.count + waiting.count < limit && nextStream < 0x7FFF_0000
    }

    var isIdle: Bool { state == .open && streams.isEmpty }

    var streamCount: Int { streams.count }

    /// Of requests, kept back with their streams.
    var waitingBytes: Int { streams.all.reduce(0) { $0 + $1.stream.sending.waiting.readableBytes } }

    // MARK: Opening

    func connect(timeoutMilliseconds: Int) {
        self.timeoutMilliseconds = timeoutMilliseconds
        pool.openChannel(
            timeoutMilliseconds: timeoutMilliseconds,
            { channel in try channel.pipeline.syncOperations.addHandler(self) },
            { result in
                switch result {
                case .success(let channel):
                    guard self.state == .opening else { return }
                    // Agreeing has the time that connecting has.
                    _ = channel.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(timeoutMilliseconds))) {
                        if self.state == .opening { self.fail(.backendTimeout) }
                    }
                case .failure(let failure):
                    // The pool has counted its end.
                    self.isCounted = true
                    self.state = .closed
                    self.pool.retire(self)
                    self.failWaiting(failure)
                }
            })
    }

    private func isAgreed() {
        guard state == .opening else { return }
        state = .open
        idleSince = loop.eventTime
        let waiting = waiting
        self.waiting = []
        // What came in excess of what the backend takes goes elsewhere.
        for done in waiting {
            if takesStreams { openStream(done) } else { pool.openStream(timeoutMilliseconds: timeoutMilliseconds, done) }
        }
    }

    private func fail(_ failure: GatewayFailure) {
        close()
        failWaiting(failure)
    }

    private func failWaiting(_ failure: GatewayFailure) {
        let waiting = waiting
        self.waiting = []
        for done in waiting { done(.failure(failure)) }
    }

    // MARK: Streams

    /// The callback may come before this returns.
    func openStream(_ done: @escaping (Result<UpstreamConnection, GatewayFailure>) -> Void) {
        if state == .opening {
            waiting.append(done)
            return
        }
        guard state == .open, let context, context.channel.isActive else { return done(.failure(.backendUnavailable)) }
        done(.success(takeStream()))
    }

    /// Only while it is open and takes streams.
    func takeStream() -> UpstreamConnection {
        let connection: UpstreamConnection
        let stream: BackendStream
        if let spare = spares.popLast() {
            (connection, stream) = (spare.connection, spare.stream)
            connection.opensAgain()
        } else {
            (connection, stream) = UpstreamConnection.serving(streamsOf: pool)
        }
        streams.add(0, stream, connection)
        stream.begin(on: self)
        return connection
    }

    /// The request begins: streams are numbered in the order of their first frames (RFC 9113, 5.1.1).
    func number(_ stream: BackendStream) -> UInt32 {
        let number = nextStream
        nextStream += 2
        streams.number(stream, number)
        stream.sending.window = flow.initialWindow
        return number
    }

    /// - Parameter isReusable: it has ended well, and its objects may serve another one.
    func remove(_ stream: BackendStream, isReusable: Bool) {
        guard let removed = streams.remove(stream) else { return }
        stream.leave()
        if isReusable, spares.count + endedNow.count < Self.spareBound {
            if flow.isReading { endedNow.append(removed) } else { spares.append(removed) }
        }
        guard streams.isEmpty else { return }
        idleSince = loop.eventTime
        if state == .ending { close() }
    }

    /// Ends a stream that did not end well, and says so to whoever waits for it.
    func fail(_ stream: BackendStream, malformed: Bool) {
        stream.giveUp()
        let connection = stream.connection
        remove(stream, isReusable: false)
        connection.streamEnds(malformed: malformed)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        attach(context)
        if context.channel.isActive { begin() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { detach() }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
    }

    private func begin() {
        flow.output.begin()
        flow.output.widenWindow(0, by: HTTP2Limits.backendWindow - HTTP2Limits.window)
        flush()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted(let agreed) = event, agreed != "h2" {
            loop.eventBegins()
            fail(.backendUnavailable)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        loop.eventBegins()
        guard state != .closed else { return }
        receive(unwrapInboundIn(data))
        // Whoever answers in another protocol is recognised by the type of the first frame, which must be SETTINGS (RFC 9113, 3.4).
        if state == .opening, let type = flow.unread.getInteger(at: flow.unread.readerIndex + 3, as: UInt8.self), type != 4 {
            breakOff(.protocolError)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !endedNow.isEmpty {
            spares.append(contentsOf: endedNow)
            endedNow.removeAll(keepingCapacity: true)
        }
        readIsComplete()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { noteWritability(context) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        loop.eventBegins()
        if !isCounted { pool.open -= 1 }
        isCounted = true
        state = .closed
        pool.retire(self)
        context.fireChannelInactive()
        while let last = streams.last { fail(last.stream, malformed: false) }
        failWaiting(.backendUnavailable)
    }

    // MARK: What comes

    var isDeaf: Bool { state == .closed }

    func nextFrame(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> HTTP2FrameReader.Event { reader.next(bytes, &offset) }

    func isIdle(_ id: UInt32) -> Bool { id & 1 == 0 || id >= nextStream }

    func receiveHeaders(_ id: UInt32, _ ends: Bool) {
        guard let stream = streams.find(id) else {
            // One that the gateway has ended may have been answered before.
            if isIdle(id) { breakOff(.protocolError) }
            return
        }
        guard !stream.receiving.hasEnded else { return reset(stream, .streamClosed) }
        var text = loop.takeText()
        let isAnswer = stream.receiveHeaders(loop.fields, ends: ends, &text)
        loop.giveBack(&text)
        if !isAnswer { reset(stream, .protocolError) }
    }

    func receiveStray(_ id: UInt32) { if isIdle(id) { breakOff(.protocolError) } }

    func noteStrayFailure() {}

    func receiveReset(_ id: UInt32, _ code: UInt32) {
        guard flow.resets.allows(at: loop.eventTime) else { return breakOff(.enhanceYourCalm) }
        guard let stream = streams.find(id) else {
            if isIdle(id) { breakOff(.protocolError) }
            return
        }
        // Behind a whole answer it says that the rest of the request is not wanted (RFC 9113, 8.1).
        let isRefused = code == HTTP2ErrorCode.refusedStream.rawValue || lastStream.map { id > $0 } ?? false
        stream.connection.resetCode = isRefused ? Int(HTTP2ErrorCode.refusedStream.rawValue) : Int(code)
        stream.connection.wasRefused = isRefused
        fail(stream, malformed: false)
    }

    func receiveSettings(_ settings: HTTP2Settings) {
        if let streams = settings.streams { limit = max(1, streams) }
        // They come first (RFC 9113, 3.4).
        if takeSettings(settings) { isAgreed() }
    }

    /// The backend has promised not to look at streams behind the last one.
    func receiveGoAway(_ last: UInt32) {
        lastStream = last
        guard state != .closed else { return }
        state = .ending
        pool.retire(self)
        failWaiting(.backendUnavailable)
        for entry in streams.all where entry.stream.id > last || entry.stream.id == 0 {
            entry.connection.wasRefused = true
            entry.connection.resetCode = Int(HTTP2ErrorCode.refusedStream.rawValue)
            fail(entry.stream, malformed: false)
        }
        if streams.isEmpty { close() }
    }

    // MARK: What goes

    /// False when the request's fields did not fit their bound.
    func send(_ request: HTTP2RequestFields, on id: UInt32, ends: Bool) -> Bool {
        flushSoon()
        return flow.output.headers(id, ends: ends, bound: request.bound) { request.write(usesTLS: pool.upstream.usesTLS, to: &$0) }
    }

    func say(_ code: HTTP2ErrorCode, to id: UInt32) {
        flow.output.reset(id, code)
        noteFrame()
    }

    /// Ends a stream for what the backend has done.
    func reset(_ stream: BackendStream, _ code: HTTP2ErrorCode) {
        say(code, to: stream.id)
        fail(stream, malformed: true)
    }

    func hasFlushed() {}

    // MARK: The end

    /// What the other side says is not HTTP/2 as it must be.
    func breakOff(_ code: HTTP2ErrorCode) {
        guard state != .closed else { return }
        // Who has not begun with SETTINGS would not understand it.
        if state != .opening { flow.output.goAway(0, code) }
        close()
        failWaiting(.backendUnavailable)
    }

    /// Streams that are left learn of it when the channel is closed.
    func close() {
        pool.retire(self)
        guard state != .closed else { return }
        state = .closed
        flush()
        context?.close(promise: nil)
    }
}
