import Crypto
import Foundation
import GatewayPrimitives
import SwiftASN1
import X509

/// A certificate made for a test, with its key. Moments are seconds since 1970.
struct IssuedCertificate {
    static let now: Int64 = 1_800_000_000

    let certificate: Certificate
    let key: Certificate.PrivateKey

    /// Signed by `issuer`, or by itself.
    init(
        _ names: [String] = ["a.example.com"], commonName: String = "a.example.com", key: Certificate.PrivateKey? = nil,
        issuer: IssuedCertificate? = nil, notAfter: Int64 = now + 86_400, serial: [UInt8] = [1],
        isAuthority: Bool = false, usage: KeyUsage? = nil, purposes: [ExtendedKeyUsage.Usage] = []
    ) throws {
        let key = key ?? Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName {
            CountryName("DE")
            StateOrProvinceName("Berlin")
            LocalityName("Mitte")
            OrganizationName("Gatehouse Tests")
            OrganizationalUnitName("Edge")
            CommonName(commonName)
        }
        var extensions = Certificate.Extensions()
        if !names.isEmpty {
            try extensions.append(
                Certificate.Extension(SubjectAlternativeNames(names.map { GeneralName.dnsName($0) }), critical: false))
        }
        if isAuthority {
            try extensions.append(
                Certificate.Extension(BasicConstraints.isCertificateAuthority(maxPathLength: nil), critical: true))
        }
        if let usage { try extensions.append(Certificate.Extension(usage, critical: true)) }
        if !purposes.isEmpty { try extensions.append(Certificate.Extension(ExtendedKeyUsage(purposes), critical: false)) }
        self.key = key
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(bytes: ArraySlice(serial)), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: TimeInterval(Self.now - 86_400)),
            notValidAfter: Date(timeIntervalSince1970: TimeInterval(notAfter)),
            issuer: issuer?.certificate.subject ?? subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions, issuerPrivateKey: issuer?.key ?? key)
    }

    var pem: String { get throws { try certificate.serializeAsPEM().pemString + "\n" } }
    var keyPEM: Secret { get throws { Secret(try key.serializeAsPEM().pemString) } }

    var der: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        }
    }
}
