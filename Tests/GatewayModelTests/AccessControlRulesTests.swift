import GatewayModel
import GatewayPrimitives
import Testing

@Suite struct AccessControlRulesTests {
    private func stored(_ value: String, _ entity: AccessControlPolicy.Entity) -> String? {
        try? AccessControlRules.read(value, entity: entity).stored
    }

    @Test func addresses() throws {
        #expect(stored("192.0.2.1, 10.0.0.0/8,192.0.2.1,10.0.0.1-10.0.0.9 ,2001:db8::/32", .ip) == "192.0.2.1,10.0.0.0/8,10.0.0.1-10.0.0.9,2001:db8::/32")
        guard case .addresses(let ranges) = try AccessControlRules.read("10.0.0.0/8", entity: .ip).list else { return #expect(Bool(false)) }
        #expect(IPSet(ranges).contains(IPAddress("10.9.9.9")!))
        let hundred = (0..<100).map { "10.0.0.\($0)" }
        #expect(stored(hundred.joined(separator: ","), .ip) != nil)
        #expect(stored((hundred + ["10.0.1.1"]).joined(separator: ","), .ip) == nil)
        #expect(stored((hundred + ["10.0.0.1"]).joined(separator: ","), .ip) != nil)
    }

    @Test(arguments: ["", ",", "10.0.0.1,", " ", "10.0.0.1;10.0.0.2", "10.0.0.256", "host", "10.0.0.0/33", "10.0.0.9-10.0.0.1", String(repeating: "1", count: 100_000)])
    func notAddresses(value: String) {
        #expect(stored(value, .ip) == nil)
    }

    @Test func accounts() {
        #expect(stored("account_1, Konto-2,account_1", .domain) == "account_1,Konto-2")
        #expect(stored(String(repeating: "a", count: 64), .domain) != nil)
        #expect(stored(String(repeating: "a", count: 65), .domain) == nil)
        #expect(stored("12345", .domain) == nil)
        #expect(stored("a b", .domain) == nil)
        #expect(stored("a\nb", .domain) == nil)
        #expect(stored((0..<200).map { "name\($0)" }.joined(separator: ","), .domain) == nil)
        #expect(stored(String(repeating: "0", count: 32), .domainID) != nil)
        #expect(stored(String(repeating: "0", count: 31), .domainID) == nil)
        #expect(stored(String(repeating: "-", count: 32), .domainID) == nil)
    }
}
