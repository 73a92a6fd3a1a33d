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
        try await write(call) { [settings] w in
            try w.checkInstance(of: call)
            try w.checkNew(definition, settings, of: call)
            return try w.view(try w.add(definition, of: call))
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
            try w.checkUniqueAndRoom(definition, inPlaceOf: before, quotas)
            return try w.view(try w.replace(before, by: definition))
        }
    }

    /// Removes a draft with its versions and everything that is bound to it.
    ///
    /// - Throws: ``OperationError``: API unknown, or published anywhere.
    public func deleteAPI(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try w.removeAPI(w.api(id, of: call), of: call)
        }
    }
}

extension Writing {
    /// - Throws: ``StateConflict/apiIsPublished``.
    func removeAPI(_ api: API, of call: Call) throws {
        let publications = try publications(ofAPI: api.id)
        guard publications.allSatisfy({ $0.versionID == nil }) else { throw OperationError.conflict(.apiIsPublished) }
        try recordRemoval(of: publications)
        try recordRemoval(ofAuthorizationsWhere: "api_id", api.id, of: call)
        try sql.delete(APIRow.self, key: api.id)
        try record(.api, id: api.id, before: api, after: nil)
    }

    /// Every rule of a new draft.
    ///
    /// - Parameter allowsNoBackend: a draft without a backend is taken; it cannot be published.
    func checkNew(
        _ definition: APIDefinition, _ settings: ControlPlaneSettings, of call: Call, allowsNoBackend: Bool = false
    ) throws {
        let quotas = settings.quotas
        try checkRules(definition, quotas, of: call, allowsNoBackend: allowsNoBackend)
        try checkReferences(definition, of: call)
        try checkDefinitionParts(of: definition, settings, call)
        try checkUnique(definition, besides: nil)
        try checkQuota(
            .api, count: sql.count("SELECT COUNT(*) AS n FROM apis WHERE instance_id = ?", [.text(call.instanceID)]),
            limit: quotas.apis)
        try checkRoom(inGroup: definition.groupID, limit: quotas.apisPerGroup)
    }

    /// Stores a draft that has been checked.
    func add(_ definition: APIDefinition, of call: Call) throws -> API {
        let api = API(
            id: newID(), instanceID: call.instanceID, definition: definition.withIDs(from: nil, newID: newID),
            createdAt: now, updatedAt: now)
        try sql.insert(APIRow(api))
        try storeSideRows(of: api)
        try storeUses(of: api, before: nil)
        try record(.api, id: api.id, before: nil, after: api)
        return api
    }

    /// Every rule of a draft that stands for another one.
    func checkReplacement(
        of before: API, by definition: APIDefinition, _ settings: ControlPlaneSettings, of call: Call,
        allowsNoBackend: Bool = false
    ) throws {
        let quotas = settings.quotas
        try checkRules(definition, quotas, of: call, allowsNoBackend: allowsNoBackend)
        try checkReferences(definition, of: call)
        try checkDefinitionParts(of: definition, settings, call)
        try checkUniqueAndRoom(definition, inPlaceOf: before, quotas)
    }

    func checkUniqueAndRoom(_ definition: APIDefinition, inPlaceOf before: API, _ quotas: Quotas) throws {
        try checkUnique(definition, besides: before.id)
        if definition.groupID != before.definition.groupID {
            try checkRoom(inGroup: definition.groupID, limit: quotas.apisPerGroup)
        }
    }

    /// Stores a draft that has been checked in place of another one.
    func replace(_ before: API, by definition: APIDefinition) throws -> API {
        var api = before
        api.definition = definition.withIDs(from: before.definition, newID: newID)
        api.updatedAt = now
        try sql.update(APIRow(api))
        try sql.execute("DELETE FROM api_tags WHERE api_id = ?", [.text(api.id)])
        try storeSideRows(of: api)
        try storeUses(of: api, before: before)
        try record(.api, id: api.id, before: before, after: api)
        return api
    }

    func checkRules(_ definition: APIDefinition, _ quotas: Quotas, of call: Call, allowsNoBackend: Bool = false) throws {
        var own = Condition()
        own.equal("instance_id", call.instanceID)
        let settings = try InstanceSettingsCompiler.compile(
            instanceID: call.instanceID, features: try sql.all(Feature.self, where: own))
        try DefinitionRules(
            quotas: quotas, maxTimeoutMilliseconds: settings.maxBackendTimeoutMilliseconds,
            allowsCookieConditions: try isOn(.policyCookieParam, of: call), allowsNoBackend: allowsNoBackend
        ).check(definition)
    }

    /// What the definition names besides itself.
    func checkReferences(_ definition: APIDefinition, of call: Call) throws {
        _ = try group(definition.groupID, of: call)
        try checkIntegrationApplication(definition.romaAppID, of: call)
        if let id = definition.responseID { _ = try groupResponse(id, groupID: definition.groupID, of: call) }
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
    /// The draft of the group that claims the same requests.
    func api(claiming claim: RequestClaim, groupID: String) throws -> API? {
        var condition = Condition()
        condition.equal("group_id", groupID)
        condition.and("path_key = ?", .text(claim.pathKey))
        condition.equal("req_method", claim.method.rawValue)
        condition.equal("match_mode", claim.matchMode.rawValue)
        return try sql.all(APIRow.self, where: condition).first?.api
    }

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
