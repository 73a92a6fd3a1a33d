import GatewayPrimitives

/// Rules of live-data definitions that concern one definition alone (management-api.md, 3.24).
///
/// Pure functions; lengths are in Unicode scalars.
public enum LivedataRules {
    /// Parameters of one API, as for APIs of the gateway.
    public static let parameterLimit = 50
    /// Characters of one script's base64 text.
    public static let contentLimit = 100_000

    /// The forms that the contract gives its fields, for definitions that do not come through it: imported documents and
    /// archives.
    /// - Throws: the first field that does not fit, by its wire name.
    public static func checkForms(_ api: LivedataAPI) throws(InvalidField) {
        try require(named(api.name), "name")
        try require(isPath(api.path), "path")
        try require(
            (1...63).contains(api.version.utf8.count) && api.version.utf8.allSatisfy { wordBytes.contains($0) || $0 == 0x2E },
            "version")
        try require(api.description.unicodeScalars.count <= 1000, "description")
        for parameter in api.parameters {
            let name = parameter.name.utf8
            try require(
                (1...32).contains(name.count) && name.first.map { ByteSet.letters.contains($0) } == true
                    && name.allSatisfy { wordBytes.contains($0) || $0 == 0x2E || $0 == 0x2F }, "name")
            try require((parameter.defaultValue ?? "").unicodeScalars.count <= 4000, "default")
            try require((parameter.description ?? "").unicodeScalars.count <= 255, "description")
        }
        for script in api.scripts {
            let name = script.objectName.utf8
            try require(
                (1...32).contains(name.count) && name.first.map { ByteSet.letters.contains($0) } == true
                    && name.allSatisfy { wordBytes.contains($0) }, "object_name")
        }
    }

    /// What the contract's forms do not say.
    /// - Throws: `description` with markup, `object_name` for a repeated one, `content` unless it is base64 of something.
    public static func check(_ api: LivedataAPI) throws(InvalidField) {
        try require(isPlain(api.description), "description")
        for parameter in api.parameters { try require(isPlain(parameter.description ?? ""), "description") }
        var names: Set<String> = []
        for script in api.scripts {
            try require(names.insert(script.objectName).inserted, "object_name")
            try require(
                (1...contentLimit).contains(script.content.utf8.count)
                    && Base64.decode(Array(script.content.utf8))?.isEmpty == false, "content")
        }
    }

    /// The parameter that stands twice at one place; names of headers and query parameters do not differ by case.
    public static func repeatedParameter(_ parameters: [LivedataParameter]) -> LivedataParameter? {
        var seen: Set<String> = []
        return parameters.first { parameter in
            let name = parameter.location == .body ? parameter.name : parameter.name.lowercased()
            return !seen.insert("\(parameter.location.rawValue) \(name)").inserted
        }
    }

    private static let wordBytes = ByteSet.lettersAndDigits.union(ByteSet("_-"))
    private static let nameSigns: Set<Unicode.Scalar> = [
        ":", ".", "_", "(", ")", "/", "\\", "-", "\u{FF08}", "\u{FF09}", "\u{FF1A}", "\u{3001}",
    ]

    private static func named(_ text: String) -> Bool {
        func isWord(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "\u{4E00}"..."\u{9FA5}": true
            default: false
            }
        }
        let scalars = text.unicodeScalars
        return (3...100).contains(scalars.count) && scalars.first.map(isWord) == true
            && scalars.allSatisfy { isWord($0) || nameSigns.contains($0) }
    }

    private static func isPath(_ text: String) -> Bool {
        (2...256).contains(text.utf8.count) && text.utf8.first == 0x2F
            && text.utf8.allSatisfy { wordBytes.contains($0) || $0 == 0x2E || $0 == 0x2F }
    }

    /// Texts go into pages of consoles: no markup.
    private static func isPlain(_ text: String) -> Bool { !text.contains { $0 == "<" || $0 == ">" } }

    private static func require(_ fits: Bool, _ field: String) throws(InvalidField) {
        guard fits else { throw InvalidField(field: field, reason: "length, characters or words do not fit") }
    }
}
