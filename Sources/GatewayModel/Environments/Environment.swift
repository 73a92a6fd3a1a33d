/// Where APIs are published (contract schema EnvInfo; management-api.md, 3.7).
public struct Environment: Codable, Sendable, Equatable {
    /// The environment that every instance has from the start.
    public static let releaseID = "DEFAULT_ENVIRONMENT_RELEASE_ID"
    public static let releaseName = "RELEASE"

    public let id: String
    public let instanceID: String
    public var name: String
    public var remark: String
    public let createdAt: Timestamp

    public init(id: String, instanceID: String, name: String, remark: String, createdAt: Timestamp) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.remark = remark
        self.createdAt = createdAt
    }
}
