import GatewayPrimitives
import ProxyPipeline

/// The lines of one event loop that have not been handed to the writing thread. Confined to the loop.
final class AccessLogBuffer {
    private let log: AccessLog
    private let writer: AccessLogWriter
    private let backlog = AccessLogBacklog()
    private let lines = ByteScratch(capacity: 2 * AccessLogBuffer.batch)
    private var count = 0

    /// What is handed over at once, in bytes.
    private static let batch = 32 * 1024

    init(_ log: AccessLog) {
        self.log = log
        writer = AccessLogWriter(region: log.region)
    }

    var isEmpty: Bool { count == 0 }

    func append(_ record: AccessRecord, nowMilliseconds: Int64) {
        writer.write(record, nowMilliseconds: nowMilliseconds, to: lines)
        count += 1
        if lines.count >= Self.batch { flush() }
    }

    func flush() {
        guard count > 0 else { return }
        log.write(lines.array, lines: count, waiting: backlog)
        lines.removeAll()
        count = 0
    }
}
