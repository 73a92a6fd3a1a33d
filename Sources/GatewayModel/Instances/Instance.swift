/// A logical gateway with resources of its own (management-api.md, 3.1).
public struct Instance: Codable, Sendable, Equatable {
    public let id: String
    public let projectID: String
    public var name: String
    public var description: String
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(id: String, projectID: String, name: String, description: String, createdAt: Timestamp, updatedAt: Timestamp) {
        self.id = id
        self.projectID = projectID
        self.name = name
        self.description = description
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// A configured feature of an instance; `config` is text whose form depends on the name (management-api.md, 3.2).
public struct Feature: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public let name: String
    public var enabled: Bool
    public var config: String
    public var updatedAt: Timestamp

    public init(id: String, instanceID: String, name: String, enabled: Bool, config: String, updatedAt: Timestamp) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.enabled = enabled
        self.config = config
        self.updatedAt = updatedAt
    }
}
