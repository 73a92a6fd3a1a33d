import NIOCore
import ProxyPipeline
import Testing

@testable import ProxyServer

/// A head that was written for a backend, as it goes over HTTP/2.
@Suite struct HTTP2RequestFieldsTests {
    static func read(_ text: String, usesTLS: Bool = false) -> HTTP2RequestFields? {
        HTTP2RequestFields(ByteBuffer(string: text), usesTLS: usesTLS)
    }

    @Test func pseudoFieldsComeFirst() throws {
        let head = "POST /p.S/M?a=b HTTP/1.1\r\nHost: h:1\r\nX-Mine: a: b\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n"
        let read = try #require(Self.read(head + "5\r\nrest", usesTLS: true))
        #expect(read.text == ":method: POST\r\n:scheme: https\r\n:path: /p.S/M?a=b\r\n:authority: h:1\r\nte: trailers\r\nx-mine: a: b\r\n\r\n")
        #expect(read.framing == .chunked && read.byteCount == head.utf8.count)
    }

    @Test func lengths() throws {
        #expect(try #require(Self.read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n")).framing == .length(7))
        let none = try #require(Self.read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"))
        #expect(none.framing == .none && !none.text.contains("content-length"))
    }

    @Test(arguments: ["", "POST / HTTP/1.1\r\nHost: h\r\n", "POST / HTTP/1.1\r\nHost: h\r\n\r", "POST /\r\n\r\n", "POST / HTTP/1.1\r\nHost\r\n\r\n"])
    func notWhole(_ text: String) { #expect(Self.read(text) == nil) }
}
