import ControlPlane
import HTTPTypes
import Hummingbird
import Logging
import WireContract

/// Errors of the identity endpoints, in Keystone's shape.
enum IdentityErrors {
    /// Refusals that belong to these endpoints alone.
    enum Refused: Error, Sendable, Equatable, CaseIterable {
        case methodNotSupported
        case noSuchThing
    }

    static func failure(_ error: any Error) -> Keystone.Failure {
        switch error {
        case let error as IdentityError: failure(error)
        case let error as ManagementFailure: failure(error)
        case Refused.methodNotSupported: unauthorized
        case Refused.noSuchThing: make(404, "Not Found", "Could not find what was asked for.")
        default: make(500, "Internal Server Error", "An unexpected error prevented the server from fulfilling your request.")
        }
    }

    static func response(_ error: any Error, log: Logger, requestID: String) -> Response {
        let failure = failure(error)
        if failure.error.code >= 500 {
            log.error("identity request failed", metadata: ["request_id": "\(requestID)", "error": "\(error)"])
        }
        let status = HTTPResponse.Status(code: failure.error.code)
        var response = (try? ManagementResponder.json(failure, status)) ?? Response(status: .internalServerError)
        if failure.error.code == 413 { response.headers[.connection] = "close" }
        if failure.error.code == 503 { response.headers[.retryAfter] = "1" }
        return response
    }

    private static func failure(_ error: IdentityError) -> Keystone.Failure {
        switch error {
        case .badCredentials, .expiredToken, .unknownScope, .badPassword, .badUserName, .unknownUser: unauthorized
        case .unknownToken: make(404, "Not Found", "Could not find token.")
        case .busy: make(503, "Service Unavailable", "Too many logins wait already. Try again later.")
        case .userExists, .lastAdministrator, .tooManyAccessKeys: make(409, "Conflict", "The change is not possible.")
        }
    }

    private static func failure(_ error: ManagementFailure) -> Keystone.Failure {
        switch error {
        case .noCredentials, .tokenExpired, .badCredentials, .noProject: unauthorized
        case .otherProject, .notPermitted: make(403, "Forbidden", "You are not authorized to perform the requested action.")
        case .unknownRoute, .notOffered, .unknownInstance: make(404, "Not Found", "The resource could not be found.")
        case .methodNotAllowed: make(405, "Method Not Allowed", "The method is not allowed.")
        case .malformedPathID, .unreadableBody, .wrongCharset, .badQuery, .badHeader, .missing:
            make(400, "Bad Request", "The server could not comply with the request since it is malformed.")
        case .tooLargeBody: make(413, "Request Entity Too Large", "The request body is too large.")
        case .noRoom: make(503, "Service Unavailable", "Too many large requests at a time. Try again later.")
        case .tooLongTarget: make(414, "Request-URI Too Long", "The request URI is too long.")
        case .changedMeanwhile: make(412, "Precondition Failed", "The resource has been changed since it was read.")
        case .broken: make(500, "Internal Server Error", "An unexpected error prevented the server from fulfilling your request.")
        }
    }

    private static let unauthorized = make(401, "Unauthorized", "The request you have made requires authentication.")

    private static func make(_ code: Int, _ title: String, _ message: String) -> Keystone.Failure {
        Keystone.Failure(error: .init(code: code, message: message, title: title))
    }
}
