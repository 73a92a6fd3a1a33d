import GatewayPrimitives

/// A secret that something had before its present one and that works until it ends: of an application, of an AppCode, of a
/// signature key.
public struct RetiredSecret: Encodable, Sendable, Equatable {
    public let id: String
    public let kind: CredentialKind
    /// The application, AppCode or signature key.
    public let ownerID: String
    public let secret: Secret
    /// `sign_key` of a signature key; empty for the others.
    public let accessKey: String
    public let createdAt: Timestamp
    /// From then on it proves nothing.
    public let endsAt: Timestamp
    /// A signature key goes on signing with it until then; nil for the others.
    public let signsUntil: Timestamp?

    public init(
        id: String, kind: CredentialKind, ownerID: String, secret: Secret, accessKey: String = "", createdAt: Timestamp,
        endsAt: Timestamp, signsUntil: Timestamp? = nil
    ) {
        self.id = id
        self.kind = kind
        self.ownerID = ownerID
        self.secret = secret
        self.accessKey = accessKey
        self.createdAt = createdAt
        self.endsAt = endsAt
        self.signsUntil = signsUntil
    }

    enum CodingKeys: String, CodingKey { case id, kind, ownerID, secret, accessKey, createdAt, endsAt, signsUntil }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(kind.rawValue, forKey: .kind)
        try container.encode(ownerID, forKey: .ownerID)
        try container.encode(secret, forKey: .secret)
        if !accessKey.isEmpty { try container.encode(accessKey, forKey: .accessKey) }
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(endsAt, forKey: .endsAt)
        try container.encodeIfPresent(signsUntil, forKey: .signsUntil)
    }
}

/// Which secret is the present one. What has never been replaced still has the secret of its beginning, whose id is its own.
public struct PresentSecret: Sendable, Equatable {
    public let ownerID: String
    public let id: String
    public let createdAt: Timestamp

    public init(ownerID: String, id: String, createdAt: Timestamp) {
        self.ownerID = ownerID
        self.id = id
        self.createdAt = createdAt
    }

    public init(ofTheBeginning ownerID: String, createdAt: Timestamp) {
        self.init(ownerID: ownerID, id: ownerID, createdAt: createdAt)
    }
}

/// How often a secret was used, and when it last was.
public struct SecretUsage: Sendable, Equatable {
    public let secretID: String
    public let ownerID: String
    public let calls: Int64
    public let lastAt: Timestamp
    /// Where the last call came from; for a signature key, the API whose request it signed.
    public let lastBy: String

    public init(secretID: String, ownerID: String, calls: Int64, lastAt: Timestamp, lastBy: String) {
        self.secretID = secretID
        self.ownerID = ownerID
        self.calls = calls
        self.lastAt = lastAt
        self.lastBy = lastBy
    }
}

/// For how long a replaced secret goes on working, and how many may do so.
public enum SecretRotationRules {
    /// Seconds.
    public static let overlaps = 0...31_536_000
    /// Replaced secrets of one application, AppCode or signature key that have not ended.
    public static let retiredLimit = 3
}
