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
final class HTTP2Session: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Entry {
        let id: UInt32
        let stream: HTTP2Stream
        let connection: ClientConnection
    }

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
    private var context: ChannelHandlerContext?

    // What comes.
    private var reader: HTTP2FrameReader
    /// Part of a frame.
    private var unread = ByteBuffer()
    private var receiveWindow = HTTP2Limits.window
    private var emptyFrames = 0
    private var resets = HTTP2RateLimit(HTTP2Limits.resets)
    private var controlFrames = HTTP2RateLimit(HTTP2Limits.controlFrames)

    // Streams.
    private var entries: ContiguousArray<Entry> = []
    /// The highest number that the client has used, and of those that were taken.
    private var lastStream: UInt32 = 0
    private var lastTaken: UInt32 = 0
    /// Streams that were ended here while the client may still have been sending.
    private var ended: ContiguousArray<UInt32> = []
    private var nextEnded = 0
    private static let endedBound = 256

    // What goes.
    private var output = HTTP2Output()
    private(set) var sendWindow = HTTP2Limits.window
    private var initialWindow = HTTP2Limits.window
    private var isChannelWritable = true
    private var waitingFrames = 0
    /// A stream has more than could be written.
    private var hasWaiting = false
    /// Whose turn it is.
    private var turn = 0
    private var isReading = false
    private var isFlushing = false
    private var isFlushScheduled = false
    private var flushTask: (@Sendable () -> Void)?
    private static let outputBound = 64 * 1024

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
        self.context = context
        isChannelWritable = context.channel.isWritable
        flushTask = {
            self.isFlushScheduled = false
            self.flush()
        }
        deadline = loop.eventTime + UInt64(loop.configuration.headTimeoutMilliseconds) * 1_000_000
        guard loop.add(self) else { return context.close(promise: nil) }
        output.settings()
        flush()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
        flushTask = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        loop.eventBegins()
        guard !hasFailed, !outputClosed || !entries.isEmpty else { return }
        isReading = true
        var buffer = unwrapInboundIn(data)
        guard unread.readableBytes > 0 else {
            read(&buffer)
            unread.clear()
            if !hasFailed { unread.writeBuffer(&buffer) }
            return
        }
        unread.writeBuffer(&buffer)
        var whole = unread
        unread = ByteBuffer()
        read(&whole)
        whole.discardReadBytes()
        if !hasFailed, whole.capacity <= Self.outputBound || whole.readableBytes > 0 { unread = whole }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
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

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            // Without its side of the connection no stream can go on: the client has gone.
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: What comes

    private func read(_ buffer: inout ByteBuffer) {
        var offset = 0
        buffer.withUnsafeReadableBytes { bytes in
            while !hasFailed, take(bytes, &offset) {}
        }
        buffer.moveReaderIndex(forwardBy: offset)
    }

    /// Takes a frame; false when there is no whole one.
    private func take(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        switch reader.next(bytes, &offset) {
        case .needsMore: return false
        case .headers(let id, let ends): receiveHeaders(id, ends)
        case .data(let id, let start, let count, let cost, let ends):
            receiveData(id, UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]), cost, ends)
        case .priority, .pong, .settingsTaken: noteControlFrame()
        case .reset(let id): receiveReset(id)
        case .settings(let initialWindow):
            noteControlFrame()
            receiveSettings(initialWindow)
        case .ping(let value):
            noteControlFrame()
            output.answerPing(value)
            noteFrame()
        case .windowUpdate(let id, let increment): receiveWindow(id, increment)
        case .nothing: break
        case .streamFailed(let id, let code):
            if let stream = find(id) { reset(stream, code) } else if isIdle(id) { fail(.protocolError) } else { noteReset() }
        case .failed(let code): fail(code)
        }
        return true
    }

    private func find(_ id: UInt32) -> HTTP2Stream? {
        // By place, because a copy of an entry counts two references.
        for place in entries.indices where entries[place].id == id { return entries[place].stream }
        return nil
    }

    private func isIdle(_ id: UInt32) -> Bool { id & 1 == 0 || id > lastStream }

    private func receiveHeaders(_ id: UInt32, _ ends: Bool) {
        emptyFrames = 0
        if let stream = find(id) {
            guard !stream.requestEnded else { return reset(stream, .streamClosed) }
            guard ends, HTTP2RequestText.areTrailers(loop.fields) else { return reset(stream, .protocolError) }
            return receive(stream, UnsafeRawBufferPointer(start: nil, count: 0), true)
        }
        guard id & 1 == 1 else { return fail(.protocolError) }
        guard id > lastStream else { return ended.contains(id) ? () : fail(.streamClosed) }
        lastStream = id
        guard !isEnding, entries.count < HTTP2Limits.streams else { return refuse(id, .refusedStream) }
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
        stream.place = entries.count
        entries.append(Entry(id: id, stream: stream, connection: connection))
        stream.begin(id, on: self, sendWindow: initialWindow)
        deadline = .max
        guard connection.opens(on: self) else {
            remove(stream)
            return refuse(id, .refusedStream)
        }
        stream.receiveHead(request, &text, ends: ends)
    }

    private func receiveData(_ id: UInt32, _ bytes: UnsafeRawBufferPointer, _ cost: Int, _ ends: Bool) {
        receiveWindow -= cost
        guard receiveWindow >= 0 else { return fail(.flowControlError) }
        // Each stream has a window of its own, so that one that is held up holds up no other.
        if receiveWindow <= HTTP2Limits.window / 2 {
            widenWindow(of: 0, by: HTTP2Limits.window - receiveWindow)
            receiveWindow = HTTP2Limits.window
        }
        emptyFrames = bytes.isEmpty && !ends ? emptyFrames + 1 : 0
        guard emptyFrames <= HTTP2Limits.emptyFrames else { return fail(.enhanceYourCalm) }
        guard let stream = find(id) else {
            if isIdle(id) { fail(.protocolError) } else if !ended.contains(id) { fail(.streamClosed) }
            return
        }
        guard !stream.requestEnded else { return reset(stream, .streamClosed) }
        guard stream.charge(cost) else { return reset(stream, .flowControlError) }
        receive(stream, bytes, ends)
    }

    private func receive(_ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, _ ends: Bool) {
        var text = loop.takeText()
        let isPromised = stream.receiveBody(bytes, ends: ends, &text)
        loop.giveBack(&text)
        guard isPromised else { return reset(stream, .protocolError) }
        stream.widen()
    }

    private func receiveReset(_ id: UInt32) {
        if let stream = find(id) {
            stream.giveUp()
            stream.connection.closeNow()
        } else if isIdle(id) {
            return fail(.protocolError)
        }
        noteReset()
    }

    private func receiveSettings(_ initialWindow: Int?) {
        guard !hasFailed else { return }
        if let initialWindow {
            let change = initialWindow - self.initialWindow
            self.initialWindow = initialWindow
            for entry in entries {
                entry.stream.sendWindow += change
                guard entry.stream.sendWindow <= HTTP2Limits.largestWindow else { return fail(.flowControlError) }
            }
            if change > 0 { _ = goOn() }
        }
        output.acknowledgeSettings()
        noteFrame()
    }

    private func receiveWindow(_ id: UInt32, _ increment: Int) {
        if id == 0 {
            sendWindow += increment
            guard sendWindow <= HTTP2Limits.largestWindow else { return fail(.flowControlError) }
            _ = goOn()
        } else if let stream = find(id) {
            stream.sendWindow += increment
            guard stream.sendWindow <= HTTP2Limits.largestWindow else { return reset(stream, .flowControlError) }
            _ = stream.goOn(most: .max)
        } else if isIdle(id) {
            fail(.protocolError)
        }
    }

    private func noteControlFrame() {
        if !controlFrames.allows(at: loop.eventTime) { fail(.enhanceYourCalm) }
    }

    private func noteReset() {
        if !hasFailed, !resets.allows(at: loop.eventTime) { fail(.enhanceYourCalm) }
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
        output.reset(id, code)
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
        let place = stream.place
        guard place < entries.count, entries[place].stream === stream else { return }
        let last = entries.removeLast()
        if place < entries.count {
            entries[place] = last
            last.stream.place = place
        }
        stream.leave()
        guard entries.isEmpty, !isClosing else { return }
        if isEnding {
            close()
        } else {
            deadline = loop.eventTime + UInt64(loop.configuration.keepAliveTimeoutMilliseconds) * 1_000_000
        }
    }

    // MARK: What goes

    /// Whether answers may go on as far as the connection is concerned; what must wait, waits with its stream.
    var takesFrames: Bool {
        if isChannelWritable, output.count < Self.outputBound { return true }
        hasWaiting = true
        return false
    }

    /// False when the answer's fields did not fit their bound.
    func send(_ answer: ResponseHead, on id: UInt32, ends: Bool) -> Bool {
        flushSoon()
        return output.headers(id, ends: ends, bound: HTTP2AnswerFields.bound(answer)) { HTTP2AnswerFields.write(answer, to: &$0) }
    }

    func send(_ bytes: UnsafeRawBufferPointer, on id: UInt32, ends: Bool) {
        sendWindow -= bytes.count
        output.data(id, bytes, ends: ends)
        flushSoon()
    }

    func sendEnd(_ trailers: [HeaderLine], on id: UInt32) {
        if trailers.isEmpty {
            output.data(id, UnsafeRawBufferPointer(start: nil, count: 0), ends: true)
        } else {
            // The bound is one of just these lines.
            _ = output.headers(id, ends: true, bound: HTTP2AnswerFields.bound(trailers)) { HTTP2AnswerFields.write(trailers, to: &$0) }
        }
        flushSoon()
    }

    func widenWindow(of id: UInt32, by increment: Int) {
        output.widenWindow(id, by: increment)
        noteFrame()
    }

    /// A frame was written that waits for no stream's turn.
    private func noteFrame() {
        flushSoon()
        guard !isChannelWritable, !hasFailed else { return }
        waitingFrames += 1
        if waitingFrames > HTTP2Limits.waitingFrames { fail(.enhanceYourCalm) }
    }

    /// A stream has kept something back.
    func noteWaiting() { hasWaiting = true }

    private func flushSoon() {
        guard !isReading, !isFlushing, !isFlushScheduled, let flushTask else { return }
        isFlushScheduled = true
        loop.eventLoop.execute(flushTask)
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
        guard isClosing, !outputClosed else { return }
        outputClosed = true
        context.close(mode: .output, promise: nil)
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

    // MARK: Time and end

    private func leave() {
        isClosing = true
        outputClosed = true
        abandon()
        loop.remove(self)
    }

    /// Nobody waits for the streams any more.
    private func abandon() {
        while let last = entries.last {
            last.stream.giveUp()
            last.connection.closeNow()
            // Closing has taken it away, unless it was closed already.
            if entries.last?.stream === last.stream { remove(last.stream) }
        }
    }

    /// Says what was wrong, reads nothing more, and closes when the client has had time to read why.
    private func fail(_ code: HTTP2ErrorCode) {
        guard !hasFailed else { return }
        hasFailed = true
        isClosing = true
        unread = ByteBuffer()
        abandon()
        output.goAway(lastTaken, code)
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
        output.goAway(lastTaken, .noError)
        if entries.isEmpty { close() } else { flush() }
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
