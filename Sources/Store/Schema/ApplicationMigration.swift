extension Migration {
    /// Applications and everything that hangs on them.
    static let applications = Migration(
        name: "0003-applications",
        statements: [
            """
            CREATE TABLE applications (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, remark TEXT NOT NULL, app_key TEXT NOT NULL, sealed_secret TEXT NOT NULL,
              origin TEXT NOT NULL, owner_id TEXT NOT NULL, owner_name TEXT NOT NULL, updated_by_id TEXT NOT NULL,
              updated_by_name TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX applications_by_name ON applications (instance_id, name)",
            "CREATE UNIQUE INDEX applications_by_key ON applications (instance_id, app_key)",
            "CREATE INDEX applications_by_time ON applications (instance_id, created_at DESC, id)",
            """
            CREATE TABLE application_favorites (
              app_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE, user_id TEXT NOT NULL,
              PRIMARY KEY (app_id, user_id))
            """,
            // One row for each role: a list is asked for the applications in which a user has one.
            """
            CREATE TABLE application_members (
              app_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE, user_id TEXT NOT NULL,
              role TEXT NOT NULL, user_name TEXT NOT NULL, PRIMARY KEY (app_id, user_id, role))
            """,
            "CREATE INDEX application_members_by_user ON application_members (user_id, role, app_id)",
            // code_hash is keyed: it finds a code without opening any.
            """
            CREATE TABLE app_codes (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL,
              app_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
              sealed_code TEXT NOT NULL, code_hash TEXT NOT NULL, created_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX app_codes_by_hash ON app_codes (instance_id, code_hash)",
            "CREATE INDEX app_codes_by_app ON app_codes (app_id, created_at DESC, id)",
            """
            CREATE TABLE app_acls (
              app_id TEXT PRIMARY KEY REFERENCES applications (id) ON DELETE CASCADE,
              acl_type TEXT NOT NULL, acl_values TEXT NOT NULL)
            """,
            """
            CREATE TABLE app_auths (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL, env_id TEXT NOT NULL,
              api_id TEXT NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
              app_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
              visit_params TEXT NOT NULL, authorized_at BIGINT NOT NULL,
              FOREIGN KEY (instance_id, env_id) REFERENCES environments (instance_id, id) ON DELETE CASCADE)
            """,
            "CREATE UNIQUE INDEX app_auths_by_api ON app_auths (api_id, env_id, app_id)",
            "CREATE INDEX app_auths_by_app ON app_auths (app_id, authorized_at DESC, id)",
            "CREATE INDEX app_auths_by_time ON app_auths (instance_id, authorized_at DESC, id)",
            "CREATE INDEX app_auths_by_environment ON app_auths (instance_id, env_id)",
            """
            CREATE TABLE app_configs (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL,
              app_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE, config_type TEXT NOT NULL,
              config_name TEXT NOT NULL, sealed_value TEXT NOT NULL, description TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX app_configs_by_name ON app_configs (app_id, config_name)",
            "CREATE INDEX app_configs_by_time ON app_configs (instance_id, created_at DESC, id)",
            """
            CREATE TABLE app_quotas (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, call_limits BIGINT NOT NULL, time_unit TEXT NOT NULL, time_interval BIGINT NOT NULL,
              reset_time TEXT NOT NULL, remark TEXT NOT NULL, created_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX app_quotas_by_name ON app_quotas (instance_id, name)",
            "CREATE INDEX app_quotas_by_time ON app_quotas (instance_id, created_at DESC, id)",
            """
            CREATE TABLE app_quota_bindings (
              app_id TEXT PRIMARY KEY REFERENCES applications (id) ON DELETE CASCADE,
              quota_id TEXT NOT NULL REFERENCES app_quotas (id) ON DELETE CASCADE, bound_at BIGINT NOT NULL)
            """,
            "CREATE INDEX app_quota_bindings_by_quota ON app_quota_bindings (quota_id, bound_at DESC, app_id)",
            // What an application owns is looked for when it is to be deleted.
            "CREATE INDEX apis_by_application ON apis (instance_id, roma_app_id)",
            "CREATE INDEX plugins_by_application ON plugins (instance_id, roma_app_id)",
        ])
}
