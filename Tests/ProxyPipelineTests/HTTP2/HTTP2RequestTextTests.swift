import GatewayPrimitives
import Testing

@testable import ProxyPipeline

/// A request of HTTP/2 as the reader of HTTP/1.1 gets it; the frames are not asked here, so that this alone must be safe.
@Suite struct HTTP2RequestTextTests {
    typealias Field = (name: String, value: String)

    static let pseudo: [Field] = [(":method", "GET"), (":scheme", "https"), (":authority", "h"), (":path", "/a?b=c")]

    static func list(_ fields: [Field]) -> HTTP2FieldList {
        let list = HTTP2FieldList()
        for field in fields {
            for text in [field.name, field.value] { Array(text.utf8).withUnsafeBytes { list.append(ByteView($0)) } }
            _ = list.close(nameCount: field.name.utf8.count, valueCount: field.value.utf8.count)
        }
        return list
    }

    static func text(_ fields: [Field], ends: Bool = true) -> String? {
        let list = list(fields)
        let area = UnsafeMutableRawBufferPointer.allocate(byteCount: HTTP2RequestText.bound(list), alignment: 8)
        defer { area.deallocate() }
        var writer = ByteWriter(area)
        guard HTTP2RequestText(list, endsStream: ends, to: &writer) != nil else { return nil }
        #expect(!writer.overflowed)
        return writer.view(0, writer.count).string
    }

    static func replacing(_ name: String, _ value: String?) -> [Field] {
        pseudo.compactMap { $0.name == name ? value.map { (name, $0) } : $0 }
    }

    @Test func isOneRequest() {
        #expect(Self.text(Self.pseudo + [("accept", "*/*")]) == "GET /a?b=c HTTP/1.1\r\nhost: h\r\naccept: */*\r\n\r\n")
        #expect(Self.text(Self.pseudo, ends: false) == "GET /a?b=c HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
        #expect(Self.text(Self.pseudo + [("content-length", "3")], ends: false) == "GET /a?b=c HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\n")
        #expect(Self.text(Self.pseudo + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")])
            == "GET /a?b=c HTTP/1.1\r\nhost: h\r\nx: y\r\ncookie: a=1; b=2\r\n\r\n")
        #expect(Self.text(Self.pseudo + [("te", "trailers")]) == "GET /a?b=c HTTP/1.1\r\nhost: h\r\n\r\n")
        #expect(Self.text(Self.replacing(":authority", nil) + [("host", "h")]) == "GET /a?b=c HTTP/1.1\r\nhost: h\r\n\r\n")
        #expect(Self.text(Self.pseudo + [("host", "H")]) != nil)
        #expect(Self.text(Self.pseudo + [("content-length", "0")]) == "GET /a?b=c HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n")
    }

    @Test func manyCookiesFitTheBound() {
        let crumbs = (0..<500).map { ("cookie", "c\($0)=\($0)") }
        #expect(Self.text(Self.pseudo + crumbs)?.hasSuffix("; c499=499\r\n\r\n") == true)
    }

    @Test(arguments: [
        (":method", nil), (":path", nil), (":scheme", nil), (":authority", nil), (":method", ""), (":method", "GET /x"), (":method", "GET\r\n"),
        (":path", ""), (":path", "a"), (":path", "http://x/"), (":path", "/a b"), (":path", "/a\r\n"), (":path", "/a\u{7F}"), (":path", "/\0"),
        (":scheme", "ftp"), (":scheme", ""), (":authority", ""), (":authority", "h x"), (":authority", "h\r\nx: y"),
    ] as [(String, String?)])
    func refusesPseudoFields(_ name: String, _ value: String?) { #expect(Self.text(Self.replacing(name, value)) == nil) }

    @Test(arguments: [
        ("connection", "close"), ("proxy-connection", "x"), ("keep-alive", "1"), ("transfer-encoding", "chunked"), ("upgrade", "h2c"),
        ("http2-settings", "x"), ("te", "gzip"), ("te", "trailers, gzip"), ("X", "y"), ("", "y"), ("x y", "z"), ("x:", "y"), ("x\r\n", "y"),
        ("x", "a\r\nb: c"), ("x", "a\nb"), ("x", "a\rb"), ("x", "a\0b"), ("x", "a\u{1}b"), ("host", "other"), (":path", "/b"), (":status", "200"),
        (":protocol", "websocket"), (":x", "y"), ("content-length", "3"),
    ])
    func refusesFields(_ name: String, _ value: String) { #expect(Self.text(Self.pseudo + [(name, value)]) == nil) }

    @Test func refusesWhatIsTwice() {
        for field in Self.pseudo { #expect(Self.text([field] + Self.pseudo) == nil, "\(field)") }
        #expect(Self.text(Self.pseudo + [("content-length", "3"), ("content-length", "3")], ends: false) == nil)
        #expect(Self.text(Self.pseudo + [("host", "h"), ("host", "h")]) == nil)
        #expect(Self.text([("x", "y")] + Self.pseudo) == nil, "pseudo-fields come first")
    }

    @Test func trailers() {
        #expect(HTTP2RequestText.areTrailers(Self.list([("x", "y")])))
        for (name, value) in [(":path", "/"), ("X", "y"), ("x", "a\r\nb"), ("connection", "x"), ("", "y")] {
            #expect(!HTTP2RequestText.areTrailers(Self.list([(name, value)])), "\(name)")
        }
    }
}
