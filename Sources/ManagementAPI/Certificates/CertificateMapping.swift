import ControlPlane
import GatewayModel
import GatewayPrimitives
import WireContract

/// Between the contract's shapes and the model's. Keys and texts of certificates are never answered.
enum CertificateMapping {
    static func draft(_ body: Wire.CertificateForm) throws(OperationError) -> CertificateDraft {
        // A second pair of certificate and key, for signing, belongs to SM2 alone, which no listener here speaks.
        if body.certContentSign?.isEmpty == false { throw .cannotServe(field: "cert_content_sign", reason: "SM2 is not served") }
        if body.privateKeySign?.isEmpty == false { throw .cannotServe(field: "private_key_sign", reason: "SM2 is not served") }
        var draft = draft(
            name: body.name, chain: body.certContent, key: body.privateKey, authorities: body.trustedRootCa, type: body.type,
            instanceID: body.instanceId)
        draft.algorithm = body.algorithmType
        return draft
    }

    static func draft(_ body: Wire.CertForm) -> CertificateDraft {
        draft(
            name: body.name, chain: body.certContent, key: body.privateKey, authorities: body.trustedRootCa, type: body.type,
            instanceID: body.instanceId)
    }

    /// Empty texts are absent ones, but for authorities, where they say that there shall be none.
    private static func draft(
        name: String?, chain: String?, key: String?, authorities: String?, type: String?, instanceID: String?
    ) -> CertificateDraft {
        func given(_ text: String?) -> String? { text?.isEmpty == false ? text : nil }
        var draft = CertificateDraft()
        draft.name = given(name)
        draft.chain = given(chain)
        draft.key = given(key).map { Secret($0) }
        draft.authorities = authorities
        draft.isGlobal = given(type).map { $0 == "global" }
        draft.instanceID = given(instanceID)
        return draft
    }

    static func targets(_ body: Wire.AttachOrDetachDomainsReqBody) throws(OperationError) -> [DomainTarget] {
        var targets: [DomainTarget] = []
        for domain in body.domains ?? [] {
            guard let name = domain.domain, !name.isEmpty else { throw .missing(field: "domain") }
            targets.append(
                DomainTarget(
                    name: name, instanceIDs: domain.instanceIds, verifiesClients: domain.verifiedClientCertificateEnabled))
        }
        return targets
    }

    /// Spelling of times (management-api.md, 1.7).
    enum Moment { case created, updated, read }

    static func answer(_ certificate: ManagedCertificate, _ moment: Moment) -> Wire.CreateCertificateV2Response {
        let facts = certificate.content.facts
        return Wire.CreateCertificateV2Response(
            id: certificate.id, name: certificate.name, type: scope(certificate), instanceId: instance(certificate),
            projectId: certificate.projectID, commonName: facts.commonName, san: facts.names, notAfter: facts.notAfter.inSeconds,
            signatureAlgorithm: facts.signatureAlgorithm,
            createTime: moment == .created ? certificate.createdAt.inNanoseconds : certificate.createdAt.inSeconds,
            updateTime: moment == .read ? certificate.updatedAt.inMicroseconds : certificate.updatedAt.inNanoseconds,
            algorithmType: facts.algorithm, isHasTrustedRootCa: certificate.hasAuthorities, version: 3,
            organization: facts.organization, organizationalUnit: facts.organizationalUnit, locality: facts.locality,
            state: facts.state, country: facts.country, notBefore: facts.notBefore.inSeconds, serialNumber: facts.serialNumber,
            issuer: facts.issuer)
    }

    static func element(_ certificate: ManagedCertificate) -> Wire.CertBase {
        let facts = certificate.content.facts
        return Wire.CertBase(
            id: certificate.id, name: certificate.name, type: scope(certificate), instanceId: instance(certificate),
            projectId: certificate.projectID, commonName: facts.commonName, san: facts.names, notAfter: facts.notAfter.inSeconds,
            signatureAlgorithm: facts.signatureAlgorithm, createTime: certificate.createdAt.inSeconds,
            updateTime: certificate.updatedAt.inMicroseconds, algorithmType: facts.algorithm,
            isHasTrustedRootCa: certificate.hasAuthorities)
    }

    static func attached(_ attached: AttachedDomain) -> Wire.UrlDomainRefInfo {
        let domain = attached.domain
        return Wire.UrlDomainRefInfo(
            urlDomain: domain.name, id: domain.id, status: DomainMapping.resolved, minSslVersion: domain.minimumTLS.rawValue,
            isHttpRedirectToHttps: domain.redirectsToHTTPS, verifiedClientCertificateEnabled: domain.verifiesClients,
            sslId: attached.certificateID, sslName: attached.certificateName, apiGroupId: domain.groupID,
            apiGroupName: attached.groupName, instanceId: domain.instanceID)
    }

    private static func scope(_ certificate: ManagedCertificate) -> String { certificate.isGlobal ? "global" : "instance" }

    /// Certificates of scope global name no instance but this word (management-api.md, 1.8).
    private static func instance(_ certificate: ManagedCertificate) -> String {
        certificate.isGlobal ? "common" : certificate.instanceID
    }

    static func refusal(_ refusal: CertificateRefusal) -> Refusal {
        switch refusal {
        case .keyMismatch: Refusal(.apig2101)
        case .expired: Refusal(.apig2102)
        case .domainMismatch: Refusal(.apig2103)
        case .chainOrder: Refusal(.apig2104)
        case .encryptedKey: Refusal(.apig2105)
        case .unreadable: Refusal(.apig2106)
        case .noAlternativeName: Refusal(.apig2109)
        case .expiresTooLate: Refusal(.apig3148)
        case .keyUsage: Refusal(.apig3708)
        case .algorithm: Refusal(.apig3709)
        case .authorityAlgorithms: Refusal(.apig3715)
        case .severalOfOneAlgorithm: Refusal(.apig2051)
        }
    }
}
