/// A function that decides who may call (FRONTEND), or gives the gateway what a backend wants to know (BACKEND)
/// (contract schema AuthorizerResp; management-api.md, 3.15; gateway-runtime.md, 2.7).
public struct Authorizer: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable { case frontend = "FRONTEND", backend = "BACKEND" }

    /// Where a caller's credential is.
    public struct Identity: Codable, Sendable, Equatable {
        public enum Location: String, Codable, Sendable { case header = "HEADER", query = "QUERY" }

        public var name: String
        public var location: Location
        /// A regular expression that the value must match; nil: it must be there.
        public var validation: String?

        public init(name: String, location: Location, validation: String?) {
            self.name = name
            self.location = location
            self.validation = validation
        }
    }

    public let id: String
    public let instanceID: String
    public var name: String
    /// Fixed.
    public let kind: Kind
    public var functionURN: String
    public var version: String?
    public var aliasURN: String?
    /// Only of FRONTEND.
    public var identities: [Identity]
    /// Seconds for which a decision is remembered; 0: not at all.
    public var ttl: Int
    public var userData: String
    public var needsBody: Bool
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, kind: Kind, functionURN: String, version: String?, aliasURN: String?,
        identities: [Identity], ttl: Int, userData: String, needsBody: Bool, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.kind = kind
        self.functionURN = functionURN
        self.version = version
        self.aliasURN = aliasURN
        self.identities = identities
        self.ttl = ttl
        self.userData = userData
        self.needsBody = needsBody
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    public var function: FunctionReference { FunctionReference(urn: functionURN, version: version, aliasURN: aliasURN) }
}
