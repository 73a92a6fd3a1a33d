import NIOCore
import NIOHTTP2
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

    /// No further streams are opened on it.
    func retire(_ session: BackendSession) { sessions.removeAll { $0 === session } }
}

/// One HTTP/2 connection to a backend, by ALPN or, without TLS, by prior knowledge (RFC 9113, 3.3): its streams, their number and its end.
///
/// Sendable by confinement to the event loop of its pool.
final class BackendSession: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = HTTP2Frame

    private enum State {
        /// Until the backend's settings have come, so that nothing is said to who would not understand it.
        case opening
        case open
        /// The backend takes no further streams.
        case ending
        case closed
    }

    private let pool: UpstreamPool
    private var state = State.opening
    private var context: ChannelHandlerContext?
    private var multiplexer: NIOHTTP2Handler.StreamMultiplexer?
    private var timeoutMilliseconds = 0
    private var waiting: [(Result<UpstreamConnection, GatewayFailure>) -> Void] = []
    private var streams = 0
    /// Streams that the backend takes at a time; a usual number until it has said.
    private var limit = HTTP2Limits.streams
    /// The last stream that the backend has looked at, or will, as it has said when it took no further ones.
    private var lastStream: HTTP2StreamID?
    private(set) var idleSince: UInt64 = 0
    /// Its end has been counted by the pool.
    private var isCounted = false

    init(_ pool: UpstreamPool) { self.pool = pool }

    var usesTLS: Bool { pool.upstream.usesTLS }

    var takesStreams: Bool { (state == .opening || state == .open) && streams + waiting.count < limit }

    var isIdle: Bool { state == .open && streams == 0 }

    /// The backend has promised not to look at this stream.
    func refuses(_ stream: HTTP2StreamID) -> Bool { lastStream.map { stream > $0 } ?? false }

    // MARK: Opening

    func connect(timeoutMilliseconds: Int) {
        self.timeoutMilliseconds = timeoutMilliseconds
        pool.openChannel(
            timeoutMilliseconds: timeoutMilliseconds,
            { channel in
                let handler = NIOHTTP2Handler(
                    mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: BackendLimits.connection,
                    streamConfiguration: BackendLimits.stream,
                    // A backend has nothing to push: its streams are refused by the settings.
                    inboundStreamInitializer: { stream in stream.close() })
                try channel.pipeline.syncOperations.addHandlers([BackendPrefaceHandler(self), HTTP2Guard(), handler, self])
                self.multiplexer = try handler.syncMultiplexer()
            },
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

    private func isOpen() {
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

    /// What the other side speaks is something else.
    func isNoHTTP2() { fail(.backendUnavailable) }

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
        guard state == .open, let multiplexer, let context, context.channel.isActive else { return done(.failure(.backendUnavailable)) }
        streams += 1
        let opened = context.eventLoop.makePromise(of: (any Channel).self)
        opened.futureResult.assumeIsolated().whenComplete { result in
            guard case .success(let stream) = result,
                let connection = try? stream.pipeline.syncOperations.handler(type: UpstreamConnection.self)
            else { return done(.failure(.backendUnavailable)) }
            done(.success(connection))
        }
        multiplexer.createStreamChannel(promise: opened) { stream in
            stream.eventLoop.makeCompletedFuture {
                let connection = UpstreamConnection(self.pool)
                try stream.pipeline.syncOperations.addHandlers([BackendStreamAdapter(self, connection), connection])
            }
        }
    }

    func streamEnded() {
        streams -= 1
        guard streams == 0 else { return }
        idleSince = pool.loop.eventTime
        if state == .ending { close() }
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted(let agreed) = event, agreed != "h2" {
            pool.loop.eventBegins()
            isNoHTTP2()
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Frames of the connection as a whole; what they say about streams, the handler before this one does behind this.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        pool.loop.eventBegins()
        switch unwrapInboundIn(data).payload {
        case .settings(.settings(let settings)):
            for setting in settings where setting.parameter == .maxConcurrentStreams { limit = max(1, setting.value) }
            // They come first (RFC 9113, 3.4).
            isOpen()
        case .goAway(let last, _, _):
            lastStream = last
            guard state != .closed else { return }
            state = .ending
            pool.retire(self)
            failWaiting(.backendUnavailable)
            if streams == 0 { close() }
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Errors of the protocol have their answer, see HTTP2Guard; those of the transport are the end.
        if error is NIOSSLError || error is BoringSSLError || error is IOError { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        pool.loop.eventBegins()
        if !isCounted { pool.open -= 1 }
        isCounted = true
        state = .closed
        pool.retire(self)
        context.fireChannelInactive()
        failWaiting(.backendUnavailable)
        multiplexer = nil
    }

    func close() {
        pool.retire(self)
        guard state != .closed else { return }
        state = .closed
        context?.close(promise: nil)
    }
}

/// Looks at the first frame of a backend, which must be SETTINGS (RFC 9113, 3.4), and leaves: whoever answers in another protocol is
/// recognised by it at once.
private final class BackendPrefaceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let session: BackendSession
    private var received = ByteBuffer()

    init(_ session: BackendSession) { self.session = session }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        received.writeBuffer(&buffer)
        // A length of three bytes, then the type.
        guard let type = received.getInteger(at: received.readerIndex + 3, as: UInt8.self) else { return }
        let first = received
        received = ByteBuffer()
        guard type == 4 else { return session.isNoHTTP2() }
        context.fireChannelRead(wrapInboundOut(first))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
