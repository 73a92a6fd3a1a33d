extension Migration {
    /// Keys within configs of features.
    static let featureSecrets = Migration(
        name: "0014-feature-secrets",
        statements: [
            """
            CREATE TABLE feature_secrets (
              instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE, name TEXT NOT NULL,
              sealed_value TEXT NOT NULL, PRIMARY KEY (instance_id, name))
            """,
        ])
}
