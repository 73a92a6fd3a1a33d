import ControlPlane
import GatewayModel
import WireContract

extension OperationRoutes {
    /// Domains of groups, and the switch of their debugging hosts (management-api.md, 3.5).
    public mutating func addDomains(_ plane: ControlPlane) {
        on(.associateDomainV2, body: Wire.UrlDomainCreate.self) { call -> Written<Wire.AssociateDomainV2Response> in
            let draft = DomainDraft(
                name: call.body.urlDomain ?? "",
                minimumTLS: try WireWord.read(call.body.minSslVersion, field: "min_ssl_version") ?? .tls11,
                redirectsToHTTPS: call.body.isHttpRedirectToHttps ?? false)
            return try await plane.bindDomain(call.call, groupID: call.id("group_id"), draft).map(DomainMapping.answer)
        }
        on(.updateDomainV2, body: Wire.UrlDomainModify.self) { call -> Written<Wire.UpdateDomainV2Response> in
            let change = DomainChange(
                minimumTLS: try WireWord.read(call.body.minSslVersion, field: "min_ssl_version"),
                redirectsToHTTPS: call.body.isHttpRedirectToHttps,
                verifiesClients: call.body.verifiedClientCertificateEnabled)
            return try await plane.updateDomain(
                call.call, groupID: call.id("group_id"), id: call.id("domain_id"), change
            ).map(DomainMapping.answer)
        }
        on(.disassociateDomainV2) { call -> Written<Void> in
            try await plane.unbindDomain(call.call, groupID: call.id("group_id"), id: call.id("domain_id"))
        }
        on(.updateSlDomainSettingV2, body: Wire.SlDomainAccessSetting.self) { call -> Written<Void> in
            guard let isOpen = call.body.slDomainAccessEnabled else {
                throw OperationError.invalid(field: "sl_domain_access_enabled")
            }
            return try await plane.setDebuggingHost(call.call, groupID: call.id("group_id"), isOpen: isOpen)
        }
    }
}

enum DomainMapping {
    /// Whether the name resolves is not asked: callers may reach this gateway by any means. 3 means that it does.
    static let resolved = 3

    static func answer(_ domain: BoundDomain) -> Wire.AssociateDomainV2Response {
        Wire.AssociateDomainV2Response(
            urlDomain: domain.name, id: domain.id, status: resolved, minSslVersion: domain.minimumTLS.rawValue,
            isHttpRedirectToHttps: domain.redirectsToHTTPS, verifiedClientCertificateEnabled: domain.verifiesClients)
    }

    static func ofGroup(_ view: DomainView) -> Wire.UrlDomain {
        let domain = view.domain
        return Wire.UrlDomain(
            id: domain.id, domain: domain.name, cnameStatus: resolved, sslId: view.certificates.first?.id,
            sslName: view.certificates.first?.name, minSslVersion: domain.minimumTLS.rawValue,
            verifiedClientCertificateEnabled: domain.verifiesClients,
            isHasTrustedRootCa: view.certificates.contains(where: \.hasAuthorities), sslInfos: view.certificates.map(info))
    }

    static func withCertificates(_ view: DomainView) -> Wire.AssociateCertificateV2Response {
        let domain = view.domain
        return Wire.AssociateCertificateV2Response(
            urlDomain: domain.name, id: domain.id, status: resolved, minSslVersion: domain.minimumTLS.rawValue,
            isHttpRedirectToHttps: domain.redirectsToHTTPS, verifiedClientCertificateEnabled: domain.verifiesClients,
            sslName: view.certificates.first?.name, sslId: view.certificates.first?.id, sslInfos: view.certificates.map(info))
    }

    private static func info(_ bound: DomainView.Bound) -> Wire.SslInfo {
        Wire.SslInfo(
            sslId: bound.id, sslName: bound.name, algorithmType: bound.algorithm, type: bound.isGlobal ? "global" : "instance")
    }
}
