import GatewayModel
import Snapshot
import SnapshotCompiler
import Store

extension ControlPlane {
    /// Stores a new draft; traffic sees it once it is published.
    ///
    /// - Parameter definition: ids of its parts are made here.
    /// - Throws: ``OperationError``: instance unknown; a rule of ``DefinitionRules``; group, channel, authorizer, application
    ///   unknown; name or requests taken; quota.
    public func createAPI(_ call: Call, _ definition: APIDefinition) async throws -> Written<APIView> {
        let quotas = settings.quotas
        return try await write(call) { [settings] w in
            try w.checkInstance(of: call)
            try w.checkRules(definition, quotas, of: call)
            try w.checkReferences(definition, of: call)
            try w.checkDefinitionParts(of: definition, settings, call)
            try w.checkUnique(definition, besides: nil)
            try w.checkQuota(
                .api, count: w.sql.count("SELECT COUNT(*) AS n FROM apis WHERE instance_id = ?", [.text(call.instanceID)]),
                limit: quotas.apis)
            try w.checkRoom(inGroup: definition.groupID, limit: quotas.apisPerGroup)
            let api = API(
                id: w.newID(), instanceID: call.instanceID, definition: definition.withIDs(from: nil, newID: w.newID),
                createdAt: w.now, updatedAt: w.now)
            try w.sql.insert(APIRow(api))
            try w.storeSideRows(of: api)
            try w.storeUses(of: api, before: nil)
            try w.record(.api, id: api.id, before: nil, after: api)
            return try w.view(api)
        }
    }

    /// Replaces a draft as a whole. Versions in force are frozen: traffic sees the change once the API is published again.
    ///
    /// - Throws: ``OperationError``: as for creating, and unknown API.
    public func updateAPI(_ call: Call, id: String, _ definition: APIDefinition) async throws -> Written<APIView> {
        let quotas = settings.quotas
        return try await write(call) { [settings] w in
            try w.checkInstance(of: call)
            try w.checkRules(definition, quotas, of: call)
            let before = try w.api(id, of: call)
            try w.checkReferences(definition, of: call)
            try w.checkDefinitionParts(of: definition, settings, call)
            try w.checkUnique(definition, besides: id)
            if definition.groupID != before.definition.groupID {
                try w.checkRoom(inGroup: definition.groupID, limit: quotas.apisPerGroup)
            }
            var api = before
            api.definition = definition.withIDs(from: before.definition, newID: w.newID)
            api.updatedAt = w.now
            try w.sql.update(APIRow(api))
            try w.sql.execute("DELETE FROM api_tags WHERE api_id = ?", [.text(id)])
            try w.storeSideRows(of: api)
            try w.storeUses(of: api, before: before)
            try w.record(.api, id: id, before: before, after: api)
            return try w.view(api)
        }
    }

    /// Removes a draft with its versions and everything that is bound to it.
    ///
    /// - Throws: ``OperationError``: API unknown, or published anywhere.
    public func deleteAPI(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let api = try w.api(id, of: call)
            let publications = try w.publications(ofAPI: id)
            guard publications.allSatisfy({ $0.versionID == nil }) else { throw OperationError.conflict(.apiIsPublished) }
            try w.recordRemoval(of: publications)
            try w.sql.delete(APIRow.self, key: id)
            try w.record(.api, id: id, before: api, after: nil)
        }
    }
}

extension Writing {
    func checkRules(_ definition: APIDefinition, _ quotas: Quotas, of call: Call) throws {
        var own = Condition()
        own.equal("instance_id", call.instanceID)
        let settings = InstanceSettingsCompiler.compile(
            instanceID: call.instanceID, features: try sql.all(Feature.self, where: own))
        try DefinitionRules(quotas: quotas, maxTimeoutMilliseconds: settings.maxBackendTimeoutMilliseconds).check(definition)
    }

    /// What the definition names besides itself. Applications and responses of groups cannot be made yet: every id of one is
    /// that of an unknown one.
    func checkReferences(_ definition: APIDefinition, of call: Call) throws {
        _ = try group(definition.groupID, of: call)
        try checkIntegrationApplication(definition.romaAppID)
        if definition.responseID != nil { throw OperationError.invalid(field: "response_id") }
        let https = [definition.http].compactMap(\.self) + definition.httpPolicies.map(\.backend)
        for backend in https { try checkChannel(of: backend, of: call) }
    }

    /// With a channel every repetition goes to another member, so that there are fewer than enabled members
    /// (gateway-runtime.md, 4.1).
    private func checkChannel(of backend: HTTPBackendDefinition, of call: Call) throws {
        guard let id = backend.channelID else { return }
        try checkChannel(id, of: call)
        guard backend.retryCount > 0 else { return }
        let enabled = try sql.count(
            "SELECT COUNT(*) AS n FROM channel_members WHERE channel_id = ? AND enabled = 1", [.text(id)])
        guard backend.retryCount < enabled else { throw OperationError.invalid(field: "retry_count") }
    }

    /// Name and claim are unique among the drafts of the group.
    func checkUnique(_ definition: APIDefinition, besides id: String?) throws {
        try checkNameFree(definition.name, groupID: definition.groupID, besides: id)
        try checkClaimFree(definition.claim, groupID: definition.groupID, besides: id)
    }

    func checkRoom(inGroup id: String, limit: Int) throws {
        let count = try sql.count("SELECT COUNT(*) AS n FROM apis WHERE group_id = ?", [.text(id)])
        guard count < limit else { throw OperationError.definition(.groupIsFull) }
    }

    /// What lists and rules ask of a draft beside its row: tags, and the channels that it names.
    func storeSideRows(of api: API) throws {
        try storeChannels(api.definition.channelIDs, ofAPI: api.id)
        for tag in api.definition.tags {
            try sql.execute("INSERT INTO api_tags (api_id, tag) VALUES (?, ?)", [.text(api.id), .text(tag)])
        }
    }
}

extension Reading {
    func api(_ id: String, of call: Call) throws -> API {
        guard let row = try find(APIRow.self, id: id, of: call) else { throw OperationError.notFound(.api, id: id) }
        return row.api
    }

    func checkNameFree(_ name: String, groupID: String, besides id: String?) throws {
        let other = try sql.first("SELECT id FROM apis WHERE group_id = ? AND name = ?", [.text(groupID), .text(name)])
        if let other, try other.text("id") != id { throw OperationError.taken(.api, name: name) }
    }

    func checkClaimFree(_ claim: RequestClaim, groupID: String, besides id: String?) throws {
        let other = try sql.first(
            "SELECT id, name FROM apis WHERE group_id = ? AND path_key = ? AND req_method = ? AND match_mode = ?",
            [.text(groupID), .text(claim.pathKey), .text(claim.method.rawValue), .text(claim.matchMode.rawValue)])
        if let other, try other.text("id") != id { throw OperationError.taken(.apiPath, name: try other.text("name")) }
    }

    /// In the order of publication, newest first.
    func publications(ofAPI id: String) throws -> [Publication] {
        var condition = Condition()
        condition.equal("api_id", id)
        return try sql.all(Publication.self, where: condition, order: "published_at DESC, id")
    }
}
