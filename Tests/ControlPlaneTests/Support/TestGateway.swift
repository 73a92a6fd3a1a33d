import ControlPlane
import Foundation
import GatewayModel
import Logging
import Snapshot
import Store
import StoreSQLite
import Synchronization
import Testing

/// A control plane over a database of its own after its first start, a clock that ticks with every reading, and a gateway that
/// takes every snapshot at once and remembers the last.
final class TestGateway: Sendable {
    static let project = "0123456789abcdef0123456789abcdef"
    static let box = SecretBox(keyMaterial: Array(repeating: 7, count: 32))

    let plane: ControlPlane
    let store: SQLiteStore
    let instance: Instance
    let settings: ControlPlaneSettings
    private let taken = TakenSnapshots()
    private let clock = TickingClock()
    private let folder: URL

    init(_ settings: ControlPlaneSettings = ControlPlaneSettings(gatewayAddresses: ["127.0.0.1"])) async throws {
        self.settings = settings
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("gateway-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        store = try SQLiteStore(path: folder.appendingPathComponent("gatehouse.db").path)
        plane = try ControlPlane(
            store: store, box: Self.box, settings: settings, log: Logger(label: "test"), clock: { [clock] in clock.next() },
            tls: { NotedTLS($0) }, sink: { [taken] in taken.take($0, $1) })
        instance = try await plane.prepareFirstStart(projectID: Self.project)
    }

    deinit {
        // The folder is the test's own; nothing depends on its removal.
        try? store.close()
        try? FileManager.default.removeItem(at: folder)
    }

    var snapshot: GatewaySnapshot { taken.last }

    /// A call of the project's administrator.
    func call(instance id: String? = nil, project: String = TestGateway.project) -> Call {
        Call(
            actor: "admin", userID: "u1", source: "127.0.0.1", requestID: "r1", projectID: project,
            instanceID: id ?? instance.id)
    }

    /// What a fresh start would serve from the store as it is.
    func freshSnapshot() throws -> GatewaySnapshot {
        let fresh = TakenSnapshots()
        _ = try ControlPlane(
            store: store, box: Self.box, settings: settings, log: Logger(label: "fresh"), clock: { [clock] in clock.next() },
            tls: { NotedTLS($0) },
            sink: { fresh.take($0, $1) })
        return fresh.last
    }

    /// - Returns: the refusal of `body`; nil and a recorded issue when it throws nothing or something else.
    func refused(
        _ location: SourceLocation = #_sourceLocation, _ body: (ControlPlane) async throws -> some Sendable
    ) async -> OperationError? {
        do {
            _ = try await body(plane)
            Issue.record("nothing was thrown", sourceLocation: location)
        } catch let error as OperationError {
            return error
        } catch {
            Issue.record("\(error)", sourceLocation: location)
        }
        return nil
    }

    func group(_ name: String) async throws -> APIGroup {
        try await plane.createAPIGroup(call(), APIGroupDraft(name: name)).value
    }

    func api(_ name: String, _ path: String, group: APIGroup, method: HTTPMethod = .get) async throws -> API {
        try await plane.createAPI(call(), .mocked(name, path, groupID: group.id, method: method)).value.api
    }

    func publish(_ api: API, in environmentID: String = Environment.releaseID) async throws -> PublicationRecord {
        try await plane.publishAPI(call(), apiID: api.id, environmentID: environmentID, remark: "").value
    }

    /// Kinds of the change records of an object, with marks of what was there before and after.
    func trace(of id: String) throws -> [String] {
        try store.read { sql in
            try sql.query(
                "SELECT kind, before_json, after_json FROM changes WHERE object_id = ? ORDER BY revision, position", [.text(id)]
            ).map { row in
                let before = try row.optionalText("before_json") == nil ? "-" : "b"
                let after = try row.optionalText("after_json") == nil ? "-" : "a"
                return "\(try row.text("kind")) \(before)\(after)"
            }
        }
    }
}

extension APIDefinition {
    static func mocked(
        _ name: String, _ path: String, groupID: String, method: HTTPMethod = .get, body: String = "ok"
    ) -> APIDefinition {
        var definition = APIDefinition(
            name: name, groupID: groupID, type: 1, reqProtocol: .both, reqMethod: method, reqURI: path, authType: .none,
            backendType: .mock, mock: MockBackendDefinition(id: "", resultContent: body))
        definition.requestParameters = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
            RequestParameter(
                id: "", name: segment.filter { !"{+}".contains($0) }, type: "STRING", location: .path, required: true)
        }
        return definition
    }

    static func proxied(_ name: String, _ path: String, groupID: String, to backendPath: String) -> APIDefinition {
        var definition = mocked(name, path, groupID: groupID)
        definition.backendType = .http
        definition.mock = nil
        definition.http = HTTPBackendDefinition(
            id: "", reqProtocol: "HTTP", reqMethod: .get, reqURI: backendPath, address: "127.0.0.1:9000",
            timeoutMilliseconds: 5000)
        return definition
    }
}

private final class TakenSnapshots: Sendable {
    private let newest = Mutex<GatewaySnapshot>(.empty)
    var last: GatewaySnapshot { newest.withLock { $0 } }
    func take(_ snapshot: GatewaySnapshot, _ inForce: @Sendable () -> Void) {
        newest.withLock { $0 = snapshot }
        inForce()
    }
}

/// Two readings never agree, so that what is newest is always defined.
private final class TickingClock: Sendable {
    private let time = Mutex<Int64>(1_596_426_014_989_785_802)
    func next() -> Timestamp {
        time.withLock { now in
            now += 1_000_003
            return Timestamp(nanoseconds: now)
        }
    }
}
