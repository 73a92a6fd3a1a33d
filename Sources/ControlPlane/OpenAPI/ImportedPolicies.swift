import GatewayModel
import OpenAPIDocuments
import Store

/// Policies that the operations of a document name: found, made or changed when the first operation needs them.
struct ImportedPolicies {
    /// What a new binding would need besides the API.
    typealias Planned = (kind: PlannedBinding.Kind, policyID: String)

    private let writing: Writing
    private let call: Call
    private let request: ImportRequest
    private let quotas: Quotas
    /// Kind and name -> id, or why there is none.
    private var known: [String: Result<String, OperationError>] = [:]

    init(writing: Writing, call: Call, request: ImportRequest, quotas: Quotas) {
        self.writing = writing
        self.call = call
        self.request = request
        self.quotas = quotas
    }

    mutating func resolve(_ names: PolicyNames) throws -> [Planned] {
        var planned: [Planned] = []
        for name in names.accessControls { planned.append((.accessControl, try once("acl", name, accessControl))) }
        for name in names.plugins { planned.append((.plugin, try once("plugin", name, plugin))) }
        for name in names.rateLimits { planned.append((.throttle, try once("throttle", name, throttle))) }
        return planned
    }

    /// The id of a group response.
    mutating func response(_ name: String, groupID: String) throws -> String {
        let (writing, request, limit, call) = (writing, request, quotas.responsesPerGroup, call)
        return try once("response", name) { name in
            try writing.importedResponse(
                name, request.responses[name], overrides: request.overridesPolicies, groupID: groupID, limit: limit, of: call)
        }
    }

    private mutating func once(_ kind: String, _ name: String, _ find: (String) throws -> String) throws -> String {
        let key = "\(kind) \(name)"
        if let found = known[key] { return try found.get() }
        do {
            let id = try find(name)
            known[key] = .success(id)
            return id
        } catch let reason as OperationError {
            known[key] = .failure(reason)
            throw reason
        }
    }

    private func accessControl(_ name: String) throws -> String {
        var condition = Condition()
        condition.equal("instance_id", call.instanceID)
        condition.and("name = ?", .text(name))
        let existing = try writing.sql.all(AccessControlPolicy.self, where: condition).first
        guard let description = request.accessControls[name] else {
            guard let existing else { throw OperationError.notFound(.accessPolicy, id: name) }
            return existing.id
        }
        guard let action = AccessControlPolicy.Action(rawValue: description.action) else { throw OperationError.invalid(field: "acl-type") }
        guard let entity = AccessControlPolicy.Entity(rawValue: description.entity) else {
            throw OperationError.invalid(field: "entity-type")
        }
        guard let existing else {
            let draft = AccessPolicyDraft(name: name, action: action, entity: entity, value: description.value)
            return try writing.createAccessPolicy(draft, limit: quotas.accessPolicies, of: call).id
        }
        if request.overridesPolicies {
            let change = AccessPolicyChange(action: action, entity: entity, value: description.value)
            _ = try writing.updateAccessPolicy(existing.id, change, of: call)
        }
        return existing.id
    }

    /// Documents name plug-ins without describing them.
    private func plugin(_ name: String) throws -> String {
        let row = try writing.sql.first(
            "SELECT id, plugin_type FROM plugins WHERE instance_id = ? AND name = ? ORDER BY created_at, id",
            [.text(call.instanceID), .text(name)])
        guard let row else { throw OperationError.notFound(.plugin, id: name) }
        return try row.text("id")
    }

    private func throttle(_ name: String) throws -> String {
        try writing.importedThrottle(
            name, request.rateLimits[name], overrides: request.overridesPolicies, limit: quotas.throttles, of: call)
    }
}

extension Writing {
    /// Replaces what the next publication of an API shall bind.
    func plan(_ planned: [ImportedPolicies.Planned], for apiID: String) throws {
        for old in try plannedBindings(of: apiID) { try forget(old) }
        for (kind, policyID) in planned {
            let binding = PlannedBinding(apiID: apiID, kind: kind, policyID: policyID)
            try sql.insert(binding)
            try record(Self.recordKind(kind), id: apiID, before: nil, after: binding)
        }
    }

    /// Makes the bindings that an import planned, and forgets the plan. A policy that is gone meanwhile is left out.
    func bindPlanned(_ publication: Publication, of call: Call) throws {
        for planned in try plannedBindings(of: publication.apiID) {
            switch planned.kind {
            case .accessControl:
                if let policy = try find(AccessControlPolicy.self, id: planned.policyID, of: call) {
                    _ = try bind(policy, to: publication.id)
                }
            case .plugin:
                if let row = try find(PluginRow.self, id: planned.policyID, of: call) {
                    _ = try attach(
                        [row.model(box: box)], toAPIs: [publication.apiID], environmentID: publication.environmentID,
                        of: call)
                }
            case .throttle:
                if let policy = try find(ThrottlePolicy.self, id: planned.policyID, of: call) {
                    _ = try bind(throttle: policy.id, to: publication.id)
                }
            }
            try forget(planned)
        }
    }

    private func forget(_ planned: PlannedBinding) throws {
        try sql.delete(PlannedBinding.self, key: planned.apiID, planned.kind.rawValue, planned.policyID)
        try record(Self.recordKind(planned.kind), id: planned.apiID, before: planned, after: nil)
    }

    private static func recordKind(_ kind: PlannedBinding.Kind) -> ResourceKind {
        switch kind {
        case .accessControl: .accessBinding
        case .plugin: .pluginBinding
        case .throttle: .throttleBinding
        }
    }
}

extension Reading {
    func plannedBindings(of apiID: String) throws -> [PlannedBinding] {
        var condition = Condition()
        condition.equal("api_id", apiID)
        return try sql.all(PlannedBinding.self, where: condition, order: "kind, policy_id")
    }
}
