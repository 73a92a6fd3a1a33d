import GatewayPrimitives
import ProxyPipeline

/// The lines of one event loop that have not been handed to the writing thread. Confined to the loop.
final class AccessLogBuffer {
    private let log: AccessLog
    private let writer: AccessLogWriter
    private let backlog = AccessLogBacklog()
    private var chunk = AccessLogChunk()
    private let batch: Int

    init(_ log: AccessLog) {
        self.log = log
        writer = AccessLogWriter(region: log.region)
        // Each hand-over wakes a thread; but what waits and what a file holds must stay many of them.
        let settings = log.settings
        batch = max(16 * 1024, min(AccessLogChunk.usualBytes, settings.queueBytes / 8, settings.maxBytes > 0 ? settings.maxBytes / 8 : .max))
    }

    var isEmpty: Bool { chunk.lines == 0 }

    func append(_ record: AccessRecord, nowMilliseconds: Int64) {
        writer.write(record, nowMilliseconds: nowMilliseconds, to: chunk.text)
        chunk.lines += 1
        if chunk.text.count >= batch { flush() }
    }

    func flush() {
        guard chunk.lines > 0 else { return }
        let full = chunk
        chunk = backlog.takeSpare() ?? AccessLogChunk()
        log.write(full, waiting: backlog)
    }
}
