/// Writes one JSON text (RFC 8259) piece by piece, for the events that the request path sends to functions.
///
/// Commas and colons are its own affair; that objects and arrays are closed and names come before values is the caller's.
/// Confined to the event loop of its output.
public struct JSONWriter {
    private let output: ByteScratch
    private var needsComma = false

    public init(_ output: ByteScratch) { self.output = output }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// The name of an object's next member; ASCII without quotes and backslashes.
    public mutating func name(_ name: StaticString) {
        separate()
        output.append(UInt8(ascii: "\""))
        output.append(name)
        output.append("\":")
        needsComma = false
    }

    /// The name of an object's next member.
    public mutating func name(_ name: UnsafeRawBufferPointer) {
        string(name)
        output.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A string; bytes that are not UTF-8 become U+FFFD.
    public mutating func string(_ bytes: UnsafeRawBufferPointer) {
        separate()
        output.append(UInt8(ascii: "\""))
        if bytes.contains(where: { $0 >= 0x80 }) {
            var text = String(decoding: bytes, as: UTF8.self)
            text.withUTF8 { escape(UnsafeRawBufferPointer($0)) }
        } else {
            escape(bytes)
        }
        output.append(UInt8(ascii: "\""))
        needsComma = true
    }

    public mutating func string(_ view: ByteView) { string(view.buffer) }
    public mutating func string(_ bytes: [UInt8]) { bytes.withUnsafeBytes { string($0) } }

    public mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string(UnsafeRawBufferPointer($0)) }
    }

    /// The bytes in Base64 as a string.
    public mutating func base64(_ bytes: UnsafeRawBufferPointer) {
        separate()
        output.append(UInt8(ascii: "\""))
        Base64.encode(bytes, to: output)
        output.append(UInt8(ascii: "\""))
        needsComma = true
    }

    public mutating func bool(_ value: Bool) {
        separate()
        output.append(value ? "true" : "false")
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        output.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        output.append(bracket)
        needsComma = true
    }

    private func separate() { if needsComma { output.append(UInt8(ascii: ",")) } }

    private func escape(_ bytes: UnsafeRawBufferPointer) {
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { continue }
            output.append(UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
            start = index + 1
            switch byte {
            case 0x22: output.append("\\\"")
            case 0x5C: output.append("\\\\")
            case 0x0A: output.append("\\n")
            case 0x0D: output.append("\\r")
            case 0x09: output.append("\\t")
            default:
                output.append("\\u00")
                output.append(Hexadecimal.lowerDigit(byte >> 4))
                output.append(Hexadecimal.lowerDigit(byte & 15))
            }
        }
        output.append(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }
}
