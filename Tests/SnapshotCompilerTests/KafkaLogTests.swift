import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import Synchronization
import Testing

/// kafka_log: what the compiler makes of it, and the records that come out.
@Suite struct KafkaLogTests {
    let bench = PluginBench()

    func policy(_ more: String = "", brokers: String = "a:1", topic: String = "t", publication: String = "p") throws -> KafkaLogPolicy {
        let content = #"{"broker_list":["\#(brokers)"],"topic":"\#(topic)"\#(more)}"#
        return try #require(try bench.policies(.kafkaLog, content, publication: publication).kafkaLog)
    }

    @Test func everyKeyOfTheModelIsWritten() {
        #expect(Set(RecordField.kafkaLog.map { "\($0.name)" }) == Set(KafkaLogContent.systemFields.keys))
        #expect(RecordField.kafkaLog.count == KafkaLogContent.systemFields.count)
        #expect(RecordField.accessLog.count == 54)
    }

    @Test func equalBrokersShareAnOutbox() throws {
        let first = try policy()
        let second = try policy(publication: "q")
        #expect(first !== second && first.destination === second.destination)
        let topic = try policy(topic: "u")
        #expect(topic.destination !== first.destination && topic.destination.outbox === first.destination.outbox)
        let key = try policy(#","key":"k""#)
        #expect(key.destination !== first.destination && key.destination.outbox === first.destination.outbox)
        for other in [
            try policy(#","max_retry_count":4"#), try policy(brokers: "b:1"),
            try policy(#","sasl_config":{"security_protocol":"SASL_PLAINTEXT","sasl_username":"u","sasl_password":"p"}"#),
        ] {
            #expect(other.destination.outbox !== first.destination.outbox)
        }
    }

    @Test func outboxesAreAbandonedWithTheirLastPolicy() throws {
        var first: KafkaLogPolicy? = try policy()
        var second: KafkaLogPolicy? = try policy(topic: "u")
        let queue = try #require(first?.destination.outbox.queue)
        #expect(queue.claim() && !queue.claim())
        first = nil
        #expect(!queue.isAbandoned && second != nil)
        second = nil
        #expect(queue.isAbandoned)
        #expect(try policy().destination.outbox.queue !== queue)
    }

    private func outbox(_ ledger: KafkaLedger) -> KafkaOutbox {
        KafkaOutbox(
            KafkaBrokers(
                addresses: ["a:1"], security: .plaintext, userName: "", password: Secret(""), authorities: "", maxRetries: 0,
                retryBackoffSeconds: 1),
            ledger: ledger)
    }

    private func batch(_ destination: KafkaDestination, _ sizes: Int...) -> KafkaBatch {
        let batch = KafkaBatch(capacity: 64)
        batch.begin(for: destination)
        for (number, size) in sizes.enumerated() {
            batch.text.append(Array(repeating: UInt8(ascii: "a") + UInt8(number), count: size))
            batch.endRecord()
        }
        return batch
    }

    @Test func queuesAreBounded() throws {
        let ledger = KafkaLedger(maxMessages: 3, maxBytes: 100)
        let destination = KafkaDestination(outbox: outbox(ledger), topic: "t", key: [1])
        let queue = destination.outbox.queue
        #expect(queue.hasRoom(records: 3, bytes: 100, beside: nil) && !queue.hasRoom(records: 4, bytes: 1, beside: nil))
        #expect(!queue.hasRoom(records: 1, bytes: 101, beside: nil))
        let first = batch(destination, 60)
        #expect(queue.hasRoom(records: 2, bytes: 40, beside: first) && !queue.hasRoom(records: 3, bytes: 40, beside: first))
        #expect(!queue.hasRoom(records: 1, bytes: 41, beside: first))
        queue.push(first)
        #expect(!queue.hasRoom(records: 1, bytes: 41, beside: nil))
        // Two loops have found room for what does not fit together: the last records are left out.
        queue.push(batch(destination, 30, 20))
        queue.push(batch(destination, 1, 1))
        queue.push(batch(destination, 1))
        let taken = queue.take()
        #expect(taken.map(\.ends) == [[60], [30], [1]] && taken.map { $0.text.count } == [60, 30, 1])
        #expect(taken.allSatisfy { $0.destination == nil && $0.topic == "t" && $0.key == [1] } && queue.take().isEmpty)
        #expect(ledger.droppedFull.load(ordering: .relaxed) == 3)
        #expect(ledger.waitingMessages.load(ordering: .relaxed) == 3 && ledger.waitingBytes.load(ordering: .relaxed) == 91)
        queue.release(records: 2, bytes: 90)
        #expect(queue.hasRoom(records: 2, bytes: 99, beside: nil) && !queue.hasRoom(records: 3, bytes: 99, beside: nil))
        #expect(ledger.waitingMessages.load(ordering: .relaxed) == 1 && ledger.waitingBytes.load(ordering: .relaxed) == 1)
    }

    /// What waits in a queue does not keep the queue from being abandoned.
    @Test func batchesInAQueueHoldNoOutbox() {
        var destination: KafkaDestination? = KafkaDestination(outbox: outbox(KafkaLedger()), topic: "t", key: [])
        guard let queue = destination?.outbox.queue else { return }
        if let destination { queue.push(batch(destination, 1)) }
        #expect(!queue.isAbandoned)
        destination = nil
        #expect(queue.isAbandoned && queue.take().count == 1)
    }

    @Test func memoryOfBatchesIsUsedAgain() {
        let queue = outbox(KafkaLedger()).queue
        let batch = queue.takeSpare()
        batch.text.append([1, 2, 3])
        batch.endRecord()
        let copy = KafkaBatch(copying: batch)
        #expect(batch.isMostlyRoom && batch.isSpare && !copy.isSpare && copy.text.array == [1, 2, 3] && copy.ends == [3])
        queue.recycle(copy)
        #expect(queue.takeSpare() !== copy)
        queue.recycle(batch)
        #expect(queue.takeSpare() === batch && batch.ends.isEmpty && batch.text.count == 0)
        batch.text.append([UInt8](repeating: 0, count: 1_000_000))
        queue.recycle(batch)
        #expect(queue.takeSpare() !== batch)
    }

    @Test(arguments: [
        ("*", "anything", true), ("*", "", true), ("X-A", "x-a", true), ("X-A", "x-ab", false), ("x-*", "X-Request", true),
        ("x-*", "y", false), ("*-id", "x-request-id", true), ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbYbZ", false), ("**a", "ba", true),
        ("a", "", false),
    ])
    func filters(_ pattern: String, _ name: String, _ matches: Bool) {
        let bytes = Array(name.utf8)
        #expect(bytes.withUnsafeBytes { NameFilter(["unlike", pattern], ignoringCase: true).matches(ByteView($0)) } == matches)
    }

    @Test func aFilterWithManyStarsIsQuick() {
        let filter = NameFilter([String(repeating: "a*", count: 2000) + "b"], ignoringCase: false)
        let name = [UInt8](repeating: UInt8(ascii: "a"), count: 8192)
        #expect(!name.withUnsafeBytes { filter.matches(ByteView($0)) })
    }

    func record(_ text: String, _ policy: KafkaLogPolicy, _ data: KafkaCallData = KafkaCallData()) throws -> JSONValue {
        let head = RequestHead()
        guard case .complete = Array(text.utf8).withUnsafeBytes({ head.feed($0) }) else { preconditionFailure("not a request: \(text)") }
        let record = AccessRecord(peer: Array("192.0.2.1".utf8), requestID: RequestID(high: 1, low: 2), usesTLS: false)
        record.head = head
        record.status = 200
        record.duration = 1_500_000_000
        let out = ByteScratch()
        KafkaRecordWriter(region: "r").write(record, policy, data, nowMilliseconds: 10_000, to: out)
        #expect(!out.array.contains(0x0A))
        return try JSONValue(parsing: out.array, limits: .init(length: 1_000_000, depth: 4, values: 1000))
    }

    @Test func recordsHaveWhatIsAskedFor() throws {
        let off = KafkaLogContent.systemFields.keys.filter { $0 != "start_time" }.map { "\"\($0)\":false" }.joined(separator: ",")
        let wanted = try policy(
            #","meta_config":{"system":{\#(off)},"call_data":{"log_request_header":true,"request_header_filter":"x-*","log_request_query_string":true}}"#)
        let found = try record("GET /a?b=1&b=2&&token=x HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nX-Secret: 3\r\nY: 4\r\n\r\n", wanted)
        let expected = #"{"start_time":8500,"request_header":{"x-a":"1, 2","x-secret":"***"},"request_query_string":"b=1&b=2&token=***"}"#
        #expect(found == (try JSONValue(parsing: expected, limits: .pluginContent)))
    }

    @Test(arguments: [
        (Array("text".utf8), false, "text", false), (Array("tä".utf8), true, "tä", false), (Array(Array("tä".utf8).dropLast()), true, "t", false),
        (Array(Array("tä".utf8).dropLast()), false, "dMM=", true), ([0xFF, 0], true, "/wA=", true), ([], false, "", false),
    ] as [([UInt8], Bool, String, Bool)])
    func bodies(_ body: [UInt8], _ isCut: Bool, _ text: String, _ isEncoded: Bool) throws {
        var data = KafkaCallData()
        data.requestBody = body
        data.isRequestBodyCut = isCut
        let wanted = try policy(#","meta_config":{"call_data":{"log_request_body":true}}"#)
        let found = try record("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", wanted, data)
        #expect(found["request_body"] == .string(text))
        #expect(found["request_body_base64"] == (isEncoded ? .bool(true) : nil))
        #expect(found["request_body_cut"] == (isCut ? .bool(true) : nil))
    }
}
