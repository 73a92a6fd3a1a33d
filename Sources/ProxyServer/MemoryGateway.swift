import NIOCore
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

    /// Makes a channel an unused connection to a backend. No other connection can be opened.
    package func offer(_ channel: any Channel, to backend: HTTPBackend) throws {
        let pool = loop.pool(to: backend.upstream)
        let connection = UpstreamConnection(pool)
        try channel.pipeline.syncOperations.addHandler(connection)
        pool.adopt(connection)
    }

    /// Requests that have begun and have not ended.
    package var activeRequests: Int { loop.activeRequests }
}
