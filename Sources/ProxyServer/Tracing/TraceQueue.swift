import Synchronization

/// Spans of all event loops on their way to whoever exports them: bounded, and nobody waits. Any thread.
public final class TraceQueue: Sendable {
    /// Spans in the JSON form of OTLP, with commas between them.
    public struct Batch: Sendable {
        public let text: [UInt8]
        public let count: Int
    }

    /// How many of the traces that begin at the gateway are recorded, 0...1. Who brings a trace brings the decision.
    public let ratio: Double
    private let maxSpans: Int
    private let batches = Mutex<[Batch]>([])
    private let waiting = Atomic<Int>(0)
    private let dropped = Atomic<UInt64>(0)

    public init(ratio: Double, maxSpans: Int) {
        self.ratio = ratio
        self.maxSpans = maxSpans
    }

    /// Spans that have been made and neither exported nor dropped.
    public var waitingSpans: Int { max(0, waiting.load(ordering: .relaxed)) }
    /// Spans that were dropped because as many were waiting as may.
    public var droppedSpans: UInt64 { dropped.load(ordering: .relaxed) }

    /// Makes room for one span, or counts it as dropped.
    func reserve() -> Bool {
        guard waiting.wrappingAdd(1, ordering: .relaxed).newValue <= maxSpans else {
            waiting.wrappingSubtract(1, ordering: .relaxed)
            dropped.wrappingAdd(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// For spans that have been given room. The lock is held for the appending of one element.
    func push(_ text: [UInt8], count: Int) { batches.withLock { $0.append(Batch(text: text, count: count)) } }

    /// Everything that was put in since the last call. ``settle(_:)`` follows for all of it.
    public func take() -> [Batch] {
        batches.withLock { batches in
            let taken = batches
            batches = []
            return taken
        }
    }

    /// So many spans have been exported, or given up.
    public func settle(_ count: Int) { waiting.wrappingSubtract(count, ordering: .relaxed) }
}
