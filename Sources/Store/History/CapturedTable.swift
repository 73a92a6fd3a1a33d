/// A table whose rows' earlier states are kept, so that a revision can be told and restored.
///
/// Not captured is what happens at run time (statistics, uses of secrets, tokens, jobs and their results) and who may manage.
public struct CapturedTable: Sendable {
    /// Columns that hold the key of a row elsewhere.
    public struct Reference: Sendable {
        public let columns: [String]
        public let table: String

        static func to(_ table: String, _ columns: String...) -> Reference { Reference(columns: columns, table: table) }
    }

    public let name: String
    /// Columns that identify a row; joined by `/` they are its row key. Only the last may hold a `/`.
    public let key: [String]
    /// The row that these rows are a part of and go with.
    public let owner: Reference?
    /// Other rows that must be there. Empty and NULL refer to nothing.
    public let references: [Reference]
    /// Rows of other tables vanish with a row of this one: it is changed in place. Its unique columns, which are set aside
    /// while others are written.
    public let parked: [String]
    /// The one sealed column, if any; sealed for `<table>:<row key>`.
    public let sealed: String?

    init(
        _ name: String, key: [String] = ["id"], owner: Reference? = nil, references: [Reference] = [], parked: [String] = [],
        sealed: String? = nil
    ) {
        self.name = name
        self.key = key
        self.owner = owner
        self.references = references
        self.parked = parked
        self.sealed = sealed
    }

    /// All of them, each after those that it refers to.
    public static let all: [CapturedTable] = {
        let instance = Reference.to("instances", "instance_id")
        let environment = Reference.to("environments", "instance_id", "env_id")
        let owningApplication = Reference.to("applications", "roma_app_id")
        let publication = Reference.to("publications", "publication_id")
        return [
            CapturedTable("instances", parked: ["name"]),
            CapturedTable("instance_tags", key: ["instance_id", "tag_key"], owner: instance),
            CapturedTable("features", key: ["instance_id", "name"], owner: instance),
            CapturedTable(
                "feature_secrets", key: ["instance_id", "name"], owner: .to("features", "instance_id", "name"),
                references: [instance], sealed: "sealed_value"),
            CapturedTable("environments", key: ["instance_id", "id"], owner: instance, parked: ["name"]),
            CapturedTable("applications", owner: instance, parked: ["name", "app_key"], sealed: "sealed_secret"),
            CapturedTable("application_favorites", key: ["app_id", "user_id"], owner: .to("applications", "app_id")),
            CapturedTable("application_members", key: ["app_id", "user_id", "role"], owner: .to("applications", "app_id")),
            CapturedTable("app_present_secrets", key: ["owner_id"], owner: .to("applications", "owner_id")),
            CapturedTable("app_retired_secrets", owner: .to("applications", "owner_id"), sealed: "sealed_secret"),
            CapturedTable("app_codes", owner: .to("applications", "app_id"), parked: ["code_hash"], sealed: "sealed_code"),
            CapturedTable("app_code_present_secrets", key: ["owner_id"], owner: .to("app_codes", "owner_id")),
            CapturedTable("app_code_retired_secrets", owner: .to("app_codes", "owner_id"), sealed: "sealed_secret"),
            CapturedTable("app_acls", key: ["app_id"], owner: .to("applications", "app_id")),
            CapturedTable("app_configs", owner: .to("applications", "app_id"), sealed: "sealed_value"),
            CapturedTable("app_quotas", owner: instance, parked: ["name"]),
            CapturedTable(
                "app_quota_bindings", key: ["app_id"], owner: .to("applications", "app_id"),
                references: [.to("app_quotas", "quota_id")]),
            CapturedTable("signs", owner: instance, parked: ["name"], sealed: "sealed_secret"),
            CapturedTable("sign_present_secrets", key: ["owner_id"], owner: .to("signs", "owner_id")),
            CapturedTable("sign_retired_secrets", owner: .to("signs", "owner_id"), sealed: "sealed_secret"),
            CapturedTable("acls", owner: instance, parked: ["name"]),
            CapturedTable("vpc_channels", owner: instance, parked: ["name"]),
            CapturedTable("member_groups", owner: .to("vpc_channels", "channel_id")),
            CapturedTable("channel_members", owner: .to("vpc_channels", "channel_id")),
            CapturedTable(
                "plugins", owner: instance, references: [owningApplication], parked: ["name"], sealed: "sealed_content"),
            CapturedTable(
                "plugin_channels", key: ["plugin_id", "channel_id"], owner: .to("plugins", "plugin_id"),
                references: [.to("vpc_channels", "channel_id")]),
            CapturedTable("throttles", owner: instance, parked: ["name"]),
            CapturedTable("throttle_specials", owner: .to("throttles", "throttle_id")),
            CapturedTable("authorizers", owner: instance),
            CapturedTable("orchestrations", owner: instance),
            CapturedTable("dictionaries", owner: instance),
            CapturedTable("api_groups", owner: instance, references: [owningApplication], parked: ["name"]),
            CapturedTable("group_responses", owner: .to("api_groups", "group_id"), references: [instance]),
            CapturedTable("env_variables", owner: .to("api_groups", "group_id"), references: [environment]),
            CapturedTable("certificates", owner: instance, sealed: "sealed_key"),
            CapturedTable("url_domains", owner: .to("api_groups", "group_id"), references: [instance], parked: ["name"]),
            CapturedTable(
                "domain_certificates", key: ["domain_id", "algorithm_type"], owner: .to("url_domains", "domain_id"),
                references: [.to("certificates", "certificate_id")]),
            CapturedTable(
                "apis", owner: .to("api_groups", "group_id"), references: [instance, owningApplication],
                parked: ["name", "path_key"]),
            CapturedTable("api_tags", key: ["api_id", "tag"], owner: .to("apis", "api_id")),
            CapturedTable(
                "api_channels", key: ["api_id", "channel_id"], owner: .to("apis", "api_id"),
                references: [.to("vpc_channels", "channel_id")]),
            CapturedTable("planned_bindings", key: ["api_id", "kind", "policy_id"], owner: .to("apis", "api_id")),
            CapturedTable(
                "app_auths", owner: .to("apis", "api_id"), references: [.to("applications", "app_id"), environment]),
            CapturedTable(
                "publications", owner: .to("apis", "api_id"), references: [environment, .to("api_groups", "group_id")],
                parked: ["path_key"]),
            CapturedTable(
                "publication_channels", key: ["publication_id", "channel_id"], owner: publication,
                references: [.to("vpc_channels", "channel_id")]),
            CapturedTable("api_versions", owner: publication),
            CapturedTable("version_variables", key: ["version_id", "name"], owner: .to("api_versions", "version_id")),
            // version_id is NULL for the draft.
            CapturedTable(
                "definition_uses", key: ["api_id", "version_id", "kind", "target_id"], owner: .to("apis", "api_id"),
                references: [.to("api_versions", "version_id")]),
            CapturedTable("sign_bindings", owner: publication, references: [.to("signs", "sign_id")]),
            CapturedTable("acl_bindings", owner: publication, references: [.to("acls", "acl_id")]),
            CapturedTable("plugin_bindings", owner: publication, references: [.to("plugins", "plugin_id")]),
            CapturedTable("throttle_bindings", owner: publication, references: [.to("throttles", "throttle_id")]),
            CapturedTable(
                "livedata_apis", owner: instance, references: [.to("signs", "sign_id"), owningApplication],
                parked: ["name", "path"]),
            CapturedTable("livedata_deployments", owner: .to("livedata_apis", "livedata_api_id")),
        ]
    }()

    public static let named: [String: CapturedTable] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Place in ``all``.
    public static let order: [String: Int] = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.name, $0) })

    /// Those that nothing refers to can be removed and written anew.
    public static let leaves: Set<String> = {
        let targets = all.flatMap { ($0.owner.map { [$0] } ?? []) + $0.references }.map(\.table)
        return Set(all.map(\.name)).subtracting(targets)
    }()

    /// The row key of columns, as SQL.
    ///
    /// - Parameter prefix: such as `OLD.`.
    public static func keyExpression(_ columns: [String], prefix: String = "") -> String {
        columns.count == 1
            ? prefix + columns[0] : columns.map { "COALESCE(\(prefix)\($0), '')" }.joined(separator: " || '/' || ")
    }
}
