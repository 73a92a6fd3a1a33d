/// An API in an environment, from its first publication on. What is bound to the API there is bound to this record, so it
/// outlives re-publication and taking the API offline (management-api.md, 3.8).
public struct Publication: Codable, Sendable, Equatable {
    /// `publish_id`.
    public let id: String
    public let apiID: String
    public let instanceID: String
    public let environmentID: String
    /// The version in force; nil while the API is offline here.
    public var versionID: String?
    /// Group and claim of the version in force, of the last one while the API is offline.
    public var groupID: String
    public var claim: RequestClaim
    /// When the version came into force.
    public var publishedAt: Timestamp
    /// `domain_name` of that version in the form of ``BoundDomain/normalized(_:)``; empty: it answers at the hosts of its group.
    public var domainName: String

    public init(
        id: String, apiID: String, instanceID: String, environmentID: String, versionID: String?, groupID: String,
        claim: RequestClaim, publishedAt: Timestamp, domainName: String = ""
    ) {
        self.id = id
        self.apiID = apiID
        self.instanceID = instanceID
        self.environmentID = environmentID
        self.versionID = versionID
        self.groupID = groupID
        self.claim = claim
        self.publishedAt = publishedAt
        self.domainName = domainName
    }
}

/// A definition frozen by publishing.
public struct APIVersion: Codable, Sendable, Equatable {
    public let id: String
    public let publicationID: String
    public let apiID: String
    /// `version_no`: the moment of publication as `yyyyMMddHHmmss`.
    public let number: String
    public let definition: APIDefinition
    public let remark: String
    public let publishedAt: Timestamp

    public init(
        id: String, publicationID: String, apiID: String, number: String, definition: APIDefinition, remark: String,
        publishedAt: Timestamp
    ) {
        self.id = id
        self.publicationID = publicationID
        self.apiID = apiID
        self.number = number
        self.definition = definition
        self.remark = remark
        self.publishedAt = publishedAt
    }
}
