/// What an import says an API shall be bound to. Policies are bound to published APIs only, and an import publishes nothing:
/// the next publication of the API, in whatever environment, makes the binding and forgets the plan (docs/decisions/0012).
public struct PlannedBinding: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable { case accessControl = "acl", plugin, throttle }

    public let apiID: String
    public let kind: Kind
    public let policyID: String

    public init(apiID: String, kind: Kind, policyID: String) {
        self.apiID = apiID
        self.kind = kind
        self.policyID = policyID
    }
}
