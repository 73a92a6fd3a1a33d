import Snapshot

/// Why a caller is not let in (gateway-runtime.md, 2 and 11).
public enum CallerFailure: Error, Equatable, Sendable {
    // Applications.
    /// The request carries nothing by which an application could be known.
    case appMissing
    /// What follows the fixed text.
    case app(String)
    case appNotAuthorized
    case appAddressDenied
    case appQuotaUsedUp
    case token(TokenFailure)

    // IAM.
    case iamMissing
    case iam(String)
    case tokenMustBeUpdated
    case identityUnavailable
    case accountDenied

    public var answer: (status: Int, code: String, message: String) {
        switch self {
        case .appMissing: (401, "0303", "Incorrect app authentication information.")
        case .app(let detail): (401, "0303", "Incorrect app authentication information: " + detail)
        case .appNotAuthorized: (403, "0304", "The app is not authorized to access the API.")
        case .appAddressDenied: (403, "0405", "The app is not accessed from a trusted IP address.")
        case .appQuotaUsedUp: (405, "0501", "The app quota has been used up.")
        case .token(let failure): failure.answer
        case .iamMissing: (401, "0301", "Incorrect IAM authentication information.")
        case .iam(let detail): (401, "0301", "Incorrect IAM authentication information: " + detail)
        case .tokenMustBeUpdated: (401, "0307", "The token must be updated.")
        case .identityUnavailable: (503, "0613", "The IAM service is currently unavailable.")
        case .accountDenied: (403, "0302", "The IAM user is not authorized to access the API.")
        }
    }

    /// The type under which groups answer it (gateway-runtime.md, 9.1).
    public var kind: FailureKind {
        switch self {
        case .appMissing, .iamMissing: .authHeaderMissing
        case .app, .iam, .token, .tokenMustBeUpdated: .authFailure
        case .appNotAuthorized: .unauthorized
        case .appAddressDenied, .accountDenied: .accessDenied
        case .appQuotaUsedUp: .default4xx
        case .identityUnavailable: .default5xx
        }
    }
}
