import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// APIs and their tags (management-api.md, 3.8 and 3.9).
    public mutating func addAPIs(_ plane: ControlPlane) {
        let answers = APIAnswers(groupHostSuffix: plane.settings.groupHostSuffix)
        on(.createApiV2, body: Wire.ApiCreate.self) { call -> Written<APIAnswer> in
            try await plane.createAPI(call.call, APIMapping.definition(call.body)).map { answers.details($0, .created) }
        }
        on(.updateApiV2, body: Wire.ApiCreate.self) { call -> Written<APIAnswer> in
            let definition = try APIMapping.definition(call.body)
            return try await plane.updateAPI(call.call, id: call.id("api_id"), definition).map { answers.details($0, .updated) }
        }
        on(.deleteApiV2) { call -> Written<Void> in
            try await plane.deleteAPI(call.call, id: call.id("api_id"))
        }
        on(.showDetailsOfApiV2) { call -> APIAnswer in
            answers.details(try await plane.api(call.call, id: call.id("api_id")), .read)
        }
        on(.listApisV2) { call -> APIListAnswer in
            let list = try await plane.apis(call.call, try Self.filter(call), page: call.page)
            return APIListAnswer(size: list.items.count, total: list.total, apis: list.items.map { answers.element($0) })
        }
        on(.checkApisV2, body: Wire.ApiCheckInfoV2.self) { call -> Void in try await Self.check(call, plane) }
        on(.listTagsV2) { call -> Wire.ListTagsV2Response in
            let list = try await plane.tags(call.call, page: call.page)
            return Wire.ListTagsV2Response(size: list.items.count, total: list.total, tags: list.items)
        }
    }

    private static func filter(_ call: OperationCall<NoBody>) throws -> APIFilter {
        var filter = APIFilter()
        filter.id = try call.filterID("id")
        filter.name = try call.filterName("name")
        filter.namePrecisely = call.query.isPrecise("name")
        filter.groupID = try call.filterID("group_id")
        filter.reqProtocol = call.query.text("req_protocol")
        filter.reqMethod = call.query.text("req_method")
        filter.reqURI = call.query.text("req_uri")
        filter.reqURIPrecisely = call.query.isPrecise("req_uri")
        filter.authType = call.query.text("auth_type")
        filter.environmentID = try call.filterID("env_id")
        filter.type = call.query.integer("type")
        filter.romaAppID = try call.filterID("roma_app_id")
        filter.channelID = try call.filterID("vpc_channel_id")
        filter.channelName = try call.filterName("vpc_channel_name")
        filter.channelNamePrecisely = call.query.isPrecise("vpc_channel_name")
        filter.romaAppName = try call.filterName("roma_app_name")
        return filter
    }

    private static func check(_ call: OperationCall<Wire.ApiCheckInfoV2>, _ plane: ControlPlane) async throws {
        let wire = call.body
        if let application = APIMapping.text(wire.romaAppId) { try await plane.checkApplication(call.call, id: application) }
        let group = APIMapping.text(wire.groupId)
        let own = APIMapping.text(wire.apiId)
        if wire.type == "name" {
            let name = try APIMapping.given(APIMapping.text(wire.name), "name")
            return try await plane.checkAPIName(call.call, name: name, groupID: group, besides: own)
        }
        let method: HTTPMethod = try APIMapping.word(wire.reqMethod, "req_method")
        let mode: PathMatchMode =
            APIMapping.text(wire.matchMode) == nil ? .normal : try APIMapping.word(wire.matchMode, "match_mode")
        try await plane.checkAPIPath(
            call.call, method: method, path: try APIMapping.given(wire.reqUri, "req_uri"), matchMode: mode, groupID: group,
            besides: own)
    }
}
