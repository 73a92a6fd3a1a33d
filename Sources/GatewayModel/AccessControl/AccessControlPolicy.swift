/// Who may call, by address or account (management-api.md, 3.12).
public struct AccessControlPolicy: Codable, Sendable, Equatable {
    public enum Action: String, Codable, Sendable { case permit = "PERMIT", deny = "DENY" }
    public enum Entity: String, Codable, Sendable, CaseIterable { case ip = "IP", domain = "DOMAIN", domainID = "DOMAIN_ID" }

    public let id: String
    public let instanceID: String
    public var name: String
    public var action: Action
    public let entity: Entity
    /// Comma-separated, as checked by the rules of ``Entity``.
    public var value: String
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, action: Action, entity: Entity, value: String, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.action = action
        self.entity = entity
        self.value = value
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
