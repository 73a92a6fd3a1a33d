import GatewayPrimitives
import Testing

@testable import ProxyPipeline

/// Which requests ask for another protocol, and which answers agree to one.
@Suite struct UpgradeTests {
    static let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    static func request(_ fields: String, method: String = "GET", version: String = "1.1") -> RequestHead {
        scan("\(method) /chat HTTP/\(version)\r\nHost: h\r\n\(fields)\r\n").head
    }

    @Test func asksForWebSocket() {
        let head = Self.request("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\(Self.key)Sec-WebSocket-Protocol: chat\r\n")
        #expect(head.upgradeProtocol?.string == "WebSocket")
        #expect(head.value(named: ByteView("sec-websocket-key")) != nil, "part of the handshake, so it is seen and forwarded")
        #expect(head.value(named: ByteView("sec-websocket-protocol"))?.string == "chat")
        head.reset()
        _ = feed(head, Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8))
        #expect(head.upgradeProtocol == nil, "nothing stays for the next request")
    }

    @Test func asksForAnotherProtocol() {
        #expect(Self.request("Connection: upgrade\r\nUpgrade: irc/6.9\r\n", method: "OPTIONS").upgradeProtocol?.string == "irc/6.9")
        #expect(Self.request("Connection: upgrade\r\nUpgrade: irc\r\nContent-Length: 0\r\n", method: "POST").upgradeProtocol != nil)
    }

    @Test(arguments: [
        "Upgrade: websocket\r\n\(key)", "Connection: Upgrade\r\n\(key)", "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n\(key)", "Connection: Upgrade\r\nUpgrade: websocket, irc\r\n\(key)",
        "Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: Upgrade\r\nUpgrade: H2C\r\n", "Connection: Upgrade\r\nUpgrade: h2\r\n",
        "Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n", "Connection: Upgrade\r\nUpgrade: tls/1.2\r\n", "Connection: Upgrade\r\nUpgrade: \r\n",
        "Connection: Upgrade\r\nUpgrade: a b\r\n", "Connection: Upgrade\r\nUpgrade: irc/\r\n", "Connection: Upgrade\r\nUpgrade: /1\r\n",
        "Connection: Upgrade\r\nUpgrade: irc\r\nContent-Length: 1\r\n", "Connection: Upgrade\r\nUpgrade: irc\r\nTransfer-Encoding: chunked\r\n",
    ])
    func isAnOrdinaryRequest(_ fields: String) {
        let head = Self.request(fields)
        #expect(head.isComplete && head.upgradeProtocol == nil)
        #expect(head.value(named: ByteView("sec-websocket-key")) == nil && head.value(named: ByteView("upgrade")) == nil)
    }

    @Test func methodsAndVersions() {
        let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n\(Self.key)"
        #expect(Self.request(fields, method: "POST").upgradeProtocol == nil)
        #expect(Self.request(fields, method: "HEAD").upgradeProtocol == nil)
        #expect(Self.request(fields, version: "1.0").upgradeProtocol == nil)
        #expect(Self.request("Connection: Upgrade\r\nUpgrade: irc\r\n", method: "HEAD").upgradeProtocol == nil)
    }

    @Test(arguments: [
        ("101 Switching Protocols", "Connection: Upgrade\r\nUpgrade: irc\r\n", true), ("101", "Connection: Upgrade\r\n", false),
        ("101", "Upgrade: irc\r\n", false), ("101", "Connection: Upgrade\r\nUpgrade: irc\r\nUpgrade: irc\r\n", false),
        ("200 OK", "Connection: Upgrade\r\nUpgrade: irc\r\nContent-Length: 0\r\n", false),
        ("426 Upgrade Required", "Connection: Upgrade\r\nUpgrade: irc\r\nContent-Length: 0\r\n", false),
    ])
    func answers(_ status: String, _ fields: String, _ agrees: Bool) {
        let head = ResponseHead()
        _ = feed(head, Array("HTTP/1.1 \(status)\r\n\(fields)Sec-WebSocket-Accept: x\r\n\r\n".utf8))
        #expect(head.isComplete && (head.upgradeProtocol != nil) == agrees)
        #expect((head.value(named: ByteView("sec-websocket-accept")) != nil) == agrees)
    }
}
