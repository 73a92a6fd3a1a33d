import Foundation
import GatewayPrimitives
import ProxyServer
import Snapshot
import Testing

@Suite(.serialized) struct ProxyServerTests {
    private let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test func forwardsAnewAndAnswers() async throws {
        let backend = try Backend.echo()
        let gateway = try await Gateway.start([try route("/a/{x+}", to: http(backend.port))])
        let answer = try #require(
            try gateway.send(
                "GET /a/b%20c/%7Bd?x=1&y=%zz HTTP/1.1\r\nHost: H:1\r\nX-Own: 1\r\nConnection: X-Gone\r\nX-Gone: 1\r\nX-Apig-Mode: none\r\n"
                    + "X-Request-Id: mine\r\nX-Forwarded-For: 1.2.3.4\r\nX-Stage: RELEASE\r\nAuthorization: kept\r\n\r\n"))
        #expect(answer.status == 200)
        #expect(answer.all("server") == ["api-gateway"])
        #expect(answer["x-back"] == "yes")
        let id = try #require(answer["x-request-id"])
        #expect(id.count == 32)
        #expect(
            answer.text
                == "GET /a/b%20c/%7Bd?x=1&y=%zz HTTP/1.1\r\nHost: 127.0.0.1:\(backend.port)\r\nX-Own: 1\r\nX-Stage: RELEASE\r\n"
                + "Authorization: kept\r\nX-Forwarded-For: 1.2.3.4, 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
                + "X-Forwarded-Host: H:1\r\nX-Forwarded-Port: \(gateway.port)\r\nX-Request-Id: \(id)\r\n\r\n")
        await gateway.stop()
    }

    @Test func backendPaths() async throws {
        let backend = try Backend.echo()
        let gateway = try await Gateway.start([
            try route("/v/{a}/x/{b}", to: http(backend.port, path: .pieces([.literal(Array("/new/".utf8)), .capture(1), .literal(Array("-".utf8)), .capture(0)]))),
            try route("/test/", mode: .prefix, to: http(backend.port, path: .prefix(Array("/test2/".utf8)))),
            try route("/fixed", to: http(backend.port, method: .get)),
        ])
        func line(_ target: String, _ method: String = "GET") throws -> String? {
            try gateway.send("\(method) \(target) HTTP/1.1\r\nHost: h\r\n\r\n")?.text.components(separatedBy: " HTTP/1.1").first
        }
        #expect(try line("/v/1%5B/x/b%25") == "GET /new/b%25-1%5B")
        #expect(try line("/test/AA/CC?q") == "GET /test2/AA/CC?q")
        #expect(try line("/test") == "GET /test2/")
        #expect(try line("/fixed", "DELETE") == "GET /fixed")
        await gateway.stop()
    }

    @Test func keepsConnectionsAlive() async throws {
        let backend = try Backend.echo()
        let gateway = try await Gateway.start([try route("/a", to: http(backend.port))])
        let client = try gateway.client()
        for _ in 0 ..< 20 {
            client.write(get)
            #expect(client.readMessage()?.status == 200)
        }
        #expect(backend.connections == 1)
        // Pipelined, and cut anywhere.
        let many = Array(String(repeating: get, count: 30).utf8)
        var sent = 0
        while sent < many.count {
            let end = min(many.count, sent + 37)
            client.write(Array(many[sent ..< end]))
            sent = end
        }
        for _ in 0 ..< 30 { #expect(client.readMessage()?.status == 200) }
        #expect(backend.requests.count == 50)
        await gateway.stop()
    }

    @Test func bodiesInBothFramings() async throws {
        let backend = try Backend.echo()
        let gateway = try await Gateway.start([try route("/a", to: http(backend.port))])
        let client = try gateway.client()
        client.write("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        #expect(client.readMessage()?.text.hasSuffix("Content-Length: 5\r\n\r\nhello") == true)
        client.write("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n")
        let chunked = client.readMessage()
        #expect(chunked?.text.hasSuffix("Transfer-Encoding: chunked\r\n\r\nhello!") == true)
        client.write("POST /a HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(client.readMessage()?.text.contains("Content-Length: 0\r\n") == true)
        // Large and slow: both directions stream.
        let large = [UInt8](repeating: 0x61, count: 5_000_000)
        client.write("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: \(large.count)\r\n\r\n")
        client.write(large)
        #expect(client.readMessage()?.body.suffix(large.count).elementsEqual(large) == true)
        #expect(backend.connections == 1)
        await gateway.stop()
    }

    @Test func expectContinue() async throws {
        let backend = try Backend.echo()
        let gateway = try await Gateway.start([try route("/a", to: http(backend.port))])
        let client = try gateway.client()
        client.write("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(client.readMessage()?.status == 100)
        client.write("ok")
        let answer = client.readMessage()
        #expect(answer?.status == 200)
        #expect(answer?.text.contains("Expect") == false)
        // A refusal comes instead of 100, and the connection ends because nobody knows whether the body follows.
        client.write("POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        let refusal = client.readMessage()
        #expect(refusal?.status == 404)
        #expect(refusal?["connection"] == "close")
        #expect(client.isAtEnd())
        await gateway.stop()
    }

    @Test func answersOfBackends() async throws {
        let backend = try Backend { _, socket in
            while let request = socket.readMessage() {
                switch request.firstLine.split(separator: " ")[1] {
                case "/chunked": socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e\r\nde\r\n0\r\nX: 1\r\n\r\n")
                case "/close":
                    socket.write("HTTP/1.1 200 OK\r\n\r\nuntil the end")
                    return
                case "/old": socket.write("HTTP/1.0 201 Made\r\nContent-Length: 2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\nok")
                case "/none": socket.write("HTTP/1.1 204 No Content\r\n\r\n")
                case "/same": socket.write("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: x\r\n\r\n")
                case "/interim": socket.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!")
                case "/head": socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
                case "/lies": socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n123456789")
                case "/garbage": socket.write("hello\r\n\r\n")
                case "/upgrade": socket.write("HTTP/1.1 101 Switching\r\n\r\n")
                case "/short":
                    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")
                    return
                default: return
                }
            }
        }
        let gateway = try await Gateway.start([try route("/{x}", to: http(backend.port, retry: .times(0)))])
        func ask(_ path: String, _ method: String = "GET", version: String = "1.1") throws -> Message? {
            try gateway.send("\(method) \(path) HTTP/\(version)\r\nHost: h\r\n\r\n", isHead: method == "HEAD")
        }
        let chunked = try ask("/chunked")
        #expect(chunked?.text == "abcde" && chunked?["transfer-encoding"] == "chunked" && chunked?["x"] == nil)
        let old = try ask("/chunked", version: "1.0")
        #expect(old?.text == "abcde" && old?["transfer-encoding"] == nil && old?["connection"] == "close")
        #expect(try ask("/close")?.text == "until the end")
        #expect(try ask("/close", version: "1.0")?.text == "until the end")
        let made = try ask("/old")
        #expect(made?.firstLine == "HTTP/1.1 201 Made" && made?.text == "ok" && made?["x-hop"] == nil)
        let none = try ask("/none")
        #expect(none?.status == 204 && none?["content-length"] == nil)
        let same = try ask("/same")
        #expect(same?.status == 304 && same?["content-length"] == "7" && same?["etag"] == "x")
        #expect(try ask("/interim")?.text == "!")
        let head = try ask("/head", "HEAD")
        #expect(head?.status == 200 && head?["content-length"] == "9")
        for path in ["/lies", "/garbage", "/upgrade", "/silent"] { #expect(try ask(path)?.status == 502, "\(path)") }
        // The end of a body that did not come must be seen as such.
        #expect(try ask("/short") == nil)
        await gateway.stop()
    }

    @Test func gatewayErrors() async throws {
        let backend = try Backend.echo()
        let gateway = try await Gateway.start(
            [
                try route("/a", .get, to: http(backend.port)),
                try route("/tls", schemes: .https, to: http(backend.port)),
                try route("/broken", refusal: RouteRefusal(status: 500, code: "0606", message: "Failed \"x\""), to: http(backend.port)),
                try route("/down", to: http(1)),
                try route("/name", to: http(80, host: "no-such-name.invalid")),
                try route("/mock", to: .mock(MockBackend(status: 202, headers: [HeaderLine(name: Array("X-M".utf8), value: Array("1".utf8))], body: Array("mocked".utf8)))),
            ], settings: InstanceSettings(instanceID: "i", maxBodyBytes: 10))
        func ask(_ target: String, host: String = "h", _ method: String = "GET", _ more: String = "") throws -> Message? {
            try gateway.send("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\(more)\r\n")
        }
        func expect(_ message: Message?, _ status: Int, _ code: String, _ text: String) {
            #expect(message?.status == status)
            #expect(message?["content-type"] == "application/json")
            let id = message?["x-request-id"] ?? ""
            #expect(id.count == 32)
            #expect(message?.text == "{\"error_code\":\"APIC.\(code)\",\"error_msg\":\"\(text)\",\"request_id\":\"\(id)\"}")
        }
        expect(try ask("/b"), 404, "0101", "The API does not exist or has not been published in the environment.")
        expect(try ask("/a", host: "x"), 404, "0101", "The API does not exist or has not been published in the environment.")
        expect(try ask("/a", "GET", "X-Stage: TEST\r\n"), 404, "0101", "The API does not exist or has not been published in the environment.")
        expect(try ask("/a", "PUT"), 404, "0101", "The API does not exist.")
        expect(try ask("/tls"), 400, "0607", "The following protocol is supported: HTTPS")
        expect(try ask("/broken"), 500, "0606", "Failed \\\"x\\\"")
        expect(try ask("/down"), 502, "0202", "Backend unavailable")
        expect(try ask("/name"), 500, "0605", "Domain name resolution failed.")
        expect(try ask("/down", "POST", "Content-Length: 11\r\n"), 413, "0201", "Request entity too large.")
        expect(try ask("/a/../b"), 400, "0602", "Bad request.")
        expect(try ask("/" + String(repeating: "a", count: 40_000)), 414, "0201", "Request URI too large.")
        expect(try ask("/a", "GET", "X: " + String(repeating: "a", count: 40_000) + "\r\n"), 494, "0201", "Request headers too large.")
        let mock = try ask("/mock")
        #expect(mock?.status == 202 && mock?.text == "mocked" && mock?["x-m"] == "1" && mock?["server"] == "api-gateway")
        #expect(try ask("/apic/health_check", host: "anything")?.status == 200)
        // Chunked beyond the limit.
        let chunked = try gateway.client()
        chunked.write("POST /down HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nB\r\n01234567890\r\n0\r\n\r\n")
        #expect(chunked.readMessage()?.status == 413)
        // The next request on the same connection, after the short body of a refused one.
        let client = try gateway.client()
        client.write("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + get)
        #expect(client.readMessage()?.status == 404)
        #expect(client.readMessage()?.status == 200)
        #expect(backend.requests.count == 1)
        await gateway.stop()
    }

    @Test func malformedRequestsNeverReachTheBackend() async throws {
        let backend = try Backend.echo()
        let gateway = try await Gateway.start([try route("/{x+}", to: http(backend.port))])
        for bad in [
            "GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "GET /a HTTP/1.1\r\n\r\n", "garbage\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "GET /a HTTP/1.1\nHost: h\n\n",
        ] {
            let client = try gateway.client()
            client.write(bad + get)
            let answer = client.readMessage()
            #expect(answer?.status == 400 && answer?["connection"] == "close", "\(bad)")
            #expect(client.isAtEnd())
        }
        // A chunk that is none is found when the head has been forwarded: the backend's request stays incomplete.
        let client = try gateway.client()
        client.write("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n")
        #expect(client.readMessage()?.status == 400)
        #expect(client.isAtEnd())
        #expect(backend.requests.isEmpty)
        await gateway.stop()
    }

    @Test func retriesByTheRule() async throws {
        // Closes the first connection without a word, then answers.
        func flaky(_ failures: Int) throws -> Backend {
            try Backend { backend, socket in
                guard let request = socket.readMessage() else { return }
                backend.note(request)
                if backend.requests.count <= failures { return }
                socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                _ = socket.readHead()
            }
        }
        for (method, rule, failures, status, requests) in [
            ("GET", RetryRule.automatic, 1, 200, 2), ("GET", .automatic, 2, 502, 2), ("POST", .automatic, 1, 502, 1),
            ("GET", .times(0), 1, 502, 1), ("POST", .times(3), 3, 200, 4), ("POST", .times(2), 3, 502, 3),
        ] {
            let backend = try flaky(failures)
            let gateway = try await Gateway.start([try route("/a", to: http(backend.port, retry: rule))])
            let answer = try gateway.send("\(method) /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
            #expect(answer?.status == status, "\(method) \(rule) \(failures)")
            #expect(backend.requests.count == requests)
            #expect(backend.requests.allSatisfy { $0.text == "abc" })
            await gateway.stop()
        }
    }

    @Test func staleConnectionsAreReplaced() async throws {
        // Answers once on each connection and closes it without saying so beforehand.
        let backend = try Backend { backend, socket in
            guard let request = socket.readMessage() else { return }
            backend.note(request)
            socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            guard socket.readHead() != nil else { return }
            socket.reset()
        }
        let gateway = try await Gateway.start([try route("/a", to: http(backend.port, retry: .times(0)))])
        let client = try gateway.client()
        for _ in 0 ..< 6 {
            client.write(get)
            #expect(client.readMessage()?.status == 200)
        }
        await gateway.stop()
    }

    @Test func timeouts() async throws {
        let silent = try Backend { _, socket in _ = socket.readToEnd() }
        let gateway = try await Gateway.start([try route("/a", to: http(silent.port, timeout: 60, retry: .times(1)))]) {
            $0.headTimeoutMilliseconds = 100
            $0.bodyTimeoutMilliseconds = 100
            $0.keepAliveTimeoutMilliseconds = 100
        }
        #expect(try gateway.send(get)?.status == 504)
        #expect(silent.connections == 2)
        let slowHead = try gateway.client()
        slowHead.write("GET /a HT")
        #expect(slowHead.readMessage()?.status == 400)
        #expect(slowHead.isAtEnd())
        let slowBody = try gateway.client()
        slowBody.write("POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na")
        #expect(slowBody.readMessage()?.status == 404)
        #expect(slowBody.isAtEnd())
        let idle = try gateway.client()
        #expect(idle.isAtEnd())
        await gateway.stop()
    }

    @Test func earlyAnswersAndAborts() async throws {
        let backend = try Backend { backend, socket in
            guard let head = socket.readHead() else { return }
            backend.note(Message(head: head))
            if head.contains("/early") {
                socket.write("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
            } else {
                // Ends when the gateway lets go.
                _ = socket.readToEnd()
                backend.note(Message(head: "ended"))
            }
        }
        let gateway = try await Gateway.start([try route("/{x}", to: http(backend.port))])
        let early = try gateway.client()
        early.write("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc")
        let answer = early.readMessage()
        #expect(answer?.status == 403 && answer?.text == "no" && answer?["connection"] == "close")
        let aborting = try gateway.client()
        aborting.write("POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        while backend.requests.count < 2 { usleep(1000) }
        aborting.close()
        while backend.requests.count < 3 { usleep(1000) }
        #expect(backend.requests.last?.head == "ended")
        // A client that has said everything may close its side and still gets its answer.
        let echo = try Backend.echo()
        await gateway.server.publish(Gateway.snapshot([try route("/a", to: http(echo.port))]))
        let half = try gateway.client()
        half.write(get)
        half.shutdownWriting()
        #expect(half.readMessage()?.status == 200)
        #expect(half.isAtEnd())
        await gateway.stop()
    }

    @Test func publishesToOpenConnections() async throws {
        func mock(_ text: String) throws -> Route { try route("/a", to: .mock(MockBackend(status: 200, headers: [], body: Array(text.utf8)))) }
        let gateway = try await Gateway.start([])
        let clients = try (0 ..< 8).map { _ in try gateway.client() }
        for round in 0 ..< 50 {
            await gateway.server.publish(Gateway.snapshot([try mock("\(round)")]))
            for client in clients {
                client.write(get)
                #expect(client.readMessage()?.text == "\(round)")
            }
        }
        await gateway.stop()
    }

    @Test func drainsRunningRequests() async throws {
        let released = DispatchSemaphore(value: 0)
        let backend = try Backend { backend, socket in
            guard let request = socket.readMessage() else { return }
            backend.note(request)
            released.wait()
            socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        // One loop: when the idle connection is closed, the busy one's loop knows too.
        let gateway = try await Gateway.start([try route("/a", to: http(backend.port))]) { $0.eventLoops = 1 }
        let idle = try gateway.client()
        let busy = try gateway.client()
        busy.write(get)
        while backend.requests.isEmpty { usleep(1000) }
        async let stopped: Void = gateway.server.shutdown(drain: .seconds(5))
        #expect(idle.isAtEnd())
        released.signal()
        let answer = busy.readMessage()
        #expect(answer?.text == "ok" && answer?["connection"] == "close")
        await stopped
        #expect(throws: POSIXError.self) { _ = try gateway.client() }
    }
}
