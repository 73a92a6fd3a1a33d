import GatewayPrimitives

/// Signs the header by which the gateway recognises a request that came from itself (gateway-runtime.md, 1.8). Immutable; any thread.
///
/// `<depth>.<API id>.<code>`: how many APIs a request has passed, the last of them, and an HMAC-SHA256 over both, cut to 128
/// bits. What has another code counts as absent, so that nobody can make the gateway refuse a request by writing the header.
public struct HopKey: Sendable {
    private let keyed: KeyedHash

    /// Lower case.
    public static let headerName = Array("x-gatehouse-hop".utf8)
    /// APIs that a request may pass one after the other.
    public static let depthLimit = 10

    /// - Parameter secret: the same on every node of an installation.
    public init(_ secret: [UInt8]) { keyed = KeyedHash(key: secret) }

    /// Value of the header on a request that the API sends on.
    ///
    /// - Parameter depth: APIs that it has passed, this one included.
    public func value(depth: Int, apiID: String) -> [UInt8] {
        let text = Array("\(depth).\(apiID)".utf8)
        return text + [UInt8(ascii: ".")] + code(text)
    }

    /// Where a request has come through last.
    public struct Hop: Sendable, Equatable {
        public let depth: Int
        public let apiID: String
    }

    /// - Returns: nil for a value that this installation has not written.
    public func read(_ value: ByteView) -> Hop? {
        guard (36...128).contains(value.count), value[value.count - 33] == UInt8(ascii: ".") else { return nil }
        let text = value.slice(0, value.count - 33)
        let expected = code(text.array)
        guard expected.withUnsafeBytes({ equalInConstantTime($0, value.dropFirst(value.count - 32).buffer) }),
            let dot = text.firstIndex(of: UInt8(ascii: ".")), let depth = text.slice(0, dot).decimal
        else { return nil }
        return Hop(depth: depth, apiID: text.dropFirst(dot + 1).string)
    }

    private func code(_ text: [UInt8]) -> [UInt8] {
        let code = text.withUnsafeBytes { keyed.code(of: $0) }
        return withUnsafeBytes(of: code) { Array(Hexadecimal.encode(Array($0.prefix(16))).utf8) }
    }
}
