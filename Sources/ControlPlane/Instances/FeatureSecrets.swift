import GatewayModel
import GatewayPrimitives
import Store

extension Reading {
    /// What is sealed of features' configs, by name of the feature.
    ///
    /// - Parameter own: names the instance.
    func featureSecrets(_ own: Condition) throws -> [String: Secret] {
        var secrets: [String: Secret] = [:]
        for row in try sql.all(FeatureSecretRow.self, where: own) {
            secrets[row.name] = Secret(try open(row.sealed, context: FeatureSecretRow.context(row.instanceID, row.name)))
        }
        return secrets
    }
}
