extension Migration {
    /// Domains of groups, certificates, and how groups answer failures.
    static let domains = Migration(
        name: "0005-domains",
        statements: [
            "ALTER TABLE api_groups ADD COLUMN sl_domain_access BIGINT NOT NULL DEFAULT 1",
            """
            CREATE TABLE url_domains (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              group_id TEXT NOT NULL REFERENCES api_groups (id) ON DELETE CASCADE, name TEXT NOT NULL,
              min_ssl_version TEXT NOT NULL, redirects_to_https BIGINT NOT NULL, verifies_clients BIGINT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            // All instances share the listeners: one name leads to one group.
            "CREATE UNIQUE INDEX url_domains_by_name ON url_domains (name)",
            "CREATE INDEX url_domains_by_group ON url_domains (group_id, created_at DESC, id)",
            "CREATE INDEX url_domains_by_instance ON url_domains (instance_id)",
            """
            CREATE TABLE certificates (
              id TEXT PRIMARY KEY, project_id TEXT NOT NULL, instance_id TEXT REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, common_name TEXT NOT NULL, signature_algorithm TEXT NOT NULL, algorithm_type TEXT NOT NULL,
              facts TEXT NOT NULL, chain TEXT NOT NULL, sealed_key TEXT NOT NULL, authorities TEXT NOT NULL,
              authority_algorithm TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE INDEX certificates_by_time ON certificates (project_id, created_at DESC, id)",
            "CREATE INDEX certificates_by_instance ON certificates (instance_id)",
            """
            CREATE TABLE domain_certificates (
              domain_id TEXT NOT NULL REFERENCES url_domains (id) ON DELETE CASCADE, algorithm_type TEXT NOT NULL,
              certificate_id TEXT NOT NULL REFERENCES certificates (id), bound_at BIGINT NOT NULL,
              PRIMARY KEY (domain_id, algorithm_type))
            """,
            "CREATE INDEX domain_certificates_by_certificate ON domain_certificates (certificate_id, bound_at DESC, domain_id)",
            """
            CREATE TABLE group_responses (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              group_id TEXT NOT NULL REFERENCES api_groups (id) ON DELETE CASCADE, name TEXT NOT NULL,
              is_default BIGINT NOT NULL, entries TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX group_responses_by_name ON group_responses (group_id, name)",
            "CREATE INDEX group_responses_by_instance ON group_responses (instance_id)",
        ])
}
