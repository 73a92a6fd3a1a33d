import GatewayPrimitives
import Snapshot
import Testing

@Suite struct AppSecretTests {
    private let ledger = UseLedger(loop: 0)
    private let meters = UseMeters(loops: 1)
    private let address = IPAddress(v4: 0x7F00_0001)

    private func app(
        _ secrets: [(id: String, text: String, endsAt: Int64?)], codes: [(text: String, endsAt: Int64?)] = []
    ) -> AppCredential {
        AppCredential(
            instanceID: "i", appID: "a", name: "a", key: Array("key".utf8),
            secrets: secrets.map {
                AppSecret(
                    id: $0.id, secret: Secret($0.text), endsAt: $0.endsAt, meter: meters.meter(.appSecret, id: $0.id, ownerID: "a"))
            },
            codes: codes.map { AppWord(Secret($0.text), endsAt: $0.endsAt, meter: meters.meter(.appCode, id: $0.text, ownerID: "a")) },
            accountID: "", projectID: "", addresses: nil, quota: nil)
    }

    private func with<Result>(_ text: String, _ body: (ByteView) -> Result) -> Result {
        let word = ByteScratch()
        word.append(text)
        defer { withExtendedLifetime(word) {} }
        return body(ByteView(word.bytes))
    }

    private func proves(_ app: AppCredential, _ text: String, at wall: Int64) -> Bool {
        with(text) { word in app.proof(at: wall, from: address, uses: ledger) { $0.matches(word) } }
    }

    @Test func anOldSecretEndsToTheMillisecond() {
        let app = app([("new", "second", nil), ("old", "first", 1000)])
        #expect(proves(app, "first", at: 999) && proves(app, "second", at: 999))
        #expect(!proves(app, "first", at: 1000) && proves(app, "second", at: 1_000_000))
        #expect(!proves(app, "third", at: 0) && !proves(app, "", at: 0) && !proves(app, "secon", at: 0))
        #expect(app.secret(id: "old", at: 999) != nil && app.secret(id: "old", at: 1000) == nil && app.secret(id: "x", at: 0) == nil)
    }

    @Test func anOldCodeEndsToTheMillisecond() {
        let app = app([], codes: [("new", nil), ("old", 1000)])
        func holds(_ code: String, _ wall: Int64) -> Bool {
            with(code) { app.holds(code: $0, at: wall, from: address, uses: ledger) }
        }
        #expect(holds("old", 999) && holds("new", 999) && !holds("old", 1000) && holds("new", 1000) && !holds("ne", 0))
        let taken = ledger.take()
        #expect(taken.map(\.id) == ["old", "new"] && taken.map(\.counts.calls) == [1, 2] && taken.allSatisfy { $0.kind == .appCode })
    }

    @Test func countsAreTakenOnce() {
        let app = app([("new", "second", nil), ("old", "first", 1000)])
        for wall in [5, 3] as [Int64] { #expect(proves(app, "first", at: wall)) }
        #expect(!proves(app, "third", at: 6))
        let taken = ledger.take()
        #expect(taken.map(\.id) == ["old"])
        #expect(taken.first?.counts.calls == 2 && taken.first?.counts.lastAt == 5)
        #expect(taken.first?.counts.lastBy == .address(address))
        #expect(ledger.take().isEmpty)
        #expect(proves(app, "second", at: 9) && proves(app, "first", at: 9))
        #expect(Set(ledger.take().map(\.id)) == ["old", "new"])
    }

    @Test func aRebuiltApplicationGoesOnCounting() {
        let first = app([("one", "first", nil)])
        #expect(proves(first, "first", at: 1))
        #expect(proves(app([("two", "second", nil), ("one", "first", 1000)]), "first", at: 2))
        #expect(ledger.take().map(\.counts.calls) == [2])
        withExtendedLifetime(first) {}
    }

    @Test func loopsThatAMeterWasNotMadeForCountNothing() {
        let other = UseLedger(loop: 1)
        other.note(meters.meter(.signatureKey, id: "s", ownerID: "k"), at: 1, by: .api("a"))
        other.note(nil, at: 1, by: .api("a"))
        #expect(other.take().isEmpty)
        #expect(UseMeters(loops: 0).meter(.appSecret, id: "s", ownerID: "a") == nil)
    }

    @Test func sumsKeepTheLastUse() {
        var sum = UseCounts()
        sum.note(at: 7, by: .api("seven"))
        var earlier = UseCounts()
        earlier.note(at: 5, by: .api("five"))
        sum += earlier
        #expect(sum.calls == 2 && sum.lastAt == 7 && sum.lastBy == .api("seven"))
        earlier += sum
        #expect(earlier.calls == 3 && earlier.lastAt == 7 && earlier.lastBy == .api("seven"))
    }
}
