import GatewayModel
import GatewayPrimitives
import Snapshot

/// Turns domains and their certificates into what the listeners go by. Contexts of the TLS library are made once for the same
/// material and kept, so that another change to a group's hosts does not touch them. One thread at a time.
public struct DomainCompiler {
    private let prepare: TLSPreparation
    /// By group: what its domains show.
    private var prepared: [String: [(material: TLSMaterial, context: any PreparedTLS)]] = [:]

    public init(prepare: @escaping TLSPreparation) { self.prepare = prepare }

    /// A domain and the certificates that are bound to it.
    public struct Input: Sendable {
        public let domain: BoundDomain
        public let certificates: [ManagedCertificate]

        public init(domain: BoundDomain, certificates: [ManagedCertificate]) {
            self.domain = domain
            self.certificates = certificates
        }
    }

    /// All domains of a group.
    ///
    /// - Parameters:
    ///   - cipherSuites: those of TLS 1.2 that the instance allows; empty: the library's own choice.
    ///   - offersHTTP2: the instance has not switched it off.
    ///   - tolerates: a certificate that the TLS library does not take makes handshakes for its domain fail, instead of being
    ///     refused.
    /// - Throws: ``CompileDiagnostic`` naming the certificate.
    public mutating func compile(
        groupID: String, _ inputs: [Input], cipherSuites: [CipherSuite] = [], offersHTTP2: Bool = true, tolerates: Bool
    ) throws(CompileDiagnostic) -> [DomainRules] {
        let known = prepared[groupID] ?? []
        var used: [(material: TLSMaterial, context: any PreparedTLS)] = []
        var rules: [DomainRules] = []
        for input in inputs {
            let domain = input.domain
            let minimum: TLSFloor = domain.minimumTLS == .tls11 ? .tls11 : .tls12
            let authorities = domain.verifiesClients ? input.certificates.map(\.content.authorities).joined() : ""
            var identities: [TLSIdentity] = []
            for certificate in input.certificates {
                let material = TLSMaterial(
                    chain: certificate.content.chain, key: certificate.content.key, authorities: authorities, minimum: minimum,
                    cipherSuites: cipherSuites.map(\.rawValue), offersHTTP2: offersHTTP2)
                var context = (used + known).first { $0.material == material }?.context
                if context == nil {
                    do {
                        context = try prepare(material)
                    } catch where !tolerates {
                        throw CompileDiagnostic(
                            field: "cert_content", reason: "the TLS library does not take the certificate",
                            resource: "certificate \(certificate.id)")
                    } catch {
                        context = nil
                    }
                }
                if let context { used.append((material, context)) }
                identities.append(
                    TLSIdentity(usesEllipticCurve: certificate.content.facts.algorithm == "ECC", context: context))
            }
            identities.sort { $0.usesEllipticCurve && !$1.usesEllipticCurve }
            rules.append(
                DomainRules(
                    name: domain.name, minimumTLS: minimum, redirectsToHTTPS: domain.redirectsToHTTPS && !identities.isEmpty,
                    identities: identities, authority: authorities.isEmpty ? nil : ClientAuthority(certificates: authorities)))
        }
        prepared[groupID] = used.isEmpty ? nil : used
        return rules
    }
}
