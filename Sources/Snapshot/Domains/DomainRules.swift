import GatewayPrimitives

/// What holds at one bound domain besides the routes of its group.
public final class DomainRules: Sendable {
    /// Lower case; a wildcard begins with `*.`.
    public let name: String
    /// Older versions are refused.
    public let minimumTLS: TLSFloor
    /// A plain request for an API that is served over HTTPS is sent there; only with a certificate.
    public let redirectsToHTTPS: Bool
    /// What the listener shows: at most one for each kind of key, the cheaper kind (ECC) first. Empty: the gateway's own.
    public let identities: [TLSIdentity]
    /// Whose certificates callers must show; nil: nobody's.
    public let authority: ClientAuthority?

    public init(
        name: String, minimumTLS: TLSFloor, redirectsToHTTPS: Bool, identities: [TLSIdentity], authority: ClientAuthority?
    ) {
        self.name = name
        self.minimumTLS = minimumTLS
        self.redirectsToHTTPS = redirectsToHTTPS
        self.identities = identities
        self.authority = authority
    }
}

/// The oldest TLS version that a domain takes.
public enum TLSFloor: UInt8, Sendable, Comparable {
    case tls11, tls12

    public static func < (a: TLSFloor, b: TLSFloor) -> Bool { a.rawValue < b.rawValue }
}

/// A certificate and its key, ready for handshakes.
public struct TLSIdentity: Sendable {
    public let usesEllipticCurve: Bool
    /// nil: the TLS library did not take it; handshakes for the domain fail.
    public let context: (any PreparedTLS)?

    public init(usesEllipticCurve: Bool, context: (any PreparedTLS)?) {
        self.usesEllipticCurve = usesEllipticCurve
        self.context = context
    }
}

/// Authorities that sign the certificates of callers. A certificate that was verified counts as long as the same ones are asked for.
public final class ClientAuthority: Sendable {
    /// PEM.
    public let certificates: String

    public init(certificates: String) { self.certificates = certificates }

    public static func == (a: ClientAuthority, b: ClientAuthority) -> Bool {
        a === b || a.certificates == b.certificates
    }
}

/// What a context of the TLS library is made of.
public struct TLSMaterial: Sendable, Equatable {
    /// Which end of a connection it is for.
    public enum Side: Sendable { case listener, backend }

    public let side: Side
    /// PEM, the own certificate first; empty only to backends.
    public let chain: String
    /// PEM.
    public let key: Secret
    /// PEM; empty: clients are not asked for a certificate.
    public let authorities: String
    public let minimum: TLSFloor
    /// Names of the suites of TLS 1.2, in OpenSSL's spelling; empty: the library's own choice.
    public let cipherSuites: [String]
    /// HTTP/2 is agreed upon with clients that speak it.
    public let offersHTTP2: Bool

    /// For a listener.
    public init(
        chain: String, key: Secret, authorities: String, minimum: TLSFloor, cipherSuites: [String] = [], offersHTTP2: Bool = true
    ) {
        self.offersHTTP2 = offersHTTP2
        side = .listener
        self.cipherSuites = cipherSuites
        self.chain = chain
        self.key = key
        self.authorities = authorities
        self.minimum = minimum
    }

    /// For connections to backends.
    /// - Parameters:
    ///   - chain, key: empty: the gateway shows no certificate.
    ///   - authorities: whose certificates backends must show; empty: as the gateway is set up.
    public init(backendChain chain: String, key: Secret, authorities: String) {
        side = .backend
        offersHTTP2 = false
        self.chain = chain
        self.key = key
        self.authorities = authorities
        minimum = .tls12
        cipherSuites = []
    }
}

/// A context of the TLS library: opaque here, because the snapshot knows no library.
public protocol PreparedTLS: AnyObject, Sendable {}

/// Makes one. Costs about a millisecond; any thread.
/// - Throws: when the library does not take the material.
public typealias TLSPreparation = @Sendable (TLSMaterial) throws -> any PreparedTLS

/// What is known of a connection when its requests are decided.
public struct ConnectionSecurity: Sendable {
    public var usesTLS: Bool
    /// The version that was agreed upon; nil without TLS and before the handshake is over.
    public var version: AgreedTLSVersion?
    /// By whom the client's certificate was verified; nil without one.
    public var verifiedBy: ClientAuthority?
    /// Common name of the client's certificate; empty without one that was verified.
    public var clientName: [UInt8]

    public init(
        usesTLS: Bool, version: AgreedTLSVersion? = nil, verifiedBy: ClientAuthority? = nil, clientName: [UInt8] = []
    ) {
        self.usesTLS = usesTLS
        self.version = version
        self.verifiedBy = verifiedBy
        self.clientName = clientName
    }

    public static let plain = ConnectionSecurity(usesTLS: false)
}

public enum AgreedTLSVersion: UInt8, Sendable, Comparable {
    case tls10, tls11, tls12, tls13

    public static func < (a: AgreedTLSVersion, b: AgreedTLSVersion) -> Bool { a.rawValue < b.rawValue }

    /// As error texts write it.
    public var name: String {
        switch self {
        case .tls10: "TLSv1"
        case .tls11: "TLSv1.1"
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }

    public func reaches(_ floor: TLSFloor) -> Bool { self >= (floor == .tls11 ? .tls11 : .tls12) }
}
