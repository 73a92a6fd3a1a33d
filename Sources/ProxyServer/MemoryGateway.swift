import NIOCore
import ProxyPipeline
import Snapshot

/// One event loop's part of a gateway without sockets: the handlers that a listener gives its connections, on channels in memory.
/// For fuzzing, which feeds them bytes that no client would send. Confined to its event loop.
package final class MemoryGateway {
    private let loop: LoopState

    /// - Parameter eventLoop: the one of every channel that is served.
    package init(_ snapshot: GatewaySnapshot, on eventLoop: any EventLoop) {
        var configuration = ProxyConfiguration()
        configuration.allowsPlainHTTP2 = true
        loop = LoopState(eventLoop: eventLoop, number: 0, configuration: configuration, backendTLS: nil)
        loop.replaceSnapshot(snapshot)
    }

    /// Gives a channel that is not active yet what the plain listener gives to a connection; clients may speak HTTP/2 on it.
    package func serve(_ channel: any Channel) throws {
        let connection = ClientConnection(loop: loop, usesTLS: false, listenerPort: 80)
        try channel.pipeline.syncOperations.addHandlers([HTTP2PrefaceHandler(connection: connection), connection])
    }

    /// A channel to a backend: where the backend is spoken to by HTTP/2, the next connection that the gateway opens to it, otherwise an
    /// unused connection. No other connection can be opened.
    package func offer(_ channel: any Channel, to backend: HTTPBackend) throws {
        let pool = loop.pool(to: backend.upstream)
        guard !backend.upstream.speaksHTTP2 else { return pool.offered.append(channel) }
        let connection = UpstreamConnection(pool)
        try channel.pipeline.syncOperations.addHandler(connection)
        pool.adopt(connection)
    }

    /// Requests that have begun and have not ended.
    package var activeRequests: Int { loop.activeRequests }

    /// Requests that have ended, as they are counted.
    package var countedRequests: Int { Int(loop.metrics.requests.joined().reduce(0, &+)) }

    /// Connections of clients that speak HTTP/2.
    package var clientSessions: Int { loop.metrics.sessions.reduce(0, +) }

    /// What there is towards a backend by HTTP/2: connections, those of them that take streams, streams, and bytes of requests that wait
    /// for it.
    package func state(towards backend: HTTPBackend) -> (open: Int, sessions: Int, streams: Int, waitingBytes: Int) {
        let pool = loop.pool(to: backend.upstream)
        return (
            pool.open, pool.sessions.count, pool.sessions.reduce(0) { $0 + $1.streamCount },
            pool.sessions.reduce(0) { $0 + $1.waitingBytes })
    }

    /// Lets go of what refers to the event loop's part. Nothing is served afterwards.
    package func end() { loop.dismantle() }
}

extension UpstreamPool {
    /// ``openChannel(timeoutMilliseconds:_:_:)`` without sockets: opens what was offered.
    func openOffered(
        _ prepare: @escaping @Sendable (any Channel) throws -> Void, _ done: @escaping (Result<any Channel, GatewayFailure>) -> Void
    ) {
        let eventLoop = loop.eventLoop.assumeIsolated()
        func fail() {
            loop.metrics.connectFailures &+= 1
            eventLoop.execute { done(.failure(.backendUnavailable)) }
        }
        guard !offered.isEmpty else { return fail() }
        let channel = offered.removeFirst()
        do {
            try prepare(channel)
            let address = try SocketAddress(ipAddress: "192.0.2.2", port: 1)
            open += 1
            channel.connect(to: address, promise: nil)
        } catch {
            return fail()
        }
        eventLoop.execute { done(.success(channel)) }
    }
}
