/// Why a token is not given, or not taken (feature `app_token`; gateway-runtime.md, 2.5 and 11).
public enum TokenFailure: Error, Equatable, Sendable, CaseIterable {
    // At the token endpoint.
    /// Not POST.
    case method
    case contentType
    /// The body is not what its content type says, or names a parameter twice.
    case parameters
    case noGrantType
    case grantType
    case noClientID
    case noClientSecret
    case noRefreshToken
    case throughData
    /// What cannot be a key or a secret.
    case malformedCredentials
    case wrongCredentials
    /// Too many of the two before from one address.
    case blocked
    case refreshInvalid
    case refreshExpired
    case otherApp

    // At an API.
    case accessInvalid
    case accessExpired

    // At both.
    case appGone
    /// The system's cipher does not work.
    case internalError

    public var answer: (status: Int, code: String, message: String) {
        switch self {
        case .refreshExpired: (401, "1001", "Refresh token is expired")
        case .accessExpired: (401, "1002", "Access token is expired")
        case .otherApp: (401, "1003", "App not match refresh token")
        case .appGone: (401, "1004", "App not exist")
        case .wrongCredentials: (400, "1009", "AppKey or AppSecret is invalid")
        case .blocked:
            (429, "0308", "The throttling threshold has been reached: policy ip over ratelimit,limit:\(TokenEndpoint.failureLimit),time:5 minute")
        case .malformedCredentials: (400, "2201", "Appkey or SecretKey is invalid")
        case .refreshInvalid: (400, "2202", "Refresh token is invalid")
        case .accessInvalid: (400, "2203", "Access token is invalid")
        case .contentType: (400, "2204", "ContentType invalid")
        case .parameters: (400, "2205", "Auth parameter invalid")
        case .method: (400, "2206", "Auth method invalid")
        case .throughData: (400, "2208", "The length of through_data is out of range")
        case .grantType: (400, "2209", "The value of grant_type is not in enum List")
        case .noGrantType: (400, "2210", "Lack of grant_type")
        case .noClientID: (400, "2211", "Lack of client_id")
        case .noClientSecret: (400, "2212", "Lack of client_secret")
        case .noRefreshToken: (400, "2213", "Lack of refresh_token")
        case .internalError: (500, "0601", "Internal server error.")
        }
    }
}
