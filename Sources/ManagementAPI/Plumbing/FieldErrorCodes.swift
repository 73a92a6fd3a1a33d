import WireContract

/// Which code and name a broken field gets: 2011 or 2012 is history, operation by operation
/// (management-api.md, 1.11); what the table leaves open follows its last rule.
enum FieldErrorCodes {
    /// Body fields that are answered with 2012; all others are answered with 2011.
    private static func usesQueryCode(_ operation: ContractOperation, _ field: String) -> Bool {
        switch operation {
        case .updateApiGroupV2, .createEnvironmentV2, .updateEnvironmentV2, .createEnvironmentVariableV2,
            .updateEnvironmentVariableV2, .createPlugin, .updatePlugin, .attachApiToPlugin, .detachApiFromPlugin,
            .attachPluginToApi, .detachPluginFromApi, .createAppQuota, .updateAppQuota, .associateAppsForAppQuota,
            .createAppCodeV2, .updateAppAcl, .createCertificateV2, .updateCertificateV2, .associateDomainV2,
            .updateDomainV2, .associateCertificateV2, .batchAssociateCertsV2, .batchDisassociateCertsV2,
            .batchAssociateDomainsV2, .batchDisassociateDomainsV2, .createFeatureV2, .associateSignatureKeyV2,
            .addingBackendInstancesV2, .updateBackendInstancesV2, .listStatisticsApi, .listLatelyApiStatisticsV2:
            true
        case .createSpecialThrottlingConfigurationV2, .updateSpecialThrottlingConfigurationV2:
            field == "id" || field == "app_name"
        case .createVpcChannelV2, .updateVpcChannelV2, .createProjectVpcChannel, .updateProjectVpcChannel:
            field == "member_type" || field == "member_group_name"
        default:
            false
        }
    }

    /// Operations whose numbers out of range have codes of their own (2002, 2003).
    private static func namesRange(_ operation: ContractOperation) -> Bool {
        switch operation {
        case .createRequestThrottlingPolicyV2, .updateRequestThrottlingPolicyV2,
            .createSpecialThrottlingConfigurationV2, .updateSpecialThrottlingConfigurationV2:
            true
        default: false
        }
    }

    /// VPC channels: the text of 2001 without the tail.
    private static func isChannelFamily(_ operation: ContractOperation) -> Bool {
        operation.shape.path.contains("/vpc-channels")
    }

    static func refusal(_ operation: ContractOperation, _ violation: FieldViolation) -> Refusal {
        refusal(operation, field: violation.name, rule: violation.rule)
    }

    static func refusal(_ operation: ContractOperation, field: String, rule: FieldViolation.Rule) -> Refusal {
        switch ErrorFamily(operation) {
        case .roma: return Refusal(.roma00013000, field)
        case .apic: return Refusal(.apic7211, field)
        case .apig: break
        }
        switch rule {
        // The page of this operation answers its one mandatory field with 2011.
        case .missing where operation == .updateSignatureKeyV2: return Refusal(.apig2011, field)
        // So do the pages of project-level channels, with the text of a missing field.
        case .missing where operation == .createProjectVpcChannel || operation == .updateProjectVpcChannel
            || operation == .createProjectVpcChannelSyncs:
            let name = field == "vpc_channel_id" ? "id" : field
            return Refusal(.apig2011, text: Refusal(.apig2001, name).message)
        case .missing:
            return isChannelFamily(operation)
                ? Refusal(.apig2001, text: "The request parameters must be specified, parameter name:\(field)")
                : Refusal(.apig2001, field)
        case .tooSmall where namesRange(operation): return Refusal(.apig2002, field)
        case .tooLarge where namesRange(operation): return Refusal(.apig2003, field)
        case .tooSmall where field == "weight", .tooLarge where field == "weight": return Refusal(.apig2004, field)
        default: return invalid(operation, field: field)
        }
    }

    /// A value that breaks a rule of its own.
    static func invalid(_ operation: ContractOperation, field: String) -> Refusal {
        switch ErrorFamily(operation) {
        case .roma: return Refusal(.roma00013000, field)
        case .apic: return Refusal(.apic7211, field)
        case .apig: break
        }
        // A domain that is none has a code of its own, an impossible switch a text without the tail.
        if field == "url_domain", operation == .associateDomainV2 { return Refusal(.apig2024) }
        if field == "sl_domain_access_enabled" {
            return Refusal(.apig2011, text: "Invalid parameter value,parameterName:sl_domain_access_enabled")
        }
        // The text of this family has no tail.
        if field == "variable_name" { return Refusal(.apig2012, text: "Invalid parameter value,parameterName:variable_name") }
        return usesQueryCode(operation, field) ? Refusal(.apig2012, field) : Refusal(.apig2011, field)
    }

    /// A query parameter or path id of the wrong form.
    static func malformed(_ operation: ContractOperation, parameter: String) -> Refusal {
        switch ErrorFamily(operation) {
        case .roma: return Refusal(.roma00013000, parameter)
        case .apic: return Refusal(.apic7211, parameter)
        case .apig: break
        }
        let path = operation.shape.path
        let old = path.contains("/acls") || path.contains("/acl-bindings") || path.contains("/authorizers")
            || path.contains("/livedata-apis") || isAppConfig(operation)
        if operation == .listVpcChannelsV2 || operation == .listAppsV2, parameter == "name" { return Refusal(.apig2011, parameter) }
        let paging = parameter == "limit" || parameter == "offset" || parameter == "instance_id"
        return old && !paging ? Refusal(.apig2011, parameter) : Refusal(.apig2012, parameter)
    }

    /// Configurations of applications; those of the project are another family.
    private static func isAppConfig(_ operation: ContractOperation) -> Bool {
        switch operation {
        case .createAppConfigV2, .updateAppConfigV2, .deleteAppConfigV2, .showDetailsOfAppConfigV2, .listAppConfigsV2: true
        default: false
        }
    }

    /// The name under which error texts know a path parameter.
    static func pathName(_ parameter: String) -> String {
        switch parameter {
        case "sign_bindings_id", "acl_bindings_id", "acl_id", "authorizer_id", "vpc_channel_id", "throttle_binding_id",
            "app_auth_id", "app_config_id", "strategy_id", "ld_api_id", "member_id":
            "id"
        default: parameter
        }
    }
}
