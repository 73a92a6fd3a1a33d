import GatewayPrimitives
import NIOCore
import NIOPosix
import NIOSSL

/// One request to a receiver of spans, over a connection of its own.
enum TraceRequest {
    enum Outcome {
        case status(Int)
        case failed(String)
    }

    private static let timeout = TimeAmount.seconds(10)

    static func send(
        _ message: [UInt8], to endpoint: TraceEndpoint, tls: NIOSSLContext?, group: MultiThreadedEventLoopGroup
    ) async -> Outcome {
        let eventLoop = group.next()
        let answer = eventLoop.makePromise(of: Int.self)
        let bootstrap = ClientBootstrap(group: eventLoop).connectTimeout(.seconds(5)).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    let name = IPAddress(endpoint.host) == nil ? endpoint.host : nil
                    try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                }
                try channel.pipeline.syncOperations.addHandler(StatusReader(message, answer))
            }
        }
        do {
            let channel = try await bootstrap.connect(host: endpoint.host, port: endpoint.port).get()
            let late = eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
            defer { late.cancel() }
            let status = try await answer.futureResult.get()
            channel.close(promise: nil)
            return .status(status)
        } catch {
            answer.fail(error)
            return .failed("\(error)")
        }
    }
}

enum TraceAnswerFault: Error {
    /// What came is no answer, or none came in time.
    case noAnswer
}

/// Sends the request and reads the first line of the answer; nothing else of it matters.
private final class StatusReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let message: [UInt8]
    private let answer: EventLoopPromise<Int>
    private var received: [UInt8] = []

    init(_ message: [UInt8], _ answer: EventLoopPromise<Int>) {
        self.message = message
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: message)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard received.count < 12 else { return }
        received += unwrapInboundIn(data).readableBytesView.prefix(64)
        guard received.count >= 12 else { return }
        // "HTTP/1.1 200"
        if received.starts(with: "HTTP/1.".utf8), let status = Int(String(decoding: received[9..<12], as: UTF8.self)) {
            answer.succeed(status)
        } else {
            answer.fail(TraceAnswerFault.noAnswer)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(TraceAnswerFault.noAnswer)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }
}
