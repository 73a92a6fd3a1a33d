import GatewayPrimitives
import NIOCore
import ProxyPipeline

/// Takes the PROXY header off the front of a connection, says who the client is, and leaves.
///
/// On a listener for which it is switched on, every connection must begin with one: without it, who comes past the load balancer
/// could say to be anybody. What is no header ends the connection without an answer; one that does not come in time too.
final class ProxyHeaderHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

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
        switch received.withUnsafeReadableBytes({ ProxyHeader.read($0) }) {
        case .needsMore: break
        case .refused:
            isDecided = true
            context.close(promise: nil)
        case .complete(let consumed, let source):
            isDecided = true
            if let source {
                connection.count(as: source)
                guard connection.takesPlace(on: context.channel) else {
                    context.close(promise: nil)
                    return
                }
            }
            received.moveReaderIndex(forwardBy: consumed)
            let rest = received
            received = ByteBuffer()
            if rest.readableBytes > 0 {
                context.fireChannelRead(wrapInboundOut(rest))
                context.fireChannelReadComplete()
            }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }
}
