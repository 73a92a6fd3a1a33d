import CertificateReading
import GatewayModel
import GatewayPrimitives
import Store

/// What a caller says about a certificate; nil stays as it is when one is changed.
public struct CertificateDraft: Sendable {
    public var name: String?
    public var chain: String?
    public var key: Secret?
    /// Empty for none.
    public var authorities: String?
    /// nil: scope not given.
    public var isGlobal: Bool?
    public var instanceID: String?
    /// `RSA`, `ECC` or `SM2`, when the caller says what it expects.
    public var algorithm: String?

    public init() {}
}

public struct CertificateFilter: Sendable {
    public var name: String?
    public var commonName: String?
    public var signatureAlgorithm: String?
    /// `global` or `instance`.
    public var scope: String?
    public var algorithm: String?
    /// Those of this instance and the global ones.
    public var instanceID: String?

    public init() {}
}

extension ControlPlane {
    /// Stores a certificate for domains to come.
    ///
    /// - Throws: ``OperationError``: instance unknown; ``OperationError/certificate(_:)``.
    public func createCertificate(_ call: Call, _ draft: CertificateDraft) async throws -> Written<ManagedCertificate> {
        try await write(call) { w in try w.createCertificate(draft, of: call) }
    }

    /// Changes a certificate at all domains that show it, at once; connections that are open stay.
    ///
    /// - Throws: ``OperationError``: certificate unknown; ``OperationError/certificate(_:)``, also for a domain that the new one
    ///   does not cover.
    public func updateCertificate(
        _ call: Call, id: String, _ draft: CertificateDraft
    ) async throws -> Written<ManagedCertificate> {
        try await write(call) { w in
            let before = try w.certificate(id, of: call)
            if let isGlobal = draft.isGlobal, isGlobal != before.isGlobal { throw OperationError.invalid(field: "type") }
            if let instance = draft.instanceID, !before.isGlobal, instance != before.instanceID {
                throw OperationError.invalid(field: "instance_id")
            }
            var certificate = before
            if let name = draft.name { try w.checkCertificateName(name) }
            certificate.name = draft.name ?? before.name
            if draft.chain != nil || draft.key != nil || draft.authorities != nil || draft.algorithm != nil {
                certificate.content = try w.content(
                    chain: draft.chain ?? before.content.chain, key: draft.key ?? before.content.key,
                    authorities: draft.authorities ?? before.content.authorities, algorithm: draft.algorithm)
            }
            certificate.updatedAt = w.now
            try w.sql.update(CertificateRow(certificate, box: w.box))
            try w.record(.certificate, id: id, before: before, after: certificate)
            for domain in try w.domains(ofCertificate: id) { try w.renew(certificate, before: before, at: domain) }
            return certificate
        }
    }

    /// - Throws: ``OperationError``: certificate unknown, or shown by a domain.
    public func deleteCertificate(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            let certificate = try w.certificate(id, of: call)
            guard try w.domains(ofCertificate: id).isEmpty else { throw OperationError.conflict(.certificateIsBound) }
            try w.sql.delete(CertificateRow.self, key: id)
            try w.record(.certificate, id: id, before: certificate, after: nil)
        }
    }

    public func certificate(_ call: Call, id: String) async throws -> ManagedCertificate {
        try await read { r in try r.certificate(id, of: call) }
    }

    /// Newest first.
    public func certificates(
        _ call: Call, _ filter: CertificateFilter, page: Page
    ) async throws -> Listing<ManagedCertificate> {
        try await read { r in
            var condition = Condition()
            condition.and("project_id = ?", .text(call.projectID))
            if let instanceID = filter.instanceID {
                try r.checkInstance(instanceID, of: call)
                condition.and("(instance_id IS NULL OR instance_id = ?)", .text(instanceID))
            }
            condition.matches("name", filter.name)
            condition.matches("common_name", filter.commonName)
            condition.equal("signature_algorithm", filter.signatureAlgorithm)
            condition.equal("algorithm_type", filter.algorithm)
            switch filter.scope {
            case nil: break
            case "global": condition.and("instance_id IS NULL")
            case "instance": condition.and("instance_id IS NOT NULL")
            default: condition.isIn("id", [])
            }
            let rows = try r.sql.page(CertificateRow.self, where: condition, order: "created_at DESC, id", page: page)
            return try rows.map { try $0.model(box: r.box) }
        }
    }
}

extension Reading {
    /// Of the call's project.
    func certificate(_ id: String, of call: Call) throws -> ManagedCertificate {
        guard let certificate = try sql.find(CertificateRow.self, key: id)?.model(box: box),
            certificate.projectID == call.projectID
        else { throw OperationError.notFound(.certificate, id: id) }
        return certificate
    }

    /// Of the call's project, and of use in its instance.
    func certificate(_ id: String, forDomainsOf call: Call) throws -> ManagedCertificate {
        let certificate = try certificate(id, of: call)
        guard certificate.isGlobal || certificate.instanceID == call.instanceID else {
            throw OperationError.notFound(.certificate, id: id)
        }
        return certificate
    }

    /// Certificates that a domain shows, newest binding first.
    func certificates(ofDomain id: String) throws -> [ManagedCertificate] {
        let rows = try sql.query(
            """
            SELECT \(CertificateRow.columnList("c")) FROM domain_certificates b JOIN certificates c ON c.id = b.certificate_id
            WHERE b.domain_id = ? ORDER BY b.bound_at DESC, c.id
            """, [.text(id)])
        return try rows.map { try CertificateRow(row: $0).model(box: box) }
    }

    /// Domains that show a certificate, in the order of their names.
    func domains(ofCertificate id: String) throws -> [BoundDomain] {
        let rows = try sql.query(
            """
            SELECT \(BoundDomain.columnList("d")) FROM domain_certificates b JOIN url_domains d ON d.id = b.domain_id
            WHERE b.certificate_id = ? ORDER BY d.name
            """, [.text(id)])
        return try rows.map { try BoundDomain(row: $0) }
    }

    func checkInstance(_ id: String, of call: Call) throws {
        guard let instance = try sql.find(Instance.self, key: id), instance.projectID == call.projectID else {
            throw OperationError.notFound(.instance, id: id)
        }
    }
}

extension Writing {
    func createCertificate(_ draft: CertificateDraft, of call: Call) throws -> ManagedCertificate {
        guard let name = draft.name else { throw OperationError.missing(field: "name") }
        try checkCertificateName(name)
        guard let chain = draft.chain else { throw OperationError.missing(field: "cert_content") }
        guard let key = draft.key else { throw OperationError.missing(field: "private_key") }
        var instanceID = ""
        if draft.isGlobal == false {
            guard let id = draft.instanceID else { throw OperationError.missing(field: "instance_id") }
            try checkInstance(id, of: call)
            instanceID = id
        }
        let certificate = ManagedCertificate(
            id: newID(), projectID: call.projectID, instanceID: instanceID, name: name,
            content: try content(chain: chain, key: key, authorities: draft.authorities ?? "", algorithm: draft.algorithm),
            createdAt: now, updatedAt: now)
        try sql.insert(CertificateRow(certificate, box: box))
        try record(.certificate, id: certificate.id, before: nil, after: certificate)
        return certificate
    }

    /// 4 to 50 letters, digits and underscores, a letter first; Chinese characters are letters.
    func checkCertificateName(_ name: String) throws(OperationError) {
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("\u{4e00}"..."\u{9fa5}").contains(scalar)
        }
        let scalars = name.unicodeScalars
        guard (4...50).contains(scalars.count), let first = scalars.first, isLetter(first),
            scalars.allSatisfy({ isLetter($0) || ("0"..."9").contains($0) || $0 == "_" })
        else { throw .invalid(field: "name") }
    }

    /// Reads and checks the texts.
    func content(
        chain: String, key: Secret, authorities: String, algorithm: String?
    ) throws -> ManagedCertificate.Content {
        do {
            let read = try ServerCertificate(chain: chain, key: key, authorities: authorities, now: now.seconds)
            if let algorithm, !algorithm.isEmpty, algorithm != read.details.algorithm.rawValue { throw CertificateFault.algorithm }
            return ManagedCertificate.Content(
                chain: read.chain, key: read.key, authorities: read.authorities,
                authorityAlgorithm: read.authorityAlgorithm?.rawValue ?? "", facts: .init(read.details))
        } catch let fault as CertificateFault {
            throw OperationError.certificate(CertificateRefusal(fault))
        }
    }
}

extension ManagedCertificate.Facts {
    init(_ details: CertificateDetails) {
        self.init(
            commonName: details.commonName, names: details.names, organization: details.organization,
            organizationalUnit: details.organizationalUnit, locality: details.locality, state: details.state,
            country: details.country, notBefore: Timestamp(nanoseconds: details.notBefore * 1_000_000_000),
            notAfter: Timestamp(nanoseconds: details.notAfter * 1_000_000_000), serialNumber: details.serialNumber,
            issuer: details.issuer, signatureAlgorithm: details.signatureAlgorithm, algorithm: details.algorithm.rawValue)
    }
}
