import GatewayPrimitives
import Snapshot
import Testing

@testable import ProxyPipeline

/// A head that was written for a backend, as it goes over HTTP/2, and the answer as it comes back.
@Suite struct HTTP2RequestFieldsTests {
    /// The fields as they are written and read again; nil for what is no head.
    static func read(_ text: String, usesTLS: Bool = false) -> (lines: String, framing: BodyFraming, byteCount: Int)? {
        Array(text.utf8).withUnsafeBytes { bytes in
            guard let fields = HTTP2RequestFields(ByteView(bytes)) else { return nil }
            let area = UnsafeMutableRawBufferPointer.allocate(byteCount: fields.bound, alignment: 8)
            defer { area.deallocate() }
            var writer = ByteWriter(area)
            fields.write(usesTLS: usesTLS, to: &writer)
            #expect(!writer.overflowed)
            let lines = HPACKTests.decode(writer.view(0, writer.count).array)[0]
            #expect(fields.lines(usesTLS: usesTLS) == lines.split(separator: "\n").map { "\($0)\r\n" }.joined() + "\r\n", "what people are told")
            return (lines, fields.framing, fields.byteCount)
        }
    }

    @Test func pseudoFieldsComeFirst() throws {
        let head = "POST /p.S/M?a=b HTTP/1.1\r\nHost: h:1\r\nX-Mine: a: b\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n"
        let read = try #require(Self.read(head + "5\r\nrest", usesTLS: true))
        #expect(read.lines == ":method: POST\n:scheme: https\n:path: /p.S/M?a=b\n:authority: h:1\nte: trailers\nx-mine: a: b")
        #expect(read.framing == .chunked && read.byteCount == head.utf8.count)
        #expect(try #require(Self.read("PATCH / HTTP/1.1\r\nHost: h\r\n\r\n")).lines == ":method: PATCH\n:scheme: http\n:path: /\n:authority: h\nte: trailers")
    }

    @Test func lengths() throws {
        let some = try #require(Self.read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n"))
        #expect(some.framing == .length(7) && some.lines.hasSuffix("\ncontent-length: 7"))
        let none = try #require(Self.read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"))
        #expect(none.framing == .none && !none.lines.contains("content-length"))
    }

    @Test(arguments: ["", "POST / HTTP/1.1\r\nHost: h\r\n", "POST / HTTP/1.1\r\nHost: h\r\n\r", "POST /\r\n\r\n", "POST / HTTP/1.1\r\nHost\r\n\r\n"])
    func notWhole(_ text: String) { #expect(Self.read(text) == nil) }

    static func answer(_ fields: [HTTP2RequestTextTests.Field], ends: Bool = false) -> String? {
        let list = HTTP2RequestTextTests.list(fields)
        let area = UnsafeMutableRawBufferPointer.allocate(byteCount: HTTP2AnswerText.bound(list), alignment: 8)
        defer { area.deallocate() }
        var writer = ByteWriter(area)
        guard HTTP2AnswerText(list, endsStream: ends, to: &writer) != nil else { return nil }
        #expect(!writer.overflowed)
        return writer.view(0, writer.count).string
    }

    @Test func answers() {
        #expect(Self.answer([(":status", "200"), ("x", "y"), ("content-length", "3")])
            == "HTTP/1.1 200 \r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n")
        #expect(Self.answer([(":status", "503")], ends: true) == "HTTP/1.1 503 \r\ncontent-length: 0\r\n\r\n")
        let wrong: [[HTTP2RequestTextTests.Field]] = [
            [], [("x", "y")], [(":status", "20")], [(":status", "2000")], [(":status", "+20")], [(":status", "099")], [("x", "y"), (":status", "200")],
            [(":status", "200"), (":status", "200")], [(":status", "200"), (":path", "/")], [(":status", "200"), ("X", "y")],
            [(":status", "200"), ("x", "a\r\nb: c")], [(":status", "200"), ("connection", "close")], [(":status", "200"), ("transfer-encoding", "chunked")],
            [(":status", "200"), ("content-length", "3"), ("content-length", "3")], [(":status", "200"), ("content-length", "x")],
        ]
        for fields in wrong { #expect(Self.answer(fields) == nil, "\(fields)") }
    }

    @Test func trailers() {
        #expect(HTTP2AnswerText.trailers(HTTP2RequestTextTests.list([("grpc-status", "0")]))?.map(\.name) == [Array("grpc-status".utf8)])
        for (name, value) in [(":status", "200"), ("X", "y"), ("x", "a\nb"), ("connection", "x")] {
            #expect(HTTP2AnswerText.trailers(HTTP2RequestTextTests.list([(name, value)])) == nil, "\(name)")
        }
    }
}
