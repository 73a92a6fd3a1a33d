import GatewayPrimitives
import RequestSigning
import Testing

@Suite struct HopKeyTests {
    private let key = HopKey(Array("installation".utf8))

    private func read(_ value: [UInt8], _ key: HopKey) -> HopKey.Hop? { value.withUnsafeBytes { key.read(ByteView($0)) } }

    @Test func roundTrip() {
        let id = "0123456789abcdef0123456789abcdef"
        let value = key.value(depth: 10, apiID: id)
        #expect(read(value, key)?.depth == 10 && read(value, key)?.apiID == id)
        #expect(read(value, HopKey(Array("another".utf8))) == nil)
        #expect(read(key.value(depth: 1, apiID: "a"), key)?.apiID == "a")
    }

    @Test func forgeries() {
        let value = key.value(depth: 9, apiID: "0123456789abcdef0123456789abcdef")
        for place in value.indices {
            var changed = value
            changed[place] = changed[place] == 0x31 ? 0x32 : 0x31
            #expect(read(changed, key) == nil)
        }
        for length in 0..<value.count { #expect(read(Array(value.prefix(length)), key) == nil) }
        for text in ["", ".", "1..", String(repeating: "0", count: 36), String(repeating: ".", count: 40), String(repeating: "1", count: 200)] {
            #expect(read(Array(text.utf8), key) == nil)
        }
    }
}
