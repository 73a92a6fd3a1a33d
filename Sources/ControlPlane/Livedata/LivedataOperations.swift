import GatewayModel
import Store

/// What a caller says about a new live-data API.
public struct LivedataDraft: Sendable {
    public var romaAppID: String
    public var name: String
    public var path: String
    public var method: LivedataAPI.Method
    public var description = ""
    public var version: String
    public var contentType: LivedataAPI.ContentType
    public var signatureKeyID: String?
    public var returnFormat = false
    public var parameters: [LivedataParameter] = []

    public init(
        romaAppID: String, name: String, path: String, method: LivedataAPI.Method, version: String,
        contentType: LivedataAPI.ContentType
    ) {
        self.romaAppID = romaAppID
        self.name = name
        self.path = path
        self.method = method
        self.version = version
        self.contentType = contentType
    }
}

/// Parts that shall change; nil stays.
public struct LivedataChange: Sendable {
    public var romaAppID: String?
    public var name: String?
    public var path: String?
    public var method: LivedataAPI.Method?
    public var description: String?
    public var version: String?
    public var contentType: LivedataAPI.ContentType?
    public var signatureKeyID: String?
    public var returnFormat: Bool?
    public var parameters: [LivedataParameter]?

    public init() {}
}

/// A live-data API with the name of its application.
public struct LivedataView: Sendable, Equatable {
    public let api: LivedataAPI
    public let applicationName: String
}

public struct LivedataFilter: Sendable {
    public var applicationID: String?
    public var applicationName: String?
    public var name: String?
    public var namePrecisely = false
    public var path: String?
    public var pathPrecisely = false
    public var status: LivedataAPI.Status?

    public init() {}
}

extension ControlPlane {
    /// - Throws: ``OperationError``: instance, application or signature key unknown; a field of the wrong form; name or request
    ///   taken; too many parameters; quota.
    public func createLivedataAPI(_ call: Call, _ draft: LivedataDraft) async throws -> Written<LivedataView> {
        let quotas = settings.quotas
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let api = try w.storeLivedataAPI(draft, quotas, of: call)
            return try w.view(api)
        }
    }

    /// While an API is deployed its request and its application are fixed.
    ///
    /// - Throws: ``OperationError``: as for creating, unknown API, a fixed field.
    public func updateLivedataAPI(_ call: Call, id: String, _ change: LivedataChange) async throws -> Written<LivedataView> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.livedataAPI(id, of: call)
            var api = before
            api.romaAppID = change.romaAppID ?? before.romaAppID
            api.name = change.name ?? before.name
            api.path = change.path ?? before.path
            api.method = change.method ?? before.method
            api.description = change.description ?? before.description
            api.version = change.version ?? before.version
            api.contentType = change.contentType ?? before.contentType
            api.signatureKeyID = change.signatureKeyID ?? before.signatureKeyID
            api.returnFormat = change.returnFormat ?? before.returnFormat
            api.parameters = change.parameters ?? before.parameters
            if before.status == .deployed {
                if api.path != before.path { throw OperationError.invalid(field: "path") }
                if api.method != before.method { throw OperationError.invalid(field: "method") }
                if api.romaAppID != before.romaAppID { throw OperationError.invalid(field: "roma_app_id") }
            }
            api.updatedAt = w.now
            try w.checkLivedata(api, of: call)
            try w.replace(before, with: api)
            return try w.view(api)
        }
    }

    /// Removes an API with its scripts and histories.
    ///
    /// - Throws: ``OperationError``: unknown API, or it is deployed.
    public func deleteLivedataAPI(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try w.removeLivedataAPI(w.livedataAPI(id, of: call))
        }
    }

    /// - Throws: ``OperationError``: unknown API.
    public func livedataAPI(_ call: Call, id: String) async throws -> LivedataView {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.view(r.livedataAPI(id, of: call))
        }
    }

    /// Newest first. Elements have neither parameters nor scripts, whose size would make a page too large.
    public func livedataAPIs(_ call: Call, _ filter: LivedataFilter, page: Page) async throws -> Listing<LivedataView> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("l.instance_id = ?", .text(call.instanceID))
            condition.equal("l.roma_app_id", filter.applicationID)
            condition.matches("a.name", filter.applicationName)
            condition.matches("l.name", filter.name, exactly: filter.namePrecisely)
            condition.matches("l.path", filter.path, exactly: filter.pathPrecisely)
            if let status = filter.status { condition.and("l.status = ?", SQLValue(status.rawValue)) }
            let columns = LivedataAPIRow.columns.map { $0 == "parameters" || $0 == "scripts" ? "'[]' AS \($0)" : "l.\($0)" }
            return try r.sql.page(
                columns.joined(separator: ", ") + ", a.name AS roma_app_name",
                from: "livedata_apis l LEFT JOIN applications a ON a.id = l.roma_app_id", where: condition,
                order: "l.created_at DESC, l.id", page: page
            ) { row in
                LivedataView(
                    api: try LivedataAPIRow(row: row).api, applicationName: try row.optionalText("roma_app_name") ?? "")
            }
        }
    }

    /// Whether a name is free, in one application or, without one, in all.
    ///
    /// - Throws: ``OperationError/taken(_:name:)``.
    public func checkLivedataName(_ call: Call, name: String, romaAppID: String) async throws {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("name = ?", .text(name))
            try r.checkFree(condition, .livedataAPI, name, romaAppID: romaAppID, besides: nil, of: call)
        }
    }

    /// The same for a request.
    public func checkLivedataPath(
        _ call: Call, method: LivedataAPI.Method, path: String, romaAppID: String
    ) async throws {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("path = ? AND method = ?", .text(path), .text(method.rawValue))
            try r.checkFree(condition, .livedataPath, path, romaAppID: romaAppID, besides: nil, of: call)
        }
    }

    /// How many live-data APIs there are; data sources there are none (management-api.md, 3.24).
    public func livedataCount(_ call: Call) async throws -> Int {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.livedataCount(of: call)
        }
    }

    /// An application's data sources: none, since nothing makes one.
    ///
    /// - Throws: ``OperationError``: unknown application.
    public func checkLivedataOwner(_ call: Call, romaAppID: String) async throws {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkIntegrationApplication(romaAppID, of: call)
        }
    }
}

extension Reading {
    func livedataAPI(_ id: String, of call: Call) throws -> LivedataAPI {
        guard let row = try find(LivedataAPIRow.self, id: id, of: call) else {
            throw OperationError.notFound(.livedataAPI, id: id)
        }
        return row.api
    }

    func view(_ api: LivedataAPI) throws -> LivedataView {
        let row = try sql.first("SELECT name FROM applications WHERE id = ?", [.text(api.romaAppID)])
        return LivedataView(api: api, applicationName: try row?.text("name") ?? "")
    }

    func livedataCount(of call: Call) throws -> Int {
        try sql.count("SELECT COUNT(*) AS n FROM livedata_apis WHERE instance_id = ?", [.text(call.instanceID)])
    }

    /// Everything that must hold for a definition, as it is to be stored.
    func checkLivedata(_ api: LivedataAPI, of call: Call) throws {
        do {
            try LivedataRules.checkForms(api)
            try LivedataRules.check(api)
        } catch {
            throw OperationError.invalid(field: error.field)
        }
        guard api.parameters.count <= LivedataRules.parameterLimit else { throw OperationError.definition(.tooManyParameters) }
        guard LivedataRules.repeatedParameter(api.parameters) == nil else {
            throw OperationError.definition(.repeatedParameter)
        }
        try checkIntegrationApplication(api.romaAppID, of: call)
        if let key = api.signatureKeyID, try find(SignatureKeyRow.self, id: key, of: call) == nil {
            throw OperationError.notFound(.signatureKey, id: key)
        }
        var named = Condition()
        named.and("name = ?", .text(api.name))
        try checkFree(named, .livedataAPI, api.name, romaAppID: api.romaAppID, besides: api.id, of: call)
        var claimed = Condition()
        claimed.and("path = ? AND method = ?", .text(api.path), .text(api.method.rawValue))
        try checkFree(claimed, .livedataPath, api.path, romaAppID: api.romaAppID, besides: api.id, of: call)
    }

    fileprivate func checkFree(
        _ condition: Condition, _ kind: ResourceKind, _ name: String, romaAppID: String, besides id: String?, of call: Call
    ) throws {
        var condition = condition
        condition.and("instance_id = ?", .text(call.instanceID))
        condition.equal("roma_app_id", romaAppID)
        if let id { condition.and("id <> ?", .text(id)) }
        guard try sql.count("SELECT COUNT(*) AS n FROM livedata_apis\(condition.sql)", condition.arguments) == 0 else {
            throw OperationError.taken(kind, name: name)
        }
    }
}

extension Writing {
    /// Checks and stores a new API; quota included.
    func storeLivedataAPI(
        _ draft: LivedataDraft, scripts: [LivedataScript] = [], _ quotas: Quotas, of call: Call
    ) throws -> LivedataAPI {
        let api = LivedataAPI(
            id: newID(), instanceID: call.instanceID, romaAppID: draft.romaAppID, name: draft.name, path: draft.path,
            method: draft.method, description: draft.description, version: draft.version, contentType: draft.contentType,
            signatureKeyID: draft.signatureKeyID, returnFormat: draft.returnFormat, parameters: draft.parameters,
            kind: scripts.isEmpty ? nil : .function, status: scripts.isEmpty ? .designed : .developed, scripts: scripts,
            createdAt: now, updatedAt: now)
        try checkScriptCount(api, quotas)
        try checkLivedata(api, of: call)
        try checkQuota(.livedataAPI, count: livedataCount(of: call), limit: quotas.livedataAPIs)
        try sql.insert(LivedataAPIRow(api))
        try record(.livedataAPI, id: api.id, before: nil, after: api)
        return api
    }

    func replace(_ before: LivedataAPI, with api: LivedataAPI) throws {
        try sql.update(LivedataAPIRow(api))
        try record(.livedataAPI, id: api.id, before: before, after: api)
    }

    /// - Throws: ``OperationError/conflict(_:)`` while it is deployed.
    func removeLivedataAPI(_ api: LivedataAPI) throws {
        guard api.status != .deployed else { throw OperationError.conflict(.livedataIsDeployed) }
        try sql.delete(LivedataAPIRow.self, key: api.id)
        try record(.livedataAPI, id: api.id, before: api, after: nil)
    }

    func checkScriptCount(_ api: LivedataAPI, _ quotas: Quotas) throws {
        guard api.scripts.count <= quotas.scriptsPerLivedataAPI else { throw OperationError.invalid(field: "scripts") }
    }

    /// A signature key that goes is no longer asked for.
    func releaseLivedataAPIs(fromSignatureKey id: String) throws {
        var condition = Condition()
        condition.and("sign_id = ?", .text(id))
        for row in try sql.all(LivedataAPIRow.self, where: condition, order: "created_at, id") {
            var api = row.api
            api.signatureKeyID = nil
            api.updatedAt = now
            try replace(row.api, with: api)
        }
    }
}
