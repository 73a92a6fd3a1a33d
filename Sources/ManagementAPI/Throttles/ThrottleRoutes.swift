import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Request throttling policies, their bindings and special limits (management-api.md, 3.13).
    public mutating func addThrottles(_ plane: ControlPlane) {
        on(.createRequestThrottlingPolicyV2, body: Wire.ThrottleBaseInfo.self) {
            call -> Written<Wire.CreateRequestThrottlingPolicyV2Response> in
            try await plane.createThrottle(call.call, ThrottleMapping.draft(call.body)).map {
                ThrottleMapping.answer($0, time: $0.policy.createdAt.inNanoseconds)
            }
        }
        on(.updateRequestThrottlingPolicyV2, body: Wire.ThrottleBaseInfo.self) {
            call -> Written<Wire.UpdateRequestThrottlingPolicyV2Response> in
            let draft = try ThrottleMapping.draft(call.body)
            return try await plane.updateThrottle(call.call, id: call.id("throttle_id"), draft).map {
                ThrottleMapping.answer($0, time: $0.policy.createdAt.inSeconds)
            }
        }
        on(.showDetailsOfRequestThrottlingPolicyV2) { call -> Wire.ShowDetailsOfRequestThrottlingPolicyV2Response in
            let listed = try await plane.throttle(call.call, id: call.id("throttle_id"))
            return ThrottleMapping.answer(listed, time: listed.policy.createdAt.inSeconds)
        }
        on(.deleteRequestThrottlingPolicyV2) { call -> Written<Void> in
            try await plane.deleteThrottle(call.call, id: call.id("throttle_id"), unbinds: call.alias == .apigw)
        }
        on(.batchDeleteThrottlingPolicyV2, body: Wire.ThrottleBatchDelete.self) {
            call -> Written<Wire.BatchDeleteThrottlingPolicyV2Response> in
            try await plane.deleteThrottles(
                call.call, ids: call.body.throttles ?? [], unbinds: call.alias == .apigw
            ).map { outcome in
                Wire.BatchDeleteThrottlingPolicyV2Response(
                    successCount: outcome.succeeded,
                    failure: outcome.failures.map { failure in
                        let refusal = call.refusal(failure.reason)
                        return Wire.ThrottleBatchFailure(
                            throttleId: failure.id, throttleName: failure.name, errorCode: refusal.code.rawValue,
                            errorMsg: refusal.message)
                    })
            }
        }
        on(.listRequestThrottlingPolicyV2) { call -> Wire.ListRequestThrottlingPolicyV2Response in
            let filter = ThrottleFilter(
                id: try call.filterID("id"), name: try call.filterName("name"), namePrecisely: call.query.isPrecise("name"))
            let list = try await plane.throttles(call.call, filter, page: call.page)
            return Wire.ListRequestThrottlingPolicyV2Response(
                size: list.items.count, total: list.total, throttles: list.items.map(ThrottleMapping.element))
        }
        addThrottleBindings(plane)
        addThrottleSpecials(plane)
    }

    private mutating func addThrottleBindings(_ plane: ControlPlane) {
        on(.associateRequestThrottlingPolicyV2, body: Wire.ThrottleApiBindingCreate.self) {
            call -> Written<Wire.AssociateRequestThrottlingPolicyV2Response> in
            try await plane.bindThrottle(
                call.call, id: call.body.strategyId ?? "", publicationIDs: call.body.publishIds ?? []
            ).map { Wire.AssociateRequestThrottlingPolicyV2Response(throttleApplys: $0.map(ThrottleMapping.binding)) }
        }
        on(.disassociateRequestThrottlingPolicyV2) { call -> Written<Void> in
            try await plane.unbindThrottle(call.call, bindingID: call.id("throttle_binding_id"))
        }
        on(.batchDisassociateThrottlingPolicyV2, body: Wire.ThrottleBindingBatchDelete.self) {
            call -> Written<Wire.BatchDisassociateThrottlingPolicyV2Response> in
            try await plane.unbindThrottles(call.call, bindingIDs: call.body.throttleBindings ?? []).map { outcome in
                Wire.BatchDisassociateThrottlingPolicyV2Response(
                    successCount: outcome.succeeded,
                    failure: outcome.failures.map { failure in
                        let refusal = call.refusal(failure.reason)
                        return Wire.ThrottleBindingBatchFailure(
                            bindId: failure.id, errorCode: refusal.code.rawValue, errorMsg: refusal.message)
                    })
            }
        }
        on(.listRequestThrottlingPoliciesBindedToApiV2) { call -> Wire.ListRequestThrottlingPoliciesBindedToApiV2Response in
            let filter = BoundThrottleFilter(
                policyID: try call.filterID("throttle_id"), policyName: try call.filterName("throttle_name"),
                environmentID: try call.filterID("env_id"))
            let list = try await plane.throttles(
                call.call, boundTo: try call.queryID("api_id"), filter, page: call.page)
            return Wire.ListRequestThrottlingPoliciesBindedToApiV2Response(
                size: list.items.count, total: list.total, throttles: list.items.map(ThrottleMapping.boundPolicy))
        }
        on(.listApisBindedToRequestThrottlingPolicyV2) { call -> Wire.ListApisBindedToRequestThrottlingPolicyV2Response in
            let list = try await plane.apis(
                call.call, boundToThrottle: try call.queryID("throttle_id"), try call.publicationFilter(), page: call.page)
            return Wire.ListApisBindedToRequestThrottlingPolicyV2Response(
                size: list.items.count, total: list.total, apis: list.items.map(ThrottleMapping.boundAPI))
        }
        on(.listApisUnbindedToRequestThrottlingPolicyV2) { call -> Wire.ListApisUnbindedToRequestThrottlingPolicyV2Response in
            let list = try await plane.apis(
                call.call, notBoundToThrottle: try call.queryID("throttle_id"), try call.publicationFilter(), page: call.page)
            return Wire.ListApisUnbindedToRequestThrottlingPolicyV2Response(
                size: list.items.count, total: list.total, apis: list.items.map(ThrottleMapping.bindableAPI))
        }
    }

    private mutating func addThrottleSpecials(_ plane: ControlPlane) {
        on(.createSpecialThrottlingConfigurationV2, body: Wire.ThrottleSpecialCreate.self) {
            call -> Written<Wire.CreateSpecialThrottlingConfigurationV2Response> in
            let object: ThrottleSpecial.Object = try WireWord.need(call.body.objectType, field: "object_type")
            return try await plane.createThrottleSpecial(
                call.call, policyID: call.id("throttle_id"), object: object, objectID: call.body.objectId ?? "",
                limit: call.body.callLimits ?? 0
            ).map { ThrottleMapping.special($0, time: $0.special.appliedAt.inNanoseconds) }
        }
        on(.updateSpecialThrottlingConfigurationV2, body: Wire.ThrottleSpecialUpdate.self) {
            call -> Written<Wire.UpdateSpecialThrottlingConfigurationV2Response> in
            try await plane.updateThrottleSpecial(
                call.call, policyID: call.id("throttle_id"), id: call.id("strategy_id"), limit: call.body.callLimits ?? 0
            ).map { ThrottleMapping.special($0, time: $0.special.appliedAt.inSeconds) }
        }
        on(.deleteSpecialThrottlingConfigurationV2) { call -> Written<Void> in
            try await plane.deleteThrottleSpecial(call.call, policyID: call.id("throttle_id"), id: call.id("strategy_id"))
        }
        on(.listSpecialThrottlingConfigurationsV2) { call -> Wire.ListSpecialThrottlingConfigurationsV2Response in
            let filter = ThrottleSpecialFilter(
                object: call.query.text("object_type"), applicationName: try call.filterName("app_name"))
            let list = try await plane.throttleSpecials(
                call.call, policyID: call.id("throttle_id"), filter, page: call.page)
            return Wire.ListSpecialThrottlingConfigurationsV2Response(
                size: list.items.count, total: list.total, throttleSpecials: list.items.map(ThrottleMapping.specialElement))
        }
    }
}
