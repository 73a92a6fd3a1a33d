import ProxyPipeline
import Snapshot

/// What makes the time of day of moments of an event loop. Confined to the loop.
struct WallClock {
    private var offset: Int64 = 0
    /// Until when the offset is taken to hold: a clock that is set is noticed then.
    private var ends: UInt64 = 0

    /// Milliseconds since 1970.
    ///
    /// - Parameter moment: monotonic nanoseconds, no earlier than those of the call before.
    mutating func milliseconds(at moment: UInt64) -> Int64 {
        if moment >= ends {
            offset = LoopState.wallOffset()
            ends = moment + LoopState.busyTick
        }
        return (Int64(moment) + offset) / 1_000_000
    }
}

extension LoopState {
    /// What is logged goes to the threads that write and send it.
    func flushLogs() {
        accessLog?.flush()
        kafka.flush()
        tracer?.flush()
    }

    /// A span is to come.
    func tracesSomething() { if tracer?.isEmpty == true { scheduleTick(within: Self.busyTick) } }

    /// Adds a line, which reaches the writing thread with the next tick at the latest.
    func log(_ record: AccessRecord, to log: AccessLogBuffer) {
        if log.isEmpty { scheduleTick(within: Self.busyTick) }
        log.append(record, nowMilliseconds: wallClock.milliseconds(at: eventTime))
    }

    func logToKafka(_ record: AccessRecord, _ policy: KafkaLogPolicy, _ data: KafkaCallData?) {
        if kafka.isEmpty { scheduleTick(within: Self.busyTick) }
        kafka.append(record, policy, data, nowMilliseconds: wallClock.milliseconds(at: eventTime))
    }
}
