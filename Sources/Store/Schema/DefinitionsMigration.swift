extension Migration {
    /// What definitions of APIs refer to: variables, custom authorizers, orchestration rules.
    static let definitions = Migration(
        name: "0007-definitions",
        statements: [
            """
            CREATE TABLE env_variables (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL,
              group_id TEXT NOT NULL REFERENCES api_groups (id) ON DELETE CASCADE, env_id TEXT NOT NULL,
              name TEXT NOT NULL, value TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
              FOREIGN KEY (instance_id, env_id) REFERENCES environments (instance_id, id) ON DELETE CASCADE)
            """,
            "CREATE UNIQUE INDEX env_variables_by_name ON env_variables (group_id, env_id, name)",
            "CREATE INDEX env_variables_by_time ON env_variables (group_id, created_at DESC, id)",
            "CREATE INDEX env_variables_by_environment ON env_variables (instance_id, env_id)",
            // The values with which a frozen definition is in force: they outlive the variables themselves.
            """
            CREATE TABLE version_variables (
              version_id TEXT NOT NULL REFERENCES api_versions (id) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
              PRIMARY KEY (version_id, name))
            """,
            "CREATE INDEX version_variables_by_name ON version_variables (name, version_id)",
            """
            CREATE TABLE authorizers (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, type TEXT NOT NULL, function_urn TEXT NOT NULL, version TEXT, alias_urn TEXT,
              identities TEXT NOT NULL, ttl BIGINT NOT NULL, user_data TEXT NOT NULL, need_body BIGINT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX authorizers_by_name ON authorizers (instance_id, name)",
            "CREATE INDEX authorizers_by_time ON authorizers (instance_id, created_at DESC, id)",
            """
            CREATE TABLE orchestrations (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, strategy TEXT NOT NULL, mapped TEXT, is_preprocessing BIGINT NOT NULL, entries TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX orchestrations_by_name ON orchestrations (instance_id, name)",
            "CREATE INDEX orchestrations_by_time ON orchestrations (instance_id, created_at DESC, id)",
            // Which authorizers and rules a definition names: of the draft where version_id is NULL, else of that version.
            """
            CREATE TABLE definition_uses (
              api_id TEXT NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
              version_id TEXT REFERENCES api_versions (id) ON DELETE CASCADE,
              kind TEXT NOT NULL, target_id TEXT NOT NULL, used_at BIGINT NOT NULL)
            """,
            "CREATE INDEX definition_uses_by_target ON definition_uses (kind, target_id, used_at DESC, api_id)",
            "CREATE INDEX definition_uses_by_api ON definition_uses (api_id, version_id)",
            "CREATE INDEX definition_uses_by_version ON definition_uses (version_id)",
        ])
}
