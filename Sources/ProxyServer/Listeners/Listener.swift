import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Sockets

/// One port of the gateway.
struct Listener: Sendable {
    /// Open until the server accepts no more, whatever becomes of the channel, which has a descriptor of its own.
    let socket: ListeningSocket
    let host: String
    let tls: NIOSSLContext?
    let expectsProxyHeader: Bool
    /// nil: the channel has ended, and another one is about to be opened.
    var channel: (any Channel)?
}

extension ProxyServer {
    /// How long a listener that has ended is left alone.
    private static let pauseBeforeReopening = TimeAmount.milliseconds(200)

    /// Whether connections are accepted at every port.
    public var isListening: Bool { state.withLock { !$0.isStopping && $0.listeners.allSatisfy { $0.channel != nil } } }

    func listen(_ listener: Listener) async throws(ProxyStartError) {
        let channel: any Channel
        do {
            channel = try await bind(listener, to: listener.socket.duplicate()).get()
        } catch {
            throw .cannotListen("\(listener.host):\(listener.socket.port)", reason: "\(error)")
        }
        state.withLock { $0.listeners.append(listener) }
        adopt(channel, for: listener)
        logger.info(
            "gateway listens",
            metadata: ["host": "\(listener.host)", "port": "\(listener.socket.port)", "tls": "\(listener.tls != nil)"])
    }

    /// Takes care that there is another one when the channel ends, as it does after errors of `accept` that NIO takes for fatal. The socket
    /// still listens then: who connects waits in its queue.
    private func adopt(_ channel: any Channel, for listener: Listener) {
        let isWanted = state.withLock { state in
            guard !state.isStopping, let index = state.listeners.firstIndex(where: { $0.socket == listener.socket }) else { return false }
            state.listeners[index].channel = channel
            return true
        }
        guard isWanted else { return channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in self.reopen(listener, saying: "a listener has ended and is opened again") }
    }

    private func reopen(_ listener: Listener, saying text: Logger.Message) {
        let isWanted = state.withLock { state in
            guard !state.isStopping, let index = state.listeners.firstIndex(where: { $0.socket == listener.socket }) else { return false }
            state.listeners[index].channel = nil
            return true
        }
        guard isWanted else { return }
        logger.error(text, metadata: ["host": "\(listener.host)", "port": "\(listener.socket.port)"])
        loops[0].eventLoop.scheduleTask(in: Self.pauseBeforeReopening) {
            do {
                // While the lock is held the socket is not closed, and its number nobody else's.
                let descriptor: CInt? = try self.state.withLock { state in
                    if state.isStopping { return nil }
                    return try listener.socket.duplicate()
                }
                guard let descriptor else { return }
                self.bind(listener, to: descriptor).whenComplete { result in
                    switch result {
                    case .success(let channel): self.adopt(channel, for: listener)
                    case .failure: self.reopen(listener, saying: "a listener cannot be opened again for now")
                    }
                }
            } catch {
                self.reopen(listener, saying: "a listener cannot be opened again for now")
            }
        }
    }

    private func bind(_ listener: Listener, to descriptor: CInt) -> EventLoopFuture<any Channel> {
        let loops = loops
        let failures = acceptFailures
        let (tls, expectsProxyHeader) = (listener.tls, listener.expectsProxyHeader)
        return ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptWatch(failures))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 32 * 1024, high: 128 * 1024))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = loops.first(where: { $0.eventLoop === channel.eventLoop }) else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    let port = channel.localAddress?.port ?? 0
                    let connection = ClientConnection(
                        loop: loop, usesTLS: tls != nil, listenerPort: port, awaitsAddress: expectsProxyHeader)
                    if expectsProxyHeader {
                        try channel.pipeline.syncOperations.addHandler(ProxyHeaderHandler(connection: connection))
                    }
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            ClientHelloHandler(loop: loop, fallback: tls, connection: connection))
                    } else if loop.configuration.allowsPlainHTTP2 {
                        try channel.pipeline.syncOperations.addHandler(HTTP2PrefaceHandler(connection: connection))
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .withBoundSocket(descriptor)
    }

    // MARK: End

    /// Accepts no more here, so that another process can: what comes meanwhile waits in the queues of the sockets. Every connection that
    /// has been accepted is kept; closing the listeners at once would close those that have no loop yet.
    public func stopAccepting() async {
        let channels = state.withLock { state in
            state.isStopping = true
            return state.listeners.compactMap(\.channel)
        }
        for channel in channels { try? await channel.setOption(.autoRead, value: false).get() }
        // What was accepted goes from the listener's loop to its own and back; another read may have been under way.
        for _ in 0 ..< 3 {
            for passed in loops.map({ loop in loop.eventLoop.submit {} }) { try? await passed.get() }
        }
        await stopListening()
    }

    func stopListening() async {
        let listeners = state.withLock { state in
            state.isStopping = true
            defer { state.listeners = [] }
            return state.listeners
        }
        for channel in listeners.compactMap(\.channel) { try? await channel.close() }
        // Who still connects is refused, unless another process has the socket.
        for listener in listeners { listener.socket.closeDescriptor() }
    }
}
