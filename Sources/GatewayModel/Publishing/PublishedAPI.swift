/// An API in force in an environment: the frozen definition and everything that is bound to it. What the compiler reads.
public struct PublishedAPI: Sendable {
    public let publicationID: String
    public let apiID: String
    public let instanceID: String
    public let groupID: String
    public let groupName: String
    public let environmentID: String
    public let environmentName: String
    public let definition: APIDefinition
    public var signatureKey: SignatureKey?
    /// nil: nothing but its present secret, of which nothing is counted.
    public var signatureSecrets: SignatureSecrets?
    public var accessPolicies: [AccessControlPolicy]
    public var plugins: [Plugin]
    /// How the gateway answers its failures; nil: nothing differs from its own answers.
    public var groupResponse: GroupResponse?
    public var throttle: BoundThrottle?
    /// Ids of the applications that may call it, with authentication APP -> what is added to the signatures of their requests.
    public var authorizedApplications: [String: String] = [:]
    /// Values of the variables that the definition uses, by name.
    public var variables: [String: String] = [:]
    /// What the definition names, by id.
    public var authorizers: [String: Authorizer] = [:]
    public var orchestrations: [String: OrchestrationRule] = [:]
    /// Channels that the definition and the plug-ins name, by id.
    public var channels: [String: ChannelContent] = [:]

    public init(
        publicationID: String, apiID: String, instanceID: String, groupID: String, groupName: String, environmentID: String,
        environmentName: String, definition: APIDefinition, signatureKey: SignatureKey? = nil,
        accessPolicies: [AccessControlPolicy] = [], plugins: [Plugin] = []
    ) {
        self.publicationID = publicationID
        self.apiID = apiID
        self.instanceID = instanceID
        self.groupID = groupID
        self.groupName = groupName
        self.environmentID = environmentID
        self.environmentName = environmentName
        self.definition = definition
        self.signatureKey = signatureKey
        self.accessPolicies = accessPolicies
        self.plugins = plugins
    }
}
