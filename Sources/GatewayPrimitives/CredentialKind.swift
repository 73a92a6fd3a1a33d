/// What may be replaced without an outage, and whose uses are counted.
public enum CredentialKind: String, Sendable, CaseIterable {
    case appSecret
    case appCode
    case signatureKey
}
