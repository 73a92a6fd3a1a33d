import GatewayPrimitives
import Yams

/// Files of API definitions as text: JSON or YAML in, one tree out. Files are hostile: length, depth and number of values are
/// limited before anything is made of them.
public enum DocumentText {
    /// Bytes of a file (management-api.md, 4.2).
    public static let byteLimit = 3 * 1024 * 1024
    /// Objects and lists within each other.
    public static let depthLimit = 64
    /// Values of all kinds.
    public static let valueLimit = 300_000

    /// - Throws: ``DocumentFault``: `empty`, `tooLong`, `unreadable`.
    public static func read(_ bytes: [UInt8]) throws(DocumentFault) -> JSONValue {
        guard bytes.count <= byteLimit else { throw .tooLong }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .unreadable(reason: "the text is not UTF-8") }
        let text = decoded.unicodeScalars.first == "\u{FEFF}" ? String(decoded.unicodeScalars.dropFirst()) : decoded
        guard let first = text.utf8.first(where: { $0 != 0x20 && !(0x09...0x0D).contains($0) }) else { throw .empty }
        // What begins as an object is JSON or nearly so; YAML's flow style is read by the YAML reader.
        if first == UInt8(ascii: "{") {
            do {
                return try JSONValue(
                    parsing: text, limits: .init(length: byteLimit, depth: depthLimit, values: valueLimit))
            } catch {
                switch error.reason {
                case .tooDeep, .tooManyValues, .repeatedName: throw .unreadable(reason: reason(error))
                default: break
                }
            }
        }
        return try YAMLReader.read(text)
    }

    private static func reason(_ error: JSONReadError) -> String {
        switch error.reason {
        case .tooDeep: "more than \(depthLimit) levels"
        case .tooManyValues: "more than \(valueLimit) values"
        case .repeatedName(let name): "the name \(name.prefix(64)) stands twice in one object"
        default: "invalid JSON at byte \(error.offset)"
        }
    }
}

/// YAML as far as JSON can say it: no anchors, no aliases, no tags but those of texts.
enum YAMLReader {
    static func read(_ text: String) throws(DocumentFault) -> JSONValue {
        // An alias inside of a key would be hashed, level by level, before the tree is there to be counted; so it is looked
        // for in the text. Aliases are a means to write a huge document in few bytes, and no document of APIs needs them.
        if YAMLAliases.areUsed(in: text) { throw .unreadable(reason: "anchors and aliases are not taken") }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw .unreadable(reason: "invalid YAML")
        }
        guard let root else { throw .empty }
        var count = 0
        return try value(root, depth: 0, &count)
    }

    private static func value(_ node: Node, depth: Int, _ count: inout Int) throws(DocumentFault) -> JSONValue {
        count += 1
        guard count <= DocumentText.valueLimit else { throw .unreadable(reason: "more than \(DocumentText.valueLimit) values") }
        guard depth <= DocumentText.depthLimit else { throw .unreadable(reason: "more than \(DocumentText.depthLimit) levels") }
        switch node {
        case .scalar(let scalar): return self.scalar(scalar)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try value(element, depth: depth + 1, &count)) }
            return .array(elements)
        case .mapping(let mapping):
            var members: [JSONMember] = []
            var names: Set<String> = []
            for (key, element) in mapping {
                guard case .scalar(let name) = key else { throw .unreadable(reason: "a key that is no text") }
                guard names.insert(name.string).inserted else {
                    throw .unreadable(reason: "the name \(name.string.prefix(64)) stands twice in one object")
                }
                members.append(JSONMember(name: name.string, value: try value(element, depth: depth + 1, &count)))
            }
            return .object(members)
        case .alias: throw .unreadable(reason: "anchors and aliases are not taken")
        }
    }

    /// Plain scalars by the core rules of YAML 1.2; everything else is text.
    private static func scalar(_ scalar: Node.Scalar) -> JSONValue {
        guard scalar.style == .plain || scalar.style == .any, scalar.tag.description != "tag:yaml.org,2002:str" else {
            return .string(scalar.string)
        }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default:
            let text = scalar.string
            if let first = text.utf8.first, first == UInt8(ascii: "-") || (48...57).contains(first), text.utf8.count <= 64,
                case .number(let number)? = try? JSONValue(parsing: text, limits: .init(length: 64, depth: 0, values: 1))
            {
                return .number(number)
            }
            return .string(text)
        }
    }
}

/// Finds aliases without parsing: a `*name` whose `&name` is in the same text, both where a value may begin. What only looks
/// so (`*bold*` in a description) has no partner.
enum YAMLAliases {
    static func areUsed(in text: String) -> Bool {
        var anchors: Set<[UInt8]> = []
        var aliases: Set<[UInt8]> = []
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*"), index == 0 || canPrecede(bytes[index - 1]) else {
                index += 1
                continue
            }
            var end = index + 1
            while end < bytes.count, isName(bytes[end]) { end += 1 }
            if end > index + 1 {
                let name = Array(bytes[index + 1..<end])
                if byte == UInt8(ascii: "&") { anchors.insert(name) } else { aliases.insert(name) }
            }
            index = end
        }
        return !anchors.isDisjoint(with: aliases)
    }

    /// Anything but a letter, digit or what stands within words: generous, because a missed alias would be worse.
    private static func canPrecede(_ byte: UInt8) -> Bool { !isName(byte) && byte != UInt8(ascii: "?") }

    private static func isName(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }
}
