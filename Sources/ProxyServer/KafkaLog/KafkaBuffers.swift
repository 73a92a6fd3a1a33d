import GatewayPrimitives
import ProxyPipeline
import Snapshot
import Synchronization

/// Records of one event loop that have not been handed over yet, one batch for each destination. Confined to the loop.
final class KafkaBuffers {
    let budget: CaptureBudget
    private let ledger: KafkaLedger
    private let writer: KafkaRecordWriter
    private let scratch = ByteScratch(capacity: 4096)
    private var batches: [(destination: KafkaDestination, batch: KafkaBatch)] = []

    /// What is handed over at once, in bytes.
    private static let batchBytes = 64 * 1024
    /// Room that a batch begins with.
    private static let firstBytes = 16 * 1024
    /// Most bytes of a record: two bodies of which each byte is written as an escape, and the rest.
    static let recordBound = 14 * 1_048_576

    init(_ ledger: KafkaLedger, region: String, loops: Int) {
        self.ledger = ledger
        budget = CaptureBudget(ledger.maxCapturedBytes / max(1, loops))
        writer = KafkaRecordWriter(region: region)
    }

    var isEmpty: Bool { batches.isEmpty }

    func append(_ record: AccessRecord, _ policy: KafkaLogPolicy, _ data: KafkaCallData, nowMilliseconds: Int64) {
        let queue = policy.destination.outbox.queue
        guard !queue.isFull else {
            ledger.droppedFull.wrappingAdd(1, ordering: .relaxed)
            return
        }
        scratch.removeAll()
        writer.write(record, policy, data, nowMilliseconds: nowMilliseconds, to: scratch)
        guard scratch.count <= Self.recordBound else {
            ledger.droppedTooLong.wrappingAdd(1, ordering: .relaxed)
            return
        }
        guard queue.reserve(scratch.count) else { return }
        var place = batches.firstIndex { $0.destination === policy.destination }
        if place == nil {
            place = batches.count
            let destination = policy.destination
            var batch = KafkaBatch(topic: destination.topic, key: destination.key)
            batch.bytes.reserveCapacity(Self.firstBytes)
            batches.append((destination, batch))
        }
        guard let place else { return }
        batches[place].batch.bytes.append(contentsOf: scratch.bytes)
        batches[place].batch.ends.append(batches[place].batch.bytes.count)
        if batches[place].batch.bytes.count >= Self.batchBytes {
            let full = batches.remove(at: place)
            full.destination.outbox.queue.push(full.batch)
        }
    }

    func flush() {
        guard !batches.isEmpty else { return }
        for (destination, batch) in batches { destination.outbox.queue.push(batch) }
        batches.removeAll(keepingCapacity: true)
    }
}
