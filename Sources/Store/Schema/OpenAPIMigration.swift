extension Migration {
    /// What imports leave behind: bindings for the next publication, and tasks with their results.
    static let openAPI = Migration(
        name: "0008-openapi",
        statements: [
            """
            CREATE TABLE planned_bindings (
              api_id TEXT NOT NULL REFERENCES apis (id) ON DELETE CASCADE, kind TEXT NOT NULL, policy_id TEXT NOT NULL,
              PRIMARY KEY (api_id, kind, policy_id))
            """,
            """
            CREATE TABLE document_tasks (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              kind TEXT NOT NULL, status TEXT NOT NULL, result TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE INDEX document_tasks_by_time ON document_tasks (instance_id, created_at DESC, id)",
        ])
}
