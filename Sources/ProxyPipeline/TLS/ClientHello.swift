import GatewayPrimitives
import Snapshot

/// What a TLS client says first, as far as the choice of a certificate needs it (RFC 8446, 4.1.2; RFC 6066, 3).
public struct ClientHello: Equatable, Sendable {
    /// Server name in lower case, without trailing dot; nil when none is given.
    public var serverName: [UInt8]?
    /// The client can check signatures of elliptic curves, and knows a cipher suite that goes with one.
    public var acceptsEllipticCurve = false

    public enum Outcome: Equatable, Sendable {
        case needsMore
        /// No client hello that could be read; the TLS library will say what is wrong with it.
        case unreadable
        case complete(ClientHello)
    }

    /// Bytes of a hello, over all its records, which is also what the TLS library takes; real ones have some hundred to some thousand.
    public static let limit = 16_384

    /// Reads what has come so far, from the first byte of the connection on. Pure; bounded by `limit`.
    public static func read(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        var message: [UInt8] = []
        var offset = 0
        while true {
            if message.count >= 4 {
                guard message[0] == 1 else { return .unreadable }
                let length = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
                guard length <= limit else { return .unreadable }
                if message.count >= 4 + length { return parse(Array(message[4..<(4 + length)])).map(Outcome.complete) ?? .unreadable }
            }
            guard offset < bytes.count else { return .needsMore }
            // A record of type handshake, major version 3.
            guard bytes[offset] == 22 else { return .unreadable }
            guard offset + 5 <= bytes.count else { return .needsMore }
            let length = Int(bytes[offset + 3]) << 8 | Int(bytes[offset + 4])
            guard bytes[offset + 1] == 3, length > 0, length <= 16_384, message.count + length <= limit else { return .unreadable }
            let end = min(bytes.count, offset + 5 + length)
            message.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[(offset + 5)..<end]))
            if end < offset + 5 + length, message.count < 4 || message[0] == 1 { return .needsMore }
            offset = end
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var offset = 0
        var isAtEnd: Bool { offset >= bytes.count }

        mutating func number(_ width: Int) -> Int? {
            guard offset + width <= bytes.count else { return nil }
            var value = 0
            for _ in 0..<width {
                value = value << 8 | Int(bytes[offset])
                offset += 1
            }
            return value
        }

        mutating func take(_ count: Int) -> [UInt8]? {
            guard count <= bytes.count - offset else { return nil }
            defer { offset += count }
            return Array(bytes[offset..<(offset + count)])
        }

        /// A field behind its length.
        mutating func field(_ width: Int) -> [UInt8]? { number(width).flatMap { take($0) } }

        static func numbers(_ bytes: [UInt8]) -> [Int] {
            stride(from: 0, to: bytes.count - 1, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
        }
    }

    private static func parse(_ body: [UInt8]) -> ClientHello? {
        var reader = Reader(bytes: body)
        guard reader.take(34) != nil, reader.field(1) != nil, let suites = reader.field(2), reader.field(1) != nil else { return nil }
        var hello = ClientHello()
        var checksCurves = false
        if !reader.isAtEnd {
            guard let all = reader.field(2) else { return nil }
            var extensions = Reader(bytes: all)
            while !extensions.isAtEnd {
                guard let type = extensions.number(2), let content = extensions.field(2) else { return nil }
                var field = Reader(bytes: content)
                switch type {
                case 0:
                    guard let list = field.field(2) else { return nil }
                    var names = Reader(bytes: list)
                    guard let kind = names.number(1), let name = names.field(2) else { return nil }
                    if kind == 0 { hello.serverName = normalized(name) }
                case 13:
                    guard let list = field.field(2) else { return nil }
                    checksCurves = Reader.numbers(list).contains { [0x0403, 0x0503, 0x0603, 0x0203].contains($0) }
                default: break
                }
            }
        }
        let curveSuites = [0xC02B, 0xC02C, 0xC009, 0xC00A, 0xC023, 0xC024, 0xCCA9]
        hello.acceptsEllipticCurve = checksCurves
            && Reader.numbers(suites).contains { $0 >> 8 == 0x13 || curveSuites.contains($0) }
        return hello
    }

    private static func normalized(_ name: [UInt8]) -> [UInt8]? {
        var name = name.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        return name.isEmpty || name.count > 253 ? nil : name
    }
}

extension GatewaySnapshot {
    /// The domain whose certificate a client gets to see: the exact one before a wildcard, the longest wildcard first. Domains
    /// without a certificate have nothing to show and are passed over.
    public func domainShown(to serverName: [UInt8]) -> DomainRules? {
        if let exact = domains.value(for: serverName), !exact.identities.isEmpty { return exact }
        guard !wildcardDomains.isEmpty else { return nil }
        for index in serverName.indices where index > 0 && serverName[index] == UInt8(ascii: ".") {
            if let found = wildcardDomains.value(for: Array(serverName[index...])), !found.identities.isEmpty { return found }
        }
        return nil
    }
}

extension DomainRules {
    /// The certificate for a client: of an elliptic curve where the client can check it, because that costs both less.
    public func identity(for hello: ClientHello) -> TLSIdentity? {
        identities.first { $0.usesEllipticCurve == hello.acceptsEllipticCurve } ?? identities.first
    }

    /// What a request must not have come past: the version of TLS, and the client's certificate. A name given in the handshake
    /// may differ from the host of a request, and rules may have changed since the handshake.
    ///
    /// Plain requests have no certificate to show; they are refused where one is asked for.
    public func refusal(_ security: ConnectionSecurity) -> GatewayFailure? {
        if let version = security.version, !version.reaches(minimumTLS) { return .tlsVersionNotSupported(version) }
        guard let authority else { return nil }
        guard let verified = security.verifiedBy, verified == authority else { return .clientCertificateNotVerified }
        return nil
    }
}
