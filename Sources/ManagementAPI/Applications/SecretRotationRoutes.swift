import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import WireContract

extension OperationRoutes {
    /// Replacing an application's secret without an outage.
    public mutating func addSecretRotation(_ plane: ControlPlane) {
        on(.rotateAppSecret, body: Wire.AppSecretRotation.self) { call -> Written<Wire.AppSecretRotated> in
            try await plane.rotateApplicationSecret(
                call.call, id: call.id("app_id"), secret: call.body.secret.map { Secret($0) },
                overlapSeconds: call.body.overlapSeconds ?? 0
            ).map { made in
                Wire.AppSecretRotated(
                    id: made.present.id, appId: made.owner.id, secret: made.owner.secret.revealed,
                    createTime: made.present.createdAt.inNanoseconds, oldId: made.retired?.id,
                    oldEndTime: made.retired?.endsAt.inNanoseconds)
            }
        }
        on(.listAppSecrets) { call -> Wire.AppSecretList in
            let states = try await plane.applicationSecrets(call.call, id: call.id("app_id"))
            return Wire.AppSecretList(
                total: states.count, size: states.count,
                secrets: states.map { state in
                    Wire.AppSecretState(
                        id: state.id, status: state.status,
                        createTime: state.createdAt.inSeconds, endTime: state.endsAt?.inMicroseconds,
                        useCount: Int(state.usage?.calls ?? 0), lastUseTime: state.usage?.lastAt.inMilliseconds,
                        lastUseAddress: state.usage?.lastBy)
                })
        }
        on(.endAppSecret) { call -> Written<Void> in
            try await plane.endApplicationSecret(call.call, id: call.id("app_id"), secretID: call.id("secret_id"))
        }
    }
}
