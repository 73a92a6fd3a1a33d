import GatewayModel
import OpenAPIDocuments
import Store

/// Which live-data APIs a document shall hold; all that are given must hold, none given is all.
public struct LivedataExportRequest: Sendable {
    public var applicationID: String?
    public var apiIDs: [String] = []
    public var status: LivedataAPI.Status?

    public init() {}
}

/// What an import shall do with what is there already (management-api.md, 3.22).
public struct LivedataImportRequest: Sendable {
    /// An API with the same request in the same application is replaced; otherwise it stays and the operation fails.
    public var overridesAPIs: Bool
    /// Of an API that is replaced, also version, scripts, return format and signature key; otherwise those stay.
    public var overridesExtensions: Bool
    /// In the order of the document.
    public var operations: [LivedataOperation]

    public init(overridesAPIs: Bool, overridesExtensions: Bool, operations: [LivedataOperation]) {
        self.overridesAPIs = overridesAPIs
        self.overridesExtensions = overridesExtensions
        self.operations = operations
    }
}

/// What an import did.
public struct LivedataImportOutcome: Sendable {
    public struct Success: Sendable {
        public let method: String
        public let path: String
        public let isNew: Bool
        public let apiID: String
    }

    public struct Failure: Sendable {
        public let method: String
        public let path: String
        public let reason: OperationError
    }

    public var successes: [Success] = []
    public var failures: [Failure] = []
}

extension ControlPlane {
    /// The APIs of a document, oldest first, each with the key of its signature key.
    ///
    /// - Throws: ``OperationError``: application or one of the APIs unknown; two APIs with one method and path, which a
    ///   document cannot tell apart.
    public func exportLivedataAPIs(
        _ call: Call, _ request: LivedataExportRequest
    ) async throws -> [(api: LivedataAPI, signatureKey: String?)] {
        try await read { r in
            try r.checkInstance(of: call)
            if let application = request.applicationID { try r.checkIntegrationApplication(application, of: call) }
            for id in request.apiIDs { _ = try r.livedataAPI(id, of: call) }
            var condition = Condition()
            condition.and("instance_id = ?", .text(call.instanceID))
            condition.equal("roma_app_id", request.applicationID)
            if !request.apiIDs.isEmpty { condition.isIn("id", request.apiIDs) }
            if let status = request.status { condition.and("status = ?", SQLValue(status.rawValue)) }
            let apis = try r.sql.all(LivedataAPIRow.self, where: condition, order: "created_at, id").map(\.api)
            guard Set(apis.map { "\($0.method.rawValue) \($0.path)" }).count == apis.count else {
                throw OperationError.invalid(field: "app_id")
            }
            return try apis.map { api in
                let key = try api.signatureKeyID.flatMap { try r.find(SignatureKeyRow.self, id: $0, of: call) }
                return (api, try key?.model(box: r.box).key)
            }
        }
    }

    /// Makes the APIs of a document in one transaction: an operation that breaks a rule fails by itself. Nothing is deployed.
    ///
    /// - Throws: ``OperationError``: instance unknown, store.
    public func importLivedataAPIs(
        _ call: Call, _ request: LivedataImportRequest
    ) async throws -> Written<LivedataImportOutcome> {
        let quotas = settings.quotas
        return try await write(call) { w in
            try w.checkInstance(of: call)
            var outcome = LivedataImportOutcome()
            for operation in request.operations {
                do {
                    let description = try operation.outcome.mapError { OperationError.invalid(field: $0.field) }.get()
                    let (id, isNew) = try w.take(description, request, quotas, of: call)
                    outcome.successes.append(.init(method: operation.method, path: operation.path, isNew: isNew, apiID: id))
                } catch let reason as OperationError {
                    if case .store = reason { throw reason }
                    outcome.failures.append(.init(method: operation.method, path: operation.path, reason: reason))
                }
            }
            return outcome
        }
    }
}

extension Writing {
    /// Every check comes before the first change: an operation that fails has changed nothing.
    fileprivate func take(
        _ description: LivedataDescription, _ request: LivedataImportRequest, _ quotas: Quotas, of call: Call
    ) throws -> (id: String, isNew: Bool) {
        try Self.checkForm(ofID: description.romaAppID, field: "x-livedata-roma-app")
        let keyID = try description.signatureKey.map { try signatureKeyID(named: $0, of: call) }
        var claimed = Condition()
        claimed.and("instance_id = ?", .text(call.instanceID))
        claimed.equal("roma_app_id", description.romaAppID)
        claimed.and("path = ? AND method = ?", .text(description.path), .text(description.method.rawValue))
        guard request.overridesAPIs, let before = try sql.all(LivedataAPIRow.self, where: claimed).first?.api else {
            var draft = LivedataDraft(
                romaAppID: description.romaAppID, name: description.name, path: description.path, method: description.method,
                version: description.version, contentType: description.contentType)
            draft.description = description.description
            draft.signatureKeyID = keyID
            draft.returnFormat = description.returnFormat
            draft.parameters = description.parameters
            let api = try storeLivedataAPI(draft, scripts: scripts(of: description, before: []), quotas, of: call)
            return (api.id, true)
        }
        var api = before
        api.name = description.name
        api.description = description.description
        api.contentType = description.contentType
        api.parameters = description.parameters
        if request.overridesExtensions {
            api.version = description.version
            api.returnFormat = description.returnFormat
            api.signatureKeyID = keyID
            api.scripts = scripts(of: description, before: before.scripts)
            api.kind = api.scripts.isEmpty ? nil : .function
            if before.status != .deployed {
                api.status = api.scripts.isEmpty ? .designed : .developed
            } else if api.scripts.isEmpty {
                throw OperationError.conflict(.livedataIsDeployed)
            }
        }
        api.updatedAt = now
        try checkScriptCount(api, quotas)
        try checkLivedata(api, of: call)
        try replace(before, with: api)
        return (api.id, false)
    }

    private func scripts(of description: LivedataDescription, before: [LivedataScript]) -> [LivedataScript] {
        description.scripts.map { script in
            let old = before.first { $0.objectName == script.objectName }
            return LivedataScript(
                objectName: script.objectName, content: script.content, createdAt: old?.createdAt ?? now, updatedAt: now)
        }
    }

    private func signatureKeyID(named key: String, of call: Call) throws -> String {
        let row = try sql.first(
            "SELECT id FROM signs WHERE instance_id = ? AND sign_key = ? ORDER BY created_at, id",
            [.text(call.instanceID), .text(key)])
        guard let row else { throw OperationError.notFound(.signatureKey, id: key) }
        return try row.text("id")
    }
}
