import Testing

@testable import ProxyPipeline

@Suite struct ChunkDecoderTests {
    /// Body and the last event; `piece` bytes at a time.
    private func decode(_ text: String, piece: Int) -> (body: String, last: ChunkDecoder.Event, rest: Int) {
        let bytes = Array(text.utf8)
        var decoder = ChunkDecoder()
        var body: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + min(piece, bytes.count))
            let part = Array(bytes[position ..< end])
            var offset = 0
            while true {
                let event = part.withUnsafeBytes { decoder.next($0, &offset) }
                if case .data(let start, let count) = event {
                    body += part[start ..< start + count]
                    continue
                }
                if event == .needsMore { break }
                return (String(decoding: body, as: UTF8.self), event, bytes.count - position - offset)
            }
            position = end
        }
        return (String(decoding: body, as: UTF8.self), .needsMore, 0)
    }

    static let good: [(String, String)] = [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5;a=b;c=\"d\"\r\nhello\r\n00\r\n\r\n", "hello"),
        ("1\r\na\r\nA\r\n0123456789\r\n0\r\nX-Trailer: v\r\nY:\r\n\r\n", "a0123456789"),
    ]

    @Test(arguments: good) func decodes(_ text: String, _ body: String) {
        for piece in 1 ... text.utf8.count + 4 {
            let result = decode(text + "next", piece: piece)
            #expect(result.body == body)
            #expect(result.last == .end)
            #expect(result.rest == 4)
        }
    }

    static let bad = [
        "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1\n", "1\r\r\n", "1\r\nab\r\n", "1\r\na\n",
        "1\r\na\rx", "1;\u{1}\r\n", "1;a\nb\r\n", "0\r\n\n", "0\r\n x: y\r\n\r\n", "0\r\nx y: z\r\n\r\n", "0\r\n: z\r\n\r\n",
        "0\r\nx: \0\r\n\r\n", "0\r\nx: y\n\r\n", "0\r\nno colon\r\n\r\n", "FFFFFFFFFFFFFFFF\r\n", "0000000000000001\r\n",
        "1;" + String(repeating: "a", count: 1100) + "\r\n", "0\r\nx: " + String(repeating: "a", count: 9000) + "\r\n\r\n",
        String(repeating: "1;" + String(repeating: "a", count: 1000) + "\r\nx\r\n", count: 17) + "0\r\n\r\n",
        "0\r\n" + String(repeating: "x: y\r\n", count: 3000) + "\r\n",
    ]

    @Test(arguments: bad) func refuses(_ text: String) {
        #expect(decode(text, piece: .max).last == .malformed)
        #expect(decode(text, piece: 1).last == .malformed)
    }
}
