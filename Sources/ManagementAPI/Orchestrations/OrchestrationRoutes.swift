import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Orchestration rules, for APIG clients (gateway-runtime.md, 3.6).
    public mutating func addOrchestrations(_ plane: ControlPlane) {
        on(.createOrchestration, body: Wire.OrchestrationCreate.self) { call -> Written<Wire.OrchestrationResp> in
            try await plane.createOrchestration(call.call, OrchestrationMapping.draft(call.body)).map(OrchestrationMapping.answer)
        }
        on(.updateOrchestration, body: Wire.OrchestrationCreate.self) { call -> Written<Wire.OrchestrationResp> in
            let draft = try OrchestrationMapping.draft(call.body)
            return try await plane.updateOrchestration(call.call, id: call.id("orchestration_id"), draft)
                .map(OrchestrationMapping.answer)
        }
        on(.deleteOrchestration) { call -> Written<Void> in
            try await plane.deleteOrchestration(call.call, id: call.id("orchestration_id"))
        }
        on(.showDetailsOfOrchestration) { call -> Wire.OrchestrationResp in
            OrchestrationMapping.answer(try await plane.orchestration(call.call, id: call.id("orchestration_id")))
        }
        on(.listOrchestrations) { call -> Wire.ListOrchestrationsResponse in
            let ids = (call.query.text("orchestration_id") ?? "").split(separator: ",").map(String.init)
            guard ids.count <= plane.settings.quotas.orchestrationsPerAPI, ids.allSatisfy(ManagementResponder.isID) else {
                throw FieldErrorCodes.malformed(call.operation, parameter: "orchestration_id")
            }
            let filter = OrchestrationFilter(
                ids: ids, name: try call.filterName("orchestration_name"),
                namePrecisely: call.query.isPrecise("orchestration_name"))
            let list = try await plane.orchestrations(call.call, filter, page: call.page)
            return Wire.ListOrchestrationsResponse(
                size: list.items.count, total: list.total, orchestrations: list.items.map(OrchestrationMapping.element))
        }
        on(.listOrchestrationAttachedApis) { call -> Wire.ListOrchestrationAttachedApisResponse in
            let list = try await plane.apis(
                call.call, attachedToOrchestration: call.id("orchestration_id"), apiID: try call.filterID("api_id"),
                apiName: try call.filterName("api_name"), page: call.page)
            return Wire.ListOrchestrationAttachedApisResponse(
                size: list.items.count, total: list.total, apis: list.items.map(OrchestrationMapping.api))
        }
    }
}

enum OrchestrationMapping {
    static func draft(_ body: Wire.OrchestrationCreate) throws -> OrchestrationDraft {
        OrchestrationDraft(
            name: body.orchestrationName ?? "",
            strategy: try WireWord.need(body.orchestrationStrategy, field: "orchestration_strategy"),
            mapped: try body.orchestrationMappedParam.map { mapped in
                OrchestrationRule.MappedParameter(
                    name: mapped.mappedParamName ?? "",
                    kind: try WireWord.need(mapped.mappedParamType, field: "mapped_param_type"),
                    location: try WireWord.need(mapped.mappedParamLocation, field: "mapped_param_location"))
            },
            isPreprocessing: body.isPreprocessing ?? false, entries: try (body.orchestrationMap ?? []).map(entry))
    }

    private static func entry(_ wire: Wire.OrchestrationMap) throws -> OrchestrationRule.Entry {
        OrchestrationRule.Entry(
            list: wire.mapParamList, rangeStart: try number(wire.mapParamRange?.rangeStart, "range_start"),
            rangeEnd: try number(wire.mapParamRange?.rangeEnd, "range_end"),
            mappedValue: wire.mappedParamValue.flatMap { $0.isEmpty ? nil : $0 }, interceptLength: wire.interceptLength)
    }

    /// Bounds are texts on the wire: they use all 63 bits.
    private static func number(_ text: String?, _ field: String) throws -> Int64? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int64(text) else {
            throw OperationError.invalid(field: field)
        }
        return number
    }

    static func answer(_ rule: OrchestrationRule) -> Wire.OrchestrationResp {
        var wire = Wire.OrchestrationResp()
        wire.orchestrationId = rule.id
        wire.orchestrationName = rule.name
        wire.orchestrationStrategy = rule.strategy.rawValue
        wire.orchestrationMappedParam = mapped(rule)
        wire.isPreprocessing = rule.isPreprocessing
        wire.orchestrationMap = rule.entries.map { entry in
            Wire.OrchestrationMap(
                mapParamList: entry.list,
                mapParamRange: entry.rangeStart.map { start in
                    Wire.OrchestrationMapParamRange(rangeStart: String(start), rangeEnd: entry.rangeEnd.map { String($0) })
                },
                mappedParamValue: entry.mappedValue, interceptLength: entry.interceptLength)
        }
        wire.orchestrationCreateTime = rule.createdAt.inMilliseconds
        wire.orchestrationUpdateTime = rule.updatedAt.inMilliseconds
        return wire
    }

    static func element(_ rule: OrchestrationRule) -> Wire.OrchestrationBaseResp {
        var wire = Wire.OrchestrationBaseResp()
        wire.orchestrationId = rule.id
        wire.orchestrationName = rule.name
        wire.orchestrationStrategy = rule.strategy.rawValue
        wire.orchestrationMappedParam = mapped(rule)
        wire.isPreprocessing = rule.isPreprocessing
        wire.orchestrationCreateTime = rule.createdAt.inMilliseconds
        wire.orchestrationUpdateTime = rule.updatedAt.inMilliseconds
        return wire
    }

    private static func mapped(_ rule: OrchestrationRule) -> Wire.OrchestrationMappedParam? {
        rule.mapped.map {
            Wire.OrchestrationMappedParam(
                mappedParamName: $0.name, mappedParamType: $0.kind.rawValue, mappedParamLocation: $0.location.rawValue)
        }
    }

    static func api(_ orchestrated: OrchestratedAPI) -> Wire.OrchestrationApiInfo {
        let definition = orchestrated.api.definition
        var wire = Wire.OrchestrationApiInfo()
        wire.apiId = orchestrated.api.id
        wire.apiName = definition.name
        wire.reqMethod = definition.reqMethod.rawValue
        wire.reqUri = definition.reqURI
        wire.authType = definition.authType.rawValue
        wire.matchMode = definition.matchMode.rawValue
        wire.groupId = definition.groupID
        wire.groupName = orchestrated.groupName
        wire.attachedTime = orchestrated.attachedAt.inMilliseconds
        return wire
    }
}
