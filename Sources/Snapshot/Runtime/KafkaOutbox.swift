import GatewayPrimitives
import Synchronization

/// Brokers and how they are spoken to: what tells one producer from another.
public struct KafkaBrokers: Sendable, Equatable {
    public enum Security: String, Sendable {
        case plaintext = "PLAINTEXT", saslPlaintext = "SASL_PLAINTEXT", saslSSL = "SASL_SSL"
    }

    /// `host:port` each.
    public let addresses: [String]
    public let security: Security
    public let userName: String
    public let password: Secret
    /// PEM; empty without TLS.
    public let authorities: String
    /// 0...5
    public let maxRetries: Int
    /// 1...10
    public let retryBackoffSeconds: Int

    public init(
        addresses: [String], security: Security, userName: String, password: Secret, authorities: String, maxRetries: Int,
        retryBackoffSeconds: Int
    ) {
        self.addresses = addresses
        self.security = security
        self.userName = userName
        self.password = password
        self.authorities = authorities
        self.maxRetries = maxRetries
        self.retryBackoffSeconds = retryBackoffSeconds
    }
}

/// How much may wait for the brokers of one producer, and what became of the records of all producers. Any thread.
public final class KafkaLedger: Sendable {
    public let maxMessages: Int
    /// Of records that wait in one producer's queue.
    public let maxBytes: Int
    /// Of bodies that requests under way hold for their records, all event loops together.
    public let maxCapturedBytes: Int

    public let delivered = Atomic<UInt64>(0)
    public let deliveredBytes = Atomic<UInt64>(0)
    /// Not taken because as much was waiting as may.
    public let droppedFull = Atomic<UInt64>(0)
    /// Given up after the retries, or refused by the broker.
    public let droppedFailed = Atomic<UInt64>(0)
    /// Longer than a record may be.
    public let droppedTooLong = Atomic<UInt64>(0)
    public let waitingMessages = Atomic<Int>(0)
    public let waitingBytes = Atomic<Int>(0)

    public init(maxMessages: Int = 100_000, maxBytes: Int = 67_108_864, maxCapturedBytes: Int = 67_108_864) {
        self.maxMessages = maxMessages
        self.maxBytes = maxBytes
        self.maxCapturedBytes = maxCapturedBytes
    }
}

/// Records of one event loop for one topic.
///
/// Has one owner at a time, who alone touches it: the event loop that fills it, then the queue, then the thread that serves the
/// queue. Therefore `@unchecked`.
public final class KafkaBatch: @unchecked Sendable {
    /// Where the records go; set while a loop fills the batch, and not in the queue, which must not keep its own outbox.
    public private(set) var destination: KafkaDestination?
    public private(set) var topic = ""
    /// Partition key; empty: records are spread.
    public private(set) var key: [UInt8] = []
    public let text: ByteScratch
    /// Where each record ends.
    public private(set) var ends: [Int] = []
    /// Records of which it is not known what became of them; the server's.
    public var unsettled = 0

    /// Bytes after which a batch is handed over, and room for these and some records more.
    public static let fullBytes = 64 * 1024
    fileprivate static let usualCapacity = 72 * 1024
    private static let largestSpare = 256 * 1024

    /// - Parameter capacity: bytes to hold before the first growth.
    public init(capacity: Int) { text = ByteScratch(capacity: capacity) }

    /// A copy in as much memory as it takes.
    public convenience init(copying batch: KafkaBatch) {
        self.init(capacity: batch.text.count)
        destination = batch.destination
        topic = batch.topic
        key = batch.key
        text.append(batch.text.bytes)
        ends = batch.ends
    }

    public func begin(for destination: KafkaDestination) {
        self.destination = destination
        topic = destination.topic
        key = destination.key
    }

    /// What was written behind the last record is one more.
    public func endRecord() { ends.append(text.count) }

    public var isFull: Bool { text.count >= Self.fullBytes }

    /// Whoever keeps it until brokers have taken it keeps more memory than records.
    public var isMostlyRoom: Bool { text.count < text.capacity / 2 }

    /// Worth being filled again, and not so large that it would better be given back.
    public var isSpare: Bool { text.capacity >= Self.usualCapacity && text.capacity <= Self.largestSpare }

    /// Forgets everything and keeps the memory.
    public func reset() {
        destination = nil
        text.removeAll()
        ends.removeAll(keepingCapacity: true)
    }

    /// Keeps the first records, no more than so many and of so many bytes. Returns how many are left out.
    fileprivate func truncate(records: Int, bytes: Int) -> Int {
        var kept = min(ends.count, max(0, records))
        while kept > 0, ends[kept - 1] > bytes { kept -= 1 }
        let dropped = ends.count - kept
        ends.removeLast(dropped)
        text.truncate(to: ends.last ?? 0)
        return dropped
    }

    fileprivate func leave() { destination = nil }
}

/// What waits for a producer. Event loops put batches in and never wait: the lock is held for the appending of one element.
public final class KafkaQueue: Sendable {
    private struct State {
        var batches: [KafkaBatch] = []
        /// Served; their memory is used again.
        var spares: [KafkaBatch] = []
    }

    public let brokers: KafkaBrokers
    public let ledger: KafkaLedger
    private let state = Mutex(State())
    /// What is not delivered yet. Grows under the lock alone, so that the bounds are exact whoever adds.
    private let messages = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    private let abandoned = Atomic<Bool>(false)
    private let claimed = Atomic<Bool>(false)

    private static let maxSpares = 16

    init(_ brokers: KafkaBrokers, ledger: KafkaLedger) {
        self.brokers = brokers
        self.ledger = ledger
    }

    /// There is room for what the batch has, and for so many records and bytes more.
    public func hasRoom(records: Int, bytes count: Int, beside batch: KafkaBatch?) -> Bool {
        messages.load(ordering: .relaxed) + (batch?.ends.count ?? 0) + records <= ledger.maxMessages
            && bytes.load(ordering: .relaxed) + (batch?.ends.last ?? 0) + count <= ledger.maxBytes
    }

    /// Takes the batch over. Records for which there is no room, because other loops were quicker, are left out and counted.
    public func push(_ batch: KafkaBatch) {
        batch.leave()
        let dropped = state.withLock { state in
            let dropped = batch.truncate(
                records: ledger.maxMessages - messages.load(ordering: .relaxed), bytes: ledger.maxBytes - bytes.load(ordering: .relaxed))
            guard !batch.ends.isEmpty else { return dropped }
            messages.wrappingAdd(batch.ends.count, ordering: .relaxed)
            bytes.wrappingAdd(batch.text.count, ordering: .relaxed)
            ledger.waitingMessages.wrappingAdd(batch.ends.count, ordering: .relaxed)
            ledger.waitingBytes.wrappingAdd(batch.text.count, ordering: .relaxed)
            state.batches.append(batch)
            return dropped
        }
        if dropped > 0 { ledger.droppedFull.wrappingAdd(UInt64(dropped), ordering: .relaxed) }
    }

    /// Everything that was put in since the last call, in order.
    public func take() -> [KafkaBatch] {
        state.withLock { state in
            guard !state.batches.isEmpty else { return [] }
            let taken = state.batches
            state.batches = []
            return taken
        }
    }

    /// Records have been delivered or given up.
    public func release(records: Int, bytes count: Int) {
        messages.wrappingSubtract(records, ordering: .relaxed)
        bytes.wrappingSubtract(count, ordering: .relaxed)
        ledger.waitingMessages.wrappingSubtract(records, ordering: .relaxed)
        ledger.waitingBytes.wrappingSubtract(count, ordering: .relaxed)
    }

    /// Nothing of the batch is needed any more.
    public func recycle(_ batch: KafkaBatch) {
        guard batch.isSpare else { return }
        batch.reset()
        state.withLock { if $0.spares.count < Self.maxSpares { $0.spares.append(batch) } }
    }

    /// An empty batch.
    public func takeSpare() -> KafkaBatch {
        state.withLock { $0.spares.popLast() } ?? KafkaBatch(capacity: KafkaBatch.usualCapacity)
    }

    /// True for the first who asks: who serves the queue.
    public func claim() -> Bool { !claimed.exchange(true, ordering: .relaxed) }

    /// Nobody will put anything in any more; what is in is in.
    public var isAbandoned: Bool { abandoned.load(ordering: .acquiring) }

    fileprivate func abandon() { abandoned.store(true, ordering: .releasing) }
}

/// The right to put records into a queue. Policies hold it, and so do requests that began under them: with the last one gone the
/// queue is abandoned, and whoever serves it delivers the rest and ends.
public final class KafkaOutbox: Sendable {
    public let queue: KafkaQueue

    public init(_ brokers: KafkaBrokers, ledger: KafkaLedger) { queue = KafkaQueue(brokers, ledger: ledger) }

    deinit { queue.abandon() }
}

/// Where a plug-in's records go.
public final class KafkaDestination: Sendable {
    public let outbox: KafkaOutbox
    public let topic: String
    /// Empty: records are spread.
    public let key: [UInt8]

    public init(outbox: KafkaOutbox, topic: String, key: [UInt8]) {
        self.outbox = outbox
        self.topic = topic
        self.key = key
    }
}
