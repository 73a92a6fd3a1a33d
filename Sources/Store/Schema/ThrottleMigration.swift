extension Migration {
    /// Request throttling policies, their bindings and special limits.
    static let throttles = Migration(
        name: "0004-throttles",
        statements: [
            """
            CREATE TABLE throttles (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, type BIGINT NOT NULL, api_limit BIGINT NOT NULL, user_limit BIGINT NOT NULL,
              app_limit BIGINT NOT NULL, ip_limit BIGINT NOT NULL, time_unit TEXT NOT NULL, time_interval BIGINT NOT NULL,
              remark TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX throttles_by_name ON throttles (instance_id, name)",
            "CREATE INDEX throttles_by_time ON throttles (instance_id, created_at DESC, id)",
            """
            CREATE TABLE throttle_bindings (
              id TEXT PRIMARY KEY, throttle_id TEXT NOT NULL REFERENCES throttles (id),
              publication_id TEXT NOT NULL UNIQUE REFERENCES publications (id) ON DELETE CASCADE, bound_at BIGINT NOT NULL)
            """,
            "CREATE INDEX throttle_bindings_by_throttle ON throttle_bindings (throttle_id, bound_at DESC, id)",
            """
            CREATE TABLE throttle_specials (
              id TEXT PRIMARY KEY, throttle_id TEXT NOT NULL REFERENCES throttles (id) ON DELETE CASCADE,
              object_type TEXT NOT NULL, object_id TEXT NOT NULL, call_limits BIGINT NOT NULL, applied_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX throttle_specials_by_object ON throttle_specials (throttle_id, object_type, object_id)",
            "CREATE INDEX throttle_specials_by_time ON throttle_specials (throttle_id, applied_at DESC, id)",
            "CREATE INDEX throttle_specials_of_object ON throttle_specials (object_type, object_id)",
        ])
}
