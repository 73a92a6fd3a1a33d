import GatewayPrimitives
import ProxyPipeline
import Snapshot

/// Bytes of bodies that the requests of one event loop hold for their records. Confined to the loop.
final class CaptureBudget {
    private var left: Int

    init(_ bytes: Int) { left = bytes }

    func take(_ wanted: Int) -> Int {
        let taken = min(wanted, left)
        left -= taken
        return taken
    }

    func giveBack(_ count: Int) { left += count }
}

/// What a Kafka log wants of a request that its end does not know any more. Confined to the connection's event loop; gives its bytes
/// back however the request ends.
final class RequestCapture {
    let policy: KafkaLogPolicy
    private(set) var data = KafkaCallData()
    private let budget: CaptureBudget
    private var taken = 0

    /// Most bytes of one body (gateway-runtime.md, 8.3).
    static let bodyBound = 1_048_576

    init(_ policy: KafkaLogPolicy, _ budget: CaptureBudget) {
        self.policy = policy
        self.budget = budget
    }

    deinit { budget.giveBack(taken) }

    func addRequest(_ bytes: UnsafeRawBufferPointer) {
        guard policy.logsRequestBody, !data.isRequestBodyCut else { return }
        let count = reserve(bytes.count, beside: data.requestBody.count)
        data.requestBody.append(contentsOf: bytes.prefix(count))
        data.isRequestBodyCut = count < bytes.count
    }

    func addResponse(_ bytes: UnsafeRawBufferPointer) {
        guard policy.logsResponseBody, !data.isResponseBodyCut else { return }
        let count = reserve(bytes.count, beside: data.responseBody.count)
        data.responseBody.append(contentsOf: bytes.prefix(count))
        data.isResponseBodyCut = count < bytes.count
    }

    private func reserve(_ wanted: Int, beside held: Int) -> Int {
        let count = budget.take(min(wanted, Self.bodyBound - held))
        taken += count
        return count
    }

    /// The answer as it goes to the client.
    func note(_ answer: ResponseHead) {
        guard let filter = policy.responseHeaders else { return }
        data.responseHeaders = KafkaRecordWriter.headers(of: answer, filter, skipsRemoved: true)
    }
}

extension ClientConnection {
    /// Begins to keep what the route's log wants; nothing where it wants nothing that passes by.
    func beginCapture(_ policy: KafkaLogPolicy) {
        if policy.captures { exchange.capture = RequestCapture(policy, loop.kafka.budget) }
    }

    /// The request is over: its record goes on its way.
    func logToKafka(_ record: AccessRecord, _ policy: KafkaLogPolicy) {
        record.clientAddress = loggedClient
        guard policy.hasCallData else { return loop.logToKafka(record, policy, nil) }
        var data = exchange.capture?.data ?? KafkaCallData()
        exchange.capture = nil
        if !policy.frontendNames.isEmpty { data.frontend = exchange.values?.frontendContext }
        if !policy.backendNames.isEmpty { data.backend = exchange.values?.backendContext }
        loop.logToKafka(record, policy, data)
    }

    /// Whose address counts; nil: the peer's.
    var loggedClient: IPAddress? {
        guard let head, head.isComplete, let source = exchange.instance?.settings.clientAddress, source != .peer else { return nil }
        return ClientAddress.of(head, peer: peer, source: source)
    }
}
