import GatewayPrimitives
import Testing

@testable import ProxyPipeline

/// Feeds `text` in pieces of `piece` bytes and returns the last progress and how many bytes were consumed in all.
func feed(_ head: MessageHead, _ text: [UInt8], piece: Int = .max) -> (progress: HeadProgress, consumed: Int) {
    var offset = 0
    while offset < text.count {
        let end = min(text.count, offset + min(piece, text.count))
        let progress = text[offset ..< end].withUnsafeBytes { head.feed($0) }
        switch progress {
        case .needsMore: offset = end
        case .complete(let consumed): return (progress, offset + consumed)
        case .refused: return (progress, offset)
        }
    }
    return (.needsMore, offset)
}

func scan(_ text: String, piece: Int = .max) -> (head: RequestHead, progress: HeadProgress, consumed: Int) {
    let head = RequestHead()
    let result = feed(head, Array(text.utf8), piece: piece)
    return (head, result.progress, result.consumed)
}

/// Everything that a head says, for comparing two readings.
private func summary(_ head: RequestHead, keepsEscapes: Bool = false) -> String {
    let normal = head.normalizePath(keepsEscapes: keepsEscapes)
    var text = "\(head.method) \(head.methodName.string) \(head.target.string) \(head.rawPath.string) "
    text += "\(head.query?.string ?? "-") \(normal ? head.path.string : "refused") \(head.host.string) \(head.port ?? -1) "
    text += "\(head.framing) \(head.keepsAlive) \(head.expectsContinue) \(head.isHTTP10)\n"
    for index in 0 ..< head.fieldCount {
        text += "\(head.name(at: index).string)=\(head.value(at: index).string) \(head.isRemoved(at: index)) \(head.known(at: index))\n"
    }
    return text
}

@Suite struct RequestHeadTests {
    @Test func readsAPlainRequest() throws {
        let text = "GET /a/b?x=1&y HTTP/1.1\r\nHost: API.Example.com:8080\r\nX-Stage:  RELEASE \r\nAccept: */*\r\n\r\nrest"
        let (head, progress, consumed) = scan(text)
        #expect(progress == .complete(consumed: text.utf8.count - 4))
        #expect(consumed == text.utf8.count - 4)
        #expect(head.method == .get)
        #expect(head.normalizePath(keepsEscapes: false))
        #expect(head.path.string == "/a/b")
        #expect(head.query?.string == "x=1&y")
        #expect(head.host.string == "api.example.com")
        #expect(head.port == 8080)
        #expect(head.value(.xStage)?.string == "RELEASE")
        #expect(head.value(named: ByteView("accept"))?.string == "*/*")
        #expect(head.framing == .none)
        #expect(head.keepsAlive)
    }

    @Test func isReusable() {
        let head = RequestHead()
        for round in 0 ..< 3 {
            let text = "POST /\(round) HTTP/1.1\r\nHost: h\r\nContent-Length: \(round)\r\n\r\n"
            #expect(feed(head, Array(text.utf8)).progress == .complete(consumed: text.utf8.count))
            #expect(head.framing == .length(round))
            #expect(head.fieldCount == 2)
            head.reset()
            #expect(head.isUntouched)
        }
    }

    static let refused: [(String, HeadDefect)] = [
        ("GET / HTTP/1.1\nHost: h\r\n\r\n", .lineEnd),
        ("GET / HTTP/1.1\r\nHost: h\n\r\n", .lineEnd),
        ("GET / HTTP/1.1\r\nHost: h\r\n\n", .lineEnd),
        ("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .lineEnd),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", .fieldValue),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", .fieldValue),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: 123456789\u{1}\r\n\r\n", .fieldValue),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: 12345678\u{7F}\r\n\r\n", .fieldValue),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", .fieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n", .fieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\nX\u{1}: v\r\n\r\n", .fieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", .fieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", .foldedLine),
        ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", .foldedLine),
        ("GET / HTTP/1.1\r\nHost: h\r\n\tX: a\r\n\r\n", .foldedLine),
        ("GET / HTTP/1.1\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: h:99999\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: h:+80\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: h:80:80\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: .\r\n\r\n", .host),
        ("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", .host),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", .host),
        ("GET http://a/ HTTP/1.1\r\n\r\n", .host),
        ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET /?a#f HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", .target),
        ("GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", .pathEscape),
        ("GET /%4?x HTTP/1.1\r\nHost: a\r\n\r\n", .pathEscape),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", .pathEscape),
        ("GET /% HTTP/1.1\r\nHost: a\r\n\r\n", .pathEscape),
        ("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", .method),
        ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", .method),
        ("\(String(repeating: "A", count: 33)) / HTTP/1.1\r\nHost: h\r\n\r\n", .method),
        (" GET / HTTP/1.1\r\nHost: h\r\n\r\n", .startLine),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .startLine),
        ("GET /\r\nHost: h\r\n\r\n", .startLine),
        ("GET / \r\nHost: h\r\n\r\n", .version),
        ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .version),
        ("GET /\tHTTP/1.1\r\nHost: h\r\n\r\n", .startLine),
        ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", .version),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", .version),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .version),
        ("GET / http/1.1\r\nHost: h\r\n\r\n", .version),
        ("GET / HTTP/1.10\r\nHost: h\r\n\r\n", .version),
        ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .leadingLines),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1 1\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999999999999999\r\n\r\n", .contentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthAndTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", .lengthAndTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n", .fieldValue),
        ("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nExpect: something\r\n\r\n", .expectation),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: \(Array(repeating: "a", count: 33).joined(separator: ","))\r\n\r\n", .connectionOptions),
    ]

    @Test(arguments: refused) func refuses(_ text: String, _ defect: HeadDefect) {
        #expect(scan(text).progress == .refused(.malformed(defect)))
        #expect(scan(text, piece: 1).progress == .refused(.malformed(defect)))
    }

    static let accepted = [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://H:81/x?y HTTP/1.1\r\nHost: h:81\r\n\r\n",
        "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n",
        "PURGE /a%2Fb/%41?%zz&[] HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h.\r\nContent-Length: 007\r\nConnection: close, X-Own\r\nX-Own: 1\r\nTE: trailers\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX-Tab:\ta\tb\t\r\nX-Text: \u{E9}\r\nProxy-Connection: keep-alive\r\n\r\n",
        "GET /a{b}|c HTTP/1.1\r\nHost: h:\r\nX-Sdk-Date: x\r\n\r\n",
    ]

    @Test(arguments: accepted) func readsTheSameInAnyPieces(_ text: String) {
        let whole = scan(text + "trailing bytes")
        #expect(whole.progress == .complete(consumed: text.utf8.count))
        for piece in 1 ... text.utf8.count {
            let cut = scan(text + "trailing bytes", piece: piece)
            #expect(cut.consumed == text.utf8.count)
            #expect(summary(cut.head) == summary(whole.head))
        }
    }

    @Test func hopByHopFieldsAreGone() {
        let (head, _, _) = scan(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: x-own, host, Keep-Alive\r\nX-Own: 1\r\nTE: trailers\r\nTrailer: x\r\n"
                + "Proxy-Authorization: x\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nX-Kept: 1\r\n\r\n")
        let left = (0 ..< head.fieldCount).filter { !head.isRemoved(at: $0) }.map { head.name(at: $0).string }
        #expect(left == ["Host", "X-Kept"])
        #expect(head.value(named: ByteView("x-own")) == nil)
    }

    @Test func limitsAreExact() {
        let host = "Host: h\r\n"
        func target(_ count: Int) -> String { "GET /\(String(repeating: "a", count: count - 1)) HTTP/1.1\r\n\(host)\r\n" }
        #expect(scan(target(HTTPLimits.target)).progress != .refused(.targetTooLong))
        #expect(scan(target(HTTPLimits.target + 1)).progress == .refused(.targetTooLong))
        #expect(scan(target(HTTPLimits.target + 1), piece: 1000).progress == .refused(.targetTooLong))
        // Without a line end the limit holds as well.
        #expect(scan("GET /" + String(repeating: "a", count: 40_000)).progress == .refused(.targetTooLong))

        func line(_ count: Int) -> String {
            "GET / HTTP/1.1\r\n\(host)X: \(String(repeating: "a", count: count - 3))\r\n\r\n"
        }
        #expect(scan(line(HTTPLimits.headerLine)).progress == .complete(consumed: line(HTTPLimits.headerLine).utf8.count))
        #expect(scan(line(HTTPLimits.headerLine + 1)).progress == .refused(.headersTooLarge))
        #expect(scan(line(HTTPLimits.headerLine + 1), piece: 100).progress == .refused(.headersTooLarge))
        #expect(scan("GET / HTTP/1.1\r\n\(host)X: " + String(repeating: "a", count: 40_000)).progress == .refused(.headersTooLarge))

        let long = "X: " + String(repeating: "a", count: 16_000) + "\r\n"
        #expect(scan("GET / HTTP/1.1\r\n\(host)" + String(repeating: long, count: 9) + "\r\n").progress == .refused(.headersTooLarge))
        let many = String(repeating: "X: 1\r\n", count: HTTPLimits.fieldCount)
        #expect(scan("GET / HTTP/1.1\r\n\(host)\(many)\r\n").progress == .refused(.headersTooLarge))
        let fits = String(repeating: "X: 1\r\n", count: HTTPLimits.fieldCount - 1)
        #expect(scan("GET / HTTP/1.1\r\n\(host)\(fits)\r\n").head.fieldCount == HTTPLimits.fieldCount)
    }

    static let paths: [(String, Bool, String?)] = [
        ("/a/b", false, "/a/b"),
        ("/aa%2Faa", false, "/aa/aa"),
        ("/aa%2faa", true, "/aa%2faa"),
        ("/%41%42", false, "/AB"),
        ("/%41%42", true, "/%41%42"),
        ("/%2541", false, "/%41"),
        ("/a/../b", false, nil),
        ("/..", false, nil),
        ("/.", false, nil),
        ("/a/./b", true, nil),
        ("/a/%2e%2E/b", false, nil),
        ("/a/%2e%2E/b", true, nil),
        ("/a%2F..%2Fb", false, nil),
        ("/a%2F..%2Fb", true, nil),
        ("/a%2F.", true, nil),
        ("/a/.../b", false, "/a/.../b"),
        ("/a/..b/.c/d.", false, "/a/..b/.c/d."),
        ("/%00", false, nil),
        ("/%00", true, nil),
        ("/%C3%A9", false, "/é"),
        ("//a//", false, "//a//"),
    ]

    @Test(arguments: paths) func normalizes(_ path: String, _ keepsEscapes: Bool, _ expected: String?) {
        let (head, progress, _) = scan("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
        guard case .complete = progress else {
            Issue.record("not complete")
            return
        }
        let good = head.normalizePath(keepsEscapes: keepsEscapes)
        #expect((good ? head.path.string : nil) == expected)
    }

    /// Mutated requests: no crash, and the same verdict whether the bytes come at once or one by one.
    @Test func mutationsReadTheSameDripped() {
        var random = SeededRandom(seed: 20_261_121)
        let corpus = Self.accepted + Self.refused.map(\.0)
        for _ in 0 ..< 4000 {
            var bytes = Array(corpus[Int.random(in: 0 ..< corpus.count, using: &random)].utf8)
            for _ in 0 ..< Int.random(in: 1 ... 4, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: 0 ..< bytes.count, using: &random)
                switch Int.random(in: 0 ..< 4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0 ... 255, using: &random)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert([0x0A, 0x0D, 0x20, 0x3A, 0x00, 0x25, 0x2F][Int.random(in: 0 ..< 7, using: &random)], at: at)
                default: bytes.insert(contentsOf: bytes[at ..< min(bytes.count, at + 12)], at: at)
                }
            }
            let whole = RequestHead()
            let dripped = RequestHead()
            let first = feed(whole, bytes)
            let second = feed(dripped, bytes, piece: 1)
            switch (first.progress, second.progress) {
            case (.complete, .complete):
                #expect(first.consumed == second.consumed)
                #expect(summary(whole) == summary(dripped))
            case (.refused(let a), .refused(let b)): #expect(a == b)
            case (.needsMore, .needsMore): break
            default: Issue.record("\(first) differs from \(second) for \(bytes)")
            }
        }
    }
}

/// SplitMix64: the same sequence in every run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
