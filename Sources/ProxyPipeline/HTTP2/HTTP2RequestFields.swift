import GatewayPrimitives

/// A request head that was written for a backend as fields of HTTP/2: the reverse of ``HTTP2RequestText``.
///
/// The text is the gateway's own writing, so that no line of it holds another one.
public struct HTTP2RequestFields {
    private let text: ByteView
    private let method: ByteView
    private let path: ByteView
    private let host: ByteView
    /// How the body behind it is written.
    public let framing: BodyFraming
    /// Bytes of the text.
    public let byteCount: Int
    private let linesFrom: Int

    /// - Parameter text: valid as long as this is used.
    /// - Returns: nil when the head is not whole.
    public init?(_ text: ByteView) {
        guard let end = Self.lineEnd(text, 0) else { return nil }
        let line = text.slice(0, end)
        guard let first = line.firstIndex(of: 0x20), let second = line.firstIndex(of: 0x20, from: first + 1),
            line.firstIndex(of: 0x20, from: second + 1) == nil
        else { return nil }
        method = line.slice(0, first)
        path = line.slice(first + 1, second)
        linesFrom = end + 2
        var host = ByteView.empty
        var framing = BodyFraming.none
        var at = linesFrom
        while true {
            guard let end = Self.lineEnd(text, at) else { return nil }
            if end == at { break }
            guard let (name, value) = Self.field(text.slice(at, end)) else { return nil }
            if name.equalsIgnoringCase("host") {
                host = value
            } else if name.equalsIgnoringCase("transfer-encoding") {
                framing = .chunked
            } else if name.equalsIgnoringCase("content-length") {
                guard let count = value.decimal else { return nil }
                framing = count == 0 ? .none : .length(count)
            }
            at = end + 2
        }
        self.text = text
        self.host = host
        self.framing = framing
        byteCount = at + 2
    }

    /// Most bytes that the block can have.
    public var bound: Int { byteCount * 2 + 128 }

    public func write(usesTLS: Bool, to writer: inout ByteWriter) {
        if method.equals("POST") {
            writer.append(0x83 as UInt8)
        } else if method.equals("GET") {
            writer.append(0x82 as UInt8)
        } else {
            writer.append(0x02 as UInt8)
            HPACKLiteral.string(method, to: &writer)
        }
        writer.append((usesTLS ? 0x87 : 0x86) as UInt8)
        writer.append(0x04 as UInt8)
        HPACKLiteral.string(path, to: &writer)
        writer.append(0x01 as UInt8)
        HPACKLiteral.string(host, to: &writer)
        // Asks for what ends every answer (gRPC over HTTP/2, "Requests").
        writer.append("\u{00}\u{02}te\u{08}trailers")
        var at = linesFrom
        while let end = Self.lineEnd(text, at), end > at, let (name, value) = Self.field(text.slice(at, end)) {
            at = end + 2
            guard goes(name) else { continue }
            writer.append(0x00 as UInt8)
            HPACKLiteral.integer(name.count, to: &writer)
            writer.append(lowercasing: name)
            HPACKLiteral.string(value, to: &writer)
        }
    }

    /// A line for each field, for people.
    public func lines(usesTLS: Bool) -> String {
        var lines = ":method: \(method.string)\r\n:scheme: \(usesTLS ? "https" : "http")\r\n:path: \(path.string)\r\n:authority: \(host.string)\r\n"
        lines += "te: trailers\r\n"
        var at = linesFrom
        while let end = Self.lineEnd(text, at), end > at, let (name, value) = Self.field(text.slice(at, end)) {
            at = end + 2
            if goes(name) { lines += "\(name.string.lowercased()): \(value.string)\r\n" }
        }
        return lines + "\r\n"
    }

    /// Neither said in another way nor about the connection.
    private func goes(_ name: ByteView) -> Bool {
        switch KnownHeader.named(name) {
        case .host, .connection, .upgrade, .transferEncoding: false
        case .contentLength: framing != .none
        default: true
        }
    }

    /// The carriage return of the line that begins at `from`.
    private static func lineEnd(_ text: ByteView, _ from: Int) -> Int? {
        guard let end = text.firstIndex(of: 0x0D, from: from), end + 1 < text.count, text[end + 1] == 0x0A else { return nil }
        return end
    }

    private static func field(_ line: ByteView) -> (name: ByteView, value: ByteView)? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return nil }
        return (line.slice(0, colon), line.dropFirst(colon + 1).trimmed())
    }
}

/// Literals without Huffman coding (RFC 7541, 5.1 and 5.2).
enum HPACKLiteral {
    static func string(_ view: ByteView, to writer: inout ByteWriter) {
        integer(view.count, to: &writer)
        writer.append(view)
    }

    static func integer(_ value: Int, to writer: inout ByteWriter) {
        guard value >= 127 else { return writer.append(UInt8(truncatingIfNeeded: value)) }
        writer.append(127 as UInt8)
        var rest = value - 127
        while rest >= 128 {
            writer.append(UInt8(truncatingIfNeeded: rest & 127 | 128))
            rest >>= 7
        }
        writer.append(UInt8(truncatingIfNeeded: rest))
    }
}
