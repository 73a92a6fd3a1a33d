import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Certificates of a project, and their bindings from both sides (management-api.md, 3.6).
    public mutating func addCertificates(_ plane: ControlPlane) {
        on(.createCertificateV2, body: Wire.CertificateForm.self) { call -> Written<Wire.CreateCertificateV2Response> in
            try await plane.createCertificate(call.call, CertificateMapping.draft(call.body)).map {
                CertificateMapping.answer($0, .created)
            }
        }
        on(.updateCertificateV2, body: Wire.CertificateForm.self) { call -> Written<Wire.UpdateCertificateV2Response> in
            let draft = try CertificateMapping.draft(call.body)
            return try await plane.updateCertificate(call.call, id: call.id("certificate_id"), draft).map {
                CertificateMapping.answer($0, .updated)
            }
        }
        on(.deleteCertificateV2) { call -> Written<Void> in
            try await plane.deleteCertificate(call.call, id: call.id("certificate_id"))
        }
        on(.showDetailsOfCertificateV2) { call -> Wire.ShowDetailsOfCertificateV2Response in
            CertificateMapping.answer(try await plane.certificate(call.call, id: call.id("certificate_id")), .read)
        }
        on(.listCertificatesV2) { call -> Wire.ListCertificatesV2Response in
            var filter = CertificateFilter()
            filter.name = try call.filterName("name")
            filter.commonName = try call.filterName("common_name")
            filter.signatureAlgorithm = try call.filterName("signature_algorithm")
            filter.scope = try call.filterName("type")
            filter.algorithm = try call.filterName("algorithm_type")
            filter.instanceID = try call.filterID("instance_id")
            let list = try await plane.certificates(call.call, filter, page: call.page)
            return Wire.ListCertificatesV2Response(
                size: list.items.count, total: list.total, certs: list.items.map(CertificateMapping.element))
        }
        addDomainsOfCertificates(plane)
        addCertificatesOfDomains(plane)
    }

    private mutating func addDomainsOfCertificates(_ plane: ControlPlane) {
        on(.batchAssociateDomainsV2, body: Wire.AttachOrDetachDomainsReqBody.self) { call -> Written<Void> in
            try await plane.attachDomains(
                call.call, certificateID: call.id("certificate_id"), CertificateMapping.targets(call.body))
        }
        on(.batchDisassociateDomainsV2, body: Wire.AttachOrDetachDomainsReqBody.self) { call -> Written<Void> in
            try await plane.detachDomains(
                call.call, certificateID: call.id("certificate_id"), CertificateMapping.targets(call.body))
        }
        on(.listAttachedDomainsV2) { call -> Wire.ListAttachedDomainsV2Response in
            let list = try await plane.attachedDomains(
                call.call, certificateID: call.id("certificate_id"), name: try call.filterName("url_domain"), page: call.page)
            return Wire.ListAttachedDomainsV2Response(
                size: list.items.count, total: list.total, boundDomains: list.items.map(CertificateMapping.attached))
        }
    }

    private mutating func addCertificatesOfDomains(_ plane: ControlPlane) {
        on(.associateCertificateV2, body: Wire.CertForm.self) { call -> Written<Wire.AssociateCertificateV2Response> in
            try await plane.bindNewCertificate(
                call.call, groupID: call.id("group_id"), domainID: call.id("domain_id"), CertificateMapping.draft(call.body)
            ).map(DomainMapping.withCertificates)
        }
        on(.batchAssociateCertsV2, body: Wire.AttachOrDetachCertsReqBody.self) { call -> Written<Void> in
            try await plane.attachCertificates(
                call.call, groupID: call.id("group_id"), domainID: call.id("domain_id"), ids: call.body.certificateIds ?? [],
                verifiesClients: call.body.verifiedClientCertificateEnabled)
        }
        on(.batchDisassociateCertsV2, body: Wire.AttachOrDetachCertsReqBody.self) { call -> Written<Void> in
            try await plane.detachCertificates(
                call.call, groupID: call.id("group_id"), domainID: call.id("domain_id"), ids: call.body.certificateIds ?? [])
        }
        on(.disassociateCertificateV2) { call -> Written<Void> in
            try await plane.unbindCertificate(
                call.call, groupID: call.id("group_id"), domainID: call.id("domain_id"), id: call.id("certificate_id"))
        }
        on(.showDetailsOfDomainNameCertificateV2) { call -> Wire.ShowDetailsOfDomainNameCertificateV2Response in
            CertificateMapping.answer(
                try await plane.certificate(
                    call.call, ofDomain: call.id("domain_id"), groupID: call.id("group_id"), id: call.id("certificate_id")),
                .read)
        }
    }
}
