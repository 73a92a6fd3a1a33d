import GatewayPrimitives

/// What the entries of an application's access list may be (management-api.md, 3.17).
public enum AppAccessRules {
    /// Entries of a list, as of an access control policy.
    public static let entries = 1...100

    /// Blanks around an entry do not count, entries that are there already are dropped.
    ///
    /// - Returns: the entries as they are stored.
    /// - Throws: field `app_acl_values`.
    public static func read(_ addresses: [String]) throws(InvalidField) -> [String] {
        func refuse(_ reason: String) -> InvalidField { InvalidField(field: "app_acl_values", reason: reason) }
        // Repetitions count: the limit bounds the work as well.
        guard entries.contains(addresses.count) else { throw refuse("none, or more than \(entries.upperBound) entries") }
        var read: [String] = []
        for address in addresses {
            guard address.utf8.count <= 2 * IPAddress.maxTextLength + 8 else { throw refuse("too long") }
            let entry = String(address.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            guard IPRange(entry) != nil else { throw refuse("not an address, a range or a block") }
            if !read.contains(entry) { read.append(entry) }
        }
        return read
    }
}
