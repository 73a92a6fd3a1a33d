import GatewayPrimitives
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import ProxyPipeline
import RequestSigning
import Snapshot

/// Everything that one event loop owns: its snapshot reference, its connections, its backend pools, its spare objects.
///
/// Sendable by confinement: after `init` it is touched on `eventLoop` alone, which the entry points assert.
final class LoopState: @unchecked Sendable {
    let eventLoop: any EventLoop
    let configuration: ProxyConfiguration
    let backendTLS: NIOSSLContext?
    /// The same, agreeing upon HTTP/2 alone.
    let backendHTTP2: NIOSSLContext?
    private let maxConnections: Int
    /// nil: one client may have all connections.
    let clients: ClientPlaces?

    /// The current snapshot; a request takes it once, at its head.
    private(set) var snapshot: GatewaySnapshot
    private(set) var isDraining = false
    /// Another process takes new connections; those that are open may ask once more.
    private(set) var isHandingOver = false
    /// Where plain requests are sent to that shall come over HTTPS.
    var redirectPort = 443
    private var drained: EventLoopPromise<Void>?

    var requestIDs: RequestIDGenerator
    /// Who the holders of tokens and access keys are; nil: nobody knows.
    var identities: IdentityLookup?
    let signingScratch = SigningScratch()
    /// What the last request to a backend was written from: the next one reuses it.
    var forwarded: ForwardedRequest?
    var signing: SigningStage?
    let stageScratch: StageScratch
    let sideScratch = ByteScratch(capacity: 2048)
    let encoders = GzipEncoders()
    private var spareHeads: [RequestHead] = []
    /// Fields of the message of HTTP/2 that is read.
    let fields = HTTP2FieldList()
    private var spareText = ByteBuffer()
    private var spareStreams: [(ClientConnection, HTTP2Stream)] = []

    private var connections: [ClientConnection] = []
    /// Connections that carry streams, which are among `connections`.
    private var sessions: [HTTP2Session] = []
    private var pools: [Upstream: UpstreamPool] = [:]
    /// Changes when a pool is dropped: who remembers one asks again then.
    private(set) var poolGeneration: UInt64 = 0
    /// Shortcut from a compiled backend to its pool. It holds the backend, so that an identity cannot come to mean another one.
    private var poolsOfBackends: [ObjectIdentifier: (backend: HTTPBackend, pool: UpstreamPool)] = [:]

    /// The same for backends with a channel.
    private var views: [ObjectIdentifier: ChannelView] = [:]
    /// Who may be asked of channels of which a member is, or was, down. Holds the channels for the same reason.
    private var selections: [ObjectIdentifier: (channel: BalancedChannel, version: UInt64, selection: MemberSelection)] = [:]

    /// Calls of functions whose clients have been answered.
    private var detached: [SideRequest] = []
    private static let detachedBound = 1000

    private var nextTick: UInt64 = .max
    private var nextSweep: UInt64 = 0
    private(set) var activeRequests = 0
    /// Counts of the APIs' requests.
    var traffic: TrafficLedger
    /// Counts of what proved callers and signed requests.
    let uses: UseLedger
    /// Counts of all requests.
    var metrics = LoopMetrics()
    /// nil: requests are not logged.
    let accessLog: AccessLogBuffer?
    /// nil: nothing is traced.
    let tracer: LoopTracer?
    /// Records of routes that have a Kafka log.
    let kafka: KafkaBuffers
    /// What is said of the request that is being logged.
    let record = AccessRecord()
    var wallClock = WallClock()

    static let busyTick: UInt64 = 20_000_000
    private static let idleTick: UInt64 = 500_000_000

    /// - Parameter number: counts the loops from 0.
    init(
        eventLoop: any EventLoop, number: Int, configuration: ProxyConfiguration, backendTLS: NIOSSLContext?,
        backendHTTP2: NIOSSLContext? = nil, clients: ClientPlaces? = nil
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.backendTLS = backendTLS
        self.backendHTTP2 = backendHTTP2
        self.clients = clients
        maxConnections = max(1, configuration.maxConnections / max(1, configuration.eventLoops))
        stageScratch = StageScratch(nodeName: configuration.nodeName, nodeAddress: configuration.nodeAddress)
        snapshot = .empty
        traffic = TrafficLedger(loop: number)
        uses = UseLedger(loop: number)
        accessLog = configuration.accessLog.map { AccessLogBuffer($0) }
        tracer = configuration.tracing.map { LoopTracer($0) }
        kafka = KafkaBuffers(configuration.kafka, region: configuration.region, loops: configuration.eventLoops)
        var source = SystemRandomNumberGenerator()
        requestIDs = RequestIDGenerator(seedingFrom: &source)
    }

    func replaceSnapshot(_ snapshot: GatewaySnapshot) {
        eventLoop.assertInEventLoop()
        self.snapshot = snapshot
        forgetBackends()
        if !selections.isEmpty { selections.removeAll() }
    }

    /// Monotonic nanoseconds, read when the current event came in; exact enough for deadlines and spares clock calls.
    private(set) var eventTime: UInt64 = LoopState.now()

    @inline(__always)
    func eventBegins() { eventTime = Self.now() }

    /// Monotonic nanoseconds.
    @inline(__always)
    static func now() -> UInt64 { NIODeadline.now().uptimeNanoseconds }

    static func wallMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// What makes nanoseconds since 1970 of monotonic ones.
    static func wallOffset() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - Int64(now())
    }

    // MARK: Client connections

    private func hasRoom() -> Bool {
        if isDraining, !isHandingOver {
            turnAway(.draining)
        } else if connections.count + sessions.count >= maxConnections {
            turnAway(.limit)
        } else {
            return true
        }
        return false
    }

    func turnAway(_ reason: TurnedAway) { metrics.turnedAway[reason.rawValue] &+= 1 }

    /// False when there are too many; the connection is then to be closed.
    func add(_ connection: ClientConnection) -> Bool {
        guard hasRoom() else { return false }
        if connection.origin == nil, !connection.isStream { metrics.accepted[connection.usesTLS ? 1 : 0] &+= 1 }
        connection.registration = connections.count
        connections.append(connection)
        scheduleTick(within: Self.idleTick)
        return true
    }

    func remove(_ connection: ClientConnection) {
        let index = connection.registration
        guard index >= 0 else { return }
        connection.registration = -1
        if connection.origin == nil, !connection.isStream, !connection.isSucceeded { metrics.closed[connection.usesTLS ? 1 : 0] &+= 1 }
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.registration = index
        }
        if isDraining, connections.isEmpty, sessions.isEmpty { finishDraining() }
    }

    /// As ``add(_:)-(ClientConnection)``.
    func add(_ session: HTTP2Session) -> Bool {
        guard hasRoom() else {
            metrics.closed[session.usesTLS ? 1 : 0] &+= 1
            return false
        }
        metrics.sessions[session.usesTLS ? 1 : 0] += 1
        session.registration = sessions.count
        sessions.append(session)
        scheduleTick(within: Self.idleTick)
        return true
    }

    func remove(_ session: HTTP2Session) {
        let index = session.registration
        guard index >= 0 else { return }
        session.registration = -1
        metrics.closed[session.usesTLS ? 1 : 0] &+= 1
        metrics.sessions[session.usesTLS ? 1 : 0] -= 1
        let last = sessions.removeLast()
        if last !== session {
            sessions[index] = last
            last.registration = index
        }
        if isDraining, connections.isEmpty, sessions.isEmpty { finishDraining() }
    }

    func requestBegins() {
        activeRequests += 1
        scheduleTick(within: Self.busyTick)
    }

    func requestEnds() { activeRequests -= 1 }

    func takeHead() -> RequestHead { spareHeads.popLast() ?? RequestHead() }

    func giveBack(_ head: RequestHead) {
        guard spareHeads.count < 256 else { return }
        head.reset()
        spareHeads.append(head)
    }

    /// Empty, for a message of HTTP/2 as text.
    func takeText() -> ByteBuffer {
        let text = spareText
        spareText = ByteBuffer()
        return text
    }

    func giveBack(_ text: inout ByteBuffer) {
        text.clear()
        if text.capacity <= 64 * 1024 { spareText = text }
        text = ByteBuffer()
    }

    func takeStream() -> (ClientConnection, HTTP2Stream) { spareStreams.popLast() ?? ClientConnection.serving(streamsOn: self) }

    func giveBack(_ connection: ClientConnection, _ stream: HTTP2Stream) {
        guard spareStreams.count < 256 else { return }
        connection.rest()
        spareStreams.append((connection, stream))
    }

    // MARK: Side requests that nobody waits for

    /// Whether one more may be sent: each holds a connection until its function has answered.
    var takesDetached: Bool { detached.count < Self.detachedBound }

    func detach(_ side: SideRequest) { detached.append(side) }

    func forget(_ side: SideRequest) { detached.removeAll { $0 === side } }

    private func endDetached(_ now: UInt64) {
        guard detached.contains(where: { $0.deadline <= now }) else { return }
        for side in detached where side.deadline <= now { side.timeOut() }
        detached.removeAll { $0.deadline <= now }
    }

    // MARK: Backend pools

    func pool(of backend: HTTPBackend) -> UpstreamPool {
        let key = ObjectIdentifier(backend)
        if let known = poolsOfBackends[key] { return known.pool }
        let pool = pool(to: backend.upstream)
        poolsOfBackends[key] = (backend, pool)
        return pool
    }

    func pool(to upstream: Upstream) -> UpstreamPool {
        if let known = pools[upstream] { return known }
        let pool = UpstreamPool(upstream, loop: self)
        pools[upstream] = pool
        return pool
    }

    private func forgetBackends() {
        poolsOfBackends.removeAll(keepingCapacity: true)
        views.removeAll(keepingCapacity: true)
    }

    // MARK: Channels

    func view(of backend: HTTPBackend, _ channel: BalancedChannel) -> ChannelView {
        if let known = views[ObjectIdentifier(backend)] { return known }
        let view = ChannelView(backend, channel, loop: self)
        views[ObjectIdentifier(backend)] = view
        return view
    }

    /// Who may be asked now, and the version of the members' health that it was made from.
    func selection(of channel: BalancedChannel, _ health: ChannelHealth) -> (UInt64, MemberSelection) {
        let version = health.version
        if let known = selections[ObjectIdentifier(channel)], known.version == version { return (version, known.selection) }
        let selection = channel.selection()
        selections[ObjectIdentifier(channel)] = (channel, version, selection)
        return (version, selection)
    }

    // MARK: Time

    /// Deadlines are looked at every 20 ms while requests run and twice a second otherwise: no timer is made for a request.
    func scheduleTick(within nanoseconds: UInt64) {
        let due = eventTime + nanoseconds
        guard due + 1_000_000 < nextTick else { return }
        nextTick = due
        eventLoop.scheduleTask(deadline: .uptimeNanoseconds(due)) { self.tick(due) }
    }

    private func tick(_ due: UInt64) {
        // A tick that an earlier one has overtaken.
        guard due == nextTick else { return }
        nextTick = .max
        eventBegins()
        let now = eventTime
        flushLogs()
        var index = connections.count
        while index > 0 {
            index -= 1
            // A connection that times out removes itself, and the last one takes its place.
            if index < connections.count { connections[index].checkDeadlines(now) }
        }
        index = sessions.count
        while index > 0 {
            index -= 1
            if index < sessions.count { sessions[index].checkDeadline(now) }
        }
        if now >= nextSweep {
            nextSweep = now + Self.idleTick
            endDetached(now)
            sweepPools(now)
        }
        if activeRequests > 0 {
            scheduleTick(within: Self.busyTick)
        } else if !connections.isEmpty || !sessions.isEmpty || !pools.isEmpty {
            scheduleTick(within: Self.idleTick)
        }
    }

    private func sweepPools(_ now: UInt64) {
        let idle = UInt64(configuration.backendIdleMilliseconds) * 1_000_000
        for (upstream, pool) in pools {
            pool.closeIdle(since: now > idle ? now - idle : 0)
            if pool.isUnused {
                pools[upstream] = nil
                poolGeneration &+= 1
                forgetBackends()
            }
        }
    }

    // MARK: Seeing it

    func report() -> LoopReport {
        LoopReport(
            metrics: metrics, activeRequests: activeRequests,
            pools: pools.map { ("\($0.host):\($0.port)", $1.open, $1.idleCount) }, snapshotRevision: snapshot.revision,
            checkedChannels: snapshot.checkedChannels)
    }

    // MARK: End

    /// Answers say from now on that the connection ends with them.
    func beginHandOver() {
        isDraining = true
        isHandingOver = true
        for session in sessions { session.drain() }
    }

    /// Closes what is idle; what has been asked is still answered.
    func endHandOver() {
        isHandingOver = false
        for connection in connections { connection.drain() }
    }

    /// Closes idle connections, lets the others finish their request, and succeeds when none is left.
    func drain() -> EventLoopFuture<Void> {
        eventLoop.assertInEventLoop()
        isDraining = true
        let promise = eventLoop.makePromise(of: Void.self)
        drained = promise
        for connection in connections { connection.drain() }
        for session in sessions { session.drain() }
        if connections.isEmpty, sessions.isEmpty { finishDraining() }
        return promise.futureResult
    }

    func closeAll() {
        eventLoop.assertInEventLoop()
        for connection in connections { connection.abort() }
        for session in sessions { session.abort() }
        for side in detached { side.cancel() }
        detached.removeAll()
        finishDraining()
    }

    /// Lets go of everything that refers to this, so that a loop that is no more leaves nothing behind.
    func dismantle() {
        spareStreams.removeAll()
        pools.removeAll()
        forgetBackends()
    }

    private func finishDraining() {
        for pool in pools.values { pool.closeIdle(since: .max) }
        drained?.succeed(())
        drained = nil
    }
}
