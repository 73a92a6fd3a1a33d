import GatewayPrimitives

/// The value of an access control policy, read (management-api.md, 3.12; gateway-runtime.md, 6.1).
public enum AccessControlList: Sendable, Equatable {
    case addresses([IPRange])
    /// Account names or account ids; compared as they are, case and all.
    case accounts([String])
}

/// What `acl_value` may be.
public enum AccessControlRules {
    public enum Limits {
        /// Entries of type IP.
        public static let addresses = 100
        /// Characters of a value of type DOMAIN or DOMAIN_ID in all.
        public static let accountsLength = 1024
        /// Characters of an account name.
        public static let accountName = 1...64
        /// Characters of an account id.
        public static let accountID = 32
        /// Characters of one address, range or block: two IPv6 addresses and a dash.
        static let addressEntry = 2 * IPAddress.maxTextLength + 1
    }

    /// Reads a comma-separated value. Blanks around an entry do not count, entries that are there already are dropped.
    /// - Returns: the value as it is stored, and what it means.
    /// - Throws: field `acl_value`.
    public static func read(
        _ value: String, entity: AccessControlPolicy.Entity
    ) throws(InvalidField) -> (stored: String, list: AccessControlList) {
        func refuse(_ reason: String) -> InvalidField { InvalidField(field: "acl_value", reason: reason) }
        let longest = entity == .ip ? Limits.addresses * (Limits.addressEntry + 2) : Limits.accountsLength * 4
        guard value.utf8.count <= longest else { throw refuse("too long") }
        var entries: [String] = []
        var seen: Set<String> = []
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            let entry = String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            guard !entry.isEmpty else { throw refuse("empty entry") }
            if seen.insert(entry).inserted { entries.append(entry) }
        }
        let stored = entries.joined(separator: ",")
        guard entity != .ip else {
            guard entries.count <= Limits.addresses else { throw refuse("more than \(Limits.addresses) entries") }
            var ranges: [IPRange] = []
            for entry in entries {
                guard let range = IPRange(entry) else { throw refuse("not an address, a range or a block") }
                ranges.append(range)
            }
            return (stored, .addresses(ranges))
        }
        guard stored.count <= Limits.accountsLength else { throw refuse("more than \(Limits.accountsLength) characters") }
        for entry in entries {
            if entity == .domain {
                guard Limits.accountName.contains(entry.count), entry.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F })
                else { throw refuse("not an account name") }
                guard !entry.utf8.allSatisfy({ ByteSet.digits.contains($0) }) else { throw refuse("account name of digits alone") }
            } else {
                guard entry.utf8.count == Limits.accountID, entry.utf8.allSatisfy({ ByteSet.lettersAndDigits.contains($0) }) else {
                    throw refuse("not an account id")
                }
            }
        }
        return (stored, .accounts(entries))
    }
}
