import GatewayPrimitives

/// Header fields that the gateway itself reads, sets or removes; found once while a head is scanned.
public enum KnownHeader: UInt8, CaseIterable, Sendable {
    case other
    case host
    case contentLength
    case transferEncoding
    case connection
    case keepAlive
    /// Any name that begins with `proxy-`.
    case proxy
    case te
    case trailer
    case upgrade
    case expect
    case contentType
    case authorization
    case cookie
    case origin
    case date
    case server
    case xForwardedFor
    case xForwardedProto
    case xForwardedHost
    case xForwardedPort
    case xRealIP
    case xRequestID
    case xStage
    case xApigMode
    /// The gateway's own mark on requests that it sends on.
    case xGatehouseHop
    /// Any name that begins with `x-sdk-`: what a signature is made of.
    case xSdk
    /// Any name that begins with `sec-websocket-`: means something in an upgrade alone.
    case secWebSocket
    case userAgent

    static let count = Int(KnownHeader.userAgent.rawValue) + 1

    /// Finds the header by length and first letter, so that most names cost one comparison at most.
    @inline(__always)
    static func named(_ name: ByteView) -> KnownHeader {
        let first = asciiLowercase(name.start.load(as: UInt8.self))
        switch (name.count, first) {
        case (2, UInt8(ascii: "t")): return name.equalsIgnoringCase("te") ? .te : .other
        case (4, UInt8(ascii: "h")): return name.equalsIgnoringCase("host") ? .host : .other
        case (4, UInt8(ascii: "d")): return name.equalsIgnoringCase("date") ? .date : .other
        case (6, UInt8(ascii: "e")): return name.equalsIgnoringCase("expect") ? .expect : .other
        case (6, UInt8(ascii: "c")): return name.equalsIgnoringCase("cookie") ? .cookie : .other
        case (6, UInt8(ascii: "o")): return name.equalsIgnoringCase("origin") ? .origin : .other
        case (6, UInt8(ascii: "s")): return name.equalsIgnoringCase("server") ? .server : .other
        case (7, UInt8(ascii: "u")): return name.equalsIgnoringCase("upgrade") ? .upgrade : .other
        case (7, UInt8(ascii: "t")): return name.equalsIgnoringCase("trailer") ? .trailer : .other
        case (7, UInt8(ascii: "x")): return name.equalsIgnoringCase("x-stage") ? .xStage : sdk(name)
        case (9, UInt8(ascii: "x")): return name.equalsIgnoringCase("x-real-ip") ? .xRealIP : sdk(name)
        case (10, UInt8(ascii: "c")): return name.equalsIgnoringCase("connection") ? .connection : .other
        case (10, UInt8(ascii: "k")): return name.equalsIgnoringCase("keep-alive") ? .keepAlive : .other
        case (10, UInt8(ascii: "u")): return name.equalsIgnoringCase("user-agent") ? .userAgent : .other
        case (11, UInt8(ascii: "x")): return name.equalsIgnoringCase("x-apig-mode") ? .xApigMode : sdk(name)
        case (12, UInt8(ascii: "c")): return name.equalsIgnoringCase("content-type") ? .contentType : .other
        case (12, UInt8(ascii: "x")): return name.equalsIgnoringCase("x-request-id") ? .xRequestID : sdk(name)
        case (13, UInt8(ascii: "a")): return name.equalsIgnoringCase("authorization") ? .authorization : .other
        case (14, UInt8(ascii: "c")): return name.equalsIgnoringCase("content-length") ? .contentLength : .other
        case (15, UInt8(ascii: "x")):
            if name.equalsIgnoringCase("x-forwarded-for") { return .xForwardedFor }
            return name.equalsIgnoringCase("x-gatehouse-hop") ? .xGatehouseHop : sdk(name)
        case (16, UInt8(ascii: "x")):
            if name.equalsIgnoringCase("x-forwarded-host") { return .xForwardedHost }
            return name.equalsIgnoringCase("x-forwarded-port") ? .xForwardedPort : sdk(name)
        case (17, UInt8(ascii: "t")): return name.equalsIgnoringCase("transfer-encoding") ? .transferEncoding : .other
        case (17, UInt8(ascii: "x")): return name.equalsIgnoringCase("x-forwarded-proto") ? .xForwardedProto : sdk(name)
        case (_, UInt8(ascii: "p")): return name.hasPrefixIgnoringCase(ByteView("proxy-")) ? .proxy : .other
        case (_, UInt8(ascii: "s")): return name.hasPrefixIgnoringCase(ByteView("sec-websocket-")) ? .secWebSocket : .other
        case (_, UInt8(ascii: "x")): return sdk(name)
        default: return .other
        }
    }

    private static func sdk(_ name: ByteView) -> KnownHeader {
        name.hasPrefixIgnoringCase(ByteView("x-sdk-")) ? .xSdk : .other
    }

    /// Fields that concern one connection alone and are not forwarded (RFC 9110, 7.6.1); framing is written anew. What an
    /// upgrade needs of them comes back when the head as a whole asks for one.
    @inline(__always)
    var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxy, .te, .trailer, .transferEncoding, .upgrade, .contentLength, .secWebSocket: true
        default: false
        }
    }

    /// Fields that a `Connection` option may not remove: what they say about the message stays true whatever a client lists.
    var staysWhenListed: Bool {
        switch self {
        case .host, .contentLength, .transferEncoding, .connection, .contentType, .expect: true
        default: false
        }
    }
}
