import GatewayModel
import Store

/// A new variable; all parts must be given.
public struct EnvironmentVariableDraft: Sendable {
    public var groupID: String?
    public var environmentID: String?
    public var name: String?
    public var value: String?

    public init(groupID: String?, environmentID: String?, name: String?, value: String?) {
        self.groupID = groupID
        self.environmentID = environmentID
        self.name = name
        self.value = value
    }
}

public struct EnvironmentVariableFilter: Sendable {
    public var groupID: String
    public var environmentID: String?
    public var name: String?
    public var namePrecisely: Bool

    public init(groupID: String, environmentID: String? = nil, name: String? = nil, namePrecisely: Bool = false) {
        self.groupID = groupID
        self.environmentID = environmentID
        self.name = name
        self.namePrecisely = namePrecisely
    }
}

extension ControlPlane {
    /// Makes a variable. Versions in force there that use the name, with the value of a variable that is gone, take the new
    /// value at once.
    ///
    /// - Throws: ``OperationError``: instance, group or environment unknown, name or value of a wrong form, name taken, quota;
    ///   ``OperationError/cannotServe(field:reason:)``.
    public func createEnvironmentVariable(
        _ call: Call, _ draft: EnvironmentVariableDraft
    ) async throws -> Written<EnvironmentVariable> {
        let limit = settings.quotas.variablesPerGroup
        return try await write(call) { w in
            try w.checkInstance(of: call)
            guard let groupID = draft.groupID, !groupID.isEmpty else { throw OperationError.missing(field: "group_id") }
            guard let environmentID = draft.environmentID, !environmentID.isEmpty else {
                throw OperationError.missing(field: "env_id")
            }
            guard let name = draft.name, !name.isEmpty else { throw OperationError.missing(field: "variable_name") }
            guard let value = draft.value, !value.isEmpty else { throw OperationError.missing(field: "variable_value") }
            try Self.check(name: name, value: value)
            _ = try w.environment(environmentID, of: call)
            _ = try w.group(groupID, of: call)
            let variable = EnvironmentVariable(
                id: w.newID(), instanceID: call.instanceID, groupID: groupID, environmentID: environmentID, name: name,
                value: value, createdAt: w.now, updatedAt: w.now)
            try w.checkVariableName(variable)
            try w.checkQuota(
                .environmentVariable,
                count: w.sql.count(
                    "SELECT COUNT(*) AS n FROM env_variables WHERE group_id = ? AND env_id = ?",
                    [.text(groupID), .text(environmentID)]),
                limit: limit)
            try w.sql.insert(variable)
            try w.record(.environmentVariable, id: variable.id, before: nil, after: variable)
            try w.putInForce(variable)
            return variable
        }
    }

    /// Versions in force that use the variable take the new value at once (management-api.md, 3.7). After a new name, those that
    /// use the old one keep their values as after a removal.
    ///
    /// - Parameters: nil stays as it is.
    /// - Throws: ``OperationError``: variable unknown, name or value of a wrong form, name taken;
    ///   ``OperationError/cannotServe(field:reason:)``.
    public func updateEnvironmentVariable(
        _ call: Call, id: String, name: String?, value: String?
    ) async throws -> Written<EnvironmentVariable> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            if let name { try Self.check(name: name, value: nil) }
            if let value { try Self.check(name: nil, value: value) }
            let before = try w.environmentVariable(id, of: call)
            var variable = before
            variable.name = name ?? before.name
            variable.value = value ?? before.value
            try w.checkVariableName(variable)
            variable.updatedAt = w.now
            try w.sql.update(variable)
            try w.record(.environmentVariable, id: id, before: before, after: variable)
            if variable.name != before.name || variable.value != before.value { try w.putInForce(variable) }
            return variable
        }
    }

    /// Removes a variable. Versions in force keep the value that they have; the next publication that needs it is refused.
    ///
    /// - Throws: ``OperationError``: variable unknown.
    public func deleteEnvironmentVariable(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let variable = try w.environmentVariable(id, of: call)
            try w.sql.delete(EnvironmentVariable.self, key: id)
            try w.record(.environmentVariable, id: id, before: variable, after: nil)
        }
    }

    public func environmentVariable(_ call: Call, id: String) async throws -> EnvironmentVariable {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.environmentVariable(id, of: call)
        }
    }

    /// Newest first.
    ///
    /// - Throws: ``OperationError``: group or environment unknown.
    public func environmentVariables(
        _ call: Call, _ filter: EnvironmentVariableFilter, page: Page
    ) async throws -> Listing<EnvironmentVariable> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.group(filter.groupID, of: call)
            if let environment = filter.environmentID { _ = try r.environment(environment, of: call) }
            var condition = Condition()
            condition.equal("group_id", filter.groupID)
            condition.equal("env_id", filter.environmentID)
            condition.matches("name", filter.name, exactly: filter.namePrecisely)
            return try r.sql.page(EnvironmentVariable.self, where: condition, order: "created_at DESC, id", page: page)
        }
    }

    private static func check(name: String?, value: String?) throws(OperationError) {
        if let name, !VariableText.isName(name) { throw .invalid(field: "variable_name") }
        if let value, !VariableText.isValue(value) { throw .invalid(field: "variable_value") }
    }
}

extension Reading {
    func environmentVariable(_ id: String, of call: Call) throws -> EnvironmentVariable {
        guard let variable = try find(EnvironmentVariable.self, id: id, of: call) else {
            throw OperationError.notFound(.environmentVariable, id: id)
        }
        return variable
    }

    func checkVariableName(_ variable: EnvironmentVariable) throws {
        let other = try sql.first(
            "SELECT id FROM env_variables WHERE group_id = ? AND env_id = ? AND name = ?",
            [.text(variable.groupID), .text(variable.environmentID), .text(variable.name)])
        if let other, try other.text("id") != variable.id {
            throw OperationError.taken(.environmentVariable, name: variable.name)
        }
    }
}
