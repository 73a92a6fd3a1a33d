import NIOCore
import ProxyPipeline
import Snapshot

/// A request of the gateway's own while a client's request waits (third_auth): sent as prepared, its answer collected.
///
/// Uses the pools of the same event loop. `done` is called once, unless `cancel` comes first.
final class SideRequest: AnswerReceiver {
    enum Outcome {
        /// `head` belongs to the connection and is valid during the call alone.
        case answered(head: ResponseHead, body: [UInt8])
        case timedOut
        case failed(GatewayFailure)
    }

    private let pool: UpstreamPool
    private let request: ByteBuffer
    private let answersHead: Bool
    private let timeoutMilliseconds: Int
    private var done: ((Outcome) -> Void)?
    private var connection: UpstreamConnection?
    private var body: [UInt8] = []
    private var isRepeated = false

    /// Most bytes of an answer that are kept; a longer one is a failure.
    static let bodyBound = 1024 * 1024

    init(
        pool: UpstreamPool, request: ByteBuffer, answersHead: Bool, timeoutMilliseconds: Int,
        done: @escaping (Outcome) -> Void
    ) {
        self.pool = pool
        self.request = request
        self.answersHead = answersHead
        self.timeoutMilliseconds = timeoutMilliseconds
        self.done = done
    }

    func start() {
        while !isRepeated, let connection = pool.take() {
            if connection.isUsable {
                send(on: connection)
                return
            }
        }
        pool.connect(timeoutMilliseconds: timeoutMilliseconds) { result in
            guard self.done != nil else {
                if case .success(let connection) = result { connection.release(reusable: true) }
                return
            }
            switch result {
            case .success(let connection): self.send(on: connection)
            case .failure(let failure): self.finish(failure == .backendTimeout ? .timedOut : .failed(failure))
            }
        }
    }

    /// The time is over.
    func timeOut() { finish(.timedOut) }

    func cancel() {
        done = nil
        connection?.close()
        connection = nil
    }

    private func send(on connection: UpstreamConnection) {
        self.connection = connection
        connection.begin(self, answersHead: answersHead)
        connection.send(request)
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
        // One byte more than the bound is enough to know.
        body.append(contentsOf: bytes.prefix(max(0, Self.bodyBound + 1 - body.count)))
    }

    override func answerPauses() {
        if body.count > Self.bodyBound { finish(.failed(.backendUnavailable)) }
    }

    override func answerEnds() {
        guard let connection, let done else { return }
        guard body.count <= Self.bodyBound else { return finish(.failed(.backendUnavailable)) }
        self.done = nil
        self.connection = nil
        done(.answered(head: connection.head, body: body))
        connection.release(reusable: connection.isReusable)
    }

    override func answerFails(_ connection: UpstreamConnection, malformed: Bool) {
        guard self.connection === connection else { return }
        if !malformed, connection.isReused, !connection.answered, !isRepeated {
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
