import ControlPlane
import NIOCore
import WireContract

/// Where the resource families register their operations.
///
///     routes.on(.createSignatureKeyV2, body: Wire.BaseSignature.self) { call in ... }
///
/// The handler runs when everything before the object itself has been checked: credentials,
/// permission, instance, query, body. What it returns is encoded with the contract's status of
/// success; no value is 204. What it throws goes through `ErrorMapping`.
public struct OperationRoutes: Sendable {
    typealias Handler = @Sendable (CallHead, RawBody) async throws -> OperationAnswer

    private(set) var handlers: [ContractOperation: Handler] = [:]

    public init() {}

    /// Operations of the contract that no family has registered: they are answered with 404 APIG.9996.
    public var notOffered: [ContractOperation] { ContractOperation.allCases.filter { handlers[$0] == nil } }

    private mutating func register(_ operation: ContractOperation, _ handler: @escaping Handler) {
        // Two families that claim one operation are a slip of the program; found at the first start.
        precondition(handlers[operation] == nil, "\(operation.rawValue) is registered twice")
        handlers[operation] = handler
    }

    // MARK: without a body

    public mutating func on<Answer: Encodable & Sendable>(
        _ operation: ContractOperation, _ run: @escaping @Sendable (OperationCall<NoBody>) async throws -> Answer
    ) {
        register(operation) { head, _ in
            OperationAnswer(.json(try await run(OperationCall(head: head, body: NoBody()))))
        }
    }

    public mutating func on(
        _ operation: ContractOperation, _ run: @escaping @Sendable (OperationCall<NoBody>) async throws -> Void
    ) {
        register(operation) { head, _ in
            try await run(OperationCall(head: head, body: NoBody()))
            return OperationAnswer(.none)
        }
    }

    public mutating func on<Answer: Encodable & Sendable>(
        _ operation: ContractOperation, _ run: @escaping @Sendable (OperationCall<NoBody>) async throws -> Written<Answer>
    ) {
        register(operation) { head, _ in
            let written = try await run(OperationCall(head: head, body: NoBody()))
            return OperationAnswer(written)
        }
    }

    public mutating func on(
        _ operation: ContractOperation, _ run: @escaping @Sendable (OperationCall<NoBody>) async throws -> Written<Void>
    ) {
        register(operation) { head, _ in
            let written = try await run(OperationCall(head: head, body: NoBody()))
            return OperationAnswer(written)
        }
    }

    public mutating func on(
        _ operation: ContractOperation, _ run: @escaping @Sendable (OperationCall<NoBody>) async throws -> FileAnswer
    ) {
        register(operation) { head, _ in
            OperationAnswer(.file(try await run(OperationCall(head: head, body: NoBody()))))
        }
    }

    public mutating func on(
        _ operation: ContractOperation, _ run: @escaping @Sendable (OperationCall<NoBody>) async throws -> StreamAnswer
    ) {
        register(operation) { head, _ in
            OperationAnswer(.stream(try await run(OperationCall(head: head, body: NoBody()))))
        }
    }

    // MARK: with a JSON body

    public mutating func on<Body: Decodable & FieldChecked & Sendable, Answer: Encodable & Sendable>(
        _ operation: ContractOperation, body: Body.Type,
        _ run: @escaping @Sendable (OperationCall<Body>) async throws -> Answer
    ) {
        register(operation) { head, raw in
            let call = OperationCall(head: head, body: try Self.read(body, raw, operation))
            return OperationAnswer(.json(try await run(call)))
        }
    }

    public mutating func on<Body: Decodable & FieldChecked & Sendable>(
        _ operation: ContractOperation, body: Body.Type,
        _ run: @escaping @Sendable (OperationCall<Body>) async throws -> Void
    ) {
        register(operation) { head, raw in
            try await run(OperationCall(head: head, body: try Self.read(body, raw, operation)))
            return OperationAnswer(.none)
        }
    }

    public mutating func on<Body: Decodable & FieldChecked & Sendable, Answer: Encodable & Sendable>(
        _ operation: ContractOperation, body: Body.Type,
        _ run: @escaping @Sendable (OperationCall<Body>) async throws -> Written<Answer>
    ) {
        register(operation) { head, raw in
            let written = try await run(OperationCall(head: head, body: try Self.read(body, raw, operation)))
            return OperationAnswer(written)
        }
    }

    public mutating func on<Body: Decodable & FieldChecked & Sendable>(
        _ operation: ContractOperation, body: Body.Type,
        _ run: @escaping @Sendable (OperationCall<Body>) async throws -> Written<Void>
    ) {
        register(operation) { head, raw in
            let written = try await run(OperationCall(head: head, body: try Self.read(body, raw, operation)))
            return OperationAnswer(written)
        }
    }

    /// A file whose content a JSON body describes.
    public mutating func onFile<Body: Decodable & FieldChecked & Sendable>(
        _ operation: ContractOperation, body: Body.Type,
        _ run: @escaping @Sendable (OperationCall<Body>) async throws -> FileAnswer
    ) {
        register(operation) { head, raw in
            let call = OperationCall(head: head, body: try Self.read(body, raw, operation))
            return OperationAnswer(.file(try await run(call)))
        }
    }

    // MARK: with a body of another media type

    public mutating func onRaw<Answer: Encodable & Sendable>(
        _ operation: ContractOperation, _ run: @escaping @Sendable (OperationCall<RawBody>) async throws -> Written<Answer>
    ) {
        register(operation) { head, raw in
            let written = try await run(OperationCall(head: head, body: raw))
            return OperationAnswer(written)
        }
    }

    /// JSON, then mandatory fields, then form and range (management-api.md, 1.4).
    private static func read<Body: Decodable & FieldChecked>(
        _ type: Body.Type, _ raw: RawBody, _ operation: ContractOperation
    ) throws -> Body {
        try RequestHeaders.checkCharset(raw.contentType)
        var bytes = raw.bytes
        if JSONBody.isEmpty(bytes) {
            if case .json(required: true) = operation.shape.body {
                throw ManagementFailure.unreadableBody(reason: JSONBody.endOfInput)
            }
            bytes = ByteBuffer(string: "{}")
        }
        let body = try JSONBody.decode(type, from: bytes)
        if let violation = body.violations(requiring: !PartialUpdates.contains(operation)).first {
            throw FieldErrorCodes.refusal(operation, violation)
        }
        return body
    }
}

/// Updates in which absent fields keep their value, mandatory in the contract or not: clients send
/// only what changed (management-api.md, 1.9). A whole definition is replaced for `apis`.
enum PartialUpdates {
    static func contains(_ operation: ContractOperation) -> Bool {
        switch operation {
        case .updateApiGroupV2, .updateEnvironmentV2, .updateEnvironmentVariableV2, .updateAclStrategyV2, .updatePlugin,
            .updateRequestThrottlingPolicyV2, .updateAppQuota, .updateCustomAuthorizerV2, .updateVpcChannelV2,
            .updateCertificateV2, .updateHealthCheck, .updateMemberGroup, .updateAppConfigV2, .updateLiveDataApiV2,
            .updateGatewayResponseV2, .updateRomaApp, .updateAppV2, .updateDictionary:
            true
        default: false
        }
    }
}
