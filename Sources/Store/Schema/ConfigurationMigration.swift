extension Migration {
    /// Instances and what is configured in them. Moments are nanoseconds since 1970, flags 0 or 1.
    static let configuration = Migration(
        name: "0001-configuration",
        statements: [
            "CREATE TABLE gateway_state (id BIGINT PRIMARY KEY, revision BIGINT NOT NULL)",
            "INSERT INTO gateway_state (id, revision) VALUES (1, 0)",
            """
            CREATE TABLE changes (
              revision BIGINT NOT NULL, position BIGINT NOT NULL, made_at BIGINT NOT NULL,
              actor TEXT NOT NULL, source TEXT NOT NULL, request_id TEXT NOT NULL,
              instance_id TEXT NOT NULL, kind TEXT NOT NULL, object_id TEXT NOT NULL,
              before_json TEXT, after_json TEXT,
              PRIMARY KEY (revision, position))
            """,
            "CREATE INDEX changes_by_object ON changes (kind, object_id, revision)",
            """
            CREATE TABLE instances (
              id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX instances_by_name ON instances (project_id, name)",
            """
            CREATE TABLE features (
              instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE, name TEXT NOT NULL,
              id TEXT NOT NULL UNIQUE, enabled BIGINT NOT NULL, config TEXT NOT NULL, updated_at BIGINT NOT NULL,
              PRIMARY KEY (instance_id, name))
            """,
            """
            CREATE TABLE api_groups (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, remark TEXT NOT NULL, is_default BIGINT NOT NULL, roma_app_id TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX api_groups_by_name ON api_groups (instance_id, roma_app_id, name)",
            "CREATE INDEX api_groups_by_time ON api_groups (instance_id, created_at DESC, id)",
            """
            CREATE TABLE environments (
              instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE, id TEXT NOT NULL,
              name TEXT NOT NULL, remark TEXT NOT NULL, created_at BIGINT NOT NULL,
              PRIMARY KEY (instance_id, id))
            """,
            "CREATE UNIQUE INDEX environments_by_name ON environments (instance_id, name)",
            // path_key is the path with its parameter names left out: two paths that match the same requests are one.
            """
            CREATE TABLE apis (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              group_id TEXT NOT NULL REFERENCES api_groups (id),
              name TEXT NOT NULL, req_method TEXT NOT NULL, req_uri TEXT NOT NULL, path_key TEXT NOT NULL,
              match_mode TEXT NOT NULL, auth_type TEXT NOT NULL, req_protocol TEXT NOT NULL, type BIGINT NOT NULL,
              roma_app_id TEXT NOT NULL, definition TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX apis_by_name ON apis (group_id, name)",
            "CREATE UNIQUE INDEX apis_by_path ON apis (group_id, path_key, req_method, match_mode)",
            "CREATE INDEX apis_by_time ON apis (instance_id, created_at DESC, id)",
            """
            CREATE TABLE api_tags (
              api_id TEXT NOT NULL REFERENCES apis (id) ON DELETE CASCADE, tag TEXT NOT NULL,
              PRIMARY KEY (api_id, tag))
            """,
            "CREATE INDEX api_tags_by_tag ON api_tags (tag, api_id)",
            // One row for an API in an environment, from its first publication on: policies bind to it, and it outlives
            // taking the API offline (version_id is NULL meanwhile).
            """
            CREATE TABLE publications (
              id TEXT PRIMARY KEY, api_id TEXT NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
              instance_id TEXT NOT NULL, env_id TEXT NOT NULL, version_id TEXT,
              group_id TEXT NOT NULL REFERENCES api_groups (id), req_method TEXT NOT NULL, path_key TEXT NOT NULL,
              match_mode TEXT NOT NULL, published_at BIGINT NOT NULL,
              FOREIGN KEY (instance_id, env_id) REFERENCES environments (instance_id, id) ON DELETE CASCADE)
            """,
            "CREATE UNIQUE INDEX publications_by_api ON publications (api_id, env_id)",
            // Group, method and path are those of the version in force: two versions in force never claim the same requests.
            """
            CREATE UNIQUE INDEX publications_by_path ON publications (group_id, env_id, path_key, req_method, match_mode)
              WHERE version_id IS NOT NULL
            """,
            "CREATE INDEX publications_by_environment ON publications (instance_id, env_id)",
            """
            CREATE TABLE api_versions (
              id TEXT PRIMARY KEY, publication_id TEXT NOT NULL REFERENCES publications (id) ON DELETE CASCADE,
              api_id TEXT NOT NULL, version_no TEXT NOT NULL, definition TEXT NOT NULL, remark TEXT NOT NULL,
              published_at BIGINT NOT NULL)
            """,
            "CREATE INDEX api_versions_by_publication ON api_versions (publication_id, published_at DESC)",
            "CREATE INDEX api_versions_by_api ON api_versions (api_id, published_at DESC)",
            """
            CREATE TABLE signs (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, sign_type TEXT NOT NULL, sign_key TEXT NOT NULL, sealed_secret TEXT NOT NULL,
              sign_algorithm TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX signs_by_name ON signs (instance_id, name)",
            "CREATE INDEX signs_by_time ON signs (instance_id, created_at DESC, id)",
            """
            CREATE TABLE sign_bindings (
              id TEXT PRIMARY KEY, sign_id TEXT NOT NULL REFERENCES signs (id) ON DELETE CASCADE,
              publication_id TEXT NOT NULL UNIQUE REFERENCES publications (id) ON DELETE CASCADE, bound_at BIGINT NOT NULL)
            """,
            "CREATE INDEX sign_bindings_by_sign ON sign_bindings (sign_id, bound_at DESC, id)",
            """
            CREATE TABLE acls (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, acl_type TEXT NOT NULL, entity_type TEXT NOT NULL, acl_value TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX acls_by_name ON acls (instance_id, name)",
            "CREATE INDEX acls_by_time ON acls (instance_id, created_at DESC, id)",
            """
            CREATE TABLE acl_bindings (
              id TEXT PRIMARY KEY, acl_id TEXT NOT NULL REFERENCES acls (id),
              publication_id TEXT NOT NULL REFERENCES publications (id) ON DELETE CASCADE,
              entity_type TEXT NOT NULL, bound_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX acl_bindings_by_publication ON acl_bindings (publication_id, entity_type)",
            "CREATE INDEX acl_bindings_by_acl ON acl_bindings (acl_id, bound_at DESC, id)",
            """
            CREATE TABLE plugins (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, plugin_type TEXT NOT NULL, plugin_scope TEXT NOT NULL, sealed_content TEXT NOT NULL,
              remark TEXT NOT NULL, roma_app_id TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX plugins_by_name ON plugins (instance_id, name)",
            "CREATE INDEX plugins_by_time ON plugins (instance_id, created_at DESC, id)",
            """
            CREATE TABLE plugin_bindings (
              id TEXT PRIMARY KEY, plugin_id TEXT NOT NULL REFERENCES plugins (id),
              publication_id TEXT NOT NULL REFERENCES publications (id) ON DELETE CASCADE,
              plugin_type TEXT NOT NULL, bound_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX plugin_bindings_by_publication ON plugin_bindings (publication_id, plugin_type)",
            "CREATE INDEX plugin_bindings_by_plugin ON plugin_bindings (plugin_id, bound_at DESC, id)",
        ])

    /// Who may manage: one domain, its projects, users, access keys and tokens.
    static let identity = Migration(
        name: "0002-identity",
        statements: [
            "CREATE TABLE domains (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
            """
            CREATE TABLE projects (
              id TEXT PRIMARY KEY, domain_id TEXT NOT NULL REFERENCES domains (id), name TEXT NOT NULL)
            """,
            "CREATE UNIQUE INDEX projects_by_name ON projects (domain_id, name)",
            """
            CREATE TABLE users (
              id TEXT PRIMARY KEY, domain_id TEXT NOT NULL REFERENCES domains (id), name TEXT NOT NULL,
              password_hash TEXT NOT NULL, role TEXT NOT NULL, created_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX users_by_name ON users (domain_id, name)",
            """
            CREATE TABLE access_keys (
              access_key TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
              sealed_secret TEXT NOT NULL, created_at BIGINT NOT NULL)
            """,
            // The token itself is not stored: its SHA-256 finds the row.
            """
            CREATE TABLE tokens (
              token_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
              project_id TEXT, domain_scoped BIGINT NOT NULL, methods TEXT NOT NULL,
              issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)
            """,
            "CREATE INDEX tokens_by_expiry ON tokens (expires_at)",
        ])
}
