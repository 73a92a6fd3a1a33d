extension Migration {
    /// Secrets of applications that were replaced and work until they end, and how secrets were used.
    static let rotation = Migration(
        name: "0013-rotation",
        statements: [
            """
            CREATE TABLE app_present_secrets (
              app_id TEXT PRIMARY KEY REFERENCES applications (id) ON DELETE CASCADE, secret_id TEXT NOT NULL,
              created_at BIGINT NOT NULL)
            """,
            """
            CREATE TABLE app_retired_secrets (
              id TEXT PRIMARY KEY, app_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
              sealed_secret TEXT NOT NULL, created_at BIGINT NOT NULL, ends_at BIGINT NOT NULL)
            """,
            "CREATE INDEX app_retired_secrets_by_app ON app_retired_secrets (app_id, ends_at DESC, id)",
            "CREATE INDEX app_retired_secrets_by_end ON app_retired_secrets (ends_at)",
            """
            CREATE TABLE app_secret_uses (
              secret_id TEXT PRIMARY KEY, app_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
              calls BIGINT NOT NULL, last_at BIGINT NOT NULL, last_address TEXT NOT NULL)
            """,
            "CREATE INDEX app_secret_uses_by_app ON app_secret_uses (app_id)",
        ])
}
