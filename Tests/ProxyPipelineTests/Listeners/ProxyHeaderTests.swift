import GatewayPrimitives
import ProxyPipeline
import Testing

/// What a load balancer may say before its client speaks.
@Suite("PROXY header")
struct ProxyHeaderTests {
    static func read(_ bytes: [UInt8]) -> ProxyHeader.Outcome { bytes.withUnsafeBytes { ProxyHeader.read($0) } }

    static func read(_ text: String) -> ProxyHeader.Outcome { read(Array(text.utf8)) }

    static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    static func binary(_ command: UInt8, _ family: UInt8, _ payload: [UInt8]) -> [UInt8] {
        signature + [command, family, UInt8(payload.count >> 8), UInt8(payload.count & 255)] + payload
    }

    static let four: [UInt8] = [192, 0, 2, 7, 127, 0, 0, 1, 0x30, 0x39, 0, 80]
    static let six: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9] + [UInt8](repeating: 0, count: 15) + [1]
        + [0x30, 0x39, 0, 80]

    @Test("lines that name an address", arguments: [
        ("PROXY TCP4 192.0.2.7 127.0.0.1 12345 80\r\n", "192.0.2.7"),
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
        ("PROXY TCP6 2001:db8::9 ::1 1 0\r\n", "2001:db8::9"),
    ])
    func lines(_ line: String, _ address: String) {
        let bytes = Array(line.utf8)
        #expect(Self.read(bytes + Array("GET /".utf8)) == .complete(consumed: bytes.count, source: IPAddress(address)))
        for count in 0..<bytes.count { #expect(Self.read(Array(bytes.prefix(count))) == .needsMore, "\(count)") }
    }

    @Test("senders that speak for themselves", arguments: [
        "PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n",
    ])
    func unknown(_ line: String) {
        #expect(Self.read(line) == .complete(consumed: line.utf8.count, source: nil))
    }

    @Test("no header", arguments: [
        "GET / HTTP/1.1\r\n", "proxy TCP4 192.0.2.7 127.0.0.1 1 2\r\n", "PROXY TCP4 192.0.2.7 127.0.0.1 1 2\n",
        "PROXY TCP5 192.0.2.7 127.0.0.1 1 2\r\n", "PROXY TCP4 192.0.2.7 127.0.0.1 1\r\n",
        "PROXY TCP4 192.0.2.7 127.0.0.1 1 2 3\r\n", "PROXY TCP4  192.0.2.7 127.0.0.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 127.0.0.1 1 65536\r\n", "PROXY TCP4 192.0.2.7 127.0.0.1 01 2\r\n",
        "PROXY TCP4 192.0.2.7 127.0.0.1 -1 2\r\n", "PROXY TCP4 2001:db8::9 ::1 1 2\r\n", "PROXY TCP4 192.0.2.256 127.0.0.1 1 2\r\n",
        "PROXY UNKNOWNS\r\n", "PROXY \(String(repeating: "x", count: 200))", "\u{16}\u{3}\u{1}",
    ])
    func refusedLines(_ line: String) { #expect(Self.read(line) == .refused) }

    @Test("the binary form")
    func binaries() {
        let v4 = Self.binary(0x21, 0x11, Self.four)
        #expect(Self.read(v4 + [1, 2]) == .complete(consumed: 28, source: IPAddress("192.0.2.7")))
        let v6 = Self.binary(0x21, 0x21, Self.six)
        #expect(Self.read(v6) == .complete(consumed: 52, source: IPAddress("2001:db8::9")))
        for count in 0..<v6.count { #expect(Self.read(Array(v6.prefix(count))) == .needsMore, "\(count)") }
        // Further information is skipped.
        #expect(Self.read(Self.binary(0x21, 0x11, Self.four + [4, 0, 1, 0])) == .complete(consumed: 32, source: IPAddress("192.0.2.7")))
        // Health checks of the load balancer itself.
        #expect(Self.read(Self.binary(0x20, 0x00, [])) == .complete(consumed: 16, source: nil))
        #expect(Self.read(Self.binary(0x20, 0x11, Self.four)) == .complete(consumed: 28, source: nil))
        #expect(Self.read(Self.binary(0x21, 0x00, [])) == .complete(consumed: 16, source: nil))
        #expect(Self.read(Self.binary(0x21, 0x31, [UInt8](repeating: 0, count: 216))) == .complete(consumed: 232, source: nil))
    }

    @Test("no header in the binary form")
    func refusedBinaries() {
        #expect(Self.read(Self.binary(0x11, 0x11, Self.four)) == .refused, "version 1")
        #expect(Self.read(Self.binary(0x22, 0x11, Self.four)) == .refused, "no such command")
        #expect(Self.read(Self.binary(0x21, 0x12, Self.four)) == .refused, "datagrams")
        #expect(Self.read(Self.binary(0x21, 0x41, Self.four)) == .refused, "no such family")
        #expect(Self.read(Self.binary(0x21, 0x11, Array(Self.four.prefix(11)))) == .refused, "too short for its family")
        #expect(Self.read(Self.binary(0x21, 0x21, Self.four)) == .refused, "too short for its family")
        var wrong = Self.binary(0x21, 0x11, Self.four)
        wrong[4] = 1
        #expect(Self.read(wrong) == .refused, "signature")
        #expect(Self.read(Self.signature + [0x21, 0x11, 8, 0]) == .refused, "over the limit, before it has come")
    }
}
