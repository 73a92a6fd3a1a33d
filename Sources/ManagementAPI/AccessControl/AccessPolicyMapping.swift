import ControlPlane
import GatewayModel
import WireContract

/// Between the contract's shapes and the model's.
enum AccessPolicyMapping {
    static func draft(_ body: Wire.ApiAclCreate) throws -> AccessPolicyDraft {
        AccessPolicyDraft(
            name: body.aclName ?? "", action: try WireWord.need(body.aclType, field: "acl_type"),
            entity: try WireWord.need(body.entityType, field: "entity_type"), value: body.aclValue ?? "")
    }

    static func change(_ body: Wire.ApiAclCreate) throws -> AccessPolicyChange {
        AccessPolicyChange(
            name: body.aclName, action: try WireWord.read(body.aclType, field: "acl_type"),
            entity: try WireWord.read(body.entityType, field: "entity_type"), value: body.aclValue)
    }

    static func answer(_ policy: AccessControlPolicy, time: String) -> Wire.CreateAclStrategyV2Response {
        Wire.CreateAclStrategyV2Response(
            aclName: policy.name, aclType: policy.action.rawValue, aclValue: policy.value,
            entityType: policy.entity.rawValue, id: policy.id, updateTime: time)
    }

    static func element(_ listed: ListedAccessPolicy) -> Wire.ApiAclInfoWithBindNum {
        let policy = listed.policy
        return Wire.ApiAclInfoWithBindNum(
            aclName: policy.name, aclType: policy.action.rawValue, aclValue: policy.value, bindNum: listed.boundAPIs,
            entityType: policy.entity.rawValue, id: policy.id, updateTime: policy.updatedAt.inMicroseconds)
    }

    static func binding(_ bound: BoundAccessPolicy) -> Wire.AclApiBindingInfo {
        Wire.AclApiBindingInfo(
            id: bound.binding.id, apiId: bound.publication.apiID, envId: bound.publication.environmentID,
            aclId: bound.policy.id, createTime: bound.binding.boundAt.inNanoseconds)
    }

    static func boundPolicy(_ bound: BoundAccessPolicy) -> Wire.ApiBindAclInfo {
        Wire.ApiBindAclInfo(
            aclId: bound.policy.id, aclName: bound.policy.name, entityType: bound.policy.entity.rawValue,
            aclType: bound.policy.action.rawValue, aclValue: bound.policy.value, envId: bound.publication.environmentID,
            envName: bound.publication.environmentName, bindId: bound.binding.id,
            bindTime: bound.binding.boundAt.inSeconds)
    }

    static func boundAPI(_ bound: BoundAccessPolicy) -> Wire.AclBindApiInfo {
        let publication = bound.publication
        return Wire.AclBindApiInfo(
            apiId: publication.apiID, apiName: publication.apiName, groupName: publication.groupName,
            apiType: publication.apiType, apiRemark: publication.apiRemark, envId: publication.environmentID,
            envName: publication.environmentName, bindId: bound.binding.id, bindTime: bound.binding.boundAt.inSeconds,
            publishId: publication.publicationID)
    }

    static func bindableAPI(_ api: APIForAccessPolicy) -> Wire.UnbindApiForAcl {
        let publication = api.publication
        return Wire.UnbindApiForAcl(
            authType: publication.authType, runEnvName: publication.environmentName, groupName: publication.groupName,
            publishId: publication.publicationID, groupId: publication.groupID, name: publication.apiName,
            remark: publication.apiRemark, runEnvId: publication.environmentID, id: publication.apiID,
            reqUri: publication.uri, type: publication.apiType, aclName: api.boundPolicyName)
    }
}
