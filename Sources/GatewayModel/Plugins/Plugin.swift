/// A plug-in and its content, which is JSON text that fits the type (management-api.md, 3.14).
public struct Plugin: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public var name: String
    public let type: PluginType
    /// global, or app with `romaAppID`.
    public let scope: String
    public var content: String
    public var remark: String
    public let romaAppID: String
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, type: PluginType, scope: String, content: String, remark: String,
        romaAppID: String, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.type = type
        self.scope = scope
        self.content = content
        self.remark = remark
        self.romaAppID = romaAppID
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

public enum PluginType: String, Codable, Sendable, CaseIterable {
    case cors
    case setResponseHeaders = "set_resp_headers"
    case kafkaLog = "kafka_log"
    case breaker
    case rateLimit = "rate_limit"
    case thirdAuth = "third_auth"
}
