/// A request that nobody sent, for the gateway to say what it would do with it.
public struct ExplainQuestion: Sendable {
    public enum Caller: Sendable {
        /// What the request carries says so.
        case carried
        case application(id: String)
        case user(name: String)
    }

    /// How a service that would be asked answers.
    public enum ServiceAnswer: String, Sendable { case allow, deny, unreachable }

    /// Head and body as they would come over a connection.
    public let bytes: [UInt8]
    public let usesTLS: Bool
    /// Address of the client; empty: this machine's.
    public let source: String
    public let instanceID: String
    public let projectID: String
    public let caller: Caller
    public let thirdAuth: ServiceAnswer
    public let authorizer: ServiceAnswer
    public let authorizerContext: [String: String]

    public init(
        bytes: [UInt8], usesTLS: Bool, source: String, instanceID: String, projectID: String, caller: Caller,
        thirdAuth: ServiceAnswer, authorizer: ServiceAnswer, authorizerContext: [String: String]
    ) {
        self.bytes = bytes
        self.usesTLS = usesTLS
        self.source = source
        self.instanceID = instanceID
        self.projectID = projectID
        self.caller = caller
        self.thirdAuth = thirdAuth
        self.authorizer = authorizer
        self.authorizerContext = authorizerContext
    }
}

/// What the gateway would do, in the words of its management API.
public struct ExplainAnswer: Sendable {
    public struct API: Sendable {
        public let id, name, groupID, groupName, environmentID, environmentName, publishID: String

        public init(
            id: String, name: String, groupID: String, groupName: String, environmentID: String, environmentName: String,
            publishID: String
        ) {
            self.id = id
            self.name = name
            self.groupID = groupID
            self.groupName = groupName
            self.environmentID = environmentID
            self.environmentName = environmentName
            self.publishID = publishID
        }
    }

    public struct Candidate: Sendable {
        public let api: API
        /// `req_method`, `req_uri`, `match_mode`.
        public let method, path, matchMode: String
        public let reason, detail: String

        public init(api: API, method: String, path: String, matchMode: String, reason: String, detail: String) {
            self.api = api
            self.method = method
            self.path = path
            self.matchMode = matchMode
            self.reason = reason
            self.detail = detail
        }
    }

    public struct Step: Sendable {
        public let stage, verdict: String
        public let object: (kind: String, id: String, name: String)?
        public let detail: String

        public init(stage: String, verdict: String, object: (kind: String, id: String, name: String)?, detail: String) {
            self.stage = stage
            self.verdict = verdict
            self.object = object
            self.detail = detail
        }
    }

    public struct Backend: Sendable {
        public let type: String
        public let addresses: [String]
        public let channelID: String?
        /// With secrets masked.
        public let request: String

        public init(type: String, addresses: [String], channelID: String?, request: String) {
            self.type = type
            self.addresses = addresses
            self.channelID = channelID
            self.request = request
        }
    }

    public var revision: Int64 = 0
    public var requestID = ""
    public var api: API?
    public var candidates: [Candidate] = []
    public var candidateCount = 0
    public var steps: [Step] = []
    public var backend: Backend?
    /// What the client would get; of a request that goes to a backend only when the gateway answers it itself.
    public var head: [UInt8] = []
    public var body: [UInt8] = []

    public init() {}
}

/// Asks the gateway of this process.
///
/// - Returns: nil when no answer came in time.
/// - Throws: ``OperationError/invalid(field:)`` for a caller that does not exist.
public typealias Explainer = @Sendable (ExplainQuestion) async throws -> ExplainAnswer?

extension ControlPlane {
    /// - Throws: ``OperationError/notFound(_:id:)``.
    public func checkCallingApplication(_ call: Call, id: String) async throws {
        try await read { _ = try $0.application(id, of: call) }
    }
}
