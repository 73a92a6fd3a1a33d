import GatewayPrimitives

/// `grpc-timeout`: how long the caller waits for the end of its call, up to eight digits and a unit.
public enum GRPCTimeout {
    public static let name = Array("grpc-timeout".utf8)

    /// - Returns: nanoseconds; nil for what is no timeout.
    public static func nanoseconds(_ text: ByteView) -> UInt64? {
        guard (2...9).contains(text.count), let unit = unit(text[text.count - 1]) else { return nil }
        let digits = text.slice(0, text.count - 1)
        guard digits.buffer.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = digits.decimal else {
            return nil
        }
        let (product, overflows) = UInt64(number).multipliedReportingOverflow(by: unit)
        return overflows ? .max : product
    }

    /// The most exact text that fits, never more than there is.
    public static func text(_ nanoseconds: UInt64) -> [UInt8] {
        for (unit, name) in [(1, "n"), (1000, "u"), (1_000_000, "m")] as [(UInt64, String)] where nanoseconds / unit < 100_000_000 {
            return Array("\(nanoseconds / unit)\(name)".utf8)
        }
        return Array("\(min(nanoseconds / 1_000_000_000, 99_999_999))S".utf8)
    }

    private static func unit(_ letter: UInt8) -> UInt64? {
        switch letter {
        case UInt8(ascii: "n"): 1
        case UInt8(ascii: "u"): 1000
        case UInt8(ascii: "m"): 1_000_000
        case UInt8(ascii: "S"): 1_000_000_000
        case UInt8(ascii: "M"): 60_000_000_000
        case UInt8(ascii: "H"): 3_600_000_000_000
        default: nil
        }
    }
}

/// Follows the messages of a call by their prefixes, so that each of them keeps the limit that bodies of other requests keep as a
/// whole: a stream of messages has no length of its own.
public struct GRPCMessages: Sendable {
    /// Bytes that one message may have.
    private let limit: Int
    /// Of the five bytes before a message, those that have come.
    private var prefixCount = 0
    private var length = 0
    /// Bytes of the message that are still to come.
    private var rest = 0

    public init(limit: Int) { self.limit = limit }

    /// False when a message has begun that is too long.
    public mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < bytes.count {
            if rest > 0 {
                let taken = min(rest, bytes.count - offset)
                rest -= taken
                offset += taken
                continue
            }
            // A byte that says whether the message is compressed, then its length.
            if prefixCount > 0 { length = length << 8 | Int(bytes[offset]) }
            prefixCount += 1
            offset += 1
            guard prefixCount == 5 else { continue }
            guard length <= limit else { return false }
            rest = length
            length = 0
            prefixCount = 0
        }
        return true
    }
}
