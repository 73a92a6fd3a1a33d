import GatewayPrimitives
import RequestSigning
import Snapshot

/// Signs the request to the backend with the key that is bound to its route (gateway-runtime.md, section 5).
public final class SigningStage {
    /// A body up to this many bytes is collected and hashed; a longer one, or one of unknown length, is streamed with
    /// `UNSIGNED-PAYLOAD`.
    public static let hashedBodyBound = 64 * 1024

    private var key: SigningPolicy.Key
    private(set) var headerName: [UInt8]
    private(set) var payload: SignedPayload
    /// Milliseconds since 1970.
    public private(set) var wall: Int64
    private let scratch: SigningScratch

    /// - Parameters:
    ///   - body: the whole body when it was collected, nil when it streams.
    ///   - wall: milliseconds since 1970.
    ///   - scratch: of the event loop.
    public init(
        policy: SigningPolicy, instance: InstanceContext, framing: BodyFraming, body: UnsafeRawBufferPointer?, wall: Int64,
        scratch: SigningScratch
    ) {
        key = policy.key(at: wall)
        self.wall = wall
        self.scratch = scratch
        headerName = Self.headerName(policy, instance)
        payload = Self.payload(policy, framing, body)
    }

    /// Becomes the stage of another request of the same event loop, as one that was made anew.
    public func reuse(
        policy: SigningPolicy, instance: InstanceContext, framing: BodyFraming, body: UnsafeRawBufferPointer?, wall: Int64
    ) {
        key = policy.key(at: wall)
        self.wall = wall
        headerName = Self.headerName(policy, instance)
        payload = Self.payload(policy, framing, body)
    }

    private static func payload(
        _ policy: SigningPolicy, _ framing: BodyFraming, _ body: UnsafeRawBufferPointer?
    ) -> SignedPayload {
        if !policy.coversRequest || framing == .none || framing == .length(0) { return .empty }
        return body.map { .digest(BodyDigest(of: $0)) } ?? .unsigned
    }

    /// Where its signatures are counted.
    public var meter: UseMeter? { key.meter }

    /// Whether the body must be complete before the request can be sent.
    public static func collectsBody(_ policy: SigningPolicy, _ framing: BodyFraming) -> Bool {
        guard policy.coversRequest, case .length(let count) = framing else { return false }
        return count > 0 && count <= hashedBodyBound
    }

    /// Takes the client's own signature away: what the backend sees under these names is the gateway's word.
    public static func removeClientSignature(from head: RequestHead, _ policy: SigningPolicy, _ instance: InstanceContext) {
        head.remove(.authorization)
        head.remove(.xSdk)
        headerName(policy, instance).withUnsafeBytes { head.remove(named: ByteView($0)) }
    }

    /// What the authorisation of the calling application adds to what is signed (gateway-runtime.md, 2.9 and O12). Only the
    /// gateway's word gets through: the client's goes.
    public static func visitParameters(
        of caller: CallerIdentity?, _ policy: CallerPolicy?, from head: RequestHead
    ) -> [UInt8] {
        guard case .app(let access)? = policy?.kind, let app = caller?.app else { return [] }
        head.remove(named: ByteView("x-apig-visit-params"))
        return access.visitParameters(of: app)
    }

    private static func headerName(_ policy: SigningPolicy, _ instance: InstanceContext) -> [UInt8] {
        switch policy.carrier {
        case .backendSignHeader: instance.settings.backendSignHeader
        case .authorization: authorization
        }
    }

    private static let authorization = Array("authorization".utf8)

    /// The longest value is the base64 of an RSA signature: 2,732 characters for the largest keys that the library takes.
    var bound: Int { 4096 + headerName.count }

    func sign(_ request: UnsignedRequest, to writer: inout ByteWriter) throws(SigningFailure) {
        let signature = try key.signer.sign(request, at: wall / 1000, scratch: scratch)
        if headerName == Self.authorization {
            writer.line("Authorization", signature.authorization)
        } else {
            writer.append(headerName)
            writer.append(": ")
            writer.append(signature.authorization)
            writer.append("\r\n")
        }
        if let date = signature.date { writer.line("X-Sdk-Date", date) }
        if signature.payloadIsUnsigned { writer.append("X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD\r\n") }
    }
}
