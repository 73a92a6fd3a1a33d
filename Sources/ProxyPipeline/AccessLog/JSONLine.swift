import GatewayPrimitives

/// Writes one line of JSON: an object of texts and numbers, whatever bytes a client has sent. Appends to a scratch that keeps its
/// memory, so that a line allocates nothing.
///
/// A member is its name, by ``name(_:)``, and one value behind it.
struct JSONLine {
    let out: ByteScratch
    private var isFirst = true

    init(_ out: ByteScratch) {
        self.out = out
        out.append(UInt8(ascii: "{"))
    }

    /// Goes on behind what has been written already.
    init(continuing out: ByteScratch, isFirst: Bool) {
        self.out = out
        self.isFirst = isFirst
    }

    mutating func end() { out.append("}\n") }

    /// Without the line's end.
    mutating func close() { out.append(UInt8(ascii: "}")) }

    mutating func name(_ name: StaticString) {
        let count = name.utf8CodeUnitCount
        var place = out.reserve(count + 4)
        if !isFirst {
            place.storeBytes(of: UInt8(ascii: ","), as: UInt8.self)
            place += 1
        }
        place.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        (place + 1).copyMemory(from: name.utf8Start, byteCount: count)
        (place + count + 1).storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        (place + count + 2).storeBytes(of: UInt8(ascii: ":"), as: UInt8.self)
        out.advance(by: isFirst ? count + 3 : count + 4)
        isFirst = false
    }

    // MARK: Values

    /// `-`: the reference's sign for what is absent (gateway-runtime.md, 14.1).
    func absent() { out.append("\"-\"" as StaticString) }

    /// Absent when empty; cut off after `limit` bytes.
    func text(_ value: ByteView?, limit: Int = JSONLine.textLimit) {
        guard let value, !value.isEmpty else { return absent() }
        beginText()
        append(value.slice(0, min(value.count, limit)))
        endText()
    }

    func text(_ value: [UInt8]) { value.withUnsafeBytes { text(ByteView($0)) } }

    func text(_ value: String) {
        guard !value.isEmpty else { return absent() }
        var value = value
        value.withUTF8 { text(ByteView(UnsafeRawBufferPointer($0))) }
    }

    /// A word of the gateway's own, which has nothing that must be escaped.
    func text(_ value: StaticString) {
        guard value.utf8CodeUnitCount > 0 else { return absent() }
        beginText()
        out.append(value)
        endText()
    }

    /// A text in which nothing can stand that must be escaped; absent when empty.
    func plainText(_ value: ByteView?) {
        guard let value, !value.isEmpty else { return absent() }
        let count = min(value.count, JSONLine.textLimit)
        let place = out.reserve(count + 2)
        place.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        (place + 1).copyMemory(from: value.start, byteCount: count)
        (place + count + 1).storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        out.advance(by: count + 2)
    }

    /// For a text in pieces; ``endText()`` follows.
    func beginText() { out.append(UInt8(ascii: "\"")) }

    func endText() { out.append(UInt8(ascii: "\"")) }

    func number(_ value: Int) { decimal(max(0, value)) }

    /// Seconds with three decimals.
    func seconds(nanoseconds: UInt64) {
        let milliseconds = Int(truncatingIfNeeded: nanoseconds / 1_000_000)
        decimal(milliseconds / 1000)
        let place = out.reserve(4)
        place.storeBytes(of: UInt8(ascii: "."), as: UInt8.self)
        place.storeBytes(of: digit(milliseconds / 100), toByteOffset: 1, as: UInt8.self)
        place.storeBytes(of: digit(milliseconds / 10), toByteOffset: 2, as: UInt8.self)
        place.storeBytes(of: digit(milliseconds), toByteOffset: 3, as: UInt8.self)
        out.advance(by: 4)
    }

    /// With two decimals.
    func hundredths(_ value: Int) {
        decimal(value / 100)
        out.append(UInt8(ascii: "."))
        out.append(digit(value / 10))
        out.append(digit(value))
    }

    func flag(_ value: Bool) { out.append(value ? "true" : "false" as StaticString) }

    /// An object; its members come with ``beginMember(_:isFirst:)``, its end with ``endObject()``.
    func beginObject() { out.append(UInt8(ascii: "{")) }

    func endObject() { out.append(UInt8(ascii: "}")) }

    /// The name of a text inside an object; the text and ``endText()`` follow.
    func beginMember(_ name: ByteView, isFirst: Bool) {
        if !isFirst { out.append(UInt8(ascii: ",")) }
        out.append(UInt8(ascii: "\""))
        append(name)
        out.append("\":\"")
    }

    private func digit(_ value: Int) -> UInt8 { 0x30 &+ UInt8(truncatingIfNeeded: value % 10) }

    /// - Parameter value: not negative.
    func decimal(_ value: Int) {
        if value < 10 { return out.append(digit(value)) }
        var count = 2
        var bound = 100
        // 18 digits are compared; the bound of 19 would not fit.
        while value >= bound, count < 18 {
            bound &*= 10
            count += 1
        }
        if value >= bound { count += 1 }
        let place = out.reserve(count)
        var rest = value
        var offset = count
        while offset > 0 {
            offset -= 1
            place.storeBytes(of: digit(rest), toByteOffset: offset, as: UInt8.self)
            rest /= 10
        }
        out.advance(by: count)
    }

    // MARK: Escaping

    /// Longest text that one member shows.
    static let textLimit = 8192

    /// Nothing that ends the text or the line comes through, and nothing that is not UTF-8: each such byte is U+FFFD.
    func append(_ view: ByteView, plusIsBlank: Bool = false) {
        if isPlain(view, plusIsBlank) { return out.append(view.buffer) }
        var index = 0
        var plainFrom = 0
        func flush(to end: Int) {
            if end > plainFrom { out.append(view.slice(plainFrom, end).buffer) }
        }
        while index < view.count {
            if index + 8 <= view.count {
                let plain = Self.plainBytes(view.start.loadUnaligned(fromByteOffset: index, as: UInt64.self), plusIsBlank)
                index += plain
                if plain == 8 { continue }
            }
            let byte = view[index]
            if byte >= 0x20, byte < 0x7F, byte != 0x22, byte != 0x5C, byte != 0x2B || !plusIsBlank {
                index += 1
                continue
            }
            let length = byte < 0x80 ? 0 : Self.sequenceLength(view, index)
            if length > 0 {
                index += length
                continue
            }
            flush(to: index)
            index += 1
            plainFrom = index
            switch byte {
            case 0x22: out.append("\\\"")
            case 0x5C: out.append("\\\\")
            case 0x2B: out.append(UInt8(ascii: " "))
            case 0x80...: out.append("\\ufffd")
            default:
                out.append("\\u00")
                out.append(Hexadecimal.lowerDigit(byte >> 4))
                out.append(Hexadecimal.lowerDigit(byte & 15))
            }
        }
        flush(to: index)
    }

    /// Everything is written as it is. False for short texts, which are not worth being looked at twice.
    private func isPlain(_ view: ByteView, _ plusIsBlank: Bool) -> Bool {
        let last = view.count - 8
        guard last >= 0 else { return false }
        var index = 0
        while Self.plainBytes(view.start.loadUnaligned(fromByteOffset: index, as: UInt64.self), plusIsBlank) == 8 {
            if index == last { return true }
            // The last word may overlap the one before it.
            index = min(index + 8, last)
        }
        return false
    }

    /// How many of eight bytes in a row, from the first on, are written as they are.
    @inline(__always)
    private static func plainBytes(_ word: UInt64, _ plusIsBlank: Bool) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // The top bit of a byte that is zero, and of none before it: what is borrowed goes to later bytes alone.
        func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }
        let word = UInt64(littleEndian: word)
        var special = word | (word &- ones &* 0x20) & ~word
        special |= zeros(word ^ ones &* 0x22) | zeros(word ^ ones &* 0x5C) | zeros(word ^ ones &* 0x7F)
        if plusIsBlank { special |= zeros(word ^ ones &* 0x2B) }
        return (special & (ones &* 0x80)).trailingZeroBitCount / 8
    }

    /// Everything is well-formed UTF-8.
    static func isText(_ view: ByteView) -> Bool {
        var index = 0
        while index < view.count {
            if view[index] < 0x80 {
                index += 1
                continue
            }
            let length = sequenceLength(view, index)
            if length == 0 { return false }
            index += length
        }
        return true
    }

    /// Length of the well-formed sequence of UTF-8 that begins here (RFC 3629, section 4); 0 when there is none.
    private static func sequenceLength(_ view: ByteView, _ start: Int) -> Int {
        func isTail(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            start + offset < view.count && range.contains(view[start + offset])
        }
        switch view[start] {
        case 0xC2...0xDF: return isTail(1) ? 2 : 0
        case 0xE0: return isTail(1, 0xA0...0xBF) && isTail(2) ? 3 : 0
        case 0xED: return isTail(1, 0x80...0x9F) && isTail(2) ? 3 : 0
        case 0xE1...0xEF: return isTail(1) && isTail(2) ? 3 : 0
        case 0xF0: return isTail(1, 0x90...0xBF) && isTail(2) && isTail(3) ? 4 : 0
        case 0xF1...0xF3: return isTail(1) && isTail(2) && isTail(3) ? 4 : 0
        case 0xF4: return isTail(1, 0x80...0x8F) && isTail(2) && isTail(3) ? 4 : 0
        default: return 0
        }
    }
}
