import GatewayPrimitives
import ProxyPipeline
import Snapshot
import Testing

@Suite struct TraceContextTests {
    static let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    func read(_ text: String) -> TraceContext? { Array(text.utf8).withUnsafeBytes { TraceContext.read(ByteView($0)) } }

    @Test func parts() {
        #expect(
            read(Self.good)
                == TraceContext(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736, parent: 0x00f0_67aa_0ba9_02b7, isSampled: true))
        #expect(read(String(Self.good.dropLast()) + "0")?.isSampled == false)
        #expect(read(String(Self.good.dropLast()) + "3")?.isRandom == true)
        #expect(read(String(Self.good.dropLast(2)) + "ff")?.isSampled == true)
    }

    static let rest = String(good.dropFirst(2))
    static let goodForms: [String] = ["cc" + rest, "cc" + rest + "-more"]
    static let badForms: [String] = [
        "", "00", good + " ", good + "-", good + "-more", "cc" + rest + ".more", "ff" + rest, good.uppercased(),
        good.replacing("4bf9", with: "4BF9"), good.replacing("4bf9", with: "4bg9"), good.replacing("-", with: "_"),
        String(good.dropLast()), "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        String(repeating: "0", count: 8000),
    ]

    /// Later versions may have more; nothing else may.
    @Test func forms() {
        for text in Self.goodForms { #expect(read(text) != nil, "\(text)") }
        for text in Self.badForms { #expect(read(text) == nil, "\(text)") }
    }

    @Test func oneLineAlone() throws {
        func head(_ lines: String) throws -> RequestHead {
            let head = RequestHead()
            guard case .complete = Array("GET / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n".utf8).withUnsafeBytes({ head.feed($0) }) else {
                throw HeadError()
            }
            return head
        }
        struct HeadError: Error {}
        #expect(TraceContext.read(try head("")) == nil)
        #expect(TraceContext.read(try head("TraceParent: \(Self.good)\r\n")) != nil)
        #expect(TraceContext.read(try head("traceparent: \(Self.good)\r\ntraceparent: \(Self.good)\r\n")) == nil)
    }

    @Test func decisions() {
        let fresh = RequestID(high: 1, low: UInt64.max / 2)
        #expect(RequestTrace(continuing: nil, fresh: fresh, span: 1, ratio: 1).isSampled)
        #expect(!RequestTrace(continuing: nil, fresh: fresh, span: 1, ratio: 0).isSampled)
        #expect(RequestTrace(continuing: nil, fresh: fresh, span: 1, ratio: 0.51).isSampled)
        #expect(!RequestTrace(continuing: nil, fresh: fresh, span: 1, ratio: 0.49).isSampled)
        #expect(RequestTrace(continuing: nil, fresh: RequestID(high: 0, low: .max), span: 1, ratio: 1).isSampled)
        let none = RequestTrace(continuing: nil, fresh: RequestID(high: 0, low: 0), span: 0, ratio: 0)
        #expect(none.low == 1 && none.span == 1 && none.parent == 0 && !none.keepsState)
        for isSampled in [true, false] {
            let context = TraceContext(high: 7, low: 8, parent: 9, isSampled: isSampled)
            let trace = RequestTrace(continuing: context, fresh: fresh, span: 5, ratio: isSampled ? 0 : 1)
            #expect(trace.isSampled == isSampled && trace.high == 7 && trace.low == 8 && trace.parent == 9 && trace.span == 5 && trace.keepsState)
        }
    }

    /// The path, and nothing that may be secret; JSON, whatever a client sends.
    @Test func spans() throws {
        let head = RequestHead()
        let text = "GET /a\u{22}b/%22?apikey=SECRET HTTP/1.1\r\nHost: h\r\nUser-Agent: \u{22}\\\r\nAuthorization: SECRET\r\n\r\n"
        _ = Array(text.replacing("a\"b", with: "ab").utf8).withUnsafeBytes { head.feed($0) }
        let record = AccessRecord(peer: Array("192.0.2.1".utf8), requestID: RequestID(high: 1, low: 2), usesTLS: true)
        record.head = head
        record.status = 503
        record.duration = 5
        record.failure = .breakerOpen
        let out = ByteScratch()
        var trace = RequestTrace(continuing: nil, fresh: RequestID(high: 1, low: 2), span: 3, ratio: 1)
        trace.attempt = 4
        SpanWriter().writeServer(record, trace, ended: 100, to: out)
        let upstream = AccessRecord.Upstream(
            endpoint: LoggedEndpoint(Upstream(usesTLS: false, host: "b", port: 80)), target: [], status: 0, connected: nil, answered: nil, ended: 0, all: 0)
        SpanWriter().writeClient(upstream, method: ByteView("PUT"), trace, began: 7, ended: 6, to: out)
        let all = String(decoding: out.bytes, as: UTF8.self)
        #expect(!all.contains("SECRET"))
        let value = try JSONValue(parsing: "[\(all)]", limits: .init(length: 10_000, depth: 8, values: 500))
        guard case .array(let spans) = value, spans.count == 2 else {
            Issue.record("\(all)")
            return
        }
        #expect(spans[0]["traceId"] == .string("00000000000000010000000000000002") && spans[0]["spanId"] == .string("0000000000000003"))
        #expect(spans[0]["parentSpanId"] == nil && spans[0]["name"] == .string("GET") && spans[0]["startTimeUnixNano"] == .string("95"))
        #expect(spans[1]["parentSpanId"] == .string("0000000000000003") && spans[1]["spanId"] == .string("0000000000000004"))
        #expect(spans[1]["endTimeUnixNano"] == .string("7"))
        #expect(all.contains(#"{"key":"url.path","value":{"stringValue":"/ab/%22"}}"#) && all.contains(#""stringValue":"\"\\""#))
        #expect(all.contains(#"{"key":"error.type","value":{"stringValue":"APIC."#))
    }
}
