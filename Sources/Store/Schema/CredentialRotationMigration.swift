extension Migration {
    /// Replaced values of AppCodes and signature keys, in tables of the form that those of applications get here.
    static let credentialRotation = Migration(
        name: "0015-credential-rotation",
        statements: [
            "ALTER TABLE app_present_secrets RENAME COLUMN app_id TO owner_id",
            "ALTER TABLE app_retired_secrets RENAME COLUMN app_id TO owner_id",
            "ALTER TABLE app_secret_uses RENAME COLUMN app_id TO owner_id",
            "ALTER TABLE app_secret_uses RENAME COLUMN last_address TO last_by",
            "ALTER TABLE app_retired_secrets ADD COLUMN access_key TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE app_retired_secrets ADD COLUMN word_hash TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE app_retired_secrets ADD COLUMN signs_until BIGINT NOT NULL DEFAULT 0",
        ] + tables("app_code", owner: "app_codes") + tables("sign", owner: "signs")
            + ["CREATE INDEX app_code_retired_secrets_by_word ON app_code_retired_secrets (word_hash)"])

    private static func tables(_ prefix: String, owner: String) -> [String] {
        [
            """
            CREATE TABLE \(prefix)_present_secrets (
              owner_id TEXT PRIMARY KEY REFERENCES \(owner) (id) ON DELETE CASCADE, secret_id TEXT NOT NULL,
              created_at BIGINT NOT NULL)
            """,
            """
            CREATE TABLE \(prefix)_retired_secrets (
              id TEXT PRIMARY KEY, owner_id TEXT NOT NULL REFERENCES \(owner) (id) ON DELETE CASCADE,
              sealed_secret TEXT NOT NULL, access_key TEXT NOT NULL, word_hash TEXT NOT NULL, signs_until BIGINT NOT NULL,
              created_at BIGINT NOT NULL, ends_at BIGINT NOT NULL)
            """,
            "CREATE INDEX \(prefix)_retired_secrets_by_owner ON \(prefix)_retired_secrets (owner_id, ends_at DESC, id)",
            "CREATE INDEX \(prefix)_retired_secrets_by_end ON \(prefix)_retired_secrets (ends_at)",
            """
            CREATE TABLE \(prefix)_secret_uses (
              secret_id TEXT PRIMARY KEY, owner_id TEXT NOT NULL REFERENCES \(owner) (id) ON DELETE CASCADE,
              calls BIGINT NOT NULL, last_at BIGINT NOT NULL, last_by TEXT NOT NULL)
            """,
            "CREATE INDEX \(prefix)_secret_uses_by_owner ON \(prefix)_secret_uses (owner_id)",
        ]
    }
}
