/// What a certificate says of itself, in the words of the management API (management-api.md, 3.6).
public struct CertificateDetails: Codable, Sendable, Equatable {
    /// First common name of the subject; empty without one.
    public var commonName: String
    /// DNS names and addresses of the subject alternative name, in the certificate's order.
    public var names: [String]
    public var organization: [String]
    public var organizationalUnit: [String]
    public var locality: [String]
    public var state: [String]
    public var country: [String]
    /// Seconds since 1970.
    public var notBefore: Int64
    public var notAfter: Int64
    /// Decimal digits.
    public var serialNumber: String
    /// Common names of the issuer.
    public var issuer: [String]
    /// Such as `SHA256-RSA` and `ECDSA-SHA256`.
    public var signatureAlgorithm: String
    public var algorithm: KeyAlgorithm
}

/// `algorithm_type` of a certificate's key.
public enum KeyAlgorithm: String, Codable, Sendable, CaseIterable {
    case rsa = "RSA"
    case ecc = "ECC"
}

/// Why a certificate is refused.
public enum CertificateFault: Error, Sendable, Equatable, CaseIterable {
    case keyMismatch
    case expired
    /// It does not cover the domain that it shall be bound to.
    case domainMismatch
    /// Each certificate of a chain must be issued by the one behind it, the server's own first.
    case chainOrder
    case encryptedKey
    case unreadable
    case noAlternativeName
    /// Past the last second that 32 bits can count.
    case expiresTooLate
    /// The certificate may not be used for what it was given for.
    case keyUsage
    /// A kind of key or signature that does not fit what was asked for, or that no listener can use.
    case algorithm
}
