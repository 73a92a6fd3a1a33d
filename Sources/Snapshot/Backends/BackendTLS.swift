/// What the gateway shows to HTTPS backends of an instance, and whose certificates it takes there; feature
/// `backend_client_certificate` (gateway-runtime.md, 4.1).
///
/// Two are equal when they say the same: connections that were opened with one serve the other.
public final class BackendTLS: Sendable, Hashable, CustomStringConvertible {
    public let material: TLSMaterial
    /// nil: the TLS library did not take the material; no connection is made then.
    public let context: (any PreparedTLS)?
    private let hash: Int

    public init(material: TLSMaterial, context: (any PreparedTLS)?) {
        self.material = material
        self.context = context
        var hasher = Hasher()
        hasher.combine(material.chain)
        hasher.combine(material.authorities)
        hash = hasher.finalize()
    }

    public static func == (a: BackendTLS, b: BackendTLS) -> Bool { a === b || a.hash == b.hash && a.material == b.material }

    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    /// Tells two of one process apart, and nothing else.
    public var description: String { "tls \(hash)" }
}

/// What an instance has for its HTTPS backends.
public struct BackendTLSChoice: Sendable {
    /// For all of them; nil: as the gateway is set up.
    public var verified: BackendTLS?
    /// With the gateway's certificate, for those with `enable_client_ssl`; nil: there is none.
    public var mutual: BackendTLS?

    public init(verified: BackendTLS? = nil, mutual: BackendTLS? = nil) {
        self.verified = verified
        self.mutual = mutual
    }
}
