import GatewayModel
import Store

extension Reading {
    /// `domain_name` of an API: a host at which it answers instead of those of its group (management-api.md, 3.5 and 3.8). Several
    /// APIs of an instance may have the same one; there, their claims must differ.
    ///
    /// - Throws: ``OperationError``: a name that belongs to the gateway or to a group, or to APIs of another instance;
    ///   ``StateConflict/apiPathTaken(name:)``.
    func checkOwnDomain(
        _ definition: APIDefinition, besides publicationID: String, _ environment: Environment, _ claim: RequestClaim,
        _ settings: ControlPlaneSettings
    ) throws {
        guard !definition.domainName.isEmpty else { return }
        func refusal(_ reason: String) -> OperationError { .cannotServe(field: "domain_name", reason: reason) }
        let name = BoundDomain.normalized(definition.domainName)
        let suffix = settings.groupHostSuffix.lowercased()
        guard name != suffix, !name.hasSuffix("." + suffix), !settings.gatewayAddresses.contains(name) else {
            throw refusal("the name is the gateway's own")
        }
        var same = Condition()
        same.equal("name", name)
        guard try sql.count(BoundDomain.self, where: same) == 0 else { throw refusal("the name is bound to a group") }
        let others = try sql.query(
            """
            SELECT p.instance_id, p.env_id, p.req_method, p.path_key, p.match_mode, a.name AS api_name
            FROM publications p JOIN apis a ON a.id = p.api_id
            WHERE p.domain_name = ? AND p.version_id IS NOT NULL AND p.id <> ? ORDER BY a.name
            """, [.text(name), .text(publicationID)])
        for other in others {
            guard try other.text("instance_id") == environment.instanceID else { throw refusal("the name belongs to another instance") }
            let isSame =
                try other.text("env_id") == environment.id && other.text("path_key") == claim.pathKey
                && other.text("req_method") == claim.method.rawValue && other.text("match_mode") == claim.matchMode.rawValue
            if isSame { throw OperationError.conflict(.apiPathTaken(name: try other.text("api_name"))) }
        }
    }

    /// Whether an API in force answers at this name.
    func isDomainOfAPI(_ name: String) throws -> Bool {
        try sql.first("SELECT 1 AS n FROM publications WHERE domain_name = ? AND version_id IS NOT NULL LIMIT 1", [.text(name)]) != nil
    }
}
