import GatewayModel
import GatewayPrimitives
import Store

/// What the gateway asks the embedded identity service about callers of APIs with IAM authentication.
///
/// Read from the store for each call: tokens and keys may be revoked by another process, and count as revoked with the next request.
extension IdentityDirectory {
    public struct CallerOfAPI: Sendable {
        public let caller: Caller
        /// The project that the caller acts in.
        public let projectID: String?
        /// Of an access key.
        public let secret: Secret?
    }

    /// - Throws: ``IdentityError/unknownToken``, ``IdentityError/expiredToken``.
    public func callerOfAPI(token: Secret) async throws -> CallerOfAPI {
        let caller = try await self.token(token, for: .traffic).caller
        return CallerOfAPI(caller: caller, projectID: caller.project?.id, secret: nil)
    }

    /// A user by name, as if a token of theirs had come.
    ///
    /// - Returns: nil when the account of `projectID` has no such user.
    public func callerOfAPI(userName: String, projectID: String) async throws -> CallerOfAPI? {
        try await plane.read { reading in
            guard let project = try reading.sql.find(ProjectRecord.self, key: projectID)?.project else { return nil }
            var condition = Condition()
            condition.and("name = ?", .text(userName))
            condition.and("domain_id = ?", .text(project.domainID))
            guard let user = try reading.sql.all(UserRecord.self, where: condition).first?.user,
                let domain = try reading.sql.find(DomainRecord.self, key: user.domainID)?.domain
            else { return nil }
            return CallerOfAPI(caller: Caller(user: user, domain: domain, project: project), projectID: projectID, secret: nil)
        }
    }

    /// - Returns: nil when there is no such key.
    public func callerOfAPI(accessKey: String) async throws -> CallerOfAPI? {
        guard let found = try await self.accessKey(accessKey, for: .traffic) else { return nil }
        // An access key is for all projects of its account; limits count the first.
        let project = try await projects(of: found.caller.domain, for: .traffic).first
        return CallerOfAPI(caller: found.caller, projectID: project?.id, secret: found.secret)
    }
}
