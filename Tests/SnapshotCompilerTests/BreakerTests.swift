import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

@Suite struct BreakerTests {
    private let bench = PluginBench()

    private func content(_ condition: String, rest: String = "") -> String {
        #"{"scope":"basic","breaker_condition":{\#(condition),"time_window":10,"open_breaker_time":20}\#(rest)}"#
    }

    /// Calls through the breaker; false when it is open.
    private func call(_ policy: BreakerPolicy, status: Int = 200, timedOut: Bool = false, milliseconds: Int = 5, _ request: String = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n") -> Bool {
        guard case .closed(let pass) = BreakerStage.enter(policy, bench.values(request)) else { return false }
        pass.report(status: status, timedOut: timedOut, backendMilliseconds: milliseconds, nowNanoseconds: bench.now * 1_000_000)
        return true
    }

    @Test func counterOpensAtOnceAndClosesAfterItsTime() throws {
        let policy = try #require(try bench.policies(.breaker, content(#""breaker_type":"timeout","breaker_mode":"counter","unhealthy_threshold":3"#)).breaker)
        #expect(call(policy, timedOut: true) && call(policy, status: 500) && call(policy, timedOut: true) && call(policy, timedOut: true))
        #expect(!call(policy))
        bench.now += 19_999
        #expect(!call(policy))
        bench.now += 1
        #expect(call(policy, timedOut: true) && call(policy, timedOut: true))
        #expect(call(policy))
        #expect(call(policy, timedOut: true))
        #expect(!call(policy))
    }

    @Test func failuresOfAnotherWindowDoNotAdd() throws {
        let policy = try #require(try bench.policies(.breaker, content(#""breaker_type":"timeout","breaker_mode":"counter","unhealthy_threshold":2"#)).breaker)
        #expect(call(policy, timedOut: true))
        bench.now += 10_000
        #expect(call(policy, timedOut: true) && call(policy))
    }

    @Test func percentageIsJudgedAtTheEndOfTheWindow() throws {
        let text = content(#""breaker_type":"condition","unhealthy_condition":"[\"OR\",[\"$context.statusCode\",\"in\",\"500,501,504\"],[\"$context.backendResponseTime\",\">\",6000]]","breaker_mode":"percentage","min_call_threshold":4,"unhealthy_percentage":50"#)
        let policy = try #require(try bench.policies(.breaker, text).breaker)
        #expect(call(policy, status: 500) && call(policy, milliseconds: 6_001) && call(policy) && call(policy, milliseconds: 6_000))
        #expect(call(policy, status: 500))  // still the same window
        bench.now += 10_000
        #expect(!call(policy))
        bench.now += 20_000
        #expect(call(policy, status: 500) && call(policy, status: 500) && call(policy, status: 500))
        bench.now += 10_000
        #expect(call(policy))  // fewer than four calls
        // A window that ended long ago opened the breaker for a time that is over as well.
        for _ in 0..<4 { #expect(call(policy, status: 504)) }
        bench.now += 30_000
        #expect(call(policy))
    }

    @Test func callsFromBeforeTheOpeningDoNotCountAfterIt() throws {
        let policy = try #require(try bench.policies(.breaker, content(#""breaker_type":"timeout","breaker_mode":"counter","unhealthy_threshold":1"#)).breaker)
        guard case .closed(let late) = BreakerStage.enter(policy, bench.values()) else { return #expect(Bool(false)) }
        #expect(call(policy, timedOut: true))
        #expect(!call(policy))
        bench.now += 20_000
        late.report(status: 504, timedOut: true, backendMilliseconds: 1, nowNanoseconds: bench.now * 1_000_000)
        #expect(call(policy))
    }

    @Test func rulesHaveTheirOwnBreakersAndDowngrades() throws {
        let rest = #","downgrade_default":{"type":"passthrough","passthrough_infos":[{"name":"X-Down","value":"1"}]},"downgrade_parameters":[{"type":"path","name":"p"}],"downgrade_rules":[{"rule_name":"r1","parameters":["p"],"match_regex":"[\"p\",\"==\",\"/x\"]","downgrade_backend":{"type":"mock","mock_info":{"status_code":203,"result_content":"down"}}},{"rule_name":"r2","match_regex":"[\"p\",\"==\",\"/y\"]","breaker_condition":{"breaker_type":"timeout","breaker_mode":"counter","unhealthy_threshold":5},"downgrade_backend":null}]"#
        let policy = try #require(try bench.policies(.breaker, content(#""breaker_type":"timeout","breaker_mode":"counter","unhealthy_threshold":1"#, rest: rest)).breaker)
        let x = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
        let y = "GET /y HTTP/1.1\r\nHost: h\r\n\r\n"
        #expect(call(policy, timedOut: true, x))
        guard case .open(.mock(let mock)?) = BreakerStage.enter(policy, bench.values(x)) else { return #expect(Bool(false)) }
        #expect(mock.status == 203 && mock.body == Array("down".utf8))
        #expect(call(policy, timedOut: true, y) && call(policy, y))
        #expect(call(policy, timedOut: true))
        guard case .open(.passthrough(let added)?) = BreakerStage.enter(policy, bench.values()) else { return #expect(Bool(false)) }
        #expect(added == [HeaderLine(name: Array("X-Down".utf8), value: [0x31])])
        for _ in 0..<4 { #expect(call(policy, timedOut: true, y)) }
        guard case .open(.passthrough?) = BreakerStage.enter(policy, bench.values(y)) else { return #expect(Bool(false)) }
    }

    @Test func openWithoutDowngradeAndHTTPDowngrade() throws {
        let condition = #""breaker_type":"timeout","breaker_mode":"counter","unhealthy_threshold":1"#
        let plain = try #require(try bench.policies(.breaker, content(condition), plugin: "a").breaker)
        #expect(call(plain, timedOut: true))
        guard case .open(nil) = BreakerStage.enter(plain, bench.values()) else { return #expect(Bool(false)) }
        let rest = #","downgrade_default":{"type":"http","http_info":{"address":"10.10.10.10:81","scheme":"https","method":"ANY","path":"/demo","timeout":7}}"#
        let policy = try #require(try bench.policies(.breaker, content(condition, rest: rest), plugin: "b").breaker)
        #expect(call(policy, timedOut: true))
        guard case .open(.http(let backend)?) = BreakerStage.enter(policy, bench.values()) else { return #expect(Bool(false)) }
        #expect(backend.upstream == Upstream(usesTLS: true, host: "10.10.10.10", port: 81))
        #expect(backend.method == nil && backend.timeoutMilliseconds == 7 && backend.path == .pieces([.literal(Array("/demo".utf8))]))
    }

    @Test(arguments: [
        #","downgrade_default":{"type":"function","func_info":{"function_urn":"urn:x"}}"#, #","downgrade_default":{"type":"http-vpc","http_vpc_info":{"vpc_channel_id":"c"}}"#,
        #","downgrade_default":{"type":"http","http_info":{"isVpc":true,"vpc_channel_id":"c"}}"#,
        #","downgrade_default":{"type":"http","http_info":{"address":"a","scheme":"HTTP","method":"GET","path":"/","timeout":60001}}"#,
    ])
    func whatIsNotServedIsRefused(rest: String) {
        let error = #expect(throws: CompileDiagnostic.self) {
            try bench.policies(.breaker, content(#""breaker_type":"timeout","breaker_mode":"counter""#, rest: rest))
        }
        #expect(error?.field == "plugin_content")
    }
}
