import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Access control policies and their bindings (management-api.md, 3.12).
    public mutating func addAccessPolicies(_ plane: ControlPlane) {
        on(.createAclStrategyV2, body: Wire.ApiAclCreate.self) { call -> Written<Wire.CreateAclStrategyV2Response> in
            try await plane.createAccessPolicy(call.call, AccessPolicyMapping.draft(call.body)).map {
                AccessPolicyMapping.answer($0, time: $0.updatedAt.inNanoseconds)
            }
        }
        on(.updateAclStrategyV2, body: Wire.ApiAclCreate.self) { call -> Written<Wire.UpdateAclStrategyV2Response> in
            let change = try AccessPolicyMapping.change(call.body)
            return try await plane.updateAccessPolicy(call.call, id: call.id("acl_id"), change).map {
                AccessPolicyMapping.answer($0, time: $0.updatedAt.inNanoseconds)
            }
        }
        on(.showDetailsOfAclPolicyV2) { call -> Wire.ShowDetailsOfAclPolicyV2Response in
            let policy = try await plane.accessPolicy(call.call, id: call.id("acl_id"))
            return AccessPolicyMapping.answer(policy, time: policy.updatedAt.inMicroseconds)
        }
        on(.deleteAclV2) { call -> Written<Void> in
            try await plane.deleteAccessPolicy(call.call, id: call.id("acl_id"))
        }
        on(.batchDeleteAclV2, body: Wire.AclBatchDelete.self) { call -> Written<Wire.BatchDeleteAclV2Response> in
            try await plane.deleteAccessPolicies(call.call, ids: call.body.acls ?? []).map { outcome in
                Wire.BatchDeleteAclV2Response(
                    successCount: outcome.succeeded,
                    failure: outcome.failures.map { failure in
                        let refusal = call.refusal(failure.reason)
                        return Wire.AclBatchFailure(
                            aclId: failure.id, aclName: failure.name, errorCode: refusal.code.rawValue,
                            errorMsg: refusal.message)
                    })
            }
        }
        on(.listAclStrategiesV2) { call -> Wire.ListAclStrategiesV2Response in
            let filter = AccessPolicyFilter(
                id: try call.filterID("id"), name: try call.filterName("name"), namePrecisely: call.query.isPrecise("name"),
                action: call.query.text("acl_type"), entity: call.query.text("entity_type"))
            let list = try await plane.accessPolicies(call.call, filter, page: call.page)
            return Wire.ListAclStrategiesV2Response(
                size: list.items.count, total: list.total, acls: list.items.map(AccessPolicyMapping.element))
        }
        addAccessBindings(plane)
    }

    private mutating func addAccessBindings(_ plane: ControlPlane) {
        on(.createApiAclBindingV2, body: Wire.AclApiBindingCreate.self) { call -> Written<Wire.CreateApiAclBindingV2Response> in
            try await plane.bindAccessPolicy(
                call.call, id: call.body.aclId ?? "", publicationIDs: call.body.publishIds ?? []
            ).map { Wire.CreateApiAclBindingV2Response(aclBindings: $0.map(AccessPolicyMapping.binding)) }
        }
        on(.deleteApiAclBindingV2) { call -> Written<Void> in
            try await plane.unbindAccessPolicy(call.call, bindingID: call.id("acl_bindings_id"))
        }
        on(.batchDeleteApiAclBindingV2, body: Wire.AclBindingBatchDelete.self) {
            call -> Written<Wire.BatchDeleteApiAclBindingV2Response> in
            try await plane.unbindAccessPolicies(call.call, bindingIDs: call.body.aclBindings ?? []).map { outcome in
                Wire.BatchDeleteApiAclBindingV2Response(
                    successCount: outcome.succeeded,
                    failure: outcome.failures.map { failure in
                        let refusal = call.refusal(failure.reason)
                        return Wire.AclBindingBatchFailure(
                            bindId: failure.id, errorCode: refusal.code.rawValue, errorMsg: refusal.message)
                    })
            }
        }
        on(.listAclPolicyBindedToApiV2) { call -> Wire.ListAclPolicyBindedToApiV2Response in
            let filter = BoundAccessPolicyFilter(
                policyID: try call.filterID("acl_id"), policyName: try call.filterName("acl_name"),
                environmentID: try call.filterID("env_id"), environmentName: try call.filterName("env_name"))
            let list = try await plane.accessPolicies(
                call.call, boundTo: try call.queryID("api_id"), filter, page: call.page)
            return Wire.ListAclPolicyBindedToApiV2Response(
                size: list.items.count, total: list.total, acls: list.items.map(AccessPolicyMapping.boundPolicy))
        }
        on(.listApisBindedToAclPolicyV2) { call -> Wire.ListApisBindedToAclPolicyV2Response in
            let list = try await plane.apis(
                call.call, boundToAccessPolicy: try call.queryID("acl_id"), try call.publicationFilter(), page: call.page)
            return Wire.ListApisBindedToAclPolicyV2Response(
                size: list.items.count, total: list.total, apis: list.items.map(AccessPolicyMapping.boundAPI))
        }
        on(.listApisUnbindedToAclPolicyV2) { call -> Wire.ListApisUnbindedToAclPolicyV2Response in
            let list = try await plane.apis(
                call.call, notBoundToAccessPolicy: try call.queryID("acl_id"), try call.publicationFilter(), page: call.page)
            return Wire.ListApisUnbindedToAclPolicyV2Response(
                size: list.items.count, total: list.total, apis: list.items.map(AccessPolicyMapping.bindableAPI))
        }
    }
}
