import Foundation
import GatewayPrimitives
import ProxyServer
import Snapshot
import Testing

@Suite(.serialized) struct PolicyTests {
    private func line(_ name: String, _ value: String) -> HeaderLine { HeaderLine(name: Array(name.utf8), value: Array(value.utf8)) }

    private func policies(_ set: (inout RoutePolicies) -> Void) -> RoutePolicies {
        var policies = RoutePolicies()
        set(&policies)
        return policies
    }

    private func get(_ path: String, _ more: String = "") -> String { "GET \(path) HTTP/1.1\r\nHost: h\r\n\(more)\r\n" }

    @Test func accessListAndItsRemovalOnAnOpenConnection() async throws {
        let backend = try Backend.echo()
        let denies = policies { $0.access = AccessPolicy(id: "x", permitsListed: true, addresses: IPSet([])) }
        let gateway = try await Gateway.start([try route("/a", to: http(backend.port), policies: denies)])
        let client = try gateway.client()
        for _ in 0 ..< 20 {
            client.write(get("/a"))
            let refused = client.readMessage()
            #expect(refused?.status == 403 && refused?.text.contains("APIC.0402") == true)
            await gateway.server.publish(Gateway.snapshot([try route("/a", to: http(backend.port))]))
            client.write(get("/a"))
            #expect(client.readMessage()?.status == 200)
            await gateway.server.publish(Gateway.snapshot([try route("/a", to: http(backend.port), policies: denies)]))
        }
        #expect(backend.requests.count == 20)
        await gateway.stop()
    }

    @Test func corsAndResponseHeaders() async throws {
        let backend = try Backend { _, socket in
            while socket.readMessage() != nil {
                socket.write("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: evil\r\nX-Del: 1\r\nX-App: a\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let lines = CORSPolicy.Lines(
            preflight: [line("Access-Control-Allow-Methods", "GET")], actual: [line("Access-Control-Allow-Origin", "https://o")])
        let both = policies {
            $0.cors = CORSPolicy(listed: [(Array("https://o".utf8), lines)], otherwise: .init(preflight: [], actual: []))
            $0.responseHeaders = ResponseHeaderPolicy(rules: [
                .init(name: Array("X-Del".utf8), lowercaseName: Array("x-del".utf8), value: .constant([]), action: .delete),
                .init(name: Array("X-App".utf8), lowercaseName: Array("x-app".utf8), value: .constant(Array("b".utf8)), action: .append),
                .init(name: Array("X-New".utf8), lowercaseName: Array("x-new".utf8), value: .system(.apiName), action: .override),
            ])
        }
        let gateway = try await Gateway.start([try route("/a", .get, to: http(backend.port), policies: both)])
        let answer = try gateway.send(get("/a", "Origin: https://O\r\n"))
        #expect(answer?.all("access-control-allow-origin") == ["https://o"])
        #expect(answer?["x-del"] == nil && answer?.all("x-app") == ["a,b"] && answer?["x-new"] == "/a")
        #expect(try gateway.send(get("/a"))?["access-control-allow-origin"] == nil)
        let preflight = try gateway.send(
            "OPTIONS /a HTTP/1.1\r\nHost: h\r\nOrigin: https://o\r\nAccess-Control-Request-Method: GET\r\n\r\n")
        #expect(preflight?.status == 200 && preflight?["access-control-allow-methods"] == "GET")
        #expect(try gateway.send("OPTIONS /a HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 404)
        await gateway.stop()
    }

    @Test func rateLimitWithDebugLines() async throws {
        let limited = policies {
            $0.rateLimit = RateLimitPolicy(
                api: .init(limit: 2, window: 3_600_000, windowText: Array("1 hour".utf8)), user: nil, app: nil, address: nil,
                specialUsers: [:], specialApps: [:], parameters: [], rules: [], state: RateLimitState(ruleCount: 0))
        }
        let gateway = try await Gateway.start([
            try route("/a", to: .mock(MockBackend(status: 200, headers: [], body: [])), policies: limited)
        ])
        let first = try gateway.send(get("/a", "X-Apig-Mode: debug\r\n"))
        #expect(first?["x-apig-ratelimit-api"] == "remain:1,limit:2,time:1 hour")
        #expect(first?["x-apig-latency"] != nil && first?["x-apig-upstream-latency"] == nil)
        #expect(try gateway.send(get("/a"))?.status == 200)
        let third = try gateway.send(get("/a"))
        #expect(third?.status == 429 && third?.text.contains("APIC.0308") == true)
        await gateway.stop()
    }

    private func thirdAuth(
        _ port: Int, body: Int? = nil, returnsAnswer: Bool = false, isRelaxed: Bool = false, timeout: Int = 2000
    ) -> RoutePolicies {
        policies {
            $0.thirdAuth = ThirdAuthPolicy(
                method: Array("POST".utf8), upstream: Upstream(usesTLS: false, host: "127.0.0.1", port: port),
                hostHeader: Array("auth".utf8), path: Array("/check".utf8), timeoutMilliseconds: timeout, headers: [], queries: [],
                carriedBody: body, carriesPath: true, returnsAnswerOnFailure: returnsAnswer,
                carriedAnswerHeaders: [Array("x-user".utf8)], match: nil, isRelaxed: isRelaxed, rules: nil, failures: nil)
        }
    }

    @Test func thirdPartyAuthentication() async throws {
        let backend = try Backend.echo()
        let service = try Backend { service, socket in
            while let request = socket.readMessage() {
                service.note(request)
                let good = request["x-pass"] == "good"
                socket.write("HTTP/1.1 \(good ? 200 : 418) Said\r\nX-User: u1\r\nX-Other: 1\r\nContent-Length: 4\r\n\r\nsaid")
            }
        }
        let silent = try Backend { _, socket in _ = socket.readToEnd() }
        let gateway = try await Gateway.start([
            try route("/a", to: http(backend.port), policies: thirdAuth(service.port, body: 3)),
            try route("/own", to: http(backend.port), policies: thirdAuth(service.port, returnsAnswer: true)),
            try route("/down", to: http(backend.port), policies: thirdAuth(1)),
            try route("/relaxed", to: http(backend.port), policies: thirdAuth(1, isRelaxed: true)),
            try route("/slow", to: http(backend.port), policies: thirdAuth(silent.port, timeout: 50)),
        ])
        let client = try gateway.client()
        client.write("POST /a HTTP/1.1\r\nHost: h\r\nX-Pass: good\r\nX-User: forged\r\nContent-Length: 5\r\n\r\n")
        client.write("hello" + get("/own", "X-Pass: bad\r\n"))
        let passed = client.readMessage()
        #expect(passed?.status == 200)
        #expect(backend.requests.first?.all("x-user") == ["u1"])
        #expect(backend.requests.first?.text == "hello")
        #expect(service.requests.first?.firstLine == "POST /check/a HTTP/1.1")
        #expect(service.requests.first?.text == "hel")
        let own = client.readMessage()
        #expect(own?.status == 418 && own?.text == "said" && own?["x-other"] == "1")
        func code(_ path: String) throws -> String? {
            let answer = try gateway.send(get(path))
            return answer.map { "\($0.status ?? 0) \($0.text.components(separatedBy: "\"")[3])" }
        }
        #expect(try code("/a") == "401 APIC.0312")
        #expect(try code("/down") == "500 APIC.0616")
        #expect(try code("/slow") == "500 APIC.0616")
        #expect(try gateway.send(get("/relaxed"))?.status == 200)
        #expect(backend.requests.count == 2)
        #expect(service.connections <= 3)
        await gateway.stop()
    }

    @Test func breakerOpensAndDowngrades() async throws {
        let failing = try Backend { backend, socket in
            while let request = socket.readMessage() {
                backend.note(request)
                if request["x-pass"] == nil { return }
                socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let other = try Backend.echo()
        func breaker(_ downgrade: BreakerPolicy.Downgrade?) throws -> RoutePolicies {
            let condition = try MatchExpression(parsing: "[\"status\",\"==\",\"502\"]") { $0 == "status" ? 0 : nil }
            return policies {
                $0.breaker = BreakerPolicy(
                    parameters: [], rules: [],
                    otherwise: BreakerCircuit(
                        failure: .condition(condition),
                        threshold: BreakerThreshold(mode: .counter(failures: 2), window: 60_000, open: 60_000), downgrade: downgrade,
                        state: BreakerState()))
            }
        }
        guard case .http(let second) = http(other.port) else { return }
        let mock = MockBackend(status: 203, headers: [], body: Array("instead".utf8))
        let gateway = try await Gateway.start([
            try route("/none", to: http(failing.port, retry: .times(0)), policies: try breaker(nil)),
            try route("/mock", to: http(failing.port, retry: .times(0)), policies: try breaker(.mock(mock))),
            try route("/http", to: http(failing.port, retry: .times(0)), policies: try breaker(.http(second))),
            try route("/through", to: http(failing.port, retry: .times(0)), policies: try breaker(.passthrough([line("X-Pass", "1")]))),
        ])
        for (path, status) in [("/none", 503), ("/mock", 203), ("/http", 200), ("/through", 200)] {
            #expect(try gateway.send(get(path))?.status == 502)
            #expect(try gateway.send(get(path))?.status == 502)
            #expect(try gateway.send(get(path))?.status == status, "\(path)")
        }
        #expect(other.requests.count == 1)
        #expect(failing.requests.count == 9)
        await gateway.stop()
    }
}
