import ControlPlane
import Foundation
import GatewayModel
import GatewayPrimitives
import Logging
import Snapshot
import Store
import StoreSQLite
import Synchronization
import Testing

/// A control plane over a database of its own, with a clock that the test sets and a gateway that takes every snapshot at once.
final class ControlPlaneFixture: Sendable {
    static let project = "0123456789abcdef0123456789abcdef"

    let plane: ControlPlane
    let store: SQLiteStore
    let snapshots: Snapshots
    let clock: ManualClock
    let instanceID = "11111111111111111111111111111111"
    let otherInstanceID = "22222222222222222222222222222222"
    private let folder: URL

    init(_ settings: ControlPlaneSettings = ControlPlaneSettings()) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("control-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        store = try SQLiteStore(path: folder.appendingPathComponent("gatehouse.db").path)
        clock = ManualClock(Timestamp(nanoseconds: 1_596_426_014_989_785_802))
        snapshots = Snapshots()
        let ids = [instanceID, otherInstanceID]
        let now = clock.now
        try store.write { sql in
            for id in ids {
                try sql.insert(
                    Instance(
                        id: id, projectID: Self.project, name: "i\(id.prefix(3))", description: "", createdAt: now,
                        updatedAt: now))
                try sql.insert(
                    Environment(
                        id: Environment.releaseID, instanceID: id, name: Environment.releaseName, remark: "", createdAt: now))
            }
        }
        plane = try ControlPlane(
            store: store, box: SecretBox(keyMaterial: Array(repeating: 7, count: 32)), settings: settings,
            log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), clock: { [clock] in clock.now },
            sink: { [snapshots] in snapshots.take($0, $1) })
    }

    deinit {
        // The folder is the test's own and nothing depends on its removal.
        try? plane.close()
        try? FileManager.default.removeItem(at: folder)
    }

    func call(instance: String? = nil, project: String = ControlPlaneFixture.project) -> Call {
        Call(
            actor: "admin", userID: "u1", source: "127.0.0.1", requestID: "r1", projectID: project,
            instanceID: instance ?? instanceID)
    }

    /// Values of one column of the change records of an object, oldest first.
    func changes(of id: String, _ column: String) throws -> [String?] {
        try store.read { sql in
            try sql.query("SELECT \(column) AS c FROM changes WHERE object_id = ? ORDER BY revision, position", [.text(id)])
                .map { try $0.optionalText("c") }
        }
    }

    /// Column `c` of an answer.
    func texts(_ query: String) throws -> [String] {
        try store.read { sql in try sql.query(query).map { try $0.text("c") } }
    }

    /// The revision of the store.
    var revision: Int64 {
        get throws {
            try store.read { sql in try sql.first("SELECT revision FROM gateway_state", [])?.integer("revision") ?? -1 }
        }
    }
}

/// Remembers what the gateway was given.
final class Snapshots: Sendable {
    private let all = Mutex<[GatewaySnapshot]>([])

    func take(_ snapshot: GatewaySnapshot, _ inForce: @Sendable () -> Void) {
        all.withLock { $0.append(snapshot) }
        inForce()
    }

    var current: GatewaySnapshot { all.withLock { $0.last } ?? .empty }

    /// Whether a group's debugging host is known.
    func host(ofGroup id: String) -> VirtualHost? { current.hosts.value(for: Array("\(id).apic.localhost".utf8)) }

    func settings(_ instanceID: String) -> InstanceSettings? { current.instances.map(\.settings).first { $0.instanceID == instanceID } }
}

final class ManualClock: Sendable {
    private let time: Mutex<Timestamp>
    init(_ start: Timestamp) { time = Mutex(start) }
    var now: Timestamp { time.withLock { $0 } }
    func advance(seconds: Int64) {
        time.withLock { $0 = Timestamp(nanoseconds: $0.nanoseconds + seconds * 1_000_000_000) }
    }
}

/// - Returns: what `body` throws; nil and a recorded issue when it throws nothing or something else.
func refusal(
    _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> some Sendable
) async -> OperationError? {
    do {
        _ = try await body()
        Issue.record("nothing was thrown", sourceLocation: location)
    } catch let error as OperationError {
        return error
    } catch {
        Issue.record("\(error)", sourceLocation: location)
    }
    return nil
}
