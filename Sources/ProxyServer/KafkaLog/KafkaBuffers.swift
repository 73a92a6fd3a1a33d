import GatewayPrimitives
import ProxyPipeline
import Snapshot
import Synchronization

/// Records of one event loop that have not been handed over yet, one batch for each destination. Confined to the loop.
final class KafkaBuffers {
    let budget: CaptureBudget
    private let ledger: KafkaLedger
    private let writer: KafkaRecordWriter
    private var batches: [KafkaBatch] = []
    /// An empty one.
    private var spare: KafkaBatch?

    /// Most bytes of a record: two bodies of which each byte is written as an escape, and the rest.
    static let recordBound = 14 * 1_048_576

    init(_ ledger: KafkaLedger, region: String, loops: Int) {
        self.ledger = ledger
        budget = CaptureBudget(ledger.maxCapturedBytes / max(1, loops))
        writer = KafkaRecordWriter(region: region)
    }

    var isEmpty: Bool { batches.isEmpty }

    func append(_ record: AccessRecord, _ policy: KafkaLogPolicy, _ data: KafkaCallData?, nowMilliseconds: Int64) {
        let destination = policy.destination
        let queue = destination.outbox.queue
        let place = place(of: destination)
        let known = place < 0 ? nil : batches[place]
        guard queue.hasRoom(records: 1, bytes: 1, beside: known) else { return drop(ledger.droppedFull) }
        let batch = known ?? begin(destination)
        // Into the batch at once: a copy of each record would be paid for by requests.
        let text = batch.text
        let start = text.count
        writer.write(record, policy, data, nowMilliseconds: nowMilliseconds, to: text)
        guard text.count - start <= Self.recordBound else {
            text.truncate(to: start)
            return drop(ledger.droppedTooLong)
        }
        guard queue.hasRoom(records: 1, bytes: text.count - start, beside: batch) else {
            text.truncate(to: start)
            return drop(ledger.droppedFull)
        }
        batch.endRecord()
        if batch.isFull {
            batches.removeAll { $0 === batch }
            handOver(batch)
        }
    }

    private func place(of destination: KafkaDestination) -> Int {
        var place = batches.count - 1
        while place >= 0, batches[place].destination !== destination { place -= 1 }
        return place
    }

    private func begin(_ destination: KafkaDestination) -> KafkaBatch {
        let batch = spare ?? destination.outbox.queue.takeSpare()
        spare = nil
        batch.begin(for: destination)
        batches.append(batch)
        return batch
    }

    private func drop(_ counter: borrowing Atomic<UInt64>) { counter.wrappingAdd(1, ordering: .relaxed) }

    private func handOver(_ batch: KafkaBatch) {
        guard let queue = batch.destination?.outbox.queue else { return }
        if batch.isMostlyRoom {
            // With few requests, or dead brokers, many small batches may have to wait.
            queue.push(KafkaBatch(copying: batch))
            batch.reset()
            spare = batch.isSpare ? batch : nil
        } else {
            queue.push(batch)
        }
    }

    func flush() {
        guard !batches.isEmpty else { return }
        for batch in batches { handOver(batch) }
        batches.removeAll(keepingCapacity: true)
    }
}
