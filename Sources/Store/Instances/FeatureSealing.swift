import GatewayModel

/// The secret in a feature's config lies sealed in its row.
extension Feature {
    public func sealed(by box: SecretBox) throws -> Feature {
        var row = self
        row.config = try FeatureSecrets.replacing(in: config, of: name) { try box.seal($0, context: context) }
        return row
    }

    public func opened(by box: SecretBox) throws -> Feature {
        var feature = self
        feature.config = try FeatureSecrets.replacing(in: config, of: name) { try box.open($0, context: context) }
        return feature
    }

    private var context: String { "features.config:\(id)" }
}
