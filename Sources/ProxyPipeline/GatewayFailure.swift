import GatewayPrimitives
import Snapshot

/// Every reason for which the gateway answers a request itself with an error (gateway-runtime.md, section 11).
public enum GatewayFailure: Error, Equatable, Sendable {
    // What the client sent.
    case malformedRequest
    case targetTooLong
    case headersTooLarge
    case bodyTooLarge
    /// The rest of the head or of the body did not come in time.
    case requestTimeout

    // What it asks for.
    case apiNotFound
    case methodNotFound
    case schemeNotSupported(AllowedSchemes)
    /// The API cannot be served as it is configured.
    case routeRefused(RouteRefusal)
    case publicKeyNotFound
    /// Below the least version of the domain.
    case tlsVersionNotSupported(AgreedTLSVersion)
    case clientCertificateNotVerified
    /// HTTP/2 for an instance that has switched it off.
    case misdirected

    // Policies.
    case addressUnknown
    case addressDenied
    case callerRefused(CallerFailure)
    case throttled
    case thirdAuthRefused
    case thirdAuthIdentityMissing
    case thirdAuthBlocked
    case thirdAuthNoMember
    case thirdAuthUnreachable
    case thirdAuthAnswerInvalid
    /// An identity that the custom authorizer asks for is missing, repeated or of another form.
    case authorizerIdentityInvalid
    case authorizerDenied
    /// The custom authorizer's function gave no answer, or not one that decides.
    case authorizerFailed
    case breakerOpen
    /// A declared parameter is missing or wrong, or does not fit where it is to go.
    case parameterRejected
    /// The request comes from the same API, or through too many.
    case selfCall
    /// Orchestration rules have no value to look at.
    case orchestrationParameterMissing
    /// No orchestration rule takes the value.
    case orchestrationFailed

    // The way to the backend.
    case signingFailed
    case nameNotResolved
    case backendUnavailable
    /// A channel without a member that may be asked.
    case noMember
    case backendTimeout
    /// What a function gave back is no answer for a client.
    case functionAnswerInvalid
    case internalError

    /// Status, four-digit code and message of the answer.
    public var answer: (status: Int, code: String, message: String) {
        switch self {
        case .malformedRequest: (400, "0602", "Bad request.")
        case .targetTooLong: (414, "0201", "Request URI too large.")
        case .headersTooLarge: (494, "0201", "Request headers too large.")
        case .bodyTooLarge: (413, "0201", "Request entity too large.")
        case .requestTimeout: (400, "0201", "Bad request.")
        case .apiNotFound: (404, "0101", "The API does not exist or has not been published in the environment.")
        case .methodNotFound: (404, "0101", "The API does not exist.")
        case .schemeNotSupported(let schemes):
            (400, "0607", "The following protocol is supported: \(Self.names(schemes))")
        case .routeRefused(let refusal): (refusal.status, refusal.code, refusal.message)
        case .publicKeyNotFound: (400, "2102", "PublicKey is null")
        case .tlsVersionNotSupported(let version): (400, "0204", "SSL protocol is not supported: \(version.name)")
        case .clientCertificateNotVerified: (400, "0205", "Verify client certificate failed")
        case .misdirected: (421, "0602", "Misdirected request.")
        case .addressUnknown: (403, "0401", "Unknown client IP address.")
        case .addressDenied: (403, "0402", "The IP address is not authorized to access the API.")
        case .callerRefused(let failure): failure.answer
        case .throttled: (429, "0308", "The throttling threshold has been reached.")
        case .thirdAuthRefused: (401, "0312", "Incorrect third-party authentication information,auth fail")
        case .thirdAuthIdentityMissing: (401, "0313", "Incorrect third-party authentication information,identities error")
        case .thirdAuthBlocked: (403, "0314", "Incorrect third-party authentication information,access deny")
        case .thirdAuthNoMember: (500, "0615", "Incorrect third-party authentication VPC information")
        case .thirdAuthUnreachable: (500, "0616", "Incorrect third-party authentication request information")
        case .thirdAuthAnswerInvalid: (500, "0617", "Incorrect third-party authentication response information")
        case .authorizerIdentityInvalid, .authorizerDenied: (401, "0305", "Incorrect authentication information.")
        case .authorizerFailed: (500, "0601", "Internal server error.")
        case .parameterRejected: (400, "0201", "Bad request.")
        case .selfCall: (500, "0612", "An API cannot call itself.")
        case .orchestrationParameterMissing, .orchestrationFailed: (400, "0106", "Orchestration error.")
        case .breakerOpen: (503, "0202", "Backend unavailable")
        case .signingFailed: (500, "0705", "Backend signature calculation failed.")
        case .nameNotResolved: (500, "0605", "Domain name resolution failed.")
        case .backendUnavailable: (502, "0202", "Backend unavailable")
        case .noMember: (502, "0610", "No backend available.")
        case .backendTimeout: (504, "0203", "Backend timeout")
        case .functionAnswerInvalid, .internalError: (500, "0601", "Internal server error.")
        }
    }

    /// The type under which groups answer it (gateway-runtime.md, 9.1).
    public var kind: FailureKind {
        switch self {
        case .malformedRequest, .parameterRejected, .requestTimeout: .requestParametersFailure
        case .orchestrationParameterMissing: .orchestrationParameterNotFound
        case .orchestrationFailed: .orchestrationFailure
        case .targetTooLong, .headersTooLarge, .bodyTooLarge, .schemeNotSupported, .publicKeyNotFound,
            .tlsVersionNotSupported, .clientCertificateNotVerified, .misdirected: .default4xx
        case .apiNotFound, .methodNotFound: .notFound
        case .routeRefused(let refusal): refusal.status < 500 ? .default4xx : .default5xx
        case .addressUnknown, .addressDenied, .thirdAuthBlocked: .accessDenied
        case .callerRefused(let failure): failure.kind
        case .throttled: .throttled
        case .thirdAuthRefused: .thirdAuthFailure
        case .thirdAuthIdentityMissing: .thirdAuthIdentitiesFailure
        case .thirdAuthNoMember, .thirdAuthUnreachable, .thirdAuthAnswerInvalid: .thirdAuthConfFailure
        case .authorizerIdentityInvalid: .authorizerIdentitiesFailure
        case .authorizerDenied: .authorizerFailure
        case .authorizerFailed: .authorizerConfFailure
        case .breakerOpen, .backendUnavailable, .noMember: .backendUnavailable
        case .backendTimeout: .backendTimeout
        case .selfCall, .signingFailed, .nameNotResolved, .functionAnswerInvalid, .internalError: .default5xx
        }
    }

    private static func names(_ schemes: AllowedSchemes) -> String {
        if schemes.contains(.grpcs) { return "GRPCS" }
        return switch (schemes.contains(.http), schemes.contains(.https)) {
        case (true, true): "HTTP,HTTPS"
        case (false, true): "HTTPS"
        default: "HTTP"
        }
    }

    public init(_ refusal: HeadRefusal) {
        self =
            switch refusal {
            case .malformed: .malformedRequest
            case .targetTooLong: .targetTooLong
            case .headersTooLarge: .headersTooLarge
            }
    }
}

/// The one place where a failure becomes an answer.
public enum FailureResponder {
    private static let contentType = HeaderLine(name: Array("Content-Type".utf8), value: Array("application/json".utf8))

    /// Fills `head` with status and content type, and returns the body (gateway-runtime.md, 9.2).
    public static func prepare(_ failure: GatewayFailure, requestID: RequestID, in head: ResponseHead) -> [UInt8] {
        let answer = failure.answer
        head.begin(status: answer.status)
        head.add(contentType)
        return Array(
            "{\"error_code\":\"APIC.\(answer.code)\",\"error_msg\":\(quoted(answer.message)),\"request_id\":\"\(requestID.text)\"}"
                .utf8)
    }

    /// As a group wants it: status, header lines and body of its own, with values of the request (gateway-runtime.md, 9.2).
    public static func prepare(
        _ failure: GatewayFailure, shape: FailureShape, values: RequestValues, in head: ResponseHead
    ) -> [UInt8] {
        let facts = AnswerValues(status: failure.answer.status, backendMilliseconds: nil, failure: failure)
        head.begin(status: shape.status ?? failure.answer.status)
        var namesType = false
        for header in shape.headers {
            if header.name.withUnsafeBytes({ ByteView($0).equalsIgnoringCase("content-type") }) { namesType = true }
            // What a client put into the value must not end the line.
            let value = text(header.value, values, facts, quotes: false).map { ByteClass.isForbiddenInValue($0) ? 0x20 : $0 }
            head.add(HeaderLine(name: header.name, value: value))
        }
        let body = text(shape.body, values, facts, quotes: true)
        if !namesType, !body.isEmpty { head.add(contentType) }
        return body
    }

    private static func text(
        _ template: FailureTemplate, _ values: RequestValues, _ facts: AnswerValues, quotes: Bool
    ) -> [UInt8] {
        var result: [UInt8] = []
        for piece in template.pieces {
            switch piece {
            case .literal(let bytes): result += bytes
            case .system(let parameter):
                let value = values.bytes(of: parameter, answer: facts).array
                result += quotes ? inside(value) : value
            case .authorizer(let side, let name):
                let value = values.bytes(of: .authorizer(side, name: name)).array
                result += quotes ? inside(value) : value
            }
        }
        return result
    }

    /// The inside of a JSON string.
    private static func inside(_ value: [UInt8]) -> [UInt8] {
        Array(quoted(String(decoding: value, as: UTF8.self)).utf8.dropFirst().dropLast())
    }

    /// A JSON string; messages may repeat what a management client configured.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20: result += "\\u00" + Hexadecimal.encode([UInt8(scalar.value)])
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
