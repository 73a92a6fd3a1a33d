import ControlPlane
import Foundation
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Hummingbird
import NIOCore
import RequestSigning
import WireContract

/// Who a request speaks for (management-api.md, 2.1) and whether it may.
struct Authentication: Sendable {
    let directory: IdentityDirectory

    struct Admitted: Sendable {
        let caller: Caller
        /// Whether the request is signed; a token otherwise.
        let isSigned: Bool
        /// The project that a signed request says it is for.
        let namedProject: String?
        /// The body, when it had to be read for the signature.
        let body: ByteBuffer?
    }

    /// The caller, by signature when the header `Authorization` has that scheme, else by token.
    ///
    /// - Throws: `ManagementFailure`.
    func admit(_ request: Request, _ room: BodyRoom) async throws -> Admitted {
        if let authorization = request.headers[.authorization] {
            if CallerSignature.isClaimed(by: authorization) {
                return try await SignedCall.verify(authorization, request, room, directory)
            }
            // The vendor's other signatures are known and not accepted.
            if authorization.hasPrefix("SDK-") || authorization.hasPrefix("V11-") { throw ManagementFailure.badCredentials }
        }
        guard let token = request.headers[.authToken], !token.isEmpty else { throw ManagementFailure.noCredentials }
        do {
            let issued = try await directory.token(Secret(token))
            return Admitted(caller: issued.caller, isSigned: false, namedProject: nil, body: nil)
        } catch IdentityError.expiredToken {
            throw ManagementFailure.tokenExpired
        } catch is IdentityError {
            throw ManagementFailure.badCredentials
        }
    }

    /// Project first, then role (management-api.md, 1.3 and 2.4).
    func permit(_ admitted: Admitted, _ operation: ContractOperation, project: String) async throws {
        if admitted.isSigned {
            // A signature proves a user, who may name any project of the domain, the path's and no other.
            guard admitted.namedProject ?? project == project,
                try await directory.projects(of: admitted.caller.domain).contains(where: { $0.id == project })
            else { throw ManagementFailure.otherProject }
        } else {
            guard let own = admitted.caller.project else { throw ManagementFailure.noProject }
            guard own.id == project else { throw ManagementFailure.otherProject }
        }
        guard admitted.caller.role.may(OperationActions.action(of: operation)) else { throw ManagementFailure.notPermitted }
    }
}
