import GatewayPrimitives

/// Method of a request. Names are case-sensitive (RFC 9110, 9.1).
public enum RequestMethod: UInt8, Sendable {
    case get, post, put, delete, head, patch, options
    /// Any other token but CONNECT, which is refused; such requests meet only routes for all methods.
    case other

    /// Methods whose repetition has no further effect, as far as retries go (gateway-runtime.md, 4.1).
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .options, .delete: true
        case .post, .patch, .other: false
        }
    }
}

/// A request head: scanned once, strictly, and from then on the only reading of the request that there is.
///
/// Refused as 400 (RFC 9112; issue "one reading of a request"): lines that do not end in CR LF, control characters anywhere,
/// blanks before a colon, folded lines, a length beside a transfer encoding, a repeated or not plainly decimal length, a transfer
/// encoding other than one `chunked` or with HTTP/1.0, no or several or invalid Host, CONNECT, other versions than 1.0 and 1.1.
public final class RequestHead: MessageHead {
    public private(set) var method = RequestMethod.get
    private var methodCount = 0
    private var methodStart = 0
    public private(set) var isHTTP10 = false
    private var targetStart = 0
    private var targetCount = 0
    private var pathStart = 0
    private var pathCount = 0
    /// Start of the query, after the question mark; -1 without one.
    private var queryStart = -1
    /// Host and port of an absolute-form target.
    private var authorityStart = 0
    private var authorityCount = 0
    /// Scheme of an absolute-form target, nil for other forms.
    public private(set) var absoluteScheme: TargetScheme?
    public private(set) var isAsterisk = false
    public private(set) var framing = BodyFraming.none
    /// The client wants the connection to stay open.
    public private(set) var keepsAlive = true
    /// Index of the `Upgrade` field of a request for an upgrade that may be passed on; -1 for any other request.
    private var upgradeField = -1
    /// The client waits for `100 Continue` before it sends the body.
    public private(set) var expectsContinue = false

    private let hostBytes: UnsafeMutablePointer<UInt8>
    private var hostCount = 0
    /// The port of the Host field, nil if none was given.
    public private(set) var port: Int?

    /// Decoded path, when it differs from the received one.
    private var normalBytes: UnsafeMutableRawPointer?
    private var normalCapacity = 0
    private var normalCount = 0
    private var usesNormal = false
    private var pathHasEscapes = false
    private var pathIsPlain = true
    public private(set) var keepsEscapes = false

    public enum TargetScheme: Sendable { case http, https }

    public override init() {
        hostBytes = .allocate(capacity: HTTPLimits.host)
        super.init()
    }

    deinit {
        hostBytes.deallocate()
        normalBytes?.deallocate()
    }

    public override func reset() {
        super.reset()
        method = .get
        isHTTP10 = false
        queryStart = -1
        authorityCount = 0
        absoluteScheme = nil
        isAsterisk = false
        framing = .none
        keepsAlive = true
        expectsContinue = false
        upgradeField = -1
        hostCount = 0
        port = nil
        usesNormal = false
        pathHasEscapes = false
        pathIsPlain = true
        keepsEscapes = false
        if normalCapacity > 4096 {
            normalBytes?.deallocate()
            normalBytes = nil
            normalCapacity = 0
        }
    }

    // MARK: Parts

    public var methodName: ByteView { view(methodStart, methodCount) }
    /// The request target as received, path and query.
    public var target: ByteView { view(targetStart, targetCount) }
    /// The path as received, percent-encoded; `/` for an absolute-form target without path.
    public var rawPath: ByteView { pathCount == 0 ? ByteView("/") : view(pathStart, pathCount) }
    /// The query as received, without the question mark; nil when there is no question mark.
    public var query: ByteView? {
        queryStart < 0 ? nil : view(queryStart, targetStart + targetCount - queryStart)
    }
    /// Host in lower case, without port and trailing dot; empty when HTTP/1.0 sent none.
    public var host: ByteView { ByteView(start: UnsafeRawPointer(hostBytes), count: hostCount) }
    /// The path that is matched, handed to policies and forwarded; `normalizePath` makes it.
    public var path: ByteView {
        usesNormal ? ByteView(start: UnsafeRawPointer(normalBytes.unsafelyUnwrapped), count: normalCount) : rawPath
    }
    /// The path holds none but characters that mean the same encoded or not, so that it can be forwarded as received.
    public var isPlainPath: Bool { pathIsPlain }

    // MARK: Path

    /// Brings the path into the one form that is used from here on (gateway-runtime.md, 1.5; decided before routing).
    ///
    /// Without `keepsEscapes` the path is percent-decoded once, so that an encoded slash becomes a separator; with it the path stays
    /// as received. Paths with `.` or `..` segments (encoded or not) and with an encoded NUL are refused in both forms: what a
    /// backend would make of them is unknown, and what it serves must be what was matched.
    /// - Returns: false when the request is to be refused with 400.
    public func normalizePath(keepsEscapes: Bool) -> Bool {
        self.keepsEscapes = keepsEscapes
        if isAsterisk { return true }
        guard pathHasEscapes else { return !Self.hasDotSegment(rawPath) }
        let raw = rawPath
        if normalCapacity < raw.count {
            normalBytes?.deallocate()
            normalCapacity = max(256, raw.count)
            normalBytes = .allocate(byteCount: normalCapacity, alignment: 8)
        }
        let decoded = normalBytes.unsafelyUnwrapped
        var to = 0
        var from = 0
        while from < raw.count {
            var byte = raw[from]
            if byte == UInt8(ascii: "%") {
                // Escapes were checked when the start line was read.
                byte = (hexadecimalValue(raw[from + 1]) ?? 0) << 4 | (hexadecimalValue(raw[from + 2]) ?? 0)
                if byte == 0 { return false }
                from += 2
            }
            decoded.storeBytes(of: byte, toByteOffset: to, as: UInt8.self)
            to += 1
            from += 1
        }
        normalCount = to
        if Self.hasDotSegment(ByteView(start: UnsafeRawPointer(decoded), count: to)) { return false }
        usesNormal = !keepsEscapes
        return true
    }

    /// True when a segment is `.` or `..`.
    private static func hasDotSegment(_ path: ByteView) -> Bool {
        var from = 0
        while let slash = path.firstIndex(of: UInt8(ascii: "/"), from: from) {
            let rest = path.count - slash - 1
            if rest > 0, path[slash + 1] == UInt8(ascii: ".") {
                if rest == 1 || path[slash + 2] == UInt8(ascii: "/") { return true }
                if path[slash + 2] == UInt8(ascii: "."), rest == 2 || path[slash + 3] == UInt8(ascii: "/") { return true }
            }
            from = slash + 1
        }
        return false
    }

    // MARK: Scanning

    override var skipsLeadingEmptyLines: Bool { true }

    override var startLineLimit: (count: Int, refusal: HeadRefusal) {
        // Method, two blanks and the version beside the longest target.
        (HTTPLimits.target + HTTPLimits.method + 10, .targetTooLong)
    }

    override func readStartLine(_ line: ByteView) -> HeadRefusal? {
        guard let firstBlank = line.firstIndex(of: 0x20), firstBlank > 0 else { return .malformed(.startLine) }
        guard firstBlank <= HTTPLimits.method, ByteClass.isToken(line.slice(0, firstBlank)) else { return .malformed(.method) }
        let offset = line.start - UnsafeRawPointer(bytes)
        methodStart = offset
        methodCount = firstBlank
        guard readMethod(line.slice(0, firstBlank)) else { return .malformed(.method) }
        guard let secondBlank = line.firstIndex(of: 0x20, from: firstBlank + 1), secondBlank > firstBlank + 1 else {
            return .malformed(.startLine)
        }
        let version = line.dropFirst(secondBlank + 1)
        if version.equals("HTTP/1.1") {
            isHTTP10 = false
        } else if version.equals("HTTP/1.0") {
            isHTTP10 = true
        } else {
            return .malformed(.version)
        }
        targetStart = offset + firstBlank + 1
        targetCount = secondBlank - firstBlank - 1
        if targetCount > HTTPLimits.target { return .targetTooLong }
        return readTarget()
    }

    private func readMethod(_ name: ByteView) -> Bool {
        switch name.count {
        case 3: method = name.equals("GET") ? .get : name.equals("PUT") ? .put : .other
        case 4: method = name.equals("POST") ? .post : name.equals("HEAD") ? .head : .other
        case 5: method = name.equals("PATCH") ? .patch : .other
        case 6: method = name.equals("DELETE") ? .delete : .other
        case 7:
            if name.equals("CONNECT") { return false }
            method = name.equals("OPTIONS") ? .options : .other
        default: method = .other
        }
        return true
    }

    private func readTarget() -> HeadRefusal? {
        let target = target
        var pathFrom = 0
        if target[0] != UInt8(ascii: "/") {
            if target.equals("*") {
                isAsterisk = true
                pathStart = targetStart
                pathCount = 1
                return method == .options ? nil : .malformed(.target)
            }
            let authorityFrom: Int
            if target.hasPrefixIgnoringCase(ByteView("http://")) {
                absoluteScheme = .http
                authorityFrom = 7
            } else if target.hasPrefixIgnoringCase(ByteView("https://")) {
                absoluteScheme = .https
                authorityFrom = 8
            } else {
                return .malformed(.target)
            }
            pathFrom = authorityFrom
            while pathFrom < target.count, target[pathFrom] != UInt8(ascii: "/"), target[pathFrom] != UInt8(ascii: "?") {
                pathFrom += 1
            }
            authorityStart = targetStart + authorityFrom
            authorityCount = pathFrom - authorityFrom
            if authorityCount == 0 { return .malformed(.target) }
        }
        pathStart = targetStart + pathFrom
        var index = pathFrom
        while index < target.count, target[index] != UInt8(ascii: "?") {
            let byte = target[index]
            if !ByteClass.isPlainPath(byte) {
                // A backslash is a slash to some servers and a letter to others.
                guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "#"), byte != UInt8(ascii: "\\") else {
                    return .malformed(.target)
                }
                pathIsPlain = false
                if byte == UInt8(ascii: "%") {
                    pathHasEscapes = true
                    guard index + 2 < target.count, hexadecimalValue(target[index + 1]) != nil,
                        hexadecimalValue(target[index + 2]) != nil
                    else { return .malformed(.pathEscape) }
                    index += 2
                }
            }
            index += 1
        }
        pathCount = index - pathFrom
        if index < target.count {
            queryStart = targetStart + index + 1
            for at in index + 1 ..< target.count {
                let byte = target[at]
                guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "#") else { return .malformed(.target) }
            }
        }
        return nil
    }

    override func finish() -> HeadRefusal? {
        switch occurrences(.host) {
        case 1:
            guard let index = firstIndex(.host), readHost(value(at: index)) else { return .malformed(.host) }
        case 0:
            guard isHTTP10, absoluteScheme == nil else { return .malformed(.host) }
        default:
            return .malformed(.host)
        }
        if absoluteScheme != nil, let index = firstIndex(.host) {
            // RFC 9112, 3.2.2 lets the target win; a client that says two things is refused instead.
            guard Self.sameIgnoringCase(view(authorityStart, authorityCount), value(at: index)) else {
                return .malformed(.host)
            }
        }
        switch readFraming(isHTTP10: isHTTP10) {
        case .success(let found): framing = found ?? .none
        case .failure(let error): return .malformed(error.defect)
        }
        guard let options = readConnectionOptions() else { return .malformed(.connectionOptions) }
        keepsAlive = isHTTP10 ? options.keepAlive && !options.close : !options.close
        if options.upgrade { readUpgrade() }
        if let index = firstIndex(.expect) {
            guard occurrences(.expect) == 1, value(at: index).equalsIgnoringCase("100-continue") else {
                return .malformed(.expectation)
            }
            // HTTP/1.0 has no interim answers (RFC 9110, 10.1.1).
            expectsContinue = !isHTTP10 && framing != .none && framing != .length(0)
            fields[index].removed = true
        }
        return nil
    }

    /// The protocol that the client wants to go on with and that the gateway passes on; nil for an ordinary request.
    public var upgradeProtocol: ByteView? { upgradeField < 0 ? nil : value(at: upgradeField) }

    /// A server may ignore a wish to upgrade (RFC 9110, 7.8). It is passed on when it is plain: one protocol, no body. Another
    /// version of HTTP or TLS is none: with these, whoever got through could talk to the backend past every policy.
    private func readUpgrade() {
        guard !isHTTP10, framing == .none || framing == .length(0), method != .head, occurrences(.upgrade) == 1,
            let index = firstIndex(.upgrade)
        else { return }
        let name = value(at: index)
        var slash = 0
        while slash < name.count, name[slash] != UInt8(ascii: "/") { slash += 1 }
        let protocolName = name.slice(0, slash)
        guard ByteClass.isToken(protocolName), slash == name.count || ByteClass.isToken(name.dropFirst(slash + 1)),
            !protocolName.equalsIgnoringCase("h2c"), !protocolName.equalsIgnoringCase("h2"),
            !protocolName.equalsIgnoringCase("http"), !protocolName.equalsIgnoringCase("tls")
        else { return }
        if name.equalsIgnoringCase("websocket") {
            // RFC 6455, 4.1; without its key nobody could tell a real 101 from another one.
            guard method == .get, occurrences(.secWebSocket) > 0 else { return }
            restore(.secWebSocket)
        }
        upgradeField = index
    }

    private static func sameIgnoringCase(_ a: ByteView, _ b: ByteView) -> Bool {
        guard a.count == b.count else { return false }
        for index in 0 ..< a.count where asciiLowercase(a[index]) != asciiLowercase(b[index]) { return false }
        return true
    }

    /// Reads `name[:port]`, `address[:port]` or `[address][:port]` into `host` and `port`; false when it is none of them.
    private func readHost(_ value: ByteView) -> Bool {
        var index = 0
        if !value.isEmpty, value[0] == UInt8(ascii: "[") {
            guard let end = value.firstIndex(of: UInt8(ascii: "]")), end > 2, end < HTTPLimits.host else { return false }
            for at in 0 ... end {
                let byte = value[at]
                let isInside = hexadecimalValue(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
                guard at == 0 || at == end || isInside else { return false }
                hostBytes[at] = asciiLowercase(byte)
            }
            hostCount = end + 1
            index = end + 1
        } else {
            while index < value.count, value[index] != UInt8(ascii: ":") {
                let byte = asciiLowercase(value[index])
                let isLetter = byte &- 0x61 < 26 || byte &- 0x30 < 10
                guard index < HTTPLimits.host,
                    isLetter || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
                        || byte == UInt8(ascii: "~")
                else { return false }
                hostBytes[index] = byte
                index += 1
            }
            hostCount = index
            if hostCount > 0, hostBytes[hostCount - 1] == UInt8(ascii: ".") { hostCount -= 1 }
            if hostCount == 0 { return false }
        }
        guard index < value.count else { return true }
        guard value[index] == UInt8(ascii: ":") else { return false }
        let digits = value.dropFirst(index + 1)
        if digits.isEmpty { return true }
        guard digits.count <= 5, let number = digits.decimal, number <= 65535 else { return false }
        port = number
        return true
    }
}
