extension Migration {
    /// Earlier states of rows. `image` is the row before the first change that a revision made to it, as a JSON object of its
    /// columns; NULL when there was none. Sealed columns are in it as they lay in the row.
    static let history = Migration(
        name: "0017-history",
        statements: [
            """
            CREATE TABLE row_versions (
              table_name TEXT NOT NULL, row_key TEXT NOT NULL, revision BIGINT NOT NULL, owner_key TEXT, image TEXT,
              PRIMARY KEY (table_name, row_key, revision))
            """,
            "CREATE INDEX row_versions_by_revision ON row_versions (revision)",
            // The oldest revision whose state can be told.
            "ALTER TABLE gateway_state ADD COLUMN history_floor BIGINT NOT NULL DEFAULT 0",
            "UPDATE gateway_state SET history_floor = revision",
            "CREATE INDEX changes_by_time ON changes (made_at)",
            "CREATE INDEX changes_by_request ON changes (request_id)",
        ])
}
