import ControlPlane
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import WireContract

/// Answers every request of the management port: finds the endpoint, admits the caller, runs the
/// operation, maps errors, and writes one line of the access log. Any task.
public struct ManagementResponder: HTTPResponder {
    public typealias Context = ManagementContext

    let tree: RouteTree<ManagementEndpoint>
    let authentication: Authentication
    let identity: IdentityRoutes
    let probes: Probes
    let log: Logger
    let bodies = BodyBudget()

    public func respond(to request: Request, context: ManagementContext) async throws -> Response {
        let started = ContinuousClock.now
        let requestID = Self.newRequestID()
        let target = request.head.path ?? "/"
        let outcome = target.utf8.count > RequestHeaders.targetLimit
            ? nil : tree.find(request.method.rawValue, Self.path(target))
        // Given back when the answer is made, whatever happens before.
        let room = BodyRoom(bodies)
        var template = "-"
        var response: Response
        if case .found(let match)? = outcome { template = match.endpoint.template }
        do {
            response = try await answer(request, room, outcome, requestID, context.source)
        } catch {
            response = errorResponse(error, request, outcome, requestID, context.source)
        }
        if case .otherMethods(let allowed)? = outcome { response.headers[.allow] = allowed.joined(separator: ", ") }
        response.headers[.requestID] = requestID
        if request.method == .head { response.body = .init() }
        probes.metrics.count(status: response.status.code)
        let elapsed = (ContinuousClock.now - started).components
        log.info("management request", metadata: [
            "request_id": "\(requestID)", "method": "\(request.method.rawValue.prefix(16))", "route": "\(template)",
            "status": "\(response.status.code)", "source": "\(context.source)",
            "milliseconds": "\(elapsed.seconds * 1000 + elapsed.attoseconds / 1_000_000_000_000_000)",
        ])
        return response
    }

    private func answer(
        _ request: Request, _ room: BodyRoom, _ outcome: RouteTree<ManagementEndpoint>.Outcome?, _ requestID: String,
        _ source: String
    ) async throws -> Response {
        guard let outcome else { throw ManagementFailure.tooLongTarget }
        switch outcome {
        case .nothing: throw ManagementFailure.unknownRoute
        case .otherMethods: throw ManagementFailure.methodNotAllowed
        case .found(let match):
            switch match.endpoint {
            case .probe(let probe): return await probes.answer(probe)
            case .identity(let endpoint):
                return try await identity.answer(endpoint, request, room, match.values, requestID: requestID, source: source)
            case .operation(let endpoint):
                return try await run(endpoint, match.values, request, room, requestID, source)
            }
        }
    }

    /// The checks in the order of management-api.md, 1.4.
    private func run(
        _ endpoint: OperationEndpoint, _ values: [String], _ request: Request, _ room: BodyRoom, _ requestID: String,
        _ source: String
    ) async throws -> Response {
        let operation = endpoint.operation
        guard let handler = endpoint.handler else { throw ManagementFailure.notOffered }

        let admitted = try await authentication.admit(request, room)
        let ids = Dictionary(uniqueKeysWithValues: zip(endpoint.parameters, values.map { QueryValues.decoded($0) ?? "" }))
        let projectID = ids["project_id"] ?? ""
        try await authentication.permit(admitted, operation, project: projectID)
        for name in endpoint.parameters where !Self.isID(ids[name] ?? "") {
            throw FieldErrorCodes.malformed(operation, parameter: FieldErrorCodes.pathName(name))
        }
        let instanceID = ids["instance_id"] ?? ""
        if !instanceID.isEmpty, try await !authentication.directory.hasInstance(instanceID, project: projectID) {
            throw ManagementFailure.unknownInstance(id: instanceID)
        }
        let tags = EntityTags(operation)
        let head = CallHead(
            operation: operation, alias: endpoint.alias, caller: admitted.caller, projectID: projectID,
            instanceID: instanceID, query: try QueryValues.read(Self.query(request.head.path ?? ""), for: operation, alias: endpoint.alias),
            requestID: requestID, source: source, pathValues: ids,
            expectation: try tags.expectation(request.headers))
        let bytes = if let body = admitted.body { body } else { try await BodyReading.read(request, room) }
        // Read before the object: a tag that is older than what it came with costs a needless 412, a newer one a lost update.
        let seen = try await tags.beforeReading(head, authentication.directory)
        let answer = try await handler(head, RawBody(bytes: bytes, contentType: request.headers[.contentType] ?? ""))
        var response = try Self.response(answer, operation)
        if let tag = tags.tag(of: answer, seen: seen) { response.headers[.eTag] = tag }
        return response
    }

    private static func response(_ answer: OperationAnswer, _ operation: ContractOperation) throws -> Response {
        let status = HTTPResponse.Status(code: operation.shape.status)
        var response: Response
        switch answer.payload {
        case .none: response = bodiless(status)
        case .json(let value): response = try json(value, status)
        case .file(let file):
            response = Response(
                status: status, headers: [.contentType: file.contentType], body: .init(byteBuffer: ByteBuffer(bytes: file.bytes)))
            if let name = file.fileName { response.headers[.contentDisposition] = "attachment; filename=\"\(name)\"" }
        case .stream(let stream):
            response = Response(
                status: status, headers: [.contentType: stream.contentType],
                body: .init { writer in
                    try await stream.send { try await writer.write($0) }
                    try await writer.finish(nil)
                })
        }
        if let revision = answer.revision { response.headers[.revision] = String(revision) }
        if let notice = OperationNotice.of(operation) { response.headers[.notice] = notice }
        return response
    }

    /// No body and no Content-Type; 204 has no Content-Length either (RFC 9110, 8.6).
    static func bodiless(_ status: HTTPResponse.Status) -> Response {
        var response = Response(status: status)
        if status.code == 204 { response.headers[.contentLength] = nil }
        return response
    }

    static func json(_ value: any Encodable & Sendable, _ status: HTTPResponse.Status) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        return Response(
            status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: data)))
    }

    private func errorResponse(
        _ error: any Error, _ request: Request, _ outcome: RouteTree<ManagementEndpoint>.Outcome?, _ requestID: String,
        _ source: String
    ) -> Response {
        var operation: ContractOperation?
        var alias = PathAlias.apic
        if case .found(let match)? = outcome {
            switch match.endpoint {
            case .identity:
                return IdentityErrors.response(error, log: log, requestID: requestID)
            case .operation(let endpoint):
                operation = endpoint.operation
                alias = endpoint.alias
            case .probe: break
            }
        }
        let refusal = ErrorMapping.refusal(error, operation: operation, alias: alias, instanceID: "")
        if refusal.status >= 500 {
            log.error("management request failed", metadata: ["request_id": "\(requestID)", "error": "\(error)"])
        }
        return Self.errorResponse(refusal, requestID: requestID)
    }

    static func errorResponse(_ refusal: Refusal, requestID: String) -> Response {
        let body = ErrorBody(refusal, requestID: requestID)
        var response = (try? json(body, HTTPResponse.Status(code: refusal.status))) ?? Response(status: .internalServerError)
        // What is left of such a body is not read: the connection ends with the answer.
        if refusal.status == 413 || refusal.code == .apig9992 { response.headers[.connection] = "close" }
        return response
    }

    private static func path(_ target: String) -> Substring {
        target.prefix { $0 != "?" }
    }

    private static func query(_ target: String) -> Substring {
        target.firstIndex(of: "?").map { target[target.index(after: $0)...] } ?? ""
    }

    /// 1 to 65 of letters, digits, `_` and `-` (management-api.md, 1.3 and 6.34).
    static func isID(_ text: String) -> Bool {
        (1...65).contains(text.utf8.count)
            && text.utf8.allSatisfy { ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || (48...57).contains($0) || $0 == 95 || $0 == 45 }
    }

    /// 32 lower-case hex characters.
    static func newRequestID() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for _ in 0..<2 {
            var bits: UInt64 = generator.next()
            for _ in 0..<16 {
                bytes.append(digits[Int(bits & 15)])
                bits >>= 4
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
