import GatewayPrimitives

/// Which client addresses may call an API (gateway-runtime.md, section 6).
public final class AccessPolicy: Sendable {
    public enum Verdict: Sendable, Equatable {
        case allowed
        /// 0401: the caller has no address that could be looked up.
        case addressUnknown
        /// 0402.
        case refused
    }

    /// Id of the access control policy.
    public let id: String
    /// PERMIT: only listed addresses may call. Otherwise DENY: listed addresses may not.
    public let permitsListed: Bool
    public let addresses: IPSet

    public init(id: String, permitsListed: Bool, addresses: IPSet) {
        self.id = id
        self.permitsListed = permitsListed
        self.addresses = addresses
    }

    /// - Parameter address: the client's, as the instance's settings find it; nil when unknown.
    public func verdict(for address: IPAddress?) -> Verdict {
        guard let address else { return .addressUnknown }
        return addresses.contains(address) == permitsListed ? .allowed : .refused
    }
}
