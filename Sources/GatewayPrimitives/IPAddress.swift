/// An IPv4 or IPv6 address.
///
/// An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is the IPv4 address: a dual-stack listener reports IPv4 peers that way, and
/// an access list must not depend on it.
public struct IPAddress: Sendable, Hashable {
    public enum Family: UInt8, Sendable { case v4, v6 }
    public let family: Family
    /// In two halves: what holds an address then needs no more alignment than the allocator gives anyway.
    @usableFromInline let high, low: UInt64

    /// The address as a number; an IPv4 address has the low 32 bits.
    @inlinable
    public var value: UInt128 { UInt128(high) << 64 | UInt128(low) }

    /// Longest text of an address, `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
    public static let maxTextLength = 45

    public init(v4 value: UInt32) {
        family = .v4
        high = 0
        low = UInt64(value)
    }

    public init(v6 value: UInt128) {
        let isMapped = value >> 32 == 0xFFFF
        family = isMapped ? .v4 : .v6
        high = isMapped ? 0 : UInt64(truncatingIfNeeded: value >> 64)
        low = isMapped ? UInt64(truncatingIfNeeded: value & 0xFFFF_FFFF) : UInt64(truncatingIfNeeded: value)
    }

    /// From 4 or 16 bytes in network order; nil for any other count.
    public init?(networkBytes: UnsafeRawBufferPointer) {
        var value: UInt128 = 0
        for byte in networkBytes.prefix(17) { value = value << 8 | UInt128(byte) }
        switch networkBytes.count {
        case 4: self.init(v4: UInt32(value))
        case 16: self.init(v6: value)
        default: return nil
        }
    }

    /// Reads the text form: four decimals without leading zeros, or RFC 4291, 2.2, in any of its spellings.
    /// No zone, no brackets, no blanks, no port. Allocates nothing.
    public init?(parsing text: UnsafeRawBufferPointer) {
        guard (2...Self.maxTextLength).contains(text.count) else { return nil }
        if let value = Self.parseV4(text[...]) {
            self.init(v4: value)
        } else if let value = Self.parseV6(text) {
            self.init(v6: value)
        } else {
            return nil
        }
    }

    public init?(_ text: some StringProtocol) {
        guard let address = Array(text.utf8).withUnsafeBytes({ IPAddress(parsing: $0) }) else { return nil }
        self = address
    }

    private static func parseV4(_ text: Slice<UnsafeRawBufferPointer>) -> UInt32? {
        var value: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var dots = 0
        for byte in text {
            switch byte {
            case 0x30...0x39:
                // A leading zero would be octal to some readers.
                guard digits == 0 || part != 0 else { return nil }
                part = part * 10 + UInt32(byte - 0x30)
                digits += 1
                guard part <= 255 else { return nil }
            case 0x2E:
                guard digits > 0, dots < 3 else { return nil }
                value = value << 8 | part
                part = 0
                digits = 0
                dots += 1
            default: return nil
            }
        }
        guard dots == 3, digits > 0 else { return nil }
        return value << 8 | part
    }

    private static func parseV6(_ text: UnsafeRawBufferPointer) -> UInt128? {
        var head: UInt128 = 0  // groups before `::`
        var tail: UInt128 = 0  // groups behind it
        var headCount = 0
        var tailCount = 0
        var compressed = false
        var index = 0
        if text[0] == 0x3A {
            guard text.count >= 2, text[1] == 0x3A else { return nil }
            compressed = true
            index = 2
        }
        while index < text.count {
            var end = index
            var group: UInt128 = 0
            while end < text.count, end - index < 5, let digit = Hexadecimal.value(text[end]) {
                group = group << 4 | UInt128(digit)
                end += 1
            }
            var bits = 16
            if end < text.count, text[end] == 0x2E {
                guard let v4 = parseV4(text[index...]) else { return nil }
                group = UInt128(v4)
                bits = 32
                end = text.count
            } else {
                guard end > index, end - index <= 4 else { return nil }
            }
            if compressed {
                tail = tail << UInt128(bits) | group
                tailCount += bits / 16
            } else {
                head = head << UInt128(bits) | group
                headCount += bits / 16
            }
            guard headCount + tailCount <= 8 else { return nil }
            if end == text.count { break }
            guard text[end] == 0x3A else { return nil }
            index = end + 1
            if index < text.count, text[index] == 0x3A {
                guard !compressed else { return nil }
                compressed = true
                index += 1
            } else if index == text.count {
                return nil  // a single colon at the end
            }
        }
        guard compressed ? headCount + tailCount <= 7 : headCount == 8 else { return nil }
        return headCount == 0 ? tail : head << UInt128(16 * (8 - headCount)) | tail
    }

    /// Appends the text form; IPv6 as in RFC 5952.
    public func write(to output: ByteScratch) {
        var text = [UInt8]()
        text.reserveCapacity(Self.maxTextLength)
        write(to: &text)
        output.append(text)
    }

    /// Appends the text form; IPv6 as in RFC 5952.
    public func write(to output: inout [UInt8]) {
        guard family == .v6 else {
            for shift in [24, 16, 8, 0] {
                if shift != 24 { output.append(0x2E) }
                output.append(contentsOf: String(UInt8(truncatingIfNeeded: value >> UInt128(shift))).utf8)
            }
            return
        }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(16 * (7 - $0))) }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(longest.count, 1) { longest = start..<end }
            start = max(end, start + 1)
        }
        var index = 0
        while index < 8 {
            if index == longest.lowerBound, !longest.isEmpty {
                output.append(0x3A)
                output.append(0x3A)
                index = longest.upperBound
                continue
            }
            if index > 0, index != longest.upperBound || longest.isEmpty { output.append(0x3A) }
            output.append(contentsOf: String(groups[index], radix: 16).utf8)
            index += 1
        }
    }
}

extension IPAddress: CustomStringConvertible {
    public var description: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// As text.
extension IPAddress: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = IPAddress(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no address")
        }
        self = address
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
