import NIOCore
import ProxyPipeline
import Snapshot

/// A request of the gateway's own while a client's request waits (third_auth, functions): sent as prepared, its answer collected.
///
/// Uses the pools of the same event loop. `done` is called once, unless `cancel` comes first.
final class SideRequest: AnswerReceiver {
    enum Outcome {
        /// `head` belongs to the connection and is valid during the call alone.
        case answered(head: ResponseHead, body: [UInt8])
        /// Written as a whole, and nobody waits for the answer; see ``Manner/isDetached``.
        case sent
        case timedOut
        /// The answer is longer than the bound.
        case tooLong
        case failed(GatewayFailure)
    }

    /// What tells one kind of side request from another.
    struct Manner {
        var timeoutMilliseconds: Int
        /// The request is a HEAD.
        var answersHead = false
        /// Most bytes of an answer that are kept.
        var answerBound = 1024 * 1024
        /// The request may be sent again when a connection that had been idle breaks off without an answer.
        var isRepeatable = true
        /// Over once it is written; the answer is read and forgotten, for the rest of the time that it may take. Goes over a connection
        /// of its own: nobody would notice that an idle one was stale.
        var isDetached = false
    }

    private let pool: UpstreamPool
    private let request: ByteBuffer
    private let manner: Manner
    private var done: ((Outcome) -> Void)?
    private var connection: UpstreamConnection?
    private var body: [UInt8] = []
    private var isTooLong = false
    private var isRepeated = false
    /// Monotonic nanoseconds; only of one that goes on without its client.
    private(set) var deadline = UInt64.max

    init(pool: UpstreamPool, request: ByteBuffer, manner: Manner, done: @escaping (Outcome) -> Void) {
        self.pool = pool
        self.request = request
        self.manner = manner
        self.done = done
    }

    func start() {
        while !isRepeated, !manner.isDetached, let connection = pool.take() {
            if connection.isUsable {
                send(on: connection)
                return
            }
        }
        let began = pool.loop.eventTime
        pool.connect(timeoutMilliseconds: manner.timeoutMilliseconds) { result in
            guard self.done != nil else {
                if case .success(let connection) = result { connection.release(reusable: true) }
                return
            }
            switch result {
            case .success(let connection):
                self.deadline = began + UInt64(self.manner.timeoutMilliseconds) * 1_000_000
                self.send(on: connection)
            case .failure(let failure): self.finish(failure == .backendTimeout ? .timedOut : .failed(failure))
            }
        }
    }

    /// The time is over.
    func timeOut() {
        guard done == nil else { return finish(.timedOut) }
        cancel()
    }

    func cancel() {
        done = nil
        connection?.close()
        connection = nil
    }

    private func send(on connection: UpstreamConnection) {
        self.connection = connection
        connection.begin(self, answersHead: manner.answersHead)
        guard manner.isDetached else { return connection.send(request) }
        connection.send(request) { isWritten in
            guard self.connection === connection, let done = self.done else { return }
            guard isWritten else { return self.finish(.failed(.backendUnavailable)) }
            self.done = nil
            self.pool.loop.detach(self)
            done(.sent)
        }
    }

    private func finish(_ outcome: Outcome) {
        guard let done else { return }
        self.done = nil
        if let connection {
            self.connection = nil
            connection.close()
        }
        done(outcome)
    }

    override func answerBegins(_ connection: UpstreamConnection) { body.removeAll() }

    override func answerBody(_ bytes: UnsafeRawBufferPointer, of buffer: ByteBuffer, at start: Int) {
        guard !manner.isDetached else { return }
        if bytes.count > manner.answerBound - body.count { isTooLong = true } else { body.append(contentsOf: bytes) }
    }

    override func answerPauses() { if isTooLong { finish(.tooLong) } }

    override func answerEnds() {
        guard let connection else { return }
        guard let done else {
            // Detached; nobody asks what the answer was.
            self.connection = nil
            pool.loop.forget(self)
            connection.release(reusable: connection.isReusable)
            return
        }
        guard !isTooLong else { return finish(.tooLong) }
        self.done = nil
        self.connection = nil
        // A detached one that was answered before its last byte was written has been sent as well.
        done(manner.isDetached ? .sent : .answered(head: connection.head, body: body))
        connection.release(reusable: !manner.isDetached && connection.isReusable)
    }

    override func answerFails(_ connection: UpstreamConnection, malformed: Bool) {
        guard self.connection === connection else { return }
        if done == nil {
            cancel()
            pool.loop.forget(self)
        } else if !malformed, manner.isRepeatable, connection.isReused, !connection.answered, !isRepeated {
            // The connection was stale: the question has reached nobody.
            self.connection = nil
            connection.close()
            isRepeated = true
            start()
        } else {
            finish(.failed(.backendUnavailable))
        }
    }
}
