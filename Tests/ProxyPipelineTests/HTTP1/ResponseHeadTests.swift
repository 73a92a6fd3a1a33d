import GatewayPrimitives
import Testing

@testable import ProxyPipeline

@Suite struct ResponseHeadTests {
    private func scan(_ text: String, answersHead: Bool = false, piece: Int = .max) -> (ResponseHead, HeadProgress) {
        let head = ResponseHead()
        head.answersHead = answersHead
        return (head, feed(head, Array(text.utf8), piece: piece).progress)
    }

    static let framings: [(String, Bool, BodyFraming, Bool)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, .length(5), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, .none, true),
        ("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", false, .chunked, true),
        ("HTTP/1.1 200 \r\n\r\n", false, .untilClose, false),
        ("HTTP/1.1 204 No Content\r\n\r\n", false, .none, true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, .none, true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", false, .length(5), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false, .length(5), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", false, .length(5), true),
        ("HTTP/1.1 100 Continue\r\n\r\n", false, .none, true),
    ]

    @Test(arguments: framings) func frames(_ text: String, _ isHead: Bool, _ framing: BodyFraming, _ keepsAlive: Bool) {
        for piece in [Int.max, 1, 7] {
            let (head, progress) = scan(text, answersHead: isHead, piece: piece)
            if case .complete = progress {} else { Issue.record("\(progress)") }
            #expect(head.framing == framing)
            #expect(head.keepsAlive == keepsAlive)
        }
    }

    static let bad = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 5\n\n",
        "HTTP/1.1 99 OK\r\n\r\n", "HTTP/1.1 999 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
        "HTTP/2 200\r\n\r\n", "ICY 200 OK\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 O\u{1}K\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        "HTTP/1.1 200 " + String(repeating: "a", count: 5000) + "\r\n\r\n",
    ]

    @Test(arguments: bad) func refuses(_ text: String) {
        guard case .refused = scan(text).1, case .refused = scan(text, piece: 1).1 else {
            Issue.record("accepted")
            return
        }
    }
}
