import GatewayPrimitives

/// What the fields of an application's configuration may be (management-api.md, 3.17).
public enum AppConfigRules {
    /// Characters.
    public static let nameLengths = 1...512
    public static let descriptionLengths = 0...1024
    /// Bytes of a value; a certificate with its key and chain fits.
    public static let valueSize = 65_535
    private static let nameBytes = ByteSet.lettersAndDigits.union(ByteSet("@_.-"))
    /// Names of a certificate's value, which is a JSON object of texts.
    private static let certificateFields: Set<String> = ["public_key", "private_key", "passphrase"]

    /// - Throws: field `config_name`: a letter, then letters, digits and `@_.-`.
    public static func check(name: String) throws(InvalidField) {
        let bytes = name.utf8
        guard nameLengths.contains(bytes.count), bytes.allSatisfy({ nameBytes.contains($0) }), let first = bytes.first,
            ByteSet.letters.contains(first)
        else { throw InvalidField(field: "config_name", reason: "length or characters do not fit") }
    }

    /// - Throws: field `config_value`: too long, an empty password, or a certificate that is not an object of its three texts.
    public static func check(value: Secret, kind: AppConfig.Kind) throws(InvalidField) {
        func refuse(_ reason: String) -> InvalidField { InvalidField(field: "config_value", reason: reason) }
        let text = value.revealed
        guard text.utf8.count <= valueSize else { throw refuse("too long") }
        switch kind {
        case .variable: break
        case .password: guard !text.isEmpty else { throw refuse("empty") }
        case .certificate: guard isCertificate(text) else { throw refuse("not a certificate with its key") }
        }
    }

    /// - Throws: field `description`.
    public static func check(description: String) throws(InvalidField) {
        guard descriptionLengths.contains(description.unicodeScalars.count) else {
            throw InvalidField(field: "description", reason: "too long")
        }
    }

    /// Whether the text is an object with a public and a private key, and a passphrase if the key has one.
    private static func isCertificate(_ text: String) -> Bool {
        let limits = JSONValue.Limits(length: valueSize, depth: 1, values: 1 + certificateFields.count)
        guard let document = try? JSONValue(parsing: text, limits: limits), case .object(let members) = document else {
            return false
        }
        for member in members {
            guard certificateFields.contains(member.name), case .string(let value) = member.value,
                !value.isEmpty || member.name == "passphrase"
            else { return false }
        }
        return document["public_key"] != nil && document["private_key"] != nil
    }
}
