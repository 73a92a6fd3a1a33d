import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOExtras
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

    /// The answer could not be written: the connection ends, and no other answer is tried.
    private struct AnswerInterrupted: Error {}

    /// Runs until it is cancelled, or until a graceful shutdown whose running calls are over.
    public func run() async throws {
        let quiescing = ServerQuiescingHelper(group: MultiThreadedEventLoopGroup.singleton)
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
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            // Connections beyond the limit wait in the system's queue.
            .bind(socket.duplicate(), serverBackPressureStrategy: .init(lowWatermark: 1, highWatermark: 1)) { channel in
                http.setup(channel: channel, logger: log)
            }
        await withGracefulShutdownHandler {
            await onListening(server.channel)
            await onRunning()
            await serve(server, http)
        } onGracefulShutdown: {
            quiescing.initiateShutdown(promise: nil)
        }
    }

    private func serve(
        _ server: NIOAsyncChannel<HTTP1Channel.Value, Never>, _ http: HTTP1Channel
    ) async {
        let room = ConnectionRoom(connectionLimit)
        await withDiscardingTaskGroup { connections in
            do {
                try await server.executeThenClose { arrivals in
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
        }
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
