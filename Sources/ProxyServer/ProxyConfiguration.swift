import NIOSSL
import ProxyPipeline
import Snapshot

/// How the gateway's listeners and backend connections behave.
public struct ProxyConfiguration: Sendable {
    /// Where to listen; port 0 lets the system choose.
    public struct Address: Sendable, Equatable {
        public var host: String
        public var port: Int
        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// Plain HTTP; nil: no such listener.
    public var http: Address?
    /// TLS; needs `tls`.
    public var https: Address?
    /// Shown where no managed certificate fits.
    public var tls: NIOSSLContext?
    /// The same without HTTP/2, for hosts of instances that have switched it off; nil: `tls` serves them too.
    public var tlsWithoutHTTP2: NIOSSLContext?
    /// Clients may speak HTTP/2 on the plain listener.
    public var allowsPlainHTTP2 = false
    /// Every connection to the listener begins with a PROXY header, whose address counts as the peer's.
    public var httpExpectsProxyHeader = false
    public var httpsExpectsProxyHeader = false
    /// The port at which clients reach the TLS listener; nil: the one that it listens on.
    public var publicTLSPort: Int?
    /// Event loops, each with its own connections, pools and snapshot reference; at least 1.
    public var eventLoops: Int
    /// `$context.serverName`
    public var nodeName = "localhost"
    /// `$context.serverAddr`
    public var nodeAddress = "127.0.0.1"
    /// Client connections open at a time; further ones are closed when they come.
    public var maxConnections = 50_000
    /// The same of one client: an address, or a /64 network with IPv6. 0: as many as there may be in all.
    public var maxConnectionsPerClient = 0
    /// A head must be complete so many milliseconds after its first byte.
    public var headTimeoutMilliseconds = 10_000
    /// Longest pause inside a request body; the vendor's `request_body_timeout`.
    public var bodyTimeoutMilliseconds = 8_000
    /// How long a client connection may be idle between requests.
    public var keepAliveTimeoutMilliseconds = 75_000
    /// Longest pause of a backend inside an answer's body, and of a client that does not take one.
    public var answerTimeoutMilliseconds = 60_000
    /// How long a tunnel may be silent in both directions.
    public var tunnelIdleMilliseconds = 3_600_000
    /// How long an unused backend connection is kept. Shorter than what servers use, so that we close first.
    public var backendIdleMilliseconds = 15_000
    /// Unused connections kept to one backend by one event loop.
    public var maxIdleBackendConnections = 256
    /// Backend certificates must be valid and fit the name. Off by default (gateway-runtime.md, 4.1).
    public var verifiesBackendCertificates = false

    /// nil: requests are not logged.
    public var accessLog: AccessLog?
    /// Where spans go; nil: nothing is traced, and what clients say of traces goes on as it came.
    public var tracing: TraceQueue?
    /// Bounds and counts of Kafka logs.
    public var kafka = KafkaLedger()
    /// Who sent wrong credentials to token endpoints: of all loops and instances together.
    public let tokenFailures = FailureWindows(limit: TokenEndpoint.failureLimit)
    /// Field `region_id` of their records.
    public var region = ""

    public init(http: Address? = nil, https: Address? = nil, tls: NIOSSLContext? = nil, eventLoops: Int = 1) {
        self.http = http
        self.https = https
        self.tls = tls
        self.eventLoops = eventLoops
    }
}

/// Why the gateway's listeners could not be opened.
public enum ProxyStartError: Error, Equatable, Sendable {
    case tlsListenerWithoutCertificate
    case cannotListen(String, reason: String)
    case tlsSettings(String)
}
