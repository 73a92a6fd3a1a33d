import GatewayPrimitives

/// A certificate of a project, with its key, for domains (management-api.md, 3.6).
public struct ManagedCertificate: Encodable, Sendable, Equatable {
    public let id: String
    public let projectID: String
    /// Empty for a certificate of scope global.
    public let instanceID: String
    public var name: String
    public var content: Content
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    /// What is read from the texts that the user gave.
    public struct Content: Encodable, Sendable, Equatable {
        /// PEM, the server's own certificate first.
        public var chain: String
        /// PEM.
        public var key: Secret
        /// PEM of the authorities of client certificates; empty for none.
        public var authorities: String
        /// `RSA` or `ECC`; empty without authorities.
        public var authorityAlgorithm: String
        public var facts: Facts

        public init(chain: String, key: Secret, authorities: String, authorityAlgorithm: String, facts: Facts) {
            self.chain = chain
            self.key = key
            self.authorities = authorities
            self.authorityAlgorithm = authorityAlgorithm
            self.facts = facts
        }
    }

    /// What the server's own certificate says.
    public struct Facts: Codable, Sendable, Equatable {
        public var commonName: String
        public var names: [String]
        public var organization, organizationalUnit, locality, state, country: [String]
        public var notBefore, notAfter: Timestamp
        /// Decimal digits.
        public var serialNumber: String
        public var issuer: [String]
        public var signatureAlgorithm: String
        /// `RSA` or `ECC`.
        public var algorithm: String

        public init(
            commonName: String, names: [String], organization: [String], organizationalUnit: [String], locality: [String],
            state: [String], country: [String], notBefore: Timestamp, notAfter: Timestamp, serialNumber: String,
            issuer: [String], signatureAlgorithm: String, algorithm: String
        ) {
            self.commonName = commonName
            self.names = names
            self.organization = organization
            self.organizationalUnit = organizationalUnit
            self.locality = locality
            self.state = state
            self.country = country
            self.notBefore = notBefore
            self.notAfter = notAfter
            self.serialNumber = serialNumber
            self.issuer = issuer
            self.signatureAlgorithm = signatureAlgorithm
            self.algorithm = algorithm
        }
    }

    public init(
        id: String, projectID: String, instanceID: String, name: String, content: Content, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.projectID = projectID
        self.instanceID = instanceID
        self.name = name
        self.content = content
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    public var isGlobal: Bool { instanceID.isEmpty }
    public var hasAuthorities: Bool { !content.authorities.isEmpty }
}

/// A certificate at a domain; a domain has at most one of each kind of key.
public struct CertificateBinding: Codable, Sendable, Equatable {
    public let domainID: String
    /// Kind of the certificate's key.
    public let algorithm: String
    public let certificateID: String
    public let boundAt: Timestamp

    public init(domainID: String, algorithm: String, certificateID: String, boundAt: Timestamp) {
        self.domainID = domainID
        self.algorithm = algorithm
        self.certificateID = certificateID
        self.boundAt = boundAt
    }
}
