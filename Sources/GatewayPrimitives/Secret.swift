/// Text that must not reach logs, error texts, plans or metrics.
///
/// Every way of printing it (interpolation, `dump`, reflection, a debugger's summary) shows a fixed mark. The text is only
/// had by calling ``expose()``, which makes each use easy to find. Equality takes the same time wherever two secrets differ.
public struct Secret: Sendable, Hashable {
    private let bytes: [UInt8]

    public init(_ text: String) { bytes = Array(text.utf8) }
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// The secret as text; bytes that are not UTF-8 are replaced.
    public func expose() -> String { String(decoding: bytes, as: UTF8.self) }
    /// The secret's bytes.
    public func exposeBytes() -> [UInt8] { bytes }
    public var isEmpty: Bool { bytes.isEmpty }

    public static func == (a: Secret, b: Secret) -> Bool { equalInConstantTime(a.bytes, b.bytes) }
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "<redacted>" }
    public var debugDescription: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>(), displayStyle: .struct) }
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
public func equalInConstantTime(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for index in 0..<a.count { difference |= a[index] ^ b[index] }
    return difference == 0
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
public func equalInConstantTime(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.withUnsafeBytes { a in b.withUnsafeBytes { b in equalInConstantTime(a, b) } }
}
