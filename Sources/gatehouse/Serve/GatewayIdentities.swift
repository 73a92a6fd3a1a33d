import ControlPlane
import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import ProxyServer
import RequestSigning
import Snapshot

/// Answers what the gateway asks about callers of APIs with IAM authentication, from the embedded identity service.
enum GatewayIdentities {
    static func lookup(in directory: IdentityDirectory) -> IdentityLookup {
        { question, done in
            // Off the event loops: it reads the store.
            Task { done(await answer(question, directory)) }
        }
    }

    private static func answer(_ question: IdentityQuestion, _ directory: IdentityDirectory) async -> IdentityAnswer {
        do {
            switch question {
            case .token(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self) else { return .unknown }
                return .token(identity(try await directory.callerOfAPI(token: Secret(text))))
            case .accessKey(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self),
                    let found = try await directory.callerOfAPI(accessKey: text), let secret = found.secret
                else { return .unknown }
                return .accessKey(identity(found), SigningKey(secret))
            }
        } catch IdentityError.expiredToken {
            return .expired
        } catch is IdentityError {
            return .unknown
        } catch {
            return .unavailable
        }
    }

    static func identity(_ found: IdentityDirectory.CallerOfAPI) -> IAMIdentity {
        IAMIdentity(
            userID: found.caller.userID, userName: found.caller.userName, accountID: found.caller.domain.id,
            accountName: found.caller.domain.name, projectID: found.projectID)
    }
}
