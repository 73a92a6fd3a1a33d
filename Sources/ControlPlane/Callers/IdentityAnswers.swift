import GatewayModel
import GatewayPrimitives

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
        let caller = try await self.token(token).caller
        return CallerOfAPI(caller: caller, projectID: caller.project?.id, secret: nil)
    }

    /// - Returns: nil when there is no such key.
    public func callerOfAPI(accessKey: String) async throws -> CallerOfAPI? {
        guard let found = try await self.accessKey(accessKey) else { return nil }
        // An access key is for all projects of its account; limits count the first.
        let project = try await projects(of: found.caller.domain).first
        return CallerOfAPI(caller: found.caller, projectID: project?.id, secret: found.secret)
    }
}
