import NIOCore
import NIOHTTP2

/// Stands between the frames and the network, and ends a connection on which GOAWAY with an error was sent: what comes behind is
/// not read any more, and the connection is closed when the client has had time to read why.
final class HTTP2Guard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var hasFailed = false
    private var frames = FrameScanner()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !hasFailed { context.fireChannelRead(data) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        if !hasFailed, buffer.withUnsafeReadableBytes({ frames.findsFailure($0) }) { hasFailed = true }
        context.write(wrapOutboundOut(buffer), promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        guard hasFailed, !frames.isDone else { return }
        frames.isDone = true
        context.close(mode: .output, promise: nil)
        // The context is confined to this loop, on which the task runs.
        _ = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { context.close(promise: nil) }
    }
}

/// Follows frames that are written, by their heads alone (RFC 9113, 4.1).
struct FrameScanner {
    private var head: [UInt8] = []
    /// Bytes of a payload that are still to come.
    private var rest = 0
    /// First bytes of a GOAWAY.
    private var farewell: [UInt8]?
    /// The failure was acted upon.
    var isDone = false

    init() { head.reserveCapacity(9) }

    /// True when a GOAWAY with an error code has been found.
    mutating func findsFailure(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < bytes.count {
            if head.count < 9 {
                head.append(bytes[offset])
                offset += 1
                guard head.count == 9 else { continue }
                rest = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
                farewell = head[3] == 7 ? [] : nil
            } else if farewell != nil, rest > 0 {
                farewell?.append(bytes[offset])
                offset += 1
                rest -= 1
                if let found = farewell, found.count == 8 {
                    if found[4...].contains(where: { $0 != 0 }) { return true }
                    farewell = nil
                }
            } else {
                let skipped = min(rest, bytes.count - offset)
                offset += skipped
                rest -= skipped
            }
            if head.count == 9, rest == 0 { head.removeAll(keepingCapacity: true) }
        }
        return false
    }
}
