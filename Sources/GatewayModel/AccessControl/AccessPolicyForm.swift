import GatewayPrimitives

/// The forms that names and values of access control policies have (management-api.md, 3.12; gateway-runtime.md, 6.1).
public enum AccessPolicyForm {
    /// Entries of a list of addresses.
    public static let addressLimit = 100
    /// Characters of a list of accounts.
    public static let accountListLimit = 1024

    /// 3 to 64 characters: letters, digits, underscores and Chinese characters, no digit or underscore first.
    public static func isName(_ name: String) -> Bool {
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

    /// The value without blanks around entries and without repetitions.
    ///
    /// - Returns: nil when it has no entry, too many, or one of the wrong form.
    public static func normalized(_ value: String, entity: AccessControlPolicy.Entity) -> String? {
        guard value.utf8.count <= 64 * 1024 else { return nil }
        var seen: Set<String> = []
        var entries: [String] = []
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            let entry = part.trimmingBlanks()
            guard isEntry(entry, entity: entity) else { return nil }
            if seen.insert(entry).inserted { entries.append(entry) }
        }
        let text = entries.joined(separator: ",")
        switch entity {
        case .ip: return entries.count <= addressLimit ? text : nil
        case .domain, .domainID: return text.unicodeScalars.count <= accountListLimit ? text : nil
        }
    }

    private static func isEntry(_ entry: String, entity: AccessControlPolicy.Entity) -> Bool {
        switch entity {
        case .ip: return IPRange(entry) != nil
        case .domain:
            // An account name of digits alone would be an id.
            return (1...64).contains(entry.unicodeScalars.count)
                && !entry.utf8.allSatisfy { (0x30...0x39).contains($0) }
                && entry.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        case .domainID:
            return entry.utf8.count == 32
                && entry.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
        }
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> String {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}
