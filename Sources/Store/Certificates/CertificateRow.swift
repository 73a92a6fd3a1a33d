import Foundation
import GatewayModel
import GatewayPrimitives

/// Table `certificates`; the key is sealed.
public struct CertificateRow: Record {
    public static let table = "certificates"
    public static let columns = [
        "id", "project_id", "instance_id", "name", "common_name", "signature_algorithm", "algorithm_type", "facts", "chain",
        "sealed_key", "authorities", "authority_algorithm", "created_at", "updated_at",
    ]
    public let values: [SQLValue]
    private let id, projectID, name, facts, chain, sealedKey, authorities, authorityAlgorithm: String
    private let instanceID: String?
    private let createdAt, updatedAt: Timestamp

    public init(_ certificate: ManagedCertificate, box: SecretBox) throws {
        let content = certificate.content
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        id = certificate.id
        projectID = certificate.projectID
        instanceID = certificate.isGlobal ? nil : certificate.instanceID
        name = certificate.name
        facts = String(decoding: try encoder.encode(content.facts), as: UTF8.self)
        chain = content.chain
        sealedKey = try box.seal(content.key.revealed, context: "certificates:\(id)")
        authorities = content.authorities
        authorityAlgorithm = content.authorityAlgorithm
        createdAt = certificate.createdAt
        updatedAt = certificate.updatedAt
        values = [
            .text(id), .text(projectID), SQLValue(instanceID), .text(name), .text(content.facts.commonName),
            .text(content.facts.signatureAlgorithm), .text(content.facts.algorithm), .text(facts), .text(chain),
            .text(sealedKey), .text(authorities), .text(authorityAlgorithm), .integer(createdAt.nanoseconds),
            .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        id = try row.text("id")
        projectID = try row.text("project_id")
        instanceID = try row.optionalText("instance_id")
        name = try row.text("name")
        facts = try row.text("facts")
        chain = try row.text("chain")
        sealedKey = try row.text("sealed_key")
        authorities = try row.text("authorities")
        authorityAlgorithm = try row.text("authority_algorithm")
        createdAt = Timestamp(nanoseconds: try row.integer("created_at"))
        updatedAt = Timestamp(nanoseconds: try row.integer("updated_at"))
        values = []
    }

    public func model(box: SecretBox) throws -> ManagedCertificate {
        let facts = try JSONDecoder().decode(ManagedCertificate.Facts.self, from: Data(facts.utf8))
        return ManagedCertificate(
            id: id, projectID: projectID, instanceID: instanceID ?? "", name: name,
            content: .init(
                chain: chain, key: Secret(try box.open(sealedKey, context: "certificates:\(id)")), authorities: authorities,
                authorityAlgorithm: authorityAlgorithm, facts: facts),
            createdAt: createdAt, updatedAt: updatedAt)
    }
}

extension CertificateBinding: Record {
    public static let table = "domain_certificates"
    public static let columns = ["domain_id", "algorithm_type", "certificate_id", "bound_at"]
    public static let keyLength = 2

    public var values: [SQLValue] {
        [.text(domainID), .text(algorithm), .text(certificateID), .integer(boundAt.nanoseconds)]
    }

    public init(row: SQLRow) throws {
        self.init(
            domainID: try row.text("domain_id"), algorithm: try row.text("algorithm_type"),
            certificateID: try row.text("certificate_id"), boundAt: Timestamp(nanoseconds: try row.integer("bound_at")))
    }
}
