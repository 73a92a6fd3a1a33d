import GatewayModel
import Snapshot

extension FailureShapes {
    /// - Returns: nil when the response changes nothing, so that using the defaults costs nothing.
    public static func compile(_ response: GroupResponse) -> FailureShapes? {
        guard !response.entries.isEmpty else { return nil }
        var shapes: [FailureKind: FailureShape] = [:]
        for (type, entry) in response.entries {
            shapes[FailureKind(type)] = FailureShape(
                status: entry.status,
                headers: entry.headers.map { .init(name: Array($0.key.utf8), value: FailureTemplate(parsing: $0.value)) },
                body: FailureTemplate(parsing: entry.body))
        }
        return FailureShapes(shapes)
    }
}

extension FailureKind {
    init(_ type: GroupResponseType) {
        self =
            switch type {
            case .authFailure: .authFailure
            case .authHeaderMissing: .authHeaderMissing
            case .authorizerFailure: .authorizerFailure
            case .authorizerConfFailure: .authorizerConfFailure
            case .authorizerIdentitiesFailure: .authorizerIdentitiesFailure
            case .backendUnavailable: .backendUnavailable
            case .backendTimeout: .backendTimeout
            case .throttled: .throttled
            case .unauthorized: .unauthorized
            case .accessDenied: .accessDenied
            case .notFound: .notFound
            case .requestParametersFailure: .requestParametersFailure
            case .default4xx: .default4xx
            case .default5xx: .default5xx
            case .thirdAuthFailure: .thirdAuthFailure
            case .thirdAuthIdentitiesFailure: .thirdAuthIdentitiesFailure
            case .thirdAuthConfFailure: .thirdAuthConfFailure
            case .orchestrationParameterNotFound: .orchestrationParameterNotFound
            case .orchestrationFailure: .orchestrationFailure
            }
    }
}
