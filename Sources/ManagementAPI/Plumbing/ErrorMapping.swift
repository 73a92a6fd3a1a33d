import ControlPlane
import Store
import WireContract

/// The one place where errors become answers of the contract.
enum ErrorMapping {
    /// - Parameter head: nil before the route is known.
    static func refusal(_ error: any Error, operation: ContractOperation?, alias: PathAlias, instanceID: String) -> Refusal {
        let family = operation.map(ErrorFamily.init) ?? .apig
        switch error {
        case let error as Refusal: return error
        case let error as ManagementFailure: return error.refusal(family)
        case let error as OperationError:
            guard let operation else { return ManagementFailure.broken.refusal(family) }
            return refusal(error, operation, family, alias, instanceID)
        default: return ManagementFailure.broken.refusal(family)
        }
    }

    private static func refusal(
        _ error: OperationError, _ operation: ContractOperation, _ family: ErrorFamily, _ alias: PathAlias, _ instanceID: String
    ) -> Refusal {
        switch error {
        case .notFound(let kind, let id):
            return kind == .instance ? ManagementFailure.unknownInstance(id: id).refusal(family) : notFound(kind, id, operation)
        case .taken(let kind, let name): return taken(kind, name)
        case .invalid(let field): return FieldErrorCodes.invalid(operation, field: field)
        case .missing(let field): return FieldErrorCodes.refusal(operation, field: field, rule: .missing)
        case .tooSmall(let field): return FieldErrorCodes.refusal(operation, field: field, rule: .tooSmall)
        case .tooLarge(let field): return FieldErrorCodes.refusal(operation, field: field, rule: .tooLarge)
        case .conflict(let conflict): return refusal(conflict, operation, alias)
        case .quotaExceeded(let kind, _): return Refusal(quotaCode(kind))
        case .signTypeNotSupported(let type, let instance): return Refusal(.apig3548, type, instance)
        case .unrecognizedFeature(let name): return Refusal(.apig2000, text: "unrecognized feature \(name)")
        case .cannotServe(let field, let reason):
            let refusal = FieldErrorCodes.invalid(operation, field: field)
            return Refusal(refusal.code, text: "\(refusal.message): \(reason)")
        case .definition(let fault): return Refusal(code(of: fault))
        case .forbidden: return ManagementFailure.notPermitted.refusal(family)
        // A guard of the database that a rule above it should have answered.
        case .store(.notUnique), .store(.referenced): return Refusal(.apig3400)
        case .store: return ManagementFailure.broken.refusal(family)
        }
    }

    private static func notFound(_ kind: ResourceKind, _ id: String, _ operation: ContractOperation) -> Refusal {
        switch kind {
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
        case .integrationApplication: Refusal(.apig3004, id)
        case .vpcChannel: Refusal(.apig3023, id)
        case .authorizer: Refusal(.apig3081, id)
        case .user, .accessKey, .project: FieldErrorCodes.malformed(operation, parameter: "\(kind.rawValue)_id")
        }
    }

    private static func taken(_ kind: ResourceKind, _ name: String) -> Refusal {
        switch kind {
        case .apiGroup: Refusal(.apig3201)
        case .api: Refusal(.apig3202, name)
        case .apiPath: Refusal(.apig3301, name)
        case .environment: Refusal(.apig3205)
        case .accessPolicy: Refusal(.apig3206)
        case .signatureKey: Refusal(.apig3207)
        case .plugin: Refusal(.apig3326)
        case .vpcChannel: Refusal(.apig3208)
        case .authorizer: Refusal(.apig3211)
        case .instance, .publication, .apiVersion, .signatureBinding, .accessBinding, .pluginBinding, .feature,
            .integrationApplication, .user, .accessKey, .project:
            Refusal(.apig3400)
        }
    }

    private static func refusal(_ conflict: StateConflict, _ operation: ContractOperation, _ alias: PathAlias) -> Refusal {
        switch conflict {
        case .groupHoldsAPIs(let id): Refusal(.apig3415, id)
        case .apiIsPublished: alias == .apigw ? Refusal(.apig3416) : Refusal(.apig4016)
        case .apiNotPublished(let id):
            // Attaching says so with a code of its own; everything else has no publication to work on.
            isAttach(operation) ? Refusal(.apig3707) : Refusal(.apig3015, id)
        case .environmentHoldsPublications: Refusal(.apig3418)
        case .accessPolicyIsBound: Refusal(.apig3447)
        case .pluginIsAttached: Refusal(.apig3462)
        case .apiPathTaken(let name): Refusal(.apig3301, name)
        case .featureChangedTooSoon: Refusal(.apig3711)
        case .featureNotSupported: Refusal(.apig3458)
        case .pluginPathConflict(let reason): Refusal(.apig3400, text: reason)
        case .groupIsDefault, .environmentIsPreset, .lastAdministrator: Refusal(.apig3400)
        }
    }

    private static func code(of fault: DefinitionFault) -> ManagementErrorCode {
        switch fault {
        case .requestPathParameters: .apig2026
        case .backendPathParameters: .apig2027
        case .unmappedBackendParameter: .apig2028
        case .authorizerParameters: .apig2036
        case .repeatedParameter: .apig3209
        case .repeatedPolicy: .apig3210
        case .repeatedTag: .apig3213
        case .tooManyParameters: .apig3111
        case .tooManyPolicies: .apig3113
        case .tooManyConditions: .apig3114
        case .tooManyTags: .apig3133
        case .groupIsFull: .apig3125
        case .unknownOrchestration: .apig3095
        }
    }

    private static func isAttach(_ operation: ContractOperation) -> Bool {
        operation == .attachApiToPlugin || operation == .attachPluginToApi
    }

    private static func quotaCode(_ kind: ResourceKind) -> ManagementErrorCode {
        switch kind {
        case .apiGroup: .apig3101
        case .api, .apiPath: .apig3102
        case .environment: .apig3104
        case .signatureKey: .apig3105
        case .accessPolicy: .apig3112
        case .vpcChannel: .apig3109
        case .authorizer: .apig3116
        case .integrationApplication: .apig3103
        case .instance, .publication, .apiVersion, .signatureBinding, .accessBinding, .plugin, .pluginBinding, .feature,
            .user, .accessKey, .project:
            .apig3100
        }
    }
}
