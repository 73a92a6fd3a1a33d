extension Migration {
    /// Domains of single APIs.
    static let apiDomains = Migration(
        name: "0016-api-domains",
        statements: [
            "ALTER TABLE publications ADD COLUMN domain_name TEXT NOT NULL DEFAULT ''",
            "CREATE INDEX publications_by_domain ON publications (domain_name)",
        ])
}
