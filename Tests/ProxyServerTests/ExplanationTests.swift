import Foundation
import GatewayPrimitives
import ProxyPipeline
import ProxyServer
import RequestSigning
import Snapshot
import Testing

/// What a rehearsal says equals what then really happens, for generated requests to generated configurations.
@Suite(.serialized) struct ExplanationTests {
    private static let configurations: UInt64 = 40
    private static let requests = 500

    /// Answers 200 with the head that it got; as an authentication service what the request tells it to.
    private func echo() throws -> Backend {
        try Backend { _, socket in
            while let message = socket.readMessage() {
                let status = message["x-auth"].map { $0 == "no" ? "401 No" : "200 OK" } ?? "200 OK"
                let isAuthentication = message.firstLine.contains(" /auth")
                let body = isAuthentication ? "" : message.head
                socket.write("HTTP/1.1 \(isAuthentication ? status : "200 OK")\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
    }

    private func apps(_ generator: inout SplitMix) -> [AppCredential] {
        (0..<3).map { number in
            let addresses = AppAddresses(
                permitsListed: Bool.random(using: &generator), addresses: IPSet([IPRange("10.0.0.0/8")].compactMap(\.self)))
            let quota = AppQuotaPolicy(limit: Int.random(in: 1...20, using: &generator), window: 3_600_000, anchor: nil, state: AppQuotaState())
            return AppCredential(
                instanceID: "i", appID: "app\(number)", name: "app\(number)", key: Array("key-\(number)".utf8),
                secrets: [], codes: [], accountID: "account\(number % 2)", projectID: "p", addresses: number == 0 ? nil : addresses,
                quota: number == 2 ? quota : nil)
        }
    }

    private func policies(_ generator: inout SplitMix, port: Int) -> RoutePolicies {
        var policies = RoutePolicies()
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }
        func quota(_ limit: ClosedRange<Int>) -> RateLimitPolicy.Quota {
            .init(limit: Int.random(in: limit, using: &generator), window: 3_600_000, windowText: Array("1 hour".utf8))
        }
        if chance(30) {
            policies.access = AccessPolicy(
                id: "acl", permitsListed: chance(50), addresses: IPSet(["10.1.0.0/16", "127.0.0.1"].compactMap { IPRange($0) }))
        }
        if chance(40) {
            let allowed = (0..<3).filter { _ in chance(70) }.map { ("app\($0)", "") }
            policies.callers = CallerPolicy(
                kind: .app(AppAccess(takesCodes: false, apps: Dictionary(uniqueKeysWithValues: allowed))))
        }
        if chance(40) {
            policies.rateLimit = RateLimitPolicy(
                api: quota(20...200), user: chance(40) ? quota(5...50) : nil, app: chance(40) ? quota(5...50) : nil,
                address: chance(40) ? quota(5...50) : nil, specialUsers: ["account0": 7], specialApps: ["app1": 9], parameters: [],
                rules: [], state: RateLimitState(ruleCount: 0))
        }
        if chance(25) {
            policies.thirdAuth = ThirdAuthPolicy(
                method: Array("GET".utf8), upstream: Upstream(usesTLS: false, host: "127.0.0.1", port: port), hostHeader: [],
                path: Array("/auth".utf8), timeoutMilliseconds: 5000, headers: chance(50) ? [Array("x-auth".utf8)] : [], queries: [],
                carriedBody: nil, carriesPath: false, returnsAnswerOnFailure: chance(30), carriedAnswerHeaders: [], match: nil,
                isRelaxed: chance(30), rules: nil, failures: chance(50) ? FailureWindows(limit: 20) : nil)
        }
        if chance(40) {
            policies.parameters = ParameterPolicy(checks: [
                ParameterCheck(
                    source: .query(Array("q".utf8)), isRequired: chance(50),
                    rule: ValueRule(.number(least: 1, most: 5, allowed: []))),
                ParameterCheck(
                    source: .header(Array("x-word".utf8)), isRequired: false,
                    rule: ValueRule(.text(least: 2, most: 4, allowed: []))),
            ])
        }
        if chance(25) {
            policies.signing = SigningPolicy(
                signer: .hmac(key: "signing-key", secret: Secret("signing-secret-0001")), carrier: .backendSignHeader)
        }
        return policies
    }

    private func routes(_ generator: inout SplitMix, port: Int) throws -> [Route] {
        var routes: [Route] = []
        for _ in 0..<16 {
            var path = ""
            for index in 0..<Int.random(in: 1...2, using: &generator) {
                path += "/" + ["a", "b", "{p\(index)}"].randomElement(using: &generator)!
            }
            let backend: Snapshot.Backend =
                Int.random(in: 0..<5, using: &generator) == 0
                ? .mock(MockBackend(status: 203, headers: [], body: Array("mock".utf8)))
                : http(port, method: Int.random(in: 0..<4, using: &generator) == 0 ? .put : nil)
            routes.append(
                try route(
                    path, [.get, .post, .any].randomElement(using: &generator)!,
                    mode: Bool.random(using: &generator) ? .normal : .prefix,
                    schemes: Int.random(in: 0..<8, using: &generator) == 0 ? [.https] : [.http, .https],
                    refusal: Int.random(in: 0..<15, using: &generator) == 0
                        ? RouteRefusal(status: 500, code: "0606", message: "Failed to load the API configurations.") : nil,
                    to: backend, policies: policies(&generator, port: port)))
        }
        return routes
    }

    private func request(_ generator: inout SplitMix) -> (text: String, assumed: RehearsalAssumptions) {
        func pick<T>(_ values: [T]) -> T { values.randomElement(using: &generator)! }
        var target = ""
        for _ in 0..<Int.random(in: 1...3, using: &generator) { target += "/" + pick(["a", "b", "a", "b", "c", "%61", "x%2Fy", ""]) }
        if Bool.random(using: &generator) { target += "?q=" + pick(["1", "5", "9", "x", "", "2&r=1"]) }
        let method = pick(["GET", "POST", "PUT", "DELETE"])
        var assumed = RehearsalAssumptions()
        var lines = ["\(method) \(target) HTTP/1.1", "Host: \(pick(["h", "h", "h", "h:80", "nowhere"]))"]
        if Int.random(in: 0..<20, using: &generator) == 0 { lines.append("X-Stage: OTHER") }
        lines.append("X-Client: \(pick(["10.1.2.3", "10.9.9.9", "192.0.2.1", "nothing"]))")
        if Int.random(in: 0..<5, using: &generator) > 0 { lines.append("apikey: key-\(Int.random(in: 0...3, using: &generator))") }
        if Bool.random(using: &generator) { lines.append("X-Word: \(pick(["a", "ab", "abcd", "abcde"]))") }
        if Int.random(in: 0..<4, using: &generator) > 0 {
            let refuses = Int.random(in: 0..<3, using: &generator) == 0
            lines.append("X-Auth: \(refuses ? "no" : "yes")")
            assumed.thirdAuth = refuses ? .refuses : .allows
        }
        let body = method == "GET" ? "" : pick(["", "{}", "text"])
        if method != "GET" { lines.append("Content-Length: \(body.utf8.count)") }
        return (lines.joined(separator: "\r\n") + "\r\n\r\n" + body, assumed)
    }

    /// What differs from one time to the next, or is masked.
    private func comparable(_ head: String) -> [String] {
        head.components(separatedBy: "\r\n").filter { !$0.isEmpty }.map { line in
            let name = line.split(separator: ":").first.map { $0.lowercased() } ?? ""
            let varying = ["x-request-id", "authorization", "x-sdk-date", "x-forwarded-port", "apikey"]
            return varying.contains(name) ? name : line
        }
    }

    @Test func whatIsToldIsWhatHappens() async throws {
        var outcomes: [String: Int] = [:]
        for seed in 0..<Self.configurations {
            var generator = SplitMix(state: seed)
            let backend = try echo()
            let routes = try routes(&generator, port: backend.port)
            var settings = InstanceSettings(instanceID: "i", clientAddress: .header(Array("x-client".utf8)))
            settings.carriers.apiKey = true
            var directory = CallerDirectory.empty
            for app in apps(&generator) { directory = directory.replacing(nil, with: app) }
            let gateway = try await Gateway.start([])
            await gateway.server.publish(Gateway.snapshot(routes, settings: settings, callers: directory))
            let client = try gateway.client()
            for _ in 0..<Self.requests {
                let (text, assumed) = request(&generator)
                let end = text.range(of: "\r\n\r\n")!
                let closing = text[..<end.lowerBound] + "\r\nConnection: close" + text[end.lowerBound...]
                let told = try await gateway.server.rehearse(
                    DirectRequest(
                        bytes: Array(closing.utf8), usesTLS: false, peer: IPAddress("127.0.0.1")!, apiID: nil, snapshot: nil,
                        answerLimit: 65_536, timeoutMilliseconds: 10_000), assuming: assumed, instanceID: "i")
                client.write(text)
                let happened = try #require(client.readMessage(), "\(text)")
                let steps = told.report.steps.map { "\($0.stage) \($0.verdict) \($0.detail)" }
                if let destination = told.report.destination, destination.kind == .http {
                    outcomes["forwarded", default: 0] += 1
                    #expect(happened.status == 200, "\(text)\n\(steps)")
                    #expect(comparable(happened.text) == comparable(destination.request), "\(text)\n\(steps)")
                } else {
                    let head = Message(head: String(decoding: told.answer.head, as: UTF8.self))
                    outcomes["\(head.status ?? 0)", default: 0] += 1
                    #expect(head.status == happened.status, "\(text)\n\(steps)")
                    #expect(code(told.answer.body) == code(happened.body), "\(text)\n\(steps)")
                }
            }
            await gateway.stop()
        }
        // Each kind of end was seen.
        for outcome in ["forwarded", "203", "400", "401", "403", "404", "405", "429", "500"] {
            #expect(outcomes[outcome, default: 0] > 0, "\(outcome): \(outcomes)")
        }
        #expect(outcomes.values.reduce(0, +) == Int(Self.configurations) * Self.requests)
    }

    /// `error_code`, or the text of another body.
    private func code(_ body: [UInt8]) -> String {
        let text = String(decoding: body, as: UTF8.self)
        return text.hasPrefix("{\"error_code\"") ? String(text.split(separator: "\"")[3]) : text
    }

    /// A small generator whose sequence depends on its seed alone.
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}
