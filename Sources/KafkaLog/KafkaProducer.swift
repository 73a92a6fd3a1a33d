import CRdKafka
import Foundation
import GatewayPrimitives
import Logging
import Snapshot
import Synchronization

/// One producer of librdkafka and what waits for it. `run` is called once and keeps its thread; librdkafka's threads call
/// `complain` alone.
final class KafkaProducer {
    private let queue: KafkaQueue
    private let logger: Logger
    private let complaints = Complaints()
    private var handle: OpaquePointer?
    private var topics: [String: OpaquePointer] = [:]
    /// Batches of which librdkafka has records: it reads them where they lie.
    private var unsettled: [ObjectIdentifier: KafkaBatch] = [:]
    private var messages: [rd_kafka_message_t] = []
    /// What has become of records since it was last made known.
    private var outcome = Outcome()

    private struct Outcome {
        var delivered = 0, deliveredBytes = 0, failed = 0, failedBytes = 0
        /// Of the last record that failed.
        var error = RD_KAFKA_RESP_ERR_NO_ERROR
    }

    init(_ queue: KafkaQueue, logger: Logger) {
        self.queue = queue
        self.logger = logger
    }

    /// Returns when the queue is abandoned or `isEnding` says so, and the rest is delivered or given up.
    func run(until isEnding: () -> Bool) {
        do throws(KafkaFault) {
            handle = try open()
        } catch {
            complain("the producer cannot be set up: \(error.reason)")
        }
        while true {
            // Asked first: what was put in before is then taken below.
            let isLast = queue.isAbandoned || isEnding()
            let batches = queue.take()
            for batch in batches { send(batch) }
            if isLast, batches.isEmpty { break }
            if let handle {
                rd_kafka_poll(handle, batches.isEmpty ? 50 : 0)
            } else {
                Thread.sleep(forTimeInterval: 0.05)
            }
            publish()
        }
        close()
    }

    // MARK: Setting up

    private func open() throws(KafkaFault) -> OpaquePointer {
        let brokers = queue.brokers
        guard let settings = rd_kafka_conf_new() else { throw KafkaFault(reason: "no memory") }
        let backoff = brokers.retryBackoffSeconds * 1000
        var values = [
            ("client.id", "gatehouse"), ("bootstrap.servers", brokers.addresses.joined(separator: ",")),
            ("security.protocol", brokers.security.rawValue), ("message.send.max.retries", "\(brokers.maxRetries)"),
            ("retry.backoff.ms", "\(backoff)"), ("linger.ms", "50"),
            // Each attempt may take ten seconds, whether a broker can be reached or not.
            ("message.timeout.ms", "\(10_000 + brokers.maxRetries * (backoff + 10_000))"), ("request.timeout.ms", "10000"),
            // The queue in front has the bounds that count.
            ("queue.buffering.max.messages", "\(min(queue.ledger.maxMessages * 2, 10_000_000))"),
            ("queue.buffering.max.kbytes", "\(min(queue.ledger.maxBytes / 512 + 65_536, 2_097_151))"),
            ("message.max.bytes", "16777216"), ("log.connection.close", "false"), ("socket.keepalive.enable", "true"),
        ]
        if brokers.security != .plaintext {
            values += [
                ("sasl.mechanisms", "PLAIN"), ("sasl.username", brokers.userName), ("sasl.password", brokers.password.revealed),
            ]
        }
        if brokers.security == .saslSSL { values.append(("ssl.ca.pem", brokers.authorities)) }
        var reason = [CChar](repeating: 0, count: 512)
        for (name, value) in values {
            guard rd_kafka_conf_set(settings, name, value, &reason, reason.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(settings)
                // librdkafka's text would show the value.
                throw KafkaFault(reason: "\(name) is refused")
            }
        }
        // The object lives until the producer has been destroyed: `run` does both.
        rd_kafka_conf_set_opaque(settings, Unmanaged.passUnretained(self).toOpaque())
        rd_kafka_conf_set_dr_msg_cb(settings) { _, message, opaque in
            guard let message, let opaque else { return }
            Unmanaged<KafkaProducer>.fromOpaque(opaque).takeUnretainedValue().settled(message)
        }
        rd_kafka_conf_set_log_cb(settings) { handle, level, _, text in
            guard level <= 4, let handle, let text, let opaque = rd_kafka_opaque(handle) else { return }
            Unmanaged<KafkaProducer>.fromOpaque(opaque).takeUnretainedValue().complain(String(cString: text))
        }
        guard let handle = rd_kafka_new(RD_KAFKA_PRODUCER, settings, &reason, reason.count) else {
            rd_kafka_conf_destroy(settings)
            throw KafkaFault(reason: String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        return handle
    }

    private func topic(_ name: String) -> OpaquePointer? {
        if let known = topics[name] { return known }
        guard let handle, let made = rd_kafka_topic_new(handle, name, nil) else { return nil }
        topics[name] = made
        return made
    }

    // MARK: Sending

    /// One call for all records of the batch, which librdkafka does not copy: the batch stays until the last one is settled.
    private func send(_ batch: KafkaBatch) {
        let count = batch.ends.count
        guard let topic = topic(batch.topic), let base = batch.text.bytes.baseAddress else {
            outcome.failed += count
            outcome.failedBytes += batch.text.count
            return queue.recycle(batch)
        }
        batch.unsettled = count
        unsettled[ObjectIdentifier(batch)] = batch
        var message = rd_kafka_message_t()
        message._private = Unmanaged.passUnretained(batch).toOpaque()
        let sent = batch.key.withUnsafeBytes { key in
            if !key.isEmpty {
                // The key is copied; the interface is older than const, as for the record.
                message.key = UnsafeMutableRawPointer(mutating: key.baseAddress)
                message.key_len = key.count
            }
            var start = 0
            for end in batch.ends {
                message.payload = UnsafeMutableRawPointer(mutating: base + start)
                message.len = end - start
                messages.append(message)
                start = end
            }
            return messages.withUnsafeMutableBufferPointer {
                rd_kafka_produce_batch(topic, RD_KAFKA_PARTITION_UA, 0, $0.baseAddress, Int32($0.count))
            }
        }
        if sent < count {
            for index in messages.indices where messages[index].err != RD_KAFKA_RESP_ERR_NO_ERROR {
                settled(batch, messages[index].len, messages[index].err)
            }
        }
        messages.removeAll(keepingCapacity: true)
    }

    /// A record was delivered or given up. On the thread of `run`, within a poll.
    private func settled(_ message: UnsafePointer<rd_kafka_message_t>) {
        guard let batch = message.pointee._private else { return }
        settled(Unmanaged<KafkaBatch>.fromOpaque(batch).takeUnretainedValue(), message.pointee.len, message.pointee.err)
    }

    private func settled(_ batch: KafkaBatch, _ count: Int, _ error: rd_kafka_resp_err_t) {
        if error == RD_KAFKA_RESP_ERR_NO_ERROR {
            outcome.delivered += 1
            outcome.deliveredBytes += count
        } else {
            outcome.failed += 1
            outcome.failedBytes += count
            outcome.error = error
        }
        batch.unsettled -= 1
        if batch.unsettled == 0 {
            unsettled[ObjectIdentifier(batch)] = nil
            queue.recycle(batch)
        }
    }

    /// Makes known what has become of records: once for many, because event loops look at the same counters.
    private func publish() {
        let outcome = outcome
        guard outcome.delivered + outcome.failed > 0 else { return }
        self.outcome = Outcome()
        queue.ledger.delivered.wrappingAdd(UInt64(outcome.delivered), ordering: .relaxed)
        queue.ledger.deliveredBytes.wrappingAdd(UInt64(outcome.deliveredBytes), ordering: .relaxed)
        queue.ledger.droppedFailed.wrappingAdd(UInt64(outcome.failed), ordering: .relaxed)
        queue.release(records: outcome.delivered + outcome.failed, bytes: outcome.deliveredBytes + outcome.failedBytes)
        if outcome.error != RD_KAFKA_RESP_ERR_NO_ERROR {
            complain("records are given up: \(String(cString: rd_kafka_err2str(outcome.error)))")
        }
    }

    // MARK: End

    private func close() {
        defer { publish() }
        guard let handle else { return }
        _ = rd_kafka_flush(handle, KafkaPush.flushMilliseconds)
        // What is left is given up, and counted by the reports that the purge makes.
        _ = rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        rd_kafka_poll(handle, 0)
        for topic in topics.values { rd_kafka_topic_destroy(topic) }
        rd_kafka_destroy(handle)
        // Whatever was left without a report is not read any more.
        unsettled.removeAll()
    }

    /// One line in the program's log a minute. Any thread.
    private func complain(_ reason: String) {
        guard complaints.isDue() else { return }
        logger.warning(
            "a Kafka log is not delivered", metadata: ["brokers": "\(queue.brokers.addresses.joined(separator: ","))", "reason": "\(reason)"])
    }
}

private struct KafkaFault: Error {
    let reason: String
}

/// Lets one line a minute pass.
private final class Complaints: Sendable {
    private let next = Atomic<UInt64>(0)

    func isDue() -> Bool {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let seconds = UInt64(now.tv_sec) + 1
        let due = next.load(ordering: .relaxed)
        return seconds >= due && next.compareExchange(expected: due, desired: seconds + 60, ordering: .relaxed).exchanged
    }
}
