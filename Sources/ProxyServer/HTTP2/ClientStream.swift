import NIOCore
import ProxyPipeline
import Snapshot

/// A connection that serves streams of HTTP/2: it has no channel, and what it would ask of one it asks of its ``HTTP2Stream``.
extension ClientConnection {
    /// A stream begins, which is as safe as the session's connection. False: it is not taken.
    func opens(on session: HTTP2Session) -> Bool {
        usesTLS = session.usesTLS
        listenerPort = session.listenerPort
        security = session.security
        requestedAuthority = session.requestedAuthority
        peer = session.peer
        peerText = session.peerText
        isProxied = session.isProxied
        phase = .idle
        isWritable = true
        pausesReading = false
        if pending.readableBytes > 0 { pending = ByteBuffer() }
        guard loop.add(self) else {
            phase = .closed
            return false
        }
        clientDeadline = loop.eventTime + nanoseconds(loop.configuration.headTimeoutMilliseconds)
        return true
    }

    /// The stream has ended well: what a large one has left behind is not kept for the next.
    func rest() {
        clientDeadline = .max
        if out.capacity > Self.bufferBound { out = ByteBuffer() }
        pending = ByteBuffer()
    }

    func streamIsWritable(_ isWritable: Bool) {
        self.isWritable = isWritable
        guard let upstream = exchange.upstream else { return }
        if isWritable { upstream.resumeReading() } else { upstream.pauseReading() }
    }

    /// Somebody can be written to.
    var isAttached: Bool { context != nil || frames?.session != nil }

    func write(_ buffer: ByteBuffer) {
        if let frames { frames.write(buffer) } else { context?.write(wrapOutboundOut(buffer), promise: nil) }
    }

    /// Frames go out at the end of the loop's turn.
    func writeAndFlush(_ buffer: ByteBuffer) {
        if let frames { frames.write(buffer) } else { context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil) }
    }
}
