import GatewayPrimitives
import Snapshot

/// What a rehearsed request is told instead of finding it out.
public struct RehearsalAssumptions: Sendable {
    public enum Caller: Sendable {
        /// An application of the instance, by its id.
        case app(String)
        case iam(IAMIdentity)
    }

    /// How a service that would be asked answers.
    public enum ServiceAnswer: Sendable, Equatable {
        case allows
        case refuses
        case unreachable
    }

    /// Who calls; nil: what the request carries says so.
    public var caller: Caller?
    /// Authentication services of third_auth plug-ins.
    public var thirdAuth = ServiceAnswer.allows
    /// Custom authorizers, front and back.
    public var authorizer = ServiceAnswer.allows
    public var authorizerContext = AuthorizerContext.empty

    public init() {}
}

/// A request that is decided like any other and has no consequences: nothing is counted, nobody outside is asked, no backend is called.
///
/// It goes through the request path itself; stages that would leave a trace elsewhere look whether there is a rehearsal, and every stage
/// tells it what it has decided. Confined to the event loop of its connection.
public final class Rehearsal {
    public struct Step: Sendable, Equatable {
        public enum Verdict: String, Sendable {
            case passed
            case refused
            /// The stage would ask a service; what it answers was given with the request.
            case assumed
            /// The request was answered here.
            case answered
        }

        public let stage: PipelineStage
        public let verdict: Verdict
        /// nil where no object of its own decides.
        public let object: PolicyObject?
        public let detail: String
    }

    /// Where the request would go.
    public struct Destination: Sendable, Equatable {
        public enum Kind: String, Sendable { case http = "HTTP", mock = "MOCK", function = "FUNCTION", grpc = "GRPC" }

        public var kind: Kind
        /// URLs without path, of which one would be called: a channel's members that are up, or the one address. Empty for a MOCK.
        public var addresses: [String] = []
        public var channelID: String?
        /// The request as it would be sent: head, and a body where the gateway makes one. Secrets are masked. Empty for a MOCK.
        public var request = ""

        public init(kind: Kind) { self.kind = kind }
    }

    public struct Report: Sendable {
        /// Revision of the configuration that decided.
        public var revision: UInt64 = 0
        public var steps: [Step] = []
        /// APIs of the application that was named and of the group, the one that was chosen first.
        public var candidates: [RouteCandidate] = []
        /// How many of them there are; candidates may be fewer.
        public var candidateCount = 0
        public var route: RouteIdentity?
        public var destination: Destination?
        public var requestID = ""
    }

    public let assumptions: RehearsalAssumptions
    public internal(set) var report = Report()
    private var objects: [PipelineStage: PolicyObject] = [:]

    public init(_ assumptions: RehearsalAssumptions) { self.assumptions = assumptions }

    public func pass(_ stage: PipelineStage, _ detail: @autoclosure () -> String = "") {
        note(stage, .passed, detail())
    }

    public func assume(_ stage: PipelineStage, _ detail: String) { note(stage, .assumed, detail) }

    public func answer(_ stage: PipelineStage, _ detail: String) { note(stage, .answered, detail) }

    /// The request ends here.
    public func refuse(_ failure: GatewayFailure) {
        let answer = failure.answer
        note(failure.stage, .refused, "\(answer.status) APIC.\(answer.code): \(answer.message)")
    }

    private func note(_ stage: PipelineStage, _ verdict: Step.Verdict, _ detail: String) {
        report.steps.append(Step(stage: stage, verdict: verdict, object: objects[stage], detail: detail))
    }

    public func begin(_ requestID: RequestID) { report.requestID = requestID.text }

    /// The request has a route, whose objects decide from now on.
    func begin(_ route: Route) {
        report.route = route.identity
        objects = route.policies.objects
    }

    public func send(to destination: Destination, _ detail: String) {
        report.destination = destination
        note(.backend, .passed, detail)
    }
}

extension GatewayFailure {
    /// Which stage refuses with it.
    public var stage: PipelineStage {
        switch self {
        case .malformedRequest, .targetTooLong, .headersTooLarge, .requestTimeout, .publicKeyNotFound: .request
        case .bodyTooLarge: .body
        case .apiNotFound, .methodNotFound, .routeRefused, .selfCall: .route
        case .schemeNotSupported, .misdirected: .scheme
        case .tlsVersionNotSupported, .clientCertificateNotVerified: .domain
        case .addressUnknown, .addressDenied: .accessList
        case .callerRefused: .caller
        case .throttled: .rateLimit
        case .thirdAuthRefused, .thirdAuthIdentityMissing, .thirdAuthBlocked, .thirdAuthNoMember, .thirdAuthUnreachable,
            .thirdAuthAnswerInvalid: .thirdAuth
        case .authorizerIdentityInvalid, .authorizerDenied, .authorizerFailed: .authorizer
        case .breakerOpen: .breaker
        case .parameterRejected, .orchestrationParameterMissing, .orchestrationFailed: .parameters
        case .signingFailed: .signature
        case .nameNotResolved, .backendUnavailable, .noMember, .backendTimeout, .functionAnswerInvalid, .internalError: .backend
        }
    }
}
