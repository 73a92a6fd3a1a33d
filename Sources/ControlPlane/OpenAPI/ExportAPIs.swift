import GatewayModel
import OpenAPIDocuments
import Store

/// What an export shall hold (contract, ExportOpenApiReq).
public struct ExportRequest: Sendable {
    public enum Source: Sendable {
        /// Definitions in force in an environment.
        case environment(id: String)
        /// Drafts, published or not.
        case drafts
    }

    public var groupID: String
    public var source: Source
    /// The APIs wanted; empty for all of the group.
    public var apiIDs: [String]
    /// `info.version`; nil for the present moment.
    public var version: String?

    public init(groupID: String, source: Source, apiIDs: [String] = [], version: String? = nil) {
        self.groupID = groupID
        self.source = source
        self.apiIDs = apiIDs
        self.version = version
    }
}

extension ControlPlane {
    /// The APIs of a group as the content of a document, with everything that is bound to them.
    ///
    /// - Throws: ``OperationError``: group, environment or one of the APIs unknown; an API of another group is unknown here.
    public func exportAPIs(_ call: Call, _ request: ExportRequest) async throws -> DocumentContent {
        let settings = settings
        return try await read { r in
            try r.checkInstance(of: call)
            let group = try r.group(request.groupID, of: call)
            return try Exporting(reading: r, call: call, settings: settings, group: group).run(request)
        }
    }
}

/// One export inside its view of the store.
private struct Exporting {
    let reading: Reading
    let call: Call
    let settings: ControlPlaneSettings
    let group: APIGroup

    func run(_ request: ExportRequest) throws -> DocumentContent {
        var content = DocumentContent(
            title: group.name, description: group.remark,
            version: request.version ?? reading.now.civilText(offsetSeconds: settings.versionZoneOffsetSeconds),
            host: try host(), apis: [])
        let names = DocumentNames(reading: reading, call: call)
        // Documents have no words for gRPC (gateway-runtime.md, 4.5): who asks for such an API by its id learns that, and an export of
        // the whole group is one of the others.
        for (definition, policies) in try definitions(request) where !request.apiIDs.isEmpty || definition.backendType != .grpc {
            guard definition.backendType != .grpc else {
                throw OperationError.cannotServe(field: "apis", reason: "a GRPC API cannot be exported")
            }
            var api = try names.described(definition)
            api.policies = policies.names
            content.apis.append(api)
            if let name = api.definition.responseID, let id = definition.responseID {
                let response = try? reading.groupResponse(id, groupID: definition.groupID, of: call)
                content.responses[name] = response.map { ResponseDescription($0) }
            }
            content.accessControls.merge(policies.accessControls) { first, _ in first }
            content.rateLimits.merge(policies.rateLimits) { first, _ in first }
        }
        return content
    }

    /// The first domain of the group's own, or its debugging host.
    private func host() throws -> String {
        let row = try reading.sql.first(
            "SELECT name FROM url_domains WHERE group_id = ? AND name NOT LIKE '*%' ORDER BY created_at, id LIMIT 1",
            [.text(group.id)])
        return try row?.text("name") ?? "\(group.id).\(settings.groupHostSuffix)"
    }

    private func definitions(_ request: ExportRequest) throws -> [(APIDefinition, BoundPolicies)] {
        switch request.source {
        case .drafts:
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.equal("group_id", group.id)
            let apis = try reading.sql.all(APIRow.self, where: condition, order: "id").map(\.api)
            try check(request.apiIDs, among: apis.map(\.id))
            let wanted = Set(request.apiIDs)
            return try apis.filter { wanted.isEmpty || wanted.contains($0.id) }.map { api in
                (api.definition, try BoundPolicies(planned: try reading.plannedBindings(of: api.id), reading, call))
            }
        case .environment(let id):
            _ = try reading.environment(id, of: call)
            let rows = try reading.sql.query(
                """
                SELECT \(APIVersionRow.columnList("v")) FROM publications p JOIN api_versions v ON v.id = p.version_id
                WHERE p.group_id = ? AND p.env_id = ? ORDER BY p.id
                """, [.text(group.id), .text(id)])
            let versions = try rows.map { try APIVersionRow(row: $0).version }
            let drafts = try reading.sql.query("SELECT id FROM apis WHERE group_id = ?", [.text(group.id)])
            try check(request.apiIDs, among: versions.map(\.apiID) + drafts.map { try $0.text("id") })
            let wanted = Set(request.apiIDs)
            return try versions.filter { wanted.isEmpty || wanted.contains($0.apiID) }.map { version in
                (version.definition, try BoundPolicies(publicationID: version.publicationID, reading))
            }
        }
    }

    private func check(_ ids: [String], among known: [String]) throws {
        let known = Set(known)
        if let stranger = ids.first(where: { !known.contains($0) }) { throw OperationError.notFound(.api, id: stranger) }
    }
}

/// What one API is bound to, as documents describe it.
private struct BoundPolicies {
    var names = PolicyNames()
    var accessControls: [String: AccessControlDescription] = [:]
    var rateLimits: [String: RateLimitDescription] = [:]

    /// What is bound to a publication.
    init(publicationID: String, _ reading: Reading) throws {
        for row in try reading.sql.query(
            """
            SELECT \(AccessControlPolicy.columnList("t")) FROM acl_bindings b JOIN acls t ON t.id = b.acl_id
            WHERE b.publication_id = ? ORDER BY b.entity_type
            """, [.text(publicationID)])
        {
            add(try AccessControlPolicy(row: row))
        }
        for row in try reading.sql.query(
            "SELECT u.name AS name FROM plugin_bindings b JOIN plugins u ON u.id = b.plugin_id WHERE b.publication_id = ? ORDER BY u.name",
            [.text(publicationID)])
        {
            names.plugins.append(try row.text("name"))
        }
        for row in try reading.sql.query(
            "SELECT \(ThrottlePolicy.columnList("t")) FROM throttle_bindings b JOIN throttles t ON t.id = b.throttle_id WHERE b.publication_id = ?",
            [.text(publicationID)])
        {
            try add(try ThrottlePolicy(row: row), reading)
        }
    }

    /// What the next publication will bind. A policy that is gone meanwhile is left out.
    init(planned: [PlannedBinding], _ reading: Reading, _ call: Call) throws {
        for binding in planned {
            switch binding.kind {
            case .accessControl:
                if let policy = try reading.find(AccessControlPolicy.self, id: binding.policyID, of: call) { add(policy) }
            case .plugin:
                let row = try reading.sql.first("SELECT name FROM plugins WHERE id = ?", [.text(binding.policyID)])
                if let row { names.plugins.append(try row.text("name")) }
            case .throttle:
                if let policy = try reading.find(ThrottlePolicy.self, id: binding.policyID, of: call) { try add(policy, reading) }
            }
        }
    }

    private mutating func add(_ policy: ThrottlePolicy, _ reading: Reading) throws {
        names.rateLimits.append(policy.name)
        rateLimits[policy.name] = RateLimitDescription(policy, try reading.specials(ofThrottle: policy.id))
    }

    private mutating func add(_ policy: AccessControlPolicy) {
        names.accessControls.append(policy.name)
        accessControls[policy.name] = AccessControlDescription(
            action: policy.action.rawValue, entity: policy.entity.rawValue, value: policy.value)
    }
}
