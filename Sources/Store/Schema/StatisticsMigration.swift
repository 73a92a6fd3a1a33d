extension Migration {
    /// Counts of calls, an element an API and minute (`span` 60) or hour (3600). No reference to the API: what an instance has
    /// served stays counted when an API is gone.
    static let statistics = Migration(
        name: "0011-statistics",
        statements: [
            """
            CREATE TABLE api_statistics (
              instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              span BIGINT NOT NULL, began BIGINT NOT NULL, api_id TEXT NOT NULL, group_id TEXT NOT NULL,
              requests BIGINT NOT NULL, successes BIGINT NOT NULL, client_errors BIGINT NOT NULL,
              server_errors BIGINT NOT NULL, latency_sum BIGINT NOT NULL, latency_max BIGINT NOT NULL,
              inner_sum BIGINT NOT NULL, inner_max BIGINT NOT NULL, backend_requests BIGINT NOT NULL,
              backend_sum BIGINT NOT NULL, backend_max BIGINT NOT NULL, bytes_in BIGINT NOT NULL, bytes_out BIGINT NOT NULL,
              recorded_at BIGINT NOT NULL, PRIMARY KEY (instance_id, span, began, api_id))
            """,
            "CREATE INDEX api_statistics_of_api ON api_statistics (api_id, span, began)",
            "CREATE INDEX api_statistics_by_age ON api_statistics (span, began)",
            "CREATE TABLE statistics_state (id BIGINT PRIMARY KEY, swept_at BIGINT NOT NULL)",
            "INSERT INTO statistics_state (id, swept_at) VALUES (1, 0)",
        ])
}
