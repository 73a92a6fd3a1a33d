import ControlPlane
import GatewayModel
import GatewayPrimitives
import WireContract

/// Between the contract's shapes of applications and the model's. ROMA's own paths have times with milliseconds
/// (management-api.md, 1.7).
enum ApplicationMapping {
    static func filter(_ call: OperationCall<NoBody>) throws -> ApplicationFilter {
        var filter = ApplicationFilter()
        filter.visibleOnly = true
        filter.name = try call.filterName("name")
        filter.favorite = call.query.flag("favorite")
        filter.owned = call.query.flag("owner")
        filter.role = try WireWord.read(call.query.text("auth_role"), field: "auth_role")
        filter.userName = try call.filterName("user_name")
        return filter
    }

    static func draft(_ body: Wire.CreateAppReq) -> ApplicationDraft {
        ApplicationDraft(
            name: body.name ?? "", remark: body.remark ?? "", key: body.key, secret: body.secret.map { Secret($0) },
            favorite: body.favorite ?? false)
    }

    static func answer(_ view: ApplicationView) -> Wire.CreateRomaAppResponse {
        let application = view.application
        return Wire.CreateRomaAppResponse(
            id: application.id, name: application.name, remark: application.remark, roles: view.roles.map(\.rawValue),
            createTime: application.createdAt.inMilliseconds, updateTime: application.updatedAt.inMilliseconds,
            createdUser: Wire.ServerAppInfoCreatedUser(userId: application.owner.id, userName: application.owner.name),
            lastUpdatedUser: Wire.ServerAppInfoLastUpdatedUser(
                userId: application.updatedBy.id, userName: application.updatedBy.name),
            owner: view.isOwner, key: application.key, favorite: view.isFavorite)
    }

    static func element(_ view: ApplicationView) -> Wire.ServerAppInfo {
        let application = view.application
        return Wire.ServerAppInfo(
            id: application.id, name: application.name, remark: application.remark, roles: view.roles.map(\.rawValue),
            createTime: application.createdAt.inMilliseconds, updateTime: application.updatedAt.inMilliseconds,
            createdUser: Wire.ServerAppInfoCreatedUser(userId: application.owner.id, userName: application.owner.name),
            lastUpdatedUser: Wire.ServerAppInfoLastUpdatedUser(
                userId: application.updatedBy.id, userName: application.updatedBy.name),
            owner: view.isOwner, key: application.key, favorite: view.isFavorite)
    }

    static func secret(_ application: Application) -> Wire.CheckRomaAppSecretResponse {
        Wire.CheckRomaAppSecretResponse(id: application.id, secret: application.secret.revealed)
    }

    /// - Throws: field `roles` for a word that is no role.
    static func roles(_ body: Wire.AddUserToApp) throws -> [(userID: String, roles: [ApplicationRole])] {
        try (body.users ?? []).map { user in
            guard let id = user.id, !id.isEmpty else { throw OperationError.missing(field: "id") }
            let roles: [ApplicationRole] = try (user.roles?.words ?? []).map { word in
                guard let role = ApplicationRole(rawValue: word) else { throw OperationError.invalid(field: "roles") }
                return role
            }
            return (id, roles)
        }
    }

    static func members(_ membership: ApplicationMembership) -> Wire.CheckAuthUsersOfAppResponse {
        Wire.CheckAuthUsersOfAppResponse(
            total: membership.members.count, id: membership.application.id,
            users: membership.members.map {
                Wire.AppUsersUsers(id: $0.user.id, name: $0.user.name, roles: $0.roles.map(\.rawValue))
            })
    }
}
