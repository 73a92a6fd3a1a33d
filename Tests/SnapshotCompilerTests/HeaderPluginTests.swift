import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

@Suite struct HeaderPluginTests {
    private let bench = PluginBench()
    private let preflight = "OPTIONS /a HTTP/1.1\r\nHost: h\r\nOrigin: https://App.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n"

    @Test func preflightOfAnyOrigin() throws {
        let policy = try #require(
            try bench.policies(.cors, #"{"allow_origin":"*","allow_methods":"GET, PUT","allow_headers":"Content-Type,Accept","expose_headers":"X-A","max_age":86400,"allow_credentials":true}"#).cors)
        let head = bench.values(preflight).facts.head
        #expect(CORSStage.isPreflight(head) && CORSStage.requestedMethod(head) == .put)
        let answer = ResponseHead()
        CORSStage.answerPreflight(policy, head, in: answer)
        #expect(answer.status == 200)
        #expect(lines(answer) == [
            "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Methods: GET,PUT",
            "Access-Control-Allow-Headers: Content-Type,Accept", "Access-Control-Max-Age: 86400", "Access-Control-Expose-Headers: X-A",
        ])
        #expect(!CORSStage.isPreflight(bench.values().facts.head))
        #expect(!CORSStage.isPreflight(bench.values("OPTIONS /a HTTP/1.1\r\nHost: h\r\nOrigin: null\r\n\r\n").facts.head))
    }

    @Test func listedOriginsAreEchoed() throws {
        let policy = try #require(
            try bench.policies(.cors, #"{"allow_origin":"https://app.example, http://b.example:81","allow_methods":"GET","expose_headers":"X-A"}"#).cors)
        func apply(_ origin: String?) -> [String] {
            let request = bench.values("GET /a HTTP/1.1\r\nHost: h\r\n" + (origin.map { "Origin: \($0)\r\n" } ?? "") + "\r\n").facts.head
            let answer = response("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nX-B: 1\r\naccess-control-max-age: 1\r\nContent-Length: 0\r\n\r\n")
            CORSStage.apply(policy, request, to: answer)
            return lines(answer).filter { $0.hasPrefix("Access") || $0.hasPrefix("access") || $0.hasPrefix("Vary") || $0.hasPrefix("X-B") }
        }
        #expect(apply("https://app.example") == ["X-B: 1", "Access-Control-Allow-Origin: https://app.example", "Access-Control-Expose-Headers: X-A", "Vary: Origin"])
        #expect(apply("HTTP://B.example:81").contains("Access-Control-Allow-Origin: http://b.example:81"))
        #expect(apply("https://evil.example") == ["X-B: 1", "Vary: Origin"])
        #expect(apply("https://app.example.evil") == ["X-B: 1", "Vary: Origin"])
        #expect(apply(nil) == ["X-B: 1"])
        let answer = ResponseHead()
        CORSStage.answerPreflight(policy, bench.values(preflight).facts.head, in: answer)
        #expect(lines(answer).contains("Access-Control-Max-Age: 172800"))
    }

    @Test func theAPIsMethodMustBeAllowed() {
        let content = #"{"allow_origin":"*","allow_methods":"POST"}"#
        #expect(throws: CompileDiagnostic.self) { try bench.policies(.cors, content) }
        #expect(throws: Never.self) { try bench.policies(.cors, content, method: .any) }
    }

    @Test(arguments: [
        ("override", ["X-Keep: k", "X-A: new"], ["X-Keep: k", "X-A: new"]),
        ("append", ["X-Keep: k", "X-A: 1,2,new"], ["X-Keep: k", "X-A: new"]),
        ("delete", ["X-Keep: k"], ["X-Keep: k"]),
        ("skip", ["X-Keep: k", "x-a: 1", "X-A: 2"], ["X-Keep: k", "X-A: new"]),
        ("add", ["X-Keep: k", "x-a: 1", "X-A: 2", "X-A: new"], ["X-Keep: k", "X-A: new"]),
    ])
    func actions(action: String, present: [String], absent: [String]) throws {
        let policy = try #require(
            try bench.policies(.setResponseHeaders, #"{"response_headers":[{"name":"X-A","value":"new","action":"\#(action)"}]}"#).responseHeaders)
        for (fields, expected) in [("X-Keep: k\r\nx-a: 1\r\nX-A: 2\r\n", present), ("X-Keep: k\r\n", absent)] {
            let answer = response("HTTP/1.1 204 No Content\r\n\(fields)\r\n")
            ResponseHeaderStage.apply(policy, bench.values(), AnswerValues(status: 204, backendMilliseconds: 1, failure: nil), to: answer)
            #expect(lines(answer) == expected)
        }
        // Lines that stages before this one added count as present.
        let answer = response("HTTP/1.1 204 No Content\r\n\r\n")
        for line in ["1", "2"] { answer.add(HeaderLine(name: Array("x-a".utf8), value: Array(line.utf8))) }
        ResponseHeaderStage.apply(policy, bench.values(), AnswerValues(status: 204, backendMilliseconds: 1, failure: nil), to: answer)
        #expect(lines(answer).map { $0.lowercased() } == present.filter { $0 != "X-Keep: k" }.map { $0.lowercased() })
    }

    @Test func systemParameters() throws {
        func value(_ name: String, _ answer: AnswerValues) throws -> String? {
            let policy = try #require(
                try bench.policies(.setResponseHeaders, #"{"response_headers":[{"name":"V","value":"\#(name)","value_type":"system_parameter","action":"add"}]}"#).responseHeaders)
            let head = response("HTTP/1.1 204 No Content\r\n\r\n")
            ResponseHeaderStage.apply(policy, bench.values("GET /a%20b?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"), answer, to: head)
            return lines(head).first
        }
        let backend = AnswerValues(status: 201, backendMilliseconds: 7, failure: nil)
        let own = AnswerValues(status: 429, backendMilliseconds: nil, failure: .throttled)
        #expect(try value("$context.sourceIp", backend) == "V: 192.0.2.1")
        #expect(try value("$context.reqPath", backend) == "V: /a b")
        #expect(try value("$context.reqUri", backend) == "V: /a%20b?x=1")
        #expect(try value("$context.stage", backend) == "V: RELEASE")
        #expect(try value("$context.serverName", backend) == "V: node-1")
        #expect(try value("$context.statusCode", backend) == "V: 201")
        #expect(try value("$context.backendResponseTime", backend) == "V: 7")
        #expect(try value("$context.backendResponseTime", own) == "V: ")
        #expect(try value("$context.error.code", own) == "V: APIC.0308")
        #expect(try value("$context.appId", own) == "V: ")
    }

    /// The compiler trusts that both lists of names are the same.
    @Test func everyNameOfTheModelIsKnown() throws {
        for name in SystemParameterName.responses.map({ String($0.dropFirst("$context.".count)) }) + SystemParameterName.requests {
            #expect(SystemParameter(rawValue: name) != nil, "\(name)")
        }
    }
}
