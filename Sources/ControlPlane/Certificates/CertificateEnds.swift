import CertificateReading
import Foundation
import GatewayModel
import GatewayPrimitives
import Store

/// When a certificate that the gateway shows to somebody ends.
public struct CertificateEnd: Sendable, Hashable {
    public enum Use: String, Sendable, CaseIterable {
        /// The gateway's own, for hosts without a managed one.
        case gateway
        /// Bound to a domain.
        case domain
        /// Feature `backend_client_certificate` of an instance.
        case backend
    }

    public let use: Use
    /// Of the certificate, or of the instance with ``Use/backend``.
    public let id: String
    public let endsAt: Timestamp

    public init(use: Use, id: String, endsAt: Timestamp) {
        self.use = use
        self.id = id
        self.endsAt = endsAt
    }
}

extension ControlPlane {
    /// The ends of certificates that are bound to domains or shown to backends, in no particular order.
    ///
    /// - Throws: ``OperationError``.
    public func certificateEnds() async throws -> [CertificateEnd] {
        try await read { reading in
            var ends: [CertificateEnd] = []
            let decoder = JSONDecoder()
            for row in try reading.sql.query(
                "SELECT id, facts FROM certificates WHERE id IN (SELECT certificate_id FROM domain_certificates)")
            {
                let facts = try decoder.decode(ManagedCertificate.Facts.self, from: Data(try row.text("facts").utf8))
                ends.append(CertificateEnd(use: .domain, id: try row.text("id"), endsAt: facts.notAfter))
            }
            var own = Condition()
            own.equal("name", ConfigurableFeature.backendClientCertificate.rawValue)
            for row in try reading.sql.all(Feature.self, where: own) where row.enabled {
                // A certificate counts with a key alone, which nothing here needs to know.
                let config = FeatureSecrets.opened(row.config, of: row.name, secret: "-")
                guard case .backendClientCertificate(let shown) = FeatureSetting(.backendClientCertificate, config: config),
                    !shown.chain.isEmpty, let end = try? BackendCredentials.end(ofChain: shown.chain)
                else { continue }
                ends.append(
                    CertificateEnd(use: .backend, id: row.instanceID, endsAt: Timestamp(nanoseconds: end * 1_000_000_000)))
            }
            return ends
        }
    }
}

/// Which certificates to warn of: each once when it has less than 30, 7 and 1 days, and once when it has ended. A renewed
/// certificate is another one.
public struct ExpiryNotices: Sendable {
    /// Days that are left; 0: it has ended.
    public static let steps: [Int64] = [0, 1, 7, 30]
    private var told: [CertificateEnd: Int64] = [:]

    public init() {}

    /// - Returns: what is to be said now, with the step that was reached. Certificates that are gone are forgotten.
    public mutating func due(_ ends: [CertificateEnd], now: Timestamp) -> [(end: CertificateEnd, days: Int64)] {
        var due: [(end: CertificateEnd, days: Int64)] = []
        var kept: [CertificateEnd: Int64] = [:]
        for end in ends {
            let left = end.endsAt.seconds - now.seconds
            guard let step = Self.steps.first(where: { left < $0 * 86_400 || (left == 0 && $0 == 0) }) else { continue }
            kept[end] = step
            if let last = told[end], last <= step { continue }
            due.append((end, step))
        }
        told = kept
        return due
    }
}
