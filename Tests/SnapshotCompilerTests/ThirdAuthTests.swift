import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

@Suite struct ThirdAuthTests {
    private let bench = PluginBench()

    private func policy(_ fields: String, path: String = "/auth/") throws -> ThirdAuthPolicy {
        let target = #"{"method":"POST","protocol":"HTTP","url_domain":"auth.example:81","path":"\#(path)"}"#
        return try #require(try bench.policies(.thirdAuth, #"{"auth_request":\#(target)\#(fields)}"#).thirdAuth)
    }

    private func written(_ policy: ThirdAuthPolicy, _ request: String, body: String? = nil) -> String {
        let output = ByteScratch()
        if let body {
            Array(body.utf8).withUnsafeBytes { ThirdAuthStage.writeRequest(policy, bench.values(request), body: $0, to: output) }
        } else {
            ThirdAuthStage.writeRequest(policy, bench.values(request), body: nil, to: output)
        }
        return String(decoding: output.array, as: UTF8.self)
    }

    private let request = "POST /v1/a%20b?t=1&u=2&t=%33 HTTP/1.1\r\nHost: h\r\nX-T: tok\r\nX-U: u\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Request-Id: mine\r\n\r\n"

    @Test func sendsTheIdentities() throws {
        let policy = try policy(#","identities":{"headers":[{"name":"X-T"}],"queries":[{"name":"t"}]},"carry_path_enabled":true,"carry_body":{"enabled":true,"max_body_size":2}"#)
        #expect(ThirdAuthStage.begin(policy, bench.values(request)) == .ask)
        #expect(ThirdAuthStage.carriedBody(policy, .length(3)) == 2)
        #expect(ThirdAuthStage.carriedBody(policy, .none) == nil)
        let id = "00000000000000010000000000000002"
        #expect(written(policy, request, body: "ab") == "POST /auth/v1/a%20b?t=1&t=%33 HTTP/1.1\r\nHost: auth.example:81\r\nX-Request-Id: \(id)\r\nX-T: tok\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nab")
        #expect(ThirdAuthStage.begin(policy, bench.values("GET /a?t=1 HTTP/1.1\r\nHost: h\r\n\r\n")) == .refuse(.thirdAuthIdentityMissing))
        #expect(ThirdAuthStage.begin(policy, bench.values("GET /a HTTP/1.1\r\nHost: h\r\nX-T: 1\r\n\r\n")) == .refuse(.thirdAuthIdentityMissing))
    }

    @Test func sendsEverythingWhenNothingIsListed() throws {
        let policy = try policy("")
        let text = written(policy, request)
        #expect(text.hasPrefix("POST /auth/?t=1&u=2&t=%33 HTTP/1.1\r\nHost: auth.example:81\r\n"))
        #expect(text.contains("X-U: u\r\n") && text.contains("Content-Length: 0\r\n"))
        #expect(!text.contains("X-Hop") && !text.contains("mine") && !text.contains("Host: h"))
        #expect(ThirdAuthStage.carriedBody(policy, .length(3)) == nil)
    }

    private func verdict(_ policy: ThirdAuthPolicy, _ answer: String?) -> ThirdAuthStage.Verdict {
        ThirdAuthStage.verdict(
            policy, answer.map { .head(response("HTTP/1.1 \($0)\r\nContent-Length: 0\r\n\r\n")) } ?? .unreachable, client: IPAddress("192.0.2.1")!,
            nowNanoseconds: bench.now * 1_000_000)
    }

    @Test func verdicts() throws {
        let simple = try policy("")
        #expect(verdict(simple, "204 N") == .allow(copiesHeaders: true))
        for refused in ["302 F", "401 U", "500 E"] { #expect(verdict(simple, refused) == .refuse(.thirdAuthRefused, returnsAnswer: false)) }
        #expect(verdict(simple, nil) == .refuse(.thirdAuthUnreachable, returnsAnswer: false))
        #expect(ThirdAuthStage.verdict(simple, .malformed, client: IPAddress("::1")!, nowNanoseconds: 0) == .refuse(.thirdAuthAnswerInvalid, returnsAnswer: false))
        let relaxed = try policy(#","auth_downgrade_enabled":true,"return_resp_body_enabled":true"#)
        #expect(verdict(relaxed, nil) == .allow(copiesHeaders: false))
        #expect(verdict(relaxed, "503 S") == .allow(copiesHeaders: false))
        #expect(verdict(relaxed, "403 F") == .refuse(.thirdAuthRefused, returnsAnswer: true))
        let matching = try policy(#","simple_auth_mode_enabled":false,"match_auth":{"key":"X-Ok","value":"yes"}"#)
        #expect(verdict(matching, "200 OK") == .refuse(.thirdAuthRefused, returnsAnswer: false))
        #expect(verdict(matching, "403 F\r\nx-ok: yes") == .allow(copiesHeaders: true))
        #expect(verdict(matching, "200 OK\r\nX-Ok: no\r\nX-Ok: yes") == .allow(copiesHeaders: true))
    }

    @Test func copiedHeadersReplaceTheClients() throws {
        let policy = try policy(#","carry_resp_headers":["X-User","X-Role"]"#)
        let head = bench.values("GET /a HTTP/1.1\r\nHost: h\r\nx-user: forged\r\nX-Role: root\r\n\r\n").facts.head
        ThirdAuthStage.copyHeaders(policy, from: response("HTTP/1.1 200 OK\r\nX-USER: u1\r\nContent-Length: 0\r\n\r\n"), to: head)
        #expect(lines(head) == ["Host: h", "x-user: u1"])
    }

    @Test func rulesChooseWhoIsAsked() throws {
        func begin(_ kind: String, _ regex: String, _ path: String) throws -> ThirdAuthStage.Start {
            let rules = #","rule_enabled":true,"rule_type":"\#(kind)","parameters":[{"type":"path","name":"p"}],"rules":[{"rule_name":"r1","match_regex":"[\"p\",\"==\",\"/never\"]"},{"rule_name":"r2","match_regex":"[\"p\",\"~~\",\"\#(regex)\"]"}]"#
            return ThirdAuthStage.begin(try policy(rules), bench.values("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n"))
        }
        #expect(try begin("allow", "^/open", "/open/x") == .skip)
        #expect(try begin("allow", "^/open", "/closed") == .ask)
        #expect(try begin("deny", "^/closed", "/closed") == .ask)
        #expect(try begin("deny", "^/closed", "/open") == .skip)
        // What cannot be decided in bounded work is authenticated either way.
        let bomb = "/" + String(repeating: "a", count: 3_000) + "!"
        #expect(try begin("allow", "(a+)+$", bomb) == .ask)
        #expect(try begin("deny", "(a+)+$", bomb) == .ask)
    }

    @Test func manyFailuresBlockTheAddress() throws {
        let policy = try policy(#","custom_forbid_limit":2"#)
        for _ in 0..<2 { _ = verdict(policy, "401 U") }
        #expect(ThirdAuthStage.begin(policy, bench.values()) == .ask)
        _ = verdict(policy, "401 U")
        #expect(ThirdAuthStage.begin(policy, bench.values()) == .refuse(.thirdAuthBlocked))
        #expect(ThirdAuthStage.begin(policy, bench.values(from: "192.0.2.2")) == .ask)
        bench.now += 299_999
        #expect(ThirdAuthStage.begin(policy, bench.values()) == .refuse(.thirdAuthBlocked))
        bench.now += 1
        #expect(ThirdAuthStage.begin(policy, bench.values()) == .ask)
    }

    @Test func blockingTableIsBounded() {
        let failures = FailureWindows(limit: 1, maxKeys: 2)
        for address in UInt32(0)..<100 { for _ in 0..<3 { failures.recordFailure(of: IPAddress(v4: address), at: 0) } }
        #expect(failures.isBlocked(IPAddress(v4: 0), at: 1) && failures.isBlocked(IPAddress(v4: 1), at: 1))
        #expect(!failures.isBlocked(IPAddress(v4: 50), at: 1) && !failures.isBlocked(IPAddress(v4: 1_000), at: 1))
    }

    @Test func unknownChannelsAreRefused() {
        let error = #expect(throws: CompileDiagnostic.self) {
            try bench.policies(.thirdAuth, #"{"auth_request":{"method":"GET","protocol":"HTTP","vpc_channel_enabled":1,"vpc_channel_info":{"vpc_id":"c"}}}"#)
        }
        #expect(error?.field == "vpc_channel_info")
    }
}
