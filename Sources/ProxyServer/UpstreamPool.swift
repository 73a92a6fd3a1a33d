import NIOCore
import NIOPosix
import NIOSSL
import ProxyPipeline
import Snapshot

/// Unused connections of one event loop to one backend, the most recently used first.
///
/// Sendable by confinement to the loop of its `LoopState`.
final class UpstreamPool: @unchecked Sendable {
    let upstream: Upstream
    let endpoint: LoggedEndpoint
    let loop: LoopState
    private var idle: [UpstreamConnection] = []
    /// Connections open or being opened.
    var open = 0
    /// Connections whose streams are handed out in place of connections; where the upstream speaks HTTP/2. The work is in
    /// `HTTP2/BackendSession.swift`.
    var sessions: [BackendSession] = []
    /// Opened in this order on a loop without sockets (`MemoryGateway.swift`).
    var offered: [any Channel] = []
    /// Set for literal addresses, which need no name service.
    let address: SocketAddress?
    /// nil with an upstream over TLS: no connection can be made.
    private let tls: NIOSSLContext?

    init(_ upstream: Upstream, loop: LoopState) {
        self.upstream = upstream
        endpoint = LoggedEndpoint(upstream)
        self.loop = loop
        let own = upstream.tls.map { $0.context as? BackendContext }
        tls =
            if upstream.speaksHTTP2 {
                if let own { own?.http2 } else { loop.backendHTTP2 }
            } else {
                if let own { own?.context } else { loop.backendTLS }
            }
        address = try? SocketAddress(ipAddress: upstream.host, port: upstream.port)
    }

    /// Of ``open``, those that wait for a request.
    var idleCount: Int { idle.count + sessions.count(where: \.isIdle) }

    var isUnused: Bool { open == 0 && idle.isEmpty }

    func take() -> UpstreamConnection? { upstream.speaksHTTP2 ? takeStream() : idle.popLast() }

    func put(_ connection: UpstreamConnection) {
        // A stream carries one request.
        guard !upstream.speaksHTTP2, idle.count < loop.configuration.maxIdleBackendConnections, !loop.isDraining else {
            connection.close()
            return
        }
        connection.idleSince = loop.eventTime
        idle.append(connection)
    }

    /// Takes over a connection that somebody else has opened.
    func adopt(_ connection: UpstreamConnection) {
        open += 1
        put(connection)
    }

    /// An idle connection was closed by the other side.
    func remove(_ connection: UpstreamConnection) {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    func connectionClosed() { if !upstream.speaksHTTP2 { open -= 1 } }

    func closeIdle(since limit: UInt64) {
        // The longest unused ones are in front.
        while let first = idle.first, first.idleSince < limit {
            idle.removeFirst()
            first.close()
        }
        for session in sessions where session.isIdle && session.idleSince < limit { session.close() }
    }

    /// Opens a connection; the callback comes on the loop, always later than this call.
    func connect(
        timeoutMilliseconds: Int, _ done: @escaping (Result<UpstreamConnection, GatewayFailure>) -> Void
    ) {
        if upstream.speaksHTTP2 { return openStream(timeoutMilliseconds: timeoutMilliseconds, done) }
        openChannel(
            timeoutMilliseconds: timeoutMilliseconds,
            { channel in try channel.pipeline.syncOperations.addHandler(UpstreamConnection(self)) },
            { result in
                switch result {
                case .success(let channel):
                    if let connection = try? channel.pipeline.syncOperations.handler(type: UpstreamConnection.self) {
                        done(.success(connection))
                    } else {
                        // Closed between connecting and here.
                        self.open -= 1
                        channel.close(promise: nil)
                        done(.failure(.backendUnavailable))
                    }
                case .failure(let failure): done(.failure(failure))
                }
            })
    }

    /// Opens a connection with the handlers that `prepare` adds, behind those of TLS; it counts in ``open`` from here on, unless it fails.
    func openChannel(
        timeoutMilliseconds: Int, _ prepare: @escaping @Sendable (any Channel) throws -> Void,
        _ done: @escaping (Result<any Channel, GatewayFailure>) -> Void
    ) {
        loop.metrics.connects &+= 1
        guard let empty = ClientBootstrap(validatingGroup: loop.eventLoop) else { return openOffered(prepare, done) }
        open += 1
        let bootstrap = empty
            .connectTimeout(.milliseconds(Int64(timeoutMilliseconds)))
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 32 * 1024, high: 128 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if self.upstream.usesTLS {
                        guard let tls = self.tls else { throw UnusableTLS() }
                        // An address is no server name (RFC 6066, 3).
                        let name = self.address == nil ? self.upstream.host : nil
                        try channel.pipeline.syncOperations.addHandler(
                            try NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try prepare(channel)
                }
            }
        let opening =
            if let address { bootstrap.connect(to: address) } else {
                bootstrap.connect(host: upstream.host, port: upstream.port)
            }
        opening.assumeIsolated().whenComplete { result in
            self.loop.eventBegins()
            switch result {
            case .success(let channel): done(.success(channel))
            case .failure(let error):
                self.open -= 1
                self.loop.metrics.connectFailures &+= 1
                done(.failure(Self.failure(error)))
            }
        }
    }

    /// What the instance has for its backends was not taken by the TLS library.
    private struct UnusableTLS: Error {}

    private static func failure(_ error: any Error) -> GatewayFailure {
        if let error = error as? NIOConnectionError, error.connectionErrors.isEmpty,
            error.dnsAError != nil || error.dnsAAAAError != nil
        {
            return .nameNotResolved
        }
        if case .connectTimeout? = error as? ChannelError { return .backendTimeout }
        return .backendUnavailable
    }
}
