import GatewayPrimitives

/// A request of HTTP/2 in the form that ``RequestHead`` reads: there is one reading of requests, and this is written for it.
///
/// Strict: no field can end a line, say how long the message is, or be about the connection (RFC 9113, 8.2 and 8.3).
public struct HTTP2RequestText {
    public enum Framing: Equatable, Sendable {
        /// The message has ended with its fields.
        case none
        /// `content-length` says how much is to come.
        case length
        case chunked
    }

    public let isHead: Bool
    public let framing: Framing
    /// What `content-length` says, nil where it is not there or says nothing: the reader of heads refuses it then.
    public let length: Int?

    /// Most bytes that the text can have.
    public static func bound(_ fields: HTTP2FieldList) -> Int { fields.size + 64 }

    private struct Found {
        var method: ByteView?
        var scheme: ByteView?
        var authority: ByteView?
        var path: ByteView?
        var host: ByteView?
        var length: ByteView?
        var cookies = 0

        /// Each pseudo-field, and what decides about host and length, once.
        static func take(_ value: ByteView, into place: inout ByteView?) -> Bool {
            guard place == nil else { return false }
            place = value
            return true
        }

        mutating func takePseudoField(_ name: ByteView, _ value: ByteView) -> Bool {
            if name.equals(":method") { return Self.take(value, into: &method) }
            if name.equals(":scheme") { return Self.take(value, into: &scheme) }
            if name.equals(":authority") { return Self.take(value, into: &authority) }
            if name.equals(":path") { return Self.take(value, into: &path) }
            return false
        }

        /// Who is asked for: `:authority` or `host`, which agree where both are there.
        var target: ByteView? {
            guard let authority else { return host }
            if let host, !HTTP2RequestText.sameIgnoringCase(authority, host) { return nil }
            return authority
        }
    }

    /// - Parameters:
    ///   - fields: in their order, pseudo-fields in front.
    ///   - endsStream: no body follows.
    ///   - writer: gets the text, and has room for ``bound(_:)``.
    /// - Returns: nil when the request is malformed (RFC 9113, 8.1.1); what was written then is nothing.
    public init?(_ fields: HTTP2FieldList, endsStream: Bool, to writer: inout ByteWriter) {
        var found = Found()
        var isBehindPseudoFields = false
        for index in 0..<fields.count {
            let name = fields.name(at: index)
            let value = fields.value(at: index)
            guard !name.isEmpty, ByteClass.isFieldValue(value) else { return nil }
            if name[0] == UInt8(ascii: ":") {
                guard !isBehindPseudoFields, found.takePseudoField(name, value) else { return nil }
                continue
            }
            isBehindPseudoFields = true
            guard Self.isName(name) else { return nil }
            switch KnownHeader.named(name) {
            case .connection, .keepAlive, .transferEncoding, .upgrade: return nil
            case .proxy: if name.equals("proxy-connection") { return nil }
            case .host: guard Found.take(value, into: &found.host) else { return nil }
            case .contentLength: guard Found.take(value, into: &found.length) else { return nil }
            case .cookie: found.cookies += 1
            case .te: guard value.equalsIgnoringCase("trailers") else { return nil }
            case .other: if name.equals("http2-settings") { return nil }
            default: break
            }
        }
        guard let method = found.method, ByteClass.isToken(method), let scheme = found.scheme, let path = found.path else { return nil }
        // Behind a load balancer that ends TLS, the scheme is the client's and not this connection's: it decides nothing here.
        guard scheme.equalsIgnoringCase("https") || scheme.equalsIgnoringCase("http") else { return nil }
        // One form of the target, so that it cannot name another host.
        guard !path.isEmpty, path[0] == UInt8(ascii: "/") || path.equals("*"), Self.hasNoBlank(path) else { return nil }
        guard let host = found.target, !host.isEmpty, Self.hasNoBlank(host) else { return nil }
        length = found.length?.decimal
        if endsStream {
            guard (length ?? 0) == 0 else { return nil }
            framing = .none
        } else {
            framing = found.length == nil ? .chunked : .length
        }
        isHead = method.equals("HEAD")
        writer.append(method)
        writer.append(UInt8(ascii: " "))
        writer.append(path)
        writer.append(" HTTP/1.1\r\n")
        writer.line("host", host)
        for index in 0..<fields.count {
            let name = fields.name(at: index)
            if name[0] == UInt8(ascii: ":") { continue }
            switch KnownHeader.named(name) {
            case .host, .contentLength, .cookie, .te: continue
            default: writer.line(name, fields.value(at: index))
            }
        }
        if found.cookies > 0 { Self.writeCookies(fields, to: &writer) }
        if let length = found.length {
            writer.line("content-length", length)
        } else if framing == .chunked {
            writer.append("transfer-encoding: chunked\r\n")
        }
        writer.append("\r\n")
    }

    /// Crumbs of one field (RFC 9113, 8.2.3).
    private static func writeCookies(_ fields: HTTP2FieldList, to writer: inout ByteWriter) {
        var isFirst = true
        for index in 0..<fields.count where fields.name(at: index).equals("cookie") {
            writer.append(isFirst ? "cookie: " : "; ")
            writer.append(fields.value(at: index))
            isFirst = false
        }
        writer.append("\r\n")
    }

    /// Trailers mean nothing here, as in HTTP/1.1; but they must be what trailers are.
    public static func areTrailers(_ fields: HTTP2FieldList) -> Bool {
        for index in 0..<fields.count {
            guard isName(fields.name(at: index)), ByteClass.isFieldValue(fields.value(at: index)) else { return false }
            switch KnownHeader.named(fields.name(at: index)) {
            case .connection, .keepAlive, .transferEncoding, .upgrade: return false
            default: break
            }
        }
        return true
    }

    /// RFC 9110, 5.6.2, without capitals.
    private static func isName(_ name: ByteView) -> Bool {
        guard !name.isEmpty else { return false }
        for byte in name.buffer where !ByteClass.isToken(byte) || byte &- 0x41 < 26 { return false }
        return true
    }

    private static func hasNoBlank(_ value: ByteView) -> Bool {
        for byte in value.buffer where byte <= 0x20 { return false }
        return true
    }

    private static func sameIgnoringCase(_ one: ByteView, _ other: ByteView) -> Bool {
        guard one.count == other.count else { return false }
        for index in 0..<one.count where asciiLowercase(one[index]) != asciiLowercase(other[index]) { return false }
        return true
    }
}
