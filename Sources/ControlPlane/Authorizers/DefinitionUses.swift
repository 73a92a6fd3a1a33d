import GatewayModel
import Store

/// What definitions refer to by id, so that it can be found from the other end.
enum DefinitionUse: String {
    case authorizer, orchestration
}

extension Writing {
    /// Notes what a draft names, in place of what was noted of it before; what it still names keeps its time.
    func storeUses(of api: API, before: API?) throws {
        for (kind, ids) in Self.targets(of: api.definition) {
            let old = before.map { Self.targets(of: $0.definition).first { $0.0 == kind }?.1 ?? [] } ?? []
            guard Set(old) != Set(ids) else { continue }
            for gone in Set(old).subtracting(ids) {
                try sql.execute(
                    "DELETE FROM definition_uses WHERE api_id = ? AND version_id IS NULL AND kind = ? AND target_id = ?",
                    [.text(api.id), .text(kind.rawValue), .text(gone)])
            }
            for new in Set(ids).subtracting(old).sorted() { try insertUse(kind, new, apiID: api.id, versionID: nil) }
        }
    }

    /// Notes what a new version names.
    func storeUses(of version: APIVersion) throws {
        for (kind, ids) in Self.targets(of: version.definition) {
            for id in Set(ids).sorted() { try insertUse(kind, id, apiID: version.apiID, versionID: version.id) }
        }
    }

    private func insertUse(_ kind: DefinitionUse, _ id: String, apiID: String, versionID: String?) throws {
        try sql.execute(
            "INSERT INTO definition_uses (api_id, version_id, kind, target_id, used_at) VALUES (?, ?, ?, ?, ?)",
            [.text(apiID), SQLValue(versionID), .text(kind.rawValue), .text(id), .integer(now.nanoseconds)])
    }

    private static func targets(of definition: APIDefinition) -> [(DefinitionUse, [String])] {
        [(.authorizer, definition.authorizerIDs), (.orchestration, definition.orchestrationIDs)]
    }

    /// The versions in force that use it are compiled again.
    func touchUsers(of kind: DefinitionUse, id: String) throws {
        for row in try sql.query(
            """
            SELECT p.id FROM definition_uses u JOIN publications p ON p.version_id = u.version_id
            WHERE u.kind = ? AND u.target_id = ?
            """, [.text(kind.rawValue), .text(id)])
        { touch(.publication(try row.text("id"))) }
    }
}

extension Reading {
    /// Authorizers, orchestration rules and functions that a definition names are there and fit.
    func checkDefinitionParts(of definition: APIDefinition, _ settings: ControlPlaneSettings, _ call: Call) throws {
        try checkAuthorizers(of: definition, call)
        try checkOrchestrations(of: definition, limit: settings.quotas.orchestrationsPerAPI, call)
        for function in definition.functions where settings.functions.endpoint(of: function) == nil {
            throw OperationError.notFound(.function, id: function.urn)
        }
    }

    /// Whether a draft or a version in force names it.
    func isUsed(_ kind: DefinitionUse, id: String) throws -> Bool {
        try sql.first(
            """
            SELECT 1 AS n FROM definition_uses u LEFT JOIN publications p ON p.version_id = u.version_id
            WHERE u.kind = ? AND u.target_id = ? AND (u.version_id IS NULL OR p.id IS NOT NULL) LIMIT 1
            """, [.text(kind.rawValue), .text(id)]) != nil
    }
}
