import GatewayModel
import Store

/// A version in a list: all but the definition.
public struct ListedVersion: Sendable {
    public let id: String
    public let number: String
    public let apiID: String
    public let environmentID: String
    public let environmentName: String
    public let remark: String
    public let publishedAt: Timestamp
    public let isInForce: Bool
}

extension ControlPlane {
    /// Frozen versions of an API, newest first.
    ///
    /// - Throws: ``OperationError``: instance or API unknown.
    public func apiVersions(
        _ call: Call, apiID: String, environmentID: String?, environmentName: String?, page: Page
    ) async throws -> Listing<ListedVersion> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAPI(apiID, of: call)
            var condition = Condition()
            condition.equal("v.api_id", apiID)
            condition.equal("p.env_id", environmentID)
            condition.equal("e.name", environmentName)
            return try r.sql.page(
                """
                v.id AS id, v.version_no AS version_no, v.remark AS remark, v.published_at AS published_at,
                p.version_id AS in_force, e.id AS env_id, e.name AS env_name
                """,
                from: """
                    api_versions v JOIN publications p ON p.id = v.publication_id
                      JOIN environments e ON e.instance_id = p.instance_id AND e.id = p.env_id
                    """,
                where: condition, order: "v.published_at DESC, v.id", page: page
            ) { row in
                let id = try row.text("id")
                return ListedVersion(
                    id: id, number: try row.text("version_no"), apiID: apiID, environmentID: try row.text("env_id"),
                    environmentName: try row.text("env_name"), remark: try row.text("remark"),
                    publishedAt: Timestamp(nanoseconds: try row.integer("published_at")),
                    isInForce: try row.optionalText("in_force") == id)
            }
        }
    }

    /// - Throws: ``OperationError``: instance or version unknown.
    public func apiVersion(_ call: Call, id: String) async throws -> VersionView {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.version(id, of: call)
        }
    }

    /// The definition in force in an environment.
    ///
    /// - Throws: ``OperationError``: instance, API or environment unknown; not published there.
    public func runtimeDefinition(_ call: Call, apiID: String, environmentID: String) async throws -> VersionView {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAPI(apiID, of: call)
            _ = try r.environment(environmentID, of: call)
            guard let version = try r.publication(ofAPI: apiID, environmentID: environmentID)?.versionID else {
                throw OperationError.notFound(.publication, id: apiID)
            }
            return try r.version(version, of: call)
        }
    }

    /// Puts an earlier version in force again; `publish_id` stays. An API that is offline there comes online.
    ///
    /// - Throws: ``OperationError``: instance, API or version unknown; the group of the frozen definition is gone; another
    ///   API's version in force claims the same requests; ``OperationError/cannotServe(field:reason:)``.
    public func switchAPIVersion(
        _ call: Call, apiID: String, versionID: String
    ) async throws -> Written<PublicationRecord> {
        let settings = settings
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let api = try w.api(apiID, of: call)
            guard let version = try w.sql.find(APIVersionRow.self, key: versionID)?.version, version.apiID == apiID,
                let before = try w.sql.find(Publication.self, key: version.publicationID)
            else { throw OperationError.notFound(.apiVersion, id: versionID) }
            _ = try w.group(version.definition.groupID, of: call)
            let publication = try w.putInForce(
                version, of: api, before: before, try w.environment(before.environmentID, of: call), settings, of: call)
            return PublicationRecord(
                publication: publication, apiName: api.definition.name, versionID: version.id, remark: version.remark)
        }
    }

    /// Takes the API offline where this version is in force.
    ///
    /// - Throws: ``OperationError``: instance or version unknown; the version is not in force.
    public func takeVersionOffline(_ call: Call, versionID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard let row = try w.sql.find(APIVersionRow.self, key: versionID),
                let api = try w.find(APIRow.self, id: row.version.apiID, of: call)?.api,
                let publication = try w.sql.find(Publication.self, key: row.version.publicationID),
                publication.versionID == versionID
            else { throw OperationError.notFound(.apiVersion, id: versionID) }
            _ = try w.takeOffline(api, in: try w.environment(publication.environmentID, of: call))
        }
    }
}

extension Reading {
    func version(_ id: String, of call: Call) throws -> VersionView {
        guard let row = try sql.find(APIVersionRow.self, key: id),
            let api = try find(APIRow.self, id: row.version.apiID, of: call)?.api,
            let publication = try sql.find(Publication.self, key: row.version.publicationID)
        else { throw OperationError.notFound(.apiVersion, id: id) }
        let environment = try environment(publication.environmentID, of: call)
        // The group may be gone meanwhile; the API's present group stands in for its names.
        let group =
            try find(APIGroup.self, id: row.version.definition.groupID, of: call)
            ?? self.group(api.definition.groupID, of: call)
        return VersionView(
            version: row.version, publication: publication, environmentName: environment.name, api: api, group: group,
            romaAppName: try applicationNames([row.version.definition.romaAppID]).values.first)
    }
}
