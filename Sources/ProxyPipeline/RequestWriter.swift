import GatewayPrimitives
import RequestSigning
import Snapshot

/// What is sent to a backend: everything that is not copied from the request head.
public struct ForwardedRequest {
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
        case .asReceived: break
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
        return bound
    }

    public static func write(
        _ head: RequestHead, _ request: ForwardedRequest, to writer: inout ByteWriter
    ) throws(SigningFailure) {
        writer.append(methodName(head, request.backend))
        writer.append(UInt8(ascii: " "))
        let pathStart = writer.count
        writePath(head, request, to: &writer)
        let pathEnd = writer.count
        if let query = head.query {
            writer.append(UInt8(ascii: "?"))
            writer.append(query)
        }
        writer.append(" HTTP/1.1\r\nHost: ")
        let hostStart = writer.count
        if request.backend.hostHeader.isEmpty {
            writer.append(clientHost(head))
        } else {
            writer.append(request.backend.hostHeader)
        }
        let hostEnd = writer.count
        writer.append("\r\n")
        writeFields(head, request, to: &writer)
        var contentType = head.value(.contentType)
        if contentType == nil, let type = request.defaultContentType, request.framing.hasBody {
            writer.append("Content-Type: ")
            let start = writer.count
            writer.append(type)
            contentType = writer.view(start, writer.count)
            writer.append("\r\n")
        }
        var signedToo: [SignedHeader] = []
        if !request.visitParameters.isEmpty {
            writer.append("X-Apig-Visit-Params: ")
            let start = writer.count
            writer.append(request.visitParameters)
            signedToo = [SignedHeader(name: ByteView("x-apig-visit-params"), value: writer.view(start, writer.count))]
            writer.append("\r\n")
        }
        if let signing = request.signing {
            // Last, over the bytes that were just written: nothing edits the request after it (gateway-runtime.md, 16).
            try signing.sign(
                UnsignedRequest(
                    method: methodName(head, request.backend), path: writer.view(pathStart, pathEnd),
                    query: head.query ?? .empty, host: writer.view(hostStart, hostEnd), contentType: contentType,
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
            // The tail is a slash and what follows, or nothing: one slash stands between the two, whoever brings it.
            var tail = path.dropFirst(request.captures.tailStart)
            if prefix.last == UInt8(ascii: "/"), !tail.isEmpty { tail = tail.dropFirst(1) }
            writeReceived(tail, head, to: &writer)
        case .pieces(let pieces):
            for piece in pieces {
                switch piece {
                case .literal(let bytes): writer.append(bytes)
                case .capture(let index):
                    guard index < request.captures.count else { continue }
                    let range = request.captures[index]
                    let value = path.slice(range.lowerBound, range.upperBound)
                    // With `api_uri_no_escape` the value still is encoded; encoding it again would change it.
                    if head.keepsEscapes {
                        writer.append(value)
                    } else {
                        writer.append(pathEncoding: value, keepsSlashes: false)
                    }
                }
            }
        }
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
        for index in 0 ..< head.fieldCount where !head.isRemoved(at: index) {
            switch head.known(at: index) {
            case .host, .xForwardedFor, .xRealIP, .xRequestID, .xApigMode, .xGatehouseHop: continue
            default: writer.line(head.name(at: index), head.value(at: index))
            }
        }
        writer.append("X-Forwarded-For: ")
        if head.firstIndex(.xForwardedFor) != nil {
            for index in 0 ..< head.fieldCount where head.known(at: index) == .xForwardedFor && !head.isRemoved(at: index) {
                writer.append(head.value(at: index))
                writer.append(", ")
            }
        }
        writer.append(request.peerText)
        writer.append("\r\nX-Real-IP: ")
        writer.append(request.clientText ?? request.peerText)
        if head.value(.xForwardedProto) == nil {
            writer.append(request.usesTLS ? "\r\nX-Forwarded-Proto: https" : "\r\nX-Forwarded-Proto: http")
        }
        if head.value(.xForwardedHost) == nil, let index = head.firstIndex(.host) {
            writer.append("\r\nX-Forwarded-Host: ")
            writer.append(head.value(at: index))
        }
        if head.value(.xForwardedPort) == nil {
            writer.append("\r\nX-Forwarded-Port: ")
            writer.append(decimal: request.listenerPort)
        }
        writer.append("\r\nX-Request-Id: ")
        request.requestID.write(to: &writer)
        writer.append("\r\n")
        if !request.hop.isEmpty {
            writer.append("X-Gatehouse-Hop: ")
            writer.append(request.hop)
            writer.append("\r\n")
        }
        for line in head.added { writer.line(line) }
    }
}
