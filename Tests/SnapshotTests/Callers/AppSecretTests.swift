import GatewayPrimitives
import Snapshot
import Testing

@Suite struct AppSecretTests {
    private let ledger = SecretLedger()
    private let address = IPAddress(v4: 0x7F00_0001)

    private func app(_ secrets: [(id: String, text: String, endsAt: Int64?)]) -> AppCredential {
        AppCredential(
            instanceID: "i", appID: "a", name: "a", key: Array("key".utf8),
            secrets: secrets.map {
                AppSecret(id: $0.id, secret: Secret($0.text), endsAt: $0.endsAt, use: ledger.use(of: $0.id, applicationID: "a"))
            }, codes: [], accountID: "", projectID: "", addresses: nil, quota: nil)
    }

    private func proves(_ app: AppCredential, _ text: String, at wall: Int64) -> Bool {
        let word = ByteScratch()
        word.append(text)
        return app.proof(at: wall, from: address) { $0.matches(ByteView(word.bytes)) }
    }

    @Test func anOldSecretEndsToTheMillisecond() {
        let app = app([("new", "second", nil), ("old", "first", 1000)])
        #expect(proves(app, "first", at: 999) && proves(app, "second", at: 999))
        #expect(!proves(app, "first", at: 1000) && proves(app, "second", at: 1_000_000))
        #expect(!proves(app, "third", at: 0) && !proves(app, "", at: 0) && !proves(app, "secon", at: 0))
    }

    @Test func countsAreTakenOnce() {
        let app = app([("new", "second", nil), ("old", "first", 1000)])
        for wall in [5, 3] as [Int64] { #expect(proves(app, "first", at: wall)) }
        #expect(!proves(app, "third", at: 6))
        let taken = ledger.take()
        #expect(taken.map(\.secretID) == ["old"])
        #expect(taken.first?.counts.calls == 2 && taken.first?.counts.lastAt == 5 && taken.first?.counts.lastAddress == address)
        #expect(ledger.take().isEmpty)
        // What could not be stored is taken again, together with what came meanwhile.
        #expect(proves(app, "first", at: 9))
        ledger.giveBack(taken)
        let again = ledger.take()
        #expect(again.first?.counts.calls == 3 && again.first?.counts.lastAt == 9)
    }

    @Test func aRebuiltApplicationGoesOnCounting() {
        #expect(proves(app([("one", "first", nil)]), "first", at: 1))
        #expect(proves(app([("two", "second", nil), ("one", "first", 1000)]), "first", at: 2))
        #expect(ledger.take().map(\.counts.calls) == [2])
    }
}
