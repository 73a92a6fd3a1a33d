import Foundation
import GatewayModel
import Store

/// An authorisation with what answers join to it.
public struct AuthorizationView: Sendable {
    public let authorization: AppAuthorization
    public let api: APISummary
    public let environmentName: String
    /// Empty unless the API is in force there.
    public let publicationID: String
    public let applicationName: String
    public let applicationRemark: String
    public let applicationOrigin: Application.Origin
}

/// An API as lists of what an application may call show it.
public struct APISummary: Sendable, Equatable {
    public let id: String
    public let name: String
    /// 1 public, 2 private.
    public let type: Int
    public let remark: String
    public let uri: String
    public let authType: String
    public let groupID: String
    public let groupName: String
}

/// An API that an application could be authorised for, in one environment.
public struct AuthorizableView: Sendable {
    public let api: APISummary
    /// Nil unless the API is in force there.
    public let publication: (id: String, environmentID: String, environmentName: String)?
}

/// APIs of one claim among those that an application may call or has: with routing by application they cannot all be reached.
public struct RepeatedClaim: Sendable {
    public struct Member: Sendable {
        public let api: APISummary
        /// The application's own; otherwise one that it is authorised for.
        public let isOwn: Bool
    }

    public let method: String
    public let uri: String
    public let matchMode: String
    public let members: [Member]
}

/// Filters of lists of authorisations; all that are given must hold.
public struct AuthorizationFilter: Sendable {
    public var applicationID: String?
    public var applicationName: String?
    public var apiID: String?
    public var apiName: String?
    public var groupID: String?
    public var groupName: String?
    public var environmentID: String?

    public init() {}

    fileprivate func condition(_ call: Call) -> Condition {
        var condition = Condition()
        condition.and("x.instance_id = ?", .text(call.instanceID))
        condition.equal("x.app_id", applicationID)
        condition.matches("t.name", applicationName)
        condition.equal("x.api_id", apiID)
        condition.matches("a.name", apiName)
        condition.equal("a.group_id", groupID)
        condition.matches("g.name", groupName)
        condition.equal("x.env_id", environmentID)
        return condition
    }
}

extension ControlPlane {
    /// Authorisations of an application, of an API, or of both, newest first.
    ///
    /// - Throws: ``OperationError``: unknown application or API among the filters, an application that the caller may not see.
    public func authorizations(
        _ call: Call, _ filter: AuthorizationFilter, page: Page
    ) async throws -> Listing<AuthorizationView> {
        try await read { r in
            try r.checkInstance(of: call)
            if let id = filter.apiID { try r.checkAPI(id, of: call) }
            if let id = filter.applicationID { try r.checkAccess(r.application(id, of: call), .read, of: call) }
            return try r.sql.page(
                """
                \(AppAuthorization.columnList("x")), \(APISummary.columns), e.name AS env_name, p.id AS publication_id, \
                t.name AS app_name, t.remark AS app_remark, t.origin AS app_origin
                """,
                from: """
                    app_auths x JOIN apis a ON a.id = x.api_id JOIN api_groups g ON g.id = a.group_id \
                    JOIN applications t ON t.id = x.app_id \
                    JOIN environments e ON e.instance_id = x.instance_id AND e.id = x.env_id \
                    LEFT JOIN publications p ON p.api_id = x.api_id AND p.env_id = x.env_id AND p.version_id IS NOT NULL
                    """, where: filter.condition(call), order: "x.authorized_at DESC, x.id", page: page
            ) { row in
                AuthorizationView(
                    authorization: try AppAuthorization(row: row), api: try APISummary(row: row),
                    environmentName: try row.text("env_name"), publicationID: try row.optionalText("publication_id") ?? "",
                    applicationName: try row.text("app_name"), applicationRemark: try row.text("app_remark"),
                    applicationOrigin: Application.Origin(rawValue: try row.text("app_origin")) ?? .roma)
            }
        }
    }

    /// APIs that authenticate applications and that this one may not call in the environment, newest first; published or not.
    ///
    /// - Throws: ``OperationError``: unknown application or environment, an application that the caller may not see.
    public func apis(
        _ call: Call, notAuthorizedFor applicationID: String, environmentID: String, _ filter: AuthorizationFilter, page: Page
    ) async throws -> Listing<AuthorizableView> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAccess(r.application(applicationID, of: call), .read, of: call)
            let environment = try r.environment(environmentID, of: call)
            var condition = Condition()
            condition.and("a.instance_id = ?", .text(call.instanceID))
            condition.and("a.auth_type = ?", .text(AuthenticationType.app.rawValue))
            condition.equal("a.id", filter.apiID)
            condition.matches("a.name", filter.apiName)
            condition.equal("a.group_id", filter.groupID)
            condition.and(
                "NOT EXISTS (SELECT 1 FROM app_auths x WHERE x.api_id = a.id AND x.env_id = ? AND x.app_id = ?)",
                .text(environmentID), .text(applicationID))
            let found = try r.sql.page(
                APISummary.columns, from: "apis a JOIN api_groups g ON g.id = a.group_id", where: condition,
                order: "a.created_at DESC, a.id", page: page, APISummary.init(row:))
            var inForce = Condition()
            inForce.isIn("api_id", found.items.map(\.id))
            inForce.equal("env_id", environmentID)
            inForce.and("version_id IS NOT NULL")
            var publications: [String: String] = [:]
            for row in try r.sql.query("SELECT api_id, id FROM publications\(inForce.sql)", inForce.arguments) {
                publications[try row.text("api_id")] = try row.text("id")
            }
            return found.map { api in
                AuthorizableView(
                    api: api, publication: publications[api.id].map { ($0, environment.id, environment.name) })
            }
        }
    }

    /// Claims of which an application has, or may call, more than one; an API that is its own and authorised counts twice.
    ///
    /// - Throws: ``OperationError``: unknown application, one that the caller may not see.
    public func repeatedClaims(_ call: Call, applicationID: String) async throws -> [RepeatedClaim] {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAccess(r.application(applicationID, of: call), .read, of: call)
            let id = SQLValue.text(applicationID)
            let rows = try r.sql.query(
                """
                WITH reached AS (
                  SELECT id, req_method, path_key, match_mode, 1 AS own FROM apis WHERE instance_id = ? AND roma_app_id = ?
                  UNION ALL
                  SELECT a.id, a.req_method, a.path_key, a.match_mode, 0 AS own FROM apis a
                    WHERE a.id IN (SELECT api_id FROM app_auths WHERE app_id = ?)),
                repeated AS (
                  SELECT req_method, path_key, match_mode FROM reached GROUP BY req_method, path_key, match_mode
                  HAVING COUNT(*) > 1)
                SELECT \(APISummary.columns), a.path_key, a.req_method, a.match_mode, c.own FROM repeated d
                  JOIN reached c ON c.req_method = d.req_method AND c.path_key = d.path_key AND c.match_mode = d.match_mode
                  JOIN apis a ON a.id = c.id JOIN api_groups g ON g.id = a.group_id
                ORDER BY d.path_key, d.req_method, d.match_mode, c.own DESC, a.created_at DESC, a.id
                """, [.text(call.instanceID), id, id])
            var claims: [RepeatedClaim] = []
            var last: [String] = []
            for row in rows {
                let key = [try row.text("path_key"), try row.text("req_method"), try row.text("match_mode")]
                let api = try APISummary(row: row)
                let member = RepeatedClaim.Member(api: api, isOwn: try row.int("own") == 1)
                let members = key == last ? claims.removeLast().members + [member] : [member]
                claims.append(RepeatedClaim(method: key[1], uri: members[0].api.uri, matchMode: key[2], members: members))
                last = key
            }
            return claims
        }
    }
}

extension APISummary {
    /// Of `apis a JOIN api_groups g`, under names that no other table of a join has.
    fileprivate static let columns = """
        a.id AS of_api_id, a.name AS of_api_name, a.type AS of_api_type, a.definition AS of_definition, \
        a.req_uri AS of_uri, a.auth_type AS of_auth_type, g.id AS of_group_id, g.name AS of_group_name
        """

    fileprivate init(row: SQLRow) throws {
        let notes = try JSONDecoder().decode(Notes.self, from: Data(try row.text("of_definition").utf8))
        self.init(
            id: try row.text("of_api_id"), name: try row.text("of_api_name"), type: try row.int("of_api_type"),
            remark: notes.remark, uri: try row.text("of_uri"), authType: try row.text("of_auth_type"),
            groupID: try row.text("of_group_id"), groupName: try row.text("of_group_name"))
    }

    /// The part of a definition that lists show.
    private struct Notes: Decodable { let remark: String }
}
