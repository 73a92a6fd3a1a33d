import GatewayPrimitives
import Snapshot

/// A server that is asked, as logs name it.
public final class LoggedEndpoint: Sendable {
    public let host: String
    public let port: Int
    public let usesTLS: Bool
    /// `host:port`
    let address: [UInt8]

    public init(_ upstream: Upstream) {
        host = upstream.host
        port = upstream.port
        usesTLS = upstream.usesTLS
        address = Array("\(upstream.host):\(upstream.port)".utf8)
    }
}

/// What is known of a request at its end, for one line of a log. A class: it has many references, and several hands. Used again for
/// the next request, after ``clear()``. Confined to one event loop.
public final class AccessRecord {
    /// Where the last attempt went, and how it went there.
    public struct Upstream {
        public var endpoint: LoggedEndpoint
        /// Path and query as they were sent; empty where no log shows them.
        public var target: [UInt8]
        /// 0: no head of an answer came.
        public var status: Int
        /// Nanoseconds; nil: it did not come so far.
        public var connected: UInt64?
        public var answered: UInt64?
        public var ended: UInt64
        /// From the first attempt on.
        public var all: UInt64

        public init(
            endpoint: LoggedEndpoint, target: [UInt8], status: Int, connected: UInt64?, answered: UInt64?, ended: UInt64, all: UInt64
        ) {
            self.endpoint = endpoint
            self.target = target
            self.status = status
            self.connected = connected
            self.answered = answered
            self.ended = ended
            self.all = all
        }
    }

    public var peer: [UInt8]
    public var requestID: RequestID
    /// nil: what was received is no request.
    public var head: RequestHead?
    public var route: Route?
    /// Of the group, where a request ended before it had a route.
    public var groupID: String
    public var caller: CallerIdentity?
    public var instance: InstanceContext?
    public var usesTLS: Bool
    /// The head was made of an HTTP/2 stream.
    public var isHTTP2 = false
    /// Of the answer; 0: the client left before there was one.
    public var status: Int
    /// The request is a call of gRPC.
    public var isCall = false
    /// With which it ended; nil: nobody said.
    public var callStatus: Int?
    public var failure: GatewayFailure?
    /// The answer is the backend's.
    public var isRemote: Bool
    public var bytesSent, requestBytes, bodyBytes: Int
    /// Nanoseconds from the head to the end.
    public var duration: UInt64
    public var upstream: Upstream?
    /// Whose address counts; nil: the peer's.
    public var clientAddress: IPAddress?
    /// The peer's address was said by a load balancer.
    public var isProxied = false
    /// Of an answer that the gateway compressed, in bytes; 0: it compressed none.
    public var gzipRead = 0, gzipWritten = 0
    /// URN of the function that was the backend.
    public var functionURN = ""
    /// The integration application that the API belongs to.
    public var providerName = ""

    public init(peer: [UInt8], requestID: RequestID, usesTLS: Bool) {
        self.peer = peer
        self.requestID = requestID
        self.usesTLS = usesTLS
        groupID = ""
        status = 0
        isRemote = false
        bytesSent = 0
        requestBytes = 0
        bodyBytes = 0
        duration = 0
    }

    public convenience init() { self.init(peer: [], requestID: RequestID(high: 0, low: 0), usesTLS: false) }

    /// Lets go of what belongs to the request and its route. The other fields are for whoever fills it next.
    public func clear() {
        head = nil
        route = nil
        caller = nil
        instance = nil
        upstream = nil
        clientAddress = nil
    }
}
