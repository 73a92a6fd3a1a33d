import Dispatch
import GatewayPrimitives
import Synchronization

/// How long changes of the configuration take to come into force. Any thread.
final class PublicationMetrics: Sendable {
    /// Upper ends of the buckets, in microseconds.
    private static let bounds: [UInt64] = [
        100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000,
    ]

    private struct Histogram {
        var buckets = [UInt64](repeating: 0, count: PublicationMetrics.bounds.count + 1)
        var sum: UInt64 = 0

        mutating func add(_ microseconds: UInt64) {
            buckets[PublicationMetrics.bounds.firstIndex { microseconds <= $0 } ?? PublicationMetrics.bounds.count] += 1
            sum += microseconds
        }
    }

    private struct Content {
        var compiled = Histogram()
        var published = Histogram()
        var refused: UInt64 = 0
    }

    private let content = Mutex(Content())

    /// Monotonic nanoseconds.
    static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

    func compiled(since began: UInt64) {
        let microseconds = (Self.now() - began) / 1000
        content.withLock { $0.compiled.add(microseconds) }
    }

    func refused() { content.withLock { $0.refused += 1 } }

    func published(since began: UInt64) {
        let microseconds = (Self.now() - began) / 1000
        content.withLock { $0.published.add(microseconds) }
    }

    func write(to out: inout MetricsText) {
        let content = content.withLock { $0 }
        out.histogram(
            "gatehouse_compile_duration_seconds", "Time to compile what a change of the configuration touches.", bounds: Self.bounds,
            buckets: content.compiled.buckets, sum: content.compiled.sum)
        out.histogram(
            "gatehouse_publish_duration_seconds", "Time until every event loop serves a change that was committed.",
            bounds: Self.bounds, buckets: content.published.buckets, sum: content.published.sum)
        out.single(
            "gatehouse_compile_refusals_total", .counter, "Changes that were refused because the gateway could not serve them.",
            content.refused)
    }
}

extension ControlPlane {
    /// Metrics of the configuration, in the text format of Prometheus.
    public func metrics() -> MetricsText {
        var out = MetricsText()
        publicationMetrics.write(to: &out)
        health.write(to: &out)
        return out
    }
}
