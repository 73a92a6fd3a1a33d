import ControlPlane
import GatewayModel
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
            return kind == .instance ? ManagementFailure.unknownInstance(id: id).refusal(family) : ResourceCodes.notFound(kind, id, operation)
        case .taken(let kind, let name): return ResourceCodes.taken(kind, name, operation)
        case .invalid(let field): return FieldErrorCodes.invalid(operation, field: field)
        case .missing(let field): return FieldErrorCodes.refusal(operation, field: field, rule: .missing)
        case .tooSmall(let field): return FieldErrorCodes.refusal(operation, field: field, rule: .tooSmall)
        case .tooLarge(let field): return FieldErrorCodes.refusal(operation, field: field, rule: .tooLarge)
        case .conflict(let conflict): return refusal(conflict, operation, alias)
        // Public resources have no codes for quotas.
        case .quotaExceeded(.dictionary, let limit):
            return Refusal(.roma00013000, text: "The instance holds \(limit) dictionaries, which is as many as it may")
        case .quotaExceeded(let kind, _):
            let refusal = Refusal(ResourceCodes.quota(kind))
            // Public resources have one code for what is not permitted, whatever the reason.
            return family == .roma ? Refusal(.roma00000101, text: refusal.message) : refusal
        case .signTypeNotSupported(let type, let instance): return Refusal(.apig3548, type, instance)
        case .unrecognizedFeature(let name): return Refusal(.apig2000, text: "unrecognized feature \(name)")
        case .cannotServe(let field, let reason):
            let refusal = FieldErrorCodes.invalid(operation, field: field)
            return Refusal(refusal.code, text: "\(refusal.message): \(reason)")
        case .definition(let fault): return Refusal(code(of: fault))
        case .certificate(let refusal): return CertificateMapping.refusal(refusal)
        case .forbidden: return ManagementFailure.notPermitted.refusal(family)
        case .changedMeanwhile: return ManagementFailure.changedMeanwhile.refusal(family)
        // A guard of the database that a rule above it should have answered.
        case .store(.notUnique), .store(.referenced): return Refusal(.apig3400)
        case .store: return ManagementFailure.broken.refusal(family)
        }
    }

    private static func refusal(_ conflict: StateConflict, _ operation: ContractOperation, _ alias: PathAlias) -> Refusal {
        switch conflict {
        case .authorizerIsUsed: Refusal(.apig3400)
        case .orchestrationIsUsed: Refusal(.apig3716)
        case .orchestratedParameterIsFixed: Refusal(.apig3713)
        case .groupHoldsAPIs(let id): Refusal(.apig3415, id)
        case .apiIsPublished: alias == .apigw ? Refusal(.apig3416) : Refusal(.apig4016)
        case .apiNotPublished(let id):
            // Attaching says so with a code of its own; everything else has no publication to work on.
            isAttach(operation) ? Refusal(.apig3707) : Refusal(.apig3015, id)
        case .environmentHoldsPublications: Refusal(.apig3418)
        case .accessPolicyIsBound: Refusal(.apig3447)
        case .pluginIsAttached: Refusal(.apig3462)
        case .channelServesAPIs: Refusal(.apig3414)
        case .channelServesThirdAuth: Refusal(.apig3710)
        case .throttleIsBound: Refusal(.apig3451)
        case .apiPathTaken(let name): Refusal(.apig3301, name)
        case .featureChangedTooSoon: Refusal(.apig3711)
        case .featureNotSupported: Refusal(.apig3458)
        case .pluginPathConflict(let reason): Refusal(.apig3400, text: reason)
        case .domainOfAnotherGroup: Refusal(.apig3474)
        case .certificateNotAtDomains: Refusal(.apig2000, text: "no valid domain name")
        case .defaultResponseStays: Refusal(.apig3491)
        case .defaultResponseKeepsName: Refusal(.apig3492)
        case .certificateIsBound, .channelServesPlugin, .groupIsDefault, .environmentIsPreset, .lastAdministrator:
            Refusal(.apig3400)
        case .apiUsesNoApplications: Refusal(.apig3408)
        case .secretIsPresent: Refusal(.apig3400, text: "The present secret cannot be deleted")
        case .applicationNotGranted:
            ErrorFamily(operation) == .roma
                ? Refusal(.roma00000101, text: "No permission on the application.", status: 403) : Refusal(.apig1104)
        case .applicationOwns(let kind, let name): applicationOwns(kind, name, operation)
        case .livedataIsDeployed: Refusal(.apig3400, text: "The livedata API is deployed")
        case .livedataNotDeployed: Refusal(.apig3400, text: "The livedata API is not deployed")
        case .livedataHasNoScript: Refusal(.apig3400, text: "The livedata API has no script")
        case .instanceIDTaken: Refusal(.apic7505)
        case .instanceIsPreset: Refusal(.apic7701, text: "The instance that came with the gateway cannot be deleted")
        case .maintenanceWindow(.hour): Refusal(.apic7235)
        case .maintenanceWindow(.length): Refusal(.apic7230)
        case .unknownInstanceSpec: Refusal(.apic7301)
        case .noIPv6: Refusal(.apic7254)
        case .assetJobIsRunning: Refusal(.roma10012)
        case .historyForgotten(let oldest): Refusal(.apig3400, text: "The oldest revision whose state is kept is \(oldest)")
        case .restoreMisses(let kind, let id): Refusal(.apig3400, text: "What would be restored refers to the \(kind) \(id), which does not exist")
        case .restoreIsUsed(let kind, let id): Refusal(.apig3400, text: "What would be removed is used by the \(kind) \(id)")
        case .restoreTaken: Refusal(.apig3400, text: "Another object has a name, path or key that would be restored")
        }
    }

    private static func applicationOwns(_ kind: ResourceKind, _ name: String, _ operation: ContractOperation) -> Refusal {
        let reason = "The application cannot be deleted because it owns the \(kind.rawValue) \(name)"
        return ErrorFamily(operation) == .roma ? Refusal(.roma00013000, text: reason) : Refusal(.apig3400, text: reason)
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
        case .tooManyOrchestrations: .apig3151
        }
    }

    private static func isAttach(_ operation: ContractOperation) -> Bool {
        operation == .attachApiToPlugin || operation == .attachPluginToApi
    }
}
