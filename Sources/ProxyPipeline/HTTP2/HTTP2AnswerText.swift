import GatewayPrimitives
import Snapshot

/// An answer of HTTP/2 in the form that ``ResponseHead`` reads. How long it is, is said by the frames, which must agree with what it says
/// itself.
public struct HTTP2AnswerText {
    public let status: Int
    /// What `content-length` says.
    public let length: Int?

    /// Most bytes that the text can have.
    public static func bound(_ fields: HTTP2FieldList) -> Int { fields.size + 64 }

    /// - Parameters:
    ///   - endsStream: no body follows.
    ///   - writer: gets the text, and has room for ``bound(_:)``.
    /// - Returns: nil when a field could be read as something else (RFC 9113, 8.2 and 8.3.2).
    public init?(_ fields: HTTP2FieldList, endsStream: Bool, to writer: inout ByteWriter) {
        guard fields.count > 0, fields.name(at: 0).equals(":status"), fields.value(at: 0).count == 3,
            let status = fields.value(at: 0).decimal, status >= 100, Self.areFields(fields, from: 1)
        else { return nil }
        self.status = status
        var length: Int?
        writer.append("HTTP/1.1 ")
        writer.append(decimal: status)
        writer.append(" \r\n")
        for index in 1..<fields.count {
            let name = fields.name(at: index)
            guard name.equals("content-length") else {
                writer.line(name, fields.value(at: index))
                continue
            }
            guard length == nil, let count = fields.value(at: index).decimal else { return nil }
            length = count
        }
        self.length = length
        writer.append(endsStream ? "content-length: 0\r\n\r\n" : "transfer-encoding: chunked\r\n\r\n")
    }

    /// The fields as trailers; nil when they cannot be.
    public static func trailers(_ fields: HTTP2FieldList) -> [HeaderLine]? {
        guard areFields(fields, from: 0) else { return nil }
        return (0..<fields.count).map { HeaderLine(name: fields.name(at: $0).array, value: fields.value(at: $0).array) }
    }

    private static func areFields(_ fields: HTTP2FieldList, from: Int) -> Bool {
        for index in from..<fields.count {
            guard HTTP2RequestText.isName(fields.name(at: index)), ByteClass.isFieldValue(fields.value(at: index)) else { return false }
            switch KnownHeader.named(fields.name(at: index)) {
            case .connection, .keepAlive, .transferEncoding, .upgrade: return false
            case .proxy: if fields.name(at: index).equals("proxy-connection") { return false }
            default: break
            }
        }
        return true
    }
}
