import GatewayModel
import GatewayPrimitives
import Store

extension Reading {
    /// Secrets of features' configs, by name of the feature.
    ///
    /// - Parameter own: names the instance.
    func featureSecrets(_ own: Condition) throws -> [String: Secret] {
        var secrets: [String: Secret] = [:]
        for row in try sql.all(FeatureSecretRow.self, where: own) { secrets[row.name] = try secret(row) }
        return secrets
    }

    /// The secret of one feature; nil: it has none.
    func featureSecret(_ name: String, of call: Call) throws -> Secret? {
        try sql.find(FeatureSecretRow.self, key: call.instanceID, name).map(secret)
    }

    private func secret(_ row: FeatureSecretRow) throws -> Secret {
        Secret(try open(row.sealed, context: FeatureSecretRow.context(row.instanceID, row.name)))
    }
}

extension Writing {
    /// Puts a secret in the place of another one.
    ///
    /// - Parameters:
    ///   - new: nil: the feature has none.
    ///   - old: the stored one.
    func storeFeatureSecret(_ new: String?, old: Secret?, name: String, of call: Call) throws {
        guard new != old?.revealed else { return }
        guard let new else {
            try sql.delete(FeatureSecretRow.self, key: call.instanceID, name)
            return
        }
        let row = FeatureSecretRow(
            instanceID: call.instanceID, name: name, sealed: try seal(new, context: FeatureSecretRow.context(call.instanceID, name)))
        if old == nil { try sql.insert(row) } else { try sql.update(row) }
    }
}

extension ControlPlane {
    /// Databases of before kept the key of `backend_client_certificate` sealed within its config: it moves to where secrets of
    /// features are. What history had kept of it meanwhile is the same in another form, and goes.
    static func separateFeatureSecrets(_ sql: any SQLConnection, box: SecretBox) throws {
        var moved = false
        for var feature in try sql.all(Feature.self, where: Condition(), order: "instance_id, name") {
            guard try sql.find(FeatureSecretRow.self, key: feature.instanceID, feature.name) == nil else { continue }
            let (config, sealed) = FeatureSecrets.separated(feature.config, of: feature.name)
            guard let sealed else { continue }
            let secret = try box.open(sealed, context: "features.config:\(feature.id)")
            try sql.insert(
                FeatureSecretRow(
                    instanceID: feature.instanceID, name: feature.name,
                    sealed: try box.seal(secret, context: FeatureSecretRow.context(feature.instanceID, feature.name))))
            feature.config = config
            try sql.update(feature)
            moved = true
        }
        guard moved else { return }
        try sql.execute(
            """
            DELETE FROM row_versions WHERE table_name IN ('features', 'feature_secrets')
              AND revision > (SELECT revision FROM gateway_state WHERE id = 1)
            """)
    }
}
