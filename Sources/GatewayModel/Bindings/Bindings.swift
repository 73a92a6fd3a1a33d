/// A signature key in force for an API in an environment; one at most (management-api.md, 3.28).
public struct SignatureBinding: Codable, Sendable, Equatable {
    public let id: String
    public let signatureKeyID: String
    public let publicationID: String
    public let boundAt: Timestamp

    public init(id: String, signatureKeyID: String, publicationID: String, boundAt: Timestamp) {
        self.id = id
        self.signatureKeyID = signatureKeyID
        self.publicationID = publicationID
        self.boundAt = boundAt
    }
}

/// An access control policy in force for an API in an environment; one at most of each entity type.
public struct AccessBinding: Codable, Sendable, Equatable {
    public let id: String
    public let policyID: String
    public let publicationID: String
    /// The policy's own, which never changes.
    public let entity: AccessControlPolicy.Entity
    public let boundAt: Timestamp

    public init(
        id: String, policyID: String, publicationID: String, entity: AccessControlPolicy.Entity, boundAt: Timestamp
    ) {
        self.id = id
        self.policyID = policyID
        self.publicationID = publicationID
        self.entity = entity
        self.boundAt = boundAt
    }
}

/// A plug-in in force for an API in an environment; one at most of each type.
public struct PluginBinding: Codable, Sendable, Equatable {
    public let id: String
    public let pluginID: String
    public let publicationID: String
    /// The plug-in's own, which never changes.
    public let type: PluginType
    public let boundAt: Timestamp

    public init(id: String, pluginID: String, publicationID: String, type: PluginType, boundAt: Timestamp) {
        self.id = id
        self.pluginID = pluginID
        self.publicationID = publicationID
        self.type = type
        self.boundAt = boundAt
    }
}
