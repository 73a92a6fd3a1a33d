import Foundation
import GatewayPrimitives
import X509

/// What the gateway shows to backends and whose certificates it takes from them, as an operator sends it: read and checked.
///
/// Pure: nothing is stored, the clock is the caller's. Any thread.
public struct BackendCredentials: Sendable {
    /// - Parameters:
    ///   - chain: PEM, the own certificate first; empty for none.
    ///   - key: PEM; empty without a certificate.
    ///   - authorities: PEM; empty for none. A backend's own certificate may stand for its authority.
    ///   - now: seconds since 1970.
    public static func check(chain: String, key: Secret, authorities: String, now: Int64) throws(CertificateFault) {
        if !chain.isEmpty {
            let certificates = try ServerCertificate.certificates(chain)
            let privateKey = try ServerCertificate.privateKey(key.revealed)
            try ServerCertificate.checkChain(certificates)
            guard let own = certificates.first, own.publicKey == privateKey.publicKey else { throw .keyMismatch }
            _ = try ServerCertificate.details(own)
            try checkEnd(certificates, now: now)
            try checkClientUse(own)
        }
        if !authorities.isEmpty {
            try checkEnd(ServerCertificate.certificates(authorities), now: now)
        }
    }

    /// When the first certificate of a chain ends, in seconds since 1970.
    public static func end(ofChain chain: String) throws(CertificateFault) -> Int64 {
        guard let own = try ServerCertificate.certificates(chain).first else { throw .unreadable }
        return ServerCertificate.seconds(own.notValidAfter)
    }

    private static func checkEnd(_ certificates: [Certificate], now: Int64) throws(CertificateFault) {
        for certificate in certificates where ServerCertificate.seconds(certificate.notValidAfter) <= now { throw .expired }
    }

    /// Extensions that are absent restrict nothing (RFC 5280, 4.2.1.3 and 4.2.1.12).
    private static func checkClientUse(_ certificate: Certificate) throws(CertificateFault) {
        do {
            if let usage = try certificate.extensions.keyUsage, !usage.digitalSignature { throw CertificateFault.keyUsage }
            if let purposes = try certificate.extensions.extendedKeyUsage,
                !purposes.contains(.clientAuth), !purposes.contains(.any)
            {
                throw CertificateFault.keyUsage
            }
        } catch let fault as CertificateFault {
            throw fault
        } catch {
            throw .unreadable
        }
    }
}
