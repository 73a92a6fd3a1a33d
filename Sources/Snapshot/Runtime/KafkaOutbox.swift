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
public struct KafkaBatch: Sendable {
    public let topic: String
    /// Partition key; empty: records are spread.
    public let key: [UInt8]
    public var bytes: [UInt8] = []
    /// Where each record ends.
    public var ends: [Int] = []

    public init(topic: String, key: [UInt8]) {
        self.topic = topic
        self.key = key
    }
}

/// What waits for a producer. Event loops put batches in and never wait: the lock is held for the appending of one element.
public final class KafkaQueue: Sendable {
    public let brokers: KafkaBrokers
    public let ledger: KafkaLedger
    private let batches = Mutex<[KafkaBatch]>([])
    private let messages = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    private let abandoned = Atomic<Bool>(false)
    private let claimed = Atomic<Bool>(false)

    init(_ brokers: KafkaBrokers, ledger: KafkaLedger) {
        self.brokers = brokers
        self.ledger = ledger
    }

    /// Makes room for a record of so many bytes, or counts it as dropped.
    public func reserve(_ count: Int) -> Bool {
        let now = messages.wrappingAdd(1, ordering: .relaxed).newValue
        let held = bytes.wrappingAdd(count, ordering: .relaxed).newValue
        if now > ledger.maxMessages || held > ledger.maxBytes {
            messages.wrappingSubtract(1, ordering: .relaxed)
            bytes.wrappingSubtract(count, ordering: .relaxed)
            ledger.droppedFull.wrappingAdd(1, ordering: .relaxed)
            return false
        }
        ledger.waitingMessages.wrappingAdd(1, ordering: .relaxed)
        ledger.waitingBytes.wrappingAdd(count, ordering: .relaxed)
        return true
    }

    /// No record fits in: it need not even be written.
    public var isFull: Bool {
        messages.load(ordering: .relaxed) >= ledger.maxMessages || bytes.load(ordering: .relaxed) >= ledger.maxBytes
    }

    /// A record has been delivered or given up.
    public func release(_ count: Int) {
        messages.wrappingSubtract(1, ordering: .relaxed)
        bytes.wrappingSubtract(count, ordering: .relaxed)
        ledger.waitingMessages.wrappingSubtract(1, ordering: .relaxed)
        ledger.waitingBytes.wrappingSubtract(count, ordering: .relaxed)
    }

    public func push(_ batch: KafkaBatch) { batches.withLock { $0.append(batch) } }

    /// Everything that was put in since the last call, in order.
    public func take() -> [KafkaBatch] {
        batches.withLock { batches in
            guard !batches.isEmpty else { return [] }
            let taken = batches
            batches = []
            return taken
        }
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
