import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import WireContract

extension OperationRoutes {
    /// Signature keys and their bindings (management-api.md, 3.11).
    public mutating func addSignatureKeys(_ plane: ControlPlane) {
        on(.createSignatureKeyV2, body: Wire.BaseSignature.self) { call -> Written<Wire.CreateSignatureKeyV2Response> in
            try await plane.createSignatureKey(call.call, SignatureKeyMapping.draft(call.body)).map {
                SignatureKeyMapping.answer($0, secret: $0.secret.revealed, createTime: $0.createdAt.inNanoseconds)
            }
        }
        on(.updateSignatureKeyV2, body: Wire.BaseSignature.self) { call -> Written<Wire.UpdateSignatureKeyV2Response> in
            let draft = try SignatureKeyMapping.draft(call.body)
            return try await plane.updateSignatureKey(call.call, id: call.id("sign_id"), draft).map {
                SignatureKeyMapping.answer($0, secret: $0.secret.masked, createTime: $0.createdAt.inSeconds)
            }
        }
        on(.deleteSignatureKeyV2) { call -> Written<Void> in
            try await plane.deleteSignatureKey(call.call, id: call.id("sign_id"))
        }
        on(.listSignatureKeysV2) { call -> Wire.ListSignatureKeysV2Response in
            let filter = SignatureKeyFilter(
                id: try call.filterID("id"), name: try call.filterName("name"), namePrecisely: call.query.isPrecise("name"))
            let list = try await plane.signatureKeys(call.call, filter, page: call.page)
            return Wire.ListSignatureKeysV2Response(
                size: list.items.count, total: list.total, signs: list.items.map { SignatureKeyMapping.element($0, secret: call.shown($0.key.secret)) })
        }
        addSignatureBindings(plane)
    }

    private mutating func addSignatureBindings(_ plane: ControlPlane) {
        on(.associateSignatureKeyV2, body: Wire.SignApiBinding.self) { call -> Written<Wire.AssociateSignatureKeyV2Response> in
            try await plane.bindSignatureKey(
                call.call, id: call.body.signId ?? "", publicationIDs: call.body.publishIds ?? []
            ).map { bound in
                Wire.AssociateSignatureKeyV2Response(
                    bindings: bound.map {
                        SignatureKeyMapping.binding($0, secret: $0.key.secret.masked, time: $0.binding.boundAt.inNanoseconds)
                    })
            }
        }
        on(.disassociateSignatureKeyV2) { call -> Written<Void> in
            try await plane.unbindSignatureKey(call.call, bindingID: call.id("sign_bindings_id"))
        }
        on(.listSignatureKeysBindedToApiV2) { call -> Wire.ListSignatureKeysBindedToApiV2Response in
            let list = try await plane.signatureKeys(
                call.call, boundTo: try call.queryID("api_id"), keyID: try call.filterID("sign_id"),
                keyName: try call.filterName("sign_name"), environmentID: try call.filterID("env_id"), page: call.page)
            return Wire.ListSignatureKeysBindedToApiV2Response(
                size: list.items.count, total: list.total,
                // The page shows the secret in the clear here, and nowhere else after its creation but in the list of keys;
                // to readers it is masked in both.
                bindings: list.items.map {
                    SignatureKeyMapping.binding($0, secret: call.shown($0.key.secret), time: $0.binding.boundAt.inSeconds)
                })
        }
        on(.listApisBindedToSignatureKeyV2) { call -> Wire.ListApisBindedToSignatureKeyV2Response in
            let list = try await plane.apis(
                call.call, boundToSignatureKey: try call.queryID("sign_id"), try call.publicationFilter(), page: call.page)
            return Wire.ListApisBindedToSignatureKeyV2Response(
                size: list.items.count, total: list.total, bindings: list.items.map(SignatureKeyMapping.boundAPI))
        }
        on(.listApisNotBoundWithSignatureKeyV2) { call -> Wire.ListApisNotBoundWithSignatureKeyV2Response in
            let list = try await plane.apis(
                call.call, notBoundToSignatureKey: try call.queryID("sign_id"), try call.publicationFilter(), page: call.page)
            return Wire.ListApisNotBoundWithSignatureKeyV2Response(
                size: list.items.count, total: list.total, apis: list.items.map(SignatureKeyMapping.bindableAPI))
        }
    }
}
