import GatewayPrimitives
import Snapshot

/// The event of a function backend (gateway-runtime.md, 4.3): the request as an HTTP backend would get it, as one JSON object.
public struct BackendEvent {
    public let request: BackendRequest
    public let values: RequestValues
    /// Text of the direct peer's address, appended to `x-forwarded-for`.
    public let peerText: [UInt8]
    /// Text of the client's address, when it is not the peer's.
    public let clientText: [UInt8]?
    public let listenerPort: Int
    /// For a body whose request does not say what it is.
    public let defaultContentType: [UInt8]?
    /// For an explanation: what proves somebody's identity is masked.
    public var isMasked = false

    public init(
        request: BackendRequest, values: RequestValues, peerText: [UInt8], clientText: [UInt8]?, listenerPort: Int,
        defaultContentType: [UInt8]?
    ) {
        self.request = request
        self.values = values
        self.peerText = peerText
        self.clientText = clientText
        self.listenerPort = listenerPort
        self.defaultContentType = defaultContentType
    }

    /// - Parameter encodes: the body is written in Base64.
    public func write(_ body: [UInt8], encodes: Bool, to output: ByteScratch) {
        var writer = JSONWriter(output)
        writer.beginObject()
        body.withUnsafeBytes { EventWriter.body($0, encodes: encodes, to: &writer) }
        writer.name("isBase64Encoded")
        writer.bool(encodes)
        EventWriter.context(values, to: &writer)
        writer.name("queryStringParameters")
        writeQuery(to: &writer)
        writer.name("pathParameters")
        writer.beginObject()
        request.forEachPathParameter { name, value in
            Array(name.utf8).withUnsafeBytes { writer.name($0) }
            writer.string(value)
        }
        writer.endObject()
        writer.name("httpMethod")
        writer.string(request.method)
        writer.name("headers")
        writeHeaders(hasBody: !body.isEmpty, to: &writer)
        writer.name("path")
        writer.string(request.path)
        writer.endObject()
    }

    /// The first value of each parameter.
    private func writeQuery(to writer: inout JSONWriter) {
        var seen: Set<[UInt8]> = []
        writer.beginObject()
        request.forEachQueryParameter { name, value in
            guard seen.insert(name).inserted else { return }
            name.withUnsafeBytes { writer.name($0) }
            if isMasked, MaskedRequest.isSecret(parameter: name) { writer.string(MaskedRequest.mask) } else { writer.string(value) }
        }
        writer.endObject()
    }

    /// Names in lower case, lines of one name as one (RFC 9110, 5.3); what the gateway says about the request's way in place of what
    /// the client says, as for HTTP backends.
    private func writeHeaders(hasBody: Bool, to writer: inout JSONWriter) {
        var places: [[UInt8]: Int] = [:]
        var lines: [(name: [UInt8], value: [UInt8])] = []
        func add(_ name: [UInt8], _ value: [UInt8]) {
            guard let place = places[name] else {
                places[name] = lines.count
                lines.append((name, value))
                return
            }
            lines[place].value += name == Array("cookie".utf8) ? [UInt8(ascii: ";"), 0x20] : [UInt8(ascii: ","), 0x20]
            lines[place].value += value
        }
        func addMissing(_ name: StaticString, _ value: [UInt8]) {
            let name = ByteView(name).array
            if places[name] == nil { add(name, value) }
        }
        request.forEachHeader { name, value in
            switch KnownHeader.named(name) {
            case .xRealIP, .xRequestID, .expect: break
            default: add(name.array.map(asciiLowercase), value.array)
            }
        }
        let facts = values.facts
        add(Array("x-forwarded-for".utf8), peerText)
        add(Array("x-real-ip".utf8), clientText ?? peerText)
        addMissing("x-forwarded-proto", Array((facts.usesTLS ? "https" : "http").utf8))
        if let host = facts.head.value(.host) { addMissing("x-forwarded-host", host.array) }
        addMissing("x-forwarded-port", Array("\(listenerPort)".utf8))
        add(Array("x-request-id".utf8), Array(facts.requestID.text.utf8))
        if hasBody, let type = defaultContentType { addMissing("content-type", type) }
        writer.beginObject()
        for line in lines {
            line.name.withUnsafeBytes { writer.name($0) }
            if isMasked, MaskedRequest.isSecret(header: line.name) { writer.string(MaskedRequest.mask) } else { writer.string(line.value) }
        }
        writer.endObject()
    }
}
