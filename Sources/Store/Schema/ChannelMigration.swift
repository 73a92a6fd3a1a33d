extension Migration {
    /// Load-balance channels, their groups and members, and who refers to them.
    static let channels = Migration(
        name: "0006-channels",
        statements: [
            // The health check and the description of a microservice belong to their channel alone: JSON, or the empty text.
            """
            CREATE TABLE vpc_channels (
              id TEXT PRIMARY KEY, instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
              name TEXT NOT NULL, port BIGINT NOT NULL, balance_strategy BIGINT NOT NULL, member_type TEXT NOT NULL,
              type BIGINT NOT NULL, dict_code TEXT NOT NULL, microservice TEXT NOT NULL, health_check TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX vpc_channels_by_name ON vpc_channels (instance_id, name)",
            "CREATE INDEX vpc_channels_by_time ON vpc_channels (instance_id, created_at DESC, id)",
            """
            CREATE TABLE member_groups (
              id TEXT PRIMARY KEY, channel_id TEXT NOT NULL REFERENCES vpc_channels (id) ON DELETE CASCADE,
              name TEXT NOT NULL, remark TEXT NOT NULL, weight BIGINT, dict_code TEXT NOT NULL,
              microservice_version TEXT NOT NULL, microservice_port BIGINT NOT NULL, microservice_labels TEXT NOT NULL,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX member_groups_by_name ON member_groups (channel_id, name)",
            "CREATE INDEX member_groups_by_time ON member_groups (channel_id, created_at DESC, id)",
            // group_id is empty for members of no group.
            """
            CREATE TABLE channel_members (
              id TEXT PRIMARY KEY, channel_id TEXT NOT NULL REFERENCES vpc_channels (id) ON DELETE CASCADE,
              host TEXT NOT NULL, port BIGINT NOT NULL, weight BIGINT NOT NULL, is_backup BIGINT NOT NULL,
              enabled BIGINT NOT NULL, group_id TEXT NOT NULL, ecs_id TEXT NOT NULL, ecs_name TEXT NOT NULL,
              position BIGINT NOT NULL, created_at BIGINT NOT NULL)
            """,
            "CREATE UNIQUE INDEX channel_members_by_address ON channel_members (channel_id, host, port, group_id, ecs_id)",
            "CREATE INDEX channel_members_by_time ON channel_members (channel_id, created_at DESC, position, id)",
            "CREATE INDEX channel_members_by_host ON channel_members (host, channel_id)",
            // Drafts, versions in force and plug-ins that name a channel.
            """
            CREATE TABLE api_channels (
              api_id TEXT NOT NULL REFERENCES apis (id) ON DELETE CASCADE, channel_id TEXT NOT NULL REFERENCES vpc_channels (id),
              PRIMARY KEY (api_id, channel_id))
            """,
            "CREATE INDEX api_channels_by_channel ON api_channels (channel_id, api_id)",
            """
            CREATE TABLE publication_channels (
              publication_id TEXT NOT NULL REFERENCES publications (id) ON DELETE CASCADE,
              channel_id TEXT NOT NULL REFERENCES vpc_channels (id),
              PRIMARY KEY (publication_id, channel_id))
            """,
            "CREATE INDEX publication_channels_by_channel ON publication_channels (channel_id, publication_id)",
            """
            CREATE TABLE plugin_channels (
              plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
              channel_id TEXT NOT NULL REFERENCES vpc_channels (id),
              PRIMARY KEY (plugin_id, channel_id))
            """,
            "CREATE INDEX plugin_channels_by_channel ON plugin_channels (channel_id, plugin_id)",
        ])
}
