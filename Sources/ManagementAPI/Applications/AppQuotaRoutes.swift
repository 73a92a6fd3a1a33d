import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Quotas of applications and what they count for (management-api.md, 3.18).
    public mutating func addAppQuotas(_ plane: ControlPlane) {
        on(.createAppQuota, body: Wire.AppQuotaCreate.self) { call -> Written<Wire.CreateAppQuotaResponse> in
            try await plane.createAppQuota(call.call, AppQuotaMapping.draft(call.body)).map {
                AppQuotaMapping.answer($0, time: $0.quota.createdAt.inNanoseconds)
            }
        }
        on(.updateAppQuota, body: Wire.AppQuotaCreate.self) { call -> Written<Wire.UpdateAppQuotaResponse> in
            let draft = try AppQuotaMapping.draft(call.body)
            return try await plane.updateAppQuota(call.call, id: call.id("app_quota_id"), draft).map {
                AppQuotaMapping.answer($0, time: $0.quota.createdAt.inSeconds)
            }
        }
        on(.deleteAppQuota) { call -> Written<Void> in
            try await plane.deleteAppQuota(call.call, id: call.id("app_quota_id"))
        }
        on(.showAppQuota) { call -> Wire.ShowAppQuotaResponse in
            let listed = try await plane.appQuota(call.call, id: call.id("app_quota_id"))
            return AppQuotaMapping.answer(listed, time: listed.quota.createdAt.inSeconds)
        }
        on(.listAppQuotas) { call -> Wire.ListAppQuotasResponse in
            let list = try await plane.appQuotas(call.call, name: try call.filterName("name"), page: call.page)
            return Wire.ListAppQuotasResponse(
                size: list.items.count, total: list.total, quotas: list.items.map(AppQuotaMapping.element))
        }
        on(.showAppBoundAppQuota) { call -> Wire.ShowAppBoundAppQuotaResponse in
            let listed = try await plane.appQuota(call.call, boundTo: call.id("app_id"))
            return AppQuotaMapping.answer(listed, time: listed.quota.createdAt.inSeconds)
        }
        addAppQuotaBindings(plane)
    }

    private mutating func addAppQuotaBindings(_ plane: ControlPlane) {
        on(.associateAppsForAppQuota, body: Wire.CreateAppQuotaBindingApp.self) {
            call -> Written<Wire.AssociateAppsForAppQuotaResponse> in
            try await plane.bindAppQuota(
                call.call, id: call.id("app_quota_id"), appIDs: call.body.appIds ?? []
            ).map { Wire.AssociateAppsForAppQuotaResponse(applies: $0.map(AppQuotaMapping.binding)) }
        }
        on(.disassociateAppQuotaWithApp) { call -> Written<Void> in
            try await plane.unbindAppQuota(call.call, id: call.id("app_quota_id"), appID: call.id("app_id"))
        }
        on(.listAppQuotaBoundApps) { call -> Wire.ListAppQuotaBoundAppsResponse in
            let list = try await plane.applications(
                call.call, boundToQuota: call.id("app_quota_id"), name: try call.filterName("app_name"), page: call.page)
            return Wire.ListAppQuotaBoundAppsResponse(
                size: list.items.count, total: list.total, apps: list.items.map(AppQuotaMapping.application))
        }
        on(.listAppQuotaBindableApps) { call -> Wire.ListAppQuotaBindableAppsResponse in
            let list = try await plane.applications(
                call.call, bindableToQuota: call.id("app_quota_id"), name: try call.filterName("app_name"), page: call.page)
            return Wire.ListAppQuotaBindableAppsResponse(
                size: list.items.count, total: list.total, apps: list.items.map(AppQuotaMapping.application))
        }
    }
}

/// Between the contract's shapes and the model's.
enum AppQuotaMapping {
    /// What a word of the contract is read as; one page of the vendor has it misspelled (management-api.md, 6.24).
    private static let misspelled = ["HOURE": "HOUR"]

    static func draft(_ body: Wire.AppQuotaCreate) throws -> AppQuotaDraft {
        let unit = body.timeUnit.map { misspelled[$0] ?? $0 }
        return AppQuotaDraft(
            name: body.name, callLimits: body.callLimits, unit: try WireWord.read(unit, field: "time_unit"),
            interval: body.timeInterval, resetTime: body.resetTime, remark: body.remark)
    }

    static func answer(_ listed: ListedAppQuota, time: String) -> Wire.CreateAppQuotaResponse {
        let quota = listed.quota
        return Wire.CreateAppQuotaResponse(
            appQuotaId: quota.id, name: quota.name, callLimits: quota.callLimits, timeUnit: quota.unit.rawValue,
            timeInterval: quota.interval, remark: quota.remark, resetTime: quota.resetTime?.text, createTime: time,
            boundAppNum: listed.boundApplications)
    }

    static func element(_ listed: ListedAppQuota) -> Wire.AppQuotaInfo {
        let quota = listed.quota
        return Wire.AppQuotaInfo(
            appQuotaId: quota.id, name: quota.name, callLimits: quota.callLimits, timeUnit: quota.unit.rawValue,
            timeInterval: quota.interval, remark: quota.remark, resetTime: quota.resetTime?.text,
            createTime: quota.createdAt.inSeconds, boundAppNum: listed.boundApplications)
    }

    static func binding(_ binding: AppQuotaBinding) -> Wire.AppQuotaAppBinding {
        Wire.AppQuotaAppBinding(
            appQuotaId: binding.quotaID, appId: binding.applicationID, boundTime: binding.boundAt.inNanoseconds)
    }

    /// Every application is in force.
    private static let valid = 1
    /// The time of what has not happened (management-api.md, 1.7).
    private static let never = "0001-01-01T00:00:00Z"

    static func application(_ listed: AppForQuota) -> Wire.AppQuotaAppInfo {
        let application = listed.application
        return Wire.AppQuotaAppInfo(
            appId: application.id, name: application.name, status: valid, appKey: application.key, remark: application.remark,
            registerTime: application.createdAt.inSeconds, updateTime: application.updatedAt.inMicroseconds,
            appQuotaId: listed.binding?.quotaID, appQuotaName: listed.quotaName,
            boundTime: listed.binding?.boundAt.inSeconds ?? never)
    }
}
