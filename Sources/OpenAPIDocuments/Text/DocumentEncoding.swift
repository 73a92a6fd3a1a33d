import GatewayPrimitives

/// In which form a document is written.
public enum DocumentFormat: String, Sendable, CaseIterable {
    case json, yaml, yml

    /// Media type of the file.
    public var contentType: String { self == .json ? "application/json" : "application/yaml" }

    /// Members in the order of the tree, one a line.
    public func text(_ value: JSONValue) -> [UInt8] {
        var writer = DocumentTextWriter()
        switch self {
        case .json: writer.json(value, level: 0)
        case .yaml, .yml: writer.yaml(value, level: 0)
        }
        writer.end()
        return writer.bytes
    }
}

private struct DocumentTextWriter {
    var bytes: [UInt8] = []

    mutating func end() {
        if bytes.last != UInt8(ascii: "\n") { put("\n") }
    }

    private mutating func put(_ text: some StringProtocol) { bytes.append(contentsOf: text.utf8) }

    // MARK: JSON, indented with tabs (management-api.md, 3.22)

    mutating func json(_ value: JSONValue, level: Int) {
        switch value {
        case .object(let members) where !members.isEmpty:
            put("{")
            for (index, member) in members.enumerated() {
                put(index == 0 ? "\n" : ",\n")
                indent("\t", level + 1)
                quoted(member.name)
                put(": ")
                json(member.value, level: level + 1)
            }
            put("\n")
            indent("\t", level)
            put("}")
        case .array(let elements) where !elements.isEmpty:
            put("[")
            for (index, element) in elements.enumerated() {
                put(index == 0 ? "\n" : ",\n")
                indent("\t", level + 1)
                json(element, level: level + 1)
            }
            put("\n")
            indent("\t", level)
            put("]")
        default: scalar(value)
        }
    }

    private mutating func scalar(_ value: JSONValue) {
        switch value {
        case .null: put("null")
        case .bool(let flag): put(flag ? "true" : "false")
        case .number(let number): put(number.text)
        case .string(let text): quoted(text)
        case .array: put("[]")
        case .object: put("{}")
        }
    }

    private mutating func indent(_ unit: StaticString, _ level: Int) {
        for _ in 0..<level { put("\(unit)") }
    }

    /// A text of JSON that is also one of YAML: what YAML takes for a line break or for nothing printable is escaped.
    private mutating func quoted(_ text: String) {
        put("\"")
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": put("\\\"")
            case "\\": put("\\\\")
            case "\n": put("\\n")
            case "\r": put("\\r")
            case "\t": put("\\t")
            case "\u{0}"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}":
                let digits = String(scalar.value, radix: 16)
                put("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
            default: bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        put("\"")
    }

    // MARK: YAML, block style

    mutating func yaml(_ value: JSONValue, level: Int) {
        switch value {
        case .object(let members) where !members.isEmpty:
            for (index, member) in members.enumerated() {
                if index > 0 { indent("  ", level) }
                plain(member.name)
                put(":")
                nested(member.value, level: level)
            }
        case .array(let elements) where !elements.isEmpty:
            for (index, element) in elements.enumerated() {
                if index > 0 { indent("  ", level) }
                put("-")
                switch element {
                case .object(let members) where !members.isEmpty:
                    put(" ")
                    yaml(element, level: level + 1)
                case .array(let inner) where !inner.isEmpty:
                    put(" ")
                    yaml(element, level: level + 1)
                default: nested(element, level: level)
                }
            }
        default:
            yamlScalar(value)
            put("\n")
        }
    }

    /// What stands behind a name or a hyphen, with the end of its line.
    private mutating func nested(_ value: JSONValue, level: Int) {
        switch value {
        case .object(let members) where !members.isEmpty:
            put("\n")
            indent("  ", level + 1)
            yaml(value, level: level + 1)
        case .array(let elements) where !elements.isEmpty:
            put("\n")
            indent("  ", level + 1)
            yaml(value, level: level + 1)
        default:
            put(" ")
            yamlScalar(value)
            put("\n")
        }
    }

    private mutating func yamlScalar(_ value: JSONValue) {
        if case .string(let text) = value { plain(text) } else { scalar(value) }
    }

    /// The text as it is where no reader could take it for anything else, otherwise in quotes.
    private mutating func plain(_ text: String) {
        func isWord(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: ".")].contains(byte)
        }
        // Words that a reader of YAML 1.1 or 1.2 takes for a truth value, nothing or a number.
        let others: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        if let first = text.utf8.first, (65...90).contains(first) || (97...122).contains(first) || first == UInt8(ascii: "/"),
            text.utf8.count <= 128, text.utf8.allSatisfy(isWord), !others.contains(text.lowercased())
        {
            put(text)
        } else {
            quoted(text)
        }
    }
}
