import Foundation
import GatewayPrimitives
import NIOCore
import WireContract

/// Reading of JSON bodies: what is too deep, too long-winded or not UTF-8 is refused before a decoder sees it.
enum JSONBody {
    /// Arrays and objects inside each other.
    static let depthLimit = 64
    /// Values of one body; a comma parts two.
    static let valueLimit = 500_000
    /// Characters of one number.
    static let numberLimit = 64
    static let endOfInput = "unexpected end of JSON input"

    /// - Throws: `ManagementFailure.unreadableBody`.
    static func decode<Body: Decodable>(_ type: Body.Type, from bytes: ByteBuffer) throws(ManagementFailure) -> Body {
        if let reason = bytes.readableBytesView.withUnsafeBytes({ defect($0) }) { throw .unreadableBody(reason: reason) }
        do {
            // Foundation's decoder looks at the fields that it is asked for and is lenient about commas: what stands in the
            // others must be JSON as well, and no name may stand twice.
            _ = try GatewayPrimitives.JSONValue(
                parsing: String(buffer: bytes),
                limits: .init(length: bytes.readableBytes, depth: depthLimit, values: valueLimit))
            return try JSONDecoder().decode(Body.self, from: Data(bytes.readableBytesView))
        } catch is JSONReadError {
            throw .unreadableBody(reason: "invalid JSON")
        } catch let error as DecodingError {
            throw .unreadableBody(reason: reason(error))
        } catch {
            throw .unreadableBody(reason: "invalid JSON")
        }
    }

    /// Whether a body counts as none: nothing but white space, or `null`.
    static func isEmpty(_ bytes: ByteBuffer) -> Bool {
        guard bytes.readableBytes <= 1024 else { return false }
        let text = bytes.readableBytesView.filter { $0 > 0x20 }
        return text.isEmpty || text.elementsEqual("null".utf8)
    }

    /// What is wrong with the text as a whole, or nil. One pass, no recursion.
    static func defect(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard String(validating: bytes, as: UTF8.self) != nil else { return "the text is not UTF-8" }
        var depth = 0
        var values = 1
        var number = 0
        var inText = false
        var escaped = false
        for byte in bytes {
            if inText {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth > depthLimit { return "exceeded max depth" }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 0 { return "unbalanced brackets" }
            case UInt8(ascii: ","):
                values += 1
                if values > valueLimit { return "too many values" }
            default: break
            }
            let isNumber = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".")
            number = isNumber ? number + 1 : 0
            if number > numberLimit { return "a number is too long" }
        }
        return inText || depth > 0 || bytes.allSatisfy({ $0 <= 0x20 }) ? endOfInput : nil
    }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context): wrongType(context.codingPath)
        case .keyNotFound(_, let context): wrongType(context.codingPath)
        // Of the path only: the parser's own text may repeat the value.
        case .dataCorrupted(let context): context.codingPath.isEmpty ? "invalid JSON" : wrongType(context.codingPath)
        @unknown default: "invalid JSON"
        }
    }

    private static func wrongType(_ path: [any CodingKey]) -> String {
        let names = path.prefix(16).map { $0.intValue.map(String.init) ?? String($0.stringValue.prefix(64)) }
        return names.isEmpty ? "the body is not a JSON object" : "wrong type of field \(names.joined(separator: "."))"
    }
}
