import Foundation
import GatewayPrimitives
import ProxyServer
import RequestSigning
import Snapshot
import Testing

@Suite(.serialized) struct SigningTests {
    private static let key = "signature_key_1"
    private static let secret = "signature_secret_0123"

    private func policies() -> RoutePolicies {
        var policies = RoutePolicies()
        policies.signing = SigningPolicy(
            signer: .hmac(key: Self.key, secret: Secret(Self.secret)), carrier: .backendSignHeader)
        return policies
    }

    /// What the signature of a received request must be, computed from what was received alone.
    private func expected(_ request: Message, unsigned: Bool) throws -> String {
        let parts = request.firstLine.split(separator: " ")
        let target = parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let scratch = SigningScratch()
        defer { withExtendedLifetime(scratch) {} }
        let date = try #require(request["x-sdk-date"].flatMap { BasicDate($0) })
        let method = Array(parts[0].utf8)
        let path = Array(target[0].utf8)
        let query = target.count > 1 ? Array(target[1].utf8) : []
        let host = Array((request["host"] ?? "").utf8)
        let type = Array((request["content-type"] ?? "").utf8)
        return try method.withUnsafeBytes { method in
            try path.withUnsafeBytes { path in
                try query.withUnsafeBytes { query in
                    try host.withUnsafeBytes { host in
                        try type.withUnsafeBytes { type in
                            let payload: SignedPayload = unsigned ? .unsigned : .digest(BodyDigest(of: request.body))
                            let signature = try BackendSigner.hmac(key: Self.key, secret: Secret(Self.secret)).sign(
                                UnsignedRequest(
                                    method: ByteView(method), path: ByteView(path), query: ByteView(query), host: ByteView(host),
                                    contentType: type.isEmpty ? nil : ByteView(type), payload: payload),
                                at: date.seconds, scratch: scratch)
                            return signature.authorization.string
                        }
                    }
                }
            }
        }
    }

    @Test func signsExactlyWhatIsSent() async throws {
        let backend = try Backend.echo()
        let gateway = try await Gateway.start([
            try route("/p/{x}", to: http(backend.port, path: .pieces([.literal(Array("/q/".utf8)), .capture(0)])), policies: policies()),
            try route("/a/{x+}", to: http(backend.port), policies: policies()),
        ])
        let long = String(repeating: "b", count: 70_000)
        for (text, unsigned) in [
            ("GET /p/a%20b?z=1&a=%2F&a HTTP/1.1\r\nHost: h\r\nAuthorization: mine\r\nX-Sdk-Date: old\r\nX-Sdk-Content-Sha256: x\r\n\r\n", false),
            ("POST /a/b HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello", false),
            ("POST /a/b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", false),
            ("POST /a/b HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n" + long, true),
            ("PUT /a/%7Eb/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", true),
        ] {
            let client = try gateway.client()
            // In two pieces, so that collected bodies arrive after their head.
            let half = text.utf8.count - 3
            client.write(Array(Array(text.utf8)[..<half]))
            client.write(Array(Array(text.utf8)[half...]))
            #expect(client.readMessage()?.status == 200)
            let request = try #require(backend.requests.last)
            #expect(request.all("authorization") == [try expected(request, unsigned: unsigned)])
            #expect(request.all("x-sdk-date").count == 1)
            #expect(request.all("x-sdk-content-sha256") == (unsigned ? ["UNSIGNED-PAYLOAD"] : []))
        }
        await gateway.stop()
    }

    @Test func renamedHeaderAndUnbinding() async throws {
        let backend = try Backend.echo()
        let settings = InstanceSettings(instanceID: "i", backendSignHeader: Array("x-own-sign".utf8))
        let gateway = try await Gateway.start([try route("/a", to: http(backend.port), policies: policies())], settings: settings)
        let client = try gateway.client()
        let text = "GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: mine\r\nX-Own-Sign: forged\r\n\r\n"
        client.write(text)
        #expect(client.readMessage()?.status == 200)
        #expect(backend.requests.last?["authorization"] == nil)
        #expect(backend.requests.last?.all("x-own-sign").first?.hasPrefix("SDK-HMAC-SHA256 Access=\(Self.key), ") == true)
        await gateway.server.publish(Gateway.snapshot([try route("/a", to: http(backend.port))], settings: settings))
        client.write(text)
        #expect(client.readMessage()?.status == 200)
        #expect(backend.requests.last?.all("authorization") == ["mine"])
        #expect(backend.requests.last?.all("x-own-sign") == ["forged"])
        await gateway.stop()
    }
}
