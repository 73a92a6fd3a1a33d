import CertificateReading
import Crypto
import GatewayPrimitives
import Testing
import X509

/// The checks of certificates (management-api.md, 3.6).
@Suite("certificates")
struct ServerCertificateTests {
    private func read(
        _ issued: IssuedCertificate, chain: String? = nil, key: Secret? = nil, authorities: String = "",
        now: Int64 = IssuedCertificate.now
    ) throws -> ServerCertificate {
        try ServerCertificate(
            chain: chain ?? issued.pem, key: key ?? issued.keyPEM, authorities: authorities, now: now)
    }

    @Test("what it says of itself")
    func details() throws {
        let issued = try IssuedCertificate(["a.example.com", "*.b.example.com"], serial: [1, 0, 0, 0, 0, 0, 0, 0, 0])
        let read = try read(issued)
        let details = read.details
        #expect(details.commonName == "a.example.com")
        #expect(details.names == ["a.example.com", "*.b.example.com"])
        #expect(details.country == ["DE"] && details.state == ["Berlin"] && details.locality == ["Mitte"])
        #expect(details.organization == ["Gatehouse Tests"] && details.organizationalUnit == ["Edge"])
        #expect(details.issuer == ["a.example.com"])
        #expect(details.serialNumber == "18446744073709551616")
        #expect(details.notAfter == IssuedCertificate.now + 86_400 && details.notBefore == IssuedCertificate.now - 86_400)
        #expect(details.signatureAlgorithm == "ECDSA-SHA256" && details.algorithm == .ecc)
        #expect(read.authorities.isEmpty && read.authorityAlgorithm == nil)
    }

    @Test("surrounding text and other line ends do not reach the stored form")
    func oneForm() throws {
        let issued = try IssuedCertificate()
        let text = try "subject=a\n" + issued.pem.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
        #expect(try read(issued, chain: text).chain == read(issued).chain)
    }

    @Test("the key must be the certificate's")
    func keyMismatch() throws {
        let other = try IssuedCertificate().keyPEM
        #expect(throws: CertificateFault.keyMismatch) { try read(IssuedCertificate(), key: other) }
    }

    @Test("each certificate is issued by the one behind it")
    func chain() throws {
        let root = try IssuedCertificate([], commonName: "Root", isAuthority: true)
        let middle = try IssuedCertificate([], commonName: "Middle", issuer: root, isAuthority: true)
        let leaf = try IssuedCertificate(issuer: middle)
        #expect(try read(leaf, chain: leaf.pem + middle.pem + root.pem).details.issuer == ["Middle"])
        #expect(try read(leaf, chain: leaf.pem + middle.pem).details.issuer == ["Middle"])
        #expect(throws: CertificateFault.chainOrder) { try read(leaf, chain: leaf.pem + root.pem + middle.pem) }
        #expect(throws: CertificateFault.chainOrder) { try read(leaf, chain: middle.pem + leaf.pem) }
        // The right name is not enough.
        let imposter = try IssuedCertificate([], commonName: "Middle", issuer: root, isAuthority: true)
        #expect(throws: CertificateFault.chainOrder) { try read(leaf, chain: leaf.pem + imposter.pem) }
    }

    @Test("ten certificates, not eleven")
    func count() throws {
        let issued = try IssuedCertificate()
        let pem = try issued.pem
        #expect(throws: CertificateFault.unreadable) { try read(issued, chain: String(repeating: pem, count: 11)) }
        #expect(try read(issued, chain: String(repeating: pem, count: 10)).details.names == ["a.example.com"])
    }

    @Test("its last second is its last")
    func expiry() throws {
        let end = IssuedCertificate.now + 5
        let issued = try IssuedCertificate(notAfter: end)
        #expect(try read(issued, now: end - 1).details.notAfter == end)
        #expect(throws: CertificateFault.expired) { try read(issued, now: end) }
        let latest = ServerCertificate.lastSecond
        #expect(try read(IssuedCertificate(notAfter: latest)).details.notAfter == latest)
        #expect(throws: CertificateFault.expiresTooLate) { try read(IssuedCertificate(notAfter: latest + 1)) }
    }

    @Test("a name beside the common name")
    func names() throws {
        #expect(throws: CertificateFault.noAlternativeName) { try read(IssuedCertificate([])) }
    }

    @Test("texts that are none")
    func unreadable() throws {
        let issued = try IssuedCertificate()
        for chain in ["", "no", try issued.keyPEM.revealed, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
            #expect(throws: CertificateFault.unreadable) { try read(issued, chain: chain) }
        }
        for key in ["", "no", try issued.pem, try issued.keyPEM.revealed + "\n" + issued.keyPEM.revealed] {
            #expect(throws: CertificateFault.unreadable) { try read(issued, key: Secret(key)) }
        }
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"
        #expect(throws: CertificateFault.encryptedKey) { try read(issued, key: Secret(encrypted)) }
    }

    @Test("the older form of a curve's key, with its parameters before it")
    func olderKey() throws {
        let key = P256.Signing.PrivateKey()
        let issued = try IssuedCertificate(key: Certificate.PrivateKey(key))
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        #expect(try read(issued, key: Secret(parameters + issued.keyPEM.revealed)).key == read(issued).key)
    }

    @Test("what it may be used for")
    func use() throws {
        for purpose in [ExtendedKeyUsage.Usage.clientAuth, .codeSigning] {
            #expect(throws: CertificateFault.keyUsage) { try read(IssuedCertificate(purposes: [purpose])) }
        }
        for purpose in [ExtendedKeyUsage.Usage.serverAuth, .any] {
            #expect(try read(IssuedCertificate(purposes: [.clientAuth, purpose])).details.algorithm == .ecc)
        }
        #expect(throws: CertificateFault.keyUsage) { try read(IssuedCertificate(usage: KeyUsage(keyCertSign: true))) }
        #expect(try read(IssuedCertificate(usage: KeyUsage(digitalSignature: true))).details.algorithm == .ecc)
    }

    @Test("authorities of clients")
    func authorities() throws {
        let leaf = try IssuedCertificate()
        let root = try IssuedCertificate([], commonName: "Root", isAuthority: true)
        let read = try read(leaf, authorities: root.pem)
        #expect(try read.authorities == root.pem && read.authorityAlgorithm == .ecc)
        #expect(try self.read(leaf, authorities: " \n").authorities.isEmpty)
        let old = try IssuedCertificate([], commonName: "Old", notAfter: IssuedCertificate.now, isAuthority: true)
        #expect(throws: CertificateFault.expired) { try self.read(leaf, authorities: old.pem) }
        let idle = try IssuedCertificate(
            [], commonName: "Idle", isAuthority: true, usage: KeyUsage(digitalSignature: true))
        #expect(throws: CertificateFault.keyUsage) { try self.read(leaf, authorities: idle.pem) }
        #expect(throws: CertificateFault.unreadable) { try self.read(leaf, authorities: "no") }
    }

    struct Cover: Sendable {
        let name: String
        let domain: String
        let covers: Bool
    }

    @Test(
        "which domains a name covers",
        arguments: [
            Cover(name: "a.example.com", domain: "a.example.com", covers: true),
            Cover(name: "A.Example.COM", domain: "a.example.com", covers: true),
            Cover(name: "*.example.com", domain: "a.example.com", covers: true),
            Cover(name: "*.example.com", domain: "*.example.com", covers: true),
            // A wildcard stands for one label.
            Cover(name: "*.example.com", domain: "a.b.example.com", covers: false),
            Cover(name: "*.example.com", domain: "example.com", covers: false),
            Cover(name: "*.example.com", domain: "*.b.example.com", covers: false),
            Cover(name: "a.example.com", domain: "*.example.com", covers: false),
            Cover(name: "xample.com", domain: "example.com", covers: false),
            Cover(name: "", domain: "example.com", covers: false),
        ])
    func covers(_ cover: Cover) {
        #expect(CertificateDetails.covers(cover.domain, names: [cover.name]) == cover.covers)
    }

    @Test("the common name counts beside the others")
    func commonNameCovers() throws {
        let details = try read(IssuedCertificate(["b.example.com"])).details
        #expect(details.covers("a.example.com") && details.covers("b.example.com") && !details.covers("c.example.com"))
    }

    @Test("the name of a client")
    func client() throws {
        #expect(try ClientCertificate.commonName(der: IssuedCertificate(commonName: "Known One").der) == "Known One")
        #expect(ClientCertificate.commonName(der: [1, 2, 3]).isEmpty)
    }
}
