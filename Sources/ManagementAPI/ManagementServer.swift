import ControlPlane
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Sockets
import Synchronization

/// Serves the management port on a socket that listens already, which Hummingbird's own server cannot: it may come from the process
/// before this one. Its HTTP, its requests and its answers are Hummingbird's.
public struct ManagementServer: Service {
    let responder: ManagementResponder
    let configuration: HTTP1Channel.Configuration
    let connectionLimit: Int
    let socket: ListeningSocket
    let log: Logger
    let onListening: @Sendable (any Channel) async -> Void
    let onRunning: @Sendable () async -> Void
    /// Where calls are worked on; what blocks is elsewhere.
    private let threads = WorkThreads("management", limit: min(8, max(2, ProcessInfo.processInfo.activeProcessorCount)))

    /// The answer could not be written: the connection ends, and no other answer is tried.
    private struct AnswerInterrupted: Error {}

    private typealias Listener = NIOAsyncChannel<HTTP1Channel.Value, Never>

    /// How long a listener that has ended is left alone.
    private static let pauseBeforeReopening = Duration.milliseconds(200)

    /// Runs until it is cancelled, or until a graceful shutdown whose running calls are over.
    public func run() async throws {
        try await withTaskExecutorPreference(threads) { try await runThere() }
    }

    private func runThere() async throws {
        let (responder, log) = (responder, log)
        let http = HTTP1Channel(
            responder: { request, writer, channel in
                let context = ManagementContext(source: .init(channel: channel, logger: log))
                var response = try await responder.respond(to: request, context: context)
                response.headers[.date] = HTTPDate.now()
                response.headers[.server] = ManagementApplication.serverName
                do {
                    try await writer.write(response: response.head, body: response.body)
                } catch {
                    throw AnswerInterrupted()
                }
            }, configuration: configuration)
        let open = OpenChannels()
        let first = try await listen(http, open)
        await withGracefulShutdownHandler {
            await onRunning()
            await serve(first, http, open)
        } onGracefulShutdown: {
            open.end()
        }
    }

    private func listen(_ http: HTTP1Channel, _ open: OpenChannels) async throws -> Listener {
        let loops = MultiThreadedEventLoopGroup.singleton
        for loop in loops.makeIterator() { loop.execute { WorkThreads.standBack() } }
        let listener = try await ServerBootstrap(group: loops)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Connections beyond the limit wait in the system's queue.
            .bind(socket.duplicate(), serverBackPressureStrategy: .init(lowWatermark: 1, highWatermark: 1)) { channel in
                let ready = http.setup(channel: channel, logger: log)
                open.add(channel)
                return ready
            }
        open.use(listener.channel)
        await onListening(listener.channel)
        return listener
    }

    private func serve(_ first: Listener, _ http: HTTP1Channel, _ open: OpenChannels) async {
        let room = ConnectionRoom(connectionLimit)
        await withDiscardingTaskGroup { connections in
            var next: Listener? = first
            while let listener = next {
                do {
                    try await listener.executeThenClose { arrivals in
                        for try await connection in arrivals {
                            await room.take()
                            connections.addTask { [log] in
                                await http.handle(value: connection, logger: log)
                                room.giveBack()
                            }
                        }
                    }
                } catch {
                    log.error("the management port takes no more connections", metadata: ["error": "\(error)"])
                }
                next = nil
                // It ends by itself after errors of `accept` that NIO takes for fatal. The socket still listens: who connects waits.
                while next == nil, !open.isEnding, !Task.isCancelled {
                    log.error("the listener of the management port has ended and is opened again")
                    try? await Task.sleep(for: Self.pauseBeforeReopening)
                    next = try? await listen(http, open)
                }
            }
        }
    }
}

/// The listener and the connections that came through it and those before it: they learn when the server is to end. Any thread.
private final class OpenChannels: Sendable {
    private struct State {
        var isEnding = false
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
    }

    private let state = Mutex(State())

    var isEnding: Bool { state.withLock { $0.isEnding } }

    /// In place of the one before it, which has ended.
    func use(_ listener: any Channel) {
        let isEnding = state.withLock { state in
            state.listener = listener
            return state.isEnding
        }
        if isEnding { listener.close(promise: nil) }
    }

    func add(_ connection: any Channel) {
        let isEnding = state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = connection
            return state.isEnding
        }
        connection.closeFuture.whenComplete { [self] _ in
            state.withLock { $0.connections[ObjectIdentifier(connection)] = nil }
        }
        if isEnding { Self.tell(connection) }
    }

    /// Accepts no more; connections end once what is asked on them has been answered.
    func end() {
        let (listener, connections) = state.withLock { state in
            state.isEnding = true
            return (state.listener, state.connections)
        }
        listener?.close(promise: nil)
        for connection in connections.values { Self.tell(connection) }
    }

    private static func tell(_ connection: any Channel) {
        connection.eventLoop.execute { connection.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }
}

/// Places for connections. Any task; one waits at a time.
private final class ConnectionRoom: Sendable {
    private let state: Mutex<(free: Int, waiting: CheckedContinuation<Void, Never>?)>

    init(_ count: Int) { state = Mutex((count, nil)) }

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting = continuation
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func giveBack() {
        let next = state.withLock { state in
            let next = state.waiting
            state.waiting = nil
            if next == nil { state.free += 1 }
            return next
        }
        next?.resume()
    }
}

/// The present second as RFC 9110, 5.6.7 writes it.
enum HTTPDate {
    static func now() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 40) { area in
            // Without a call of setlocale the names are those of the "C" locale, as the RFC wants them.
            let count = strftime(area.baseAddress, area.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            return String(decoding: area.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
