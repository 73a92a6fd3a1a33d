import Foundation
import GatewayPrimitives
import Logging
import Snapshot
import Synchronization

/// Delivers the records of Kafka logs: one producer with a thread of its own for each way to speak to brokers, so that dead brokers
/// hold nobody else's records up. Any thread.
public final class KafkaPush: Sendable {
    private let ledger: KafkaLedger
    private let logger: Logger
    private let ending = Atomic<Bool>(false)
    private let running = Atomic<Int>(0)

    /// How long what is left may take when a producer or the program ends.
    static let flushMilliseconds: Int32 = 5000

    public init(_ ledger: KafkaLedger, logger: Logger) {
        self.ledger = ledger
        self.logger = logger
    }

    /// Sees to it that each outbox has a producer. It ends by itself when nobody holds the outbox any more and the rest has been
    /// delivered, or given up after five seconds.
    public func serve(_ outboxes: [KafkaOutbox]) {
        for outbox in outboxes where outbox.queue.claim() {
            let queue = outbox.queue
            running.wrappingAdd(1, ordering: .relaxed)
            let thread = Thread { [self] in
                KafkaProducer(queue, logger: logger).run { ending.load(ordering: .relaxed) }
                running.wrappingSubtract(1, ordering: .releasing)
            }
            thread.name = "kafka-log"
            thread.start()
        }
    }

    /// Returns when all records are delivered or given up, seven seconds at most: a stop must end.
    public func close() async {
        ending.store(true, ordering: .relaxed)
        let bound = ContinuousClock.now + .seconds(7)
        while running.load(ordering: .acquiring) > 0, ContinuousClock.now < bound {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    /// The counters in the text format of Prometheus.
    public func metrics() -> MetricsText {
        var out = MetricsText()
        out.single("gatehouse_kafka_producers", .gauge, "Producers that deliver records of Kafka logs.", running.load(ordering: .relaxed))
        out.single(
            "gatehouse_kafka_records_delivered_total", .counter, "Records that brokers have taken.",
            ledger.delivered.load(ordering: .relaxed))
        out.single(
            "gatehouse_kafka_bytes_delivered_total", .counter, "Bytes of these records.", ledger.deliveredBytes.load(ordering: .relaxed))
        out.family("gatehouse_kafka_records_dropped_total", .counter, "Records that nobody gets, by reason.")
        for (reason, count) in [
            ("failed", ledger.droppedFailed.load(ordering: .relaxed)), ("queue_full", ledger.droppedFull.load(ordering: .relaxed)),
            ("too_long", ledger.droppedTooLong.load(ordering: .relaxed)),
        ] {
            out.sample("gatehouse_kafka_records_dropped_total", [("reason", reason)], count)
        }
        out.single(
            "gatehouse_kafka_records_waiting", .gauge, "Records on their way to brokers.",
            max(0, ledger.waitingMessages.load(ordering: .relaxed)))
        out.single(
            "gatehouse_kafka_bytes_waiting", .gauge, "Bytes of these records.", max(0, ledger.waitingBytes.load(ordering: .relaxed)))
        return out
    }
}
