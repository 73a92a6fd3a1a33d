import GatewayPrimitives
import Testing

@testable import ProxyPipeline

/// What clients send stands in a line of JSON as text, wherever in it the special bytes are.
struct JSONLineTests {
    private func written(_ value: [UInt8], plusIsBlank: Bool = false) -> String {
        let out = ByteScratch(capacity: 64)
        value.withUnsafeBytes { JSONLine(out).append(ByteView($0), plusIsBlank: plusIsBlank) }
        return String(decoding: out.bytes.dropFirst(1), as: UTF8.self)
    }

    private func expected(_ byte: UInt8) -> String {
        switch byte {
        case 0x22: return "\\\""
        case 0x5C: return "\\\\"
        case 0x80...: return "\\ufffd"
        case ..<0x20, 0x7F:
            let digits = String(byte, radix: 16)
            return "\\u00" + (digits.utf8.count == 1 ? "0" : "") + digits
        default: return String(UnicodeScalar(byte))
        }
    }

    @Test(arguments: 0..<20) func everyByteAtEveryPlace(_ place: Int) {
        for byte in UInt8.min...UInt8.max {
            var value = Array(repeating: UInt8(ascii: "a"), count: 20)
            value[place] = byte
            let text = String(repeating: "a", count: place) + expected(byte) + String(repeating: "a", count: 19 - place)
            #expect(written(value) == text)
        }
    }

    @Test func randomBytes() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            let value = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...0x7F, using: &random) }
            #expect(written(value) == value.map(expected).joined())
            let blank = value.map { $0 == UInt8(ascii: "+") ? " " : expected($0) }.joined()
            #expect(written(value, plusIsBlank: true) == blank)
        }
    }

    @Test func sequencesOfUTF8StandAsTheyAre() {
        for text in ["ä", "€", "aaaaaaaä", "aaaaaaa€b", "😀aaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa😀"] { #expect(written(Array(text.utf8)) == text) }
    }

    @Test func membersAndNumbers() {
        let out = ByteScratch(capacity: 64)
        var line = JSONLine(out)
        for value in [0, 9, 10, 99, 100, 999_999_999_999_999_999, 1_000_000_000_000_000_000, Int.max] {
            line.name("n")
            line.number(value)
        }
        line.name("time")
        line.seconds(nanoseconds: 12_034_999_999)
        line.name("word")
        line.text("GET" as StaticString)
        line.name("empty")
        line.text("" as StaticString)
        line.name("plain")
        line.plainText(ByteView("127.0.0.1"))
        line.name("ratio")
        line.hundredths(305)
        line.close()
        #expect(
            String(decoding: out.bytes, as: UTF8.self)
                == #"{"n":0,"n":9,"n":10,"n":99,"n":100,"n":999999999999999999,"n":1000000000000000000,"n":9223372036854775807,"#
                + #""time":12.034,"word":"GET","empty":"-","plain":"127.0.0.1","ratio":3.05}"#)
    }
}
