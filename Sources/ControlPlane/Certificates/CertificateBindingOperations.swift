import CertificateReading
import GatewayModel
import Store

/// One domain of a call that binds a certificate to many.
public struct DomainTarget: Sendable {
    public var name: String
    /// nil: wherever the domain exists.
    public var instanceIDs: [String]?
    /// nil: verified when the certificate brings authorities.
    public var verifiesClients: Bool?

    public init(name: String, instanceIDs: [String]? = nil, verifiesClients: Bool? = nil) {
        self.name = name
        self.instanceIDs = instanceIDs
        self.verifiesClients = verifiesClients
    }
}

/// A domain that shows a certificate, with what answers join to it.
public struct AttachedDomain: Sendable {
    public let domain: BoundDomain
    public let groupName: String
    public let certificateID: String
    public let certificateName: String
}

extension ControlPlane {
    /// Domains, and ids of certificates, in one call.
    public static let certificateBatchLimit = 500

    /// Stores a certificate and binds it, in one step.
    ///
    /// - Throws: ``OperationError``: domain unknown or of another group; ``OperationError/certificate(_:)``.
    public func bindNewCertificate(
        _ call: Call, groupID: String, domainID: String, _ draft: CertificateDraft
    ) async throws -> Written<DomainView> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let domain = try w.domain(domainID, ofGroup: groupID, of: call)
            let certificate = try w.createCertificate(draft, of: call)
            guard certificate.isGlobal || certificate.instanceID == call.instanceID else {
                throw OperationError.invalid(field: "instance_id")
            }
            try w.bind(certificate, to: domain, verifiesClients: nil)
            return try w.view(w.domain(domainID, ofGroup: groupID, of: call))
        }
    }

    /// Binds one certificate to a domain, in place of one with the same kind of key.
    ///
    /// - Throws: ``OperationError``: domain or certificate unknown; not exactly one certificate; ``OperationError/certificate(_:)``.
    public func attachCertificates(
        _ call: Call, groupID: String, domainID: String, ids: [String], verifiesClients: Bool?
    ) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard let id = ids.first, ids.count == 1 else { throw OperationError.invalid(field: "certificate_ids") }
            try Writing.checkForm(ofID: id, field: "certificate_ids")
            let domain = try w.domain(domainID, ofGroup: groupID, of: call)
            try w.bind(w.certificate(id, forDomainsOf: call), to: domain, verifiesClients: verifiesClients)
        }
    }

    /// - Throws: ``OperationError``: domain or certificate unknown; ``StateConflict/certificateNotAtDomains`` when nothing was bound.
    public func detachCertificates(
        _ call: Call, groupID: String, domainID: String, ids: [String]
    ) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let ids = try Writing.distinct(ids, field: "certificate_ids", limit: Self.certificateBatchLimit)
            let domain = try w.domain(domainID, ofGroup: groupID, of: call)
            let certificates = try ids.map { try w.certificate($0, forDomainsOf: call) }
            guard try w.unbind(certificates, from: [domain]) > 0 else {
                throw OperationError.conflict(.certificateNotAtDomains)
            }
        }
    }

    /// - Throws: ``OperationError``: domain, certificate or binding unknown.
    public func unbindCertificate(
        _ call: Call, groupID: String, domainID: String, id: String
    ) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let domain = try w.domain(domainID, ofGroup: groupID, of: call)
            let certificate = try w.certificate(id, of: call)
            guard try w.unbind([certificate], from: [domain]) > 0 else {
                throw OperationError.notFound(.certificateBinding, id: id)
            }
        }
    }

    /// - Throws: ``OperationError``: domain, certificate or binding unknown.
    public func certificate(
        _ call: Call, ofDomain domainID: String, groupID: String, id: String
    ) async throws -> ManagedCertificate {
        try await read { r in
            try r.checkInstance(of: call)
            let domain = try r.domain(domainID, ofGroup: groupID, of: call)
            let certificate = try r.certificate(id, of: call)
            guard try r.certificates(ofDomain: domain.id).contains(where: { $0.id == id }) else {
                throw OperationError.notFound(.certificateBinding, id: id)
            }
            return certificate
        }
    }

    // MARK: From the certificate's side

    /// - Throws: ``OperationError``: certificate, domain or instance unknown; ``OperationError/certificate(_:)``; nothing is bound then.
    public func attachDomains(
        _ call: Call, certificateID: String, _ targets: [DomainTarget]
    ) async throws -> Written<Void> {
        try await write(call) { w in
            let certificate = try w.certificate(certificateID, of: call)
            for (target, domain) in try w.domains(of: targets, for: certificate, of: call) {
                try w.bind(certificate, to: domain, verifiesClients: target.verifiesClients)
            }
        }
    }

    /// - Throws: ``OperationError``: certificate, domain or instance unknown; ``StateConflict/certificateNotAtDomains``.
    public func detachDomains(
        _ call: Call, certificateID: String, _ targets: [DomainTarget]
    ) async throws -> Written<Void> {
        try await write(call) { w in
            let certificate = try w.certificate(certificateID, of: call)
            let domains = try w.domains(of: targets, for: certificate, of: call).map(\.1)
            guard try w.unbind([certificate], from: domains) > 0 else {
                throw OperationError.conflict(.certificateNotAtDomains)
            }
        }
    }

    /// Newest binding first.
    public func attachedDomains(
        _ call: Call, certificateID: String, name: String?, page: Page
    ) async throws -> Listing<AttachedDomain> {
        try await read { r in
            let certificate = try r.certificate(certificateID, of: call)
            var condition = Condition()
            condition.equal("b.certificate_id", certificateID)
            condition.matches("d.name", name)
            return try r.sql.page(
                "\(BoundDomain.columnList("d")), g.name AS group_name",
                from: """
                    domain_certificates b JOIN url_domains d ON d.id = b.domain_id JOIN api_groups g ON g.id = d.group_id
                    """, where: condition, order: "b.bound_at DESC, d.id", page: page
            ) { row in
                AttachedDomain(
                    domain: try BoundDomain(row: row), groupName: try row.text("group_name"), certificateID: certificateID,
                    certificateName: certificate.name)
            }
        }
    }
}

extension Writing {
    /// The domains that the targets mean, each once. A name that no domain has is as unknown as one of another instance than
    /// those that the target names.
    fileprivate func domains(
        of targets: [DomainTarget], for certificate: ManagedCertificate, of call: Call
    ) throws -> [(DomainTarget, BoundDomain)] {
        guard !targets.isEmpty, targets.count <= ControlPlane.certificateBatchLimit else {
            throw OperationError.invalid(field: "domains")
        }
        var seen: Set<String> = []
        return try targets.compactMap { target in
            let name = BoundDomain.normalized(target.name)
            for id in target.instanceIDs ?? [] { try checkInstance(id, of: call) }
            var condition = Condition()
            condition.and("d.name = ?", .text(name))
            condition.and("i.project_id = ?", .text(call.projectID))
            if let ids = target.instanceIDs, !ids.isEmpty { condition.isIn("d.instance_id", ids) }
            if !certificate.isGlobal { condition.and("d.instance_id = ?", .text(certificate.instanceID)) }
            let row = try sql.first(
                """
                SELECT \(BoundDomain.columnList("d")) FROM url_domains d JOIN instances i ON i.id = d.instance_id\(condition.sql)
                """, condition.arguments)
            guard let row else { throw OperationError.notFound(.domain, id: target.name) }
            let domain = try BoundDomain(row: row)
            return seen.insert(domain.id).inserted ? (target, domain) : nil
        }
    }

    /// - Parameter verifiesClients: nil: when there are authorities.
    fileprivate func bind(_ certificate: ManagedCertificate, to domain: BoundDomain, verifiesClients: Bool?) throws {
        guard certificate.covers(domain.name) else { throw OperationError.certificate(.domainMismatch) }
        if verifiesClients == true, !certificate.hasAuthorities {
            throw OperationError.invalid(field: "verified_client_certificate_enabled")
        }
        let others = try certificates(ofDomain: domain.id).filter {
            $0.content.facts.algorithm != certificate.content.facts.algorithm
        }
        try checkAuthorities(certificate, besides: others)
        let algorithm = certificate.content.facts.algorithm
        let old = try sql.find(CertificateBinding.self, key: domain.id, algorithm)
        if let old { try sql.delete(CertificateBinding.self, key: old.domainID, old.algorithm) }
        let binding = CertificateBinding(
            domainID: domain.id, algorithm: algorithm, certificateID: certificate.id, boundAt: now)
        try sql.insert(binding)
        try record(.certificateBinding, id: domain.id, before: old, after: binding)
        var changed = domain
        changed.verifiesClients = verifiesClients ?? (certificate.hasAuthorities || others.contains(where: \.hasAuthorities))
        try store(changed, before: domain)
        touch(.hosts(group: domain.groupID))
    }

    /// - Returns: how many bindings there were.
    fileprivate func unbind(_ certificates: [ManagedCertificate], from domains: [BoundDomain]) throws -> Int {
        var count = 0
        for domain in domains {
            var bound = Condition()
            bound.equal("domain_id", domain.id)
            bound.isIn("certificate_id", certificates.map(\.id))
            for binding in try sql.all(CertificateBinding.self, where: bound) {
                try sql.delete(CertificateBinding.self, key: binding.domainID, binding.algorithm)
                try record(.certificateBinding, id: domain.id, before: binding, after: nil)
                count += 1
            }
            try checkVerification(of: domain)
            touch(.hosts(group: domain.groupID))
        }
        return count
    }

    /// A bound certificate has become another one.
    func renew(_ certificate: ManagedCertificate, before: ManagedCertificate, at domain: BoundDomain) throws {
        guard certificate.covers(domain.name) else { throw OperationError.certificate(.domainMismatch) }
        let others = try certificates(ofDomain: domain.id).filter { $0.id != certificate.id }
        try checkAuthorities(certificate, besides: others)
        let algorithm = certificate.content.facts.algorithm
        if algorithm != before.content.facts.algorithm {
            guard !others.contains(where: { $0.content.facts.algorithm == algorithm }) else {
                throw OperationError.certificate(.severalOfOneAlgorithm)
            }
            try sql.execute(
                "UPDATE domain_certificates SET algorithm_type = ? WHERE domain_id = ? AND certificate_id = ?",
                [.text(algorithm), .text(domain.id), .text(certificate.id)])
        }
        // New authorities do not switch verification on; the loss of all ends it, because nothing could be verified.
        try checkVerification(of: domain)
        touch(.hosts(group: domain.groupID))
    }

    private func checkVerification(of domain: BoundDomain) throws {
        guard domain.verifiesClients, try !certificates(ofDomain: domain.id).contains(where: \.hasAuthorities) else { return }
        var changed = domain
        changed.verifiesClients = false
        try store(changed, before: domain)
    }

    /// Authorities of one domain have keys of one kind.
    private func checkAuthorities(_ certificate: ManagedCertificate, besides others: [ManagedCertificate]) throws {
        guard certificate.hasAuthorities else { return }
        let kinds = Set(others.filter(\.hasAuthorities).map(\.content.authorityAlgorithm))
        guard kinds.isEmpty || kinds == [certificate.content.authorityAlgorithm] else {
            throw OperationError.certificate(.authorityAlgorithms)
        }
    }
}

extension ManagedCertificate {
    /// Whether the certificate speaks for a domain.
    func covers(_ domain: String) -> Bool {
        CertificateDetails.covers(domain, names: content.facts.names + [content.facts.commonName])
    }
}
