import Snapshot

/// Counts which routes put records into which outboxes, so that each has a producer as long as somebody needs it.
struct KafkaUses {
    private var uses: [ObjectIdentifier: (outbox: KafkaOutbox, count: Int)] = [:]

    var outboxes: [KafkaOutbox] { uses.isEmpty ? [] : uses.values.map(\.outbox) }

    mutating func add(_ route: Route) {
        guard let outbox = route.policies.kafkaLog?.destination.outbox else { return }
        uses[ObjectIdentifier(outbox), default: (outbox, 0)].count += 1
    }

    mutating func remove(_ route: Route) {
        guard let outbox = route.policies.kafkaLog?.destination.outbox, let use = uses[ObjectIdentifier(outbox)] else { return }
        uses[ObjectIdentifier(outbox)] = use.count > 1 ? (outbox, use.count - 1) : nil
    }
}
