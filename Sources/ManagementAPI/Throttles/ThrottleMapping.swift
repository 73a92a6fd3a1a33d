import ControlPlane
import GatewayModel
import WireContract

/// Between the contract's shapes and the model's.
enum ThrottleMapping {
    /// The gateway has no adaptive control: saying so is accepted, asking for it is not (gateway-runtime.md, 7.1).
    static func draft(_ body: Wire.ThrottleBaseInfo) throws -> ThrottleDraft {
        if let adaptive = body.enableAdaptiveControl, adaptive.uppercased() != "FALSE", !adaptive.isEmpty {
            throw OperationError.invalid(field: "enable_adaptive_control")
        }
        return ThrottleDraft(
            name: body.name, kind: body.type, apiLimit: body.apiCallLimits, userLimit: body.userCallLimits,
            appLimit: body.appCallLimits, addressLimit: body.ipCallLimits,
            unit: try WireWord.read(body.timeUnit, field: "time_unit"), interval: body.timeInterval, remark: body.remark)
    }

    private static let adaptive = "FALSE"
    /// Each binding is of one API in one environment.
    private static let scope = 1

    /// - Parameter time: of creation, in the format of the operation (management-api.md, 1.7).
    static func answer(_ listed: ListedThrottle, time: String) -> Wire.CreateRequestThrottlingPolicyV2Response {
        let policy = listed.policy
        return Wire.CreateRequestThrottlingPolicyV2Response(
            appCallLimits: policy.appLimit, name: policy.name, timeUnit: policy.unit.rawValue, remark: policy.remark,
            apiCallLimits: policy.apiLimit, type: policy.kind.rawValue, enableAdaptiveControl: adaptive,
            userCallLimits: policy.userLimit, timeInterval: policy.interval, ipCallLimits: policy.addressLimit, id: policy.id,
            bindNum: listed.boundAPIs, isIncluSpecialThrottle: listed.hasSpecials ? 1 : 2, createTime: time)
    }

    static func element(_ listed: ListedThrottle) -> Wire.ThrottlesInfo {
        let policy = listed.policy
        return Wire.ThrottlesInfo(
            appCallLimits: policy.appLimit, name: policy.name, timeUnit: policy.unit.rawValue, remark: policy.remark,
            apiCallLimits: policy.apiLimit, type: policy.kind.rawValue, enableAdaptiveControl: adaptive,
            userCallLimits: policy.userLimit, timeInterval: policy.interval, ipCallLimits: policy.addressLimit, id: policy.id,
            bindNum: listed.boundAPIs, isIncluSpecialThrottle: listed.hasSpecials ? 1 : 2,
            createTime: policy.createdAt.inSeconds)
    }

    static func binding(_ binding: ThrottleBinding) -> Wire.ThrottleApiBinding {
        Wire.ThrottleApiBinding(
            publishId: binding.publicationID, scope: scope, strategyId: binding.policyID,
            applyTime: binding.boundAt.inNanoseconds, id: binding.id)
    }

    static func boundPolicy(_ bound: BoundThrottlePolicy) -> Wire.ThrottleForApi {
        let policy = bound.listed.policy
        return Wire.ThrottleForApi(
            appCallLimits: policy.appLimit, name: policy.name, timeUnit: policy.unit.rawValue, remark: policy.remark,
            apiCallLimits: policy.apiLimit, type: policy.kind.rawValue, enableAdaptiveControl: adaptive,
            userCallLimits: policy.userLimit, timeInterval: policy.interval, ipCallLimits: policy.addressLimit, id: policy.id,
            bindNum: bound.listed.boundAPIs, isIncluSpecialThrottle: bound.listed.hasSpecials ? 1 : 2,
            createTime: policy.createdAt.inSeconds, envName: bound.publication.environmentName, bindId: bound.binding.id,
            bindTime: bound.binding.boundAt.inSeconds)
    }

    static func boundAPI(_ bound: BoundThrottlePolicy) -> Wire.ApiForThrottle {
        var answer = api(bound.publication)
        answer.throttleApplyId = bound.binding.id
        answer.throttleName = bound.listed.policy.name
        answer.applyTime = bound.binding.boundAt.inSeconds
        return answer
    }

    static func bindableAPI(_ api: APIForThrottle) -> Wire.ApiForThrottle {
        var answer = Self.api(api.publication)
        answer.throttleName = api.boundPolicyName
        return answer
    }

    private static func api(_ publication: PublicationView) -> Wire.ApiForThrottle {
        Wire.ApiForThrottle(
            authType: publication.authType, runEnvName: publication.environmentName, groupName: publication.groupName,
            publishId: publication.publicationID, groupId: publication.groupID, name: publication.apiName,
            remark: publication.apiRemark, runEnvId: publication.environmentID, id: publication.apiID,
            reqUri: publication.uri, type: publication.apiType)
    }

    static func special(_ listed: ListedThrottleSpecial, time: String) -> Wire.CreateSpecialThrottlingConfigurationV2Response {
        let special = listed.special
        return Wire.CreateSpecialThrottlingConfigurationV2Response(
            id: special.id, callLimits: special.limit, applyTime: time, appName: listed.applicationName,
            appId: special.object == .app ? special.objectID : nil, objectId: special.objectID,
            objectType: special.object.rawValue, objectName: listed.applicationName ?? special.objectID,
            throttleId: special.policyID)
    }

    static func specialElement(_ listed: ListedThrottleSpecial) -> Wire.ThrottleSpecialInfo {
        let special = listed.special
        return Wire.ThrottleSpecialInfo(
            id: special.id, callLimits: special.limit, applyTime: special.appliedAt.inSeconds, appName: listed.applicationName,
            appId: special.object == .app ? special.objectID : nil, objectId: special.objectID,
            objectType: special.object.rawValue, objectName: listed.applicationName ?? special.objectID,
            throttleId: special.policyID)
    }
}
