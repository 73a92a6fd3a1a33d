/// What the fields of a policy may be, and how its limits stand to each other (management-api.md, 3.13).
public enum ThrottleRules {
    public static let largest = 2_147_483_647
    /// Characters of `remark`.
    public static let remarkLength = 255
    /// Specials of a policy, of each kind.
    public static let specialsPerKind = 30

    public enum Fault: Error, Sendable, Equatable {
        case invalid(field: String)
        case tooSmall(field: String)
        case tooLarge(field: String)
    }

    /// Checks a policy as a whole, fields in the order of the contract.
    public static func check(_ policy: ThrottlePolicy) throws(Fault) {
        try optional("app_call_limits", policy.appLimit)
        guard isName(policy.name) else { throw .invalid(field: "name") }
        guard policy.remark.unicodeScalars.count <= remarkLength else { throw .invalid(field: "remark") }
        try positive("api_call_limits", policy.apiLimit)
        try optional("user_call_limits", policy.userLimit)
        try positive("time_interval", policy.interval)
        try optional("ip_call_limits", policy.addressLimit)
        guard policy.userLimit <= policy.apiLimit else { throw .tooLarge(field: "user_call_limits") }
        guard policy.addressLimit <= policy.apiLimit else { throw .tooLarge(field: "ip_call_limits") }
        // Only limits that are there are compared.
        let above = policy.userLimit > 0 ? policy.userLimit : policy.apiLimit
        guard policy.appLimit <= above else { throw .tooLarge(field: "app_call_limits") }
    }

    /// - Parameter apiLimit: of the policy.
    public static func checkSpecial(limit: Int, apiLimit: Int) throws(Fault) {
        try positive("call_limits", limit)
        guard limit <= apiLimit else { throw .tooLarge(field: "call_limits") }
    }

    private static func positive(_ field: String, _ number: Int) throws(Fault) {
        guard number >= 1 else { throw .tooSmall(field: field) }
        guard number <= largest else { throw .tooLarge(field: field) }
    }

    private static func optional(_ field: String, _ number: Int) throws(Fault) {
        guard number >= 0 else { throw .tooSmall(field: field) }
        guard number <= largest else { throw .tooLarge(field: field) }
    }

    /// 3 to 64 letters, digits, underscores and Chinese characters, a letter or Chinese character first.
    private static func isName(_ name: String) -> Bool {
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "\u{4e00}"..."\u{9fa5}": true
            default: false
            }
        }
        let scalars = name.unicodeScalars
        guard (3...64).contains(scalars.count), let first = scalars.first, isLetter(first) else { return false }
        return scalars.allSatisfy { isLetter($0) || ("0"..."9").contains($0) || $0 == "_" }
    }
}
