/// How a group answers when the gateway itself refuses or fails (management-api.md, 3.10; gateway-runtime.md, 9).
public struct GroupResponse: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public let groupID: String
    public var name: String
    public let isDefault: Bool
    /// Types that differ from the gateway's own answers.
    public var entries: [GroupResponseType: GroupResponseEntry]
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public static let defaultName = "default"

    public init(
        id: String, instanceID: String, groupID: String, name: String, isDefault: Bool,
        entries: [GroupResponseType: GroupResponseEntry], createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.groupID = groupID
        self.name = name
        self.isDefault = isDefault
        self.entries = entries
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// The default response of a group that nobody has changed. It has the group's id, so that it needs no row.
    public init(defaultOf group: APIGroup) {
        self.init(
            id: group.id, instanceID: group.instanceID, groupID: group.id, name: Self.defaultName, isDefault: true, entries: [:],
            createdAt: group.createdAt, updatedAt: group.createdAt)
    }
}

/// The answer of one type. Texts may hold variables such as `$context.requestId`.
public struct GroupResponseEntry: Codable, Sendable, Equatable {
    /// nil: the status that the failure has anyway.
    public var status: Int?
    /// JSON text.
    public var body: String
    public var headers: [Header]

    public struct Header: Codable, Sendable, Equatable {
        public var key: String
        public var value: String

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public init(status: Int?, body: String, headers: [Header] = []) {
        self.status = status
        self.body = body
        self.headers = headers
    }

    public static let defaultBody =
        #"{"error_code":"$context.error.code","error_msg":"$context.error.message","request_id":"$context.requestId"}"#
}

/// Types of failures, by their wire names.
public enum GroupResponseType: String, Codable, CodingKeyRepresentable, Sendable, CaseIterable {
    case authFailure = "AUTH_FAILURE"
    case authHeaderMissing = "AUTH_HEADER_MISSING"
    case authorizerFailure = "AUTHORIZER_FAILURE"
    case authorizerConfFailure = "AUTHORIZER_CONF_FAILURE"
    case authorizerIdentitiesFailure = "AUTHORIZER_IDENTITIES_FAILURE"
    case backendUnavailable = "BACKEND_UNAVAILABLE"
    case backendTimeout = "BACKEND_TIMEOUT"
    case throttled = "THROTTLED"
    case unauthorized = "UNAUTHORIZED"
    case accessDenied = "ACCESS_DENIED"
    case notFound = "NOT_FOUND"
    case requestParametersFailure = "REQUEST_PARAMETERS_FAILURE"
    case default4xx = "DEFAULT_4XX"
    case default5xx = "DEFAULT_5XX"
    case thirdAuthFailure = "THIRD_AUTH_FAILURE"
    case thirdAuthIdentitiesFailure = "THIRD_AUTH_IDENTITIES_FAILURE"
    case thirdAuthConfFailure = "THIRD_AUTH_CONF_FAILURE"
    case orchestrationParameterNotFound = "ORCHESTRATION_PARAMETER_NOT_FOUND"
    case orchestrationFailure = "ORCHESTRATION_FAILURE"

    /// Status that answers show while nobody has changed the type; nil: the original one is kept.
    public var defaultStatus: Int? {
        switch self {
        case .authFailure, .authHeaderMissing, .authorizerIdentitiesFailure, .unauthorized, .thirdAuthFailure,
            .thirdAuthIdentitiesFailure: 401
        case .authorizerFailure, .authorizerConfFailure, .thirdAuthConfFailure, .orchestrationFailure: 500
        case .backendUnavailable: 502
        case .backendTimeout: 504
        case .throttled: 429
        case .accessDenied: 403
        case .notFound: 404
        case .requestParametersFailure, .orchestrationParameterNotFound: 400
        case .default4xx, .default5xx: nil
        }
    }
}
