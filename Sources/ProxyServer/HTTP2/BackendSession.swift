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
final class BackendSession: ChannelInboundHandler, @unchecked Sendable {
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

    private struct Entry {
        let stream: BackendStream
        let connection: UpstreamConnection
    }

    private let pool: UpstreamPool
    private var state = State.opening
    private var context: ChannelHandlerContext?
    private var timeoutMilliseconds = 0
    private var waiting: [(Result<UpstreamConnection, GatewayFailure>) -> Void] = []
    private(set) var idleSince: UInt64 = 0
    /// Its end has been counted by the pool.
    private var isCounted = false

    // What comes.
    private var reader: HTTP2FrameReader
    /// Part of a frame.
    private var unread = ByteBuffer()
    private var receiveWindow = HTTP2Limits.backendWindow
    private var emptyFrames = 0
    private var resets = HTTP2RateLimit(HTTP2Limits.backendFrames, within: 1_000_000_000)
    private var controlFrames = HTTP2RateLimit(HTTP2Limits.backendFrames, within: 1_000_000_000)

    // Streams.
    private var entries: ContiguousArray<Entry> = []
    /// Have ended well, and can serve others.
    private var spares: ContiguousArray<Entry> = []
    /// Ended while frames are read, on whose way they may still be.
    private var endedNow: ContiguousArray<Entry> = []
    private var nextStream: UInt32 = 1
    /// Streams that the backend takes at a time; a usual number until it has said.
    private var limit = HTTP2Limits.streams
    /// The last stream that the backend has looked at, or will, as it has said when it took no further ones.
    private var lastStream: UInt32?

    // What goes.
    private var output = HTTP2Output()
    private(set) var sendWindow = HTTP2Limits.window
    private var initialWindow = HTTP2Limits.window
    private var isChannelWritable = true
    private var waitingFrames = 0
    private var hasWaiting = false
    private var turn = 0
    private var isReading = false
    private var isFlushing = false
    private var isFlushScheduled = false
    private var flushTask: (@Sendable () -> Void)?
    private static let outputBound = 64 * 1024
    private static let spareBound = 100

    init(_ pool: UpstreamPool) {
        self.pool = pool
        reader = HTTP2FrameReader(pool.loop.fields, isClient: false)
    }

    var isOpen: Bool { state == .open }

    var takesStreams: Bool {
        (state == .opening || state == .open) && entries.count + waiting.count < limit && nextStream < 0x7FFF_0000
    }

    var isIdle: Bool { state == .open && entries.isEmpty }

    var streamCount: Int { entries.count }

    /// Of requests, kept back with their streams.
    var waitingBytes: Int { entries.reduce(0) { $0 + $1.stream.waitingBytes } }

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
        idleSince = pool.loop.eventTime
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
        let entry: Entry
        if let spare = spares.popLast() {
            entry = spare
            entry.connection.opensAgain()
        } else {
            let (connection, stream) = UpstreamConnection.serving(streamsOf: pool)
            entry = Entry(stream: stream, connection: connection)
        }
        entry.stream.place = entries.count
        entries.append(entry)
        entry.stream.begin(on: self)
        return entry.connection
    }

    /// The request begins: streams are numbered in the order of their first frames (RFC 9113, 5.1.1).
    func number(_ stream: BackendStream) -> UInt32 {
        let number = nextStream
        nextStream += 2
        stream.sendWindow = initialWindow
        return number
    }

    /// - Parameter isReusable: it has ended well, and its objects may serve another one.
    func remove(_ stream: BackendStream, isReusable: Bool) {
        let place = stream.place
        guard place < entries.count, entries[place].stream === stream else { return }
        let removed = entries[place]
        let last = entries.removeLast()
        if place < entries.count {
            entries[place] = last
            last.stream.place = place
        }
        stream.leave()
        if isReusable, spares.count + endedNow.count < Self.spareBound {
            if isReading { endedNow.append(removed) } else { spares.append(removed) }
        }
        guard entries.isEmpty else { return }
        idleSince = pool.loop.eventTime
        if state == .ending { close() }
    }

    private func find(_ id: UInt32) -> BackendStream? {
        for place in entries.indices where entries[place].stream.id == id { return entries[place].stream }
        return nil
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
        self.context = context
        isChannelWritable = context.channel.isWritable
        flushTask = {
            self.isFlushScheduled = false
            self.flush()
        }
        if context.channel.isActive { begin() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        flushTask = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
    }

    private func begin() {
        output.begin()
        output.widenWindow(0, by: HTTP2Limits.backendWindow - HTTP2Limits.window)
        flush()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted(let agreed) = event, agreed != "h2" {
            pool.loop.eventBegins()
            fail(.backendUnavailable)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        pool.loop.eventBegins()
        guard state != .closed else { return }
        isReading = true
        var buffer = unwrapInboundIn(data)
        guard unread.readableBytes > 0 else {
            read(&buffer)
            unread.clear()
            if state != .closed { unread.writeBuffer(&buffer) }
            return
        }
        unread.writeBuffer(&buffer)
        var whole = unread
        unread = ByteBuffer()
        read(&whole)
        whole.discardReadBytes()
        if state != .closed, whole.capacity <= Self.outputBound || whole.readableBytes > 0 { unread = whole }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if !endedNow.isEmpty {
            spares.append(contentsOf: endedNow)
            endedNow.removeAll(keepingCapacity: true)
        }
        flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isChannelWritable = context.channel.isWritable
        guard isChannelWritable else { return }
        waitingFrames = 0
        if !isFlushing, goOn() { flushSoon() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        pool.loop.eventBegins()
        if !isCounted { pool.open -= 1 }
        isCounted = true
        state = .closed
        pool.retire(self)
        context.fireChannelInactive()
        while let last = entries.last { fail(last.stream, malformed: false) }
        failWaiting(.backendUnavailable)
    }

    // MARK: What comes

    private func read(_ buffer: inout ByteBuffer) {
        var offset = 0
        buffer.withUnsafeReadableBytes { bytes in
            while state != .closed, take(bytes, &offset) {}
        }
        buffer.moveReaderIndex(forwardBy: offset)
        // Whoever answers in another protocol is recognised by the type of the first frame, which must be SETTINGS (RFC 9113, 3.4).
        if state == .opening, let type = buffer.getInteger(at: buffer.readerIndex + 3, as: UInt8.self), type != 4 { breakOff(.protocolError) }
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        switch reader.next(bytes, &offset) {
        case .needsMore: return false
        case .headers(let id, let ends): receiveHeaders(id, ends)
        case .data(let id, let start, let count, let cost, let ends):
            receiveData(id, UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]), cost, ends)
        case .priority, .pong, .settingsTaken: noteControlFrame()
        case .reset(let id, let code): receiveReset(id, code)
        case .settings(let settings): receiveSettings(settings)
        case .ping(let value):
            noteControlFrame()
            output.answerPing(value)
            noteFrame()
        case .windowUpdate(let id, let increment): receiveWindow(id, increment)
        case .goAway(let last): receiveGoAway(last)
        case .nothing: break
        case .streamFailed(let id, let code):
            if let stream = find(id) { reset(stream, code) } else if isIdle(id) { breakOff(.protocolError) }
        case .failed(let code): breakOff(code)
        }
        return true
    }

    private func isIdle(_ id: UInt32) -> Bool { id & 1 == 0 || id >= nextStream }

    private func receiveHeaders(_ id: UInt32, _ ends: Bool) {
        emptyFrames = 0
        guard let stream = find(id) else {
            // One that the gateway has ended may have been answered before.
            if isIdle(id) { breakOff(.protocolError) }
            return
        }
        guard !stream.answerEnded else { return reset(stream, .streamClosed) }
        var text = pool.loop.takeText()
        let isAnswer = stream.receiveHeaders(pool.loop.fields, ends: ends, &text)
        pool.loop.giveBack(&text)
        if !isAnswer { reset(stream, .protocolError) }
    }

    private func receiveData(_ id: UInt32, _ bytes: UnsafeRawBufferPointer, _ cost: Int, _ ends: Bool) {
        receiveWindow -= cost
        guard receiveWindow >= 0 else { return breakOff(.flowControlError) }
        // Each stream has a window of its own, so that one that is held up holds up no other.
        if receiveWindow <= HTTP2Limits.backendWindow / 2 {
            widenWindow(of: 0, by: HTTP2Limits.backendWindow - receiveWindow)
            receiveWindow = HTTP2Limits.backendWindow
        }
        emptyFrames = bytes.isEmpty && !ends ? emptyFrames + 1 : 0
        guard emptyFrames <= HTTP2Limits.emptyFrames else { return breakOff(.enhanceYourCalm) }
        guard let stream = find(id) else {
            if isIdle(id) { breakOff(.protocolError) }
            return
        }
        guard !stream.answerEnded else { return reset(stream, .streamClosed) }
        guard stream.charge(cost) else { return reset(stream, .flowControlError) }
        var text = pool.loop.takeText()
        let isPromised = stream.receiveBody(bytes, ends: ends, &text)
        pool.loop.giveBack(&text)
        guard isPromised else { return reset(stream, .protocolError) }
        stream.widen()
    }

    private func receiveReset(_ id: UInt32, _ code: UInt32) {
        guard resets.allows(at: pool.loop.eventTime) else { return breakOff(.enhanceYourCalm) }
        guard let stream = find(id) else {
            if isIdle(id) { breakOff(.protocolError) }
            return
        }
        // Behind a whole answer it says that the rest of the request is not wanted (RFC 9113, 8.1).
        let isRefused = code == HTTP2ErrorCode.refusedStream.rawValue || lastStream.map { id > $0 } ?? false
        stream.connection.resetCode = isRefused ? Int(HTTP2ErrorCode.refusedStream.rawValue) : Int(code)
        stream.connection.wasRefused = isRefused
        fail(stream, malformed: false)
    }

    private func receiveSettings(_ settings: HTTP2Settings) {
        noteControlFrame()
        if let streams = settings.streams { limit = max(1, streams) }
        if let initialWindow = settings.initialWindow {
            let change = initialWindow - self.initialWindow
            self.initialWindow = initialWindow
            for entry in entries where entry.stream.id > 0 {
                entry.stream.sendWindow += change
                guard entry.stream.sendWindow <= HTTP2Limits.largestWindow else { return breakOff(.flowControlError) }
            }
            if change > 0 { _ = goOn() }
        }
        output.acknowledgeSettings()
        noteFrame()
        // They come first (RFC 9113, 3.4).
        isAgreed()
    }

    private func receiveWindow(_ id: UInt32, _ increment: Int) {
        if id == 0 {
            sendWindow += increment
            guard sendWindow <= HTTP2Limits.largestWindow else { return breakOff(.flowControlError) }
            _ = goOn()
        } else if let stream = find(id) {
            stream.sendWindow += increment
            guard stream.sendWindow <= HTTP2Limits.largestWindow else { return reset(stream, .flowControlError) }
            _ = stream.goOn(most: .max)
        } else if isIdle(id) {
            breakOff(.protocolError)
        }
    }

    /// The backend has promised not to look at streams behind the last one.
    private func receiveGoAway(_ last: UInt32) {
        lastStream = last
        guard state != .closed else { return }
        state = .ending
        pool.retire(self)
        failWaiting(.backendUnavailable)
        for entry in entries where entry.stream.id > last || entry.stream.id == 0 {
            entry.connection.wasRefused = true
            entry.connection.resetCode = Int(HTTP2ErrorCode.refusedStream.rawValue)
            fail(entry.stream, malformed: false)
        }
        if entries.isEmpty { close() }
    }

    private func noteControlFrame() {
        if !controlFrames.allows(at: pool.loop.eventTime) { breakOff(.enhanceYourCalm) }
    }

    // MARK: What goes

    /// Whether requests may go on as far as the connection is concerned; what must wait, waits with its stream.
    var takesFrames: Bool {
        if isChannelWritable, output.count < Self.outputBound { return true }
        hasWaiting = true
        return false
    }

    /// False when the request's fields did not fit their bound.
    func send(_ request: HTTP2RequestFields, on id: UInt32, ends: Bool) -> Bool {
        flushSoon()
        return output.headers(id, ends: ends, bound: request.bound) { request.write(usesTLS: pool.upstream.usesTLS, to: &$0) }
    }

    func send(_ bytes: UnsafeRawBufferPointer, on id: UInt32, ends: Bool) {
        sendWindow -= bytes.count
        output.data(id, bytes, ends: ends)
        flushSoon()
    }

    func widenWindow(of id: UInt32, by increment: Int) {
        output.widenWindow(id, by: increment)
        noteFrame()
    }

    func say(_ code: HTTP2ErrorCode, to id: UInt32) {
        output.reset(id, code)
        noteFrame()
    }

    /// Ends a stream for what the backend has done.
    private func reset(_ stream: BackendStream, _ code: HTTP2ErrorCode) {
        say(code, to: stream.id)
        fail(stream, malformed: true)
    }

    /// A frame was written that waits for no stream's turn.
    private func noteFrame() {
        flushSoon()
        guard !isChannelWritable, state != .closed else { return }
        waitingFrames += 1
        if waitingFrames > HTTP2Limits.waitingFrames { breakOff(.enhanceYourCalm) }
    }

    /// A stream has kept something back.
    func noteWaiting() { hasWaiting = true }

    private func flushSoon() {
        guard !isReading, !isFlushing, !isFlushScheduled, let flushTask else { return }
        isFlushScheduled = true
        pool.loop.eventLoop.execute(flushTask)
    }

    private func flush() {
        guard !isFlushing, let context else { return }
        isFlushing = true
        while output.count > 0 {
            context.writeAndFlush(wrapOutboundOut(output.buffer), promise: nil)
            output.clear()
            if isChannelWritable { _ = goOn() }
        }
        isFlushing = false
    }

    /// Gives every stream that has something to say its turn; true when one has said something.
    private func goOn() -> Bool {
        guard hasWaiting else { return false }
        hasWaiting = false
        var hasGone = false
        var tries = 0
        while tries < entries.count, takesFrames {
            if turn >= entries.count { turn = 0 }
            let stream = entries[turn].stream
            let goes = stream.goOn(most: HTTP2Limits.frame)
            // It may have ended, so that another one stands in its place.
            if turn < entries.count, entries[turn].stream === stream { turn += 1 }
            tries = goes ? 0 : tries + 1
            if goes { hasGone = true }
        }
        if !hasWaiting { hasWaiting = entries.contains { $0.stream.isWaiting } }
        if hasGone { flushSoon() }
        return hasGone
    }

    // MARK: The end

    /// What the other side says is not HTTP/2 as it must be.
    private func breakOff(_ code: HTTP2ErrorCode) {
        guard state != .closed else { return }
        // Who has not begun with SETTINGS would not understand it.
        if state != .opening { output.goAway(0, code) }
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
