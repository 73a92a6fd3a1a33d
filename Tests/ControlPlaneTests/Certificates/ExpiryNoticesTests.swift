import ControlPlane
import GatewayModel
import Testing

@Suite struct ExpiryNoticesTests {
    static let day: Int64 = 86_400

    static func moment(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }

    @Test func eachStepIsSaidOnce() {
        var notices = ExpiryNotices()
        let end = CertificateEnd(use: .domain, id: "a", endsAt: Self.moment(100 * Self.day))
        var said: [Int64] = []
        // Every hour, until some days after the end.
        for hour in stride(from: Int64(0), to: 105 * 24, by: 1) {
            for notice in notices.due([end], now: Self.moment(hour * 3600)) {
                said.append(notice.days)
                #expect(notice.end == end)
            }
        }
        #expect(said == [30, 7, 1, 0])
    }

    @Test(arguments: [
        (30 * day, nil), (30 * day - 1, 30), (7 * day, 30), (7 * day - 1, 7), (day, 7), (day - 1, 1), (1, 1), (0, 0), (-5, 0),
    ] as [(Int64, Int64?)])
    func theStepIsTheOneThatWasReached(left: Int64, step: Int64?) {
        var notices = ExpiryNotices()
        let end = CertificateEnd(use: .gateway, id: "a", endsAt: Self.moment(1000 * Self.day))
        #expect(notices.due([end], now: Self.moment(1000 * Self.day - left)).map(\.days) == (step.map { [$0] } ?? []))
    }

    @Test func aRenewedCertificateIsAnotherOne() {
        var notices = ExpiryNotices()
        let old = CertificateEnd(use: .domain, id: "a", endsAt: Self.moment(5 * Self.day))
        let new = CertificateEnd(use: .domain, id: "a", endsAt: Self.moment(20 * Self.day))
        let other = CertificateEnd(use: .backend, id: "a", endsAt: Self.moment(5 * Self.day))
        #expect(notices.due([old, other], now: Self.moment(0)).map(\.days) == [7, 7])
        #expect(notices.due([new, other], now: Self.moment(0)).map(\.days) == [30])
        #expect(notices.due([new, other], now: Self.moment(60)).isEmpty)
        // One that comes back is new.
        #expect(notices.due([], now: Self.moment(60)).isEmpty)
        #expect(notices.due([other], now: Self.moment(60)).map(\.days) == [7])
    }
}
