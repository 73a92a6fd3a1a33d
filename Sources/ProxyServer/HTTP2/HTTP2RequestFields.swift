import NIOCore
import NIOHPACK
import ProxyPipeline

/// A request head that was written for a backend as fields of HTTP/2: the reverse of ``HTTP2RequestText``.
///
/// The text is the gateway's own writing, so that no line of it holds another one.
struct HTTP2RequestFields {
    let fields: HPACKHeaders
    /// How the body behind it is written.
    let framing: BodyFraming
    /// Bytes of the text.
    let byteCount: Int

    /// - Returns: nil when the head is not whole.
    init?(_ buffer: ByteBuffer, usesTLS: Bool) {
        let text = buffer.readableBytesView
        guard let end = Self.end(text) else { return nil }
        byteCount = end - text.startIndex
        let lines = String(decoding: text[..<end], as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: true)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return nil }
        var host: Substring = ""
        var framing = BodyFraming.none
        var others: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let name = line[..<colon].lowercased()
            let value = line[line.utf8.index(after: colon)...].drop { $0 == " " }
            switch name {
            case "host": host = value
            case "connection", "upgrade": break
            case "transfer-encoding": framing = .chunked
            case "content-length":
                guard let count = Int(value) else { return nil }
                framing = count == 0 ? .none : .length(count)
                if count > 0 { others.append((name, String(value))) }
            default: others.append((name, String(value)))
            }
        }
        var fields = HPACKHeaders()
        fields.reserveCapacity(others.count + 5)
        fields.add(name: ":method", value: String(words[0]), indexing: .indexable)
        fields.add(name: ":scheme", value: usesTLS ? "https" : "http", indexing: .indexable)
        fields.add(name: ":path", value: String(words[1]), indexing: .nonIndexable)
        fields.add(name: ":authority", value: String(host), indexing: .nonIndexable)
        // Asks for what ends every answer (gRPC over HTTP/2, "Requests").
        fields.add(name: "te", value: "trailers", indexing: .indexable)
        for (name, value) in others { fields.add(name: name, value: value, indexing: .nonIndexable) }
        self.fields = fields
        self.framing = framing
    }

    /// A line for each field.
    var text: String { fields.map { "\($0.name): \($0.value)\r\n" }.joined() + "\r\n" }

    /// Behind the empty line.
    private static func end(_ text: ByteBufferView) -> Int? {
        var index = text.startIndex
        while let cr = text[index...].firstIndex(of: UInt8(ascii: "\r")) {
            guard cr + 4 <= text.endIndex else { return nil }
            if text[cr + 1] == UInt8(ascii: "\n"), text[cr + 2] == UInt8(ascii: "\r"), text[cr + 3] == UInt8(ascii: "\n") { return cr + 4 }
            index = cr + 1
        }
        return nil
    }
}
