/// A set of byte values, tested with one shift.
public struct ByteSet: Sendable, Equatable {
    @usableFromInline var bits: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    public init() {}
    public init(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }
    /// The UTF-8 bytes of `text`.
    public init(_ text: StaticString) { self.init(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) }

    @inlinable
    public func contains(_ byte: UInt8) -> Bool {
        let word =
            switch byte >> 6 {
            case 0: bits.0
            case 1: bits.1
            case 2: bits.2
            default: bits.3
            }
        return word & (1 << UInt64(byte & 63)) != 0
    }

    public mutating func insert(_ byte: UInt8) {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: bits.0 |= bit
        case 1: bits.1 |= bit
        case 2: bits.2 |= bit
        default: bits.3 |= bit
        }
    }

    public func union(_ other: ByteSet) -> ByteSet {
        var result = self
        result.bits = (
            bits.0 | other.bits.0, bits.1 | other.bits.1, bits.2 | other.bits.2, bits.3 | other.bits.3
        )
        return result
    }

    public var inverted: ByteSet {
        var result = self
        result.bits = (~bits.0, ~bits.1, ~bits.2, ~bits.3)
        return result
    }

    public static func == (a: ByteSet, b: ByteSet) -> Bool { a.bits == b.bits }

    public static let digits = ByteSet("0123456789")
    public static let letters = ByteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    public static let lettersAndDigits = letters.union(digits)
    /// `tchar` of RFC 9110, 5.6.2: what a header name consists of.
    public static let token = lettersAndDigits.union(ByteSet("!#$%&'*+-.^_`|~"))
}
