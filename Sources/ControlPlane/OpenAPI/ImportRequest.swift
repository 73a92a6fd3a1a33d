import GatewayModel
import OpenAPIDocuments

/// What an import shall do (management-api.md, 3.22).
public struct ImportRequest: Sendable {
    public enum Target: Sendable {
        /// A group that the import makes.
        case newGroup(APIGroupDraft)
        case group(id: String)
    }

    public var target: Target
    /// Application of all APIs, whatever the document says; empty: as the document says.
    public var romaAppID: String
    /// An API that claims the same requests is replaced; otherwise it stays and the operation fails.
    public var overridesAPIs: Bool
    /// A policy of the same name is changed to what the document says; otherwise it stays as it is.
    public var overridesPolicies: Bool
    /// In the order of the document.
    public var operations: [ImportOperation]
    public var ignored: [IgnoredOperation]
    public var accessControls: [String: AccessControlDescription]
    public var rateLimits: [String: RateLimitDescription]
    public var responses: [String: ResponseDescription]

    public init(
        target: Target, romaAppID: String, overridesAPIs: Bool, overridesPolicies: Bool, operations: [ImportOperation],
        document: ReadDocument
    ) {
        self.target = target
        self.romaAppID = romaAppID
        self.overridesAPIs = overridesAPIs
        self.overridesPolicies = overridesPolicies
        self.operations = operations
        ignored = document.ignored
        accessControls = document.accessControls
        rateLimits = document.rateLimits
        responses = document.responses
    }
}

/// One operation of the document, read and checked against the contract's limits, or why it cannot be.
public struct ImportOperation: Sendable {
    public let method: String
    public let path: String
    public let outcome: Result<DocumentAPI, OperationError>

    public init(method: String, path: String, outcome: Result<DocumentAPI, OperationError>) {
        self.method = method
        self.path = path
        self.outcome = outcome
    }
}

/// What an import did.
public struct ImportOutcome: Sendable {
    public enum Action: String, Sendable { case create, update }

    public struct Success: Sendable {
        public let method: String
        public let path: String
        public let action: Action
        public let apiID: String
    }

    public struct Failure: Sendable {
        public let method: String
        public let path: String
        public let reason: OperationError
    }

    public let groupID: String
    public var successes: [Success] = []
    public var failures: [Failure] = []
    public let ignored: [IgnoredOperation]
}
