import GatewayPrimitives

/// How a group answers when the gateway itself refuses or fails (gateway-runtime.md, 9): only what differs from the gateway's own
/// answers. A route and a group without differences have none.
public final class FailureShapes: Sendable {
    /// By ``FailureKind/rawValue``; nil: nothing of its own.
    private let shapes: [FailureShape?]

    public init(_ shapes: [FailureKind: FailureShape]) {
        self.shapes = FailureKind.allCases.map { shapes[$0] }
    }

    /// The kind's own shape, or the one for all failures of its class.
    public func shape(for kind: FailureKind, status: Int) -> FailureShape? {
        if let own = shapes[Int(kind.rawValue)] { return own }
        return shapes[Int((status < 500 ? FailureKind.default4xx : .default5xx).rawValue)]
    }
}

/// Types of failures that groups can answer differently.
public enum FailureKind: UInt8, Sendable, CaseIterable {
    case authFailure, authHeaderMissing, authorizerFailure, authorizerConfFailure, authorizerIdentitiesFailure
    case backendUnavailable, backendTimeout, throttled, unauthorized, accessDenied, notFound, requestParametersFailure
    case default4xx, default5xx, thirdAuthFailure, thirdAuthIdentitiesFailure, thirdAuthConfFailure
    case orchestrationParameterNotFound, orchestrationFailure

    /// The wire name, which `$context.error.type` gives.
    public var name: String {
        switch self {
        case .authFailure: "AUTH_FAILURE"
        case .authHeaderMissing: "AUTH_HEADER_MISSING"
        case .authorizerFailure: "AUTHORIZER_FAILURE"
        case .authorizerConfFailure: "AUTHORIZER_CONF_FAILURE"
        case .authorizerIdentitiesFailure: "AUTHORIZER_IDENTITIES_FAILURE"
        case .backendUnavailable: "BACKEND_UNAVAILABLE"
        case .backendTimeout: "BACKEND_TIMEOUT"
        case .throttled: "THROTTLED"
        case .unauthorized: "UNAUTHORIZED"
        case .accessDenied: "ACCESS_DENIED"
        case .notFound: "NOT_FOUND"
        case .requestParametersFailure: "REQUEST_PARAMETERS_FAILURE"
        case .default4xx: "DEFAULT_4XX"
        case .default5xx: "DEFAULT_5XX"
        case .thirdAuthFailure: "THIRD_AUTH_FAILURE"
        case .thirdAuthIdentitiesFailure: "THIRD_AUTH_IDENTITIES_FAILURE"
        case .thirdAuthConfFailure: "THIRD_AUTH_CONF_FAILURE"
        case .orchestrationParameterNotFound: "ORCHESTRATION_PARAMETER_NOT_FOUND"
        case .orchestrationFailure: "ORCHESTRATION_FAILURE"
        }
    }
}

/// One answer: status, header lines and body with places for values.
public struct FailureShape: Sendable {
    public struct Header: Sendable {
        public let name: [UInt8]
        public let value: FailureTemplate

        public init(name: [UInt8], value: FailureTemplate) {
            self.name = name
            self.value = value
        }
    }

    /// nil: the status that the failure has anyway.
    public let status: Int?
    public let headers: [Header]
    /// Values are put in as the inside of a JSON string.
    public let body: FailureTemplate

    public init(status: Int?, headers: [Header], body: FailureTemplate) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// A text with variables (`$context.requestId`). Names that mean nothing stand for an empty text.
public struct FailureTemplate: Sendable, Equatable {
    public enum Piece: Sendable, Equatable {
        case literal([UInt8])
        case system(SystemParameter)
        /// `$context.authorizer.<side>.<name>`.
        case authorizer(AuthorizerSide, name: [UInt8])
    }

    public let pieces: [Piece]

    private static let known: [String: SystemParameter] = Dictionary(
        uniqueKeysWithValues: [
            .apiId, .apiName, .appId, .appName, .requestId, .stage, .sourceIp, .reqPath, .reqUri, .reqMethod, .errorMessage,
            .errorCode, .errorType,
        ].map { (parameter: SystemParameter) in (parameter.rawValue, parameter) })

    public init(parsing text: String) {
        let marker = Array("$context.".utf8)
        let bytes = Array(text.utf8)
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index...].starts(with: marker) else {
                literal.append(bytes[index])
                index += 1
                continue
            }
            var end = Self.word(bytes, from: index + marker.count)
            let first = String(decoding: bytes[(index + marker.count)..<end], as: UTF8.self)
            // Names with further parts: error.code, authorizer.frontend.role.
            for part in 0..<(first == "error" ? 1 : first == "authorizer" ? 2 : 0) where end < bytes.count && bytes[end] == UInt8(ascii: ".") {
                // Names in contexts may have hyphens (gateway-runtime.md, 2.7).
                let next = Self.word(bytes, from: end + 1, hyphens: part == 1)
                if next > end + 1 { end = next }
            }
            let name = String(decoding: bytes[(index + marker.count)..<end], as: UTF8.self)
            let piece = Self.known[name].map(Piece.system) ?? Self.authorizer(name)
            if let piece {
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = []
                pieces.append(piece)
            }
            index = end
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        self.pieces = pieces
    }

    private static func authorizer(_ name: String) -> Piece? {
        for (side, start) in [(AuthorizerSide.frontend, "authorizer.frontend."), (.backend, "authorizer.backend.")]
        where name.hasPrefix(start) { return .authorizer(side, name: Array(name.utf8.dropFirst(start.utf8.count))) }
        return nil
    }

    private static func word(_ bytes: [UInt8], from start: Int, hyphens: Bool = false) -> Int {
        var end = start
        while end < bytes.count,
            ByteSet.lettersAndDigits.contains(bytes[end]) || bytes[end] == UInt8(ascii: "_")
                || hyphens && bytes[end] == UInt8(ascii: "-")
        { end += 1 }
        return end
    }
}
