import NIOCore

/// A request of HTTP/2 in the form that ``RequestHead`` reads: there is one reading of requests, and this is written for it.
///
/// Strict beside what the frame layer has checked already: no field can end a line, say how long the message is, or be about the
/// connection (RFC 9113, 8.2 and 8.3).
struct HTTP2RequestText {
    enum Framing: Equatable {
        /// The message has ended with its fields.
        case none
        /// `content-length` says how much is to come; the frame layer sees to it that it comes.
        case length
        case chunked
    }

    let isHead: Bool
    let framing: Framing
    let text: ByteBuffer

    static let forbidden: Set<String> = [
        "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings",
    ]

    /// - Parameters:
    ///   - fields: in their order, pseudo-fields in front.
    ///   - endsStream: no body follows.
    /// - Returns: nil when the request is malformed (RFC 9113, 8.1.1).
    init?(_ fields: some Sequence<(name: String, value: String)>, endsStream: Bool) {
        var method: String?
        var scheme: String?
        var authority: String?
        var path: String?
        var host: String?
        var length: String?
        var cookie: String?
        var lines = ByteBuffer()
        var isBehindPseudoFields = false
        for (name, value) in fields {
            guard Self.isPlain(value) else { return nil }
            if name.utf8.first == UInt8(ascii: ":") {
                guard !isBehindPseudoFields else { return nil }
                switch name {
                case ":method": guard Self.take(value, into: &method) else { return nil }
                case ":scheme": guard Self.take(value, into: &scheme) else { return nil }
                case ":authority": guard Self.take(value, into: &authority) else { return nil }
                case ":path": guard Self.take(value, into: &path) else { return nil }
                default: return nil
                }
                continue
            }
            isBehindPseudoFields = true
            guard Self.isName(name), !Self.forbidden.contains(name) else { return nil }
            switch name {
            case "host": guard Self.take(value, into: &host) else { return nil }
            case "content-length": guard Self.take(value, into: &length) else { return nil }
            // Crumbs of one field (RFC 9113, 8.2.3).
            case "cookie": cookie = cookie.map { "\($0); \(value)" } ?? value
            case "te": guard value.lowercased() == "trailers" else { return nil }
            default: Self.write(name, value, to: &lines)
            }
        }
        guard let method, Self.isName(method.lowercased()), let scheme, let path else { return nil }
        // Behind a load balancer that ends TLS, the scheme is the client's and not this connection's: it decides nothing here.
        guard scheme.lowercased() == "https" || scheme.lowercased() == "http" else { return nil }
        // One form of the target, so that it cannot name another host.
        guard path.utf8.first == UInt8(ascii: "/") || path == "*", Self.hasNoBlank(path) else { return nil }
        if let authority, let host, authority.lowercased() != host.lowercased() { return nil }
        guard let host = authority ?? host, !host.isEmpty, Self.hasNoBlank(host) else { return nil }
        var text = ByteBuffer()
        text.writeString("\(method) \(path) HTTP/1.1\r\n")
        Self.write("host", host, to: &text)
        text.writeBuffer(&lines)
        if let cookie { Self.write("cookie", cookie, to: &text) }
        if let length {
            Self.write("content-length", length, to: &text)
            framing = endsStream ? .none : .length
        } else if endsStream {
            framing = .none
        } else {
            Self.write("transfer-encoding", "chunked", to: &text)
            framing = .chunked
        }
        text.writeStaticString("\r\n")
        self.text = text
        isHead = method == "HEAD"
    }

    /// Each pseudo-field, and what decides about host and length, once.
    private static func take(_ value: String, into place: inout String?) -> Bool {
        guard place == nil else { return false }
        place = value
        return true
    }

    private static func write(_ name: String, _ value: String, to buffer: inout ByteBuffer) {
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
    }

    /// RFC 9110, 5.6.2, without capitals.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                switch $0 {
                case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x5E...0x7A, 0x7C, 0x7E: true
                default: false
                }
            }
    }

    static func isPlain(_ value: String) -> Bool { value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }

    private static func hasNoBlank(_ value: String) -> Bool { value.utf8.allSatisfy { $0 > 0x20 } }
}
