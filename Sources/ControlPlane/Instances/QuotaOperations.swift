import GatewayModel
import Store

/// A limit of an instance, and how much of it is taken (management-api.md, 4.1).
public struct QuotaState: Sendable, Equatable {
    /// The vendor's name of the limit.
    public let name: String
    public let limit: Int
    /// Of limits per parent: the fullest parent's; 0 of limits within one definition.
    public let used: Int
    public let remark: String
}

/// The limits that clients can look up, by the vendor's names. Each is enforced where its objects are made.
struct QuotaName: Sendable {
    let name: String
    let limit: any KeyPath<Quotas, Int> & Sendable
    let remark: String
    /// Answers the use as `n`; its one parameter is the instance. Nil: nothing to count.
    let used: String?

    private static func each(_ name: String, _ limit: any KeyPath<Quotas, Int> & Sendable, _ remark: String, _ table: String) -> QuotaName {
        QuotaName(name: name, limit: limit, remark: remark, used: "SELECT COUNT(*) AS n FROM \(table) WHERE instance_id = ?")
    }

    private static func within(_ name: String, _ limit: any KeyPath<Quotas, Int> & Sendable, _ remark: String) -> QuotaName {
        QuotaName(name: name, limit: limit, remark: remark, used: nil)
    }

    static let all: [QuotaName] = [
        each("API_NUM_LIMIT", \.apis, "APIs", "apis"),
        each("APP_NUM_LIMIT", \.applications, "Applications", "applications"),
        each("APIGROUP_NUM_LIMIT", \.apiGroups, "API groups", "api_groups"),
        each("ENVIRONMENT_NUM_LIMIT", \.environments, "Environments", "environments"),
        each("SIGN_NUM_LIMIT", \.signatureKeys, "Signature keys", "signs"),
        each("ACL_NUM_LIMIT", \.accessPolicies, "Access control policies", "acls"),
        each("PLUGIN_NUM_LIMIT", \.plugins, "Plug-ins", "plugins"),
        QuotaName(
            name: "API_NUM_LIMIT_PER_GROUP", limit: \.apisPerGroup, remark: "APIs of a group",
            used: "SELECT COALESCE(MAX(c), 0) AS n FROM (SELECT COUNT(*) AS c FROM apis WHERE instance_id = ? GROUP BY group_id) g"),
        QuotaName(
            name: "API_VERSION_NUM_LIMIT", limit: \.versionsPerPublication, remark: "Versions of an API in an environment",
            used: """
                SELECT COALESCE(MAX(c), 0) AS n FROM (SELECT COUNT(*) AS c FROM api_versions v JOIN publications p \
                ON p.id = v.publication_id WHERE p.instance_id = ? GROUP BY p.id) g
                """),
        QuotaName(
            name: "API_TAG_NUM_LIMIT", limit: \.tagsPerAPI, remark: "Tags of an API",
            used: """
                SELECT COALESCE(MAX(c), 0) AS n FROM (SELECT COUNT(*) AS c FROM api_tags t JOIN apis a ON a.id = t.api_id \
                WHERE a.instance_id = ? GROUP BY a.id) g
                """),
        QuotaName(
            name: "APIGROUP_DOMAIN_NUM_LIMIT", limit: \.domainsPerGroup, remark: "Domains of a group",
            used: """
                SELECT COALESCE(MAX(c), 0) AS n FROM (SELECT COUNT(*) AS c FROM url_domains WHERE instance_id = ? \
                GROUP BY group_id) g
                """),
        QuotaName(
            name: "RESPONSE_NUM_LIMIT", limit: \.responsesPerGroup, remark: "Responses of a group, besides the default one",
            used: """
                SELECT COALESCE(MAX(c), 0) AS n FROM (SELECT COUNT(*) AS c FROM group_responses WHERE instance_id = ? \
                AND is_default = 0 GROUP BY group_id) g
                """),
        each("APP_QUOTA_NUM_LIMIT", \.appQuotas, "Quotas of applications", "app_quotas"),
        QuotaName(
            name: "APP_CODE_NUM_LIMIT", limit: \.appCodesPerApplication, remark: "AppCodes of an application",
            used: """
                SELECT COALESCE(MAX(c), 0) AS n FROM (SELECT COUNT(*) AS c FROM app_codes WHERE instance_id = ? GROUP BY app_id) g
                """),
        QuotaName(
            name: "CONFIG_NUM_LIMIT_PER_APP", limit: \.appConfigsPerApplication, remark: "Configurations of an application",
            used: """
                SELECT COALESCE(MAX(c), 0) AS n FROM (SELECT COUNT(*) AS c FROM app_configs WHERE instance_id = ? GROUP BY app_id) g
                """),
        QuotaName(
            name: "API_TASK_NUM_LIMIT", limit: \.documentTasks, remark: "Asynchronous imports and exports at work",
            used: "SELECT COUNT(*) AS n FROM document_tasks WHERE instance_id = ? AND status = 'waiting'"),
        within("API_PARAM_NUM_LIMIT", \.parametersPerAPI, "Parameters of an API"),
        within("API_POLICY_NUM_LIMIT", \.backendPoliciesPerAPI, "Backend policies of an API"),
        within("API_CONDITION_NUM_LIMIT", \.conditionsPerPolicy, "Conditions of a backend policy"),
    ]
}

extension ControlPlane {
    /// The limits of an instance in a fixed order.
    ///
    /// - Throws: ``OperationError``: instance unknown.
    public func quotaStates(_ call: Call, page: Page) async throws -> Listing<QuotaState> {
        let quotas = settings.quotas
        return try await read { r in
            try r.checkInstance(of: call)
            let shown = try QuotaName.all.dropFirst(page.offset).prefix(page.limit).map { quota in
                QuotaState(
                    name: quota.name, limit: quotas[keyPath: quota.limit],
                    used: try quota.used.map { try r.sql.count($0, [.text(call.instanceID)]) } ?? 0, remark: quota.remark)
            }
            return Listing(total: QuotaName.all.count, items: shown)
        }
    }
}
