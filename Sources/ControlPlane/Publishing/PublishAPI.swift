import GatewayModel
import Store

/// What publishing, switching or taking offline answers.
public struct PublicationRecord: Sendable {
    public let publication: Publication
    public let apiName: String
    /// The version in force; of an API taken offline the last one. Empty when it is not stored any more.
    public let versionID: String
    public let remark: String
}

/// One API of a batch.
public struct BatchPublication: Sendable {
    /// As the caller sent it.
    public let apiID: String
    /// nil when the API is unknown.
    public let apiName: String?
    public let outcome: Result<PublicationRecord, OperationError>
}

public enum PublishAction: String, Sendable { case online, offline }

extension ControlPlane {
    /// Freezes the draft as a new version and puts it in force in the environment. The record, and with it everything that is
    /// bound there, is that of earlier publications (management-api.md, 3.8).
    ///
    /// - Throws: ``OperationError``: API or environment unknown; another API's version in force claims the same requests;
    ///   ``OperationError/cannotServe(field:reason:)``.
    public func publishAPI(
        _ call: Call, apiID: String, environmentID: String, remark: String
    ) async throws -> Written<PublicationRecord> {
        let settings = settings
        return try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.publish(
                try w.api(apiID, of: call), in: try w.environment(environmentID, of: call), remark: remark, settings, of: call)
        }
    }

    /// Takes an API out of force in an environment. What is bound to it stays bound.
    ///
    /// - Throws: ``OperationError``: API or environment unknown, or not published there.
    public func takeAPIOffline(
        _ call: Call, apiID: String, environmentID: String
    ) async throws -> Written<PublicationRecord> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.takeOffline(try w.api(apiID, of: call), in: try w.environment(environmentID, of: call))
        }
    }

    /// Publishes or takes offline many APIs, each in a transaction of its own: one API's failure does not stop the others.
    ///
    /// - Returns: the outcomes in the order of `apiIDs`, and the revision of the last write.
    /// - Throws: ``OperationError``: instance or environment unknown, or the store fails.
    public func publishAPIs(
        _ call: Call, action: PublishAction, apiIDs: [String], environmentID: String, remark: String
    ) async throws -> Written<[BatchPublication]> {
        let names = try await read { r in
            try r.checkInstance(of: call)
            _ = try r.environment(environmentID, of: call)
            return try r.apiNames(apiIDs, of: call)
        }
        var outcomes: [BatchPublication] = []
        var revision: UInt64 = 0
        for id in apiIDs {
            do {
                let written =
                    switch action {
                    case .online:
                        try await publishAPI(call, apiID: id, environmentID: environmentID, remark: remark)
                    case .offline: try await takeAPIOffline(call, apiID: id, environmentID: environmentID)
                    }
                revision = max(revision, written.revision)
                outcomes.append(BatchPublication(apiID: id, apiName: names[id], outcome: .success(written.value)))
            } catch let error as OperationError {
                if case .store = error { throw error }
                outcomes.append(BatchPublication(apiID: id, apiName: names[id], outcome: .failure(error)))
            }
        }
        return Written(value: outcomes, revision: revision)
    }
}

extension Writing {
    func publish(
        _ api: API, in environment: Environment, remark: String, _ settings: ControlPlaneSettings, of call: Call
    ) throws -> PublicationRecord {
        let before = try publication(ofAPI: api.id, environmentID: environment.id)
        let version = APIVersion(
            id: newID(), publicationID: before?.id ?? newID(), apiID: api.id,
            number: now.compact(offsetSeconds: settings.versionZoneOffsetSeconds), definition: api.definition, remark: remark,
            publishedAt: now)
        let publication = try putInForce(version, of: api, before: before, environment, settings, of: call)
        try bindPlanned(publication, of: call)
        try dropOldVersions(of: publication, keeping: settings.quotas.versionsPerPublication)
        return PublicationRecord(
            publication: publication, apiName: api.definition.name, versionID: version.id, remark: remark)
    }

    /// - Parameters:
    ///   - version: stored already, or new where it is not the version of any row.
    ///   - before: the record of the API in the environment; nil before the first publication.
    /// - Throws: ``StateConflict/apiPathTaken(name:)`` when another version in force has the claim.
    func putInForce(
        _ version: APIVersion, of api: API, before: Publication?, _ environment: Environment, _ settings: ControlPlaneSettings,
        of call: Call
    ) throws -> Publication {
        let definition = version.definition
        let claim = definition.claim
        let rival = try sql.first(
            """
            SELECT a.id, a.name FROM publications p JOIN apis a ON a.id = p.api_id
            WHERE p.group_id = ? AND p.env_id = ? AND p.path_key = ? AND p.req_method = ? AND p.match_mode = ?
              AND p.version_id IS NOT NULL AND p.id <> ?
            """,
            [
                .text(definition.groupID), .text(environment.id), .text(claim.pathKey), .text(claim.method.rawValue),
                .text(claim.matchMode.rawValue), .text(version.publicationID),
            ])
        if let rival { throw OperationError.conflict(.apiPathTaken(name: try rival.text("name"))) }
        try checkOwnDomain(definition, besides: version.publicationID, environment, claim, settings)
        if try isOn(.appRoute, of: call),
            let name = try rivalOfApp(nil, api: api.id, environmentID: environment.id, claim: claim, of: call)
        {
            throw OperationError.conflict(.apiPathTaken(name: name))
        }
        let variables = try variables(for: version, inEnvironment: environment.id)
        let publication = Publication(
            id: version.publicationID, apiID: api.id, instanceID: api.instanceID, environmentID: environment.id,
            versionID: version.id, groupID: definition.groupID, claim: claim, publishedAt: now,
            domainName: BoundDomain.normalized(definition.domainName))
        if before == nil { try sql.insert(publication) } else { try sql.update(publication) }
        if try sql.find(APIVersionRow.self, key: version.id) == nil {
            try sql.insert(APIVersionRow(version))
            try storeUses(of: version)
            try record(.apiVersion, id: version.id, before: nil, after: version)
        }
        try storeChannels(definition.channelIDs, of: publication)
        if !variables.isEmpty { try freeze(variables, inVersion: version.id) }
        try record(.publication, id: publication.id, before: before, after: publication)
        try checkCORS(ofPublications: [publication.id])
        touch(.publication(publication.id))
        return publication
    }

    func takeOffline(_ api: API, in environment: Environment) throws -> PublicationRecord {
        guard let before = try publication(ofAPI: api.id, environmentID: environment.id), let versionID = before.versionID
        else { throw OperationError.notFound(.publication, id: api.id) }
        var publication = before
        publication.versionID = nil
        try sql.update(publication)
        try storeChannels([], of: publication)
        try record(.publication, id: publication.id, before: before, after: publication)
        touch(.publication(publication.id))
        let version = try sql.find(APIVersionRow.self, key: versionID)?.version
        return PublicationRecord(
            publication: publication, apiName: api.definition.name, versionID: versionID, remark: version?.remark ?? "")
    }

    /// Records that publications go with the object that they belong to, and with them their versions and what is bound to
    /// them: the foreign keys of the schema remove the rows.
    func recordRemoval(of publications: [Publication]) throws {
        for publication in publications {
            var own = Condition()
            own.equal("publication_id", publication.id)
            for binding in try sql.all(SignatureBinding.self, where: own, order: "id") {
                try record(.signatureBinding, id: binding.id, before: binding, after: nil)
            }
            for binding in try sql.all(AccessBinding.self, where: own, order: "id") {
                try record(.accessBinding, id: binding.id, before: binding, after: nil)
            }
            for binding in try sql.all(PluginBinding.self, where: own, order: "id") {
                try record(.pluginBinding, id: binding.id, before: binding, after: nil)
            }
            for binding in try sql.all(ThrottleBinding.self, where: own, order: "id") {
                try record(.throttleBinding, id: binding.id, before: binding, after: nil)
            }
            for row in try sql.all(APIVersionRow.self, where: own, order: "id") {
                try record(.apiVersion, id: row.version.id, before: row.version, after: nil)
            }
            try record(.publication, id: publication.id, before: publication, after: nil)
            touch(.publication(publication.id))
        }
    }

    /// Versions are kept up to a number; the oldest go first, never the one in force.
    private func dropOldVersions(of publication: Publication, keeping limit: Int) throws {
        let rows = try sql.query(
            "SELECT id FROM api_versions WHERE publication_id = ? ORDER BY published_at DESC, id", [.text(publication.id)])
        let ids = try rows.map { try $0.text("id") }
        var excess = ids.count - limit
        for id in ids.reversed() where excess > 0 && id != publication.versionID {
            excess -= 1
            let version = try sql.find(APIVersionRow.self, key: id)?.version
            try sql.delete(APIVersionRow.self, key: id)
            try record(.apiVersion, id: id, before: version, after: nil)
        }
    }
}

extension Reading {
    func publication(ofAPI id: String, environmentID: String) throws -> Publication? {
        var condition = Condition()
        condition.equal("api_id", id)
        condition.equal("env_id", environmentID)
        return try sql.all(Publication.self, where: condition).first
    }

    /// Names of those of the APIs that the instance has.
    func apiNames(_ ids: [String], of call: Call) throws -> [String: String] {
        var names: [String: String] = [:]
        for start in stride(from: 0, to: ids.count, by: 500) {
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.isIn("id", Array(ids[start..<min(start + 500, ids.count)]))
            for row in try sql.query("SELECT id, name FROM apis\(condition.sql)", condition.arguments) {
                names[try row.text("id")] = try row.text("name")
            }
        }
        return names
    }
}
