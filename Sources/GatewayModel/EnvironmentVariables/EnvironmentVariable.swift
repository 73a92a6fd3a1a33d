/// A value that stands for `#name#` in backend addresses and paths of one group in one environment
/// (contract schema EnvVariableInfo; management-api.md, 3.7).
public struct EnvironmentVariable: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public let groupID: String
    public let environmentID: String
    /// Case-sensitive, unique in its group and environment.
    public var name: String
    public var value: String
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, groupID: String, environmentID: String, name: String, value: String,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.groupID = groupID
        self.environmentID = environmentID
        self.name = name
        self.value = value
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
