import GatewayPrimitives

/// What key, secret, name and codes of applications may be, and how absent ones are made (management-api.md, 3.3 and 3.17).
///
/// Pure functions; nothing is stored and nothing is known of other applications.
public enum ApplicationRules {
    private static let keyBytes = ByteSet.lettersAndDigits.union(ByteSet("-_@."))
    private static let secretBytes = keyBytes.union(ByteSet("!@#$%+=./-"))
    private static let codeStart = ByteSet.lettersAndDigits.union(ByteSet("+/"))
    private static let codeBytes = ByteSet.lettersAndDigits.union(ByteSet("-_!@#$%+/="))
    /// Characters of a code.
    public static let codeLengths = 64...180

    /// Characters of names and remarks of ROMA's form; APIG's are narrower.
    public static let nameLengths = 1...64
    public static let remarkLengths = 0...255

    private static func lengths(key origin: Application.Origin) -> ClosedRange<Int> { origin == .apig ? 8...200 : 1...64 }
    private static func lengths(secret origin: Application.Origin) -> ClosedRange<Int> { origin == .apig ? 8...128 : 1...128 }

    /// - Throws: field `name`: ROMA takes letters, digits, Chinese and `-_. ()`; APIG letters first, 3 to 64 characters.
    public static func check(name: String, origin: Application.Origin) throws(InvalidField) {
        let length = name.unicodeScalars.count
        let fits =
            switch origin {
            case .roma:
                nameLengths.contains(length) && name.unicodeScalars.allSatisfy { isWord($0) || "-_. ()（）".unicodeScalars.contains($0) }
                    && name.contains { $0 != " " }
            case .apig:
                (3...64).contains(length) && name.unicodeScalars.allSatisfy { isWord($0) || $0 == "_" || $0 == "-" }
                    && name.unicodeScalars.first.map { isWord($0) && !("0"..."9").contains($0) } == true
            }
        guard fits else { throw InvalidField(field: "name", reason: "length or characters do not fit") }
    }

    /// - Throws: field `remark`.
    public static func check(remark: String) throws(InvalidField) {
        guard remarkLengths.contains(remark.unicodeScalars.count), !remark.contains("<"), !remark.contains(">") else {
            throw InvalidField(field: "remark", reason: "too long or with angle brackets")
        }
    }

    /// - Parameter field: the wire name of the key.
    public static func check(key: String, origin: Application.Origin, field: String) throws(InvalidField) {
        guard lengths(key: origin).contains(key.utf8.count), key.utf8.allSatisfy({ keyBytes.contains($0) }) else {
            throw InvalidField(field: field, reason: "length or characters do not fit")
        }
    }

    /// - Parameter field: the wire name of the secret.
    public static func check(secret: Secret, origin: Application.Origin, field: String) throws(InvalidField) {
        let text = secret.revealed
        guard lengths(secret: origin).contains(text.utf8.count), text.utf8.allSatisfy({ secretBytes.contains($0) }) else {
            throw InvalidField(field: field, reason: "length or characters do not fit")
        }
    }

    /// - Throws: field `app_code`.
    public static func check(code: Secret) throws(InvalidField) {
        let bytes = code.revealed.utf8
        guard codeLengths.contains(bytes.count), let first = bytes.first, codeStart.contains(first),
            bytes.allSatisfy({ codeBytes.contains($0) })
        else { throw InvalidField(field: "app_code", reason: "length or characters do not fit") }
    }

    /// An absent key or secret: 16 letters and digits, for APIG 32 lower-case hexadecimal digits.
    public static func generate(origin: Application.Origin, using generator: inout some RandomNumberGenerator) -> String {
        guard origin == .roma else { return hexadecimal(16, using: &generator) }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<16).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
    }

    /// 64 lower-case hexadecimal digits.
    public static func generateCode(using generator: inout some RandomNumberGenerator) -> Secret {
        Secret(hexadecimal(32, using: &generator))
    }

    private static func hexadecimal(_ bytes: Int, using generator: inout some RandomNumberGenerator) -> String {
        Hexadecimal.encode((0..<bytes).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// Letters and digits of ASCII, and Chinese.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "\u{4E00}"..."\u{9FFF}": true
        default: false
        }
    }
}
