import GatewayPrimitives

/// Why a plug-in's content does not fit its type. On the wire it is `plugin_content` that is wrong; the rest is for people.
public struct PluginContentError: Error, Sendable, Equatable {
    /// Where in the content, such as `rules[2].limit`; empty for the content as a whole.
    public let path: String
    /// One clause; never holds a value of the content.
    public let reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// An object of a plug-in's content, read field by field. Absent and null are the same; names that are not asked for are
/// ignored, as newer clients send more (management-api.md, 1.9).
struct ContentObject {
    let path: String
    private let value: JSONValue

    init(_ value: JSONValue, path: String) throws(PluginContentError) {
        guard case .object = value else { throw PluginContentError(path: path, reason: "must be an object") }
        self.value = value
        self.path = path
    }

    /// The content as a whole.
    init(content: String) throws(PluginContentError) {
        // The contract counts characters.
        guard content.unicodeScalars.count <= 65_535 else { throw PluginContentError(path: "", reason: "longer than 65535 characters") }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: content, limits: .pluginContent)
        } catch {
            throw PluginContentError(path: "", reason: "not JSON at byte \(error.offset)")
        }
        try self.init(value, path: "")
    }

    func error(_ name: String, _ reason: String) -> PluginContentError {
        PluginContentError(path: path.isEmpty ? name : "\(path).\(name)", reason: reason)
    }

    func has(_ name: String) -> Bool { value[name] != nil }

    // MARK: Values

    func optionalString(_ name: String, maxLength: Int) throws(PluginContentError) -> String? {
        switch value[name] {
        case nil: return nil
        case .string(let text):
            guard text.unicodeScalars.count <= maxLength else { throw error(name, "longer than \(maxLength) characters") }
            return text
        default: throw error(name, "must be a string")
        }
    }

    func string(_ name: String, maxLength: Int, default fallback: String) throws(PluginContentError) -> String {
        try optionalString(name, maxLength: maxLength) ?? fallback
    }

    /// A string that must be there and not empty.
    func requiredString(_ name: String, maxLength: Int) throws(PluginContentError) -> String {
        guard let text = try optionalString(name, maxLength: maxLength), !text.isEmpty else { throw error(name, "is required") }
        return text
    }

    func optionalInteger(_ name: String, in range: ClosedRange<Int>) throws(PluginContentError) -> Int? {
        switch value[name] {
        case nil: return nil
        case .number(let number):
            guard let integer = number.integer else { throw error(name, "must be a whole number") }
            guard range.contains(integer) else { throw error(name, "must be \(range.lowerBound) to \(range.upperBound)") }
            return integer
        default: throw error(name, "must be a number")
        }
    }

    func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(PluginContentError) -> Int {
        try optionalInteger(name, in: range) ?? fallback
    }

    func requiredInteger(_ name: String, in range: ClosedRange<Int>) throws(PluginContentError) -> Int {
        guard let integer = try optionalInteger(name, in: range) else { throw error(name, "is required") }
        return integer
    }

    func bool(_ name: String, default fallback: Bool) throws(PluginContentError) -> Bool {
        switch value[name] {
        case nil: return fallback
        case .bool(let bool): return bool
        default: throw error(name, "must be true or false")
        }
    }

    /// One of an enumeration's raw values, compared without regard to case where `ignoringCase` says so.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, default fallback: Choice?, ignoringCase: Bool = false
    ) throws(PluginContentError) -> Choice where Choice.RawValue == String {
        guard let text = try optionalString(name, maxLength: 64), !text.isEmpty else {
            guard let fallback else { throw error(name, "is required") }
            return fallback
        }
        for choice in Choice.allCases
        where choice.rawValue == text || ignoringCase && choice.rawValue.lowercased() == text.lowercased() { return choice }
        throw error(name, "must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    // MARK: Containers

    func optionalObject(_ name: String) throws(PluginContentError) -> ContentObject? {
        guard let member = value[name] else { return nil }
        return try ContentObject(member, path: path.isEmpty ? name : "\(path).\(name)")
    }

    func requiredObject(_ name: String) throws(PluginContentError) -> ContentObject {
        guard let object = try optionalObject(name) else { throw error(name, "is required") }
        return object
    }

    func values(_ name: String, maxCount: Int) throws(PluginContentError) -> [JSONValue] {
        switch value[name] {
        case nil: return []
        case .array(let elements):
            guard elements.count <= maxCount else { throw error(name, "more than \(maxCount) elements") }
            return elements
        default: throw error(name, "must be an array")
        }
    }

    func objects(_ name: String, maxCount: Int) throws(PluginContentError) -> [ContentObject] {
        var objects: [ContentObject] = []
        for (index, element) in try values(name, maxCount: maxCount).enumerated() {
            objects.append(try ContentObject(element, path: (path.isEmpty ? name : "\(path).\(name)") + "[\(index)]"))
        }
        return objects
    }

    func strings(_ name: String, maxCount: Int, maxLength: Int) throws(PluginContentError) -> [String] {
        var strings: [String] = []
        for (index, element) in try values(name, maxCount: maxCount).enumerated() {
            guard case .string(let text) = element, !text.isEmpty, text.unicodeScalars.count <= maxLength else {
                throw error("\(name)[\(index)]", "must be a string of 1 to \(maxLength) characters")
            }
            strings.append(text)
        }
        return strings
    }
}

/// Forms that several plug-ins share.
enum ContentForm {
    /// Header fields that belong to the connection or to the message's framing; what sets or copies them breaks messages.
    static let framingHeaders: Set<String> = [
        "connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
    ]

    static func isHeaderName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { ByteSet.token.contains($0) }
    }

    /// No control characters but tabs: nothing that could end a line.
    static func isHeaderValue(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }

    /// `a, b` as `[a, b]`; nil when an entry is empty.
    static func commaList(_ text: String) -> [String]? {
        let entries = text.split(separator: ",", omittingEmptySubsequences: false).map { entry in
            String(entry.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        return entries.contains("") ? nil : entries
    }

    /// `host` or `host:port`: a name, an IPv4 address or an IPv6 address in brackets.
    static func isHostAndPort(_ text: String) -> Bool { hostAndPort(text) != nil }

    static func hostAndPort(_ text: String) -> (host: String, port: Int?)? {
        guard (1...262).contains(text.utf8.count) else { return nil }
        var host = text[...]
        var port: Int?
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
            let digits = text[text.index(after: colon)...]
            guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ ByteSet.digits.contains($0) }), let number = Int(digits),
                (1...65_535).contains(number)
            else { return nil }
            port = number
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inner = host.dropFirst().dropLast()
            guard inner.contains(":"), IPAddress(inner) != nil else { return nil }
            return (String(inner).lowercased(), port)
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let allowed = ByteSet.lettersAndDigits.union(ByteSet("-_"))
        guard (1...253).contains(host.utf8.count),
            labels.allSatisfy({ label in (1...63).contains(label.utf8.count) && label.utf8.allSatisfy { allowed.contains($0) } })
        else { return nil }
        // What looks like an IPv4 address has to be one.
        if let last = labels.last, last.utf8.allSatisfy({ ByteSet.digits.contains($0) }), IPAddress(host) == nil { return nil }
        return (host.lowercased(), port)
    }

    /// A path as it is sent: absolute, visible ASCII, may hold a query.
    static func isRequestPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }
    }
}
