import GatewayModel
import Store

/// What a look into the past, or a restore, is about.
public enum HistoryScope: Sendable, Equatable {
    case everything
    /// An object and what belongs to it: a group with its APIs, their publications and what is bound to them; an application with
    /// its codes; an instance with all that is in it.
    case object(kind: ResourceKind, id: String)
}

/// An object of the change records as rows: one of its own, and those of tables that have no kind of their own and belong to it.
enum HistoryKind {
    static func table(of kind: ResourceKind) -> String? { tables[kind] }

    static func kind(ofTable table: String) -> ResourceKind? { kinds[table] }

    private static let tables: [ResourceKind: String] = [
        .instance: "instances", .instanceTag: "instance_tags", .feature: "features", .environment: "environments",
        .integrationApplication: "applications", .appCode: "app_codes", .appConfig: "app_configs", .appQuota: "app_quotas",
        .appQuotaBinding: "app_quota_bindings", .appAuthorization: "app_auths", .signatureKey: "signs",
        .signatureBinding: "sign_bindings", .accessPolicy: "acls", .accessBinding: "acl_bindings", .vpcChannel: "vpc_channels",
        .memberGroup: "member_groups", .member: "channel_members", .plugin: "plugins", .pluginBinding: "plugin_bindings",
        .throttle: "throttles", .throttleBinding: "throttle_bindings", .throttleSpecial: "throttle_specials",
        .authorizer: "authorizers", .orchestration: "orchestrations", .dictionary: "dictionaries", .apiGroup: "api_groups",
        .groupResponse: "group_responses", .environmentVariable: "env_variables", .certificate: "certificates",
        .domain: "url_domains", .api: "apis", .publication: "publications", .apiVersion: "api_versions",
        .livedataAPI: "livedata_apis", .livedataDeployment: "livedata_deployments",
    ]
    private static let kinds: [String: ResourceKind] = Dictionary(uniqueKeysWithValues: tables.map { ($1, $0) })

    /// The row of an object.
    ///
    /// - Parameter instanceID: where the id alone does not identify it.
    /// - Throws: ``OperationError/invalid(field:)`` for a kind without a history, ``OperationError/missing(field:)``.
    static func row(of kind: ResourceKind, id: String, instanceID: String) throws(OperationError) -> RowID {
        guard let table = tables[kind] else { throw .invalid(field: "kind") }
        switch kind {
        case .environment:
            guard !instanceID.isEmpty else { throw .missing(field: "instance_id") }
            return RowID(table: table, key: "\(instanceID)/\(id)")
        case .feature:
            guard !instanceID.isEmpty else { throw .missing(field: "instance_id") }
            // By its name, or by the id that answers and change records have.
            let name = FeatureCatalogue.all.first { $0.name == id || FeatureState.id(of: $0.name, in: instanceID) == id }?.name
            return RowID(table: table, key: "\(instanceID)/\(name ?? id)")
        default: return RowID(table: table, key: id)
        }
    }

    /// The id by which change records know the object of a row.
    static func objectID(of row: RowID) -> String {
        let tail = row.key.split(separator: "/", maxSplits: 1).last.map(String.init) ?? row.key
        switch kinds[row.table] {
        case .environment: return tail
        case .feature: return FeatureState.id(of: tail, in: String(row.key.prefix { $0 != "/" }))
        default: return row.key
        }
    }
}

/// An object in an account of the past.
public struct HistoryObject: Sendable, Equatable {
    public enum Act: String, Sendable { case create, change, remove }

    public let kind: String
    public let id: String
    /// nil for what has none.
    public let name: String?
    public let act: Act
}
