/// A group of APIs that shares hosts (contract schema ApiGroupInfo; management-api.md, 3.4).
public struct APIGroup: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public var name: String
    public var remark: String
    public let isDefault: Bool
    /// The owning integration application; empty for a group of version V1.
    public let romaAppID: String
    /// The debugging host answers.
    public var slDomainAccessEnabled: Bool
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, remark: String, isDefault: Bool, romaAppID: String,
        slDomainAccessEnabled: Bool = true, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.remark = remark
        self.isDefault = isDefault
        self.romaAppID = romaAppID
        self.slDomainAccessEnabled = slDomainAccessEnabled
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
