import GatewayModel
import Store

/// A definition with what answers join to it.
public struct APIView: Sendable {
    public let api: API
    public let group: APIGroup
    /// Domains of the group.
    public let domains: [DomainView]
    /// The chosen response if it exists, else the group's default one.
    public let responseID: String
    /// Where the API is in force, newest publication first.
    public let publications: [InForce]
    /// Of the integration application that the API belongs to.
    public let romaAppName: String?

    public struct InForce: Sendable {
        public let publication: Publication
        public let environmentName: String
    }
}

/// A frozen definition with what answers join to it.
public struct VersionView: Sendable {
    public let version: APIVersion
    public let publication: Publication
    public let environmentName: String
    public let api: API
    /// Group of the frozen definition.
    public let group: APIGroup
    /// Of the application that the frozen definition belongs to.
    public let romaAppName: String?

    /// `status` 1: requests meet this version.
    public var isInForce: Bool { publication.versionID == version.id }
}

public struct APIFilter: Sendable {
    public var id: String?
    public var name: String?
    public var namePrecisely = false
    public var groupID: String?
    public var reqProtocol: String?
    public var reqMethod: String?
    public var reqURI: String?
    public var reqURIPrecisely = false
    public var authType: String?
    /// Published there.
    public var environmentID: String?
    public var type: Int?
    public var romaAppID: String?
    public var romaAppName: String?
    /// A channel that the draft names.
    public var channelID: String?
    public var channelName: String?
    public var channelNamePrecisely = false

    public init() {}

    func condition(instanceID: String) -> Condition {
        var condition = Condition()
        condition.equal("a.instance_id", instanceID)
        condition.equal("a.id", id)
        condition.matches("a.name", name, exactly: namePrecisely)
        condition.equal("a.group_id", groupID)
        condition.equal("a.req_protocol", reqProtocol)
        condition.equal("a.req_method", reqMethod)
        condition.matches("a.req_uri", reqURI, exactly: reqURIPrecisely)
        condition.equal("a.auth_type", authType)
        condition.equal("a.roma_app_id", romaAppID)
        if let type { condition.and("a.type = ?", SQLValue(type)) }
        if let environmentID, !environmentID.isEmpty {
            condition.and(
                "EXISTS (SELECT 1 FROM publications p WHERE p.api_id = a.id AND p.env_id = ? AND p.version_id IS NOT NULL)",
                .text(environmentID))
        }
        ControlPlane.belongs(toApplicationNamed: romaAppName, "a", &condition)
        if let channelID, !channelID.isEmpty {
            condition.and("EXISTS (SELECT 1 FROM api_channels c WHERE c.api_id = a.id AND c.channel_id = ?)", .text(channelID))
        }
        var named = Condition()
        named.matches("v.name", channelName, exactly: channelNamePrecisely)
        if let clause = named.clauses.first {
            condition.and(
                """
                EXISTS (SELECT 1 FROM api_channels c JOIN vpc_channels v ON v.id = c.channel_id WHERE c.api_id = a.id AND \(clause))
                """, named.arguments[0])
        }
        return condition
    }
}

extension ControlPlane {
    public func api(_ call: Call, id: String) async throws -> APIView {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.view(try r.api(id, of: call))
        }
    }

    /// Newest first.
    public func apis(_ call: Call, _ filter: APIFilter, page: Page) async throws -> Listing<APIView> {
        try await read { r in
            try r.checkInstance(of: call)
            let found = try r.sql.page(
                APIRow.columnList("a"), from: "apis a", where: filter.condition(instanceID: call.instanceID),
                order: "a.created_at DESC, a.id", page: page
            ) { try APIRow(row: $0).api }
            return Listing(total: found.total, items: try r.views(found.items))
        }
    }

    /// All tags of the instance's APIs, each once, sorted.
    public func tags(_ call: Call, page: Page) async throws -> Listing<String> {
        try await read { r in
            try r.checkInstance(of: call)
            let source = "(SELECT DISTINCT t.tag AS tag FROM api_tags t JOIN apis a ON a.id = t.api_id WHERE a.instance_id = ?) d"
            let total = try r.sql.count("SELECT COUNT(*) AS n FROM \(source)", [.text(call.instanceID)])
            let rows = try r.sql.query(
                "SELECT tag FROM \(source) ORDER BY tag LIMIT ? OFFSET ?",
                [.text(call.instanceID), SQLValue(page.limit), SQLValue(page.offset)])
            return Listing(total: total, items: try rows.map { try $0.text("tag") })
        }
    }
}

extension Reading {
    func view(_ api: API) throws -> APIView {
        guard let view = try views([api]).first else { throw OperationError.notFound(.api, id: api.id) }
        return view
    }

    /// The joins of a page of APIs in two queries.
    func views(_ apis: [API]) throws -> [APIView] {
        guard !apis.isEmpty else { return [] }
        var wanted = Condition()
        wanted.isIn("id", Array(Set(apis.map(\.definition.groupID))))
        var groups: [String: APIGroup] = [:]
        for group in try sql.all(APIGroup.self, where: wanted) { groups[group.id] = group }

        var inForce = Condition()
        inForce.isIn("p.api_id", apis.map(\.id))
        inForce.and("p.version_id IS NOT NULL")
        var publications: [String: [APIView.InForce]] = [:]
        for row in try sql.query(
            """
            SELECT \(Publication.columnList("p")), e.name AS env_name FROM publications p
              JOIN environments e ON e.instance_id = p.instance_id AND e.id = p.env_id
            \(inForce.sql) ORDER BY p.published_at DESC, p.id
            """, inForce.arguments)
        {
            let publication = try Publication(row: row)
            publications[publication.apiID, default: []].append(
                APIView.InForce(publication: publication, environmentName: try row.text("env_name")))
        }
        let domains = try domains(ofGroups: Array(groups.keys))
        var chosen = Condition()
        chosen.isIn("id", Array(Set(apis.compactMap(\.definition.responseID))))
        let responses = Set(
            try sql.query("SELECT id FROM group_responses\(chosen.sql)", chosen.arguments).map { try $0.text("id") })
        let names = try applicationNames(apis.map(\.definition.romaAppID))
        return try apis.map { api in
            guard let group = groups[api.definition.groupID] else { throw StoreError.malformed("an API without its group") }
            let response = api.definition.responseID.flatMap { responses.contains($0) ? $0 : nil } ?? group.id
            return APIView(
                api: api, group: group, domains: domains[group.id] ?? [], responseID: response,
                publications: publications[api.id] ?? [], romaAppName: names[api.definition.romaAppID])
        }
    }
}
