import Dispatch
import Foundation
import Logging
import ProxyServer
import ServiceLifecycle
import Snapshot
import Sockets
import Synchronization

/// One process of a data folder takes over from another without a connection being refused (docs/operate.md).
///
/// The two talk over `DIR/handover.sock`, in this order:
///
/// 1. The new one connects and says `take over 2`. The number counts versions of what they say: who is asked in another one hangs up, and
///    nothing has changed.
/// 2. The old one sends its listening sockets: management, gateway, gateway TLS. The new one looks whether they have the addresses
///    that it is to listen at, hangs up if they have not, and says `agreed`.
/// 3. The old one ends its management calls, writes down what it has counted, lets go of the folder, and says `free`. It goes on
///    carrying traffic.
/// 4. The new one gets everything ready and says `ready`.
/// 5. The old one accepts no more and says `yours`; the new one accepts what has come meanwhile, and everything that comes.
/// 6. The old one lets every open connection ask once more, and says `decided` when nothing is decided with its configuration any
///    longer. Management calls have been waiting in the queue of their socket; the new one takes them now, so that
///    an answered write is in force everywhere.
/// 7. The old one finishes what is under way, sends what it counted since, and ends.
enum HandOver {
    static let question = Array("take over 2".utf8)
    static let agreed = Array("agreed".utf8)
    static let free = Array("free".utf8)
    static let ready = Array("ready".utf8)
    static let yours = Array("yours".utf8)
    static let decided = Array("decided".utf8)
    /// How long open connections may go on asking.
    static let grace = Duration.seconds(2)
    /// Longest wait for the sockets, which need no preparation.
    static let answerSeconds = 5
    /// Longest wait of the one for the other's next word.
    static let patienceSeconds = 120

    static func path(in folder: String) -> String { folder + "/handover.sock" }
}

/// What the new process got from the old one.
final class Inheritance: Sendable {
    let channel: DescriptorChannel
    let management: ListeningSocket
    let gateway: ProxyServer.Sockets
    private let left = Mutex<CountsLeft?>(nil)

    /// - Throws: ``PlainFailure`` when nobody is there, nothing comes, or the sockets have other addresses than the settings say.
    init(folder: String, settings: ServeSettings) throws {
        guard let channel = DescriptorChannel.connect(to: HandOver.path(in: folder)) else {
            throw PlainFailure("--take-over: no gatehouse is running on \(folder)")
        }
        channel.limitWaiting(seconds: HandOver.answerSeconds)
        guard channel.send(line: HandOver.question), let sockets = channel.receiveDescriptors(), sockets.count == 3 else {
            throw PlainFailure(
                "--take-over: the running gatehouse did not hand its sockets over. It may be of a version that does so in another way, "
                    + "or be handing over just now; if it goes on running, stop it and start this one")
        }
        self.channel = channel
        do {
            management = try ListeningSocket(inherited: sockets[0])
            gateway = ProxyServer.Sockets(
                http: try ListeningSocket(inherited: sockets[1]), https: try ListeningSocket(inherited: sockets[2]))
        } catch {
            throw PlainFailure("--take-over: the sockets that were handed over cannot be used: \(error.reason)")
        }
        try Self.compare(management, with: settings.management, "management")
        if let http = gateway.http { try Self.compare(http, with: settings.gateway, "gateway") }
        if let https = gateway.https { try Self.compare(https, with: settings.gatewayTLS, "gateway-tls") }
        channel.limitWaiting(seconds: HandOver.patienceSeconds)
        guard channel.send(line: HandOver.agreed), channel.receiveLine() == HandOver.free else {
            throw PlainFailure("--take-over: the running gatehouse did not let go of \(folder)")
        }
    }

    /// Nobody is to believe that this process listens elsewhere than it does.
    private static func compare(_ socket: ListeningSocket, with address: Address, _ name: String) throws {
        let isSame: Bool
        do {
            isSame = try socket.isAt(host: address.host, port: address.port)
        } catch {
            throw PlainFailure("cannot listen on \(address): \(error.reason)")
        }
        guard isSame else {
            throw PlainFailure(
                "--take-over: --\(name) is \(address), but the running gatehouse listens on \(Address(host: socket.host, port: socket.port)). "
                    + "Take over with its addresses, or stop it and start this one")
        }
    }

    /// Says that this process can accept, and waits until the other one does not any more.
    func waitForSockets(log: Logger) {
        guard channel.send(line: HandOver.ready), channel.receiveLine() == HandOver.yours else {
            log.warning("the process before this one did not say that it has stopped accepting")
            return
        }
    }

    /// Waits until the other process decides nothing any more.
    func waitForDecisions(log: Logger) {
        guard channel.receiveLine() == HandOver.decided else {
            // It is gone: then it decides nothing either.
            log.warning("the process before this one did not say that it has stopped deciding")
            return
        }
        channel.limitWaiting(seconds: 0)
        Thread.detachNewThread { [self] in
            guard let line = channel.receiveLine() else { return }
            let counts = try? JSONDecoder().decode(CountsLeft.self, from: Data(line))
            left.withLock { $0 = counts }
        }
    }

    /// What the other process counted after it had let go of the store, once.
    func takeTraffic() -> [TrafficSample] { left.withLock { left in
        defer { left?.traffic = [] }
        return left?.traffic ?? []
    } }

    func takeUses() -> [UseSample] { left.withLock { left in
        defer { left?.uses = [] }
        return left?.uses ?? []
    } }
}

/// What was counted while the store was somebody else's.
struct CountsLeft: Codable, Sendable {
    var traffic: [TrafficSample]
    var uses: [UseSample]
}

/// The old process's side: waits for somebody who takes over, and returns when somebody has.
struct HandingOver: Service {
    let listener: DescriptorListener
    let sockets: [ListeningSocket]
    let gateway: ProxyServer
    /// Ends management and everything else that writes.
    let stopWriting: @Sendable () async -> Void
    let taken: TakenOver
    let log: Logger

    func run() async throws {
        await withGracefulShutdownHandler {
            while let channel = await next() {
                if await handOver(channel) { return }
            }
        } onGracefulShutdown: {
            listener.stop()
        }
    }

    /// Waits on a thread of its own: nobody may come for months.
    private func next() async -> DescriptorChannel? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [listener] in continuation.resume(returning: listener.accept()) }
        }
    }

    /// - Returns: false when the other one did not become ready: this process goes on carrying traffic.
    private func handOver(_ channel: DescriptorChannel) async -> Bool {
        channel.limitWaiting(seconds: HandOver.patienceSeconds)
        guard await onThread({ channel.receiveLine() }) == HandOver.question else {
            log.warning("a process asked for something else than to take over as this version does it")
            return false
        }
        guard channel.send(descriptors: sockets.map(\.descriptor)), await onThread({ channel.receiveLine() }) == HandOver.agreed else {
            log.warning("a process that asked to take over did not agree: nothing has changed")
            return false
        }
        log.notice("another process takes over")
        await stopWriting()
        guard channel.send(line: HandOver.free) else { return unfinished() }
        guard await onThread({ channel.receiveLine() }) == HandOver.ready else { return unfinished() }
        await gateway.stopAccepting()
        _ = channel.send(line: HandOver.yours)
        await gateway.handOver(grace: HandOver.grace)
        taken.channel.withLock { $0 = channel }
        _ = channel.send(line: HandOver.decided)
        return true
    }

    private func unfinished() -> Bool {
        log.error(
            "the process that wanted to take over did not start: traffic goes on with the configuration as it is, and nothing can be managed until another process takes over")
        return false
    }

    private func onThread(_ body: @escaping @Sendable () -> [UInt8]?) async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}

/// To whom the process has handed over; nil: to nobody.
final class TakenOver: Sendable {
    let channel = Mutex<DescriptorChannel?>(nil)

    var isTaken: Bool { channel.withLock { $0 != nil } }

    /// Sends what was counted since the store was let go of.
    func send(_ counts: CountsLeft) {
        guard let channel = channel.withLock({ $0 }), let line = try? JSONEncoder().encode(counts) else { return }
        _ = channel.send(line: Array(line))
    }
}

/// Services that can be ended before the process ends.
final class EndingEarly: Service {
    private let group: ServiceGroup
    private let atShutdown: @Sendable () -> Void
    private let ended: AsyncStream<Never>
    private let end: AsyncStream<Never>.Continuation

    /// - Parameter atShutdown: called when they end because the process does.
    init(services: [any Service], log: Logger, atShutdown: @escaping @Sendable () -> Void) {
        self.atShutdown = atShutdown
        group = ServiceGroup(configuration: .init(services: services.map { .init(service: $0) }, logger: log))
        (ended, end) = AsyncStream.makeStream()
    }

    func run() async throws {
        defer { end.finish() }
        try await withGracefulShutdownHandler {
            try await group.run()
        } onGracefulShutdown: { [group, atShutdown] in
            atShutdown()
            Task { await group.triggerGracefulShutdown() }
        }
    }

    /// Returns when they have ended.
    func end() async {
        await group.triggerGracefulShutdown()
        for await _ in ended {}
    }
}
