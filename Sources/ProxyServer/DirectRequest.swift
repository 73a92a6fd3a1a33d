import GatewayPrimitives
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ProxyPipeline
import Snapshot

/// A request that the program sends itself through the request path, as if a client had sent it.
public struct DirectRequest: Sendable {
    /// Head and body as they go over the connection. The head must ask for `Connection: close`.
    public var bytes: [UInt8]
    /// The request counts as one that came over TLS.
    public var usesTLS: Bool
    /// Where the request counts as coming from.
    public var peer: IPAddress
    /// Only this API may answer; what leads to another one is answered as leading to none. nil: any.
    public var apiID: String?
    /// nil: the snapshot in force when the head is complete.
    public var snapshot: GatewaySnapshot?
    /// Bytes of the answer's body that are kept.
    public var answerLimit: Int
    public var timeoutMilliseconds: Int64

    public init(
        bytes: [UInt8], usesTLS: Bool, peer: IPAddress, apiID: String?, snapshot: GatewaySnapshot?, answerLimit: Int,
        timeoutMilliseconds: Int64
    ) {
        self.bytes = bytes
        self.usesTLS = usesTLS
        self.peer = peer
        self.apiID = apiID
        self.snapshot = snapshot
        self.answerLimit = answerLimit
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

/// What came back.
public struct DirectAnswer: Sendable {
    /// With the empty line at its end.
    public let head: [UInt8]
    /// Without framing.
    public let body: [UInt8]
    /// There was more of the body.
    public let isTruncated: Bool
    /// The request reached the API.
    public let reachedAPI: Bool
    public let milliseconds: Int
}

public enum DirectFailure: Error, Sendable, Equatable {
    /// The system gave no connection.
    case noConnection
    case timedOut
    /// The connection ended before an answer was complete.
    case noAnswer
}

/// Where a connection of the program's own comes from and may lead.
final class DirectOrigin: Sendable {
    let snapshot: GatewaySnapshot?
    let peer: IPAddress
    private let apiID: String?
    /// Set for a rehearsal, which is about one instance.
    let assumptions: RehearsalAssumptions?
    let instanceID: String?
    private let report = NIOLockedValueBox<Rehearsal.Report?>(nil)
    private let reached = NIOLockedValueBox(false)

    init(_ request: DirectRequest, rehearsing rehearsal: (RehearsalAssumptions, instanceID: String)? = nil) {
        assumptions = rehearsal?.0
        instanceID = rehearsal?.instanceID
        snapshot = request.snapshot
        peer = request.peer
        apiID = request.apiID
    }

    /// What the rehearsal came to; nil before it has ended.
    var rehearsed: Rehearsal.Report? { report.withLockedValue { $0 } }

    func finish(_ report: Rehearsal.Report) { self.report.withLockedValue { $0 = report } }

    var hasReachedAPI: Bool { reached.withLockedValue { $0 } }

    func allows(_ route: Route) -> Bool {
        guard apiID == nil || route.identity.apiID == apiID else { return false }
        reached.withLockedValue { $0 = true }
        return true
    }
}

extension ProxyServer {
    /// Sends a request through the request path of one event loop, over a connection that has only this program at both ends.
    public func answer(_ request: DirectRequest) async throws(DirectFailure) -> DirectAnswer {
        try await answer(request, from: DirectOrigin(request))
    }

    /// Decides about a request without consequences: what it would be answered, and what each stage has to say. The one to whom it
    /// would be sent is not called: such a request is answered with 200 and no body.
    ///
    /// - Parameters:
    ///   - request: as in ``answer(_:)``.
    ///   - instanceID: hosts of other instances count as unknown.
    public func rehearse(
        _ request: DirectRequest, assuming assumptions: RehearsalAssumptions, instanceID: String
    ) async throws(DirectFailure) -> (answer: DirectAnswer, report: Rehearsal.Report) {
        let origin = DirectOrigin(request, rehearsing: (assumptions, instanceID))
        let answer = try await answer(request, from: origin)
        guard let report = origin.rehearsed else { throw .noAnswer }
        return (answer, report)
    }

    private func answer(_ request: DirectRequest, from origin: DirectOrigin) async throws(DirectFailure) -> DirectAnswer {
        guard let loop = loops.randomElement() else { throw .noConnection }
        let pair = try LoopbackPair()
        let outcome = AnswerOutcome(loop.eventLoop)
        // What is more than the body's limit covers the head and the framing of chunks.
        let limit = 2 * request.answerLimit + 256 * 1024
        let began = NIODeadline.now()
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AnswerCollector(limit: limit, outcome: outcome))
                    }
                }.withConnectedSocket(pair.client).get()
        } catch {
            close(pair.server)
            outcome.end([])
            throw .noConnection
        }
        // The request is there before somebody waits for it: how soon this task goes on is no matter of the head's time.
        channel.writeAndFlush(ByteBuffer(bytes: request.bytes), promise: nil)
        let timeout = loop.eventLoop.scheduleTask(in: .milliseconds(request.timeoutMilliseconds)) { outcome.end(nil) }
        do {
            _ = try await ClientBootstrap(group: loop.eventLoop)
                .channelOption(.maxMessagesPerRead, value: 1)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ClientConnection(loop: loop, usesTLS: request.usesTLS, listenerPort: 0, origin: origin))
                    }
                }.withConnectedSocket(pair.server).get()
        } catch {
            timeout.cancel()
            channel.close(promise: nil)
            outcome.end([])
            throw .noConnection
        }
        let bytes = try? await outcome.result.get()
        timeout.cancel()
        channel.close(promise: nil)
        guard let bytes else { throw .timedOut }
        let elapsed = Int((NIODeadline.now() - began).nanoseconds / 1_000_000)
        return try DirectAnswer(bytes, request, reachedAPI: origin.hasReachedAPI, milliseconds: elapsed)
    }
}

extension DirectAnswer {
    fileprivate init(_ bytes: [UInt8], _ request: DirectRequest, reachedAPI: Bool, milliseconds: Int) throws(DirectFailure) {
        let end = Array("\r\n\r\n".utf8)
        guard let headEnd = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) else { throw .noAnswer }
        let head = Array(bytes[..<(headEnd + end.count)])
        let rest = Array(bytes[(headEnd + end.count)...])
        let names = String(decoding: head, as: UTF8.self).lowercased()
        let body = names.contains("\r\ntransfer-encoding: chunked\r\n") ? Self.unframed(rest) : rest
        self.init(
            head: head, body: Array(body.prefix(request.answerLimit)), isTruncated: body.count > request.answerLimit,
            reachedAPI: reachedAPI, milliseconds: milliseconds)
    }

    private static func unframed(_ bytes: [UInt8]) -> [UInt8] {
        var body: [UInt8] = []
        var reader = BodyReader(.chunked)
        var offset = 0
        bytes.withUnsafeBytes { bytes in
            while case .data(let start, let count) = reader.next(bytes, &offset) {
                body.append(contentsOf: bytes[start..<start + count])
            }
        }
        return body
    }
}

/// The end of a direct request, which comes once, whoever brings it.
private final class AnswerOutcome: Sendable {
    private let hasEnded = NIOLockedValueBox(false)
    private let promise: EventLoopPromise<[UInt8]?>

    init(_ eventLoop: any EventLoop) { promise = eventLoop.makePromise() }

    var result: EventLoopFuture<[UInt8]?> { promise.futureResult }

    /// - Parameter bytes: nil when time is over.
    func end(_ bytes: [UInt8]?) {
        let isFirst = hasEnded.withLockedValue { ended in
            defer { ended = true }
            return !ended
        }
        if isFirst { promise.succeed(bytes) }
    }
}

/// Keeps what comes until the other side closes or `limit` bytes are there. Confined to its event loop.
private final class AnswerCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let limit: Int
    private let outcome: AnswerOutcome
    private var bytes: [UInt8] = []

    init(limit: Int, outcome: AnswerOutcome) {
        self.limit = limit
        self.outcome = outcome
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.append(contentsOf: unwrapInboundIn(data).readableBytesView)
        if bytes.count >= limit { finish() }
    }

    func channelInactive(context: ChannelHandlerContext) { finish() }

    // An answer that came before the error, such as a refusal of a large body, is one.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish()
        context.close(promise: nil)
    }

    private func finish() { outcome.end(bytes) }
}

/// Two ends of one connection within this machine, neither of which anybody else can have.
private struct LoopbackPair {
    let client: CInt
    let server: CInt

    init() throws(DirectFailure) {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let listener = socket(AF_INET, type, 0)
        guard listener >= 0 else { throw .noConnection }
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        guard Self.with(&address, { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0,
            Self.name(of: listener, &address, getsockname)
        else { throw .noConnection }
        let client = socket(AF_INET, type, 0)
        guard client >= 0 else { throw .noConnection }
        var own = sockaddr_in()
        guard Self.with(&address, { connect(client, $0, $1) }) == 0, Self.name(of: client, &own, getsockname) else {
            close(client)
            throw .noConnection
        }
        // Whoever else connected meanwhile is turned away.
        for _ in 0..<16 {
            let accepted = accept(listener, nil, nil)
            guard accepted >= 0 else { break }
            _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
            var peer = sockaddr_in()
            if Self.name(of: accepted, &peer, getpeername), peer.sin_port == own.sin_port {
                self.client = client
                server = accepted
                return
            }
            close(accepted)
        }
        close(client)
        throw .noConnection
    }

    private static func with(
        _ address: inout sockaddr_in, _ run: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { run($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    private static func name(
        of descriptor: CInt, _ address: inout sockaddr_in,
        _ call: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> Bool {
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, &length) }
        } == 0
    }
}
