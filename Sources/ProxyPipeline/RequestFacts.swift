import GatewayPrimitives
import Snapshot

/// What is known about a request before any stage runs: the only reading of it that stages have.
///
/// Valid until the request is finished; views of it point into the request head. Confined to the connection's event loop.
public struct RequestFacts {
    public let head: RequestHead
    /// The TCP peer.
    public let peer: IPAddress
    /// Whose address counts (gateway-runtime.md, 6.3): access lists, throttling, `$context.sourceIp`.
    public let clientAddress: IPAddress
    public let usesTLS: Bool
    /// Common name of the client's certificate; empty without one that was verified.
    public let clientCertificateName: [UInt8]
    /// Milliseconds since 1970 at which the head was complete.
    public let nowMilliseconds: Int64
    /// Monotonic nanoseconds at the same moment; only differences have a meaning.
    public let nowNanoseconds: UInt64
    /// 32 lower-case hexadecimal digits.
    public let requestID: RequestID

    public init(
        head: RequestHead, peer: IPAddress, clientAddress: IPAddress, usesTLS: Bool, nowMilliseconds: Int64,
        nowNanoseconds: UInt64, requestID: RequestID, clientCertificateName: [UInt8] = []
    ) {
        self.head = head
        self.peer = peer
        self.clientAddress = clientAddress
        self.usesTLS = usesTLS
        self.clientCertificateName = clientCertificateName
        self.nowMilliseconds = nowMilliseconds
        self.nowNanoseconds = nowNanoseconds
        self.requestID = requestID
    }

    public var method: RequestMethod { head.method }
    /// As received; names are case-sensitive.
    public var methodName: ByteView { head.methodName }
    /// The path that was matched: decoded once, or as received with feature `api_uri_no_escape` (1.5).
    public var path: ByteView { head.path }
    /// Path and query as received.
    public var target: ByteView { head.target }
    /// As received, without the question mark.
    public var query: ByteView? { head.query }
    /// Lower case, without port.
    public var host: ByteView { head.host }

    /// Value of the first header field of this name (lower case), without surrounding blanks.
    public func header(_ lowercase: [UInt8]) -> ByteView? { head.value(named: lowercase) }

    /// Decoded value of the first query parameter of this name (case-sensitive, decoded); `+` is a blank. A parameter without `=` has
    /// an empty value. Allocates: for policies that ask for a parameter.
    public func queryValue(_ name: [UInt8]) -> [UInt8]? {
        guard let query = head.query else { return nil }
        return QueryParameters(query).first(name)
    }
}

/// The pairs of a query string, in order.
public struct QueryParameters {
    private let query: ByteView

    public init(_ query: ByteView) { self.query = query }

    /// Calls `body` with the raw name and value of each pair until it returns false. Empty pairs (`&&`) are skipped.
    public func forEach(_ body: (_ name: ByteView, _ value: ByteView) -> Bool) {
        var from = 0
        while from <= query.count {
            let to = query.firstIndex(of: UInt8(ascii: "&"), from: from) ?? query.count
            let pair = query.slice(from, to)
            from = to + 1
            if pair.isEmpty { continue }
            let equals = pair.firstIndex(of: UInt8(ascii: "="))
            let name = pair.slice(0, equals ?? pair.count)
            let value = equals.map { pair.dropFirst($0 + 1) } ?? pair.slice(pair.count, pair.count)
            if !body(name, value) { return }
        }
    }

    /// The first decoded value of the decoded name.
    public func first(_ name: [UInt8]) -> [UInt8]? {
        var result: [UInt8]?
        forEach { rawName, rawValue in
            guard rawName.equals(name) || PercentEncoding.decode(rawName.array, plusIsBlank: true) == name else { return true }
            result = PercentEncoding.decode(rawValue.array, plusIsBlank: true)
            return false
        }
        return result
    }
}

/// The gateway's name for one request: 128 random bits, written as 32 hexadecimal digits.
public struct RequestID: Sendable, Equatable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static let textCount = 32

    public func write(to writer: inout ByteWriter) {
        Self.write(high, to: &writer)
        Self.write(low, to: &writer)
    }

    public var text: String {
        String(unsafeUninitializedCapacity: Self.textCount) { area in
            var writer = ByteWriter(UnsafeMutableRawBufferPointer(area))
            write(to: &writer)
            return writer.count
        }
    }

    /// 16 digits.
    static func write(_ value: UInt64, to writer: inout ByteWriter) {
        writer.append(eight: digits(UInt32(truncatingIfNeeded: value >> 32)))
        writer.append(eight: digits(UInt32(truncatingIfNeeded: value)))
    }

    /// Eight hexadecimal digits at once: the nibbles are spread over eight bytes, and those above nine get the distance from `9` to
    /// `a` added. Every answer carries an id, so this is on the path of all requests.
    private static func digits(_ value: UInt32) -> UInt64 {
        var spread = UInt64(value)
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = ((spread &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return (spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27).bigEndian
    }
}

/// Makes request ids: xoshiro256**, seeded from the system once. Unique, not secret. One for each event loop.
public struct RequestIDGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    public init(seedingFrom source: inout some RandomNumberGenerator) {
        state = (source.next(), source.next(), source.next(), source.next() | 1)
    }

    public mutating func next() -> RequestID { RequestID(high: step(), low: step()) }

    private mutating func step() -> UInt64 {
        let result = Self.rotate(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, by: 45)
        return result
    }

    private static func rotate(_ value: UInt64, by count: UInt64) -> UInt64 { value << count | value >> (64 - count) }
}

/// Finds the client's address by the instance's setting.
public enum ClientAddress {
    /// What is absent or not an address falls back to the peer (gateway-runtime.md, 6.3).
    public static func of(_ head: RequestHead, peer: IPAddress, source: ClientAddressSource) -> IPAddress {
        switch source {
        case .peer: peer
        case .header(let name): head.value(named: name).flatMap { IPAddress(parsing: $0.buffer) } ?? peer
        case .forwardedFor(let index): forwarded(head, index) ?? peer
        }
    }

    /// The element of all `X-Forwarded-For` lines together, which are one list (RFC 9110, 5.3).
    private static func forwarded(_ head: RequestHead, _ index: Int) -> IPAddress? {
        guard head.value(.xForwardedFor) != nil else { return nil }
        var count = 0
        forEachForwarded(head) { _ in
            count += 1
            return true
        }
        let wanted = index < 0 ? count + index : index
        guard wanted >= 0, wanted < count else { return nil }
        var at = 0
        var result: IPAddress?
        forEachForwarded(head) { element in
            defer { at += 1 }
            guard at == wanted else { return true }
            result = IPAddress(parsing: element.buffer)
            return false
        }
        return result
    }

    private static func forEachForwarded(_ head: RequestHead, _ body: (ByteView) -> Bool) {
        for field in 0 ..< head.fieldCount where head.known(at: field) == .xForwardedFor && !head.isRemoved(at: field) {
            let list = head.value(at: field)
            var from = 0
            while from <= list.count {
                let to = list.firstIndex(of: UInt8(ascii: ","), from: from) ?? list.count
                if !body(list.slice(from, to).trimmed()) { return }
                from = to + 1
            }
        }
    }
}
