/// A JSON text read into memory (RFC 8259), for texts inside of texts (plug-in contents, match expressions) and for answers of
/// functions.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number, as written.
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    /// Members in the order of the text; names are unique.
    case object([JSONMember])

    /// Bounds on a text; going past one is an error, never a crash.
    public struct Limits: Sendable {
        /// Bytes of the text.
        public var length: Int
        /// Arrays and objects within each other.
        public var depth: Int
        /// Values of all kinds.
        public var values: Int

        public init(length: Int, depth: Int, values: Int) {
            self.length = length
            self.depth = depth
            self.values = values
        }
        /// A plug-in's content: 65 535 characters, of up to four bytes.
        public static let pluginContent = Limits(length: 4 * 65_535, depth: 16, values: 20_000)
    }

    /// Reads one value that takes up the whole text.
    public init(parsing text: some StringProtocol, limits: Limits) throws(JSONReadError) {
        guard text.utf8.count <= limits.length else { throw JSONReadError(reason: .tooLong, offset: limits.length) }
        var reader = JSONReader(bytes: Array(text.utf8), limits: limits)
        self = try reader.document()
    }

    /// The same for bytes that somebody sent; what is not UTF-8 is an error and is not repaired.
    public init(parsing bytes: [UInt8], limits: Limits) throws(JSONReadError) {
        guard bytes.count <= limits.length else { throw JSONReadError(reason: .tooLong, offset: limits.length) }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw JSONReadError(reason: .invalidText, offset: 0) }
        var reader = JSONReader(bytes: bytes, limits: limits)
        self = try reader.document()
    }

    /// Member of an object; nil for an absent one, for null (management-api.md, 1.9) and for what is no object.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self, let member = members.first(where: { $0.name == name }) else { return nil }
        return member.value == .null ? nil : member.value
    }
}

/// A name and its value.
public struct JSONMember: Sendable, Equatable {
    public let name: String
    public let value: JSONValue

    public init(name: String, value: JSONValue) {
        self.name = name
        self.value = value
    }
}

/// A number as it was written.
public struct JSONNumber: Sendable, Equatable {
    public let text: String
    public init(text: String) { self.text = text }
    /// The value when it was written without fraction and exponent and fits.
    public var integer: Int? { Int(text) }
    public var double: Double? { Double(text) }
}

/// Why a text is not JSON within the limits.
public struct JSONReadError: Error, Sendable, Equatable {
    public enum Reason: Sendable, Equatable {
        case tooLong, tooDeep, tooManyValues
        case unexpectedEnd
        case unexpectedCharacter
        case invalidNumber, invalidEscape, controlCharacterInString
        /// Bytes that are not UTF-8.
        case invalidText
        case repeatedName(String)
        case textAfterValue
    }
    public let reason: Reason
    /// Byte at which it was found.
    public let offset: Int
}

private struct JSONReader {
    let bytes: [UInt8]
    let limits: JSONValue.Limits
    var index = 0
    var values = 0

    init(bytes: [UInt8], limits: JSONValue.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(JSONReadError) -> JSONValue {
        let value = try value(depth: 0)
        skipBlanks()
        guard index == bytes.count else { throw failure(.textAfterValue) }
        return value
    }

    private func failure(_ reason: JSONReadError.Reason) -> JSONReadError { JSONReadError(reason: reason, offset: index) }

    private mutating func skipBlanks() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    private func peek() throws(JSONReadError) -> UInt8 {
        guard index < bytes.count else { throw failure(.unexpectedEnd) }
        return bytes[index]
    }

    private mutating func expect(_ literal: StaticString) throws(JSONReadError) {
        for offset in 0..<literal.utf8CodeUnitCount {
            guard try peek() == literal.utf8Start[offset] else { throw failure(.unexpectedCharacter) }
            index += 1
        }
    }

    private mutating func value(depth: Int) throws(JSONReadError) -> JSONValue {
        values += 1
        guard values <= limits.values else { throw failure(.tooManyValues) }
        skipBlanks()
        switch try peek() {
        case 0x7B: return .object(try object(depth: depth + 1))
        case 0x5B: return .array(try array(depth: depth + 1))
        case 0x22: return .string(try string())
        case 0x74:
            try expect("true")
            return .bool(true)
        case 0x66:
            try expect("false")
            return .bool(false)
        case 0x6E:
            try expect("null")
            return .null
        case 0x2D, 0x30...0x39: return .number(try number())
        default: throw failure(.unexpectedCharacter)
        }
    }

    private mutating func object(depth: Int) throws(JSONReadError) -> [JSONMember] {
        guard depth <= limits.depth else { throw failure(.tooDeep) }
        index += 1
        var members: [JSONMember] = []
        var names: Set<String> = []
        skipBlanks()
        if try peek() == 0x7D {
            index += 1
            return members
        }
        while true {
            skipBlanks()
            guard try peek() == 0x22 else { throw failure(.unexpectedCharacter) }
            let name = try string()
            guard names.insert(name).inserted else { throw failure(.repeatedName(name)) }
            skipBlanks()
            try expect(":")
            members.append(JSONMember(name: name, value: try value(depth: depth)))
            skipBlanks()
            if try peek() == 0x7D {
                index += 1
                return members
            }
            try expect(",")
        }
    }

    private mutating func array(depth: Int) throws(JSONReadError) -> [JSONValue] {
        guard depth <= limits.depth else { throw failure(.tooDeep) }
        index += 1
        var elements: [JSONValue] = []
        skipBlanks()
        if try peek() == 0x5D {
            index += 1
            return elements
        }
        while true {
            elements.append(try value(depth: depth))
            skipBlanks()
            if try peek() == 0x5D {
                index += 1
                return elements
            }
            try expect(",")
        }
    }

    private mutating func number() throws(JSONReadError) -> JSONNumber {
        let start = index
        func digits(_ index: inout Int) -> Int {
            let first = index
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
            return index - first
        }
        if bytes[index] == 0x2D { index += 1 }
        let leadingZero = index < bytes.count && bytes[index] == 0x30
        let count = digits(&index)
        guard count > 0, !leadingZero || count == 1 else { throw failure(.invalidNumber) }
        if index < bytes.count, bytes[index] == 0x2E {
            index += 1
            guard digits(&index) > 0 else { throw failure(.invalidNumber) }
        }
        if index < bytes.count, bytes[index] | 0x20 == 0x65 {
            index += 1
            if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
            guard digits(&index) > 0 else { throw failure(.invalidNumber) }
        }
        guard index - start <= 64 else { throw failure(.invalidNumber) }
        return JSONNumber(text: String(decoding: bytes[start..<index], as: UTF8.self))
    }

    private mutating func string() throws(JSONReadError) -> String {
        index += 1
        var text: [UInt8] = []
        while true {
            // Whole runs: a function's answer may be one string of megabytes.
            let start = index
            while index < bytes.count, bytes[index] >= 0x20, bytes[index] != 0x22, bytes[index] != 0x5C { index += 1 }
            if index > start { text.append(contentsOf: bytes[start..<index]) }
            let byte = try peek()
            index += 1
            switch byte {
            case 0x22: return String(decoding: text, as: UTF8.self)
            case 0x5C: try escape(into: &text)
            default: throw failure(.controlCharacterInString)
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONReadError) {
        let kind = try peek()
        index += 1
        switch kind {
        case 0x22, 0x5C, 0x2F: text.append(kind)
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x6E: text.append(0x0A)
        case 0x72: text.append(0x0D)
        case 0x74: text.append(0x09)
        case 0x75:
            var unit = try codeUnit()
            if (0xD800..<0xDC00).contains(unit) {
                try expect("\\u")
                let low = try codeUnit()
                guard (0xDC00..<0xE000).contains(low) else { throw failure(.invalidEscape) }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw failure(.invalidEscape) }
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
        default: throw failure(.invalidEscape)
        }
    }

    private mutating func codeUnit() throws(JSONReadError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Hexadecimal.value(try peek()) else { throw failure(.invalidEscape) }
            unit = unit << 4 | UInt32(digit)
            index += 1
        }
        return unit
    }
}

extension JSONValue {
    /// The value as compact JSON text.
    public var text: String {
        switch self {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .number(let number): number.text
        case .string(let string): Self.quoted(string)
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members): "{" + members.map { "\(Self.quoted($0.name)):\($0.value.text)" }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..<" ":
                result += "\\u00" + String([Hexadecimal.lowerDigit(UInt8(scalar.value >> 4)), Hexadecimal.lowerDigit(UInt8(scalar.value & 15))].map { Character(UnicodeScalar($0)) })
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// The value with the member at `path` replaced; unchanged when there is no such member.
    public func replacing(_ path: [String], with replacement: (JSONValue) -> JSONValue) -> JSONValue {
        guard let name = path.first else { return replacement(self) }
        guard case .object(let members) = self else { return self }
        return .object(
            members.map { member in
                member.name == name
                    ? JSONMember(name: name, value: member.value.replacing(Array(path.dropFirst()), with: replacement)) : member
            })
    }
}
