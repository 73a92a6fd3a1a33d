import GatewayModel
import GatewayPrimitives

/// Reading of a tree with the name of what was wrong.
extension JSONValue {
    /// - Throws: the field's name when there is something else than a text.
    func text(_ name: String) throws(InvalidField) -> String? {
        switch self[name] {
        case nil: return nil
        case .string(let text): return text
        default: throw InvalidField(field: name, reason: "not a text")
        }
    }

    /// A text, or a number or truth value as it was written.
    func word(_ name: String) throws(InvalidField) -> String? {
        switch self[name] {
        case nil: return nil
        case .string(let text): return text
        case .number(let number): return number.text
        case .bool(let flag): return flag ? "true" : "false"
        default: throw InvalidField(field: name, reason: "not a text")
        }
    }

    /// The first of the members that says something: a word that is not empty.
    func filled(_ names: String...) throws(InvalidField) -> String? {
        for name in names {
            if let word = try word(name), !word.isEmpty { return word }
        }
        return nil
    }

    /// The first of the members that says something, as remarks may be: cut to `limit` characters. Documents of other makers
    /// explain at length, and no API should fail for that.
    ///
    /// - Parameter plain: angle brackets are left out.
    func remark(_ names: String..., limit: Int, plain: Bool = false) throws(InvalidField) -> String? {
        for name in names {
            guard let word = try word(name), !word.isEmpty else { continue }
            var out = String.UnicodeScalarView()
            out.append(contentsOf: word.unicodeScalars.lazy.filter { !plain || ($0 != "<" && $0 != ">") }.prefix(limit))
            return String(out)
        }
        return nil
    }

    /// A whole number; texts of digits are taken.
    func integer(_ name: String) throws(InvalidField) -> Int? {
        switch self[name] {
        case nil: return nil
        case .number(let number):
            if let integer = number.integer { return integer }
            // 100.0 is a whole number too.
            if let double = number.double, let integer = Int(exactly: double) { return integer }
        case .string(""): return nil
        case .string(let text): if let integer = Int(text) { return integer }
        default: break
        }
        throw InvalidField(field: name, reason: "not a whole number")
    }

    /// A truth value; its words are taken in any case.
    func flag(_ name: String) throws(InvalidField) -> Bool? {
        switch self[name] {
        case nil: return nil
        case .bool(let flag): return flag
        case .string(let text) where text.lowercased() == "true": return true
        case .string(let text) where text.lowercased() == "false": return false
        default: throw InvalidField(field: name, reason: "not true or false")
        }
    }

    func object(_ name: String) throws(InvalidField) -> JSONValue? {
        guard let value = self[name] else { return nil }
        guard case .object = value else { throw InvalidField(field: name, reason: "not an object") }
        return value
    }

    func list(_ name: String) throws(InvalidField) -> [JSONValue] {
        guard let value = self[name] else { return [] }
        guard case .array(let elements) = value else { throw InvalidField(field: name, reason: "not a list") }
        return elements
    }

    func words(_ name: String) throws(InvalidField) -> [String] {
        var words: [String] = []
        for element in try list(name) {
            guard case .string(let text) = element else { throw InvalidField(field: name, reason: "not a list of texts") }
            words.append(text)
        }
        return words
    }

    /// A text or a list of texts.
    func oneOrMore(_ name: String) throws(InvalidField) -> [String] {
        if case .string(let text)? = self[name] { return text.isEmpty ? [] : [text] }
        return try words(name)
    }

    var members: [JSONMember] {
        guard case .object(let members) = self else { return [] }
        return members
    }
}

/// An object under construction: what is absent or empty is left out.
struct Members {
    private(set) var list: [JSONMember] = []

    mutating func put(_ name: String, _ value: JSONValue?) {
        guard let value else { return }
        list.append(JSONMember(name: name, value: value))
    }

    mutating func put(_ name: String, text: String?) {
        guard let text, !text.isEmpty else { return }
        put(name, .string(text))
    }

    mutating func put(_ name: String, number: Int?) { put(name, number.map { .number(JSONNumber(text: String($0))) }) }
    mutating func put(_ name: String, flag: Bool) { put(name, .bool(flag)) }

    mutating func put(_ name: String, list: [JSONValue]) {
        if !list.isEmpty { put(name, .array(list)) }
    }

    var object: JSONValue { .object(list) }
}
