import GatewayPrimitives
import Testing

@testable import ProxyPipeline

@Suite struct HPACKTests {
    static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.utf8.compactMap(hexadecimalValue)
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// Decodes blocks of one connection; each becomes its lines, or what the connection ends with.
    static func decode(_ blocks: [UInt8]...) -> [String] {
        var decoder = HPACKDecoder()
        let list = HTTP2FieldList()
        var result: [String] = []
        for block in blocks {
            list.reset()
            if let failure = block.withUnsafeBytes({ decoder.decode($0, to: list) }) {
                result.append("\(failure)")
            } else {
                result.append((0..<list.count).map { "\(list.name(at: $0).string): \(list.value(at: $0).string)" }.joined(separator: "\n"))
            }
        }
        return result
    }

    /// RFC 7541, appendix C.3: one table for three requests, without Huffman coding.
    @Test func examplesOfTheSpecification() {
        #expect(Self.decode(
            Self.bytes("828684410f7777772e6578616d706c652e636f6d"), Self.bytes("828684be58086e6f2d6361636865"),
            Self.bytes("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565")) == [
                ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com",
                ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache",
                ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value",
            ])
    }

    /// RFC 7541, appendix C.4: the same with Huffman coding.
    @Test func examplesWithHuffmanCoding() {
        #expect(Self.decode(
            Self.bytes("828684418cf1e3c2e5f23a6ba0ab90f4ff"), Self.bytes("828684be5886a8eb10649cbf"),
            Self.bytes("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")) == [
                ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com",
                ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache",
                ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value",
            ])
    }

    /// RFC 7541, appendix C.6.1: codes of more than eight bits.
    @Test func longCodes() {
        #expect(Self.decode(Self.bytes(
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3")) == [
                ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com",
            ])
    }

    @Test(arguments: [
        // index 0; an index that is not there; a name that is not there; an endless integer; a string that is cut off; no value; no name
        "80", "be", "7f0a0161", "7fffffffffffff", "000561", "000161", "00000161",
        // Huffman: the end mark, padding of a byte, padding that is no padding
        "0084ffffffff0161", "000161821fff", "0001618118",
        // a table larger than was offered, and a change of size behind a field
        "3fe2ff03", "8220",
    ])
    func broken(_ block: String) { #expect(Self.decode(Self.bytes(block)) == ["compressionError"]) }

    @Test func theTableForgets() {
        func field(_ number: Int) -> [UInt8] { [0x40, 4] + Array(String(format4(number)).utf8) + [100] + [UInt8](repeating: 0x76, count: 100) }
        func format4(_ number: Int) -> String { String(repeating: "0", count: 4 - String(number).count) + String(number) }
        // 136 bytes each: thirty fit, whatever came before.
        let filled = (0..<1000).flatMap(field)
        let value = String(repeating: "v", count: 100)
        #expect(Self.decode(Array(filled[..<(107 * 500)]), [0xBE], [0x80 | 91], [0x80 | 92]) == [
            (0..<500).map { "\(format4($0)): \(value)" }.joined(separator: "\n"), "0499: \(value)", "0470: \(value)", "compressionError",
        ])
        // Emptied, and then as large as before.
        #expect(Self.decode(field(1), [0x20, 0xBE]).last == "compressionError")
        #expect(Self.decode(field(1), [0x20, 0x3F, 0xE1, 0x1F] + field(2) + [0xBE]).last == "0002: \(value)\n0002: \(value)")
        // A field that is larger than the table empties it.
        #expect(Self.decode(field(1), [0x40, 1, 0x78, 0x7F, 0x81, 0x1F] + [UInt8](repeating: 0x76, count: 4096), [0xBE]).last == "compressionError")
    }

    /// Whatever comes is decoded or refused, in memory that is bounded.
    @Test func anything() {
        var random = SystemRandomNumberGenerator()
        let good = Self.bytes("828684418cf1e3c2e5f23a6ba0ab90f4ff408825a849e95ba97d7f8925a849e95bb8e8b4bfbe")
        for _ in 0..<2000 {
            var block = good
            for _ in 0..<Int.random(in: 1...4, using: &random) { block[Int.random(in: 0..<block.count, using: &random)] = .random(in: 0...255, using: &random) }
            _ = Self.decode(block, Array(block.reversed()), (0..<40).map { _ in .random(in: 0...255, using: &random) })
        }
    }

    @Test func bombs() {
        // A field of 4 KiB, and as many mentions of it as fit a few frames.
        let bomb = [0x40, 1, 0x78, 0x7F, 0x81, 0x1E] + [UInt8](repeating: 0x76, count: 3968) + [UInt8](repeating: 0xBE, count: 12_000)
        #expect(Self.decode(bomb) == ["enhanceYourCalm"])
        #expect(Self.decode([UInt8](repeating: 0x82, count: 12_000)) == ["enhanceYourCalm"])
    }

    @Test func answersAreWhatTheySay() throws {
        let answer = ResponseHead()
        let long = String(repeating: "l", count: 300)
        let text = "HTTP/1.1 418 Tea\r\nServer: s\r\nX-Long: \(long)\r\nConnection: close\r\nContent-Type: t/t\r\nDate: d\r\nContent-Length: 1234\r\n\r\n"
        guard case .complete = Array(text.utf8).withUnsafeBytes({ answer.feed($0) }) else { throw Failure() }
        let area = UnsafeMutableRawBufferPointer.allocate(byteCount: HTTP2AnswerFields.bound(answer), alignment: 8)
        defer { area.deallocate() }
        var writer = ByteWriter(area)
        HTTP2AnswerFields.write(answer, to: &writer)
        #expect(!writer.overflowed)
        #expect(Self.decode(writer.view(0, writer.count).array) == [
            ":status: 418\nserver: s\nx-long: \(long)\ncontent-type: t/t\ndate: d\ncontent-length: 1234",
        ])
    }

    struct Failure: Error {}
}
