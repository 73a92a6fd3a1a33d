import NIOCore
import Testing

@testable import ProxyServer

/// A request of HTTP/2 as the reader of HTTP/1.1 gets it; the frame layer is not asked here, so that this alone must be safe.
@Suite struct HTTP2RequestTextTests {
    typealias Field = (name: String, value: String)

    static let pseudo: [Field] = [(":method", "GET"), (":scheme", "https"), (":authority", "h"), (":path", "/a?b=c")]

    static func text(_ fields: [Field], ends: Bool = true) -> String? {
        HTTP2RequestText(fields, endsStream: ends).map { String(buffer: $0.text) }
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
        (":protocol", "websocket"), (":x", "y"),
    ])
    func refusesFields(_ name: String, _ value: String) { #expect(Self.text(Self.pseudo + [(name, value)]) == nil) }

    @Test func refusesWhatIsTwice() {
        for field in Self.pseudo { #expect(Self.text([field] + Self.pseudo) == nil, "\(field)") }
        #expect(Self.text(Self.pseudo + [("content-length", "3"), ("content-length", "3")], ends: false) == nil)
        #expect(Self.text(Self.pseudo + [("host", "h"), ("host", "h")]) == nil)
        #expect(Self.text([("x", "y")] + Self.pseudo) == nil, "pseudo-fields come first")
    }

    @Test func everyFrameIsFound() {
        func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] { [0, 0, UInt8(payload.count), type, 0, 0, 0, 0, 1] + payload }
        let data = frame(0, [UInt8](repeating: 7, count: 200))
        let goodbye = frame(7, [0, 0, 0, 1, 0, 0, 0, 0])
        let failure = frame(7, [0, 0, 0, 1, 0, 0, 0, 1])
        func finds(_ bytes: [UInt8], step: Int) -> Bool {
            var scanner = FrameScanner()
            var result = false
            for start in stride(from: 0, to: bytes.count, by: step) {
                result = bytes[start..<min(bytes.count, start + step)].withUnsafeBytes { scanner.findsFailure($0) } || result
            }
            return result
        }
        for step in [1, 2, 3, 9, 10, 17, 1000] {
            #expect(!finds(data + goodbye + frame(4, []) + data, step: step), "\(step)")
            #expect(finds(data + goodbye + frame(4, []) + data + failure, step: step), "\(step)")
        }
    }
}
