import GatewayModel
import Store

/// How many there are of a kind, and how many of them are in use.
public struct Outline: Sendable, Equatable {
    public let total: Int
    public let used: Int
    public var unused: Int { total - used }
}

extension ControlPlane {
    /// APIs of the instance, and those that are in force in some environment.
    public func apiOutline(_ call: Call) async throws -> Outline {
        try await outline(
            call, all: "SELECT COUNT(*) AS n FROM apis WHERE instance_id = ?",
            used: "SELECT COUNT(DISTINCT api_id) AS n FROM publications WHERE instance_id = ? AND version_id IS NOT NULL")
    }

    /// API groups of the instance. None is on sale: there is no marketplace.
    public func groupOutline(_ call: Call) async throws -> Outline {
        try await outline(call, all: "SELECT COUNT(*) AS n FROM api_groups WHERE instance_id = ?", used: nil)
    }

    /// Applications of the instance, and those that are authorised for some API.
    public func applicationOutline(_ call: Call) async throws -> Outline {
        try await outline(
            call, all: "SELECT COUNT(*) AS n FROM applications WHERE instance_id = ?",
            used: "SELECT COUNT(DISTINCT app_id) AS n FROM app_auths WHERE instance_id = ?")
    }

    private func outline(_ call: Call, all: String, used: String?) async throws -> Outline {
        try await read { r in
            try r.checkInstance(of: call)
            func count(_ query: String) throws -> Int {
                Int(try r.sql.first(query, [.text(call.instanceID)])?.integer("n") ?? 0)
            }
            return Outline(total: try count(all), used: try used.map(count) ?? 0)
        }
    }
}
