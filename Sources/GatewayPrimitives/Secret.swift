/// Text that must not be seen: prints redacted wherever it is printed, and encodes as its mask.
///
/// Comparing two secrets takes as long as the longer one, whatever they hold.
public struct Secret: Sendable, Equatable, Encodable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    public init(_ text: String) { self.text = text }

    /// The text itself: for the one place that needs it.
    public var revealed: String { text }

    /// First three characters, ten asterisks, last three, whatever the length (management-api.md, 3.11); asterisks alone for
    /// a text so short that this would show all of it.
    public var masked: String {
        guard text.count > 6 else { return "**********" }
        return text.prefix(3) + "**********" + text.suffix(3)
    }

    public static func == (a: Secret, b: Secret) -> Bool {
        let left = Array(a.text.utf8)
        let right = Array(b.text.utf8)
        var difference = left.count ^ right.count
        for index in 0..<max(left.count, right.count) {
            difference |= Int(index < left.count ? left[index] : 0) ^ Int(index < right.count ? right[index] : 0)
        }
        return difference == 0
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(masked)
    }

    public var description: String { "<redacted>" }
    public var debugDescription: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}
