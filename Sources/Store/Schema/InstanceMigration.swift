extension Migration {
    /// What callers say about an instance beyond its name, and its tags.
    static let instances = Migration(
        name: "0009-instances",
        statements: [
            "ALTER TABLE instances ADD COLUMN profile TEXT NOT NULL DEFAULT '{}'",
            "CREATE INDEX instances_by_time ON instances (project_id, created_at DESC, id)",
            """
            CREATE TABLE instance_tags (
              instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              tag_key TEXT NOT NULL, tag_value TEXT NOT NULL, PRIMARY KEY (instance_id, tag_key))
            """,
            "CREATE INDEX instance_tags_by_key ON instance_tags (tag_key, tag_value, instance_id)",
        ])
}
