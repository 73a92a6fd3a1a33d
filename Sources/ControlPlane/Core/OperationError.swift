import GatewayModel
import Store

/// Why an operation refused or failed. Closed: ManagementAPI maps every case to status, code and text (management-api.md, 1.10).
public enum OperationError: Error, Sendable, Equatable {
    /// The object of the path, or one that the request names, does not exist for this caller.
    case notFound(ResourceKind, id: String)
    /// A unique name, path or key is in use already.
    case taken(ResourceKind, name: String)
    /// A field's value breaks a rule of its own; `field` is the wire name.
    case invalid(field: String)
    /// A field that must be given is absent.
    case missing(field: String)
    /// A number is outside its range.
    case tooSmall(field: String)
    case tooLarge(field: String)
    /// The object's state does not allow the operation.
    case conflict(StateConflict)
    /// The instance holds as many of these as its quota allows.
    case quotaExceeded(ResourceKind, limit: Int)
    /// The instance lacks a feature that the request needs.
    case signTypeNotSupported(type: String, instanceID: String)
    case unrecognizedFeature(name: String)
    /// The request would give something that this gateway could not carry out; `field` is the wire name.
    case cannotServe(field: String, reason: String)
    /// A rule about the parts of an API definition that has a code of its own.
    case definition(DefinitionFault)
    /// A certificate, its key or its authorities cannot be used.
    case certificate(CertificateRefusal)
    case forbidden
    /// The object is not in the state that the sender expects (`If-Match`).
    case changedMeanwhile
    case store(StoreError)
}

/// What may be wrong with an API definition as a whole (management-api.md, 3.8 and 4.2).
public enum DefinitionFault: Sendable, Equatable, CaseIterable {
    /// APIG.2026: path and PATH parameters do not name each other.
    case requestPathParameters
    /// APIG.2027: the same of the backend.
    case backendPathParameters
    /// APIG.2028: a backend parameter maps a request parameter that is not declared.
    case unmappedBackendParameter
    /// APIG.2036: parameters of an authorizer without authentication AUTHORIZER.
    case authorizerParameters
    /// APIG.3209, 3210, 3213.
    case repeatedParameter
    case repeatedPolicy
    case repeatedTag
    /// APIG.3111, 3113, 3114, 3133, 3125.
    case tooManyParameters
    case tooManyPolicies
    case tooManyConditions
    case tooManyTags
    case groupIsFull
    /// APIG.3151.
    case tooManyOrchestrations
    /// APIG.3095: an orchestration rule that does not exist.
    case unknownOrchestration
}

/// What the contract has codes for.
public enum ResourceKind: String, Sendable, CaseIterable {
    case instance, apiGroup, api, apiPath, environment, publication, apiVersion
    case signatureKey, signatureBinding, accessPolicy, accessBinding, plugin, pluginBinding
    case feature, user, accessKey, project
    case integrationApplication, applicationKey, appSecret, appAuthorization, appCode, appConfig, appQuota, appQuotaBinding
    case throttle, throttleBinding, throttleSpecial
    case environmentVariable, authorizer, identitySource, function, orchestration
    case domain, certificate, certificateBinding, groupResponse
    case vpcChannel, memberGroup, member
    case livedataAPI, livedataPath, livedataDeployment, dictionary, assetJob, assetArchive, asynchronousTask, instanceTag
}

/// Refusals that come from the state of things.
public enum StateConflict: Sendable, Equatable {
    case authorizerIsUsed
    case orchestrationIsUsed
    case orchestratedParameterIsFixed
    case groupHoldsAPIs(id: String)
    case groupIsDefault
    case apiIsPublished
    case apiNotPublished(id: String)
    case environmentHoldsPublications
    case environmentIsPreset
    case accessPolicyIsBound
    case pluginIsAttached
    case throttleIsBound
    case apiPathTaken(name: String)
    case channelServesAPIs
    case channelServesPlugin
    case channelServesThirdAuth
    case pluginPathConflict(reason: String)
    case lastAdministrator
    /// The caller is not a member of the application, or not in a role that suffices.
    case applicationNotGranted(id: String)
    /// The first thing that belongs to the application.
    case applicationOwns(kind: ResourceKind, name: String)
    /// Authorising an application for an API that does not authenticate applications.
    case apiUsesNoApplications
    /// The secret that an application has now does not end; another one takes its place.
    case secretIsPresent
    case featureChangedTooSoon
    /// The instance does not carry out the feature, or not in this form.
    case featureNotSupported
    /// APIG.3474: the domain of the path is bound to another group than that of the path.
    case domainOfAnotherGroup
    case certificateIsBound
    /// Detaching found nothing to detach.
    case certificateNotAtDomains
    case defaultResponseStays
    case defaultResponseKeepsName
    case livedataIsDeployed
    case livedataNotDeployed
    case livedataHasNoScript
    case instanceIDTaken
    /// The instance that the first start made.
    case instanceIsPreset
    /// APIC.7230 and 7235.
    case maintenanceWindow(MaintenanceWindow.Fault)
    case unknownInstanceSpec
    case noIPv6
    case assetJobIsRunning
    /// A revision whose state is not kept any more; the oldest that is.
    case historyForgotten(oldest: Int64)
    /// What is to be restored refers to something that is not there any more.
    case restoreMisses(kind: String, id: String)
    /// What a restore would remove is used by something outside of it.
    case restoreIsUsed(kind: String, id: String)
    /// Something else has the name, path or key by now.
    case restoreTaken
}
