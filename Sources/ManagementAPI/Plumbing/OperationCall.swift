import ControlPlane
import GatewayModel
import GatewayPrimitives
import NIOCore
import Store
import WireContract

/// Under which of its two paths an operation was called; the two differ in few rules
/// (management-api.md, 1.2).
public enum PathAlias: String, Sendable, CaseIterable {
    case apic
    case apigw
}

/// What is known of an admitted call before its body is read: the caller may do this, in this
/// project, and the instance exists.
public struct CallHead: Sendable {
    public let operation: ContractOperation
    public let alias: PathAlias
    public let caller: Caller
    public let projectID: String
    /// Empty for operations above instances.
    public let instanceID: String
    public let query: QueryValues
    /// 32 lower-case hex characters; in the answer as `X-Request-Id`.
    public let requestID: String
    /// Address of the client.
    public let source: String
    let pathValues: [String: String]
    /// `If-Match`, when the client sent it.
    let expectation: ExpectedState?

    /// The value of a path parameter: 1 to 65 of letters, digits, `_` and `-`.
    public func id(_ parameter: String) -> String {
        guard let value = pathValues[parameter] else {
            // The routes are built from the contract: a missing name is a slip of the program.
            preconditionFailure("\(operation.rawValue) has no path parameter \(parameter)")
        }
        return value
    }

    /// `offset` and `limit` with the contract's defaults and limits.
    public var page: Page { Page(offset: query.integer("offset") ?? 0, limit: query.integer("limit") ?? 20) }

    /// The same for the operations of the control plane.
    public var call: Call {
        var call = Call(
            actor: caller.userName, userID: caller.userID, source: source, requestID: requestID, projectID: projectID,
            instanceID: instanceID)
        call.subject = subject
        call.expectation = expectation
        return call
    }

    /// The object that the path names.
    var subject: CallSubject? {
        let known = OperationSubject.of(operation)
        guard let kind = known.kind, let parameter = known.parameter else { return nil }
        return CallSubject(kind: kind, id: id(parameter))
    }

    /// A secret as this caller may see it in an answer that shows it in the clear: as it is, masked for a reader.
    public func shown(_ secret: Secret) -> String { caller.role.seesSecrets ? secret.revealed : secret.masked }
}

/// One admitted call with its decoded and checked body.
@dynamicMemberLookup
public struct OperationCall<Body: Sendable>: Sendable {
    public let head: CallHead
    public let body: Body

    public subscript<Value>(dynamicMember path: KeyPath<CallHead, Value>) -> Value { head[keyPath: path] }

    public func id(_ parameter: String) -> String { head.id(parameter) }

    /// ``CallHead/shown(_:)``.
    public func shown(_ secret: Secret) -> String { head.shown(secret) }
}

/// The body of calls that have none; what a client sends nevertheless is left unread.
public struct NoBody: Sendable {}

/// The body as it was sent, for operations with other media types.
public struct RawBody: Sendable {
    public let bytes: ByteBuffer
    public let contentType: String
}

/// An answer that is not JSON.
public struct FileAnswer: Sendable {
    public let bytes: [UInt8]
    public let contentType: String
    /// Under which a client may store it: letters, digits, `_`, `-` and `.` alone; nil: it has none.
    public let fileName: String?

    public init(bytes: [UInt8], contentType: String, fileName: String? = nil) {
        self.bytes = bytes
        self.contentType = contentType
        self.fileName = fileName
    }
}

/// An answer that is made while it is sent.
public struct StreamAnswer: Sendable {
    /// How much of the store is in memory at a time.
    static let recordsPerRead = 100

    public let contentType: String
    /// Sends everything, piece by piece; what it throws breaks the answer off.
    let send: @Sendable (_ write: (ByteBuffer) async throws -> Void) async throws -> Void
}

/// What an operation gave back, before it is written.
struct OperationAnswer: Sendable {
    enum Payload: Sendable {
        case none
        case json(any Encodable & Sendable)
        case file(FileAnswer)
        case stream(StreamAnswer)
    }

    let payload: Payload
    /// Revision of a write.
    let revision: UInt64?
    let tags: WrittenTags

    /// The answer of a call that changes nothing.
    init(_ payload: Payload) {
        self.payload = payload
        revision = nil
        tags = WrittenTags(subject: nil, made: nil)
    }

    init<Value: Encodable & Sendable>(_ written: Written<Value>) {
        payload = .json(written.value)
        revision = written.revision
        tags = written.tags
    }

    init(_ written: Written<Void>) {
        payload = .none
        revision = written.revision
        tags = written.tags
    }
}
