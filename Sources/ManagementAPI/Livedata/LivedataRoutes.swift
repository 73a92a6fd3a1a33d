import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Live-data APIs (management-api.md, 3.24).
    public mutating func addLivedataAPIs(_ plane: ControlPlane) {
        on(.createLiveDataApiV2, body: Wire.LdApiCreate.self) { call -> Written<Wire.CreateLiveDataApiV2Response> in
            try await plane.createLivedataAPI(call.call, LivedataMapping.draft(call.body)).map(LivedataMapping.answer)
        }
        on(.updateLiveDataApiV2, body: Wire.LdApiCreate.self) { call -> Written<Wire.CreateLiveDataApiV2Response> in
            let change = try LivedataMapping.change(call.body)
            return try await plane.updateLivedataAPI(call.call, id: call.id("ld_api_id"), change).map(LivedataMapping.answer)
        }
        on(.deleteLiveDataApiV2) { call -> Written<Void> in
            try await plane.deleteLivedataAPI(call.call, id: call.id("ld_api_id"))
        }
        on(.showLiveDataApiV2) { call -> Wire.CreateLiveDataApiV2Response in
            LivedataMapping.answer(try await plane.livedataAPI(call.call, id: call.id("ld_api_id")))
        }
        on(.listLiveDataApiV2) { call -> Wire.ListLiveDataApiV2Response in
            var filter = LivedataFilter()
            filter.applicationID = try call.filterID("app_id")
            filter.applicationName = try call.filterName("app_name")
            filter.name = try call.filterName("name")
            filter.namePrecisely = call.query.isPrecise("name")
            filter.path = try call.filterName("path")
            filter.pathPrecisely = call.query.isPrecise("path")
            if let text = call.query.text("status") {
                guard let status = Int(text).flatMap(LivedataAPI.Status.init) else {
                    throw FieldErrorCodes.malformed(call.operation, parameter: "status")
                }
                filter.status = status
            }
            let list = try await plane.livedataAPIs(call.call, filter, page: call.page)
            return Wire.ListLiveDataApiV2Response(
                size: list.items.count, total: list.total, apis: list.items.map(LivedataMapping.element))
        }
        on(.checkLivedataApisV2, body: Wire.LdApiCheckInfo.self) { call -> Void in
            let body = call.body
            let application = body.romaAppId ?? ""
            switch body.type {
            case "path":
                guard let path = body.ldApiPath, !path.isEmpty else { throw OperationError.missing(field: "ld_api_path") }
                guard let method: LivedataAPI.Method = try WireWord.read(body.ldApiMethod, field: "ld_api_method") else {
                    throw OperationError.missing(field: "ld_api_method")
                }
                try await plane.checkLivedataPath(call.call, method: method, path: path, romaAppID: application)
            default:
                guard let name = body.ldApiName, !name.isEmpty else { throw OperationError.missing(field: "ld_api_name") }
                try await plane.checkLivedataName(call.call, name: name, romaAppID: application)
            }
        }
        addLivedataLifeCycle(plane)
        addLivedataDocuments(plane)
    }

    private mutating func addLivedataLifeCycle(_ plane: ControlPlane) {
        on(.createLiveDataApiScriptV2, body: Wire.LdApiScriptCreate.self) { call -> Written<Wire.CreateLiveDataApiV2Response> in
            let scripts = try LivedataMapping.scripts(call.body)
            return try await plane.setLivedataScripts(call.call, id: call.id("ld_api_id"), scripts).map(LivedataMapping.answer)
        }
        on(.publishLiveDataApiV2, body: Wire.LdApiDeploy.self) { call -> Written<Wire.PublishLiveDataApiV2Response> in
            let id = call.id("ld_api_id")
            let draft = try LivedataMapping.deployment(call.body, of: id)
            return try await plane.deployLivedataAPI(call.call, id: id, draft).map(LivedataMapping.deployed)
        }
        on(.unpublishLiveDataApiV2) { call -> Written<Void> in
            try await plane.undeployLivedataAPI(call.call, id: call.id("ld_api_id"))
        }
        on(.listLiveDataApiDeploymentHistoryV2) { call -> Wire.ListLiveDataApiDeploymentHistoryV2Response in
            let list = try await plane.livedataDeployments(call.call, id: call.id("ld_api_id"))
            return Wire.ListLiveDataApiDeploymentHistoryV2Response(
                size: list.count, total: list.count, histories: list.map(LivedataMapping.history))
        }
        on(.debugLiveDataApiV2, body: Wire.LdApiTest.self) { call -> Written<Wire.DebugLiveDataApiV2Response> in
            let values = try (call.body.parameters ?? []).map(LivedataMapping.parameter)
            return try await plane.testLivedataAPI(call.call, id: call.id("ld_api_id"), values).map(LivedataMapping.tested)
        }
        on(.listLiveDataApiTestHistoryV2) { call -> Wire.ListLiveDataApiTestHistoryV2Response in
            let list = try await plane.livedataTests(call.call, id: call.id("ld_api_id"), page: call.page)
            return Wire.ListLiveDataApiTestHistoryV2Response(
                size: list.items.count, total: list.total, histories: list.items.map(LivedataMapping.test))
        }
        let quotas = plane.settings.quotas
        on(.listLiveDataQuotaV2) { call -> Wire.ListLiveDataQuotaV2Response in
            let used = try await plane.livedataCount(call.call)
            // No operation makes a data source, so that there is room for none.
            return Wire.ListLiveDataQuotaV2Response(
                datasource: "0", api: String(quotas.livedataAPIs), scripts: String(quotas.scriptsPerLivedataAPI),
                datasourceUsed: "0", apiUsed: String(used))
        }
        on(.listLiveDataDataSourcesV2) { call -> Wire.ListLiveDataDataSourcesV2Response in
            try await plane.checkLivedataOwner(call.call, romaAppID: try call.queryID("app_id"))
            _ = try call.filterName("name")
            return Wire.ListLiveDataDataSourcesV2Response(size: 0, total: 0, dataSources: [])
        }
    }
}
