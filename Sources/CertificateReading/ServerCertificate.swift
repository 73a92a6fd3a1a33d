import Crypto
import CryptoExtras
import Foundation
import GatewayPrimitives
import SwiftASN1
import X509

/// A server's certificate with its chain, its private key and the authorities whose client certificates it asks for: read from
/// PEM texts, checked, and brought into one form that every TLS library reads.
///
/// Pure: nothing is stored, the clock is the caller's. Any thread.
public struct ServerCertificate: Sendable {
    public let details: CertificateDetails
    /// The server's own certificate first; PEM.
    public let chain: String
    /// Unencrypted, PEM.
    public let key: Secret
    /// Certificates of authorities, PEM; empty without any.
    public let authorities: String
    /// Kind of the authorities' keys; nil without any.
    public let authorityAlgorithm: KeyAlgorithm?

    /// Certificates of one chain, and authorities.
    public static let countLimit = 10
    /// 2038-01-19T03:14:07Z.
    public static let lastSecond: Int64 = 2_147_483_647

    /// - Parameters:
    ///   - chain: PEM, the server's own certificate first.
    ///   - key: PEM: PKCS #8, or the older forms for RSA and EC.
    ///   - authorities: PEM; empty for none.
    ///   - now: seconds since 1970.
    public init(chain: String, key: Secret, authorities: String, now: Int64) throws(CertificateFault) {
        let certificates = try Self.certificates(chain)
        let privateKey = try Self.privateKey(key.revealed)
        guard let own = certificates.first else { throw .unreadable }
        try Self.checkChain(certificates)
        guard own.publicKey == privateKey.publicKey else { throw .keyMismatch }
        details = try Self.details(own)
        for certificate in certificates where Self.seconds(certificate.notValidAfter) <= now { throw .expired }
        if details.names.isEmpty { throw .noAlternativeName }
        if details.notAfter > Self.lastSecond { throw .expiresTooLate }
        try Self.checkServerUse(own)
        let roots = authorities.allSatisfy(\.isWhitespace) ? [] : try Self.certificates(authorities)
        authorityAlgorithm = try Self.checkAuthorities(roots, now: now)
        do {
            self.chain = try certificates.map { try $0.serializeAsPEM().pemString + "\n" }.joined()
            self.key = Secret(try privateKey.serializeAsPEM().pemString + "\n")
            self.authorities = try roots.map { try $0.serializeAsPEM().pemString + "\n" }.joined()
        } catch {
            throw .unreadable
        }
    }

    // MARK: reading

    static func certificates(_ text: String) throws(CertificateFault) -> [Certificate] {
        do {
            let documents = try PEMDocument.parseMultiple(pemString: text)
            guard !documents.isEmpty, documents.count <= countLimit,
                documents.allSatisfy({ $0.discriminator == "CERTIFICATE" })
            else { throw CertificateFault.unreadable }
            return try documents.map { try Certificate(pemDocument: $0) }
        } catch {
            throw .unreadable
        }
    }

    static func privateKey(_ text: String) throws(CertificateFault) -> Certificate.PrivateKey {
        // Both ways of encrypting a key say so in clear; the older one in a header that the parser does not know.
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") { throw .encryptedKey }
        do {
            // Tools put the parameters of a curve before the key.
            let documents = try PEMDocument.parseMultiple(pemString: text).filter { $0.discriminator != "EC PARAMETERS" }
            guard documents.count == 1 else { throw CertificateFault.unreadable }
            return try Certificate.PrivateKey(pemDocument: documents[0])
        } catch {
            throw .unreadable
        }
    }

    static func details(_ certificate: Certificate) throws(CertificateFault) -> CertificateDetails {
        guard let algorithm = algorithm(of: certificate) else { throw .algorithm }
        let subject = certificate.subject
        return CertificateDetails(
            commonName: texts(subject, .RDNAttributeType.commonName).first ?? "", names: try alternativeNames(certificate),
            organization: texts(subject, .RDNAttributeType.organizationName),
            organizationalUnit: texts(subject, .RDNAttributeType.organizationalUnitName),
            locality: texts(subject, .RDNAttributeType.localityName),
            state: texts(subject, .RDNAttributeType.stateOrProvinceName),
            country: texts(subject, .RDNAttributeType.countryName), notBefore: seconds(certificate.notValidBefore),
            notAfter: seconds(certificate.notValidAfter), serialNumber: decimal(Array(certificate.serialNumber.bytes)),
            issuer: texts(certificate.issuer, .RDNAttributeType.commonName),
            signatureAlgorithm: name(of: certificate.signatureAlgorithm), algorithm: algorithm)
    }

    private static func algorithm(of certificate: Certificate) -> KeyAlgorithm? {
        let key = certificate.publicKey
        if _RSA.Signing.PublicKey(key) != nil { return .rsa }
        let isCurve =
            P256.Signing.PublicKey(key) != nil || P384.Signing.PublicKey(key) != nil || P521.Signing.PublicKey(key) != nil
        return isCurve ? .ecc : nil
    }

    private static func alternativeNames(_ certificate: Certificate) throws(CertificateFault) -> [String] {
        do {
            return try (certificate.extensions.subjectAlternativeNames ?? SubjectAlternativeNames()).compactMap { name in
                switch name {
                case .dnsName(let text): text
                case .ipAddress(let octets): address(Array(octets.bytes))
                default: nil
                }
            }
        } catch {
            throw .unreadable
        }
    }

    private static func address(_ bytes: [UInt8]) -> String? {
        switch bytes.count {
        case 4: bytes.map { String($0) }.joined(separator: ".")
        case 16:
            stride(from: 0, to: 16, by: 2).map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
                .joined(separator: ":")
        default: nil
        }
    }

    static func texts(_ name: DistinguishedName, _ type: ASN1ObjectIdentifier) -> [String] {
        name.flatMap { $0 }.filter { $0.type == type }.compactMap { String($0.value) }
    }

    private static func name(of algorithm: Certificate.SignatureAlgorithm) -> String {
        switch algorithm {
        case .sha1WithRSAEncryption: "SHA1-RSA"
        case .sha256WithRSAEncryption: "SHA256-RSA"
        case .sha384WithRSAEncryption: "SHA384-RSA"
        case .sha512WithRSAEncryption: "SHA512-RSA"
        case .ecdsaWithSHA256: "ECDSA-SHA256"
        case .ecdsaWithSHA384: "ECDSA-SHA384"
        case .ecdsaWithSHA512: "ECDSA-SHA512"
        case .ed25519: "Ed25519"
        default: "0"
        }
    }

    static func seconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970.rounded(.down)) }

    /// A number of big-endian bytes in decimal digits. Serial numbers have 20 bytes at most; more are cut off by the parser's own limits.
    static func decimal(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = [0]
        for byte in bytes {
            var carry = Int(byte)
            for index in digits.indices {
                let value = Int(digits[index]) * 256 + carry
                digits[index] = UInt8(value % 10)
                carry = value / 10
            }
            while carry > 0 {
                digits.append(UInt8(carry % 10))
                carry /= 10
            }
        }
        return String(decoding: digits.reversed().map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
    }

    // MARK: checks

    static func checkChain(_ certificates: [Certificate]) throws(CertificateFault) {
        for (certificate, issuer) in zip(certificates, certificates.dropFirst()) {
            guard certificate.issuer == issuer.subject, issuer.publicKey.isValidSignature(certificate.signature, for: certificate)
            else { throw .chainOrder }
        }
    }

    /// Extensions that are absent restrict nothing (RFC 5280, 4.2.1.3 and 4.2.1.12).
    private static func checkServerUse(_ certificate: Certificate) throws(CertificateFault) {
        do {
            if let usage = try certificate.extensions.keyUsage, !usage.digitalSignature, !usage.keyEncipherment {
                throw CertificateFault.keyUsage
            }
            if let purposes = try certificate.extensions.extendedKeyUsage,
                !purposes.contains(.serverAuth), !purposes.contains(.any)
            {
                throw CertificateFault.keyUsage
            }
        } catch let fault as CertificateFault {
            throw fault
        } catch {
            throw .unreadable
        }
    }

    /// - Returns: the one kind of key that all have.
    private static func checkAuthorities(_ roots: [Certificate], now: Int64) throws(CertificateFault) -> KeyAlgorithm? {
        var found: KeyAlgorithm?
        for root in roots {
            guard let algorithm = algorithm(of: root) else { throw .algorithm }
            if let found, found != algorithm { throw .algorithm }
            found = algorithm
            if seconds(root.notValidAfter) <= now { throw .expired }
            do {
                if case .notCertificateAuthority? = try root.extensions.basicConstraints { throw CertificateFault.keyUsage }
                if let usage = try root.extensions.keyUsage, !usage.keyCertSign { throw CertificateFault.keyUsage }
            } catch let fault as CertificateFault {
                throw fault
            } catch {
                throw .unreadable
            }
        }
        return found
    }
}

extension CertificateDetails {
    /// Whether the certificate speaks for a domain: by one of its names, or by its common name (management-api.md, 3.6). A
    /// wildcard stands for one label.
    ///
    /// - Parameter domain: lower case; may itself be a wildcard, which only the same wildcard covers.
    public func covers(_ domain: String) -> Bool { Self.covers(domain, names: names + [commonName]) }

    public static func covers(_ domain: String, names: [String]) -> Bool {
        names.contains { name in
            let name = name.lowercased()
            if name == domain { return true }
            guard name.hasPrefix("*."), !domain.hasPrefix("*."), let dot = domain.firstIndex(of: ".") else { return false }
            return domain[dot...] == name.dropFirst()
        }
    }
}

/// A certificate that a client has shown.
public enum ClientCertificate {
    /// The last common name of the subject, which is the most specific one; empty without one.
    ///
    /// - Parameter der: as the TLS library gives it.
    public static func commonName(der: [UInt8]) -> String {
        guard let certificate = try? Certificate(derEncoded: der) else { return "" }
        return ServerCertificate.texts(certificate.subject, .RDNAttributeType.commonName).last ?? ""
    }
}
