import ControlPlane
import Foundation
import Logging
import Store
import StoreSQLite

/// The configuration in a data folder, for commands that work on it beside a running gateway.
enum StoredConfiguration {
    /// - Throws: ``PlainFailure`` when the folder holds none, or what `body` was refused with as one line.
    static func open<Result>(folder: String, _ body: (ControlPlane) async throws -> Result) async throws -> Result {
        let folder = URL(fileURLWithPath: folder).standardizedFileURL.path
        let database = folder + "/gatehouse.sqlite"
        guard FileManager.default.fileExists(atPath: database) else {
            throw PlainFailure("there is no gatehouse database in \(folder)")
        }
        guard let key = FileManager.default.contents(atPath: folder + "/secrets.key"), key.count == 32 else {
            throw PlainFailure("the key file \(folder)/secrets.key cannot be read")
        }
        let store = try SQLiteStore(path: database)
        defer { try? store.close() }
        var log = Logger(label: "gatehouse", factory: { StreamLogHandler.standardError(label: $0) })
        log.logLevel = .error
        let plane = try ControlPlane(
            store: store, box: SecretBox(keyMaterial: Array(key)), settings: ControlPlaneSettings(historyRevisions: .max), log: log,
            sink: { _, inForce in inForce() })
        do {
            return try await body(plane)
        } catch let error as OperationError {
            throw PlainFailure("refused: \(error)")
        }
    }
}
