import GatewayPrimitives

/// Which part of a signature key does not have the form of its type.
public enum SignatureKeyDefect: Error, Sendable, Equatable {
    case key, secret, algorithm

    /// Wire name.
    public var field: String {
        switch self {
        case .key: "sign_key"
        case .secret: "sign_secret"
        case .algorithm: "sign_algorithm"
        }
    }
}

/// The forms that key and secret of one type have (management-api.md, 3.11; mission page "Querying Signature Keys Bound to an
/// API").
public struct SignatureKeyForm: Sendable {
    public let type: SignatureType
    /// With type aes, and with no other.
    public let algorithm: SignatureAlgorithm?

    public init(type: SignatureType, algorithm: SignatureAlgorithm?) throws(SignatureKeyDefect) {
        guard (type == .aes) == (algorithm != nil) else { throw .algorithm }
        self.type = type
        self.algorithm = algorithm
    }

    public func check(key: String) throws(SignatureKeyDefect) {
        guard keyRule.allows(key) else { throw .key }
    }

    public func check(secret: Secret) throws(SignatureKeyDefect) {
        guard secretRule.allows(secret.revealed) else { throw .secret }
    }

    /// Key and secret for a user who gave none: 32 lower-case hex characters each; with aes as long as the algorithm wants.
    public func generatedKey() -> String {
        switch type {
        case .hmac, .basic, .publicKey: Self.random(32, of: Self.hex)
        case .aes: Self.random(keyRule.length.lowerBound, of: Self.alphanumeric)
        }
    }

    public func generatedSecret() -> Secret {
        switch type {
        case .hmac, .basic, .publicKey: Secret(Self.random(32, of: Self.hex))
        case .aes: Secret(Self.random(16, of: Self.alphanumeric))
        }
    }

    private struct Rule {
        let length: ClosedRange<Int>
        let first: Set<UInt8>
        let all: Set<UInt8>

        func allows(_ text: String) -> Bool {
            length.contains(text.utf8.count) && text.utf8.first.map(first.contains) == true && text.utf8.allSatisfy(all.contains)
        }
    }

    private var keyRule: Rule {
        switch (type, algorithm) {
        case (.hmac, _): Rule(length: 8...32, first: Self.plain, all: Self.word)
        case (.basic, _): Rule(length: 4...32, first: Self.plain, all: Self.word)
        case (.publicKey, _): Rule(length: 8...512, first: Self.encodedFirst, all: Self.word.union(Self.encodedMarks))
        case (.aes, .aes128): Rule(length: 16...16, first: Self.encodedFirst, all: Self.everything)
        case (.aes, _): Rule(length: 32...32, first: Self.encodedFirst, all: Self.everything)
        }
    }

    private var secretRule: Rule {
        switch type {
        case .hmac: Rule(length: 16...64, first: Self.plain, all: Self.word.union(Self.marks))
        case .basic: Rule(length: 8...64, first: Self.plain, all: Self.word.union(Self.marks))
        case .publicKey: Rule(length: 15...2048, first: Self.encodedFirst, all: Self.everything)
        case .aes: Rule(length: 16...16, first: Self.encodedFirst, all: Self.everything)
        }
    }

    private static let hex = Array("0123456789abcdef".utf8)
    private static let alphanumeric = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    private static let plain = Set(alphanumeric)
    private static let word = plain.union("_-".utf8)
    private static let marks = Set("!@#$%".utf8)
    private static let encodedMarks = Set("+/=".utf8)
    private static let encodedFirst = plain.union("+/".utf8)
    private static let everything = word.union(marks).union(encodedMarks)

    private static func random(_ count: Int, of alphabet: [UInt8]) -> String {
        var generator = SystemRandomNumberGenerator()
        return String(decoding: (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }, as: UTF8.self)
    }
}
