import GatewayPrimitives
import ProxyPipeline
import Snapshot

/// Begins traces and collects the spans of one event loop. Confined to the loop.
final class LoopTracer {
    private let queue: TraceQueue
    private let writer = SpanWriter()
    private let spans = ByteScratch(capacity: 2 * LoopTracer.batchBytes)
    private var count = 0
    private var ids: RequestIDGenerator
    /// From monotonic nanoseconds to those since 1970; one for the spans of a request, which are compared with each other.
    private var offset = LoopState.wallOffset()
    private var offsetEnds: UInt64 = 0

    /// What is handed over at once, in bytes.
    private static let batchBytes = 64 * 1024

    init(_ queue: TraceQueue) {
        self.queue = queue
        var source = SystemRandomNumberGenerator()
        ids = RequestIDGenerator(seedingFrom: &source)
    }

    var isEmpty: Bool { count == 0 }

    func begin(_ head: RequestHead) -> RequestTrace {
        RequestTrace(continuing: TraceContext.read(head), fresh: ids.next(), span: ids.next().high, ratio: queue.ratio)
    }

    func nextSpan() -> UInt64 { max(1, ids.next().high) }

    /// - Parameter ended: monotonic nanoseconds.
    func addServer(_ record: AccessRecord, _ trace: RequestTrace, ended: UInt64) {
        guard queue.reserve() else { return }
        writer.writeServer(record, trace, ended: wall(ended), to: spans)
        added()
    }

    /// - Parameters:
    ///   - began: monotonic nanoseconds, as `ended`.
    func addClient(_ upstream: AccessRecord.Upstream, method: ByteView, _ trace: RequestTrace, began: UInt64, ended: UInt64) {
        guard queue.reserve() else { return }
        writer.writeClient(upstream, method: method, trace, began: wall(began), ended: wall(ended), to: spans)
        added()
    }

    private func wall(_ moment: UInt64) -> Int64 { Int64(moment) + offset }

    private func added() {
        count += 1
        if spans.count >= Self.batchBytes { flush() }
    }

    func flush() {
        guard count > 0 else { return }
        let now = LoopState.now()
        if now >= offsetEnds {
            // The machine's clock may have been set.
            offset = LoopState.wallOffset()
            offsetEnds = now + 10_000_000_000
        }
        queue.push(spans.array, count: count)
        spans.removeAll()
        count = 0
    }
}

extension ClientConnection {
    /// The request belongs to a trace from here on. Costs a comparison where nothing is traced.
    func beginTrace(_ head: RequestHead) {
        if let tracer = loop.tracer { exchange.trace = rehearsal == nil ? tracer.begin(head) : nil }
    }

    /// Another attempt begins: the one before it is over.
    func beginAttemptSpan() {
        guard exchange.trace != nil, let tracer = loop.tracer else { return }
        endAttemptSpan(tracer, now: loop.eventTime)
        exchange.trace?.attempt = tracer.nextSpan()
    }

    /// The request is over.
    func endTrace(_ tracer: LoopTracer, now: UInt64) {
        guard let trace = exchange.trace else { return }
        endAttemptSpan(tracer, now: now)
        exchange.trace = nil
        guard trace.isSampled else { return }
        let record = loop.record
        fill(record, now: now)
        record.clientAddress = loggedClient
        loop.tracesSomething()
        tracer.addServer(record, trace, ended: now)
        record.clear()
    }

    private func endAttemptSpan(_ tracer: LoopTracer, now: UInt64) {
        guard let trace = exchange.trace, trace.isSampled, trace.attempt != 0, let attempt = exchange.attempt, let head else { return }
        exchange.trace?.attempt = 0
        let method = exchange.backend.map { RequestWriter.methodName(head, $0) } ?? ByteView("POST")
        let upstream = AccessRecord.Upstream(
            endpoint: attempt.endpoint, target: [], status: attempt.status, connected: nil, answered: nil, ended: 0, all: 0)
        loop.tracesSomething()
        tracer.addClient(upstream, method: method, trace, began: attempt.began, ended: attempt.ended ?? now)
    }
}
