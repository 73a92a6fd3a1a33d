import GatewayPrimitives
import Snapshot

/// Memory and names that stages need besides the request; one for each event loop. Not `Sendable`.
public final class StageScratch {
    let bytes = ByteScratch(capacity: 512)
    /// `$context.serverName` and `$context.serverAddr`.
    let nodeName: String
    let nodeAddress: String

    public init(nodeName: String, nodeAddress: String) {
        self.nodeName = nodeName
        self.nodeAddress = nodeAddress
    }
}

/// The values of one request that rules and header plug-ins can name.
public struct RequestValues {
    public let facts: RequestFacts
    public let identity: RouteIdentity
    let scratch: StageScratch
    /// Who has been recognised; nil before, and where nobody is asked.
    public var caller: CallerIdentity?
    /// What the custom authorizers said; nil before they have, and where none is asked.
    public var frontendContext: AuthorizerContext?
    public var backendContext: AuthorizerContext?
    /// Of the member of a channel that is asked now.
    public var memberGroup: MemberGroupName?
    /// Set when the request must have no consequences.
    public let rehearsal: Rehearsal?

    public init(facts: RequestFacts, identity: RouteIdentity, scratch: StageScratch, rehearsal: Rehearsal? = nil) {
        self.facts = facts
        self.identity = identity
        self.scratch = scratch
        self.rehearsal = rehearsal
    }

    /// Monotonic milliseconds at which the request's head was complete.
    var now: Int64 { Int64(facts.nowNanoseconds / 1_000_000) }

    func evaluate(_ expression: MatchExpression, over parameters: [RequestValue]) -> MatchOutcome {
        expression.evaluate { bytes(of: parameters[$0]).buffer }
    }

    /// Bytes of a value, empty when it is absent; valid until the next value is asked for.
    func bytes(of value: RequestValue) -> ByteView {
        switch value {
        case .header(let name): return facts.header(name) ?? .empty
        case .path: return facts.path
        case .method: return facts.methodName
        case .query(let name):
            scratch.bytes.removeAll()
            guard let query = facts.query else { return .empty }
            var result = ByteView.empty
            QueryParameters(query).forEach { rawName, rawValue in
                scratch.bytes.removeAll()
                PercentEncoding.decode(rawName.buffer, plusIsBlank: true, to: scratch.bytes)
                guard ByteView(scratch.bytes.bytes).equals(name) else { return true }
                scratch.bytes.removeAll()
                PercentEncoding.decode(rawValue.buffer, plusIsBlank: true, to: scratch.bytes)
                result = ByteView(scratch.bytes.bytes)
                return false
            }
            return result
        case .system(let parameter): return bytes(of: parameter, answer: nil)
        case .authorizer(let side, let name):
            scratch.bytes.removeAll()
            let context = side == .frontend ? frontendContext : backendContext
            if let value = context?[name] { scratch.bytes.append(value) }
            return ByteView(scratch.bytes.bytes)
        }
    }

    /// Bytes of a system parameter; valid until the next value is asked for. What is not known yet, or not at all without
    /// authentication, is empty (gateway-runtime.md, 9.2).
    func bytes(of parameter: SystemParameter, answer: AnswerValues?) -> ByteView {
        let bytes = scratch.bytes
        bytes.removeAll()
        switch parameter {
        case .sourceIp: facts.clientAddress.write(to: bytes)
        case .stage: bytes.append(identity.environmentName)
        case .apiId: bytes.append(identity.apiID)
        case .apiName: bytes.append(identity.apiName)
        case .requestId: bytes.append(facts.requestID.text)
        case .serverAddr: bytes.append(scratch.nodeAddress)
        case .serverName: bytes.append(scratch.nodeName)
        case .handleTime: bytes.append(String(facts.nowMilliseconds))
        case .reqPath: return facts.path
        case .reqUri: return facts.target
        case .reqMethod: return facts.methodName
        case .statusCode: if let answer { bytes.append(String(answer.status)) }
        case .backendResponseTime: if let time = answer?.backendMilliseconds { bytes.append(String(time)) }
        case .errorCode: if let failure = answer?.failure { bytes.append("APIC." + failure.answer.code) }
        case .errorMessage: if let failure = answer?.failure { bytes.append(failure.answer.message) }
        case .errorType: if let failure = answer?.failure { bytes.append(failure.kind.name) }
        case .appId: if let app = caller?.app { bytes.append(app.appID) }
        case .appName: if let app = caller?.app { bytes.append(app.name) }
        case .clientCertCN: bytes.append(facts.clientCertificateName)
        case .memberGroupName: if let memberGroup { bytes.append(memberGroup.name) }
        case .memberGroupID: if let memberGroup { bytes.append(memberGroup.id) }
        case .providerAppId: bytes.append(identity.providerAppID)
        case .cacheStatus: break
        }
        return ByteView(bytes.bytes)
    }
}

/// What is known once there is an answer.
public struct AnswerValues: Sendable {
    public var status: Int
    /// From sending the request to the head of the answer; nil without a backend.
    public var backendMilliseconds: Int?
    /// Set on answers of the gateway's own.
    public var failure: GatewayFailure?

    public init(status: Int, backendMilliseconds: Int?, failure: GatewayFailure?) {
        self.status = status
        self.backendMilliseconds = backendMilliseconds
        self.failure = failure
    }
}
