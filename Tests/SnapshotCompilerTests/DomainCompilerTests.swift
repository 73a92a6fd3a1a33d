import GatewayModel
import GatewayPrimitives
import Snapshot
import SnapshotCompiler
import Synchronization
import Testing

/// Domains and certificates -> what the listeners go by.
@Suite("domain compiler")
struct DomainCompilerTests {
    private final class Context: PreparedTLS {}
    private struct Refused: Error {}

    /// Makes contexts and counts them; refuses chains named `bad`.
    private final class Library: Sendable {
        let made = Mutex<[TLSMaterial]>([])

        func prepare(_ material: TLSMaterial) throws -> any PreparedTLS {
            if material.chain == "bad" { throw Refused() }
            made.withLock { $0.append(material) }
            return Context()
        }
    }

    private func domain(
        _ name: String, minimum: TLSVersionName = .tls12, redirects: Bool = false, verifies: Bool = false
    ) -> BoundDomain {
        BoundDomain(
            id: name, instanceID: "i", groupID: "g", name: name, minimumTLS: minimum, redirectsToHTTPS: redirects,
            verifiesClients: verifies, createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))
    }

    private func certificate(_ chain: String, algorithm: String = "RSA", authorities: String = "") -> ManagedCertificate {
        ManagedCertificate(
            id: chain, projectID: "p", instanceID: "", name: chain,
            content: .init(
                chain: chain, key: Secret("key"), authorities: authorities, authorityAlgorithm: authorities.isEmpty ? "" : "RSA",
                facts: .init(
                    commonName: "", names: [], organization: [], organizationalUnit: [], locality: [], state: [], country: [],
                    notBefore: Timestamp(nanoseconds: 0), notAfter: Timestamp(nanoseconds: 0), serialNumber: "1", issuer: [],
                    signatureAlgorithm: "", algorithm: algorithm)),
            createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))
    }

    @Test("contexts are kept as long as their material is shown")
    func kept() throws {
        let library = Library()
        var compiler = DomainCompiler(prepare: library.prepare)
        let one = DomainCompiler.Input(domain: domain("a.b"), certificates: [certificate("c1")])
        let two = DomainCompiler.Input(domain: domain("c.d"), certificates: [certificate("c1"), certificate("c2", algorithm: "ECC")])
        let first = try compiler.compile(groupID: "g", [one, two], tolerates: false)
        let second = try compiler.compile(groupID: "g", [one, two], tolerates: false)
        #expect(library.made.withLock(\.count) == 2)
        #expect(first[0].identities[0].context === second[0].identities[0].context)
        #expect(second[1].identities.map(\.usesEllipticCurve) == [true, false], "the cheaper kind first")
        _ = try compiler.compile(groupID: "g", [], tolerates: false)
        _ = try compiler.compile(groupID: "g", [one], tolerates: false)
        #expect(library.made.withLock(\.count) == 3, "what was gone is made again")
    }

    @Test("what a context depends on")
    func material() throws {
        let library = Library()
        var compiler = DomainCompiler(prepare: library.prepare)
        let shown = certificate("c", authorities: "roots")
        _ = try compiler.compile(
            groupID: "g",
            [
                .init(domain: domain("a.b"), certificates: [shown]),
                .init(domain: domain("c.d", minimum: .tls11, verifies: true), certificates: [shown]),
            ], cipherSuites: [.rsaAES128GCM], tolerates: false)
        let made = library.made.withLock { $0 }
        #expect(made.map(\.authorities) == ["", "roots"] && made.map(\.minimum) == [.tls12, .tls11])
        #expect(made.allSatisfy { $0.cipherSuites == ["ECDHE-RSA-AES128-GCM-SHA256"] })
    }

    @Test("rules")
    func rules() throws {
        var compiler = DomainCompiler(prepare: Library().prepare)
        let rules = try compiler.compile(
            groupID: "g",
            [
                .init(domain: domain("a.b", redirects: true), certificates: []),
                .init(domain: domain("c.d", redirects: true, verifies: true), certificates: [certificate("c", authorities: "r")]),
            ], tolerates: false)
        #expect(!rules[0].redirectsToHTTPS, "there is nothing to show at the other end")
        #expect(rules[0].identities.isEmpty && rules[0].authority == nil)
        #expect(rules[1].redirectsToHTTPS && rules[1].authority?.certificates == "r")
    }

    @Test("a certificate that the library does not take")
    func refused() throws {
        var compiler = DomainCompiler(prepare: Library().prepare)
        let input = DomainCompiler.Input(domain: domain("a.b"), certificates: [certificate("bad")])
        #expect(throws: CompileDiagnostic.self) { try compiler.compile(groupID: "g", [input], tolerates: false) }
        let rules = try compiler.compile(groupID: "g", [input], tolerates: true)
        #expect(rules[0].identities.count == 1 && rules[0].identities[0].context == nil, "nothing else is shown in its place")
    }
}
