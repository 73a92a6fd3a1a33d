import Crypto
import CryptoExtras
import GatewayPrimitives
import RequestSigning
import Testing

/// Owns the bytes of a request while it is signed.
private func sign(
    _ signer: BackendSigner, method: String, path: String, query: String = "", host: String = "api.example.test",
    contentType: String? = nil, extra: [(String, String)] = [], payload: SignedPayload = .empty, at seconds: Int64 = vectorSeconds,
    scratch: SigningScratch = SigningScratch()
) throws -> (authorization: String, date: String?, payloadIsUnsigned: Bool) {
    let area = ByteScratch()
    func put(_ text: String) -> Range<Int> {
        let start = area.count
        area.append(text)
        return start..<area.count
    }
    let ranges = (put(method), put(path), put(query), put(host), contentType.map(put), extra.map { (put($0.0), put($0.1)) })
    let bytes = ByteView(area.bytes)
    func view(_ range: Range<Int>) -> ByteView { bytes.slice(range.lowerBound, range.upperBound) }
    let request = UnsignedRequest(
        method: view(ranges.0), path: view(ranges.1), query: view(ranges.2), host: view(ranges.3), contentType: ranges.4.map(view),
        extraHeaders: ranges.5.map { SignedHeader(name: view($0.0), value: view($0.1)) }, payload: payload)
    let signature = try signer.sign(request, at: seconds, scratch: scratch)
    return (signature.authorization.string, signature.date?.string, signature.payloadIsUnsigned)
}

/// The canonical request, written from the table in gateway-runtime.md, 2.1 with strings and nothing of the product.
private func plainStringToSign(
    method: String, path: String, query: String, headers: [(String, String)], payload: String, date: String
) -> String {
    func decode(_ text: Substring, plus: Bool) -> [UInt8] {
        var bytes = Array(text.utf8)[...]
        var result: [UInt8] = []
        while let byte = bytes.popFirst() {
            if byte == 37, bytes.count >= 2, let value = UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16),
                bytes.prefix(2).allSatisfy({ $0 != 43 && $0 != 45 }) {
                result.append(value)
                bytes = bytes.dropFirst(2)
            } else {
                result.append(plus && byte == 43 ? 32 : byte)
            }
        }
        return result
    }
    func encode(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~".utf8.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
    var uri = decode(path[...], plus: false).split(separator: 47, omittingEmptySubsequences: false).map(encode).joined(separator: "/")
    if !uri.hasSuffix("/") { uri += "/" }
    let pairs = query.split(separator: "&").map { piece in
        let parts = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (decode(parts[0], plus: true), parts.count > 1 ? decode(parts[1], plus: true) : [])
    }.sorted { a, b in a.0 == b.0 ? a.1.lexicographicallyPrecedes(b.1) : a.0.lexicographicallyPrecedes(b.0) }
    let canonical = [
        method, uri, pairs.map { encode($0.0) + "=" + encode($0.1) }.joined(separator: "&"),
        headers.map { "\($0.0):\($0.1)\n" }.joined(), headers.map(\.0).joined(separator: ";"), payload,
    ].joined(separator: "\n")
    return "SDK-HMAC-SHA256\n\(date)\n" + Hexadecimal.encode(Array(SHA256.hash(data: Array(canonical.utf8))))
}

@Suite struct BackendSignerTests {
    private let hmac = BackendSigner.hmac(key: "demoKey0001", secret: Secret("demoSecret_0001_abcdefgh"))

    /// Vectors 1 and 2 of gateway-runtime.md, 2.1, as far as the gateway signs the same headers.
    @Test func documentedVectors() throws {
        let first = try sign(hmac, method: "GET", path: "/v1/items/a%20b", query: "tag=b&tag=a&q=x%20y&empty=")
        #expect(first.authorization == CallerSignatureTests.first)
        #expect(first.date == "20240102T030405Z")
        #expect(!first.payloadIsUnsigned)
        let second = try sign(
            hmac, method: "POST", path: "/v1/items", contentType: "application/json", extra: [("x-stage", "TEST")],
            payload: .digest(BodyDigest(of: Array("{\"k\":1}".utf8))))
        #expect(second.authorization.hasSuffix("Signature=c48b8bbe206de2b1f187ac16b0796ec379578caa1808e5852ac07903d60bc2b1"))
        let third = try sign(
            hmac, method: "POST", path: "/upload", contentType: "multipart/form-data; boundary=x", payload: .unsigned)
        #expect(third.authorization.hasSuffix("Signature=635525e14106479ca7ed2789994bba7e62b1b229ce8701c3b4d37163ac0e9ec9"))
        #expect(third.payloadIsUnsigned)
    }

    @Test func randomRequestsAreWhatAPlainReaderComputes() throws {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("ab/%2f%2F%41=&+;,.~-_é%zz%20%C3%A9A?'*!:@$()%")
        let scratch = SigningScratch()
        func text(_ limit: Int) -> String {
            String((0..<Int.random(in: 0...limit, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! })
        }
        for _ in 0..<1_000 {
            let secret = text(30)
            let signer = BackendSigner.hmac(key: "k", secret: Secret(secret))
            let path = "/" + text(30)
            let query = text(60)
            let contentType = Bool.random(using: &generator) ? " text/plain " : nil
            let extra = Bool.random(using: &generator) ? [("x-b", "2"), ("a-a", " 1\t")] : []
            let body = Array(text(20).utf8)
            let payload: SignedPayload = Bool.random(using: &generator) ? .unsigned : body.isEmpty ? .empty : .digest(BodyDigest(of: body))
            let result = try sign(
                signer, method: "PUT", path: path, query: query, contentType: contentType, extra: extra, payload: payload, scratch: scratch)
            var headers = [("host", "api.example.test"), ("x-sdk-date", "20240102T030405Z")] + extra.map { ($0.0, $0.1.filter { !" \t".contains($0) }) }
            if contentType != nil { headers.append(("content-type", "text/plain")) }
            if payload == .unsigned { headers.append(("x-sdk-content-sha256", "UNSIGNED-PAYLOAD")) }
            headers.sort { $0.0 < $1.0 }
            let payloadText = payload == .unsigned ? "UNSIGNED-PAYLOAD" : Hexadecimal.encode(Array(SHA256.hash(data: body)))
            let message = plainStringToSign(
                method: "PUT", path: path, query: query, headers: headers, payload: payloadText, date: "20240102T030405Z")
            let code = HMAC<SHA256>.authenticationCode(for: Array(message.utf8), using: SymmetricKey(data: Array(secret.utf8)))
            #expect(
                result.authorization
                    == "SDK-HMAC-SHA256 Access=k, SignedHeaders=\(headers.map(\.0).joined(separator: ";")), Signature=\(Hexadecimal.encode(Array(code)))",
                "\(path) ? \(query)")
            // And the caller's verification agrees.
            var lookup = Dictionary(uniqueKeysWithValues: headers)
            lookup["content-type"] = contentType
            #expect(
                verify(result.authorization, method: "PUT", path: path, query: query, headers: lookup, body: body, secret: secret)
                    == .valid(accessKey: "k"))
        }
    }

    @Test func theDateFollowsTheClock() throws {
        let scratch = SigningScratch()
        let first = try sign(hmac, method: "GET", path: "/", at: 0, scratch: scratch)
        let second = try sign(hmac, method: "GET", path: "/", at: 1, scratch: scratch)
        #expect(first.date == "19700101T000000Z")
        #expect(second.date == "19700101T000001Z")
        #expect(first.authorization != second.authorization)
    }

    @Test func basicIsNameAndPassword() throws {
        let signer = BackendSigner.basic(user: "demoKey0001", password: Secret("demoSecret_0001_abcdefgh"))
        let result = try sign(signer, method: "GET", path: "/")
        #expect(result.authorization == "Basic ZGVtb0tleTAwMDE6ZGVtb1NlY3JldF8wMDAxX2FiY2RlZmdo")
        #expect(result.date == nil)
        #expect(!signer.coversRequest)
        #expect(hmac.coversRequest)
    }

    @Test(arguments: [16, 32])
    func aesDecryptsToTheStringToSign(length: Int) throws {
        let key = String(repeating: "k", count: length)
        let signer = try BackendSigner.aes(name: "sign_1", key: Secret(key), keyLength: length, vector: Secret("0123456789abcdef"))
        let result = try sign(signer, method: "GET", path: "/a b", query: "x=1", payload: .unsigned)
        let prefix = "SDK-AES-CFB Access=sign_1, SignedHeaders=host;x-sdk-content-sha256;x-sdk-date, Signature="
        #expect(result.authorization.hasPrefix(prefix))
        let encrypted = try #require(Base64.decode(Array(result.authorization.utf8.dropFirst(prefix.utf8.count))))
        let plain = try AES._CFB.decrypt(
            encrypted, using: SymmetricKey(data: Array(key.utf8)), iv: AES._CFB.IV(ivBytes: Array("0123456789abcdef".utf8)))
        #expect(
            String(decoding: plain, as: UTF8.self)
                == plainStringToSign(
                    method: "GET", path: "/a b", query: "x=1",
                    headers: [("host", "api.example.test"), ("x-sdk-content-sha256", "UNSIGNED-PAYLOAD"), ("x-sdk-date", "20240102T030405Z")],
                    payload: "UNSIGNED-PAYLOAD", date: "20240102T030405Z"))
        // Encrypted with openssl aes-128-cfb / aes-256-cfb would be the same bytes: full-block feedback.
        #expect(encrypted.count == plain.count)
    }

    @Test func aesNeedsTheRightLengths() {
        #expect(throws: SigningKeyError.wrongKeyLength) {
            try BackendSigner.aes(name: "n", key: Secret("short"), keyLength: 16, vector: Secret("0123456789abcdef"))
        }
        #expect(throws: SigningKeyError.wrongKeyLength) {
            try BackendSigner.aes(name: "n", key: Secret(String(repeating: "k", count: 32)), keyLength: 16, vector: Secret("0123456789abcdef"))
        }
        #expect(throws: SigningKeyError.wrongVectorLength) {
            try BackendSigner.aes(name: "n", key: Secret(String(repeating: "k", count: 16)), keyLength: 16, vector: Secret("0123"))
        }
    }

    @Test func publicKeyVerifiesWithTheServedKey() throws {
        let pair = try RSAKeyText.generate()
        #expect((8...512).contains(pair.publicKey.utf8.count))
        #expect((15...2048).contains(pair.privateKey.revealed.utf8.count))
        #expect(pair.publicKey.utf8.allSatisfy { ByteSet.lettersAndDigits.union(ByteSet("_-+/=")).contains($0) })
        try RSAKeyText.validate(publicKey: pair.publicKey, privateKey: pair.privateKey)
        let signer = try BackendSigner.publicKey(name: "rsa_1", privateKey: pair.privateKey)
        let result = try sign(signer, method: "GET", path: "/")
        let prefix = "SDK-RSA-SHA256 Access=rsa_1, SignedHeaders=host;x-sdk-date, Signature="
        #expect(result.authorization.hasPrefix(prefix))
        let signature = try #require(Base64.decode(Array(result.authorization.utf8.dropFirst(prefix.utf8.count))))
        let message = plainStringToSign(
            method: "GET", path: "/", query: "", headers: [("host", "api.example.test"), ("x-sdk-date", "20240102T030405Z")],
            payload: BodyDigest.empty.hexadecimal, date: "20240102T030405Z")
        let key = try _RSA.Signing.PublicKey(pemRepresentation: RSAKeyText.publicKeyPEM(privateKey: pair.privateKey))
        #expect(
            key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: Array(message.utf8), padding: .insecurePKCS1v1_5))
        // base64url without padding is the same key.
        let urlSafe = pair.privateKey.revealed.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" }
        #expect(throws: Never.self) { try BackendSigner.publicKey(name: "rsa_1", privateKey: Secret(String(urlSafe))) }
        #expect(throws: SigningKeyError.notThePublicKey) {
            try RSAKeyText.validate(publicKey: "AAAAAAAA", privateKey: pair.privateKey)
        }
    }

    @Test(arguments: ["", "0123456789abcde", "dc02fc5f30714d6bb21888389419e2b3", String(repeating: "A", count: 2048), "-----BEGIN RSA PRIVATE KEY-----"])
    func anythingElseIsNoPrivateKey(text: String) {
        #expect(throws: SigningKeyError.notAPrivateKey) { try BackendSigner.publicKey(name: "n", privateKey: Secret(text)) }
    }

    @Test func bodiesHashTheSameInPieces() {
        var hasher = BodyHasher()
        for piece in [[1, 2], [], [3]] as [[UInt8]] { piece.withUnsafeBytes { hasher.update($0) } }
        #expect(hasher.count == 3)
        #expect(hasher.finish() == BodyDigest(of: [1, 2, 3]))
        #expect(BodyHasher().finish() == .empty)
        #expect(BodyDigest.empty.hexadecimal == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }
}
