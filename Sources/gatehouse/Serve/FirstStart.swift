import ControlPlane
import Foundation
import GatewayModel
import GatewayPrimitives
import Store
import StoreSQLite

/// Makes what a new data folder needs: domain, project, administrator, instance, credentials.
///
/// A first start that was cut off anywhere is done again as a whole: until the instance exists no port was open and nothing was
/// acknowledged, so the half-made database is thrown away. The credentials are on disk before the instance is made.
struct FirstStart {
    static let administrator = "admin"

    /// Opens the database of the folder.
    static func openStore(_ path: String) throws -> SQLiteStore {
        do {
            let store = try SQLiteStore(path: path)
            let count = try store.read { sql in
                (instances: try sql.count("SELECT COUNT(*) AS n FROM instances"), users: try sql.count("SELECT COUNT(*) AS n FROM users"))
            }
            if count.instances > 0 || count.users == 0 { return store }
            try store.close()
            for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
            return try SQLiteStore(path: path)
        } catch let error as StoreError {
            throw PlainFailure("cannot open the database \(path): \(reason(error))")
        }
    }

    static func run(
        plane: ControlPlane, directory: IdentityDirectory, folder: borrowing DataFolder, settings: ServeSettings
    ) async throws {
        let password = Credentials.newPassword()
        let call = Call(
            actor: "system", userID: "", source: "", requestID: "first-start", projectID: "", instanceID: "")
        guard
            let made = try await directory.setUp(
                domain: settings.domainName, project: settings.region, user: administrator, password: Secret(password),
                call: call)
        else { return try await restorePending(folder, plane) }
        var credentials = Credentials(
            managementEndpoint: "", iamEndpoint: "", gatewayHTTP: "", gatewayHTTPS: "", region: settings.region,
            domainName: made.domain.name, domainID: made.domain.id, projectName: made.project.name,
            projectID: made.project.id, instanceID: "", userName: made.user.name, password: password,
            accessKey: made.key.accessKey, secretKey: made.key.secret.revealed)
        try credentials.write(to: folder.pendingCredentials)
        credentials.instanceID = try await plane.prepareFirstStart(projectID: made.project.id).id
        try credentials.write(to: folder.pendingCredentials)
        try DataFolder.move(folder.pendingCredentials, to: folder.credentials)
    }

    /// Credentials of a first start that was cut off after the instance was made.
    private static func restorePending(_ folder: borrowing DataFolder, _ plane: ControlPlane) async throws {
        guard Credentials.read(folder.credentials) == nil, var pending = Credentials.read(folder.pendingCredentials) else { return }
        pending.instanceID = try await plane.prepareFirstStart(projectID: pending.projectID).id
        try pending.write(to: folder.pendingCredentials)
        try DataFolder.move(folder.pendingCredentials, to: folder.credentials)
    }

    /// Keeps the addresses in the file those of this run. A file that the operator took away stays away.
    static func writeAddresses(
        folder: borrowing DataFolder, management: String, gatewayHTTP: String, gatewayHTTPS: String
    ) throws {
        guard var credentials = Credentials.read(folder.credentials) else { return }
        let before = credentials
        credentials.managementEndpoint = management
        credentials.iamEndpoint = management + "/v3"
        credentials.gatewayHTTP = gatewayHTTP
        credentials.gatewayHTTPS = gatewayHTTPS
        if credentials != before { try credentials.write(to: folder.credentials) }
    }

    private static func reason(_ error: StoreError) -> String {
        switch error {
        case .notUnique(let detail), .referenced(let detail), .readOnly(let detail), .busy(let detail), .failed(let detail):
            detail
        case .malformed(let detail): detail
        }
    }
}
