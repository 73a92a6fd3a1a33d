import GatewayPrimitives
import ProxyPipeline
import Snapshot

/// What only the access log wants to know of the way to a backend; there while a request is logged.
final class LoggedAttempt {
    let upstream: Upstream
    /// Monotonic nanoseconds.
    let began: UInt64
    var connected: UInt64?
    var target: [UInt8] = []
    var status = 0
    var answered: UInt64?
    var ended: UInt64?

    init(upstream: Upstream, began: UInt64) {
        self.upstream = upstream
        self.began = began
    }
}

extension ClientConnection {
    /// An attempt begins. Costs three comparisons where nothing is logged.
    func noteAttempt(at upstream: Upstream) {
        if exchange.trace != nil { beginAttemptSpan() }
        if loop.accessLog != nil || exchange.route?.policies.kafkaLog != nil || exchange.trace?.isSampled == true { exchange.attempt = LoggedAttempt(upstream: upstream, began: exchange.sentAt) }
    }

    /// The request has been written for its backend; `message` begins with its first line.
    func noteSent(_ message: UnsafeRawBufferPointer) {
        guard exchange.attempt != nil else { return }
        let view = ByteView(message)
        exchange.attempt?.connected = LoopState.now()
        guard let first = view.firstIndex(of: 0x20), let second = view.firstIndex(of: 0x20, from: first + 1) else { return }
        exchange.attempt?.target = view.slice(first + 1, second).array
    }

    func noteAnswer(status: Int) {
        guard exchange.attempt != nil else { return }
        exchange.attempt?.status = status
        exchange.attempt?.answered = loop.eventTime
    }

    func noteAttemptEnded() {
        if exchange.attempt != nil { exchange.attempt?.ended = loop.eventTime }
    }

    /// One line for the request that is over.
    func logRequest(_ log: AccessLogBuffer, now: UInt64) { loop.log(accessRecord(now: now), to: log) }

    /// What logs say of the request that is over.
    func accessRecord(now: UInt64) -> AccessRecord {
        let record = AccessRecord(peer: peerText, requestID: exchange.requestID, usesTLS: usesTLS)
        record.head = head.flatMap { $0.isComplete ? $0 : nil }
        record.isHTTP2 = isStream
        record.route = exchange.route
        record.groupID = exchange.host?.groupID ?? ""
        record.caller = exchange.values?.caller
        record.instance = exchange.instance
        record.status = exchange.status
        record.failure = exchange.failure
        record.callStatus = exchange.callStatus
        record.isCall = exchange.call != nil || record.callStatus != nil
        record.bytesSent = exchange.sentBytes
        record.requestBytes = (head?.byteCount ?? 0) + body.received
        record.bodyBytes = body.received
        record.duration = now - min(now, exchange.began)
        record.isProxied = isProxied
        if let encoder = exchange.gzip?.encoder { exchange.gzipCounts = encoder.counts }
        (record.gzipRead, record.gzipWritten) = exchange.gzipCounts
        if let function = exchange.function { record.functionURN = function.urn }
        if let provider = exchange.route?.identity.providerAppID, !provider.isEmpty {
            record.providerName = loop.snapshot.callers.app(id: provider)?.name ?? ""
        }
        if let attempt = exchange.attempt {
            let end = attempt.ended ?? now
            func since(_ start: UInt64, _ moment: UInt64) -> UInt64 { moment - min(moment, start) }
            record.isRemote = attempt.answered != nil && exchange.failure == nil
            record.upstream = .init(
                host: attempt.upstream.host, port: attempt.upstream.port, usesTLS: attempt.upstream.usesTLS, target: attempt.target,
                status: attempt.status, connected: attempt.connected.map { since(attempt.began, $0) },
                answered: attempt.answered.map { since(attempt.began, $0) }, ended: since(attempt.began, end),
                all: since(exchange.firstSentAt, end))
        }
        return record
    }
}
