import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import WireContract

extension OperationRoutes {
    /// Replacing AppCodes and signature keys without an outage.
    public mutating func addCredentialRotation(_ plane: ControlPlane) {
        on(.rotateAppCode, body: Wire.AppCodeRotation.self) { call -> Written<Wire.AppCodeRotated> in
            try await plane.rotateAppCode(
                call.call, appID: call.id("app_id"), id: call.id("app_code_id"), code: call.body.appCode.map { Secret($0) },
                overlapSeconds: call.body.overlapSeconds ?? 0
            ).map { made in
                Wire.AppCodeRotated(
                    id: made.present.id, appId: made.owner.code.applicationID, appCodeId: made.owner.code.id,
                    appCode: AppCodeMapping.text(made.owner, call.head), createTime: made.present.createdAt.inNanoseconds,
                    oldId: made.retired?.id, oldEndTime: made.retired?.endsAt.inNanoseconds)
            }
        }
        on(.listAppCodeSecrets) { call -> Wire.AppCodeSecretList in
            let states = try await plane.appCodeSecrets(call.call, appID: call.id("app_id"), id: call.id("app_code_id"))
            return Wire.AppCodeSecretList(
                total: states.count, size: states.count,
                secrets: states.map { state in
                    Wire.AppCodeSecretState(
                        id: state.id, status: state.status, createTime: state.createdAt.inSeconds,
                        endTime: state.endsAt?.inMicroseconds, useCount: Int(state.usage?.calls ?? 0),
                        lastUseTime: state.usage?.lastAt.inMilliseconds, lastUseAddress: state.usage?.lastBy)
                })
        }
        on(.endAppCodeSecret) { call -> Written<Void> in
            try await plane.endAppCodeSecret(
                call.call, appID: call.id("app_id"), id: call.id("app_code_id"), secretID: call.id("secret_id"))
        }
        addSignatureKeyRotation(plane)
    }

    private mutating func addSignatureKeyRotation(_ plane: ControlPlane) {
        on(.rotateSignatureKey, body: Wire.SignatureKeyRotation.self) { call -> Written<Wire.SignatureKeyRotated> in
            let replacement = SignatureKeyReplacement(
                key: call.body.signKey, secret: call.body.signSecret.map { Secret($0) },
                overlapSeconds: call.body.overlapSeconds ?? 0, switchAfterSeconds: call.body.switchAfterSeconds)
            return try await plane.rotateSignatureKey(call.call, id: call.id("sign_id"), replacement).map { made in
                Wire.SignatureKeyRotated(
                    id: made.present.id, signId: made.owner.id, signKey: made.owner.key, signSecret: made.owner.secret.revealed,
                    createTime: made.present.createdAt.inNanoseconds,
                    switchTime: (made.retired?.signsUntil ?? made.present.createdAt).inNanoseconds, oldId: made.retired?.id,
                    oldEndTime: made.retired?.endsAt.inNanoseconds)
            }
        }
        on(.listSignatureKeySecrets) { call -> Wire.SignatureKeySecretList in
            let states = try await plane.signatureKeySecrets(call.call, id: call.id("sign_id"))
            return Wire.SignatureKeySecretList(
                total: states.count, size: states.count,
                secrets: states.map { state in
                    Wire.SignatureKeySecretState(
                        id: state.id, status: state.status, signing: state.isSigning, signKey: state.accessKey,
                        createTime: state.createdAt.inSeconds, signsUntil: state.signsUntil?.inMicroseconds,
                        endTime: state.endsAt?.inMicroseconds, useCount: Int(state.usage?.calls ?? 0),
                        lastUseTime: state.usage?.lastAt.inMilliseconds, lastUseApiId: state.usage?.lastBy)
                })
        }
        on(.endSignatureKeySecret) { call -> Written<Void> in
            try await plane.endSignatureKeySecret(call.call, id: call.id("sign_id"), secretID: call.id("secret_id"))
        }
    }
}

extension SecretState {
    var status: String { endsAt == nil ? "present" : "ending" }
}
