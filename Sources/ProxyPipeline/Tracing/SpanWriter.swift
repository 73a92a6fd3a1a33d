import GatewayPrimitives
import Snapshot

/// Writes spans in the JSON form of OTLP: the elements of `spans` alone, with commas between them. Confined to one event loop.
///
/// No query, header, body or credential is in a span.
public struct SpanWriter {
    fileprivate static let textLimit = 1024

    public init() {}

    /// The request's own span.
    ///
    /// - Parameters:
    ///   - ended: nanoseconds since 1970.
    public func writeServer(_ record: AccessRecord, _ trace: RequestTrace, ended: Int64, to out: ByteScratch) {
        let line = begin(trace, span: trace.span, parent: trace.parent, to: out)
        let route = record.route.map { $0.path.text }
        out.append("\",\"kind\":2,\"name\":\"")
        line.append(name(record.head))
        if let route {
            out.append(UInt8(ascii: " "))
            append(route, to: line)
        }
        times(began: ended - Int64(record.duration), ended: ended, out)
        var attributes = Attributes(line: line)
        if let head = record.head {
            attributes.text("http.request.method", name(head))
            attributes.text("url.path", head.rawPath)
            attributes.text("server.address", head.host)
            if let agent = head.value(.userAgent) { attributes.text("user_agent.original", agent) }
            attributes.text("network.protocol.version", ByteView(record.isHTTP2 ? "2" : head.isHTTP10 ? "1.0" : "1.1"))
        }
        attributes.text("url.scheme", ByteView(record.usesTLS ? "https" : "http"))
        if let client = record.clientAddress {
            attributes.text("client.address", client.description)
        } else {
            record.peer.withUnsafeBytes { attributes.text("client.address", ByteView($0)) }
        }
        if let route { attributes.text("http.route", route) }
        if let identity = record.route?.identity {
            attributes.text("gatehouse.api.id", identity.apiID)
            attributes.text("gatehouse.api.name", identity.apiName)
        }
        attributes.text("gatehouse.request.id", record.requestID.text)
        if record.status > 0 { attributes.number("http.response.status_code", record.status) }
        if let failure = record.failure { attributes.text("error.type", "APIC.\(failure.answer.code)") }
        end(isError: record.status >= 500 || record.status == 0, out)
    }

    /// An attempt at a backend.
    public func writeClient(
        _ upstream: AccessRecord.Upstream, method: ByteView, _ trace: RequestTrace, began: Int64, ended: Int64, to out: ByteScratch
    ) {
        let line = begin(trace, span: trace.attempt, parent: trace.span, to: out)
        out.append("\",\"kind\":3,\"name\":\"")
        line.append(method)
        times(began: began, ended: ended, out)
        var attributes = Attributes(line: line)
        attributes.text("http.request.method", method)
        attributes.text("server.address", upstream.endpoint.host)
        attributes.number("server.port", upstream.endpoint.port)
        attributes.text("url.scheme", ByteView(upstream.endpoint.usesTLS ? "https" : "http"))
        if upstream.status > 0 {
            attributes.number("http.response.status_code", upstream.status)
        } else {
            attributes.text("error.type", ByteView("no_answer"))
        }
        end(isError: upstream.status >= 400 || upstream.status == 0, out)
    }

    private func name(_ head: RequestHead?) -> ByteView { head?.methodName ?? ByteView("HTTP") }

    // MARK: Pieces

    private func begin(_ trace: RequestTrace, span: UInt64, parent: UInt64, to out: ByteScratch) -> JSONLine {
        if out.count > 0 { out.append(UInt8(ascii: ",")) }
        let line = JSONLine(out)
        out.append("\"traceId\":\"")
        out.append(count: 32) { area in
            var writer = ByteWriter(area)
            RequestID(high: trace.high, low: trace.low).write(to: &writer)
        }
        out.append("\",\"spanId\":\"")
        digits(span, out)
        if parent != 0 {
            out.append("\",\"parentSpanId\":\"")
            digits(parent, out)
        }
        return line
    }

    private func digits(_ value: UInt64, _ out: ByteScratch) {
        out.append(count: 16) { area in
            var writer = ByteWriter(area)
            RequestID.write(value, to: &writer)
        }
    }

    private func times(began: Int64, ended: Int64, _ out: ByteScratch) {
        out.append("\",\"startTimeUnixNano\":\"")
        out.append(String(began))
        out.append("\",\"endTimeUnixNano\":\"")
        out.append(String(max(began, ended)))
        out.append("\",\"attributes\":[")
    }

    private func end(isError: Bool, _ out: ByteScratch) {
        out.append("],\"status\":{")
        if isError { out.append("\"code\":2") }
        out.append("}}")
    }

    private func append(_ text: String, to line: JSONLine) {
        var text = text
        text.withUTF8 { line.append(ByteView(UnsafeRawBufferPointer($0))) }
    }

    private struct Attributes {
        let line: JSONLine
        var isFirst = true

        mutating func begin(_ name: StaticString) {
            if !isFirst { line.out.append(UInt8(ascii: ",")) }
            isFirst = false
            line.out.append("{\"key\":\"")
            line.out.append(name)
        }

        mutating func text(_ name: StaticString, _ value: ByteView) {
            begin(name)
            line.out.append("\",\"value\":{\"stringValue\":\"")
            line.append(value.slice(0, min(value.count, SpanWriter.textLimit)))
            line.out.append("\"}}")
        }

        mutating func text(_ name: StaticString, _ value: String) {
            var value = value
            value.withUTF8 { text(name, ByteView(UnsafeRawBufferPointer($0))) }
        }

        mutating func number(_ name: StaticString, _ value: Int) {
            begin(name)
            line.out.append("\",\"value\":{\"intValue\":\"")
            line.out.append(String(value))
            line.out.append("\"}}")
        }
    }
}
