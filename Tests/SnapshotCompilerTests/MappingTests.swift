import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

/// Definitions compiled, and what is written to the backend for requests to them.
struct MappingBench {
    let route: Route
    let scratch = StageScratch(nodeName: "node-1", nodeAddress: "10.0.0.100")
    var keepsEscapes = false
    var frontend: AuthorizerContext?

    init(
        _ requestParameters: [RequestParameter] = [], _ backendParameters: [BackendParameter] = [], path: String = "/a",
        to backendPath: String = "/b", matchMode: PathMatchMode = .normal, rules: [OrchestrationRule] = [],
        change: (inout APIDefinition) -> Void = { _ in }
    ) throws {
        var definition = APIDefinition(
            name: "api", groupID: "g", type: 1, reqProtocol: .both, reqMethod: .any, reqURI: path, matchMode: matchMode, authType: .none,
            backendType: .http)
        definition.requestParameters = requestParameters
        definition.backendParameters = backendParameters
        definition.http = HTTPBackendDefinition(
            id: "", reqProtocol: "HTTP", reqMethod: .any, reqURI: backendPath, address: "backend:80", timeoutMilliseconds: 5000)
        change(&definition)
        var api = PublishedAPI(
            publicationID: "p", apiID: "api1", instanceID: "i", groupID: "g", groupName: "group", environmentID: "e",
            environmentName: "RELEASE", definition: definition)
        for rule in rules { api.orchestrations[rule.id] = rule }
        route = try RouteCompiler(policies: PolicyCompiler()).compile(api, settings: InstanceSettings(instanceID: "i"))
    }

    enum Outcome {
        case refused(GatewayFailure)
        case mock(MockBackend)
        case sent(Sent)

        var sent: Sent? { if case .sent(let sent) = self { sent } else { nil } }
        var refused: GatewayFailure? { if case .refused(let failure) = self { failure } else { nil } }
    }

    /// The way of a request from its head to the backend.
    func send(_ target: String, _ lines: [String] = [], method: String = "GET", from address: String = "192.0.2.1") -> Outcome {
        send(Array("\(method) \(target) HTTP/1.1\r\nHost: front\r\n\(lines.map { $0 + "\r\n" }.joined())\r\n".utf8), from: address)
    }

    func send(_ bytes: [UInt8], from address: String = "192.0.2.1") -> Outcome {
        let head = RequestHead()
        let captures = RouteCaptures()
        guard case .complete = bytes.withUnsafeBytes({ head.feed($0) }), head.normalizePath(keepsEscapes: keepsEscapes),
            RouteTable().inserting(route).match(path: head.path.buffer, method: .get, captures: captures) != nil
        else { preconditionFailure("not a request to the route: \(String(decoding: bytes, as: UTF8.self))") }
        let peer = IPAddress(address)!
        let values = RequestValues(
            facts: RequestFacts(
                head: head, peer: peer, clientAddress: peer, usesTLS: false, nowMilliseconds: 1_704_164_645_000, nowNanoseconds: 1_000_000,
                requestID: RequestID(high: 1, low: 2)),
            identity: route.identity, scratch: scratch)
        values.frontendContext = frontend
        let parameters = route.backends.reading == nil ? nil : MappedRequest()
        var outcome = Pipeline.Outcome()
        switch Pipeline.destination(
            route, head, InstanceContext(InstanceSettings(instanceID: "i")), values: values, captures: captures, parameters: parameters, outcome: &outcome)
        {
        case .refuse(let failure): return .refused(failure)
        case .mock(let mock): return .mock(mock)
        case .forward, .function: preconditionFailure("there is no breaker")
        case .choice(let choice):
            if let mapping = choice.mapping, let failure = parameters?.map(mapping, values, captures) { return .refused(failure) }
            switch choice.backend {
            case .mock(let mock): return .mock(mock)
            case .function: preconditionFailure("there is no function")
            case .http(let backend):
                let request = ForwardedRequest(
                    backend: backend, captures: captures, framing: head.framing, peerText: Array(address.utf8), clientText: nil,
                    listenerPort: 80, usesTLS: false, requestID: values.facts.requestID)
                request.defaultContentType = route.policies.defaultContentType
                if choice.mapping != nil { request.parameters = parameters }
                let area = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestWriter.bound(head, request), alignment: 8)
                defer { area.deallocate() }
                var writer = ByteWriter(area)
                let failed = (try? RequestWriter.write(head, request, to: &writer)) == nil
                #expect(!failed && !writer.overflowed, "the bound is too small")
                let read = RequestHead()
                let written = Array(area[0..<writer.count])
                guard case .complete = written.withUnsafeBytes({ read.feed($0) }), read.normalizePath(keepsEscapes: true) else {
                    Issue.record("not a request: \(String(decoding: written, as: UTF8.self))")
                    return .refused(.internalError)
                }
                return .sent(Sent(read))
            }
        }
    }
}

/// A request as the backend reads it.
struct Sent {
    let target: String
    let headers: [(name: String, value: [UInt8])]
    var path: String { String(target.prefix { $0 != "?" }) }

    init(_ head: RequestHead) {
        target = head.target.string
        headers = (0..<head.fieldCount).map { (head.name(at: $0).string, head.value(at: $0).array) }
    }

    func all(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name.lowercased() }.map { String(decoding: $0.value, as: UTF8.self) }
    }
}

func parameter(
    _ name: String, _ location: ParameterLocation = .query, pass: Bool = true, default value: String? = nil,
    required: Bool = false, rules: [String]? = nil
) -> RequestParameter {
    RequestParameter(
        id: "", name: name, type: "STRING", location: location, required: required || location == .path, defaultValue: value,
        passThrough: pass, orchestrations: rules)
}

func mapped(
    _ name: String, _ location: ParameterLocation, _ origin: BackendParameter.Origin, _ value: String
) -> BackendParameter { BackendParameter(id: "", origin: origin, name: name, location: location, value: value) }

func mapped(_ name: String, _ location: ParameterLocation, _ source: String) -> BackendParameter {
    mapped(name, location, .request, source)
}

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

/// Random definitions and requests against a plain model.
@Suite struct MappingPropertyTests {
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var value = state
            value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
            return value ^ (value >> 33)
        }
        mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
    }

    private static let queries = ["a", "b", "c", "d", "u", "v"]
    private static let headers = ["X-A", "X-B", "X-C", "X-D", "X-U"]
    private static let bytes = Array("abcXYZ019 ?></%#\"[\\]^`{|}&+=.:;,@!$'()*~-_".utf8) + [0x01, 0x7F, 0xC3, 0xA4, 0x09]

    private static func text(_ random: inout Random, plain: Bool = false) -> [UInt8] {
        (0..<Int.random(in: 0...5, using: &random)).map { _ in
            plain || random.chance(70) ? Array("abcdef0123".utf8).randomElement(using: &random)! : bytes.randomElement(using: &random)!
        }
    }

    /// Letters and digits as they are or encoded, everything else encoded.
    private static func escaped(_ text: [UInt8], _ random: inout Random) -> String {
        text.map { byte in
            let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
            if byte == 0x20, random.chance(30) { return "+" }
            return isPlain && random.chance(90) ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// The tables of gateway-runtime.md, 3.2, letter by letter.
    private static func encoded(_ text: [UInt8], _ specials: String) -> String {
        text.map { byte in
            byte > 32 && byte < 127 && !specials.utf8.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16).uppercased()
        }.joined()
    }

    private static let pathSpecials = "?></%#\"[\\]^`{|}"
    private static let querySpecials = ">=<+&%#\"[\\]^`{|}"

    private static func trimmed(_ text: [UInt8]) -> [UInt8] {
        Array(text.drop { $0 == 0x20 || $0 == 9 }.reversed().drop { $0 == 0x20 || $0 == 9 }.reversed())
    }

    @Test(arguments: 0..<400) func nothingIsLostOrSentTwice(_ seed: Int) throws {
        var random = Random(state: UInt64(seed))
        var declared: [RequestParameter] = [parameter("p", .path)]
        for name in Self.queries.prefix(4) where random.chance(60) {
            declared.append(
                parameter(name, pass: random.chance(60), default: random.chance(30) ? String(decoding: Self.text(&random, plain: true), as: UTF8.self) : nil))
        }
        for name in Self.headers.prefix(4) where random.chance(60) {
            declared.append(
                parameter(name, .header, pass: random.chance(60), default: random.chance(30) ? "d" : nil))
        }
        var made: [BackendParameter] = []
        let hasPath = random.chance(50)
        func source(_ random: inout Random) -> (BackendParameter.Origin, String) {
            random.chance(70)
                ? (.request, declared.randomElement(using: &random)!.name) : (.constant, String(decoding: Self.text(&random, plain: true), as: UTF8.self) + "[ &")
        }
        if hasPath {
            let (origin, value) = source(&random)
            made.append(mapped("z", .path, origin, value))
        }
        for name in Self.queries + ["x", "y"] where random.chance(30) {
            let (origin, value) = source(&random)
            made.append(mapped(name, .query, origin, value))
        }
        for name in Self.headers + ["X-X"] where random.chance(30) {
            let (origin, value) = source(&random)
            made.append(mapped(name, .header, origin, value))
        }
        let bench = try MappingBench(declared, made, path: "/f/{p}", to: hasPath ? "/t/{z}/e" : "/t")

        for _ in 0..<20 {
            let path = Array("k".utf8) + Self.text(&random).filter { $0 != 0x5C && $0 != 0x2F }
            var pairs: [(name: String, value: [UInt8], raw: String)] = []
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let name = Self.queries.randomElement(using: &random)!
                let value = Self.text(&random)
                pairs.append((name, value, Self.escaped(Array(name.utf8), &random) + "=" + Self.escaped(value, &random)))
            }
            var lines: [(name: String, value: [UInt8])] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                lines.append((Self.headers.randomElement(using: &random)!, Self.trimmed(Self.text(&random).filter { $0 != 1 && $0 != 0x7F })))
            }
            var request = Array("GET /f/\(Self.escaped(path, &random).replacing("+", with: "%20"))\(pairs.isEmpty ? "" : "?")\(pairs.map(\.raw).joined(separator: "&")) HTTP/1.1\r\nHost: h\r\n".utf8)
            for line in lines { request += Array("\(random.chance(50) ? line.name : line.name.lowercased()): ".utf8) + line.value + [13, 10] }
            request += [13, 10]

            // The model.
            func values(_ parameter: RequestParameter) -> [[UInt8]] {
                var found: [[UInt8]]
                switch parameter.location {
                case .path: found = [path]
                case .query: found = pairs.filter { $0.name == parameter.name }.map(\.value)
                case .header: found = lines.filter { $0.name == parameter.name }.map(\.value)
                }
                if found.isEmpty, let value = parameter.defaultValue { found = [Array(value.utf8)] }
                return found
            }
            func values(_ parameter: BackendParameter) -> [[UInt8]] {
                parameter.origin == .constant ? [Array(parameter.value.utf8)] : values(declared.first { $0.name == parameter.value }!)
            }
            func isTarget(_ name: String, _ location: ParameterLocation) -> Bool { made.contains { $0.name == name && $0.location == location } }
            func isHeld(_ name: String, _ location: ParameterLocation) -> Bool {
                if isTarget(name, location) { return true }
                guard let own = declared.first(where: { $0.name == name && $0.location == location }) else { return false }
                return !own.passThrough || made.contains { $0.origin == .request && $0.value == name }
            }
            func fallbacks(_ location: ParameterLocation) -> [RequestParameter] {
                declared.filter { own in
                    own.location == location && own.defaultValue != nil && !isHeld(own.name, location)
                        && (location == .query ? !pairs.contains { $0.name == own.name } : !lines.contains { $0.name == own.name })
                }
            }
            var query = pairs.filter { !isHeld($0.name, .query) }.map(\.raw)
            for target in made where target.location == .query {
                query += values(target).map { "\(target.name)=\(Self.encoded($0, Self.querySpecials))" }
            }
            query += fallbacks(.query).map { "\($0.name)=\(Self.encoded(Array($0.defaultValue!.utf8), Self.querySpecials))" }
            var fields = lines.filter { !isHeld($0.name, .header) }.map { ($0.name.lowercased(), $0.value) }
            for target in made where target.location == .header { fields += values(target).map { (target.name.lowercased(), $0) } }
            fields += fallbacks(.header).map { ($0.name.lowercased(), Array($0.defaultValue!.utf8)) }
            var isRefused = fields.contains { $0.1.contains { ($0 < 32 && $0 != 9) || $0 == 127 } }
            var target = "/t"
            if hasPath {
                let value = values(made[0]).first ?? []
                if value.isEmpty { isRefused = true }
                let parts = value.split(omittingEmptySubsequences: false) { $0 == 0x2F || $0 == 0x5C }
                if parts.contains(where: { $0.elementsEqual([0x2E]) || $0.elementsEqual([0x2E, 0x2E]) }) { isRefused = true }
                target = "/t/\(Self.encoded(value, Self.pathSpecials))/e"
            }

            let outcome = bench.send(request)
            guard !isRefused else {
                #expect(outcome.refused == .parameterRejected)
                continue
            }
            let sent = try #require(outcome.sent, "\(String(decoding: request, as: UTF8.self))")
            let found = sent.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            #expect(String(found[0]) == target)
            #expect((found.count > 1 ? found[1].split(separator: "&", omittingEmptySubsequences: false).map(String.init) : []).sorted() == query.sorted())
            func text(_ name: String, _ value: [UInt8]) -> String { name + ":" + String(decoding: Self.trimmed(value), as: UTF8.self) }
            let names = Set((Self.headers + ["X-X"]).map { $0.lowercased() })
            let got = sent.headers.map { ($0.name.lowercased(), $0.value) }.filter { names.contains($0.0) }
            #expect(got.map(text).sorted() == fields.map(text).sorted())
        }
    }
}
