import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import Testing

@Suite struct MappingTests {
    @Test func theDocumentedExample() throws {
        let bench = try MappingBench(
            [parameter("test01", .path), parameter("test02", .header), parameter("test03")],
            [mapped("test01", .header, "test01"), mapped("test05", .path, "test02"), mapped("test03", .header, "test03")],
            path: "/v1.0/{test01}", to: "/v1.0/{test05}")
        let sent = try #require(bench.send("/v1.0/aaa?test03=ccc", ["test02: bbb"]).sent)
        #expect(sent.target == "/v1.0/bbb")
        #expect(sent.all("test01") == ["aaa"] && sent.all("test03") == ["ccc"] && sent.all("test02").isEmpty)
    }

    @Test func routesWithoutMappingAreAsTheyWere() throws {
        let plain = try MappingBench([parameter("q"), parameter("X-H", .header)])
        #expect(plain.route.backends.reading == nil && plain.route.backends.standard.mapping == nil && !plain.route.needsValues)
        #expect(plain.send("/a?q=%31&&u").sent?.target == "/b?q=%31&&u")
        let moved = try MappingBench([parameter("p", .path)], [mapped("q", .path, "p")], path: "/a/{p}", to: "/b/pre-{q}-post")
        #expect(moved.route.backends.reading == nil && moved.route.backends.standard.mapping == nil)
        #expect(moved.send("/a/x%2520y").sent?.target == "/b/pre-x%2520y-post")
    }

    @Test(arguments: [
        ("/a?q=1&u=2&q=3", "/b?u=2&x=1&x=3"), ("/a?u=%20+x", "/b?u=%20+x"), ("/a?q", "/b?x="), ("/a", "/b"), ("/a?", "/b?"),
        ("/a?x=client&q=1", "/b?x=1"), ("/a?x=client", "/b"), ("/a?%71=1&%78=2", "/b?x=1"), ("/a?u&&q=1&v", "/b?u&v&x=1"),
        ("/a?q=%5Bapi%5D", "/b?x=%5Bapi%5D"), ("/a?q=a%26b%3Dc%2Bd+e", "/b?x=a%26b%3Dc%2Bd%20e"), ("/a?q=%00%C3%A4/:?", "/b?x=%00%C3%A4/:?"),
    ])
    func queryToQuery(_ received: String, _ sent: String) throws {
        let bench = try MappingBench([parameter("q")], [mapped("x", .query, "q")])
        #expect(bench.send(received).sent?.target == sent)
    }

    @Test(arguments: [
        ("/a?q=x", "/b/x/c"), ("/a?q=%5Bapi%5D", "/b/%5Bapi%5D/c"), ("/a?q=a/b", "/b/a%2Fb/c"), ("/a?q=a%26b%3D%3F", "/b/a&b=%3F/c"),
        ("/a?q=...", "/b/.../c"), ("/a?q=1&q=2", "/b/1/c"),
    ])
    func queryToPath(_ received: String, _ sent: String) throws {
        let bench = try MappingBench([parameter("q")], [mapped("x", .path, "q")], to: "/b/{x}/c")
        #expect(bench.send(received).sent?.target == sent)
    }

    @Test(arguments: ["/a", "/a?q=", "/a?q=.", "/a?q=..", "/a?q=%2E%2E", "/a?q=../..", "/a?q=x/..", "/a?q=x%5C..", "/a?q=./x"])
    func pathsThatWouldMeanAnotherOne(_ received: String) throws {
        let bench = try MappingBench([parameter("q")], [mapped("x", .path, "q")], to: "/b/{x}/c")
        #expect(bench.send(received).refused == .parameterRejected)
    }

    @Test func dotsThatPiecesMakeTogether() throws {
        let bench = try MappingBench([parameter("q")], [mapped("x", .path, "q")], to: "/b/.{x}")
        #expect(bench.send("/a?q=.").refused == .parameterRejected)
        #expect(bench.send("/a?q=x").sent?.target == "/b/.x")
    }

    @Test func prefixes() throws {
        let bench = try MappingBench(
            [parameter("p", .path), parameter("q")], [mapped("x", .path, "q"), mapped("y", .path, "p")], path: "/a/{p}", to: "/b/{x}/{y}/",
            matchMode: .prefix)
        #expect(bench.send("/a/one/two/three?q=four").sent?.target == "/b/four/one/two/three")
        #expect(bench.send("/a/one?q=four").sent?.target == "/b/four/one/")
    }

    @Test func encodedPathsStayEncoded() throws {
        var bench = try MappingBench(
            [parameter("p", .path)], [mapped("x", .path, "p"), mapped("X-P", .header, "p"), mapped("q", .query, "p")], path: "/a/{p}",
            to: "/b/{x}")
        #expect(bench.send("/a/x%20y").sent?.target == "/b/x%20y?q=x%20y")
        bench.keepsEscapes = true
        let sent = try #require(bench.send("/a/aa%2Faa").sent)
        #expect(sent.target == "/b/aa%2Faa?q=aa%252Faa" && sent.all("X-P") == ["aa%2Faa"])
    }

    @Test(arguments: ["%0d%0aX-Evil:%201", "a%0a", "%00", "%7F", "%1f"])
    func controlBytesForHeadersAreRefused(_ value: String) throws {
        let bench = try MappingBench([parameter("q")], [mapped("X-Q", .header, "q")])
        #expect(bench.send("/a?q=\(value)").refused == .parameterRejected)
        #expect(bench.send("/a?q=fine&q=\(value)").refused == .parameterRejected, "all values are sent")
        #expect(bench.send("/a?q=a%09b%E2%82%AC").sent?.all("X-Q") == ["a\tb\u{20AC}"])
    }

    @Test func constantsAndSystemValuesWin() throws {
        let bench = try MappingBench(
            [],
            [
                mapped("X-Fixed", .header, .constant, "gateway"), mapped("fixed", .query, .constant, "[api] &"),
                mapped("x", .path, .constant, "a/b c"), mapped("X-Stage-Name", .header, .system, "$context.stage"),
                mapped("X-Real-IP", .header, .constant, "spoofed-by-choice"), mapped("Host", .header, .constant, "inner.example:8080"),
            ], to: "/b/{x}")
        let sent = try #require(
            bench.send("/a?fixed=client&u=1", ["x-fixed: client", "X-FIXED: client", "X-Stage-Name: client", "X-Real-IP: 1.1.1.1"]).sent)
        #expect(sent.target == "/b/a%2Fb%20c?u=1&fixed=%5Bapi%5D%20%26")
        #expect(sent.all("X-Fixed") == ["gateway"] && sent.all("X-Stage-Name") == ["RELEASE"] && sent.all("X-Real-IP") == ["spoofed-by-choice"])
        #expect(sent.all("Host") == ["inner.example:8080"] && sent.all("X-Forwarded-Host") == ["front"])
    }

    @Test func everySystemValue() throws {
        let names = [
            "sourceIp", "stage", "apiId", "apiName", "appId", "appName", "requestId", "serverAddr", "serverName", "handleTime", "providerAppId",
            "clientCertCN",
        ]
        var bench = try MappingBench(
            [],
            names.map { mapped("X-\($0)", .header, .system, "$context.\($0)") } + [
                mapped("X-User", .header, .system, "$context.authorizer.frontend.user"),
                mapped("X-None", .header, .system, "$context.authorizer.frontend.none"),
                mapped("role", .query, .system, "$context.authorizer.frontend.role"),
            ])
        bench.frontend = AuthorizerContext([Array("user".utf8): Array("u 1".utf8), Array("role".utf8): Array("a&b".utf8)])
        let sent = try #require(bench.send("/a?role=client", ["X-User: client", "X-None: client"]).sent)
        #expect(
            names.map { sent.all("X-\($0)") } == [
                ["192.0.2.1"], ["RELEASE"], ["api1"], ["api"], [""], [""], ["00000000000000010000000000000002"], ["10.0.0.100"], ["node-1"],
                ["1704164645000"], [""], [""],
            ])
        #expect(sent.all("X-User") == ["u 1"] && sent.all("X-None").isEmpty && sent.target == "/b?role=a%26b")
        bench.frontend = AuthorizerContext([Array("user".utf8): Array("a\r\nb".utf8)])
        #expect(bench.send("/a").refused == .parameterRejected)
    }

    @Test func defaultsAndHeldBack() throws {
        let bench = try MappingBench(
            [
                parameter("kept", default: "k 1"), parameter("held", pass: false, default: "h"), parameter("X-Kept", .header, default: "k"),
                parameter("X-Held", .header, pass: false), parameter("moved", default: "m"),
            ], [mapped("X-Moved", .header, "moved")])
        let bare = try #require(bench.send("/a?u=1", ["X-U: 2"]).sent)
        #expect(bare.target == "/b?u=1&kept=k%201" && bare.all("X-Kept") == ["k"] && bare.all("X-Moved") == ["m"])
        #expect(bare.all("X-U") == ["2"])
        let full = try #require(
            bench.send("/a?kept=%41&held=2&moved=3", ["x-kept: one", "X-Kept: two", "X-Held: 4"]).sent)
        #expect(full.target == "/b?kept=%41" && full.all("X-Kept") == ["one", "two"] && full.all("X-Moved") == ["3"])
        #expect(full.all("X-Held").isEmpty)
    }

    @Test func aMappedContentTypeIsTheOnlyOne() throws {
        let bench = try MappingBench([parameter("type")], [mapped("Content-Type", .header, "type")]) { $0.contentType = "text/plain" }
        let post = "POST /a%@ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Type: a/b\r\n\r\n"
        func types(_ query: String) -> [String]? {
            bench.send(Array(post.split(separator: "%@").joined(separator: query).utf8)).sent?.all("Content-Type")
        }
        #expect(types("?type=c/d") == ["c/d"])
        #expect(types("") == ["text/plain"])
    }

    @Test func mappedHostsMustBeHosts() throws {
        let bench = try MappingBench([parameter("h")], [mapped("Host", .header, "h")])
        #expect(bench.send("/a?h=inner:81").sent?.all("Host") == ["inner:81"])
        for wrong in ["a%20b", "a/b", "", "a,b"] { #expect(bench.send("/a?h=\(wrong)").refused == .parameterRejected) }
        #expect(bench.send("/a").sent?.all("Host") == ["backend:80"])
    }

    @Test func mappingHasALimit() throws {
        let parameters = (0..<40).map { mapped("X-\($0)", .header, "q") }
        let bench = try MappingBench([parameter("q")], parameters)
        #expect(bench.send("/a?q=" + String(repeating: "x", count: 1000)).sent?.all("X-39").first?.count == 1000)
        #expect(bench.send("/a?q=" + String(repeating: "x", count: 20_000)).refused == .parameterRejected)
    }
}
