import GatewayModel
import Store

/// Feature `app_route`: at the gateway's address, method and path must say which of an application's APIs is meant.
extension Reading {
    /// APIs by application and environment with what they claim: the version in force, or the draft where there is none.
    private static let claims = """
        SELECT u.app_id, u.env_id, u.api_id, a.name, COALESCE(p.req_method, a.req_method) AS claimed_method,
          COALESCE(p.path_key, a.path_key) AS claimed_path, COALESCE(p.match_mode, a.match_mode) AS claimed_mode
        FROM app_auths u JOIN apis a ON a.id = u.api_id
          LEFT JOIN publications p ON p.api_id = u.api_id AND p.env_id = u.env_id AND p.version_id IS NOT NULL
        WHERE u.instance_id = ?
        """

    /// Addresses at which the group DEFAULT of an instance answers besides the gateway's own.
    func trustedHosts(of instanceID: String) throws -> [String] {
        guard let row = try sql.find(Feature.self, key: instanceID, ConfigurableFeature.defaultGroupHostTrustlist.rawValue),
            row.enabled,
            case .defaultGroupHostTrustlist(true, let hosts) = FeatureSetting(.defaultGroupHostTrustlist, config: row.config)
        else { return [] }
        return hosts
    }

    /// - Throws: ``StateConflict/apiPathTaken(name:)`` when some application is authorised for two APIs that claim the same
    ///   requests.
    func checkAppClaims(of call: Call) throws {
        let repeated = try sql.first(
            """
            SELECT MIN(name) AS name FROM (\(Self.claims)) c
            GROUP BY app_id, env_id, claimed_method, claimed_path, claimed_mode HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 1
            """, [.text(call.instanceID)])
        if let repeated { throw OperationError.conflict(.apiPathTaken(name: try repeated.text("name"))) }
    }

    /// The name of another API of one of the applications that claims the same requests in the environment.
    ///
    /// - Parameter applicationID: nil: of any that is authorised for the API.
    func rivalOfApp(_ applicationID: String?, api id: String, environmentID: String, claim: RequestClaim?, of call: Call) throws -> String? {
        let claim = try claim ?? effectiveClaim(ofAPI: id, environmentID: environmentID, of: call)
        let apps = applicationID == nil ? "IN (SELECT x.app_id FROM app_auths x WHERE x.api_id = ? AND x.env_id = ?)" : "= ?"
        let arguments: [SQLValue] = applicationID.map { [.text($0)] } ?? [.text(id), .text(environmentID)]
        return try sql.first(
            """
            SELECT name FROM (\(Self.claims)) c WHERE env_id = ? AND api_id <> ? AND claimed_path = ? AND claimed_method = ?
              AND claimed_mode = ? AND app_id \(apps) ORDER BY name LIMIT 1
            """,
            [
                .text(call.instanceID), .text(environmentID), .text(id), .text(claim.pathKey), .text(claim.method.rawValue),
                .text(claim.matchMode.rawValue),
            ] + arguments
        )?.text("name")
    }

    private func effectiveClaim(ofAPI id: String, environmentID: String, of call: Call) throws -> RequestClaim {
        if let publication = try publication(ofAPI: id, environmentID: environmentID), publication.versionID != nil {
            return publication.claim
        }
        return try api(id, of: call).definition.claim
    }
}
