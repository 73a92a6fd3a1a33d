/// Percent-encoding (RFC 3986, 2.1) with the tables that the gateway uses.
public enum PercentEncoding {
    /// RFC 3986 unreserved: what a canonical request leaves as it is (gateway-runtime.md, 2.1).
    public static let unreserved = ByteSet.lettersAndDigits.union(ByteSet("-_.~"))
    /// What stays as it is in a value that is put into a backend path (gateway-runtime.md, 3.2).
    public static let pathValue = ByteSet(UInt8(33)...126).subtracting(ByteSet("?></%#\"[\\]^`{|}"))
    /// What stays as it is in a value that is put into a backend query (gateway-runtime.md, 3.2).
    public static let queryValue = ByteSet(UInt8(33)...126).subtracting(ByteSet(">=<+&%#\"[\\]^`{|}"))

    /// Appends `source`, with every byte outside of `kept` as `%XX` in upper case.
    public static func encode(_ source: UnsafeRawBufferPointer, keeping kept: ByteSet, to output: ByteScratch) {
        for byte in source {
            if kept.contains(byte) {
                output.append(byte)
            } else {
                output.append(0x25)
                output.append(Hexadecimal.upperDigit(byte >> 4))
                output.append(Hexadecimal.upperDigit(byte & 15))
            }
        }
    }

    /// Encodes into an array; for compiling and tests.
    public static func encode(_ source: [UInt8], keeping kept: ByteSet) -> [UInt8] {
        let output = ByteScratch(capacity: source.count * 3)
        source.withUnsafeBytes { encode($0, keeping: kept, to: output) }
        return output.array
    }

    /// Appends `source` with `%XX` replaced by its byte. A `%` that is not followed by two hexadecimal digits stays
    /// as it is, as in the vendor's signers.
    /// - Parameter plusIsBlank: read `+` as a blank (`application/x-www-form-urlencoded`).
    public static func decode(_ source: UnsafeRawBufferPointer, plusIsBlank: Bool = false, to output: ByteScratch) {
        var index = 0
        while index < source.count {
            let byte = source[index]
            if byte == 0x25, index + 2 < source.count,
                let high = Hexadecimal.value(source[index + 1]), let low = Hexadecimal.value(source[index + 2])
            {
                output.append(high << 4 | low)
                index += 3
            } else {
                output.append(plusIsBlank && byte == 0x2B ? 0x20 : byte)
                index += 1
            }
        }
    }

    /// Decodes into an array; for compiling and tests.
    public static func decode(_ source: [UInt8], plusIsBlank: Bool = false) -> [UInt8] {
        let output = ByteScratch(capacity: source.count)
        source.withUnsafeBytes { decode($0, plusIsBlank: plusIsBlank, to: output) }
        return output.array
    }
}

extension ByteSet {
    public func subtracting(_ other: ByteSet) -> ByteSet { inverted.union(other).inverted }
}

/// Base-16 text.
public enum Hexadecimal {
    @inlinable
    public static func upperDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
    @inlinable
    public static func lowerDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    /// Value of one digit in either case.
    @inlinable
    public static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }

    /// Writes two lower-case digits a byte.
    /// - Precondition: `output` holds twice the bytes of `source`.
    public static func write(_ source: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer) {
        precondition(output.count >= source.count * 2)
        var index = 0
        while index + 4 <= source.count {
            let word = UInt32(bigEndian: source.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            output.storeBytes(of: digits(word).bigEndian, toByteOffset: index * 2, as: UInt64.self)
            index += 4
        }
        while index < source.count {
            output[index * 2] = lowerDigit(source[index] >> 4)
            output[index * 2 + 1] = lowerDigit(source[index] & 15)
            index += 1
        }
    }

    /// Eight lower-case digits at once, the first of them in the highest byte: the nibbles are spread over eight bytes, and those
    /// above nine get the distance from `9` to `a` added. Signatures and request ids are written on the path of requests.
    @inlinable
    public static func digits(_ value: UInt32) -> UInt64 {
        var spread = UInt64(value)
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = ((spread &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }

    /// Lower-case text.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(lowerDigit(byte >> 4))
            text.append(lowerDigit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// nil unless `text` has an even number of digits and nothing else.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var iterator = text.makeIterator()
        while let first = iterator.next(), let second = iterator.next() {
            guard let high = value(first), let low = value(second) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
