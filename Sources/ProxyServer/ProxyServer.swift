import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ProxyPipeline
import Snapshot
import Sockets

/// The gateway's listeners: accepts clients, runs the request path on its event loops and keeps each loop's snapshot current.
///
/// `publish` may be called from any thread; everything else belongs to whoever owns the server.
public final class ProxyServer: Sendable {
    let configuration: ProxyConfiguration
    let logger: Logger
    let group: MultiThreadedEventLoopGroup
    let loops: [LoopState]
    private let monitor: HealthMonitor
    let acceptFailures: AcceptFailures
    var accessLog: AccessLog? { configuration.accessLog }
    let state = NIOLockedState()

    /// Addresses that the listeners really have, and their sockets, which are open until the server accepts no more.
    public struct Bound: Sendable {
        public let http: ProxyConfiguration.Address?
        public let https: ProxyConfiguration.Address?
        public let sockets: Sockets
    }

    /// Sockets of the process before this one; nil: they are opened.
    public struct Sockets: Sendable {
        public var http: ListeningSocket?
        public var https: ListeningSocket?

        public init(http: ListeningSocket? = nil, https: ListeningSocket? = nil) {
            self.http = http
            self.https = https
        }
    }

    public init(configuration: ProxyConfiguration, logger: Logger) throws(ProxyStartError) {
        self.configuration = configuration
        self.logger = logger
        acceptFailures = AcceptFailures(logger: logger)
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, configuration.eventLoops))
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateVerification = configuration.verifiesBackendCertificates ? .fullVerification : .none
        settings.minimumTLSVersion = .tlsv12
        let backendTLS, backendHTTP2: NIOSSLContext
        do {
            backendTLS = try NIOSSLContext(configuration: settings)
            settings.applicationProtocols = ["h2"]
            backendHTTP2 = try NIOSSLContext(configuration: settings)
        } catch {
            throw .tlsSettings("\(error)")
        }
        let limit = configuration.maxConnectionsPerClient
        let clients = limit > 0 ? ClientPlaces(limit: limit) : nil
        var loops: [LoopState] = []
        for (number, eventLoop) in group.makeIterator().enumerated() {
            loops.append(
                LoopState(
                    eventLoop: eventLoop, number: number, configuration: configuration, backendTLS: backendTLS,
                    backendHTTP2: backendHTTP2, clients: clients))
        }
        self.loops = loops
        // There is at least one loop; checks are few, and one loop carries them all.
        monitor = HealthMonitor(loop: loops[0], logger: logger)
    }

    /// Opens the listeners; requests are answered with 404 until something is published.
    public func start(inheriting inherited: Sockets = Sockets()) async throws(ProxyStartError) -> Bound {
        guard configuration.https == nil || configuration.tls != nil else { throw .tlsListenerWithoutCertificate }
        var http: ProxyConfiguration.Address?
        var https: ProxyConfiguration.Address?
        var sockets = Sockets()
        if let address = configuration.https {
            let socket = try Self.open(address, inherited.https)
            sockets.https = socket
            try await listen(
                Listener(socket: socket, host: address.host, tls: configuration.tls, expectsProxyHeader: configuration.httpsExpectsProxyHeader))
            https = ProxyConfiguration.Address(host: address.host, port: socket.port)
            let port = configuration.publicTLSPort ?? socket.port
            for loop in loops { loop.eventLoop.execute { loop.redirectPort = port } }
        }
        if let address = configuration.http {
            let socket = try Self.open(address, inherited.http)
            sockets.http = socket
            try await listen(
                Listener(socket: socket, host: address.host, tls: nil, expectsProxyHeader: configuration.httpExpectsProxyHeader))
            http = ProxyConfiguration.Address(host: address.host, port: socket.port)
        }
        return Bound(http: http, https: https, sockets: sockets)
    }

    private static func open(
        _ address: ProxyConfiguration.Address, _ inherited: ListeningSocket?
    ) throws(ProxyStartError) -> ListeningSocket {
        if let inherited { return inherited }
        do {
            return try ListeningSocket.open(host: address.host, port: address.port)
        } catch {
            throw .cannotListen("\(address.host):\(address.port)", reason: error.reason)
        }
    }

    /// Has failures to accept at a listener of another part of the program counted and survived as those of the gateway.
    public func watchAccepting(at listener: any Channel) async {
        let failures = acceptFailures
        do {
            try await listener.eventLoop.submit {
                try listener.pipeline.syncOperations.addHandler(AcceptWatch(failures), position: .first)
            }.get()
        } catch {
            logger.warning("a listener is not watched", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Identities

    /// Says who knows the holders of IAM tokens and access keys. Before ``start()``.
    public func identifyCallers(_ lookup: @escaping IdentityLookup) {
        for loop in loops { loop.eventLoop.execute { loop.identities = lookup } }
    }

    // MARK: Snapshots

    /// Makes `snapshot` the one that every request uses whose head is completed after `done` was called; requests that began earlier
    /// keep theirs. Calls are applied in their order on every loop. `done` runs on an event loop.
    public func publish(_ snapshot: GatewaySnapshot, done: @escaping @Sendable () -> Void) {
        let missing = NIOLockedCount(loops.count)
        // One order for all loops, whoever calls at the same time.
        state.withLock { _ in
            for (index, loop) in loops.enumerated() {
                loop.eventLoop.execute {
                    loop.replaceSnapshot(snapshot)
                    if index == 0 { self.monitor.watch(snapshot.checkedChannels) }
                    if missing.countDown() { done() }
                }
            }
        }
    }

    /// As `publish(_:done:)`; returns when all event loops use the snapshot.
    public func publish(_ snapshot: GatewaySnapshot) async {
        await withCheckedContinuation { continuation in
            publish(snapshot) { continuation.resume() }
        }
    }

    // MARK: Statistics

    /// What the APIs' requests were since the last call, one element an API, minute and event loop. A request is counted when it
    /// has been answered. May be called from any thread, and once more after `shutdown`.
    public func takeTraffic() async -> [TrafficSample] {
        var samples = state.withLock { state in
            let left = state.traffic
            state.traffic = []
            return left
        }
        guard state.withLock({ !$0.isDown }) else { return samples }
        for taken in loops.map({ loop in loop.eventLoop.submit { loop.traffic.take() } }) {
            if let more = try? await taken.get() { samples += more }
        }
        return samples
    }

    /// What credentials were used for since the last call, one element a credential and event loop; as ``takeTraffic()``.
    public func takeUses() async -> [UseSample] {
        var samples = state.withLock { state in
            let left = state.uses
            state.uses = []
            return left
        }
        guard state.withLock({ !$0.isDown }) else { return samples }
        for taken in loops.map({ loop in loop.eventLoop.submit { loop.uses.take() } }) {
            if let more = try? await taken.get() { samples += more }
        }
        return samples
    }

    // MARK: End

    /// Open connections may ask once more, and are told to close; those that ask for nothing in `grace` are closed. When this returns
    /// nothing more is decided with the snapshot that is in force here. After ``stopAccepting()``; ``shutdown(drain:)`` has to follow.
    public func handOver(grace: Duration) async {
        for begun in loops.map({ loop in loop.eventLoop.submit { loop.beginHandOver() } }) { try? await begun.get() }
        try? await Task.sleep(for: grace)
        for ended in loops.map({ loop in loop.eventLoop.submit { loop.endHandOver() } }) { try? await ended.get() }
    }

    /// Stops accepting, closes idle connections, lets running requests finish for at most `drain`, then closes what is left.
    public func shutdown(drain: Duration) async {
        await stopListening()
        loops[0].eventLoop.execute { self.monitor.stop() }
        let (seconds, attoseconds) = drain.components
        let bound = TimeAmount.nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        let drained = loops.map { loop in
            let timeout = loop.eventLoop.scheduleTask(in: bound) { loop.closeAll() }
            return loop.eventLoop.flatSubmit { loop.drain() }.always { _ in timeout.cancel() }
        }
        for loop in drained { try? await loop.get() }
        let left = await takeTraffic()
        let uses = await takeUses()
        state.withLock { state in
            state.traffic += left
            state.uses += uses
            state.isDown = true
        }
        for flushed in loops.map({ loop in loop.eventLoop.submit { loop.flushLogs() } }) { try? await flushed.get() }
        await accessLog?.close()
        do {
            try await group.shutdownGracefully()
        } catch {
            logger.warning("event loops did not stop cleanly", metadata: ["error": "\(error)"])
        }
    }
}
