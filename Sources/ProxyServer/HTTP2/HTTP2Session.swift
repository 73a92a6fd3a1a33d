import GatewayPrimitives
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL
import ProxyPipeline
import Snapshot

/// One HTTP/2 connection of a client: its streams, their number and its end.
///
/// Each stream is a ``ClientConnection`` of its own behind an ``HTTP2StreamAdapter``, so that a request means the same, is limited
/// the same and meets the same policies, whatever it came by.
///
/// Sendable by confinement: the multiplexer's callbacks ask for it and come on the connection's event loop alone.
final class HTTP2Session: ChannelInboundHandler, NIOHTTP2StreamDelegate, @unchecked Sendable {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    let loop: LoopState
    let usesTLS: Bool
    let listenerPort: Int
    let peer: IPAddress
    let isProxied: Bool
    let security: ConnectionSecurity
    let requestedAuthority: ClientAuthority?
    /// Place in the loop's list of sessions; -1 when it is in none.
    var registration = -1
    private var context: ChannelHandlerContext?
    private var streams = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var isEnding = false
    private var isClosing = false
    /// Monotonic nanoseconds by which a stream must have begun; `.max` while there is one.
    private var deadline = UInt64.max

    private init(_ connection: ClientConnection) {
        loop = connection.loop
        usesTLS = connection.usesTLS
        listenerPort = connection.listenerPort
        peer = connection.peer
        isProxied = connection.isProxied
        security = connection.security
        requestedAuthority = connection.requestedAuthority
    }

    /// Puts a session in the place of a connection on which HTTP/2 was agreed; nothing of a request has been read there.
    static func replace(_ connection: ClientConnection, in pipeline: ChannelPipeline.SynchronousOperations, eventLoop: any EventLoop)
        throws
    {
        let session = HTTP2Session(connection)
        let handler = NIOHTTP2Handler(
            mode: .server, eventLoop: eventLoop, connectionConfiguration: HTTP2Limits.connection,
            streamConfiguration: HTTP2Limits.stream, streamDelegate: session,
            inboundStreamInitializer: { stream in
                stream.eventLoop.makeCompletedFuture { try session.begin(stream) }
            })
        try pipeline.addHandlers([HTTP2Guard(), handler, session], position: .before(connection))
        connection.isSucceeded = true
        pipeline.removeHandler(connection, promise: nil)
    }

    private func begin(_ stream: any Channel) throws {
        let frames = HTTP2StreamAdapter()
        try stream.pipeline.syncOperations.addHandlers([frames, ClientConnection(stream: self, frames: frames)])
    }

    // MARK: Streams

    func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
        loop.eventBegins()
        streams += 1
        if id > lastStream { lastStream = id }
        deadline = .max
    }

    func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
        streams -= 1
        guard streams == 0 else { return }
        if isEnding {
            close()
        } else {
            deadline = loop.eventTime + UInt64(loop.configuration.keepAliveTimeoutMilliseconds) * 1_000_000
        }
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = loop.eventTime + UInt64(loop.configuration.headTimeoutMilliseconds) * 1_000_000
        if !loop.add(self) { context.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    /// Frames of the connection as a whole: the handler before this one has done what they ask for.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Errors of the protocol have their answer, see HTTP2Guard; those of the transport are the end.
        if error is NIOSSLError || error is BoringSSLError || error is IOError { context.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            // Without its side of the connection no stream can go on: the client has gone.
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func leave() { loop.remove(self) }

    // MARK: Time and end

    func checkDeadline(_ now: UInt64) {
        guard now >= deadline else { return }
        deadline = .max
        if isClosing { abort() } else { drain() }
    }

    /// Says that no further stream will be taken, and closes when the last one has ended (RFC 9113, 6.8).
    func drain() {
        guard !isEnding, let context else { return }
        isEnding = true
        let farewell = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(farewell), promise: nil)
        if streams == 0 { close() }
    }

    func abort() { context?.close(promise: nil) }

    /// What was written goes out first, as far as the client takes it within two seconds.
    private func close() {
        guard !isClosing else { return }
        isClosing = true
        deadline = loop.eventTime + 2_000_000_000
        context?.close(mode: .output, promise: nil)
    }
}

/// Bounds of HTTP/2 (docs/decisions/0020): what a client may keep busy with little.
enum HTTP2Limits {
    /// Streams of one connection at a time.
    static let streams = 100
    /// Field lines of one message, decoded, as RFC 9113 counts them: all lines, the target, and 32 for each.
    static let headerList = HTTPLimits.headers + HTTPLimits.target + 32 * HTTPLimits.fieldCount
    /// CONTINUATION frames of one message; with frames of 16 KiB more than a list of the largest size needs.
    static let continuations = 12
    /// Streams that a client may give up within half a minute.
    static let resets = 200
    /// PING, SETTINGS and PRIORITY within half a minute.
    static let controlFrames = 400
    /// Empty DATA frames in a row.
    static let emptyFrames = 10

    static var connection: NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: streams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: headerList),
        ]
        configuration.maximumSequentialContinuationFrames = continuations
        configuration.maximumSequentialEmptyDataFrames = emptyFrames
        // What waits to be written of answers to PING and SETTINGS.
        configuration.maximumBufferedControlFrames = 1000
        configuration.controlFrameRateLimit.maximumCount = controlFrames
        return configuration
    }

    /// Backends belong to whoever runs the gateway: how often they ask whether it is there, and how far apart the ends are, is theirs.
    /// In each second, of PING and its like and of streams that are given up.
    static let backendFrames = 2000

    static var backendConnection: NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = connection
        configuration.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: headerList),
        ]
        configuration.controlFrameRateLimit.maximumCount = backendFrames
        configuration.controlFrameRateLimit.windowLength = .seconds(1)
        // The streams of all clients share it.
        configuration.targetWindowSize = 1 << 20
        return configuration
    }

    static var backendStream: NIOHTTP2Handler.StreamConfiguration {
        var configuration = stream
        configuration.streamResetFrameRateLimit.maximumCount = backendFrames
        configuration.streamResetFrameRateLimit.windowLength = .seconds(1)
        configuration.streamErrorRateLimit.maximumCount = backendFrames
        configuration.streamErrorRateLimit.windowLength = .seconds(1)
        return configuration
    }

    static var stream: NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.outboundBufferSizeHighWatermark = 64 * 1024
        configuration.outboundBufferSizeLowWatermark = 16 * 1024
        configuration.streamResetFrameRateLimit.maximumCount = resets
        configuration.streamErrorRateLimit.maximumCount = resets
        return configuration
    }
}
