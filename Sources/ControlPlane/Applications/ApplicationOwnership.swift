import GatewayModel
import Store

/// Joins between applications and what belongs to them (`roma_app_id`, `roma_app_name`).
extension ControlPlane {
    /// - Throws: ``OperationError/notFound(_:id:)``.
    public func checkApplication(_ call: Call, id: String) async throws {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkIntegrationApplication(id, of: call)
        }
    }

    /// Names of applications by id, of those that exist.
    public func applicationNames(_ ids: [String]) async throws -> [String: String] {
        guard ids.contains(where: { !$0.isEmpty }) else { return [:] }
        return try await read { r in try r.applicationNames(ids) }
    }

    /// Only what belongs to an application with this name or part of one; nothing for nil and the empty text.
    ///
    /// - Parameter alias: of a table with a column `roma_app_id`.
    static func belongs(toApplicationNamed name: String?, _ alias: String, _ condition: inout Condition) {
        guard let name, !name.isEmpty else { return }
        var named = Condition()
        named.matches("named.name", name)
        guard let clause = named.clauses.first, let argument = named.arguments.first else { return }
        condition.and(
            "EXISTS (SELECT 1 FROM applications named WHERE named.id = \(alias).roma_app_id AND \(clause))", argument)
    }
}

extension Writing {
    /// Records that authorisations go with their API or environment; the foreign keys of the schema remove the rows.
    ///
    /// - Parameter column: `api_id` or `env_id`.
    func recordRemoval(ofAuthorizationsWhere column: String, _ id: String, of call: Call) throws {
        var own = Condition()
        own.equal("instance_id", call.instanceID)
        own.equal(column, id)
        for authorization in try sql.all(AppAuthorization.self, where: own, order: "id") {
            try record(.appAuthorization, id: authorization.id, before: authorization, after: nil)
            touch(.authorization(apiID: authorization.apiID, environmentID: authorization.environmentID))
        }
    }
}
