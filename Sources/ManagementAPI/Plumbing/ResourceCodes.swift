import ControlPlane
import WireContract

/// The codes of each kind of resource: unknown, taken, too many (management-api.md, 1.10 and 4.2).
enum ResourceCodes {
    static func notFound(_ kind: ResourceKind, _ id: String, _ operation: ContractOperation) -> Refusal {
        // Public resources have one code for whatever does not exist.
        if ErrorFamily(operation) == .roma { return Refusal(.roma00110006, id) }
        return switch kind {
        case .instance: Refusal(.apig3030, id)
        case .apiGroup: Refusal(.apig3001, id)
        case .api, .apiPath: Refusal(.apig3002, id)
        case .environment: Refusal(.apig3003, id)
        case .publication: Refusal(.apig3015)
        case .apiVersion: Refusal(.apig3022, id)
        case .signatureKey: Refusal(.apig3017, id)
        case .signatureBinding: Refusal(.apig3018)
        case .accessPolicy: Refusal(.apig3006, id)
        case .accessBinding: Refusal(.apig3010)
        case .plugin, .pluginBinding: Refusal(.apig3068, id)
        case .feature: Refusal(.apig2000, text: "unrecognized feature \(id)")
        // Two codes are on record for an unknown application (management-api.md, 3.3).
        case .integrationApplication
        where [.showDetailsOfAppV2, .updateAppV2, .deleteAppV2, .showAppBoundAppQuota].contains(operation):
            Refusal(.apig3002, text: "App \(id) does not exist")
        case .integrationApplication, .applicationKey: Refusal(.apig3004, id)
        case .appAuthorization: Refusal(.apig3009, id)
        case .appCode: Refusal(.apig3082)
        case .appConfig: Refusal(.apig3007)
        case .appQuota, .appQuotaBinding: Refusal(.apig3093, id)
        case .throttle: Refusal(.apig3005, id)
        case .throttleBinding: Refusal(.apig3012)
        case .throttleSpecial: Refusal(.apig3013, id)
        case .environmentVariable: Refusal(.apig3011, id)
        case .authorizer, .identitySource: Refusal(.apig3081, id)
        case .function: Refusal(.apig3019)
        case .orchestration: Refusal(.apig3095)
        case .domain: Refusal(.apig3020)
        case .certificate: Refusal(.apig3025, id)
        case .certificateBinding: Refusal(.apig3097)
        case .vpcChannel: Refusal(.apig3023, id)
        case .member: Refusal(.apig3024, id)
        case .livedataAPI, .livedataPath, .livedataDeployment: Refusal(.apig3084, id)
        case .asynchronousTask: Refusal(.apig3093, text: "The asynchronous task \(id) does not exist")
        case .dictionary, .assetJob, .assetArchive: Refusal(.roma00110006, id)
        // Named by an API, it is a field like others; by itself it has no code of its own.
        case .groupResponse where operation.shape.path.contains("/gateway-responses"):
            Refusal(.apig3007, text: "The response \(id) does not exist")
        case .groupResponse: FieldErrorCodes.invalid(operation, field: field(of: kind))
        case .appSecret, .memberGroup, .instanceTag, .user, .accessKey, .project:
            FieldErrorCodes.malformed(operation, parameter: field(of: kind))
        }
    }

    /// The wire name of an id for which the catalogue has no code of its own.
    private static func field(of kind: ResourceKind) -> String {
        switch kind {
        case .memberGroup: "member_group_id"
        case .appSecret: "secret_id"
        case .groupResponse: "response_id"
        case .instanceTag: "tags"
        case .accessKey: "access_key"
        default: "\(kind.rawValue)_id"
        }
    }

    static func taken(_ kind: ResourceKind, _ name: String, _ operation: ContractOperation) -> Refusal {
        switch kind {
        case .apiGroup: Refusal(.apig3201)
        case .api: Refusal(.apig3202, name)
        case .apiPath: Refusal(.apig3301, name)
        case .environment: Refusal(.apig3205)
        case .accessPolicy: Refusal(.apig3206)
        case .signatureKey: Refusal(.apig3207)
        case .plugin: Refusal(.apig3326)
        case .integrationApplication: ErrorFamily(operation) == .roma ? Refusal(.roma00013000, "name") : Refusal(.apig3203)
        case .applicationKey: ErrorFamily(operation) == .roma ? Refusal(.roma00013000, "key") : Refusal(.apig3310)
        case .appAuthorization: Refusal(.apig3316)
        case .appQuota: Refusal(.apig3325)
        case .throttle: Refusal(.apig3204)
        case .throttleSpecial: Refusal(.apig3308)
        case .environmentVariable: Refusal(.apig3303)
        case .authorizer: Refusal(.apig3211)
        case .identitySource: Refusal(.apig3212)
        case .orchestration: Refusal(.apig3331)
        case .domain: Refusal(.apig3305)
        case .groupResponse: Refusal(.apig3216)
        case .vpcChannel: Refusal(.apig3208)
        case .livedataAPI: Refusal(.apig3215)
        // One code for both, whose text of the table names the name.
        case .livedataPath: Refusal(.apig3215, text: "The livedata API path already exists")
        // The name is that of the field which repeats: `name` or `code`.
        case .dictionary: Refusal(.roma00013000, name)
        case .instance: Refusal(.apic7500)
        case .publication, .apiVersion, .signatureBinding, .accessBinding, .pluginBinding, .feature, .appSecret, .appCode, .appConfig,
            .appQuotaBinding, .throttleBinding, .function, .certificate, .certificateBinding, .memberGroup, .member, .assetJob,
            .livedataDeployment,
            .assetArchive, .asynchronousTask, .instanceTag, .user, .accessKey, .project:
            Refusal(.apig3400)
        }
    }

    static func quota(_ kind: ResourceKind) -> ManagementErrorCode {
        switch kind {
        case .apiGroup: .apig3101
        case .api, .apiPath: .apig3102
        case .integrationApplication: .apig3103
        case .environment: .apig3104
        case .signatureKey: .apig3105
        case .environmentVariable: .apig3106
        case .throttle: .apig3107
        case .domain: .apig3108
        case .vpcChannel: .apig3109
        case .member: .apig3110
        case .accessPolicy: .apig3112
        case .authorizer: .apig3116
        case .identitySource: .apig3117
        case .appCode: .apig3131
        case .groupResponse: .apig3136
        case .orchestration: .apig3150
        case .instance: .apic7400
        case .instanceTag: .apic7402
        case .publication, .apiVersion, .signatureBinding, .accessBinding, .plugin, .pluginBinding, .feature, .applicationKey, .appSecret,
            .appAuthorization, .appConfig, .appQuota, .appQuotaBinding, .throttleBinding, .throttleSpecial, .function,
            .certificate, .certificateBinding, .memberGroup, .livedataAPI, .livedataPath, .livedataDeployment, .dictionary, .assetJob, .assetArchive,
            .asynchronousTask, .user, .accessKey, .project:
            .apig3100
        }
    }
}
