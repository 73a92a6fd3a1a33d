import GatewayPrimitives
import ProxyPipeline
import Snapshot
import Testing

/// What the TLS listener reads before a handshake (RFC 8446, 4.1.2; RFC 6066, 3).
@Suite("client hello")
struct ClientHelloTests {
    /// A hello of TLS 1.2 or newer.
    static func hello(
        name: String? = "a.example.com", suites: [Int] = [0xC02B], algorithms: [Int]? = [0x0403], records: Int = 16_384
    ) -> [UInt8] {
        func number(_ value: Int, _ width: Int) -> [UInt8] {
            (0..<width).map { UInt8(value >> (8 * (width - 1 - $0)) & 0xFF) }
        }
        func field(_ bytes: [UInt8], _ width: Int) -> [UInt8] { number(bytes.count, width) + bytes }
        var extensions: [UInt8] = number(0xFF01, 2) + field([0], 2)
        if let name { extensions += number(0, 2) + field(field([0] + field(Array(name.utf8), 2), 2), 2) }
        if let algorithms { extensions += number(13, 2) + field(field(algorithms.flatMap { number($0, 2) }, 2), 2) }
        let body: [UInt8] = [3, 3] + [UInt8](repeating: 7, count: 32) + field([], 1) + field(suites.flatMap { number($0, 2) }, 2)
            + field([0], 1) + field(extensions, 2)
        let message: [UInt8] = [1] + field(body, 3)
        var result: [UInt8] = []
        for start in stride(from: 0, to: message.count, by: records) {
            result += [22, 3, 1] + field(Array(message[start..<min(message.count, start + records)]), 2)
        }
        return result
    }

    static func read(_ bytes: [UInt8]) -> ClientHello.Outcome { bytes.withUnsafeBytes { ClientHello.read($0) } }

    static func complete(_ bytes: [UInt8]) -> ClientHello? {
        guard case .complete(let hello) = read(bytes) else { return nil }
        return hello
    }

    @Test("the server's name in one form")
    func serverName() {
        #expect(Self.complete(Self.hello())?.serverName == Array("a.example.com".utf8))
        #expect(Self.complete(Self.hello(name: "A.Example.COM."))?.serverName == Array("a.example.com".utf8))
        #expect(Self.complete(Self.hello(name: nil)) != nil && Self.complete(Self.hello(name: nil))?.serverName == nil)
        for name in ["", ".", String(repeating: "a", count: 254)] {
            #expect(Self.complete(Self.hello(name: name)) != nil && Self.complete(Self.hello(name: name))?.serverName == nil)
        }
    }

    @Test("elliptic curves need a suite and a signature algorithm")
    func curves() {
        #expect(Self.complete(Self.hello())?.acceptsEllipticCurve == true)
        #expect(Self.complete(Self.hello(suites: [0x1301]))?.acceptsEllipticCurve == true)
        #expect(Self.complete(Self.hello(suites: [0xC02F]))?.acceptsEllipticCurve == false)
        #expect(Self.complete(Self.hello(algorithms: [0x0804]))?.acceptsEllipticCurve == false)
        #expect(Self.complete(Self.hello(algorithms: nil))?.acceptsEllipticCurve == false)
    }

    @Test("however it is cut into records and pieces, it is the same hello")
    func pieces() {
        let whole = Self.complete(Self.hello())
        for size in [1, 3, 5, 64] {
            let bytes = Self.hello(records: size)
            #expect(Self.complete(bytes) == whole)
            for count in 0..<bytes.count where Self.read(Array(bytes[..<count])) != .needsMore {
                Issue.record("\(count) of \(bytes.count) bytes in records of \(size)")
            }
        }
        #expect(Self.complete(Self.hello() + [23, 3, 3, 0, 1, 0]) == whole, "what follows does not matter")
    }

    @Test("lengths that do not fit never lead beyond the bytes")
    func lengths() {
        let bytes = Self.hello()
        for index in bytes.indices {
            for value in [UInt8(0), 0x7F, 0xFF] {
                var changed = bytes
                changed[index] = value
                // Any outcome but a crash; a record or message that grew waits for more, within the limit.
                _ = Self.read(changed)
                _ = Self.read(changed + [UInt8](repeating: 0, count: 300))
            }
        }
    }

    @Test("what is none")
    func unreadable() {
        #expect(Self.read(Array("GET / HTTP/1.1\r\n".utf8)) == .unreadable)
        #expect(Self.read([22, 2, 0, 0, 5]) == .unreadable, "an older record")
        #expect(Self.read([22, 3, 1, 0, 0]) == .unreadable, "an empty record")
        #expect(Self.read([22, 3, 1, 0, 4, 2, 0, 0, 0]) == .unreadable, "another message")
        #expect(Self.read([22, 3, 1, 0, 4, 1, 0, 0, 0]) == .unreadable, "nothing in it")
        #expect(Self.read([22, 3, 1, 0, 4, 1, 0x01, 0, 0]) == .unreadable, "beyond the limit, known at once")
        #expect(Self.read([22, 3, 1, 0x40, 0x01]) == .unreadable, "a record beyond its limit")
        #expect(Self.read([]) == .needsMore)
    }

    @Test("no byte string makes it fail")
    func random() {
        var state: UInt64 = 42
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        for _ in 0..<2000 {
            var bytes = Self.hello(records: 40)
            for _ in 0..<(Int(next()) % 8 + 1) { bytes[Int(next()) % bytes.count] = next() }
            _ = Self.read(bytes)
        }
    }
}

/// What holds at a domain (gateway-runtime.md, 1.6 and 12.3).
@Suite("domain rules")
struct DomainRulesTests {
    private final class Context: PreparedTLS {}

    private func rules(
        _ name: String = "a.example.com", floor: TLSFloor = .tls11, curves: [Bool] = [], authority: ClientAuthority? = nil
    ) -> DomainRules {
        DomainRules(
            name: name, minimumTLS: floor, redirectsToHTTPS: false,
            identities: curves.map { TLSIdentity(usesEllipticCurve: $0, context: Context()) }, authority: authority)
    }

    private func hello(curves: Bool) throws -> ClientHello {
        try #require(ClientHelloTests.complete(ClientHelloTests.hello(algorithms: curves ? [0x0403] : [0x0804])))
    }

    @Test("which certificate a client is shown")
    func identity() throws {
        let both = rules(curves: [true, false])
        #expect(try both.identity(for: hello(curves: true))?.usesEllipticCurve == true)
        #expect(try both.identity(for: hello(curves: false))?.usesEllipticCurve == false)
        #expect(try rules(curves: [true]).identity(for: hello(curves: false))?.usesEllipticCurve == true, "there is no other")
        #expect(try rules().identity(for: hello(curves: true)) == nil)
    }

    @Test("the least version, also for connections that are older than it")
    func version() {
        let strict = rules(floor: .tls12)
        #expect(strict.refusal(ConnectionSecurity(usesTLS: true, version: .tls11)) == .tlsVersionNotSupported(.tls11))
        #expect(strict.refusal(ConnectionSecurity(usesTLS: true, version: .tls12)) == nil)
        #expect(rules().refusal(ConnectionSecurity(usesTLS: true, version: .tls10)) == .tlsVersionNotSupported(.tls10))
        #expect(rules().refusal(ConnectionSecurity(usesTLS: true, version: .tls11)) == nil)
        #expect(strict.refusal(.plain) == nil)
    }

    @Test("a client certificate counts for the authorities that verified it")
    func authority() {
        let ours = ClientAuthority(certificates: "A"), same = ClientAuthority(certificates: "A")
        let other = ClientAuthority(certificates: "B")
        let asking = rules(authority: ours)
        #expect(asking.refusal(.plain) == .clientCertificateNotVerified)
        #expect(asking.refusal(ConnectionSecurity(usesTLS: true, version: .tls13)) == .clientCertificateNotVerified)
        #expect(asking.refusal(ConnectionSecurity(usesTLS: true, verifiedBy: other)) == .clientCertificateNotVerified)
        #expect(asking.refusal(ConnectionSecurity(usesTLS: true, verifiedBy: ours)) == nil)
        #expect(asking.refusal(ConnectionSecurity(usesTLS: true, verifiedBy: same)) == nil)
    }

    @Test("exact before wildcard, longest wildcard first, none without a certificate")
    func shown() {
        func snapshot(_ all: [DomainRules]) -> GatewaySnapshot {
            var exact = ByteTrie<DomainRules>(), wild = ByteTrie<DomainRules>()
            for domain in all {
                if domain.name.hasPrefix("*") {
                    wild = wild.setting(Array(domain.name.utf8.dropFirst()), to: domain)
                } else {
                    exact = exact.setting(Array(domain.name.utf8), to: domain)
                }
            }
            return GatewaySnapshot(
                revision: 1, hosts: ByteTrie(), wildcardHosts: ByteTrie(), domains: exact, wildcardDomains: wild, instances: [])
        }
        let full = snapshot([
            rules("a.b.example.com", curves: [true]), rules("*.b.example.com", curves: [true]),
            rules("*.example.com", curves: [true]), rules("bare.b.example.com"),
        ])
        func name(_ host: String) -> String? { full.domainShown(to: Array(host.utf8))?.name }
        #expect(name("a.b.example.com") == "a.b.example.com")
        #expect(name("x.b.example.com") == "*.b.example.com")
        #expect(name("x.y.example.com") == "*.example.com")
        #expect(name("bare.b.example.com") == "*.b.example.com")
        #expect(name("example.com") == nil && name("b.example.org") == nil && name("") == nil)
        #expect(snapshot([]).domainShown(to: Array("a.b".utf8)) == nil)
    }
}
