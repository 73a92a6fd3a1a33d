/// A domain name at which a group answers (management-api.md, 3.5).
public struct BoundDomain: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public let groupID: String
    /// Lower case, without trailing dot; `*.example.com` covers every name below it.
    public let name: String
    public var minimumTLS: TLSVersionName
    /// Plain requests are sent to HTTPS, where the API is served there and the domain has a certificate.
    public var redirectsToHTTPS: Bool
    /// Callers must show a certificate of one of the authorities.
    public var verifiesClients: Bool
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, groupID: String, name: String, minimumTLS: TLSVersionName, redirectsToHTTPS: Bool,
        verifiesClients: Bool, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.groupID = groupID
        self.name = name
        self.minimumTLS = minimumTLS
        self.redirectsToHTTPS = redirectsToHTTPS
        self.verifiesClients = verifiesClients
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// A name without wildcard: labels of letters, digits and hyphens, two at least, the last one not of digits alone.
    public static func isHostName(_ text: String) -> Bool {
        let name = normalized(text)
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.count >= 2, let last = labels.last else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "-") }
        } && !last.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// The form in which names are compared: lower case, without trailing dot.
    public static func normalized(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }
}

/// `min_ssl_version`
public enum TLSVersionName: String, Codable, Sendable, CaseIterable {
    case tls11 = "TLSv1.1"
    case tls12 = "TLSv1.2"
}
