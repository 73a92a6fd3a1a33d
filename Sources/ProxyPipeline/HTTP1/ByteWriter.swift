import GatewayPrimitives
import Snapshot

/// Writes into memory that was reserved for a computed bound.
///
/// Should a bound ever be too small, nothing is written beyond it and `overflowed` says so: the message is not sent.
public struct ByteWriter {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    public private(set) var count = 0
    public private(set) var overflowed = false

    public init(_ area: UnsafeMutableRawBufferPointer) {
        base = area.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
        capacity = area.count
    }

    /// What was written from `from` up to `to`; valid as long as the memory.
    public func view(_ from: Int, _ to: Int) -> ByteView {
        precondition(from >= 0 && from <= to && to <= count)
        return ByteView(start: UnsafeRawPointer(base) + from, count: to - from)
    }

    @inline(__always)
    public mutating func append(_ view: ByteView) {
        guard view.count <= capacity - count else {
            overflowed = true
            return
        }
        (base + count).copyMemory(from: view.start, byteCount: view.count)
        count += view.count
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) { append(ByteView(bytes)) }

    /// Appends with ASCII letters in lower case.
    mutating func append(lowercasing view: ByteView) {
        guard view.count <= capacity - count else {
            overflowed = true
            return
        }
        for index in 0 ..< view.count { base.storeBytes(of: asciiLowercase(view[index]), toByteOffset: count + index, as: UInt8.self) }
        count += view.count
    }

    @inline(__always)
    public mutating func append(_ text: StaticString) { append(ByteView(text)) }

    @inline(__always)
    public mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append(ByteView($0)) } }

    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        guard count < capacity else {
            overflowed = true
            return
        }
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Eight bytes, in the order in which they lie in memory.
    @inline(__always)
    mutating func append(eight word: UInt64) {
        guard capacity - count >= 8 else {
            overflowed = true
            return
        }
        base.storeBytes(of: word, toByteOffset: count, as: UInt64.self)
        count += 8
    }

    /// Decimal digits of a number that is not negative.
    public mutating func append(decimal value: Int) {
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(0x30 &+ UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }

    /// Lower-case hexadecimal digits without leading zeros, as in a chunk-size line.
    public mutating func append(hexadecimal value: Int) {
        var shift = 60
        while shift > 0, value >> shift == 0 { shift -= 4 }
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: (value >> shift) & 15)
            append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
            shift -= 4
        }
    }

    @inline(__always)
    public mutating func line(_ name: ByteView, _ value: ByteView) {
        append(name)
        append(": ")
        append(value)
        append("\r\n")
    }

    public mutating func line(_ name: StaticString, _ value: ByteView) { line(ByteView(name), value) }

    public mutating func line(_ line: HeaderLine) {
        append(line.name)
        append(": ")
        append(line.value)
        append("\r\n")
    }

    /// Appends the path with everything encoded that table 3.2 of gateway-runtime.md encodes in a path.
    public mutating func append(pathEncoding path: ByteView, keepsSlashes: Bool) {
        for index in 0 ..< path.count {
            let byte = path[index]
            if ByteClass.isPlainPath(byte), keepsSlashes || byte != UInt8(ascii: "/") {
                append(byte)
            } else {
                append(UInt8(ascii: "%"))
                append(Self.upperHexadecimal(byte >> 4))
                append(Self.upperHexadecimal(byte & 15))
            }
        }
    }

    /// Appends with everything encoded that is not in `kept`.
    public mutating func append(encoding view: ByteView, keeping kept: ByteSet) {
        for byte in view.buffer {
            if kept.contains(byte) {
                append(byte)
            } else {
                append(UInt8(ascii: "%"))
                append(Self.upperHexadecimal(byte >> 4))
                append(Self.upperHexadecimal(byte & 15))
            }
        }
    }

    private static func upperHexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 &+ digit : 0x37 &+ digit }
}

/// The status codes' own words (RFC 9110, 15), for answers that the gateway makes.
enum ReasonPhrase {
    static func of(_ status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 203: "Non-Authoritative Information"
        case 204: "No Content"
        case 205: "Reset Content"
        case 206: "Partial Content"
        case 300: "Multiple Choices"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 429: "Too Many Requests"
        case 451: "Unavailable For Legal Reasons"
        case 494: "Request Headers Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
