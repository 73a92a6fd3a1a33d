import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

@Suite struct RateLimitTests {
    private let bench = PluginBench()

    private func content(_ fields: String, scope: String = "basic") -> String {
        #"{"scope":"\#(scope)","default_interval":10,"default_time_unit":"second",\#(fields)}"#
    }

    private func admits(_ policy: RateLimitPolicy, _ request: String = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", from address: String = "192.0.2.1", user: String? = nil, app: String? = nil) -> Bool {
        RateLimitStage.admit(policy, bench.values(request, from: address), user: user, app: app).isAllowed
    }

    @Test func windowsStartAtTheFirstCall() throws {
        let policy = try #require(try bench.policies(.rateLimit, content(#""api_limit":2"#)).rateLimit)
        #expect([admits(policy), admits(policy), admits(policy)] == [true, true, false])
        bench.now += 9_999
        #expect(!admits(policy))
        bench.now += 1
        #expect(admits(policy))
        bench.now += 9_999
        #expect([admits(policy), admits(policy)] == [true, false])
    }

    @Test func everyLimitMustAllowAndARefusedCallConsumesNothing() throws {
        let policy = try #require(try bench.policies(.rateLimit, content(#""api_limit":3,"ip_limit":1"#)).rateLimit)
        #expect(admits(policy, from: "192.0.2.1"))
        for _ in 0..<10 { #expect(!admits(policy, from: "192.0.2.1")) }
        #expect(admits(policy, from: "192.0.2.2"))
        #expect(admits(policy, from: "2001:db8::1"))
        #expect(!admits(policy, from: "192.0.2.4"))
    }

    @Test func usersAppsAndSpecials() throws {
        let policy = try #require(
            try bench.policies(
                .rateLimit,
                content(
                    #""api_limit":100,"user_limit":3,"app_limit":1,"specials":[{"type":"app","policies":[{"key":"A","limit":2}]},{"type":"user","policies":[{"key":"U","limit":4}]}]"#
                )).rateLimit)
        #expect([admits(policy, user: "V", app: "A"), admits(policy, user: "V", app: "A"), admits(policy, user: "V", app: "A")] == [true, true, false])
        #expect([admits(policy, user: "V", app: "B"), admits(policy, user: "V", app: "C")] == [true, false])
        #expect((0..<5).map { admits(policy, user: "U", app: "x\($0)") } == [true, true, true, true, false])
        // Without authentication there is no user and no app to count.
        for _ in 0..<10 { #expect(admits(policy)) }
    }

    @Test func rulesCountTheirOwnCalls() throws {
        let policy = try #require(
            try bench.policies(
                .rateLimit,
                content(
                    #""api_limit":-1,"parameters":[{"type":"path","name":"p"},{"type":"header","name":"h","value":"X-Kind"},{"type":"query","name":"q","value":"k y"},{"type":"system","name":"s","value":"$context.stage"},{"type":"method","name":"m"}],"rules":[{"rule_name":"r1","match_regex":"[\"p\",\"~~\",\"^/a\"]","limit":2},{"rule_name":"r2","match_regex":"[\"AND\",[\"h\",\"==\",\"x\"],[\"q\",\"in\",\"1,2\"],[\"s\",\"==\",\"RELEASE\"],[\"m\",\"==\",\"GET\"]]","limit":1,"interval":1,"time_unit":"minute"}]"#
                )).rateLimit)
        let second = "GET /b?z=1&k+y=%32 HTTP/1.1\r\nHost: h\r\nX-Kind: x\r\n\r\n"
        #expect([admits(policy, second), admits(policy, second)] == [true, false])
        #expect([admits(policy), admits(policy), admits(policy)] == [true, true, false])
        #expect(admits(policy, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"))
        bench.now += 10_000
        #expect(admits(policy))
        #expect(!admits(policy, second))
        bench.now += 50_000
        #expect(admits(policy, second))
    }

    @Test func scopesAndRebuilds() throws {
        let shared = content(#""api_limit":1"#, scope: "share")
        let basic = content(#""api_limit":1"#)
        var one = try bench.policies(.rateLimit, shared, publication: "a").rateLimit
        let other = try bench.policies(.rateLimit, shared, publication: "b").rateLimit
        #expect(admits(one!) && !admits(other!))
        let apart = (try bench.policies(.rateLimit, basic, publication: "a").rateLimit!, try bench.policies(.rateLimit, basic, publication: "b").rateLimit!)
        #expect(admits(apart.0) && admits(apart.1) && !admits(apart.0))
        // The same content compiled again, and with another limit, goes on counting.
        #expect(!admits(try bench.policies(.rateLimit, basic, publication: "a").rateLimit!))
        let raised = try bench.policies(.rateLimit, content(#""api_limit":2"#), publication: "a").rateLimit!
        #expect([admits(raised), admits(raised)] == [true, false])
        // Another plug-in and another environment are other counters.
        #expect(admits(try bench.policies(.rateLimit, basic, plugin: "p2", publication: "a").rateLimit!))
        // Unbinding forgets.
        one = try bench.policies(.rateLimit, content(#""api_limit":1"#), publication: "c").rateLimit
        #expect([admits(one!), admits(one!)] == [true, false])
        one = nil
        one = try bench.policies(.rateLimit, content(#""api_limit":1"#), publication: "c").rateLimit
        #expect(admits(one!))
    }

    /// A rule's name that reads like the end of one rule and the start of another must not meet the state of two rules.
    @Test func hostileRuleNamesDoNotShareState() throws {
        let parameter = #""api_limit":9,"parameters":[{"type":"path","name":"p"}],"#
        let leaf = #"[\"p\",\"==\",\"/\"]"#
        func rule(_ name: String) -> String { #"{"rule_name":"\#(name)","match_regex":"\#(leaf)","limit":1}"# }
        let two = try bench.policies(.rateLimit, content(parameter + #""rules":[\#(rule("a")),\#(rule("b"))]"#)).rateLimit
        let forged = #"a\u001e[\"p\",\"==\",\"/\"]\u001e10 second\u001db"#
        let one = try bench.policies(.rateLimit, content(parameter + #""rules":[\#(rule(forged))]"#)).rateLimit
        #expect(two?.state !== one?.state)
        #expect(admits(try #require(one)))
    }

    @Test func deadStatesAreSweptAway() throws {
        var kept: [RateLimitPolicy] = []
        for number in 0..<1_000 {
            let policy = try #require(try bench.policies(.rateLimit, content(#""api_limit":1"#), publication: "p\(number)").rateLimit)
            if number % 100 == 0 { kept.append(policy) }
        }
        #expect(bench.registry.liveCount == 10)
        #expect(bench.registry.count <= 64)
        #expect(kept.count == 10)
    }

    @Test func debugLines() throws {
        let policy = try #require(try bench.policies(.rateLimit, content(#""api_limit":10,"ip_limit":2,"user_limit":5"#)).rateLimit)
        let answer = response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        RateLimitStage.addDebugLines(RateLimitStage.admit(policy, bench.values()), policy, to: answer)
        #expect(lines(answer).suffix(2) == ["X-Apig-RateLimit-api: remain:9,limit:10,time:10 second", "X-Apig-RateLimit-ip: remain:1,limit:2,time:10 second"])
    }

    @Test func exactFromManyThreads() async throws {
        let policy = try #require(try bench.policies(.rateLimit, content(#""api_limit":1000,"ip_limit":300"#)).rateLimit)
        let admitted = await withTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    (0..<1_000).count { call in
                        let address = IPAddress(v4: UInt32((task + call) % 4))
                        return policy.state.admit(RateLimitCall(user: nil, app: nil, address: address, rules: 0), policy: policy, at: 5).isAllowed
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(admitted == 1_000)
    }

    @Test func tablesAreBounded() throws {
        let quota = RateLimitPolicy.Quota(limit: 1, window: 1_000, windowText: [])
        let state = RateLimitState(ruleCount: 0, maxKeys: 4)
        let policy = RateLimitPolicy(
            api: nil, user: nil, app: nil, address: quota, specialUsers: [:], specialApps: [:], parameters: [], rules: [], state: state)
        func admits(_ address: UInt32, at now: Int64) -> Bool {
            state.admit(RateLimitCall(user: nil, app: nil, address: IPAddress(v4: address), rules: 0), policy: policy, at: now).isAllowed
        }
        #expect((0..<4).allSatisfy { admits($0, at: 0) })
        // The table is full: the rest share one window, so that flooding it does not lift the limit.
        #expect([admits(4, at: 1), admits(5, at: 1), admits(6, at: 1)] == [true, false, false])
        #expect(!admits(0, at: 2))
        // Windows that are over make room.
        #expect((10..<14).allSatisfy { admits($0, at: 3_000) })
    }
}
