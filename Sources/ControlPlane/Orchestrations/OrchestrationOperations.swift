import GatewayModel
import Store

/// What a caller says about a rule: all of it, for a change replaces it as a whole.
public struct OrchestrationDraft: Sendable {
    public var name: String
    public var strategy: OrchestrationRule.Strategy
    public var mapped: OrchestrationRule.MappedParameter?
    public var isPreprocessing: Bool
    public var entries: [OrchestrationRule.Entry]

    public init(
        name: String, strategy: OrchestrationRule.Strategy, mapped: OrchestrationRule.MappedParameter?, isPreprocessing: Bool,
        entries: [OrchestrationRule.Entry]
    ) {
        self.name = name
        self.strategy = strategy
        self.mapped = mapped
        self.isPreprocessing = isPreprocessing
        self.entries = entries
    }
}

public struct OrchestrationFilter: Sendable {
    public var ids: [String]
    public var name: String?
    public var namePrecisely: Bool

    public init(ids: [String] = [], name: String? = nil, namePrecisely: Bool = false) {
        self.ids = ids
        self.name = name
        self.namePrecisely = namePrecisely
    }
}

/// An API whose draft names a rule.
public struct OrchestratedAPI: Sendable {
    public let api: API
    public let groupName: String
    /// Since when its draft names the rule.
    public let attachedAt: Timestamp
}

extension ControlPlane {
    /// - Throws: ``OperationError``: instance unknown, a field of a wrong form, name taken, quota.
    public func createOrchestration(_ call: Call, _ draft: OrchestrationDraft) async throws -> Written<OrchestrationRule> {
        let limit = settings.quotas.orchestrations
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let rule = OrchestrationRule(
                id: w.newID(), instanceID: call.instanceID, name: draft.name, strategy: draft.strategy, mapped: draft.mapped,
                isPreprocessing: draft.isPreprocessing, entries: draft.entries, createdAt: w.now, updatedAt: w.now)
            try Self.check(rule)
            try w.checkOrchestrationName(rule)
            try w.checkQuota(
                .orchestration,
                count: w.sql.count("SELECT COUNT(*) AS n FROM orchestrations WHERE instance_id = ?", [.text(call.instanceID)]),
                limit: limit)
            try w.sql.insert(rule)
            try w.record(.orchestration, id: rule.id, before: nil, after: rule)
            return rule
        }
    }

    /// Replaces a rule for all APIs that use it, at once. The parameter that it makes is fixed while an API uses it: backends
    /// and conditions know it by its name.
    ///
    /// - Throws: ``OperationError``: as for creating, rule unknown, parameter changed while the rule is in use;
    ///   ``OperationError/cannotServe(field:reason:)`` when it does not fit its place in an API that is in force.
    public func updateOrchestration(
        _ call: Call, id: String, _ draft: OrchestrationDraft
    ) async throws -> Written<OrchestrationRule> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.orchestration(id, of: call)
            var rule = before
            rule.name = draft.name
            rule.strategy = draft.strategy
            rule.mapped = draft.mapped
            rule.isPreprocessing = draft.isPreprocessing
            rule.entries = draft.entries
            try Self.check(rule)
            if rule.mapped != before.mapped, try w.isUsed(.orchestration, id: id) {
                throw OperationError.conflict(.orchestratedParameterIsFixed)
            }
            try w.checkOrchestrationName(rule)
            rule.updatedAt = w.now
            try w.sql.update(rule)
            try w.record(.orchestration, id: id, before: before, after: rule)
            try w.touchUsers(of: .orchestration, id: id)
            return rule
        }
    }

    /// - Throws: ``OperationError``: rule unknown, or a draft or a version in force names it.
    public func deleteOrchestration(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let rule = try w.orchestration(id, of: call)
            if try w.isUsed(.orchestration, id: id) { throw OperationError.conflict(.orchestrationIsUsed) }
            try w.sql.delete(OrchestrationRule.self, key: id)
            try w.record(.orchestration, id: id, before: rule, after: nil)
        }
    }

    public func orchestration(_ call: Call, id: String) async throws -> OrchestrationRule {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.orchestration(id, of: call)
        }
    }

    /// Newest first.
    public func orchestrations(
        _ call: Call, _ filter: OrchestrationFilter, page: Page
    ) async throws -> Listing<OrchestrationRule> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.matches("name", filter.name, exactly: filter.namePrecisely)
            if !filter.ids.isEmpty { condition.isIn("id", filter.ids) }
            return try r.sql.page(OrchestrationRule.self, where: condition, order: "created_at DESC, id", page: page)
        }
    }

    /// APIs whose drafts name the rule, last attached first.
    ///
    /// - Throws: ``OperationError``: rule unknown.
    public func apis(
        _ call: Call, attachedToOrchestration id: String, apiID: String?, apiName: String?, page: Page
    ) async throws -> Listing<OrchestratedAPI> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.orchestration(id, of: call)
            var condition = Condition()
            condition.equal("u.kind", DefinitionUse.orchestration.rawValue)
            condition.equal("u.target_id", id)
            condition.and("u.version_id IS NULL")
            condition.equal("a.id", apiID)
            condition.matches("a.name", apiName)
            return try r.sql.page(
                "\(APIRow.columnList("a")), u.used_at AS used_at, g.name AS group_name",
                from: "definition_uses u JOIN apis a ON a.id = u.api_id JOIN api_groups g ON g.id = a.group_id",
                where: condition, order: "u.used_at DESC, a.id", page: page
            ) { row in
                OrchestratedAPI(
                    api: try APIRow(row: row).api, groupName: try row.text("group_name"),
                    attachedAt: Timestamp(nanoseconds: try row.integer("used_at")))
            }
        }
    }

    private static func check(_ rule: OrchestrationRule) throws(OperationError) {
        guard OrchestrationRules.isName(rule.name) else { throw .invalid(field: "orchestration_name") }
        do {
            try OrchestrationRules.check(rule)
        } catch {
            throw .invalid(field: error.field)
        }
        if let mapped = rule.mapped, mapped.location == .header, ParameterRules.isReservedHeader(mapped.name) {
            throw .invalid(field: "mapped_param_name")
        }
    }
}

extension Reading {
    func orchestration(_ id: String, of call: Call) throws -> OrchestrationRule {
        guard let rule = try find(OrchestrationRule.self, id: id, of: call) else {
            throw OperationError.notFound(.orchestration, id: id)
        }
        return rule
    }

    func checkOrchestrationName(_ rule: OrchestrationRule) throws {
        let other = try sql.first(
            "SELECT id FROM orchestrations WHERE instance_id = ? AND name = ?", [.text(rule.instanceID), .text(rule.name)])
        if let other, try other.text("id") != rule.id { throw OperationError.taken(.orchestration, name: rule.name) }
    }

    /// The rules that a definition names exist and make a chain (gateway-runtime.md, 3.6): one parameter has rules, none twice;
    /// at most one for no value and one for no match; a preprocessing rule is followed by one that gives a value.
    func checkOrchestrations(of definition: APIDefinition, limit: Int, _ call: Call) throws {
        let ids = definition.orchestrationIDs
        let asked = (definition.httpPolicies.flatMap(\.conditions) + definition.mockPolicies.flatMap(\.conditions)
            + definition.functionPolicies.flatMap(\.conditions)).filter { $0.origin == "orchestration" }
        guard !ids.isEmpty else {
            if !asked.isEmpty { throw OperationError.invalid(field: "mapped_param_name") }
            return
        }
        guard ids.count <= limit else { throw OperationError.definition(.tooManyOrchestrations) }
        let bearers = definition.requestParameters.filter { $0.orchestrations?.isEmpty == false }
        guard bearers.count == 1, Set(ids).count == ids.count else { throw OperationError.invalid(field: "orchestrations") }
        var rules: [OrchestrationRule] = []
        for id in ids {
            guard let rule = try find(OrchestrationRule.self, id: id, of: call) else {
                throw OperationError.definition(.unknownOrchestration)
            }
            rules.append(rule)
        }
        let chain = OrchestrationChain(rules)
        guard chain.fits(beside: definition) else { throw OperationError.invalid(field: "orchestrations") }
        for condition in asked where !chain.mapped.contains(where: { $0.isMeant(by: condition) }) {
            throw OperationError.invalid(field: "mapped_param_name")
        }
    }
}
