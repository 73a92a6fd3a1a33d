import Testing

@testable import GatewayModel

@Suite struct StatisticsRangeTests {
    private let now: Int64 = 1_600_000_000

    private func range(_ start: String? = nil, _ end: String? = nil, _ duration: String? = nil) throws -> StatisticsRange {
        try StatisticsRange(start: start, end: end, duration: duration, zoneOffset: 8 * 3600, now: now)
    }

    @Test func whichTimeCounts() throws {
        // 2020-09-13 20:26:40 in UTC+8 is 1 600 000 000.
        let both = try range("2020-09-13 20:26:40", "2020-09-13 21:26:40", "5m")
        #expect((both.start, both.end) == (now, now + 3600))
        let back = try range(nil, "2020-09-13 20:26:40", "30m")
        #expect((back.start, back.end) == (now - 1800, now))
        let forward = try range("2020-09-13 20:26:40", nil, "1h")
        #expect((forward.start, forward.end) == (now, now + 3600))
        let recent = try range(nil, nil, "2h45m")
        #expect((recent.start, recent.end) == (now + 1 - 9900, now + 1), "the present second is part of it")
    }

    @Test func missingTime() {
        #expect(throws: StatisticsRange.Fault.missing) { try range() }
        #expect(throws: StatisticsRange.Fault.missing) { try range("2020-09-13 20:26:40") }
        #expect(throws: StatisticsRange.Fault.missing) { try range(nil, "2020-09-13 20:26:40") }
    }

    @Test(arguments: [
        ("2020-09-13 20:26:40", "2020-09-13 20:26:40", "end_time"), ("2020-09-13 20:26:40", "2020-09-16 20:26:41", "start_time"),
        ("2020-09-31 20:26:40", "2020-10-01 20:26:40", "start_time"), ("2020-09-13 20:26:40", "2020-09-13T21:26:40", "end_time"),
        ("2019-02-29 00:00:00", "2019-03-01 00:00:00", "start_time"), ("2020-09-13 24:00:00", "2020-09-14 00:00:01", "start_time"),
        ("", "2020-09-13 20:26:40", "start_time"), ("2020-13-13 20:26:40", "2020-09-13 20:26:40", "start_time"),
    ])
    func badEnds(start: String, end: String, name: String) {
        #expect(throws: StatisticsRange.Fault.invalid(name)) { try range(start, end) }
    }

    @Test(arguments: ["", "h", "5", "0m", "0h0m", "73h", "91m", "72h1m", "1m1h", "-1h", "+1h", "1 h", "1h ", "1.5h", "9999999999h", "１h", "1d"])
    func badDurations(text: String) {
        #expect(StatisticsRange.seconds(ofDuration: text) == nil)
    }

    @Test(arguments: [("1m", 60), ("90m", 5400), ("72h", 259_200), ("2h45m", 9900), ("001h", 3600)])
    func goodDurations(text: String, seconds: Int64) {
        #expect(StatisticsRange.seconds(ofDuration: text) == seconds)
    }

    @Test func datesAreReadAsTheyAreWritten() {
        for seconds in stride(from: 0 as Int64, to: 4_000_000_000, by: 86_399 * 17) {
            let text = Timestamp(nanoseconds: seconds * 1_000_000_000).civil(offsetSeconds: 0)
            #expect(Timestamp.civilSeconds(text) == seconds)
        }
    }

    @Test func wholeCycles() throws {
        let asked = try range("2020-09-13 20:26:40", "2020-09-13 21:26:40")
        let minutes = asked.widened(to: .minute, zoneOffset: 8 * 3600)
        #expect((minutes.start, minutes.end) == (now - 40, now + 3620))
        let hours = asked.widened(to: .hour, zoneOffset: 8 * 3600)
        #expect((hours.start, hours.end) == (now - 1600, now - 1600 + 7200))
        let days = asked.widened(to: .day, zoneOffset: 8 * 3600)
        #expect((days.start + 8 * 3600) % 86_400 == 0)
        #expect(days.end - days.start == 86_400)
    }
}
