import WireContract

/// Which action an operation is: the names that the vendor lists, and the nearest parent's where it lists none
/// (management-api.md, 2.4). The same under `/apic/` and `/apigw/`.
///
/// Total over paths: operations that have a verb of their own are named, all others follow from the family in their path
/// and their method, so that a new operation of a known family is covered from the start.
public enum OperationActions {
    /// - Returns: nil for a family that is not listed here; such an operation is the administrator's alone.
    public static func action(of operation: ContractOperation) -> Action? {
        named(operation) ?? family(of: operation.shape.path)?.action(operation.shape)
    }

    private static func named(_ operation: ContractOperation) -> Action? {
        switch operation {
        // One body says whether it publishes or takes offline; both are the act of publishing.
        case .createOrDeletePublishRecordForApiV2, .batchPublishOrOfflineApiV2, .changeApiVersionV2: .apisPublish
        case .deleteApiByVersionIdV2: .apisOffline
        case .debugApiV2, .debugLiveDataApiV2, .explainRequest: .apisDebug
        case .importApiDefinitionsV2, .importApiDefinitionsAsync, .importLiveDataApiDefinitionsV2: .apisImport
        case .exportApiDefinitionsV2, .exportApiDefinitionsAsync, .exportLiveDataApiDefinitionsV2: .apisExport
        case .publishLiveDataApiV2: .apisPublish
        case .unpublishLiveDataApiV2: .apisOffline
        case .createAuthorizingAppsV2: .apisGrantAppAccess
        case .cancelingAuthorizationV2: .apisRelieveAppAccess
        case .listAppsBindedToApiV2: .apisListBoundApps
        case .listApisBindedToAppV2, .listDuplicateApisForAppV2: .appsListBoundAPIs
        case .listApisUnbindedToAppV2: .appsListUnboundAPIs
        case .associateSignatureKeyV2: .apisBindSigns
        case .disassociateSignatureKeyV2: .apisUnbindSigns
        case .listSignatureKeysBindedToApiV2: .apisListBoundSigns
        case .listApisBindedToSignatureKeyV2: .signsListBoundAPIs
        case .listApisNotBoundWithSignatureKeyV2: .signsListUnboundAPIs
        case .createApiAclBindingV2: .apisBindAcls
        case .deleteApiAclBindingV2, .batchDeleteApiAclBindingV2: .apisUnbindAcls
        case .listAclPolicyBindedToApiV2: .apisListBoundAcls
        case .listApisBindedToAclPolicyV2: .aclsListBoundAPIs
        case .listApisUnbindedToAclPolicyV2: .aclsListUnboundAPIs
        case .batchDeleteAclV2: .aclsDelete
        case .associateRequestThrottlingPolicyV2: .apisBindThrottles
        case .disassociateRequestThrottlingPolicyV2, .batchDisassociateThrottlingPolicyV2: .apisUnbindThrottles
        case .listRequestThrottlingPoliciesBindedToApiV2: .apisListBoundThrottles
        case .listApisBindedToRequestThrottlingPolicyV2: .throttlesListBoundAPIs
        case .listApisUnbindedToRequestThrottlingPolicyV2: .throttlesListUnboundAPIs
        case .batchAssociateCertsV2, .batchAssociateDomainsV2: .domainsBindCertificate
        case .batchDisassociateCertsV2, .batchDisassociateDomainsV2: .domainsUnbindCertificate
        case .listAttachedDomainsV2: .domainsGetCertificate
        case .addUserToApp: .romaApplicationsUser
        // Answers nothing but the secret: who may see it may set it.
        case .checkRomaAppSecret: .romaApplicationsUpdate
        case .exportAsset, .downloadAssetArchive: .romaAssetsExport
        case .importAsset, .deleteAsset: .romaAssetsImport
        default: nil
        }
    }

    /// What the operations of one family are when they have no verb of their own.
    private struct Family {
        let get: Action
        let list: Action
        let create: Action
        let update: Action
        let delete: Action

        /// - Parameter update: nil where the vendor's `create` also covers changes.
        init(_ get: Action, _ list: Action, _ create: Action, update: Action? = nil, _ delete: Action) {
            self.get = get
            self.list = list
            self.create = create
            self.update = update ?? create
            self.delete = delete
        }

        func action(_ shape: OperationShape) -> Action {
            switch shape.method {
            case .get: shape.path.hasSuffix("}") ? get : list
            case .post: create
            case .put: update
            case .delete: delete
            }
        }
    }

    private static let apis = Family(.apisGet, .apisList, .apisCreate, .apisDelete)
    private static let apps = Family(.appsGet, .appsList, .appsCreate, .appsDelete)
    private static let groups = Family(.groupsGet, .groupsList, .groupsCreate, .groupsDelete)
    private static let domains = Family(.groupsGet, .groupsList, .domainsCreate, .domainsDelete)
    private static let certificates = Family(
        .domainsGetCertificate, .domainsGetCertificate, .domainsBindCertificate, .domainsUnbindCertificate)
    private static let instances = Family(
        .instancesGet, .instancesList, .instancesCreate, update: .instancesUpdate, .instancesDelete)
    private static let channels = Family(
        .channelsGet, .channelsList, .channelsCreate, update: .channelsUpdate, .channelsDelete)
    /// What belongs to an instance and is not one.
    private static let partsOfInstance = Family(.instancesGet, .instancesGet, .instancesUpdate, .instancesUpdate)

    private static func family(of path: String) -> Family? {
        let segments = path.split(separator: "/").dropFirst(2).map(String.init)
        guard let root = segments.first else { return nil }
        // Public resources of ROMA.
        if root == "instances" { return romaFamily(segments.count > 2 ? segments[2] : "") }
        guard segments.count > 1 else { return nil }
        switch segments[1] {
        case "instances" where segments.count <= 3: return instances
        case "instances": return family(segments[3], segments.dropFirst(4))
        case "instance", "available-zones": return partsOfInstance
        case "resource-instances": return Family(.instancesList, .instancesList, .instancesList, .instancesList)
        default: return family(segments[1], segments.dropFirst(2))
        }
    }

    private static func romaFamily(_ name: String) -> Family? {
        switch name {
        case "": Family(.romaInstancesGet, .romaInstancesList, .romaInstancesUpdate, .romaInstancesUpdate)
        case "apps", "validate-apps":
            Family(
                .romaApplicationsGet, .romaApplicationsList, .romaApplicationsCreate, update: .romaApplicationsUpdate,
                .romaApplicationsDelete)
        case "dictionaries", "validate-dictionaries", "assets":
            Family(.romaInstancesGet, .romaInstancesGet, .romaInstancesUpdate, .romaInstancesUpdate)
        default: nil
        }
    }

    /// - Parameters:
    ///   - name: the segment below the instance or the project.
    ///   - rest: what follows it.
    private static func family(_ name: String, _ rest: ArraySlice<String>) -> Family? {
        switch name {
        case "api-groups":
            if rest.contains("certificate") || rest.contains("certificates") { return certificates }
            return rest.contains("domains") ? domains : groups
        case "certificates": return certificates
        case "apis", "plugins", "livedata-apis", "data-sources", "livedata-quota", "orchestrations", "openapi", "async-tasks",
            "microservice", "resources":
            return apis
        case "apps", "app-auths", "app-quotas": return apps
        case "signs", "sign-bindings": return Family(.signsList, .signsList, .signsCreate, .signsDelete)
        case "acls", "acl-bindings": return Family(.aclsGet, .aclsList, .aclsCreate, .aclsDelete)
        case "throttles" where rest.contains("throttle-specials"):
            return Family(.specialThrottlesGet, .specialThrottlesGet, .specialThrottlesCreate, .specialThrottlesDelete)
        // A batch deletes; anything else makes or changes.
        case "throttles" where rest.contains("batch-delete"):
            return Family(.throttlesGet, .throttlesList, .throttlesDelete, .throttlesDelete)
        case "throttles", "throttle-bindings":
            return Family(.throttlesGet, .throttlesList, .throttlesCreate, .throttlesDelete)
        case "vpc-channels" where rest.contains("members"):
            return Family(
                .channelsGet, .channelsList, .channelsAddMember, update: .channelsUpdate, .channelsDeleteMember)
        case "vpc-channels": return channels
        case "authorizers": return Family(.authorizersGet, .authorizersList, .authorizersCreate, .authorizersDelete)
        case "env-variables": return Family(.variablesGet, .variablesList, .variablesCreate, .variablesDelete)
        case "envs": return Family(.environmentsList, .environmentsList, .environmentsCreate, .environmentsDelete)
        case "tags": return Family(.tagsList, .tagsList, .instancesUpdate, .instancesUpdate)
        case "features", "instance-features":
            return Family(.featuresList, .featuresList, .featuresCreate, .featuresCreate)
        case "project", "restriction", "statistics", "metric-data", "progress", "instance-tags", "name": return partsOfInstance
        default: return nil
        }
    }
}
