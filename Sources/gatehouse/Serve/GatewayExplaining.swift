import ControlPlane
import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import ProxyServer
import Snapshot

/// Carries questions about requests from the management side to the gateway, and its account of them back.
enum GatewayExplaining {
    /// Longer than the identity service may take.
    private static let timeoutMilliseconds: Int64 = 30_000
    /// Bytes of an answer's body that are shown.
    private static let answerLimit = 1024 * 1024

    static func explainer(_ gateway: ProxyServer, _ directory: IdentityDirectory) -> Explainer {
        { question in
            var assumptions = RehearsalAssumptions()
            switch question.caller {
            case .carried: break
            case .application(let id): assumptions.caller = .app(id)
            case .user(let name):
                guard let found = try await directory.callerOfAPI(userName: name, projectID: question.projectID) else {
                    throw OperationError.invalid(field: "caller.user_name")
                }
                assumptions.caller = .iam(GatewayIdentities.identity(found))
            }
            assumptions.thirdAuth = answer(question.thirdAuth)
            assumptions.authorizer = answer(question.authorizer)
            assumptions.authorizerContext = AuthorizerContext(
                Dictionary(uniqueKeysWithValues: question.authorizerContext.map { (Array($0.key.utf8), Array($0.value.utf8)) }))
            let request = DirectRequest(
                bytes: question.bytes, usesTLS: question.usesTLS, peer: IPAddress(question.source) ?? IPAddress(v4: 0x7F00_0001),
                apiID: nil, snapshot: nil, answerLimit: answerLimit, timeoutMilliseconds: timeoutMilliseconds)
            guard
                let (answer, report) = try? await gateway.rehearse(
                    request, assuming: assumptions, instanceID: question.instanceID)
            else { return nil }
            return explanation(answer, report)
        }
    }

    private static func answer(_ answer: ExplainQuestion.ServiceAnswer) -> RehearsalAssumptions.ServiceAnswer {
        switch answer {
        case .allow: .allows
        case .deny: .refuses
        case .unreachable: .unreachable
        }
    }

    private static func explanation(_ answer: DirectAnswer, _ report: Rehearsal.Report) -> ExplainAnswer {
        var explanation = ExplainAnswer()
        explanation.revision = Int64(clamping: report.revision)
        explanation.requestID = report.requestID
        explanation.api = report.route.map(api)
        explanation.candidateCount = report.candidateCount
        explanation.candidates = report.candidates.map { candidate in
            let (reason, detail) = words(candidate.reason)
            return ExplainAnswer.Candidate(
                api: api(candidate.identity), method: "\(candidate.method)".uppercased(), path: candidate.path,
                matchMode: candidate.matchMode == .normal ? "NORMAL" : "SWA", reason: reason, detail: detail)
        }
        explanation.steps = report.steps.map { step in
            ExplainAnswer.Step(
                stage: step.stage.rawValue, verdict: step.verdict.rawValue,
                object: step.object.map { ($0.kind.rawValue, $0.id, $0.name) }, detail: step.detail)
        }
        explanation.backend = report.destination.map { destination in
            ExplainAnswer.Backend(
                type: destination.kind.rawValue, addresses: destination.addresses, channelID: destination.channelID,
                request: destination.request)
        }
        explanation.head = answer.head
        explanation.body = answer.body
        return explanation
    }

    private static func api(_ identity: RouteIdentity) -> ExplainAnswer.API {
        ExplainAnswer.API(
            id: identity.apiID, name: identity.apiName, groupID: identity.groupID, groupName: identity.groupName,
            environmentID: identity.environmentID, environmentName: identity.environmentName, publishID: identity.publishID)
    }

    private static func words(_ reason: RouteCandidate.Reason) -> (reason: String, detail: String) {
        switch reason {
        case .chosen: ("chosen", "method and path match, and no other API is more specific")
        case .lessSpecific: ("less_specific", "method and path match, but the chosen API is more specific")
        case .afterApplication: ("after_application", "method and path match, but the APIs of the application come first")
        case .otherMethod: ("other_method", "the path matches, the method does not")
        case .otherPath(let segment): ("other_path", "segment \(segment) of the path does not match")
        case .otherEnvironment: ("other_environment", "published in another environment than the one that was asked for")
        }
    }
}
