import GatewayPrimitives

/// Which bytes may stand where in a message (RFC 9110, 5.5 and 5.6.2; RFC 3986).
enum ByteClass {
    /// `tchar`: names of methods and fields.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        // 128 bits, one for each ASCII character: a table in two registers, which nothing has to initialise.
        let bits: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return byte < 128 && (bits >> UInt64(byte & 63)) & 1 == 1
    }

    static func isToken(_ view: ByteView) -> Bool {
        guard !view.isEmpty else { return false }
        for index in 0 ..< view.count where !isToken(view[index]) { return false }
        return true
    }

    /// Nothing but visible characters, blanks, tabs and bytes above 127. Eight at a time: values are most of a head.
    @inline(__always)
    static func isFieldValue(_ view: ByteView) -> Bool {
        var index = 0
        let count = view.count
        while index + 8 <= count {
            let word = view.start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if hasControl(word) {
                for byte in index ..< index + 8 where isForbiddenInValue(view[byte]) { return false }
            }
            index += 8
        }
        while index < count {
            if isForbiddenInValue(view.start.load(fromByteOffset: index, as: UInt8.self)) { return false }
            index += 1
        }
        return true
    }

    @inline(__always)
    static func isForbiddenInValue(_ byte: UInt8) -> Bool { (byte < 0x20 && byte != 0x09) || byte == 0x7F }

    /// True when one of the eight bytes is below 0x20 or is 0x7F.
    @inline(__always)
    private static func hasControl(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let below = (word &- ones &* 0x20) & ~word & tops
        let flipped = word ^ (ones &* 0x7F)
        let delete = (flipped &- ones) & ~flipped & tops
        return below | delete != 0
    }

    /// Characters of a request target that need no look: unreserved, sub-delims, `:`, `@` and `/`.
    /// These mean the same encoded or not, and are never encoded again.
    @inline(__always)
    static func isPlainPath(_ byte: UInt8) -> Bool {
        let bits: UInt64 = byte < 64 ? 0x2FFF_FFD2_0000_0000 : 0x47FF_FFFE_87FF_FFFF
        return byte < 128 && (bits >> UInt64(byte & 63)) & 1 == 1
    }
}
