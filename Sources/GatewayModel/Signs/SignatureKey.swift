import GatewayPrimitives

/// A key with which the gateway signs its requests to backends (management-api.md, 3.11).
public struct SignatureKey: Encodable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public var name: String
    public var type: SignatureType
    public var key: String
    public var secret: Secret
    /// Only with type aes.
    public var algorithm: SignatureAlgorithm?
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, type: SignatureType, key: String, secret: Secret,
        algorithm: SignatureAlgorithm?, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.type = type
        self.key = key
        self.secret = secret
        self.algorithm = algorithm
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

public enum SignatureType: String, Codable, Sendable, CaseIterable {
    case hmac, basic
    case publicKey = "public_key"
    case aes
}

public enum SignatureAlgorithm: String, Codable, Sendable, CaseIterable {
    case aes128 = "aes-128-cfb"
    case aes256 = "aes-256-cfb"
}
