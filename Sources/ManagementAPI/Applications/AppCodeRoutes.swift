import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import WireContract

extension OperationRoutes {
    /// Codes, access lists and configurations of applications (management-api.md, 3.17).
    public mutating func addAppCodes(_ plane: ControlPlane) {
        on(.createAppCodeV2, body: Wire.AppCodeCreate.self) { call -> Written<Wire.CreateAppCodeV2Response> in
            try await plane.createAppCode(
                call.call, appID: call.id("app_id"), code: Secret(call.body.appCode ?? "")
            ).map { AppCodeMapping.answer($0, call.head, time: $0.code.createdAt.inNanoseconds) }
        }
        on(.createAppCodeAutoV2) { call -> Written<Wire.CreateAppCodeAutoV2Response> in
            try await plane.createAppCode(call.call, appID: call.id("app_id"), code: nil).map {
                AppCodeMapping.answer($0, call.head, time: $0.code.createdAt.inNanoseconds)
            }
        }
        on(.deleteAppCodeV2) { call -> Written<Void> in
            try await plane.deleteAppCode(call.call, appID: call.id("app_id"), id: call.id("app_code_id"))
        }
        on(.showDetailsOfAppCodeV2) { call -> Wire.ShowDetailsOfAppCodeV2Response in
            let code = try await plane.appCode(call.call, appID: call.id("app_id"), id: call.id("app_code_id"))
            return AppCodeMapping.answer(code, call.head, time: code.code.createdAt.inSeconds)
        }
        on(.listAppCodesV2) { call -> Wire.ListAppCodesV2Response in
            let list = try await plane.appCodes(call.call, appID: call.id("app_id"), page: call.page)
            return Wire.ListAppCodesV2Response(
                size: list.items.count, total: list.total, appCodes: list.items.map { AppCodeMapping.element($0, call.head) })
        }
        addAppAccessLists(plane)
        addAppConfigs(plane)
    }

    private mutating func addAppAccessLists(_ plane: ControlPlane) {
        on(.updateAppAcl, body: Wire.AppAclCreate.self) { call -> Written<Wire.UpdateAppAclResponse> in
            let kind: AppAccessList.Kind = try WireWord.need(call.body.appAclType, field: "app_acl_type")
            return try await plane.setAppAccessList(
                call.call, appID: call.id("app_id"), kind: kind, addresses: call.body.appAclValues ?? []
            ).map(AppCodeMapping.answer)
        }
        on(.deleteAppAcl) { call -> Written<Void> in
            try await plane.deleteAppAccessList(call.call, appID: call.id("app_id"))
        }
        on(.showDetailsOfAppAcl) { call -> Wire.ShowDetailsOfAppAclResponse in
            let id = call.id("app_id")
            let list = try await plane.appAccessList(call.call, appID: id)
            return list.map(AppCodeMapping.answer) ?? Wire.ShowDetailsOfAppAclResponse(appId: id)
        }
    }

    private mutating func addAppConfigs(_ plane: ControlPlane) {
        on(.createAppConfigV2, body: Wire.AppConfigCreateRequestV2.self) { call -> Written<Wire.CreateAppConfigV2Response> in
            guard let name = call.body.configName else { throw OperationError.missing(field: "config_name") }
            return try await plane.createAppConfig(
                call.call, appID: call.id("app_id"), kind: try WireWord.need(call.body.configType, field: "config_type"),
                name: name, value: Secret(call.body.configValue ?? ""), description: call.body.description ?? ""
            ).map { AppCodeMapping.answer($0, call.head, time: $0.updatedAt.inNanoseconds) }
        }
        on(.updateAppConfigV2, body: Wire.AppConfigModifyRequestV2.self) { call -> Written<Wire.UpdateAppConfigV2Response> in
            try await plane.updateAppConfig(
                call.call, appID: call.id("app_id"), id: call.id("app_config_id"),
                kind: try WireWord.read(call.body.configType, field: "config_type"), value: call.body.configValue.map { Secret($0) },
                description: call.body.description
            ).map { AppCodeMapping.answer($0, call.head, time: $0.updatedAt.inNanoseconds) }
        }
        on(.deleteAppConfigV2) { call -> Written<Void> in
            try await plane.deleteAppConfig(call.call, appID: call.id("app_id"), id: call.id("app_config_id"))
        }
        on(.showDetailsOfAppConfigV2) { call -> Wire.ShowDetailsOfAppConfigV2Response in
            let config = try await plane.appConfig(call.call, appID: call.id("app_id"), id: call.id("app_config_id"))
            return AppCodeMapping.answer(config, call.head, time: config.updatedAt.inMicroseconds)
        }
        on(.listAppConfigsV2) { call -> Wire.ListAppConfigsV2Response in
            let filter = AppConfigFilter(
                applicationID: try call.filterID("app_id"), name: try call.filterName("config_name"),
                applicationName: try call.filterName("roma_app_name"))
            let list = try await plane.appConfigs(call.call, filter, page: call.page)
            return Wire.ListAppConfigsV2Response(
                size: list.items.count, total: list.total, configs: list.items.map { AppCodeMapping.element($0, call.head) })
        }
    }
}

/// Between the contract's shapes and the model's.
enum AppCodeMapping {
    static func text(_ listed: ListedAppCode, _ head: CallHead) -> String {
        let code = listed.code.code.revealed
        guard !listed.isShown || !head.caller.role.seesSecrets else { return code }
        // The contract's pattern knows no asterisks, and its shortest code has 64 characters.
        return code.prefix(3) + String(repeating: "-", count: 58) + code.suffix(3)
    }

    static func answer(_ listed: ListedAppCode, _ head: CallHead, time: String) -> Wire.CreateAppCodeV2Response {
        Wire.CreateAppCodeV2Response(
            appCode: text(listed, head), id: listed.code.id, appId: listed.code.applicationID, createTime: time)
    }

    static func element(_ listed: ListedAppCode, _ head: CallHead) -> Wire.AppCodeBaseInfo {
        Wire.AppCodeBaseInfo(
            appCode: text(listed, head), id: listed.code.id, appId: listed.code.applicationID,
            createTime: listed.code.createdAt.inSeconds)
    }

    static func answer(_ list: AppAccessList) -> Wire.ShowDetailsOfAppAclResponse {
        Wire.ShowDetailsOfAppAclResponse(
            appId: list.applicationID, appAclType: list.kind.rawValue, appAclValues: list.addresses)
    }

    /// Values of passwords and certificates are never answered (management-api.md, 3.17).
    private static func value(_ config: AppConfig, _ head: CallHead) -> String {
        config.kind == .variable ? head.shown(config.value) : ""
    }

    static func answer(_ config: AppConfig, _ head: CallHead, time: String) -> Wire.CreateAppConfigV2Response {
        Wire.CreateAppConfigV2Response(
            id: config.id, appId: config.applicationID, configType: config.kind.rawValue, configName: config.name,
            configValue: value(config, head), updateTime: time, description: config.description)
    }

    static func element(_ config: AppConfig, _ head: CallHead) -> Wire.AppConfigInfoV2 {
        Wire.AppConfigInfoV2(
            id: config.id, appId: config.applicationID, configType: config.kind.rawValue, configName: config.name,
            configValue: value(config, head), updateTime: config.updatedAt.inMicroseconds, description: config.description)
    }
}
