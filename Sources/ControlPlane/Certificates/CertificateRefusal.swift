import CertificateReading

/// Why a certificate is refused; each has a code of its own (management-api.md, 3.6).
public enum CertificateRefusal: Error, Sendable, Equatable, CaseIterable {
    case keyMismatch, expired, domainMismatch, chainOrder, encryptedKey, unreadable, noAlternativeName, expiresTooLate
    case keyUsage, algorithm
    /// Authorities of one domain have keys of different kinds.
    case authorityAlgorithms
    /// The domain shows another certificate with this kind of key.
    case severalOfOneAlgorithm

    init(_ fault: CertificateFault) {
        self =
            switch fault {
            case .keyMismatch: .keyMismatch
            case .expired: .expired
            case .domainMismatch: .domainMismatch
            case .chainOrder: .chainOrder
            case .encryptedKey: .encryptedKey
            case .unreadable: .unreadable
            case .noAlternativeName: .noAlternativeName
            case .expiresTooLate: .expiresTooLate
            case .keyUsage: .keyUsage
            case .algorithm: .algorithm
            }
    }
}
