/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let first = bytes[index]
            let second = index + 1 < bytes.count ? bytes[index + 1] : 0
            let third = index + 2 < bytes.count ? bytes[index + 2] : 0
            output.append(alphabet[Int(first >> 2)])
            output.append(alphabet[Int((first & 3) << 4 | second >> 4)])
            output.append(index + 1 < bytes.count ? alphabet[Int((second & 15) << 2 | third >> 6)] : 0x3D)
            output.append(index + 2 < bytes.count ? alphabet[Int(third & 63)] : 0x3D)
            index += 3
        }
        return output
    }

    /// Appends the encoded bytes to `output`; for large bodies.
    public static func encode(_ bytes: UnsafeRawBufferPointer, to output: ByteScratch) {
        let whole = bytes.count / 3 * 3
        alphabet.withUnsafeBufferPointer { alphabet in
            output.append(count: whole / 3 * 4) { area in
                var index = 0
                var place = 0
                while index < whole {
                    let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
                    area[place] = alphabet[Int(group >> 18)]
                    area[place + 1] = alphabet[Int(group >> 12 & 63)]
                    area[place + 2] = alphabet[Int(group >> 6 & 63)]
                    area[place + 3] = alphabet[Int(group & 63)]
                    index += 3
                    place += 4
                }
            }
        }
        if whole < bytes.count { output.append(encode(Array(bytes[whole...]))) }
    }

    /// nil when `text` has another alphabet, wrong or missing padding, line breaks, or bits set behind the last byte.
    public static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 4 * 3)
        var index = 0
        while index < text.count {
            let isLast = index + 4 == text.count
            let padding = !isLast ? 0 : text[index + 3] != 0x3D ? 0 : text[index + 2] != 0x3D ? 1 : 2
            var group: UInt32 = 0
            for offset in 0..<(4 - padding) {
                guard let value = value(text[index + offset]) else { return nil }
                group |= UInt32(value) << UInt32(18 - 6 * offset)
            }
            guard padding == 0 || group & (padding == 1 ? 0xFF : 0xFFFF) == 0 else { return nil }
            output.append(UInt8(group >> 16))
            if padding < 2 { output.append(UInt8(group >> 8 & 0xFF)) }
            if padding < 1 { output.append(UInt8(group & 0xFF)) }
            index += 4
        }
        return output
    }

    /// The alphabet for addresses and file names, without padding (RFC 4648, section 5).
    public static func encodeURL(_ bytes: [UInt8]) -> [UInt8] {
        encode(bytes).compactMap { character -> UInt8? in
            switch character {
            case 0x2B: 0x2D
            case 0x2F: 0x5F
            case 0x3D: nil
            default: character
            }
        }
    }

    /// nil when `text` has another alphabet, padding, or bits set behind the last byte.
    public static func decodeURL(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 != 1, !text.contains(where: { $0 == 0x2B || $0 == 0x2F || $0 == 0x3D }) else { return nil }
        let standard = text.map { $0 == 0x2D ? 0x2B : $0 == 0x5F ? 0x2F : $0 }
        return decode(standard + Array(repeating: 0x3D, count: (4 - text.count % 4) % 4))
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x41...0x5A: character - 0x41
        case 0x61...0x7A: character - 0x61 + 26
        case 0x30...0x39: character - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
