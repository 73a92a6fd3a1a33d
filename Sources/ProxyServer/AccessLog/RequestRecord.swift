import GatewayPrimitives
import ProxyPipeline
import Snapshot

/// What only logs want to know of the way to a backend; there while a request is logged. One for each connection. Confined to its
/// event loop.
final class LoggedAttempt {
    fileprivate(set) var endpoint: LoggedEndpoint
    /// Monotonic nanoseconds, as all moments here.
    fileprivate(set) var began: UInt64 = 0
    fileprivate(set) var connected: UInt64?
    /// A log shows what the backend was asked for.
    fileprivate var showsTarget = false
    private(set) var target: [UInt8] = []
    var status = 0
    var answered: UInt64?
    var ended: UInt64?

    init(_ endpoint: LoggedEndpoint) { self.endpoint = endpoint }

    fileprivate func begin(at endpoint: LoggedEndpoint, now: UInt64, showsTarget: Bool) {
        if self.endpoint !== endpoint { self.endpoint = endpoint }
        began = now
        connected = nil
        self.showsTarget = showsTarget
        if !target.isEmpty { target.removeAll(keepingCapacity: true) }
        status = 0
        answered = nil
        ended = nil
    }

    func show(target: ByteView) { if showsTarget { self.target.append(contentsOf: target.buffer) } }
}

extension ClientConnection {
    /// An attempt begins. Costs three comparisons where nothing is logged.
    func noteAttempt(at endpoint: LoggedEndpoint) {
        if exchange.trace != nil { beginAttemptSpan() }
        let kafkaLog = exchange.route?.policies.kafkaLog
        guard loop.accessLog != nil || kafkaLog != nil || exchange.trace?.isSampled == true else { return }
        exchange.takeAttempt(at: endpoint)
            .begin(at: endpoint, now: exchange.sentAt, showsTarget: loop.accessLog != nil || kafkaLog?.showsUpstreamTarget == true)
    }

    /// The request has been written for its backend, in the present event; `message` begins with its first line.
    func noteSent(_ message: UnsafeRawBufferPointer) {
        guard let attempt = exchange.attempt else { return }
        attempt.connected = loop.eventTime
        guard attempt.showsTarget else { return }
        let view = ByteView(message)
        guard let first = view.firstIndex(of: 0x20), let second = view.firstIndex(of: 0x20, from: first + 1) else { return }
        attempt.show(target: view.slice(first + 1, second))
    }

    func noteAnswer(status: Int) {
        guard let attempt = exchange.attempt else { return }
        attempt.status = status
        attempt.answered = loop.eventTime
    }

    func noteAttemptEnded() { if let attempt = exchange.attempt { attempt.ended = loop.eventTime } }

    /// The request is over: what is said of it goes on its way.
    func log(now: UInt64) {
        let kafkaLog = exchange.isPreflight ? nil : exchange.route?.policies.kafkaLog
        guard loop.accessLog != nil || kafkaLog != nil else { return }
        let record = loop.record
        fill(record, now: now)
        if let log = loop.accessLog { loop.log(record, to: log) }
        if let kafkaLog { logToKafka(record, kafkaLog) }
        record.clear()
    }

    /// What logs say of the request that is over. Sets all but ``AccessRecord/clientAddress``.
    func fill(_ record: AccessRecord, now: UInt64) {
        record.peer = peerText
        record.requestID = exchange.requestID
        record.usesTLS = usesTLS
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
        record.functionURN = exchange.function?.urn ?? ""
        if let provider = exchange.route?.identity.providerAppID, !provider.isEmpty {
            record.providerName = loop.snapshot.callers.app(id: provider)?.name ?? ""
        } else {
            record.providerName = ""
        }
        guard let attempt = exchange.attempt else {
            record.isRemote = false
            record.upstream = nil
            return
        }
        let end = attempt.ended ?? now
        func since(_ start: UInt64, _ moment: UInt64) -> UInt64 { moment - min(moment, start) }
        record.isRemote = attempt.answered != nil && exchange.failure == nil
        record.upstream = .init(
            endpoint: attempt.endpoint, target: attempt.target, status: attempt.status,
            connected: attempt.connected.map { since(attempt.began, $0) }, answered: attempt.answered.map { since(attempt.began, $0) },
            ended: since(attempt.began, end), all: since(exchange.firstSentAt, end))
    }
}
