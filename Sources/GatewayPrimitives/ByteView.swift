#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Bytes that somebody else owns: a start and a count, nothing else.
///
/// The request path compares and copies received bytes without making strings of them. A view is valid as long as its
/// owner says (for the views of a request head: until the request is finished); it must not be stored beyond that.
@frozen
public struct ByteView {
    public let start: UnsafeRawPointer
    public let count: Int

    @inlinable
    public init(start: UnsafeRawPointer, count: Int) {
        self.start = start
        self.count = count
    }

    /// A view of the buffer's bytes, empty for an empty buffer.
    @inlinable
    public init(_ buffer: UnsafeRawBufferPointer) {
        self.start = buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        self.count = buffer.count
    }

    /// A view of a literal, which lives for ever.
    @inlinable
    public init(_ text: StaticString) {
        self.start = UnsafeRawPointer(text.utf8Start)
        self.count = text.utf8CodeUnitCount
    }

    @inlinable
    public static var empty: ByteView { ByteView("") }

    @inlinable
    public var isEmpty: Bool { count == 0 }

    @inlinable
    public var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// The byte at `index`, which must be in `0 ..< count`.
    @inlinable
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count)
        return start.load(fromByteOffset: index, as: UInt8.self)
    }

    /// The bytes from `from` up to `to`; `0 <= from <= to <= count`.
    @inlinable
    public func slice(_ from: Int, _ to: Int) -> ByteView {
        precondition(from >= 0 && from <= to && to <= count)
        return ByteView(start: start + from, count: to - from)
    }

    @inlinable
    public func dropFirst(_ count: Int) -> ByteView { slice(count, self.count) }

    @inlinable
    public func firstIndex(of byte: UInt8) -> Int? { firstIndex(of: byte, from: 0) }

    @inlinable
    public func firstIndex(of byte: UInt8, from: Int) -> Int? {
        guard from < count else { return nil }
        guard let found = memchr(start + from, Int32(byte), count - from) else { return nil }
        return UnsafeRawPointer(found) - start
    }

    @inlinable
    public func contains(_ byte: UInt8) -> Bool { firstIndex(of: byte) != nil }

    /// The bytes without blanks and tabs at both ends.
    @inlinable
    public func trimmed() -> ByteView {
        var from = 0
        var to = count
        while from < to, isBlank(start.load(fromByteOffset: from, as: UInt8.self)) { from += 1 }
        while to > from, isBlank(start.load(fromByteOffset: to - 1, as: UInt8.self)) { to -= 1 }
        return ByteView(start: start + from, count: to - from)
    }

    @inlinable
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    // MARK: Comparison

    @inlinable
    public func equals(_ other: ByteView) -> Bool {
        count == other.count && memcmp(start, other.start, count) == 0
    }

    @inlinable
    public func equals(_ other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        return other.withUnsafeBytes { bytes in
            bytes.isEmpty || memcmp(start, bytes.baseAddress.unsafelyUnwrapped, bytes.count) == 0
        }
    }

    @inlinable
    public func equals(_ other: StaticString) -> Bool { equals(ByteView(other)) }

    @inlinable
    public func hasPrefix(_ other: ByteView) -> Bool {
        count >= other.count && memcmp(start, other.start, other.count) == 0
    }

    /// Equal but for the case of ASCII letters; `lowercase` has none in upper case.
    @inlinable
    public func equalsIgnoringCase(_ lowercase: ByteView) -> Bool {
        guard count == lowercase.count else { return false }
        return hasPrefixIgnoringCase(lowercase)
    }

    @inlinable
    public func equalsIgnoringCase(_ lowercase: StaticString) -> Bool { equalsIgnoringCase(ByteView(lowercase)) }

    @inlinable
    public func equalsIgnoringCase(_ lowercase: [UInt8]) -> Bool {
        guard count == lowercase.count else { return false }
        return lowercase.withUnsafeBytes { hasPrefixIgnoringCase(ByteView($0)) }
    }

    @inlinable
    public func hasPrefixIgnoringCase(_ lowercase: ByteView) -> Bool {
        guard count >= lowercase.count else { return false }
        for index in 0 ..< lowercase.count {
            let byte = asciiLowercase(start.load(fromByteOffset: index, as: UInt8.self))
            if byte != lowercase.start.load(fromByteOffset: index, as: UInt8.self) { return false }
        }
        return true
    }

    // MARK: Copies, for what leaves the request path

    public var array: [UInt8] { Array(buffer) }

    /// The bytes as text; what is not UTF-8 is replaced.
    public var string: String { String(decoding: buffer, as: UTF8.self) }

    /// A decimal number of digits alone; nil for anything else and for more than 18 digits.
    @inlinable
    public var decimal: Int? {
        guard count > 0, count <= 18 else { return nil }
        var value = 0
        for index in 0 ..< count {
            let digit = start.load(fromByteOffset: index, as: UInt8.self) &- 0x30
            if digit > 9 { return nil }
            value = value &* 10 &+ Int(digit)
        }
        return value
    }
}

/// The ASCII letter in lower case; any other byte as it is.
@inlinable
public func asciiLowercase(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}

/// The value of a hexadecimal digit, nil for another byte.
@inlinable
public func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30 ... 0x39: byte &- 0x30
    case 0x41 ... 0x46: byte &- 0x37
    case 0x61 ... 0x66: byte &- 0x57
    default: nil
    }
}
