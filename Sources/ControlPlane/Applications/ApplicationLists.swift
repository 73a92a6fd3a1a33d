import GatewayModel
import Store

/// Filters of lists of applications; all that are given must hold.
public struct ApplicationFilter: Sendable {
    public var id: String?
    public var name: String?
    public var namePrecisely = false
    public var key: String?
    /// true: the caller's favourites, false: all others.
    public var favorite: Bool?
    /// true: the caller's own, false: those shared with the caller.
    public var owned: Bool?
    /// Those in which the caller has the role.
    public var role: ApplicationRole?
    /// Those of which the user is owner or member.
    public var userName: String?
    /// Those that the caller sees; otherwise all.
    public var visibleOnly = false
    /// Those that the caller has marked come before all others.
    public var favoritesFirst = true
    public var matchesNothing = false

    public init() {}

    /// For table `applications t`.
    fileprivate func condition(of call: Call) -> Condition {
        var condition = Condition()
        condition.and("t.instance_id = ?", .text(call.instanceID))
        condition.equal("t.id", id)
        condition.matches("t.name", name, exactly: namePrecisely)
        condition.equal("t.app_key", key)
        if matchesNothing { condition.isIn("t.id", []) }
        if let favorite {
            condition.and(
                "\(favorite ? "" : "NOT ")EXISTS (SELECT 1 FROM application_favorites f WHERE f.app_id = t.id AND f.user_id = ?)",
                .text(call.userID))
        }
        switch owned {
        case true?: condition.and("t.owner_id = ?", .text(call.userID))
        case false?:
            condition.and(
                "t.owner_id <> ? AND EXISTS (SELECT 1 FROM application_members m WHERE m.app_id = t.id AND m.user_id = ?)",
                .text(call.userID), .text(call.userID))
        case nil: break
        }
        if let role {
            // Roles are stored closed: whoever has admin has a row for each.
            condition.and(
                """
                (t.owner_id = ? OR EXISTS (SELECT 1 FROM application_members m WHERE m.app_id = t.id AND m.user_id = ?
                  AND m.role = ?))
                """, .text(call.userID), .text(call.userID), .text(role.rawValue))
        }
        if let userName, !userName.isEmpty {
            condition.and(
                "(t.owner_name = ? OR EXISTS (SELECT 1 FROM application_members m WHERE m.app_id = t.id AND m.user_name = ?))",
                .text(userName), .text(userName))
        }
        return condition
    }
}

extension ControlPlane {
    /// The caller's favourites first when the filter asks for it, then newest first.
    public func applications(
        _ call: Call, _ filter: ApplicationFilter, page: Page
    ) async throws -> Listing<ApplicationView> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = filter.condition(of: call)
            if filter.visibleOnly { try r.restrictToVisible(&condition, of: call) }
            let total = try r.sql.count("SELECT COUNT(*) AS n FROM applications t\(condition.sql)", condition.arguments)
            guard page.offset < total else { return Listing(total: total, items: []) }
            let order = (filter.favoritesFirst ? "CASE WHEN f.app_id IS NULL THEN 1 ELSE 0 END, " : "") + "t.created_at DESC, t.id"
            let rows = try r.sql.query(
                """
                SELECT \(ApplicationRow.columnList("t")) FROM applications t
                  LEFT JOIN application_favorites f ON f.app_id = t.id AND f.user_id = ?\(condition.sql)
                ORDER BY \(order) LIMIT ? OFFSET ?
                """,
                [.text(call.userID)] + condition.arguments + [SQLValue(page.limit), SQLValue(page.offset)])
            return Listing(
                total: total,
                items: try rows.map { try r.view(ApplicationRow(row: $0).model(box: r.box), of: call) })
        }
    }

    /// The one application with this name, id and key, as far as they are given.
    ///
    /// - Throws: ``OperationError``: none of the three given; no such application.
    public func findApplication(
        _ call: Call, name: String?, id: String?, key: String?
    ) async throws -> Application {
        try await read { r in
            try r.checkInstance(of: call)
            guard let given = id ?? name ?? key else { throw OperationError.missing(field: "name") }
            var filter = ApplicationFilter()
            filter.id = id
            filter.name = name
            filter.namePrecisely = true
            filter.key = key
            let condition = filter.condition(of: call)
            let row = try r.sql.first(
                "SELECT \(ApplicationRow.columnList("t")) FROM applications t\(condition.sql)", condition.arguments)
            guard let row else { throw OperationError.notFound(.integrationApplication, id: given) }
            return try ApplicationRow(row: row).model(box: r.box)
        }
    }
}
