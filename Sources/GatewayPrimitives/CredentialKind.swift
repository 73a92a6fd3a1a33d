/// What may be replaced without an outage, and whose uses are counted.
public enum CredentialKind: String, Sendable, CaseIterable, Codable {
    case appSecret
    case appCode
    case signatureKey
}
