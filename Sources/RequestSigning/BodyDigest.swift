import GatewayPrimitives

/// SHA-256 of a body.
public struct BodyDigest: Sendable, Hashable {
    private let words: SIMD4<UInt64>

    init(_ digest: SIMD4<UInt64>) { words = digest }

    /// Of a body that is at hand as a whole.
    public init(of body: UnsafeRawBufferPointer) { self.init(HashState.digest(of: body)) }
    public init(of body: [UInt8]) { self = body.withUnsafeBytes { BodyDigest(of: $0) } }

    /// Of a body without a byte.
    public static let empty = BodyDigest(of: [])

    /// 64 lower-case hexadecimal digits.
    public func write(to output: UnsafeMutableRawBufferPointer) {
        withUnsafeBytes(of: words) { Hexadecimal.write($0, to: output) }
    }

    public var hexadecimal: String { withUnsafeBytes(of: words) { Hexadecimal.encode($0) } }
}

/// Hashes a body piece by piece as it streams by.
public struct BodyHasher: Sendable {
    private var hash = HashState()
    /// Bytes so far.
    public private(set) var count = 0

    public init() {}

    public mutating func update(_ piece: UnsafeRawBufferPointer) {
        hash.update(piece)
        count += piece.count
    }

    /// The digest of all pieces so far.
    public func finish() -> BodyDigest { BodyDigest(hash.finish()) }
}

/// What part six of a canonical request says about the body (gateway-runtime.md, 2.1).
public enum SignedPayload: Sendable, Equatable {
    case empty
    case digest(BodyDigest)
    /// The body is not covered; the request carries `X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD`, which is.
    case unsigned

    static let unsignedText: StaticString = "UNSIGNED-PAYLOAD"
    /// SHA-256 of nothing.
    static let emptyText: StaticString = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    func write(to output: ByteScratch) {
        switch self {
        case .empty: output.append(Self.emptyText)
        case .digest(let digest): output.append(count: 64) { digest.write(to: $0) }
        case .unsigned: output.append(Self.unsignedText)
        }
    }
}
