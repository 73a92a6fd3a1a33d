import GatewayModel
import Store

/// A domain with the certificates that it shows.
public struct DomainView: Sendable {
    public struct Bound: Sendable {
        public let id: String
        public let name: String
        public let algorithm: String
        public let isGlobal: Bool
        public let hasAuthorities: Bool
    }

    public let domain: BoundDomain
    /// Newest binding first.
    public let certificates: [Bound]
}

/// A group with what answers join to it.
@dynamicMemberLookup
public struct APIGroupView: Sendable {
    public let group: APIGroup
    /// Newest first.
    public let domains: [DomainView]

    init(group: APIGroup, domains: [DomainView]) {
        self.group = group
        self.domains = domains
    }

    /// A group that has just been made.
    public init(newGroup group: APIGroup) { self.init(group: group, domains: []) }

    public subscript<Value>(dynamicMember path: KeyPath<APIGroup, Value>) -> Value { group[keyPath: path] }
}

extension Reading {
    func view(_ group: APIGroup) throws -> APIGroupView {
        APIGroupView(group: group, domains: try domains(ofGroups: [group.id])[group.id] ?? [])
    }

    func views(_ groups: [APIGroup]) throws -> [APIGroupView] {
        let domains = try domains(ofGroups: groups.map(\.id))
        return groups.map { APIGroupView(group: $0, domains: domains[$0.id] ?? []) }
    }

    /// - Parameter ids: a page of groups.
    func domains(ofGroups ids: [String]) throws -> [String: [DomainView]] {
        guard !ids.isEmpty else { return [:] }
        var wanted = Condition()
        wanted.isIn("group_id", ids)
        let domains = try sql.all(BoundDomain.self, where: wanted, order: "created_at DESC, id")
        guard !domains.isEmpty else { return [:] }
        var bound: [String: [DomainView.Bound]] = [:]
        for row in try sql.query(
            """
            SELECT b.domain_id, c.id, c.name, c.algorithm_type, c.instance_id, c.authority_algorithm
            FROM url_domains d JOIN domain_certificates b ON b.domain_id = d.id JOIN certificates c ON c.id = b.certificate_id
            \(wanted.sql) ORDER BY b.bound_at DESC, c.id
            """, wanted.arguments)
        {
            bound[try row.text("domain_id"), default: []].append(
                DomainView.Bound(
                    id: try row.text("id"), name: try row.text("name"), algorithm: try row.text("algorithm_type"),
                    isGlobal: try row.optionalText("instance_id") == nil,
                    hasAuthorities: try !row.text("authority_algorithm").isEmpty))
        }
        return Dictionary(grouping: domains.map { DomainView(domain: $0, certificates: bound[$0.id] ?? []) }, by: \.domain.groupID)
    }

    func view(_ domain: BoundDomain) throws -> DomainView {
        let found = try domains(ofGroups: [domain.groupID])[domain.groupID] ?? []
        guard let view = found.first(where: { $0.domain.id == domain.id }) else {
            throw OperationError.notFound(.domain, id: domain.id)
        }
        return view
    }
}
