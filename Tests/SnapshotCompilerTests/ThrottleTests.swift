import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

@Suite struct ThrottleTests {
    private let bench = PluginBench()

    private func policy(
        _ id: String = "t1", kind: ThrottlePolicy.Kind = .exclusive, api: Int = 100, user: Int = 0, app: Int = 0, address: Int = 0,
        unit: ThrottlePolicy.TimeUnit = .minute
    ) -> ThrottlePolicy {
        ThrottlePolicy(
            id: id, instanceID: "i", name: "policy", kind: kind, apiLimit: api, userLimit: user, appLimit: app,
            addressLimit: address, unit: unit, interval: 1, createdAt: Timestamp(nanoseconds: 0),
            updatedAt: Timestamp(nanoseconds: 0))
    }

    private func special(_ object: ThrottleSpecial.Object, _ id: String, _ limit: Int) -> ThrottleSpecial {
        ThrottleSpecial(
            id: "\(object)\(id)", policyID: "t1", object: object, objectID: id, limit: limit, appliedAt: Timestamp(nanoseconds: 0))
    }

    private func compile(
        _ policy: ThrottlePolicy?, _ specials: [ThrottleSpecial] = [], publication: String = "pub1", standard: Int? = nil
    ) throws -> RateLimitPolicy? {
        var settings = bench.settings
        settings.defaultRateLimit = standard
        var api = PublishedAPI(
            publicationID: publication, apiID: "api1", instanceID: "i", groupID: "g", groupName: "group", environmentID: "e",
            environmentName: "RELEASE",
            definition: APIDefinition(
                name: "api", groupID: "g", type: 1, reqProtocol: .both, reqMethod: .get, reqURI: "/a", authType: .none,
                backendType: .mock))
        api.throttle = policy.map { BoundThrottle(policy: $0, specials: specials) }
        return try PolicyCompiler(registry: bench.registry).compile(api, settings: settings).rateLimit
    }

    private func admits(_ policy: RateLimitPolicy?, user: String? = nil, alias: String? = nil, app: String? = nil) throws -> Bool {
        let policy = try #require(policy)
        let call = RateLimitCall(user: user, alias: alias, app: app, address: IPAddress(v4: 1), rules: 0)
        return policy.state.admit(call, policy: policy, at: Int64(bench.now)).isAllowed
    }

    /// What so many calls in a row are answered.
    private func answers(
        _ count: Int, _ policy: RateLimitPolicy?, user: String? = nil, alias: String? = nil, app: String? = nil
    ) throws -> [Bool] {
        var answers: [Bool] = []
        for _ in 0..<count { answers.append(try admits(policy, user: user, alias: alias, app: app)) }
        return answers
    }

    /// The vendor's example: 10 calls of the API, 3 of an app, A may 2 and B may 4.
    @Test func specialsReplaceTheLimitOfTheirObject() throws {
        let limits = try compile(policy(api: 10, app: 3), [special(.app, "A", 2), special(.app, "B", 4)])
        #expect(try answers(3, limits, app: "A") == [true, true, false])
        #expect(try answers(5, limits, app: "B") == [true, true, true, true, false])
        #expect(try answers(4, limits, app: "C") == [true, true, true, false])
        #expect(try answers(2, limits, app: "D") == [true, false], "the API's limit goes on counting")
    }

    @Test func specialsNeedNoLimitForOthers() throws {
        let limits = try compile(policy(api: 100), [special(.app, "A", 1), special(.user, "U", 2)])
        #expect(try answers(2, limits, user: "V", app: "A") == [true, false])
        #expect(try answers(20, limits, user: "V", app: "B") == Array(repeating: true, count: 20))
        #expect(try answers(3, limits, user: "U") == [true, true, false])
    }

    @Test func aUserIsKnownByEitherId() throws {
        let limits = try compile(policy(api: 100, user: 3), [special(.user, "account", 1)])
        #expect(try answers(2, limits, user: "project", alias: "account") == [true, false])
        #expect(try answers(4, limits, user: "other", alias: "elsewhere") == [true, true, true, false])
    }

    @Test func debugLinesShowOnlyLimitsThatExist() throws {
        let limits = try #require(try compile(policy(api: 100), [special(.app, "A", 5)]))
        let answer = response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        RateLimitStage.addDebugLines(RateLimitStage.admit(limits, bench.values(), app: "B"), limits, to: answer)
        #expect(lines(answer).suffix(1) == ["X-Apig-RateLimit-api: remain:99,limit:100,time:1 minute"])
        RateLimitStage.addDebugLines(RateLimitStage.admit(limits, bench.values(), app: "A"), limits, to: answer)
        #expect(lines(answer).last == "X-Apig-RateLimit-app: remain:4,limit:5,time:1 minute")
    }

    @Test func sharedPoliciesCountTogether() throws {
        let (one, two) = (try compile(policy(kind: .shared, api: 1)), try compile(policy(kind: .shared, api: 1), publication: "pub2"))
        #expect(try answers(1, one) + answers(1, two) == [true, false])
        let (a, b) = (try compile(policy("t2", api: 1)), try compile(policy("t2", api: 1), publication: "pub2"))
        #expect(try answers(1, a) + answers(1, b) + answers(1, a) == [true, true, false])
    }

    @Test func anotherWindowIsAnotherCounter() throws {
        var limits = try compile(policy(api: 1, unit: .hour))
        #expect(try answers(2, limits) == [true, false])
        limits = try compile(policy(api: 2, unit: .hour))
        #expect(try answers(2, limits) == [true, false], "a changed limit goes on counting")
        limits = try compile(policy(api: 2, unit: .day))
        #expect(try admits(limits))
    }

    @Test func theDefaultHoldsWhereNothingIsBound() throws {
        let standard = try compile(nil, standard: 2)
        #expect(standard?.isStandard == true)
        #expect(try answers(3, standard) == [true, true, false])
        let elsewhere = try compile(nil, publication: "elsewhere", standard: 2)
        #expect(try answers(1, elsewhere) == [false], "over all environments")
        bench.now += 1_000
        #expect(try admits(standard))
        let bound = try compile(policy(), standard: 2)
        #expect(bound?.isStandard == false)
        let nothing = try compile(nil)
        #expect(nothing == nil)
    }

    /// Windows are measured by a clock that never steps; an event loop that lags behind another one by a moment changes nothing.
    @Test func aLaggingLoopGetsNoFreshWindow() throws {
        let limits = try #require(try compile(policy(api: 2, unit: .second)))
        func admits(at now: Int64) -> Bool {
            limits.state.admit(RateLimitCall(user: nil, app: nil, address: IPAddress(v4: 1), rules: 0), policy: limits, at: now).isAllowed
        }
        #expect([1_000, 999, 998, 1_999].map(admits(at:)) == [true, true, false, false])
        #expect([2_000, 1_999, 2_001].map(admits(at:)) == [true, true, false])
    }

    @Test(arguments: [
        ("name", ThrottleRules.Fault.invalid(field: "name")), ("api", .tooSmall(field: "api_call_limits")),
        ("user", .tooLarge(field: "user_call_limits")), ("app", .tooLarge(field: "app_call_limits")),
        ("ip", .tooLarge(field: "ip_call_limits")), ("interval", .tooLarge(field: "time_interval")),
    ])
    func rules(_ broken: String, _ fault: ThrottleRules.Fault) throws {
        var checked = policy(api: 10, user: 5, app: 5, address: 10)
        try ThrottleRules.check(checked)
        switch broken {
        case "name": checked.name = "_ab"
        case "api": checked.apiLimit = 0
        case "user": checked.userLimit = 11
        case "app": checked.appLimit = 6
        case "ip": checked.addressLimit = 11
        default: checked.interval = ThrottleRules.largest + 1
        }
        #expect(throws: fault) { try ThrottleRules.check(checked) }
    }
}
