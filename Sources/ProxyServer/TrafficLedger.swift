import Snapshot

/// What one event loop has counted since it was last asked. Confined to that loop.
///
/// One entry an API and minute; the meter knows the place of its entry, so that counting is an index and some additions. Memory
/// is kept when the entries are handed over: counting allocates only while more APIs are called than ever before.
struct TrafficLedger {
    private struct Entry {
        let meter: TrafficMeter
        let minute: Int64
        var counts: TrafficCounts
    }

    private let loop: Int
    private var entries: [Entry] = []
    /// The minute of the wall clock, and the monotonic moment until which it lasts: the clock is read once a minute.
    private var minute: Int64 = 0
    private var minuteEnds: UInt64 = 0

    init(loop: Int) { self.loop = loop }

    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - latency: microseconds, as `backend`.
    mutating func count(
        _ meter: TrafficMeter, status: Int, latency: Int64, backend: Int64?, bytesIn: Int, bytesOut: Int, now: UInt64
    ) {
        guard meter.covers(loop) else { return }
        let place = place(of: meter, now)
        entries[place].counts.add(
            status: status, latency: latency, backend: backend, bytesIn: Int64(bytesIn), bytesOut: Int64(bytesOut))
    }

    /// Bytes of a tunnel, whose request was counted when it opened.
    mutating func countBytes(_ meter: TrafficMeter, bytesIn: Int, bytesOut: Int, now: UInt64) {
        guard meter.covers(loop) else { return }
        let place = place(of: meter, now)
        entries[place].counts.bytesIn &+= Int64(bytesIn)
        entries[place].counts.bytesOut &+= Int64(bytesOut)
    }

    /// Where the meter's counts of this minute are.
    @inline(__always)
    private mutating func place(of meter: TrafficMeter, _ now: UInt64) -> Int {
        if now >= minuteEnds { startMinute(now) }
        var place = Int(meter[loop])
        // A place outside, or of another minute, is none.
        if place >= entries.count || entries[place].minute != minute {
            place = entries.count
            entries.append(Entry(meter: meter, minute: minute, counts: TrafficCounts()))
            meter[loop] = UInt32(truncatingIfNeeded: place)
        }
        return place
    }

    private mutating func startMinute(_ now: UInt64) {
        let milliseconds = LoopState.wallMilliseconds()
        minute = milliseconds / 60_000
        minuteEnds = now + UInt64(60_000 - milliseconds % 60_000) * 1_000_000
    }

    /// Everything that was counted, which is forgotten here.
    mutating func take() -> [TrafficSample] {
        guard !entries.isEmpty else { return [] }
        let samples = entries.map { entry in
            entry.meter[loop] = TrafficMeter.noPlace
            return TrafficSample(
                instanceID: entry.meter.instanceID, groupID: entry.meter.groupID, apiID: entry.meter.apiID,
                minute: entry.minute, counts: entry.counts)
        }
        entries.removeAll(keepingCapacity: true)
        return samples
    }
}
