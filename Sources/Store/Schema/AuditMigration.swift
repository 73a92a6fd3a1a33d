extension Migration {
    /// Change records that cannot be altered unseen: each carries a seal over itself and the one before it.
    static let audit = Migration(
        name: "0012-audit",
        statements: [
            "ALTER TABLE changes ADD COLUMN seal TEXT NOT NULL DEFAULT ''",
            // Seal over the number of records and the seal of the last one: taking records from the end is seen too.
            "ALTER TABLE gateway_state ADD COLUMN audit_count BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE gateway_state ADD COLUMN audit_seal TEXT NOT NULL DEFAULT ''",
            "CREATE INDEX changes_by_actor ON changes (actor, revision)",
        ])
}
