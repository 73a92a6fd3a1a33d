import GatewayPrimitives
import RequestSigning
import Snapshot

/// What is sent to a backend: everything that is not copied from the request head. Confined to the connection's event loop.
public final class ForwardedRequest {
    public var backend: HTTPBackend
    /// Replaces the backend's path template, for a side request or a downgrade.
    public var captures: RouteCaptures
    public var framing: BodyFraming
    /// Text of the direct peer's address, appended to `X-Forwarded-For`.
    public var peerText: [UInt8]
    /// Text of the client's address, when it is not the peer's.
    public var clientText: [UInt8]?
    public var listenerPort: Int
    public var usesTLS: Bool
    public var requestID: RequestID
    /// For a body whose request does not say what it is.
    public var defaultContentType: [UInt8]?
    /// Value of `X-Apig-Visit-Params`, part of what is signed; empty: none.
    public var visitParameters: [UInt8] = []
    /// Value of `X-Gatehouse-Hop`; empty: none.
    public var hop: [UInt8] = []
    /// Stands in place of the client's `traceparent`; nil: that one goes on as it came.
    public var trace: RequestTrace?
    /// What is moved, added and held back; nil: nothing. It has been mapped for ``backend``.
    public var parameters: MappedRequest?
    /// nil: no signature key is bound.
    public var signing: SigningStage?

    public init(
        backend: HTTPBackend, captures: RouteCaptures, framing: BodyFraming, peerText: [UInt8], clientText: [UInt8]?,
        listenerPort: Int, usesTLS: Bool, requestID: RequestID
    ) {
        self.backend = backend
        self.captures = captures
        self.framing = framing
        self.peerText = peerText
        self.clientText = clientText
        self.listenerPort = listenerPort
        self.usesTLS = usesTLS
        self.requestID = requestID
    }

    /// Becomes another request, as one that was made anew.
    public func reuse(
        backend: HTTPBackend, captures: RouteCaptures, framing: BodyFraming, peerText: [UInt8], clientText: [UInt8]?,
        listenerPort: Int, usesTLS: Bool, requestID: RequestID
    ) {
        if self.backend !== backend { self.backend = backend }
        if self.captures !== captures { self.captures = captures }
        self.framing = framing
        self.peerText = peerText
        self.clientText = clientText
        self.listenerPort = listenerPort
        self.usesTLS = usesTLS
        self.requestID = requestID
        defaultContentType = nil
        if !visitParameters.isEmpty { visitParameters = [] }
        trace = nil
        if parameters != nil { parameters = nil }
        if signing != nil { signing = nil }
    }
}

/// Writes the head of the request to the backend anew from the parsed form (design.md, invariant 4; headers as in
/// gateway-runtime.md, 4.1, O17).
public enum RequestWriter {
    /// No request head is longer than this many bytes.
    public static func bound(_ head: RequestHead, _ request: ForwardedRequest) -> Int {
        // Received bytes once for fields and query, four times the path for captures and encoding, fixed lines.
        var bound = head.count + 4 * (head.path.count + 64) + request.backend.hostHeader.count + 512
        bound += request.peerText.count * 2 + head.fieldCount * 4
        if request.backend.hostHeader.isEmpty { bound += clientHost(head).count }
        switch request.backend.path {
        // The mapping counts its own.
        case .asReceived, .mapped: break
        case .prefix(let bytes): bound += bytes.count
        case .pieces(let pieces):
            for piece in pieces {
                switch piece {
                case .literal(let bytes): bound += bytes.count
                // One capture may be used several times.
                case .capture: bound += 3 * head.path.count
                }
            }
        }
        for line in head.added { bound += line.name.count + line.value.count + 4 }
        if let signing = request.signing { bound += signing.bound }
        if let type = request.defaultContentType { bound += type.count + 16 }
        bound += request.visitParameters.count + 32
        bound += request.hop.count + 32
        if request.trace != nil { bound += RequestTrace.bound }
        if let parameters = request.parameters { bound += parameters.bound }
        return bound
    }

    public static func write(
        _ head: RequestHead, _ request: ForwardedRequest, to writer: inout ByteWriter
    ) throws(SigningFailure) {
        writer.append(methodName(head, request.backend))
        writer.append(UInt8(ascii: " "))
        let pathStart = writer.count
        let parameters = request.parameters
        if case .mapped = request.backend.path, let parameters {
            parameters.writePath(head, request.captures, to: &writer)
        } else {
            writePath(head, request, to: &writer)
        }
        let pathEnd = writer.count
        if let parameters {
            parameters.writeQuery(head.query, to: &writer)
        } else if let query = head.query {
            writer.append(UInt8(ascii: "?"))
            writer.append(query)
        }
        let queryEnd = writer.count
        writer.append(" HTTP/1.1\r\nHost: ")
        let hostStart = writer.count
        if let parameters, let host = parameters.host {
            writer.append(parameters.view(host))
        } else if request.backend.hostHeader.isEmpty {
            writer.append(clientHost(head))
        } else {
            writer.append(request.backend.hostHeader)
        }
        let hostEnd = writer.count
        writer.append("\r\n")
        writeFields(head, request, to: &writer)
        var contentType = value(.contentType, head, parameters)
        var signedToo: [SignedHeader] = []
        if let parameters, let mapping = parameters.mapping {
            let written = parameters.writeHeaders(
                skipping: request.signing?.headerName, joins: request.signing != nil, to: &writer)
            for (target, value) in written {
                let name = mapping.headers[target].lowercase
                if name == Self.contentTypeName {
                    contentType = value
                } else {
                    // The names belong to the mapping, which outlives the signing of this request.
                    signedToo.append(SignedHeader(name: parameters.name(ofHeader: target), value: value))
                }
            }
            // Without a signature nothing was collected.
            if contentType == nil, parameters.sets(.contentType) { contentType = .empty }
        }
        if contentType == nil, let type = request.defaultContentType, request.framing.hasBody {
            writer.append("Content-Type: ")
            let start = writer.count
            writer.append(type)
            contentType = writer.view(start, writer.count)
            writer.append("\r\n")
        }
        if !request.visitParameters.isEmpty {
            writer.append("X-Apig-Visit-Params: ")
            let start = writer.count
            writer.append(request.visitParameters)
            signedToo.append(SignedHeader(name: ByteView("x-apig-visit-params"), value: writer.view(start, writer.count)))
            writer.append("\r\n")
        }
        if let signing = request.signing {
            // Last, over the bytes that were just written: nothing edits the request after it (gateway-runtime.md, 16).
            try signing.sign(
                UnsignedRequest(
                    method: methodName(head, request.backend), path: writer.view(pathStart, pathEnd),
                    query: queryEnd > pathEnd ? writer.view(pathEnd + 1, queryEnd) : .empty, host: writer.view(hostStart, hostEnd), contentType: contentType,
                    extraHeaders: signedToo, payload: signing.payload),
                to: &writer)
        }
        switch request.framing {
        case .length(let count):
            writer.append("Content-Length: ")
            writer.append(decimal: count)
            writer.append("\r\n")
        case .chunked:
            writer.append("Transfer-Encoding: chunked\r\n")
        case .none, .untilClose:
            // Servers may refuse these methods when they say nothing about a body (RFC 9110, 8.6).
            switch head.method {
            case .post, .put, .patch: writer.append("Content-Length: 0\r\n")
            default: break
            }
        }
        if let upgrade = head.upgradeProtocol {
            writer.append("Connection: Upgrade\r\nUpgrade: ")
            writer.append(upgrade)
            writer.append("\r\n")
        }
        writer.append("\r\n")
    }

    /// As the client wrote it, for channels without a host of their own (gateway-runtime.md, 4.1).
    static func clientHost(_ head: RequestHead) -> ByteView {
        head.firstIndex(.host).map { head.value(at: $0) } ?? head.host
    }

    /// The method that the backend sees.
    public static func methodName(_ head: RequestHead, _ backend: HTTPBackend) -> ByteView {
        guard let method = backend.method else { return head.methodName }
        switch method {
        case .get: return ByteView("GET")
        case .post: return ByteView("POST")
        case .put: return ByteView("PUT")
        case .delete: return ByteView("DELETE")
        case .head: return ByteView("HEAD")
        case .patch: return ByteView("PATCH")
        case .options: return ByteView("OPTIONS")
        case .any: return head.methodName
        }
    }

    /// The backend answers to a HEAD, so that no body follows.
    public static func isHead(_ head: RequestHead, _ backend: HTTPBackend) -> Bool {
        guard let method = backend.method, method != .any else { return head.method == .head }
        return method == .head
    }

    static func writePath(_ head: RequestHead, _ request: ForwardedRequest, to writer: inout ByteWriter) {
        let path = head.path
        switch request.backend.path {
        case .asReceived:
            writeReceived(path, head, to: &writer)
        case .prefix(let prefix):
            writer.append(prefix)
            writeTail(head, request.captures, to: &writer)
        case .pieces(let pieces):
            for piece in pieces {
                switch piece {
                case .literal(let bytes): writer.append(bytes)
                case .capture(let index): writeCapture(index, head, request.captures, to: &writer)
                }
            }
        case .mapped: break
        }
    }

    static func writeCapture(_ index: Int, _ head: RequestHead, _ captures: RouteCaptures, to writer: inout ByteWriter) {
        guard index < captures.count else { return }
        let range = captures[index]
        let value = head.path.slice(range.lowerBound, range.upperBound)
        // With `api_uri_no_escape` the value still is encoded; encoding it again would change it.
        if head.keepsEscapes {
            writer.append(value)
        } else {
            writer.append(pathEncoding: value, keepsSlashes: false)
        }
    }

    /// The tail of a prefix route is a slash and what follows, or nothing: one slash stands between it and what is written already,
    /// whoever brings it.
    static func writeTail(_ head: RequestHead, _ captures: RouteCaptures, to writer: inout ByteWriter) {
        var tail = head.path.dropFirst(captures.tailStart)
        let count = writer.count
        if count > 0, writer.view(count - 1, count)[0] == UInt8(ascii: "/"), !tail.isEmpty { tail = tail.dropFirst(1) }
        writeReceived(tail, head, to: &writer)
    }

    private static let contentTypeName = Array("content-type".utf8)

    /// The first received field of this name that goes on.
    private static func value(_ known: KnownHeader, _ head: RequestHead, _ parameters: MappedRequest?) -> ByteView? {
        guard let parameters else { return head.value(known) }
        guard let first = head.firstIndex(known) else { return nil }
        for index in first ..< head.fieldCount
        where head.known(at: index) == known && !head.isRemoved(at: index) && !parameters.holds(field: index) {
            return head.value(at: index)
        }
        return nil
    }

    @inline(__always)
    private static func writeReceived(_ part: ByteView, _ head: RequestHead, to writer: inout ByteWriter) {
        if head.isPlainPath || head.keepsEscapes {
            writer.append(part)
        } else {
            // Decoded once for matching, so encoded once for sending: the backend sees what was matched.
            writer.append(pathEncoding: part, keepsSlashes: true)
        }
    }

    private static func writeFields(_ head: RequestHead, _ request: ForwardedRequest, to writer: inout ByteWriter) {
        let parameters = request.parameters
        for index in 0 ..< head.fieldCount where !head.isRemoved(at: index) {
            switch head.known(at: index) {
            case .host, .xForwardedFor, .xRealIP, .xRequestID, .xApigMode, .xGatehouseHop: continue
            default:
                if let parameters, parameters.holds(field: index) { continue }
                if let trace = request.trace, replaces(head.name(at: index), trace) { continue }
                writer.line(head.name(at: index), head.value(at: index))
            }
        }
        // What a backend parameter sets is not said twice.
        if parameters?.sets(.xForwardedFor) != true {
            writer.append("X-Forwarded-For: ")
            if head.firstIndex(.xForwardedFor) != nil {
                for index in 0 ..< head.fieldCount
                where head.known(at: index) == .xForwardedFor && !head.isRemoved(at: index) && parameters?.holds(field: index) != true {
                    writer.append(head.value(at: index))
                    writer.append(", ")
                }
            }
            writer.append(request.peerText)
            writer.append("\r\n")
        }
        if parameters?.sets(.xRealIP) != true {
            writer.append("X-Real-IP: ")
            writer.append(request.clientText ?? request.peerText)
            writer.append("\r\n")
        }
        if isOpen(.xForwardedProto, head, parameters) {
            writer.append(request.usesTLS ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n")
        }
        if isOpen(.xForwardedHost, head, parameters), let index = head.firstIndex(.host) {
            writer.line("X-Forwarded-Host", head.value(at: index))
        }
        if isOpen(.xForwardedPort, head, parameters) {
            writer.append("X-Forwarded-Port: ")
            writer.append(decimal: request.listenerPort)
            writer.append("\r\n")
        }
        if parameters?.sets(.xRequestID) != true {
            writer.append("X-Request-Id: ")
            request.requestID.write(to: &writer)
            writer.append("\r\n")
        }
        request.trace?.write(to: &writer)
        if !request.hop.isEmpty {
            writer.append("X-Gatehouse-Hop: ")
            writer.append(request.hop)
            writer.append("\r\n")
        }
        for line in head.added { writer.line(line) }
    }

    /// Fields of the client's trace that are written anew, or mean nothing in the trace that begins here.
    private static func replaces(_ name: ByteView, _ trace: RequestTrace) -> Bool {
        TraceContext.isParent(name) || !trace.keepsState && TraceContext.isState(name)
    }

    /// Nobody has said this about the request yet.
    @inline(__always)
    private static func isOpen(_ known: KnownHeader, _ head: RequestHead, _ parameters: MappedRequest?) -> Bool {
        value(known, head, parameters) == nil && parameters?.sets(known) != true
    }
}
