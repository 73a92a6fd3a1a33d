import ControlPlane
import Dispatch
import Foundation
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Sockets
import Testing
import WireContract

@testable import ManagementAPI

/// A client socket: what it sends is what the server gets, byte for byte. It blocks on a queue of its
/// own, as the tests' threads are also the server's.
private final class Client: Sendable {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0)
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Everything until the server closes, or until `end` has come.
    func receive(until end: String? = nil) async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "client").async { [self] in continuation.resume(returning: read(until: end)) }
        }
    }

    private func read(until end: String?) -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            all += buffer[..<count]
            if let end, String(decoding: all, as: UTF8.self).contains(end) { break }
        }
        return String(decoding: all, as: UTF8.self)
    }
}

@Suite("The management port on a socket")
struct SocketTests {
    /// Runs `body` against the real server.
    private func serving(
        headTimeout: TimeAmount = .seconds(60), bodyTimeout: TimeAmount = .seconds(60),
        _ body: @escaping @Sendable (_ port: Int, _ token: String, _ path: String) async throws -> Void
    ) async throws {
        let port = try await Port()
        let token = try await port.token()
        let (bound, opened) = AsyncStream.makeStream(of: Int.self)
        var routes = OperationRoutes()
        routes.on(.createSignatureKeyV2, body: Wire.BaseSignature.self) { Wire.CreateSignatureKeyV2Response(name: $0.body.name) }
        routes.on(.deleteSignatureKeyV2) { _ -> Void in }
        let socket = try ListeningSocket.open(host: "127.0.0.1", port: 0)
        defer { socket.closeDescriptor() }
        let application = ManagementApplication.build(
            settings: ManagementSettings(
                publicURL: "http://gate", region: "r", headTimeout: headTimeout, bodyTimeout: bodyTimeout),
            socket: socket, directory: port.directory, routes: routes,
            status: ProcessStatus(version: "1", startTime: 1, revision: { 0 }, isReady: { true }),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onRunning: { opened.yield(socket.port) })
        let path = port.path("/signs")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            var ports = bound.makeAsyncIterator()
            let number = try #require(await ports.next())
            try await body(number, token, path)
            group.cancelAll()
        }
    }

    @Test("what is no HTTP gets an answer of the contract, and the end", arguments: [
        "GET\r\n\r\n", "\u{1}\u{2}\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: " + String(repeating: "b", count: 100_000) + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: 500) + "\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ])
    func malformed(text: String) async throws {
        try await serving { port, _, _ in
            let client = try Client(port: port)
            client.send(text)
            let answer = await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
            #expect(answer.lowercased().contains("x-request-id: "))
            #expect(answer.contains(#""error_code":"APIG.2000""#))
        }
    }

    @Test("who trickles a head or a body is cut off")
    func trickle() async throws {
        try await serving(headTimeout: .milliseconds(50), bodyTimeout: .milliseconds(50)) { port, token, path in
            let silent = try Client(port: port)
            #expect(await silent.receive() == "")
            let head = try Client(port: port)
            head.send("GET / HTTP/1.1\r\nHos")
            #expect(await head.receive() == "")
            let body = try Client(port: port)
            body.send("POST \(path) HTTP/1.1\r\nHost: a\r\nX-Auth-Token: \(token)\r\nContent-Length: 100\r\n\r\n{")
            #expect(await !body.receive().contains(" 201 "))
            // After an answer the head's time runs again.
            let idle = try Client(port: port)
            idle.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await idle.receive().hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("expect, keep-alive, pipelining, 204, HEAD, OPTIONS, too large bodies")
    func conversation() async throws {
        try await serving { port, token, path in
            let auth = "Host: a\r\nX-Auth-Token: \(token)\r\n"
            let client = try Client(port: port)
            client.send("POST \(path) HTTP/1.1\r\n\(auth)Content-Length: 14\r\nExpect: 100-continue\r\n\r\n")
            #expect(await client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
            client.send(#"{"name":"abc"}"#)
            let created = await client.receive(until: "}")
            #expect(created.hasPrefix("HTTP/1.1 201 ") && created.lowercased().contains("server: api-gateway"))
            client.send("DELETE \(path)/a HTTP/1.1\r\n\(auth)\r\nOPTIONS \(path) HTTP/1.1\r\n\(auth)\r\nHEAD /livez HTTP/1.1\r\n\(auth)Connection: close\r\n\r\n")
            let rest = await client.receive()
            let answers = rest.components(separatedBy: "HTTP/1.1 ").dropFirst()
            #expect(answers.map { $0.prefix(3) } == ["204", "405", "200"], "\(rest)")
            let noContent = try #require(answers.first).lowercased()
            #expect(!noContent.contains("content-length") && !noContent.contains("content-type") && noContent.contains("x-request-id"))
            #expect(answers.last?.hasSuffix("\r\n\r\n") == true)

            let large = try Client(port: port)
            large.send("POST \(path) HTTP/1.1\r\n\(auth)Content-Length: 99999999999\r\n\r\n{")
            let refused = await large.receive()
            #expect(refused.hasPrefix("HTTP/1.1 413 ") && refused.contains("APIG.2000"))
        }
    }
}
