extension Migration {
    /// Dictionaries, live-data APIs, asset jobs and their archives.
    static let livedata = Migration(
        name: "0010-livedata",
        statements: [
            """
            CREATE TABLE dictionaries (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, code TEXT NOT NULL, remark TEXT NOT NULL, sort_order BIGINT NOT NULL,
              extend_one TEXT NOT NULL, extend_two TEXT NOT NULL, parent_code TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX dictionaries_by_name ON dictionaries (instance_id, name)",
            "CREATE UNIQUE INDEX dictionaries_by_code ON dictionaries (instance_id, code)",
            """
            CREATE INDEX dictionaries_by_order
              ON dictionaries (instance_id, parent_code, sort_order, created_at DESC, id)
            """,
            // roma_app_id refers to an application by rule, not by a foreign key, as everything that one owns does:
            // deleting the application is refused while it owns anything.
            """
            CREATE TABLE livedata_apis (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              roma_app_id TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, method TEXT NOT NULL,
              description TEXT NOT NULL, version TEXT NOT NULL, content_type TEXT NOT NULL,
              sign_id TEXT REFERENCES signs (id) ON DELETE SET NULL, return_format BIGINT NOT NULL,
              parameters TEXT NOT NULL, api_type TEXT NOT NULL, status BIGINT NOT NULL, scripts TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX livedata_apis_by_name ON livedata_apis (instance_id, roma_app_id, name)",
            "CREATE UNIQUE INDEX livedata_apis_by_path ON livedata_apis (instance_id, roma_app_id, path, method)",
            "CREATE INDEX livedata_apis_by_time ON livedata_apis (instance_id, created_at DESC, id)",
            "CREATE INDEX livedata_apis_by_sign ON livedata_apis (sign_id)",
            """
            CREATE TABLE livedata_deployments (
              id TEXT PRIMARY KEY, livedata_api_id TEXT NOT NULL REFERENCES livedata_apis (id) ON DELETE CASCADE,
              group_id TEXT NOT NULL, env_id TEXT NOT NULL, front_api_id TEXT NOT NULL, definition TEXT NOT NULL,
              deployed_at BIGINT NOT NULL)
            """,
            """
            CREATE INDEX livedata_deployments_by_api ON livedata_deployments (livedata_api_id, deployed_at DESC, id)
            """,
            // test_id is the number by which answers know a test.
            """
            CREATE TABLE livedata_tests (
              id TEXT PRIMARY KEY, livedata_api_id TEXT NOT NULL REFERENCES livedata_apis (id) ON DELETE CASCADE,
              test_id BIGINT NOT NULL, status_code TEXT NOT NULL, method TEXT NOT NULL, request TEXT NOT NULL,
              response TEXT NOT NULL, operator TEXT NOT NULL, used_time BIGINT NOT NULL, tested_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX livedata_tests_by_number ON livedata_tests (livedata_api_id, test_id)",
            "CREATE INDEX livedata_tests_by_api ON livedata_tests (livedata_api_id, tested_at DESC, id)",
            """
            CREATE TABLE asset_jobs (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              user_id TEXT NOT NULL, job_type TEXT NOT NULL, status TEXT NOT NULL, steps_done BIGINT NOT NULL,
              steps BIGINT NOT NULL, reasons TEXT NOT NULL, archive_id TEXT NOT NULL, began_at BIGINT NOT NULL,
              ended_at BIGINT)
            """,
            "CREATE INDEX asset_jobs_by_user ON asset_jobs (user_id, status)",
            "CREATE INDEX asset_jobs_by_time ON asset_jobs (user_id, began_at DESC, id)",
            // Content is base64 of the archive. The row goes with its one download.
            """
            CREATE TABLE asset_archives (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              job_id TEXT NOT NULL REFERENCES asset_jobs (id) ON DELETE CASCADE, content TEXT NOT NULL)
            """,
            "CREATE INDEX asset_archives_by_job ON asset_archives (job_id)",
        ])
}
