/// One entry of an instance's dictionaries: a name for a code, in a tree of codes (management-api.md, 3.25).
public struct DictionaryEntry: Encodable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    /// Unique in the instance, as the code is.
    public var name: String
    public let code: String
    public var remark: String
    /// The smaller, the further in front.
    public var order: Int
    public var extendOne: String
    public var extendTwo: String
    /// Code of the entry above; empty at the top.
    public let parentCode: String
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, code: String, remark: String, order: Int, extendOne: String,
        extendTwo: String, parentCode: String, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.code = code
        self.remark = remark
        self.order = order
        self.extendOne = extendOne
        self.extendTwo = extendTwo
        self.parentCode = parentCode
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What the fields of a dictionary entry may hold. The characters are the vendor's; it states no lengths.
///
/// Pure functions; lengths are in Unicode scalars.
public enum DictionaryRules {
    public static let nameLengths = 1...128
    public static let codeLengths = 1...128
    public static let remarkLengths = 0...1024
    public static let extensionLengths = 0...255
    /// Entries above each other.
    public static let depthLimit = 16

    /// - Throws: the first field that does not fit, by its wire name.
    public static func check(_ entry: DictionaryEntry) throws(InvalidField) {
        try check(entry.name, "name", nameLengths, chinese: true)
        guard !entry.remark.unicodeScalars.contains(where: { $0 == "<" || $0 == ">" || $0.value < 0x20 && $0 != "\n" && $0 != "\t" }),
            remarkLengths.contains(entry.remark.unicodeScalars.count)
        else { throw InvalidField(field: "remark", reason: "length or characters do not fit") }
        try check(entry.code, "code", codeLengths, chinese: false)
        try check(entry.extendOne, "extend_one", extensionLengths, chinese: true)
        try check(entry.extendTwo, "extend_two", extensionLengths, chinese: true)
    }

    /// Letters, digits, `_` and blanks, where it says so Chinese too; a text that must not be empty holds more than blanks.
    private static func check(
        _ text: String, _ field: String, _ lengths: ClosedRange<Int>, chinese: Bool
    ) throws(InvalidField) {
        let fits = lengths.contains(text.unicodeScalars.count)
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_", " ": true
                case "\u{4E00}"..."\u{9FA5}": chinese
                default: false
                }
            }
        guard fits, lengths.lowerBound == 0 || text.unicodeScalars.contains(where: { $0 != " " }) else {
            throw InvalidField(field: field, reason: "length or characters do not fit")
        }
    }
}
