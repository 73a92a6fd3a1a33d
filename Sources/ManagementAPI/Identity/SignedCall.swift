import ControlPlane
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Hummingbird
import NIOCore
import RequestSigning

/// Admission of a call that is signed with an access key (management-api.md, 2.3).
enum SignedCall {
    /// - Throws: `ManagementFailure.badCredentials`, whatever is wrong; failures of reading the body.
    static func verify(
        _ authorization: String, _ request: Request, _ room: BodyRoom, _ directory: IdentityDirectory
    ) async throws -> Authentication.Admitted {
        // What is cheap to refuse is refused before the body is read: form, clock, unknown key.
        let now = ControlPlane.wallClock().seconds
        guard let signature = CallerSignature(authorization: authorization),
            let date = request.headers[.signedDate].flatMap({ BasicDate($0) }),
            abs(date.seconds - now) <= CallerSignature.allowedSkew,
            let holder = try await directory.accessKey(signature.accessKey)
        else { throw ManagementFailure.badCredentials }

        let body = try await BodyReading.read(request, room)
        let target = request.head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        let signed = SignedRequest(
            method: request.method.rawValue, rawPath: String(path), rawQuery: String(target.dropFirst(path.count + 1)),
            bodyDigest: body.readableBytes == 0 ? nil : body.withUnsafeReadableBytes { BodyDigest(of: $0) }
        ) { value(of: $0, request.head) }
        guard case .valid = signature.verify(signed, secret: holder.secret, at: now) else {
            throw ManagementFailure.badCredentials
        }
        return Authentication.Admitted(
            caller: holder.caller, isSigned: true, namedProject: request.headers[.signedProject], body: body)
    }

    private static func value(of name: String, _ head: HTTPRequest) -> String? {
        if name == "host" { return head.authority }
        guard let field = HTTPField.Name(name) else { return nil }
        // A header given twice can be read in two ways: it signs nothing.
        let values = head.headerFields[values: field]
        return values.count == 1 ? values[0] : nil
    }
}
