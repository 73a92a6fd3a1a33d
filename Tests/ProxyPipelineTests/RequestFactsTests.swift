import GatewayPrimitives
import Snapshot
import Testing

@testable import ProxyPipeline

@Suite struct RequestFactsTests {
    @Test func requestIDsAreWrittenInHexadecimal() {
        #expect(RequestID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210).text == "0123456789abcdeffedcba9876543210")
        var random = SeededRandom(seed: 1)
        var ids = RequestIDGenerator(seedingFrom: &random)
        var seen: Set<String> = []
        for _ in 0 ..< 1000 {
            let id = ids.next()
            func padded(_ value: UInt64) -> String {
                let text = String(value, radix: 16)
                return String(repeating: "0", count: 16 - text.count) + text
            }
            #expect(id.text == padded(id.high) + padded(id.low))
            seen.insert(id.text)
        }
        #expect(seen.count == 1000)
    }

    private func head(_ lines: String) -> RequestHead {
        let head = RequestHead()
        _ = feed(head, Array("GET / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n".utf8))
        return head
    }

    static let addresses: [(String, ClientAddressSource, String)] = [
        ("X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", .peer, "9.9.9.9"),
        ("X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", .forwardedFor(index: -1), "2.2.2.2"),
        ("X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", .forwardedFor(index: -2), "1.1.1.1"),
        ("X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", .forwardedFor(index: 0), "1.1.1.1"),
        ("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: ::1\r\n", .forwardedFor(index: 1), "::1"),
        ("X-Forwarded-For: 1.1.1.1\r\n", .forwardedFor(index: 1), "9.9.9.9"),
        ("X-Forwarded-For: 1.1.1.1\r\n", .forwardedFor(index: -2), "9.9.9.9"),
        ("X-Forwarded-For: me\r\n", .forwardedFor(index: 0), "9.9.9.9"),
        ("", .forwardedFor(index: .min), "9.9.9.9"),
        ("TestIP: 3.3.3.3\r\n", .header(Array("testip".utf8)), "3.3.3.3"),
        ("TestIP: x\r\n", .header(Array("testip".utf8)), "9.9.9.9"),
    ]

    @Test(arguments: addresses) func findsTheClientsAddress(_ lines: String, _ source: ClientAddressSource, _ expected: String) throws {
        let peer = try #require(IPAddress("9.9.9.9"))
        #expect(ClientAddress.of(head(lines), peer: peer, source: source) == IPAddress(expected))
    }
}
