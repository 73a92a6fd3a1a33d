/// An API in an environment as lists show it: names as they are now, whatever was published.
public struct PublicationView: Sendable, Equatable {
    public let publicationID: String
    public let apiID: String
    public let apiName: String
    /// 1 public, 2 private.
    public let apiType: Int
    public let apiRemark: String
    public let tags: [String]
    public let method: String
    public let uri: String
    public let requestProtocol: String
    public let authType: String
    public let matchMode: String
    public let romaAppID: String
    public let groupID: String
    public let groupName: String
    public let environmentID: String
    public let environmentName: String

    public init(
        publicationID: String, apiID: String, apiName: String, apiType: Int, apiRemark: String, tags: [String],
        method: String, uri: String, requestProtocol: String, authType: String, matchMode: String, romaAppID: String,
        groupID: String, groupName: String, environmentID: String, environmentName: String
    ) {
        self.publicationID = publicationID
        self.apiID = apiID
        self.apiName = apiName
        self.apiType = apiType
        self.apiRemark = apiRemark
        self.tags = tags
        self.method = method
        self.uri = uri
        self.requestProtocol = requestProtocol
        self.authType = authType
        self.matchMode = matchMode
        self.romaAppID = romaAppID
        self.groupID = groupID
        self.groupName = groupName
        self.environmentID = environmentID
        self.environmentName = environmentName
    }
}
