import NIOCore
import ProxyPipeline

/// One connection of HTTP/2, towards a client (``HTTP2Session``) or a backend (``BackendSession``): how frames are read and written, whose
/// turn it is, and what the other side may make it keep. What a frame means to streams is its own business.
///
/// Both are final and in this module, so that what follows is compiled for each of them.
protocol FramedSession: AnyObject, Sendable {
    associatedtype Stream: FramedStream

    var loop: LoopState { get }
    /// nil when the channel is gone.
    var context: ChannelHandlerContext? { get set }
    var flow: FrameFlow { get set }
    var streams: StreamList<Stream> { get set }
    /// What comes is not looked at any more.
    var isDeaf: Bool { get }

    func nextFrame(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> HTTP2FrameReader.Event
    /// Whether no stream of this number has begun yet.
    func isIdle(_ id: UInt32) -> Bool
    func receiveHeaders(_ id: UInt32, _ ends: Bool)
    /// Part of a body on a stream that is not here.
    func receiveStray(_ id: UInt32)
    func receiveReset(_ id: UInt32, _ code: UInt32)
    func receiveSettings(_ settings: HTTP2Settings)
    func receiveGoAway(_ last: UInt32)
    /// Says that the other side has done wrong, and goes on without the stream.
    func reset(_ stream: Stream, _ code: HTTP2ErrorCode)
    /// The other side has done wrong on a stream that is over.
    func noteStrayFailure()
    /// The other side has done wrong: the connection cannot go on.
    func breakOff(_ code: HTTP2ErrorCode)
    /// Everything was given to the channel.
    func hasFlushed()
}

extension FramedSession {
    // MARK: Channel

    func attach(_ context: ChannelHandlerContext) {
        self.context = context
        flow.isChannelWritable = context.channel.isWritable
        flow.flushTask = {
            self.flow.isFlushScheduled = false
            self.flush()
        }
    }

    func detach() {
        context = nil
        flow.flushTask = nil
    }

    func noteWritability(_ context: ChannelHandlerContext) {
        flow.isChannelWritable = context.channel.isWritable
        guard flow.isChannelWritable else { return }
        flow.waitingFrames = 0
        if !flow.isFlushing, goOn() { flushSoon() }
    }

    // MARK: What comes

    /// Takes the whole frames that are here. They are answered when the read is complete.
    func receive(_ received: ByteBuffer) {
        flow.isReading = true
        var buffer = received
        guard flow.unread.readableBytes > 0 else {
            read(&buffer)
            flow.unread.clear()
            if !isDeaf { flow.unread.writeBuffer(&buffer) }
            return
        }
        flow.unread.writeBuffer(&buffer)
        var whole = flow.unread
        flow.unread = ByteBuffer()
        read(&whole)
        whole.discardReadBytes()
        if !isDeaf, whole.capacity <= FrameFlow.outputBound || whole.readableBytes > 0 { flow.unread = whole }
    }

    func readIsComplete() {
        flow.isReading = false
        flush()
    }

    private func read(_ buffer: inout ByteBuffer) {
        var offset = 0
        buffer.withUnsafeReadableBytes { bytes in
            while !isDeaf, take(bytes, &offset) {}
        }
        buffer.moveReaderIndex(forwardBy: offset)
    }

    /// Takes a frame; false when there is no whole one.
    private func take(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        switch nextFrame(bytes, &offset) {
        case .needsMore: return false
        case .headers(let id, let ends):
            flow.takeHeaders()
            receiveHeaders(id, ends)
        case .data(let id, let start, let count, let cost, let ends):
            receiveData(id, UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]), cost, ends)
        case .priority, .pong, .settingsTaken: noteControlFrame()
        case .reset(let id, let code): receiveReset(id, code)
        case .settings(let settings):
            noteControlFrame()
            if !isDeaf { receiveSettings(settings) }
        case .ping(let value):
            noteControlFrame()
            flow.output.answerPing(value)
            noteFrame()
        case .windowUpdate(let id, let increment): receiveWindow(id, increment)
        case .goAway(let last): receiveGoAway(last)
        case .nothing: break
        case .streamFailed(let id, let code):
            if let stream = streams.find(id) { reset(stream, code) } else if isIdle(id) { breakOff(.protocolError) } else { noteStrayFailure() }
        case .failed(let code): breakOff(code)
        }
        return true
    }

    private func receiveData(_ id: UInt32, _ bytes: UnsafeRawBufferPointer, _ cost: Int, _ ends: Bool) {
        switch flow.take(cost: cost, isEmpty: bytes.isEmpty && !ends) {
        case .fine: break
        case .widen(let increment): widenWindow(of: 0, by: increment)
        case .failed(let code): return breakOff(code)
        }
        guard let stream = streams.find(id) else { return receiveStray(id) }
        guard !stream.receiving.hasEnded else { return reset(stream, .streamClosed) }
        guard stream.receiving.charge(cost) else { return reset(stream, .flowControlError) }
        receiveBody(stream, bytes, ends)
    }

    func receiveBody(_ stream: Stream, _ bytes: UnsafeRawBufferPointer, _ ends: Bool) {
        var text = loop.takeText()
        let isPromised = stream.receiveBody(bytes, ends: ends, &text)
        loop.giveBack(&text)
        guard isPromised else { return reset(stream, .protocolError) }
        stream.widen()
    }

    /// Takes SETTINGS, as far as they concern what may be sent; false when the connection cannot go on with them.
    func takeSettings(_ settings: HTTP2Settings) -> Bool {
        if let initialWindow = settings.initialWindow {
            let change = initialWindow - flow.initialWindow
            flow.initialWindow = initialWindow
            guard streams.widen(by: change) else {
                breakOff(.flowControlError)
                return false
            }
            if change > 0 { _ = goOn() }
        }
        flow.output.acknowledgeSettings()
        noteFrame()
        return true
    }

    private func receiveWindow(_ id: UInt32, _ increment: Int) {
        if id == 0 {
            flow.sendWindow += increment
            guard flow.sendWindow <= HTTP2Limits.largestWindow else { return breakOff(.flowControlError) }
            _ = goOn()
        } else if let stream = streams.find(id) {
            stream.sending.window += increment
            guard stream.sending.window <= HTTP2Limits.largestWindow else { return reset(stream, .flowControlError) }
            _ = stream.goOn(most: .max)
        } else if isIdle(id) {
            breakOff(.protocolError)
        }
    }

    private func noteControlFrame() {
        if !flow.controlFrames.allows(at: loop.eventTime) { breakOff(.enhanceYourCalm) }
    }

    // MARK: What goes

    /// Whether messages may go on as far as the connection is concerned; what must wait, waits with its stream.
    var takesFrames: Bool {
        if flow.isChannelWritable, flow.output.count < FrameFlow.outputBound { return true }
        flow.hasWaiting = true
        return false
    }

    func send(_ bytes: UnsafeRawBufferPointer, on id: UInt32, ends: Bool) {
        flow.sendWindow -= bytes.count
        flow.output.data(id, bytes, ends: ends)
        flushSoon()
    }

    func widenWindow(of id: UInt32, by increment: Int) {
        flow.output.widenWindow(id, by: increment)
        noteFrame()
    }

    /// A frame was written that waits for no stream's turn.
    func noteFrame() {
        flushSoon()
        guard !flow.isChannelWritable, !isDeaf else { return }
        flow.waitingFrames += 1
        if flow.waitingFrames > HTTP2Limits.waitingFrames { breakOff(.enhanceYourCalm) }
    }

    /// A stream has kept something back.
    func noteWaiting() { flow.hasWaiting = true }

    func flushSoon() {
        guard !flow.isReading, !flow.isFlushing, !flow.isFlushScheduled, let flushTask = flow.flushTask else { return }
        flow.isFlushScheduled = true
        loop.eventLoop.execute(flushTask)
    }

    func flush() {
        guard !flow.isFlushing, let context else { return }
        flow.isFlushing = true
        while flow.output.count > 0 {
            context.writeAndFlush(NIOAny(flow.output.buffer), promise: nil)
            flow.output.clear()
            if flow.isChannelWritable { _ = goOn() }
        }
        flow.isFlushing = false
        hasFlushed()
    }

    /// Gives every stream that has something to say its turn; true when one has said something.
    private func goOn() -> Bool {
        // Behind the GOAWAY that ends everything nothing is sent.
        guard flow.hasWaiting, !isDeaf else { return false }
        flow.hasWaiting = false
        var hasGone = false
        var tries = 0
        while tries < streams.count, takesFrames {
            if flow.turn >= streams.count { flow.turn = 0 }
            let stream = streams[flow.turn].stream
            let goes = stream.goOn(most: HTTP2Limits.frame)
            // It may have ended, so that another one stands in its place.
            if flow.turn < streams.count, streams[flow.turn].stream === stream { flow.turn += 1 }
            tries = goes ? 0 : tries + 1
            if goes { hasGone = true }
        }
        if !flow.hasWaiting { flow.hasWaiting = streams.hasWaiting }
        if hasGone { flushSoon() }
        return hasGone
    }
}
