import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import WireContract

extension OperationRoutes {
    /// Integration applications, their members and everything that hangs on them (management-api.md, 3.3 and 3.16 to 3.18).
    public mutating func addApplications(_ plane: ControlPlane) {
        on(.createRomaApp, body: Wire.CreateAppReq.self) { call -> Written<Wire.CreateRomaAppResponse> in
            try await plane.createApplication(call.call, ApplicationMapping.draft(call.body)).map(ApplicationMapping.answer)
        }
        on(.updateRomaApp, body: Wire.UpdateAppReq.self) { call -> Written<Wire.UpdateRomaAppResponse> in
            let change = ApplicationChange(name: call.body.name, remark: call.body.remark, favorite: call.body.favorite)
            return try await plane.updateApplication(call.call, id: call.id("app_id"), change).map(ApplicationMapping.answer)
        }
        on(.deleteRomaApp) { call -> Written<Void> in
            try await plane.deleteApplication(call.call, id: call.id("app_id"))
        }
        on(.checkRomaAppDetails) { call -> Wire.CheckRomaAppDetailsResponse in
            ApplicationMapping.answer(try await plane.application(call.call, id: call.id("app_id")))
        }
        on(.listRomaApp) { call -> Wire.ListRomaAppResponse in
            let list = try await plane.applications(call.call, try ApplicationMapping.filter(call), page: call.page)
            return Wire.ListRomaAppResponse(
                total: list.total, size: list.items.count, apps: list.items.map(ApplicationMapping.element))
        }
        on(.validateRomaApp) { call -> Wire.ValidateRomaAppResponse in
            let found = try await plane.findApplication(
                call.call, name: call.query.text("name"), id: call.query.text("id"), key: call.query.text("key"))
            return Wire.ValidateRomaAppResponse(id: found.id, name: found.name, remark: found.remark)
        }
        addApplicationSecrets(plane)
        addApplicationMembers(plane)
    }

    private mutating func addApplicationSecrets(_ plane: ControlPlane) {
        on(.checkRomaAppSecret) { call -> Wire.CheckRomaAppSecretResponse in
            ApplicationMapping.secret(try await plane.applicationSecret(call.call, id: call.id("app_id")))
        }
        on(.resetRomaAppSecret, body: Wire.UpdateAppSecretReq.self) { call -> Written<Wire.ResetRomaAppSecretResponse> in
            try await plane.resetApplicationSecret(
                call.call, id: call.id("app_id"), secret: call.body.secret.map { Secret($0) }
            ).map(ApplicationMapping.secret)
        }
    }

    private mutating func addApplicationMembers(_ plane: ControlPlane) {
        on(.checkAuthUsersOfApp) { call -> Wire.CheckAuthUsersOfAppResponse in
            ApplicationMapping.members(
                try await plane.applicationMembers(
                    call.call, id: call.id("app_id"), userName: call.query.text("user_name")))
        }
        on(.addUserToApp, body: Wire.AddUserToApp.self) { call -> Written<Wire.AddUserToAppResponse> in
            try await plane.setApplicationMembers(
                call.call, id: call.id("app_id"), ApplicationMapping.roles(call.body)
            ).map(ApplicationMapping.members)
        }
        on(.checkCanAuthUsersOfApp) { call -> Wire.CheckCanAuthUsersOfAppResponse in
            let filter = call.query.text("filter")
            guard filter == nil || filter == "members" else {
                throw FieldErrorCodes.malformed(call.operation, parameter: "filter")
            }
            let users = try await plane.applicationCandidates(
                call.call, id: call.id("app_id"), withoutMembers: filter != nil)
            return Wire.CheckCanAuthUsersOfAppResponse(users: users.map { Wire.CandidatesUser(name: $0.name, id: $0.id) })
        }
    }
}
