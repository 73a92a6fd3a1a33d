/// Table `feature_secrets`: what of a feature's config must not be seen; sealed.
public struct FeatureSecretRow: Record {
    public static let table = "feature_secrets"
    public static let columns = ["instance_id", "name", "sealed_value"]
    public static let keyLength = 2

    public let instanceID: String
    /// Of the feature.
    public let name: String
    public let sealed: String

    public init(instanceID: String, name: String, sealed: String) {
        self.instanceID = instanceID
        self.name = name
        self.sealed = sealed
    }

    public var values: [SQLValue] { [.text(instanceID), .text(name), .text(sealed)] }

    public init(row: SQLRow) throws {
        self.init(instanceID: try row.text("instance_id"), name: try row.text("name"), sealed: try row.text("sealed_value"))
    }

    /// Where the value is sealed for.
    public static func context(_ instanceID: String, _ name: String) -> String { "feature_secrets:\(instanceID)/\(name)" }
}
