import GatewayModel
import Store

/// Who may work with an application.
public struct ApplicationMembership: Sendable {
    public let application: Application
    /// The owner first, with every role; then by name.
    public let members: [ApplicationMember]
}

extension ControlPlane {
    /// Members that one application may have.
    public static let memberLimit = 1000
    /// Candidates that one answer shows.
    public static let candidateLimit = 1000

    /// - Parameter userName: only this user.
    public func applicationMembers(_ call: Call, id: String, userName: String?) async throws -> ApplicationMembership {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(id, of: call)
            try r.checkAccess(application, .read, of: call)
            let membership = try r.membership(of: application)
            guard let userName, !userName.isEmpty else { return membership }
            return ApplicationMembership(
                application: application, members: membership.members.filter { $0.user.name == userName })
        }
    }

    /// Replaces all members but the owner.
    ///
    /// - Throws: ``OperationError``: application or a user unknown, the caller has not role admin, a user named twice, too
    ///   many.
    public func setApplicationMembers(
        _ call: Call, id: String, _ roles: [(userID: String, roles: [ApplicationRole])]
    ) async throws -> Written<ApplicationMembership> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let application = try w.application(id, of: call)
            try w.checkAccess(application, .admin, of: call)
            guard roles.count <= Self.memberLimit, Set(roles.map(\.userID)).count == roles.count else {
                throw OperationError.invalid(field: "users")
            }
            let old = try w.members(of: application)
            var new: [ApplicationMember] = []
            for entry in roles where entry.userID != application.owner.id {
                try Writing.checkForm(ofID: entry.userID, field: "id")
                guard let user = try w.candidate(entry.userID, of: call) else {
                    throw OperationError.notFound(.user, id: entry.userID)
                }
                new.append(ApplicationMember(applicationID: id, user: user, roles: entry.roles))
            }
            try w.sql.execute("DELETE FROM application_members WHERE app_id = ?", [.text(id)])
            for member in new {
                for role in member.roles {
                    try w.sql.insert(ApplicationMemberRow(applicationID: id, user: member.user, role: role))
                }
            }
            try w.record(.integrationApplication, id: id, before: old, after: new)
            return try w.membership(of: application)
        }
    }

    /// Users of the domain, by name.
    ///
    /// - Parameter withoutMembers: leaves out who is owner or member already.
    public func applicationCandidates(
        _ call: Call, id: String, withoutMembers: Bool
    ) async throws -> [UserReference] {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(id, of: call)
            try r.checkAccess(application, .read, of: call)
            var condition = Condition()
            condition.and("u.domain_id IN (SELECT p.domain_id FROM projects p WHERE p.id = ?)", .text(call.projectID))
            if withoutMembers {
                condition.and("u.id <> ?", .text(application.owner.id))
                condition.and(
                    "NOT EXISTS (SELECT 1 FROM application_members m WHERE m.app_id = ? AND m.user_id = u.id)", .text(id))
            }
            return try r.sql.query(
                "SELECT u.id, u.name FROM users u\(condition.sql) ORDER BY u.name, u.id LIMIT ?",
                condition.arguments + [SQLValue(Self.candidateLimit)]
            ).map { UserReference(id: try $0.text("id"), name: try $0.text("name")) }
        }
    }
}

extension Reading {
    fileprivate func membership(of application: Application) throws -> ApplicationMembership {
        let owner = ApplicationMember(applicationID: application.id, user: application.owner, roles: [.admin])
        return ApplicationMembership(application: application, members: [owner] + (try members(of: application)))
    }

    /// A user of the domain that the call's project belongs to.
    fileprivate func candidate(_ userID: String, of call: Call) throws -> UserReference? {
        try sql.first(
            """
            SELECT u.id, u.name FROM users u JOIN projects p ON p.domain_id = u.domain_id WHERE u.id = ? AND p.id = ?
            """, [.text(userID), .text(call.projectID)]
        ).map { UserReference(id: try $0.text("id"), name: try $0.text("name")) }
    }
}
