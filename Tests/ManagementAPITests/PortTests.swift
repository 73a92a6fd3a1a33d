import ControlPlane
import Crypto
import Foundation
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Store
import StoreSQLite
import Synchronization
import Testing
import WireContract

@testable import ManagementAPI

/// The management port without sockets, on a store of its own.
final class Port: Sendable {
    let directory: IdentityDirectory
    let responder: ManagementResponder
    let project: Project
    let key: NewAccessKey
    let password = Secret("correct horse")
    private let folder: URL

    struct Answer {
        let status: Int
        let headers: HTTPFields
        let text: String

        func json() throws -> [String: Any] {
            try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }
        var code: String? { (try? json())?["error_code"] as? String }
    }

    let plane: ControlPlane

    /// - Parameter families: mount what the product mounts, too.
    init(families: Bool = false, _ register: (inout OperationRoutes) -> Void = { _ in }) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-" + ManagementResponder.newRequestID())
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let store = try SQLiteStore(path: folder.appending(path: "store.db").path)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let time = Clock()
        let plane = try ControlPlane(
            store: store, box: SecretBox(keyMaterial: [UInt8](repeating: 7, count: 32)), settings: ControlPlaneSettings(), log: log,
            clock: { time.now() }, sink: { _, done in done() })
        self.time = time
        self.plane = plane
        directory = IdentityDirectory(plane: plane, hasher: PasswordHasher(rounds: 16))
        let call = Call(actor: "system", userID: "", source: "", requestID: "", projectID: "", instanceID: "")
        let made = try #require(
            try await directory.setUp(domain: "acme", project: "region-1", user: "admin", password: password, call: call))
        project = made.project
        key = made.key
        let projectID = made.project.id
        _ = try await plane.write(call) { writing in
            try writing.sql.execute(
                "INSERT INTO instances (id, project_id, name, description, created_at, updated_at) VALUES ('inst', ?, 'i', '', 0, 0)",
                [.text(projectID)])
        }
        var routes = families ? ManagementOperations.all(plane, debugging: { _ in nil }, explaining: { _ in nil }) : OperationRoutes()
        register(&routes)
        responder = ManagementApplication.responder(
            settings: ManagementSettings(publicURL: "http://gate", region: "region-1"),
            directory: directory, routes: routes,
            status: ProcessStatus(version: "1", startTime: 1, revision: { 7 }, isReady: { true }), log: log)
    }

    let time: Clock

    /// A clock that tests set forward; starts at the machine's time.
    final class Clock: Sendable {
        private let ahead = Mutex(Int64(0))
        private let fixed = Mutex<Timestamp?>(nil)
        /// From now on it is this moment.
        func stop(at time: Timestamp) { fixed.withLock { $0 = time } }
        func advance(seconds: Int64) { ahead.withLock { $0 += seconds * 1_000_000_000 } }
        func now() -> Timestamp {
            if let fixed = fixed.withLock({ $0 }) { return fixed }
            let offset = ahead.withLock { $0 }
            return Timestamp(nanoseconds: ControlPlane.wallClock().nanoseconds + offset)
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func send(_ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields = [:], body: String = "") async throws -> Answer {
        let request = Request(
            head: HTTPRequest(method: method, scheme: "http", authority: "gate:8700", path: path, headerFields: headers),
            body: RequestBody(buffer: ByteBuffer(string: body)))
        let response = try await responder.respond(to: request, context: ManagementContext(address: "127.0.0.1"))
        let writer = Collector()
        try await response.body.write(writer)
        return Answer(status: response.status.code, headers: response.headers, text: writer.text)
    }

    private final class Collector: ResponseBodyWriter, @unchecked Sendable {
        // Used by one task at a time: the writer of one answer.
        var text = ""
        func write(_ buffer: ByteBuffer) async throws { text += String(buffer: buffer) }
        consuming func finish(_ trailers: HTTPFields?) async throws {}
    }

    /// A token of the administrator for the project, or of somebody else.
    func token(_ user: String = "admin", _ password: String? = nil, scoped: Bool = true) async throws -> String {
        let scope = scoped ? #","scope":{"project":{"name":"region-1"}}"# : ""
        let answer = try await send(.post, "/v3/auth/tokens", body: """
            {"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"\(user)",
            "password":"\(password ?? self.password.revealed)","domain":{"name":"acme"}}}}\(scope)}}
            """)
        try #require(answer.status == 201)
        return try #require(answer.headers[.subjectToken])
    }

    func path(_ rest: String) -> String { "/v2/\(project.id)/apic/instances/inst\(rest)" }
}

@Suite("The management port")
struct PortTests {
    private func echo(_ routes: inout OperationRoutes) {
        routes.on(.createSignatureKeyV2, body: Wire.BaseSignature.self) { call in
            Wire.CreateSignatureKeyV2Response(name: call.body.name, id: call.instanceID)
        }
        routes.on(.listSignatureKeysV2) { call in
            Wire.ListSignatureKeysV2Response(size: call.page.limit, total: call.page.offset)
        }
        routes.on(.deleteSignatureKeyV2) { call -> Void in
            throw OperationError.notFound(.signatureKey, id: call.id("sign_id"))
        }
        routes.on(.disassociateSignatureKeyV2) { _ -> Written<Void> in Written(value: (), revision: 12) }
        routes.on(.createAppCodeAutoV2) { _ in Wire.CreateAppCodeAutoV2Response(appCode: "x") }
    }

    @Test("the checks come in the documented order")
    func order() async throws {
        let port = try await Port(echo)
        let token: HTTPFields = [.authToken: try await port.token()]
        func expect(_ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields, body: String = "", _ status: Int, _ code: String?) async throws {
            let answer = try await port.send(method, path, headers, body: body)
            #expect(answer.status == status && answer.code == code, "\(method) \(path) \(answer)")
            #expect(answer.headers[.requestID]?.count == 32)
        }
        try await expect(.get, "/v2/x/nothing", token, 404, "APIG.9996")
        try await expect(.patch, port.path("/signs"), token, 405, "APIG.9995")
        try await expect(.get, port.path("/vpc-channels"), token, 404, "APIG.9996")
        try await expect(.get, port.path("/signs"), [:], 401, "APIG.1000")
        try await expect(.get, port.path("/signs"), [.authToken: "x"], 401, "APIG.1002")
        try await expect(.get, port.path("/signs"), [.authToken: String(repeating: "x", count: 100_000)], 401, "APIG.1002")
        try await expect(.get, "/v2/other/apic/instances/inst/signs", token, 403, "APIG.1005")
        try await expect(.get, "/v2/\(port.project.id)/apic/instances/in.st/signs", token, 400, "APIG.2012")
        try await expect(.get, "/v2/\(port.project.id)/apic/instances/%69nst/signs", token, 200, nil)
        try await expect(.get, "/v2/\(port.project.id)/apic/instances/other/signs?limit=0", token, 404, "APIG.3030")
        try await expect(.get, port.path("/signs?limit=0"), token, 400, "APIG.2012")
        try await expect(.post, port.path("/signs"), token, body: "", 400, "APIG.2000")
        try await expect(.post, port.path("/signs"), token, body: "{}", 400, "APIG.2001")
        try await expect(.post, port.path("/signs"), token, body: #"{"name":1}"#, 400, "APIG.2000")
        try await expect(.post, port.path("/signs"), token, body: #"{"name":"-"}"#, 400, "APIG.2011")
        try await expect(.delete, port.path("/signs/abc"), token, 404, "APIG.3017")
        try await expect(.get, port.path("/signs") + "?a=" + String(repeating: "b", count: 9000), token, 414, "APIG.2000")
    }

    @Test("successes: statuses, bodies, headers; the alias; empty bodies where none is needed")
    func successes() async throws {
        let port = try await Port(echo)
        let token: HTTPFields = [.authToken: try await port.token(), .contentType: "application/json;charset=UTF-8"]
        let created = try await port.send(.post, port.path("/signs"), token, body: #"{"name":"abc","later":{}}"#)
        #expect(created.status == 201)
        #expect(created.text == #"{"id":"inst","name":"abc"}"#)
        #expect(created.headers[.contentType] == "application/json")
        let unbound = try await port.send(.delete, port.path("/sign-bindings/abc"), token)
        #expect(unbound.status == 204 && unbound.text.isEmpty)
        #expect(unbound.headers[.contentType] == nil && unbound.headers[.contentLength] == nil)
        #expect(unbound.headers[.revision] == "12")
        let listed = try await port.send(.get, "/v2/\(port.project.id)/apigw/instances/inst/signs?offset=-3", token)
        #expect(listed.text == #"{"size":20,"total":0}"#)
        #expect(try await port.send(.put, port.path("/apps/a/app-codes"), token).status == 201)
    }

    @Test("bodies over the limit are refused by their announced length and by their real one")
    func largeBodies() async throws {
        let port = try await Port(echo)
        let token = try await port.token()
        let announced = try await port.send(.post, port.path("/signs"), [.authToken: token, .contentLength: "12582913"], body: "{}")
        #expect(announced.status == 413 && announced.headers[.connection] == "close")
        let real = try await port.send(
            .post, port.path("/signs"), [.authToken: token], body: #"{"name":"abc"}"# + String(repeating: " ", count: 12_582_912))
        #expect(real.status == 413)
        let wrongCharset = try await port.send(
            .post, port.path("/signs"), [.authToken: token, .contentType: "application/json;charset=gbk"], body: "{}")
        #expect(wrongCharset.code == "APIG.2000")
    }

    @Test("roles: a reader reads, nobody else does nothing; changes count at once")
    func roles() async throws {
        let port = try await Port(echo)
        let call = Call(actor: "system", userID: "", source: "", requestID: "", projectID: "", instanceID: "")
        _ = try await port.directory.addUser("rita", password: Secret("reader's own"), role: .reader, call: call)
        let token: HTTPFields = [.authToken: try await port.token("rita", "reader's own")]
        #expect(try await port.send(.get, port.path("/signs"), token).status == 200)
        #expect(try await port.send(.post, port.path("/signs"), token, body: #"{"name":"abc"}"#).code == "APIG.1005")
        _ = try await port.directory.setRole(.operator, of: "rita", call: call)
        #expect(try await port.send(.post, port.path("/signs"), token, body: #"{"name":"abc"}"#).status == 201)
        _ = try await port.directory.setRole(.none, of: "rita", call: call)
        #expect(try await port.send(.get, port.path("/signs"), token).code == "APIG.1005")
        try await port.directory.removeUser("rita", call: call)
        #expect(try await port.send(.get, port.path("/signs"), token).code == "APIG.1002")
        await #expect(throws: IdentityError.lastAdministrator) { try await port.directory.removeUser("admin", call: call) }
    }

    @Test("probes")
    func probes() async throws {
        let port = try await Port()
        #expect(try await port.send(.get, "/livez").status == 200)
        #expect(try await port.send(.head, "/readyz").text.isEmpty)
        let metrics = try await port.send(.get, "/metrics").text
        #expect(metrics.contains("gatehouse_configuration_revision 7\n"))
        #expect(metrics.contains("gatehouse_management_requests_total{status=\"200\"} 2\n"))
    }
}
