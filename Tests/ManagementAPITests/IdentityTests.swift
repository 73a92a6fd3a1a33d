import ControlPlane
import Crypto
import Foundation
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Testing
import WireContract

@testable import ManagementAPI

@Suite("Logging in")
struct IdentityTests {
    private func logIn(_ port: Port, _ user: String, scope: String = "") async throws -> Port.Answer {
        try await port.send(
            .post, "/v3/auth/tokens",
            body: #"{"auth":{"identity":{"methods":["password"],"password":{"user":\#(user)}}\#(scope)}}"#)
    }

    @Test("a token for a project: header, document, catalog")
    func project() async throws {
        let port = try await Port()
        let answer = try await logIn(
            port, #"{"name":"admin","password":"correct horse","domain":{"name":"acme"}}"#, scope: #","scope":{"project":{"name":"region-1","domain":{"name":"acme"}}}"#)
        #expect(answer.status == 201)
        #expect(answer.headers[.subjectToken]?.count == 43)
        let token = try #require(try answer.json()["token"] as? [String: Any])
        #expect((token["project"] as? [String: Any])?["id"] as? String == port.project.id)
        #expect((token["catalog"] as? [[String: Any]])?.compactMap { $0["type"] as? String }.contains("apigv2") == true)
        #expect((token["expires_at"] as? String)?.contains(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/) == true)
        #expect(!answer.text.contains("correct horse"))
    }

    @Test("wrong credentials all look alike", arguments: [
        #"{"name":"admin","password":"wrong"}"#, #"{"name":"nobody","password":"correct horse"}"#,
        #"{"name":"admin","password":""}"#, #"{"name":"admin","password":"correct horse","domain":{"name":"other"}}"#,
        #"{"id":"x","password":"correct horse"}"#,
    ])
    func wrong(user: String) async throws {
        let answer = try await logIn(try await Port(), user)
        #expect(answer.status == 401)
        #expect(answer.text == #"{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}"#)
        #expect(answer.headers[.subjectToken] == nil)
    }

    @Test("malformed logins", arguments: [
        ("", 400), ("{}", 400), ("[]", 400), (#"{"auth":{}}"#, 400), (#"{"auth":{"identity":{"methods":["hw_ak_sk"]}}}"#, 401),
        (#"{"auth":{"identity":{"methods":[]}}}"#, 401), (#"{"auth":{"identity":{"methods":["password"],"password":{"user":{"password":"x"}}}}}"#, 400),
        (#"{"auth":{"identity":{"methods":["password"]},"scope":7}}"#, 400), (String(repeating: "[", count: 1000), 400),
    ])
    func malformed(body: String, status: Int) async throws {
        let answer = try await (try await Port()).send(.post, "/v3/auth/tokens", body: body)
        #expect(answer.status == status)
        #expect((try answer.json()["error"] as? [String: Any])?["code"] as? Int == status)
    }

    @Test("a password of any length costs no more than its limit")
    func longPassword() async throws {
        let port = try await Port()
        #expect(try await logIn(port, #"{"name":"admin","password":"\#(String(repeating: "x", count: 60_000))"}"#).status == 401)
        #expect(try await logIn(port, #"{"name":"admin","password":"\#(String(repeating: "x", count: 70_000))"}"#).status == 413)
    }

    @Test("unscoped tokens carry no project: 1003 below /v2; rescoping gives one")
    func scopes() async throws {
        let port = try await Port { $0.on(.listTagsV2) { _ in Wire.ListTagsV2Response(size: 0, total: 0, tags: []) } }
        let unscoped = try await port.token(scoped: false)
        #expect(try await port.send(.get, port.path("/tags"), [.authToken: unscoped]).code == "APIG.1003")
        let rescoped = try await port.send(.post, "/v3/auth/tokens?nocatalog=1", body: """
            {"auth":{"identity":{"methods":["token"],"token":{"id":"\(unscoped)"}},"scope":{"project":{"id":"\(port.project.id)"}}}}
            """)
        #expect(rescoped.status == 201 && !rescoped.text.contains("catalog"))
        let token = try #require(rescoped.headers[.subjectToken])
        #expect(try await port.send(.get, port.path("/tags"), [.authToken: token]).status == 200)
        #expect(try await logIn(port, #"{"name":"admin","password":"correct horse"}"#, scope: #","scope":{"project":{"name":"other"}}"#).status == 401)
        #expect(try await logIn(port, #"{"name":"admin","password":"correct horse"}"#, scope: #","scope":{"domain":{"name":"acme"}}"#).status == 201)
    }

    @Test("tokens are shown, revoked, and expire after a day")
    func life() async throws {
        let port = try await Port { $0.on(.listTagsV2) { _ in Wire.ListTagsV2Response(size: 0, total: 0, tags: []) } }
        let token = try await port.token()
        let other = try await port.token()
        let headers: HTTPFields = [.authToken: token, .subjectToken: other]
        #expect(try await port.send(.get, "/v3/auth/tokens", headers).status == 200)
        #expect(try await port.send(.head, "/v3/auth/tokens", headers).text.isEmpty)
        #expect(try await port.send(.delete, "/v3/auth/tokens", headers).status == 204)
        #expect(try await port.send(.get, "/v3/auth/tokens", headers).status == 404)
        #expect(try await port.send(.get, port.path("/tags"), [.authToken: other]).code == "APIG.1002")
        port.time.advance(seconds: 24 * 3600 - 60)
        #expect(try await port.send(.get, port.path("/tags"), [.authToken: token]).status == 200)
        port.time.advance(seconds: 61)
        #expect(try await port.send(.get, port.path("/tags"), [.authToken: token]).code == "APIG.1001")
    }

    @Test("documents for clients that look around")
    func documents() async throws {
        let port = try await Port()
        let token: HTTPFields = [.authToken: try await port.token(scoped: false)]
        #expect(try await port.send(.get, "/").status == 300)
        #expect(try await port.send(.get, "/v3/").text.contains(#""href":"http://gate/v3/""#))
        for (path, count) in [("?name=region-1", 1), ("?name=other", 0), ("?domain_id=x", 0), ("", 1)] {
            let projects = try await port.send(.get, "/v3/projects" + path, token).json()["projects"] as? [Any]
            #expect(projects?.count == count)
        }
        #expect(try await port.send(.get, "/v3/auth/domains", token).text.contains(#""name":"acme""#))
        #expect(try await port.send(.get, "/v3/projects/\(port.project.id)", token).status == 200)
        #expect(try await port.send(.get, "/v3/projects/x", token).status == 404)
        #expect(try await port.send(.get, "/v3/auth/catalog").status == 401)
        #expect(try await port.send(.get, "/v3/auth/catalog", token).text.contains(#""url":"http://gate/v2""#))
    }

    @Test("logins that wait are bounded; the queue admits again afterwards")
    func flood() async throws {
        let hasher = PasswordHasher(rounds: 1 << 10)
        let hash = try await hasher.hash(Secret("a"))
        let refused = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 { group.addTask { (try? await hasher.verify(Secret("b"), hash)) == nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(refused > 0 && refused < 200)
        #expect(try await hasher.verify(Secret("a"), hash))
        #expect(try await !hasher.verify(Secret("a"), nil))
        await #expect(throws: IdentityError.badPassword) { try await hasher.hash(Secret("")) }
        await #expect(throws: IdentityError.badPassword) { try await hasher.hash(Secret(String(repeating: "x", count: 257))) }
    }
}

@Suite("Signed requests")
struct SignedRequestTests {
    /// What the vendor's client does, step by step.
    private func sign(
        _ port: Port, _ method: HTTPRequest.Method, uri: String, query: String = "", body: String = "", date: Int64? = nil,
        host: String = "gate:8700", key: NewAccessKey? = nil, extra: [(String, String)] = [], payload: String? = nil
    ) -> HTTPFields {
        let key = key ?? port.key
        let date = BasicDate(seconds: date ?? ControlPlane.wallClock().seconds).text
        let headers = ([("host", host), ("x-sdk-date", date)] + extra).sorted { $0.0 < $1.0 }
        let names = headers.map(\.0).joined(separator: ";")
        let hash = payload ?? Hexadecimal.encode(SHA256.hash(data: Data(body.utf8)))
        let canonical = [
            method.rawValue, uri, query, headers.map { "\($0.0):\($0.1)\n" }.joined(), names, hash,
        ].joined(separator: "\n")
        let toSign = "SDK-HMAC-SHA256\n\(date)\n" + Hexadecimal.encode(SHA256.hash(data: Data(canonical.utf8)))
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(toSign.utf8), using: SymmetricKey(data: Data(key.secret.revealed.utf8)))
        var fields: HTTPFields = [
            .signedDate: date,
            .authorization: "SDK-HMAC-SHA256 Access=\(key.accessKey), SignedHeaders=\(names), Signature=\(Hexadecimal.encode(code))",
        ]
        for (name, value) in extra { fields[.known(name)] = value }
        return fields
    }

    private func port() async throws -> Port {
        try await Port {
            $0.on(.listSignatureKeysV2) { _ in Wire.ListSignatureKeysV2Response(size: 0, total: 0) }
            $0.on(.createSignatureKeyV2, body: Wire.BaseSignature.self) { _ in Wire.CreateSignatureKeyV2Response() }
        }
    }

    @Test("paths, queries and bodies verify; a changed one does not")
    func verify() async throws {
        let port = try await port()
        let path = port.path("/signs")
        #expect(try await port.send(.get, path, sign(port, .get, uri: path + "/")).status == 200)
        let query = sign(port, .get, uri: path + "/", query: "limit=5&name=a%20b%2B&name=c")
        #expect(try await port.send(.get, path + "?name=c&limit=5&name=a%20b%2b", query).status == 200)
        #expect(try await port.send(.get, path + "?limit=6&name=a%20b%2b&name=c", query).code == "APIG.1002")
        let body = #"{"name":"abc"}"#
        let posted = sign(port, .post, uri: path + "/", body: body)
        #expect(try await port.send(.post, path, posted, body: body).status == 201)
        #expect(try await port.send(.post, path, posted, body: #"{"name":"abd"}"#).code == "APIG.1002")
        #expect(try await port.send(.get, path, posted, body: body).code == "APIG.1002")
    }

    @Test("claimed body hashes: unsigned payload, true and false hashes, empty bodies")
    func payload() async throws {
        let port = try await port()
        let path = port.path("/signs")
        let body = #"{"name":"abc"}"#
        let unsigned = [("x-sdk-content-sha256", "UNSIGNED-PAYLOAD")]
        let open = sign(port, .post, uri: path + "/", extra: unsigned, payload: "UNSIGNED-PAYLOAD")
        #expect(try await port.send(.post, path, open, body: body).status == 201)
        let empty = sign(port, .get, uri: path + "/", extra: unsigned)
        #expect(try await port.send(.get, path, empty).status == 200)
        let lie = String(repeating: "0", count: 64)
        let lying = sign(port, .post, uri: path + "/", extra: [("x-sdk-content-sha256", lie)], payload: lie)
        #expect(try await port.send(.post, path, lying, body: body).code == "APIG.1002")
    }

    @Test("fifteen minutes of skew and no more", arguments: [(-890, 200), (890, 200), (-910, 401), (910, 401)])
    func skew(seconds: Int64, status: Int) async throws {
        let port = try await port()
        let path = port.path("/signs")
        let date = ControlPlane.wallClock().seconds + seconds
        #expect(try await port.send(.get, path, sign(port, .get, uri: path + "/", date: date)).status == status)
    }

    @Test("projects: the one signed for is the one of the path")
    func projects() async throws {
        let port = try await port()
        let path = port.path("/signs")
        let own = sign(port, .get, uri: path + "/", extra: [("x-project-id", port.project.id)])
        #expect(try await port.send(.get, path, own).status == 200)
        let other = sign(port, .get, uri: path + "/", extra: [("x-project-id", "other")])
        #expect(try await port.send(.get, path, other).code == "APIG.1005")
        #expect(try await port.send(.get, "/v2/other/apic/instances/inst/signs", sign(port, .get, uri: "/v2/other/apic/instances/inst/signs/")).code == "APIG.1005")
        #expect(try await port.send(.get, "/v3/projects?name=region-1", sign(port, .get, uri: "/v3/projects/", query: "name=region-1")).status == 200)
        #expect(try await port.send(.get, "/v3/auth/domains", sign(port, .get, uri: "/v3/auth/domains/")).status == 200)
    }

    @Test("another host, an unknown key, a replaced key")
    func others() async throws {
        let port = try await port()
        let path = port.path("/signs")
        #expect(try await port.send(.get, path, sign(port, .get, uri: path + "/", host: "other")).code == "APIG.1002")
        let unknown = NewAccessKey(accessKey: "UNKNOWN", secret: port.key.secret)
        #expect(try await port.send(.get, path, sign(port, .get, uri: path + "/", key: unknown)).code == "APIG.1002")
        let call = Call(actor: "system", userID: "", source: "", requestID: "", projectID: "", instanceID: "")
        let fresh = try await port.directory.newKey(for: "admin", replacing: true, call: call)
        #expect(try await port.send(.get, path, sign(port, .get, uri: path + "/")).code == "APIG.1002")
        #expect(try await port.send(.get, path, sign(port, .get, uri: path + "/", key: fresh)).status == 200)
        _ = try await port.directory.newKey(for: "admin", replacing: false, call: call)
        await #expect(throws: IdentityError.tooManyAccessKeys) {
            try await port.directory.newKey(for: "admin", replacing: false, call: call)
        }
    }

    @Test("hostile headers", arguments: [
        "SDK-HMAC-SHA256 ", "SDK-HMAC-SHA256 Access=,SignedHeaders=,Signature=", "SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=00",
        "SDK-HMAC-SHA256 Access=a, Access=b, SignedHeaders=host;x-sdk-date, Signature=00", "SDK-HMAC-SM3 Access=a", "V11-HMAC-SHA256 Credential=a",
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=host;host;x-sdk-date, Signature=00", "SDK-HMAC-SHA256 " + String(repeating: "a=b,", count: 5000),
    ])
    func hostile(header: String) async throws {
        let port = try await port()
        let date = BasicDate(seconds: ControlPlane.wallClock().seconds).text
        let answer = try await port.send(.get, port.path("/signs"), [.authorization: header, .signedDate: date])
        #expect(answer.code == "APIG.1002" && answer.status == 401)
    }
}
