import ControlPlane
import GatewayModel
import GatewayPrimitives
import RequestSigning
import WireContract

/// A described request, checked, and as it goes over a connection (management-api.md, 3.8).
struct DebugRequest {
    /// Bytes of a body, in both directions.
    static let bodyLimit = 2_097_152
    private static let pathLimit = 1024
    private static let nameLimit = 32
    /// Values of all headers or of the whole query, in bytes.
    private static let valuesLimit = 16 * 1024

    let mode: DebugMode
    let stage: String?
    let domain: String?
    let usesTLS: Bool
    private let method: String
    private let path: String
    private let query: String
    private let headers: [(name: String, value: String)]
    private let body: [UInt8]
    private let credentials: (key: String, secret: Secret)?

    var applicationKey: String? { credentials?.key }

    init(_ wire: Wire.ApiDebugInfo) throws(OperationError) {
        guard let mode = wire.mode.flatMap(DebugMode.init) else { throw .invalid(field: "mode") }
        self.mode = mode
        guard let scheme = wire.scheme, scheme == "HTTP" || scheme == "HTTPS" else { throw .invalid(field: "scheme") }
        usesTLS = scheme == "HTTPS"
        method = try APIMapping.given(wire.method, "method")
        path = try Self.path(try APIMapping.given(wire.path, "path"))
        query = try Self.query(wire.query ?? [:])
        headers = try Self.headers(wire.header ?? [:], allowsCredentials: mode == .developer)
        body = Array((wire.body ?? "").utf8)
        guard body.count <= Self.bodyLimit else { throw .invalid(field: "body") }
        stage = APIMapping.text(wire.stage)
        domain = APIMapping.text(wire.domain)
        switch (APIMapping.text(wire.appKey), APIMapping.text(wire.appSecret)) {
        case (nil, nil): credentials = nil
        case (let key?, let secret?):
            guard Self.isLine(key), key.utf8.count <= 200, !key.contains(where: { $0 == "," || $0 == " " }) else {
                throw .invalid(field: "app_key")
            }
            guard secret.utf8.count <= 200 else { throw .invalid(field: "app_secret") }
            credentials = (key, Secret(secret))
        case (nil, _): throw .missing(field: "app_key")
        case (_, nil): throw .missing(field: "app_secret")
        }
    }

    /// Head and body. A request with credentials of an application is signed with them.
    ///
    /// - Parameter seconds: now, since the epoch.
    func message(to target: DebugTarget, at seconds: Int64) throws(OperationError) -> (head: String, bytes: [UInt8]) {
        var lines = [("Host", target.host), ("X-Stage", target.stage), ("X-Apig-Mode", "debug"), ("Connection", "close")]
        if !headers.contains(where: { $0.name == "User-Agent" }) { lines.append(("User-Agent", "APIGatewayDebugClient/1.0")) }
        if !body.isEmpty || ["POST", "PUT", "PATCH"].contains(method) { lines.append(("Content-Length", String(body.count))) }
        lines += headers.map { ($0.name, $0.value) }
        if let credentials {
            let (authorization, date) = try signature(credentials, host: target.host, at: seconds)
            lines += [("X-Sdk-Date", date), ("Authorization", authorization)]
        }
        let head = (["\(method) \(path)\(query.isEmpty ? "" : "?\(query)") HTTP/1.1"] + lines.map { "\($0.0): \($0.1)" })
            .joined(separator: "\r\n") + "\r\n\r\n"
        return (head, Array(head.utf8) + body)
    }

    private func signature(
        _ credentials: (key: String, secret: Secret), host: String, at seconds: Int64
    ) throws(OperationError) -> (authorization: String, date: String) {
        let signer = BackendSigner.hmac(key: credentials.key, secret: credentials.secret)
        let texts = [method, path, query, host].map { Array($0.utf8) }
        // What is signed points into it.
        let scratch = SigningScratch()
        defer { withExtendedLifetime(scratch) {} }
        do {
            return try texts[0].withUnsafeBytes { method in
                try texts[1].withUnsafeBytes { path in
                    try texts[2].withUnsafeBytes { query in
                        try texts[3].withUnsafeBytes { host in
                            let request = UnsignedRequest(
                                method: ByteView(method), path: ByteView(path), query: ByteView(query), host: ByteView(host),
                                payload: body.isEmpty ? .empty : .digest(BodyDigest(of: body)))
                            let signed = try signer.sign(request, at: seconds, scratch: scratch)
                            return (
                                String(decoding: signed.authorization.buffer, as: UTF8.self),
                                String(decoding: signed.date?.buffer ?? UnsafeRawBufferPointer(start: nil, count: 0), as: UTF8.self)
                            )
                        }
                    }
                }
            }
        } catch {
            throw .invalid(field: "app_secret")
        }
    }

    // MARK: parts

    /// Begins with a slash; bytes of a path (RFC 3986, 3.3), escapes whole.
    private static func path(_ text: String) throws(OperationError) -> String {
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "/"), bytes.count <= pathLimit, QueryValues.decoded(text) != nil,
            bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"#<>?[\\]^`{|}".utf8.contains($0) })
        else { throw .invalid(field: "path") }
        return text
    }

    private static func query(_ values: [String: [String]]) throws(OperationError) -> String {
        var pairs: [String] = []
        for (name, values) in values.sorted(by: { $0.key < $1.key }) {
            try check(name, signs: "-._", field: "query")
            // A name alone is one with an empty value.
            pairs += (values.isEmpty ? [""] : values).map { "\(name)=\(escaped($0))" }
        }
        let query = pairs.joined(separator: "&")
        guard query.utf8.count <= valuesLimit else { throw .invalid(field: "query") }
        return query
    }

    private static func headers(
        _ values: [String: [String]], allowsCredentials: Bool
    ) throws(OperationError) -> [(name: String, value: String)] {
        var lines: [(name: String, value: String)] = []
        var seen: Set<String> = []
        for (name, values) in values.sorted(by: { $0.key < $1.key }) {
            try check(name, signs: "-.", field: "header")
            let lower = name.lowercased()
            guard seen.insert(lower).inserted, !framing.contains(lower) else { throw .invalid(field: "header") }
            if !allowsCredentials, lower == "authorization" || lower == "x-auth-token" { throw .invalid(field: "header") }
            for value in values {
                guard isLine(value) else { throw .invalid(field: "header") }
                lines.append((canonical(lower), value))
            }
        }
        guard lines.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count }) <= valuesLimit else {
            throw .invalid(field: "header")
        }
        return lines
    }

    /// What says where a message ends and who gets it belongs to the sender.
    private static let framing: Set<String> = [
        "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive",
        "proxy-connection",
    ]

    private static func check(_ name: String, signs: String, field: String) throws(OperationError) {
        let bytes = Array(name.utf8)
        func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte & 0xDF) }
        let lower = name.lowercased()
        guard let first = bytes.first, isLetter(first), bytes.count <= nameLimit,
            bytes.allSatisfy({ isLetter($0) || (48...57).contains($0) || signs.utf8.contains($0) }),
            !lower.hasPrefix("x-apig-"), !lower.hasPrefix("x-sdk-"), lower != "x-stage"
        else { throw .invalid(field: field) }
    }

    private static func isLine(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
    }

    /// `x-my-header` -> `X-My-Header`.
    private static func canonical(_ name: String) -> String {
        name.split(separator: "-", omittingEmptySubsequences: false).map { $0.prefix(1).uppercased() + $0.dropFirst() }
            .joined(separator: "-")
    }

    private static func escaped(_ text: String) -> String {
        var out: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): out.append(byte)
            default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
