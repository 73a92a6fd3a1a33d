import ControlPlane
import Crypto
import Foundation
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Hummingbird
import NIOCore

/// Verification of a request that is signed with an access key (management-api.md, 2.3).
enum SignedRequest {
    static let scheme = "SDK-HMAC-SHA256"
    /// Largest difference between the signature's date and the clock, in seconds.
    static let skewSeconds: Int64 = 15 * 60
    static let signedHeaderLimit = 64

    static func hasScheme(_ authorization: String) -> Bool { authorization.hasPrefix(scheme + " ") }

    /// - Throws: `ManagementFailure.badCredentials`, whatever is wrong; body failures.
    static func verify(
        _ authorization: String, _ request: Request, _ directory: IdentityDirectory
    ) async throws -> Authentication.Admitted {
        guard let parts = Authorization(authorization), let date = request.headers[.signedDate],
            let signedAt = BasicDate(date)?.seconds, abs(now() - signedAt) <= skewSeconds,
            let holder = try await directory.accessKey(parts.accessKey)
        else { throw ManagementFailure.badCredentials }

        let body = try await BodyReading.read(request)
        let bodyHash = try payloadHash(request.headers[.signedBodyHash], body)
        guard let canonical = canonicalRequest(request.head, parts.signedHeaders, bodyHash) else {
            throw ManagementFailure.badCredentials
        }
        let toSign = "\(scheme)\n\(date)\n\(Hexadecimal.encode(SHA256.hash(data: Data(canonical.utf8))))"
        let key = SymmetricKey(data: Data(holder.secret.revealed.utf8))
        guard parts.signature.utf8.count == 64, let signature = Hexadecimal.decode(parts.signature.utf8),
            // Compares in constant time.
            HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: Data(toSign.utf8), using: key)
        else { throw ManagementFailure.badCredentials }
        return Authentication.Admitted(
            caller: holder.caller, isSigned: true, namedProject: request.headers[.signedProject], body: body)
    }

    /// `SDK-HMAC-SHA256 Access=..., SignedHeaders=a;b, Signature=...`
    struct Authorization: Equatable {
        let accessKey: String
        let signedHeaders: [String]
        let signature: String

        init?(_ text: String) {
            guard text.utf8.count <= 4096, text.hasPrefix(scheme + " ") else { return nil }
            var fields: [String: String] = [:]
            for field in text.dropFirst(scheme.utf8.count + 1).split(separator: ",") {
                let halves = field.split(separator: "=", maxSplits: 1)
                guard halves.count == 2 else { return nil }
                let name = halves[0].filter { $0 != " " }
                guard fields[String(name)] == nil else { return nil }
                fields[String(name)] = String(halves[1])
            }
            guard let accessKey = fields["Access"], let headers = fields["SignedHeaders"], let signature = fields["Signature"]
            else { return nil }
            self.accessKey = accessKey
            self.signature = signature
            signedHeaders = headers.split(separator: ";", omittingEmptySubsequences: false).map { $0.lowercased() }
            // What is not signed can be changed on the way: date and host have to be.
            guard signedHeaders.count <= signedHeaderLimit, Set(signedHeaders).count == signedHeaders.count,
                signedHeaders.contains("host"), signedHeaders.contains("x-sdk-date")
            else { return nil }
        }
    }

    /// Hex SHA-256 of the body, or the words of the header when they claim no hash.
    static func payloadHash(_ claimed: String?, _ body: ByteBuffer) throws(ManagementFailure) -> String {
        let computed = Hexadecimal.encode(SHA256.hash(data: Data(body.readableBytesView)))
        guard body.readableBytes > 0, let claimed else { return computed }
        if claimed == "UNSIGNED-PAYLOAD" { return claimed }
        guard claimed.lowercased() == computed else { throw .badCredentials }
        return claimed
    }

    static func canonicalRequest(_ head: HTTPRequest, _ signedHeaders: [String], _ payloadHash: String) -> String? {
        let target = head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        let query = target.dropFirst(path.utf8.count + 1)

        var uri = ""
        for segment in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let decoded = percentDecoded(segment) else { return nil }
            uri += "/" + percentEncoded(decoded)
        }
        if !uri.hasSuffix("/") { uri += "/" }

        var pairs: [(name: [UInt8], value: [UInt8])] = []
        for part in query.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pairs.count < QueryValues.pairLimit, let name = percentDecoded(halves[0]),
                let value = halves.count > 1 ? percentDecoded(halves[1]) : []
            else { return nil }
            pairs.append((name, value))
        }
        pairs.sort { a, b in
            a.name == b.name ? a.value.lexicographicallyPrecedes(b.value) : a.name.lexicographicallyPrecedes(b.name)
        }
        let canonicalQuery = pairs.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }.joined(separator: "&")

        var headers = ""
        for name in signedHeaders {
            guard let value = value(of: name, head) else { return nil }
            headers += "\(name):\(trimmed(value))\n"
        }
        return [head.method.rawValue, uri, canonicalQuery, headers, signedHeaders.joined(separator: ";"), payloadHash]
            .joined(separator: "\n")
    }

    private static func value(of name: String, _ head: HTTPRequest) -> String? {
        if name == "host" { return head.authority }
        guard let field = HTTPField.Name(name) else { return nil }
        // A header given twice can be read in two ways: it signs nothing.
        let values = head.headerFields[values: field]
        return values.count == 1 ? values[0] : nil
    }

    private static func trimmed(_ text: String) -> String {
        let isBlank = { (byte: UInt8) in byte == 32 || byte == 9 }
        let start = text.utf8.drop(while: isBlank)
        return String(decoding: start.reversed().drop(while: isBlank).reversed(), as: UTF8.self)
    }

    private static func percentDecoded(_ text: some StringProtocol) -> [UInt8]? {
        var out: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(Hexadecimal.value), let low = rest.next().flatMap(Hexadecimal.value) else { return nil }
            out.append(high << 4 | low)
        }
        return out
    }

    private static func percentEncoded(_ bytes: [UInt8]) -> String {
        String(decoding: PercentEncoding.encode(bytes, keeping: PercentEncoding.unreserved), as: UTF8.self)
    }

    private static func now() -> Int64 { ControlPlane.wallClock().seconds }
}
