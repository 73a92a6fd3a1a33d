import GatewayPrimitives

/// What a signature key's key, secret and algorithm may be, and how absent ones are made (management-api.md, 3.11).
///
/// Pure functions; nothing is stored and nothing is known of other keys.
public enum SignatureKeyRules {
    private static let wordBytes = ByteSet.lettersAndDigits.union(ByteSet("_-"))
    private static let secretBytes = wordBytes.union(ByteSet("!@#$%"))
    private static let keyTextBytes = wordBytes.union(ByteSet("+/="))
    private static let secretTextBytes = secretBytes.union(ByteSet("+/="))
    private static let textStart = ByteSet.lettersAndDigits.union(ByteSet("+/"))

    private struct Form {
        let lengths: ClosedRange<Int>
        let first: ByteSet
        let rest: ByteSet

        func fits(_ text: String) -> Bool {
            guard let start = text.utf8.first else { return false }
            return lengths.contains(text.utf8.count) && first.contains(start) && text.utf8.allSatisfy { rest.contains($0) }
        }
    }

    private static func keyForm(_ type: SignatureType, _ algorithm: SignatureAlgorithm?) -> Form {
        switch type {
        case .hmac: Form(lengths: 8...32, first: .lettersAndDigits, rest: wordBytes)
        case .basic: Form(lengths: 4...32, first: .lettersAndDigits, rest: wordBytes)
        case .publicKey: Form(lengths: 8...512, first: textStart, rest: keyTextBytes)
        case .aes: Form(lengths: algorithm == .aes256 ? 32...32 : 16...16, first: textStart, rest: secretTextBytes)
        }
    }

    private static func secretForm(_ type: SignatureType) -> Form {
        switch type {
        case .hmac: Form(lengths: 16...64, first: .lettersAndDigits, rest: secretBytes)
        case .basic: Form(lengths: 8...64, first: .lettersAndDigits, rest: secretBytes)
        case .publicKey: Form(lengths: 15...2048, first: textStart, rest: secretTextBytes)
        case .aes: Form(lengths: 16...16, first: textStart, rest: secretTextBytes)
        }
    }

    /// Checks a whole key as it would be stored.
    /// - Throws: the first field that does not fit: `sign_algorithm`, `sign_key`, `sign_secret`.
    public static func check(
        type: SignatureType, key: String, secret: Secret, algorithm: SignatureAlgorithm?
    ) throws(InvalidField) {
        guard (type == .aes) == (algorithm != nil) else {
            throw InvalidField(field: "sign_algorithm", reason: type == .aes ? "aes needs an algorithm" : "only aes has an algorithm")
        }
        guard keyForm(type, algorithm).fits(key) else {
            throw InvalidField(field: "sign_key", reason: "length or characters do not fit \(type.rawValue)")
        }
        guard secretForm(type).fits(secret.revealed) else {
            throw InvalidField(field: "sign_secret", reason: "length or characters do not fit \(type.rawValue)")
        }
    }

    /// Reads `sign_algorithm`; empty is absent.
    public static func algorithm(_ text: String?) throws(InvalidField) -> SignatureAlgorithm? {
        guard let text, !text.isEmpty else { return nil }
        guard let algorithm = SignatureAlgorithm(rawValue: text) else {
            throw InvalidField(field: "sign_algorithm", reason: "unknown algorithm")
        }
        return algorithm
    }

    /// A key for an absent `sign_key`: 32 lower-case hexadecimal digits, for aes as many characters as the algorithm needs.
    ///
    /// Not for public_key, whose key and secret are a pair that `RSAKeyText.generate()` makes.
    public static func generateKey(
        type: SignatureType, algorithm: SignatureAlgorithm?, using generator: inout some RandomNumberGenerator
    ) -> String {
        type == .aes ? characters(algorithm == .aes256 ? 32 : 16, using: &generator) : hexadecimal(using: &generator)
    }

    /// A secret for an absent `sign_secret`: 32 lower-case hexadecimal digits, for aes 16 characters.
    public static func generateSecret(type: SignatureType, using generator: inout some RandomNumberGenerator) -> Secret {
        Secret(type == .aes ? characters(16, using: &generator) : hexadecimal(using: &generator))
    }

    /// Whether a secret in a request stands for the stored one: its mask, as an earlier answer showed it.
    public static func isMask(_ text: String, of stored: Secret) -> Bool { text == stored.masked }

    private static func hexadecimal(using generator: inout some RandomNumberGenerator) -> String {
        Hexadecimal.encode((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    private static func characters(_ count: Int, using generator: inout some RandomNumberGenerator) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
    }
}
