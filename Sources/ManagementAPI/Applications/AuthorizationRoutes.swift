import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import WireContract

extension OperationRoutes {
    /// Who may call which API (management-api.md, 3.16).
    public mutating func addAuthorizations(_ plane: ControlPlane) {
        on(.createAuthorizingAppsV2, body: Wire.ApiAuthCreate.self) { call -> Written<Wire.CreateAuthorizingAppsV2Response> in
            try await plane.authorize(call.call, AuthorizationMapping.request(call.body)).map { outcomes in
                Wire.CreateAuthorizingAppsV2Response(
                    auths: outcomes.map { outcome in AuthorizationMapping.outcome(outcome) { call.refusal($0) } })
            }
        }
        on(.cancelingAuthorizationV2) { call -> Written<Void> in
            try await plane.cancelAuthorization(call.call, id: call.id("app_auth_id"))
        }
        on(.listApisBindedToAppV2) { call -> Wire.ListApisBindedToAppV2Response in
            var filter = try AuthorizationMapping.filter(call)
            filter.applicationID = try call.queryID("app_id")
            let list = try await plane.authorizations(call.call, filter, page: call.page)
            return Wire.ListApisBindedToAppV2Response(
                size: list.items.count, total: list.total, auths: list.items.map(AuthorizationMapping.element))
        }
        on(.listAppsBindedToApiV2) { call -> Wire.ListAppsBindedToApiV2Response in
            var filter = AuthorizationFilter()
            filter.apiID = try call.queryID("api_id")
            filter.applicationID = try call.filterID("app_id")
            filter.applicationName = try call.filterName("app_name")
            filter.environmentID = try call.filterID("env_id")
            let list = try await plane.authorizations(call.call, filter, page: call.page)
            return Wire.ListAppsBindedToApiV2Response(
                size: list.items.count, total: list.total, auths: list.items.map(AuthorizationMapping.element))
        }
        on(.listApisUnbindedToAppV2) { call -> Wire.ListApisUnbindedToAppV2Response in
            let list = try await plane.apis(
                call.call, notAuthorizedFor: try call.queryID("app_id"), environmentID: try call.queryID("env_id"),
                try AuthorizationMapping.filter(call), page: call.page)
            return Wire.ListApisUnbindedToAppV2Response(
                size: list.items.count, total: list.total, apis: list.items.map(AuthorizationMapping.outline))
        }
        on(.listDuplicateApisForAppV2) { call -> Wire.ListDuplicateApisForAppV2Response in
            let claims = try await plane.repeatedClaims(call.call, applicationID: try call.queryID("app_id"))
            return Wire.ListDuplicateApisForAppV2Response(
                size: claims.count, total: claims.count, apis: claims.map(AuthorizationMapping.claim))
        }
    }
}

/// Between the contract's shapes of authorisations and the model's.
enum AuthorizationMapping {
    /// - Throws: field `auth_tunnel`, `auth_whitelist` or `auth_blacklist`: calls without credentials need feature
    ///   green_tunnel, which this gateway does not offer.
    static func request(_ body: Wire.ApiAuthCreate) throws -> AuthorizationRequest {
        guard body.authTunnel.map({ $0.isEmpty || $0 == "NORMAL" }) != false else {
            throw OperationError.invalid(field: "auth_tunnel")
        }
        if body.authWhitelist?.isEmpty == false { throw OperationError.invalid(field: "auth_whitelist") }
        if body.authBlacklist?.isEmpty == false { throw OperationError.invalid(field: "auth_blacklist") }
        return AuthorizationRequest(
            environmentID: body.envId ?? "", applicationIDs: body.appIds ?? [], apiIDs: body.apiIds ?? [],
            visits: (body.visitParams ?? []).map {
                AuthorizationRequest.Visit(
                    apiID: $0.apiId ?? "", applicationID: $0.appId.flatMap { $0.isEmpty ? nil : $0 },
                    parameters: $0.visitParam ?? "")
            })
    }

    /// - Parameter refusal: code and text of an error.
    static func outcome(_ outcome: AuthorizationOutcome, _ refusal: (OperationError) -> Refusal) -> Wire.ApiAuthRelations {
        func relation(_ authorization: AppAuthorization, time: String, _ result: Wire.AuthResult) -> Wire.ApiAuthRelations {
            Wire.ApiAuthRelations(
                apiId: outcome.apiID, authResult: result, authTime: time, id: authorization.id, appId: outcome.applicationID,
                authRole: "PROVIDER", authTunnel: "NORMAL", authWhitelist: [], authBlacklist: [],
                visitParams: authorization.visitParameters)
        }
        func result(_ status: String, _ reason: Refusal?) -> Wire.AuthResult {
            Wire.AuthResult(
                status: status, errorMsg: reason?.message, errorCode: reason?.code.rawValue, apiName: outcome.apiName,
                appName: outcome.applicationName)
        }
        switch outcome.result {
        case .granted(let made): return relation(made, time: made.authorizedAt.inNanoseconds, result("SUCCESS", nil))
        case .present(let old):
            let reason = refusal(.taken(.appAuthorization, name: old.id))
            return relation(old, time: old.authorizedAt.inSeconds, result("SKIPPED", reason))
        case .refused(let error):
            return Wire.ApiAuthRelations(
                apiId: outcome.apiID, authResult: result("FAILED", refusal(error)), appId: outcome.applicationID)
        }
    }

    static func filter(_ call: OperationCall<NoBody>) throws -> AuthorizationFilter {
        var filter = AuthorizationFilter()
        filter.apiID = try call.filterID("api_id")
        filter.apiName = try call.filterName("api_name")
        filter.groupID = try call.filterID("group_id")
        filter.groupName = try call.filterName("group_name")
        filter.environmentID = try call.filterID("env_id")
        return filter
    }

    static func element(_ view: AuthorizationView) -> Wire.ApiAuthInfo {
        let authorization = view.authorization
        return Wire.ApiAuthInfo(
            id: authorization.id, apiId: view.api.id, apiName: view.api.name, groupName: view.api.groupName,
            apiType: view.api.type, apiRemark: view.api.remark, envId: authorization.environmentID, authRole: "PROVIDER",
            authTime: authorization.authorizedAt.inSeconds, appName: view.applicationName,
            appRemark: view.applicationRemark, appType: view.applicationOrigin.rawValue, appCreator: "USER",
            publishId: view.publicationID, groupId: view.api.groupID, authTunnel: "NORMAL", authWhitelist: [],
            authBlacklist: [], visitParam: authorization.visitParameters,
            romaAppType: ApplicationViewMapping.romaType(view.applicationOrigin), envName: view.environmentName,
            appId: authorization.applicationID)
    }

    static func outline(_ view: AuthorizableView) -> Wire.ApiOutline {
        Wire.ApiOutline(
            authType: view.api.authType, runEnvName: view.publication?.environmentName ?? "", groupName: view.api.groupName,
            publishId: view.publication?.id ?? "", groupId: view.api.groupID, name: view.api.name, remark: view.api.remark,
            runEnvId: view.publication?.environmentID ?? "", id: view.api.id, reqUri: view.api.uri)
    }

    static func claim(_ claim: RepeatedClaim) -> Wire.ApiDuplicationInfo {
        Wire.ApiDuplicationInfo(
            reqMethod: claim.method, reqUri: claim.uri, matchMode: claim.matchMode,
            duplicatedApis: claim.members.map { member in
                Wire.DuplicateApiInfo(
                    apiId: member.api.id, apiName: member.api.name, groupName: member.api.groupName,
                    groupId: member.api.groupID, remark: member.api.remark,
                    apiType: member.isOwn ? "self-owned" : "authorized")
            })
    }
}
