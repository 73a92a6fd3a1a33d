import GatewayModel
import Store

/// An application as one caller sees it.
public struct ApplicationView: Sendable {
    public let application: Application
    /// The caller's roles, closed.
    public let roles: [ApplicationRole]
    public let isOwner: Bool
    /// The caller's own mark.
    public let isFavorite: Bool
    /// APIs that it is authorised for, counted once for each environment.
    public let authorizedAPIs: Int

    /// Whether the caller may see the secret.
    public var showsSecret: Bool { roles.contains(.admin) }
}

extension Reading {
    func application(_ id: String, of call: Call) throws -> Application {
        guard let row = try find(ApplicationRow.self, id: id, of: call) else {
            throw OperationError.notFound(.integrationApplication, id: id)
        }
        return try row.model(box: box)
    }

    /// An application that another object shall belong to; the empty id is none.
    ///
    /// - Throws: ``OperationError/notFound(_:id:)``.
    func checkIntegrationApplication(_ id: String, of call: Call) throws {
        guard !id.isEmpty else { return }
        let found = try sql.first(
            "SELECT 1 AS n FROM applications WHERE id = ? AND instance_id = ?", [.text(id), .text(call.instanceID)])
        guard found != nil else { throw OperationError.notFound(.integrationApplication, id: id) }
    }

    /// Names by id, of those that exist.
    func applicationNames(_ ids: some Sequence<String>) throws -> [String: String] {
        let wanted = Set(ids).subtracting([""])
        guard !wanted.isEmpty else { return [:] }
        var names: [String: String] = [:]
        let sorted = wanted.sorted()
        for start in stride(from: 0, to: sorted.count, by: 500) {
            var condition = Condition()
            condition.isIn("id", Array(sorted[start..<min(start + 500, sorted.count)]))
            for row in try sql.query("SELECT id, name FROM applications\(condition.sql)", condition.arguments) {
                names[try row.text("id")] = try row.text("name")
            }
        }
        return names
    }

    /// Role of the caller in the project; nil for somebody who is gone.
    private func role(of call: Call) throws -> Role? { try sql.find(UserRecord.self, key: call.userID)?.user.role }

    /// What the caller may do with an application: administrators and the owner everything, readers see it, others what they
    /// have been granted (management-api.md, 2.4).
    func roles(_ application: Application, of call: Call) throws -> [ApplicationRole] {
        let role = try role(of: call)
        switch role {
        case .administrator: return ApplicationRole.allCases
        case .reader: return [.read]
        case Role.none?: return []
        case .operator, nil: break
        }
        if application.owner.id == call.userID { return ApplicationRole.allCases }
        var own = Condition()
        own.equal("app_id", application.id)
        own.equal("user_id", call.userID)
        let granted = try sql.all(ApplicationMemberRow.self, where: own)
        return granted.isEmpty ? [] : ApplicationRole.closed(granted.map(\.role))
    }

    /// - Throws: ``StateConflict/applicationNotGranted(id:)``.
    func checkAccess(_ application: Application, _ role: ApplicationRole, of call: Call) throws {
        guard try roles(application, of: call).contains(role) else {
            throw OperationError.conflict(.applicationNotGranted(id: application.id))
        }
    }

    /// Which applications the caller sees in lists, for table `applications t`.
    func restrictToVisible(_ condition: inout Condition, of call: Call) throws {
        switch try role(of: call) {
        case .administrator, .reader: break
        case .operator, Role.none?, nil:
            condition.and(
                """
                (t.owner_id = ? OR EXISTS (SELECT 1 FROM application_members m WHERE m.app_id = t.id AND m.user_id = ?))
                """, .text(call.userID), .text(call.userID))
        }
    }

    func isFavorite(_ id: String, of call: Call) throws -> Bool {
        try sql.first(
            "SELECT 1 AS n FROM application_favorites WHERE app_id = ? AND user_id = ?", [.text(id), .text(call.userID)]) != nil
    }

    func view(_ application: Application, of call: Call) throws -> ApplicationView {
        ApplicationView(
            application: application, roles: try roles(application, of: call), isOwner: application.owner.id == call.userID,
            isFavorite: try isFavorite(application.id, of: call),
            authorizedAPIs: try sql.count(
                "SELECT COUNT(*) AS n FROM app_auths WHERE app_id = ?", [.text(application.id)]))
    }

    /// By name of the user; the owner is not among them.
    func members(of application: Application) throws -> [ApplicationMember] {
        var own = Condition()
        own.equal("app_id", application.id)
        let rows = try sql.all(ApplicationMemberRow.self, where: own, order: "user_name, user_id")
        var members: [ApplicationMember] = []
        for row in rows {
            if let last = members.last, last.user.id == row.user.id {
                members[members.count - 1] = ApplicationMember(
                    applicationID: application.id, user: last.user, roles: last.roles + [row.role])
            } else {
                members.append(ApplicationMember(applicationID: application.id, user: row.user, roles: [row.role]))
            }
        }
        return members
    }
}
