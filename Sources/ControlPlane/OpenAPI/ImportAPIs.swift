import GatewayModel
import OpenAPIDocuments
import Store

extension ControlPlane {
    /// Makes the APIs of a document, all in one transaction: an operation that breaks a rule fails by itself, anything else
    /// that goes wrong leaves nothing behind. Nothing is published.
    ///
    /// - Parameters:
    ///   - progress: called on the writer's queue with the number of operations done.
    ///   - finish: what else belongs into the transaction.
    /// - Throws: ``OperationError``: group unknown, or its name taken; too many operations; store.
    public func importAPIs(
        _ call: Call, _ request: ImportRequest, progress: @escaping @Sendable (Int) -> Void = { _ in },
        finish: @escaping @Sendable (Writing, ImportOutcome) throws -> Void = { _, _ in }
    ) async throws -> Written<ImportOutcome> {
        let quotas = settings.quotas
        guard request.operations.count <= quotas.apisPerImport else {
            throw OperationError.quotaExceeded(.api, limit: quotas.apisPerImport)
        }
        return try await write(call) { [settings] w in
            try w.checkInstance(of: call)
            try w.checkIntegrationApplication(request.romaAppID, of: call)
            let group =
                switch request.target {
                case .group(let id): try w.group(id, of: call)
                case .newGroup(let draft): try w.createGroup(draft, limit: quotas.apiGroups, of: call)
                }
            var importing = Importing(writing: w, call: call, request: request, group: group, settings: settings)
            let outcome = try importing.run(progress)
            try finish(w, outcome)
            return outcome
        }
    }
}

/// One import inside its transaction.
private struct Importing {
    let writing: Writing
    let call: Call
    let request: ImportRequest
    let group: APIGroup
    let settings: ControlPlaneSettings
    /// Requests that operations of this document have claimed, with the names of their APIs.
    private var claimed: [RequestClaim: String] = [:]
    private var policies: ImportedPolicies

    init(writing: Writing, call: Call, request: ImportRequest, group: APIGroup, settings: ControlPlaneSettings) {
        self.writing = writing
        self.call = call
        self.request = request
        self.group = group
        self.settings = settings
        policies = ImportedPolicies(writing: writing, call: call, request: request, quotas: settings.quotas)
    }

    mutating func run(_ progress: (Int) -> Void) throws -> ImportOutcome {
        progress(0)
        var outcome = ImportOutcome(groupID: group.id, ignored: request.ignored)
        for (done, operation) in request.operations.enumerated() {
            do {
                let (id, action) = try attempt(operation.outcome.get())
                outcome.successes.append(.init(method: operation.method, path: operation.path, action: action, apiID: id))
            } catch let reason as OperationError {
                if case .store = reason { throw reason }
                outcome.failures.append(.init(method: operation.method, path: operation.path, reason: reason))
            }
            progress(done + 1)
        }
        return outcome
    }

    /// An operation that fails has changed nothing.
    private mutating func attempt(_ described: DocumentAPI) throws -> (id: String, action: ImportOutcome.Action) {
        let writing = writing
        // Policies that an undone operation has made are not known any more.
        let known = policies
        do {
            return try writing.attempt { try take(described) }
        } catch {
            policies = known
            throw error
        }
    }

    private mutating func take(_ described: DocumentAPI) throws -> (id: String, action: ImportOutcome.Action) {
        var definition = try DocumentNames(reading: writing, call: call).identified(described)
        definition.groupID = group.id
        definition.responseID = try definition.responseID.map { try policies.response($0, groupID: group.id) }
        if !request.romaAppID.isEmpty { definition.romaAppID = request.romaAppID }
        if let name = claimed[definition.claim] { throw OperationError.taken(.apiPath, name: name) }
        let existing = try writing.api(claiming: definition.claim, groupID: group.id)
        if let existing {
            guard request.overridesAPIs else { throw OperationError.taken(.apiPath, name: existing.definition.name) }
            try writing.checkReplacement(of: existing, by: definition, settings, of: call, allowsNoBackend: true)
        } else {
            try writing.checkNew(definition, settings, of: call, allowsNoBackend: true)
        }
        let plan = try policies.resolve(described.policies)
        let api = try existing.map { try writing.replace($0, by: definition) } ?? writing.add(definition, of: call)
        try writing.plan(plan, for: api.id)
        claimed[definition.claim] = definition.name
        return (api.id, existing == nil ? .create : .update)
    }
}
