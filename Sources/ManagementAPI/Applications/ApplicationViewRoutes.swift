import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import WireContract

extension OperationRoutes {
    /// Applications as service integration shows them, and as APIG's clients make them (management-api.md, 3.3).
    public mutating func addApplicationViews(_ plane: ControlPlane) {
        on(.listAppsV2) { call -> Wire.ListAppsV2Response in
            let list = try await plane.applications(call.call, try ApplicationViewMapping.filter(call), page: call.page)
            return Wire.ListAppsV2Response(
                size: list.items.count, total: list.total, apps: list.items.map(ApplicationViewMapping.element))
        }
        on(.showDetailsOfAppV2) { call -> Wire.ShowDetailsOfAppV2Response in
            ApplicationViewMapping.answer(try await plane.application(call.call, id: call.id("app_id")))
        }
        addApps(plane)
    }

    /// What only APIG's clients have: the same applications, made and changed there.
    private mutating func addApps(_ plane: ControlPlane) {
        on(.createAnAppV2, body: Wire.AppCreate.self) { call -> Written<Wire.AppDetails> in
            let draft = ApplicationDraft(
                name: call.body.name ?? "", remark: call.body.remark ?? "", key: call.body.appKey,
                secret: call.body.appSecret.map { Secret($0) }, origin: .apig)
            return try await plane.createApplication(call.call, draft).map { ApplicationViewMapping.details($0) }
        }
        on(.updateAppV2, body: Wire.AppChange.self) { call -> Written<Wire.AppDetails> in
            let change = ApplicationChange(
                name: call.body.name, remark: call.body.remark, key: call.body.appKey,
                secret: call.body.appSecret.map { Secret($0) })
            return try await plane.updateApplication(call.call, id: call.id("app_id"), change, origin: .apig).map {
                ApplicationViewMapping.details($0)
            }
        }
        on(.deleteAppV2) { call -> Written<Void> in
            try await plane.deleteApplication(call.call, id: call.id("app_id"))
        }
        on(.resettingAppSecretV2, body: Wire.AppSecretReset.self) { call -> Written<Wire.AppDetails> in
            try await plane.resetApplicationSecret(
                call.call, id: call.id("app_id"), secret: call.body.appSecret.map { Secret($0) }, origin: .apig
            ).map { ApplicationViewMapping.details($0) }
        }
        on(.checkAppV2) { call -> Wire.AppExistence in
            let found = try await plane.application(call.call, id: call.id("app_id")).application
            return Wire.AppExistence(id: found.id, name: found.name, remark: found.remark)
        }
    }
}

/// Between the service integration's shapes of applications and the model's. The secret is shown to those alone who may
/// change it.
enum ApplicationViewMapping {
    static func filter(_ call: OperationCall<NoBody>) throws -> ApplicationFilter {
        var filter = ApplicationFilter()
        filter.visibleOnly = true
        filter.favoritesFirst = false
        filter.id = try call.filterID("id")
        filter.name = try call.filterName("name")
        filter.namePrecisely = call.query.isPrecise("name")
        filter.key = call.query.text("app_key")
        // Every application is in force: status 1. There are none of another one.
        if let status = call.query.integer("status"), status != 1 { filter.matchesNothing = true }
        return filter
    }

    /// The kind of integration application; APIG's apps have none.
    static func romaType(_ origin: Application.Origin) -> String? { origin == .roma ? "integration" : nil }

    static func answer(_ view: ApplicationView) -> Wire.ShowDetailsOfAppV2Response {
        let application = view.application
        return Wire.ShowDetailsOfAppV2Response(
            id: application.id, name: application.name, remark: application.remark, creator: "USER",
            updateTime: application.updatedAt.inMicroseconds, appKey: application.key, appSecret: secret(view),
            registerTime: application.createdAt.inSeconds, status: 1, appType: application.origin.rawValue,
            romaAppType: romaType(application.origin))
    }

    /// After a write.
    static func details(_ view: ApplicationView) -> Wire.AppDetails { details(view.application, secret: secret(view)) }

    /// After a reset, which only those may do who may see the secret.
    static func details(_ application: Application) -> Wire.AppDetails {
        details(application, secret: application.secret.revealed)
    }

    private static func details(_ application: Application, secret: String) -> Wire.AppDetails {
        Wire.AppDetails(
            id: application.id, name: application.name, remark: application.remark, creator: "USER",
            updateTime: application.updatedAt.inNanoseconds, appKey: application.key, appSecret: secret,
            registerTime: application.createdAt.inNanoseconds, status: 1, appType: application.origin.rawValue,
            romaAppType: romaType(application.origin))
    }

    static func element(_ view: ApplicationView) -> Wire.AppInfoWithBindNum {
        let application = view.application
        return Wire.AppInfoWithBindNum(
            id: application.id, name: application.name, remark: application.remark, creator: "USER",
            updateTime: application.updatedAt.inMicroseconds, appKey: application.key, appSecret: secret(view),
            registerTime: application.createdAt.inSeconds, status: 1, appType: application.origin.rawValue,
            romaAppType: romaType(application.origin), bindNum: view.authorizedAPIs)
    }

    private static func secret(_ view: ApplicationView) -> String {
        view.showsSecret ? view.application.secret.revealed : view.application.secret.masked
    }
}
