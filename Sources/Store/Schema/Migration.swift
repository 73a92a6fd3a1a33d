/// A step of the schema. A shipped step never changes: what comes later is a new step.
public struct Migration: Sendable {
    public let name: String
    /// Statements in order, in the SQL that both databases share.
    public let statements: [String]

    public init(name: String, statements: [String]) {
        self.name = name
        self.statements = statements
    }
}

public enum Schema {
    /// All steps, oldest first.
    public static let migrations: [Migration] = [
        .configuration, .identity,
        .applications,
        .throttles,
        .domains,
        .channels,
        .definitions,
        .openAPI,
        .instances,
        .livedata,
        .statistics,
        .audit,
        .rotation,
        .featureSecrets,
        .credentialRotation,
        .apiDomains,
        .history,
    ]

    /// Brings the database to the newest step, all missing steps in one transaction.
    ///
    /// - Throws: ``StoreError/malformed(_:)`` when the database was written by a newer Gatehouse.
    public static func migrate(_ driver: some StoreDriver) throws {
        try driver.write { sql in
            try sql.execute("CREATE TABLE IF NOT EXISTS schema_steps (position BIGINT PRIMARY KEY, name TEXT NOT NULL)")
            let done = try sql.query("SELECT name FROM schema_steps ORDER BY position").map { try $0.text("name") }
            let known = migrations.map(\.name)
            guard known.starts(with: done) else {
                throw StoreError.malformed("the database has schema steps that this version does not know: \(done.last ?? "")")
            }
            for (position, migration) in migrations.enumerated().dropFirst(done.count) {
                for statement in migration.statements { try sql.execute(statement) }
                try sql.execute("INSERT INTO schema_steps (position, name) VALUES (?, ?)", [SQLValue(position), .text(migration.name)])
            }
            try driver.capture(CapturedTable.all, in: sql)
        }
    }
}
