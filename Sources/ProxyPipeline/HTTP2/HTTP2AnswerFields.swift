import GatewayPrimitives
import Snapshot

/// Field blocks of answers. Nothing is indexed: values differ from answer to answer, and a table that a client can make grow is memory
/// that it holds.
public enum HTTP2AnswerFields {
    private static var grpc: ByteView { ByteView("application/grpc") }

    /// Most bytes that an answer's block can have.
    public static func bound(_ answer: ResponseHead) -> Int { answer.byteCount + answer.fieldCount * 8 + 64 }

    /// Writes an answer that was read, without what is about the connection.
    public static func write(_ answer: ResponseHead, to writer: inout ByteWriter) {
        write(status: answer.status, to: &writer)
        for index in 0..<answer.fieldCount where !answer.isRemoved(at: index) {
            switch answer.known(at: index) {
            case .contentType: writer.append("\u{0F}\u{10}")
            case .date: writer.append("\u{0F}\u{12}")
            case .server: writer.append("\u{0F}\u{27}")
            default:
                let name = answer.name(at: index)
                writer.append(0x00 as UInt8)
                integer(name.count, to: &writer)
                writer.append(lowercasing: name)
            }
            string(answer.value(at: index), to: &writer)
        }
        // Calls of gRPC have no length, not even where an answer has no messages.
        guard let length = answer.declaredLength, answer.value(.contentType)?.hasPrefixIgnoringCase(grpc) != true else { return }
        writer.append("\u{0F}\u{0D}")
        var digits = 1
        var rest = length
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        integer(digits, to: &writer)
        writer.append(decimal: length)
    }

    public static func bound(_ trailers: [HeaderLine]) -> Int { trailers.reduce(0) { $0 + $1.name.count + $1.value.count + 16 } }

    public static func write(_ trailers: [HeaderLine], to writer: inout ByteWriter) {
        for line in trailers {
            writer.append(0x00 as UInt8)
            line.name.withUnsafeBytes { string(ByteView($0), to: &writer) }
            line.value.withUnsafeBytes { string(ByteView($0), to: &writer) }
        }
    }

    private static func write(status: Int, to writer: inout ByteWriter) {
        let index: UInt8 =
            switch status {
            case 200: 8
            case 204: 9
            case 206: 10
            case 304: 11
            case 400: 12
            case 404: 13
            case 500: 14
            default: 0
            }
        if index > 0 { return writer.append(0x80 | index) }
        writer.append("\u{08}\u{03}")
        writer.append(decimal: status)
    }

    private static func string(_ view: ByteView, to writer: inout ByteWriter) {
        integer(view.count, to: &writer)
        writer.append(view)
    }

    /// A length without Huffman coding (RFC 7541, 5.1 and 5.2).
    private static func integer(_ value: Int, to writer: inout ByteWriter) {
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
