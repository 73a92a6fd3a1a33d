import GatewayPrimitives
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("192.0.2.1", "192.0.2.1"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:db8::ff", "2001:db8::ff"),
        ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:0201", "192.0.2.1"), ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
        ("0:0:0:0:0:0:0:1", "::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("fe80::0001", "fe80::1"),
    ])
    func readsAndWrites(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4", "1.2.3.04", "00.0.0.0", "256.1.1.1", "1.2.3.4 ",
        " 1.2.3.4", "0x1.2.3.4", "1.2.3.4\n", "1.2.3.-4", "+1.2.3.4", "3232235777", ":", ":::", "1:", ":1", "1::2::3", "12345::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "g::", "[::1]", "fe80::1%eth0", "::1.2.3",
        "::1.2.3.4.5", "::01.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::ffff:1.2.3.256", "1:2:3:4:5:6:7:8:",
        "0000000000000000000000000000000000000000000000",
    ])
    func refusesEverythingElse(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func readsNetworkBytes() {
        #expect([UInt8]([127, 0, 0, 1]).withUnsafeBytes { IPAddress(networkBytes: $0) } == IPAddress("127.0.0.1"))
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1]
        #expect(mapped.withUnsafeBytes { IPAddress(networkBytes: $0) } == IPAddress("10.0.0.1"))
        #expect([UInt8](repeating: 0, count: 5).withUnsafeBytes { IPAddress(networkBytes: $0) } == nil)
        #expect([UInt8](repeating: 0, count: 17).withUnsafeBytes { IPAddress(networkBytes: $0) } == nil)
    }

    @Test func randomAddressesSurviveARoundTrip() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            var value = UInt128.random(in: 0...UInt128.max, using: &generator)
            // Zero groups, so that `::` is met in every place.
            for group in 0..<8 where Bool.random(using: &generator) { value &= ~(UInt128(0xFFFF) << UInt128(16 * group)) }
            let address = IPAddress(v6: value)
            #expect(IPAddress(address.description) == address)
        }
    }

    @Test func garbageNeverCrashes() {
        var generator = SeededGenerator(seed: 2)
        let alphabet = Array("0123456789abcdef:.%/- ".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...46, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }
            if let address = bytes.withUnsafeBytes({ IPAddress(parsing: $0) }) {
                #expect(IPAddress(address.description) == address)
            }
        }
    }
}

@Suite struct IPSetTests {
    private func set(_ entries: String...) -> IPSet { IPSet(entries.map { IPRange($0)! }) }

    @Test func holdsAddressesRangesAndBlocks() {
        let set = set("192.0.2.7", "10.0.0.5-10.0.0.9", "172.16.3.4/12", "2001:db8::/32", "fe80::1-fe80::ff", "::ffff:198.51.100.0/120")
        for inside in ["192.0.2.7", "10.0.0.5", "10.0.0.9", "172.16.0.0", "172.31.255.255", "2001:db8:ffff::", "fe80::80", "198.51.100.200", "::ffff:10.0.0.7"] {
            #expect(set.contains(IPAddress(inside)!), "\(inside)")
        }
        for outside in ["192.0.2.8", "10.0.0.4", "10.0.0.10", "172.15.255.255", "172.32.0.0", "2001:db9::", "fe80::100", "::a00:5"] {
            #expect(!set.contains(IPAddress(outside)!), "\(outside)")
        }
        #expect(!set.isEmpty)
        #expect(self.set().isEmpty)
    }

    @Test func wholeFamiliesAreApart() {
        #expect(set("0.0.0.0/0").contains(IPAddress("255.255.255.255")!))
        #expect(!set("0.0.0.0/0").contains(IPAddress("::1")!))
        #expect(set("::/0").contains(IPAddress("ffff::")!))
        #expect(!set("::/0").contains(IPAddress("10.0.0.1")!))
    }

    @Test func mergesNeighboursAndOverlaps() {
        #expect(set("10.0.0.1", "10.0.0.2", "10.0.0.2-10.0.0.8", "10.0.0.4").rangeCount == 1)
        #expect(set("0.0.0.0/0", "255.255.255.255").rangeCount == 1)
        #expect(set("::/0", "ffff::-ffff::1").rangeCount == 1)
        #expect(set("10.0.0.1", "10.0.0.3").rangeCount == 2)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0/8", "::/129", "10.0.0.2-10.0.0.1", "10.0.0.1-::1",
        "10.0.0.1-", "-10.0.0.1", "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.1 - 10.0.0.2", "10.0.0.0/8/8", "::ffff:10.0.0.0/8", "a", "*", "10.0.0.1-10.0.0.0/8",
    ])
    func refusesOtherEntries(text: String) {
        #expect(IPRange(text) == nil)
    }

    @Test func agreesWithASearchOverAllRanges() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<100 {
            let ranges = (0..<20).map { _ in
                let start = UInt32.random(in: 0...300, using: &generator)
                return IPRange(lower: IPAddress(v4: start), upper: IPAddress(v4: start + UInt32.random(in: 0...10, using: &generator)))!
            }
            let set = IPSet(ranges)
            for value in UInt32(0)...320 {
                let address = IPAddress(v4: value)
                #expect(set.contains(address) == ranges.contains { $0.lower <= address.value && address.value <= $0.upper })
            }
        }
    }
}
