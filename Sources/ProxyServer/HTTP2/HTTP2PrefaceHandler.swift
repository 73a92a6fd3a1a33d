import NIOCore

/// Where HTTP/2 without TLS is switched on: tells by the first bytes whether a client speaks it, and leaves. Such a client must
/// know beforehand (RFC 9113, 3.3); an upgrade from HTTP/1.1 is not offered.
final class HTTP2PrefaceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private let connection: ClientConnection
    private var received = ByteBuffer()
    private var isDecided = false

    init(connection: ClientConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        guard !isDecided else {
            context.fireChannelRead(wrapInboundOut(buffer))
            return
        }
        received.writeBuffer(&buffer)
        let known = min(received.readableBytes, Self.preface.count)
        let fits = received.readableBytesView.prefix(known).elementsEqual(Self.preface[..<known])
        if fits, known < Self.preface.count { return }
        isDecided = true
        if fits {
            do {
                try HTTP2Session.replace(connection, in: context.pipeline.syncOperations)
            } catch {
                context.close(promise: nil)
                return
            }
        }
        let first = received
        received = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(first))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
