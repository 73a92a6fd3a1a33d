import Crypto
import Foundation
import GatewayModel
import NIOSSL
import SwiftASN1
import X509

/// The certificate that the TLS listener shows where no managed one fits: self-signed for this gateway's own hosts, made on the
/// first start and again when it is about to expire.
enum GatewayCertificate {
    private static let lifetime: TimeInterval = 365 * 86_400
    private static let renewalMargin: TimeInterval = 30 * 86_400

    /// - Returns: TLS settings for the listener, TLS 1.2 and 1.3: for clients that may agree on HTTP/2, and for the others. And when
    ///   the certificate ends.
    static func tlsContext(
        certificatePath: String, keyPath: String, hosts: [String]
    ) throws -> (withHTTP2: NIOSSLContext, withoutHTTP2: NIOSSLContext, endsAt: Timestamp) {
        if !isUsable(certificatePath, keyPath) {
            let (certificate, key) = try make(hosts: hosts)
            // Key first: a certificate without its key is made anew, the other way round as well.
            try DataFolder.write(Array(key.utf8), to: keyPath)
            try DataFolder.write(Array(certificate.utf8), to: certificatePath)
        }
        do {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificatePath).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: keyPath, format: .pem)))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            let plain = try NIOSSLContext(configuration: configuration)
            configuration.applicationProtocols = ["h2", "http/1.1"]
            let end = try Certificate(pemEncoded: String(contentsOfFile: certificatePath, encoding: .utf8)).notValidAfter
            return (
                try NIOSSLContext(configuration: configuration), plain,
                Timestamp(nanoseconds: Int64(end.timeIntervalSince1970) * 1_000_000_000)
            )
        } catch {
            throw PlainFailure("the certificate \(certificatePath) and its key cannot be used")
        }
    }

    private static func isUsable(_ certificatePath: String, _ keyPath: String) -> Bool {
        guard let pem = try? String(contentsOfFile: certificatePath, encoding: .utf8),
            FileManager.default.fileExists(atPath: keyPath), let certificate = try? Certificate(pemEncoded: pem)
        else { return false }
        return certificate.notValidAfter > Date().addingTimeInterval(renewalMargin)
    }

    private static func make(hosts: [String]) throws -> (certificate: String, key: String) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("Gatehouse gateway") }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
            notValidBefore: Date().addingTimeInterval(-3600), notValidAfter: Date().addingTimeInterval(lifetime), issuer: name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(hosts.map { .dnsName($0) } + [.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))])
            }, issuerPrivateKey: .init(key))
        return (try certificate.serializeAsPEM().pemString, key.pemRepresentation)
    }
}
