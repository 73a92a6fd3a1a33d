/// What the fields of a quota may be (management-api.md, 3.18).
public enum AppQuotaRules {
    /// Calls of a window, and units of its length.
    public static let numbers = 1...2_147_483_647
    /// Characters.
    public static let nameLengths = 3...255
    public static let remarkLengths = 0...255

    /// - Throws: the first field that breaks a rule, in the order of the contract.
    public static func check(_ quota: AppQuota) throws(InvalidField) {
        guard isName(quota.name) else { throw InvalidField(field: "name", reason: "length or characters do not fit") }
        guard numbers.contains(quota.callLimits) else { throw InvalidField(field: "call_limits", reason: "out of range") }
        guard numbers.contains(quota.interval) else { throw InvalidField(field: "time_interval", reason: "out of range") }
        guard remarkLengths.contains(quota.remark.unicodeScalars.count) else {
            throw InvalidField(field: "remark", reason: "too long")
        }
    }

    /// Letters, digits, underscores and Chinese characters, a letter or Chinese character first.
    private static func isName(_ name: String) -> Bool {
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "\u{4e00}"..."\u{9fa5}": true
            default: false
            }
        }
        let scalars = name.unicodeScalars
        guard nameLengths.contains(scalars.count), let first = scalars.first, isLetter(first) else { return false }
        return scalars.allSatisfy { isLetter($0) || ("0"..."9").contains($0) || $0 == "_" }
    }
}
