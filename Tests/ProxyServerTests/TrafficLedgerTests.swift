import Snapshot
import Testing

@testable import ProxyServer

@Suite struct TrafficLedgerTests {
    private func meter(_ id: String, loops: Int = 2) -> TrafficMeter {
        TrafficMeter(instanceID: "i", groupID: "g", apiID: id, loops: loops)
    }

    @Test func countsAddUpPerAPIAndAreGivenOnce() {
        var ledger = TrafficLedger(loop: 1)
        let (a, b) = (meter("a"), meter("b"))
        for status in [200, 204, 302, 404, 429, 500, 502, 0] {
            ledger.count(a, status: status, latency: 10, backend: 4, bytesIn: 3, bytesOut: 5, now: 1)
        }
        ledger.count(b, status: 200, latency: 7, backend: nil, bytesIn: 1, bytesOut: 2, now: 1)
        let samples = ledger.take()
        #expect(samples.map(\.apiID) == ["a", "b"])
        let counts = samples[0].counts
        #expect((counts.requests, counts.successes, counts.clientErrors, counts.serverErrors) == (8, 2, 3, 2))
        #expect((counts.latencySum, counts.latencyMax, counts.innerSum, counts.innerMax) == (80, 10, 48, 6))
        #expect((counts.backendRequests, counts.backendSum, counts.backendMax) == (8, 32, 4))
        #expect((counts.bytesIn, counts.bytesOut) == (24, 40))
        #expect((samples[1].counts.backendRequests, samples[1].counts.innerMax) == (0, 7))
        #expect(ledger.take().isEmpty)
        ledger.count(b, status: 200, latency: 1, backend: nil, bytesIn: 0, bytesOut: 0, now: 2)
        #expect(ledger.take().map(\.counts.requests) == [1], "a place of before is not taken for one of now")
    }

    @Test func aMinuteOfItsOwn() {
        var ledger = TrafficLedger(loop: 0)
        let a = meter("a")
        ledger.count(a, status: 200, latency: 1, backend: nil, bytesIn: 0, bytesOut: 0, now: 1)
        // The clock is asked again when the minute is over.
        ledger.count(a, status: 200, latency: 1, backend: nil, bytesIn: 0, bytesOut: 0, now: 70_000_000_000)
        let samples = ledger.take()
        #expect(samples.reduce(0) { $0 + $1.counts.requests } == 2)
    }

    @Test func loopsDoNotMeet() {
        var first = TrafficLedger(loop: 0)
        var second = TrafficLedger(loop: 1)
        let (a, b) = (meter("a"), meter("b"))
        first.count(b, status: 200, latency: 1, backend: nil, bytesIn: 0, bytesOut: 0, now: 1)
        first.count(a, status: 200, latency: 1, backend: nil, bytesIn: 0, bytesOut: 0, now: 1)
        second.count(a, status: 200, latency: 1, backend: nil, bytesIn: 0, bytesOut: 0, now: 1)
        #expect(second.take().map(\.apiID) == ["a"])
        #expect(first.take().map(\.apiID) == ["b", "a"])
        let small = meter("small", loops: 1)
        second.count(small, status: 200, latency: 1, backend: nil, bytesIn: 0, bytesOut: 0, now: 1)
        #expect(second.take().isEmpty, "a loop that the meter does not know counts nothing and writes nowhere")
    }
}
